// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Seqlock beside std::shared_mutex and std::mutex around the same 40 bytes. A
// second thread is alive throughout: glibc skips atomics without one.
//
//   bazel run --config=native //concurrency:seqlock_benchmark --
//     --benchmark_repetitions=9 --benchmark_report_aggregates_only=true
//     --benchmark_enable_random_interleaving=true

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <shared_mutex>
#include <thread>

#include "benchmark/benchmark.h"
#include "concurrency/seqlock.h"

namespace wirebook {
namespace {

using Value = std::array<uint64_t, 5>;

class SeqlockCell {
 public:
  void store(const Value& value) { lock_.store(value); }
  void load(Value& value) const {
    while (lock_.load(value) != SeqlockRead::kOk) {
    }
  }

 private:
  Seqlock<Value> lock_;
};

template <typename Mutex, template <typename> class ReadLock>
class MutexCell {
 public:
  void store(const Value& value) {
    std::unique_lock<Mutex> hold(mutex_);
    value_ = value;
  }
  void load(Value& value) const {
    ReadLock<Mutex> hold(mutex_);
    value = value_;
  }

 private:
  mutable Mutex mutex_;
  Value value_{};
};
using SharedMutexCell = MutexCell<std::shared_mutex, std::shared_lock>;
using PlainMutexCell = MutexCell<std::mutex, std::unique_lock>;

// Runs `body` again and again beside the benchmark.
class BusyThread {
 public:
  template <typename Body>
  explicit BusyThread(Body body)
      : thread_([this, body]() mutable {
          while (!stop_.load(std::memory_order_relaxed)) body();
        }) {}
  ~BusyThread() {
    stop_.store(true);
    thread_.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

class SleepingThread {
 public:
  SleepingThread() : thread_([this] { stop_.wait(false); }) {}
  ~SleepingThread() {
    stop_.store(true);
    stop_.notify_one();
    thread_.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

template <typename Cell>
void BM_Load(benchmark::State& state) {
  Cell cell;
  SleepingThread other;
  Value value;
  for (auto _ : state) {
    cell.load(value);
    benchmark::DoNotOptimize(value);
  }
}

template <typename Cell>
void BM_Store(benchmark::State& state) {
  Cell cell;
  SleepingThread other;
  Value value{};
  for (auto _ : state) {
    ++value[0];
    benchmark::DoNotOptimize(value);
    cell.store(value);
  }
}

// The writer stores without a pause: the worst a reader can meet.
template <typename Cell>
void BM_LoadWhileStoring(benchmark::State& state) {
  Cell cell;
  BusyThread writer([&cell, value = Value{}]() mutable {
    ++value[0];
    cell.store(value);
  });
  Value value;
  for (auto _ : state) {
    cell.load(value);
    benchmark::DoNotOptimize(value);
  }
}

BENCHMARK_TEMPLATE(BM_Load, SeqlockCell);
BENCHMARK_TEMPLATE(BM_Load, SharedMutexCell);
BENCHMARK_TEMPLATE(BM_Load, PlainMutexCell);
BENCHMARK_TEMPLATE(BM_Store, SeqlockCell);
BENCHMARK_TEMPLATE(BM_Store, SharedMutexCell);
BENCHMARK_TEMPLATE(BM_Store, PlainMutexCell);
BENCHMARK_TEMPLATE(BM_LoadWhileStoring, SeqlockCell)->UseRealTime();
BENCHMARK_TEMPLATE(BM_LoadWhileStoring, SharedMutexCell)->UseRealTime();

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
