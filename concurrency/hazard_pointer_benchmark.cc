// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// hazard_pointer beside std::shared_mutex and std::atomic<std::shared_ptr>: one
// reader that nobody disturbs, and a writer that replaces an object. A second
// thread of the process is alive throughout, asleep: glibc and libstdc++ leave
// locked instructions out where there is one.
//
// BM_Retire* are per object replaced, allocation and reclamation included; what
// the allocation alone costs is BM_New and BM_Pool.
//
//   bazel run --config=native //concurrency:hazard_pointer_benchmark --
//     --benchmark_repetitions=9 --benchmark_report_aggregates_only=true

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "benchmark/benchmark.h"
#include "concurrency/hazard_pointer.h"
#include "memory/object_pool.h"

namespace wirebook {
namespace {

struct Node : hazard_pointer_obj_base<Node> {
  uint64_t value = 1;
};

std::atomic<Node*> current{new Node};

void BM_RawLoad(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(current.load(std::memory_order_acquire)->value);
  }
}

void BM_ProtectWithOneThatIsHeld(benchmark::State& state) {
  hazard_pointer h = make_hazard_pointer();
  for (auto _ : state) benchmark::DoNotOptimize(h.protect(current)->value);
}

void BM_ProtectAndReset(benchmark::State& state) {
  hazard_pointer h = make_hazard_pointer();
  for (auto _ : state) {
    benchmark::DoNotOptimize(h.protect(current)->value);
    h.reset_protection();
  }
}

void BM_MakeAndProtect(benchmark::State& state) {
  for (auto _ : state) {
    hazard_pointer h = make_hazard_pointer();
    benchmark::DoNotOptimize(h.protect(current)->value);
  }
}

void BM_SharedMutexRead(benchmark::State& state) {
  static std::shared_mutex mutex;
  for (auto _ : state) {
    const std::shared_lock lock(mutex);
    benchmark::DoNotOptimize(current.load(std::memory_order_relaxed)->value);
  }
}

void BM_AtomicSharedPtrRead(benchmark::State& state) {
  std::atomic<std::shared_ptr<Node>> shared{std::make_shared<Node>()};
  for (auto _ : state) benchmark::DoNotOptimize(shared.load()->value);
}

// ---- Writers ----

void BM_New(benchmark::State& state) {
  for (auto _ : state) {
    Node* node = new Node;
    benchmark::DoNotOptimize(node);
    delete node;
  }
}

void BM_RetireNew(benchmark::State& state) {
  for (auto _ : state) current.exchange(new Node)->retire();
}

void BM_AtomicSharedPtrReplace(benchmark::State& state) {
  std::atomic<std::shared_ptr<Node>> shared{std::make_shared<Node>()};
  for (auto _ : state) shared.exchange(std::make_shared<Node>());
}

struct FromPool;
struct ToPool {
  void operator()(FromPool* object) const;
};
struct FromPool : hazard_pointer_obj_base<FromPool, ToPool> {
  uint64_t value = 1;
};
ObjectPool<FromPool>& pool() {
  static auto* const instance =
      new ObjectPool<FromPool>({.initial_capacity = 4096});
  return *instance;
}
void ToPool::operator()(FromPool* object) const { pool().destroy(object); }

void BM_Pool(benchmark::State& state) {
  for (auto _ : state) pool().destroy(pool().create());
}

void BM_RetireToPool(benchmark::State& state) {
  for (auto _ : state) pool().create()->retire();
  hazard_pointer_clean_up();
}

// Nothing but retire() and what follows from it: the deleter does nothing, and
// the objects come round again after far more than a batch.
struct Nothing {
  void operator()(struct Kept*) const {}
};
struct Kept : hazard_pointer_obj_base<Kept, Nothing> {};

void BM_RetireAlone(benchmark::State& state) {
  constexpr size_t kObjects = 1024;
  static std::unique_ptr<Kept[]> objects;
  objects = std::make_unique<Kept[]>(kObjects);
  size_t at = 0;
  for (auto _ : state) {
    std::construct_at(&objects[at])->retire();
    at = (at + 1) % kObjects;
  }
  hazard_pointer_clean_up();
}

// With as many hazard pointers in use as the argument says.
void BM_RetireAloneWhileHeld(benchmark::State& state) {
  hazard_pointer_clean_up();
  std::vector<hazard_pointer> hazards;
  Node held[64];
  for (int64_t i = 0; i < state.range(0); ++i) {
    hazards.push_back(make_hazard_pointer());
    hazards.back().reset_protection(&held[i]);
  }
  BM_RetireAlone(state);
}

BENCHMARK(BM_RawLoad);
BENCHMARK(BM_ProtectWithOneThatIsHeld);
BENCHMARK(BM_ProtectAndReset);
BENCHMARK(BM_MakeAndProtect);
BENCHMARK(BM_SharedMutexRead);
BENCHMARK(BM_AtomicSharedPtrRead);
BENCHMARK(BM_New);
BENCHMARK(BM_RetireNew);
BENCHMARK(BM_AtomicSharedPtrReplace);
BENCHMARK(BM_Pool);
BENCHMARK(BM_RetireToPool);
BENCHMARK(BM_RetireAlone);
BENCHMARK(BM_RetireAloneWhileHeld)->Arg(1)->Arg(64);

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
