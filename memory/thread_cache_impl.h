// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The cold parts of ThreadCacheAllocator: who uses which allocator, spans of
// memory, and each class's depot of magazines. For thread_cache_*.cc only.
#ifndef WIREBOOK_MEMORY_THREAD_CACHE_IMPL_H_
#define WIREBOOK_MEMORY_THREAD_CACHE_IMPL_H_

#include <pthread.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "memory/large_blocks.h"
#include "memory/numa_policy.h"
#include "memory/tagged_ptr.h"
#include "memory/thread_cache_core.h"

namespace wirebook::internal {

inline constexpr std::size_t kCacheGrowth = std::size_t{2} << 20;
inline constexpr unsigned kCacheSpares = 8;  // Empty ones that a thread keeps.

// Who uses which allocator, so that a thread's end and an allocator's end, in
// any order and at once, find each other. Cold. Needs no heap, since it may
// stand below malloc, and no destructor.
struct ThreadCacheRegistry {
  std::mutex mutex;
  bool has_key = false;
  pthread_key_t key = 0;
  std::uint64_t last_id = 0;
  std::uint32_t indices = 0;  // Those that live allocators have, as bits.
  static_assert(kThreadCacheEntries == 32);

  // Takes a cache from its thread, if it has one. Under the mutex.
  static void unlink(ThreadCache& cache) noexcept;
  // The key's destructor.
  static void retire_thread(void*) noexcept;
};
extern constinit ThreadCacheRegistry g_thread_cache_registry;

// The fewest pages whose rest is at most a sixteenth of them.
constexpr std::size_t cache_span_pages(std::size_t c) noexcept {
  const std::size_t bytes = cache_class_bytes(c);
  std::size_t pages = 1;
  while (pages * kSpanPageBytes < bytes ||
         pages * kSpanPageBytes % bytes * 16 > pages * kSpanPageBytes) {
    ++pages;
  }
  return pages;
}
constexpr std::size_t cache_span_objects(std::size_t c) noexcept {
  return cache_span_pages(c) * kSpanPageBytes / cache_class_bytes(c);
}
// Magazines that a span's objects can fill.
constexpr std::size_t cache_span_magazines(std::size_t c) noexcept {
  return (cache_span_objects(c) + cache_batch(c) - 1) / cache_batch(c);
}
inline constexpr std::size_t kCacheMostSpanPages = 16;
static_assert([] {
  for (std::size_t c = 0; c < kCacheClasses; ++c) {
    if (cache_span_pages(c) > kCacheMostSpanPages) return false;
  }
  return true;
}());

inline constexpr auto kCacheSlotsBefore = [] {
  std::array<std::size_t, kCacheClasses> before{};
  for (std::size_t c = 0; c < kCacheClasses; ++c) {
    before[c] = cache_slots_before(c);
  }
  return before;
}();
inline void** cache_begin(ThreadCache& cache, std::size_t c) noexcept {
  return cache.slots + kCacheSlotsBefore[c] + 1;
}
inline std::size_t cache_kept(ThreadCache& cache, std::size_t c) noexcept {
  return static_cast<std::size_t>(
      cache.bins[c].top.load(std::memory_order_relaxed) -
      cache_begin(cache, c));
}

using CacheMagazineStack = TaggedStack<TaggedPtr128<CacheMagazine>>;

// One class. What is behind the mutex serves when `full` is empty.
struct alignas(kFalseSharingBytes) CacheDepot {
  CacheMagazineStack full;
  std::mutex mutex;
  std::byte* fresh = nullptr;      // Never out so far, up to the span's end:
  std::size_t fresh_count = 0;     // this many.
  CacheMagazine* loose = nullptr;  // Not full; null or kept for good.
};

struct ThreadCacheCore::Impl {
  static constexpr std::size_t kMetaBlock = std::size_t{1} << 20;
  static constexpr std::size_t kNoSpan = ~std::size_t{0};
  // Below this the allocator never looks for free spans by itself.
  static constexpr std::size_t kLeastScavenge = std::size_t{8} << 20;

  // nullptr, and false, where the system refuses.
  static std::byte* map_pages(std::size_t bytes, int protection) noexcept;
  static bool make_usable(std::byte* pages, std::size_t bytes) noexcept;
  static constexpr std::size_t round_up(std::size_t value,
                                        std::size_t unit) noexcept {
    return (value + unit - 1) / unit * unit;
  }

