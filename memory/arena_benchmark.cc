// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// An event with two vectors of price levels, filled and recycled:
//   bazel run --config=native //memory:arena_benchmark
//
// The argument is the number of levels on each side. Grown: pushed back one by
// one, in turns. Reserved: with reserve() first. Kept is std::vector with its
// storage kept by clear(), which never gives back what its largest event took.
#include <benchmark/benchmark.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <thread>
#include <vector>

#include "memory/arena.h"

namespace wirebook {
namespace {

struct Level {
  std::int64_t price;
  std::int64_t quantity;
};

struct InArena {
  void recycle() noexcept { arena.recycle(bids, asks); }
  InlineArena<> arena;
  std::pmr::vector<Level> bids{&arena};
  std::pmr::vector<Level> asks{&arena};
};

struct OnHeap {
  void recycle() {
    bids = std::vector<Level>();
    asks = std::vector<Level>();
  }
  std::vector<Level> bids;
  std::vector<Level> asks;
};

struct Kept {
  void recycle() {
    bids.clear();
    asks.clear();
  }
  std::vector<Level> bids;
  std::vector<Level> asks;
};

template <typename Resource>
struct Standard {
  void recycle() {
    std::destroy_at(&bids);
    std::destroy_at(&asks);
    if constexpr (requires { resource.release(); }) resource.release();
    std::construct_at(&bids, &resource);
    std::construct_at(&asks, &resource);
  }
  std::array<std::byte, kDefaultArenaBytes> buffer;
  Resource resource{buffer.data(), buffer.size()};
  std::pmr::vector<Level> bids{&resource};
  std::pmr::vector<Level> asks{&resource};
};
using Monotonic = Standard<std::pmr::monotonic_buffer_resource>;

// Its pools keep what they took, so it is not released.
struct Pooled : std::pmr::unsynchronized_pool_resource {
  Pooled(void*, std::size_t) {}
  void release() = delete;
};
using PmrPool = Standard<Pooled>;

template <typename Event>
void fill(Event& event, std::int64_t levels) {
  for (std::int64_t i = 0; i < levels; ++i) {
    event.bids.push_back({i, 1});
    event.asks.push_back({i, 1});
  }
  benchmark::DoNotOptimize(event.bids.data());
  benchmark::DoNotOptimize(event.asks.data());
  benchmark::ClobberMemory();
}

// glibc leaves locks out while a process has one thread only.
void have_a_second_thread() {
  static std::atomic<bool> started{false};
  if (!started.exchange(true)) {
    std::thread([] {
      for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
    }).detach();
  }
}

template <typename Event>
void Grown(benchmark::State& state) {
  have_a_second_thread();
  auto event = std::make_unique<Event>();
  for (auto _ : state) {
    fill(*event, state.range(0));
    event->recycle();
  }
}

template <typename Event>
void Reserved(benchmark::State& state) {
  have_a_second_thread();
  auto event = std::make_unique<Event>();
  const auto levels = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    event->bids.reserve(levels);
    event->asks.reserve(levels);
    fill(*event, state.range(0));
    event->recycle();
  }
}

#define WIREBOOK_EVENTS(Case)                  \
  BENCHMARK(Case<InArena>)->Arg(5)->Arg(50);   \
  BENCHMARK(Case<OnHeap>)->Arg(5)->Arg(50);    \
  BENCHMARK(Case<Kept>)->Arg(5)->Arg(50);      \
  BENCHMARK(Case<Monotonic>)->Arg(5)->Arg(50); \
  BENCHMARK(Case<PmrPool>)->Arg(5)->Arg(50)
WIREBOOK_EVENTS(Grown);
WIREBOOK_EVENTS(Reserved);

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
