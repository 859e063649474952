// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/spsc_ring.h"

#include <sys/mman.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "memory/testing/soak.h"

namespace wirebook {
namespace {

TEST(SpscRingTest, PassesObjectsInOrder) {
  SpscRing<int> ring(2);
  EXPECT_TRUE(ring.try_push(1));
  EXPECT_TRUE(ring.try_push(2));
  int out = 0;
  EXPECT_TRUE(ring.try_pop(out));
  EXPECT_EQ(out, 1);
  EXPECT_EQ(ring.try_pop(), 2);
  EXPECT_EQ(ring.try_pop(), std::nullopt);
  EXPECT_FALSE(ring.try_pop(out));
}

TEST(SpscRingTest, FrontIsInPlaceUntilPop) {
  SpscRing<std::string> ring(4);
  EXPECT_EQ(ring.front(), nullptr);
  ASSERT_TRUE(ring.try_emplace(3, 'x'));
  std::string* const front = ring.front();
  ASSERT_NE(front, nullptr);
  EXPECT_EQ(*front, "xxx");
  EXPECT_EQ(ring.front(), front);
  ring.pop();
  EXPECT_EQ(ring.front(), nullptr);
}

TEST(SpscRingTest, BatchesAreWrittenAndReadInPlace) {
  SpscRing<int> ring(8);
  std::span<int> slots = ring.claim(5);
  ASSERT_EQ(slots.size(), 5u);
  for (int i = 0; i < 5; ++i) slots[static_cast<size_t>(i)] = i;
  EXPECT_TRUE(ring.empty());  // nothing is visible before publish
  ring.publish(3);            // the other two lapse
  EXPECT_EQ(ring.size(), 3u);
  std::span<int> ready = ring.peek(8);
  ASSERT_EQ(ready.size(), 3u);
  EXPECT_EQ(ready[0] + ready[1] + ready[2], 0 + 1 + 2);
  ring.consume(2);
  EXPECT_EQ(*ring.front(), 2);
}

TEST(SpscRingTest, ClaimAndPeekStopAtThePhysicalEnd) {
  SpscRing<int> ring(8);
  ring.publish(ring.claim(6).size());
  ring.consume(ring.peek(6).size());
  EXPECT_EQ(ring.claim(8).size(), 2u);
  ring.publish(2);
  EXPECT_EQ(ring.claim(8).size(), 6u);
  ring.publish(6);
  EXPECT_TRUE(ring.claim(1).empty());
  EXPECT_EQ(ring.peek(8).size(), 2u);
  ring.consume(2);
  EXPECT_EQ(ring.peek(8).size(), 6u);
}

TEST(SpscRingTest, EveryCapacityIsExact) {
  for (size_t capacity = 1; capacity <= 130; ++capacity) {
    SpscRing<uint8_t> ring(capacity);
    EXPECT_EQ(ring.capacity(), capacity);
    for (int lap = 0; lap < 3; ++lap) {
      for (size_t i = 0; i < capacity; ++i) {
        ASSERT_TRUE(ring.try_push(uint8_t{1})) << capacity;
      }
      ASSERT_FALSE(ring.try_push(uint8_t{1})) << capacity;
      ASSERT_EQ(ring.size(), capacity);
      for (size_t i = 0; i < capacity; ++i) ring.pop();
      ASSERT_TRUE(ring.empty());
    }
  }
}

TEST(SpscRingTest, HoldsTwoToTheThirtyTwo) {
  constexpr size_t kCapacity = SpscRing<std::byte>::kMaxCapacity;
  const size_t bytes = SpscRing<std::byte>::storage_bytes(kCapacity);
  void* const pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  {
    SpscRing<std::byte> ring(kCapacity,
                             {static_cast<std::byte*>(pages), bytes});
    EXPECT_EQ(ring.claim(kCapacity).size(), kCapacity);
    ring.publish(kCapacity);  // bytes need no construction
    EXPECT_EQ(ring.size(), kCapacity);
    EXPECT_FALSE(ring.try_push(std::byte{1}));
    ring.consume(kCapacity);
    EXPECT_TRUE(ring.try_push(std::byte{1}));
  }
  munmap(pages, bytes);
}

TEST(SpscRingTest, UsesTheCallersStorage) {
  alignas(std::string) std::byte storage[4 * sizeof(std::string)];
  static_assert(SpscRing<std::string>::storage_bytes(3) == sizeof(storage));
  SpscRing<std::string> ring(3, storage);
  ASSERT_TRUE(ring.try_push("here"));
  EXPECT_EQ(static_cast<void*>(ring.front()), static_cast<void*>(storage));
}

TEST(SpscRingTest, TakesMoveOnlyTypes) {
  SpscRing<std::unique_ptr<int>> ring(2);
  ASSERT_TRUE(ring.try_push(std::make_unique<int>(7)));
  ASSERT_TRUE(ring.try_emplace(new int(8)));
  auto refused = std::make_unique<int>(9);
  EXPECT_FALSE(ring.try_push(std::move(refused)));
  EXPECT_NE(refused, nullptr);  // a refused object stays with its owner
  std::unique_ptr<int> out;
  ASSERT_TRUE(ring.try_pop(out));
  EXPECT_EQ(*out, 7);
  EXPECT_EQ(**ring.try_pop(), 8);
}

TEST(SpscRingTest, TakesOverAlignedTypes) {
  struct alignas(256) Wide {
    int value;
  };
  SpscRing<Wide> ring(3);
  ASSERT_TRUE(ring.try_push(Wide{1}));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(ring.front()) % 256, 0u);
}

TEST(SpscRingTest, ClosedMeansClosedAndDrained) {
  SpscRing<int> ring(4);
  ASSERT_TRUE(ring.try_push(1));
  EXPECT_EQ(ring.claim(2).size(), 2u);
  EXPECT_FALSE(ring.closed());
  ring.close();
  ring.close();
  EXPECT_FALSE(ring.try_push(2));
  EXPECT_TRUE(ring.claim(1).empty());
  EXPECT_FALSE(ring.closed());  // one is still to be drained
  EXPECT_EQ(ring.try_pop(), 1);
  EXPECT_TRUE(ring.closed());
  EXPECT_FALSE(ring.try_push(2));
}

// ---- Object lifetimes -------------------------------------------------------

// Counts the living; refuses to be destroyed twice.
struct Counted {
  static inline int64_t alive = 0;
  explicit Counted(int v) : value(v) { ++alive; }
  Counted(Counted&& other) noexcept : value(other.value) { ++alive; }
  Counted& operator=(Counted&& other) noexcept {
    value = other.value;
    return *this;
  }
  ~Counted() {
    EXPECT_EQ(canary, kAlive);
    canary = 0;
    --alive;
  }
  static constexpr uint32_t kAlive = 0xA11FE;
  int value;
  uint32_t canary = kAlive;
};

TEST(SpscRingTest, DestroysWhatIsLeft) {
  {
    SpscRing<Counted> ring(5);
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(ring.try_emplace(i));
    ring.pop();
    ring.pop();
    ASSERT_TRUE(ring.try_emplace(5));
    EXPECT_EQ(Counted::alive, 4);
  }
  EXPECT_EQ(Counted::alive, 0);
}

TEST(SpscRingTest, UnpublishedClaimsAreNotDestroyed) {
  {
    SpscRing<Counted> ring(4);
    std::span<Counted> slots = ring.claim(3);
    std::construct_at(&slots[0], 1);
    ring.publish(1);
    EXPECT_EQ(Counted::alive, 1);
  }
  EXPECT_EQ(Counted::alive, 0);
}

TEST(SpscRingTest, ThrowingConstructorPushesNothing) {
  struct Throws {
    explicit Throws(bool now) {
      if (now) throw std::runtime_error("now");
    }
  };
  SpscRing<Throws> ring(2);
  EXPECT_THROW((void)ring.try_emplace(true), std::runtime_error);
  EXPECT_TRUE(ring.empty());
  EXPECT_TRUE(ring.try_emplace(false));
  EXPECT_EQ(ring.size(), 1u);
}

// ---- Broken invariants end the process --------------------------------------

using SpscRingDeathTest = ::testing::Test;

TEST(SpscRingDeathTest, RefusesWhatItCannotHold) {
  EXPECT_DEATH(SpscRing<int>(0), "SpscRing .*capacity must be 1 to 2\\^32");
  EXPECT_DEATH(SpscRing<int>((size_t{1} << 32) + 1), "capacity must be");
  alignas(8) std::byte storage[33];
  EXPECT_DEATH(SpscRing<int>(9, storage), "storage shorter");
  EXPECT_DEATH(SpscRing<int>(8, std::span(storage).subspan(1)), "misaligned");
}

TEST(SpscRingDeathTest, RefusesToPopOrPublishWhatIsNotThere) {
  SpscRing<int> ring(4);
  EXPECT_DEATH(ring.pop(), "pop of an empty ring");
  EXPECT_DEATH(ring.publish(1), "publish of unclaimed slots");
  (void)ring.claim(2);
  EXPECT_DEATH(ring.publish(3), "publish of unclaimed slots");
  ring.close();
  EXPECT_DEATH(ring.publish(1), "publish of unclaimed slots");
}

TEST(SpscRingTest, PopNeedsNoFrontBeforeIt) {
  SpscRing<int> ring(4);
  ASSERT_TRUE(ring.try_push(1));
  ring.pop();
  EXPECT_TRUE(ring.empty());
}

// ---- Model: std::deque under random operations ------------------------------

TEST(SpscRingTest, BehavesLikeADeque) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    const size_t capacity = 1 + random() % 40;
    SpscRing<Counted> ring(capacity);
    std::deque<int> model;
    int next = 0;
    for (int step = 0; step < 500; ++step) {
      switch (random() % 6) {
        case 0:
        case 1: {
          const bool pushed = ring.try_emplace(next);
          ASSERT_EQ(pushed, model.size() < capacity);
          if (pushed) model.push_back(next++);
          break;
        }
        case 2: {
          const size_t wanted = random() % 12;
          std::span<Counted> slots = ring.claim(wanted);
          ASSERT_LE(slots.size(), std::min(wanted, capacity - model.size()));
          if (wanted > 0 && model.size() < capacity) {
            ASSERT_FALSE(slots.empty());
          }
          const size_t used = slots.empty() ? 0 : random() % slots.size();
          for (size_t i = 0; i < used; ++i) {
            std::construct_at(&slots[i], next);
            model.push_back(next++);
          }
          ring.publish(used);
          break;
        }
        case 3: {
          std::optional<Counted> out = ring.try_pop();
          ASSERT_EQ(out.has_value(), !model.empty());
          if (out) {
            ASSERT_EQ(out->value, model.front());
            model.pop_front();
          }
          break;
        }
        case 4: {
          const size_t wanted = random() % 12;
          std::span<Counted> ready = ring.peek(wanted);
          ASSERT_LE(ready.size(), std::min(wanted, model.size()));
          if (wanted > 0 && !model.empty()) {
            ASSERT_FALSE(ready.empty());
          }
          const size_t used = ready.empty() ? 0 : random() % ready.size();
          for (size_t i = 0; i < ready.size(); ++i) {
            ASSERT_EQ(ready[i].value, model[i]);
          }
          ring.consume(used);
          model.erase(model.begin(),
                      model.begin() + static_cast<ptrdiff_t>(used));
          break;
        }
        case 5: {
          Counted* const front = ring.front();
          ASSERT_EQ(front == nullptr, model.empty());
          if (front != nullptr) {
            ASSERT_EQ(front->value, model.front());
            ring.pop();
            model.pop_front();
          }
          break;
        }
      }
      ASSERT_EQ(ring.size(), model.size());
      ASSERT_EQ(Counted::alive, static_cast<int64_t>(model.size()));
    }
  }
  EXPECT_EQ(Counted::alive, 0);
}

