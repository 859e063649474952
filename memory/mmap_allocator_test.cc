// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/mmap_allocator.h"

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory_resource>
#include <mutex>
#include <new>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "memory/asan_poison.h"
#include "memory/numa_policy.h"
#include "memory/numa_topology.h"
#include "memory/testing/refuse_heap.h"

namespace wirebook {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

TEST(MmapAllocator, GivesWholePagesThatAreZero) {
  MmapAllocator allocator;
  auto* block = static_cast<char*>(allocator.allocate(kMiB + 1));
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 4096, 0u);
  EXPECT_EQ(allocator.usable_bytes(block), kMiB + 4096);
  EXPECT_TRUE(
      std::all_of(block, block + kMiB + 4096, [](char c) { return c == 0; }));
  std::memset(block, 1, kMiB + 4096);
  allocator.deallocate(block, kMiB + 1);
}

TEST(MmapAllocator, AFreedBlockServesTheNextThatItFits) {
  MmapAllocator allocator;
  void* block = allocator.allocate(8 * kMiB);
  allocator.deallocate(block);
  EXPECT_EQ(allocator.stats().retained_bytes, 8 * kMiB);
  void* too_small_for_it = allocator.allocate(4 * kMiB);
  EXPECT_NE(too_small_for_it, block) << "half of it would be wasted";
  void* larger = allocator.allocate(9 * kMiB);
  EXPECT_NE(larger, block);
  void* fits = allocator.allocate(8 * kMiB - 4096);
  EXPECT_EQ(fits, block);
  EXPECT_EQ(allocator.usable_bytes(fits), 8 * kMiB);
  EXPECT_EQ(allocator.stats().reused, 1u);
  for (void* each : {too_small_for_it, larger, fits}) {
    allocator.deallocate(each);
  }
}

TEST(MmapAllocator, KeepsNoMoreThanRetainBytesAndTheNewest) {
  MmapAllocator allocator({.retain_bytes = 4 * kMiB});
  void* first = allocator.allocate(2 * kMiB);
  void* second = allocator.allocate(2 * kMiB);
  void* third = allocator.allocate(2 * kMiB);
  void* huge = allocator.allocate(5 * kMiB);
  for (void* block : {first, second, third, huge}) allocator.deallocate(block);
  const MmapAllocatorStats stats = allocator.stats();
  EXPECT_EQ(stats.retained_bytes, 4 * kMiB);
  EXPECT_EQ(stats.capacity_bytes, 4 * kMiB);
  void* again = allocator.allocate(2 * kMiB);
  EXPECT_EQ(again, third) << "the last that was freed comes first";
  void* next = allocator.allocate(2 * kMiB);
  EXPECT_EQ(next, second);
  allocator.deallocate(again);
  allocator.deallocate(next);
  EXPECT_EQ(allocator.trim(), 4 * kMiB);
  EXPECT_EQ(allocator.stats().capacity_bytes, 0u);
  EXPECT_EQ(allocator.trim(), 0u);
}

TEST(MmapAllocator, KeepsABoundedNumberOfBlocks) {
  MmapAllocator allocator;
  std::vector<void*> blocks;
  for (int i = 0; i < 100; ++i) blocks.push_back(allocator.allocate(4096));
  for (void* block : blocks) allocator.deallocate(block);
  EXPECT_LT(allocator.stats().retained_bytes, 100u * 4096);
  EXPECT_EQ(allocator.stats().capacity_bytes, allocator.stats().retained_bytes);
}

TEST(MmapAllocator, AlignsAsAskedAlsoWhenItReuses) {
  MmapAllocator allocator;
  for (int round = 0; round < 3; ++round) {
    for (const std::size_t alignment :
         {std::size_t{1}, std::size_t{4096}, std::size_t{16384}, 4 * kMiB}) {
      void* block = allocator.allocate(kMiB, alignment);
      ASSERT_NE(block, nullptr);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % alignment, 0u);
      allocator.deallocate(block);
    }
  }
}

