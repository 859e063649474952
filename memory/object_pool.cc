// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/object_pool.h"

#include <algorithm>
#include <cstdio>
#include <mutex>
#include <string>
#include <vector>

#include "memory/object_pool_depot.h"
#include "memory/object_pool_registry.h"

namespace wirebook::internal {
namespace {

constexpr std::uint64_t kSampleEvery = 1021;  // Prime: no pattern's period.

// Caches by pool of this thread, for pools beyond kPoolCacheEntries.
struct SharedEntry {
  std::uint64_t pool_id;  // Never used twice, so a dead pool's entry is inert.
  PoolCache* cache;
};
constinit thread_local SharedEntry t_shared_entries[kPoolCacheEntries] = {};

void add(std::atomic<std::uint64_t>& counter, std::uint64_t n) noexcept {
  // Not fetch_add: its thread alone writes it.
  counter.store(counter.load(std::memory_order_relaxed) + n,
                std::memory_order_relaxed);
}

constexpr std::uint32_t kMaxFetch = 3;  // Magazines at once.

struct CacheDeleter {
  void operator()(PoolCache* cache) const noexcept {
    cache->~PoolCache();
    ::operator delete (cache, std::align_val_t{alignof(PoolCache)});
  }
};
using OwnedCache = std::unique_ptr<PoolCache, CacheDeleter>;

constexpr std::size_t cache_bytes(std::size_t kept) {
  // One that keeps nothing has room for what it hands on.
  return sizeof(PoolCache) +
         (kPoolPrefetchAhead + std::max<std::size_t>(kept, 1)) * sizeof(void*);
}

OwnedCache make_cache(std::size_t kept) {
  void* memory =
      ::operator new (cache_bytes(kept), std::align_val_t{alignof(PoolCache)});
  OwnedCache cache(::new (memory) PoolCache);
  cache->limit_most = static_cast<std::uint32_t>(kept);
  std::fill_n(cache->items() - kPoolPrefetchAhead, kPoolPrefetchAhead, memory);
  return cache;
}

// What two calls of the clock in a row differ by.
std::uint64_t cost_of(std::uint64_t (*now_ns)()) {
  if (now_ns == nullptr) return 0;
  std::uint64_t least = UINT64_MAX;
  for (int i = 0; i < 16; ++i) {
    const std::uint64_t from = now_ns();
    least = std::min(least, now_ns() - from);
  }
  return least;
}

}  // namespace

struct PoolCore::Impl {
  Impl(const PoolCore* core, std::size_t object_bytes, std::size_t slot_bytes,
       const ObjectPoolOptions& options, PoolTag tag)
      : depot(core, object_bytes, slot_bytes, options, tag),
        now_ns(options.now_ns),
        clock_ns(cost_of(options.now_ns)) {}

  PoolDepot depot;
  std::uint64_t (*const now_ns)();
  const std::uint64_t clock_ns;

