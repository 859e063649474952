// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/slot_spsc_ring.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "concurrency/testing/history_recorder.h"
#include "concurrency/testing/linearizability.h"
#include "concurrency/testing/linearizability_specs.h"
#include "gtest/gtest.h"
#include "memory/testing/soak.h"

namespace wirebook {
namespace {

TEST(SlotSpscRingTest, PassesObjectsInOrder) {
  SlotSpscRing<int> ring(2);
  EXPECT_TRUE(ring.try_push(1));
  EXPECT_TRUE(ring.try_push(2));
  EXPECT_FALSE(ring.try_push(3));
  ASSERT_NE(ring.front(), nullptr);
  EXPECT_EQ(*ring.front(), 1);
  ring.pop();
  int out = 0;
  EXPECT_TRUE(ring.try_pop(out));
  EXPECT_EQ(out, 2);
  EXPECT_FALSE(ring.try_pop(out));
  EXPECT_EQ(ring.try_pop(), std::nullopt);
  EXPECT_EQ(ring.front(), nullptr);
}

TEST(SlotSpscRingTest, EveryCapacityIsExact) {
  for (size_t capacity = 1; capacity <= 130; ++capacity) {
    SlotSpscRing<size_t> ring(capacity);
    EXPECT_EQ(ring.capacity(), capacity);
    for (int lap = 0; lap < 3; ++lap) {
      for (size_t i = 0; i < capacity; ++i) ASSERT_TRUE(ring.try_push(i));
      ASSERT_FALSE(ring.try_push(0)) << capacity;
      for (size_t i = 0; i < capacity; ++i) ASSERT_EQ(ring.try_pop(), i);
      ASSERT_EQ(ring.front(), nullptr);
    }
  }
}

TEST(SlotSpscRingTest, ARefusedObjectStaysWithItsOwner) {
  SlotSpscRing<std::unique_ptr<int>> ring(1);
  ASSERT_TRUE(ring.try_push(std::make_unique<int>(7)));
  auto refused = std::make_unique<int>(9);
  EXPECT_FALSE(ring.try_push(std::move(refused)));
  EXPECT_NE(refused, nullptr);
  EXPECT_EQ(**ring.try_pop(), 7);
}

TEST(SlotSpscRingTest, EachObjectIsDestroyedOnce) {
  const auto counted = std::make_shared<int>(0);
  {
    SlotSpscRing<std::shared_ptr<int>> ring(3);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(ring.try_push(counted));
    ring.pop();
    EXPECT_EQ(counted.use_count(), 3);
  }
  EXPECT_EQ(counted.use_count(), 1);
}

TEST(SlotSpscRingTest, AConstructorThatThrowsPushesNothing) {
  struct Thrower {
    explicit Thrower(bool now) {
      if (now) throw std::runtime_error("no");
    }
  };
  SlotSpscRing<Thrower> ring(1);
  EXPECT_THROW((void)ring.try_emplace(true), std::runtime_error);
  EXPECT_EQ(ring.front(), nullptr);
  EXPECT_TRUE(ring.try_emplace(false));
}

TEST(SlotSpscRingDeathTest, MisuseEndsTheProcess) {
  EXPECT_DEATH(SlotSpscRing<int>(0), "SlotSpscRing 0x[0-9a-f]+: capacity");
  SlotSpscRing<int> ring(1);
  EXPECT_DEATH(ring.pop(), "SlotSpscRing 0x[0-9a-f]+: pop of an empty ring");
}

TEST(SlotSpscRingTest, TwoThreadsPassEverythingInOrder) {
  for (Soak soak; soak.goes_on();) {
    for (const size_t capacity : {size_t{1}, size_t{3}, size_t{64}}) {
      SlotSpscRing<std::string> ring(capacity);
      // Small rings change threads at almost every message.
      const int count = capacity < 10 ? 4'000 : 30'000;
      std::thread producer([&] {
        for (int i = 0; i < count; ++i) {
          while (!ring.try_push(std::to_string(i))) std::this_thread::yield();
        }
      });
      for (int i = 0; i < count; ++i) {
        std::string* front = nullptr;
        while ((front = ring.front()) == nullptr) std::this_thread::yield();
        ASSERT_EQ(*front, std::to_string(i));
        ring.pop();
      }
      producer.join();
    }
  }
}

TEST(SlotSpscRingTest, HistoriesAreLinearizable) {
  using Spec = FifoSpec<int>;
  for (Soak soak; soak.goes_on();) {
    for (int round = 0; round < 200; ++round) {
      SlotSpscRing<int> ring(static_cast<size_t>(1 + round % 3));
      HistoryRecorder<Spec> recorder(2);
      std::atomic<int> ready{0};
      const auto meet = [&ready] {
        ready.fetch_add(1);
        while (ready.load() < 2) std::this_thread::yield();
      };
      std::thread producer([&] {
        meet();
        for (int i = 0; i < 30; ++i) {
          recorder.run(0, [&] { return Spec::push(i, ring.try_push(i)); });
        }
      });
      meet();
      for (int i = 0; i < 30; ++i) {
        recorder.run(1, [&] {
          int got = 0;
          const bool done = ring.try_pop(got);
          return Spec::pop(got, done);
        });
      }
      producer.join();
      const Linearizability result =
          check(Spec(ring.capacity()), recorder.history());
      ASSERT_TRUE(result.ok()) << result;
    }
  }
}

}  // namespace
}  // namespace wirebook
