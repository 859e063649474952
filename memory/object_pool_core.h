// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The part of ObjectPool<T> that does not depend on T: what threads keep, and
// the hot path over it. Include object_pool.h.
#ifndef WIREBOOK_MEMORY_OBJECT_POOL_CORE_H_
#define WIREBOOK_MEMORY_OBJECT_POOL_CORE_H_

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "memory/cache_line.h"
#include "memory/object_pool_options.h"

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

namespace wirebook::internal {

inline constexpr std::size_t kPoolMinSlotBytes = 16;  // A word and an address.

constexpr std::size_t pool_slot_bytes(std::size_t bytes, std::size_t align) {
  const std::size_t unit = align < 8 ? 8 : align;
  const std::size_t least =
      bytes < kPoolMinSlotBytes ? kPoolMinSlotBytes : bytes;
  return (least + unit - 1) / unit * unit;
}

// The index of the slot that begins `offset` bytes into a chunk, or, where none
// begins there, a number beyond any chunk's: an exact division by
// multiplication with the odd part's inverse (Warren, "Hacker's Delight", 2nd
// ed., 10-17), so that one comparison checks both range and alignment.
class SlotIndexer {
 public:
  explicit constexpr SlotIndexer(std::size_t slot_bytes)
      : shift_(std::countr_zero(slot_bytes)) {
    const std::uint64_t odd = slot_bytes >> shift_;
    inverse_ = odd;  // Right in its last three bits; each step doubles them.
    for (int i = 0; i < 5; ++i) inverse_ *= 2 - odd * inverse_;
  }
  constexpr std::uint64_t operator()(std::uint64_t offset) const noexcept {
    return std::rotr(offset * inverse_, shift_);
  }

 private:
  std::uint64_t inverse_ = 0;
  int shift_;
};

// What stands for the address `slot` in a free object of `pool`. No pointer and
// no small number: its upper bits are ones.
inline std::uint64_t pool_mark(const void* pool, const void* slot) noexcept {
  return ~reinterpret_cast<std::uintptr_t>(pool) ^
         reinterpret_cast<std::uintptr_t>(slot);
}

inline constexpr unsigned kMaxPoolMagazine = 56;
inline constexpr unsigned kPoolCacheEntries = 64;
inline constexpr unsigned kPoolPrefetchAhead = 3;  // Objects.

class PoolCore;

// What one thread keeps of one pool, and its pool's constants. Written by that
// thread alone, but for chunk_slots and `asked`; atomic for stats(), which
// pairs with nothing.
struct alignas(kFalseSharingBytes) PoolCache {
  // Objects that went in, by frees and by refills, and that went out. There are
  // in - out, and no third number to keep. Two chains of one addition each are
  // what a hot pair costs.
  std::atomic<std::uint64_t> in{0};
  std::atomic<std::uint64_t> out{0};
  std::uint64_t sample_at = UINT64_MAX;  // The `out` to be timed next.
  // The part that was ever given out of the chunk that the last free fell into.
  std::uintptr_t chunk_begin = 0;
  std::atomic<std::uint64_t> chunk_slots{0};  // trim() and cool() clear it.
  std::uint32_t limit = 0;  // Objects it may hold now; 0 where none are kept.

  // Grows by use, from two magazines and one.
  std::uint32_t limit_most = 0;
  std::uint32_t fetch = 1;  // Magazines that a refill asks for.

  // Of `in` and `out`, what was no free and no allocation.
  std::atomic<std::uint64_t> refilled{0};
  std::atomic<std::uint64_t> flushed{0};
  std::atomic<std::uint64_t> samples{0};
  std::atomic<std::uint64_t> sampled_ns{0};
  std::atomic<bool> asked{false};  // To bring all home, when it next can.

  // Under the registry's mutex.
  PoolCore* core = nullptr;
  std::atomic<PoolCache*>* entry = nullptr;  // In the thread's table.
  PoolCache* next = nullptr;                 // The next cache of this thread.
  PoolCache** previous = nullptr;  // What points to this one; null: no owner.

  // The objects lie behind this, and kPoolPrefetchAhead entries before the
  // first of them that may be prefetched too.
  void** items() noexcept {
    return reinterpret_cast<void**>(this + 1) + kPoolPrefetchAhead;
  }
};

// Stands in every table for a pool that the thread has not met: it is empty and
// full and covers no chunk, so each operation on it takes its slow way.
extern constinit PoolCache g_no_pool_cache;

struct PoolCacheEntry {
  std::atomic<PoolCache*> cache{&g_no_pool_cache};
};

// A thread's caches by the pools' index; the last entry stays empty, for pools
// that found no index. Initial-exec: no call to find it, in a shared library
// either.
extern constinit thread_local PoolCacheEntry
    t_pool_caches[kPoolCacheEntries + 1]
    __attribute__((tls_model("initial-exec")));

class PoolCore {
 public:
  PoolCore(std::size_t object_bytes, std::size_t slot_bytes,
           const ObjectPoolOptions& options, PoolTag tag);
  ~PoolCore();
  PoolCore(const PoolCore&) = delete;
  PoolCore& operator=(const PoolCore&) = delete;

