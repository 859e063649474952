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

#include <emmintrin.h>

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

// Where the text of a scalar begins.
inline const char* json_begin(simdjson::ondemand::value value) noexcept {
  return value.raw_json_token().data();
}

// Whether a number inside an object or an array may end before `c`.
constexpr bool ends_number(char c) noexcept {
  return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\n' ||
         c == '\r' || c == '\t';
}

// A number that is not negative, has no fraction and no exponent.
inline bool json_unsigned(simdjson::ondemand::value value,
                          uint64_t* out) noexcept {
  const char* p = json_begin(value);
  return scan_unsigned(p, out) && ends_number(*p);
}

// A price or quantity as a JSON number.
inline DecimalError json_amount(simdjson::ondemand::value value, int scale,
                                int64_t* out) noexcept {
  const char* p = json_begin(value);
  const DecimalError error = scan_amount(p, scale, out);
  if (error != DecimalError::kOk) return error;
  return ends_number(*p) ? error : DecimalError::kSyntax;
}

// Where a string begins, behind its quote; nullptr where it is none.
inline const char* json_quoted_begin(simdjson::ondemand::value value) noexcept {
  simdjson::ondemand::raw_json_string text;
  return value.get_raw_json_string().get(text) == simdjson::SUCCESS ? text.raw()
                                                                    : nullptr;
}

// A price or quantity of which json_quoted_begin was said.
inline DecimalError read_quoted_amount(const char* p, int scale,
                                       int64_t* out) noexcept {
  if (p == nullptr) return DecimalError::kSyntax;
  const DecimalError error = scan_amount(p, scale, out);
  if (error != DecimalError::kOk) return error;
  return *p == '"' ? error : DecimalError::kSyntax;
}

// A price or quantity as a JSON string; an escape in it is a syntax error.
inline DecimalError json_quoted_amount(simdjson::ondemand::value value,
                                       int scale, int64_t* out) noexcept {
  return read_quoted_amount(json_quoted_begin(value), scale, out);
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

// A string in place, or, where it has escapes, resolved in the parser's own
// memory.
inline bool json_string(simdjson::ondemand::value value,
                        std::string_view* out) noexcept {
  const char* const begin = json_quoted_begin(value);
  if (begin == nullptr) return false;
  // Up to three loads: simdjson's padding is behind every string.
  for (size_t at = 0; at < 48; at += 16) {
    const __m128i text =
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(begin + at));
    const auto quotes = static_cast<uint32_t>(
        _mm_movemask_epi8(_mm_cmpeq_epi8(text, _mm_set1_epi8('"'))));
    const auto escapes = static_cast<uint32_t>(
        _mm_movemask_epi8(_mm_cmpeq_epi8(text, _mm_set1_epi8('\\'))));
    if ((escapes & ((quotes & -quotes) - 1)) != 0) break;
    if (quotes != 0) {
      *out = {begin, at + static_cast<size_t>(__builtin_ctz(quotes))};
      return true;
    }
  }
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

// A key that a parser knows, and what it calls it. Compared by words, without a
// loop or a call.
template <typename Key>
class KeyName {
 public:
  constexpr KeyName(std::string_view text, Key key_of_text) : key(key_of_text) {
    if (text.size() >= kWords * 8) throw "longer than kWords";
    for (size_t i = 0; i <= text.size(); ++i) {
      const char c = i == text.size() ? '"' : text[i];
      words_[i / 8] |= uint64_t{static_cast<unsigned char>(c)} << (i % 8 * 8);
      masks_[i / 8] |= uint64_t{0xFF} << (i % 8 * 8);
    }
  }

  // Whether `raw`, a key in the text and what follows, is this one.
  bool matches(const char* raw) const noexcept {
    return (load(raw) & masks_[0]) == words_[0] &&
           (masks_[1] == 0 || ((load(raw + 8) & masks_[1]) == words_[1] &&
                               (load(raw + 16) & masks_[2]) == words_[2]));
  }

  Key key;

 private:
  static constexpr size_t kWords = 3;

  static uint64_t load(const char* p) noexcept {
    uint64_t word;
    std::memcpy(&word, p, sizeof(word));
    return word;
  }

  uint64_t words_[kWords] = {};
  uint64_t masks_[kWords] = {};
};

// Finds an object's keys in a table that names them in the venue's own order:
// the one behind the last is looked at first.
template <typename Key, size_t kNames>
class KeyFinder {
 public:
  explicit KeyFinder(const KeyName<Key> (&names)[kNames]) noexcept
      : names_(names) {}

  // False where the table does not have it.
  bool find(const char* raw, Key* key) noexcept {
    size_t at = next_;
    do {
      const KeyName<Key>& name = names_[at];
      at = at + 1 == kNames ? 0 : at + 1;
      if (name.matches(raw)) {
        next_ = at;
        *key = name.key;
        return true;
      }
    } while (at != next_);
    return false;
  }

 private:
  const KeyName<Key> (&names_)[kNames];
  size_t next_ = 0;
};

// Walks all of `object`: read(key, value) for each field that `names` has,
// which are best in the order in which the venue writes them. False where the
// text is broken, such a key comes twice, or read says so.
template <typename Key, size_t kNames, typename Read>
bool read_fields(simdjson::ondemand::object object,
                 const KeyName<Key> (&names)[kNames], KeysSeen* seen,
                 Read&& read) noexcept {
  if (object.reset().error() != simdjson::SUCCESS) return false;
  KeyFinder finder(names);
  for (auto entry : object) {
    simdjson::ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS) return false;
    Key key;
    if (finder.find(field.key().raw(), &key) &&
        (!seen->add(static_cast<unsigned>(key)) || !read(key, field.value()))) {
      return false;
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