TEST(MmapAllocator, HugePagesPrefaultAndPlacementAreTheMappings) {
  MmapAllocator allocator({.page_bytes = kHugePageBytes,
                           .prefault = true,
                           .placement = {NumaPolicy::kBind, 0}});
  auto* block = static_cast<std::byte*>(allocator.allocate(3 * kMiB));
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(allocator.usable_bytes(block), 4 * kMiB);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % kHugePageBytes, 0u);
  EXPECT_EQ(numa_node_of(block).value_or(0), 0);
  unsigned char present = 0;
  ASSERT_EQ(mincore(block + 4 * kMiB - 4096, 4096, &present), 0);
  EXPECT_EQ(present & 1, 1) << "nobody touched it";
  allocator.deallocate(block, 3 * kMiB);
}

TEST(MmapAllocator, ANodeThatIsNotThereHasNoMemory) {
  if (int here = 0; !numa_node_of(&here).has_value()) {
    GTEST_SKIP() << "NUMA system calls are refused here";
  }
  MmapAllocator allocator({.placement = {NumaPolicy::kBind, 900}});
  EXPECT_EQ(allocator.allocate(kMiB), nullptr);
  EXPECT_EQ(allocator.stats().allocation_failures, 1u);
}

// Memory that this process holds locked.
std::size_t locked_bytes() {
  std::ifstream status("/proc/self/status");
  std::size_t kib = 0;
  for (std::string line; std::getline(status, line);) {
    if (std::sscanf(line.c_str(), "VmLck: %zu kB", &kib) == 1) return kib << 10;
  }
  return 0;
}

TEST(MmapAllocator, LocksItsBlocksWhereAskedTo) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "ThreadSanitizer makes mlock do nothing";
#endif
  if (kPoisons) GTEST_SKIP() << "AddressSanitizer makes mlock do nothing";
  MmapAllocator allocator({.lock = true, .retain_bytes = 0});
  void* block = allocator.allocate(64 << 10);
  if (block == nullptr) GTEST_SKIP() << "RLIMIT_MEMLOCK is below 64 KiB";
  EXPECT_GE(locked_bytes(), std::size_t{64} << 10);
  allocator.deallocate(block);
  EXPECT_EQ(locked_bytes(), 0u);
}

TEST(MmapAllocator, WithoutHeapItStillGivesMemoryOrNull) {
  MmapAllocator allocator;
  const testing::RefuseHeap refusing;
  EXPECT_EQ(allocator.allocate(std::size_t{1} << 46), nullptr);
  void* block = allocator.allocate(kMiB);
  EXPECT_NE(block, nullptr);
  allocator.deallocate(block);
}

// Needs several nodes: tools/numa_guest.sh.
TEST(MmapAllocator, AKeptBlockIsLocalToWhoGetsIt) {
  const NumaTopology& machine = NumaTopology::system();
  std::vector<unsigned> cpus;  // One of each node that has memory.
  for (const int node : machine.memory_by_distance(machine.nodes()[0])) {
    if (machine.cpus(node).empty()) continue;
    cpus.push_back(static_cast<unsigned>(machine.cpus(node)[0]));
  }
  if (cpus.size() < 2) GTEST_SKIP() << "this machine has one node";
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  for (const NumaPolicy policy :
       {NumaPolicy::kLocalOnly, NumaPolicy::kLocalPreferred}) {
    for (const bool touched : {true, false}) {
      MmapAllocator allocator({.prefault = touched, .placement = {policy}});
      for (const unsigned cpu : {cpus[0], cpus[1], cpus[0]}) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
        auto* block = static_cast<char*>(allocator.allocate(kMiB));
        ASSERT_NE(block, nullptr);
        if (touched || cpu == cpus[1]) block[0] = block[kMiB - 1] = 1;
        EXPECT_EQ(numa_node_of(block + kMiB - 1).value_or(current_numa_node()),
                  current_numa_node())
            << static_cast<int>(policy) << touched;
        allocator.deallocate(block);
      }
      if (touched) {
        EXPECT_EQ(allocator.stats().reused, 1u) << "by the node that had it";
      }
    }
  }
  sched_setaffinity(0, sizeof(before), &before);
}

TEST(MmapAllocator, ZeroBytesAreABlockOfTheirOwn) {
  MmapAllocator allocator;
  void* one = allocator.allocate(0);
  void* two = allocator.allocate(0);
  EXPECT_NE(one, nullptr);
  EXPECT_NE(one, two);
  allocator.deallocate(one, 0);
  allocator.deallocate(two, 0);
  allocator.deallocate(nullptr);
  EXPECT_EQ(allocator.stats().total_deallocations, 2u);
}

