// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The part of ObjectPool<T> that does not depend on T. Include object_pool.h.
#ifndef WIREBOOK_MEMORY_OBJECT_POOL_CORE_H_
#define WIREBOOK_MEMORY_OBJECT_POOL_CORE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "memory/cache_line.h"

#if defined(__SANITIZE_ADDRESS__)
#define WIREBOOK_POOL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WIREBOOK_POOL_ASAN 1
#endif
#endif
#if defined(WIREBOOK_POOL_ASAN)
#include <sanitizer/asan_interface.h>
// For code that reads and writes free objects, which are poisoned.
#define WIREBOOK_POOL_NO_ASAN __attribute__((no_sanitize("address"), noinline))
#else
#define WIREBOOK_POOL_NO_ASAN
#endif

namespace wirebook {

// What to do when max_capacity objects are out.
enum class PoolExhaustion : unsigned char {
  kGrow,       // Grow all the same.
  kNull,       // Give nullptr; count an allocation failure.
  kTerminate,  // One line on stderr, then abort.
};

struct ObjectPoolOptions {
  // Objects, mapped and touched by the constructor.
  std::size_t initial_capacity = 0;
  // Objects; below it the pool grows, mapping in chunks that double it. At
  // least initial_capacity. Of no meaning under kGrow.
  std::size_t max_capacity = 0;
  PoolExhaustion exhaustion = PoolExhaustion::kGrow;
  // Threads whose first call finds its cache made (1 KiB each); others make it.
  unsigned expected_threads = 4;
};

// Exact while no other thread is inside the pool.
struct ObjectPoolStats {
  std::size_t capacity = 0;  // Objects that are mapped.
  std::size_t in_use = 0;    // Objects out.
  // At least the highest in_use ever, and above it by what threads had cached:
  // at most 2 * magazine for each.
  std::size_t peak_in_use = 0;
  std::uint64_t total_allocations = 0;
  std::uint64_t allocation_failures = 0;  // Calls that gave nullptr.
  std::size_t overhead_bytes = 0;         // Held beyond capacity * sizeof(T).
  std::size_t magazine = 0;  // Objects that a thread trades at once.
};

namespace internal {

inline constexpr std::size_t kPoolMinSlotBytes = 16;  // A word and an address.

constexpr std::size_t pool_slot_bytes(std::size_t bytes, std::size_t align) {
  const std::size_t unit = align < 8 ? 8 : align;
  const std::size_t least =
      bytes < kPoolMinSlotBytes ? kPoolMinSlotBytes : bytes;
  return (least + unit - 1) / unit * unit;
}

inline constexpr unsigned kMaxPoolMagazine = 56;
inline constexpr std::size_t kPoolCacheEntries = 64;

class PoolCore;

// What one thread keeps of one pool. The hot part is written by that thread
// alone; the counters are atomic for stats(), which pairs with nothing.
struct alignas(kFalseSharingBytes) PoolCache {
  std::atomic<std::uint32_t> count{0};
  std::uint32_t limit = 0;  // Twice the magazine; 0 where nothing is kept.
  std::uintptr_t chunk_begin = 0;  // The chunk that the last free fell into.
  std::size_t chunk_bytes = 0;
  std::atomic<std::uint64_t> allocations{0};
  void* items[2 * kMaxPoolMagazine] = {};

  // Under the registry's mutex.
  PoolCore* core = nullptr;
  PoolCache* next = nullptr;       // The next cache of this thread.
  PoolCache** previous = nullptr;  // What points to this one; null: no owner.
};

struct PoolCacheEntry {
  std::uint64_t pool_id;  // Never used twice, so a dead pool's entry is inert.
  PoolCache* cache;
};
extern constinit thread_local PoolCacheEntry t_pool_caches[kPoolCacheEntries];

class PoolCore {
 public:
  PoolCore(std::size_t object_bytes, std::size_t slot_bytes,
           const ObjectPoolOptions& options);
  ~PoolCore();
  PoolCore(const PoolCore&) = delete;
  PoolCore& operator=(const PoolCore&) = delete;

