// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/numa_policy.h"

#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"

namespace wirebook {
namespace {

// The kernel's own limit on x86-64 (CONFIG_NODES_SHIFT is at most 10).
constexpr int kMaxNodes = 1024;
constexpr int kWordBits = static_cast<int>(sizeof(unsigned long) * CHAR_BIT);

struct NodeMask {
  void add(int node) {
    words[static_cast<std::size_t>(node / kWordBits)] |= 1ul
                                                         << (node % kWordBits);
  }
  bool has(int node) const {
    return (words[static_cast<std::size_t>(node / kWordBits)] >>
            (node % kWordBits)) &
           1;
  }
  std::array<unsigned long, kMaxNodes / kWordBits> words{};
};

// The nodes with memory that this process may use, at least one; nothing if not
// told.
std::optional<NodeMask> allowed_nodes() {
  NodeMask mask;
  if (syscall(SYS_get_mempolicy, nullptr, mask.words.data(), kMaxNodes, nullptr,
              MPOL_F_MEMS_ALLOWED) != 0 ||
      mask.words == NodeMask().words) {
    return std::nullopt;
  }
  return mask;
}

int next_in_turn(const NodeMask& nodes) {
  // Relaxed: only that the turns differ matters.
  static std::atomic<int> turn{0};
  int node = turn.load(std::memory_order_relaxed);
  int next;
  do {
    next = node;
    while (!nodes.has(next)) next = (next + 1) % kMaxNodes;
  } while (!turn.compare_exchange_weak(node, (next + 1) % kMaxNodes,
                                       std::memory_order_relaxed));
  return next;
}

// True where the call is refused as such, whatever its arguments.
bool is_refusal(int error) { return error == EPERM || error == ENOSYS; }

std::string name_of(NumaPlacement placement) {
  switch (placement.policy) {
    case NumaPolicy::kDefault:
      break;
    case NumaPolicy::kLocalPreferred:
      return "LocalPreferred";
    case NumaPolicy::kLocalOnly:
      return absl::StrCat("LocalOnly on node ", placement.node);
    case NumaPolicy::kBind:
      return absl::StrCat("Bind to node ", placement.node);
    case NumaPolicy::kPreferred:
      return absl::StrCat("Preferred to node ", placement.node);
    case NumaPolicy::kRoundRobin:
      return absl::StrCat("RoundRobin at node ", placement.node);
    case NumaPolicy::kInterleaved:
      return "Interleaved";
  }
  return "Default";
}

// `nodes` is nullptr for a mode that takes none; `placement` is for the error.
absl::Status bind_pages(void* pages, std::size_t bytes, int mode,
                        const NodeMask* nodes, NumaPlacement placement) {
  // The kernel takes one bit less than it is told of.
  if (syscall(SYS_mbind, pages, bytes, mode,
              nodes == nullptr ? nullptr : nodes->words.data(),
              nodes == nullptr ? 0 : kMaxNodes + 1, 0) == 0 ||
      is_refusal(errno)) {
    return absl::OkStatus();
  }
  const int error = errno;
  const std::string wish = name_of(placement);
  if (error == EINVAL && reinterpret_cast<std::uintptr_t>(pages) %
                                 static_cast<std::uintptr_t>(getpagesize()) ==
                             0) {
    return absl::InvalidArgumentError(absl::StrCat(
        wish, ": no such node with memory that this process may use"));
  }
  return absl::ErrnoToStatus(error, absl::StrCat("mbind, ", wish));
}

}  // namespace

absl::Status apply_numa_placement(void* pages, std::size_t bytes,
                                  NumaPlacement placement) {
  NodeMask nodes;
  switch (placement.policy) {
    case NumaPolicy::kDefault:
      return bind_pages(pages, bytes, MPOL_DEFAULT, nullptr, placement);
    case NumaPolicy::kLocalPreferred:
      return bind_pages(pages, bytes, MPOL_LOCAL, nullptr, placement);
    case NumaPolicy::kLocalOnly:
      placement.node = current_numa_node();
      nodes.add(placement.node);
      return bind_pages(pages, bytes, MPOL_BIND, &nodes, placement);
    case NumaPolicy::kBind:
    case NumaPolicy::kPreferred:
      if (placement.node < 0 || placement.node >= kMaxNodes) {
        return absl::InvalidArgumentError(absl::StrCat(
            name_of(placement), ": give a node from 0 to ", kMaxNodes - 1));
      }
      nodes.add(placement.node);
      return bind_pages(
          pages, bytes,
          placement.policy == NumaPolicy::kBind ? MPOL_BIND : MPOL_PREFERRED,
          &nodes, placement);
    case NumaPolicy::kRoundRobin:
      if (const auto allowed = allowed_nodes()) {
        placement.node = next_in_turn(*allowed);
        nodes.add(placement.node);
        return bind_pages(pages, bytes, MPOL_PREFERRED, &nodes, placement);
      }
      break;
    case NumaPolicy::kInterleaved:
      if (const auto allowed = allowed_nodes()) {
        return bind_pages(pages, bytes, MPOL_INTERLEAVE, &*allowed, placement);
      }
      break;
  }
  return absl::OkStatus();
}

bool numa_nodes_of(std::span<const void* const> addresses,
                   std::span<int> nodes) noexcept {
  constexpr std::size_t kBatch = 512;
  std::fill(nodes.begin(), nodes.end(), kNumaNodeUnknown);
  for (std::size_t at = 0; at < addresses.size(); at += kBatch) {
    const std::size_t count = std::min(kBatch, addresses.size() - at);
    if (syscall(SYS_move_pages, 0, count, addresses.data() + at, nullptr,
                nodes.data() + at, 0) != 0) {
      std::fill(nodes.begin(), nodes.end(), kNumaNodeUnknown);
      return false;
    }
  }
  for (int& node : nodes) node = std::max(node, kNumaNodeUnknown);
  return true;
}

std::optional<int> numa_node_of(const void* address) noexcept {
  int node = kNumaNodeUnknown;
  numa_nodes_of({&address, 1}, {&node, 1});
  if (node == kNumaNodeUnknown) return std::nullopt;
  return node;
}

std::size_t move_numa_pages(std::span<void* const> pages, int node) noexcept {
  constexpr std::size_t kBatch = 512;
  std::array<int, kBatch> targets, found;
  targets.fill(node);
  std::size_t there = 0;
  for (std::size_t at = 0; at < pages.size(); at += kBatch) {
    const std::size_t count = std::min(kBatch, pages.size() - at);
    found.fill(kNumaNodeUnknown);
    // More than 0: so many could not be moved; their status says so.
    if (syscall(SYS_move_pages, 0, count, pages.data() + at, targets.data(),
                found.data(), MPOL_MF_MOVE) < 0) {
      continue;
    }
    // A status that the kernel did not come to write, or writes for a page that
    // was there already, is not the truth everywhere: ask.
    if (syscall(SYS_move_pages, 0, count, pages.data() + at, nullptr,
                found.data(), 0) == 0) {
      there += static_cast<std::size_t>(
          std::count(found.begin(), found.begin() + count, node));
    }
  }
  return there;
}

int current_numa_node() noexcept {
  unsigned cpu = 0, node = 0;
  return getcpu(&cpu, &node) == 0 ? static_cast<int>(node) : 0;
}

}  // namespace wirebook
