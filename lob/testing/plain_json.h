// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// JSON read plainly, numbers kept as their text: what tests read the venues'
// messages with, so that they share nothing with the parsers under test. Slow,
// strict (RFC 8259), and allocates for every value.
//
//   std::optional<PlainJson> json = read_plain_json(text);
//   if (!json) return "no JSON";
//   std::string price = (*json)["data"][0]["price"].text;

#ifndef WIREBOOK_LOB_TESTING_PLAIN_JSON_H_
#define WIREBOOK_LOB_TESTING_PLAIN_JSON_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wirebook {

struct PlainJson {
  enum class Kind { kNone, kWord, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kNone;
  std::string text;  // of a word, a number, a string (escapes as written)
  std::vector<PlainJson> items;  // of an array, an object
  std::vector<std::string> keys;

  bool has(std::string_view key) const { return &(*this)[key] != &none(); }
  const PlainJson& operator[](std::string_view key) const {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (keys[i] == key) return items[i];
    }
    return none();
  }
  const PlainJson& operator[](std::size_t i) const {
    return i < items.size() ? items[i] : none();
  }

 private:
  static const PlainJson& none() {
    static const PlainJson json;
    return json;
  }
};

namespace plain_json_internal {

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool read_all(PlainJson* out) {
    return read(out, 0) && (skip(), at_ == text_.size());
  }

 private:
  static constexpr int kDeepest = 64;

  char next() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) !=
                                     std::string_view::npos) {
      ++at_;
    }
  }
  bool take(char c) {
    skip();
    if (next() != c) return false;
    ++at_;
    return true;
  }

  bool read(PlainJson* out, int depth) {
    skip();
    if (depth > kDeepest) return false;
    switch (next()) {
      case '{':
        return read_object(out, depth);
      case '[':
        return read_array(out, depth);
      case '"':
        out->kind = PlainJson::Kind::kString;
        return read_string(&out->text);
      default:
        return read_word(out) || read_number(out);
    }
  }

  bool read_object(PlainJson* out, int depth) {
    out->kind = PlainJson::Kind::kObject;
    ++at_;
    if (take('}')) return true;
    do {
      skip();
      std::string key;
      if (next() != '"' || !read_string(&key) || !take(':')) return false;
      out->keys.push_back(std::move(key));
      if (!read(&out->items.emplace_back(), depth + 1)) return false;
    } while (take(','));
    return take('}');
  }

  bool read_array(PlainJson* out, int depth) {
    out->kind = PlainJson::Kind::kArray;
    ++at_;
    if (take(']')) return true;
    do {
      if (!read(&out->items.emplace_back(), depth + 1)) return false;
    } while (take(','));
    return take(']');
  }

  bool read_string(std::string* out) {
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c == '"') {
        ++at_;
        return true;
      }
      out->push_back(c);
      if (c == '\\' && ++at_ < text_.size()) out->push_back(text_[at_]);
    }
    return false;
  }

  bool read_word(PlainJson* out) {
    for (const std::string_view word : {"true", "false", "null"}) {
      if (text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      out->kind = PlainJson::Kind::kWord;
      out->text = word;
      return true;
    }
    return false;
  }

  bool digits() {
    const std::size_t begin = at_;
    while (next() >= '0' && next() <= '9') ++at_;
    return at_ != begin;
  }

  bool read_number(PlainJson* out) {
    const std::size_t begin = at_;
    if (next() == '-') ++at_;
    const bool zero = next() == '0';
    const std::size_t whole = at_;
    if (!digits() || (zero && at_ - whole > 1)) return false;
    if (next() == '.' && (++at_, !digits())) return false;
    if (next() == 'e' || next() == 'E') {
      ++at_;
      if (next() == '+' || next() == '-') ++at_;
      if (!digits()) return false;
    }
    out->kind = PlainJson::Kind::kNumber;
    out->text = text_.substr(begin, at_ - begin);
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace plain_json_internal

// Nothing if `text` is no JSON.
inline std::optional<PlainJson> read_plain_json(std::string_view text) {
  PlainJson json;
  if (!plain_json_internal::Reader(text).read_all(&json)) return std::nullopt;
  return json;
}

}  // namespace wirebook

#endif  // WIREBOOK_LOB_TESTING_PLAIN_JSON_H_
