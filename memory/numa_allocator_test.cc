// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What needs several nodes is tested where there are several:
// tools/numa_guest.sh boots a guest that has them and runs this test in it.
#include "memory/numa_allocator.h"

#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory_resource>
#include <mutex>
#include <new>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "memory/asan_poison.h"
#include "memory/testing/refuse_calls.h"

namespace wirebook {
namespace {

constexpr std::size_t kKiB = 1024, kMiB = 1024 * kKiB;

const NumaTopology& machine() { return NumaTopology::system(); }

bool numa_calls_work() {
  int here = 0;
  return numa_node_of(&here).has_value();
}

// Nodes with memory.
std::vector<int> memory_nodes() {
  const auto nodes = machine().memory_by_distance(machine().nodes()[0]);
  return {nodes.begin(), nodes.end()};
}

// Runs on `cpu` while it lives.
class Pinned {
 public:
  explicit Pinned(int cpu) {
    sched_getaffinity(0, sizeof(before_), &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<unsigned>(cpu), &one);
    sched_setaffinity(0, sizeof(one), &one);
  }
  ~Pinned() { sched_setaffinity(0, sizeof(before_), &before_); }

 private:
  cpu_set_t before_;
};

// Of a node that has memory.
int cpu_with_memory() {
  for (const int node : memory_nodes()) {
    if (!machine().cpus(node).empty()) return machine().cpus(node)[0];
  }
  return 0;
}

int node_of(const void* address) { return numa_node_of(address).value_or(-1); }

#define REQUIRE_NUMA_CALLS() \
  if (!numa_calls_work()) GTEST_SKIP() << "NUMA system calls are refused here"
#define REQUIRE_SEVERAL_NODES() \
  REQUIRE_NUMA_CALLS();         \
  if (memory_nodes().size() < 2) GTEST_SKIP() << "this machine has one node"

TEST(NumaAllocator, GivesMemoryAndSaysWhereItLies) {
  NumaAllocator allocator;
  ASSERT_EQ(allocator.status(), absl::OkStatus());
  auto* block = static_cast<char*>(allocator.allocate(64 * kKiB));
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 4096, 0u);
  std::memset(block, 1, 64 * kKiB);
  const NumaLocality found = allocator.measure_locality();
  if (found.known) {
    EXPECT_EQ(found.local_pages + found.elsewhere_pages, 16u);
    EXPECT_EQ(found.absent_pages, 0u);
  }
  allocator.deallocate(block, 64 * kKiB);
}

TEST(NumaAllocator, ClassesFitAndWasteLittle) {
  std::size_t last = 0;
  for (std::size_t bytes = 1; bytes <= kMiB; bytes += 511) {
    const std::size_t size_class = internal::numa_class_of(bytes);
    const std::size_t block = internal::numa_class_pages(size_class) * 4096;
    ASSERT_GE(block, bytes);
    ASSERT_GE(size_class, last);
    ASSERT_LE(block - bytes, std::max<std::size_t>(4095, block / 5)) << bytes;
    last = size_class;
  }
  EXPECT_EQ(internal::numa_class_of(0), 0u);
  EXPECT_EQ(internal::numa_class_of(kMiB), internal::kNumaClasses - 1);
}

TEST(NumaAllocator, ZeroOverflowAndOddAlignments) {
  NumaAllocator allocator;
  void* one = allocator.allocate(0);
  void* two = allocator.allocate(0);
  EXPECT_NE(one, two);
  allocator.deallocate(one, 0);
  allocator.deallocate(two);
  allocator.deallocate(nullptr);
  for (const std::size_t bytes :
       {SIZE_MAX, SIZE_MAX / 2, std::size_t{1} << 46}) {
    EXPECT_EQ(allocator.allocate(bytes), nullptr);
  }
  EXPECT_EQ(allocator.allocate(1, 3), nullptr);
  EXPECT_EQ(allocator.stats().allocation_failures, 4u);
  for (const std::size_t alignment : {std::size_t{8192}, 2 * kMiB, 8 * kMiB}) {
    void* block = allocator.allocate(100, alignment);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % alignment, 0u);
    allocator.deallocate(block, 100);
  }
}

TEST(NumaAllocator, AnAlignmentThatCannotBeHadIsRefusedAndForgotten) {
  NumaAllocator allocator;
  EXPECT_EQ(allocator.allocate(internal::kNumaChunkBytes, std::size_t{1} << 50),
            nullptr);
  void* block = allocator.allocate(1);
  ASSERT_NE(block, nullptr);
  allocator.deallocate(block);
}

