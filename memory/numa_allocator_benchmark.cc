// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Blocks of 4 KiB to 1 MiB: one at a time, many at once, and freed by another
// thread; beside glibc's malloc and libnuma in the same run.
#include <numa.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "benchmark/benchmark.h"
#include "memory/numa_allocator.h"

namespace wirebook {
namespace {

struct Ours {
  static NumaAllocator& allocator() {
    static NumaAllocator instance({.retain_bytes = std::size_t{1} << 30});
    return instance;
  }
  static void* allocate(std::size_t bytes) {
    return allocator().allocate(bytes);
  }
  static void free(void* block, std::size_t bytes) {
    allocator().deallocate(block, bytes);
  }
};

struct Malloc {
  static void* allocate(std::size_t bytes) { return std::malloc(bytes); }
  static void free(void* block, std::size_t) { std::free(block); }
};

struct Libnuma {
  static void* allocate(std::size_t bytes) { return numa_alloc_local(bytes); }
  static void free(void* block, std::size_t bytes) { numa_free(block, bytes); }
};

void count_operations(benchmark::State& state, std::int64_t each) {
  // An allocation is one, a free is one.
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * 2 *
                          each);
}

// Allocate and free at once, on one thread and on two.
template <typename A>
void BM_Pair(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0)) << 10;
  for (auto _ : state) {
    void* block = A::allocate(bytes);
    benchmark::DoNotOptimize(block);
    A::free(block, bytes);
  }
  count_operations(state, 1);
}

void sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgName("KiB");
  for (const int kib : {4, 16, 64, 256, 1024}) benchmark->Arg(kib);
}
BENCHMARK_TEMPLATE(BM_Pair, Ours)->Apply(sizes);
BENCHMARK_TEMPLATE(BM_Pair, Malloc)->Apply(sizes);
BENCHMARK_TEMPLATE(BM_Pair, Libnuma)->Apply(sizes);
BENCHMARK_TEMPLATE(BM_Pair, Ours)->ArgName("KiB")->Arg(4)->ThreadRange(2, 16);

// 64 out at once, in all the sizes.
template <typename A>
void BM_Mixed(benchmark::State& state) {
  constexpr std::size_t kOut = 64;
  std::vector<void*> blocks(kOut);
  const auto bytes_of = [](std::size_t i) {
    return (std::size_t{4} << 10) << i % 9;
  };
  for (auto _ : state) {
    for (std::size_t i = 0; i < kOut; ++i) {
      blocks[i] = A::allocate(bytes_of(i));
    }
    benchmark::DoNotOptimize(blocks.data());
    for (std::size_t i = 0; i < kOut; ++i) A::free(blocks[i], bytes_of(i));
  }
  count_operations(state, kOut);
}
BENCHMARK_TEMPLATE(BM_Mixed, Ours);
BENCHMARK_TEMPLATE(BM_Mixed, Malloc);
BENCHMARK_TEMPLATE(BM_Mixed, Libnuma);

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
