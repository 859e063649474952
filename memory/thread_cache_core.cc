// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ThreadCacheCore: what threads keep, and how they trade it with the depots.
#include "memory/thread_cache_core.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "memory/fail_fast.h"
#include "memory/thread_cache_impl.h"

namespace wirebook::internal {

constinit thread_local ThreadCacheEntry t_thread_caches[kThreadCacheEntries] =
    {};
constinit ThreadCacheRegistry g_thread_cache_registry;

namespace {

// The caches of this thread, one for each allocator that it used.
constinit thread_local ThreadCache* t_attached = nullptr;

void add_taken(ThreadCache& cache, std::size_t c,
               std::int64_t objects) noexcept {
  cache.taken[c].store(cache.taken[c].load(std::memory_order_relaxed) + objects,
                       std::memory_order_relaxed);
}

}  // namespace

void ThreadCacheRegistry::unlink(ThreadCache& cache) noexcept {
  if (cache.previous == nullptr) return;
  *cache.previous = cache.next;
  if (cache.next != nullptr) cache.next->previous = cache.previous;
  cache.previous = nullptr;
  cache.next = nullptr;
}

// A pthread key, since its destructors run after those of thread_local objects,
// which may still free, and run again if it is set again.
void ThreadCacheRegistry::retire_thread(void*) noexcept {
  const std::lock_guard lock(g_thread_cache_registry.mutex);
  while (t_attached != nullptr) {
    ThreadCache& cache = *t_attached;
    unlink(cache);
    cache.core->retire(cache);
  }
  std::fill(std::begin(t_thread_caches), std::end(t_thread_caches),
            ThreadCacheEntry{});
}

ThreadCache* ThreadCacheCore::attach() noexcept {
  const std::lock_guard lock(g_thread_cache_registry.mutex);
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
    pthread_setspecific(g_thread_cache_registry.key, &t_attached);
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
  add(*cache, cache->bins[class_at(unit_of(object))], object);
}

// The bin is empty.
bool ThreadCacheCore::refill(ThreadCache& cache, std::size_t c) noexcept {
  Impl& impl = *impl_;
  void** const begin = cache_begin(cache, c);
  std::size_t count = 0;
  if (CacheMagazine* const magazine = impl.depots[c].full.pop()) {
    count = std::exchange(magazine->count, 0);
    std::copy_n(magazine->items, count, begin);
    if (cache.spares == kCacheSpares) {
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
  void** const begin = cache_begin(cache, c);
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
    const std::size_t count = cache_kept(cache, c);
    if (count == 0) continue;
    void** const begin = cache_begin(cache, c);
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

}  // namespace wirebook::internal
