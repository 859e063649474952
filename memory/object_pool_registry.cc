// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/object_pool_registry.h"

#include "memory/object_pool_depot.h"

namespace wirebook::internal {

constinit PoolCache g_no_pool_cache;
constinit thread_local PoolCacheEntry t_pool_caches[kPoolCacheEntries + 1] = {};

namespace {

// The caches of this thread, one for each pool that it used.
constinit thread_local PoolCache* t_attached = nullptr;

}  // namespace

PoolRegistry& PoolRegistry::instance() {
  static PoolRegistry* const registry = new PoolRegistry;
  return *registry;
}

// A pthread key, since its destructors run after those of thread_local objects,
// which may still free into a pool, and run again if it is set again.
PoolRegistry::PoolRegistry() {
  if (pthread_key_create(&key_, &retire_thread) != 0) {
    pool_die(nullptr, "no pthread key is left", nullptr);
  }
}

void PoolRegistry::retire_thread(void*) noexcept {
  const std::lock_guard lock(instance().mutex_);
  while (t_attached != nullptr) {
    PoolCache& cache = *t_attached;
    unlink(cache);
    cache.core->retire(cache);
  }
}

void PoolRegistry::add_pool(std::uint64_t* id, std::uint32_t* index) noexcept {
  *id = ++last_id_;
  *index = kPoolCacheEntries;
  if (~indices_ != 0) {
    *index = static_cast<std::uint32_t>(std::countr_one(indices_));
    indices_ |= std::uint64_t{1} << *index;
  }
}

void PoolRegistry::remove_pool(std::uint32_t index) noexcept {
  if (index < kPoolCacheEntries) indices_ &= ~(std::uint64_t{1} << index);
}

PoolCache* PoolRegistry::find(const PoolCore* core) const noexcept {
  PoolCache* cache = t_attached;
  while (cache != nullptr && cache->core != core) cache = cache->next;
  return cache;
}

void PoolRegistry::link(PoolCache& cache, PoolCore* core,
                        std::uint32_t index) noexcept {
  cache.core = core;
  cache.next = t_attached;
  if (t_attached != nullptr) t_attached->previous = &cache.next;
  cache.previous = &t_attached;
  t_attached = &cache;
  if (index < kPoolCacheEntries) {
    cache.entry = &t_pool_caches[index].cache;
    cache.entry->store(&cache, std::memory_order_relaxed);  // Read by us alone.
  }
  pthread_setspecific(key_, &t_attached);
}

void PoolRegistry::unlink(PoolCache& cache) noexcept {
  if (cache.previous == nullptr) return;
  *cache.previous = cache.next;
  if (cache.next != nullptr) cache.next->previous = cache.previous;
  cache.previous = nullptr;
  cache.next = nullptr;
  if (cache.entry == nullptr) return;
  // Relaxed: where the thread is not ours, it next reads this entry to use a
  // pool that was made after this, and that it heard of.
  cache.entry->store(&g_no_pool_cache, std::memory_order_relaxed);
  cache.entry = nullptr;
}

}  // namespace wirebook::internal
