// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/line_arbiter.h"

#include <algorithm>
#include <deque>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

using Action = LineArbiter::Action;
using Change = LineArbiter::Change;

constexpr size_t kA = 0;
constexpr size_t kB = 1;
constexpr uint64_t kPatience = 100;

// Both lines bring the book, and ids up to 10 passed by A at tick 1.
struct AtTen : LineArbiter {
  AtTen() : LineArbiter(kPatience) {
    EXPECT_EQ(on_up(kA), Change::kUp);
    EXPECT_EQ(on_up(kB), Change::kNone);
    on_subscribed(kB);
    EXPECT_EQ(on_update(kA, 9, 10, 1), Action::kPass);
  }
};

TEST(LineArbiter, TheFirstWinsAndTheSecondIsADuplicate) {
  AtTen lines;
  EXPECT_EQ(lines.on_update(kB, 9, 10, 4), Action::kDuplicate);
  EXPECT_EQ(lines.on_update(kB, 10, 11, 5), Action::kPass);
  EXPECT_EQ(lines.on_update(kA, 10, 11, 12), Action::kDuplicate);
  const LineStatistics a = lines.statistics(kA);
  const LineStatistics b = lines.statistics(kB);
  EXPECT_EQ(a.won, 1u);
  EXPECT_EQ(a.duplicates, 1u);
  EXPECT_EQ(a.lag_ticks, 7u);
  EXPECT_EQ(b.won, 1u);
  EXPECT_EQ(b.lag_ticks, 3u);
  EXPECT_EQ(b.measured, 1u);
}

TEST(LineArbiter, EventsThatAreCutDifferentlyAreMergedByCoverage) {
  AtTen lines;
  EXPECT_EQ(lines.on_update(kA, 10, 15, 2), Action::kPass);
  EXPECT_EQ(lines.on_update(kB, 10, 13, 2), Action::kDuplicate);
  EXPECT_EQ(lines.on_update(kB, 13, 18, 3), Action::kPass)
      << "16 to 18 are new";
  EXPECT_EQ(lines.on_update(kA, 15, 17, 3), Action::kDuplicate);
  EXPECT_EQ(lines.on_update(kA, 17, 20, 4), Action::kPass);
}

TEST(LineArbiter, WhatOneLineLosesTheOtherBrings) {
  AtTen lines;
  EXPECT_EQ(lines.on_update(kA, 12, 13, 2), Action::kAhead) << "A lost 11, 12";
  EXPECT_EQ(lines.on_update(kB, 10, 12, 3), Action::kPass);
  EXPECT_EQ(lines.on_update(kB, 12, 13, 4), Action::kPass);
  EXPECT_EQ(lines.on_update(kA, 13, 14, 5), Action::kPass) << "A is back";
  EXPECT_EQ(lines.statistics(kA).ahead, 1u);
}

TEST(LineArbiter, WhatBothLoseIsAGap) {
  AtTen lines;
  EXPECT_EQ(lines.on_update(kA, 12, 13, 2), Action::kAhead);
  EXPECT_EQ(lines.on_update(kB, 11, 13, 3), Action::kGap);
  EXPECT_EQ(lines.on_update(kA, 13, 14, 4), Action::kPass) << "from there on";
}

TEST(LineArbiter, AHoleThatNobodyFillsInTimeIsAGap) {
  AtTen lines;
  EXPECT_EQ(lines.on_update(kA, 12, 13, 50), Action::kAhead);
  EXPECT_EQ(lines.on_update(kA, 13, 14, 150), Action::kAhead);
  EXPECT_EQ(lines.on_update(kA, 14, 15, 151), Action::kGap);
}

TEST(LineArbiter, AHoleInAMarketThatFallsQuietIsAGapInTimeToo) {
  AtTen lines;
  EXPECT_FALSE(lines.awaits());
  EXPECT_EQ(lines.on_update(kA, 12, 13, 50), Action::kAhead);
  EXPECT_TRUE(lines.awaits());
  EXPECT_EQ(lines.on_time(150), Change::kNone);
  EXPECT_EQ(lines.on_time(151), Change::kGap);
  EXPECT_FALSE(lines.awaits());
  EXPECT_EQ(lines.on_time(1000), Change::kNone) << "it was said";
}

