// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Where ObjectPool's memory comes from, that it does not grow, and how it is
// given back.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory_resource>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "memory/numa_policy.h"
#include "memory/object_pool.h"
#include "memory/page_mapping.h"

namespace wirebook {
namespace {

struct Order {
  Order(int64_t p, int64_t q) : price(p), quantity(q) {}
  int64_t price;
  int64_t quantity;
  char rest[48] = {};
};

using Narrow = ObjectPool<Order, PoolTraits{.tag = PoolTag::k64}>;

constexpr size_t kPage = 4096;

// Bytes of the pages that any of these lies on and that are in memory.
size_t resident_bytes(const std::vector<Order*>& orders) {
  std::set<uintptr_t> pages;
  for (const Order* order : orders) {
    pages.insert(reinterpret_cast<uintptr_t>(order) / kPage * kPage);
  }
  size_t resident = 0;
  for (uintptr_t page : pages) {
    unsigned char in_memory = 0;
    EXPECT_EQ(mincore(reinterpret_cast<void*>(page), kPage, &in_memory), 0);
    resident += in_memory & 1 ? kPage : 0;
  }
  return resident;
}

std::vector<Order*> take(auto& pool, size_t count) {
  std::vector<Order*> orders;
  while (orders.size() < count) orders.push_back(pool.create(1, 2));
  return orders;
}

void free_all(auto& pool, const std::vector<Order*>& orders) {
  for (Order* order : orders) pool.destroy(order);
}

TEST(Trim, GivesPagesBackAndKeepsAddresses) {
  ObjectPool<Order> pool;
  const std::vector<Order*> orders = take(pool, 50000);
  const size_t before = resident_bytes(orders);
  const size_t capacity = pool.stats().capacity;
  EXPECT_GE(before, orders.size() * sizeof(Order));
  free_all(pool, orders);
  const size_t given_back = pool.trim();
  // All but a page or two of each chunk, which magazines share.
  EXPECT_GT(given_back, before * 9 / 10);
  EXPECT_LT(resident_bytes(orders), before / 10);
  EXPECT_EQ(pool.stats().capacity, capacity);

  const std::vector<Order*> again = take(pool, 50000);
  EXPECT_EQ(pool.stats().capacity, capacity);
  const std::set<Order*> old(orders.begin(), orders.end());
  size_t same = 0;
  for (Order* order : again) same += old.contains(order);
  EXPECT_GT(same, orders.size() / 2);
  free_all(pool, again);
}

TEST(Trim, KeepsChunksThatHaveAnObjectOut) {
  ObjectPool<Order> pool({.initial_capacity = 1000});
  std::vector<Order*> orders = take(pool, 1000);
  Order* last = orders.back();
  last->price = 77;
  orders.pop_back();
  free_all(pool, orders);
  EXPECT_EQ(pool.trim(), 0u);
  EXPECT_EQ(last->price, 77);
  pool.destroy(last);
  EXPECT_GT(pool.trim(), 900 * sizeof(Order));
}

TEST(Trim, KeepsChunksOfWhichAThreadKeepsObjects) {
  ObjectPool<Order> pool({.initial_capacity = 1000});
  std::atomic<int> step{0};
  std::thread other([&] {
    (void)pool.make(1, 1);
    step = 1;
    while (step != 2) std::this_thread::yield();
  });
  while (step != 1) std::this_thread::yield();
  EXPECT_EQ(pool.trim(), 0u);
  step = 2;
  other.join();
  EXPECT_GT(pool.trim(), 900 * sizeof(Order)) << "its end returned them";
}

TEST(Trim, GivesNothingTheSecondTime) {
  ObjectPool<Order> pool;
  EXPECT_EQ(pool.trim(), 0u) << "nothing is mapped yet";
  free_all(pool, take(pool, 5000));
  EXPECT_GT(pool.trim(), 0u);
  EXPECT_EQ(pool.trim(), 0u);
}

TEST(Trim, ABoundedPoolHasItsWholeCapacityAfterwards) {
  Narrow pool({.initial_capacity = 5000,
               .max_capacity = 9000,
               .exhaustion = PoolExhaustion::kNull});
  for (int round = 0; round < 4; ++round) {
    const std::vector<Order*> orders = take(pool, 9000);
    EXPECT_EQ(std::set(orders.begin(), orders.end()).size(), 9000u);
    EXPECT_EQ(pool.create(1, 1), nullptr);
    free_all(pool, orders);
    EXPECT_GT(pool.trim(), 0u);
  }
}

TEST(Trim, WarmUpTouchesWhatWasGivenBack) {
  ObjectPool<Order> pool({.initial_capacity = 10000});
  const std::vector<Order*> orders = take(pool, 10000);
  free_all(pool, orders);
  pool.trim();
  EXPECT_LT(resident_bytes(orders), 2 * kPage);
  EXPECT_EQ(pool.stats().ready, 0u);
  pool.warm_up(10000);
  EXPECT_GE(resident_bytes(orders), 10000 * sizeof(Order));
  EXPECT_GE(pool.stats().ready, 10000u);
}

TEST(Trim, WarmUpTouchesNoMoreThanItIsAskedFor) {
  ObjectPool<Order> pool;
  const std::vector<Order*> orders = take(pool, 50000);
  free_all(pool, orders);
  pool.trim();
  pool.warm_up(1000);
  EXPECT_GE(pool.stats().ready, 1000u);
  EXPECT_LT(pool.stats().ready, 2500u) << "chunks double";
  EXPECT_LT(resident_bytes(orders), 2500 * sizeof(Order));
  const std::vector<Order*> few = take(pool, 1000);
  EXPECT_LT(pool.stats().ready, 2500u) << "they are what is used";
  free_all(pool, few);
}

TEST(Trim, KeepsWhatItIsAskedToKeep) {
  ObjectPool<Order> pool;
  free_all(pool, take(pool, 50000));
  EXPECT_GT(pool.trim(10000), 0u);
  EXPECT_GE(pool.stats().ready, 10000u);
  EXPECT_LT(pool.stats().ready, 25000u);
  EXPECT_EQ(pool.trim(10000), 0u);
}

TEST(Trim, CountsOnlyBytesThatWereInMemory) {
  ObjectPool<Order> pool({.initial_capacity = 64});
  const size_t count = 60000;
  std::vector<Order*> orders = take(pool, 40000);  // The last chunk has more.
  EXPECT_GT(pool.stats().capacity, count);
  const size_t before = resident_bytes(orders);
  free_all(pool, orders);
  EXPECT_LE(pool.trim(), before + 64 * sizeof(Order) + kPage);
}

TEST(Trim, OlderChunksAreUsedFirst) {
  ObjectPool<Order> pool;
  const std::vector<Order*> first = take(pool, 1);
  const std::vector<Order*> orders = take(pool, 20000);
  const size_t capacity = pool.stats().capacity;
  const size_t part = 60;  // Of the first chunk, of 4096 bytes or more.
  free_all(pool, {orders.begin() + 1, orders.end()});  // One object stays out,
  pool.trim();  // in a chunk, so that all is not new.
  std::vector<Order*> few = take(pool, part);
  size_t near_the_first = 0;
  for (Order* order : few) near_the_first += order - first[0] < 130;
  EXPECT_GE(near_the_first, part / 2);
  free_all(pool, few);
  pool.destroy(first[0]);
  pool.destroy(orders[0]);
  EXPECT_EQ(pool.stats().capacity, capacity);
}

TEST(TrimDeathTest, ADoubleFreeOfWhatWasGivenBackIsSeen) {
  ObjectPool<Order> pool;
  std::vector<Order*> orders = take(pool, 5000);
  std::atomic<int> step{0};
  std::thread other([&] {
    // This thread remembers the chunk that it freed into, and keeps nothing.
    pool.destroy(orders.back());
    orders.back() = pool.create(1, 1);
    step = 1;
    while (step != 2) std::this_thread::yield();
    EXPECT_DEATH(pool.destroy(orders.back()),
                 "double or foreign free, never out since it is new: 0x");
    step = 3;
  });
  while (step != 1) std::this_thread::yield();
  free_all(pool, orders);
  EXPECT_GT(pool.trim(), 0u);
  EXPECT_DEATH(pool.destroy(orders.front()),
               "double or foreign free, never out since it is new: 0x");
  step = 2;
  while (step != 3) std::this_thread::yield();
  other.join();
}

TEST(Trim, GoesOnWhileThreadsDo) {
  ObjectPool<Order> pool;
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      std::vector<Pooled<Order>> held;
      for (int i = 0; i < 60; ++i) {
        for (size_t n = random() % 2000; n > 0; --n) {
          held.push_back(pool.make(i, ~int64_t{i}));
        }
        for (auto& order : held) ASSERT_EQ(order->price, ~order->quantity);
        held.resize(held.size() / (1 + random() % 4));
      }
    });
  }
  std::thread trimmer([&] {
    for (size_t i = 0; !stop; ++i) {
      if (i % 2 == 0) {
        pool.trim();
      } else {
        pool.cool(i % 3000);
      }
      std::this_thread::yield();
    }
  });
  for (auto& thread : threads) thread.join();
  stop = true;
  trimmer.join();
  const ObjectPoolStats stats = pool.stats();
  EXPECT_EQ(stats.in_use, 0u);
  EXPECT_EQ(stats.total_allocations, stats.total_deallocations);
}

