// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/object_pool.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "gtest/gtest.h"
#include "memory/allocation_counter.h"
#include "memory/testing/soak.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WIREBOOK_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WIREBOOK_TEST_SANITIZED 1
#endif
#endif

namespace wirebook {
namespace {

struct Order {
  Order(int64_t p, int64_t q) : price(p), quantity(q) {}
  int64_t price;
  int64_t quantity;
  char rest[48] = {};
};

// An unordered hand-over between two threads that touches no heap.
template <typename T, size_t kSize = 1024>
class TestRing {
 public:
  bool push(T* item) {
    const size_t head = head_.load(std::memory_order_relaxed);
    // Acquire: the consumer has emptied the place.
    if (head - tail_.load(std::memory_order_acquire) == kSize) return false;
    items_[head % kSize] = item;
    head_.store(head + 1, std::memory_order_release);
    return true;
  }
  T* pop() {
    const size_t tail = tail_.load(std::memory_order_relaxed);
    // Acquire: the producer has written the place.
    if (head_.load(std::memory_order_acquire) == tail) return nullptr;
    T* item = items_[tail % kSize];
    tail_.store(tail + 1, std::memory_order_release);
    return item;
  }

 private:
  std::array<T*, kSize> items_;
  alignas(128) std::atomic<size_t> head_{0};
  alignas(128) std::atomic<size_t> tail_{0};
};

TEST(ObjectPool, MakesAnObjectThatGoesHomeByItself) {
  ObjectPool<Order> pool({.initial_capacity = 8});
  {
    Pooled<Order> order = pool.make(100, 5);
    EXPECT_EQ(order->price, 100);
    EXPECT_EQ(pool.stats().in_use, 1u);
  }
  EXPECT_EQ(pool.stats().in_use, 0u);
}

TEST(ObjectPool, CreateAndDestroyPairUp) {
  ObjectPool<Order> pool;
  Order* order = pool.create(1, 2);
  ASSERT_NE(order, nullptr);
  EXPECT_EQ(order->quantity, 2);
  pool.destroy(order);
  pool.destroy(nullptr);
}

TEST(ObjectPool, ReusesWhatWasFreedLast) {
  ObjectPool<Order> pool;
  Order* order = pool.create(1, 2);
  pool.destroy(order);
  EXPECT_EQ(pool.create(3, 4), order);
  pool.destroy(order);
}

TEST(ObjectPool, GivesRawStorage) {
  ObjectPool<std::string> pool;
  void* storage = pool.allocate();
  auto* text = new (storage) std::string(100, 'x');
  std::destroy_at(text);
  pool.deallocate(storage);
  pool.deallocate(nullptr);
}

TEST(ObjectPool, MakesAggregates) {
  struct Level {
    int64_t price;
    int64_t quantity;
  };
  ObjectPool<Level> pool;
  EXPECT_EQ(pool.make(7, 8)->quantity, 8);
}

TEST(ObjectPool, KeepsTheAlignmentOfTheType) {
  struct alignas(256) Wide {
    char bytes[300];
  };
  ObjectPool<Wide> pool({.initial_capacity = 20});
  std::vector<Pooled<Wide>> held;
  for (int i = 0; i < 100; ++i) {
    held.push_back(pool.make());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(held.back().get()) % 256, 0u);
  }
}

TEST(ObjectPool, ObjectsDoNotOverlap) {
  ObjectPool<char> pool;  // Smaller than the smallest slot.
  std::set<uintptr_t> seen;
  std::vector<char*> held;
  for (int i = 0; i < 5000; ++i) {
    held.push_back(pool.create('x'));
    EXPECT_TRUE(seen.insert(reinterpret_cast<uintptr_t>(held.back())).second);
  }
  uintptr_t previous = 0;
  for (uintptr_t at : seen) {
    EXPECT_GE(at - previous, ObjectPool<char>::kSlotBytes);
    previous = at;
  }
  for (char* c : held) pool.destroy(c);
}

TEST(ObjectPool, ReturnsTheSlotWhenTheConstructorThrows) {
  struct Thrower {
    explicit Thrower(bool now) {
      if (now) throw std::runtime_error("as asked");
    }
  };
  ObjectPool<Thrower> pool(
      {.initial_capacity = 1, .exhaustion = PoolExhaustion::kNull});
  EXPECT_THROW((void)pool.make(true), std::runtime_error);
  EXPECT_EQ(pool.stats().in_use, 0u);
  EXPECT_TRUE(pool.make(false));
}

TEST(ObjectPool, RunsDestructorsThatUseThePool) {
  struct Link {
    explicit Link(ObjectPool<Link>* p, Link* n) : pool(p), next(n) {}
    ~Link() { pool->destroy(next); }
    ObjectPool<Link>* pool;
    Link* next;
  };
  ObjectPool<Link> pool;
  Link* head = nullptr;
  for (int i = 0; i < 1000; ++i) head = pool.create(&pool, head);
  pool.destroy(head);
  EXPECT_EQ(pool.stats().in_use, 0u);
}

TEST(Pooled, MovesAndReleases) {
  static_assert(sizeof(Pooled<Order>) == 16);
  ObjectPool<Order> pool;
  Pooled<Order> a = pool.make(1, 1);
  Order* raw = a.get();
  Pooled<Order> b = std::move(a);
  EXPECT_FALSE(a);
  EXPECT_EQ(b.get(), raw);
  b = pool.make(2, 2);
  EXPECT_EQ(pool.stats().in_use, 1u);
  Pooled<Order> c = pool.adopt(b.release());
  EXPECT_EQ(c->price, 2);
  c.reset();
  EXPECT_EQ(pool.stats().in_use, 0u);
}

TEST(PoolExhaustion, GrowsWithoutLimit) {
  ObjectPool<Order> pool({.initial_capacity = 4});
  std::vector<Pooled<Order>> held;
  for (int i = 0; i < 10000; ++i) held.push_back(pool.make(i, i));
  for (int i = 0; i < 10000; ++i) ASSERT_EQ(held[i]->price, i);
  EXPECT_GE(pool.stats().capacity, 10000u);
  EXPECT_EQ(pool.stats().allocation_failures, 0u);
}

TEST(PoolExhaustion, NullGivesExactlyMaxCapacity) {
  for (size_t size : {1, 5, 63, 64, 100, 1000, 5000}) {
    ObjectPool<Order> pool({.initial_capacity = size / 2,
                            .max_capacity = size,
                            .exhaustion = PoolExhaustion::kNull});
    std::vector<Pooled<Order>> held;
    while (Pooled<Order> order = pool.make(1, 1)) {
      held.push_back(std::move(order));
    }
    EXPECT_EQ(held.size(), size);
    EXPECT_EQ(pool.create(1, 1), nullptr);
    EXPECT_EQ(pool.allocate(), nullptr);
    const ObjectPoolStats stats = pool.stats();
    EXPECT_EQ(stats.capacity, size);
    EXPECT_EQ(stats.in_use, size);
    EXPECT_EQ(stats.allocation_failures, 3u);
    held.pop_back();
    EXPECT_TRUE(pool.make(1, 1)) << "what is freed can be had again";
  }
}

TEST(PoolExhaustion, SmallPoolsKeepNothingInThreads) {
  ObjectPool<Order> pool(
      {.initial_capacity = 63, .exhaustion = PoolExhaustion::kNull});
  std::vector<Order*> held;
  for (int i = 0; i < 63; ++i) held.push_back(pool.create(i, i));
  std::atomic<int> step{0};
  std::thread other([&] {
    for (Order* order : held) pool.destroy(order);
    step = 1;
    while (step != 2) std::this_thread::yield();
  });
  while (step != 1) std::this_thread::yield();
  for (Order*& order : held) {
    order = pool.create(1, 1);
    EXPECT_NE(order, nullptr);
  }
  step = 2;
  other.join();
  for (Order* order : held) pool.destroy(order);
}

TEST(PoolExhaustion, LargerPoolsKeepAtMostTwoMagazinesInAThread) {
  ObjectPool<Order> pool(
      {.initial_capacity = 1000, .exhaustion = PoolExhaustion::kNull});
  std::vector<Order*> held;
  for (int i = 0; i < 1000; ++i) held.push_back(pool.create(i, i));
  std::atomic<int> step{0};
  std::thread other([&] {
    for (Order* order : held) pool.destroy(order);
    step = 1;
    while (step != 2) std::this_thread::yield();
  });
  while (step != 1) std::this_thread::yield();
  held.clear();
  while (Order* order = pool.create(1, 1)) held.push_back(order);
  EXPECT_GE(held.size() + 2 * pool.stats().magazine, 1000u);
  step = 2;
  other.join();
  while (Order* order = pool.create(1, 1)) held.push_back(order);
  EXPECT_EQ(held.size(), 1000u) << "a thread's end returns its magazines";
  for (Order* order : held) pool.destroy(order);
}

TEST(ObjectPoolStats, AreExactAtRest) {
  ObjectPool<Order> pool({.initial_capacity = 1000});
  std::vector<Pooled<Order>> held;
  for (int i = 0; i < 700; ++i) held.push_back(pool.make(i, i));
  held.resize(300);
  const ObjectPoolStats stats = pool.stats();
  EXPECT_GE(stats.capacity, 1000u);
  EXPECT_EQ(stats.in_use, 300u);
  EXPECT_GE(stats.peak_usage, 700u);
  EXPECT_LE(stats.peak_usage, 700u + stats.kept_per_thread);
  EXPECT_EQ(stats.total_allocations, 700u);
  EXPECT_EQ(stats.total_deallocations, 400u);
  EXPECT_EQ(stats.average_allocation_ns, 0) << "no clock was given";
}

TEST(ObjectPoolStats, AreExactAtRestAfterManyThreads) {
  ObjectPool<Order> pool;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&pool, t] {
      std::vector<Pooled<Order>> held;
      for (int i = 0; i < 1000 + t; ++i) held.push_back(pool.make(i, i));
      for (int i = 0; i < 500; ++i) held[i].reset();
      while (!held.empty()) held.pop_back();
    });
  }
  for (auto& thread : threads) thread.join();
  const ObjectPoolStats stats = pool.stats();
  EXPECT_EQ(stats.total_allocations, 8 * 1000u + 28);
  EXPECT_EQ(stats.total_deallocations, stats.total_allocations);
  EXPECT_EQ(stats.in_use, 0u);
}

