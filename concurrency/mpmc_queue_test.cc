// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/mpmc_queue.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "concurrency/testing/history_recorder.h"
#include "concurrency/testing/linearizability.h"
#include "concurrency/testing/linearizability_specs.h"
#include "gtest/gtest.h"
#include "memory/testing/soak.h"

namespace wirebook {
namespace {

TEST(MpmcQueueTest, PassesObjectsInOrder) {
  MpmcQueue<int> queue(2);
  EXPECT_TRUE(queue.try_push(1));
  EXPECT_TRUE(queue.try_push(2));
  EXPECT_FALSE(queue.try_push(3));
  int out = 0;
  EXPECT_TRUE(queue.try_pop(out));
  EXPECT_EQ(out, 1);
  EXPECT_EQ(queue.try_pop(), 2);
  EXPECT_EQ(queue.try_pop(), std::nullopt);
  EXPECT_FALSE(queue.try_pop(out));
}

TEST(MpmcQueueTest, WhatFitsAWordIsLockFree) {
  EXPECT_FALSE(TicketMpmcQueue<void*>::is_lock_free);  // unless asked not to be
  struct Twelve {
    int32_t words[3];
  };
  EXPECT_TRUE(MpmcQueue<void*>::is_lock_free);
  EXPECT_TRUE(MpmcQueue<char>::is_lock_free);
  EXPECT_FALSE(MpmcQueue<Twelve>::is_lock_free);
  EXPECT_FALSE(MpmcQueue<std::unique_ptr<int>>::is_lock_free);
}

// A word and an object, so that each test goes through both kinds of slot.
struct Object {
  Object(int number) : text(std::to_string(number)) {}
  operator int() const { return std::stoi(text); }
  std::string text;
};

template <typename T>
class MpmcQueueOf : public testing::Test {};
using Kinds = testing::Types<int, Object>;
TYPED_TEST_SUITE(MpmcQueueOf, Kinds);

TYPED_TEST(MpmcQueueOf, EveryCapacityIsExact) {
  for (size_t capacity = 1; capacity <= 40; ++capacity) {
    MpmcQueue<TypeParam> queue(capacity);
    EXPECT_EQ(queue.capacity(), capacity);
    int next = 0;
    int expected = 0;
    for (int lap = 0; lap < 3; ++lap) {
      for (size_t i = 0; i < capacity; ++i) {
        ASSERT_EQ(queue.size(), i);
        ASSERT_TRUE(queue.try_push(next++)) << capacity;
      }
      ASSERT_FALSE(queue.try_push(-1)) << capacity;
      ASSERT_EQ(queue.size(), capacity);
      for (size_t i = 0; i < capacity; ++i) {
        ASSERT_EQ(*queue.try_pop(), expected++);
      }
      ASSERT_TRUE(queue.empty());
      ASSERT_FALSE(queue.try_pop().has_value());
    }
  }
}

TYPED_TEST(MpmcQueueOf, BatchesTakeWhatFitsAndGiveWhatIsThere) {
  MpmcQueue<TypeParam> queue(5);
  std::vector<TypeParam> in;
  for (int i = 0; i < 8; ++i) in.push_back(i);
  EXPECT_EQ(queue.try_push_n(in), 5u);
  EXPECT_EQ(queue.try_push_n(std::span(in).subspan(5)), 0u);
  EXPECT_EQ(int{in[5]}, 5);  // those refused stay with their owner
  std::vector<TypeParam> out(3, TypeParam(-1));
  EXPECT_EQ(queue.try_pop_n(out), 3u);
  EXPECT_EQ(int{out[0]}, 0);
  EXPECT_EQ(int{out[2]}, 2);
  EXPECT_EQ(queue.try_pop_n(out), 2u);
  EXPECT_EQ(int{out[1]}, 4);
  EXPECT_EQ(queue.try_pop_n(out), 0u);
  EXPECT_EQ(queue.try_push_n({}), 0u);
}

TYPED_TEST(MpmcQueueOf, ClosedMeansClosedAndDrained) {
  for (size_t filled = 0; filled <= 3; ++filled) {
    MpmcQueue<TypeParam> queue(3);
    ASSERT_TRUE(queue.try_push(7));  // not at the first slot
    ASSERT_EQ(*queue.try_pop(), 7);
    for (size_t i = 0; i < filled; ++i) ASSERT_TRUE(queue.try_push(1));
    EXPECT_FALSE(queue.closed());
    queue.close();
    queue.close();
    EXPECT_FALSE(queue.try_push(2));
    EXPECT_EQ(queue.size(), filled);
    for (size_t i = 0; i < filled; ++i) {
      EXPECT_FALSE(queue.closed());
      EXPECT_EQ(*queue.try_pop(), 1);
      EXPECT_FALSE(queue.try_push(2));
    }
    EXPECT_TRUE(queue.closed());
    EXPECT_FALSE(queue.try_pop().has_value());
  }
}

TYPED_TEST(MpmcQueueOf, AgreesWithADequeUnderRandomOperations) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 100; ++round) {
    const size_t capacity = 1 + random() % 9;
    MpmcQueue<TypeParam> queue(capacity);
    std::deque<int> model;
    for (int i = 0; i < 300; ++i) {
      const int value = static_cast<int>(random() % 1000);
      switch (random() % 4) {
        case 0: {
          ASSERT_EQ(queue.try_push(value), model.size() < capacity);
          if (model.size() < capacity) model.push_back(value);
          break;
        }
        case 1: {
          std::vector<TypeParam> in(random() % 4, TypeParam(value));
          const size_t pushed = queue.try_push_n(in);
          ASSERT_EQ(pushed, std::min(in.size(), capacity - model.size()));
          model.insert(model.end(), pushed, value);
          break;
        }
        case 2: {
          TypeParam out(0);
          ASSERT_EQ(queue.try_pop(out), !model.empty());
          if (model.empty()) break;
          ASSERT_EQ(int{out}, model.front());
          model.pop_front();
          break;
        }
        default: {
          std::vector<TypeParam> out(random() % 4, TypeParam(0));
          const size_t popped = queue.try_pop_n(out);
          ASSERT_EQ(popped, std::min(out.size(), model.size()));
          for (size_t k = 0; k < popped; ++k) {
            ASSERT_EQ(int{out[k]}, model.front());
            model.pop_front();
          }
        }
      }
      ASSERT_EQ(queue.size(), model.size());
    }
  }
}

