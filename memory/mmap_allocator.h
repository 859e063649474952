// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// MmapAllocator: blocks of whole pages, each a mapping of its own, for what is
// too large for a pool: 1 MiB and more. Huge pages, locking and NUMA placement
// as PageMapping has them.
//
// Use it behind std::pmr containers (MmapResource), for ring memory, for
// snapshots. One block that lives as long as its owner is simpler as a
// PageMapping; blocks below 1 MiB are cheaper from thread_cache_allocator or
// numa_allocator.
//
// How: a freed block is kept, up to retain_bytes in all, and given out again to
// the next request that it fits and of which it is at most an eighth too large:
// a reused block costs no page faults, and these are what a fresh one costs
// most. The oldest kept block goes back to the system first. Under
// kLocalPreferred and kLocalOnly a kept block serves callers on the node where
// its first page lies.
//
// Progress: a mutex; system calls are made outside it, but for the question
// where a kept block lies. Cost: a reused block
// takes a fifth of a microsecond, a fresh one a few microseconds and its page
// faults when it is touched (mmap_allocator_benchmark; COSTS.md has figures).
//
// A fresh block is zeroed, a reused one is not. Always checked, fatal with one
// line on stderr: freeing an address at which no block begins (so also double
// free), freeing with more bytes than the block has, and destroying an
// allocator with blocks out. AddressSanitizer sees access to kept blocks.
//
//   MmapAllocator allocator({.page_bytes = kHugePageBytes});
//   MmapResource resource(allocator);
//   std::pmr::vector<Level> levels(&resource);
//   levels.reserve(1 << 20);
#ifndef WIREBOOK_MEMORY_MMAP_ALLOCATOR_H_
#define WIREBOOK_MEMORY_MMAP_ALLOCATOR_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <mutex>
#include <new>

#include "memory/numa_policy.h"
#include "memory/page_block_table.h"
#include "memory/page_mapping.h"

namespace wirebook {

struct MmapAllocatorOptions {
  std::size_t page_bytes = kSmallPageBytes;  // As AnonymousOptions has it.
  bool prefault = false;
  bool lock = false;
  NumaPlacement placement = {};
  std::size_t retain_bytes = std::size_t{64} << 20;
};

struct MmapAllocatorStats {
  std::size_t capacity_bytes = 0;  // Mapped: in use and retained.
  std::size_t in_use_bytes = 0;    // Whole pages that are given out.
  std::size_t peak_bytes = 0;      // The most that in_use_bytes ever was.
  std::size_t retained_bytes = 0;
  std::uint64_t total_allocations = 0;
  std::uint64_t total_deallocations = 0;
  std::uint64_t allocation_failures = 0;
  std::uint64_t reused = 0;  // Allocations that a kept block served.
};

// Any thread may call any method; the destructor runs alone.
class MmapAllocator {
 public:
  explicit MmapAllocator(MmapAllocatorOptions options = {}) noexcept
      : options_(options) {}
  MmapAllocator(const MmapAllocator&) = delete;
  MmapAllocator& operator=(const MmapAllocator&) = delete;
  ~MmapAllocator();

  // At least `bytes`, and at least one page, at a multiple of `alignment` (a
  // power of two) and of a page. nullptr where the system has no memory, or
  // refuses what the options ask for.
  [[nodiscard]] void* allocate(
      std::size_t bytes,
      std::size_t alignment = alignof(std::max_align_t)) noexcept;

  // nullptr does nothing. `bytes` is what was asked for.
  void deallocate(void* block) noexcept { release(block, nullptr); }
  void deallocate(void* block, std::size_t bytes) noexcept {
    release(block, &bytes);
  }

  // Bytes of the block that may be used: whole pages. 0 if no block of this
  // allocator begins there.
  std::size_t usable_bytes(const void* block) const noexcept;

  // Gives every kept block back to the system. Returns how many bytes.
  std::size_t trim() noexcept;

  // Exact at rest, and consistent in itself at any time.
  MmapAllocatorStats stats() const noexcept;

 private:
  static constexpr std::size_t kMaxRetained = 32;

  std::size_t rounded(std::size_t bytes) const noexcept;
  bool suits_caller(const PageMapping& block) const noexcept;
  PageMapping take_retained(std::size_t bytes, std::size_t alignment) noexcept;
  PageMapping evict(std::size_t index) noexcept;
  void* give_out(PageMapping block) noexcept;
  void* failed() noexcept;
  void release(void* address, const std::size_t* bytes) noexcept;

  const MmapAllocatorOptions options_;
  mutable std::mutex mutex_;  // For all below.
  mutable internal::PageBlockTable blocks_;
  std::array<PageMapping, kMaxRetained> retained_;  // Oldest first.
  std::size_t retained_count_ = 0;
  MmapAllocatorStats stats_;
};

// Throws std::bad_alloc where the allocator has nothing. The allocator must
// outlive it. Two are equal if they share an allocator.
class MmapResource final : public std::pmr::memory_resource {
 public:
  explicit MmapResource(MmapAllocator& allocator) noexcept
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
    const auto* same = dynamic_cast<const MmapResource*>(&other);
    return same != nullptr && same->allocator_ == allocator_;
  }

  MmapAllocator* allocator_;
};

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_MMAP_ALLOCATOR_H_
