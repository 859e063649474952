// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/tick_window.h"

#include <cstdint>
#include <map>
#include <random>
#include <string>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

TEST(TickWindowTest, SimplestUse) {
  TickWindow window(512);
  window.move_to(6400);
  EXPECT_TRUE(window.set_if_inside(6500, 10));
  EXPECT_TRUE(window.set_if_inside(6402, 20));
  EXPECT_FALSE(window.set_if_inside(6399, 30));
  EXPECT_FALSE(window.set_if_inside(6400 + 512, 30));
  EXPECT_EQ(window.count(), 2U);
  EXPECT_EQ(window.best_tick(), 6402U);
  EXPECT_EQ(window.next_tick(6402), 6500U);
  EXPECT_EQ(window.worst_tick(), 6500U);
  EXPECT_EQ(window.quantity(6500), 10);
  EXPECT_TRUE(window.set_if_inside(6402, 0));
  EXPECT_EQ(window.best_tick(), 6500U);
}

TEST(TickWindowTest, OfNoTicksHoldsNothing) {
  TickWindow window(0);
  EXPECT_FALSE(window.set_if_inside(0, 1));
  EXPECT_EQ(window.count(), 0U);
}

TEST(TickWindowTest, SizesArePowersOfTwoWithinTheLimits) {
  EXPECT_EQ(TickWindow(1).size(), TickWindow::kMinTicks);
  EXPECT_EQ(TickWindow(1000).size(), 1024U);
  EXPECT_EQ(TickWindow(size_t{1} << 40).size(), TickWindow::kMaxTicks);
}

TEST(TickWindowTest, EqualsAMapWhileItMoves) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (const uint64_t size : {512U, 4096U}) {
    TickWindow window(size);
    // Also across the place where tick numbers wrap, as a bid's do.
    uint64_t base = uint64_t{0} - 64 * 40;
    window.move_to(base);
    std::map<uint64_t, int64_t> model;  // by offset from the base
    for (int i = 0; i < 100'000; ++i) {
      const uint64_t offset = random() % size;
      const auto quantity = static_cast<int64_t>(random() % 3);
      ASSERT_TRUE(window.set_if_inside(base + offset, quantity));
      if (quantity == 0) {
        model.erase(offset);
      } else {
        model[offset] = quantity;
      }
      if (i % 700 == 0) {  // empties but for a few at one place, then moves
        while (model.size() > 3) {
          ASSERT_TRUE(window.set_if_inside(base + model.begin()->first, 0));
          model.erase(model.begin());
        }
        const uint64_t step =
            model.empty() ? 0 : model.begin()->first / 64 * 64;
        std::map<uint64_t, int64_t> moved;
        for (const auto& [at, kept] : model) moved[at - step] = kept;
        model = moved;
        base += step;
        window.move_to(base);
      }
      ASSERT_EQ(window.count(), model.size());
      if (model.empty()) continue;
      ASSERT_EQ(window.best_tick(), base + model.begin()->first);
      ASSERT_EQ(window.worst_tick(), base + model.rbegin()->first);
      if (i % 97 != 0) continue;
      uint64_t tick = window.best_tick();
      size_t left = model.size();
      for (const auto& [at, kept] : model) {
        ASSERT_EQ(tick, base + at);
        ASSERT_EQ(window.quantity(tick), kept);
        if (--left != 0) tick = window.next_tick(tick);
      }
    }
  }
}

}  // namespace
}  // namespace wirebook
