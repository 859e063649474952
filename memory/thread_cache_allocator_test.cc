// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/thread_cache_allocator.h"

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "gtest/gtest.h"
#include "memory/allocation_counter.h"
#include "memory/asan_poison.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WIREBOOK_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WIREBOOK_TEST_SANITIZED 1
#endif
#endif

namespace wirebook {
namespace {

#if defined(WIREBOOK_TEST_SANITIZED)
constexpr int kModelSteps = 10000;
#else
constexpr int kModelSteps = 60000;
#endif
constexpr std::size_t kHuge = ThreadCacheAllocator::kMaxCachedBytes + 1;

bool is_aligned(const void* address, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(address) % alignment == 0;
}

std::size_t resident_bytes() {
  std::size_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * 4096;
}

TEST(ThreadCacheAllocator, GivesBytesAndTakesThemBack) {
  ThreadCacheAllocator allocator;
  void* bytes = allocator.allocate(300);
  ASSERT_NE(bytes, nullptr);
  std::memset(bytes, 1, 300);
  EXPECT_EQ(allocator.stats().in_use_bytes, 320u);
  allocator.deallocate(bytes);
  void* line = allocator.allocate(300, 64);
  EXPECT_TRUE(is_aligned(line, 64));
  allocator.deallocate(line, 300, 64);
  allocator.deallocate(nullptr);
  allocator.deallocate(nullptr, 8);
  EXPECT_EQ(allocator.stats().in_use_bytes, 0u);
}

TEST(ThreadCacheAllocator, StandsBehindContainersAndPmr) {
  ThreadCacheAllocator allocator;
  {
    ThreadCacheResource resource(allocator);
    std::pmr::map<int, std::pmr::string> names(&resource);
    std::vector<std::uint64_t, ThreadCacheStlAllocator<std::uint64_t>> numbers(
        allocator);
    std::list<int, ThreadCacheStlAllocator<int>> list(numbers.get_allocator());
    EXPECT_EQ(list.get_allocator(), numbers.get_allocator());
    for (int i = 0; i < 1000; ++i) {
      names.emplace(i, std::string(static_cast<std::size_t>(i), 'x'));
      numbers.push_back(static_cast<std::uint64_t>(i));
      list.push_back(i);
    }
    EXPECT_EQ(names.at(999).size(), 999u);
    EXPECT_EQ(std::accumulate(numbers.begin(), numbers.end(), 0u), 499500u);
    EXPECT_EQ(std::accumulate(list.begin(), list.end(), 0), 499500);
    EXPECT_TRUE(resource.is_equal(ThreadCacheResource(allocator)));
    EXPECT_FALSE(resource.is_equal(*std::pmr::new_delete_resource()));
    EXPECT_GT(allocator.stats().in_use_bytes, 500000u);
  }
  EXPECT_EQ(allocator.stats().in_use_bytes, 0u);
}

TEST(ThreadCacheAllocator, ZeroBytesHaveAnAddressOfTheirOwn) {
  ThreadCacheAllocator allocator;
  void* a = allocator.allocate(0);
  void* b = allocator.allocate(0, 128);
  EXPECT_NE(a, nullptr);
  EXPECT_NE(b, nullptr);
  EXPECT_NE(a, b);
  EXPECT_TRUE(is_aligned(b, 128));
  allocator.deallocate(a, 0);
  allocator.deallocate(b, 0, 128);
}

TEST(ThreadCacheAllocator, WhatCannotBeIsNullAndCounted) {
  ThreadCacheAllocator allocator;
  constexpr std::size_t kMax = std::numeric_limits<std::size_t>::max();
  EXPECT_EQ(allocator.allocate(kMax), nullptr);
  EXPECT_EQ(allocator.allocate(kMax - 4096), nullptr);
  EXPECT_EQ(allocator.allocate(kMax, 4096), nullptr);
  EXPECT_EQ(allocator.allocate(std::size_t{1} << 46), nullptr);
  EXPECT_EQ(allocator.allocate(8, std::size_t{1} << 63), nullptr);
  EXPECT_EQ(allocator.allocate(8, 24), nullptr) << "no power of two";
  EXPECT_EQ(allocator.stats().allocation_failures, 6u);
  EXPECT_EQ(allocator.stats().total_allocations, 0u);
  ThreadCacheStlAllocator<std::uint64_t> stl(allocator);
  EXPECT_THROW((void)stl.allocate(kMax / 4), std::bad_array_new_length);
  EXPECT_THROW((void)stl.allocate(kMax / 16), std::bad_alloc);
  ThreadCacheResource resource(allocator);
  EXPECT_THROW((void)resource.allocate(kMax / 16), std::bad_alloc);
}

TEST(ThreadCacheAllocator, EverySizeFitsWithLittleWaste) {
  ThreadCacheAllocator allocator;
  for (std::size_t bytes = 0; bytes <= kHuge; bytes += 1 + bytes / 37) {
    void* object = allocator.allocate(bytes);
    ASSERT_NE(object, nullptr);
    const std::size_t usable = allocator.usable_bytes(object);
    EXPECT_GE(usable, bytes);
    EXPECT_LE(usable, std::max<std::size_t>(bytes + 16, bytes + bytes / 4));
    EXPECT_TRUE(is_aligned(object, 16));
    std::memset(object, 0x5A, bytes);
    allocator.deallocate(object, bytes);
  }
}

TEST(ThreadCacheAllocator, AnyPowerOfTwoAlignment) {
  ThreadCacheAllocator allocator;
  for (std::size_t alignment = 1; alignment <= std::size_t{4} << 20;
       alignment *= 2) {
    std::vector<std::pair<void*, std::size_t>> held;
    for (const std::size_t bytes : {0, 1, 17, 100, 4000, 70000, 300000}) {
      for (int i = 0; i < 3; ++i) {
        void* object = allocator.allocate(bytes, alignment);
        ASSERT_NE(object, nullptr);
        EXPECT_TRUE(is_aligned(object, alignment)) << bytes << " " << alignment;
        std::memset(object, 1, bytes);
        held.emplace_back(object, bytes);
      }
    }
    for (const auto& [object, bytes] : held) {
      allocator.deallocate(object, bytes, alignment);
    }
  }
  EXPECT_EQ(allocator.stats().in_use_bytes, 0u);
}

TEST(ThreadCacheAllocator, HugeBlocksAreMappedAndUnmapped) {
  ThreadCacheAllocator allocator({.huge_pages = true});
  const std::size_t before = allocator.stats().capacity_bytes;
  std::vector<void*> blocks;
  for (int i = 0; i < 1000; ++i) {
    blocks.push_back(allocator.allocate(kHuge));
    *static_cast<int*>(blocks.back()) = i;
  }
  void* aligned = allocator.allocate(std::size_t{3} << 20);
  EXPECT_TRUE(is_aligned(aligned, std::size_t{2} << 20));
  std::shuffle(blocks.begin(), blocks.end(), std::mt19937(1));
  EXPECT_GE(allocator.stats().in_use_bytes, 1000 * kHuge);
  EXPECT_GE(allocator.stats().peak_bytes, 1000 * kHuge);
  for (void* block : blocks) allocator.deallocate(block);
  allocator.deallocate(aligned);
  EXPECT_EQ(allocator.stats().capacity_bytes, before);
  EXPECT_EQ(allocator.stats().total_deallocations, 1001u);
}

TEST(ThreadCacheAllocator, BehavesAsAMapOfBlocks) {
  const std::uint32_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  ThreadCacheAllocator allocator;
  struct Block {
    std::size_t bytes;
    std::size_t alignment;
    unsigned char fill;
  };
  std::map<unsigned char*, Block> model;
  std::uint64_t allocated = 0, freed = 0;
  for (int step = 0; step < kModelSteps; ++step) {
    if (model.empty() || random() % 100 < 52) {
      const std::size_t limit = std::size_t{1} << (random() % 20);
      Block block{random() % limit, std::size_t{1} << (random() % 10),
                  static_cast<unsigned char>(random())};
      auto* at = static_cast<unsigned char*>(
          allocator.allocate(block.bytes, block.alignment));
      ASSERT_NE(at, nullptr);
      ASSERT_TRUE(is_aligned(at, block.alignment));
      auto next = model.lower_bound(at);
      if (next != model.end()) {
        ASSERT_LE(at + block.bytes, next->first);
      }
      if (next != model.begin()) {
        const auto before = std::prev(next);
        ASSERT_LE(before->first + before->second.bytes, at);
      }
      std::memset(at, block.fill, block.bytes);
      ASSERT_TRUE(model.emplace(at, block).second);
      ++allocated;
    } else {
      auto chosen = model.lower_bound(
          std::next(model.begin(),
                    static_cast<long>(random() %
                                      std::min<std::size_t>(model.size(), 64)))
              ->first);
      const auto [at, block] = *chosen;
      for (std::size_t i = 0; i < block.bytes; i += 1 + block.bytes / 50) {
        ASSERT_EQ(at[i], block.fill);
      }
      if (random() % 2 == 0) {
        allocator.deallocate(at);
      } else {
        allocator.deallocate(at, block.bytes, block.alignment);
      }
      model.erase(chosen);
      ++freed;
    }
    if (step % 4000 == 0) allocator.trim();
  }
  EXPECT_EQ(allocator.stats().total_allocations, allocated);
  EXPECT_EQ(allocator.stats().total_deallocations, freed);
  for (const auto& [at, block] : model) allocator.deallocate(at);
  EXPECT_EQ(allocator.stats().in_use_bytes, 0u);
}

TEST(ThreadCacheAllocator, StatisticsAreExactAtRest) {
  ThreadCacheAllocator allocator;
  std::vector<void*> held;
  for (int i = 0; i < 1000; ++i) held.push_back(allocator.allocate(100));
  ThreadCacheStats stats = allocator.stats();
  EXPECT_EQ(stats.in_use_bytes, 1000 * 112u);
  EXPECT_EQ(stats.total_allocations, 1000u);
  EXPECT_EQ(stats.total_deallocations, 0u);
  EXPECT_GE(stats.peak_bytes, 1000 * 112u);
  EXPECT_LE(stats.peak_bytes, stats.in_use_bytes + stats.cached_bytes);
  EXPECT_EQ(stats.in_use_bytes + stats.cached_bytes + stats.free_bytes,
            stats.capacity_bytes);
  std::thread([&] {
    for (int i = 0; i < 400; ++i) allocator.deallocate(held[i]);
  }).join();
  stats = allocator.stats();
  EXPECT_EQ(stats.in_use_bytes, 600 * 112u);
  EXPECT_EQ(stats.total_deallocations, 400u);
  for (int i = 400; i < 1000; ++i) allocator.deallocate(held[i]);
  stats = allocator.stats();
  EXPECT_EQ(stats.in_use_bytes, 0u);
  EXPECT_EQ(stats.total_deallocations, 1000u);
  EXPECT_GT(stats.cached_bytes, 0u);
  EXPECT_GT(stats.overhead_bytes, 0u);
}

TEST(ThreadCacheAllocator, OnceWarmItNeitherGrowsNorAllocates) {
  ThreadCacheAllocator allocator;
  std::vector<void*> places(512);
  std::mt19937 random(5);
  const auto churn = [&](int steps) {
    for (int i = 0; i < steps; ++i) {
      void*& place = places[random() % places.size()];
      allocator.deallocate(place);
      place = allocator.allocate(1 + random() % 1024);
      *static_cast<char*>(place) = 1;
    }
  };
  churn(200000);
  const std::size_t capacity = allocator.stats().capacity_bytes;
  const std::size_t resident = resident_bytes();
  const std::uint64_t heap = thread_allocations();
  churn(1000000);
  EXPECT_EQ(thread_allocations(), heap);
  EXPECT_EQ(allocator.stats().capacity_bytes, capacity);
#if !defined(WIREBOOK_TEST_SANITIZED)
  EXPECT_LT(resident_bytes(), resident + (std::size_t{1} << 20));
#else
  (void)resident;
#endif
}

TEST(ThreadCacheAllocator, TrimGivesFreeSpansToTheSystemAndToOtherClasses) {
  ThreadCacheAllocator allocator;
  constexpr std::size_t kTotal = std::size_t{32} << 20;
  std::vector<void*> held;
  const auto fill = [&](std::size_t bytes) {
    for (std::size_t i = 0; i < kTotal / bytes; ++i) {
      held.push_back(allocator.allocate(bytes));
      std::memset(held.back(), 1, bytes);
    }
  };
  const auto drain = [&] {
    for (void* object : held) allocator.deallocate(object);
    held.clear();
  };
  fill(128);
  void* const kept = held[held.size() / 2];
  held.erase(held.begin() + static_cast<long>(held.size() / 2));
  const std::size_t capacity = allocator.stats().capacity_bytes;
  const std::size_t resident = resident_bytes();
  drain();
  const std::size_t trimmed = allocator.trim();
  EXPECT_GE(trimmed, kTotal - (std::size_t{64} << 10));
#if !defined(WIREBOOK_TEST_SANITIZED)
  EXPECT_LT(resident_bytes(), resident - kTotal * 3 / 4);
#else
  (void)resident;
#endif
  EXPECT_EQ(allocator.trim(), 0u);
  fill(4096);
  EXPECT_LE(allocator.stats().capacity_bytes,
            capacity + (std::size_t{4} << 20));
  drain();
  allocator.deallocate(kept);
  allocator.trim();
  const ThreadCacheStats stats = allocator.stats();
  EXPECT_EQ(stats.free_bytes, stats.capacity_bytes);
}

TEST(ThreadCacheAllocator, ReusesFreeSpansBeforeItDoubles) {
  ThreadCacheAllocator allocator;
  constexpr std::size_t kTotal = std::size_t{32} << 20;
  for (std::size_t bytes = 64; bytes <= 32768; bytes *= 2) {
    std::vector<void*> held;
    for (std::size_t i = 0; i < kTotal / bytes; ++i) {
      held.push_back(allocator.allocate(bytes));
    }
    for (void* object : held) allocator.deallocate(object);
  }
  // Ten classes had 32 MiB each.
  EXPECT_LE(allocator.stats().capacity_bytes, 4 * kTotal);
}

TEST(ThreadCacheAllocator, AReserveThatIsUsedUpIsNullUntilSomethingIsFreed) {
  ThreadCacheAllocator allocator({.reserve_bytes = 1});  // 64 MiB: the least.
  std::vector<void*> held;
  while (void* object = allocator.allocate(65536)) held.push_back(object);
  EXPECT_EQ(held.size(), (std::size_t{64} << 20) / 65536);
  EXPECT_EQ(allocator.allocate(100), nullptr);
  EXPECT_EQ(allocator.stats().allocation_failures, 2u);
  for (int i = 0; i < 100; ++i) {
    allocator.deallocate(held.back());
    held.pop_back();
  }
  void* object = allocator.allocate(100);
  EXPECT_NE(object, nullptr) << "though most of it is still out";
  allocator.deallocate(object);
  for (void* each : held) allocator.deallocate(each);
  allocator.trim();
  EXPECT_EQ(allocator.stats().free_bytes, std::size_t{64} << 20);
}

// The address that a thread allocated last may come back to it as an object of
// another class.
TEST(ThreadCacheAllocator, AnAddressMayChangeItsClassWithoutItsThread) {
  ThreadCacheAllocator allocator;
  void* large = allocator.allocate(100000);
  allocator.deallocate(large);
  allocator.trim();
  void* small = nullptr;
  std::thread([&] { small = allocator.allocate(64); }).join();
  ASSERT_EQ(small, large) << "the first free span is taken";
  allocator.deallocate(small);
  large = allocator.allocate(100000);
  EXPECT_GE(allocator.usable_bytes(large), 100000u);
  allocator.deallocate(large, 100000);
}

TEST(ThreadCacheAllocator, MoreAllocatorsThanThreadEntries) {
  std::vector<std::unique_ptr<ThreadCacheAllocator>> all;
  std::vector<void*> objects;
  for (int i = 0; i < 100; ++i) {
    all.push_back(std::make_unique<ThreadCacheAllocator>(
        ThreadCacheOptions{.reserve_bytes = std::size_t{1} << 30}));
    objects.push_back(all.back()->allocate(48));
  }
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i]->deallocate(objects[i]);
      objects[i] = all[i]->allocate(48);
    }
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i]->stats().total_allocations, 4u);
    all[i]->deallocate(objects[i]);
    EXPECT_EQ(all[i]->stats().in_use_bytes, 0u);
  }
}

