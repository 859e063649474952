// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/thread_cache_allocator.h"

#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <mutex>
#include <new>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "memory/fail_fast.h"
#include "memory/large_blocks.h"
#include "memory/tagged_ptr.h"

#if defined(WIREBOOK_ASAN)
#include <sanitizer/lsan_interface.h>
#endif

namespace wirebook {
namespace internal {

constinit thread_local ThreadCacheEntry t_thread_caches[kThreadCacheEntries] =
    {};

namespace {

constexpr std::size_t kLeastReserve = std::size_t{64} << 20;
constexpr std::size_t kGrowth = std::size_t{2} << 20;
constexpr std::size_t kMostGrowth = std::size_t{64} << 20;
constexpr std::size_t kMostSpanPages = 16;
constexpr std::size_t kNoSpan = ~std::size_t{0};
constexpr unsigned kSpareMagazines = 8;  // Empty ones that a thread keeps.
// Below this the allocator never looks for free spans by itself.
constexpr std::size_t kLeastScavenge = std::size_t{8} << 20;

// The caches of this thread, one for each allocator that it used.
constinit thread_local ThreadCache* t_attached = nullptr;

// Who uses which allocator, so that a thread's end and an allocator's end, in
// any order and at once, find each other. Cold. Needs no heap, since it may
// stand below malloc, and no destructor.
struct Registry {
  std::mutex mutex;
  bool has_key = false;
  pthread_key_t key = 0;
  std::uint64_t last_id = 0;
  std::uint32_t indices = 0;  // Those that live allocators have, as bits.
  static_assert(kThreadCacheEntries == 32);
};
constinit Registry g_registry;

void unlink(ThreadCache& cache) noexcept {
  if (cache.previous == nullptr) return;
  *cache.previous = cache.next;
  if (cache.next != nullptr) cache.next->previous = cache.previous;
  cache.previous = nullptr;
  cache.next = nullptr;
}

// A pthread key, since its destructors run after those of thread_local objects,
// which may still free, and run again if it is set again.
void retire_thread(void*) noexcept {
  const std::lock_guard lock(g_registry.mutex);
  while (t_attached != nullptr) {
    ThreadCache& cache = *t_attached;
    unlink(cache);
    cache.core->retire(cache);
  }
  std::fill(std::begin(t_thread_caches), std::end(t_thread_caches),
            ThreadCacheEntry{});
}

// A sum of differences that is below zero has wrapped.
constexpr std::size_t at_least_zero(std::size_t sum) noexcept {
  return static_cast<std::ptrdiff_t>(sum) < 0 ? 0 : sum;
}

constexpr std::size_t round_up(std::size_t value, std::size_t unit) noexcept {
  return (value + unit - 1) / unit * unit;
}

// The fewest pages whose rest is at most a sixteenth of them.
constexpr std::size_t span_pages(std::size_t c) noexcept {
  const std::size_t bytes = cache_class_bytes(c);
  std::size_t pages = 1;
  while (pages * kSpanPageBytes < bytes ||
         pages * kSpanPageBytes % bytes * 16 > pages * kSpanPageBytes) {
    ++pages;
  }
  return pages;
}
constexpr std::size_t span_objects(std::size_t c) noexcept {
  return span_pages(c) * kSpanPageBytes / cache_class_bytes(c);
}
// Magazines that a span's objects can fill.
constexpr std::size_t span_magazines(std::size_t c) noexcept {
  return (span_objects(c) + cache_batch(c) - 1) / cache_batch(c);
}
static_assert([] {
  for (std::size_t c = 0; c < kCacheClasses; ++c) {
    if (span_pages(c) > kMostSpanPages) return false;
  }
  return true;
}());

constexpr auto kSlotsBefore = [] {
  std::array<std::size_t, kCacheClasses> before{};
  for (std::size_t c = 0; c < kCacheClasses; ++c) {
    before[c] = cache_slots_before(c);
  }
  return before;
}();
void** begin_of(ThreadCache& cache, std::size_t c) noexcept {
  return cache.slots + kSlotsBefore[c] + 1;
}
std::size_t kept(ThreadCache& cache, std::size_t c) noexcept {
  return static_cast<std::size_t>(
      cache.bins[c].top.load(std::memory_order_relaxed) - begin_of(cache, c));
}

using MagazineStack = TaggedStack<TaggedPtr128<CacheMagazine>>;

// One class. What is behind the mutex serves when `full` is empty.
struct alignas(kFalseSharingBytes) Depot {
  MagazineStack full;
  std::mutex mutex;
  std::byte* fresh = nullptr;      // Never out so far, up to the span's end:
  std::size_t fresh_count = 0;     // this many.
  CacheMagazine* loose = nullptr;  // Not full; null or kept for good.
};

std::byte* map_pages(std::size_t bytes, int protection) noexcept {
  void* pages = mmap(nullptr, bytes, protection,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return pages == MAP_FAILED ? nullptr : static_cast<std::byte*>(pages);
}

bool make_usable(std::byte* pages, std::size_t bytes) noexcept {
  return mprotect(pages, bytes, PROT_READ | PROT_WRITE) == 0;
}

}  // namespace

struct ThreadCacheCore::Impl {
  Depot depots[kCacheClasses];

