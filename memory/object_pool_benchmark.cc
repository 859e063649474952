// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// An allocate and free pair of 64 bytes, beside the mallocs of this machine,
// std::pmr and Boost:
//   bazel run --config=native //memory:object_pool_benchmark
//
// hot: one object, freed at once. batch: 1024 taken, then 1024 freed. handed:
// one thread makes 8192, another reads and frees them, in turns; the time of
// both without their waiting. shared: each of the threads takes 64, then frees
// them. steady_<bytes>: the oldest of 1024 is freed and another one taken; its
// counters are the pool's bookkeeping in percent of its objects' bytes, and the
// part of the allocations that got an object which had been out before.
// draining: 4096 objects of a pool whose others are free go home; all but a few
// are in chunks that trim() lets drain; scattered: the same without trim().
// latency: single calls of each, in ticks of the TSC less what reading it
// takes (clock_ns); steady frees the oldest of 512 and takes another.
//
// pool has statistics and all checks on, as ever. prefetch and tag64 are its
// options. bare is one thread's array of free objects behind a thread_local,
// without checks, statistics or other threads: what those cost is the
// difference. none only writes and reads objects.
#include <benchmark/benchmark.h>
#include <time.h>
#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/lockfree/detail/freelist.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "memory/cache_line.h"
#include "memory/object_pool.h"
#include "memory/testing/malloc_peers.h"

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

template <PoolTraits kTraits = PoolTraits{}>
struct Wirebook {
  Object* make(std::uint64_t v) noexcept { return pool.create(v); }
  void free(Object* object) noexcept { pool.destroy(object); }
  ObjectPool<Object, kTraits> pool{{.initial_capacity = 16384}};
};
using Prefetch = Wirebook<PoolTraits{.prefetch = true}>;
using Tag64 = Wirebook<PoolTraits{.tag = PoolTag::k64}>;

class Bare {
 public:
  Bare() {
    for (Object& object : objects_) t_items[t_count++] = &object;
  }
  ~Bare() { t_count = 0; }
  Object* make(std::uint64_t v) noexcept {
    return new (t_items[--t_count]) Object(v);
  }
  void free(Object* object) noexcept { t_items[t_count++] = object; }

 private:
  static inline thread_local Object* t_items[kBatch];
  static inline thread_local std::size_t t_count = 0;
  std::vector<Object> objects_ = std::vector<Object>(kBatch, Object(0));
};

struct Malloc {
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

template <std::size_t kBytes>
void Steady(benchmark::State& state) {
  struct Thing {
    explicit Thing(std::uint64_t v) noexcept : value(v) {}
    std::uint64_t value;
    char rest[kBytes - sizeof(std::uint64_t)];
  };
  have_a_second_thread();
  ObjectPool<Thing> pool({.initial_capacity = 16384});
  std::array<Thing*, kBatch> objects;
  for (Thing*& object : objects) object = pool.create(0u);
  const auto made_new = [](const ObjectPoolStats& stats) {
    return (1 - stats.reuse_rate) *
           static_cast<double>(stats.total_allocations);
  };
  const ObjectPoolStats before = pool.stats();
  std::uint64_t pairs = 0;
  for (auto _ : state) {
    Thing*& oldest = objects[pairs++ % objects.size()];
    pool.destroy(oldest);
    oldest = pool.create(pairs);
    benchmark::DoNotOptimize(oldest);
  }
  const ObjectPoolStats after = pool.stats();
  for (Thing* object : objects) pool.destroy(object);
  state.counters["overhead_percent"] =
      100 * static_cast<double>(after.overhead_bytes) /
      static_cast<double>(after.capacity * sizeof(Thing));
  state.counters["reuse_percent"] =
      100 * (1 - (made_new(after) - made_new(before)) /
                     static_cast<double>(after.total_allocations -
                                         before.total_allocations));
  state.SetItemsProcessed(static_cast<std::int64_t>(pairs));
}

template <bool kDrain>
void Scattered(benchmark::State& state) {
  constexpr std::size_t kApart = 16;
  have_a_second_thread();
  std::vector<Object*> objects(4096 * kApart);
  for (auto _ : state) {
    ObjectPool<Object> pool;
    for (Object*& object : objects) object = pool.create(0u);
    for (std::size_t i = 0; i < objects.size(); ++i) {
      if (i % kApart != 0) pool.destroy(objects[i]);
    }
    if (kDrain) pool.trim();  // Each page has some out: none goes.
    const double from = thread_seconds();
    for (std::size_t i = 0; i < objects.size(); i += kApart) {
      pool.destroy(objects[i]);
    }
    state.SetIterationTime(thread_seconds() - from);
  }
  state.SetItemsProcessed(state.iterations() * 4096);
}

// Calls by what they took, in ticks.
class Latencies {
 public:
  // Waits for what came before, and lets nothing that follows begin early.
  static std::uint64_t now() noexcept {
    unsigned cpu;
    const std::uint64_t ticks = __rdtscp(&cpu);
    _mm_lfence();
    return ticks;
  }
  void add(std::uint64_t ticks) noexcept {
    ++counts_[std::min<std::uint64_t>(ticks, counts_.size() - 1)];
    ++total_;
  }
  double percentile(double part) const noexcept {
    std::uint64_t seen = 0;
    for (std::size_t ticks = 0; ticks < counts_.size(); ++ticks) {
      seen += counts_[ticks];
      if (static_cast<double>(seen) >= part * static_cast<double>(total_)) {
        return static_cast<double>(ticks);
      }
    }
    return static_cast<double>(counts_.size());
  }

