// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// LatencyHistogram, and what else one might do with a latency: keep it in a
// vector (no bound on memory, sorted later), or count it in a std::map.
//
//   bazel run --config=native //concurrency:latency_histogram_benchmark --
//     --benchmark_repetitions=9 --benchmark_report_aggregates_only=true
//     --benchmark_enable_random_interleaving=true

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "benchmark/benchmark.h"
#include "concurrency/latency_histogram.h"

namespace wirebook {
namespace {

constexpr size_t kLatencies = 1 << 14;

// What a feed's latencies look like: log-normal around 2 us, and a tail.
const std::vector<uint64_t>& latencies() {
  static const std::vector<uint64_t> values = [] {
    std::mt19937_64 random(1);
    std::lognormal_distribution<double> shape(std::log(2'000), 0.8);
    std::vector<uint64_t> made(kLatencies);
    for (uint64_t& value : made) value = static_cast<uint64_t>(shape(random));
    return made;
  }();
  return values;
}

void BM_Record(benchmark::State& state) {
  const std::vector<uint64_t>& values = latencies();
  static LatencyHistogram histogram;
  size_t i = 0;
  for (auto _ : state) histogram.record(values[i++ % kLatencies]);
}

void BM_RecordSameLatency(benchmark::State& state) {
  static LatencyHistogram histogram;
  for (auto _ : state) histogram.record(2'000);
}

void BM_VectorPushBack(benchmark::State& state) {
  const std::vector<uint64_t>& values = latencies();
  std::vector<uint64_t> kept;
  kept.reserve(1 << 20);
  size_t i = 0;
  for (auto _ : state) {
    if (kept.size() == kept.capacity()) kept.clear();
    kept.push_back(values[i++ % kLatencies]);
  }
  benchmark::DoNotOptimize(kept.data());
}

void BM_MapCount(benchmark::State& state) {
  const std::vector<uint64_t>& values = latencies();
  std::map<size_t, uint64_t> counts;
  size_t i = 0;
  for (auto _ : state) {
    ++counts[LatencyHistogram::bucket_of(values[i++ % kLatencies])];
  }
}

void fill(LatencyHistogram& histogram) {
  histogram.clear();
  for (uint64_t value : latencies()) histogram.record(value);
}

void BM_Percentile(benchmark::State& state) {
  static LatencyHistogram histogram;
  fill(histogram);
  for (auto _ : state) benchmark::DoNotOptimize(histogram.percentile(99.99));
}

void BM_SortForPercentile(benchmark::State& state) {
  for (auto _ : state) {
    std::vector<uint64_t> sorted = latencies();
    std::sort(sorted.begin(), sorted.end());
    benchmark::DoNotOptimize(sorted[kLatencies * 9999 / 10000]);
  }
}

void BM_Merge(benchmark::State& state) {
  static LatencyHistogram from, to;
  fill(from);
  for (auto _ : state) to.merge(from);
}

void BM_ToHgrm(benchmark::State& state) {
  static LatencyHistogram histogram;
  fill(histogram);
  for (auto _ : state) benchmark::DoNotOptimize(histogram.to_hgrm());
}

BENCHMARK(BM_Record);
BENCHMARK(BM_RecordSameLatency);
BENCHMARK(BM_VectorPushBack);
BENCHMARK(BM_MapCount);
BENCHMARK(BM_Percentile);
BENCHMARK(BM_SortForPercentile);
BENCHMARK(BM_Merge);
BENCHMARK(BM_ToHgrm);

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
