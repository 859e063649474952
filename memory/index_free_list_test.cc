// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/index_free_list.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "memory/testing/soak.h"

namespace wirebook {
namespace {

// A list with its links.
struct Places {
  explicit Places(std::uint32_t capacity)
      : links(std::make_unique<std::atomic<std::uint32_t>[]>(capacity)),
        list(capacity, NextInArray{links.get()}) {}
  std::unique_ptr<std::atomic<std::uint32_t>[]> links;
  IndexFreeList<> list;
};

TEST(IndexFreeList, HandsOutEachNumberOnce) {
  Places places(3);
  std::set<std::uint32_t> out;
  for (int i = 0; i < 3; ++i) out.insert(places.list.acquire());
  EXPECT_EQ(out, (std::set<std::uint32_t>{0, 1, 2}));
  EXPECT_EQ(places.list.acquire(), places.list.kNone);
  places.list.release(1);
  EXPECT_EQ(places.list.acquire(), 1u);
}

TEST(IndexFreeList, ReusesBeforeItIssues) {
  Places places(100);
  for (int i = 0; i < 1000; ++i) places.list.release(places.list.acquire());
  EXPECT_EQ(places.list.high_water_mark(), 1u);
  const std::uint32_t a = places.list.acquire();
  const std::uint32_t b = places.list.acquire();
  places.list.release(a);
  places.list.release(b);
  EXPECT_EQ(places.list.high_water_mark(), 2u);
  EXPECT_EQ(places.list.capacity(), 100u);
}

TEST(IndexFreeList, FailsOnlyWhenAllAreOutAndMarksThePeak) {
  constexpr std::uint32_t kCapacity = 20;
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  Places places(kCapacity);
  std::vector<std::uint32_t> out;
  std::size_t peak = 0;
  for (int step = 0; step < 100'000; ++step) {
    // Drifts between full and empty.
    if (random() % 100 < (step / 1000 % 2 == 0 ? 52u : 45u)) {
      const std::uint32_t got = places.list.acquire();
      ASSERT_EQ(got == places.list.kNone, out.size() == kCapacity);
      if (got == places.list.kNone) continue;
      ASSERT_EQ(std::count(out.begin(), out.end(), got), 0);
      out.push_back(got);
    } else if (!out.empty()) {
      std::swap(out[random() % out.size()], out.back());
      places.list.release(out.back());
      out.pop_back();
    }
    peak = std::max(peak, out.size());
    ASSERT_EQ(places.list.high_water_mark(), peak);
  }
  EXPECT_EQ(peak, kCapacity);
}

// As many threads as numbers, each with one at a time: there is always a free
// one, and no number has two holders. Holders write without atomics, so that
// ThreadSanitizer sees whether release() publishes to acquire().
void one_each(std::uint32_t threads, int rounds) {
  Places places(threads);
  std::vector<std::uint64_t> payload(threads);
  std::vector<std::atomic<int>> holders(threads);
  std::atomic<int> failures{0};
  std::atomic<int> doubles{0};
  std::vector<std::thread> running;
  for (std::uint32_t t = 0; t < threads; ++t) {
    running.emplace_back([&] {
      for (int i = 0; i < rounds; ++i) {
        const std::uint32_t got = places.list.acquire();
        if (got == places.list.kNone) {
          failures.fetch_add(1, std::memory_order_relaxed);
          continue;
        }
        if (holders[got].fetch_add(1, std::memory_order_relaxed) != 0) {
          doubles.fetch_add(1, std::memory_order_relaxed);
        }
        ++payload[got];
        holders[got].fetch_sub(1, std::memory_order_relaxed);
        places.list.release(got);
      }
    });
  }
  for (auto& thread : running) thread.join();
  EXPECT_EQ(failures.load(), 0);
  EXPECT_EQ(doubles.load(), 0);
  std::uint64_t uses = 0;
  for (std::uint64_t n : payload) uses += n;
  EXPECT_EQ(uses, std::uint64_t{threads} * static_cast<std::uint64_t>(rounds));
  EXPECT_LE(places.list.high_water_mark(), threads);
}

TEST(IndexFreeList, NeverFailsTwoThreadsWithANumberEach) {
  one_each(2, 400'000);
}

TEST(IndexFreeList, NeverFailsSixteenThreadsWithANumberEach) {
  one_each(16, 20'000);
}

TEST(IndexFreeList, ManyThreadsLoseNothing) {
  for (Soak soak; soak.goes_on();) {
    constexpr std::uint32_t kCapacity = 64;
    Places places(kCapacity);
    std::vector<std::thread> running;
    for (unsigned t = 0; t < 16; ++t) {
      running.emplace_back([&places, t] {
        std::mt19937 random(t);
        std::vector<std::uint32_t> mine;
        for (int i = 0; i < 20'000; ++i) {
          if (random() % 2 == 0) {
            const std::uint32_t got = places.list.acquire();
            if (got != places.list.kNone) mine.push_back(got);
          } else if (!mine.empty()) {
            places.list.release(mine.back());
            mine.pop_back();
          }
        }
        for (std::uint32_t index : mine) places.list.release(index);
      });
    }
    for (auto& thread : running) thread.join();
    std::set<std::uint32_t> all;
    for (std::uint32_t i = 0; i < kCapacity; ++i) {
      all.insert(places.list.acquire());
    }
    EXPECT_EQ(all.size(), kCapacity);
    EXPECT_EQ(*all.rbegin(), kCapacity - 1);
    EXPECT_EQ(places.list.acquire(), places.list.kNone);
  }
}

}  // namespace
}  // namespace wirebook
