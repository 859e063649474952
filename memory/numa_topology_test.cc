// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/numa_topology.h"

#include <numa.h>
#include <sched.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace wirebook {
namespace {

std::vector<int> list(std::span<const int> ids) {
  return {ids.begin(), ids.end()};
}

// A sysfs of our own.
class Tree {
 public:
  explicit Tree(const std::string& online)
      : root_(::testing::TempDir() + "/numa_topology_" +
              std::to_string(getpid()) + "_" + std::to_string(++count_)) {
    write("online", online);
  }
  ~Tree() { std::filesystem::remove_all(root_); }
  Tree& node(int id, const std::string& cpus, const std::string& distances,
             std::size_t kib, std::size_t free_kib = 0) {
    const std::string folder = "node" + std::to_string(id);
    const std::string prefix = "\nNode " + std::to_string(id) + " ";
    write(folder + "/cpulist", cpus);
    if (!distances.empty()) write(folder + "/distance", distances);
    write(folder + "/meminfo",
          prefix + "MemTotal:       " + std::to_string(kib) + " kB" + prefix +
              "MemFree:        " + std::to_string(free_kib) + " kB");
    return *this;
  }
  Tree& write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = root_ + "/devices/system/node/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text << "\n";
    return *this;
  }
  const std::string& root() const { return root_; }

 private:
  inline static int count_ = 0;
  std::string root_;
};

TEST(NumaTopology, ReadsThisMachine) {
  const NumaTopology& machine = NumaTopology::system();
  ASSERT_GE(machine.node_count(), 1u);
  const int node = machine.node_of_cpu(sched_getcpu());
  EXPECT_TRUE(machine.has_node(node));
  const int memory = machine.memory_by_distance(node)[0];
  EXPECT_GT(machine.memory_bytes(memory), 0u);
  EXPECT_GT(machine.free_bytes(memory).value_or(0), 0u);
}

TEST(NumaTopology, AgreesWithLibnuma) {
  if (numa_available() < 0) GTEST_SKIP() << "libnuma says: no NUMA here";
  const NumaTopology& machine = NumaTopology::system();
  EXPECT_EQ(machine.nodes().back(), numa_max_node());
  // libnuma counts nodes that have memory.
  EXPECT_EQ(machine.memory_by_distance(machine.nodes()[0]).size(),
            static_cast<std::size_t>(numa_num_configured_nodes()));
  for (int cpu = 0; cpu < numa_num_configured_cpus(); ++cpu) {
    EXPECT_EQ(machine.node_of_cpu(cpu), numa_node_of_cpu(cpu)) << cpu;
  }
  for (const int from : machine.nodes()) {
    EXPECT_EQ(machine.memory_bytes(from),
              static_cast<std::size_t>(numa_node_size64(from, nullptr)));
    for (const int to : machine.nodes()) {
      EXPECT_EQ(machine.distance(from, to), numa_distance(from, to));
    }
  }
}

TEST(NumaTopology, OneNode) {
  Tree tree("0");
  tree.node(0, "0-3", "10", 1000, 400);
  const auto read = NumaTopology::read(tree.root());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->node_count(), 1u);
  EXPECT_EQ(list(read->cpus(0)), (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ(read->node_of_cpu(3), 0);
  EXPECT_EQ(read->node_of_cpu(4), -1);
  EXPECT_EQ(read->node_of_cpu(-1), -1);
  EXPECT_EQ(read->distance(0, 0), 10);
  EXPECT_EQ(read->memory_bytes(0), 1000u << 10);
  EXPECT_EQ(*read->free_bytes(0), 400u << 10);
}

TEST(NumaTopology, TwoNodesAndFreeMemoryIsReadEachTime) {
  Tree tree("0-1");
  tree.node(0, "0,2", "10 21", 1000, 1).node(1, "1,3", "21 10", 2000, 2);
  const auto read = NumaTopology::read(tree.root());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->node_of_cpu(2), 0);
  EXPECT_EQ(read->node_of_cpu(3), 1);
  EXPECT_EQ(read->distance(1, 0), 21);
  EXPECT_EQ(list(read->memory_by_distance(1)), (std::vector<int>{1, 0}));
  EXPECT_EQ(*read->free_bytes(1), 2u << 10);
  tree.node(1, "1,3", "21 10", 2000, 7);
  EXPECT_EQ(*read->free_bytes(1), 7u << 10);
}