TEST(ObjectPoolStats, TotalsDoNotGoBackWhileThreadsRun) {
  ObjectPool<Order> pool;
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      std::vector<Pooled<Order>> held(300);
      for (size_t i = 0; !stop.load(std::memory_order_relaxed); ++i) {
        held[i % 300] = i / 300 % 2 ? Pooled<Order>() : pool.make(1, 1);
      }
    });
  }
  ObjectPoolStats last;
  for (int i = 0; i < 2000; ++i) {
    const ObjectPoolStats now = pool.stats();
    ASSERT_GE(now.total_allocations, last.total_allocations);
    ASSERT_GE(now.total_deallocations, last.total_deallocations);
    ASSERT_GE(now.peak_usage, last.peak_usage);
    last = now;
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(pool.stats().total_allocations, pool.stats().total_deallocations);
}

uint64_t t_fake_ns = 0;
uint64_t t_fake_step = 5;
uint64_t fake_clock() { return t_fake_ns += t_fake_step; }

TEST(ObjectPoolStats, TimesSomeAllocationsByTheClockThatItIsGiven) {
  t_fake_step = 5;  // What the clock itself takes.
  ObjectPool<Order> pool({.now_ns = &fake_clock});
  t_fake_step = 47;
  const uint64_t calls = t_fake_ns;
  (void)pool.make(1, 1);
  EXPECT_EQ(t_fake_ns, calls) << "few are timed";
  for (int i = 0; i < 10000; ++i) (void)pool.make(1, 1);
  EXPECT_EQ(pool.stats().average_allocation_ns, 42);
  EXPECT_EQ((t_fake_ns - calls) / (2 * 47), 9u) << "every 1021st of a thread";
}