TEST(MpmcQueueTest, TakesMoveOnlyTypes) {
  MpmcQueue<std::unique_ptr<int>> queue(1);
  ASSERT_TRUE(queue.try_push(std::make_unique<int>(7)));
  auto refused = std::make_unique<int>(9);
  EXPECT_FALSE(queue.try_push(std::move(refused)));
  EXPECT_NE(refused, nullptr);  // a refused object stays with its owner
  std::unique_ptr<int> out;
  ASSERT_TRUE(queue.try_pop(out));
  EXPECT_EQ(*out, 7);
}

TEST(MpmcQueueTest, ACopyThatThrowsLeavesTheQueueAsItWas) {
  struct Thrower {
    Thrower() = default;
    Thrower(const Thrower&) { throw std::runtime_error("no"); }
    Thrower(Thrower&&) noexcept {}
  };
  MpmcQueue<Thrower> queue(1);
  const Thrower thrower;
  EXPECT_THROW((void)queue.try_push(thrower), std::runtime_error);
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(queue.try_push(Thrower()));
}

TEST(MpmcQueueTest, EachObjectIsDestroyedOnce) {
  const auto counted = std::make_shared<int>(0);
  {
    MpmcQueue<std::shared_ptr<int>> queue(4);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(queue.try_push(counted));
    EXPECT_EQ(counted.use_count(), 4);
    EXPECT_TRUE(queue.try_pop().has_value());
    EXPECT_EQ(counted.use_count(), 3);
  }
  EXPECT_EQ(counted.use_count(), 1);
}

TEST(MpmcQueueDeathTest, ACapacityOfNoneEndsTheProcess) {
  EXPECT_DEATH(MpmcQueue<int>(0), "MpmcQueue 0x[0-9a-f]+: capacity");
  EXPECT_DEATH(MpmcQueue<int>((size_t{1} << 32) + 1), "MpmcQueue .* 2\\^32");
}

// ---- Threads ----------------------------------------------------------------

// A value says who pushed it (from 1 on) and as the how-manieth.
int tagged(int producer, int count) { return producer << 24 | count; }

template <typename T>
void push_each(MpmcQueue<T>& queue, int producer, int count) {
  for (int i = 0; i < count; ++i) {
    while (!queue.try_push(T(tagged(producer, i)))) std::this_thread::yield();
  }
}

// Pops until closed; true if each producer's values came in its order.
template <typename T>
bool pop_all(MpmcQueue<T>& queue, int64_t& sum, int64_t& popped) {
  std::vector<int> last(16, -1);
  bool in_order = true;
  while (!queue.closed()) {
    const std::optional<T> value = queue.try_pop();
    if (!value.has_value()) {
      std::this_thread::yield();
      continue;
    }
    const int number = *value;
    int& previous = last[static_cast<size_t>(number >> 24)];
    in_order = in_order && (number & 0xFFFFFF) > previous;
    previous = number & 0xFFFFFF;
    sum += number;
    ++popped;
  }
  return in_order;
}