// ---- Threads ----------------------------------------------------------------

// Small rings change threads at almost every message.
int messages_for(size_t capacity) { return capacity < 10 ? 4'000 : 30'000; }

// Several words and a heap object, so that a reader too early is seen.
struct Message {
  explicit Message(int i) : number(i), text(std::to_string(i)), copy(i) {}
  int number;
  std::string text;
  int copy;
};

void expect_intact(const Message& message, int number) {
  ASSERT_EQ(message.number, number);
  ASSERT_EQ(message.text, std::to_string(number));
  ASSERT_EQ(message.copy, number);
}

class SpscRingThreads : public ::testing::TestWithParam<size_t> {};

TEST_P(SpscRingThreads, HandOverSingleObjects) {
  for (Soak soak(4); soak.goes_on();) {
    const int messages = messages_for(GetParam());
    SpscRing<Message> ring(GetParam());
    std::thread producer([&ring, messages] {
      for (int i = 0; i < messages; ++i) {
        while (!ring.try_emplace(i)) std::this_thread::yield();
      }
      ring.close();
    });
    int expected = 0;
    while (!ring.closed()) {
      if (Message* message = ring.front()) {
        expect_intact(*message, expected++);
        ring.pop();
      } else {
        std::this_thread::yield();
      }
    }
    producer.join();
    EXPECT_EQ(expected, messages);
  }
}

