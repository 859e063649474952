// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Matchers for parsers that know which bytes come next: literals, unsigned
// integers and names, read in place.
//
// Use it for the literal fast path of a venue's hot messages, and for the
// tokens that simdjson found. A matcher that fails leaves the cursor anywhere;
// the caller then gives up on the whole message.
//
// Reads at most 32 bytes beyond the cursor: the buffer needs that much slack.
// Thread rules: plain value. Cost: one compare per eight bytes of a literal.
//
//   TextScanner in(raw.data, raw.data + raw.size);
//   uint64_t id;
//   if (!in.literal("{\"u\":") || !in.unsigned_number(&id)) return false;

#ifndef WIREBOOK_LOB_VENUES_TEXT_SCANNER_H_
#define WIREBOOK_LOB_VENUES_TEXT_SCANNER_H_

#include <emmintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "lob/decimal_scanner.h"
#include "lob/fixed_point.h"

namespace wirebook {

// Digits without a leading zero, up to UINT64_MAX; moves `p` behind them.
inline bool scan_unsigned(const char*& p, uint64_t* value) noexcept {
  if (*p == '0') {
    if (static_cast<unsigned char>(p[1] - '0') <= 9) return false;
    ++p;
    *value = 0;
    return true;
  }
  const char* q = p;
  uint64_t result = 0;
  uint64_t eight;
  std::memcpy(&eight, q, 8);
  // Eight digits at once: high nibbles are 3, and stay 3 after adding 6.
  if ((eight & (eight + 0x0606060606060606) & 0xF0F0F0F0F0F0F0F0) ==
      0x3030303030303030) {
    result =
        decimal_scanner_internal::combine_eight(eight ^ 0x3030303030303030);
    q += 8;
  }
  for (;; ++q) {
    const auto digit = static_cast<unsigned char>(*q - '0');
    if (digit > 9) break;
    if (__builtin_mul_overflow(result, uint64_t{10}, &result) ||
        __builtin_add_overflow(result, uint64_t{digit}, &result)) {
      return false;
    }
  }
  if (q == p) return false;
  p = q;
  *value = result;
  return true;
}

// A price or a quantity: never negative, not even minus zero.
inline DecimalError scan_amount(const char*& p, int scale,
                                int64_t* mantissa) noexcept {
  if (*p == '-') return DecimalError::kSyntax;
  // Of every second level, where the venue writes it so: the level goes.
  if (*p == '0' && p[1] == '"') {
    ++p;
    *mantissa = 0;
    return DecimalError::kOk;
  }
  return scan_decimal(p, scale, mantissa);
}

class TextScanner {
 public:
  TextScanner(const char* begin, const char* end) noexcept
      : p_(begin), end_(end) {}

  const char* position() const noexcept { return p_; }
  const char* end() const noexcept { return end_; }
  bool at_end() const noexcept { return p_ == end_; }
  char peek() const noexcept { return *p_; }
  void skip(size_t n) noexcept { p_ += n; }
  void move_to(const char* position) noexcept { p_ = position; }

  // Matches a string literal. What lies in the slack never matches as a whole
  // message: the caller asks at_end() last.
  template <size_t kSize>
  bool literal(const char (&text)[kSize]) noexcept {
    static_assert(kSize - 1 <= 32, "longer than the slack allows");
    if (std::memcmp(p_, text, kSize - 1) != 0) return false;
    p_ += kSize - 1;
    return p_ <= end_;
  }

  bool unsigned_number(uint64_t* value) noexcept {
    return p_ < end_ && scan_unsigned(p_, value);
  }

  bool amount(int scale, int64_t* mantissa) noexcept {
    return p_ < end_ && scan_amount(p_, scale, mantissa) == DecimalError::kOk;
  }

  // Printable ASCII up to a closing quote, which is consumed; no escapes.
  bool name(std::string_view* out) noexcept {
    const char* q = p_;
    uint32_t stops;
    // Sixteen at once: the quote ends it, and whatever else is no plain
    // character (signed, so that bytes from 128 on are below the blank).
    while (true) {
      if (q >= end_) return false;
      const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(q));
      const __m128i odd =
          _mm_or_si128(_mm_or_si128(_mm_cmplt_epi8(text, _mm_set1_epi8('!')),
                                    _mm_cmpeq_epi8(text, _mm_set1_epi8(127))),
                       _mm_or_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8('"')),
                                    _mm_cmpeq_epi8(text, _mm_set1_epi8('\\'))));
      stops = static_cast<uint32_t>(_mm_movemask_epi8(odd));
      if (stops != 0) break;
      q += 16;
    }
    q += __builtin_ctz(stops);
    if (q >= end_ || *q != '"') return false;
    *out = {p_, static_cast<size_t>(q - p_)};
    p_ = q + 1;
    return true;
  }

  // A name that stands behind what it is needed for: the text ends with
  // `before`, up to the name's quote, the name, and `behind`, from its quote
  // on. From now on it ends where `before` begins.
  template <size_t kBefore, size_t kBehind>
  bool name_at_end(const char (&before)[kBefore], std::string_view* out,
                   const char (&behind)[kBehind]) noexcept {
    if (end_ - p_ < static_cast<ptrdiff_t>(kBefore + kBehind - 2)) return false;
    const char* const close = end_ - (kBehind - 1);
    if (std::memcmp(close, behind, kBehind - 1) != 0) return false;
    TextScanner name(quote_before(close), end_);
    if (name.p_ - p_ < static_cast<ptrdiff_t>(kBefore - 1)) return false;
    const char* const open = name.p_ - (kBefore - 1);
    if (std::memcmp(open, before, kBefore - 1) != 0 || !name.name(out) ||
        name.p_ != close + 1) {
      return false;
    }
    end_ = open;
    return true;
  }

 private:
  // Behind the last quote before `at`; the cursor where there is none.
  const char* quote_before(const char* at) const noexcept {
    for (; at - p_ >= 16; at -= 16) {
      const __m128i text =
          _mm_loadu_si128(reinterpret_cast<const __m128i*>(at - 16));
      const auto quotes = static_cast<uint32_t>(
          _mm_movemask_epi8(_mm_cmpeq_epi8(text, _mm_set1_epi8('"'))));
      if (quotes != 0) return at + 16 - __builtin_clz(quotes);
    }
    while (at != p_ && at[-1] != '"') --at;
    return at;
  }

  const char* p_;
  const char* end_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_TEXT_SCANNER_H_