TEST(MmapAllocator, WhatCannotBeHadIsNullAndCounted) {
  MmapAllocator allocator;
  for (const std::size_t bytes :
       {SIZE_MAX, SIZE_MAX - 4096, SIZE_MAX / 2, std::size_t{1} << 46}) {
    EXPECT_EQ(allocator.allocate(bytes), nullptr);
  }
  EXPECT_EQ(allocator.allocate(1, 48), nullptr) << "no power of two";
  EXPECT_EQ(allocator.allocate(1, 0), nullptr);
  EXPECT_EQ(allocator.stats().allocation_failures, 6u);
  EXPECT_EQ(allocator.stats().total_allocations, 0u);
}

TEST(MmapAllocator, PagesOfAnUnknownSizeAreRefused) {
  for (const std::size_t page_bytes : {std::size_t{0}, std::size_t{12345}}) {
    MmapAllocator allocator({.page_bytes = page_bytes});
    EXPECT_EQ(allocator.allocate(kMiB), nullptr);
    EXPECT_EQ(allocator.stats().allocation_failures, 1u);
  }
}

TEST(MmapAllocator, StatisticsAreExactAtRest) {
  MmapAllocator allocator({.retain_bytes = kMiB});
  void* small = allocator.allocate(kMiB);
  void* large = allocator.allocate(2 * kMiB);
  allocator.deallocate(large);
  void* again = allocator.allocate(100);
  const MmapAllocatorStats stats = allocator.stats();
  EXPECT_EQ(stats.total_allocations, 3u);
  EXPECT_EQ(stats.total_deallocations, 1u);
  EXPECT_EQ(stats.in_use_bytes, kMiB + 4096);
  EXPECT_EQ(stats.peak_bytes, 3 * kMiB);
  EXPECT_EQ(stats.capacity_bytes, kMiB + 4096);
  EXPECT_EQ(stats.retained_bytes, 0u);
  EXPECT_EQ(stats.reused, 0u);
  EXPECT_EQ(stats.allocation_failures, 0u);
  allocator.deallocate(small);
  allocator.deallocate(again);
  EXPECT_EQ(allocator.stats().in_use_bytes, 0u);
}

