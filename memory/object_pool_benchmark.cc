// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// An allocate and free pair of 64 bytes, beside new, std::pmr and Boost:
//   bazel run --config=native //memory:object_pool_benchmark
//
// Hot: one object, freed at once. Batch: 1024 taken, then 1024 freed.
// Handed: one thread allocates, another frees, through the same ring for all;
// Handed<None> is the ring alone, with objects that are never freed.
#include <benchmark/benchmark.h>

#include <array>
#include <atomic>
#include <boost/lockfree/detail/freelist.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <thread>
#include <vector>

#include "memory/cache_line.h"
#include "memory/object_pool.h"

namespace wirebook {
namespace {

constexpr std::size_t kBatch = 1024;

struct Object {
  explicit Object(std::uint64_t v) noexcept : value(v) {}
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
  std::vector<Object> objects = std::vector<Object>(4096, Object(0));
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

// Hands over in eights, so that the ring costs little beside the pools.
class Ring {
 public:
  void push(std::span<Object* const, 8> items) noexcept {
    // Acquire: the consumer has read the places.
    while (head_.value - tail_->load(std::memory_order_acquire) >= 128) {
    }
    items_[head_.value++ % 128] = {items[0], items[1], items[2], items[3],
                                   items[4], items[5], items[6], items[7]};
    // Release: with the acquire in pop().
    published_->store(head_.value, std::memory_order_release);
  }
  bool pop(std::array<Object*, 8>& items) noexcept {
    const std::uint64_t tail = tail_->load(std::memory_order_relaxed);
    if (published_->load(std::memory_order_acquire) == tail) return false;
    items = items_[tail % 128];
    tail_->store(tail + 1, std::memory_order_release);
    return true;
  }

 private:
  CacheAligned<std::uint64_t> head_;
  CacheAligned<std::atomic<std::uint64_t>> published_;
  CacheAligned<std::atomic<std::uint64_t>> tail_;
  alignas(kFalseSharingBytes) std::array<std::array<Object*, 8>, 128> items_;
};

template <typename Pool>
void Handed(benchmark::State& state) {
  auto pool = std::make_unique<Pool>();
  auto ring = std::make_unique<Ring>();
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> sum{0};
  std::thread consumer([&] {
    std::array<Object*, 8> items;
    std::uint64_t own = 0;
    for (;;) {
      if (!ring->pop(items)) {
        // Acquire: with the release after the last push.
        if (!stop.load(std::memory_order_acquire)) continue;
        if (!ring->pop(items)) break;
      }
      for (Object* object : items) {
        own += object->value;
        pool->free(object);
      }
    }
    sum = own;
  });
  std::array<Object*, 8> items;
  std::uint64_t made = 0;
  for (auto _ : state) {
    for (Object*& object : items) object = pool->make(++made);
    ring->push(items);
  }
  stop.store(true, std::memory_order_release);
  consumer.join();
  state.SetItemsProcessed(state.iterations() * 8);
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
BENCHMARK(Handed<None>)->UseRealTime();
BENCHMARK(Handed<Wirebook>)->UseRealTime();
BENCHMARK(Handed<New>)->UseRealTime();
BENCHMARK(Handed<PmrSynchronized>)->UseRealTime();
BENCHMARK(Handed<BoostFreelist>)->UseRealTime();
BENCHMARK(Shared<Wirebook>)->Threads(2)->Threads(16)->UseRealTime();
BENCHMARK(Shared<New>)->Threads(2)->Threads(16)->UseRealTime();

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
