// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/wait_strategy.h"

#include <atomic>
#include <chrono>
#include <thread>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

template <typename Strategy>
class WaitStrategyTest : public testing::Test {
 protected:
  Strategy wait_;
};

struct YieldsAtOnce : SpinYieldWait {
  YieldsAtOnce() : SpinYieldWait(0) {}
};
struct SleepsAtOnce : FutexWait {
  SleepsAtOnce() : FutexWait(0) {}
};

using Strategies = testing::Types<BusySpinWait, SpinYieldWait, YieldsAtOnce,
                                  FutexWait, SleepsAtOnce>;
TYPED_TEST_SUITE(WaitStrategyTest, Strategies);

TYPED_TEST(WaitStrategyTest, WaitsUntilTheConditionIsTrue) {
  std::atomic<bool> ready{false};
  std::thread other([&] {
    ready.store(true);
    this->wait_.notify_one();
  });
  this->wait_.wait([&] { return ready.load(); });
  EXPECT_TRUE(ready.load());
  other.join();
}

TYPED_TEST(WaitStrategyTest, AsksOnceWhatIsTrue) {
  int asked = 0;
  this->wait_.wait([&] { return ++asked == 1; });
  EXPECT_TRUE(this->wait_.wait_until([&] { return ++asked == 2; },
                                     WaitDeadline::min()));
  EXPECT_EQ(asked, 2);
}

TYPED_TEST(WaitStrategyTest, ADeadlinePasses) {
  const WaitDeadline deadline = steady_clock::now() + 1ms;
  EXPECT_FALSE(this->wait_.wait_until([] { return false; }, deadline));
  EXPECT_GE(steady_clock::now(), deadline);
}

TYPED_TEST(WaitStrategyTest, TheConditionIsAskedAfterTheDeadline) {
  const WaitDeadline deadline = steady_clock::now() + 1ms;
  EXPECT_TRUE(this->wait_.wait_until(
      [&] { return steady_clock::now() >= deadline; }, deadline));
}

TYPED_TEST(WaitStrategyTest, ADeadlineToComeIsNoReasonToReturn) {
  std::atomic<bool> ready{false};
  std::thread other([&] {
    ready.store(true);
    this->wait_.notify_all();
  });
  EXPECT_TRUE(this->wait_.wait_until([&] { return ready.load(); },
                                     WaitDeadline::max()));
  other.join();
}

TYPED_TEST(WaitStrategyTest, TwoThreadsTakeTurns) {
  constexpr int kTurns = 500;
  std::atomic<int> turn{0};
  const auto play = [&](int parity) {
    for (int i = parity; i < kTurns; i += 2) {
      this->wait_.wait([&] { return turn.load() == i; });
      turn.store(i + 1);
      this->wait_.notify_one();
    }
  };
  std::thread odd([&] { play(1); });
  play(0);
  odd.join();
  EXPECT_EQ(turn.load(), kTurns);
}

TEST(FutexWaitTest, SaysHowManyWait) {
  FutexWait wait(0);
  EXPECT_EQ(wait.waiters(), 0u);
  std::atomic<bool> ready{false};
  std::thread waiter([&] { wait.wait([&] { return ready.load(); }); });
  while (wait.waiters() != 1) std::this_thread::yield();
  ready.store(true);
  wait.notify_one();
  waiter.join();
  EXPECT_EQ(wait.waiters(), 0u);
}

}  // namespace
}  // namespace wirebook
