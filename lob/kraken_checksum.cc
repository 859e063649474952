// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/kraken_checksum.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "lob/crc32.h"

namespace wirebook {
namespace {

constexpr uint64_t kEightDigits = 100'000'000;

// The eight digit values of a number below 10^8, first digit in the lowest
// byte: halves, pairs and digits split side by side by multiplication (Paul
// Khuong, "How to print integers really fast").
uint64_t split_eight(uint64_t value) noexcept {
  const uint64_t halves = (value / 10'000) | (value % 10'000 << 32);
  const uint64_t hundreds = ((halves * 10'486) >> 20) & 0x0000007F0000007F;
  const uint64_t pairs = hundreds | ((halves - 100 * hundreds) << 16);
  const uint64_t tens = ((pairs * 103) >> 10) & 0x000F000F000F000F;
  return tens | ((pairs - 10 * tens) << 8);
}

// Writes the digits of `value` without leading zeros (none for 0) and returns
// their number; may write eight bytes beyond them.
size_t write_digits(uint64_t value, char* out) noexcept {
  constexpr uint64_t kZeros = 0x3030303030303030;
  size_t size = 0;
  if (value >= kEightDigits) {
    size = write_digits(value / kEightDigits, out);
    const uint64_t text = split_eight(value % kEightDigits) + kZeros;
    std::memcpy(out + size, &text, 8);
    return size + 8;
  }
  if (value == 0) return 0;
  const uint64_t digits = split_eight(value);
  const auto zeros = static_cast<unsigned>(__builtin_ctzll(digits)) / 8;
  const uint64_t text = (digits + kZeros) >> (8 * zeros);
  std::memcpy(out, &text, 8);
  return 8 - zeros;
}

// A book of Kraken's has no negative numbers; the sign would not be written.
uint64_t magnitude(int64_t value) noexcept {
  const auto bits = static_cast<uint64_t>(value);
  return value < 0 ? uint64_t{0} - bits : bits;
}

}  // namespace

uint32_t kraken_checksum(const L2Book& book) noexcept {
  char text[2 * KrakenChecksum::kLevels * 40 + 8];
  size_t size = 0;
  for (const Side side : {Side::kAsk, Side::kBid}) {
    PriceLevel levels[KrakenChecksum::kLevels];
    const size_t count = book.top(side, levels);
    for (const PriceLevel& level : std::span(levels, count)) {
      size += write_digits(magnitude(level.price), text + size);
      size += write_digits(magnitude(level.quantity), text + size);
    }
  }
  return crc32(std::span<const char>(text, size));
}

bool KrakenChecksum::SideText::update(std::span<const PriceLevel> levels,
                                      Side side) noexcept {
  const size_t count = std::min(levels.size(), kLevels);
  const Text& old = texts_[now_];
  size_t same = 0;
  while (same < count && same < old.count && old.levels[same] == levels[same]) {
    ++same;
  }
  if (same == count && count == old.count) return false;

  // Both sequences are best first, so one pass finds what they share: mostly
  // all before a level that changed, came or went, and all behind it.
  Text& next = texts_[1 - now_];
  next.count = 0;
  copy(old, 0, same, next);
  size_t at = same;  // in `old`
  while (next.count < count) {
    const PriceLevel level = levels[next.count];
    while (at < old.count &&
           (side == Side::kAsk ? old.levels[at].price < level.price
                               : old.levels[at].price > level.price)) {
      ++at;
    }
    size_t run = 0;
    while (next.count + run < count && at + run < old.count &&
           old.levels[at + run] == levels[next.count + run]) {
      ++run;
    }
    if (run != 0) {
      copy(old, at, run, next);
      at += run;
      continue;
    }
    char* const digits = next.digits + next.ends[next.count];
    size_t size;
    if (at < old.count && old.levels[at].price == level.price) {
      size = old.price_sizes[at];
      std::memcpy(digits, old.digits + old.ends[at], kMaxDigits);
      ++at;
    } else {
      size = write_digits(magnitude(level.price), digits);
    }
    const size_t place = next.count++;
    next.price_sizes[place] = static_cast<uint8_t>(size);
    next.levels[place] = level;
    size += write_digits(magnitude(level.quantity), digits + size);
    next.ends[place + 1] = static_cast<uint16_t>(next.ends[place] + size);
  }
  now_ = 1 - now_;
  return true;
}

// Appends `count` levels of `from`, the first at `at`.
void KrakenChecksum::SideText::copy(const Text& from, size_t at, size_t count,
                                    Text& to) noexcept {
  constexpr size_t kStep = 32;
  const char* const digits = from.digits + from.ends[at];
  const size_t size = size_t{from.ends[at + count]} - from.ends[at];
  char* const out = to.digits + to.ends[to.count];
  for (size_t i = 0; i < size; i += kStep) {
    std::memcpy(out + i, digits + i, kStep);
  }
  const auto shift = static_cast<uint16_t>(to.ends[to.count] - from.ends[at]);
  for (size_t i = 0; i < count; ++i) {
    const size_t place = to.count + i;
    to.levels[place] = from.levels[at + i];
    to.price_sizes[place] = from.price_sizes[at + i];
    to.ends[place + 1] = static_cast<uint16_t>(from.ends[at + i + 1] + shift);
  }
  to.count += count;
}

uint32_t KrakenChecksum::update(const L2Book& book) noexcept {
  PriceLevel asks[kLevels];
  PriceLevel bids[kLevels];
  const size_t ask_count = book.top(Side::kAsk, asks);
  const size_t bid_count = book.top(Side::kBid, bids);
  return update(std::span(asks).first(ask_count),
                std::span(bids).first(bid_count));
}

uint32_t KrakenChecksum::update(std::span<const PriceLevel> asks,
                                std::span<const PriceLevel> bids) noexcept {
  const bool asks_changed = asks_.update(asks, Side::kAsk);
  const bool bids_changed = bids_.update(bids, Side::kBid);
  if (asks_changed) {
    asks_sum_ = crc32(std::span<const char>(asks_.text(), asks_.size()));
  }
  if (bids_changed) {
    bids_sum_ = crc32(std::span<const char>(bids_.text(), bids_.size()));
  }
  if (asks_changed || bids_changed) {
    sum_ = crc32_combine(asks_sum_, bids_sum_, bids_.size());
  }
  return sum_;
}

}  // namespace wirebook
