// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// One level of an order book: a price and the quantity resting there.
//
// Both are mantissas, that is integers scaled by a power of ten which travels
// beside them (fixed_point.h): with price_scale 2, 61837.63 is 6183763.
#ifndef WIREBOOK_LOB_PRICE_LEVEL_H_
#define WIREBOOK_LOB_PRICE_LEVEL_H_

#include <cstdint>

namespace wirebook {

enum class Side : uint8_t { kBid, kAsk };

constexpr Side opposite(Side side) noexcept {
  return side == Side::kBid ? Side::kAsk : Side::kBid;
}

struct PriceLevel {
  int64_t price = 0;
  int64_t quantity = 0;

  friend constexpr bool operator==(const PriceLevel&,
                                   const PriceLevel&) = default;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_PRICE_LEVEL_H_
