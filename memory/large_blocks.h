// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// LargeBlocks: the part of ThreadCacheAllocator for what is larger than its
// classes: a mapping each, found again by its address. Unlike MmapAllocator it
// keeps none back, and unmaps at its end what is still out.
//
// It uses the heap only for the words of an error, and then holds no lock that
// a small allocation needs: it can stand below malloc.
//
// Progress: a mutex. Cost: a map and an unmap, microseconds.
#ifndef WIREBOOK_MEMORY_LARGE_BLOCKS_H_
#define WIREBOOK_MEMORY_LARGE_BLOCKS_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

#include <cstddef>
#include <cstdint>
#include <mutex>

#include "memory/numa_policy.h"
#include "memory/page_block_table.h"

namespace wirebook::internal {

// Any thread may call any method; the destructor runs alone and unmaps all.
class LargeBlocks {
 public:
  struct Totals {
    std::size_t bytes = 0;
    std::uint64_t allocations = 0;
    std::uint64_t deallocations = 0;
  };

  LargeBlocks() noexcept = default;
  ~LargeBlocks();
  LargeBlocks(const LargeBlocks&) = delete;
  LargeBlocks& operator=(const LargeBlocks&) = delete;

  // Zeroed pages, `alignment` a power of two; nullptr without memory. `mapped`
  // is how many bytes they are.
  void* map(std::size_t bytes, std::size_t alignment, NumaPlacement placement,
            bool huge_pages, std::size_t& mapped) noexcept;

  // The bytes that were unmapped; 0 if no block begins at `address`.
  std::size_t unmap(void* address) noexcept;

  // The bytes of the block that begins at `address`, or 0.
  std::size_t bytes_at(const void* address) const noexcept;

  Totals totals() const noexcept;

 private:
  mutable std::mutex mutex_;  // For all below.
  mutable PageBlockTable blocks_;
  Totals totals_;
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_MEMORY_LARGE_BLOCKS_H_
