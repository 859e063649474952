// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The time of one get or return of a 2 KiB buffer, each timed by itself, beside
// a queue under a std::mutex and a design of atomic counters:
//   bazel run --config=native //memory:buffer_pool_benchmark
//
// Steady: each thread holds 32 buffers, and takes one and returns its oldest in
// turn. Bursty: takes 256, then returns them. mean, p50, p99 and max are in
// nanoseconds a call; clock_ns, what reading the clock costs, is subtracted.
// Nothing does no work: its p99 and max are the machine's and the clock's own.
// Mean: as Steady, without reading a clock for each call.
#include <benchmark/benchmark.h>
#include <x86intrin.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "memory/buffer_pool.h"
#include "memory/cache_line.h"

namespace wirebook {
namespace {

constexpr std::size_t kBytes = 2048;
constexpr std::size_t kBuffers = 2048;
constexpr std::size_t kHeld = 32;
constexpr std::size_t kBurst = 256;

struct Wirebook {
  void* get() noexcept { return pool.get_buffer(); }
  void put(void* buffer) noexcept { pool.return_buffer(buffer); }
  BufferPool pool{{.buffer_bytes = kBytes, .capacity = kBuffers}};
};

struct Block {
  void* at(std::size_t i) noexcept { return bytes.get() + i * kBytes; }
  std::unique_ptr<std::byte[]> bytes =
      std::make_unique<std::byte[]>(kBuffers * kBytes);
};

struct MutexQueue {
  MutexQueue() {
    for (std::size_t i = 0; i < kBuffers; ++i) free[i] = block.at(i);
  }
  void* get() {
    const std::lock_guard lock(mutex);
    if (head == tail) return nullptr;
    return free[head++ % kBuffers];
  }
  void put(void* buffer) {
    const std::lock_guard lock(mutex);
    free[tail++ % kBuffers] = buffer;
  }
  Block block;
  std::mutex mutex;
  std::size_t head = 0;
  std::size_t tail = kBuffers;
  std::vector<void*> free = std::vector<void*>(kBuffers);
};

// A counter of those free admits, a second one says where to look for a place.
struct AtomicCounters {
  void* get() noexcept {
    if (available->fetch_sub(1, std::memory_order_acquire) <= 0) {
      available->fetch_add(1, std::memory_order_relaxed);
      return nullptr;
    }
    for (;;) {
      const std::size_t i =
          next->fetch_add(1, std::memory_order_relaxed) % kBuffers;
      // Acquire: with the release in put().
      if (!busy[i].load(std::memory_order_relaxed) &&
          !busy[i].exchange(true, std::memory_order_acquire)) {
        return block.at(i);
      }
    }
  }
  void put(void* buffer) noexcept {
    const auto offset = static_cast<std::byte*>(buffer) - block.bytes.get();
    busy[static_cast<std::size_t>(offset) / kBytes].store(
        false, std::memory_order_release);
    available->fetch_add(1, std::memory_order_release);
  }
  Block block;
  CacheAligned<std::atomic<std::int64_t>> available{
      std::in_place, static_cast<std::int64_t>(kBuffers)};
  CacheAligned<std::atomic<std::size_t>> next;
  std::vector<std::atomic<bool>> busy =
      std::vector<std::atomic<bool>>(kBuffers);
};

struct Nothing {
  void* get() noexcept { return place.data(); }
  void put(void* buffer) noexcept { benchmark::DoNotOptimize(buffer); }
  // A thread's own: what the threads would share is no floor.
  inline static thread_local std::array<std::byte, kBytes> place{};
};

std::uint64_t ticks() {
  unsigned processor;
  const std::uint64_t now = __rdtscp(&processor);
  _mm_lfence();
  return now;
}

double ticks_per_ns() {
  static const double rate = [] {
    const auto begin = std::chrono::steady_clock::now();
    const std::uint64_t from = ticks();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const std::uint64_t to = ticks();
    const std::chrono::duration<double, std::nano> spent =
        std::chrono::steady_clock::now() - begin;
    return static_cast<double>(to - from) / spent.count();
  }();
  return rate;
}

// The median of a pair of readings with nothing between.
std::uint64_t clock_ticks() {
  static const std::uint64_t cost = [] {
    std::array<std::uint64_t, 10'001> pairs;
    for (std::uint64_t& pair : pairs) {
      const std::uint64_t from = ticks();
      pair = ticks() - from;
    }
    std::nth_element(pairs.begin(), pairs.begin() + pairs.size() / 2,
                     pairs.end());
    return pairs[pairs.size() / 2];
  }();
  return cost;
}

class Samples {
 public:
  Samples() { samples_.reserve(std::size_t{1} << 19); }

