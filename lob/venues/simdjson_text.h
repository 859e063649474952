// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What the venues' simdjson paths share: strings and numbers as raw text, so
// that no number ever passes through a double, objects walked by the names of
// their keys, and keys seen once.
//
// Use it inside a VenueParser. Thread rules: free functions.
//
//   ondemand::value value = ...;
//   uint64_t id;
//   if (!json_unsigned(value, &id)) return false;

#ifndef WIREBOOK_LOB_VENUES_SIMDJSON_TEXT_H_
#define WIREBOOK_LOB_VENUES_SIMDJSON_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "lob/fixed_point.h"
#include "lob/venues/text_scanner.h"
#include "simdjson.h"

namespace wirebook {

// Takes memory for messages up to 1 MiB, and touches what one of 64 KiB needs:
// a hot message meets neither the heap nor a fresh page. A longer body grows
// it.
inline void prepare_json_parser(simdjson::ondemand::parser& parser) {
  if (parser.allocate(size_t{1} << 20) != simdjson::SUCCESS) {
    throw std::bad_alloc();
  }
  std::string dense = "[0";
  while (dense.size() < (size_t{1} << 16)) dense += ",0";
  const simdjson::padded_string text(dense + ']');
  simdjson::ondemand::document document;
  static_cast<void>(parser.iterate(text).get(document) == simdjson::SUCCESS);
}

// The text of a scalar, without the white space behind it.
inline std::string_view json_token(simdjson::ondemand::value value) noexcept {
  std::string_view token = value.raw_json_token();
  while (!token.empty() && (token.back() == ' ' || token.back() == '\n' ||
                            token.back() == '\r' || token.back() == '\t')) {
    token.remove_suffix(1);
  }
  return token;
}

// A number that is not negative, has no fraction and no exponent.
inline bool json_unsigned(simdjson::ondemand::value value,
                          uint64_t* out) noexcept {
  const std::string_view token = json_token(value);
  const char* p = token.data();
  return !token.empty() && scan_unsigned(p, out) &&
         p == token.data() + token.size();
}

// A price or quantity as a JSON number.
inline DecimalError json_amount(simdjson::ondemand::value value, int scale,
                                int64_t* out) noexcept {
  const std::string_view token = json_token(value);
  const char* p = token.data();
  if (token.empty()) return DecimalError::kSyntax;
  const DecimalError error = scan_amount(p, scale, out);
  if (error != DecimalError::kOk) return error;
  return p == token.data() + token.size() ? error : DecimalError::kSyntax;
}

// A price or quantity as a JSON string; an escape in it is a syntax error.
inline DecimalError json_quoted_amount(simdjson::ondemand::value value,
                                       int scale, int64_t* out) noexcept {
  simdjson::ondemand::raw_json_string text;
  if (value.get_raw_json_string().get(text) != simdjson::SUCCESS) {
    return DecimalError::kSyntax;
  }
  const char* p = text.raw();
  const DecimalError error = scan_amount(p, scale, out);
  if (error != DecimalError::kOk) return error;
  return *p == '"' ? error : DecimalError::kSyntax;
}

enum class NumberStyle : uint8_t { kQuoted, kBare };

// The digits of a price or quantity whose scale is not known yet; they are
// checked by read_amount.
inline bool json_amount_text(simdjson::ondemand::value value, NumberStyle style,
                             std::string_view* digits) noexcept {
  *digits = json_token(value);
  if (style == NumberStyle::kBare) return !digits->empty();
  if (digits->size() < 3 || digits->front() != '"') return false;
  *digits = digits->substr(1, digits->size() - 2);
  return true;
}

inline DecimalError read_amount(std::string_view digits, int scale,
                                int64_t* out) noexcept {
  const char* p = digits.data();
  const DecimalError error = scan_amount(p, scale, out);
  if (error != DecimalError::kOk) return error;
  return p == digits.data() + digits.size() ? error : DecimalError::kSyntax;
}

// A string, its escapes resolved in the parser's own memory.
inline bool json_string(simdjson::ondemand::value value,
                        std::string_view* out) noexcept {
  return value.get_string().get(*out) == simdjson::SUCCESS;
}

// What `key` holds, as a value or what `out` is; `from` may have been walked.
template <typename T>
bool json_find(simdjson::ondemand::object from, std::string_view key,
               T* out) noexcept {
  return from.reset().error() == simdjson::SUCCESS &&
         from.find_field_unordered(key).get(*out) == simdjson::SUCCESS;
}

// A string of digits: json_unsigned in quotes.
inline bool json_quoted_unsigned(simdjson::ondemand::value value,
                                 uint64_t* out) noexcept {
  std::string_view text;
  if (!json_amount_text(value, NumberStyle::kQuoted, &text)) return false;
  const char* p = text.data();
  return scan_unsigned(p, out) && p == text.data() + text.size();
}

// The keys of one object that must not come twice.
class KeysSeen {
 public:
  // False the second time.
  bool add(unsigned key) noexcept {
    const uint32_t bit = 1u << key;
    const bool first = (seen_ & bit) == 0;
    seen_ |= bit;
    return first;
  }
  bool has(unsigned key) const noexcept { return (seen_ >> key & 1) != 0; }
  template <typename... Keys>
  bool has_all(Keys... keys) const noexcept {
    return (has(keys) && ...);
  }

 private:
  uint32_t seen_ = 0;
};

// The keys that a parser knows, and what it calls them.
template <typename Key>
struct KeyName {
  std::string_view text;
  Key key;
};

// Walks all of `object`: read(key, value) for each field that `names` has.
// False where the text is broken, such a key comes twice, or read says so.
template <typename Key, size_t kNames, typename Read>
bool read_fields(simdjson::ondemand::object object,
                 const KeyName<Key> (&names)[kNames], KeysSeen* seen,
                 Read&& read) noexcept {
  if (object.reset().error() != simdjson::SUCCESS) return false;
  for (auto entry : object) {
    simdjson::ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS) return false;
    const char* const raw = field.key().raw();
    for (const KeyName<Key>& name : names) {
      if (std::memcmp(raw, name.text.data(), name.text.size()) != 0 ||
          raw[name.text.size()] != '"') {
        continue;
      }
      if (!seen->add(static_cast<unsigned>(name.key)) ||
          !read(name.key, field.value()))
        return false;
      break;
    }
  }
  return true;
}

// Walks an array of objects: read(object) for each. False where it is none or
// read says so.
template <typename Read>
bool read_objects(simdjson::ondemand::value value, Read&& read) noexcept {
  simdjson::ondemand::array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) return false;
  for (auto entry : array) {
    simdjson::ondemand::object object;
    if (entry.get_object().get(object) != simdjson::SUCCESS || !read(object)) {
      return false;
    }
  }
  return true;
}

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_SIMDJSON_TEXT_H_
