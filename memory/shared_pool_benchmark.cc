// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// An allocate and free pair of 64 bytes in shared memory, beside a free list
// under a robust mutex that processes share, and ObjectPool, which works inside
// one process only:
//   bazel run --config=native //memory:shared_pool_benchmark
//
// Hot: one object, freed at once. Batch: 1024 taken, then 1024 freed. Handed:
// 1024 made by one attachment, adopted and freed by another. Shared: each of
// the threads takes 64, then frees them. Reclaim: 1024 objects of an
// attachment that ended, attaching it and taking them included.
#include <benchmark/benchmark.h>
#include <pthread.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "memory/object_pool.h"
#include "memory/page_mapping.h"
#include "memory/shared_pool.h"

namespace wirebook {
namespace {

constexpr std::size_t kBatch = 1024;
constexpr std::size_t kCapacity = 16384;

struct Object {
  std::uint64_t value;
  char rest[56];
};
static_assert(sizeof(Object) == 64);

template <typename T>
T must(absl::StatusOr<T> value) {
  if (!value.ok()) {
    std::fprintf(stderr, "%s\n", value.status().ToString().c_str());
    std::exit(1);
  }
  return *std::move(value);
}

struct Shared {
  Object* allocate() noexcept { return pool.allocate(); }
  void free(Object* object) noexcept { pool.deallocate(object); }
  SharedPool<Object> pool =
      must(SharedPool<Object>::create_anonymous({.capacity = kCapacity}));
};

// The usual way: indices in a list, a mutex whose owner may die. It would still
// have to repair the list then, and does not know what was held.
class RobustMutex {
 public:
  RobustMutex() {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&state_->mutex, &attributes);
    for (std::uint32_t i = 0; i < kCapacity; ++i) state_->next[i] = i + 1;
  }
  Object* allocate() {
    lock();
    const std::uint32_t index = state_->first;
    if (index != kCapacity) state_->first = state_->next[index];
    pthread_mutex_unlock(&state_->mutex);
    return index == kCapacity ? nullptr : &state_->objects[index];
  }
  void free(Object* object) {
    const auto index = static_cast<std::uint32_t>(object - state_->objects);
    lock();
    state_->next[index] = state_->first;
    state_->first = index;
    pthread_mutex_unlock(&state_->mutex);
  }

 private:
  struct State {
    pthread_mutex_t mutex;
    std::uint32_t first;
    std::uint32_t next[kCapacity];
    Object objects[kCapacity];
  };
  void lock() {
    if (pthread_mutex_lock(&state_->mutex) == EOWNERDEAD) {
      pthread_mutex_consistent(&state_->mutex);
    }
  }
  PageMapping memory_ = must(PageMapping::anonymous(
      sizeof(State), {.prefault = true, .shared = true}));
  State* state_ = reinterpret_cast<State*>(memory_.data());
};

struct Local {
  Object* allocate() noexcept { return static_cast<Object*>(pool.allocate()); }
  void free(Object* object) noexcept { pool.deallocate(object); }
  ObjectPool<Object> pool{{.initial_capacity = kCapacity}};
};

template <typename Pool>
void Hot(benchmark::State& state) {
  const auto pool = std::make_unique<Pool>();
  for (auto _ : state) {
    Object* object = pool->allocate();
    object->value = 1;
    benchmark::DoNotOptimize(object);
    pool->free(object);
  }
  state.SetItemsProcessed(state.iterations());
}

template <typename Pool>
void Batch(benchmark::State& state) {
  const auto pool = std::make_unique<Pool>();
  std::array<Object*, kBatch> objects;
  for (auto _ : state) {
    for (Object*& object : objects) object = pool->allocate();
    benchmark::DoNotOptimize(objects.data());
    for (Object* object : objects) pool->free(object);
  }
  state.SetItemsProcessed(state.iterations() *
                          static_cast<std::int64_t>(kBatch));
}

void Handed(benchmark::State& state) {
  Shared makers;
  SharedPool<Object> users = must(SharedPool<Object>::attach(makers.pool.fd()));
  std::array<SharedHandle, kBatch> handles;
  for (auto _ : state) {
    for (SharedHandle& handle : handles) {
      handle = makers.pool.handle_of(makers.allocate());
    }
    for (const SharedHandle handle : handles) {
      users.deallocate(users.adopt(handle));
    }
  }
  state.SetItemsProcessed(state.iterations() *
                          static_cast<std::int64_t>(kBatch));
}

template <typename Pool>
void SharedByThreads(benchmark::State& state) {
  static Pool pool;
  std::array<Object*, 64> objects;
  for (auto _ : state) {
    for (Object*& object : objects) object = pool.allocate();
    benchmark::DoNotOptimize(objects.data());
    for (Object* object : objects) pool.free(object);
  }
  state.SetItemsProcessed(state.iterations() * 64);
}

void Reclaim(benchmark::State& state) {
  Shared shared;
  for (auto _ : state) {
    std::optional<SharedPool<Object>> ends =
        must(SharedPool<Object>::attach(shared.pool.fd()));
    for (std::size_t i = 0; i < kBatch; ++i) {
      benchmark::DoNotOptimize(ends->allocate());
    }
    const SharedProcess dead = ends->self();
    ends.reset();
    if (must(shared.pool.reclaim(dead)) != kBatch) {
      state.SkipWithError("objects are missing");
    }
  }
}

BENCHMARK_TEMPLATE(Hot, Shared);
BENCHMARK_TEMPLATE(Hot, RobustMutex);
BENCHMARK_TEMPLATE(Hot, Local);
BENCHMARK_TEMPLATE(Batch, Shared);
BENCHMARK_TEMPLATE(Batch, RobustMutex);
BENCHMARK_TEMPLATE(Batch, Local);
BENCHMARK(Handed);
BENCHMARK_TEMPLATE(SharedByThreads, Shared)->ThreadRange(1, 4);
BENCHMARK_TEMPLATE(SharedByThreads, RobustMutex)->ThreadRange(1, 4);
BENCHMARK_TEMPLATE(SharedByThreads, Local)->ThreadRange(1, 4);
BENCHMARK(Reclaim)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
