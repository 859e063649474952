// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What NumaAllocator is made of: one NumaArena a node, with one NumaBin a size
// class, which cuts chunks of 4 MiB into equal blocks. No part of its own.
//
// Which blocks of a chunk are free is a bitmap outside the chunk. Free memory
// is thus never touched (its pages may lie on a far node, or nowhere yet), and
// a double free is a bit that is set already.
#ifndef WIREBOOK_MEMORY_NUMA_ALLOCATOR_BINS_H_
#define WIREBOOK_MEMORY_NUMA_ALLOCATOR_BINS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "memory/cache_line.h"
#include "memory/numa_policy.h"
#include "memory/page_mapping.h"

namespace wirebook::internal {

inline constexpr std::size_t kNumaChunkBytes = std::size_t{4} << 20;
inline constexpr std::size_t kNumaMaxBlockBytes = std::size_t{1} << 20;
inline constexpr std::size_t kNumaClasses = 28;
inline constexpr std::size_t kNumaMaxBlocks = kNumaChunkBytes / kSmallPageBytes;

// Pages of the blocks of a class: 1 to 8, then four steps a doubling, so that
// at most a fifth of a block is not asked for.
constexpr std::size_t numa_class_pages(std::size_t size_class) {
  if (size_class < 8) return size_class + 1;
  const std::size_t shift = (size_class - 8) / 4 + 1;
  return (5 + (size_class - 8) % 4) << shift;
}
static_assert(numa_class_pages(kNumaClasses - 1) * kSmallPageBytes ==
              kNumaMaxBlockBytes);

// The class for up to kNumaMaxBlockBytes.
std::size_t numa_class_of(std::size_t bytes) noexcept;

class NumaBin;
class NumaArena;

// Moves those pages of [bytes] to `node` that lie on other nodes; returns how
// many came.
std::size_t bring_pages_home(std::span<std::byte> bytes, int node);

// A chunk and the bits of its blocks. Never freed before its bin: a stale
// pointer finds it empty.
struct NumaChunk {
  explicit NumaChunk(NumaBin& owner) : bin(&owner) {}

  NumaBin* const bin;
  // The rest under the bin's mutex.
  PageMapping pages;
  std::size_t free = 0;
  std::size_t first_word = 0;  // No free block below it.
  std::array<std::uint64_t, kNumaMaxBlocks / 64> free_bits{};
  std::array<std::uint64_t, kNumaMaxBlocks / 64> moved_bits{};
  NumaChunk* next = nullptr;  // Among the bin's chunks with free blocks.
  NumaChunk* previous = nullptr;
};

// From any address to the chunk that it lies in: a table of two levels over 47
// bits of address. Look-up is wait-free.
class NumaChunkDirectory {
 public:
  NumaChunkDirectory() noexcept = default;
  NumaChunkDirectory(const NumaChunkDirectory&) = delete;
  NumaChunkDirectory& operator=(const NumaChunkDirectory&) = delete;
  ~NumaChunkDirectory();

  NumaChunk* find(const void* address) const noexcept;
  bool set(const void* chunk_begin, NumaChunk* chunk) noexcept;

 private:
  static constexpr std::size_t kLeafBits = 12;
  static constexpr std::size_t kRootBits = 47 - 22 - kLeafBits;
  struct Leaf {
    std::array<std::atomic<NumaChunk*>, std::size_t{1} << kLeafBits> chunks{};
  };

  std::array<std::atomic<Leaf*>, std::size_t{1} << kRootBits> root_{};
};

struct NumaBinCounts {
  std::size_t capacity_bytes = 0;
  std::size_t in_use_bytes = 0;
  std::uint64_t allocations = 0;
  std::uint64_t deallocations = 0;
  std::uint64_t from_elsewhere = 0;   // Wanted on another node.
  std::uint64_t freed_elsewhere = 0;  // By a thread on another node.
};

// A page that a program holds, and the node that it was meant for.
struct NumaPage {
  const void* address;
  int node;
};

class alignas(kFalseSharingBytes) NumaBin {
 public:
  NumaBin(NumaArena& arena, std::size_t block_bytes) noexcept
      : arena_(arena),
        block_bytes_(block_bytes),
        blocks_(kNumaChunkBytes / block_bytes) {}
  NumaBin(const NumaBin&) = delete;
  NumaBin& operator=(const NumaBin&) = delete;

  std::size_t block_bytes() const noexcept { return block_bytes_; }
  NumaArena& arena() const noexcept { return arena_; }

  // nullptr if no chunk can be mapped where the arena wants it.
  void* take(bool wanted_elsewhere) noexcept;

  // False if no block that is out begins at `address`.
  bool put(NumaChunk& chunk, void* address, bool from_elsewhere) noexcept;

  // Whether a block that is out begins at `address`; marks it as moved.
  bool mark_moved(NumaChunk& chunk, const void* address) noexcept;

  // Gives every wholly free chunk back. Returns their bytes.
  std::size_t trim() noexcept;

  NumaBinCounts counts() const noexcept;
  void add_pages_in_use(std::vector<NumaPage>& pages) const;

  // Brings pages home that lie on other nodes. Returns how many came.
  std::size_t bring_home();

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};

  NumaChunk* add_chunk() noexcept;
  void release(NumaChunk& chunk) noexcept;
  void link(NumaChunk& chunk) noexcept;
  void unlink(NumaChunk& chunk) noexcept;
  // Of the block that is out at `address`, or kNone.
  std::size_t index_of(const NumaChunk& chunk,
                       const void* address) const noexcept;
  template <typename F>
  void for_each_block(const NumaChunk& chunk, F f) const;

  NumaArena& arena_;
  const std::size_t block_bytes_;
  const std::size_t blocks_;  // A chunk.
  mutable std::mutex mutex_;  // For all below.
  NumaChunk* partial_ = nullptr;
  std::vector<std::unique_ptr<NumaChunk>> chunks_;  // Also those given back.
  NumaBinCounts counts_;
};

struct NumaArenaOptions {
  // Of each mapping; `policy` kPreferred and a node, or a policy without one.
  NumaPlacement placement;
  bool strict = false;  // On that node or not at all.
  bool prefault = false;
  std::size_t page_bytes = kSmallPageBytes;
  std::size_t retain_bytes = 0;  // Wholly free chunks that are kept.
};

class NumaArena {
 public:
  NumaArena(NumaArenaOptions options, NumaChunkDirectory& directory);

  // -1 where pages are not meant for one node.
  int node() const noexcept { return options_.placement.node; }
  NumaBin& bin(std::size_t size_class) noexcept { return *bins_[size_class]; }
  NumaChunkDirectory& directory() noexcept { return directory_; }

  // Pages as the options say; empty if they cannot be had so.
  PageMapping map(std::size_t bytes, std::size_t alignment) noexcept;

  // Makes [block, block + bytes) lie again where the arena's memory does.
  void reclaim(void* block, std::size_t bytes) noexcept;

  // Whether `bytes` more of wholly free chunks are to be kept; notes it if so.
  bool retain(std::size_t bytes) noexcept;
  void retain_no_more(std::size_t bytes) noexcept;

 private:
  const NumaArenaOptions options_;
  NumaChunkDirectory& directory_;
  // This process may not use the node: a cpuset leaves it out.
  std::atomic<bool> forbidden_{false};
  std::atomic<std::size_t> retained_bytes_{0};
  std::array<std::unique_ptr<NumaBin>, kNumaClasses> bins_;
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_MEMORY_NUMA_ALLOCATOR_BINS_H_
