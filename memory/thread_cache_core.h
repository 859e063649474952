// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The inside of ThreadCacheAllocator. Include thread_cache_allocator.h.
#ifndef WIREBOOK_MEMORY_THREAD_CACHE_CORE_H_
#define WIREBOOK_MEMORY_THREAD_CACHE_CORE_H_

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "memory/asan_poison.h"
#include "memory/cache_line.h"

namespace wirebook::internal {

// ---- Size classes: steps of 16 bytes, from 128 on four for each doubling
inline constexpr std::size_t kCacheGrain = 16;
inline constexpr std::size_t kCacheMaxBytes = std::size_t{256} << 10;
inline constexpr std::size_t kCacheClasses = 52;
inline constexpr std::size_t kCacheTableBytes = 1024;

// Spans, of one class each, are of these.
inline constexpr unsigned kSpanPageShift = 16;
inline constexpr std::size_t kSpanPageBytes = std::size_t{1} << kSpanPageShift;

constexpr std::size_t cache_class_bytes(std::size_t c) noexcept {
  if (c < 8) return (c + 1) * kCacheGrain;
  return (c % 4 + 5) << (c / 4 + 3);
}

constexpr std::size_t computed_cache_class(std::size_t bytes) noexcept {
  if (bytes <= 128) {
    return bytes == 0 ? 0 : (bytes - 1) / kCacheGrain;
  }
  const std::size_t last = bytes - 1;
  const auto shift = static_cast<std::size_t>(std::bit_width(last)) - 3;
  return 4 * shift + (last >> shift) - 16;
}
static_assert(cache_class_bytes(computed_cache_class(129)) == 160);
static_assert(computed_cache_class(kCacheMaxBytes) == kCacheClasses - 1);
static_assert(cache_class_bytes(kCacheClasses - 1) == kCacheMaxBytes);

inline constexpr auto kCacheClassTable = [] {
  std::array<std::uint8_t, kCacheTableBytes / kCacheGrain + 1> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = static_cast<std::uint8_t>(computed_cache_class(i * kCacheGrain));
  }
  return table;
}();

// The class of a size; kCacheClasses or more where it is above kCacheMaxBytes.
constexpr std::size_t cache_class(std::size_t bytes) noexcept {
  if (bytes <= kCacheTableBytes) [[likely]] {
    return kCacheClassTable[(bytes + kCacheGrain - 1) / kCacheGrain];
  }
  return computed_cache_class(bytes);
}

// The smallest class whose objects all lie at multiples of `alignment`, a power
// of two: its size is a multiple, and spans begin at one. kCacheClasses if
// there is none.
constexpr std::size_t aligned_cache_class(std::size_t bytes,
                                          std::size_t alignment) noexcept {
  const std::size_t least = bytes < alignment ? alignment : bytes;
  if (least > kCacheMaxBytes || alignment > kSpanPageBytes) {
    return kCacheClasses;
  }
  std::size_t c = cache_class(least);
  while (c < kCacheClasses && cache_class_bytes(c) % alignment != 0) ++c;
  return c;
}

// What a thread trades with the depot at once: full magazines.
inline constexpr std::size_t kCacheMaxBatch = 62;

constexpr std::size_t cache_batch(std::size_t c) noexcept {
  const std::size_t fit = (std::size_t{32} << 10) / cache_class_bytes(c);
  return fit > kCacheMaxBatch ? kCacheMaxBatch : fit == 0 ? 1 : fit;
}

// Where the addresses of a class begin among a thread's, see CacheBin.
constexpr std::size_t cache_slots_before(std::size_t c) noexcept {
  std::size_t slots = 0;
  for (std::size_t i = 0; i < c; ++i) slots += 1 + 2 * cache_batch(i);
  return slots;
}

// ---- What a thread keeps

struct alignas(kCacheLineBytes) CacheMagazine {
  std::atomic<CacheMagazine*> next{nullptr};
  std::size_t count = 0;
  void* items[kCacheMaxBatch];
};
static_assert(sizeof(CacheMagazine) == 8 * kCacheLineBytes);

