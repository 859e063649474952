// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What ObjectPool does to those who break its rules.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "memory/object_pool.h"

namespace wirebook {
namespace {

struct Order {
  Order(int64_t p, int64_t q) : price(p), quantity(q) {}
  int64_t price;
  int64_t quantity;
  char rest[48] = {};
};

using Narrow = ObjectPool<Order, PoolTraits{.tag = PoolTag::k64}>;

TEST(ObjectPoolDeathTest, DoubleFree) {
  ObjectPool<Order> pool;
  Order* order = pool.create(1, 1);
  pool.destroy(order);
  EXPECT_DEATH(pool.destroy(order), "ObjectPool 0x.*: double free of 0x");
  EXPECT_DEATH(pool.deallocate(order), "double free of 0x");
}

TEST(ObjectPoolDeathTest, DoubleFreeFromAnotherThread) {
  ObjectPool<Order> pool;
  Order* order = pool.create(1, 1);
  pool.destroy(order);
  EXPECT_DEATH(std::thread([&] { pool.destroy(order); }).join(),
               "double free of 0x");
}

TEST(ObjectPoolDeathTest, DoubleFreeLongAfterTheFirst) {
  ObjectPool<Order> pool;
  std::vector<Order*> orders;
  for (int i = 0; i < 1000; ++i) orders.push_back(pool.create(i, i));
  for (Order* order : orders) pool.destroy(order);
  for (int i : {0, 1, 55, 56, 500, 999}) {
    EXPECT_DEATH(pool.destroy(orders[i]), "double free of 0x");
  }
}

TEST(ObjectPoolDeathTest, ForeignFree) {
  ObjectPool<Order> pool, other;
  (void)pool.make(1, 1);
  Order* order = other.create(1, 1);
  auto on_heap = std::make_unique<Order>(1, 1);
  Order on_stack(1, 1);
  EXPECT_DEATH(pool.destroy(order), "ObjectPool 0x.*: foreign free of 0x");
  EXPECT_DEATH(pool.destroy(on_heap.get()), "foreign free of 0x");
  EXPECT_DEATH(pool.destroy(&on_stack), "foreign free of 0x");
  other.destroy(order);
}

TEST(ObjectPoolDeathTest, FreeOfAnAddressInsideAnObject) {
  ObjectPool<Order> pool;
  Order* order = pool.create(1, 1);
  EXPECT_DEATH(pool.deallocate(&order->quantity),
               "foreign free, inside an object: 0x");
  pool.destroy(order);
}

TEST(ObjectPoolDeathTest, DestroyedWithObjectsOut) {
  EXPECT_DEATH(
      {
        ObjectPool<Order> pool;
        (void)pool.create(1, 1);
        (void)pool.create(1, 1);
      },
      "ObjectPool 0x.*: destroyed with 2 objects out");
}

TEST(ObjectPoolDeathTest, TerminatesWhenExhaustedIfAsked) {
  ObjectPool<Order> pool(
      {.initial_capacity = 1, .exhaustion = PoolExhaustion::kTerminate});
  Pooled<Order> only = pool.make(1, 1);
  EXPECT_DEATH((void)pool.make(1, 1), "exhausted at its max_capacity");
}

TEST(ObjectPoolDeathTest, WriteAfterFree) {
  ObjectPool<Order> pool;
  Order* order = pool.create(1, 1);
  pool.destroy(order);
  EXPECT_DEATH(
      {
        *static_cast<volatile int64_t*>(&order->price) = 7;
        (void)pool.create(1, 1);
      },
      "write after free into 0x|use-after-poison");
}

// Writes `value` over word `word` of an object, as a stray pointer would.
void overwrite(void* object, size_t word, uint64_t value) {
  static_cast<volatile uint64_t*>(object)[word] = value;
}

TEST(ObjectPoolDeathTest, ACorruptedLinkInAFreeObject) {
  ObjectPool<Order> pool;
  std::vector<Order*> orders;
  for (int i = 0; i < 300; ++i) orders.push_back(pool.create(i, i));
  Order* live = pool.create(1, 1);
  for (Order* order : orders) pool.destroy(order);
  // Some of them list others behind their mark. Whether it is garbage or the
  // address of another object: it is seen before anybody gets it.
  for (uint64_t value : {uint64_t{7}, reinterpret_cast<uint64_t>(live)}) {
    EXPECT_DEATH(
        {
          for (Order* order : orders) overwrite(order, 3, value);
          for (int i = 0; i < 300; ++i) (void)pool.create(1, 1);
        },
        "ObjectPool 0x.*: corrupted link, write after free into 0x"
        "|use-after-poison");
  }
  pool.destroy(live);
}

TEST(ObjectPoolDeathTest, ACorruptedLinkAmongWhatThreadsLeft) {
  ObjectPool<Order> pool;
  std::vector<Order*> orders;
  std::thread([&] {
    for (int i = 0; i < 30; ++i) orders.push_back(pool.create(i, i));
    // Ten stay out, so that less than a magazine is left at the thread's end.
    for (int i = 10; i < 30; ++i) pool.destroy(orders[i]);
  }).join();
  EXPECT_DEATH(
      {
        for (int i = 10; i < 30; ++i) overwrite(orders[i], 1, 7);
        (void)pool.create(1, 1);
      },
      "corrupted link, write after free into 0x|use-after-poison");
  for (int i = 0; i < 10; ++i) pool.destroy(orders[i]);
}

TEST(ObjectPoolDeathTest, WhatIsOutOfUseIsWatchedToo) {
  ObjectPool<Order> pool;
  std::vector<Order*> orders;
  for (int i = 0; i < 10000; ++i) orders.push_back(pool.create(i, i));
  for (int i = 1; i < 9990; ++i) pool.destroy(orders[i]);
  pool.cool();  // The newest chunk drains; ten of its objects are out.
  pool.destroy(orders[9990]);
  EXPECT_DEATH(pool.destroy(orders[9990]), "double free of 0x");
  EXPECT_DEATH(pool.destroy(orders[9980]), "double free of 0x");
  const auto overwrite_all = [&] {
    for (int i = 9000; i < 9980; ++i) overwrite(orders[i], 1, 7);
  };
  EXPECT_DEATH(
      {
        overwrite_all();
        for (int i = 0; i < 10000; ++i) (void)pool.create(1, 1);
      },
      "corrupted link, write after free into 0x|use-after-poison");
  EXPECT_DEATH(
      {
        overwrite_all();
        pool.trim(20000);
      },
      "corrupted link, write after free into 0x|use-after-poison");
  pool.destroy(orders[0]);
  for (int i = 9991; i < 10000; ++i) pool.destroy(orders[i]);
}

// Magazines lie behind the last slot of a chunk, where an overrun of the last
// object arrives.
template <typename Pool>
void overrun_the_last_object(size_t word, uint64_t value) {
  constexpr size_t kObjects = 4096;
  Pool pool({.initial_capacity = kObjects,
             .max_capacity = kObjects,
             .exhaustion = PoolExhaustion::kNull});
  std::vector<Order*> orders;
  while (Order* order = pool.create(1, 1)) orders.push_back(order);
  Order* last = *std::max_element(orders.begin(), orders.end());
  for (Order* order : orders) pool.destroy(order);
  auto* lines = reinterpret_cast<char*>(last) + sizeof(Order);
  for (size_t i = 0; i < 64; ++i) overwrite(lines + 64 * i, word, value);
  while (pool.create(1, 1) != nullptr) {
  }
}

TEST(ObjectPoolDeathTest, ACorruptedMagazine) {
  EXPECT_DEATH(overrun_the_last_object<ObjectPool<Order>>(1, 7),
               "corrupted link, write after free into 0x");
  EXPECT_DEATH(overrun_the_last_object<ObjectPool<Order>>(0, 0x1000),
               "corrupted link between magazines: 0x1000");
  EXPECT_DEATH(overrun_the_last_object<Narrow>(0, 0xffff0),
               "corrupted link between magazines: index 0xffff0");
}

TEST(ObjectPoolDeathTest, FreeOfAnAddressThatWasNeverOut) {
  ObjectPool<Order> pool({.initial_capacity = 1000});
  Order* first = pool.create(1, 1);
  Order* last = first;
  for (int i = 0; i < 200; ++i) {
    Order* other = pool.create(1, 1);
    pool.destroy(other);
    last = std::max(last, other);
  }
  EXPECT_DEATH(pool.deallocate(last + 500),
               "double or foreign free, never out since it is new: 0x");
  pool.destroy(first);
}

TEST(ObjectPoolDeathTest, DoubleFreeWithTheNarrowTag) {
  Narrow pool;
  Order* order = pool.create(1, 1);
  pool.destroy(order);
  EXPECT_DEATH(pool.destroy(order), "ObjectPool 0x.*: double free of 0x");
}

TEST(ObjectPoolDeathTest, AllocatorsOfTheSystemThatGiveNothing) {
  EXPECT_DEATH(ObjectPool<Order>({.initial_capacity = SIZE_MAX / 2}),
               "no memory for its initial capacity: larger than a chunk");
  EXPECT_DEATH(
      ObjectPool<Order>({.initial_capacity = 8,
                         .resource = std::pmr::null_memory_resource()}),
      "no memory for its initial capacity: std::bad_alloc");
  EXPECT_DEATH(ObjectPool<Order>({.initial_capacity = 8, .page_bytes = 12345}),
               "no memory for its initial capacity: page_bytes is 12345");
}

TEST(ObjectPoolDeathTest, UseAfterFreeUnderAddressSanitizer) {
#if !defined(WIREBOOK_POOL_ASAN)
  GTEST_SKIP() << "needs AddressSanitizer";
#endif
  ObjectPool<Order> pool;
  Order* order = pool.create(1, 1);
  pool.destroy(order);
  EXPECT_DEATH((void)*static_cast<volatile int64_t*>(&order->quantity),
               "use-after-poison");
}

}  // namespace
}  // namespace wirebook
