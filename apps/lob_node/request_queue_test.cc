// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "apps/lob_node/request_queue.h"

#include "gtest/gtest.h"

namespace wirebook {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

BookRequest snapshot_of(std::uint32_t instrument) {
  return {BookRequestKind::kFetchSnapshot, instrument, 0};
}

TEST(RequestQueue, FirstRequestGoesOutAtOnceAndOnce) {
  RequestQueue queue({});
  queue.add(snapshot_of(3), kSecond);
  const auto due = queue.take(kSecond);
  ASSERT_TRUE(due);
  EXPECT_EQ(due->instrument, 3u);
  EXPECT_FALSE(queue.take(100 * kSecond));
}

TEST(RequestQueue, SameRequestIsNotDoubled) {
  RequestQueue queue({});
  queue.add(snapshot_of(3), kSecond);
  queue.add(snapshot_of(3), kSecond);
  EXPECT_TRUE(queue.take(kSecond));
  EXPECT_FALSE(queue.take(kSecond));
}

TEST(RequestQueue, RepeatedRequestsWaitTwiceAsLong) {
  RequestQueue queue({100, kSecond});
  std::uint64_t now = kSecond;
  std::uint64_t last = 0;
  for (int i = 0; i < 12; ++i) {
    queue.add(snapshot_of(0), now);
    const std::uint64_t asked = now;
    while (!queue.take(now)) now += 1'000'000;
    const std::uint64_t waited = now - asked;
    if (i == 0) {
      EXPECT_EQ(waited, 0u);
    }
    if (i == 1) {
      EXPECT_EQ(waited, RequestQueue::kFirstDelayNs);
    }
    if (i > 1) {
      EXPECT_EQ(waited, std::min(2 * last, RequestQueue::kLongestDelayNs));
    }
    last = waited;
  }
  EXPECT_EQ(last, RequestQueue::kLongestDelayNs);
}

TEST(RequestQueue, BooksThatFailAgainAndAgainDoNotShutOutOthers) {
  RequestQueue queue({});
  std::uint64_t now = kSecond;
  int served[20] = {};
  for (std::uint32_t i = 0; i < 20; ++i) queue.add(snapshot_of(i), now);
  for (int step = 0; step < 3'600; ++step, now += kSecond) {
    while (const auto due = queue.take(now)) {
      ++served[due->instrument];
      if (due->instrument < 19) queue.add(*due, now);  // it failed
    }
  }
  EXPECT_EQ(served[19], 1);
  for (int i = 0; i < 19; ++i) EXPECT_GT(served[i], 30) << i;
}

TEST(RequestQueue, QuietMinuteForgets) {
  RequestQueue queue({});
  queue.add(snapshot_of(0), kSecond);
  ASSERT_TRUE(queue.take(kSecond));
  const std::uint64_t later = 2 * kSecond + RequestQueue::kForgetNs;
  queue.add(snapshot_of(0), later);
  EXPECT_TRUE(queue.take(later));
}

TEST(RequestQueue, AllTogetherKeepToTheBudget) {
  RequestQueue queue({.burst = 2, .refill_ns = 3 * kSecond});
  for (std::uint32_t i = 0; i < 5; ++i) queue.add(snapshot_of(i), kSecond);
  int taken = 0;
  for (std::uint64_t now = kSecond; now <= 10 * kSecond; now += kSecond) {
    while (queue.take(now)) ++taken;
    if (now == kSecond) {
      EXPECT_EQ(taken, 2);
    }
    if (now == 4 * kSecond) {
      EXPECT_EQ(taken, 3);
    }
  }
  EXPECT_EQ(taken, 5);
}

TEST(RequestQueue, VenuesPauseHoldsEveryRequest) {
  RequestQueue queue({});
  queue.add(snapshot_of(0), kSecond, 30 * kSecond);
  queue.add(snapshot_of(1), kSecond);
  EXPECT_FALSE(queue.take(kSecond));
  EXPECT_FALSE(queue.take(31 * kSecond - 1));
  EXPECT_TRUE(queue.take(31 * kSecond));
  EXPECT_TRUE(queue.take(31 * kSecond));
}

TEST(RequestQueue, LostConnectionForgetsWhatWaits) {
  RequestQueue queue({});
  queue.add(snapshot_of(0), kSecond);
  queue.clear_waiting();
  EXPECT_FALSE(queue.take(kSecond));
  queue.add(snapshot_of(0), kSecond);
  EXPECT_TRUE(queue.take(kSecond));
}

}  // namespace
}  // namespace wirebook