TEST(NumaAllocator, PagesOfAnUnknownSizeAreSaidAtOnce) {
  for (const std::size_t page_bytes : {std::size_t{0}, std::size_t{12345}}) {
    NumaAllocator allocator({.page_bytes = page_bytes});
    EXPECT_EQ(allocator.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(allocator.allocate(1), nullptr);
    EXPECT_EQ(allocator.allocate(2 * kMiB), nullptr);
  }
}

// A topology of `ids`, `mib` of memory each.
NumaTopology made_up(const std::vector<int>& ids, int mib) {
  static int count = 0;
  const std::filesystem::path root =
      std::filesystem::path(::testing::TempDir()) /
      ("numa_allocator_" + std::to_string(getpid()) + "_" +
       std::to_string(count++));
  std::string online, distances;
  for (const int id : ids) {
    online += (online.empty() ? "" : ",") + std::to_string(id);
    distances += "10 ";
  }
  const std::filesystem::path folder = root / "devices/system/node";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "online") << online << "\n";
  for (const int id : ids) {
    const std::filesystem::path node = folder / ("node" + std::to_string(id));
    std::filesystem::create_directories(node);
    std::ofstream(node / "cpulist") << "\n";
    std::ofstream(node / "distance") << distances << "\n";
    std::ofstream(node / "meminfo")
        << "Node " << id << " MemTotal: " << mib * 1024 << " kB\n";
  }
  return *NumaTopology::read(root);
}

// As in a container that shows no sysfs, and with it one node, 0.
TEST(NumaAllocator, AThreadOnANodeThatTheTopologyDoesNotKnowGetsMemory) {
  const int known = memory_nodes()[0];
  const NumaTopology one = made_up({known}, 100);
  const NumaTopology other = made_up({known + 5}, 100);
  const pid_t child = fork();
  if (child == 0) {
    // A bind to a made-up node must not fail.
    if (!testing::refuse_calls({SYS_mbind}, EPERM)) testing::leave_child(2);
    for (const NumaTopology* topology : {&one, &other}) {
      NumaAllocator allocator({.topology = topology});
      for (const std::size_t bytes : {kKiB, 2 * kMiB}) {
        void* block = allocator.allocate(bytes);
        if (block == nullptr) testing::leave_child(1);
        allocator.deallocate(block);
      }
      NumaAllocator strict(
          {.placement = {NumaPolicy::kLocalOnly}, .topology = &other});
      if (strict.allocate(1) != nullptr) testing::leave_child(3);
    }
    testing::leave_child(0);
  }
  int status;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(status, 0) << WEXITSTATUS(status);
}

