// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/memory_manager.h"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory_resource>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "memory/object_pool.h"

namespace wirebook {
namespace {

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;

std::uint64_t g_now_ns = 0;
std::uint64_t now_ns() { return g_now_ns; }

const MemorySourceStats& source(const MemoryStats& stats, const char* name) {
  for (const MemorySourceStats& one : stats.sources) {
    if (one.name == name) return one;
  }
  ADD_FAILURE() << name;
  return stats.total;
}

TEST(MemoryManager, GivesAndTakesWithoutBeingToldWhereFrom) {
  MemoryManager manager;
  std::vector<void*> blocks;
  for (const std::size_t bytes :
       {std::size_t{1}, 4 * kKiB, 5 * kKiB, kMiB, kMiB + 1, 10 * kMiB}) {
    blocks.push_back(manager.allocate(bytes));
    ASSERT_NE(blocks.back(), nullptr);
    std::memset(blocks.back(), 1, bytes);
  }
  const MemoryStats stats = manager.stats();
  EXPECT_EQ(source(stats, "thread_cache").total_allocations, 2u);
  EXPECT_EQ(source(stats, "numa").total_allocations, 2u);
  EXPECT_EQ(source(stats, "mmap").total_allocations, 2u);
  for (void* block : blocks) manager.deallocate(block);
  manager.deallocate(nullptr);
  manager.deallocate(nullptr, 5);
  EXPECT_EQ(manager.stats().total.in_use_bytes, 0u);
  EXPECT_EQ(manager.stats().total.total_deallocations, 6u);
}

TEST(MemoryManager, ChoosesBySizeLifetimeAndNeed) {
  const MemoryManager manager;
  const auto route = [&](std::size_t bytes, std::size_t alignment = 16,
                         MemoryHints hints = {}) {
    return manager.route(bytes, alignment, hints);
  };
  using enum MemoryRoute;
  EXPECT_EQ(route(0), kThreadCache);
  EXPECT_EQ(route(4 * kKiB), kThreadCache);
  EXPECT_EQ(route(4 * kKiB + 1), kNuma);
  EXPECT_EQ(route(kMiB), kNuma);
  EXPECT_EQ(route(kMiB + 1), kMmap);
  EXPECT_EQ(route(64, 64 * kKiB), kThreadCache);
  EXPECT_EQ(route(64, 128 * kKiB), kNuma) << "no class is so aligned";
  const MemoryHints brief{.lifetime = MemoryLifetime::kBrief};
  EXPECT_EQ(route(256 * kKiB, 16, brief), kThreadCache);
  EXPECT_EQ(route(256 * kKiB + 1, 16, brief), kNuma);
  const MemoryHints lasting{.lifetime = MemoryLifetime::kLasting};
  EXPECT_EQ(route(64, 16, lasting), kThreadCache);
  EXPECT_EQ(route(32 * kKiB, 16, lasting), kNuma);
  EXPECT_EQ(route(64 * kKiB, 16, lasting), kMmap);
  EXPECT_EQ(route(64, 16, {.need = MemoryNeed::kNode}), kNuma);
  EXPECT_EQ(route(64, 16, {.need = MemoryNeed::kOwnPages}), kMmap);
}

TEST(MemoryManager, TheBordersCanBeMoved) {
  const MemoryManager manager({.small_limit = 100, .large_limit = 1000});
  EXPECT_EQ(manager.route(100), MemoryRoute::kThreadCache);
  EXPECT_EQ(manager.route(101), MemoryRoute::kNuma);
  EXPECT_EQ(manager.route(1001), MemoryRoute::kMmap);
}

TEST(MemoryManager, StandsBehindContainersAndPmr) {
  MemoryManager manager;
  {
    std::vector<std::uint64_t, StlAllocator<std::uint64_t>> numbers{
        StlAllocator<std::uint64_t>(manager)};
    for (std::uint64_t i = 0; i < 500000; ++i) numbers.push_back(i);
    std::map<int, int, std::less<>, StlAllocator<std::pair<const int, int>>>
        map{StlAllocator<std::pair<const int, int>>(manager)};
    map[1] = 2;
    MemoryManagerResource resource(manager,
                                   {.lifetime = MemoryLifetime::kBrief});
    std::pmr::string text(10000, 'x', &resource);
    EXPECT_EQ(source(manager.stats(), "numa").in_use_bytes, 0u)
        << "brief, so from the thread cache; the vector has grown past it";
    EXPECT_TRUE(resource.is_equal(MemoryManagerResource(manager)));
    EXPECT_FALSE(resource.is_equal(*std::pmr::new_delete_resource()));
    EXPECT_GT(source(manager.stats(), "mmap").in_use_bytes, 4 * kMiB - 1);
  }
  EXPECT_EQ(manager.stats().total.in_use_bytes, 0u);
  StlAllocator<std::uint64_t> stl(manager);
  EXPECT_THROW((void)stl.allocate(SIZE_MAX / 4), std::bad_array_new_length);
  EXPECT_THROW((void)stl.allocate(SIZE_MAX / 16), std::bad_alloc);
  EXPECT_THROW((void)MemoryManagerResource(manager).allocate(SIZE_MAX / 16),
               std::bad_alloc);
  EXPECT_EQ(StlAllocator<int>(), StlAllocator<char>())
      << "both of the instance";
}

TEST(MemoryManager, BehavesAsAMapOfBlocks) {
  const std::uint32_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  MemoryManager manager;
  struct Block {
    unsigned char* at;
    std::size_t bytes;
    std::size_t alignment;
    unsigned char fill;
  };
  std::vector<Block> model;
  for (int step = 0; step < 3000; ++step) {
    if (model.empty() || random() % 100 < 55) {
      Block block{nullptr, random() % (std::size_t{1} << (random() % 22)),
                  std::size_t{1} << (random() % 18),
                  static_cast<unsigned char>(random())};
      const MemoryHints hints{
          .lifetime = static_cast<MemoryLifetime>(random() % 3),
          .need = static_cast<MemoryNeed>(random() % 3)};
      block.at = static_cast<unsigned char*>(
          manager.allocate(block.bytes, block.alignment, hints));
      ASSERT_NE(block.at, nullptr);
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block.at) % block.alignment,
                0u);
      std::memset(block.at, block.fill, block.bytes);
      model.push_back(block);
    } else {
      std::swap(model[random() % model.size()], model.back());
      const Block block = model.back();
      model.pop_back();
      for (std::size_t i = 0; i < block.bytes; i += 1 + block.bytes / 50) {
        ASSERT_EQ(block.at[i], block.fill);
      }
      if (random() % 2 == 0) {
        manager.deallocate(block.at);
      } else {
        manager.deallocate(block.at, block.bytes, block.alignment);
      }
    }
    if (step % 1000 == 0) manager.optimize();
  }
  for (const Block& block : model) manager.deallocate(block.at);
  EXPECT_EQ(manager.stats().total.in_use_bytes, 0u);
}