  template <bool kPrefetch>
  void* take() noexcept {
    PoolCache& cache = this_thread();
    const std::uint64_t out = cache.out.load(std::memory_order_relaxed);
    const std::uint64_t count = cache.in.load(std::memory_order_relaxed) - out;
    if (count == 0 || out == cache.sample_at) [[unlikely]] {
      return take_slow(cache);
    }
    if constexpr (kPrefetch) {
      // Its line may be with the thread that freed it.
      __builtin_prefetch(cache.items()[count - 1 - kPoolPrefetchAhead], 1);
    }
    return take_from(cache, count, out);
  }

  // The caller's cache, or null for nullptr; ends the process unless `slot` is
  // an object that is out.
  template <std::size_t kSlotBytes>
  PoolCache* check_out(void* slot) noexcept {
    PoolCache* cache = &this_thread();
    const auto address = reinterpret_cast<std::uintptr_t>(slot);
    constexpr SlotIndexer kIndexer(kSlotBytes);
    if (kIndexer(address - cache->chunk_begin) >=
        cache->chunk_slots.load(std::memory_order_relaxed)) [[unlikely]] {
      cache = find_chunk(cache, slot);
      if (cache == nullptr) return nullptr;
    }
    if (load_mark(slot) == mark_of(slot)) [[unlikely]] {
      die("double free of", slot);
    }
    return cache;
  }

  void put(PoolCache& cache, void* slot) noexcept {
    const std::uint32_t limit = cache.limit;
    store_mark(slot, mark_of(slot));
#if defined(WIREBOOK_POOL_ASAN)
    ASAN_POISON_MEMORY_REGION(slot, slot_bytes_);
#endif
    const std::uint64_t in = cache.in.load(std::memory_order_relaxed);
    const std::uint64_t count = in - cache.out.load(std::memory_order_relaxed);
    if (count == limit) [[unlikely]] {
      return put_slow(cache, slot);
    }
    cache.items()[count] = slot;
    cache.in.store(in + 1, std::memory_order_relaxed);
  }

  std::size_t warm_up(std::size_t count) noexcept;
  std::size_t trim(std::size_t keep) noexcept;
  std::size_t cool(std::size_t keep, PoolCooling how) noexcept;
  ObjectPoolStats stats() const noexcept;

  // The thread that owns `cache` ends. Under the registry's mutex.
  void retire(PoolCache& cache) noexcept;

 private:
  struct Impl;
  using Word __attribute__((may_alias)) = std::uint64_t;

  PoolCache& this_thread() noexcept {
    // Relaxed: another thread writes it only at the end of a pool.
    return *t_pool_caches[index_].cache.load(std::memory_order_relaxed);
  }

  // A free object's first word is its address mixed with its pool's; one that
  // is out lost it when it was given out. Atomic and relaxed, so that two
  // threads that free one object have a defined, if late, end.
  std::uint64_t mark_of(const void* slot) const noexcept {
    return pool_mark(this, slot);
  }
  WIREBOOK_POOL_NO_ASAN static std::uint64_t load_mark(void* slot) noexcept {
    return __atomic_load_n(static_cast<Word*>(slot), __ATOMIC_RELAXED);
  }
  WIREBOOK_POOL_NO_ASAN static void store_mark(void* slot,
                                               std::uint64_t mark) noexcept {
    __atomic_store_n(static_cast<Word*>(slot), mark, __ATOMIC_RELAXED);
  }

  void* take_from(PoolCache& cache, std::uint64_t count,
                  std::uint64_t out) noexcept {
    void* slot = cache.items()[count - 1];
    if (load_mark(slot) != mark_of(slot)) [[unlikely]] {
      die("write after free into", slot);
    }
    store_mark(slot, 0);
#if defined(WIREBOOK_POOL_ASAN)
    ASAN_UNPOISON_MEMORY_REGION(slot, slot_bytes_);
#endif
    cache.out.store(out + 1, std::memory_order_relaxed);
    return slot;
  }

  PoolCache& attached() noexcept;
  PoolCache& attach() noexcept;
  PoolCache& free_cache() noexcept;
  PoolCache& set_up(PoolCache& cache) noexcept;
  void* take_slow(PoolCache& met) noexcept;
  void* take_or_refill(PoolCache& cache) noexcept;
  void put_slow(PoolCache& cache, void* slot) noexcept;
  void put_of_draining(void* slot) noexcept;
  void bring_home(PoolCache& cache) noexcept;
  void flush_all(PoolCache& cache) noexcept;
  void flush_locked(PoolCache& cache) noexcept;
  void forget_chunks() noexcept;
  static void flushed(PoolCache& cache, std::uint64_t count) noexcept;
  PoolCache* find_chunk(PoolCache* met, const void* slot) noexcept;
  [[noreturn]] void die(const char* what, const void* slot) const noexcept;

  std::uint32_t index_ = kPoolCacheEntries;  // In threads' tables.
  std::uint64_t id_ = 0;
  std::size_t slot_bytes_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_MEMORY_OBJECT_POOL_CORE_H_