  template <typename Call>
  auto time(Call call) {
    const std::uint64_t from = ticks();
    auto result = call();
    const std::uint64_t spent = ticks() - from;
    if (samples_.size() < samples_.capacity()) {
      samples_.push_back(spent - std::min(spent, clock_ticks()));
    }
    return result;
  }

  void report(benchmark::State& state) {
    std::sort(samples_.begin(), samples_.end());
    double sum = 0;
    for (std::uint64_t sample : samples_) sum += static_cast<double>(sample);
    const auto at = [&](double share) {
      const auto i = static_cast<std::size_t>(
          share * static_cast<double>(samples_.size() - 1));
      return static_cast<double>(samples_[i]) / ticks_per_ns();
    };
    const auto counter = [&](const char* name, double ns) {
      state.counters[name] =
          benchmark::Counter(ns, benchmark::Counter::kAvgThreads);
    };
    counter("mean",
            sum / static_cast<double>(samples_.size()) / ticks_per_ns());
    counter("p50", at(0.5));
    counter("p99", at(0.99));
    counter("max", at(1));
    counter("clock_ns", static_cast<double>(clock_ticks()) / ticks_per_ns());
  }

 private:
  std::vector<std::uint64_t> samples_;
};

// One for all threads of a benchmark.
template <typename Pool>
Pool& shared_pool() {
  static Pool pool;
  return pool;
}

template <typename Pool>
void Steady(benchmark::State& state) {
  Pool& pool = shared_pool<Pool>();
  Samples samples;
  std::array<void*, kHeld> held{};
  std::size_t i = 0;
  for (auto _ : state) {
    void*& oldest = held[i++ % kHeld];
    if (oldest != nullptr) {
      samples.time([&] { return pool.put(oldest), 0; });
    }
    oldest = samples.time([&] { return pool.get(); });
    *static_cast<std::uint64_t*>(oldest) = i;
  }
  for (void* buffer : held) {
    if (buffer != nullptr) pool.put(buffer);
  }
  samples.report(state);
}

template <typename Pool>
void Bursty(benchmark::State& state) {
  Pool& pool = shared_pool<Pool>();
  Samples samples;
  std::array<void*, kBurst> burst;
  for (auto _ : state) {
    for (void*& buffer : burst) {
      buffer = samples.time([&] { return pool.get(); });
      *static_cast<std::uint64_t*>(buffer) = 1;
    }
    for (void* buffer : burst) {
      samples.time([&] { return pool.put(buffer), 0; });
    }
  }
  samples.report(state);
}

template <typename Pool>
void Mean(benchmark::State& state) {
  Pool& pool = shared_pool<Pool>();
  std::array<void*, kHeld> held{};
  std::size_t i = 0;
  for (auto _ : state) {
    void*& oldest = held[i++ % kHeld];
    if (oldest != nullptr) pool.put(oldest);
    oldest = pool.get();
    *static_cast<std::uint64_t*>(oldest) = i;
  }
  for (void* buffer : held) {
    if (buffer != nullptr) pool.put(buffer);
  }
}

#define WIREBOOK_LOADS(Pool)                       \
  BENCHMARK(Mean<Pool>)->Threads(1)->Threads(2);   \
  BENCHMARK(Steady<Pool>)->Threads(1)->Threads(2); \
  BENCHMARK(Bursty<Pool>)->Threads(1)->Threads(2)
WIREBOOK_LOADS(Wirebook);
WIREBOOK_LOADS(MutexQueue);
WIREBOOK_LOADS(AtomicCounters);
WIREBOOK_LOADS(Nothing);

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
