// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/sorted_levels.h"

#include <cstdint>
#include <iterator>
#include <map>
#include <random>
#include <string>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

TEST(SortedLevelsTest, SimplestUse) {
  SortedLevels levels(16, 1024);
  levels.set(20, 2);
  levels.set(10, 1);
  EXPECT_EQ(levels.best_key(), 10);
  EXPECT_EQ(levels.best_quantity(), 1);
  EXPECT_EQ(levels.worst_key(), 20);
  levels.set(10, 0);
  EXPECT_EQ(levels.best_key(), 20);
  EXPECT_EQ(levels.size(), 1U);
}

TEST(SortedLevelsTest, EqualsAMapUnderRandomOperations) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (const uint64_t range : {30, 500, 20'000}) {
    SortedLevels levels(256, 1 << 20);
    std::map<int64_t, int64_t> model;
    uint64_t removals = 50;  // percent, in waves: fills and drains
    for (int i = 0; i < 100'000; ++i) {
      if (i % 5000 == 0) removals = 20 + random() % 70;
      const auto key = static_cast<int64_t>(random() % range);
      const auto quantity = random() % 100 < removals
                                ? int64_t{0}
                                : static_cast<int64_t>(1 + random() % 1000);
      levels.set(key, quantity);
      if (quantity == 0) {
        model.erase(key);
      } else {
        model[key] = quantity;
      }
      if (random() % 2000 == 0) {
        const size_t depth = random() % (model.size() + 1);
        levels.truncate(depth);
        while (model.size() > depth) model.erase(std::prev(model.end()));
      }
      ASSERT_EQ(levels.size(), model.size());
      if (!model.empty()) {
        ASSERT_EQ(levels.best_key(), model.begin()->first);
        ASSERT_EQ(levels.best_quantity(), model.begin()->second);
        ASSERT_EQ(levels.worst_key(), model.rbegin()->first);
      }
      if (i % 500 != 0) continue;
      auto expected = model.begin();
      for (auto at = levels.begin(); !levels.at_end(at); at = levels.next(at)) {
        ASSERT_NE(expected, model.end());
        ASSERT_EQ(levels.key(at), expected->first);
        ASSERT_EQ(levels.quantity(at), expected->second);
        ++expected;
      }
      ASSERT_EQ(expected, model.end());
      const auto from = static_cast<int64_t>(random() % range);
      const auto at = levels.lower_bound(from);
      const auto bound = model.lower_bound(from);
      ASSERT_EQ(levels.at_end(at), bound == model.end());
      if (bound != model.end()) {
        ASSERT_EQ(levels.key(at), bound->first);
      }
    }
  }
}

TEST(SortedLevelsTest, NoGrowthUpToTheInitialCapacity) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  constexpr size_t kInitial = 1000;
  SortedLevels levels(kInitial, 1 << 20);
  for (int i = 0; i < 200'000; ++i) {
    const auto key = static_cast<int64_t>(random() % 3000);
    levels.set(key, levels.size() < kInitial && random() % 3 != 0 ? 1 : 0);
  }
  EXPECT_EQ(levels.growths(), 0U);
}

TEST(SortedLevelsTest, DropsTheWorstAtTheMaximumAndCountsIt) {
  SortedLevels levels(10, 100);
  for (int64_t key = 0; key < 100; ++key) levels.set(2 * key, 1);
  levels.set(500, 1);  // worse than all
  EXPECT_EQ(levels.worst_key(), 198);
  levels.set(1, 1);
  EXPECT_EQ(levels.worst_key(), 196);
  EXPECT_EQ(levels.size(), 100U);
  EXPECT_EQ(levels.dropped(), 2U);
  levels.set(1, 7);  // no new level
  EXPECT_EQ(levels.dropped(), 2U);
}

}  // namespace
}  // namespace wirebook