// Free objects of one class, up to two batches behind a null. Written by the
// owner alone, as all of its cache; atomic for stats(), which pairs with
// nothing.
struct CacheBin {
  std::atomic<void**> top{nullptr};  // Behind the object freed last.
  void** end = nullptr;
};

class ThreadCacheCore;

struct alignas(kFalseSharingBytes) ThreadCache {
  // What was allocated last: to be freed next, often, and then its bin need not
  // be looked up, which everything after would wait for. Whoever gives its span
  // to other classes clears it. Relaxed: who gets an object of such a span got
  // it after that.
  std::atomic<void*> last{nullptr};
  CacheBin* last_bin = nullptr;
  std::atomic<std::uint64_t> frees{0};
  CacheBin bins[kCacheClasses];
  // Objects taken from the depot less those brought there.
  std::atomic<std::int64_t> taken[kCacheClasses] = {};
  // Fresh objects to carve next time: few first, then more.
  std::uint8_t carve[kCacheClasses] = {};
  CacheMagazine* spare = nullptr;  // Empty ones.
  unsigned spares = 0;

  // Under the registry's mutex.
  ThreadCacheCore* core = nullptr;
  ThreadCache* next = nullptr;       // The next cache of this thread.
  ThreadCache** previous = nullptr;  // What points to this; null: no owner.

  ThreadCache* next_of_core = nullptr;  // Set once.
  void* slots[cache_slots_before(kCacheClasses)];
};

struct ThreadCacheEntry {
  std::uint64_t core_id;  // Never used twice: a dead one's entry is inert.
  ThreadCache* cache;
};
inline constexpr std::size_t kThreadCacheEntries = 32;
// initial-exec: position-independent code otherwise calls __tls_get_addr, twice
// a pair. The price is 512 bytes of static thread-local storage, which a
// library that is loaded by dlopen takes from what glibc sets aside (1664
// bytes).
extern constinit thread_local ThreadCacheEntry
    t_thread_caches[kThreadCacheEntries]
    __attribute__((tls_model("initial-exec")));

// ---- The allocator

// Page classes that are none.
inline constexpr std::uint8_t kFreePage = 254;
inline constexpr std::uint8_t kNoPage = 255;

class ThreadCacheCore {
 public:
  void* take(std::size_t c, std::size_t bytes) noexcept {
    const ThreadCacheEntry& entry = this_entry();
    if (entry.core_id != id_) [[unlikely]] {
      return take_slow(c, bytes);
    }
    ThreadCache& cache = *entry.cache;
    CacheBin& bin = cache.bins[c];
    void** const top = bin.top.load(std::memory_order_relaxed) - 1;
    void* const object = *top;
    if (object == nullptr) [[unlikely]] {
      return take_slow(c, bytes);
    }
    bin.top.store(top, std::memory_order_relaxed);
    cache.last.store(object, std::memory_order_relaxed);
    cache.last_bin = &bin;
    set_out(unit_of(object), 1);
    unpoison(object, bytes);
    return object;
  }

  // Distance from the region's begin in units of 16 bytes. What lies between
  // two units turns into a unit that is far outside. Callers that go on with an
  // address keep it: a store to the byte map may have changed the region's
  // begin, as far as compilers know.
  std::size_t unit_of(const void* address) const noexcept {
    static_assert(kCacheGrain == 16);
    return std::rotr(reinterpret_cast<std::uintptr_t>(address) - region_, 4);
  }

  // True if `unit` is one where small objects lie.
  bool has_unit(std::size_t unit) const noexcept {
    // Relaxed: whoever had an object from there also saw the region grow.
    return unit < usable_units_.load(std::memory_order_relaxed);
  }

  // The class of the span that `unit`, which has_unit(), lies in.
  std::size_t class_at(std::size_t unit) const noexcept {
    return __atomic_load_n(page_class_ + unit / (kSpanPageBytes / kCacheGrain),
                           __ATOMIC_RELAXED);
  }

