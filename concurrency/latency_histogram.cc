// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/latency_histogram.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <vector>

namespace wirebook {
namespace {

template <typename... Args>
void append(std::string& out, const char* format, Args... args) {
  char line[192];
  const int n = std::snprintf(line, sizeof(line), format, args...);
  out.append(line, static_cast<size_t>(
                       std::clamp(n, 0, static_cast<int>(sizeof(line)) - 1)));
}

}  // namespace

std::string LatencyBuckets::hgrm_of(const std::vector<uint64_t>& counts,
                                    uint64_t largest, double unit) {
  const uint64_t total =
      std::accumulate(counts.begin(), counts.end(), uint64_t{0});
  std::string out;
  append(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
         "1/(1-Percentile)");
  // HdrHistogram's PercentileIterator: the closer to 100 %, the finer, with
  // kStepsPerHalving steps to each halving of the distance.
  constexpr double kStepsPerHalving = 5;
  double level = 0;
  uint64_t seen = 0;
  double value = 0;
  for (size_t i = 0; i < kBuckets && seen < total; ++i) {
    if (counts[i] == 0) continue;
    seen += counts[i];
    value = static_cast<double>(std::min(highest_in(i), largest)) / unit;
    const double reached =
        100 * static_cast<double>(seen) / static_cast<double>(total);
    while (level <= reached && level < 100) {
      append(out, "%12.3f %2.12f %10llu %14.2f\n", value, level / 100,
             static_cast<unsigned long long>(seen), 100 / (100 - level));
      const double halvings = std::floor(std::log2(100 / (100 - level))) + 1;
      level += 100 / (kStepsPerHalving * std::exp2(halvings));
      if (seen == total) break;
    }
  }
  double mean_ns = 0;
  double variance = 0;
  if (total != 0) {
    append(out, "%12.3f %2.12f %10llu\n", value, 1.0,
           static_cast<unsigned long long>(total));
    const auto middle = [](size_t i) {
      return static_cast<double>(lowest_in(i)) +
             static_cast<double>(highest_in(i) - lowest_in(i)) / 2;
    };
    const auto share = [&](size_t i) {
      return static_cast<double>(counts[i]) / static_cast<double>(total);
    };
    for (size_t i = 0; i < kBuckets; ++i) mean_ns += share(i) * middle(i);
    for (size_t i = 0; i < kBuckets; ++i) {
      variance += share(i) * (middle(i) - mean_ns) * (middle(i) - mean_ns);
    }
  }
  append(out, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", mean_ns / unit,
         std::sqrt(variance) / unit);
  append(out, "#[Max     = %12.3f, Total count    = %12llu]\n",
         static_cast<double>(largest) / unit,
         static_cast<unsigned long long>(total));
  append(out, "#[Buckets = %12llu, SubBuckets     = %12llu]\n",
         static_cast<unsigned long long>(kBuckets / kPrecision - 1),
         static_cast<unsigned long long>(2 * kPrecision));
  return out;
}

}  // namespace wirebook
