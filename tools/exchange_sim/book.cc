// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/book.h"

#include <zlib.h>

#include <algorithm>
#include <iterator>

namespace wirebook::sim {
namespace {

void append_digits(std::string_view text, std::string& out) {
  bool leading = true;
  for (const char c : text) {
    if (c == '.' || (leading && c == '0')) continue;
    leading = false;
    out.push_back(c);
  }
}

void append_top_ten(const Levels& levels, std::string& out) {
  int left = 10;
  for (const auto& [price, level] : levels) {
    if (left-- == 0) return;
    append_digits(level.price, out);
    append_digits(level.quantity, out);
  }
}

void keep_first(Levels& levels, std::size_t depth) {
  while (levels.size() > depth) levels.erase(std::prev(levels.end()));
}

}  // namespace

std::optional<Decimal> parse_decimal(std::string_view text) {
  constexpr int kMaxWholeDigits = 19;
  Decimal value = 0;
  int whole = 0;
  int places = -1;
  for (const char c : text) {
    if (c == '.') {
      if (places >= 0 || whole == 0) return std::nullopt;
      places = 0;
      continue;
    }
    if (c < '0' || c > '9') return std::nullopt;
    if (places >= 0) {
      if (++places > kDecimalPlaces) return std::nullopt;
    } else if (++whole > kMaxWholeDigits) {
      return std::nullopt;
    }
    value = value * 10 + (c - '0');
  }
  if (whole == 0 || places == 0) return std::nullopt;
  return value * power_of_ten(kDecimalPlaces - std::max(places, 0));
}

std::string format_decimal(std::int64_t mantissa, int places) {
  std::string digits = std::to_string(mantissa);
  if (places == 0) return digits;
  const auto point = static_cast<std::size_t>(places);
  if (digits.size() <= point) digits.insert(0, point + 1 - digits.size(), '0');
  digits.insert(digits.size() - point, 1, '.');
  return digits;
}

Decimal power_of_ten(int exponent) {
  Decimal result = 1;
  while (exponent-- > 0) result *= 10;
  return result;
}

bool Book::set(Side side, std::string_view price, std::string_view quantity) {
  const std::optional<Decimal> key = parse_decimal(price);
  const std::optional<Decimal> size = parse_decimal(quantity);
  if (!key || !size) return false;
  Levels& levels = side == Side::kBid ? bids_ : asks_;
  if (*size == 0) {
    levels.erase(*key);
  } else {
    levels[*key] = Level{std::string(price), std::string(quantity)};
  }
  return true;
}

void Book::truncate(std::size_t depth) {
  keep_first(bids_, depth);
  keep_first(asks_, depth);
}

void Book::clear() {
  bids_.clear();
  asks_.clear();
}

bool Book::crossed() const {
  return !bids_.empty() && !asks_.empty() &&
         bids_.begin()->first >= asks_.begin()->first;
}

std::uint32_t Book::kraken_checksum() const {
  std::string text;
  append_top_ten(asks_, text);
  append_top_ten(bids_, text);
  return static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(text.data()),
            static_cast<uInt>(text.size())));
}

}  // namespace wirebook::sim
