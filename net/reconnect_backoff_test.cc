// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/reconnect_backoff.h"

#include "gtest/gtest.h"

namespace wirebook {
namespace {

constexpr ReconnectBackoffOptions kOptions = {.initial_ns = 100,
                                              .max_ns = 1000,
                                              .multiplier = 2.0,
                                              .jitter = 0.5,
                                              .stable_ns = 5000};

TEST(ReconnectBackoffTest, DoublesUpToTheLimit) {
  ReconnectBackoff backoff(kOptions);
  for (const uint64_t expected : {100, 200, 400, 800, 1000, 1000}) {
    EXPECT_EQ(backoff.lost(0, 0), expected);
  }
  EXPECT_EQ(backoff.attempts(), 6u);
}

TEST(ReconnectBackoffTest, JitterTakesAwayUpToItsPart) {
  ReconnectBackoff backoff(kOptions);
  EXPECT_EQ(backoff.lost(0, 0x80000000), 75u);
  EXPECT_EQ(backoff.lost(0, 0xffffffff), 100u);
}

TEST(ReconnectBackoffTest, AStableConnectionResetsIt) {
  ReconnectBackoff backoff(kOptions);
  backoff.lost(0, 0);
  backoff.lost(0, 0);
  backoff.connected(1000);
  EXPECT_EQ(backoff.lost(5999, 0), 400u) << "one that fell at once does not";
  backoff.connected(10'000);
  EXPECT_EQ(backoff.lost(15'000, 0), 100u);
  EXPECT_EQ(backoff.attempts(), 1u);
}

}  // namespace
}  // namespace wirebook
