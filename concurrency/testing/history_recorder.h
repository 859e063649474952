// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// HistoryRecorder: what concurrent operations did, and when each began and
// ended, for linearizability.h (with an example).
//
// The clock is one counter, and each tick a read-modify-write of it, so "ended
// before" is "happens before": no history is red only because a store was under
// way. For the same reason it orders more than the structure alone would; what
// weak orders do is the model checker's matter. With ModelAtom for Atom it
// records under that, too.

#ifndef WIREBOOK_CONCURRENCY_TESTING_HISTORY_RECORDER_H_
#define WIREBOOK_CONCURRENCY_TESTING_HISTORY_RECORDER_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace wirebook {

inline constexpr uint64_t kNeverEnded = UINT64_MAX;

// An operation with its result, and the clock when it began and ended.
template <typename Operation>
struct Recorded {
  Operation operation;
  size_t thread = 0;
  uint64_t begin = 0;
  uint64_t end = kNeverEnded;  // its result is then ignored
};

template <typename Spec>
using History = std::vector<Recorded<typename Spec::Operation>>;

// run() by each thread under its own number, history() when they are done.
template <typename Spec, template <typename> class Atom = std::atomic>
class HistoryRecorder {
 public:
  explicit HistoryRecorder(size_t threads) : threads_(threads) {}

  // Calls `operation`, which returns what it did as a Spec::Operation.
  template <typename F>
  void run(size_t thread, F operation) {
    // Acquire: after what ended before. Release: before what begins after.
    const uint64_t begin = clock_.fetch_add(1, std::memory_order_acq_rel);
    auto done = operation();
    const uint64_t end = clock_.fetch_add(1, std::memory_order_acq_rel);
    threads_[thread].push_back({std::move(done), thread, begin, end});
  }

  History<Spec> history() const {
    History<Spec> all;
    for (const History<Spec>& one : threads_) {
      all.insert(all.end(), one.begin(), one.end());
    }
    return all;
  }

 private:
  Atom<uint64_t> clock_{0};
  std::vector<History<Spec>> threads_;
};

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_TESTING_HISTORY_RECORDER_H_