TEST(ObjectPoolStats, CallsThatFailAreNotTimed) {
  t_fake_step = 5;
  ObjectPool<Order> pool({.initial_capacity = 2042,
                          .max_capacity = 2042,
                          .exhaustion = PoolExhaustion::kNull,
                          .now_ns = &fake_clock});
  t_fake_step = 47;
  std::vector<Pooled<Order>> held(2042);
  for (auto& order : held) order = pool.make(1, 1);  // The next is the 2043rd.
  t_fake_step = 1000;
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(pool.make(1, 1));
  EXPECT_EQ(pool.stats().average_allocation_ns, 42);
  held.pop_back();
  t_fake_step = 47;
  (void)pool.make(1, 1);
  EXPECT_EQ(pool.stats().average_allocation_ns, 42);
}

TEST(ObjectPoolStats, ReuseIsAboveNinetyFivePercentInSteadyState) {
  ObjectPool<Order> pool;
  std::vector<Pooled<Order>> held(1000);
  for (auto& order : held) order = pool.make(1, 1);
  EXPECT_EQ(pool.stats().reuse_rate, 0) << "all were new";
  for (int i = 0; i < 50000; ++i) held[i * 7 % 1000] = pool.make(i, i);
  const ObjectPoolStats stats = pool.stats();
  EXPECT_GT(stats.reuse_rate, 0.95);
  EXPECT_LT(stats.reuse_rate, 1);
}

