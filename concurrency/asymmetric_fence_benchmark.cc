// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The two sides of asymmetric_fence beside the fences that they replace. A
// second thread of the process is alive throughout, asleep.
//
//   bazel run --config=native //concurrency:asymmetric_fence_benchmark --
//     --benchmark_repetitions=9 --benchmark_report_aggregates_only=true

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "benchmark/benchmark.h"
#include "concurrency/asymmetric_fence.h"

namespace wirebook {
namespace {

std::atomic<uint64_t> stored{0};

// What every announcement does: store, fence, load.
template <typename Fence>
void announce(benchmark::State& state, Fence fence) {
  uint64_t i = 0;
  for (auto _ : state) {
    stored.store(++i, std::memory_order_relaxed);
    fence();
    benchmark::DoNotOptimize(stored.load(std::memory_order_relaxed));
  }
}

void BM_StoreLoadWithoutFence(benchmark::State& state) {
  announce(state, [] {});
}
void BM_StoreLightLoad(benchmark::State& state) {
  announce(state,
           [] { asymmetric_thread_fence_light(std::memory_order_seq_cst); });
}
void BM_StoreLockedLoad(benchmark::State& state) {
  announce(state, [] { internal::locked_fence(); });
}
void BM_StoreMfenceLoad(benchmark::State& state) {
  announce(state, [] { __builtin_ia32_mfence(); });
}
void BM_Heavy(benchmark::State& state) {
  for (auto _ : state) asymmetric_thread_fence_heavy(std::memory_order_seq_cst);
}

BENCHMARK(BM_StoreLoadWithoutFence);
BENCHMARK(BM_StoreLightLoad);
BENCHMARK(BM_StoreLockedLoad);
BENCHMARK(BM_StoreMfenceLoad);
BENCHMARK(BM_Heavy);

}  // namespace
}  // namespace wirebook

int main(int argc, char** argv) {
  std::mutex mutex;
  std::condition_variable wake;
  bool stop = false;
  std::thread other([&] {
    std::unique_lock lock(mutex);
    wake.wait(lock, [&] { return stop; });
  });
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  {
    const std::lock_guard lock(mutex);
    stop = true;
  }
  wake.notify_one();
  other.join();
}
