// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// An allocate and free pair, beside glibc, jemalloc, tcmalloc and mimalloc:
//   bazel run --config=native //memory:thread_cache_allocator_benchmark
// (memory/testing/malloc_peers.h says how they are run).
//
// hot: 64 bytes, freed at once. batch: 1024 of 64 bytes taken, then freed.
// random: one of 1024 at random, of up to 1 KiB, freed and taken anew. handed:
// one thread makes 8192 of 64 bytes, another reads and frees them, in turns;
// the processor time of both. streamed: the same through a ring, while both
// run. shared: each of the threads takes 64 of random sizes, then frees them.
// "sized" is deallocate(ptr, size); all others know the pointer alone.
#include <benchmark/benchmark.h>
#include <time.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory_resource>
#include <random>
#include <thread>
#include <vector>

#include "memory/cache_line.h"
#include "memory/testing/malloc_peers.h"
#include "memory/thread_cache_allocator.h"

namespace wirebook {
namespace {

constexpr std::size_t kBytes = 64;
constexpr std::size_t kBatch = 1024;
constexpr std::size_t kHanded = 8192;

ThreadCacheAllocator& ours() {
  static ThreadCacheAllocator allocator;
  return allocator;
}

struct Wirebook {
  void* take(std::size_t bytes) { return allocator.allocate(bytes); }
  void give(void* object, std::size_t) { allocator.deallocate(object); }
  ThreadCacheAllocator& allocator = ours();
};

struct Sized {
  void* take(std::size_t bytes) { return allocator.allocate(bytes); }
  void give(void* object, std::size_t bytes) {
    allocator.deallocate(object, bytes);
  }
  ThreadCacheAllocator& allocator = ours();
};

struct Malloc {
  void* take(std::size_t bytes) { return std::malloc(bytes); }
  void give(void* object, std::size_t) { std::free(object); }
};

struct Pmr {
  void* take(std::size_t bytes) { return pool().allocate(bytes); }
  void give(void* object, std::size_t bytes) {
    pool().deallocate(object, bytes);
  }
  static std::pmr::synchronized_pool_resource& pool() {
    static std::pmr::synchronized_pool_resource resource;
    return resource;
  }
};

void write(void* object, std::uint64_t value) {
  *static_cast<std::uint64_t*>(object) = value;
}
std::uint64_t read(const void* object) {
  return *static_cast<const std::uint64_t*>(object);
}

// glibc leaves locks out while a process has one thread only.
void have_had_a_second_thread() {
  std::thread([] {}).join();
}

template <typename Allocator>
void Hot(benchmark::State& state) {
  have_had_a_second_thread();
  Allocator allocator;
  std::uint64_t i = 0;
  for (auto _ : state) {
    void* object = allocator.take(kBytes);
    write(object, ++i);
    benchmark::DoNotOptimize(object);
    allocator.give(object, kBytes);
  }
  state.SetItemsProcessed(state.iterations());
}

template <typename Allocator>
void Batch(benchmark::State& state) {
  have_had_a_second_thread();
  Allocator allocator;
  std::array<void*, kBatch> objects;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      objects[i] = allocator.take(kBytes);
      write(objects[i], i);
    }
    benchmark::DoNotOptimize(objects.data());
    for (void* object : objects) allocator.give(object, kBytes);
  }
  state.SetItemsProcessed(state.iterations() *
                          static_cast<std::int64_t>(kBatch));
}

struct Step {
  std::uint16_t place;
  std::uint16_t bytes;
};

// Powers of two, so that a step costs a mask.
std::vector<Step> random_steps(std::size_t count, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<Step> steps(count);
  for (Step& step : steps) {
    step.place = static_cast<std::uint16_t>(random() % kBatch);
    step.bytes = static_cast<std::uint16_t>(8 + random() % 1017);
  }
  return steps;
}

template <typename Allocator>
void Random(benchmark::State& state) {
  have_had_a_second_thread();
  Allocator allocator;
  struct Place {
    void* object;
    std::size_t bytes;
  };
  const std::vector<Step> steps = random_steps(std::size_t{1} << 16, 7);
  std::vector<Place> places(kBatch);
  for (Place& place : places) place = {allocator.take(kBytes), kBytes};
  std::size_t i = 0;
  for (auto _ : state) {
    const Step step = steps[i++ & 0xFFFF];
    Place& place = places[step.place];
    allocator.give(place.object, place.bytes);
    place = {allocator.take(step.bytes), step.bytes};
    write(place.object, i);
  }
  for (Place& place : places) allocator.give(place.object, place.bytes);
  state.SetItemsProcessed(state.iterations());
}

