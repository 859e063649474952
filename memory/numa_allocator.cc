// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/numa_allocator.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "absl/strings/str_cat.h"
#include "memory/fail_fast.h"

namespace wirebook {

using internal::kNumaClasses;
using internal::NumaArenaOptions;
using internal::NumaBin;
using internal::NumaChunk;
using internal::NumaPage;

namespace {

// Whether blocks are meant for one node each.
bool names_a_node(NumaPolicy policy) {
  return policy != NumaPolicy::kDefault && policy != NumaPolicy::kInterleaved;
}

bool is_strict(NumaPolicy policy) {
  return policy == NumaPolicy::kLocalOnly || policy == NumaPolicy::kBind;
}

}  // namespace

// ---- Set-up ----------------------------------------------------------------

NumaAllocator::NumaAllocator(NumaAllocatorOptions options)
    : options_(options),
      topology_(options.topology == nullptr ? NumaTopology::system()
                                            : *options.topology) {
  check_options();
  const NumaPolicy policy = options_.placement.policy;
  const auto add_arena = [&](NumaPlacement placement) {
    arenas_.push_back(std::make_unique<Arena>(
        NumaArenaOptions{.placement = placement,
                         .strict = is_strict(policy),
                         .prefault = options_.prefault,
                         .page_bytes = options_.page_bytes,
                         .retain_bytes = options_.retain_bytes},
        directory_));
    large_stats_.push_back({.node = placement.node});
  };
  if (!names_a_node(policy)) {
    add_arena({policy});
    return;
  }
  for (const int node : topology_.nodes()) {
    if (topology_.memory_bytes(node) == 0) continue;
    add_arena({NumaPolicy::kPreferred, node});
    arena_by_node_.resize(static_cast<std::size_t>(node) + 1);
    arena_by_node_.back() = arenas_.back().get();
  }
  if (arenas_.empty()) {
    status_ = absl::InvalidArgumentError("NumaAllocator: no node has memory");
  }
}

void NumaAllocator::check_options() {
  const std::size_t page = options_.page_bytes;
  if (page != kSmallPageBytes && page != kHugePageBytes &&
      page != kGiantPageBytes) {
    status_ = absl::InvalidArgumentError(absl::StrCat(
        "NumaAllocator: page_bytes is ", page, ": take one of page_mapping.h"));
    return;
  }
  const NumaPlacement& placement = options_.placement;
  if (placement.policy != NumaPolicy::kBind &&
      placement.policy != NumaPolicy::kPreferred) {
    return;
  }
  const bool strict = placement.policy == NumaPolicy::kBind;
  if (topology_.has_node(placement.node) &&
      (!strict || topology_.memory_bytes(placement.node) != 0)) {
    return;
  }
  status_ = absl::InvalidArgumentError(absl::StrCat(
      "NumaAllocator: node ", placement.node,
      topology_.has_node(placement.node) ? " has no memory" : " is not there",
      "; this machine has ", topology_.node_count(), " node(s)"));
}

NumaAllocator::~NumaAllocator() {
  const void* one = large_.empty() ? nullptr : large_.begin()->first;
  std::vector<NumaPage> pages;
  for (const auto& arena : arenas_) {
    for (std::size_t i = 0; i < kNumaClasses; ++i) {
      arena->bin(i).add_pages_in_use(pages);
    }
  }
  if (!pages.empty()) one = pages[0].address;
  if (one != nullptr) {
    fail_fast("NumaAllocator", this, "destroyed with blocks out; one is", one);
  }
  trim();
}

// ---- Allocation ------------------------------------------------------------

NumaAllocator::Arena* NumaAllocator::arena_of(int node) const noexcept {
  const auto index = static_cast<std::size_t>(node);
  return index < arena_by_node_.size() ? arena_by_node_[index] : nullptr;
}

int NumaAllocator::wanted_node() noexcept {
  switch (options_.placement.policy) {
    case NumaPolicy::kLocalPreferred:
    case NumaPolicy::kLocalOnly:
      return current_numa_node();
    case NumaPolicy::kRoundRobin:
      // Relaxed: only that the turns differ matters.
      return arenas_[turn_.fetch_add(1, std::memory_order_relaxed) %
                     arenas_.size()]
          ->node();
    case NumaPolicy::kBind:
    case NumaPolicy::kPreferred:
    case NumaPolicy::kDefault:
    case NumaPolicy::kInterleaved:
      break;
  }
  return options_.placement.node;
}

// After the wanted node itself.
std::span<const int> NumaAllocator::nodes_to_try(int wanted) const noexcept {
  if (is_strict(options_.placement.policy)) return {};
  // A thread may run on a node that the topology does not know, where a
  // container shows no sysfs: whichever has memory, then.
  return topology_.memory_by_distance(
      topology_.has_node(wanted) ? wanted : topology_.nodes()[0]);
}

void* NumaAllocator::allocate_small(std::size_t size_class) noexcept {
  if (!names_a_node(options_.placement.policy)) {
    return arenas_[0]->bin(size_class).take(false);
  }
  const int wanted = wanted_node();
  Arena* arena = arena_of(wanted);
  if (arena != nullptr) [[likely]] {
    if (void* block = arena->bin(size_class).take(false)) return block;
  }
  for (const int node : nodes_to_try(wanted)) {
    if (node == wanted) continue;
    if (void* block = arena_of(node)->bin(size_class).take(true)) return block;
  }
  return nullptr;
}

void NumaAllocator::note_in_use(std::size_t bytes) noexcept {
  // Relaxed: counts, exact at rest.
  const std::size_t now =
      in_use_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  std::size_t peak = peak_bytes_.load(std::memory_order_relaxed);
  while (now > peak && !peak_bytes_.compare_exchange_weak(
                           peak, now, std::memory_order_relaxed)) {
  }
}

void* NumaAllocator::allocate(std::size_t bytes,
                              std::size_t alignment) noexcept {
  void* block = nullptr;
  if (status_.ok() && std::has_single_bit(alignment)) [[likely]] {
    if (bytes <= internal::kNumaMaxBlockBytes && alignment <= kSmallPageBytes)
        [[likely]] {
      const std::size_t size_class = internal::numa_class_of(bytes);
      block = allocate_small(size_class);
      if (block != nullptr) {
        note_in_use(internal::numa_class_pages(size_class) * kSmallPageBytes);
        return block;
      }
    } else {
      block = allocate_large(bytes, alignment);
    }
  }
  // Relaxed: a count.
  if (block == nullptr) failures_.fetch_add(1, std::memory_order_relaxed);
  return block;
}

void* NumaAllocator::allocate_large(std::size_t bytes,
                                    std::size_t alignment) noexcept {
  bytes = std::max<std::size_t>(bytes, 1);
  if (!names_a_node(options_.placement.policy)) {
    return keep_large(arenas_[0]->map(bytes, alignment), -1);
  }
  const int wanted = wanted_node();
  PageMapping pages;
  int from = wanted;
  if (Arena* arena = arena_of(wanted)) pages = arena->map(bytes, alignment);
  for (const int node : nodes_to_try(wanted)) {
    if (!pages.empty()) break;
    if (node == wanted) continue;
    pages = arena_of(node)->map(bytes, alignment);
    from = node;
  }
  void* block = keep_large(std::move(pages), from);
  if (block != nullptr && from != wanted) {
    const std::lock_guard lock(large_mutex_);
    for (NumaNodeStats& stats : large_stats_) {
      if (stats.node == from) ++stats.from_elsewhere;
    }
  }
  return block;
}

void* NumaAllocator::keep_large(PageMapping pages, int node) noexcept {
  if (pages.empty()) return nullptr;
  void* block = pages.data();
  const std::size_t bytes = pages.size();
  try {
    const std::lock_guard lock(large_mutex_);
    large_.try_emplace(block, LargeBlock{std::move(pages), node, false});
    for (NumaNodeStats& stats : large_stats_) {
      if (stats.node != node) continue;
      stats.capacity_bytes += bytes;
      stats.in_use_bytes += bytes;
      ++stats.total_allocations;
    }
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
  note_in_use(bytes);
  return block;
}

void NumaAllocator::release(void* block, std::size_t bytes) noexcept {
  if (block == nullptr) return;
  NumaChunk* chunk = directory_.find(block);
  if (chunk == nullptr) return release_large(block, bytes);
  NumaBin& bin = *chunk->bin;
  if (bytes > bin.block_bytes()) {
    fail_fast("NumaAllocator", this,
              "freed with more bytes than it has:", block);
  }
  const bool from_elsewhere =
      bin.arena().node() >= 0 && bin.arena().node() != current_numa_node();
  // Relaxed: a count. Before the block is another's, so that it never wraps.
  in_use_bytes_.fetch_sub(bin.block_bytes(), std::memory_order_relaxed);
  if (!bin.put(*chunk, block, from_elsewhere)) {
    fail_fast("NumaAllocator", this, "no block that is out begins at", block);
  }
}

void NumaAllocator::release_large(void* block, std::size_t bytes) noexcept {
  decltype(large_)::node_type gone;  // Unmapped after the mutex is free.
  const std::lock_guard lock(large_mutex_);
  gone = large_.extract(block);
  if (gone.empty()) {
    fail_fast("NumaAllocator", this, "no block that is out begins at", block);
  }
  const LargeBlock& large = gone.mapped();
  const std::size_t size = large.pages.size();
  if (bytes > size) {
    fail_fast("NumaAllocator", this,
              "freed with more bytes than it has:", block);
  }
  in_use_bytes_.fetch_sub(size, std::memory_order_relaxed);  // A count.
  for (NumaNodeStats& stats : large_stats_) {
    if (stats.node != large.node) continue;
    stats.capacity_bytes -= size;
    stats.in_use_bytes -= size;
    ++stats.total_deallocations;
    if (large.node >= 0 && large.node != current_numa_node()) {
      ++stats.freed_elsewhere;
    }
  }
}

}  // namespace wirebook