TEST_P(SpscRingThreads, HandOverBatches) {
  for (Soak soak(4); soak.goes_on();) {
    const int messages = messages_for(GetParam());
    SpscRing<Message> ring(GetParam());
    std::thread producer([&ring, messages] {
      for (int i = 0; i < messages;) {
        std::span<Message> slots =
            ring.claim(static_cast<size_t>(std::min(7, messages - i)));
        for (Message& slot : slots) std::construct_at(&slot, i++);
        ring.publish(slots.size());
        if (slots.empty()) std::this_thread::yield();
      }
      ring.close();
    });
    int expected = 0;
    while (!ring.closed()) {
      std::span<Message> ready = ring.peek(5);
      for (const Message& message : ready) expect_intact(message, expected++);
      ring.consume(ready.size());
      if (ready.empty()) std::this_thread::yield();
    }
    producer.join();
    EXPECT_EQ(expected, messages);
  }
}

TEST_P(SpscRingThreads, HandOverByMove) {
  for (Soak soak(4); soak.goes_on();) {
    const int messages = messages_for(GetParam());
    SpscRing<Message> ring(GetParam());
    std::thread producer([&ring, messages] {
      for (int i = 0; i < messages; ++i) {
        Message message(i);
        while (!ring.try_push(std::move(message))) std::this_thread::yield();
      }
      ring.close();
    });
    int expected = 0;
    Message out(-1);
    while (!ring.closed()) {
      if (expected % 2 == 0 && ring.try_pop(out)) {
        expect_intact(out, expected++);
      } else if (std::optional<Message> next = ring.try_pop()) {
        expect_intact(*next, expected++);
      } else {
        std::this_thread::yield();
      }
    }
    producer.join();
    EXPECT_EQ(expected, messages);
  }
}

INSTANTIATE_TEST_SUITE_P(Capacities, SpscRingThreads,
                         ::testing::Values(1, 3, 64, 1000));

}  // namespace
}  // namespace wirebook