TEST(ObjectPoolStats, OverheadIsBelowFivePercentForLargePools) {
  ObjectPool<std::array<char, 64>> pool({.initial_capacity = 100000});
  EXPECT_LT(pool.stats().overhead_bytes, pool.stats().capacity * 64 / 20);
}

TEST(ObjectPool, AgreesWithAMapUnderRandomOperations) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  ObjectPool<Order> pool({.initial_capacity = 100,
                          .max_capacity = 3000,
                          .exhaustion = PoolExhaustion::kNull});
  std::unordered_map<Order*, int64_t> model;
  std::vector<Order*> order_of;
  uint64_t allocations = 0;
  for (int step = 0; step < 200000; ++step) {
    const bool rising = step / 20000 % 2 == 0;
    if (random() % 8 < (rising ? 5 : 3) || model.empty()) {
      const auto value = static_cast<int64_t>(random());
      Order* order = pool.create(value, ~value);
      if (order == nullptr) {
        ASSERT_EQ(model.size(), 3000u);
        continue;
      }
      ++allocations;
      ASSERT_TRUE(model.emplace(order, value).second);
      order_of.push_back(order);
    } else {
      std::swap(order_of[random() % order_of.size()], order_of.back());
      Order* order = order_of.back();
      order_of.pop_back();
      ASSERT_EQ(order->price, model.at(order));
      ASSERT_EQ(order->quantity, ~model.at(order));
      model.erase(order);
      pool.destroy(order);
    }
    if (step % 1000 == 0) {
      ASSERT_EQ(pool.stats().in_use, model.size());
    }
  }
  EXPECT_EQ(pool.stats().total_allocations, allocations);
  for (Order* order : order_of) pool.destroy(order);
}

template <typename Pool>
void threads_free_what_others_allocated() {
  Pool pool;
  constexpr int kThreads = 16;
  constexpr int kRounds = 10000;
  std::array<std::atomic<Order*>, 256> exchange{};
  std::atomic<int> running{kThreads};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int i = 0; i < kRounds; ++i) {
        Order* mine = pool.create(i, ~int64_t{i});
        // Acquire and release: the object's bytes travel with it.
        Order* theirs = exchange[random() % exchange.size()].exchange(
            mine, std::memory_order_acq_rel);
        if (theirs != nullptr) {
          ASSERT_EQ(theirs->quantity, ~theirs->price);
          pool.destroy(theirs);
        }
      }
      --running;
    });
  }
  while (running != 0) {
    ASSERT_LE(pool.stats().in_use, pool.stats().capacity);
    pool.trim();
    std::this_thread::yield();
  }
  for (auto& thread : threads) thread.join();
  for (auto& slot : exchange) pool.destroy(slot.load());
  EXPECT_EQ(pool.stats().in_use, 0u);
  EXPECT_EQ(pool.stats().total_allocations, uint64_t{kThreads} * kRounds);
}