  // Takes back the object at `unit`, whose class is kept at its span.
  void put(void* object, std::size_t unit) noexcept {
    check_in(object, unit);
    const ThreadCacheEntry& entry = this_entry();
    if (entry.core_id != id_) [[unlikely]] {
      return attach_and_put(object);
    }
    ThreadCache& cache = *entry.cache;
    if (object == cache.last.load(std::memory_order_relaxed)) {
      add(cache, *cache.last_bin, object);
    } else {
      add(cache, cache.bins[class_at(unit)], object);
    }
  }

  // The same for who knows that it is of class `c`.
  void put(void* object, std::size_t unit, std::size_t c) noexcept {
    check_in(object, unit);
    const ThreadCacheEntry& entry = this_entry();
    if (entry.core_id != id_) [[unlikely]] {
      return attach_and_put(object);
    }
    add(*entry.cache, entry.cache->bins[c], object);
  }

  // An object starts here and is out. For units that has_unit().
  bool is_out(std::size_t unit) const noexcept {
    return __atomic_load_n(out_ + unit, __ATOMIC_RELAXED) != 0;
  }

  // Brings home what `cache` keeps: on its thread.
  void retire(ThreadCache& cache) noexcept;

 protected:
  struct Impl;

  ThreadCacheCore() noexcept = default;
  ~ThreadCacheCore() = default;
  ThreadCacheCore(const ThreadCacheCore&) = delete;
  ThreadCacheCore& operator=(const ThreadCacheCore&) = delete;

  // Marks it as free; the end if it is none that is out.
  void check_in(void* object, std::size_t unit) noexcept {
    if (!is_out(unit)) [[unlikely]] {
      die_on_free(object);
    }
    set_out(unit, 0);
    if constexpr (kPoisons) {
      poison(object, cache_class_bytes(class_at(unit)));
    }
  }

  void add(ThreadCache& cache, CacheBin& bin, void* object) noexcept {
    cache.frees.store(cache.frees.load(std::memory_order_relaxed) + 1,
                      std::memory_order_relaxed);
    void** const top = bin.top.load(std::memory_order_relaxed);
    if (top == bin.end) [[unlikely]] {
      return flush_and_add(cache, bin, object);
    }
    *top = object;
    bin.top.store(top + 1, std::memory_order_relaxed);
  }

  const ThreadCacheEntry& this_entry() const noexcept {
    return *reinterpret_cast<const ThreadCacheEntry*>(
        reinterpret_cast<const char*>(t_thread_caches) + entry_offset_);
  }

  // One byte for every 16, beside the memory and not in it: 1 where an object
  // that is out begins. Atomic and relaxed, so that two threads that free one
  // object have a defined, if late, end.
  void set_out(std::size_t unit, std::uint8_t out) noexcept {
    __atomic_store_n(out_ + unit, out, __ATOMIC_RELAXED);
  }

  // Makes this thread's entry; null without memory.
  ThreadCache* attach() noexcept;
  void* take_slow(std::size_t c, std::size_t bytes) noexcept;
  void attach_and_put(void* object) noexcept;
  bool refill(ThreadCache& cache, std::size_t c) noexcept;
  void flush_and_add(ThreadCache& cache, CacheBin& bin, void* object) noexcept;
  [[noreturn]] void die_on_free(const void* address) const noexcept;
  [[noreturn]] void die(const char* what,
                        const void* address = nullptr) const noexcept;

  std::uint64_t id_ = 0;
  std::size_t entry_offset_ = 0;  // In t_thread_caches, bytes.
  std::size_t region_ = 0;
  std::atomic<std::size_t> usable_units_{0};  // Grows within the reserve.
  std::uint8_t* out_ = nullptr;
  std::uint8_t* page_class_ = nullptr;
  Impl* impl_ = nullptr;
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_MEMORY_THREAD_CACHE_CORE_H_
