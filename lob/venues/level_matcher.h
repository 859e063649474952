// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// match_levels: price levels as most venues write them, ["61837.63","1.546"] or
// ["61837.63","1.546","0","4"], many in a row, without a loop or a branch per
// digit.
//
// Part of the literal fast path: it takes levels as long as they look exactly
// so, and leaves the rest to scan_decimal. Each number is sixteen digits after
// one shuffle, which three multiply-adds make a number (Wojciech Mula and
// Daniel Lemire, "Number parsing at a gigabyte per second"). A number is
// guessed to be as long as the one of the level before, so that the next
// level's place does not wait for this one's contents; a wrong guess costs a
// branch.
//
// Reads at most kLevelMatcherSlack bytes beyond `end`. Needs SSE4.1, which
// level_matcher_supported() tells at run time; the caller passes no flag.
// Thread rules: free function without state. Cost: COSTS.md.
//
//   LevelMatch read = match_levels(p, end, /*price_scale=*/2,
//                                  /*quantity_scale=*/3, levels);
//   // p is behind them

#ifndef WIREBOOK_LOB_VENUES_LEVEL_MATCHER_H_
#define WIREBOOK_LOB_VENUES_LEVEL_MATCHER_H_

#include <cstddef>
#include <span>

#include "lob/price_level.h"

namespace wirebook {

inline constexpr size_t kLevelMatcherSlack = 64;

// Whether this CPU can run match_levels.
bool level_matcher_supported() noexcept;

struct LevelMatch {
  size_t count = 0;     // levels read
  bool closed = false;  // the bracket that closes their array was read, too
};

// Reads levels from `p` into `out`, each with the comma or the closing bracket
// behind it. Stops behind that bracket, when `out` is full, and before a level
// that looks otherwise, has a price of zero, or begins at or behind `end`.
// Two short strings may follow the quantity; they are passed over.
// A number has one to eight digits, and, where it has a point, as many behind
// it, but not more than its scale; it has at most sixteen characters. With a
// scale beyond ten no level is read.
LevelMatch match_levels(const char*& p, const char* end, int price_scale,
                        int quantity_scale, std::span<PriceLevel> out) noexcept;

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_LEVEL_MATCHER_H_