  // A trade of magazines touches all of these. Relaxed: they order nothing.
  struct alignas(kFalseSharingBytes) Trade {
    MagazineStack empty;
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

  static constexpr std::size_t kMetaBlock = std::size_t{1} << 20;

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
  std::byte* take_meta(std::size_t bytes) noexcept {
    if (meta_bytes < bytes) {
      std::byte* const block = map_pages(kMetaBlock, PROT_READ | PROT_WRITE);
      if (block == nullptr) return nullptr;
      std::memcpy(block, &meta_blocks, sizeof(meta_blocks));
      meta_blocks = block;
      meta_mapped += kMetaBlock;
      meta = block + kFalseSharingBytes;
      meta_bytes = kMetaBlock - kFalseSharingBytes;
    }
    std::byte* const taken = meta;
    const std::size_t step = round_up(bytes, kFalseSharingBytes);
    meta += step;
    meta_bytes -= step;
    return taken;
  }

  // Makes sure that there are `more` magazines than were needed so far.
  bool need_magazines(std::size_t more) noexcept {
    while (magazines < magazines_needed + more) {
      std::byte* const memory = take_meta(sizeof(CacheMagazine));
      if (memory == nullptr) return false;
      trade.empty.push(::new (memory) CacheMagazine);
      ++magazines;
    }
    magazines_needed += more;
    return true;
  }

  ThreadCache* make_cache() noexcept {
    static_assert(sizeof(ThreadCache) + kFalseSharingBytes <= kMetaBlock);
    if (!need_magazines(2 * kSpareMagazines)) return nullptr;
    std::byte* const memory = take_meta(sizeof(ThreadCache));
    if (memory == nullptr) return nullptr;
    auto* cache = ::new (memory) ThreadCache;
    for (std::size_t c = 0; c < kCacheClasses; ++c) {
      void** const begin = begin_of(*cache, c);
      cache->bins[c].top.store(begin, std::memory_order_relaxed);
      cache->bins[c].end = begin + 2 * cache_batch(c);
      cache->carve[c] = static_cast<std::uint8_t>(std::clamp<std::size_t>(
          4096 / cache_class_bytes(c), std::min<std::size_t>(4, cache_batch(c)),
          cache_batch(c)));
    }
    cache->next_of_core = caches;
    caches = cache;
    return cache;
  }

  // ---- Spans --------------------
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

  // The first of `count` free pages in a row, or kNoSpan.
  std::size_t find_pages(std::size_t count) noexcept {
    if (free_pages < count) return kNoSpan;
    const std::size_t pages = usable >> kSpanPageShift;
    std::size_t run = 0;
    bool first = true;
    for (std::size_t page = first_free; page < pages; ++page) {
      if (page_class[page] != kFreePage) {
        run = 0;
        continue;
      }
      if (std::exchange(first, false)) first_free = page;
      if (++run == count) return page + 1 - count;
    }
    return kNoSpan;
  }

