// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// scan_decimal: decimal text in a receive buffer to an int64 mantissa, at the
// speed of a hot parser.
//
// Use it where a message is parsed in place; use parse_decimal (fixed_point.h)
// where the text's end is known or nothing may be read beyond it. Both accept
// the same numbers and give the same errors.
//
// A number of at most 8 + 8 digits around a point that ends within 15 bytes
// (`61837.63000000`) takes one SSE2 classification and two independent SWAR
// conversions, without a loop per digit; anything else goes to parse_decimal.
//
// May read kDecimalScanSlack bytes from `p` on: the buffer must have them.
// Thread rules: free function without state. Cost: decimal_scanner_benchmark.
//
//   const char* p = cursor;  // at the first digit, after the quote if any
//   int64_t price;
//   if (scan_decimal(p, 8, &price) != DecimalError::kOk) return malformed();
//   // p is now at the first byte after the number
#ifndef WIREBOOK_LOB_DECIMAL_SCANNER_H_
#define WIREBOOK_LOB_DECIMAL_SCANNER_H_

#include <emmintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lob/fixed_point.h"

namespace wirebook {

// Bytes from `p` on that scan_decimal may read, whatever they hold; so a number
// of that many characters or more is kSyntax, though parse_decimal takes it.
inline constexpr size_t kDecimalScanSlack = 32;

namespace decimal_scanner_internal {

constexpr bool is_number_character(char c) noexcept {
  return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' ||
         c == 'e' || c == 'E';
}

// Eight digit values, first digit in the lowest byte, to their number: pairs,
// then fours, then eight (Daniel Lemire, "Quickly parsing eight digits").
constexpr uint64_t combine_eight(uint64_t digits) noexcept {
  digits = (digits * 10) + (digits >> 8);
  digits = ((digits & 0x000000FF000000FF) * 0x000F424000000064 +
            ((digits >> 16) & 0x000000FF000000FF) * 0x0000271000000001) >>
           32;
  return digits;
}

struct ScannedDecimal {
  const char* end;
  int64_t mantissa;
  DecimalError error;
};

// By value, so that the caller's cursor can stay in a register.
ScannedDecimal scan_decimal_slow(const char* p, int scale) noexcept;

}  // namespace decimal_scanner_internal

// Parses the number that starts at `p` and moves `p` to the first byte that
// belongs to no number (none of 0-9 . - + e E). On error `p` and *mantissa are
// untouched.
inline DecimalError scan_decimal(const char*& p, int scale,
                                 int64_t* mantissa) noexcept {
  namespace internal = decimal_scanner_internal;
  const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  // Digits become -128..-119 as signed bytes: the only ones below -118.
  const __m128i digits = _mm_cmplt_epi8(
      _mm_add_epi8(text, _mm_set1_epi8(128 - '0')), _mm_set1_epi8(-118));
  const __m128i points = _mm_cmpeq_epi8(text, _mm_set1_epi8('.'));
  // The next number waits for `end` alone: it is found first, in one step. Bits
  // from 16 on are set, so that it is there.
  const uint32_t others =
      ~static_cast<uint32_t>(_mm_movemask_epi8(_mm_or_si128(digits, points)));
  const auto end = static_cast<uint32_t>(__builtin_ctz(others));
  const uint32_t inside = static_cast<uint32_t>(_mm_movemask_epi8(points)) &
                          (others ^ (others - 1));
  const auto integers = static_cast<uint32_t>(__builtin_ctz(inside | 0x10000));
  const uint32_t decimals = end - integers - 1;
  const char stop = p[end];
  if (integers - 1 > 7 || decimals - 1 > 7 || (inside & (inside - 1)) != 0 ||
      end > 15 || static_cast<uint32_t>(scale) > 10 ||
      decimals > static_cast<uint32_t>(scale) ||
      (stop != '"' && internal::is_number_character(stop))) [[unlikely]] {
    const internal::ScannedDecimal scanned =
        internal::scan_decimal_slow(p, scale);
    if (scanned.error != DecimalError::kOk) return scanned.error;
    p = scanned.end;
    *mantissa = scanned.mantissa;
    return DecimalError::kOk;
  }
  uint64_t high;
  uint64_t low;
  std::memcpy(&high, p, 8);
  std::memcpy(&low, p + integers + 1, 8);
  constexpr uint64_t kZeros = 0x3030303030303030;
  high = internal::combine_eight((high ^ kZeros) << (64 - 8 * integers));
  low = internal::combine_eight((low ^ kZeros) << (64 - 8 * decimals));
  *mantissa = static_cast<int64_t>(
      high * static_cast<uint64_t>(kPowersOfTen[static_cast<size_t>(scale)]) +
      low * static_cast<uint64_t>(
                kPowersOfTen[static_cast<size_t>(scale) - decimals]));
  p += end;
  return DecimalError::kOk;
}

}  // namespace wirebook

#endif  // WIREBOOK_LOB_DECIMAL_SCANNER_H_