TEST(LineArbiter, ALineThatIsLateButBringsIsWaitedFor) {
  AtTen lines;
  EXPECT_EQ(lines.on_update(kA, 14, 15, 50), Action::kAhead);
  EXPECT_EQ(lines.on_update(kB, 10, 12, 140), Action::kPass);
  EXPECT_EQ(lines.on_update(kA, 15, 16, 230), Action::kAhead);
  EXPECT_EQ(lines.on_time(240), Change::kNone);
  EXPECT_EQ(lines.on_update(kB, 12, 16, 240), Action::kPass);
  EXPECT_FALSE(lines.awaits());
  EXPECT_EQ(lines.on_time(1000), Change::kNone);
}

TEST(LineArbiter, ALineThatNeverBroughtTheBookFillsNoHole) {
  struct AIsAlone : LineArbiter {
    AIsAlone() : LineArbiter(kPatience) {
      EXPECT_EQ(on_up(kA), Change::kUp);
      EXPECT_EQ(on_update(kA, 9, 10, 1), Action::kPass);
      EXPECT_EQ(on_up(kB), Change::kNone);
    }
  };
  AIsAlone lost;
  EXPECT_EQ(lost.on_lost(kA), Change::kGap);
  AIsAlone missed;
  EXPECT_EQ(missed.on_update(kA, 11, 12, 2), Action::kGap);
  AIsAlone faulted;
  EXPECT_EQ(faulted.on_fault(kA), Change::kGap);
  AIsAlone joined;
  joined.on_subscribed(kB);
  EXPECT_EQ(joined.on_lost(kA), Change::kNone);
}

TEST(LineArbiter, ALineThatClosesSaysNothingMoreUntilItIsUpAgain) {
  AtTen lines;
  EXPECT_EQ(lines.on_closing(kA), Change::kNone);
  EXPECT_EQ(lines.on_closing(kB), Change::kLost);
  EXPECT_EQ(lines.on_update(kA, 10, 11, 2), Action::kDuplicate);
  EXPECT_FALSE(lines.on_snapshot(kA, 11, /*live=*/false, 2));
  EXPECT_EQ(lines.on_fault(kA), Change::kNone);
  EXPECT_EQ(lines.on_lost(kA), Change::kLost);
  EXPECT_EQ(lines.on_up(kA), Change::kUp) << "the first that is there again";
  EXPECT_EQ(lines.on_update(kA, 50, 51, 3), Action::kPass);
}

TEST(LineArbiter, ALineAloneIsJudgedAtOnce) {
  LineArbiter lines(kPatience);
  EXPECT_EQ(lines.on_up(kB), Change::kUp);
  EXPECT_EQ(lines.on_update(kB, 9, 10, 1), Action::kPass);
  EXPECT_EQ(lines.on_update(kB, 11, 12, 2), Action::kGap);
}

TEST(LineArbiter, TheBookIsLostWithTheLastLineAlone) {
  AtTen lines;
  EXPECT_EQ(lines.on_lost(kA), Change::kNone);
  EXPECT_EQ(lines.on_update(kB, 10, 11, 2), Action::kPass);
  EXPECT_EQ(lines.on_lost(kB), Change::kLost);
  EXPECT_EQ(lines.on_up(kA), Change::kUp);
  EXPECT_EQ(lines.on_update(kA, 400, 401, 3), Action::kPass) << "a new start";
}

TEST(LineArbiter, TheLineThatWasToFillAHoleIsLost) {
  AtTen lines;
  EXPECT_EQ(lines.on_update(kA, 12, 13, 2), Action::kAhead);
  EXPECT_EQ(lines.on_lost(kB), Change::kGap);
  AtTen other;
  EXPECT_EQ(other.on_update(kA, 12, 13, 2), Action::kAhead);
  EXPECT_EQ(other.on_stale(kB), Change::kGap);
}

