// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Where ObjectPool's memory comes from, that it does not grow, and how it is
// given back.
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory_resource>
#include <optional>
#include <random>
#include <set>
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
  pool.warm_up(10000);
  EXPECT_GE(resident_bytes(orders), 10000 * sizeof(Order));
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
    while (!stop) {
      pool.trim();
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

 private:
  void* do_allocate(size_t size, size_t alignment) override {
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
