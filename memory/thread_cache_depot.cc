// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ThreadCacheAllocator's depots: full magazines and what is too little for one,
// and the way of free objects back to spans.
#include <algorithm>
#include <mutex>
#include <utility>

#include "memory/fail_fast.h"
#include "memory/thread_cache_impl.h"

namespace wirebook::internal {

// There is always one: each that is full holds distinct objects, whose span
// brought as many as they can fill, and threads brought what they keep.
CacheMagazine* ThreadCacheCore::Impl::pop_empty() noexcept {
  CacheMagazine* const magazine = trade.empty.pop();
  if (magazine == nullptr) {
    fail_fast("ThreadCacheAllocator", this, "too few magazines");
  }
  return magazine;
}

void ThreadCacheCore::Impl::push_loose(std::size_t c, void* object) noexcept {
  CacheDepot& depot = depots[c];
  if (depot.loose == nullptr) depot.loose = pop_empty();
  depot.loose->items[depot.loose->count++] = object;
  if (depot.loose->count == cache_batch(c)) {
    depot.full.push(std::exchange(depot.loose, nullptr));
  }
}

std::size_t ThreadCacheCore::Impl::pop_loose(std::size_t c,
                                             void** items) noexcept {
  CacheMagazine* const loose = depots[c].loose;
  if (loose == nullptr) return 0;
  const std::size_t count = std::exchange(loose->count, 0);
  std::copy_n(loose->items, count, items);
  return count;
}

// Objects from behind the depot's mutex, a batch at most, `most` of them
// fresh ones.
std::size_t ThreadCacheCore::Impl::carve(std::size_t c, void** items,
                                         std::size_t most) noexcept {
  CacheDepot& depot = depots[c];
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
bool ThreadCacheCore::Impl::renew(std::size_t c) noexcept {
  if (should_scavenge(c)) scavenge_all(c);
  if (renew_from_free(c)) return true;
  // There is no more: whatever lies free with the depots, if it can be
  // enough.
  if (!may_have_span(c)) return false;
  scavenge_all(c);
  return renew_from_free(c);
}

// The bytes that are not in the hands of threads would fill a span.
bool ThreadCacheCore::Impl::may_have_span(std::size_t c) noexcept {
  const std::lock_guard lock(mutex);
  return trade.outside.load(std::memory_order_relaxed) +
             cache_span_pages(c) * kSpanPageBytes <=
         usable;
}

// The mutex of class `held` is; classes at which others are busy are left.
void ThreadCacheCore::Impl::scavenge_all(std::size_t held) noexcept {
  scavenge(held);
  for (std::size_t c = 0; c < kCacheClasses; ++c) {
    if (c == held) continue;
    const std::unique_lock lock(depots[c].mutex, std::try_to_lock);
    if (lock.owns_lock()) scavenge(c);
  }
}

bool ThreadCacheCore::Impl::renew_from_free(std::size_t c) noexcept {
  const std::lock_guard lock(mutex);
  depots[c].fresh = take_span(c);
  if (depots[c].fresh == nullptr) return false;
  depots[c].fresh_count = cache_span_objects(c);
  return true;
}

// The allocator would grow although half of it lies free in spans.
bool ThreadCacheCore::Impl::should_scavenge(std::size_t c) noexcept {
  const std::lock_guard lock(mutex);
  if (usable < next_scavenge || find_pages(cache_span_pages(c)) != kNoSpan) {
    return false;
  }
  const std::size_t outside = trade.outside.load(std::memory_order_relaxed);
  if (outside > usable / 2) return false;
  next_scavenge = usable + usable / 4;
  return true;
}

// Gives the spans of class `c` that have no object out or with threads to
// all classes. The depot's mutex is held. Returns bytes.
std::size_t ThreadCacheCore::Impl::scavenge(std::size_t c) noexcept {
  CacheDepot& depot = depots[c];
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
std::size_t ThreadCacheCore::Impl::sort_out(std::size_t c,
                                            CacheMagazine& magazine) noexcept {
  constexpr std::uint16_t kWhole = 0x8000;
  CacheDepot& depot = depots[c];
  void* items[kCacheMaxBatch];
  const std::size_t count = std::exchange(magazine.count, 0);
  std::copy_n(magazine.items, count, items);
  trade.empty.push(&magazine);
  std::size_t freed = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t span = span_of(items[i]);
    const bool current = depot.fresh_count != 0 && span_of(depot.fresh) == span;
    const std::size_t carved =
        cache_span_objects(c) - (current ? depot.fresh_count : 0);
    std::uint16_t& found = page_free[span];
    if (found == carved) found |= kWhole;
    --found;  // Down to zero again, whole or not.
    if ((found & kWhole) == 0) {
      push_loose(c, items[i]);
    } else if (found == kWhole) {
      found = 0;
      if (current) depot.fresh_count = 0;
      give_span(c, span);
      freed += cache_span_pages(c) * kSpanPageBytes;
    }
  }
  return freed;
}

}  // namespace wirebook::internal