TEST(LineArbiter, AFaultOnOneLineIsTheOthersToMend) {
  AtTen lines;
  EXPECT_EQ(lines.on_fault(kA), Change::kNone);
  EXPECT_EQ(lines.on_fault(kB), Change::kGap) << "and who mends that?";
  AtTen alone;
  EXPECT_EQ(alone.on_fault(kA), Change::kNone);
  EXPECT_EQ(alone.on_lost(kB), Change::kGap);
  AtTen in_order;
  EXPECT_EQ(in_order.on_fault(kA), Change::kNone);
  EXPECT_EQ(in_order.on_update(kA, 10, 11, 3), Action::kPass) << "not ours";
  EXPECT_EQ(in_order.on_lost(kB), Change::kNone);
  EXPECT_EQ(in_order.statistics(kA).faults, 1u);
}

TEST(LineArbiter, TheBookIsStaleWhenAllLinesAre) {
  AtTen lines;
  EXPECT_EQ(lines.on_stale(kA), Change::kNone);
  EXPECT_EQ(lines.on_stale(kB), Change::kStale);
  EXPECT_EQ(lines.on_heard(kA), Change::kAlive);
  EXPECT_EQ(lines.on_heard(kA), Change::kNone);
}

TEST(LineArbiter, ALineThatSpeaksAgainWithAHoleMendsNothing) {
  AtTen lines;
  EXPECT_EQ(lines.on_fault(kA), Change::kNone);
  EXPECT_EQ(lines.on_stale(kA), Change::kNone);
  EXPECT_EQ(lines.on_stale(kB), Change::kStale);
  EXPECT_EQ(lines.on_heard(kA), Change::kGap) << "B was to bring it";
}

TEST(LineArbiter, ASnapshotOfALineThatJoinsIsNoNews) {
  LineArbiter lines(kPatience);
  lines.on_up(kA);
  lines.on_up(kB);
  EXPECT_TRUE(lines.on_snapshot(kA, 10, /*live=*/false, 1));
  EXPECT_EQ(lines.on_update(kA, 10, 12, 2), Action::kPass);
  EXPECT_FALSE(lines.on_snapshot(kB, 11, /*live=*/true, 3));
  EXPECT_EQ(lines.on_update(kB, 11, 12, 4), Action::kDuplicate);
  // One that nobody waits for replaces the book, whatever its id.
  EXPECT_TRUE(lines.on_snapshot(kA, 1, /*live=*/true, 5));
  EXPECT_EQ(lines.on_update(kA, 1, 2, 6), Action::kPass);
  EXPECT_EQ(lines.on_update(kB, 12, 13, 7), Action::kAhead);
  EXPECT_TRUE(lines.on_snapshot(kB, 2, /*live=*/true, 8));
}

TEST(LineArbiter, IdsMayStartAnewWhereTheyChain) {
  AtTen lines;
  EXPECT_EQ(lines.on_update(kA, 10, 3, 2), Action::kPass);
  EXPECT_EQ(lines.on_update(kB, 10, 3, 3), Action::kDuplicate);
  EXPECT_EQ(lines.on_update(kB, 3, 5, 4), Action::kPass);
}

// Two lines that cut one stream of ids differently, lag at random and lose
// events: what is passed covers each id, or a gap says so.
TEST(LineArbiter, NoIdIsMissingBetweenGaps) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  size_t passed = 0;
  size_t gaps = 0;
  for (int round = 0; round < 200; ++round) {
    LineArbiter lines(kPatience);
    lines.on_up(kA);
    lines.on_up(kB);
    uint64_t next[2] = {1, 1};
    uint64_t covered = 0;
    bool started = false;
    for (uint64_t tick = 1; tick < 400; ++tick) {
      const size_t line = random() % 2;
      const uint64_t begin = next[line] - 1;
      const uint64_t end = begin + 1 + random() % 4;
      next[line] = end + 1;
      if (random() % 16 == 0) continue;  // lost on the way
      switch (lines.on_update(line, begin, end, tick)) {
        case Action::kPass:
          if (started) {
            ASSERT_LE(begin, covered);
            ASSERT_GT(end, covered);
          }
          ++passed;
          covered = end;
          started = true;
          break;
        case Action::kDuplicate:
          ASSERT_LE(end, covered);
          break;
        case Action::kAhead:
          ASSERT_GT(begin, covered);
          break;
        case Action::kGap:
          ASSERT_GT(begin, covered);
          ++gaps;
          covered = end;
          break;
      }
    }
  }
  EXPECT_GT(passed, 1000u);
  EXPECT_GT(gaps, 10u);
}

}  // namespace
}  // namespace wirebook
