// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/fixed_point.h"

namespace wirebook {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

}  // namespace

const char* decimal_error_name(DecimalError error) noexcept {
  switch (error) {
    case DecimalError::kOk:
      return "ok";
    case DecimalError::kSyntax:
      return "not a number";
    case DecimalError::kTooManyDecimals:
      return "more decimals than the scale";
    case DecimalError::kOverflow:
      return "does not fit 64 bits";
  }
  return "unknown";
}

DecimalError parse_decimal(const char* begin, const char* end, int scale,
                           int64_t* mantissa) noexcept {
  if (scale < 0 || scale > kMaxScale) return DecimalError::kOverflow;
  const char* p = begin;
  const bool negative = p != end && *p == '-';
  if (negative) ++p;

  const char* const integer = p;
  while (p != end && is_digit(*p)) ++p;
  const char* const integer_end = p;
  if (integer == integer_end) return DecimalError::kSyntax;
  const char* fraction = p;
  if (p != end && *p == '.') {
    fraction = ++p;
    while (p != end && is_digit(*p)) ++p;
    if (p == fraction) return DecimalError::kSyntax;
  }
  const char* const fraction_end = p;

  int64_t exponent = 0;
  if (p != end && (*p == 'e' || *p == 'E')) {
    ++p;
    const bool negative_exponent = p != end && *p == '-';
    if (p != end && (*p == '-' || *p == '+')) ++p;
    if (p == end || !is_digit(*p)) return DecimalError::kSyntax;
    // Saturates: past a million only zero is in range, whatever the digits.
    for (; p != end && is_digit(*p); ++p) {
      if (exponent < 1'000'000'000) exponent = exponent * 10 + (*p - '0');
    }
    if (negative_exponent) exponent = -exponent;
  }
  if (p != end) return DecimalError::kSyntax;

  // Digit i of the significand stands for digit * 10^(place - i) units.
  int64_t place = (integer_end - integer) - 1 + exponent + scale;
  uint64_t value = 0;
  bool overflow = false;
  bool inexact = false;
  const auto take = [&](const char* from, const char* to) {
    for (; from != to; ++from, --place) {
      const auto digit = static_cast<uint64_t>(*from - '0');
      if (place < 0) {
        inexact |= digit != 0;
      } else if (value != 0 || digit != 0) {
        overflow |= __builtin_mul_overflow(value, uint64_t{10}, &value);
        overflow |= __builtin_add_overflow(value, digit, &value);
      }
    }
  };
  take(integer, integer_end);
  take(fraction, fraction_end);
  // Zeros that the exponent puts behind the last digit.
  if (value != 0) {
    for (; place >= 0 && !overflow; --place) {
      overflow |= __builtin_mul_overflow(value, uint64_t{10}, &value);
    }
  }
  if (overflow) return DecimalError::kOverflow;
  if (value > static_cast<uint64_t>(INT64_MAX) + (negative ? 1 : 0)) {
    return DecimalError::kOverflow;
  }
  if (inexact) return DecimalError::kTooManyDecimals;
  *mantissa = static_cast<int64_t>(negative ? uint64_t{0} - value : value);
  return DecimalError::kOk;
}

size_t format_decimal(int64_t mantissa, int scale, char* out) noexcept {
  char reversed[kMaxDecimalSize];
  size_t size = 0;
  uint64_t rest = static_cast<uint64_t>(mantissa);
  if (mantissa < 0) rest = uint64_t{0} - rest;
  for (int digits = 0; rest != 0 || digits <= scale; ++digits) {
    if (digits == scale && scale != 0) reversed[size++] = '.';
    reversed[size++] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  }
  if (mantissa < 0) reversed[size++] = '-';
  for (size_t i = 0; i < size; ++i) out[i] = reversed[size - 1 - i];
  return size;
}

std::string decimal_string(int64_t mantissa, int scale) {
  char text[kMaxDecimalSize];
  return std::string(text, format_decimal(mantissa, scale, text));
}

}  // namespace wirebook
