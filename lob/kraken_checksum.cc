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
  size_t same = 0;
  while (same < count && same < count_ && levels_[same] == levels[same]) {
    ++same;
  }
  if (same == count && count == count_) return false;

  // Both sequences are best first, so one pass finds the prices they share.
  uint8_t old_slots[kLevels];
  PriceLevel old_levels[kLevels];
  std::memcpy(old_slots, slots_, sizeof(slots_));
  std::memcpy(old_levels, levels_, sizeof(levels_));
  size_t old = same;
  uint32_t kept = 0;
  for (size_t i = 0; i < same; ++i) kept |= 1U << slots_[i];
  size_t size = ends_[same];
  for (size_t i = same; i < count; ++i) {
    const PriceLevel level = levels[i];
    while (old < count_ &&
           (side == Side::kAsk ? old_levels[old].price < level.price
                               : old_levels[old].price > level.price)) {
      ++old;
    }
    uint32_t slot;
    bool fresh = true;
    if (old < count_ && old_levels[old].price == level.price) {
      fresh = old_levels[old].quantity != level.quantity;
      slot = old_slots[old++];
    } else {
      slot = static_cast<uint32_t>(__builtin_ctz(~(used_ | kept)));
      entries_[slot].price_size = static_cast<uint8_t>(
          write_digits(magnitude(level.price), entries_[slot].digits));
    }
    kept |= 1U << slot;
    Entry& entry = entries_[slot];
    if (fresh) {
      entry.size = static_cast<uint8_t>(
          entry.price_size + write_digits(magnitude(level.quantity),
                                          entry.digits + entry.price_size));
    }
    levels_[i] = level;
    slots_[i] = static_cast<uint8_t>(slot);
    std::memcpy(text_ + size, entry.digits, sizeof(entry.digits));
    size += entry.size;
    ends_[i + 1] = static_cast<uint16_t>(size);
  }
  used_ = kept;
  count_ = count;
  return true;
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
  if (asks_changed || bids_changed) {
    sum_ = crc32(std::span<const char>(bids_.text(), bids_.size()), asks_sum_);
  }
  return sum_;
}

}  // namespace wirebook
