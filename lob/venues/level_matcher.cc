// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/level_matcher.h"

#include <smmintrin.h>

#include <array>
#include <cstdint>
#include <cstring>

#include "lob/fixed_point.h"

namespace wirebook {
namespace {

constexpr uint32_t kMostDigits = 8;  // before the point, and behind it
constexpr uint32_t kMostCharacters = 16;
constexpr int kMostScale = 10;  // eight digits times 10^10 fit

// Little-endian words of the text around the numbers.
constexpr uint32_t kOpening = 0x225B;   // ["
constexpr uint32_t kMiddle = 0x222C22;  // ","
constexpr uint32_t kThreeBytes = 0xFFFFFF;
constexpr uint32_t kClosing = 0x5D22;  // "]
constexpr uint32_t kTwoBytes = 0xFFFF;

// Row [n][m] moves n digits to the end of the low half, and the m behind the
// point to the end of the high half; 0x80 makes a zero.
using Row = std::array<uint8_t, 16>;
alignas(64) constexpr std::array<std::array<Row, kMostDigits + 1>,
                                 kMostDigits + 1> kShuffles = [] {
  std::array<std::array<Row, kMostDigits + 1>, kMostDigits + 1> rows{};
  for (uint32_t n = 0; n <= kMostDigits; ++n) {
    for (uint32_t m = 0; m <= kMostDigits; ++m) {
      Row& row = rows[n][m];
      row.fill(0x80);
      for (uint32_t i = 0; i < n; ++i) {
        row[8 - n + i] = static_cast<uint8_t>(i);
      }
      for (uint32_t i = 0; i < m && n + 1 + i < kMostCharacters; ++i) {
        row[16 - m + i] = static_cast<uint8_t>(n + 1 + i);
      }
    }
  }
  return rows;
}();

uint32_t load32(const char* p) noexcept {
  uint32_t word;
  std::memcpy(&word, p, sizeof(word));
  return word;
}

__m128i load128(const void* p) noexcept {
  return _mm_loadu_si128(static_cast<const __m128i*>(p));
}

uint32_t bits_of(__m128i mask) noexcept {
  return static_cast<uint32_t>(_mm_movemask_epi8(mask));
}

// How a number is written: so many characters before and behind its point.
struct Shape {
  uint32_t size = 0;  // of all, 0 for none of ours
  uint32_t before = 0;
  char stop = '\0';  // behind those: the point, or the quote
  const Row* row = nullptr;
  int64_t unit = 0;  // of its last digit, in mantissas
};

Shape shape_of(const char* p, int scale) noexcept {
  const __m128i text = load128(p);
  const uint32_t end = uint32_t{1} << kMostCharacters;
  const auto size = static_cast<uint32_t>(
      __builtin_ctz(bits_of(_mm_cmpeq_epi8(text, _mm_set1_epi8('"'))) | end));
  const auto before = static_cast<uint32_t>(__builtin_ctz(
      bits_of(_mm_cmpeq_epi8(text, _mm_set1_epi8('.'))) | uint32_t{1} << size));
  const bool has_point = before != size;
  const uint32_t behind = has_point ? size - before - 1 : 0;
  if (before - 1 >= kMostDigits || (has_point && behind == 0) ||
      behind > kMostDigits || behind > static_cast<uint32_t>(scale)) {
    return {};
  }
  return {.size = size,
          .before = before,
          .stop = has_point ? '.' : '"',
          .row = &kShuffles[before][behind],
          .unit = kPowersOfTen[static_cast<size_t>(scale) - behind]};
}

// From the quote behind a level's quantity to the quote behind two short
// strings more; `p` where they are none, or not plain.
const char* pass_two(const char* p) noexcept {
  const __m128i text = load128(p + 3);
  const uint32_t quotes =
      bits_of(_mm_cmpeq_epi8(text, _mm_set1_epi8('"'))) | 0x10000;
  const uint32_t later = quotes & (quotes - 1) & 0xFFFF;
  const uint32_t last = (later & (later - 1)) | 0x10000;
  const auto first_size = static_cast<uint32_t>(__builtin_ctz(quotes));
  const auto size = static_cast<uint32_t>(__builtin_ctz(last));
  // Signed, so that bytes from 128 on are below the blank.
  const __m128i odd =
      _mm_or_si128(_mm_cmplt_epi8(text, _mm_set1_epi8('!')),
                   _mm_or_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8(127)),
                                _mm_cmpeq_epi8(text, _mm_set1_epi8('\\'))));
  if (size == 16 || (load32(p) & kThreeBytes) != kMiddle ||
      (load32(p + 3 + first_size) & kThreeBytes) != kMiddle ||
      (bits_of(odd) & ((uint32_t{1} << size) - 1)) != 0) {
    return p;
  }
  return p + 3 + size;
}

// False if a digit is none.
[[gnu::target("sse4.1"), gnu::always_inline]] inline bool convert(
    const char* p, const Shape& shape, int64_t one,
    int64_t* mantissa) noexcept {
  const __m128i values = _mm_shuffle_epi8(
      _mm_sub_epi8(load128(p), _mm_set1_epi8('0')), load128(shape.row->data()));
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
  *mantissa = static_cast<int64_t>(both & 0xFFFFFFFF) * one +
              static_cast<int64_t>(both >> 32) * shape.unit;
  return true;
}

}  // namespace

bool level_matcher_supported() noexcept {
  return __builtin_cpu_supports("sse4.1") != 0;
}

[[gnu::target("sse4.1")]] LevelMatch match_levels(
    const char*& p, const char* end, int price_scale, int quantity_scale,
    std::span<PriceLevel> out) noexcept {
  LevelMatch result;
  if (static_cast<uint32_t>(price_scale) > kMostScale ||
      static_cast<uint32_t>(quantity_scale) > kMostScale) {
    return result;
  }
  const int64_t price_one = kPowersOfTen[static_cast<size_t>(price_scale)];
  const int64_t quantity_one =
      kPowersOfTen[static_cast<size_t>(quantity_scale)];
  const char* at = p;
  Shape price_shape;
  Shape quantity_shape;
  while (result.count < out.size() && at < end) {
    if ((load32(at) & kTwoBytes) != kOpening) break;
    const char* const price = at + 2;
    if (price[price_shape.before] != price_shape.stop ||
        (load32(price + price_shape.size) & kThreeBytes) != kMiddle) {
      price_shape = shape_of(price, price_scale);
      if (price_shape.size == 0 ||
          (load32(price + price_shape.size) & kThreeBytes) != kMiddle) {
        break;
      }
    }
    const char* const quantity = price + price_shape.size + 3;
    if (quantity[quantity_shape.before] != quantity_shape.stop ||
        quantity[quantity_shape.size] != '"') {
      quantity_shape = shape_of(quantity, quantity_scale);
      if (quantity_shape.size == 0) break;
    }
    const char* closing = quantity + quantity_shape.size;
    if (closing[1] == ',') closing = pass_two(closing);
    const uint32_t behind = load32(closing);
    const auto separator = static_cast<char>(behind >> 16);
    if ((behind & kTwoBytes) != kClosing ||
        (separator != ',' && separator != ']')) {
      break;
    }
    PriceLevel level;
    if (!convert(price, price_shape, price_one, &level.price) ||
        level.price == 0 ||
        !convert(quantity, quantity_shape, quantity_one, &level.quantity)) {
      break;
    }
    out[result.count++] = level;
    at = closing + 3;
    if (separator == ']') {
      result.closed = true;
      break;
    }
  }
  p = at;
  return result;
}

}  // namespace wirebook