// ---- Threads --------------------
TEST(ThreadCacheAllocator, AnyThreadFreesWhatAnyThreadAllocated) {
  constexpr int kThreads = 16;
#if defined(WIREBOOK_TEST_SANITIZED)
  constexpr int kSteps = 4000;
#else
  constexpr int kSteps = 20000;
#endif
  ThreadCacheAllocator allocator;
  struct Note {
    std::uint32_t bytes;
    std::uint32_t check;
  };
  // Each place is exchanged, so that what one puts another takes and frees.
  std::vector<std::atomic<Note*>> places(256);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::minstd_rand0 random(static_cast<std::uint32_t>(t + 1));
      for (int i = 0; i < kSteps; ++i) {
        const std::uint32_t bytes =
            8 +
            static_cast<std::uint32_t>(random() % (i % 64 == 0 ? 300000 : 600));
        auto* note = static_cast<Note*>(allocator.allocate(bytes));
        *note = {bytes, ~bytes};
        note = places[random() % places.size()].exchange(note);
        if (note == nullptr) continue;
        if (note->check != ~note->bytes) std::abort();
        if (random() % 2 == 0) {
          allocator.deallocate(note);
        } else {
          allocator.deallocate(note, note->bytes);
        }
        if (i % 2048 == 0) allocator.trim();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (auto& place : places) allocator.deallocate(place.exchange(nullptr));
  const ThreadCacheStats stats = allocator.stats();
  EXPECT_EQ(stats.total_allocations, std::uint64_t{kThreads} * kSteps);
  EXPECT_EQ(stats.total_deallocations, stats.total_allocations);
  EXPECT_EQ(stats.in_use_bytes, 0u);
  allocator.trim();
  EXPECT_EQ(allocator.stats().free_bytes, allocator.stats().capacity_bytes);
}

TEST(ThreadCacheAllocator, AThreadThatEndsLeavesWhatItKept) {
  ThreadCacheAllocator allocator;
  std::size_t capacity = 0;
  for (int i = 0; i < 200; ++i) {
    std::thread([&] {
      std::vector<void*> held;
      for (int k = 0; k < 1000; ++k) held.push_back(allocator.allocate(512));
      for (void* object : held) allocator.deallocate(object);
    }).join();
    EXPECT_EQ(allocator.stats().cached_bytes, 0u);
    if (i == 0) capacity = allocator.stats().capacity_bytes;
  }
  EXPECT_EQ(allocator.stats().capacity_bytes, capacity);
  EXPECT_EQ(allocator.stats().overhead_bytes, [&] {
    std::thread([&] { allocator.deallocate(allocator.allocate(1)); }).join();
    return allocator.stats().overhead_bytes;
  }()) << "caches of ended threads are used again";
}

TEST(ThreadCacheAllocator, DiesBeforeOrAfterItsThreads) {
  auto early = std::make_unique<ThreadCacheAllocator>();
  ThreadCacheAllocator late;
  std::atomic<int> step{0};
  std::thread thread([&] {
    early->deallocate(early->allocate(100));
    late.deallocate(late.allocate(100));
    step = 1;
    while (step != 2) std::this_thread::yield();
    // An allocator in the place of the dead one gets a cache of its own.
    ThreadCacheAllocator another;
    another.deallocate(another.allocate(100));
    EXPECT_EQ(another.stats().total_allocations, 1u);
  });
  while (step != 1) std::this_thread::yield();
  early.reset();
  step = 2;
  thread.join();
  EXPECT_EQ(late.stats().cached_bytes, 0u);
  EXPECT_EQ(late.stats().total_deallocations, 1u);
}

TEST(ThreadCacheAllocator, ThreadLocalDestructorsMayFree) {
  static ThreadCacheAllocator* const allocator = new ThreadCacheAllocator;
  struct Owner {
    ~Owner() { allocator->deallocate(object); }
    void* object = nullptr;
  };
  std::thread([] {
    thread_local Owner owner;
    owner.object = allocator->allocate(100);
  }).join();
  EXPECT_EQ(allocator->stats().in_use_bytes, 0u);
  EXPECT_EQ(allocator->stats().cached_bytes, 0u);
  delete allocator;
}

TEST(ThreadCacheAllocator, WhatIsOutDiesWithTheAllocator) {
  const std::size_t before = resident_bytes();
  for (int i = 0; i < 50; ++i) {
    ThreadCacheAllocator allocator;
    std::memset(allocator.allocate(std::size_t{8} << 20), 1,
                std::size_t{8} << 20);
    std::memset(allocator.allocate(200000), 1, 200000);
  }
#if !defined(WIREBOOK_TEST_SANITIZED)
  EXPECT_LT(resident_bytes(), before + (std::size_t{8} << 20));
#else
  (void)before;
#endif
}

// ---- Placement and set-up --------------------
TEST(ThreadCacheAllocator, PagesLieWhereTheyAreWanted) {
  auto allocator = ThreadCacheAllocator::create(
      {.placement = {.policy = NumaPolicy::kBind, .node = 0}});
  ASSERT_TRUE(allocator.ok()) << allocator.status();
  for (const std::size_t bytes : {std::size_t{100}, kHuge}) {
    void* object = (*allocator)->allocate(bytes);
    std::memset(object, 1, bytes);
    EXPECT_EQ(numa_node_of(object).value_or(0), 0);
    (*allocator)->deallocate(object);
  }
  EXPECT_EQ((*allocator)->placement().policy, NumaPolicy::kBind);
}

TEST(ThreadCacheAllocator, APlacementThatCannotBeIsAnErrorAtSetUp) {
  const auto allocator = ThreadCacheAllocator::create(
      {.placement = {.policy = NumaPolicy::kBind, .node = 4000}});
  EXPECT_EQ(allocator.status().code(), absl::StatusCode::kInvalidArgument);
}

#if !defined(WIREBOOK_TEST_SANITIZED)
void limit_address_space(std::size_t more) {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlimit limit{pages * 4096 + more, pages * 4096 + more};
  if (setrlimit(RLIMIT_AS, &limit) != 0) std::_Exit(100);
}

TEST(ThreadCacheAllocatorDeathTest, WithoutAddressSpace) {
  // A quarter of what was wanted is still had.
  EXPECT_EXIT(
      {
        limit_address_space(std::size_t{24} << 30);
        ThreadCacheAllocator allocator;
        allocator.deallocate(allocator.allocate(100));
        std::_Exit(allocator.stats().total_deallocations == 1 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
  EXPECT_EXIT(
      {
        limit_address_space(std::size_t{16} << 20);
        const bool refused = ThreadCacheAllocator::create({}).status().code() ==
                             absl::StatusCode::kResourceExhausted;
        std::_Exit(refused ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
  EXPECT_DEATH(
      {
        limit_address_space(std::size_t{16} << 20);
        ThreadCacheAllocator allocator;
      },
      "ThreadCacheAllocator 0x.*refuses 64 MiB of address space");
}
#endif

// ---- What is caught --------------------
TEST(ThreadCacheAllocatorDeathTest, DoubleFree) {
  ThreadCacheAllocator allocator;
  void* object = allocator.allocate(100);
  allocator.deallocate(object);
  EXPECT_DEATH(allocator.deallocate(object),
               "wirebook: ThreadCacheAllocator 0x.*: double free of 0x");
  EXPECT_DEATH(allocator.deallocate(object, 100), "double free of 0x");
  object = allocator.allocate(100);
  std::thread([&] { allocator.deallocate(object); }).join();
  EXPECT_DEATH(allocator.deallocate(object), "double free of 0x")
      << "also of what another thread freed";
  void* block = allocator.allocate(kHuge);
  allocator.deallocate(block);
  EXPECT_DEATH(allocator.deallocate(block), "foreign or double free of 0x");
}

TEST(ThreadCacheAllocatorDeathTest, ForeignFree) {
  ThreadCacheAllocator allocator;
  ThreadCacheAllocator other;
  int local = 0;
  EXPECT_DEATH(allocator.deallocate(&local), "foreign or double free of 0x");
  void* theirs = other.allocate(100);
  EXPECT_DEATH(allocator.deallocate(theirs), "foreign or double free of 0x");
  auto* bytes = static_cast<char*>(allocator.allocate(100));
  EXPECT_DEATH(allocator.deallocate(bytes + 16),
               "foreign free, inside an object: 0x");
  EXPECT_DEATH(allocator.deallocate(bytes + 1), "foreign or double free of 0x");
  // A page of the region that no span has.
  EXPECT_DEATH(allocator.deallocate(bytes + (1 << 20)), "foreign free of 0x");
  EXPECT_DEATH((void)allocator.usable_bytes(bytes + 16),
               "size of a foreign or free address 0x");
}

TEST(ThreadCacheAllocatorDeathTest, FreeWithAnotherSize) {
  ThreadCacheAllocator allocator;
  void* object = allocator.allocate(100);
  EXPECT_DEATH(allocator.deallocate(object, 200),
               "another size or alignment than it was allocated with: 0x");
  EXPECT_DEATH(allocator.deallocate(object, kHuge), "another size");
  allocator.deallocate(object);
  EXPECT_DEATH(allocator.deallocate(object, 200), "double free of 0x");
}

#if defined(WIREBOOK_ASAN)
TEST(ThreadCacheAllocatorDeathTest, AsanSeesUseAfterFreeAndOverflow) {
  ThreadCacheAllocator allocator;
  auto* bytes = static_cast<volatile char*>(allocator.allocate(100));
  EXPECT_DEATH(bytes[104] = 1, "use-after-poison");
  allocator.deallocate(const_cast<char*>(bytes));
  EXPECT_DEATH(bytes[0] = 1, "use-after-poison");
}
#endif

}  // namespace
}  // namespace wirebook