// ---- Steering

// Every twentieth of them at random, the rest is freed.
std::vector<Order*> fragment(auto& pool, size_t count, std::mt19937& random) {
  std::vector<Order*> orders = take(pool, count);
  std::shuffle(orders.begin(), orders.end(), random);
  free_all(pool, {orders.begin() + count / 20, orders.end()});
  orders.resize(count / 20);
  return orders;
}

// Each of them is freed and another one taken, a few at a time.
void replace_each(auto& pool, std::vector<Order*>& orders,
                  std::mt19937& random) {
  std::shuffle(orders.begin(), orders.end(), random);
  for (size_t from = 0; from < orders.size();) {
    const size_t to = std::min(orders.size(), from + 1 + random() % 64);
    for (size_t i = from; i < to; ++i) pool.destroy(orders[i]);
    for (; from < to; ++from) orders[from] = pool.create(3, 4);
  }
}

constexpr size_t kFragmented = 100000;
constexpr size_t kFragmentedBytes = kFragmented * sizeof(Order);

TEST(Steering, EmptiesChunksThatFragmentationHeld) {
  std::mt19937 random(1);
  ObjectPool<Order> pool;
  std::vector<Order*> orders = fragment(pool, kFragmented, random);
  const size_t capacity = pool.stats().capacity;
  EXPECT_LT(pool.trim(), kFragmentedBytes / 50) << "each chunk has some out";
  replace_each(pool, orders, random);
  EXPECT_GT(pool.trim(), kFragmentedBytes * 3 / 4);
  EXPECT_LT(pool.stats().ready, kFragmented / 4);
  EXPECT_EQ(pool.stats().capacity, capacity);
  free_all(pool, orders);
}