TEST(NumaAllocator, WithoutAnyMemoryItSaysSo) {
  const NumaTopology none = made_up({0}, 0);
  for (const NumaPolicy policy :
       {NumaPolicy::kRoundRobin, NumaPolicy::kLocalPreferred,
        NumaPolicy::kPreferred}) {
    NumaAllocator allocator({.placement = {policy, 0}, .topology = &none});
    EXPECT_EQ(allocator.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(allocator.allocate(1), nullptr);
    EXPECT_EQ(allocator.allocate(2 * kMiB), nullptr);
  }
}

TEST(NumaAllocator, AFreedBlockIsTheNextOfItsSize) {
  NumaAllocator allocator;
  void* block = allocator.allocate(20 * kKiB);
  void* other = allocator.allocate(20 * kKiB);
  allocator.deallocate(block);
  EXPECT_EQ(allocator.allocate(20 * kKiB), block);
  allocator.deallocate(block);
  allocator.deallocate(other);
}

TEST(NumaAllocator, StatisticsAreExactAtRest) {
  NumaAllocator allocator;
  const Pinned pinned(cpu_with_memory());
  void* page = allocator.allocate(1);
  void* kib100 = allocator.allocate(100 * kKiB);  // Rounded to 112.
  void* large = allocator.allocate(3 * kMiB);
  allocator.deallocate(kib100);
  NumaAllocatorStats stats = allocator.stats();
  EXPECT_EQ(stats.total_allocations, 3u);
  EXPECT_EQ(stats.total_deallocations, 1u);
  EXPECT_EQ(stats.in_use_bytes, 4 * kKiB + 3 * kMiB);
  EXPECT_EQ(stats.peak_bytes, 116 * kKiB + 3 * kMiB);
  EXPECT_EQ(stats.capacity_bytes, 2 * internal::kNumaChunkBytes + 3 * kMiB);
  EXPECT_EQ(stats.cross_node_rate(), 0);
  std::size_t sum = 0;
  for (const NumaNodeStats& node : stats.nodes) sum += node.in_use_bytes;
  EXPECT_EQ(sum, stats.in_use_bytes);
  allocator.deallocate(page);
  allocator.deallocate(large);
  stats = allocator.stats();
  EXPECT_EQ(stats.in_use_bytes, 0u);
  EXPECT_EQ(stats.total_deallocations, 3u);
}

TEST(NumaAllocator, KeepsUnusedChunksWithinALimitAndTrimsThem) {
  NumaAllocator allocator({.retain_bytes = 2 * internal::kNumaChunkBytes});
  std::vector<void*> blocks;
  for (int i = 0; i < 4 * 5; ++i) blocks.push_back(allocator.allocate(kMiB));
  EXPECT_GE(allocator.stats().capacity_bytes, 20 * kMiB);
  for (void* block : blocks) allocator.deallocate(block);
  EXPECT_LE(allocator.stats().capacity_bytes,
            2 * internal::kNumaChunkBytes * memory_nodes().size());
  EXPECT_GT(allocator.trim(), 0u);
  EXPECT_EQ(allocator.stats().capacity_bytes, 0u);
  EXPECT_EQ(allocator.trim(), 0u);
  void* again = allocator.allocate(kMiB);
  EXPECT_NE(again, nullptr);
  allocator.deallocate(again);
}

TEST(NumaAllocator, LocalPreferredIsLocalOnEveryNode) {
  REQUIRE_NUMA_CALLS();
  NumaAllocator allocator;
  std::vector<void*> blocks;
  for (const int node : memory_nodes()) {
    for (const int cpu : machine().cpus(node)) {
      const Pinned pinned(cpu);
      for (const std::size_t bytes : {4 * kKiB, 100 * kKiB, kMiB, 2 * kMiB}) {
        void* block = allocator.allocate(bytes);
        ASSERT_NE(block, nullptr);
        std::memset(block, 1, bytes);
        EXPECT_EQ(node_of(block), node) << bytes;
        blocks.push_back(block);
      }
    }
  }
  const NumaLocality found = allocator.measure_locality();
  EXPECT_TRUE(found.known);
  EXPECT_GE(found.local_percent(), 90);
  for (void* block : blocks) allocator.deallocate(block);
}

// The threads' blocks in all sizes, freed by whoever comes by.
TEST(NumaAllocator, LocalPreferredStaysLocalUnderStress) {
  REQUIRE_NUMA_CALLS();
  NumaAllocator allocator;
  std::mutex mutex;
  std::vector<void*> shared;
  std::atomic<std::uint64_t> asked{0}, local{0};
  std::vector<std::thread> threads;
  for (const int node : memory_nodes()) {
    if (machine().cpus(node).empty()) continue;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, node, t] {
        const Pinned pinned(machine().cpus(node)[0]);
        std::mt19937 random(static_cast<unsigned>(node * 16 + t));
        std::vector<void*> mine;
        for (int i = 0; i < 400; ++i) {
          const std::size_t bytes = std::size_t{4096} << random() % 7;
          auto* block = static_cast<char*>(allocator.allocate(bytes));
          ASSERT_NE(block, nullptr);
          block[0] = block[bytes - 1] = 1;
          asked += 2;
          local +=
              (node_of(block) == node) + (node_of(block + bytes - 1) == node);
          mine.push_back(block);
          const std::lock_guard lock(mutex);
          shared.push_back(std::exchange(mine[random() % mine.size()], block));
          mine.pop_back();
          if (shared.size() > 200) {
            const std::size_t at = random() % shared.size();
            allocator.deallocate(std::exchange(shared[at], shared.back()));
            shared.pop_back();
          }
        }
        const std::lock_guard lock(mutex);
        shared.insert(shared.end(), mine.begin(), mine.end());
      });
    }
  }
  for (std::thread& thread : threads) thread.join();
  const NumaLocality found = allocator.measure_locality();
  const double percent =
      100 * static_cast<double>(local) / static_cast<double>(asked);
  std::printf(
      "locality under stress: %.1f %% of %llu pages when touched, "
      "%.1f %% of %zu afterwards, %zu nodes\n",
      percent, static_cast<unsigned long long>(asked), found.local_percent(),
      found.local_pages + found.elsewhere_pages, memory_nodes().size());
  EXPECT_GE(percent, 90);
  EXPECT_GE(found.local_percent(), 90);
  for (void* block : shared) allocator.deallocate(block);
  EXPECT_EQ(allocator.stats().in_use_bytes, 0u);
}

