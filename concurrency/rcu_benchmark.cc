// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// rcu beside liburcu's memb flavour, both with their inline readers: regions
// that nobody disturbs, and what a writer pays. A second thread of the process
// is alive throughout, asleep, and registered as a reader with both.
//
//   bazel run --config=native //concurrency:rcu_benchmark --
//     --benchmark_repetitions=9 --benchmark_report_aggregates_only=true

#define _LGPL_SOURCE  // liburcu's inline readers
#include <urcu/urcu-memb.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

#include "benchmark/benchmark.h"
#include "concurrency/rcu.h"
#include "concurrency/rcu_ptr.h"

namespace wirebook {
namespace {

struct Node : rcu_obj_base<Node> {
  uint64_t value = 1;
};

std::atomic<Node*> current{new Node};

void read() {
  benchmark::DoNotOptimize(current.load(std::memory_order_acquire)->value);
}

void BM_RawLoad(benchmark::State& state) {
  for (auto _ : state) read();
}

void BM_LockUnlock(benchmark::State& state) {
  for (auto _ : state) {
    const std::scoped_lock region(rcu_default_domain());
    read();
  }
}

void BM_UrcuMembLockUnlock(benchmark::State& state) {
  for (auto _ : state) {
    urcu_memb_read_lock();
    read();
    urcu_memb_read_unlock();
  }
}

void BM_LockUnlockNested(benchmark::State& state) {
  const RcuReadGuard outer;
  for (auto _ : state) {
    const std::scoped_lock region(rcu_default_domain());
    read();
  }
}

void BM_UrcuMembLockUnlockNested(benchmark::State& state) {
  urcu_memb_read_lock();
  for (auto _ : state) {
    urcu_memb_read_lock();
    read();
    urcu_memb_read_unlock();
  }
  urcu_memb_read_unlock();
}

void BM_ReadGuard(benchmark::State& state) {
  for (auto _ : state) {
    const RcuReadGuard region;
    read();
  }
}

void BM_QuiescentState(benchmark::State& state) {
  RcuEventLoop loop;
  for (auto _ : state) {
    read();
    loop.quiescent_state();
  }
}

// ---- Writers ----

void BM_Synchronize(benchmark::State& state) {
  for (auto _ : state) rcu_synchronize();
}

void BM_UrcuMembSynchronize(benchmark::State& state) {
  for (auto _ : state) urcu_memb_synchronize_rcu();
}

void nothing(Node*) {}

// Scheduling and evaluation: the deleter does nothing.
void BM_RetireFunction(benchmark::State& state) {
  Node node;
  for (auto _ : state) rcu_retire(&node, &nothing);
  rcu_barrier();
}

struct DoNothing {
  void operator()(struct Kept*) const {}
};
struct Kept : rcu_obj_base<Kept, DoNothing> {};

void BM_RetireObject(benchmark::State& state) {
  constexpr size_t kObjects = 4096;  // More than wait at once.
  const auto objects = std::make_unique<Kept[]>(kObjects);
  size_t at = 0;
  for (auto _ : state) {
    std::construct_at(&objects[at])->retire();
    at = (at + 1) % kObjects;
  }
  rcu_barrier();
}

// liburcu's thread is not instrumented: ThreadSanitizer would report it.
#if !defined(__SANITIZE_THREAD__)
struct CallRcuNode {
  rcu_head head;
};

// The same with liburcu: a thread of its own runs the callbacks.
void BM_UrcuMembCallRcu(benchmark::State& state) {
  constexpr size_t kObjects = 1 << 20;
  static const auto objects = std::make_unique<CallRcuNode[]>(kObjects);
  size_t at = 0;
  for (auto _ : state) {
    urcu_memb_call_rcu(&objects[at].head, [](rcu_head*) {});
    if (++at == kObjects) {
      state.PauseTiming();
      urcu_memb_barrier();
      state.ResumeTiming();
      at = 0;
    }
  }
  urcu_memb_barrier();
}
BENCHMARK(BM_UrcuMembCallRcu);
#endif

void BM_RcuPtrStore(benchmark::State& state) {
  RcuPtr<uint64_t> value(std::make_unique<uint64_t>(0));
  for (auto _ : state) value.store(std::make_unique<uint64_t>(1));
}

void BM_AtomicSharedPtrStore(benchmark::State& state) {
  std::atomic<std::shared_ptr<uint64_t>> value;
  for (auto _ : state) value.store(std::make_shared<uint64_t>(1));
}

BENCHMARK(BM_RawLoad);
BENCHMARK(BM_LockUnlock);
BENCHMARK(BM_UrcuMembLockUnlock);
BENCHMARK(BM_LockUnlockNested);
BENCHMARK(BM_UrcuMembLockUnlockNested);
BENCHMARK(BM_ReadGuard);
BENCHMARK(BM_QuiescentState);
BENCHMARK(BM_Synchronize);
BENCHMARK(BM_UrcuMembSynchronize);
BENCHMARK(BM_RetireFunction);
BENCHMARK(BM_RetireObject);
BENCHMARK(BM_RcuPtrStore);
BENCHMARK(BM_AtomicSharedPtrStore);

}  // namespace
}  // namespace wirebook

int main(int argc, char** argv) {
  std::atomic<bool> stop{false};
  std::thread asleep([&stop] {
    urcu_memb_register_thread();
    { const wirebook::RcuReadGuard once; }
    stop.wait(false);
    urcu_memb_unregister_thread();
  });
  urcu_memb_register_thread();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  urcu_memb_unregister_thread();
  stop = true;
  stop.notify_one();
  asleep.join();
}