double thread_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) * 1e-9;
}

template <typename Allocator>
void Handed(benchmark::State& state) {
  Allocator allocator;
  std::vector<void*> objects(kHanded);
  double freeing = 0;
  std::atomic<int> turn{0};  // 0: the maker's, 1: the consumer's, 2: the end.
  std::thread consumer([&] {
    for (;;) {
      // Acquire: with the maker's release.
      turn.wait(0, std::memory_order_acquire);
      if (turn.load(std::memory_order_acquire) == 2) return;
      const double from = thread_seconds();
      std::uint64_t sum = 0;
      for (void* object : objects) {
        sum += read(object);
        allocator.give(object, kBytes);
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
    for (std::size_t i = 0; i < kHanded; ++i) {
      objects[i] = allocator.take(kBytes);
      write(objects[i], i);
    }
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

template <typename Allocator>
void Streamed(benchmark::State& state) {
  constexpr std::size_t kRing = 1024;
  Allocator allocator;
  std::vector<void*> ring(kRing);
  alignas(kFalseSharingBytes) std::atomic<std::size_t> head{0};
  alignas(kFalseSharingBytes) std::atomic<std::size_t> tail{0};
  alignas(kFalseSharingBytes) std::atomic<bool> end{false};
  std::thread consumer([&] {
    std::uint64_t sum = 0;
    for (std::size_t at = 0;;) {
      // Acquire: with the maker's releases.
      const bool last = end.load(std::memory_order_acquire);
      const std::size_t until = head.load(std::memory_order_acquire);
      if (at == until) {
        if (last) break;
        std::this_thread::yield();
        continue;
      }
      for (; at != until; ++at) {
        void* object = ring[at % kRing];
        sum += read(object);
        allocator.give(object, kBytes);
      }
      // Release: with the maker's acquire.
      tail.store(at, std::memory_order_release);
    }
    benchmark::DoNotOptimize(sum);
  });
  std::size_t at = 0;
  for (auto _ : state) {
    while (at + 64 - tail.load(std::memory_order_acquire) > kRing) {
      std::this_thread::yield();
    }
    for (std::size_t i = 0; i < 64; ++i, ++at) {
      void* object = allocator.take(kBytes);
      write(object, at);
      ring[at % kRing] = object;
    }
    head.store(at, std::memory_order_release);
  }
  end.store(true, std::memory_order_release);
  consumer.join();
  state.SetItemsProcessed(state.iterations() * 64);
}

template <typename Allocator>
void Shared(benchmark::State& state) {
  Allocator allocator;
  const std::vector<Step> steps =
      random_steps(64, static_cast<std::uint32_t>(state.thread_index() + 1));
  std::array<void*, 64> objects;
  for (auto _ : state) {
    for (std::size_t i = 0; i < 64; ++i) {
      objects[i] = allocator.take(steps[i].bytes);
      write(objects[i], i);
    }
    benchmark::DoNotOptimize(objects.data());
    for (std::size_t i = 0; i < 64; ++i) {
      allocator.give(objects[i], steps[i].bytes);
    }
  }
  state.SetItemsProcessed(state.iterations() * 64);
}

#define WIREBOOK_CASES(Allocator, name)                                  \
  BENCHMARK(Hot<Allocator>)->Name(name "/hot");                          \
  BENCHMARK(Batch<Allocator>)->Name(name "/batch");                      \
  BENCHMARK(Random<Allocator>)->Name(name "/random");                    \
  BENCHMARK(Handed<Allocator>)->Name(name "/handed")->UseManualTime();   \
  BENCHMARK(Streamed<Allocator>)->Name(name "/streamed")->UseRealTime(); \
  BENCHMARK(Shared<Allocator>)                                           \
      ->Name(name "/shared")                                             \
      ->Threads(1)                                                       \
      ->Threads(2)                                                       \
      ->Threads(4)                                                       \
      ->Threads(16)                                                      \
      ->UseRealTime()
WIREBOOK_CASES(Wirebook, "wirebook");
WIREBOOK_CASES(Sized, "sized");
WIREBOOK_CASES(Malloc, "malloc");
WIREBOOK_CASES(Pmr, "pmr");

}  // namespace
}  // namespace wirebook

int main(int argc, char** argv) {
  return wirebook::run_beside_mallocs(argc, argv, {"wirebook", "sized", "pmr"});
}