TEST(ObjectPool, ThreadsFreeWhatOthersAllocated) {
  for (Soak soak; soak.goes_on();) {
    threads_free_what_others_allocated<ObjectPool<Order>>();
  }
}

TEST(ObjectPool, ThreadsFreeWhatOthersAllocatedWithTheNarrowTag) {
  for (Soak soak; soak.goes_on();) {
    threads_free_what_others_allocated<
        ObjectPool<Order, PoolTraits{.tag = PoolTag::k64, .prefetch = true}>>();
  }
}

TEST(ObjectPool, GrowsWhileOtherThreadsGoOn) {
  ObjectPool<Order> pool({.initial_capacity = 1});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      std::vector<Pooled<Order>> held;
      for (int i = 0; i < 10000; ++i) held.push_back(pool.make(i, i));
      for (int i = 0; i < 10000; ++i) ASSERT_EQ(held[i]->price, i);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_GE(pool.stats().peak_usage, 10000u);
  EXPECT_EQ(pool.stats().in_use, 0u);
}

TEST(ObjectPool, OneProducerAndOneConsumerNeedNoMoreThanIsInFlight) {
  ObjectPool<Order> pool(
      {.initial_capacity = 2000, .exhaustion = PoolExhaustion::kNull});
  TestRing<Order> ring;
  constexpr int kMessages = 50000;
  std::thread consumer([&] {
    for (int i = 0; i < kMessages;) {
      Order* order = ring.pop();
      if (order == nullptr) {
        std::this_thread::yield();
        continue;
      }
      Pooled<Order> owned = pool.adopt(order);
      ASSERT_EQ(owned->price, i);
      ++i;
    }
  });
  for (int i = 0; i < kMessages; ++i) {
    Pooled<Order> order = pool.make(i, i);
    ASSERT_TRUE(order);
    Order* raw = order.release();
    while (!ring.push(raw)) std::this_thread::yield();
  }
  consumer.join();
  EXPECT_EQ(pool.stats().in_use, 0u);
  EXPECT_EQ(pool.stats().allocation_failures, 0u);
}

TEST(PoolLifetime, ThreadsThatEndReturnWhatTheyKept) {
  ObjectPool<Order> pool(
      {.initial_capacity = 500, .exhaustion = PoolExhaustion::kNull});
  for (int i = 0; i < 200; ++i) {
    std::thread([&] {
      std::vector<Pooled<Order>> held;
      for (int k = 0; k < 450; ++k) {
        held.push_back(pool.make(k, k));
        ASSERT_TRUE(held.back());
      }
    }).join();
  }
  EXPECT_EQ(pool.stats().in_use, 0u);
}

TEST(PoolLifetime, APoolMayDieBeforeAThreadThatUsedIt) {
  std::optional<ObjectPool<Order>> pool(std::in_place);
  std::atomic<int> step{0};
  std::thread user([&] {
    (void)pool->make(1, 1);
    step = 1;
    while (step != 2) std::this_thread::yield();
    // A new pool at the same address is not mistaken for the old one.
    (void)pool->make(2, 2);
  });
  while (step != 1) std::this_thread::yield();
  pool.emplace();
  step = 2;
  user.join();
  EXPECT_EQ(pool->stats().total_allocations, 1u);
}

