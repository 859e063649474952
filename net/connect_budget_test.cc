// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/connect_budget.h"

#include <cstdint>
#include <random>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wirebook {
namespace {

using ::testing::HasSubstr;

TEST(ConnectBudgetTest, AttemptsWithinTheBudgetDoNotWait) {
  ConnectBudget budget({.attempts = 2, .period_ns = 100});
  EXPECT_EQ(budget.reserve("a", 1000), 0u);
  EXPECT_EQ(budget.reserve("a", 1010), 0u);
  EXPECT_EQ(budget.reserve("a", 1020), 80u) << "until the first is 100 ago";
  EXPECT_EQ(budget.reserve("a", 1020), 90u) << "until the second is";
  EXPECT_EQ(budget.reserve("a", 1020), 180u) << "behind the third";
  EXPECT_EQ(budget.reserve("a", 2000), 0u);
}

TEST(ConnectBudgetTest, EveryHostHasItsOwn) {
  ConnectBudget budget({.attempts = 1, .period_ns = 100});
  EXPECT_EQ(budget.reserve("a", 0), 0u);
  EXPECT_EQ(budget.reserve("b", 0), 0u);
  EXPECT_EQ(budget.reserve("a", 0), 100u);
}

TEST(ConnectBudgetTest, OptionsOutOfRangeAreTold) {
  const auto problem = [](const ConnectBudgetOptions& options) {
    return ConnectBudget(options).check().ToString();
  };
  EXPECT_EQ(problem({.attempts = 1, .period_ns = 1}), "OK");
  EXPECT_THAT(problem({.attempts = 0}), HasSubstr("attempts is 0"));
  EXPECT_THAT(problem({.period_ns = 0}), HasSubstr("period_ns is 0"));
  EXPECT_THAT(problem({.period_ns = UINT64_MAX}), HasSubstr("1 to 2^62"));
  EXPECT_EQ(ConnectBudget({.attempts = 0}).reserve("a", 0), UINT64_MAX);
}

TEST(ConnectBudgetTest, NoWindowWhereverItBeginsHoldsMore) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  constexpr size_t kAttempts = 7;
  constexpr uint64_t kPeriod = 1000;
  ConnectBudget budget({.attempts = kAttempts, .period_ns = kPeriod});
  std::vector<uint64_t> begins;
  uint64_t now = 0;
  for (int i = 0; i < 5000; ++i) {
    now += random() % (i % 100 < 50 ? 20 : 400);
    begins.push_back(now + budget.reserve("a", now));
  }
  for (size_t i = kAttempts; i < begins.size(); ++i) {
    ASSERT_GE(begins[i], begins[i - 1]) << "in the order of the calls";
    ASSERT_GE(begins[i] - begins[i - kAttempts], kPeriod) << i;
  }
}

TEST(ConnectBudgetTest, ThreadsShareIt) {
  ConnectBudget budget({.attempts = 1000, .period_ns = 1'000'000});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 250; ++i) EXPECT_EQ(budget.reserve("a", 5), 0u);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(budget.reserve("a", 5), 1'000'000u);
}

}  // namespace
}  // namespace wirebook
