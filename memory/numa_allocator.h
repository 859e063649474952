// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// NumaAllocator: blocks of whole pages, 4 KiB and up, on the node where they
// are wanted, with the truth about where they came to lie.
//
// Use it for buffers, books and tables that one node's threads work on. For
// small objects take object_pool or thread_cache_allocator with a
// NumaPlacement; for a few large blocks without statistics, mmap_allocator.
//
// How: each node has bins of equal blocks, cut from 4 MiB chunks that the
// kernel is told to put there. Up to 1 MiB a block comes from a bin, in 28
// sizes at most a fifth too large; beyond that it is a mapping of its own. A
// bin is a bitmap under a mutex: free memory is never touched.
//
// Policies (numa_policy.h). kLocalPreferred and kPreferred leave it to the
// kernel to go on, page by page, to the nearest node that has memory, by
// distance; kLocalOnly and kBind touch new pages at once, ask where they lie,
// and fail instead. Where a container refuses these calls, memory is had as
// ever and locality is unknown, never guessed.
//
// Progress: a mutex for each node and size; no system call while a bin has free
// blocks. Cost: COSTS.md, from numa_allocator_benchmark. Any thread frees what
// any allocated; it goes back to the bin it came from.
//
// Always checked, fatal with one line on stderr: freeing an address at which no
// block begins (so also double free), or with more bytes than the block has,
// and destroying an allocator with blocks out. AddressSanitizer sees access to
// free blocks.
//
//   NumaAllocator allocator;  // LocalPreferred.
//   void* block = allocator.allocate(64 << 10);
//   ...
//   NumaLocality found = allocator.measure_locality();
//   if (found.known) report(found.local_percent());
//   allocator.deallocate(block, 64 << 10);
#ifndef WIREBOOK_MEMORY_NUMA_ALLOCATOR_H_
#define WIREBOOK_MEMORY_NUMA_ALLOCATOR_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <new>
#include <span>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "memory/numa_allocator_bins.h"
#include "memory/numa_policy.h"
#include "memory/numa_topology.h"
#include "memory/page_mapping.h"

namespace wirebook {

struct NumaAllocatorOptions {
  NumaPlacement placement = {NumaPolicy::kLocalPreferred};
  std::size_t page_bytes = kSmallPageBytes;  // As AnonymousOptions has it.
  bool prefault = false;
  // Of chunks without a block in use, this much is kept on each node.
  std::size_t retain_bytes = std::size_t{64} << 20;
  // nullptr: this machine's. Outlives the allocator.
  const NumaTopology* topology = nullptr;
};

struct NumaNodeStats {
  int node = -1;  // -1: blocks that are not meant for one node.
  std::size_t capacity_bytes = 0;
  std::size_t in_use_bytes = 0;
  std::uint64_t total_allocations = 0;
  std::uint64_t total_deallocations = 0;
  // Of the allocations: wanted on another node, which had nothing.
  std::uint64_t from_elsewhere = 0;
  // Of the deallocations: by a thread that ran on another node.
  std::uint64_t freed_elsewhere = 0;
};

struct NumaAllocatorStats {
  std::size_t capacity_bytes = 0;  // Mapped.
  std::size_t in_use_bytes = 0;    // Of blocks that are out, as rounded.
  std::size_t peak_bytes = 0;      // The most that in_use_bytes ever was.
  std::uint64_t total_allocations = 0;
  std::uint64_t total_deallocations = 0;
  std::uint64_t allocation_failures = 0;
  std::uint64_t migrations = 0;
  std::vector<NumaNodeStats> nodes;

  // Blocks that crossed between nodes, to be had or to be freed, of all
  // allocations and deallocations; 0 to 1. Counted by where threads ran: pages
  // that the kernel put elsewhere are for NumaLocality to find.
  double cross_node_rate() const noexcept;
};

// Where the pages of blocks that are out lie, as the kernel says.
struct NumaLocality {
  bool known = false;               // False: the system does not say.
  std::size_t local_pages = 0;      // On the node that they are meant for.
  std::size_t elsewhere_pages = 0;  // On another.
  std::size_t absent_pages = 0;     // Never touched, or swapped out.
  std::vector<std::size_t> pages_on_node;  // By node id; also of blocks that
                                           // are meant for no node in special,
                                           // or were migrated.

  // Of the pages that are present and meant for a node; 100 if there are none.
  double local_percent() const noexcept;