TEST(NumaAllocator, BindAndPreferredTakeTheNodeThatIsNamed) {
  REQUIRE_NUMA_CALLS();
  for (const int node : memory_nodes()) {
    for (const NumaPolicy policy :
         {NumaPolicy::kBind, NumaPolicy::kPreferred}) {
      NumaAllocator allocator({.placement = {policy, node}});
      for (const std::size_t bytes : {4 * kKiB, 2 * kMiB}) {
        auto* block = static_cast<char*>(allocator.allocate(bytes));
        ASSERT_NE(block, nullptr);
        block[bytes - 1] = 1;
        EXPECT_EQ(node_of(block + bytes - 1), node);
        allocator.deallocate(block, bytes);
      }
    }
  }
}

TEST(NumaAllocator, ANodeThatIsNotThereIsSaidAtOnce) {
  for (const NumaPolicy policy : {NumaPolicy::kBind, NumaPolicy::kPreferred}) {
    for (const int node : {-1, 900}) {
      NumaAllocator allocator({.placement = {policy, node}});
      EXPECT_EQ(allocator.status().code(), absl::StatusCode::kInvalidArgument);
      EXPECT_EQ(allocator.allocate(1), nullptr);
      EXPECT_EQ(allocator.stats().allocation_failures, 1u);
    }
  }
}

TEST(NumaAllocator, RoundRobinGoesThroughTheNodesBlockByBlock) {
  REQUIRE_NUMA_CALLS();
  NumaAllocator allocator({.placement = {NumaPolicy::kRoundRobin}});
  std::vector<int> blocks_on(1024);
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < 6 * memory_nodes().size(); ++i) {
    auto* block = static_cast<char*>(allocator.allocate(8 * kKiB));
    ASSERT_NE(block, nullptr);
    block[0] = block[8 * kKiB - 1] = 1;
    EXPECT_EQ(node_of(block), node_of(block + 8 * kKiB - 1));
    ++blocks_on[static_cast<std::size_t>(node_of(block))];
    blocks.push_back(block);
  }
  for (const int node : memory_nodes()) {
    EXPECT_EQ(blocks_on[static_cast<std::size_t>(node)], 6) << node;
  }
  for (void* block : blocks) allocator.deallocate(block);
}

TEST(NumaAllocator, InterleavedSpreadsPagesAndDefaultIsTheThreads) {
  REQUIRE_NUMA_CALLS();
  for (const NumaPolicy policy :
       {NumaPolicy::kInterleaved, NumaPolicy::kDefault}) {
    NumaAllocator allocator({.placement = {policy}});
    for (const std::size_t bytes : {kMiB, 2 * kMiB}) {
      void* block = allocator.allocate(bytes);
      ASSERT_NE(block, nullptr);
      std::memset(block, 1, bytes);
      const NumaLocality found = allocator.measure_locality();
      EXPECT_EQ(found.local_pages + found.elsewhere_pages, 0u)
          << "meant for no node";
      if (policy == NumaPolicy::kInterleaved) {
        for (const int node : memory_nodes()) {
          EXPECT_NEAR(static_cast<double>(
                          found.pages_on_node[static_cast<std::size_t>(node)]),
                      static_cast<double>(bytes / 4096 / memory_nodes().size()),
                      2);
        }
      }
      allocator.deallocate(block);
    }
    EXPECT_EQ(allocator.rebalance(), 0u);
  }
}

