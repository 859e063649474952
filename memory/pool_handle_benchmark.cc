// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// An event that three consumers share, beside std::shared_ptr:
//   bazel run --config=native //memory:pool_handle_benchmark
//
// Shared: one thread acquires, copies to three consumers and drops all four
// handles. FannedOut: the same with fan_out<3>(). Acquire: no copies. Handed:
// a producer fills the lanes of three consumers, who read and drop, in turns;
// the processor time of all four without their waiting, a 4,096th of it.
// The peers make their events as they are when cleared.
#include <benchmark/benchmark.h>
#include <time.h>

#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <thread>
#include <utility>
#include <vector>

#include "memory/pool_handle.h"

namespace wirebook {
namespace {

constexpr std::size_t kConsumers = 3;
constexpr std::size_t kHanded = 4096;

struct Fields {
  std::uint64_t sequence = 0;
  std::uint64_t price = 0;
  std::array<std::uint64_t, 14> rest;
};

struct Event : Poolable<Event>, Fields {
  void clear() noexcept { sequence = price = 0; }
};

struct Pool {
  using Handle = PoolHandle<Event>;
  Handle make() noexcept { return *pool.acquire(); }
  EventPool<Event, 8192> pool;
};

struct MakeShared {
  using Handle = std::shared_ptr<Fields>;
  Handle make() { return std::make_shared<Fields>(); }
};

struct PmrShared {
  using Handle = std::shared_ptr<Fields>;
  Handle make() {
    return std::allocate_shared<Fields>(
        std::pmr::polymorphic_allocator<Fields>(&resource));
  }
  std::pmr::synchronized_pool_resource resource;
};

// glibc and libstdc++ leave locks out while a process has one thread only.
void have_a_second_thread() {
  static std::atomic<bool> started{false};
  if (!started.exchange(true)) {
    std::thread([] {
      for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
    }).detach();
  }
}

template <typename Source>
void Acquire(benchmark::State& state) {
  have_a_second_thread();
  auto source = std::make_unique<Source>();
  for (auto _ : state) {
    auto event = source->make();
    benchmark::DoNotOptimize(event->sequence = 1);
  }
}

template <typename Source>
void Shared(benchmark::State& state) {
  have_a_second_thread();
  auto source = std::make_unique<Source>();
  std::array<typename Source::Handle, kConsumers> consumers;
  for (auto _ : state) {
    auto event = source->make();
    benchmark::DoNotOptimize(event->sequence = 1);
    for (auto& consumer : consumers) consumer = event;
    benchmark::DoNotOptimize(consumers.data());
    event.reset();
    for (auto& consumer : consumers) consumer.reset();
  }
}

void FannedOut(benchmark::State& state) {
  have_a_second_thread();
  auto source = std::make_unique<Pool>();
  for (auto _ : state) {
    auto event = source->make();
    benchmark::DoNotOptimize(event->sequence = 1);
    auto consumers = event.fan_out<kConsumers>();
    benchmark::DoNotOptimize(consumers.data());
    event.reset();
    for (auto& consumer : consumers) consumer.reset();
  }
}

// Of this thread, so that neighbours who preempt it cost nothing.
double thread_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) * 1e-9;
}

template <typename Source>
void Handed(benchmark::State& state) {
  auto source = std::make_unique<Source>();
  std::array<std::vector<typename Source::Handle>, kConsumers> lanes;
  for (auto& lane : lanes) lane.resize(kHanded);
  std::array<double, kConsumers> spent{};
  std::barrier<> turn(kConsumers + 1);
  bool over = false;
  std::vector<std::thread> consumers;
  for (std::size_t c = 0; c < kConsumers; ++c) {
    consumers.emplace_back([&, c] {
      for (;;) {
        turn.arrive_and_wait();  // The lanes are full,
        if (over) return;
        const double from = thread_seconds();
        std::uint64_t sum = 0;
        for (auto& event : lanes[c]) {
          sum += event->sequence;
          event.reset();
        }
        benchmark::DoNotOptimize(sum);
        spent[c] = thread_seconds() - from;
        turn.arrive_and_wait();  // and empty.
      }
    });
  }
  for (auto _ : state) {
    const double from = thread_seconds();
    for (std::size_t i = 0; i < kHanded; ++i) {
      auto event = source->make();
      event->sequence = i;
      for (std::size_t c = 1; c < kConsumers; ++c) lanes[c][i] = event;
      lanes[0][i] = std::move(event);
    }
    double seconds = thread_seconds() - from;
    turn.arrive_and_wait();
    turn.arrive_and_wait();
    for (double one : spent) seconds += one;
    state.SetIterationTime(seconds / kHanded);
  }
  over = true;
  turn.arrive_and_wait();
  for (auto& consumer : consumers) consumer.join();
}

BENCHMARK(Acquire<Pool>);
BENCHMARK(Acquire<MakeShared>);
BENCHMARK(Acquire<PmrShared>);
BENCHMARK(FannedOut);
BENCHMARK(Shared<Pool>);
BENCHMARK(Shared<MakeShared>);
BENCHMARK(Shared<PmrShared>);
BENCHMARK(Handed<Pool>)->UseManualTime()->Iterations(200);
BENCHMARK(Handed<MakeShared>)->UseManualTime()->Iterations(200);
BENCHMARK(Handed<PmrShared>)->UseManualTime()->Iterations(200);

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