  // Under the depot's mutex.
  std::vector<OwnedCache> caches;
  std::uint64_t allocations_seen = 0;
  std::uint64_t deallocations_seen = 0;
};

PoolCore::PoolCore(std::size_t object_bytes, std::size_t slot_bytes,
                   const ObjectPoolOptions& options, PoolTag tag)
    : slot_bytes_(slot_bytes),
      impl_(std::make_unique<Impl>(this, object_bytes, slot_bytes, options,
                                   tag)) {
  {
    PoolRegistry& registry = PoolRegistry::instance();
    const std::lock_guard lock(registry.mutex());
    registry.add_pool(&id_, &index_);
  }
  if (warm_up(options.initial_capacity) < options.initial_capacity) {
    die(("no memory for its initial capacity: " + impl_->depot.map_error())
            .c_str(),
        nullptr);
  }
  for (unsigned i = 0; i < options.expected_threads; ++i) {
    impl_->caches.push_back(make_cache(impl_->depot.kept_per_thread()));
  }
}

PoolCore::~PoolCore() {
  if (const std::size_t out = stats().in_use; out != 0) {
    char what[64];
    std::snprintf(what, sizeof(what), "destroyed with %zu objects out", out);
    die(what, nullptr);
  }
  PoolRegistry& registry = PoolRegistry::instance();
  const std::lock_guard lock(registry.mutex());
  for (auto& cache : impl_->caches) PoolRegistry::unlink(*cache);
  registry.remove_pool(index_);
}

PoolCache& PoolCore::attached() noexcept {
  PoolCache& cache = this_thread();
  return &cache == &g_no_pool_cache ? attach() : cache;
}

PoolCache& PoolCore::attach() noexcept {
  SharedEntry& shared = t_shared_entries[id_ % kPoolCacheEntries];
  if (shared.pool_id == id_) return *shared.cache;

  PoolRegistry& registry = PoolRegistry::instance();
  const std::lock_guard lock(registry.mutex());
  PoolCache* cache = registry.find(this);
  if (cache == nullptr) {
    cache = &free_cache();
    registry.link(*cache, this, index_);
  }
  if (index_ == kPoolCacheEntries) shared = {id_, cache};
  return *cache;
}

// One that no thread has. Under the registry's mutex.
PoolCache& PoolCore::free_cache() noexcept {
  Impl& impl = *impl_;
  const std::lock_guard lock(impl.depot.mutex());
  for (auto& cache : impl.caches) {
    if (cache->previous == nullptr) return set_up(*cache);
  }
  impl.caches.push_back(make_cache(impl.depot.kept_per_thread()));
  return set_up(*impl.caches.back());
}

PoolCache& PoolCore::set_up(PoolCache& cache) noexcept {
  const Impl& impl = *impl_;
  cache.limit = std::min(cache.limit_most, 2 * impl.depot.magazine());
  cache.fetch = 1;
  if (impl.now_ns != nullptr) {
    cache.sample_at = cache.out.load(std::memory_order_relaxed) + kSampleEvery;
  }
  return cache;
}

// `count` objects leave for the depot, and are no allocations.
void PoolCore::flushed(PoolCache& cache, std::uint64_t count) noexcept {
  add(cache.flushed, count);
  if (cache.sample_at != UINT64_MAX) cache.sample_at += count;
  // Release: who sees these as taken sees that they were flushed; stats().
  cache.out.store(cache.out.load(std::memory_order_relaxed) + count,
                  std::memory_order_release);
}

void* PoolCore::take_slow(PoolCache& met) noexcept {
  PoolCache& cache = &met == &g_no_pool_cache ? attach() : met;
  if (cache.out.load(std::memory_order_relaxed) != cache.sample_at) {
    return take_or_refill(cache);
  }
  const std::uint64_t from = impl_->now_ns();
  void* slot = take_or_refill(cache);
  if (slot == nullptr) return nullptr;  // Not an allocation: the next is timed.
  const std::uint64_t took = impl_->now_ns() - from;
  add(cache.sampled_ns, took - std::min(took, impl_->clock_ns));
  add(cache.samples, 1);
  cache.sample_at += kSampleEvery;
  return slot;
}

void* PoolCore::take_or_refill(PoolCache& cache) noexcept {
  const std::uint64_t out = cache.out.load(std::memory_order_relaxed);
  const std::uint64_t in = cache.in.load(std::memory_order_relaxed);
  if (in != out) return take_from(cache, in - out, out);
  PoolDepot& depot = impl_->depot;
  unsigned got = depot.refill(cache.items());
  if (got == 0) {
    if (depot.exhaustion() == PoolExhaustion::kTerminate) {
      die("exhausted at its max_capacity", nullptr);
    }
    depot.count_failure();
    return nullptr;
  }
  for (unsigned more = 1; more < cache.fetch; ++more) {
    if (depot.pop_magazine(cache.items() + got)) got += depot.magazine();
  }
  // A thread that takes many comes for more at once, up to what it may keep.
  const std::uint32_t room = (cache.fetch + 1) * depot.magazine();
  if (cache.fetch < kMaxFetch && room <= cache.limit_most) {
    ++cache.fetch;
    cache.limit = std::max(cache.limit, room);
  }
  add(cache.refilled, got);
  // Release: who sees these as there sees that they were refilled; stats().
  cache.in.store(in + got, std::memory_order_release);
  return take_from(cache, got, out);
}

void PoolCore::put_slow(PoolCache& cache, void* slot) noexcept {
  if (&cache == &g_no_pool_cache) return put_of_draining(slot);
  PoolDepot& depot = impl_->depot;
  const std::uint32_t count = cache.limit;
  add(cache.in, 1);
  if (depot.direct()) {
    depot.push_magazine(&slot);
    return flushed(cache, 1);
  }
  if (count < cache.limit_most) {
    cache.limit = std::min(2 * count, cache.limit_most);
    cache.items()[count] = slot;
    return;
  }
  // The older half goes: what was freed last is still in this core's cache.
  const std::uint32_t magazine = depot.magazine();
  const std::uint32_t older = count / magazine / 2 * magazine;
  void** items = cache.items();
  for (std::uint32_t i = 0; i < older; i += magazine) {
    depot.push_magazine(items + i);
  }
  std::copy(items + older, items + count, items);
  items[count - older] = slot;
  flushed(cache, older);
}

// An object of a chunk that drains goes to those set aside or, where that would
// mean to wait, the usual way.
void PoolCore::put_of_draining(void* slot) noexcept {
  PoolCache& cache = attached();
  if (impl_->depot.set_aside(slot)) {
    add(cache.in, 1);
    return flushed(cache, 1);
  }
  const std::uint64_t in = cache.in.load(std::memory_order_relaxed);
  const std::uint64_t count = in - cache.out.load(std::memory_order_relaxed);
  if (count == cache.limit) return put_slow(cache, slot);
  cache.items()[count] = slot;
  add(cache.in, 1);
}

// Everything that the cache holds goes to the depot, if that means no wait, so
// that the next trim() finds it.
void PoolCore::bring_home(PoolCache& cache) noexcept {
  const std::unique_lock lock(impl_->depot.mutex(), std::try_to_lock);
  if (!lock.owns_lock()) return;
  cache.asked.store(false, std::memory_order_relaxed);
  flush_locked(cache);
}

void PoolCore::flush_all(PoolCache& cache) noexcept {
  const std::lock_guard lock(impl_->depot.mutex());
  flush_locked(cache);
}

void PoolCore::flush_locked(PoolCache& cache) noexcept {
  PoolDepot& depot = impl_->depot;
  const std::uint64_t all = cache.in.load(std::memory_order_relaxed) -
                            cache.out.load(std::memory_order_relaxed);
  std::uint64_t count = all;
  for (; count >= depot.magazine(); count -= depot.magazine()) {
    depot.push_magazine(cache.items() + count - depot.magazine());
  }
  depot.push_loose(cache.items(), count);
  flushed(cache, all);
}

void PoolCore::retire(PoolCache& cache) noexcept {
  // This thread may yet come back, in a later destructor of its own, and then
  // the cache may be another one's.
  SharedEntry& shared = t_shared_entries[id_ % kPoolCacheEntries];
  if (shared.pool_id == id_) shared = {};
  flush_all(cache);
}

// Frees are compared with what was given out of the chunk of the last one. That
// number cannot go down meanwhile: `slot` is out, and trim() takes back chunks
// of which nothing is. When it does, all that this thread freed there has
// reached the depot, by pushes that come after the stores below, and the pops
// that found it come before trim() clears chunk_slots: relaxed is enough.
PoolCache* PoolCore::find_chunk(PoolCache* met, const void* slot) noexcept {
  if (slot == nullptr) return nullptr;
  PoolCache& cache = met == &g_no_pool_cache ? attach() : *met;
  const PoolDepot& depot = impl_->depot;
  const PoolChunk* chunk = depot.find(slot);
  if (chunk == nullptr) die("foreign free of", slot);
  if (cache.asked.load(std::memory_order_relaxed)) bring_home(cache);
  if (depot.drains(*chunk)) return &g_no_pool_cache;  // Full: put_slow().
  cache.chunk_begin = reinterpret_cast<std::uintptr_t>(chunk->begin);
  cache.chunk_slots.store(chunk->given_out(), std::memory_order_relaxed);
  return &cache;
}

std::size_t PoolCore::warm_up(std::size_t count) noexcept {
  const std::lock_guard lock(impl_->depot.mutex());
  return impl_->depot.warm_up(count);
}

std::size_t PoolCore::trim(std::size_t keep) noexcept {
  flush_all(attach());
  const std::lock_guard lock(impl_->depot.mutex());
  const std::size_t bytes = impl_->depot.trim(keep);
  forget_chunks();
  return bytes;
}

std::size_t PoolCore::cool(std::size_t keep, PoolCooling how) noexcept {
  flush_all(attach());
  const std::lock_guard lock(impl_->depot.mutex());
  const std::size_t bytes = impl_->depot.cool(keep, how);
  forget_chunks();
  return bytes;
}

// Each thread's next free looks its chunk up: nobody takes a slot that is new
// again for one that is out, and what drains is seen. Under the depot's mutex.
void PoolCore::forget_chunks() noexcept {
  const bool drains = impl_->depot.drains();
  for (auto& cache : impl_->caches) {
    cache->asked.store(drains, std::memory_order_relaxed);
    cache->chunk_slots.store(0, std::memory_order_relaxed);
  }
}

ObjectPoolStats PoolCore::stats() const noexcept {
  Impl& impl = *impl_;
  const std::lock_guard lock(impl.depot.mutex());
  ObjectPoolStats stats;
  std::size_t outside = 0;
  std::uint64_t made_new = 0;
  impl.depot.report(stats, &outside, &made_new);
  std::uint64_t cached = 0, samples = 0, sampled_ns = 0;
  for (const auto& cache : impl.caches) {
    // Acquire: pairs with the releases where a cache is flushed or refilled; a
    // count may lag behind its thread, and never runs ahead.
    const std::uint64_t out = cache->out.load(std::memory_order_acquire);
    const std::uint64_t in = cache->in.load(std::memory_order_acquire);
    stats.total_allocations +=
        out - cache->flushed.load(std::memory_order_relaxed);
    stats.total_deallocations +=
        in - cache->refilled.load(std::memory_order_relaxed);
    cached += in - out;
    stats.overhead_bytes += cache_bytes(cache->limit_most);
    samples += cache->samples.load(std::memory_order_relaxed);
    sampled_ns += cache->sampled_ns.load(std::memory_order_relaxed);
  }
  // Nor do they go back.
  impl.allocations_seen =
      std::max(impl.allocations_seen, stats.total_allocations);
  impl.deallocations_seen =
      std::max(impl.deallocations_seen, stats.total_deallocations);
  stats.total_allocations = impl.allocations_seen;
  stats.total_deallocations = impl.deallocations_seen;
  stats.in_use = outside > cached ? outside - cached : 0;
  if (samples != 0) {
    stats.average_allocation_ns =
        static_cast<double>(sampled_ns) / static_cast<double>(samples);
  }
  if (stats.total_allocations > made_new) {
    stats.reuse_rate = 1 - static_cast<double>(made_new) /
                               static_cast<double>(stats.total_allocations);
  }
  stats.overhead_bytes += sizeof(*this) + sizeof(Impl) - sizeof(PoolDepot) +
                          impl.caches.capacity() * sizeof(OwnedCache);
  return stats;
}

void PoolCore::die(const char* what, const void* slot) const noexcept {
  pool_die(this, what, slot);
}

}  // namespace wirebook::internal
