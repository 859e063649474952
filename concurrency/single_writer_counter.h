// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// SingleWriterCounter: a statistic that one thread counts and any may read.
//
// When: counters on a hot path with one writer; no locked instruction. Several
// writers: std::atomic::fetch_add. A distribution: LatencyHistogram.
//
// Guarantee: wait-free. A reader sees each addition whole or not yet; two
// counters need not agree with each other. Cost: a load, an add and a store.
// Eight bytes: where another thread writes beside it, align it yourself.
//
//   wirebook::SingleWriterCounter frames;
//   frames.add(1);            // its thread
//   report(frames.get());     // any thread

#ifndef WIREBOOK_CONCURRENCY_SINGLE_WRITER_COUNTER_H_
#define WIREBOOK_CONCURRENCY_SINGLE_WRITER_COUNTER_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <cstdint>

namespace wirebook {

// `Atom` lets a test put a scheduler underneath; leave it alone otherwise.
template <template <typename> class Atom = std::atomic>
class BasicSingleWriterCounter {
 public:
  // The writer.
  void add(uint64_t n) noexcept {
    // Relaxed: a statistic; one writer, so load and store do not race.
    value_.store(value_.load(std::memory_order_relaxed) + n,
                 std::memory_order_relaxed);
  }

  // Any thread.
  uint64_t get() const noexcept {
    return value_.load(std::memory_order_relaxed);  // a statistic
  }

 private:
  Atom<uint64_t> value_{0};
};

using SingleWriterCounter = BasicSingleWriterCounter<>;

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_SINGLE_WRITER_COUNTER_H_