TEST(MemoryManager, ManyThreadsShareIt) {
  MemoryManager manager;
  std::vector<std::atomic<void*>> places(64);
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 16; ++t) {
    threads.emplace_back([&, t] {
      std::minstd_rand random(t + 1);
      for (int i = 0; i < 1000; ++i) {
        void* block =
            manager.allocate(random() % (i % 50 == 0 ? 2000000 : 8000));
        manager.deallocate(places[random() % places.size()].exchange(block));
        if (i % 400 == 0) manager.optimize();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (auto& place : places) manager.deallocate(place.exchange(nullptr));
  const MemorySourceStats total = manager.stats().total;
  EXPECT_EQ(total.total_allocations, 16000u);
  EXPECT_EQ(total.total_deallocations, 16000u);
  EXPECT_EQ(total.in_use_bytes, 0u);
}

TEST(MemoryManager, StatisticsAddUpAndHaveRates) {
  g_now_ns = 1;
  MemoryManager manager({.now_ns = &now_ns});
  EXPECT_EQ(manager.stats().allocations_per_second, 0);
  std::vector<void*> blocks;
  for (int i = 0; i < 1000; ++i) blocks.push_back(manager.allocate(1024));
  for (int i = 0; i < 500; ++i) manager.deallocate(blocks[i], 1024);
  g_now_ns += 500'000'000;
  const MemoryStats stats = manager.stats();
  EXPECT_DOUBLE_EQ(stats.allocations_per_second, 2000);
  EXPECT_DOUBLE_EQ(stats.deallocations_per_second, 1000);
  EXPECT_EQ(stats.total.in_use_bytes, 500 * 1024u);
  EXPECT_GE(stats.total.peak_bytes, 1000 * 1024u);
  EXPECT_EQ(manager.stats().allocations_per_second, 0) << "no time has passed";
  EXPECT_EQ(manager.allocate(SIZE_MAX / 2), nullptr);
  EXPECT_EQ(manager.stats().total.allocation_failures, 1u);
  for (int i = 500; i < 1000; ++i) manager.deallocate(blocks[i]);
}

TEST(MemoryManager, CountsPoolsThatAreMadeKnown) {
  MemoryManager manager;
  ObjectPool<std::uint64_t> pool({.initial_capacity = 100});
  bool trimmed = false;
  const int number = manager.add_source(
      {.stats =
           [&] {
             const ObjectPoolStats stats = pool.stats();
             MemorySourceStats mine;
             mine.name = "numbers";
             mine.in_use_bytes = stats.in_use * sizeof(std::uint64_t);
             mine.total_allocations = stats.total_allocations;
             return mine;
           },
       .trim =
           [&] {
             trimmed = true;
             return std::size_t{7};
           }});
  std::uint64_t* object = pool.create(1u);
  EXPECT_EQ(source(manager.stats(), "numbers").in_use_bytes, 8u);
  EXPECT_EQ(manager.stats().total.total_allocations, 1u);
  EXPECT_EQ(manager.optimize().bytes_given_back, 7u);
  EXPECT_TRUE(trimmed);
  pool.destroy(object);
  manager.remove_source(number);
  EXPECT_EQ(manager.stats().sources.size(), 3u);
}

TEST(MemoryManager, AlertsFireWhenAThresholdIsPassedAndAgainAfterReturn) {
  MemoryManager manager;
  std::vector<double> seen;
  const int number =
      manager.add_alert({.metric = MemoryMetric::kInUseBytes,
                         .threshold = 1e6,
                         .callback = [&](MemoryMetric metric, double value) {
                           EXPECT_EQ(metric, MemoryMetric::kInUseBytes);
                           seen.push_back(value);
                           (void)manager.stats();  // No lock is held.
                         }});
  manager.check_alerts();
  EXPECT_TRUE(seen.empty());
  void* block = manager.allocate(2 * kMiB);
  manager.check_alerts();
  manager.check_alerts();
  EXPECT_EQ(seen, std::vector<double>{2.0 * kMiB}) << "once";
  manager.deallocate(block);
  manager.check_alerts();
  block = manager.allocate(2 * kMiB);
  manager.check_alerts();
  EXPECT_EQ(seen.size(), 2u);
  manager.remove_alert(number);
  manager.deallocate(block);
  manager.check_alerts();
  block = manager.allocate(2 * kMiB);
  manager.check_alerts();
  EXPECT_EQ(seen.size(), 2u);
  manager.deallocate(block);
}

TEST(MemoryManager, EveryMetricCanAlert) {
  g_now_ns = 1;
  MemoryManager manager({.now_ns = &now_ns});
  (void)manager.stats();
  std::vector<MemoryMetric> seen;
  const auto note = [&](MemoryMetric metric, double) {
    seen.push_back(metric);
  };
  manager.add_alert({MemoryMetric::kCapacityBytes, 1, note});
  manager.add_alert({MemoryMetric::kAllocationFailures, 1, note});
  manager.add_alert({MemoryMetric::kAllocationsPerSecond, 10, note});
  manager.add_alert({MemoryMetric::kLocalityPercent, 101, note});
  std::vector<void*> blocks;
  for (int i = 0; i < 20; ++i) blocks.push_back(manager.allocate(8192));
  for (void* block : blocks) *static_cast<char*>(block) = 1;
  EXPECT_EQ(manager.allocate(SIZE_MAX / 2), nullptr);
  g_now_ns += 1'000'000'000;
  const bool known = manager.stats(true).locality_percent.has_value();
  manager.check_alerts();
  EXPECT_EQ(seen.size(), known ? 4u : 3u);
  for (void* block : blocks) manager.deallocate(block);
}

TEST(MemoryManager, OptimizeGivesBackWhatIsFree) {
  MemoryManager manager;
  std::vector<void*> blocks;
  for (int i = 0; i < 10000; ++i) blocks.push_back(manager.allocate(1024));
  for (int i = 0; i < 100; ++i) blocks.push_back(manager.allocate(2 * kMiB));
  for (void* block : blocks) manager.deallocate(block);
  EXPECT_GE(manager.optimize().bytes_given_back, 10 * kMiB);
  EXPECT_EQ(manager.optimize().bytes_given_back, 0u);
}

TEST(MemoryManager, ReportsAndTheAllocatorsItself) {
  MemoryManager manager({.perf_counters = true});
  void* block = manager.thread_cache().allocate(100);
  EXPECT_TRUE(manager.thread_cache().is_cached(block));
  void* node = manager.numa().allocate(10000);
  void* pages = manager.mmap().allocate(10000);
  const std::string text = manager.text_report();
  EXPECT_NE(text.find("thread_cache"), std::string::npos);
  const std::string json = manager.json_report(true);
  EXPECT_EQ(json.find("{\"total\":{\"name\":\"total\","), 0u) << json;
  EXPECT_EQ(manager.stats().perf.page_faults.has_value(),
            PerfCounters::open().read().page_faults.has_value());
  for (void* each : {block, node, pages}) manager.deallocate(each);
}

TEST(MemoryManager, TheInstanceIsOne) {
  MemoryManager& manager = MemoryManager::instance();
  EXPECT_EQ(&manager, &MemoryManager::instance());
  std::vector<int, StlAllocator<int>> numbers(100, 7);
  EXPECT_GT(manager.stats().total.in_use_bytes, 0u);
}

TEST(MemoryManagerDeathTest, DoubleAndForeignFree) {
  MemoryManager manager;
  void* small = manager.allocate(100);
  manager.deallocate(small);
  EXPECT_DEATH(manager.deallocate(small), "ThreadCacheAllocator.*double free");
  int local = 0;
  EXPECT_DEATH(manager.deallocate(&local), "wirebook: NumaAllocator.*0x");
}

TEST(MemoryManagerDeathTest, ItsEndTakesBackSmallBlocksAndNoOthers) {
  {
    MemoryManager manager;
    (void)manager.allocate(100);
  }
  EXPECT_DEATH(
      {
        MemoryManager manager;
        (void)manager.allocate(100000);
      },
      "NumaAllocator 0x.*: destroyed with blocks out; one is 0x");
  EXPECT_DEATH(
      {
        MemoryManager manager;
        (void)manager.allocate(std::size_t{4} << 20);
      },
      "MmapAllocator 0x.*: destroyed with blocks out; one is 0x");
}

}  // namespace
}  // namespace wirebook