TEST(NumaTopology, FourNodesAtUnequalDistances) {
  Tree tree("0-3");
  tree.node(0, "0", "10 32 16 24", 100)
      .node(1, "1", "32 10 24 16", 100)
      .node(2, "2", "16 24 10 32", 100)
      .node(3, "3", "24 16 32 10", 100);
  const auto read = NumaTopology::read(tree.root());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(list(read->memory_by_distance(0)), (std::vector<int>{0, 2, 3, 1}));
  EXPECT_EQ(list(read->memory_by_distance(3)), (std::vector<int>{3, 1, 0, 2}));
}

TEST(NumaTopology, NodesWithGapsWithoutMemoryAndWithoutCpus) {
  Tree tree("0,2,5-6");
  tree.node(0, "0-1", "10 20 20 40", 100)
      .node(2, "2,4-5", "20 10 12 40", 0)  // CPUs only.
      .node(5, "8", "20 12 10 40", 100)
      .node(6, "", "40 40 40 10", 900);  // Memory only.
  const auto read = NumaTopology::read(tree.root());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(list(read->nodes()), (std::vector<int>{0, 2, 5, 6}));
  EXPECT_FALSE(read->has_node(1));
  EXPECT_EQ(read->distance(2, 5), 12);
  EXPECT_EQ(read->distance(2, 1), -1);
  EXPECT_EQ(read->distance(3, 2), -1);
  EXPECT_EQ(list(read->memory_by_distance(2)), (std::vector<int>{5, 0, 6}));
  EXPECT_TRUE(read->memory_by_distance(1).empty());
  EXPECT_EQ(read->memory_bytes(2), 0u);
  EXPECT_EQ(read->memory_bytes(1), 0u);
  EXPECT_TRUE(read->cpus(6).empty());
  EXPECT_TRUE(read->cpus(1).empty());
  EXPECT_EQ(read->node_of_cpu(8), 5);
  EXPECT_EQ(read->node_of_cpu(3), -1);
  EXPECT_EQ(read->free_bytes(1).status().code(), absl::StatusCode::kNotFound);
}

TEST(NumaTopology, WithoutDistancesEveryOtherNodeIsEquallyFar) {
  Tree tree("0-1");
  tree.node(0, "0", "", 100).node(1, "1", "", 100);
  const auto read = NumaTopology::read(tree.root());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->distance(0, 0), 10);
  EXPECT_EQ(read->distance(0, 1), 20);
}

TEST(NumaTopology, AKernelWithoutNumaIsOneNode) {
  const auto read = NumaTopology::read("/nowhere");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(list(read->nodes()), std::vector<int>{0});
  EXPECT_EQ(read->node_of_cpu(0), 0);
  EXPECT_EQ(list(read->memory_by_distance(0)), std::vector<int>{0});
  EXPECT_GT(read->memory_bytes(0), 0u);
  EXPECT_GT(*read->free_bytes(0), 0u);
}

TEST(NumaTopology, FilesThatMakeNoSenseAreNamed) {
  for (const char* online :
       {"", "x", "1-", "3-2", "0;1", "0-99999999", "1,0", "0,0", "0-2,1"}) {
    Tree tree(online);
    for (int id = 0; id < 3; ++id) tree.node(id, "", "", 1);
    const auto read = NumaTopology::read(tree.root());
    EXPECT_EQ(read.status().code(), absl::StatusCode::kDataLoss) << online;
    EXPECT_NE(read.status().ToString().find("/online"), std::string::npos);
  }
  const auto status_of = [](Tree& tree) {
    return NumaTopology::read(tree.root()).status();
  };
  Tree one("0-1");
  one.node(0, "0", "10", 1).node(1, "1", "10 20", 1);
  EXPECT_NE(status_of(one).ToString().find("node0/distance"),
            std::string::npos);
  Tree two("0");
  two.node(0, "0", "ten", 1);
  EXPECT_EQ(status_of(two).code(), absl::StatusCode::kDataLoss);
  Tree three("0");
  three.node(0, "0", "10", 1).write("node0/meminfo", "nothing");
  EXPECT_NE(status_of(three).ToString().find("no MemTotal"), std::string::npos);
  Tree four("0");
  EXPECT_EQ(status_of(four).code(), absl::StatusCode::kNotFound);
  four.write("node0/cpulist", "0");
  EXPECT_NE(status_of(four).ToString().find("meminfo"), std::string::npos);
}

}  // namespace
}  // namespace wirebook