TEST(PoolLifetime, PoolsAndThreadsEndAtTheSameTime) {
  for (int i = 0; i < 200; ++i) {
    auto pool = std::make_unique<ObjectPool<Order>>();
    std::atomic<bool> done{false};
    std::thread user([&] {
      (void)pool->make(1, 1);
      done.store(true, std::memory_order_release);  // With the loop below.
    });
    while (!done.load(std::memory_order_acquire)) std::this_thread::yield();
    pool.reset();
    user.join();
  }
}

TEST(PoolLifetime, ThreadLocalObjectsMayFreeAtThreadExit) {
  static ObjectPool<Order>* pool;
  ObjectPool<Order> storage;
  pool = &storage;
  std::thread([] {
    thread_local struct Late {
      ~Late() { pool->destroy(order); }
      Order* order = nullptr;
    } late;
    late.order = pool->create(1, 1);
  }).join();
  EXPECT_EQ(storage.stats().in_use, 0u);
}

TEST(PoolLifetime, AnEntryThatAPoolLeftIsEmptyForTheNext) {
  // Both threads meet 200 pools that follow each other at the same index.
  std::optional<ObjectPool<Order>> pool;
  std::atomic<int> turn{0};
  std::thread other([&] {
    for (int i = 0; i < 200; ++i) {
      while (turn != 2 * i + 1) std::this_thread::yield();
      pool->destroy(pool->create(1, 1));
      turn = 2 * i + 2;
    }
  });
  for (int i = 0; i < 200; ++i) {
    pool.emplace();
    (void)pool->make(1, 1);
    turn = 2 * i + 1;
    while (turn != 2 * i + 2) std::this_thread::yield();
    EXPECT_EQ(pool->stats().total_allocations, 2u);
    pool.reset();
  }
  other.join();
}

TEST(PoolLifetime, MorePoolsThanEntriesInTheThreadsTable) {
  std::vector<std::unique_ptr<ObjectPool<Order>>> pools;
  std::vector<Pooled<Order>> held;
  for (int i = 0; i < 150; ++i) {
    pools.push_back(std::make_unique<ObjectPool<Order>>());
  }
  for (int round = 0; round < 3; ++round) {
    for (auto& pool : pools) held.push_back(pool->make(round, 0));
  }
  held.clear();
  for (auto& pool : pools) {
    EXPECT_EQ(pool->stats().in_use, 0u);
    EXPECT_EQ(pool->stats().total_allocations, 3u);
  }
}

TEST(PoolLifetime, AThreadThatFreesPastItsEndTakesNoOtherThreadsCache) {
  // The last of so many pools has no entry in the threads' tables.
  std::vector<std::unique_ptr<ObjectPool<Order>>> pools;
  for (int i = 0; i < 65; ++i) {
    pools.push_back(std::make_unique<ObjectPool<Order>>());
  }
  struct Late {
    ObjectPool<Order>* pool;
    Order* order = nullptr;
    std::atomic<int> turn{0};
  } late{pools.back().get()};
  // A key made after the pools' own: its destructor runs after theirs.
  pthread_key_t key;
  ASSERT_EQ(pthread_key_create(&key,
                               [](void* argument) {
                                 auto* self = static_cast<Late*>(argument);
                                 self->turn = 1;
                                 while (self->turn != 2) {
                                   std::this_thread::yield();
                                 }
                                 self->pool->destroy(self->order);
                               }),
            0);
  std::thread ending([&] {
    late.order = late.pool->create(1, 1);
    pthread_setspecific(key, &late);
  });
  while (late.turn != 1) std::this_thread::yield();
  // This thread takes over what the ending one kept.
  const Pooled<Order> first = late.pool->make(2, 2);
  late.turn = 2;
  ending.join();
  const Pooled<Order> second = late.pool->make(3, 3);
  EXPECT_NE(second.get(), late.order);
  EXPECT_EQ(late.pool->stats().in_use, 2u);
  pthread_key_delete(key);
}

