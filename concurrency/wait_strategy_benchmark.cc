// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What it costs to notify while nobody waits, and to hand a turn to another
// thread and back, by each strategy and by the standard library's means.
//
//   bazel run --config=native //concurrency:wait_strategy_benchmark --
//     --benchmark_repetitions=9 --benchmark_report_aggregates_only=true
//     --benchmark_enable_random_interleaving=true

#include <sched.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>

#include "benchmark/benchmark.h"
#include "concurrency/thread.h"
#include "concurrency/wait_strategy.h"

namespace wirebook {
namespace {

struct SleepsAtOnce : FutexWait {
  SleepsAtOnce() : FutexWait(0) {}
};

class ConditionVariable {
 public:
  template <typename Ready>
  void wait(Ready ready) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, ready);
  }
  void notify_one() {
    // Or the change could fall between a waiter's look and its sleep.
    { std::lock_guard<std::mutex> lock(mutex_); }
    changed_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

// An eventcount whose notifier's fence is a locked instruction, as folly's.
class LockedEventCount {
 public:
  void notify_one() {
    if ((state_.fetch_add(uint64_t{1} << 32) & UINT32_MAX) != 0) {
      state_.notify_one();
    }
  }

 private:
  std::atomic<uint64_t> state_{0};
};

class AtomicWait {
 public:
  void notify_one() {
    word_.fetch_add(1);
    word_.notify_one();
  }

 private:
  std::atomic<uint32_t> word_{0};
};

// Another thread is alive: glibc's mutex then uses locked instructions.
template <typename Strategy>
void BM_NotifyNobody(benchmark::State& state) {
  std::atomic<bool> stop{false};
  std::thread alive([&] { stop.wait(false); });
  Strategy strategy;
  for (auto _ : state) {
    strategy.notify_one();
    benchmark::ClobberMemory();
  }
  stop.store(true);
  stop.notify_one();
  alive.join();
}

// Both threads on CPUs of their own, where there are two.
void pin(size_t which) {
  const auto cpus = allowed_cpus();
  if (cpus.ok() && cpus->size() >= 2) (void)pin_thread_to_cpu((*cpus)[which]);
}

template <typename Strategy>
void BM_RoundTrip(benchmark::State& state) {
  cpu_set_t before;
  sched_getaffinity(0, sizeof(before), &before);
  Strategy there;
  Strategy back;
  std::atomic<int64_t> turn{0};  // odd: the other thread's; negative: the end
  std::thread other([&] {
    pin(0);
    for (int64_t mine = 1;; mine += 2) {
      there.wait([&] { return turn.load() == mine || turn.load() < 0; });
      if (turn.load() < 0) return;
      turn.store(mine + 1);
      back.notify_one();
    }
  });
  pin(1);
  int64_t now = 0;
  for (auto _ : state) {
    turn.store(now + 1);
    there.notify_one();
    now += 2;
    back.wait([&] { return turn.load() == now; });
  }
  turn.store(-1);
  there.notify_one();
  other.join();
  sched_setaffinity(0, sizeof(before), &before);
}

BENCHMARK_TEMPLATE(BM_NotifyNobody, BusySpinWait);
BENCHMARK_TEMPLATE(BM_NotifyNobody, FutexWait);
BENCHMARK_TEMPLATE(BM_NotifyNobody, LockedEventCount);
BENCHMARK_TEMPLATE(BM_NotifyNobody, AtomicWait);
BENCHMARK_TEMPLATE(BM_NotifyNobody, ConditionVariable);

BENCHMARK_TEMPLATE(BM_RoundTrip, SpinYieldWait)->UseRealTime();
BENCHMARK_TEMPLATE(BM_RoundTrip, FutexWait)->UseRealTime();
BENCHMARK_TEMPLATE(BM_RoundTrip, SleepsAtOnce)->UseRealTime();
BENCHMARK_TEMPLATE(BM_RoundTrip, ConditionVariable)->UseRealTime();

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
