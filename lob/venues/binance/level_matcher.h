// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// LevelMatcher: price levels as Binance writes them, ["61837.63000000",
// "1.54698000"], both with eight decimals, many in a row, without a loop or a
// branch per digit.
//
// Part of the literal fast path: it takes levels as long as they look exactly
// so, and leaves the rest to scan_decimal. Each number is sixteen digits after
// one shuffle, which three multiply-adds make a number (Wojciech Mula and
// Daniel Lemire, "Number parsing at a gigabyte per second"). How many digits
// stand before the point is guessed from the level before, so that the next
// level's place does not wait for this one's contents.
//
// Reads at most kLevelMatcherSlack bytes beyond `end`. Needs SSE4.1, which
// level_matcher_supported() tells at run time; the caller passes no flag.
// Thread rules: plain value.
//
//   LevelMatcher matcher;
//   LevelMatcher::Result read = matcher.match(p, end, levels);
//   // p is behind them

#ifndef WIREBOOK_LOB_VENUES_BINANCE_LEVEL_MATCHER_H_
#define WIREBOOK_LOB_VENUES_BINANCE_LEVEL_MATCHER_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "lob/price_level.h"

namespace wirebook {

inline constexpr size_t kLevelMatcherSlack = 64;

// Whether this CPU can run LevelMatcher::match.
bool level_matcher_supported() noexcept;

class LevelMatcher {
 public:
  // Both numbers of each level are mantissas at eight decimals.
  static constexpr int kScale = 8;

  struct Result {
    size_t count;  // levels read
    bool closed;   // the bracket that closes their array was read, too
  };

  // Reads levels from `p` into `out`, each with the comma or the closing
  // bracket behind it. Stops behind that bracket, when `out` is full, and
  // before a level that looks otherwise, has a price of zero, or begins at or
  // behind `end`.
  Result match(const char*& p, const char* end,
               std::span<PriceLevel> out) noexcept;

 private:
  // Digits before the point, as in the last level.
  uint32_t price_digits_ = 1;
  uint32_t quantity_digits_ = 1;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_BINANCE_LEVEL_MATCHER_H_