TEST(NumaAllocator, MigratesALiveBlockAndReusesItsPlaceAtHome) {
  REQUIRE_NUMA_CALLS();
  const int home = memory_nodes()[0];
  NumaAllocator allocator({.placement = {NumaPolicy::kPreferred, home}});
  for (const std::size_t bytes : {16 * kKiB, 2 * kMiB}) {
    for (const int node : memory_nodes()) {
      auto* block = static_cast<char*>(allocator.allocate(bytes));
      ASSERT_NE(block, nullptr);
      std::memset(block, 7, bytes / 2);  // The rest is not touched yet.
      ASSERT_EQ(allocator.migrate(block, node), absl::OkStatus());
      block[bytes - 1] = 8;
      EXPECT_EQ(node_of(block), node);
      EXPECT_EQ(node_of(block + bytes - 1), node);
      EXPECT_EQ(block[bytes / 2 - 1], 7);
      EXPECT_EQ(allocator.rebalance(), 0u) << "it stays where it was sent";
      const NumaLocality found = allocator.measure_locality();
      EXPECT_EQ(found.elsewhere_pages, 0u) << "it was meant to be there";
      EXPECT_EQ(found.local_pages, 0u);
      EXPECT_GE(found.pages_on_node[static_cast<std::size_t>(node)],
                bytes / 2 / 4096 + 1);
      EXPECT_EQ(found.cross_node_rate(), 0);
      EXPECT_EQ(node_of(block), node);
      allocator.deallocate(block, bytes);
      auto* next = static_cast<char*>(allocator.allocate(bytes));
      next[0] = next[bytes - 1] = 1;
      EXPECT_EQ(node_of(next), home);
      EXPECT_EQ(node_of(next + bytes - 1), home);
      allocator.deallocate(next, bytes);
    }
  }
  EXPECT_EQ(allocator.stats().migrations, 2 * memory_nodes().size());
  void* block = allocator.allocate(1);
  EXPECT_EQ(allocator.migrate(block, 900).code(),
            absl::StatusCode::kInvalidArgument);
  allocator.deallocate(block);
}

// tools/numa_guest.sh --nodes=2 reserves some.
TEST(NumaAllocator, ABlockWithinAReservedHugePageCannotBeSent) {
  REQUIRE_NUMA_CALLS();
  NumaAllocator allocator({.page_bytes = kHugePageBytes, .prefault = true});
  auto* block = static_cast<char*>(allocator.allocate(16 * kKiB));
  ASSERT_NE(block, nullptr);
  block[0] = 7;
  const int home = node_of(block);
  const absl::Status sent = allocator.migrate(block, memory_nodes().back());
  if (!sent.ok()) {
    EXPECT_EQ(sent.code(), absl::StatusCode::kInvalidArgument) << sent;
    EXPECT_EQ(node_of(block), home);
  }
  EXPECT_EQ(block[0], 7);
  allocator.deallocate(block);
  block = static_cast<char*>(allocator.allocate(16 * kKiB));
  block[0] = 8;
  EXPECT_EQ(node_of(block), home);
  allocator.deallocate(block);
  if (sent.ok()) GTEST_SKIP() << "no huge pages are reserved on this system";
}

TEST(NumaAllocator, RebalanceBringsHomeWhatLiesElsewhere) {
  REQUIRE_SEVERAL_NODES();
  const int home = memory_nodes()[0], away = memory_nodes()[1];
  NumaAllocator allocator({.placement = {NumaPolicy::kPreferred, home}});
  auto* small = static_cast<char*>(allocator.allocate(64 * kKiB));
  auto* large = static_cast<char*>(allocator.allocate(2 * kMiB));
  std::memset(small, 1, 64 * kKiB);
  std::memset(large, 1, 2 * kMiB);
  std::vector<void*> pages;
  for (std::size_t at = 0; at < 64 * kKiB; at += 4096) {
    pages.push_back(small + at);
    pages.push_back(large + at);
  }
  ASSERT_EQ(move_numa_pages(pages, away), 32u);  // Behind its back.
  NumaLocality found = allocator.measure_locality();
  const std::size_t moved = found.elsewhere_pages;
  EXPECT_GE(moved, 32u) << "more, where they are parts of huge pages";
  EXPECT_EQ(found.pages_on_node[static_cast<std::size_t>(away)], moved);
  EXPECT_LT(found.local_percent(), 100);
  EXPECT_NEAR(found.cross_node_rate(), 1 - found.local_percent() / 100, 1e-9);
  EXPECT_EQ(allocator.stats().cross_node_rate(), 0) << "no thread crossed";
  EXPECT_EQ(allocator.rebalance(), moved);
  found = allocator.measure_locality();
  EXPECT_EQ(found.elsewhere_pages, 0u);
  EXPECT_EQ(found.local_percent(), 100);
  allocator.deallocate(small);
  allocator.deallocate(large);
}

