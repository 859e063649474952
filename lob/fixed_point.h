// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Decimal text to and from int64 mantissas, exactly; no double anywhere.
//
// A number is mantissa * 10^-scale with 0 <= scale <= kMaxScale. Use this at
// set-up, in dumps and for odd input; in a message parser's hot loop use
// scan_decimal (decimal_scanner.h), which gives the same answers faster.
//
// Thread rules: free functions without state.
// Cost: a loop over the digits.
//
//   int64_t price;
//   if (parse_decimal("61837.63", 2, &price) != DecimalError::kOk) ...
//   decimal_string(price, 2);  // "61837.63"
#ifndef WIREBOOK_LOB_FIXED_POINT_H_
#define WIREBOOK_LOB_FIXED_POINT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace wirebook {

// 10^18 is the largest power of ten in int64.
inline constexpr int kMaxScale = 18;

inline constexpr std::array<int64_t, kMaxScale + 1> kPowersOfTen = [] {
  std::array<int64_t, kMaxScale + 1> powers{};
  int64_t power = 1;
  for (int i = 0; i <= kMaxScale; ++i) {
    powers[static_cast<size_t>(i)] = power;
    if (i < kMaxScale) power *= 10;
  }
  return powers;
}();

enum class DecimalError : uint8_t {
  kOk,
  kSyntax,           // not a number
  kTooManyDecimals,  // a non-zero digit below 10^-scale
  kOverflow,         // does not fit int64 at this scale
};

const char* decimal_error_name(DecimalError error) noexcept;

// Parses all of [begin, end): -?digits(.digits)?([eE][+-]?digits)?, that is a
// JSON number, leading zeros allowed. Decimals beyond `scale` must be zeros.
// On error *mantissa is untouched. A `scale` outside 0..kMaxScale is kOverflow.
DecimalError parse_decimal(const char* begin, const char* end, int scale,
                           int64_t* mantissa) noexcept;

inline DecimalError parse_decimal(std::string_view text, int scale,
                                  int64_t* mantissa) noexcept {
  return parse_decimal(text.data(), text.data() + text.size(), scale, mantissa);
}

// The most that format_decimal writes: sign, 19 digits or "0." and 18, point.
inline constexpr size_t kMaxDecimalSize = 24;

// Writes the number with exactly `scale` decimals (no point when scale is 0)
// and returns the size; no terminating zero. 0 <= scale <= kMaxScale.
size_t format_decimal(int64_t mantissa, int scale, char* out) noexcept;

std::string decimal_string(int64_t mantissa, int scale);

}  // namespace wirebook

#endif  // WIREBOOK_LOB_FIXED_POINT_H_
