// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// A book by other means: std::map and decimals as text (the simulator's Book),
// with a hash that says whether two books are equal, theirs or ours.
//
//   DepthModel model;
//   model.apply(depth, /*max_depth=*/0);
//   EXPECT_EQ(hash_of(keeper.book(), SIZE_MAX), model.hash());

#ifndef WIREBOOK_LOB_TESTING_DEPTH_MODEL_H_
#define WIREBOOK_LOB_TESTING_DEPTH_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "lob/l2_book.h"
#include "lob/price_level.h"
#include "lob/testing/depth_reader.h"
#include "tools/exchange_sim/book.h"

namespace wirebook {

inline uint64_t mixed(uint64_t x) {  // splitmix64
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// A book's hash is the xor of its levels'.
inline uint64_t level_hash(Side side, sim::Decimal price,
                           sim::Decimal quantity) {
  uint64_t hash = mixed(side == Side::kBid ? 1 : 2);
  for (const sim::Decimal number : {price, quantity}) {
    hash = mixed(hash ^ static_cast<uint64_t>(number));
    hash = mixed(hash ^ static_cast<uint64_t>(number >> 64));
  }
  return hash;
}

inline sim::Side sim_side(Side side) {
  return side == Side::kBid ? sim::Side::kBid : sim::Side::kAsk;
}

class DepthModel {
 public:
  void apply(const DepthRead& depth, size_t max_depth) {
    if (depth.snapshot) {
      book_.clear();
      hash_ = 0;
    }
    for (const DepthLevel& level : depth.levels) {
      set(level.side, level.price, level.quantity);
    }
    if (max_depth == 0) return;
    for (const Side side : {Side::kBid, Side::kAsk}) {
      const sim::Levels& levels = book_.levels(sim_side(side));
      while (levels.size() > max_depth) {
        const std::string worst = std::prev(levels.end())->second.price;
        set(side, worst, "0");
      }
    }
  }

  const sim::Book& book() const { return book_; }
  uint64_t hash() const { return hash_; }
  uint64_t top_hash(size_t count) const {
    uint64_t hash = 0;
    for (const Side side : {Side::kBid, Side::kAsk}) {
      size_t left = count;
      for (const auto& [price, level] : book_.levels(sim_side(side))) {
        if (left-- == 0) break;
        hash ^= level_hash(side, price, *sim::parse_decimal(level.quantity));
      }
    }
    return hash;
  }

 private:
  void set(Side side, const std::string& price, const std::string& quantity) {
    const sim::Levels& levels = book_.levels(sim_side(side));
    const auto key = sim::parse_decimal(price);
    const auto amount = sim::parse_decimal(quantity);
    ASSERT_TRUE(key && amount) << price << " " << quantity;
    if (const auto old = levels.find(*key); old != levels.end()) {
      hash_ ^=
          level_hash(side, *key, *sim::parse_decimal(old->second.quantity));
    }
    book_.set(sim_side(side), price, quantity);
    if (*amount != 0) hash_ ^= level_hash(side, *key, *amount);
  }

  sim::Book book_;
  uint64_t hash_ = 0;
};

// The same of the book under test; `count` levels a side.
inline uint64_t hash_of(const L2Book& book, size_t count) {
  const sim::Decimal price_unit = sim::power_of_ten(18 - book.price_scale());
  const sim::Decimal quantity_unit =
      sim::power_of_ten(18 - book.quantity_scale());
  uint64_t hash = 0;
  for (const Side side : {Side::kBid, Side::kAsk}) {
    const auto add = [&](const PriceLevel& level) {
      hash ^= level_hash(side, level.price * price_unit,
                         level.quantity * quantity_unit);
    };
    if (count == SIZE_MAX) {
      book.for_each(side, add);
    } else {
      std::vector<PriceLevel> levels(count);
      levels.resize(book.top(side, levels));
      for (const PriceLevel& level : levels) add(level);
    }
  }
  return hash;
}

// Of both alike: the levels up to the horizon, where a side has one.
using Horizon = std::optional<int64_t>;

inline bool within(Side side, int64_t price, const Horizon& horizon) {
  return !horizon ||
         (side == Side::kBid ? price >= *horizon : price <= *horizon);
}

inline uint64_t known_hash(const L2Book& book, const Horizon (&horizons)[2]) {
  const sim::Decimal price_unit = sim::power_of_ten(18 - book.price_scale());
  const sim::Decimal quantity_unit =
      sim::power_of_ten(18 - book.quantity_scale());
  uint64_t hash = 0;
  for (const Side side : {Side::kBid, Side::kAsk}) {
    book.for_each(side, [&](const PriceLevel& level) {
      if (!within(side, level.price, horizons[static_cast<size_t>(side)])) {
        return;
      }
      hash ^= level_hash(side, level.price * price_unit,
                         level.quantity * quantity_unit);
    });
  }
  return hash;
}

inline uint64_t known_hash(const sim::Book& book, int price_scale,
                           const Horizon (&horizons)[2]) {
  const sim::Decimal price_unit = sim::power_of_ten(18 - price_scale);
  uint64_t hash = 0;
  for (const Side side : {Side::kBid, Side::kAsk}) {
    for (const auto& [price, level] : book.levels(sim_side(side))) {
      if (within(side, static_cast<int64_t>(price / price_unit),
                 horizons[static_cast<size_t>(side)])) {
        hash ^= level_hash(side, price, *sim::parse_decimal(level.quantity));
      }
    }
  }
  return hash;
}

}  // namespace wirebook

#endif  // WIREBOOK_LOB_TESTING_DEPTH_MODEL_H_
