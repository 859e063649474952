// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/heard_times.h"

#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

constexpr uint64_t kDelay = HeardTimes::kDelayMicros;
constexpr uint64_t kNow = 1'000 * kDelay;
constexpr uint64_t kNanos = kNow * 1'000;  // sent as microseconds

struct Case {
  const char* name;
  std::vector<uint64_t> before;
  uint64_t late;  // comes so often:
  int times;
  uint64_t reach;
};

TEST(HeardTimes, Table) {
  const std::vector<Case> cases = {
      {"late ones", {kNow, kNow + 20}, kNow + 10, 100, kNow + 20},
      {"as late as may be", {kNow}, kNow - kDelay, 100, kNow},
      {"fifteen too late", {kNow}, kNow - kDelay - 1, 15, kNow},
      {"sixteen", {kNow}, kNow - kDelay - 1, 16, kNow - kDelay - 1},
      {"what came before one far ahead",
       {kNow, kNow + 20, kNanos},
       kNow + 10,
       16,
       kNow + 20},
      {"before two", {kNow, kNanos, 2 * kNanos}, kNow - 5, 16, kNow},
      {"two near each other", {kNow, kNanos, kNanos + 1}, kNow - 5, 16, kNow},
      {"one in between is no row",
       {kNanos, kNow, kNow, kNanos + 1},
       kNow,
       15,
       kNanos + 1},
      {"the latest of the row", {kNanos, kNow + 7}, kNow, 15, kNow + 7},
      {"a pause",
       {kNow, kNow + 5 * kDelay},
       kNow + 5 * kDelay,
       16,
       kNow + 5 * kDelay},
      {"the last of all times", {kNow, UINT64_MAX}, kNow + 1, 16, kNow + 1},
  };
  for (const Case& c : cases) {
    HeardTimes times;
    for (const uint64_t time : c.before) EXPECT_FALSE(times.hear(time));
    for (int i = 0; i < c.times; ++i) times.hear(c.late);
    EXPECT_EQ(times.reach(), c.reach) << c.name;
  }
}

TEST(HeardTimes, SaysOnceThatItWasWrong) {
  HeardTimes times;
  times.hear(kNanos);
  for (int i = 1; i < 40; ++i) {
    EXPECT_EQ(times.hear(kNow), i == HeardTimes::kWrong) << i;
  }
}

}  // namespace
}  // namespace wirebook