TEST(SlotIndexer, TellsWhichSlotBeginsWhere) {
  for (size_t bytes : {16, 24, 40, 56, 64, 72, 104, 4096, 5000, 65544}) {
    const internal::SlotIndexer index(bytes);
    for (uint64_t i : {0, 1, 2, 63, 1000, 1 << 20}) {
      EXPECT_EQ(index(i * bytes), i);
      EXPECT_GT(index(i * bytes + 1), uint64_t{1} << 46);
      EXPECT_GT(index(i * bytes - 8), uint64_t{1} << 46);
    }
  }
}

// What must never happen on the hot path is forbidden to the child, any system
// call but its exit kills it, or counted: heap allocations and page faults.
int hot_path_in_a_child() {
  constexpr int kMessages = 50000;
  static ObjectPool<Order> pool({.initial_capacity = 100});
  pool.warm_up(4096);
  static TestRing<Order> ring;
  static std::atomic<int> phase{0};
  static std::atomic<bool> ok{true};
  if (!allocation_counting()) return 3;
  const auto events = [] {
    rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return static_cast<std::uint64_t>(usage.ru_minflt + usage.ru_majflt) +
           thread_allocations();
  };
  const auto consume = [] {
    for (int i = 0; i < kMessages;) {
      if (Order* order = ring.pop()) {
        if (order->price != i++) ok = false;
        pool.destroy(order);
      }
    }
  };
  const auto produce = [] {
    for (int i = 0; i < kMessages; ++i) {
      Order* order = pool.create(i, i);
      while (!ring.push(order)) {
      }
    }
  };
  std::thread consumer([&] {
    consume();  // The code's own pages are touched by a first round.
    const std::uint64_t before = events();
    ++phase;
    while (phase != 3) {
    }
    consume();
    if (events() != before) ok = false;
    ++phase;
    while (phase != 5) {  // Until the process is gone.
    }
  });
  produce();
  while (phase != 1) {
  }
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_exit_group, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_getrusage, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{static_cast<unsigned short>(std::size(program)),
                          program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC,
              &filter) != 0) {
    return 2;
  }
  const std::uint64_t before = events();
  phase = 3;
  produce();
  while (phase != 4) {
  }
  if (events() != before) ok = false;
  _exit(ok ? 0 : 1);
}

TEST(WarmUp, TheHotPathMakesNoAllocationSystemCallOrPageFault) {
#if defined(WIREBOOK_TEST_SANITIZED)
  GTEST_SKIP() << "the sanitizer's runtime makes system calls of its own";
#endif
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(hot_path_in_a_child());
  int status;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "seccomp is refused here";
  EXPECT_EQ(WEXITSTATUS(status), 0)
      << "an allocation, a page fault, or messages out of order";
}

TEST(WarmUp, TouchesThePagesOfEveryObject) {
#if defined(WIREBOOK_TEST_SANITIZED)
  GTEST_SKIP() << "shadow memory faults too";
#endif
  ObjectPool<Order> pool;
  pool.warm_up(20000);
  std::vector<Order*> held(20000);
  pool.destroy(pool.create(1, 1));
  const auto faults = [] {
    rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_minflt;
  };
  const long before = faults();
  for (Order*& order : held) order = pool.create(1, 1);
  for (Order* order : held) pool.destroy(order);
  // The code's own pages may come in; the objects lie on more than 300.
  EXPECT_LE(faults() - before, 10);
}

TEST(WarmUp, ReachesTheAskedCapacityAtOnce) {
  ObjectPool<Order> pool;
  EXPECT_EQ(pool.stats().capacity, 0u);
  EXPECT_GE(pool.warm_up(5000), 5000u);
  const size_t capacity = pool.stats().capacity;
  std::vector<Pooled<Order>> held;
  for (int i = 0; i < 5000; ++i) held.push_back(pool.make(1, 1));
  EXPECT_EQ(pool.stats().capacity, capacity);
}

TEST(WarmUp, StopsAtMaxCapacity) {
  ObjectPool<Order> pool(
      {.max_capacity = 100, .exhaustion = PoolExhaustion::kNull});
  EXPECT_EQ(pool.warm_up(5000), 100u);
}

}  // namespace
}  // namespace wirebook