  bool make_pages_usable(std::size_t least) noexcept {
    const std::size_t wanted =
        std::clamp(round_up(usable / 8, kGrowth), kGrowth, kMostGrowth);
    const std::size_t more = std::min(std::max(wanted, least * kSpanPageBytes),
                                      region_bytes - usable);
    if (more < least * kSpanPageBytes) return false;
    std::byte* const begin = region + usable;
    std::byte* const map =
        reinterpret_cast<std::byte*>(out) + usable / kCacheGrain;
    if (!make_usable(map, more / kCacheGrain) || !make_usable(begin, more)) {
      return false;
    }
    if (huge_pages) madvise(begin, more, MADV_HUGEPAGE);
    if (placement.policy != NumaPolicy::kDefault &&
        !apply_numa_placement(begin, more, placement).ok()) {
      return false;
    }
    poison(begin, more);
    const std::size_t first = usable >> kSpanPageShift;
    const std::size_t count = more >> kSpanPageShift;
    for (std::size_t i = 0; i < count; ++i) set_class(first + i, kFreePage);
    free_pages += count;
    usable += more;
    owned->store(usable / kCacheGrain, std::memory_order_relaxed);
    return true;
  }

  // A span for class `c`; null without memory. Under the mutex.
  std::byte* take_span(std::size_t c) noexcept {
    const std::size_t count = span_pages(c);
    std::size_t page = find_pages(count);
    if (page == kNoSpan) {
      if (!make_pages_usable(count)) return nullptr;
      page = find_pages(count);
    }
    if (!need_magazines(span_magazines(c))) return nullptr;
    for (std::size_t i = 0; i < count; ++i) {
      set_class(page + i, static_cast<std::uint8_t>(c));
      page_index[page + i] = static_cast<std::uint8_t>(i);
    }
    free_pages -= count;
    return page_begin(page);
  }

  // See ThreadCache::last. Under the mutex.
  void forget_last(const std::byte* begin, std::size_t bytes) noexcept {
    for (ThreadCache* cache = caches; cache != nullptr;
         cache = cache->next_of_core) {
      void* last = cache->last.load(std::memory_order_relaxed);
      const auto* at = static_cast<const std::byte*>(last);
      if (at >= begin && at < begin + bytes) {
        // Fails if the thread goes on: what it takes now lies elsewhere.
        cache->last.compare_exchange_strong(last, nullptr,
                                            std::memory_order_relaxed);
      }
    }
  }

  void give_span(std::size_t c, std::size_t page) noexcept {
    const std::size_t count = span_pages(c);
    const std::size_t bytes = count * kSpanPageBytes;
    madvise(page_begin(page), bytes, MADV_DONTNEED);
    madvise(out + page * kSpanPageBytes / kCacheGrain, bytes / kCacheGrain,
            MADV_DONTNEED);
    const std::lock_guard lock(mutex);
    forget_last(page_begin(page), bytes);
    for (std::size_t i = 0; i < count; ++i) set_class(page + i, kFreePage);
    free_pages += count;
    first_free = std::min(first_free, page);
    magazines_needed -= span_magazines(c);
  }

  // ---- Depots
  // ------------------------------------------------------------------ There is
  // always one: each that is full holds distinct objects, whose span brought as
  // many as they can fill, and threads brought what they keep.
  CacheMagazine* pop_empty() noexcept {
    CacheMagazine* const magazine = trade.empty.pop();
    if (magazine == nullptr) {
      fail_fast("ThreadCacheAllocator", this, "too few magazines");
    }
    return magazine;
  }

  void push_loose(std::size_t c, void* object) noexcept {
    Depot& depot = depots[c];
    if (depot.loose == nullptr) depot.loose = pop_empty();
    depot.loose->items[depot.loose->count++] = object;
    if (depot.loose->count == cache_batch(c)) {
      depot.full.push(std::exchange(depot.loose, nullptr));
    }
  }