TEST(NumaAllocator, AFreeFromAnotherNodeIsCounted) {
  REQUIRE_SEVERAL_NODES();
  std::vector<int> with_cpus;
  for (const int node : memory_nodes()) {
    if (!machine().cpus(node).empty()) with_cpus.push_back(node);
  }
  if (with_cpus.size() < 2) GTEST_SKIP() << "one node has all CPUs";
  NumaAllocator allocator;
  void *small, *large;
  {
    const Pinned pinned(machine().cpus(with_cpus[0])[0]);
    small = allocator.allocate(1);
    large = allocator.allocate(2 * kMiB);
  }
  const Pinned pinned(machine().cpus(with_cpus[1])[0]);
  allocator.deallocate(small);
  allocator.deallocate(large);
  EXPECT_EQ(allocator.stats().cross_node_rate(), 0.5);
}

TEST(NumaAllocator, AThreadOnANodeWithoutMemoryGetsTheNearest) {
  REQUIRE_NUMA_CALLS();
  bool none = true;
  for (const int node : machine().nodes()) {
    if (machine().memory_bytes(node) != 0 || machine().cpus(node).empty()) {
      continue;
    }
    none = false;
    const Pinned pinned(machine().cpus(node)[0]);
    NumaAllocator allocator;
    for (const std::size_t bytes : {8 * kKiB, 2 * kMiB}) {
      auto* block = static_cast<char*>(allocator.allocate(bytes));
      ASSERT_NE(block, nullptr);
      block[0] = 1;
      EXPECT_EQ(node_of(block), machine().memory_by_distance(node)[0]);
      allocator.deallocate(block);
    }
    EXPECT_GT(allocator.stats().cross_node_rate(), 0);
    NumaAllocator strict({.placement = {NumaPolicy::kLocalOnly}});
    EXPECT_EQ(strict.allocate(1), nullptr);
    EXPECT_EQ(strict.allocate(2 * kMiB), nullptr);
  }
  if (none) GTEST_SKIP() << "every node has memory here";
}

// A node that is filled: only where that is quickly done.
class FullNode : public ::testing::Test {
 protected:
  void SetUp() override {
    REQUIRE_SEVERAL_NODES();
    for (const int node : memory_nodes()) {
      if (!machine().cpus(node).empty()) node_ = node;
    }
    if (machine().free_bytes(node_).value_or(SIZE_MAX) > 400 * kMiB) {
      GTEST_SKIP() << "node " << node_ << " has too much memory to fill";
    }
  }
  int node_ = 0;
};

TEST_F(FullNode, LocalOnlyAndBindFailAndNeverGoElsewhere) {
  const Pinned pinned(machine().cpus(node_)[0]);
  for (const NumaPlacement placement :
       {NumaPlacement{NumaPolicy::kLocalOnly},
        NumaPlacement{NumaPolicy::kBind, node_}}) {
    NumaAllocator allocator({.placement = placement});
    std::vector<char*> blocks;
    while (auto* block = static_cast<char*>(allocator.allocate(kMiB))) {
      std::memset(block, 1, kMiB);
      blocks.push_back(block);
      ASSERT_LT(blocks.size(), 1000u);
    }
    EXPECT_GT(blocks.size(), 20u);
    EXPECT_EQ(allocator.allocate(2 * kMiB + 4 * kMiB), nullptr);
    const NumaLocality found = allocator.measure_locality();
    EXPECT_EQ(found.elsewhere_pages, 0u);
    EXPECT_EQ(allocator.stats().allocation_failures, 2u);
    for (char* block : blocks) allocator.deallocate(block);
  }
}

TEST_F(FullNode, LocalPreferredGoesToTheNearestAndComesHomeWhenAsked) {
  const Pinned pinned(machine().cpus(node_)[0]);
  std::vector<void*> filling;
  NumaAllocator filler({.placement = {NumaPolicy::kLocalOnly}});
  while (void* block = filler.allocate(kMiB)) filling.push_back(block);

  NumaAllocator allocator;
  std::vector<char*> blocks;
  // No more than the nearest has, so that it need not go further.
  for (int i = 0; i < 24; ++i) {
    blocks.push_back(static_cast<char*>(allocator.allocate(kMiB)));
    ASSERT_NE(blocks.back(), nullptr);
    std::memset(blocks.back(), i, kMiB);
  }
  const int nearest = machine().memory_by_distance(node_)[1];
  NumaLocality found = allocator.measure_locality();
  const std::size_t pages = 24 * kMiB / 4096;
  EXPECT_EQ(found.local_pages + found.elsewhere_pages, pages);
  EXPECT_GT(found.elsewhere_pages, pages / 2) << "the node was to be full";
  EXPECT_GE(found.pages_on_node[static_cast<std::size_t>(nearest)],
            found.elsewhere_pages * 9 / 10);

  for (void* block : filling) filler.deallocate(block);
  filler.trim();
  EXPECT_GT(allocator.rebalance(), pages / 2);
  found = allocator.measure_locality();
  EXPECT_GE(found.local_percent(), 90);
  for (int i = 0; i < 24; ++i) {
    EXPECT_EQ(blocks[static_cast<std::size_t>(i)][kMiB - 1], i);
    allocator.deallocate(blocks[static_cast<std::size_t>(i)]);
  }
}