 private:
  std::vector<std::uint32_t> counts_ = std::vector<std::uint32_t>(1 << 16);
  std::uint64_t total_ = 0;
};

double ns_per_tick() {
  static const double value = [] {
    const auto from = std::chrono::steady_clock::now();
    const std::uint64_t ticks = Latencies::now();
    while (std::chrono::steady_clock::now() - from <
           std::chrono::milliseconds(20)) {
    }
    const std::uint64_t passed = Latencies::now() - ticks;
    return std::chrono::duration<double, std::nano>(
               std::chrono::steady_clock::now() - from)
               .count() /
           static_cast<double>(passed);
  }();
  return value;
}

struct PairLatencies {
  template <typename Pool>
  Object* make(Pool& pool) {
    const std::uint64_t from = Latencies::now();
    Object* object = pool.make(1);
    benchmark::DoNotOptimize(object);
    making.add(Latencies::now() - from);
    return object;
  }
  template <typename Pool>
  void free(Pool& pool, Object* object) {
    const std::uint64_t from = Latencies::now();
    pool.free(object);
    freeing.add(Latencies::now() - from);
    const std::uint64_t empty = Latencies::now();
    clock.add(Latencies::now() - empty);
  }
  void report(benchmark::State& state, std::uint64_t pairs) const {
    const double cost = clock.percentile(0.5);
    const double ns = ns_per_tick();
    state.counters["clock_ns"] = cost * ns;
    for (const auto& [name, part] :
         {std::pair{"p50_ns", 0.5}, std::pair{"p99_ns", 0.99}}) {
      state.counters[std::string("make_") + name] =
          std::max(0.0, making.percentile(part) - cost) * ns;
      state.counters[std::string("free_") + name] =
          std::max(0.0, freeing.percentile(part) - cost) * ns;
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(pairs));
  }
  Latencies making, freeing, clock;
};

template <typename Pool>
void HotLatency(benchmark::State& state) {
  have_a_second_thread();
  auto pool = std::make_unique<Pool>();
  PairLatencies latencies;
  std::uint64_t pairs = 0;
  for (auto _ : state) {
    latencies.free(*pool, latencies.make(*pool));
    ++pairs;
  }
  latencies.report(state, pairs);
}

template <typename Pool>
void SteadyLatency(benchmark::State& state) {
  have_a_second_thread();
  auto pool = std::make_unique<Pool>();
  std::array<Object*, 512> objects;
  for (Object*& object : objects) object = pool->make(0);
  PairLatencies latencies;
  std::uint64_t pairs = 0;
  for (auto _ : state) {
    Object*& oldest = objects[pairs++ % objects.size()];
    latencies.free(*pool, oldest);
    oldest = latencies.make(*pool);
  }
  for (Object* object : objects) pool->free(object);
  latencies.report(state, pairs);
}

template <typename Pool>
void BatchLatency(benchmark::State& state) {
  have_a_second_thread();
  auto pool = std::make_unique<Pool>();
  std::array<Object*, kBatch> objects;
  PairLatencies latencies;
  std::uint64_t pairs = 0;
  for (auto _ : state) {
    for (Object*& object : objects) object = latencies.make(*pool);
    for (Object* object : objects) latencies.free(*pool, object);
    pairs += kBatch;
  }
  latencies.report(state, pairs);
}

#define WIREBOOK_ALONE(name, Pool)         \
  BENCHMARK(Hot<Pool>)->Name(name "/hot"); \
  BENCHMARK(Batch<Pool>)->Name(name "/batch")
#define WIREBOOK_HANDED(name, Pool) \
  BENCHMARK(Handed<Pool>)->Name(name "/handed")->UseManualTime()
#define WIREBOOK_THREADS(name, Pool)                            \
  BENCHMARK(Shared<Pool>)                                       \
      ->Name(name "/shared")                                    \
      ->ThreadRange(1, 16)                                      \
      ->UseRealTime();                                          \
  BENCHMARK(HotLatency<Pool>)->Name(name "/latency_hot");       \
  BENCHMARK(SteadyLatency<Pool>)->Name(name "/latency_steady"); \
  BENCHMARK(BatchLatency<Pool>)->Name(name "/latency_batch")

WIREBOOK_ALONE("pool", Wirebook<>);
WIREBOOK_HANDED("pool", Wirebook<>);
WIREBOOK_THREADS("pool", Wirebook<>);
BENCHMARK(Steady<64>)->Name("pool/steady_64");
BENCHMARK(Steady<128>)->Name("pool/steady_128");
BENCHMARK(Steady<1000>)->Name("pool/steady_1000");
BENCHMARK(Scattered<false>)->Name("pool/scattered")->UseManualTime();
BENCHMARK(Scattered<true>)->Name("pool/draining")->UseManualTime();
WIREBOOK_ALONE("prefetch", Prefetch);
WIREBOOK_HANDED("prefetch", Prefetch);
WIREBOOK_ALONE("tag64", Tag64);
WIREBOOK_HANDED("tag64", Tag64);
WIREBOOK_ALONE("bare", Bare);
WIREBOOK_ALONE("pmr", PmrSynchronized);
WIREBOOK_HANDED("pmr", PmrSynchronized);
WIREBOOK_ALONE("boost", BoostFreelist);
WIREBOOK_HANDED("boost", BoostFreelist);
WIREBOOK_HANDED("none", None);
WIREBOOK_ALONE("malloc", Malloc);
WIREBOOK_HANDED("malloc", Malloc);
WIREBOOK_THREADS("malloc", Malloc);

}  // namespace
}  // namespace wirebook

int main(int argc, char** argv) {
  return wirebook::run_beside_mallocs(
      argc, argv,
      {"pool", "prefetch", "tag64", "bare", "pmr", "boost", "none"});
}