  PoolCache& this_thread() noexcept {
    const PoolCacheEntry& entry = t_pool_caches[index_];
    if (entry.pool_id != id_) [[unlikely]] {
      return attach();
    }
    return *entry.cache;
  }

  void* take() noexcept {
    PoolCache& cache = this_thread();
    const std::uint32_t count = cache.count.load(std::memory_order_relaxed);
    if (count == 0) [[unlikely]] {
      return take_slow(cache);
    }
    void* slot = cache.items[count - 1];
    // The next but two: its line may be with the thread that freed it.
    __builtin_prefetch(cache.items[count > 4 ? count - 4 : 0], 1);
    cache.count.store(count - 1, std::memory_order_relaxed);
    check_in(cache, slot);
    return slot;
  }

  // The caller's cache, or null for nullptr; ends the process unless `slot` is
  // an object that is out.
  template <std::size_t kSlotBytes>
  PoolCache* check_out(void* slot) noexcept {
    PoolCache& cache = this_thread();
    const std::uintptr_t offset =
        reinterpret_cast<std::uintptr_t>(slot) - cache.chunk_begin;
    if (offset >= cache.chunk_bytes || offset % kSlotBytes != 0) [[unlikely]] {
      if (!find_chunk(cache, slot)) return nullptr;
    }
    if (load_mark(slot) == mark_of(slot)) [[unlikely]] {
      die("double free of", slot);
    }
    return &cache;
  }

  void put(PoolCache& cache, void* slot) noexcept {
    store_mark(slot, mark_of(slot));
#if defined(WIREBOOK_POOL_ASAN)
    ASAN_POISON_MEMORY_REGION(slot, slot_bytes_);
#endif
    const std::uint32_t count = cache.count.load(std::memory_order_relaxed);
    if (count == cache.limit) [[unlikely]] {
      return put_slow(cache, slot);
    }
    cache.items[count] = slot;
    cache.count.store(count + 1, std::memory_order_relaxed);
  }

  std::size_t warm_up(std::size_t count) noexcept;
  ObjectPoolStats stats() const noexcept;

  // The thread that owns `cache` ends. Under the registry's mutex.
  void retire(PoolCache& cache) noexcept;

 private:
  struct Impl;
  using Word __attribute__((may_alias)) = std::uint64_t;

  // A free object's first word is a secret of the pool mixed with its address;
  // one that is out lost it when it was given out. Atomic and relaxed, so that
  // two threads that free one object have a defined, if late, end.
  std::uint64_t mark_of(const void* slot) const noexcept {
    return secret_ ^ reinterpret_cast<std::uintptr_t>(slot);
  }
  WIREBOOK_POOL_NO_ASAN static std::uint64_t load_mark(void* slot) noexcept {
    return __atomic_load_n(static_cast<Word*>(slot), __ATOMIC_RELAXED);
  }
  WIREBOOK_POOL_NO_ASAN static void store_mark(void* slot,
                                               std::uint64_t mark) noexcept {
    __atomic_store_n(static_cast<Word*>(slot), mark, __ATOMIC_RELAXED);
  }

  void check_in(PoolCache& cache, void* slot) noexcept {
    if (load_mark(slot) != mark_of(slot)) [[unlikely]] {
      die("write after free into", slot);
    }
    store_mark(slot, 0);
#if defined(WIREBOOK_POOL_ASAN)
    ASAN_UNPOISON_MEMORY_REGION(slot, slot_bytes_);
#endif
    cache.allocations.store(
        cache.allocations.load(std::memory_order_relaxed) + 1,
        std::memory_order_relaxed);
  }

  PoolCache& attach() noexcept;
  void* take_slow(PoolCache& cache) noexcept;
  void put_slow(PoolCache& cache, void* slot) noexcept;
  bool find_chunk(PoolCache& cache, const void* slot) noexcept;
  [[noreturn]] void die(const char* what, const void* slot) const noexcept;

  std::uint64_t id_;
  std::uint64_t secret_;
  std::size_t slot_bytes_;
  std::uint32_t index_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace internal
}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_OBJECT_POOL_CORE_H_