TEST(Steering, WithoutItTheSameChurnFreesNoChunk) {
  std::mt19937 random(1);
  ObjectPool<Order> pool;
  std::vector<Order*> orders = fragment(pool, kFragmented, random);
  replace_each(pool, orders, random);
  replace_each(pool, orders, random);
  EXPECT_LT(pool.trim(), kFragmentedBytes / 50);
  free_all(pool, orders);
}

TEST(Steering, WhatDrainsIsUsedBeforeThePoolGrows) {
  std::mt19937 random(2);
  Narrow pool({.max_capacity = 30000, .exhaustion = PoolExhaustion::kNull});
  std::vector<Order*> orders = fragment(pool, 30000, random);
  for (int round = 0; round < 4; ++round) {
    pool.trim();
    std::vector<Order*> more = take(pool, 30000 - orders.size());
    EXPECT_EQ(pool.create(1, 1), nullptr);
    more.insert(more.end(), orders.begin(), orders.end());
    EXPECT_EQ(std::set(more.begin(), more.end()).size(), 30000u);
    std::shuffle(more.begin(), more.end(), random);
    free_all(pool, {more.begin() + 100, more.end()});
    orders.assign(more.begin(), more.begin() + 100);
    pool.cool();
    replace_each(pool, orders, random);
    EXPECT_EQ(pool.stats().in_use, 100u);
  }
  EXPECT_EQ(pool.stats().capacity, 30000u);
  free_all(pool, orders);
}

TEST(Steering, AThreadBringsHomeWhatItKeepsWhenItNextFrees) {
  std::mt19937 random(3);
  ObjectPool<Order> pool;
  std::vector<Order*> orders = fragment(pool, kFragmented, random);
  std::atomic<int> step{0};
  std::thread other([&] {
    free_all(pool, take(pool, 500));
    step = 1;
    while (step != 2) std::this_thread::yield();
    pool.destroy(pool.create(1, 1));
    step = 3;
    while (step != 4) std::this_thread::yield();
  });
  while (step != 1) std::this_thread::yield();
  pool.trim();
  replace_each(pool, orders, random);
  step = 2;
  while (step != 3) std::this_thread::yield();
  EXPECT_GT(pool.trim(), kFragmentedBytes * 3 / 4);
  step = 4;
  other.join();
  free_all(pool, orders);
}

