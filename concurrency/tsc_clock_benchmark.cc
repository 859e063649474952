// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// TscClock beside std::chrono::steady_clock.
//
//   bazel run --config=native //concurrency:tsc_clock_benchmark

#include <chrono>
#include <cstdint>

#include "benchmark/benchmark.h"
#include "concurrency/tsc_clock.h"

namespace wirebook {
namespace {

void BM_Ticks(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(TscClock::ticks());
}

void BM_SteadyClock(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(std::chrono::steady_clock::now());
  }
}

const TscClock& clock() {
  static const TscClock clock;
  return clock;
}

void BM_ToNs(benchmark::State& state) {
  const TscClock& calibrated = clock();
  uint64_t ticks = 1'000;
  for (auto _ : state) {
    benchmark::DoNotOptimize(ticks);
    benchmark::DoNotOptimize(calibrated.to_ns(ticks));
  }
}

void BM_MonotonicNs(benchmark::State& state) {
  const TscClock& calibrated = clock();
  uint64_t tick = TscClock::ticks();
  for (auto _ : state) {
    benchmark::DoNotOptimize(tick);
    benchmark::DoNotOptimize(calibrated.monotonic_ns(tick));
  }
}

void BM_TakeSample(benchmark::State& state) {
  uint64_t error = 0;
  for (auto _ : state) error = TscClock::take_sample().error_ns;
  state.counters["error_ns"] = static_cast<double>(error);
}

void BM_Construct(benchmark::State& state) {
  uint64_t ppb = 0;
  for (auto _ : state) {
    const TscClock fresh;
    ppb = fresh.rate_error_ppb();
  }
  state.counters["rate_error_ppb"] = static_cast<double>(ppb);
}

BENCHMARK(BM_Ticks);
BENCHMARK(BM_SteadyClock);
BENCHMARK(BM_ToNs);
BENCHMARK(BM_MonotonicNs);
BENCHMARK(BM_TakeSample);
BENCHMARK(BM_Construct)->UseRealTime();

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
