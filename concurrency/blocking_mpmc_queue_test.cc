// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/blocking_mpmc_queue.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "concurrency/testing/history_recorder.h"
#include "concurrency/testing/linearizability.h"
#include "concurrency/testing/linearizability_specs.h"
#include "gtest/gtest.h"
#include "memory/testing/soak.h"

namespace wirebook {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

TEST(BlockingMpmcQueueTest, ConsumersWaitForObjectsAndEndWithTheQueue) {
  BlockingMpmcQueue<int> queue(2);
  int sum = 0;
  std::thread consumer([&] {
    while (std::optional<int> value = queue.pop()) sum += *value;
  });
  for (int i = 1; i <= 100; ++i) EXPECT_TRUE(queue.push(i));
  queue.close();
  consumer.join();
  EXPECT_EQ(sum, 5050);
  EXPECT_TRUE(queue.closed());
  EXPECT_FALSE(queue.push(1));
}

TEST(BlockingMpmcQueueTest, ARefusedObjectStaysWithItsOwner) {
  BlockingMpmcQueue<std::unique_ptr<int>> queue(1);
  EXPECT_TRUE(queue.push(std::make_unique<int>(1)));
  auto refused = std::make_unique<int>(2);
  EXPECT_FALSE(queue.push_until(std::move(refused), WaitDeadline::min()));
  ASSERT_NE(refused, nullptr);
  queue.close();
  EXPECT_FALSE(queue.push(std::move(refused)));
  EXPECT_FALSE(queue.push_until(std::move(refused), WaitDeadline::max()));
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(**queue.try_pop(), 1);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(BlockingMpmcQueueTest, TakesCopiesWhereverItTakesObjects) {
  const std::vector<int> value{1, 2};
  BlockingMpmcQueue<std::vector<int>> queue(3);
  EXPECT_TRUE(queue.push(value));
  EXPECT_TRUE(queue.push_until(value, WaitDeadline::max()));
  EXPECT_TRUE(queue.try_push(value));
  EXPECT_FALSE(queue.try_push(value));
  std::vector<int> out;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(queue.try_pop(out));
    EXPECT_EQ(out, value);
  }
  EXPECT_FALSE(queue.try_pop(out));
}

TEST(BlockingMpmcQueueTest, DeadlinesPass) {
  BlockingMpmcQueue<int> queue(1);
  WaitDeadline deadline = steady_clock::now() + 1ms;
  EXPECT_EQ(queue.pop_until(deadline), std::nullopt);
  EXPECT_GE(steady_clock::now(), deadline);
  EXPECT_TRUE(queue.push_until(1, WaitDeadline::max()));
  deadline = steady_clock::now() + 1ms;
  EXPECT_FALSE(queue.push_until(2, deadline));
  EXPECT_GE(steady_clock::now(), deadline);
  EXPECT_EQ(queue.pop_until(WaitDeadline::max()), 1);
}

TEST(BlockingMpmcQueueTest, CloseWakesWaitingProducersAndConsumers) {
  BlockingMpmcQueue<int, FutexWait> full(1);
  BlockingMpmcQueue<int, FutexWait> empty(1);
  EXPECT_TRUE(full.push(1));
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] { EXPECT_FALSE(full.push(2)); });
    threads.emplace_back([&] { EXPECT_EQ(empty.pop(), std::nullopt); });
  }
  full.close();
  empty.close();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(full.pop(), 1);
  EXPECT_EQ(full.pop(), std::nullopt);
}

TEST(BlockingMpmcQueueTest, BatchesWakeBothSides) {
  BlockingMpmcQueue<int> queue(4);
  std::thread consumer([&] {
    for (int i = 0; i < 4; ++i) EXPECT_EQ(queue.pop(), i);
  });
  std::vector<int> values = {0, 1, 2, 3};
  EXPECT_EQ(queue.try_push_n(values), 4u);
  consumer.join();
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.try_push_n(values), 4u);
  std::thread producer([&] { EXPECT_TRUE(queue.push(4)); });
  std::vector<int> out(4);
  EXPECT_EQ(queue.try_pop_n(out), 4u);
  producer.join();
  EXPECT_EQ(queue.size(), 1u);
  EXPECT_EQ(queue.capacity(), 4u);
}

