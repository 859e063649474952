// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/event_count.h"

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "memory/testing/soak.h"

namespace wirebook {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

// Until `n` threads are about to sleep or do.
void await_waiters(const EventCount& events, uint32_t n) {
  while (events.waiters() != n) std::this_thread::yield();
}

TEST(EventCountTest, AWaiterReturnsWhenItsConditionIsTrue) {
  EventCount changed;
  std::atomic<bool> ready{false};
  std::thread waiter([&] { changed.await([&] { return ready.load(); }); });
  ready.store(true);
  changed.notify_one();
  waiter.join();
  EXPECT_EQ(changed.waiters(), 0u);
}

TEST(EventCountTest, AConditionThatIsTrueAnnouncesNobody) {
  EventCount changed;
  changed.await([&] {
    EXPECT_EQ(changed.waiters(), 0u);
    return true;
  });
}

TEST(EventCountTest, ASleeperIsWoken) {
  EventCount changed;
  std::atomic<bool> ready{false};
  std::thread waiter([&] { changed.await([&] { return ready.load(); }); });
  await_waiters(changed, 1);
  ready.store(true);
  changed.notify_one();
  waiter.join();
}

TEST(EventCountTest, ASleeperThatIsWokenInVainSleepsOn) {
  EventCount changed;
  std::atomic<bool> ready{false};
  std::atomic<int> asked{0};
  std::thread waiter([&] {
    changed.await([&] {
      ++asked;
      return ready.load();
    });
  });
  await_waiters(changed, 1);
  const int before = asked.load();
  while (asked.load() <= before + 4) changed.notify_one();
  EXPECT_FALSE(ready.load());
  ready.store(true);
  changed.notify_one();
  waiter.join();
}

TEST(EventCountTest, NotifyAllWakesAll) {
  EventCount changed;
  std::atomic<bool> ready{false};
  std::vector<std::thread> waiters;
  for (int i = 0; i < 4; ++i) {
    waiters.emplace_back([&] { changed.await([&] { return ready.load(); }); });
  }
  await_waiters(changed, 4);
  ready.store(true);
  changed.notify_all();
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_EQ(changed.waiters(), 0u);
}

TEST(EventCountTest, ADeadlinePasses) {
  EventCount changed;
  const auto never = [] { return false; };
  const WaitDeadline deadline = steady_clock::now() + 2ms;
  EXPECT_FALSE(changed.await_until(never, deadline));
  EXPECT_GE(steady_clock::now(), deadline);
  EXPECT_FALSE(changed.await_until(never, deadline));  // long past
  EXPECT_FALSE(changed.await_until(never, WaitDeadline::min()));
  EXPECT_EQ(changed.waiters(), 0u);
}

TEST(EventCountTest, ADeadlineToComeIsNoReasonToReturn) {
  EventCount changed;
  std::atomic<bool> ready{false};
  std::thread waiter([&] {
    EXPECT_TRUE(
        changed.await_until([&] { return ready.load(); }, WaitDeadline::max()));
  });
  await_waiters(changed, 1);
  ready.store(true);
  changed.notify_one();
  waiter.join();
}

// What was true at the last moment counts: an item must not be lost.
TEST(EventCountTest, TheConditionIsAskedAfterTheDeadline) {
  EventCount changed;
  int asked = 0;
  EXPECT_TRUE(
      changed.await_until([&] { return ++asked == 3; }, WaitDeadline::min()));
}

TEST(EventCountTest, AConditionMayThrow) {
  EventCount changed;
  int asked = 0;
  const auto throws = [&]() -> bool {
    if (++asked == 2) throw std::runtime_error("no");
    return false;
  };
  EXPECT_THROW(changed.await(throws), std::runtime_error);
  EXPECT_EQ(changed.waiters(), 0u);
}

// Each token is taken once; whoever finds none sleeps. A lost wake-up hangs.
TEST(EventCountTest, NoWakeUpIsLost) {
  for (Soak soak; soak.goes_on();) {
    constexpr int kTokens = 20'000;
    constexpr int kTakers = 3;
    EventCount given;
    std::atomic<int> tokens{0};
    const auto take = [&] {
      int left = tokens.load();
      while (left > 0) {
        if (tokens.compare_exchange_weak(left, left - 1)) return true;
      }
      return false;
    };
    std::vector<std::thread> takers;
    for (int t = 0; t < kTakers; ++t) {
      takers.emplace_back([&] {
        for (int i = 0; i < kTokens; ++i) given.await(take);
      });
    }
    for (int i = 0; i < kTokens * kTakers; ++i) {
      tokens.fetch_add(1);
      given.notify_one();
    }
    for (std::thread& taker : takers) taker.join();
    EXPECT_EQ(tokens.load(), 0);
  }
}

TEST(EventCountTest, TwoThreadsWakeEachOther) {
  for (Soak soak; soak.goes_on();) {
    EventCount changed;
    std::atomic<int> turn{0};
    const auto play = [&](int parity) {
      for (int i = parity; i < 4'000; i += 2) {
        changed.await([&] { return turn.load() == i; });
        turn.store(i + 1);
        changed.notify_one();
      }
    };
    std::thread odd([&] { play(1); });
    play(0);
    odd.join();
    EXPECT_EQ(turn.load(), 4'000);
  }
}

}  // namespace
}  // namespace wirebook
