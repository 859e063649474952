// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// LatencyHistogram: every latency of one thread, in fixed memory, readable by
// others at any time.
//
// When: percentiles of something that happens often. One histogram per writing
// thread; merge() them to report.
//
// Guarantee: record() is wait-free, one writer thread at a time; every const
// member may be called on any thread meanwhile and counts each record once or
// not yet. Takes any 64-bit value; nothing is clamped or lost. A value read
// back (percentile, .hgrm) is at least the recorded one and above it by less
// than 1/128 (0.78 %), and exact below 256 ns; max, min, count and mean are
// exact.
//
// Cost: 58 KiB, of which only the buckets in use are touched. record() is a
// count-leading-zeros, three plain increments and two compares. Figures:
// COSTS.md. A percentile scans all buckets (about 4 us).
//
//   wirebook::LatencyHistogram latency;
//   latency.record(clock.to_ns(end - start));   // its own thread
//   latency.percentile(99.99);                  // any thread, ns
//   file << latency.to_hgrm(1000);              // in us, for HdrHistogram's
//                                               // plotter
//
// After HdrHistogram (Gil Tene): log-linear buckets, here 128 to an octave.

#ifndef WIREBOOK_CONCURRENCY_LATENCY_HISTOGRAM_H_
#define WIREBOOK_CONCURRENCY_LATENCY_HISTOGRAM_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "memory/cache_line.h"

namespace wirebook {

// What a latency's bucket is.
class LatencyBuckets {
 public:
  // Values read back are above the recorded ones by less than 1 in this many.
  static constexpr uint64_t kPrecision = 128;
  static constexpr size_t kBuckets = 58 * kPrecision;

  static constexpr size_t bucket_of(uint64_t ns) noexcept {
    const int shift = kTopBit - std::countl_zero(ns | kPrecision);
    return (static_cast<size_t>(shift) * kPrecision) +
           static_cast<size_t>(ns >> shift);
  }

  // The smallest and largest latency of a bucket.
  static constexpr uint64_t lowest_in(size_t bucket) noexcept {
    return (bucket - shift_of(bucket) * kPrecision) << shift_of(bucket);
  }
  static constexpr uint64_t highest_in(size_t bucket) noexcept {
    return lowest_in(bucket) + ((uint64_t{1} << shift_of(bucket)) - 1);
  }

 protected:
  // to_hgrm() of what the buckets hold, `counts`, and of their largest.
  static std::string hgrm_of(const std::vector<uint64_t>& counts,
                             uint64_t largest, double unit);

 private:
  static constexpr int kTopBit = 63 - std::countr_zero(kPrecision);

  static constexpr size_t shift_of(size_t bucket) noexcept {
    return bucket < 2 * kPrecision ? 0 : bucket / kPrecision - 1;
  }
};

// `Atom` lets a test put a scheduler underneath; leave it alone otherwise.
template <template <typename> class Atom = std::atomic>
class alignas(kFalseSharingBytes) BasicLatencyHistogram
    : public LatencyBuckets {
 public:
  BasicLatencyHistogram() = default;
  BasicLatencyHistogram(const BasicLatencyHistogram&) = delete;
  BasicLatencyHistogram& operator=(const BasicLatencyHistogram&) = delete;

  // ---- Writer thread --------------------------------------------------------

  void record(uint64_t ns) noexcept { record(ns, 1); }

  // `times` records of the same latency.
  void record(uint64_t ns, uint64_t times) noexcept {
    if (times == 0) return;
    raise(max_, ns);
    raise(not_min_, ~ns);
    add_to_bucket(bucket_of(ns), times);
    add(sum_, ns * times);
    add(count_, times);
  }

  // Adds what `other` holds, which its own thread may be recording meanwhile.
  void merge(const BasicLatencyHistogram& other) noexcept {
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

  // Back to empty. A reader meanwhile may see part of it gone.
  void clear() noexcept {
    // Relaxed: a reader meanwhile is promised nothing.
    for (Atom<uint64_t>* value : {&count_, &sum_, &max_, &not_min_}) {
      value->store(0, std::memory_order_relaxed);
    }
    for (Atom<uint64_t>& bucket : counts_) {
      bucket.store(0, std::memory_order_relaxed);
    }
  }

  // ---- Any thread -----------------------------------------------------------

  uint64_t count() const noexcept { return read(count_); }
  uint64_t max() const noexcept { return read(max_); }  // 0 when empty
  uint64_t min() const noexcept { return count() == 0 ? 0 : ~read(not_min_); }

  // Exact while the sum of all latencies is below 2^64 ns (584 years).
  double mean() const noexcept {
    const uint64_t n = count();
    return n == 0 ? 0
                  : static_cast<double>(read(sum_)) / static_cast<double>(n);
  }

  // The latency, in ns, that `p` percent of the records do not exceed: p = 50
  // is the median, p = 100 the maximum. 0 when empty. p outside [0, 100] is
  // taken as the nearer end.
  uint64_t percentile(double p) const noexcept {
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

  // HdrHistogram's percentile distribution (.hgrm), as hdrhistogram.github.io's
  // plotter reads it. Values are divided by `unit`: 1000 gives microseconds.
  std::string to_hgrm(double unit = 1.0) const {
    // A copy, so that all lines are of one moment.
    std::vector<uint64_t> counts(kBuckets);
    for (size_t i = 0; i < kBuckets; ++i) counts[i] = bucket_count(i);
    return hgrm_of(counts, max(), unit);
  }

 private:
  // Relaxed: figures that need not agree with each other to the last record.
  static uint64_t read(const Atom<uint64_t>& value) noexcept {
    return value.load(std::memory_order_relaxed);
  }

  // No locked instruction: there is one writer. Relaxed: see read().
  static void add(Atom<uint64_t>& value, uint64_t n) noexcept {
    value.store(read(value) + n, std::memory_order_relaxed);
  }
  static void raise(Atom<uint64_t>& value, uint64_t to) noexcept {
    if (read(value) < to) value.store(to, std::memory_order_relaxed);
  }

  void add_to_bucket(size_t bucket, uint64_t times) noexcept {
    // Pairs with the acquire in bucket_count: who sees a record in its bucket
    // sees a max_ that covers it.
    counts_[bucket].store(read(counts_[bucket]) + times,
                          std::memory_order_release);
  }

  uint64_t bucket_count(size_t bucket) const noexcept {
    // Pairs with the release in add_to_bucket.
    return counts_[bucket].load(std::memory_order_acquire);
  }

  Atom<uint64_t> count_{0};
  Atom<uint64_t> sum_{0};
  Atom<uint64_t> max_{0};
  Atom<uint64_t> not_min_{0};  // complement, so that 0 is "none yet"
  alignas(kCacheLineBytes) std::array<Atom<uint64_t>, kBuckets> counts_{};
};

using LatencyHistogram = BasicLatencyHistogram<>;

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_LATENCY_HISTOGRAM_H_