TYPED_TEST(MpmcQueueOf, NothingIsLostDoubledOrOvertaken) {
  for (Soak soak; soak.goes_on();) {
    constexpr int kThreads = 3;
    for (const size_t capacity :
         {size_t{1}, size_t{2}, size_t{7}, size_t{64}}) {
      // Small queues change threads at almost every object.
      const int each = capacity < 10 ? 2'000 : 15'000;
      MpmcQueue<TypeParam> queue(capacity);
      std::vector<std::thread> producers;
      std::vector<std::thread> consumers;
      std::atomic<int64_t> sum{0};
      std::atomic<int64_t> popped{0};
      for (int t = 1; t <= kThreads; ++t) {
        producers.emplace_back([&, t] { push_each(queue, t, each); });
        consumers.emplace_back([&] {
          int64_t my_sum = 0;
          int64_t my_popped = 0;
          EXPECT_TRUE(pop_all(queue, my_sum, my_popped));
          sum += my_sum;
          popped += my_popped;
        });
      }
      for (std::thread& producer : producers) producer.join();
      queue.close();
      for (std::thread& consumer : consumers) consumer.join();
      int64_t expected = 0;
      for (int t = 1; t <= kThreads; ++t) {
        for (int i = 0; i < each; ++i) expected += tagged(t, i);
      }
      EXPECT_EQ(popped.load(), int64_t{each} * kThreads);
      EXPECT_EQ(sum.load(), expected);
    }
  }
}

TYPED_TEST(MpmcQueueOf, SizeIsNeverAboveTheCapacity) {
  constexpr int kPushes = 100'000;
  MpmcQueue<TypeParam> queue(4);
  std::atomic<bool> done{false};
  std::thread producer([&] {
    for (int i = 0; i < kPushes; ++i) (void)queue.try_push(i);
    done = true;
  });
  std::thread consumer([&] {
    while (!done) (void)queue.try_pop();
  });
  size_t most = 0;
  while (!done) most = std::max(most, queue.size());
  producer.join();
  consumer.join();
  EXPECT_LE(most, 4u);
}

// close() races with pushes: what was pushed is popped, whatever was refused.
TYPED_TEST(MpmcQueueOf, NothingIsLostAtClose) {
  for (Soak soak; soak.goes_on();) {
    for (int round = 0; round < 300; ++round) {
      MpmcQueue<TypeParam> queue(3);
      std::atomic<int> pushed{0};
      int popped = 0;
      std::thread producer([&] {
        for (int i = 0; i < 20; ++i) pushed += queue.try_push(i) ? 1 : 0;
      });
      std::thread closer([&] { queue.close(); });
      while (!queue.closed()) popped += queue.try_pop().has_value() ? 1 : 0;
      producer.join();
      closer.join();
      EXPECT_EQ(popped, pushed.load());
      EXPECT_FALSE(queue.try_pop().has_value());
    }
  }
}

// Popped, refused or left behind: each object made dies once.
TEST(MpmcQueueTest, ThreadsDestroyEachObjectOnce) {
  const auto counted = std::make_shared<int>(0);
  for (Soak soak; soak.goes_on();) {
    MpmcQueue<std::shared_ptr<int>> queue(5);
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&queue, object = counted, t] {
        std::array<std::shared_ptr<int>, 3> several;
        for (int i = 0; i < 3'000; ++i) {
          if ((i + t) % 2 == 0) {
            several.fill(object);
            (void)queue.try_push_n(several);
          } else {
            (void)queue.try_pop_n(several);
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(counted.use_count(), 1 + static_cast<long>(queue.size()));
  }
  EXPECT_EQ(counted.use_count(), 1);
}

TYPED_TEST(MpmcQueueOf, HistoriesAreLinearizable) {
  using Spec = FifoSpec<int>;
  constexpr size_t kThreads = 3;
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  for (uint64_t round = 0; round < 400; ++round) {
    MpmcQueue<TypeParam> queue(2);
    HistoryRecorder<Spec> recorder(kThreads);
    std::vector<std::thread> threads;
    for (size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        std::mt19937_64 random(seed + round * kThreads + t);
        for (int i = 0; i < 8; ++i) {
          if (random() % 2 == 0) {
            const int value = static_cast<int>(t) * 100 + i;
            recorder.run(t, [&] {
              return Spec::push(value, queue.try_push(TypeParam(value)));
            });
          } else {
            recorder.run(t, [&] {
              TypeParam out(0);
              const bool done = queue.try_pop(out);
              return Spec::pop(int{out}, done);
            });
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    const Linearizability result = check(Spec(2), recorder.history());
    ASSERT_TRUE(result.ok()) << result;
  }
}

}  // namespace
}  // namespace wirebook
