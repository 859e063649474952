// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/first_of_lines.h"

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

constexpr size_t kA = 0;
constexpr size_t kB = 1;

TEST(FirstOfLines, EachIsPassedOnce) {
  FirstOfLines trades(/*late=*/true);
  EXPECT_TRUE(trades.passes(kA, 10));
  EXPECT_FALSE(trades.passes(kB, 10));
  EXPECT_TRUE(trades.passes(kB, 11));
  EXPECT_TRUE(trades.passes(kB, 15));
  EXPECT_FALSE(trades.passes(kA, 11));
  EXPECT_FALSE(trades.passes(kA, 15));
}

TEST(FirstOfLines, WhatOneLineLostTheOtherBringsLate) {
  FirstOfLines trades(/*late=*/true);
  EXPECT_TRUE(trades.passes(kA, 10));
  EXPECT_TRUE(trades.passes(kA, 12));
  EXPECT_TRUE(trades.passes(kB, 11));
  EXPECT_FALSE(trades.passes(kB, 11));
  EXPECT_FALSE(trades.passes(kB, 12));
}

TEST(FirstOfLines, WhatIsOldNewsIsNotPassed) {
  FirstOfLines quotes(/*late=*/false);
  EXPECT_TRUE(quotes.passes(kA, 12));
  EXPECT_FALSE(quotes.passes(kB, 11)) << "a quote of before";
  FirstOfLines trades(/*late=*/true);
  EXPECT_TRUE(trades.passes(kA, 100));
  EXPECT_FALSE(trades.passes(kB, 100 - FirstOfLines::kWindow));
  EXPECT_TRUE(trades.passes(kB, 101 - FirstOfLines::kWindow));
}

TEST(FirstOfLines, ALineThatGoesBackBeginsAnew) {
  FirstOfLines trades(/*late=*/true);
  EXPECT_TRUE(trades.passes(kA, 1000));
  EXPECT_TRUE(trades.passes(kA, 1));
  EXPECT_TRUE(trades.passes(kA, 2));
  EXPECT_FALSE(trades.passes(kB, 2));
  EXPECT_TRUE(trades.passes(kB, 3));
}

// Two lines that lag and lose at random: what either brought within the window
// is passed, and nothing twice.
TEST(FirstOfLines, NothingTwiceAndNothingLost) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  FirstOfLines trades(/*late=*/true);
  std::set<uint64_t> brought;
  std::set<uint64_t> passed;
  uint64_t next[2] = {1, 1};
  while (next[0] < 20'000) {
    const size_t ahead = next[0] < next[1] ? 1 : 0;
    const bool far = next[ahead] - next[1 - ahead] > 30;
    const size_t line = far ? 1 - ahead : random() % 2;
    const uint64_t number = next[line]++;
    if (random() % 8 == 0) continue;  // lost on the way
    brought.insert(number);
    if (trades.passes(line, number)) {
      EXPECT_TRUE(passed.insert(number).second) << number;
    }
  }
  EXPECT_EQ(passed, brought);
}

}  // namespace
}  // namespace wirebook
