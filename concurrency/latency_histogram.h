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

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>

#include "memory/cache_line.h"

namespace wirebook {

class alignas(kFalseSharingBytes) LatencyHistogram {
 public:
  // Values read back are above the recorded ones by less than 1 in this many.
  static constexpr uint64_t kPrecision = 128;

  LatencyHistogram() = default;
  LatencyHistogram(const LatencyHistogram&) = delete;
  LatencyHistogram& operator=(const LatencyHistogram&) = delete;

  // ---- Writer thread --------------------------------------------------------

  void record(uint64_t ns) noexcept { record(ns, 1); }

  // `times` records of the same latency.
  void record(uint64_t ns, uint64_t times) noexcept;

  // Adds what `other` holds, which its own thread may be recording meanwhile.
  void merge(const LatencyHistogram& other) noexcept;

  // Back to empty. A reader meanwhile may see part of it gone.
  void clear() noexcept;

  // ---- Any thread -----------------------------------------------------------

  uint64_t count() const noexcept { return read(count_); }
  uint64_t max() const noexcept { return read(max_); }  // 0 when empty
  uint64_t min() const noexcept { return count() == 0 ? 0 : ~read(not_min_); }

  // Exact while the sum of all latencies is below 2^64 ns (584 years).
  double mean() const noexcept;

  // The latency, in ns, that `p` percent of the records do not exceed: p = 50
  // is the median, p = 100 the maximum. 0 when empty. p outside [0, 100] is
  // taken as the nearer end.
  uint64_t percentile(double p) const noexcept;

  // HdrHistogram's percentile distribution (.hgrm), as hdrhistogram.github.io's
  // plotter reads it. Values are divided by `unit`: 1000 gives microseconds.
  std::string to_hgrm(double unit = 1.0) const;

  // ---- Buckets --------------------------------------------------------------

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

 private:
  static constexpr int kTopBit = 63 - std::countr_zero(kPrecision);

  static constexpr size_t shift_of(size_t bucket) noexcept {
    return bucket < 2 * kPrecision ? 0 : bucket / kPrecision - 1;
  }

  // Relaxed: figures that need not agree with each other to the last record.
  static uint64_t read(const std::atomic<uint64_t>& value) noexcept {
    return value.load(std::memory_order_relaxed);
  }

  // No locked instruction: there is one writer. Relaxed: see read().
  static void add(std::atomic<uint64_t>& value, uint64_t n) noexcept {
    value.store(read(value) + n, std::memory_order_relaxed);
  }
  static void raise(std::atomic<uint64_t>& value, uint64_t to) noexcept {
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

  std::atomic<uint64_t> count_{0};
  std::atomic<uint64_t> sum_{0};
  std::atomic<uint64_t> max_{0};
  std::atomic<uint64_t> not_min_{0};  // complement, so that 0 is "none yet"
  alignas(
      kCacheLineBytes) std::array<std::atomic<uint64_t>, kBuckets> counts_{};
};

inline void LatencyHistogram::record(uint64_t ns, uint64_t times) noexcept {
  if (times == 0) return;
  raise(max_, ns);
  raise(not_min_, ~ns);
  add_to_bucket(bucket_of(ns), times);
  add(sum_, ns * times);
  add(count_, times);
}

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_LATENCY_HISTOGRAM_H_