  // Of the same pages those that lie on another node, 0 to 1.
  double cross_node_rate() const noexcept;
};

// Any thread may call any method; the destructor runs alone.
class NumaAllocator {
 public:
  explicit NumaAllocator(NumaAllocatorOptions options = {});
  NumaAllocator(const NumaAllocator&) = delete;
  NumaAllocator& operator=(const NumaAllocator&) = delete;
  ~NumaAllocator();

  // Not OK if the placement names a node that is not there, or is kBind to one
  // without memory, or page_bytes is none that page_mapping knows: every
  // allocation then fails.
  const absl::Status& status() const noexcept { return status_; }

  // At least `bytes`, at a multiple of `alignment` (a power of two) and of 4096
  // bytes; contents are what they were. nullptr where no memory can be had as
  // the policy asks.
  [[nodiscard]] void* allocate(
      std::size_t bytes,
      std::size_t alignment = alignof(std::max_align_t)) noexcept;

  // nullptr does nothing. `bytes` is what was asked for.
  void deallocate(void* block) noexcept { release(block, 0); }
  void deallocate(void* block, std::size_t bytes) noexcept {
    release(block, bytes);
  }

  // Moves a live block's pages to `node`, under the feet of those who use it;
  // pages that are not touched yet will come there. ResourceExhausted where not
  // all could be moved; Unavailable where the system does not say. Huge pages
  // move whole, with the blocks beside it; out of reserved ones a smaller block
  // cannot be sent (InvalidArgument).
  absl::Status migrate(void* block, int node);

  // Walks the blocks that are out: about 0.2 us a page.
  NumaLocality measure_locality() const;

  // Moves pages back to the node that their block is meant for, after that had
  // been full, and gives unused chunks back to the system, on every node.
  // Returns how many pages came home. Blocks that were migrated stay.
  std::size_t rebalance();

  // Gives unused chunks back to the system. Returns how many bytes.
  std::size_t trim() noexcept;

  // Exact at rest. Walks all bins: for reports.
  NumaAllocatorStats stats() const;

 private:
  using Arena = internal::NumaArena;

  struct LargeBlock {
    PageMapping pages;
    int node;
    bool moved;
  };

  void check_options();
  Arena* arena_of(int node) const noexcept;
  int wanted_node() noexcept;
  std::span<const int> nodes_to_try(int wanted) const noexcept;
  void* allocate_small(std::size_t size_class) noexcept;
  void* allocate_large(std::size_t bytes, std::size_t alignment) noexcept;
  void* keep_large(PageMapping pages, int node) noexcept;
  void note_in_use(std::size_t bytes) noexcept;
  void release(void* block, std::size_t bytes) noexcept;
  void release_large(void* block, std::size_t bytes) noexcept;
  std::span<std::byte> mark_moved(void* block) noexcept;

  const NumaAllocatorOptions options_;
  const NumaTopology& topology_;
  absl::Status status_;
  internal::NumaChunkDirectory directory_;
  // One for each node with memory, or one for a policy that names none.
  std::vector<std::unique_ptr<Arena>> arenas_;
  std::vector<Arena*> arena_by_node_;
  std::atomic<std::size_t> turn_{0};
  std::atomic<std::size_t> in_use_bytes_{0};
  std::atomic<std::size_t> peak_bytes_{0};
  std::atomic<std::uint64_t> failures_{0};
  std::atomic<std::uint64_t> migrations_{0};

  mutable std::mutex large_mutex_;  // For all below.
  std::unordered_map<void*, LargeBlock> large_;
  std::vector<NumaNodeStats> large_stats_;  // In the order of arenas_.
};

// Throws std::bad_alloc where the allocator has nothing. The allocator must
// outlive it. Two are equal if they share an allocator.
class NumaResource final : public std::pmr::memory_resource {
 public:
  explicit NumaResource(NumaAllocator& allocator) noexcept
      : allocator_(&allocator) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* block = allocator_->allocate(bytes, alignment);
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t) override {
    allocator_->deallocate(block, bytes);
  }
  bool do_is_equal(
      const std::pmr::memory_resource& other) const noexcept override {
    const auto* same = dynamic_cast<const NumaResource*>(&other);
    return same != nullptr && same->allocator_ == allocator_;
  }

  NumaAllocator* allocator_;
};

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_NUMA_ALLOCATOR_H_