  std::size_t pop_loose(std::size_t c, void** items) noexcept {
    CacheMagazine* const loose = depots[c].loose;
    if (loose == nullptr) return 0;
    const std::size_t count = std::exchange(loose->count, 0);
    std::copy_n(loose->items, count, items);
    return count;
  }

  // Objects from behind the depot's mutex, a batch at most, `most` of them
  // fresh ones.
  std::size_t carve(std::size_t c, void** items, std::size_t most) noexcept {
    Depot& depot = depots[c];
    const std::lock_guard lock(depot.mutex);
    if (const std::size_t taken = pop_loose(c, items)) return taken;
    if (depot.fresh_count == 0 && !renew(c)) return 0;
    const std::size_t bytes = cache_class_bytes(c);
    const std::size_t count = std::min(depot.fresh_count, most);
    for (std::size_t i = 0; i < count; ++i) {
      items[i] = depot.fresh + (count - 1 - i) * bytes;
    }
    depot.fresh += count * bytes;
    depot.fresh_count -= count;
    return count;
  }

  // A fresh span for the depot, whose mutex is held.
  bool renew(std::size_t c) noexcept {
    if (should_scavenge(c)) scavenge_all(c);
    if (renew_from_free(c)) return true;
    // There is no more: whatever lies free with the depots, if it can be
    // enough.
    if (!may_have_span(c)) return false;
    scavenge_all(c);
    return renew_from_free(c);
  }

  // The bytes that are not in the hands of threads would fill a span.
  bool may_have_span(std::size_t c) noexcept {
    const std::lock_guard lock(mutex);
    return trade.outside.load(std::memory_order_relaxed) +
               span_pages(c) * kSpanPageBytes <=
           usable;
  }

  // The mutex of class `held` is; classes at which others are busy are left.
  void scavenge_all(std::size_t held) noexcept {
    scavenge(held);
    for (std::size_t c = 0; c < kCacheClasses; ++c) {
      if (c == held) continue;
      const std::unique_lock lock(depots[c].mutex, std::try_to_lock);
      if (lock.owns_lock()) scavenge(c);
    }
  }

  bool renew_from_free(std::size_t c) noexcept {
    const std::lock_guard lock(mutex);
    depots[c].fresh = take_span(c);
    if (depots[c].fresh == nullptr) return false;
    depots[c].fresh_count = span_objects(c);
    return true;
  }

  // The allocator would grow although half of it lies free in spans.
  bool should_scavenge(std::size_t c) noexcept {
    const std::lock_guard lock(mutex);
    if (usable < next_scavenge || find_pages(span_pages(c)) != kNoSpan) {
      return false;
    }
    const std::size_t outside = trade.outside.load(std::memory_order_relaxed);
    if (outside > usable / 2) return false;
    next_scavenge = usable + usable / 4;
    return true;
  }

  // Gives the spans of class `c` that have no object out or with threads to
  // all classes. The depot's mutex is held. Returns bytes.
  std::size_t scavenge(std::size_t c) noexcept {
    Depot& depot = depots[c];
    CacheMagazine* all = nullptr;
    const auto add = [&all](CacheMagazine* magazine) {
      magazine->next.store(all, std::memory_order_relaxed);
      all = magazine;
    };
    while (CacheMagazine* magazine = depot.full.pop()) add(magazine);
    if (CacheMagazine* loose = std::exchange(depot.loose, nullptr)) add(loose);
    for (CacheMagazine* m = all; m != nullptr;
         m = m->next.load(std::memory_order_relaxed)) {
      for (std::size_t i = 0; i < m->count; ++i) {
        ++page_free[span_of(m->items[i])];
      }
    }
    std::size_t freed = 0;
    while (all != nullptr) {
      CacheMagazine* const m = all;
      all = m->next.load(std::memory_order_relaxed);
      freed += sort_out(c, *m);
    }
    return freed;
  }