  void count_peak() noexcept {
    const std::size_t now = trade.outside.load(std::memory_order_relaxed) +
                            large_bytes.load(std::memory_order_relaxed);
    std::size_t peak = trade.peak.load(std::memory_order_relaxed);
    while (peak < now && !trade.peak.compare_exchange_weak(
                             peak, now, std::memory_order_relaxed)) {
    }
  }
  void handed(std::size_t c, std::size_t objects) noexcept {
    trade.outside.fetch_add(objects * cache_class_bytes(c),
                            std::memory_order_relaxed);
    count_peak();
  }
  void returned(std::size_t c, std::size_t objects) noexcept {
    trade.outside.fetch_sub(objects * cache_class_bytes(c),
                            std::memory_order_relaxed);
  }

  // ---- Metadata, never given back before the end: a stalled pop may read it
  std::byte* take_meta(std::size_t bytes) noexcept;
  // Makes sure that there are `more` magazines than were needed so far.
  bool need_magazines(std::size_t more) noexcept;
  ThreadCache* make_cache() noexcept;

  // ---- Spans
  std::size_t page_of(const void* address) const noexcept {
    return static_cast<std::size_t>(static_cast<const std::byte*>(address) -
                                    region) >>
           kSpanPageShift;
  }
  std::size_t span_of(const void* address) const noexcept {
    const std::size_t page = page_of(address);
    return page - page_index[page];
  }
  std::byte* page_begin(std::size_t page) const noexcept {
    return region + page * kSpanPageBytes;
  }
  void set_class(std::size_t page, std::uint8_t c) noexcept {
    __atomic_store_n(page_class + page, c, __ATOMIC_RELAXED);
  }
  std::size_t find_pages(std::size_t count) noexcept;
  bool make_pages_usable(std::size_t least) noexcept;
  std::byte* take_span(std::size_t c) noexcept;
  void forget_last(const std::byte* begin, std::size_t bytes) noexcept;
  void give_span(std::size_t c, std::size_t page) noexcept;

  // ---- Depots
  CacheMagazine* pop_empty() noexcept;
  void push_loose(std::size_t c, void* object) noexcept;
  std::size_t pop_loose(std::size_t c, void** items) noexcept;
  std::size_t carve(std::size_t c, void** items, std::size_t most) noexcept;
  bool renew(std::size_t c) noexcept;
  bool may_have_span(std::size_t c) noexcept;
  void scavenge_all(std::size_t held) noexcept;
  bool renew_from_free(std::size_t c) noexcept;
  bool should_scavenge(std::size_t c) noexcept;
  std::size_t scavenge(std::size_t c) noexcept;
  std::size_t sort_out(std::size_t c, CacheMagazine& magazine) noexcept;

  // ---- What they work on
  CacheDepot depots[kCacheClasses];

  // A trade of magazines touches all of these. Relaxed: they order nothing.
  struct alignas(kFalseSharingBytes) Trade {
    CacheMagazineStack empty;
    std::atomic<std::size_t> outside{0};  // Bytes in the hands of threads.
    std::atomic<std::size_t> peak{0};     // With large blocks.
  } trade;
  std::atomic<std::size_t> large_bytes{0};
  std::atomic<std::uint64_t> failures{0};
  LargeBlocks large;

  // Set once.
  NumaPlacement placement;
  bool huge_pages = false;
  std::byte* reserved = nullptr;  // All of it, for munmap.
  std::size_t reserved_bytes = 0;
  std::byte* region = nullptr;
  std::size_t region_bytes = 0;
  std::atomic<std::size_t>* owned = nullptr;  // The core's usable_units_.
  std::uint8_t* out = nullptr;                // One for every 16 bytes.
  std::uint8_t* page_class = nullptr;         // And these for every span page:
  std::uint8_t* page_index = nullptr;         // which one of its span it is;
  std::uint16_t* page_free = nullptr;  // its objects found free, while counted.

  mutable std::mutex mutex;  // Guards what follows; taken after a depot's.
  std::size_t usable = 0;
  std::size_t free_pages = 0;
  std::size_t first_free = 0;  // No page before it is free.
  std::size_t next_scavenge = kLeastScavenge;
  std::size_t magazines = 0;
  std::size_t magazines_needed = 0;
  std::byte* meta = nullptr;  // The rest of the newest metadata block.
  std::size_t meta_bytes = 0;
  std::byte* meta_blocks = nullptr;  // Each begins with the one before it.
  std::size_t meta_mapped = 0;
  ThreadCache* caches = nullptr;
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_MEMORY_THREAD_CACHE_IMPL_H_
