// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// An allocate and free pair through the manager, beside the allocator that it
// chooses ("direct") and the mallocs of the machine, of 64 bytes, 64 KiB (one
// page written) and 4 MiB (one page written):
//   bazel run --config=native //memory:memory_manager_benchmark
// sized is deallocate(ptr, size).
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>

#include "memory/memory_manager.h"
#include "memory/testing/malloc_peers.h"

namespace wirebook {
namespace {

MemoryManager& manager() { return MemoryManager::instance(); }

struct Manager {
  void* take(std::size_t bytes) { return memory.allocate(bytes); }
  void give(void* block, std::size_t) { memory.deallocate(block); }
  MemoryManager& memory = manager();
};

struct Sized {
  void* take(std::size_t bytes) { return memory.allocate(bytes); }
  void give(void* block, std::size_t bytes) { memory.deallocate(block, bytes); }
  MemoryManager& memory = manager();
};

struct Direct {
  void* take(std::size_t bytes) {
    return bytes <= 4096        ? memory.thread_cache().allocate(bytes)
           : bytes <= (1 << 20) ? memory.numa().allocate(bytes)
                                : memory.mmap().allocate(bytes);
  }
  void give(void* block, std::size_t bytes) {
    if (bytes <= 4096) return memory.thread_cache().deallocate(block);
    if (bytes <= (1 << 20)) return memory.numa().deallocate(block);
    memory.mmap().deallocate(block);
  }
  MemoryManager& memory = manager();
};

struct Malloc {
  void* take(std::size_t bytes) { return std::malloc(bytes); }
  void give(void* block, std::size_t) { std::free(block); }
};

template <typename Allocator>
void Pair(benchmark::State& state) {
  Allocator allocator;
  const auto bytes = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    void* block = allocator.take(bytes);
    *static_cast<std::uint64_t*>(block) = 1;
    benchmark::DoNotOptimize(block);
    allocator.give(block, bytes);
  }
  state.SetItemsProcessed(state.iterations());
}

#define WIREBOOK_SIZES(Allocator, name) \
  BENCHMARK(Pair<Allocator>)            \
      ->Name(name "/pair")              \
      ->Arg(64)                         \
      ->Arg(64 << 10)                   \
      ->Arg(4 << 20)
WIREBOOK_SIZES(Manager, "wirebook");
WIREBOOK_SIZES(Sized, "sized");
WIREBOOK_SIZES(Direct, "direct");
WIREBOOK_SIZES(Malloc, "malloc");

}  // namespace
}  // namespace wirebook

int main(int argc, char** argv) {
  return wirebook::run_beside_mallocs(argc, argv,
                                      {"wirebook", "sized", "direct"});
}