  // Puts the objects of a counted magazine back, but for those whose span is
  // wholly free: its last object frees it.
  std::size_t sort_out(std::size_t c, CacheMagazine& magazine) noexcept {
    constexpr std::uint16_t kWhole = 0x8000;
    Depot& depot = depots[c];
    void* items[kCacheMaxBatch];
    const std::size_t count = std::exchange(magazine.count, 0);
    std::copy_n(magazine.items, count, items);
    trade.empty.push(&magazine);
    std::size_t freed = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t span = span_of(items[i]);
      const bool current =
          depot.fresh_count != 0 && span_of(depot.fresh) == span;
      const std::size_t carved =
          span_objects(c) - (current ? depot.fresh_count : 0);
      std::uint16_t& found = page_free[span];
      if (found == carved) found |= kWhole;
      --found;  // Down to zero again, whole or not.
      if ((found & kWhole) == 0) {
        push_loose(c, items[i]);
      } else if (found == kWhole) {
        found = 0;
        if (current) depot.fresh_count = 0;
        give_span(c, span);
        freed += span_pages(c) * kSpanPageBytes;
      }
    }
    return freed;
  }
};

// ---- What threads keep
namespace {

void add_taken(ThreadCache& cache, std::size_t c,
               std::int64_t objects) noexcept {
  cache.taken[c].store(cache.taken[c].load(std::memory_order_relaxed) + objects,
                       std::memory_order_relaxed);
}

}  // namespace

ThreadCache* ThreadCacheCore::attach() noexcept {
  const std::lock_guard lock(g_registry.mutex);
  ThreadCache* cache = t_attached;
  // Where more than 32 allocators live, another one may have our entry.
  while (cache != nullptr && cache->core != this) cache = cache->next;
  if (cache == nullptr) {
    const std::lock_guard caches_lock(impl_->mutex);
    cache = impl_->caches;
    while (cache != nullptr && cache->previous != nullptr) {
      cache = cache->next_of_core;
    }
    if (cache == nullptr) cache = impl_->make_cache();
    if (cache == nullptr) return nullptr;
    cache->core = this;
    cache->next = t_attached;
    if (t_attached != nullptr) t_attached->previous = &cache->next;
    cache->previous = &t_attached;
    t_attached = cache;
    pthread_setspecific(g_registry.key, &t_attached);
  }
  t_thread_caches[entry_offset_ / sizeof(ThreadCacheEntry)] = {id_, cache};
  return cache;
}

void* ThreadCacheCore::take_slow(std::size_t c, std::size_t bytes) noexcept {
  const ThreadCacheEntry& entry = this_entry();
  ThreadCache* const cache = entry.core_id == id_ ? entry.cache : attach();
  if (cache == nullptr ||
      (cache->bins[c].top.load(std::memory_order_relaxed)[-1] == nullptr &&
       !refill(*cache, c))) {
    impl_->failures.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  return take(c, bytes);
}

void ThreadCacheCore::attach_and_put(void* object) noexcept {
  ThreadCache* const cache = attach();
  if (cache == nullptr) die("no memory for the cache of a thread");
  add(*cache, cache->bins[class_at(object)], object);
}

// The bin is empty.
bool ThreadCacheCore::refill(ThreadCache& cache, std::size_t c) noexcept {
  Impl& impl = *impl_;
  void** const begin = begin_of(cache, c);
  std::size_t count = 0;
  if (CacheMagazine* const magazine = impl.depots[c].full.pop()) {
    count = std::exchange(magazine->count, 0);
    std::copy_n(magazine->items, count, begin);
    if (cache.spares == kSpareMagazines) {
      impl.trade.empty.push(magazine);
    } else {
      magazine->next.store(cache.spare, std::memory_order_relaxed);
      cache.spare = magazine;
      ++cache.spares;
    }
  } else {
    const std::size_t most = cache.carve[c];
    count = impl.carve(c, begin, most);
    if (count == 0) return false;
    cache.carve[c] =
        static_cast<std::uint8_t>(std::min(2 * most, cache_batch(c)));
  }
  impl.handed(c, count);
  add_taken(cache, c, static_cast<std::int64_t>(count));
  cache.bins[c].top.store(begin + count, std::memory_order_relaxed);
  return true;
}

// The bin is full. What was freed last is still in this core's cache: the older
// half goes.
void ThreadCacheCore::flush_and_add(ThreadCache& cache, CacheBin& bin,
                                    void* object) noexcept {
  Impl& impl = *impl_;
  const auto c = static_cast<std::size_t>(&bin - cache.bins);
  const std::size_t batch = cache_batch(c);
  CacheMagazine* magazine = cache.spare;
  if (magazine != nullptr) {
    cache.spare = magazine->next.load(std::memory_order_relaxed);
    --cache.spares;
  } else {
    magazine = impl.pop_empty();
  }
  void** const begin = begin_of(cache, c);
  std::copy_n(begin, batch, magazine->items);
  std::copy_n(begin + batch, batch, begin);
  magazine->count = batch;
  impl.depots[c].full.push(magazine);
  impl.returned(c, batch);
  add_taken(cache, c, -static_cast<std::int64_t>(batch));
  begin[batch] = object;
  bin.top.store(begin + batch + 1, std::memory_order_relaxed);
}

void ThreadCacheCore::retire(ThreadCache& cache) noexcept {
  Impl& impl = *impl_;
  for (std::size_t c = 0; c < kCacheClasses; ++c) {
    const std::size_t count = kept(cache, c);
    if (count == 0) continue;
    void** const begin = begin_of(cache, c);
    const std::lock_guard lock(impl.depots[c].mutex);
    for (std::size_t i = 0; i < count; ++i) impl.push_loose(c, begin[i]);
    impl.returned(c, count);
    add_taken(cache, c, -static_cast<std::int64_t>(count));
    cache.bins[c].top.store(begin, std::memory_order_relaxed);
  }
}

// ---- Ends --------------------
void ThreadCacheCore::die_on_free(const void* address) const noexcept {
  const std::size_t page = impl_->page_of(address);
  const std::uint8_t c = impl_->page_class[page];
  if (c >= kCacheClasses) die("foreign free of", address);
  const std::byte* const span = impl_->page_begin(impl_->span_of(address));
  const auto offset =
      static_cast<std::size_t>(static_cast<const std::byte*>(address) - span);
  die(offset % cache_class_bytes(c) == 0 ? "double free of"
                                         : "foreign free, inside an object:",
      address);
}

void ThreadCacheCore::die(const char* what,
                          const void* address) const noexcept {
  fail_fast("ThreadCacheAllocator", this, what, address);
}

}  // namespace internal

using internal::cache_class_bytes;
using internal::kCacheClasses;
using internal::ThreadCache;

absl::Status ThreadCacheAllocator::init(const ThreadCacheOptions& options) {
  using internal::round_up;
  // One mapping: the region, its byte map, three tables, Impl; and room to
  // begin at a huge page.
  constexpr std::size_t kAlign = internal::kGrowth;
  std::size_t region_bytes =
      round_up(std::clamp(options.reserve_bytes, internal::kLeastReserve,
                          std::size_t{1} << 45),
               kAlign);
  std::size_t map_bytes = 0, pages = 0, total = 0;
  std::byte* reserved = nullptr;
  for (;;) {
    map_bytes = region_bytes / internal::kCacheGrain;
    pages = region_bytes / internal::kSpanPageBytes;
    total = kAlign + region_bytes + map_bytes + round_up(4 * pages, 4096) +
            round_up(sizeof(Impl), 4096);
    reserved = internal::map_pages(total, PROT_NONE);
    if (reserved != nullptr) break;
    if (region_bytes <= internal::kLeastReserve) {
      return absl::ResourceExhaustedError(
          "the system refuses 64 MiB of address space; "
          "see ulimit -v");
    }
    region_bytes = round_up(region_bytes / 2, kAlign);
  }
  std::byte* const region = reinterpret_cast<std::byte*>(
      round_up(reinterpret_cast<std::uintptr_t>(reserved), kAlign));
  std::byte* const map = region + region_bytes;
  std::byte* const tables = map + map_bytes;
  std::byte* const impl_at = tables + round_up(4 * pages, 4096);
  if (!internal::make_usable(
          tables, round_up(4 * pages, 4096) + round_up(sizeof(Impl), 4096))) {
    munmap(reserved, total);
    return absl::ResourceExhaustedError(
        "the system refuses memory for its tables");
  }
  impl_ = ::new (impl_at) Impl;
  Impl& impl = *impl_;
  impl.placement = options.placement;
  impl.huge_pages = options.huge_pages;
  impl.reserved = reserved;
  impl.reserved_bytes = total;
  impl.region = region;
  impl.region_bytes = region_bytes;
  impl.owned = &usable_units_;
  impl.out = out_ = reinterpret_cast<std::uint8_t*>(map);
  impl.page_free = reinterpret_cast<std::uint16_t*>(tables);
  impl.page_index = reinterpret_cast<std::uint8_t*>(tables) + 2 * pages;
  impl.page_class = page_class_ = impl.page_index + pages;
  region_ = reinterpret_cast<std::uintptr_t>(region);
#if defined(WIREBOOK_ASAN)
  // What objects point to is reachable.
  __lsan_register_root_region(region, region_bytes);
#endif
  {
    internal::Registry& all = internal::g_registry;
    const std::lock_guard lock(all.mutex);
    if (!all.has_key) {
      all.has_key = pthread_key_create(&all.key, &internal::retire_thread) == 0;
      if (!all.has_key) {
        return absl::ResourceExhaustedError("no pthread key is left");
      }
    }
    id_ = ++all.last_id;
    std::size_t index = id_ % internal::kThreadCacheEntries;
    if (~all.indices != 0) {
      index = static_cast<std::size_t>(std::countr_one(all.indices));
    }
    all.indices |= std::uint32_t{1} << index;
    entry_offset_ = index * sizeof(internal::ThreadCacheEntry);
  }
  const std::lock_guard lock(impl.mutex);
  if (options.placement.policy != NumaPolicy::kDefault) {
    // The tables' pages serve as well as any to see whether it can be followed.
    if (absl::Status status =
            apply_numa_placement(tables, 4096, options.placement);
        !status.ok()) {
      return status;
    }
  }
  if (!impl.need_magazines(kCacheClasses)) {
    return absl::ResourceExhaustedError(
        "the system refuses memory for its magazines");
  }
  return absl::OkStatus();
}

ThreadCacheAllocator::ThreadCacheAllocator(const ThreadCacheOptions& options) {
  if (const absl::Status status = init(options); !status.ok()) {
    die(std::string(status.message()).c_str());
  }
}

absl::StatusOr<std::unique_ptr<ThreadCacheAllocator>>
ThreadCacheAllocator::create(const ThreadCacheOptions& options) {
  std::unique_ptr<ThreadCacheAllocator> made(
      new ThreadCacheAllocator(Unmade{}));
  if (absl::Status status = made->init(options); !status.ok()) return status;
  return made;
}

ThreadCacheAllocator::~ThreadCacheAllocator() {
  if (impl_ == nullptr) return;
  Impl& impl = *impl_;
  {
    internal::Registry& all = internal::g_registry;
    const std::lock_guard lock(all.mutex);
    const std::size_t index =
        entry_offset_ / sizeof(internal::ThreadCacheEntry);
    if (id_ != 0) all.indices &= ~(std::uint32_t{1} << index);
    for (ThreadCache* cache = impl.caches; cache != nullptr;
         cache = cache->next_of_core) {
      internal::unlink(*cache);
    }
  }
#if defined(WIREBOOK_ASAN)
  __lsan_unregister_root_region(impl.region, impl.region_bytes);
#endif
  unpoison(impl.region, impl.usable);
  for (std::byte* block = impl.meta_blocks; block != nullptr;) {
    std::byte* before = nullptr;
    std::memcpy(&before, block, sizeof(before));
    munmap(block, Impl::kMetaBlock);
    block = before;
  }
  std::byte* const reserved = impl.reserved;
  const std::size_t bytes = impl.reserved_bytes;
  impl.~Impl();
  munmap(reserved, bytes);
}

void* ThreadCacheAllocator::allocate_unusual(std::size_t bytes,
                                             std::size_t alignment) noexcept {
  Impl& impl = *impl_;
  if (std::has_single_bit(alignment)) {
    const std::size_t c = internal::aligned_cache_class(bytes, alignment);
    if (c < kCacheClasses) return take(c, bytes);
    std::size_t mapped = 0;
    void* const block = impl.large.map(bytes, alignment, impl.placement,
                                       impl.huge_pages, mapped);
    if (block != nullptr) {
      impl.large_bytes.fetch_add(mapped, std::memory_order_relaxed);
      impl.count_peak();
      return block;
    }
  }
  impl.failures.fetch_add(1, std::memory_order_relaxed);
  return nullptr;
}

void ThreadCacheAllocator::deallocate_large(void* object) noexcept {
  if (object == nullptr) return;
  const std::size_t bytes = impl_->large.unmap(object);
  if (bytes == 0) die("foreign or double free of", object);
  impl_->large_bytes.fetch_sub(bytes, std::memory_order_relaxed);
}

void ThreadCacheAllocator::die_of_size(const void* object) const noexcept {
  if (!is_out(object)) die_on_free(object);
  die("freed with another size or alignment than it was allocated with:",
      object);
}

std::size_t ThreadCacheAllocator::usable_bytes(
    const void* object) const noexcept {
  if (owns(object)) {
    if (is_out(object)) return cache_class_bytes(class_at(object));
  } else if (const std::size_t bytes = impl_->large.bytes_at(object)) {
    return bytes;
  }
  die("asked for the size of a foreign or free address", object);
}

std::size_t ThreadCacheAllocator::trim() noexcept {
  flush_thread_cache();
  std::size_t bytes = 0;
  for (std::size_t c = 0; c < kCacheClasses; ++c) {
    const std::lock_guard lock(impl_->depots[c].mutex);
    bytes += impl_->scavenge(c);
  }
  return bytes;
}

void ThreadCacheAllocator::flush_thread_cache() noexcept {
  if (ThreadCache* const cache = attach()) retire(*cache);
}

ThreadCacheStats ThreadCacheAllocator::stats() const noexcept {
  const Impl& impl = *impl_;
  const internal::LargeBlocks::Totals large = impl.large.totals();
  ThreadCacheStats stats;
  const std::lock_guard lock(impl.mutex);
  std::size_t in_use = 0;
  std::uint64_t all_out = 0;
  for (ThreadCache* cache = impl.caches; cache != nullptr;
       cache = cache->next_of_core) {
    for (std::size_t c = 0; c < kCacheClasses; ++c) {
      const std::size_t bytes = cache_class_bytes(c);
      const std::size_t free = internal::kept(*cache, c);
      // May be negative: others free what this thread allocated.
      const std::uint64_t held =
          static_cast<std::uint64_t>(
              cache->taken[c].load(std::memory_order_relaxed)) -
          free;
      all_out += held;
      in_use += held * bytes;
      stats.cached_bytes += free * bytes;
    }
    stats.total_deallocations += cache->frees.load(std::memory_order_relaxed);
  }
  // While others are at work the sums may miss what went from one to another.
  in_use = internal::at_least_zero(in_use);
  stats.total_allocations =
      stats.total_deallocations + internal::at_least_zero(all_out);
  stats.in_use_bytes = in_use + large.bytes;
  stats.total_allocations += large.allocations;
  stats.total_deallocations += large.deallocations;
  stats.allocation_failures = impl.failures.load(std::memory_order_relaxed);
  stats.peak_bytes = impl.trade.peak.load(std::memory_order_relaxed);
  stats.capacity_bytes = impl.usable + large.bytes;
  stats.free_bytes =
      internal::at_least_zero(impl.usable - in_use - stats.cached_bytes);
  stats.overhead_bytes = sizeof(Impl) + impl.meta_mapped +
                         impl.usable / internal::kCacheGrain +
                         4 * (impl.region_bytes / internal::kSpanPageBytes);
  return stats;
}

NumaPlacement ThreadCacheAllocator::placement() const noexcept {
  return impl_->placement;
}

}  // namespace wirebook
