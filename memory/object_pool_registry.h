// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Which thread uses which ObjectPool, so that a thread's end and a pool's end,
// in any order and at once, find each other. For object_pool.cc only.
//
// Cold: its mutex is taken when a thread meets a pool, and at ends.
#ifndef WIREBOOK_MEMORY_OBJECT_POOL_REGISTRY_H_
#define WIREBOOK_MEMORY_OBJECT_POOL_REGISTRY_H_

#include <pthread.h>

#include <cstdint>
#include <mutex>

#include "memory/object_pool_core.h"

namespace wirebook::internal {

class PoolRegistry {
 public:
  // Never destroyed: threads and static pools may outlive static destructors.
  static PoolRegistry& instance();

  std::mutex& mutex() noexcept { return mutex_; }

  // The rest is called under mutex(). An id is never used twice. The index is
  // kPoolCacheEntries where all are taken.
  void add_pool(std::uint64_t* id, std::uint32_t* index) noexcept;
  void remove_pool(std::uint32_t index) noexcept;

  // The calling thread's cache of `core`, or null.
  PoolCache* find(const PoolCore* core) const noexcept;
  // Makes `cache` the calling thread's.
  void link(PoolCache& cache, PoolCore* core, std::uint32_t index) noexcept;
  // Takes it from its thread, if it has one.
  static void unlink(PoolCache& cache) noexcept;

 private:
  PoolRegistry();
  static void retire_thread(void*) noexcept;

  std::mutex mutex_;
  pthread_key_t key_;
  std::uint64_t last_id_ = 0;
  std::uint64_t indices_ = 0;  // Those that live pools have, as bits.
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_MEMORY_OBJECT_POOL_REGISTRY_H_
