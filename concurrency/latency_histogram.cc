// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/latency_histogram.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
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

void LatencyHistogram::merge(const LatencyHistogram& other) noexcept {
  uint64_t added = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    const uint64_t times = other.bucket_count(i);
    if (times == 0) continue;
    // After the bucket: other's maximum then covers it.
    raise(max_, other.max());
    raise(not_min_, read(other.not_min_));
    add_to_bucket(i, times);
    added += times;
  }
  add(sum_, read(other.sum_));
  add(count_, added);
}

void LatencyHistogram::clear() noexcept {
  // Relaxed: a reader meanwhile is promised nothing.
  for (std::atomic<uint64_t>* value : {&count_, &sum_, &max_, &not_min_}) {
    value->store(0, std::memory_order_relaxed);
  }
  for (std::atomic<uint64_t>& bucket : counts_) {
    bucket.store(0, std::memory_order_relaxed);
  }
}

double LatencyHistogram::mean() const noexcept {
  const uint64_t n = count();
  return n == 0 ? 0 : static_cast<double>(read(sum_)) / static_cast<double>(n);
}

uint64_t LatencyHistogram::percentile(double p) const noexcept {
  uint64_t total = 0;
  for (size_t i = 0; i < kBuckets; ++i) total += bucket_count(i);
  if (total == 0) return 0;
  // One step down, as HdrHistogram does, so that 99.9 % of 1000 is rank 999
  // although 99.9 is not a binary fraction.
  const double share =
      p > 0 ? std::min(std::nextafter(p, 0.0), 100.0) / 100 : 0;
  const double wanted = std::ceil(share * static_cast<double>(total));
  const uint64_t rank = wanted < 1 ? 1
                        : wanted < static_cast<double>(total)
                            ? static_cast<uint64_t>(wanted)
                            : total;
  // Counts grow, so the scan comes to the rank even while records come in;
  // unless a clear() comes between.
  uint64_t seen = 0;
  size_t bucket = 0;
  while ((seen += bucket_count(bucket)) < rank && bucket + 1 < kBuckets) {
    ++bucket;
  }
  return std::min(highest_in(bucket), max());
}

std::string LatencyHistogram::to_hgrm(double unit) const {
  // A copy, so that all lines are of one moment.
  std::vector<uint64_t> counts(kBuckets);
  uint64_t total = 0;
  for (size_t i = 0; i < kBuckets; ++i) total += counts[i] = bucket_count(i);
  const uint64_t largest = max();

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
