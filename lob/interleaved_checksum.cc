// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/interleaved_checksum.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "lob/crc32.h"
#include "lob/fixed_point.h"

namespace wirebook {
namespace {

// JavaScript writes numbers below this many decimals' first digit by exponent.
constexpr int kJavaScriptDecimals = 6;

// "-1.5e-7": the digits before the exponent without trailing zeros.
size_t format_exponent(int64_t mantissa, int scale, char* out) noexcept {
  char digits[kMaxDecimalSize] = {};  // g++ does not see to_chars fill it
  const uint64_t magnitude = mantissa < 0
                                 ? uint64_t{0} - static_cast<uint64_t>(mantissa)
                                 : static_cast<uint64_t>(mantissa);
  const char* const end =
      std::to_chars(digits, digits + sizeof digits, magnitude).ptr;
  const auto count = static_cast<int>(end - digits);
  int used = count;
  while (used > 1 && digits[used - 1] == '0') --used;
  char* p = out;
  if (mantissa < 0) *p++ = '-';
  *p++ = digits[0];
  if (used > 1) {
    *p++ = '.';
    p = std::copy(digits + 1, digits + used, p);
  }
  *p++ = 'e';
  p = std::to_chars(p, p + 4, count - 1 - scale).ptr;
  return static_cast<size_t>(p - out);
}

// Whether |mantissa| / 10^scale is below 10^-6.
bool is_tiny(int64_t mantissa, int scale) noexcept {
  if (mantissa == 0 || scale <= kJavaScriptDecimals) return false;
  const int64_t bound =
      kPowersOfTen[static_cast<size_t>(scale - kJavaScriptDecimals)];
  return mantissa < bound && mantissa > -bound;
}

class Text {
 public:
  void add(const PriceLevel& level, int price_scale, int quantity_scale,
           AmountStyle style) noexcept {
    if (size_ != 0) text_[size_++] = ':';
    size_ +=
        format_checksum_amount(level.price, price_scale, style, text_ + size_);
    text_[size_++] = ':';
    size_ += format_checksum_amount(level.quantity, quantity_scale, style,
                                    text_ + size_);
  }
  std::span<const char> get() const noexcept { return {text_, size_}; }

 private:
  size_t size_ = 0;
  char text_[2 * kInterleavedLevels * 2 * (kMaxDecimalSize + 5)];
};

}  // namespace

size_t format_checksum_amount(int64_t mantissa, int scale, AmountStyle style,
                              char* out) noexcept {
  if (style == AmountStyle::kJavaScript && is_tiny(mantissa, scale)) {
    return format_exponent(mantissa, scale, out);
  }
  size_t size = format_decimal(mantissa, scale, out);
  if (scale == 0) return size;
  while (out[size - 1] == '0') --size;
  if (out[size - 1] == '.') --size;
  return size;
}

uint32_t interleaved_checksum(std::span<const PriceLevel> bids,
                              std::span<const PriceLevel> asks, int price_scale,
                              int quantity_scale, AmountStyle style) noexcept {
  Text text;
  for (size_t i = 0; i < kInterleavedLevels; ++i) {
    if (i < bids.size()) text.add(bids[i], price_scale, quantity_scale, style);
    if (i < asks.size()) {
      PriceLevel ask = asks[i];
      if (style == AmountStyle::kJavaScript) ask.quantity = -ask.quantity;
      text.add(ask, price_scale, quantity_scale, style);
    }
  }
  return crc32(text.get());
}

}  // namespace wirebook
