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
// Cost: a twentieth of snprintf and zlib; figures: COSTS.md.
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
  // Of a price or a quantity.
  static constexpr size_t kMaxDigits = 19;

  class SideText {
   public:
    // False if nothing changed.
    bool update(std::span<const PriceLevel> levels, Side side) noexcept;
    const char* text() const noexcept { return texts_[now_].digits; }
    size_t size() const noexcept {
      return texts_[now_].ends[texts_[now_].count];
    }

   private:
    struct Text {
      size_t count = 0;
      PriceLevel levels[kLevels];
      uint16_t ends[kLevels + 1] = {};  // of each level in digits, from ends[1]
      uint8_t price_sizes[kLevels] = {};
      // Read and written 32 bytes at a time.
      char digits[kLevels * 2 * kMaxDigits + 64] = {};
    };
    static void copy(const Text& from, size_t at, size_t count,
                     Text& to) noexcept;

    // One is made of the other.
    Text texts_[2];
    size_t now_ = 0;
  };

  SideText asks_;
  SideText bids_;
  uint32_t asks_sum_ = 0;
  uint32_t bids_sum_ = 0;
  uint32_t sum_ = 0;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_KRAKEN_CHECKSUM_H_
