// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// EpochGuard beside std::shared_mutex and std::atomic<std::shared_ptr>: one
// reader that nobody disturbs, and a writer that retires. A second thread of
// the process is alive throughout, asleep: glibc and libstdc++ leave locked
// instructions out where there is one.
//
//   bazel run --config=native //concurrency:epoch_benchmark --
//     --benchmark_repetitions=9 --benchmark_report_aggregates_only=true

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <thread>

#include "benchmark/benchmark.h"
#include "concurrency/epoch.h"
#include "memory/object_pool.h"

namespace wirebook {
namespace {

struct Node {
  uint64_t value = 1;
};

std::atomic<Node*> current{new Node};

void read(benchmark::State& state) {
  benchmark::DoNotOptimize(current.load(std::memory_order_acquire)->value);
  static_cast<void>(state);
}

void BM_RawLoad(benchmark::State& state) {
  for (auto _ : state) read(state);
}

void BM_Guard(benchmark::State& state) {
  for (auto _ : state) {
    const EpochGuard guard;
    read(state);
  }
}

void BM_GuardOfADomain(benchmark::State& state) {
  EpochDomain domain;
  for (auto _ : state) {
    const EpochGuard guard(domain);
    read(state);
  }
}

void BM_GuardNested(benchmark::State& state) {
  const EpochGuard outer;
  for (auto _ : state) {
    const EpochGuard guard;
    read(state);
  }
}

void BM_GuardRefresh(benchmark::State& state) {
  EpochGuard guard;
  for (auto _ : state) {
    guard.refresh();
    read(state);
  }
}

void BM_SharedMutexRead(benchmark::State& state) {
  static std::shared_mutex mutex;
  for (auto _ : state) {
    const std::shared_lock lock(mutex);
    read(state);
  }
}

void BM_AtomicSharedPtrRead(benchmark::State& state) {
  std::atomic<std::shared_ptr<Node>> shared{std::make_shared<Node>()};
  for (auto _ : state) benchmark::DoNotOptimize(shared.load()->value);
}

// ---- Writers ----

// retire() and what follows from it: the deleter does nothing.
void BM_RetireAlone(benchmark::State& state) {
  EpochDomain domain;
  Node node;
  for (auto _ : state) domain.retire(&node, [](Node*) {});
}

void BM_RetireToPool(benchmark::State& state) {
  ObjectPool<Node> pool({.initial_capacity = 4096});
  EpochDomain domain;
  for (auto _ : state) {
    domain.retire(pool.create(), [&pool](Node* node) { pool.destroy(node); });
  }
  domain.barrier();
}

void BM_RetireNew(benchmark::State& state) {
  EpochDomain domain;
  for (auto _ : state) domain.retire(new Node);
}

void BM_AtomicSharedPtrReplace(benchmark::State& state) {
  std::atomic<std::shared_ptr<Node>> shared{std::make_shared<Node>()};
  for (auto _ : state) shared.exchange(std::make_shared<Node>());
}

void BM_Synchronize(benchmark::State& state) {
  EpochDomain domain;
  for (auto _ : state) domain.synchronize();
}

BENCHMARK(BM_RawLoad);
BENCHMARK(BM_Guard);
BENCHMARK(BM_GuardOfADomain);
BENCHMARK(BM_GuardNested);
BENCHMARK(BM_GuardRefresh);
BENCHMARK(BM_SharedMutexRead);
BENCHMARK(BM_AtomicSharedPtrRead);
BENCHMARK(BM_RetireAlone);
BENCHMARK(BM_RetireToPool);
BENCHMARK(BM_RetireNew);
BENCHMARK(BM_AtomicSharedPtrReplace);
BENCHMARK(BM_Synchronize);

}  // namespace
}  // namespace wirebook

int main(int argc, char** argv) {
  std::atomic<bool> stop{false};
  std::thread asleep([&stop] { stop.wait(false); });
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  stop = true;
  stop.notify_one();
  asleep.join();
}
