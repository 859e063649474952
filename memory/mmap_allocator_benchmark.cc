// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Blocks of 1 MiB and more: allocate, touch nothing or every page, free.
#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <new>

#include "benchmark/benchmark.h"
#include "memory/mmap_allocator.h"

namespace wirebook {
namespace {

void touch(void* block, std::size_t bytes) {
  auto* pages = static_cast<volatile char*>(block);
  for (std::size_t at = 0; at < bytes; at += 4096) pages[at] = 1;
}

struct Malloc {
  static void* allocate(std::size_t bytes) { return std::malloc(bytes); }
  static void free(void* block, std::size_t) { std::free(block); }
};

struct Mmap {
  static void* allocate(std::size_t bytes) {
    return mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
  static void free(void* block, std::size_t bytes) { munmap(block, bytes); }
};

template <bool kRetain, bool kHuge>
struct Ours {
  static MmapAllocator& allocator() {
    static MmapAllocator instance(
        {.page_bytes = kHuge ? kHugePageBytes : kSmallPageBytes,
         .retain_bytes = kRetain ? std::size_t{256} << 20 : 0});
    return instance;
  }
  static void* allocate(std::size_t bytes) {
    return allocator().allocate(bytes);
  }
  static void free(void* block, std::size_t bytes) {
    allocator().deallocate(block, bytes);
  }
};

template <typename A>
void BM_Pair(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0)) << 20;
  for (auto _ : state) {
    void* block = A::allocate(bytes);
    if (state.range(1) != 0) touch(block, bytes);
    benchmark::DoNotOptimize(block);
    A::free(block, bytes);
  }
}

void arguments(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"MiB", "touch"});
  for (const int touched : {0, 1}) {
    for (const int mib : {1, 4, 64}) benchmark->Args({mib, touched});
  }
}
BENCHMARK_TEMPLATE(BM_Pair, Ours<true, false>)->Apply(arguments);
BENCHMARK_TEMPLATE(BM_Pair, Ours<true, true>)->Apply(arguments);
BENCHMARK_TEMPLATE(BM_Pair, Ours<false, false>)->Apply(arguments);
BENCHMARK_TEMPLATE(BM_Pair, Ours<false, true>)->Apply(arguments);
BENCHMARK_TEMPLATE(BM_Pair, Mmap)->Apply(arguments);
BENCHMARK_TEMPLATE(BM_Pair, Malloc)->Apply(arguments);

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
