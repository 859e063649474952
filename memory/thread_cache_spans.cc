// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ThreadCacheAllocator's memory: its metadata, and the spans of its region.
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <new>
#include <utility>

#include "absl/status/status.h"
#include "memory/asan_poison.h"
#include "memory/thread_cache_impl.h"

namespace wirebook::internal {
namespace {

constexpr std::size_t kMostGrowth = std::size_t{64} << 20;

}  // namespace

std::byte* ThreadCacheCore::Impl::map_pages(std::size_t bytes,
                                            int protection) noexcept {
  void* pages = mmap(nullptr, bytes, protection,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return pages == MAP_FAILED ? nullptr : static_cast<std::byte*>(pages);
}

bool ThreadCacheCore::Impl::make_usable(std::byte* pages,
                                        std::size_t bytes) noexcept {
  return mprotect(pages, bytes, PROT_READ | PROT_WRITE) == 0;
}

std::byte* ThreadCacheCore::Impl::take_meta(std::size_t bytes) noexcept {
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
bool ThreadCacheCore::Impl::need_magazines(std::size_t more) noexcept {
  while (magazines < magazines_needed + more) {
    std::byte* const memory = take_meta(sizeof(CacheMagazine));
    if (memory == nullptr) return false;
    trade.empty.push(::new (memory) CacheMagazine);
    ++magazines;
  }
  magazines_needed += more;
  return true;
}

ThreadCache* ThreadCacheCore::Impl::make_cache() noexcept {
  static_assert(sizeof(ThreadCache) + kFalseSharingBytes <= kMetaBlock);
  if (!need_magazines(2 * kCacheSpares)) return nullptr;
  std::byte* const memory = take_meta(sizeof(ThreadCache));
  if (memory == nullptr) return nullptr;
  auto* cache = ::new (memory) ThreadCache;
  for (std::size_t c = 0; c < kCacheClasses; ++c) {
    void** const begin = cache_begin(*cache, c);
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

// The first of `count` free pages in a row, or kNoSpan.
std::size_t ThreadCacheCore::Impl::find_pages(std::size_t count) noexcept {
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

bool ThreadCacheCore::Impl::make_pages_usable(std::size_t least) noexcept {
  const std::size_t wanted =
      std::clamp(round_up(usable / 8, kCacheGrowth), kCacheGrowth, kMostGrowth);
  const std::size_t more =
      std::min(std::max(wanted, least * kSpanPageBytes), region_bytes - usable);
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
std::byte* ThreadCacheCore::Impl::take_span(std::size_t c) noexcept {
  const std::size_t count = cache_span_pages(c);
  std::size_t page = find_pages(count);
  if (page == kNoSpan) {
    if (!make_pages_usable(count)) return nullptr;
    page = find_pages(count);
  }
  if (!need_magazines(cache_span_magazines(c))) return nullptr;
  for (std::size_t i = 0; i < count; ++i) {
    set_class(page + i, static_cast<std::uint8_t>(c));
    page_index[page + i] = static_cast<std::uint8_t>(i);
  }
  free_pages -= count;
  return page_begin(page);
}

// See ThreadCache::last. Under the mutex.
void ThreadCacheCore::Impl::forget_last(const std::byte* begin,
                                        std::size_t bytes) noexcept {
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

void ThreadCacheCore::Impl::give_span(std::size_t c,
                                      std::size_t page) noexcept {
  const std::size_t count = cache_span_pages(c);
  const std::size_t bytes = count * kSpanPageBytes;
  madvise(page_begin(page), bytes, MADV_DONTNEED);
  madvise(out + page * kSpanPageBytes / kCacheGrain, bytes / kCacheGrain,
          MADV_DONTNEED);
  const std::lock_guard lock(mutex);
  forget_last(page_begin(page), bytes);
  for (std::size_t i = 0; i < count; ++i) set_class(page + i, kFreePage);
  free_pages += count;
  first_free = std::min(first_free, page);
  magazines_needed -= cache_span_magazines(c);
}

}  // namespace wirebook::internal
