// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// NumaTopology: which nodes this machine has, which CPUs and how much memory
// each of them, and how far they are from one another.
//
// Use it to choose nodes and CPUs at start; to place pages take numa_policy, to
// allocate take numa_allocator. Nodes keep the kernel's ids, which may have
// gaps; a node may have CPUs only, or memory only (CXL).
//
// Read once from sysfs, below a root that tests may choose; immutable then, so
// any thread may read it. A kernel without NUMA is one node, 0. Where a
// container shows no sysfs, it is the same. Cost: a read takes milliseconds,
// the rest is look-up in arrays; free_bytes() reads a file.
//
//   const NumaTopology& machine = NumaTopology::system();
//   const int home = machine.node_of_cpu(sched_getcpu());
//   for (const int node : machine.memory_by_distance(home)) {
//     if (machine.free_bytes(node).value_or(0) > needed) return node;
//   }
#ifndef WIREBOOK_MEMORY_NUMA_TOPOLOGY_H_
#define WIREBOOK_MEMORY_NUMA_TOPOLOGY_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace wirebook {

class NumaTopology {
 public:
  // This machine's, read at the first call; one node if it cannot be read.
  static const NumaTopology& system();

  // DataLoss where a file below `sysfs_root` is not as the kernel writes it.
  static absl::StatusOr<NumaTopology> read(
      const std::string& sysfs_root = "/sys");

  // Online nodes, ascending.
  std::span<const int> nodes() const noexcept { return ids_; }
  std::size_t node_count() const noexcept { return ids_.size(); }
  bool has_node(int node) const noexcept { return find(node) != nullptr; }

  // -1 for a CPU that is not online on any node.
  int node_of_cpu(int cpu) const noexcept;

  // Ascending; none for a node that is not there.
  std::span<const int> cpus(int node) const noexcept;

  // As firmware states it: 10 is local, 20 twice as far; -1 if either node is
  // not there.
  int distance(int from, int to) const noexcept;

  // The nodes that have memory, the nearest to `node` first (itself, where it
  // has any; equally near ones by id). None for a node that is not there.
  std::span<const int> memory_by_distance(int node) const noexcept;

  // All of its memory, at the time of reading. 0 for one that has none.
  std::size_t memory_bytes(int node) const noexcept;

  // What is free on it now, page cache not counted.
  absl::StatusOr<std::size_t> free_bytes(int node) const;

 private:
  struct Node {
    int id = 0;
    std::vector<int> cpus;
    std::vector<int> distances;  // In the order of ids_.
    std::vector<int> by_distance;
    std::size_t memory_bytes = 0;
  };

  explicit NumaTopology(std::string root) : folder_(std::move(root)) {}
  static NumaTopology single_node(std::string folder);
  absl::Status read_node(int id);
  void index();
  const Node* find(int id) const noexcept;

  std::string folder_;
  std::vector<int> ids_;
  std::vector<Node> nodes_;  // In the order of ids_.
  std::vector<int> node_of_cpu_;
};

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_NUMA_TOPOLOGY_H_
