// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/numa_policy.h"

#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "memory/testing/refuse_calls.h"
#include "memory/testing/refuse_heap.h"

namespace wirebook {
namespace {

constexpr std::size_t kPage = 4096;

// Nodes with memory, by their folders.
std::vector<int> nodes_with_memory() {
  std::vector<int> nodes;
  std::ifstream list("/sys/devices/system/node/has_memory");
  for (std::string range; std::getline(list, range, ',');) {
    int first = 0, last = -1;
    const int read = std::sscanf(range.c_str(), "%d-%d", &first, &last);
    for (int node = first; node <= (read == 2 ? last : first); ++node) {
      if (read >= 1) nodes.push_back(node);
    }
  }
  return nodes;
}

// A node with CPUs only has nothing that is local.
void run_where_there_is_memory() {
  const std::vector<int> nodes = nodes_with_memory();
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    if (sched_setaffinity(0, sizeof(one), &one) == 0 &&
        std::count(nodes.begin(), nodes.end(), current_numa_node()) != 0) {
      return;
    }
  }
}

class Pages {
 public:
  explicit Pages(std::size_t count)
      : bytes_(count * kPage),
        memory_(mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {}
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages() { munmap(memory_, bytes_); }
  char* data() { return static_cast<char*>(memory_); }
  std::size_t bytes() const { return bytes_; }
  absl::Status place(NumaPlacement placement) {
    return apply_numa_placement(memory_, bytes_, placement);
  }
  void touch() { std::memset(memory_, 1, bytes_); }

  // Node -> number of pages there.
  std::map<int, std::size_t> pages_by_node() {
    std::vector<const void*> addresses;
    for (std::size_t at = 0; at < bytes_; at += kPage) {
      addresses.push_back(data() + at);
    }
    std::vector<int> nodes(addresses.size());
    EXPECT_TRUE(numa_nodes_of(addresses, nodes));
    std::map<int, std::size_t> count;
    for (const int node : nodes) ++count[node];
    return count;
  }

 private:
  std::size_t bytes_;
  void* memory_;
};

// Whether this system carries the calls out at all.
bool numa_calls_work() {
  Pages page(1);
  page.touch();
  return syscall(SYS_mbind, page.data(), kPage, 0, nullptr, 0, 0) == 0 &&
         numa_node_of(page.data()).has_value();
}

#define REQUIRE_NUMA_CALLS() \
  if (!numa_calls_work()) GTEST_SKIP() << "NUMA system calls are refused here"

TEST(NumaPolicy, PutsPagesOnTheNodeThatWasAskedFor) {
  REQUIRE_NUMA_CALLS();
  for (const int node : nodes_with_memory()) {
    for (const NumaPolicy policy :
         {NumaPolicy::kBind, NumaPolicy::kPreferred}) {
      Pages pages(16);
      ASSERT_EQ(pages.place({policy, node}), absl::OkStatus());
      pages.touch();
      EXPECT_EQ(pages.pages_by_node(),
                (std::map<int, std::size_t>{{node, 16}}));
    }
  }
}

TEST(NumaPolicy, EveryPolicyLeavesUsableMemory) {
  run_where_there_is_memory();
  const int node = nodes_with_memory().at(0);
  for (int policy = 0; policy <= static_cast<int>(NumaPolicy::kInterleaved);
       ++policy) {
    Pages pages(4);
    const absl::Status placed =
        pages.place({static_cast<NumaPolicy>(policy), node});
    EXPECT_TRUE(placed.ok()) << policy << ": " << placed;
    pages.touch();
    EXPECT_EQ(pages.data()[3 * kPage], 1);
  }
}

TEST(NumaPolicy, LocalIsWhereTheTouchingThreadRuns) {
  REQUIRE_NUMA_CALLS();
  run_where_there_is_memory();
  for (const NumaPolicy policy :
       {NumaPolicy::kLocalPreferred, NumaPolicy::kLocalOnly}) {
    int before, after;
    std::map<int, std::size_t> found;
    do {  // The thread may be moved in between.
      Pages pages(8);
      before = current_numa_node();
      ASSERT_EQ(pages.place({policy}), absl::OkStatus());
      pages.touch();
      found = pages.pages_by_node();
      after = current_numa_node();
    } while (before != after);
    EXPECT_EQ(found, (std::map<int, std::size_t>{{before, 8}}));
  }
}

TEST(NumaPolicy, RoundRobinTakesTheNodesInTurn) {
  REQUIRE_NUMA_CALLS();
  const std::vector<int> nodes = nodes_with_memory();
  std::map<int, std::size_t> found;
  for (std::size_t i = 0; i < 3 * nodes.size(); ++i) {
    Pages pages(4);
    ASSERT_EQ(pages.place({NumaPolicy::kRoundRobin}), absl::OkStatus());
    pages.touch();
    const auto lies_on = pages.pages_by_node();
    ASSERT_EQ(lies_on.size(), 1u) << "one block, one node";
    ++found[lies_on.begin()->first];
  }
  EXPECT_EQ(found.size(), nodes.size());
  for (const auto& [node, blocks] : found) EXPECT_EQ(blocks, 3u) << node;
}

TEST(NumaPolicy, InterleavedSpreadsPagesEvenly) {
  REQUIRE_NUMA_CALLS();
  const std::size_t nodes = nodes_with_memory().size();
  Pages pages(16 * nodes);
  ASSERT_EQ(pages.place({NumaPolicy::kInterleaved}), absl::OkStatus());
  pages.touch();
  const auto found = pages.pages_by_node();
  EXPECT_EQ(found.size(), nodes);
  for (const auto& [node, count] : found) EXPECT_EQ(count, 16u) << node;
}

TEST(NumaPolicy, ANodeThatIsNotThereIsAnError) {
  REQUIRE_NUMA_CALLS();
  Pages pages(1);
  for (const int node : {-1, 900, 5000}) {
    for (const NumaPolicy policy :
         {NumaPolicy::kBind, NumaPolicy::kPreferred}) {
      const absl::Status status = pages.place({policy, node});
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << node;
      EXPECT_NE(status.ToString().find(std::to_string(node)),
                std::string::npos);
    }
  }
}

// How pages at `address` are to be placed, as the kernel notes it.
int mode_of(const void* address) {
  int mode = -1;
  EXPECT_EQ(syscall(SYS_get_mempolicy, &mode, nullptr, 0, address, MPOL_F_ADDR),
            0);
  return mode;
}

TEST(NumaPolicy, DefaultTakesBackWhatWasAskedForBefore) {
  REQUIRE_NUMA_CALLS();
  Pages pages(1);
  ASSERT_EQ(pages.place({NumaPolicy::kBind, nodes_with_memory().at(0)}),
            absl::OkStatus());
  EXPECT_EQ(mode_of(pages.data()), MPOL_BIND);
  ASSERT_EQ(pages.place({NumaPolicy::kDefault}), absl::OkStatus());
  EXPECT_EQ(mode_of(pages.data()), MPOL_DEFAULT);
}

TEST(NumaPolicy, PlacesPagesWithoutTheHeap) {
  Pages pages(1);
  for (int policy = 0; policy <= static_cast<int>(NumaPolicy::kInterleaved);
       ++policy) {
    const testing::RefuseHeap refusing;
    const NumaPlacement placement{static_cast<NumaPolicy>(policy), 0};
    EXPECT_NO_THROW((void)pages.place(placement)) << policy;
  }
}

TEST(NumaPolicy, AnAddressWithinAPageIsAnError) {
  REQUIRE_NUMA_CALLS();
  Pages pages(2);
  EXPECT_FALSE(apply_numa_placement(pages.data() + 64, kPage,
                                    {NumaPolicy::kLocalPreferred})
                   .ok());
}

TEST(NumaPolicy, APageThatWasNeverTouchedHasNoNode) {
  Pages pages(2);
  EXPECT_EQ(numa_node_of(pages.data()), std::nullopt);
}

TEST(NumaPolicy, MovesPagesThatAreInUse) {
  REQUIRE_NUMA_CALLS();
  Pages pages(600);
  ASSERT_EQ(pages.place({NumaPolicy::kPreferred, nodes_with_memory()[0]}),
            absl::OkStatus());
  std::vector<void*> addresses;
  for (std::size_t at = 0; at < pages.bytes(); at += kPage) {
    addresses.push_back(pages.data() + at);
  }
  EXPECT_EQ(move_numa_pages(addresses, 0), 0u) << "none was touched";
  for (const int node : nodes_with_memory()) {
    pages.touch();
    EXPECT_EQ(move_numa_pages(addresses, node), 600u);
    EXPECT_EQ(pages.pages_by_node(), (std::map<int, std::size_t>{{node, 600}}));
    EXPECT_EQ(pages.data()[599 * kPage], 1);
  }
  EXPECT_EQ(move_numa_pages(addresses, 900), 0u) << "no such node";
}

TEST(NumaPolicy, AsksForMoreAddressesThanOneCallTakes) {
  REQUIRE_NUMA_CALLS();
  Pages pages(1500);
  pages.touch();
  EXPECT_EQ(pages.pages_by_node().count(kNumaNodeUnknown), 0u);
}

// Emulated kernels: the call is taken, and says nothing.
TEST(NumaPolicy, WhereTheKernelNamesNoNodeNobodyWaitsForOne) {
  const pid_t child = fork();
  if (child == 0) {
    if (!testing::refuse_calls({SYS_get_mempolicy}, 0)) testing::leave_child(2);
    alarm(10);
    for (const NumaPolicy policy :
         {NumaPolicy::kRoundRobin, NumaPolicy::kInterleaved}) {
      Pages pages(1);
      if (!pages.place({policy}).ok()) testing::leave_child(1);
    }
    testing::leave_child(0);
  }
  int status;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(status, 0);
}

// What a container's seccomp profile does: EPERM; and a kernel without NUMA:
// ENOSYS.
TEST(NumaPolicy, WhereTheCallsAreRefusedMemoryIsHadAndItsNodeUnknown) {
  for (const int error : {EPERM, ENOSYS}) {
    const pid_t child = fork();
    if (child == 0) {
      if (!testing::refuse_calls({SYS_mbind, SYS_get_mempolicy, SYS_move_pages},
                                 error)) {
        testing::leave_child(2);
      }
      int wrong = 0;
      for (int policy = 0; policy <= static_cast<int>(NumaPolicy::kInterleaved);
           ++policy) {
        Pages pages(4);
        if (!pages.place({static_cast<NumaPolicy>(policy), 0}).ok()) ++wrong;
        pages.touch();
        if (numa_node_of(pages.data()).has_value()) ++wrong;
        std::array<void*, 1> one = {pages.data()};
        if (move_numa_pages(one, 0) != 0) ++wrong;
        std::array<const void*, 2> two = {pages.data(), pages.data() + kPage};
        std::array<int, 2> nodes = {7, 7};
        if (numa_nodes_of(two, nodes) || nodes[0] != kNumaNodeUnknown ||
            nodes[1] != kNumaNodeUnknown) {
          ++wrong;
        }
      }
      testing::leave_child(wrong == 0 ? 0 : 1);
    }
    int status;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "no seccomp here";
    EXPECT_EQ(status, 0);
  }
}

}  // namespace
}  // namespace wirebook