TEST(NumaAllocator, WhereTheCallsAreRefusedItAllocatesAndKnowsNothing) {
  const Pinned pinned(cpu_with_memory());  // For LocalOnly.
  for (const int error : {EPERM, ENOSYS}) {
    const pid_t child = fork();
    if (child == 0) {
      if (!testing::refuse_calls({SYS_mbind, SYS_get_mempolicy, SYS_move_pages},
                                 error)) {
        testing::leave_child(2);
      }
      for (int policy = 0; policy <= static_cast<int>(NumaPolicy::kInterleaved);
           ++policy) {
        NumaAllocator allocator({.placement = {static_cast<NumaPolicy>(policy),
                                               memory_nodes()[0]}});
        for (const std::size_t bytes : {kKiB, 2 * kMiB}) {
          auto* block = static_cast<char*>(allocator.allocate(bytes));
          if (block == nullptr) testing::leave_child(10 + policy);
          block[bytes - 1] = 1;
          if (allocator.measure_locality().known)
            testing::leave_child(20 + policy);
          if (!absl::IsUnavailable(
                  allocator.migrate(block, memory_nodes()[0]))) {
            testing::leave_child(30 + policy);
          }
          if (allocator.rebalance() != 0) testing::leave_child(40 + policy);
          allocator.deallocate(block, bytes);
        }
      }
      testing::leave_child(0);
    }
    int status;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "no seccomp here";
    EXPECT_EQ(status, 0) << WEXITSTATUS(status);
  }
}

TEST(NumaAllocator, TakesHugePagesAndPrefaults) {
  NumaAllocator allocator({.page_bytes = kGiantPageBytes, .prefault = true});
  auto* block = static_cast<char*>(allocator.allocate(64 * kKiB));
  auto* large = static_cast<char*>(allocator.allocate(5 * kMiB));
  ASSERT_TRUE(block != nullptr && large != nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(large) % kHugePageBytes, 0u);
  const NumaLocality found = allocator.measure_locality();
  if (found.known) {
    EXPECT_EQ(found.absent_pages, 0u);
  }
  allocator.deallocate(block);
  allocator.deallocate(large, 5 * kMiB);
}

