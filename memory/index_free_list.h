// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// IndexFreeList: hands out the numbers 0 ... capacity-1, each to one holder at
// a time; what EventPool and BufferPool stand on.
//
// Use it for a bounded set of places in one array. It promises what magazines
// (object_pool) cannot: acquire() gives kNone only if at one moment during the
// call every number was out. Where nobody counts to the last object,
// object_pool is faster.
//
// How: two Treiber stacks of IndexTag64 cells. Releases push on one, acquires
// pop from the other, and an acquire that finds its stack empty swaps them; so
// an acquiring and a releasing thread share a line once a swap and not once an
// object. The swap is a hint, whatever it says both stacks are searched, and
// found empty only if neither changed meanwhile. A number that never was out is
// issued only when nothing else is free: the last one issued is the high-water
// mark, which costs nothing, and those that are warm in the cache come first.
//
// Progress: lock-free; any thread may call anything. Cost: one locked
// instruction for acquire and for release (pool_handle_benchmark). IndexTag64's
// window applies: an exchange is wrong only if a thread sleeps through an exact
// multiple of 2^32 others on its stack.
//
//   std::atomic<uint32_t> links[64];
//   IndexFreeList<NextInArray> list(64, {links});
//   uint32_t place = list.acquire();
//   if (place != list.kNone) list.release(place);
#ifndef WIREBOOK_MEMORY_INDEX_FREE_LIST_H_
#define WIREBOOK_MEMORY_INDEX_FREE_LIST_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

#include <atomic>
#include <cstdint>
#include <utility>

#include "memory/cache_line.h"
#include "memory/tagged_ptr.h"

namespace wirebook {

// `Next` maps a number to its link, a std::atomic<uint32_t>& that must stay
// readable while the list lives and that nobody else writes.
template <typename Next = NextInArray>
class IndexFreeList {
 public:
  static constexpr std::uint32_t kNone = IndexTag64::kNull;

  // `capacity` is below 2^32 - 1.
  IndexFreeList(std::uint32_t capacity, Next next) noexcept
      : capacity_(capacity), next_(std::move(next)) {}
  IndexFreeList(const IndexFreeList&) = delete;
  IndexFreeList& operator=(const IndexFreeList&) = delete;

  // A number that nobody holds, or kNone.
  std::uint32_t acquire() noexcept {
    // Relaxed: a hint.
    const unsigned side = popped_.load(std::memory_order_relaxed);
    const std::uint32_t index = pop(stacks_[side].value).handle;
    if (index == kNone) [[unlikely]] {
      return acquire_from_the_other(side);
    }
    return index;
  }

  // Takes back a number that acquire() gave; what its holder wrote is seen by
  // the next one.
  void release(std::uint32_t index) noexcept {
    // Relaxed: a hint.
    IndexTag64& cell = *stacks_[1 - popped_.load(std::memory_order_relaxed)];
    auto top = cell.load();
    do {
      // Relaxed: published by the exchange.
      next_(index).store(top.handle, std::memory_order_relaxed);
    } while (!cell.compare_exchange(top, top.next(index)));
  }

  // The most numbers that were out or being asked for at one moment. Wait-free.
  std::uint32_t high_water_mark() const noexcept {
    return issued_.load(std::memory_order_relaxed);
  }
  std::uint32_t capacity() const noexcept { return capacity_; }

 private:
  // The value with the number taken, or the empty one that was seen.
  IndexTag64::Value pop(IndexTag64& cell) noexcept {
    auto top = cell.load();
    while (top.handle != kNone) {
      // Relaxed: ordered after the push by load(); stale if we are overtaken,
      // and then the exchange fails.
      const std::uint32_t next =
          next_(top.handle).load(std::memory_order_relaxed);
      if (cell.compare_exchange(top, top.next(next))) break;
    }
    return top;
  }

  [[gnu::noinline]] std::uint32_t acquire_from_the_other(
      unsigned side) noexcept {
    for (;;) {
      // Acquire, before the stacks: with the release below. Had it been full
      // and both stacks empty, everything was out.
      const std::uint32_t issued = issued_.load(std::memory_order_acquire);
      const auto first = pop(*stacks_[side]);
      if (first.handle != kNone) return first.handle;
      const auto second = pop(*stacks_[1 - side]);
      if (second.handle != kNone) {
        popped_.store(1 - side, std::memory_order_relaxed);
        return second.handle;
      }
      // The tag stood still, so both were empty when the second was seen.
      if (stacks_[side]->load() != first) continue;
      if (issued == capacity_) return kNone;
      std::uint32_t fresh = issued;
      // Release: with the acquire above. A failure means others issued: look
      // again.
      if (issued_.compare_exchange_strong(fresh, fresh + 1,
                                          std::memory_order_release,
                                          std::memory_order_relaxed)) {
        return fresh;
      }
    }
  }

  CacheAligned<IndexTag64> stacks_[2];
  // The stack that acquires pop from. Written at a swap.
  alignas(kFalseSharingBytes) std::atomic<unsigned> popped_{0};
  std::atomic<std::uint32_t> issued_{0};  // Those below were out once.
  const std::uint32_t capacity_;
  [[no_unique_address]] Next next_;
};

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_INDEX_FREE_LIST_H_
