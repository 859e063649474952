// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/binance/level_matcher.h"

#include <smmintrin.h>

#include <array>
#include <cstring>

namespace wirebook {
namespace {

// A load of 16 bytes holds so many digits, a point and eight digits more.
constexpr uint32_t kMostDigits = 7;
constexpr uint32_t kDecimals = 8;
constexpr int64_t kOne = 100'000'000;  // at eight decimals

// Little-endian words of the text around the numbers.
constexpr uint32_t kOpening = 0x225B;   // ["
constexpr uint32_t kMiddle = 0x222C22;  // ","
constexpr uint32_t kThreeBytes = 0xFFFFFF;
constexpr uint32_t kClosing = 0x5D22;  // "]
constexpr uint32_t kTwoBytes = 0xFFFF;

// Row n moves n digits before the point to the end of the low half, and the
// eight behind it to the high half; 0x80 makes a zero.
constexpr std::array<std::array<uint8_t, 16>, kMostDigits + 1> kShuffles = [] {
  std::array<std::array<uint8_t, 16>, kMostDigits + 1> rows{};
  for (uint32_t n = 0; n <= kMostDigits; ++n) {
    for (uint32_t i = 0; i < 8; ++i) {
      rows[n][i] = i < 8 - n ? uint8_t{0x80} : static_cast<uint8_t>(i + n - 8);
      rows[n][i + 8] = static_cast<uint8_t>(n + 1 + i);
    }
  }
  return rows;
}();

uint32_t load32(const char* p) noexcept {
  uint32_t word;
  std::memcpy(&word, p, sizeof(word));
  return word;
}

// The digits before the first point within 16 bytes, or 0 if they are none or
// too many.
uint32_t count_digits(const char* p) noexcept {
  const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const auto points = static_cast<uint32_t>(
      _mm_movemask_epi8(_mm_cmpeq_epi8(text, _mm_set1_epi8('.'))));
  const auto digits = static_cast<uint32_t>(__builtin_ctz(points | 0x10000));
  return digits <= kMostDigits ? digits : 0;
}

// `digits` digits, any byte, eight digits: false if a digit is none.
[[gnu::target("sse4.1"), gnu::always_inline]] inline bool convert(
    const char* p, uint32_t digits, int64_t* mantissa) noexcept {
  const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i values = _mm_shuffle_epi8(
      _mm_sub_epi8(text, _mm_set1_epi8('0')),
      _mm_loadu_si128(
          reinterpret_cast<const __m128i*>(kShuffles[digits].data())));
  const __m128i nine = _mm_set1_epi8(9);
  if (_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(values, nine), values)) !=
      0xFFFF) [[unlikely]] {
    return false;
  }
  const __m128i pairs = _mm_maddubs_epi16(
      values, _mm_set1_epi16(static_cast<int16_t>(10 | 1 << 8)));
  const __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(100 | 1 << 16));
  const __m128i packed = _mm_packus_epi32(fours, fours);
  const __m128i eights =
      _mm_madd_epi16(packed, _mm_set1_epi32(10'000 | 1 << 16));
  const auto both = static_cast<uint64_t>(_mm_cvtsi128_si64(eights));
  *mantissa = static_cast<int64_t>(both & 0xFFFFFFFF) * kOne +
              static_cast<int64_t>(both >> 32);
  return true;
}

}  // namespace

bool level_matcher_supported() noexcept {
  return __builtin_cpu_supports("sse4.1") != 0;
}

[[gnu::target("sse4.1")]] LevelMatcher::Result LevelMatcher::match(
    const char*& p, const char* end, std::span<PriceLevel> out) noexcept {
  const char* at = p;
  Result result{0, false};
  uint32_t price_digits = price_digits_;
  uint32_t quantity_digits = quantity_digits_;
  while (result.count < out.size() && at < end) {
    if ((load32(at) & kTwoBytes) != kOpening) break;
    const char* const price = at + 2;
    if (price[price_digits] != '.') {
      price_digits = count_digits(price);
      if (price_digits == 0) break;
    }
    const char* const middle = price + price_digits + 1 + kDecimals;
    if ((load32(middle) & kThreeBytes) != kMiddle) break;
    const char* const quantity = middle + 3;
    if (quantity[quantity_digits] != '.') {
      quantity_digits = count_digits(quantity);
      if (quantity_digits == 0) break;
    }
    const char* const closing = quantity + quantity_digits + 1 + kDecimals;
    const uint32_t behind = load32(closing);
    const auto separator = static_cast<char>(behind >> 16);
    if ((behind & kTwoBytes) != kClosing ||
        (separator != ',' && separator != ']')) {
      break;
    }
    PriceLevel level;
    if (!convert(price, price_digits, &level.price) || level.price == 0 ||
        !convert(quantity, quantity_digits, &level.quantity)) {
      break;
    }
    out[result.count++] = level;
    at = closing + 3;
    if (separator == ']') {
      result.closed = true;
      break;
    }
  }
  // A guess of none would match a number that begins with its point.
  price_digits_ = price_digits == 0 ? 1 : price_digits;
  quantity_digits_ = quantity_digits == 0 ? 1 : quantity_digits;
  p = at;
  return result;
}

}  // namespace wirebook
