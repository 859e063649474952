// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// NumaAllocator: where its blocks lie, and moving them.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "memory/fail_fast.h"
#include "memory/numa_allocator.h"

namespace wirebook {

using internal::kNumaClasses;
using internal::NumaBinCounts;
using internal::NumaChunk;
using internal::NumaPage;

namespace {

void add_pages(std::span<const std::byte> bytes, int node,
               std::vector<NumaPage>& pages) {
  for (std::size_t at = 0; at < bytes.size(); at += kSmallPageBytes) {
    pages.push_back({bytes.data() + at, node});
  }
}

}  // namespace

double NumaAllocatorStats::cross_node_rate() const noexcept {
  std::uint64_t crossed = 0;
  for (const NumaNodeStats& node : nodes) {
    crossed += node.from_elsewhere + node.freed_elsewhere;
  }
  const std::uint64_t all = total_allocations + total_deallocations;
  return all == 0 ? 0 : static_cast<double>(crossed) / static_cast<double>(all);
}

double NumaLocality::local_percent() const noexcept {
  const std::size_t all = local_pages + elsewhere_pages;
  return all == 0 ? 100
                  : 100 * static_cast<double>(local_pages) /
                        static_cast<double>(all);
}

double NumaLocality::cross_node_rate() const noexcept {
  const std::size_t all = local_pages + elsewhere_pages;
  return all == 0
             ? 0
             : static_cast<double>(elsewhere_pages) / static_cast<double>(all);
}

std::span<std::byte> NumaAllocator::mark_moved(void* block) noexcept {
  if (NumaChunk* chunk = directory_.find(block)) {
    if (!chunk->bin->mark_moved(*chunk, block)) return {};
    return {static_cast<std::byte*>(block), chunk->bin->block_bytes()};
  }
  const std::lock_guard lock(large_mutex_);
  const auto found = large_.find(block);
  if (found == large_.end()) return {};
  found->second.moved = true;
  return found->second.pages.mutable_bytes();
}

absl::Status NumaAllocator::migrate(void* block, int node) {
  if (topology_.memory_bytes(node) == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("node ", node, " is not there or has no memory"));
  }
  const std::span<std::byte> bytes = mark_moved(block);
  if (bytes.empty()) {
    fail_fast("NumaAllocator", this, "no block that is out begins at", block);
  }
  // What is not touched yet comes there at once.
  if (absl::Status status = apply_numa_placement(
          bytes.data(), bytes.size(), {NumaPolicy::kPreferred, node});
      !status.ok()) {
    return status;
  }
  std::vector<void*> pages;
  for (std::size_t at = 0; at < bytes.size(); at += kSmallPageBytes) {
    pages.push_back(bytes.data() + at);
  }
  const std::size_t there = move_numa_pages(pages, node);
  std::vector<int> nodes(pages.size());
  if (!numa_nodes_of(pages, nodes)) {
    return absl::UnavailableError(
        "this system refuses to move pages (seccomp, or no NUMA)");
  }
  const auto absent = static_cast<std::size_t>(
      std::count(nodes.begin(), nodes.end(), kNumaNodeUnknown));
  if (there + absent < pages.size()) {
    return absl::ResourceExhaustedError(
        absl::StrCat(pages.size() - absent - there, " of ", pages.size(),
                     " pages could not be moved to node ", node));
  }
  // Relaxed: a count.
  migrations_.fetch_add(1, std::memory_order_relaxed);
  return absl::OkStatus();
}

NumaLocality NumaAllocator::measure_locality() const {
  std::vector<NumaPage> pages;
  for (const auto& arena : arenas_) {
    for (std::size_t i = 0; i < kNumaClasses; ++i) {
      arena->bin(i).add_pages_in_use(pages);
    }
  }
  {
    const std::lock_guard lock(large_mutex_);
    for (const auto& [block, large] : large_) {
      add_pages(large.pages.bytes(), large.moved ? -1 : large.node, pages);
    }
  }
  NumaLocality found;
  std::vector<const void*> addresses;
  for (const NumaPage& page : pages) addresses.push_back(page.address);
  std::vector<int> nodes(pages.size());
  // A page that is there for certain is of this thread's stack.
  found.known =
      numa_node_of(&found).has_value() && numa_nodes_of(addresses, nodes);
  if (!found.known) return found;
  for (std::size_t i = 0; i < pages.size(); ++i) {
    if (nodes[i] == kNumaNodeUnknown) {
      ++found.absent_pages;
      continue;
    }
    const auto node = static_cast<std::size_t>(nodes[i]);
    if (found.pages_on_node.size() <= node) {
      found.pages_on_node.resize(node + 1);
    }
    ++found.pages_on_node[node];
    if (pages[i].node < 0) continue;
    ++(pages[i].node == nodes[i] ? found.local_pages : found.elsewhere_pages);
  }
  return found;
}

std::size_t NumaAllocator::rebalance() {
  trim();
  if (arena_by_node_.empty()) return 0;  // Meant for no node.
  std::size_t moved = 0;
  for (const auto& arena : arenas_) {
    for (std::size_t i = 0; i < kNumaClasses; ++i) {
      moved += arena->bin(i).bring_home();
    }
  }
  const std::lock_guard lock(large_mutex_);
  for (auto& [block, large] : large_) {
    if (!large.moved) {
      moved +=
          internal::bring_pages_home(large.pages.mutable_bytes(), large.node);
    }
  }
  return moved;
}

std::size_t NumaAllocator::trim() noexcept {
  std::size_t bytes = 0;
  for (const auto& arena : arenas_) {
    for (std::size_t i = 0; i < kNumaClasses; ++i) {
      bytes += arena->bin(i).trim();
    }
  }
  return bytes;
}

NumaAllocatorStats NumaAllocator::stats() const {
  NumaAllocatorStats stats;
  {
    const std::lock_guard lock(large_mutex_);
    stats.nodes = large_stats_;
  }
  for (std::size_t at = 0; at < arenas_.size(); ++at) {
    NumaNodeStats& node = stats.nodes[at];
    for (std::size_t i = 0; i < kNumaClasses; ++i) {
      const NumaBinCounts counts = arenas_[at]->bin(i).counts();
      node.capacity_bytes += counts.capacity_bytes;
      node.in_use_bytes += counts.in_use_bytes;
      node.total_allocations += counts.allocations;
      node.total_deallocations += counts.deallocations;
      node.from_elsewhere += counts.from_elsewhere;
      node.freed_elsewhere += counts.freed_elsewhere;
    }
    stats.capacity_bytes += node.capacity_bytes;
    stats.in_use_bytes += node.in_use_bytes;
    stats.total_allocations += node.total_allocations;
    stats.total_deallocations += node.total_deallocations;
  }
  // Relaxed: counts, exact at rest.
  stats.peak_bytes = peak_bytes_.load(std::memory_order_relaxed);
  stats.allocation_failures = failures_.load(std::memory_order_relaxed);
  stats.migrations = migrations_.load(std::memory_order_relaxed);
  return stats;
}

}  // namespace wirebook