// ---- Cooling

// Of the mapping that `address` lies in, the bytes that were touched since the
// system last looked; nothing where it does not say so.
std::optional<size_t> referenced_bytes(const void* address) {
  std::ifstream smaps("/proc/self/smaps");
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    size_t begin = 0, end = 0;
    if (std::sscanf(line.c_str(), "%zx-%zx ", &begin, &end) == 2) {
      const auto at = reinterpret_cast<size_t>(address);
      inside = begin <= at && at < end;
    }
    size_t kilobytes = 0;
    if (inside &&
        std::sscanf(line.c_str(), "Referenced: %zu kB", &kilobytes) == 1) {
      return kilobytes * 1024;
    }
  }
  return std::nullopt;
}

TEST(Cool, MarksWhatIsBeyondAsColdAndLosesNothing) {
  ObjectPool<Order> pool;
  std::vector<Order*> orders = take(pool, kFragmented);
  Order* first = orders.front();  // In the oldest and smallest chunk.
  Order* last = orders.back();    // In the newest.
  first->price = 77;
  last->price = 78;
  free_all(pool, {orders.begin() + 1, orders.end() - 1});
  const std::optional<size_t> before = referenced_bytes(last);
  const ObjectPoolStats warm = pool.stats();
  const size_t cold = pool.cool();
  EXPECT_GT(cold, kFragmentedBytes * 9 / 10);
  EXPECT_LT(cold, kFragmentedBytes * 11 / 10);
  if (before.has_value() && *before >= kFragmentedBytes / 3) {
    EXPECT_LT(*referenced_bytes(last), *before / 2);
  }
  EXPECT_EQ(pool.stats().capacity, warm.capacity);
  EXPECT_EQ(pool.stats().ready, warm.ready) << "nothing is given back";
  EXPECT_EQ(first->price, 77);
  EXPECT_EQ(last->price, 78);
  pool.destroy(first);
  pool.destroy(last);
  free_all(pool, take(pool, kFragmented));
}

TEST(Cool, LeavesWhatIsWanted) {
  ObjectPool<Order> pool({.initial_capacity = 10000});
  free_all(pool, take(pool, 10000));
  EXPECT_EQ(pool.cool(5000), 0u) << "one chunk has them all";
  free_all(pool, take(pool, 80000));
  const size_t cold = pool.cool(10000);
  EXPECT_GT(cold, 60000 * sizeof(Order));
  EXPECT_LT(cold, 75000 * sizeof(Order));
}

TEST(Cool, PageOutLosesNothingEither) {
  ObjectPool<Order> pool;
  std::mt19937 random(4);
  std::vector<Order*> orders = fragment(pool, 20000, random);
  for (size_t i = 0; i < orders.size(); ++i) {
    orders[i]->price = static_cast<int64_t>(i);
  }
  EXPECT_GT(pool.cool(0, PoolCooling::kPageOut), 0u);
  for (size_t i = 0; i < orders.size(); ++i) {
    ASSERT_EQ(orders[i]->price, static_cast<int64_t>(i));
  }
  std::vector<Order*> rest = take(pool, 19000);
  free_all(pool, rest);
  free_all(pool, orders);
}

size_t process_resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  size_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * kPage;
}

TEST(Growth, AMillionCyclesNeedNoMoreMemory) {
  ObjectPool<Order> pool({.initial_capacity = 4096});
  std::vector<Pooled<Order>> held(2000);
  std::mt19937 random(1);
  const auto cycles = [&](int count) {
    for (int i = 0; i < count; ++i) {
      held[random() % held.size()] = pool.make(i, i);
    }
  };
  cycles(10000);
  const size_t before = process_resident_bytes();
  const size_t capacity = pool.stats().capacity;
  cycles(1000000);
  EXPECT_EQ(pool.stats().capacity, capacity);
  // The test's own code pages and the sanitizers' books may come in.
  EXPECT_LT(process_resident_bytes(), before + (size_t{1} << 20));
}