TEST(BlockingMpmcQueueTest, TakesObjectsThatCannotBeAssigned) {
  struct Fixed {
    explicit Fixed(int v) : value(std::make_unique<int>(v)) {}
    Fixed(Fixed&&) noexcept = default;
    Fixed& operator=(Fixed&&) = delete;
    std::unique_ptr<int> value;
  };
  BlockingMpmcQueue<Fixed> queue(2);
  EXPECT_TRUE(queue.push(Fixed(1)));
  EXPECT_TRUE(queue.push(Fixed(2)));
  EXPECT_EQ(*queue.pop()->value, 1);
  EXPECT_EQ(*queue.try_pop()->value, 2);
}

// More threads than CPUs, a queue that is full or empty most of the time: a
// lost wake-up would hang.
template <typename Wait>
void stress() {
  for (Soak soak; soak.goes_on();) {
    constexpr int kEach = 5'000;
    BlockingMpmcQueue<int, Wait> queue(3);
    std::atomic<int64_t> sum{0};
    std::vector<std::thread> producers;
    std::vector<std::thread> consumers;
    for (int t = 0; t < 3; ++t) {
      producers.emplace_back([&] {
        for (int i = 1; i <= kEach; ++i) EXPECT_TRUE(queue.push(i));
      });
      consumers.emplace_back([&] {
        while (std::optional<int> value = queue.pop()) sum += *value;
      });
    }
    for (std::thread& producer : producers) producer.join();
    queue.close();
    for (std::thread& consumer : consumers) consumer.join();
    EXPECT_EQ(sum.load(), int64_t{3} * kEach * (kEach + 1) / 2);
  }
}

// Operations that wait, as if each had been one that need not.
TEST(BlockingMpmcQueueTest, HistoriesAreLinearizable) {
  using Spec = FifoSpec<int>;
  constexpr int kEach = 6;
  for (Soak soak; soak.goes_on();) {
    for (int round = 0; round < 200; ++round) {
      BlockingMpmcQueue<int> queue(2);
      HistoryRecorder<Spec> recorder(4);
      std::vector<std::thread> threads;
      for (size_t t = 0; t < 2; ++t) {
        threads.emplace_back([&, t] {
          for (int i = 0; i < kEach; ++i) {
            const int value = static_cast<int>(t) * 100 + i;
            recorder.run(t,
                         [&] { return Spec::push(value, queue.push(value)); });
          }
        });
        threads.emplace_back([&, t] {
          for (int i = 0; i < kEach; ++i) {
            recorder.run(2 + t, [&] {
              const std::optional<int> got = queue.pop();
              return Spec::pop(got.value_or(0), got.has_value());
            });
          }
        });
      }
      for (std::thread& thread : threads) thread.join();
      const Linearizability result = check(Spec(2), recorder.history());
      ASSERT_TRUE(result.ok()) << result;
    }
  }
}

// Whatever its way, in the queue, out of it, refused or left behind.
TEST(BlockingMpmcQueueTest, EachObjectIsDestroyedOnce) {
  const auto counted = std::make_shared<int>(0);
  {
    BlockingMpmcQueue<std::shared_ptr<int>> queue(3);
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([&queue, object = counted] {
        while (queue.push(object)) {
        }
      });
      threads.emplace_back([&queue] {
        for (int i = 0; i < 500; ++i) (void)queue.pop();
      });
    }
    threads[1].join();
    threads[3].join();
    queue.close();
    threads[0].join();
    threads[2].join();
    EXPECT_LE(counted.use_count(), 3 + 1 + 2);
  }
  EXPECT_EQ(counted.use_count(), 1);
}

TEST(BlockingMpmcQueueTest, NoWakeUpIsLostSleeping) { stress<FutexWait>(); }
TEST(BlockingMpmcQueueTest, NothingIsLostYielding) { stress<SpinYieldWait>(); }

}  // namespace
}  // namespace wirebook