TEST(NumaResource, CarriesAContainer) {
  NumaAllocator allocator;
  NumaResource resource(allocator);
  {
    std::pmr::vector<std::uint64_t> numbers(&resource);
    for (std::uint64_t i = 0; i < 300'000; ++i) numbers.push_back(i);
    EXPECT_EQ(numbers[299'999], 299'999u);
  }
  EXPECT_EQ(allocator.stats().in_use_bytes, 0u);
  EXPECT_THROW((void)resource.allocate(std::size_t{1} << 46), std::bad_alloc);
  NumaAllocator other;
  EXPECT_TRUE(resource == NumaResource(allocator));
  EXPECT_FALSE(resource == NumaResource(other));
  EXPECT_FALSE(resource == *std::pmr::new_delete_resource());
}

TEST(NumaAllocator, FreeBlocksArePoisoned) {
  if (!kPoisons) GTEST_SKIP() << "needs AddressSanitizer";
  NumaAllocator allocator;
  auto* block = static_cast<char*>(allocator.allocate(8 * kKiB));
  EXPECT_FALSE(is_poisoned(block));
  EXPECT_TRUE(is_poisoned(block + 8 * kKiB)) << "its neighbour is free";
  allocator.deallocate(block);
  EXPECT_TRUE(is_poisoned(block));
  allocator.trim();
  EXPECT_FALSE(is_poisoned(block)) << "the address is the system's again";
}

TEST(NumaAllocatorDeathTest, MisuseEndsTheProcess) {
  NumaAllocator allocator;
  auto* block = static_cast<char*>(allocator.allocate(8 * kKiB));
  auto* other = static_cast<char*>(allocator.allocate(8 * kKiB));
  auto* large = static_cast<char*>(allocator.allocate(2 * kMiB));
  int local = 0;
  EXPECT_DEATH(allocator.deallocate(&local), "NumaAllocator.*no block");
  EXPECT_DEATH(allocator.deallocate(block + 4096), "NumaAllocator.*no block");
  EXPECT_DEATH(allocator.deallocate(large + 4096), "NumaAllocator.*no block");
  EXPECT_DEATH(allocator.deallocate(block, 9 * kKiB), "NumaAllocator.*more");
  EXPECT_DEATH(allocator.deallocate(large, 3 * kMiB), "NumaAllocator.*more");
  EXPECT_DEATH((void)allocator.migrate(&local, memory_nodes()[0]),
               "NumaAllocator.*no block");
  EXPECT_DEATH((void)allocator.migrate(block + 4096, memory_nodes()[0]),
               "NumaAllocator.*no block");
  allocator.deallocate(block);
  EXPECT_DEATH(allocator.deallocate(block), "NumaAllocator.*no block");
  allocator.deallocate(large);
  EXPECT_DEATH(allocator.deallocate(large), "NumaAllocator.*no block");
  allocator.deallocate(other);
  allocator.trim();
  EXPECT_DEATH(allocator.deallocate(block), "NumaAllocator.*no block");
  for (const std::size_t bytes : {std::size_t{1}, 2 * kMiB}) {
    EXPECT_DEATH(
        {
          NumaAllocator dies;
          (void)dies.allocate(bytes);
        },
        "NumaAllocator.*destroyed with blocks out");
  }
}

TEST(NumaAllocator, AgreesWithAModel) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  NumaAllocator allocator({.retain_bytes = 8 * kMiB});
  struct Block {
    char* begin;
    std::size_t bytes;
    char value;
  };
  std::vector<Block> model;
  for (int i = 0; i < 20'000; ++i) {
    if (model.size() < 200 && random() % 2 == 0) {
      const std::size_t bytes =
          random() % (std::size_t{4096} << random() % 10) + 1;
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
    if (i % 1000 == 0) {
      const NumaAllocatorStats stats = allocator.stats();
      ASSERT_EQ(stats.total_allocations - stats.total_deallocations,
                model.size());
      ASSERT_LE(stats.in_use_bytes, stats.capacity_bytes);
      if (i % 5000 == 0) allocator.trim();
    }
  }
  for (const Block& block : model) allocator.deallocate(block.begin);
}

TEST(NumaAllocator, SixteenThreadsFreeWhatOthersAllocated) {
  NumaAllocator allocator({.retain_bytes = 0});
  constexpr int kThreads = 16, kRounds = 1000;
  std::mutex mutex;
  std::vector<int*> shared;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRounds; ++i) {
        auto* block = static_cast<int*>(
            allocator.allocate(4096u << static_cast<unsigned>(i % 9)));
        ASSERT_NE(block, nullptr);
        *block = t;
        int* other = nullptr;
        {
          const std::lock_guard lock(mutex);
          shared.push_back(block);
          if (shared.size() > 2 * kThreads) {
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
  const NumaAllocatorStats stats = allocator.stats();
  EXPECT_EQ(stats.total_allocations, std::uint64_t{kThreads} * kRounds);
  EXPECT_EQ(stats.total_deallocations, stats.total_allocations);
  EXPECT_EQ(stats.in_use_bytes, 0u);
}

std::size_t resident_pages() {
  std::size_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident;
}

TEST(NumaAllocator, AMillionCyclesDoNotGrowTheProcess) {
  const Pinned pinned(cpu_with_memory());  // Another node has its own chunks.
  NumaAllocator allocator;
  std::size_t before = 0;
  for (unsigned i = 0; i < 1'000'000; ++i) {
    const std::size_t bytes = std::size_t{4096} << i % 9;
    auto* block = static_cast<char*>(allocator.allocate(bytes));
    block[0] = 1;
    allocator.deallocate(block, bytes);
    if (i == 100'000) before = resident_pages();
  }
  EXPECT_LT(resident_pages(), before + 1024);
}

}  // namespace
}  // namespace wirebook