TEST(MmapResource, CarriesAContainer) {
  MmapAllocator allocator;
  MmapResource resource(allocator);
  {
    std::pmr::vector<std::uint64_t> numbers(&resource);
    for (std::uint64_t i = 0; i < 500'000; ++i) numbers.push_back(i);
    EXPECT_EQ(numbers[499'999], 499'999u);
    EXPECT_GT(allocator.stats().in_use_bytes, 4 * kMiB - 4096);
  }
  EXPECT_EQ(allocator.stats().in_use_bytes, 0u);
  EXPECT_THROW((void)resource.allocate(std::size_t{1} << 46), std::bad_alloc);

  MmapAllocator other;
  EXPECT_TRUE(resource == MmapResource(allocator));
  EXPECT_FALSE(resource == MmapResource(other));
  EXPECT_FALSE(resource == *std::pmr::new_delete_resource());
}

TEST(MmapAllocator, AKeptBlockIsPoisonedUntilItIsGivenOutAgain) {
  if (!kPoisons) GTEST_SKIP() << "needs AddressSanitizer";
  MmapAllocator allocator;
  auto* block = static_cast<char*>(allocator.allocate(kMiB));
  allocator.deallocate(block);
  EXPECT_TRUE(is_poisoned(block));
  EXPECT_TRUE(is_poisoned(block + kMiB - 1));
  EXPECT_EQ(allocator.allocate(kMiB), block);
  EXPECT_FALSE(is_poisoned(block));
  allocator.deallocate(block);
  allocator.trim();
  EXPECT_FALSE(is_poisoned(block)) << "the address is the system's again";
}

TEST(MmapAllocatorDeathTest, MisuseEndsTheProcess) {
  MmapAllocator allocator;
  auto* block = static_cast<char*>(allocator.allocate(kMiB));
  int local = 0;
  EXPECT_DEATH(allocator.deallocate(&local), "MmapAllocator.*no block");
  EXPECT_DEATH(allocator.deallocate(block + 4096), "MmapAllocator.*no block");
  EXPECT_DEATH(allocator.deallocate(block, 2 * kMiB),
               "MmapAllocator.*more bytes than it has");
  EXPECT_DEATH(allocator.deallocate(block, SIZE_MAX),
               "MmapAllocator.*more bytes than it has");
  allocator.deallocate(block);
  EXPECT_DEATH(allocator.deallocate(block), "MmapAllocator.*no block");
  EXPECT_DEATH(
      {
        MmapAllocator dies;
        (void)dies.allocate(1);
      },
      "MmapAllocator.*destroyed with blocks out");
}

TEST(MmapAllocator, AgreesWithAModel) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  MmapAllocator allocator({.retain_bytes = 2 * kMiB});
  struct Block {
    char* begin;
    std::size_t bytes;
    char value;
  };
  std::vector<Block> model;
  for (int i = 0; i < 4000; ++i) {
    if (model.size() < 20 && random() % 2 == 0) {
      const std::size_t bytes = random() % (512 << 10) + 1;
      auto* begin = static_cast<char*>(allocator.allocate(bytes));
      ASSERT_NE(begin, nullptr);
      const auto value = static_cast<char>(random());
      begin[0] = begin[bytes / 2] = begin[bytes - 1] = value;
      model.push_back({begin, bytes, value});
    } else if (!model.empty()) {
      std::swap(model[random() % model.size()], model.back());
      const Block block = model.back();
      model.pop_back();
      ASSERT_EQ(block.begin[0], block.value);
      ASSERT_EQ(block.begin[block.bytes / 2], block.value);
      ASSERT_EQ(block.begin[block.bytes - 1], block.value);
      if (random() % 2 == 0) {
        allocator.deallocate(block.begin, block.bytes);
      } else {
        allocator.deallocate(block.begin);
      }
    }
    const MmapAllocatorStats stats = allocator.stats();
    ASSERT_EQ(stats.total_allocations - stats.total_deallocations,
              model.size());
    ASSERT_EQ(stats.capacity_bytes, stats.in_use_bytes + stats.retained_bytes);
    ASSERT_LE(stats.retained_bytes, 2 * kMiB);
  }
  for (const Block& block : model) allocator.deallocate(block.begin);
}

TEST(MmapAllocator, ThreadsFreeWhatOthersAllocated) {
  MmapAllocator allocator({.retain_bytes = kMiB});
  constexpr int kThreads = 8, kRounds = 500;
  std::mutex mutex;
  std::vector<int*> shared;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRounds; ++i) {
        auto* block = static_cast<int*>(
            allocator.allocate(4096u * (1 + static_cast<unsigned>(i % 7))));
        *block = t;
        int* other = nullptr;
        {
          const std::lock_guard lock(mutex);
          shared.push_back(block);
          if (shared.size() > kThreads) {
            other = shared.front();
            shared.erase(shared.begin());
          }
        }
        if (other != nullptr) {
          ASSERT_LT(*other, kThreads);
          allocator.deallocate(other);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int* block : shared) allocator.deallocate(block);
  const MmapAllocatorStats stats = allocator.stats();
  EXPECT_EQ(stats.total_allocations, std::uint64_t{kThreads} * kRounds);
  EXPECT_EQ(stats.total_deallocations, stats.total_allocations);
  EXPECT_EQ(stats.in_use_bytes, 0u);
}

std::size_t resident_pages() {
  std::size_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident;
}

TEST(MmapAllocator, CyclesDoNotGrowTheProcess) {
  MmapAllocator allocator({.retain_bytes = 2 * kMiB});
  std::size_t before = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::size_t bytes = 4096 * (1 + static_cast<unsigned>(i % 61) * 8);
    auto* block = static_cast<char*>(allocator.allocate(bytes));
    block[0] = block[bytes - 1] = 1;
    allocator.deallocate(block, bytes);
    if (i == 5'000) before = resident_pages();
  }
  EXPECT_LT(resident_pages(), before + 4096);
  EXPECT_LE(allocator.stats().capacity_bytes, 2 * kMiB);
}

}  // namespace
}  // namespace wirebook