class CountingResource : public std::pmr::memory_resource {
 public:
  size_t bytes = 0;
  size_t limit = SIZE_MAX;
  bool odd = false;  // Throws something of its own.

 private:
  void* do_allocate(size_t size, size_t alignment) override {
    if (bytes + size > limit && odd) throw std::runtime_error("no more");
    if (bytes + size > limit) throw std::bad_alloc();
    bytes += size;
    return std::pmr::new_delete_resource()->allocate(size, alignment);
  }
  void do_deallocate(void* block, size_t size, size_t alignment) override {
    bytes -= size;
    std::pmr::new_delete_resource()->deallocate(block, size, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }
};

TEST(Source, AMemoryResourceGivesTheChunks) {
  CountingResource resource;
  {
    ObjectPool<Order> pool({.initial_capacity = 100, .resource = &resource});
    EXPECT_GE(resource.bytes, 100 * sizeof(Order));
    const std::vector<Order*> orders = take(pool, 3000);
    EXPECT_GE(resource.bytes, 3000 * sizeof(Order));
    free_all(pool, orders);
    EXPECT_EQ(pool.trim(), 0u) << "what is not ours stays";
    free_all(pool, take(pool, 3000));
  }
  EXPECT_EQ(resource.bytes, 0u);
}

TEST(Source, AResourceThatIsUsedUpIsAFailureThatIsCounted) {
  CountingResource resource;
  resource.limit = 64 * 1024;
  ObjectPool<Order> pool({.resource = &resource});
  std::vector<Order*> orders;
  while (Order* order = pool.create(1, 1)) orders.push_back(order);
  EXPECT_GT(orders.size(), 100u);
  EXPECT_EQ(pool.stats().allocation_failures, 1u);
  resource.odd = true;
  EXPECT_EQ(pool.create(1, 1), nullptr);
  EXPECT_EQ(pool.stats().allocation_failures, 2u);
  resource.limit = SIZE_MAX;
  orders.push_back(pool.create(1, 1));
  EXPECT_NE(orders.back(), nullptr) << "it is asked again";
  free_all(pool, orders);
}

TEST(Source, HugePagesMakeChunksAsLargeAsOne) {
  ObjectPool<Order> pool({.initial_capacity = 1, .page_bytes = kHugePageBytes});
  const ObjectPoolStats stats = pool.stats();
  EXPECT_GE(stats.capacity, kHugePageBytes / sizeof(Order) * 95 / 100);
  EXPECT_LT(stats.overhead_bytes, kHugePageBytes / 20);
  const std::vector<Order*> orders = take(pool, stats.capacity);
  EXPECT_EQ(pool.stats().capacity, stats.capacity);
  free_all(pool, orders);
}

TEST(Source, APlacementIsPassedOn) {
  ObjectPool<Order> pool(
      {.initial_capacity = 100,
       .placement = {.policy = NumaPolicy::kBind, .node = 0}});
  const std::vector<Order*> orders = take(pool, 100);
  const std::optional<int> node = numa_node_of(orders[0]);
  if (node.has_value()) {
    EXPECT_EQ(*node, 0);
  }
  free_all(pool, orders);
}

TEST(SourceDeathTest, APlacementThatDoesNotExist) {
  const char page = 0;
  if (!numa_node_of(&page).has_value()) {
    GTEST_SKIP() << "the system says nothing about nodes";
  }
  EXPECT_DEATH(ObjectPool<Order>(
                   {.initial_capacity = 100,
                    .placement = {.policy = NumaPolicy::kBind, .node = 999}}),
               "no memory for its initial capacity: .*999");
}

TEST(Source, OverheadIsBelowFivePercentFrom64BytesUp) {
  const auto share = []<size_t kBytes>(std::integral_constant<size_t, kBytes>) {
    struct Thing {
      char bytes[kBytes];
    };
    ObjectPool<Thing> pool({.initial_capacity = 20000});
    const ObjectPoolStats stats = pool.stats();
    return static_cast<double>(stats.overhead_bytes) /
           static_cast<double>(stats.capacity * kBytes);
  };
  EXPECT_LT(share(std::integral_constant<size_t, 64>{}), 0.05);
  EXPECT_LT(share(std::integral_constant<size_t, 128>{}), 0.05);
  EXPECT_LT(share(std::integral_constant<size_t, 1000>{}), 0.05);
}

}  // namespace
}  // namespace wirebook
