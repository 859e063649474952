// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// NumaPlacement: on which NUMA node pages are to come to lie, as every part
// that maps memory takes it; and where they do lie, as the kernel reports.
//
// Hand a NumaPlacement to PageMapping, a pool or an allocator; call
// apply_numa_placement() for pages that you mapped yourself. For blocks of any
// size with statistics, take numa_allocator; for what a machine has,
// numa_topology. Nothing here needs libnuma: the system calls are made
// directly.
//
// A placement is a wish where the system refuses the calls (seccomp in a
// container, a kernel without NUMA): memory is then had as ever, and
// numa_node_of() says that it does not know. Nothing is assumed.
//
// Threads: any, at once. Cost: one system call each, about a microsecond; two
// for kRoundRobin and kInterleaved. current_numa_node() makes none (vDSO).
//
//   const NumaPlacement there = {.policy = NumaPolicy::kBind, .node = 1};
//   absl::Status placed = apply_numa_placement(pages, bytes, there);
//   pages[0] = std::byte{1};  // The first touch, after it.
//   std::optional<int> node = numa_node_of(pages);  // 1, or nothing: unknown.
#ifndef WIREBOOK_MEMORY_NUMA_POLICY_H_
#define WIREBOOK_MEMORY_NUMA_POLICY_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

#include <cstddef>
#include <optional>
#include <span>

#include "absl/status/status.h"

namespace wirebook {

enum class NumaPolicy : unsigned char {
  kDefault,         // What the thread that first touches a page has set.
  kLocalPreferred,  // The node of the thread that first touches the page, then
                    // the nearest that has memory, by distance.
  kLocalOnly,       // The node of the calling thread, and no other.
  kBind,            // `node`, and no other.
  kPreferred,       // `node`, then the nearest.
  kRoundRobin,      // One node a call, the next call's is the next node.
  kInterleaved,     // Page by page over all nodes.
};

struct NumaPlacement {
  NumaPolicy policy = NumaPolicy::kDefault;
  int node = -1;  // For kBind and kPreferred; not read otherwise.

  friend bool operator==(const NumaPlacement&, const NumaPlacement&) = default;
};

// Sets where pages of [pages, pages + bytes) that are not touched yet will lie,
// in place of what was set before. `pages` is at a page boundary.
// InvalidArgument for a node that has no memory, does not exist or is not
// allowed to this process. OK, and no effect, where the system refuses NUMA
// calls.
//
// A page under kLocalOnly or kBind for which its node has no memory left makes
// the kernel end a process when it is touched (the OOM killer; SIGBUS for
// reserved huge pages): prefault, and prefer NumaAllocator, which looks first.
absl::Status apply_numa_placement(void* pages, std::size_t bytes,
                                  NumaPlacement placement);

// The node that holds the page at `address` now (move_pages). Nothing if the
// page was never touched, or is swapped out, or if the system does not say.
std::optional<int> numa_node_of(const void* address) noexcept;

inline constexpr int kNumaNodeUnknown = -1;

// For each address its node or kNumaNodeUnknown, in one system call for every
// 512. `nodes` is as long as `addresses`. False if the system does not say:
// every node is then unknown.
bool numa_nodes_of(std::span<const void* const> addresses,
                   std::span<int> nodes) noexcept;

// Moves those of `pages` that are elsewhere to `node` while they are in use
// (move_pages): contents and addresses stay. Returns how many lie there
// afterwards; pages that were never touched are not counted. 0 where the system
// refuses it.
std::size_t move_numa_pages(std::span<void* const> pages, int node) noexcept;

// The node of the CPU on which the caller runs, at this moment; 0 where the
// kernel does not say.
int current_numa_node() noexcept;

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_NUMA_POLICY_H_
