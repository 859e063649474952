// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Arena: a std::pmr memory resource over one fixed buffer, emptied at once; and
// InlineArena<kBytes>, an Arena with its buffer inside.
//
// Use it for the parts of varying size of something that is recycled: the price
// levels of a pooled event. For one thing at a time of one size, object_pool.
//
// Who owns it: the slot. Each pooled event has an InlineArena as a member, so
// an event is filled, read and recycled without another's knowing; its memory
// is reset when the last handle goes, on whichever thread that is. (An arena
// for a whole pool could be reset only while no event is out.) A pool of N
// events so holds N * kBytes, 128 KiB each unless said otherwise.
//
// How: memory is handed out from the front on, in steps of 16 bytes. What is
// given back, as growing vectors do, is reused: the piece handed out last moves
// the front back; others wait on lists by size and are cut to what is asked
// for; when all is back the arena starts anew. What does not fit comes from
// upstream, the heap unless said otherwise, and is counted here and, if given,
// in ArenaTotals for all arenas of a pool; reset() frees it.
//
// Threads: one at a time. Handing over to another thread is what PoolHandle
// does: all that holders did happens before the arena is reset. Cost: a few
// instructions for each of allocate and deallocate; arena_benchmark. Under
// AddressSanitizer memory that is not handed out is poisoned. Destroying an
// arena frees everything, like reset(); containers must be gone by then. Giving
// back what lies beyond the front, as a container does that outlived a reset(),
// or what the arena never gave, ends the process with one line on stderr.
//
//   struct Depth : Poolable<Depth> {
//     void clear() noexcept { arena.recycle(bids, asks); }
//     InlineArena<16 << 10> arena;              // Before what lives in it.
//     std::pmr::vector<Level> bids{&arena}, asks{&arena};
//   };
//   EventPool<Depth, 64> pool;
#ifndef WIREBOOK_MEMORY_ARENA_H_
#define WIREBOOK_MEMORY_ARENA_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>

#include "memory/asan_poison.h"

namespace wirebook {

inline constexpr std::size_t kDefaultArenaBytes = std::size_t{128} << 10;

// What all arenas of a pool did since the totals were made. Relaxed: read by
// any thread, they order nothing. Arenas write here only when they go upstream
// and, where it rises, the peak at reset().
struct ArenaTotals {
  std::atomic<std::uint64_t> upstream_allocations{0};
  std::atomic<std::uint64_t> upstream_bytes{0};
  std::atomic<std::size_t> peak_bytes{0};  // Of the fullest arena, ever.
};

// Exact; for the thread that uses the arena.
struct ArenaStats {
  std::size_t capacity_bytes = 0;  // The buffer.
  std::size_t in_use_bytes = 0;    // Handed out, from upstream too.
  std::size_t peak_bytes = 0;      // The most in_use_bytes there ever were.
  std::uint64_t total_allocations = 0;
  std::uint64_t total_deallocations = 0;  // By deallocate; reset() counts none.
  std::uint64_t allocation_failures = 0;  // Upstream threw.
  std::uint64_t reused = 0;  // Allocations served by what was given back.
  std::uint64_t upstream_allocations = 0;  // Those that did not fit.
  std::uint64_t upstream_bytes = 0;
  std::uint64_t resets = 0;
};

class Arena : public std::pmr::memory_resource {
 public:
  // `buffer` and what is pointed to outlive the arena.
  explicit Arena(std::span<std::byte> buffer, ArenaTotals* totals = nullptr,
                 std::pmr::memory_resource* upstream =
                     std::pmr::new_delete_resource()) noexcept;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() override;

  // Takes everything back at once. Whoever still has memory must not touch it,
  // nor give it back.
  void reset() noexcept;

  // Empties containers that live here, and resets: they end, and begin anew
  // without a capacity. (clear() would leave them with memory that is no more
  // theirs.)
  template <typename... Containers>
  void recycle(Containers&... containers) noexcept {
    (std::destroy_at(&containers), ...);
    reset();
    (std::construct_at(&containers, typename Containers::allocator_type(this)),
     ...);
  }

  ArenaStats stats() const noexcept { return stats_; }

 private:
  // A piece that was given back, in its own first bytes.
  struct Free {
    Free* next;
    std::size_t bytes;
  };
  // In front of what came from upstream, so that reset() finds it.
  struct Foreign {
    const Arena* owner;
    Foreign* previous;
    Foreign* next;
    void* block;
    std::size_t bytes;
    std::size_t alignment;
  };

  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void* piece, std::size_t bytes,
                     std::size_t alignment) override;
  bool do_is_equal(
      const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }

  void* reuse(std::size_t bytes, std::size_t alignment) noexcept;
  void* from_inside(std::size_t bytes, std::size_t alignment) noexcept;
  void* take_first(unsigned size, std::size_t bytes,
                   std::size_t alignment) noexcept;
  void* search(std::size_t bytes, std::size_t alignment) noexcept;
  void keep(std::byte* piece, std::size_t bytes) noexcept;
  void join_neighbours() noexcept;
  static Free* sort(Free* list) noexcept;
  void* from_front(std::size_t bytes, std::size_t alignment) noexcept;
  void* from_upstream(std::size_t bytes, std::size_t alignment);
  void take_back(std::byte* piece, std::size_t bytes) noexcept;
  void free_foreign(Foreign* header) noexcept;
  void start_anew() noexcept;

  static constexpr std::size_t kSizes = 48;  // Powers of two.

  std::byte* const begin_;
  std::byte* const end_;
  std::byte* front_;        // What lies behind is free.
  std::size_t inside_ = 0;  // Bytes of the buffer that are handed out.
  std::pmr::memory_resource* const upstream_;
  ArenaTotals* const totals_;
  Foreign* foreign_ = nullptr;
  std::uint64_t filled_ = 0;  // Which of free_ have pieces, as bits.
  std::array<Free*, kSizes> free_{};
  ArenaStats stats_;
};

// An arena with its buffer inside: for a member of a pooled event, declared
// before the containers that use it.
template <std::size_t kBytes = kDefaultArenaBytes>
class InlineArena : public Arena {
 public:
  explicit InlineArena(ArenaTotals* totals = nullptr,
                       std::pmr::memory_resource* upstream =
                           std::pmr::new_delete_resource()) noexcept
      : Arena({buffer_, kBytes}, totals, upstream) {}

 private:
  alignas(64) std::byte buffer_[kBytes];
};

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_ARENA_H_
