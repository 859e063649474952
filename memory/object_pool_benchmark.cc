// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// An allocate and free pair of 64 bytes, beside new, std::pmr and Boost:
//   bazel run --config=native //memory:object_pool_benchmark
//
// Hot: one object, freed at once. Batch: 1024 taken, then 1024 freed.
// Handed: one thread makes 8192, another reads and frees them, in turns; the
// time of both without their waiting. Handed<None> only writes and reads
// objects. Shared: each of the threads takes 64, then frees them.
#include <benchmark/benchmark.h>
#include <time.h>

#include <array>
#include <atomic>
#include <boost/lockfree/detail/freelist.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <thread>
#include <vector>

#include "memory/cache_line.h"
#include "memory/object_pool.h"

namespace wirebook {
namespace {

constexpr std::size_t kBatch = 1024;
constexpr std::size_t kHanded = 8192;

struct Object {
  explicit Object(std::uint64_t v) noexcept : value(v) {}
  // Newer Boosts hand their free list's tag to the constructor.
  template <typename Tag>
  Object(std::uint64_t v, const Tag&) noexcept : value(v) {}
  std::uint64_t value;
  char rest[56];
};
static_assert(sizeof(Object) == 64);

struct Wirebook {
  Object* make(std::uint64_t v) noexcept { return pool.create(v); }
  void free(Object* object) noexcept { pool.destroy(object); }
  ObjectPool<Object> pool{{.initial_capacity = 16384}};
};

struct New {
  Object* make(std::uint64_t v) { return new Object(v); }
  void free(Object* object) { delete object; }
};

struct PmrSynchronized {
  Object* make(std::uint64_t v) {
    return new (pool.allocate(sizeof(Object), alignof(Object))) Object(v);
  }
  void free(Object* object) {
    pool.deallocate(object, sizeof(Object), alignof(Object));
  }
  std::pmr::synchronized_pool_resource pool;
};

// What Boost.Lockfree's stack and queue take their nodes from.
struct BoostFreelist {
  Object* make(std::uint64_t v) { return list.construct<true, false>(v); }
  void free(Object* object) { list.destruct<true>(object); }
  boost::lockfree::detail::freelist_stack<Object> list{std::allocator<Object>(),
                                                       16384};
};

struct None {
  Object* make(std::uint64_t v) noexcept {
    Object* object = &objects[v % objects.size()];
    object->value = v;
    return object;
  }
  void free(Object*) noexcept {}
  std::vector<Object> objects = std::vector<Object>(kHanded, Object(0));
};

// glibc leaves locks out while a process has one thread only.
void have_a_second_thread() {
  static std::atomic<bool> started{false};
  if (!started.exchange(true)) {
    std::thread([] {
      for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
    }).detach();
  }
}

template <typename Pool>
void Hot(benchmark::State& state) {
  have_a_second_thread();
  auto pool = std::make_unique<Pool>();
  std::uint64_t i = 0;
  for (auto _ : state) {
    Object* object = pool->make(++i);
    benchmark::DoNotOptimize(object);
    pool->free(object);
  }
  state.SetItemsProcessed(state.iterations());
}

template <typename Pool>
void Batch(benchmark::State& state) {
  have_a_second_thread();
  auto pool = std::make_unique<Pool>();
  std::array<Object*, kBatch> objects;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBatch; ++i) objects[i] = pool->make(i);
    benchmark::DoNotOptimize(objects.data());
    for (Object* object : objects) pool->free(object);
  }
  state.SetItemsProcessed(state.iterations() *
                          static_cast<std::int64_t>(kBatch));
}

// Processor time of this thread, so that neighbours who preempt it cost
// nothing.
double thread_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) * 1e-9;
}

// The two threads take turns; the time is that of making and of freeing alone,
// added up.
template <typename Pool>
void Handed(benchmark::State& state) {
  auto pool = std::make_unique<Pool>();
  std::vector<Object*> objects(kHanded);
  double freeing = 0;
  std::atomic<int> turn{0};  // 0: the maker's, 1: the consumer's, 2: the end.
  std::thread consumer([&] {
    for (;;) {
      // Acquire: with the maker's release.
      turn.wait(0, std::memory_order_acquire);
      if (turn.load(std::memory_order_acquire) == 2) return;
      const double from = thread_seconds();
      std::uint64_t sum = 0;
      for (Object* object : objects) {
        sum += object->value;
        pool->free(object);
      }
      benchmark::DoNotOptimize(sum);
      freeing = thread_seconds() - from;
      // Release: with the maker's acquire.
      turn.store(0, std::memory_order_release);
      turn.notify_one();
    }
  });
  for (auto _ : state) {
    const double from = thread_seconds();
    for (std::size_t i = 0; i < kHanded; ++i) objects[i] = pool->make(i);
    const double making = thread_seconds() - from;
    turn.store(1, std::memory_order_release);
    turn.notify_one();
    turn.wait(1, std::memory_order_acquire);
    state.SetIterationTime(making + freeing);
  }
  turn.store(2, std::memory_order_release);
  turn.notify_one();
  consumer.join();
  state.SetItemsProcessed(state.iterations() *
                          static_cast<std::int64_t>(kHanded));
}

template <typename Pool>
void Shared(benchmark::State& state) {
  static Pool* pool;
  if (state.thread_index() == 0) pool = new Pool;
  std::array<Object*, 64> objects;
  for (auto _ : state) {
    for (std::size_t i = 0; i < objects.size(); ++i) objects[i] = pool->make(i);
    benchmark::DoNotOptimize(objects.data());
    for (Object* object : objects) pool->free(object);
  }
  state.SetItemsProcessed(state.iterations() * 64);
  if (state.thread_index() == 0) delete pool;
}

#define WIREBOOK_PEERS(Case)        \
  BENCHMARK(Case<Wirebook>);        \
  BENCHMARK(Case<New>);             \
  BENCHMARK(Case<PmrSynchronized>); \
  BENCHMARK(Case<BoostFreelist>)
WIREBOOK_PEERS(Hot);
WIREBOOK_PEERS(Batch);
BENCHMARK(Handed<None>)->UseManualTime();
BENCHMARK(Handed<Wirebook>)->UseManualTime();
BENCHMARK(Handed<New>)->UseManualTime();
BENCHMARK(Handed<PmrSynchronized>)->UseManualTime();
BENCHMARK(Handed<BoostFreelist>)->UseManualTime();
BENCHMARK(Shared<Wirebook>)->Threads(2)->Threads(16)->UseRealTime();
BENCHMARK(Shared<New>)->Threads(2)->Threads(16)->UseRealTime();

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
