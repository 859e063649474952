// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Kraken's book checksum: CRC-32 over the digits of the ten best asks, then of
// the ten best bids, each level as price then quantity without point and
// leading zeros (docs.kraken.com, "Calculate book checksum (v2)").
//
// The digits are those of the mantissas, so the book must be at the
// instrument's own precisions: the texts' trailing zeros count. Use
// KrakenChecksum where every message is verified: it keeps the digits of each
// level and formats only levels that changed; kraken_checksum() is the same
// without memory.
//
// Thread rules: one thread an object.
// Cost: an eighth of snprintf and zlib (kraken_checksum_benchmark).
//
//   KrakenChecksum checksum;  // beside its book
//   book.apply(...);
//   book.truncate(10);
//   if (checksum.update(book) != message.checksum) resubscribe();
#ifndef WIREBOOK_LOB_KRAKEN_CHECKSUM_H_
#define WIREBOOK_LOB_KRAKEN_CHECKSUM_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "lob/l2_book.h"
#include "lob/price_level.h"

namespace wirebook {

uint32_t kraken_checksum(const L2Book& book) noexcept;

class KrakenChecksum {
 public:
  static constexpr size_t kLevels = 10;

  // The checksum of `book` as it is now. Any book may follow any other: what is
  // kept is compared, not trusted.
  uint32_t update(const L2Book& book) noexcept;
  // The same for a caller who has the best levels already; those beyond kLevels
  // are ignored.
  uint32_t update(std::span<const PriceLevel> asks,
                  std::span<const PriceLevel> bids) noexcept;
  // What update() gave last: for a caller who knows that nothing changed.
  uint32_t last() const noexcept { return sum_; }

 private:
  // The digits of one level: a price and a quantity of up to 19 each.
  struct Entry {
    uint8_t price_size;
    uint8_t size;
    char digits[46];
  };
  static_assert(sizeof(Entry) == 48);

  class SideText {
   public:
    // False if nothing changed.
    bool update(std::span<const PriceLevel> levels, Side side) noexcept;
    const char* text() const noexcept { return text_; }
    size_t size() const noexcept { return ends_[count_]; }

   private:
    PriceLevel levels_[kLevels];
    // Of each level the place of its digits, which stay where they are. Twice
    // as many as levels, so that new ones find room before old ones are given
    // up.
    uint8_t slots_[kLevels] = {};
    Entry entries_[2 * kLevels];
    uint32_t used_ = 0;  // bit s: entries_[s] is in slots_
    size_t count_ = 0;
    uint16_t ends_[kLevels + 1] = {};  // of each level in text_, from ends_[1]
    // Written 48 bytes at a time.
    char text_[kLevels * 38 + 64];
  };

  SideText asks_;
  SideText bids_;
  uint32_t asks_sum_ = 0;
  uint32_t sum_ = 0;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_KRAKEN_CHECKSUM_H_
