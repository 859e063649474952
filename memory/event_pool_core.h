// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// RefCounted, Poolable<T>, and the part of EventPool<T, N> that does not depend
// on N. Include pool_handle.h.
#ifndef WIREBOOK_MEMORY_EVENT_POOL_CORE_H_
#define WIREBOOK_MEMORY_EVENT_POOL_CORE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <memory_resource>
#include <new>
#include <type_traits>
#include <utility>

#include "memory/asan_poison.h"
#include "memory/cache_line.h"
#include "memory/fail_fast.h"
#include "memory/index_free_list.h"

namespace wirebook {

// Exact while no other thread is inside the pool.
struct EventPoolStats {
  std::size_t capacity = 0;
  std::size_t in_use = 0;
  std::size_t peak_usage = 0;             // high_water_mark().
  std::uint64_t total_allocations = 0;    // Calls of acquire() that succeeded,
  std::uint64_t total_deallocations = 0;  // and those that came home.
  std::uint64_t allocation_failures = 0;  // exhaustion_count().
  std::size_t overhead_bytes = 0;         // Held beyond capacity * sizeof(T).
};

// A count of owners. Copies of an object that contains one have owners of their
// own, so copying copies no count. Wait-free; any thread.
class RefCounted {
 public:
  constexpr explicit RefCounted(std::uint32_t owners = 0) noexcept
      : count_(owners) {}
  constexpr RefCounted(const RefCounted&) noexcept {}
  constexpr RefCounted& operator=(const RefCounted&) noexcept { return *this; }

  // The first owner of what nobody has.
  void start() noexcept {
    if (count_.load(std::memory_order_relaxed) != 0) [[unlikely]] {
      fail_fast("RefCounted", this, "given out while in use");
    }
    // Relaxed: whoever passes the object on publishes it.
    count_.store(1, std::memory_order_relaxed);
  }

  // Ends the process if nobody has it, or two thousand million have.
  void retain(std::uint32_t owners = 1) noexcept {
    // Relaxed: the caller has a share, so nothing can be missed.
    const std::uint32_t before =
        count_.fetch_add(owners, std::memory_order_relaxed);
    if (before - 1 >= kMaxOwners - 1) [[unlikely]] {
      fail_fast("RefCounted", this,
                before == 0 ? "copied while nobody has it" : "overflows");
    }
  }

  // True for the last owner, after all that the others did to the object. Ends
  // the process below zero.
  [[nodiscard]] bool release() noexcept {
    // Acquire: pairs with the release below. A sole owner needs no exchange.
    std::uint32_t before = count_.load(std::memory_order_acquire);
    if (before == 1) {
      count_.store(0, std::memory_order_relaxed);  // Going home publishes it.
      return true;
    }
    // Release: what this owner did; acquire: what the others did, with it.
    before = count_.fetch_sub(1, std::memory_order_acq_rel);
    if (before == 0) [[unlikely]] {
      fail_fast("RefCounted", this, "released below zero");
    }
    return before == 1;
  }

  std::uint32_t use_count() const noexcept {
    return count_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint32_t kMaxOwners = std::uint32_t{1} << 31;

  std::atomic<std::uint32_t> count_{0};
};

namespace internal {

template <typename T>
class EventPoolCore;

}  // namespace internal

// The base of an event: `struct Trade : Poolable<Trade>`. T also has
// `void clear() noexcept`, which runs on the thread that let go last. Copying
// an event copies what T has and leaves pool and handles alone.
template <typename T>
class Poolable {
 public:
  constexpr Poolable() noexcept = default;
  constexpr Poolable(const Poolable&) noexcept {}
  constexpr Poolable& operator=(const Poolable&) noexcept { return *this; }

  RefCounted& references() const noexcept { return references_; }

 protected:
  ~Poolable() = default;

 private:
  friend class internal::EventPoolCore<T>;

  internal::EventPoolCore<T>* home_ = nullptr;
  mutable RefCounted references_;
  std::atomic<std::uint32_t> next_{0};  // The list's, while the object is home.
  // Written by who takes the object, read by stats(); orders nothing.
  std::atomic<std::uint64_t> uses_{0};
};

namespace internal {

template <typename T>
class EventPoolCore {
 public:
  // Neighbours share no line, as different threads count in them.
  static constexpr std::size_t kAlign =
      alignof(T) < kCacheLineBytes ? kCacheLineBytes : alignof(T);
  static constexpr std::size_t kStride =
      (sizeof(T) + kAlign - 1) / kAlign * kAlign;

  template <typename... Args>
  EventPoolCore(std::pmr::memory_resource* upstream, std::uint32_t capacity,
                const Args&... args)
      : block_{upstream, capacity},
        list_(capacity, NextInObject{block_.bytes}) {
    static_assert(std::is_base_of_v<Poolable<T>, T>);
    static_assert(sizeof(Poolable<T>) == 24);
    static_assert(noexcept(std::declval<T&>().clear()),
                  "T needs a void clear() noexcept");
    static_assert(std::is_nothrow_destructible_v<T>);
    for (; block_.made < capacity; ++block_.made) {
      // What the constructor leaves alone is touched, too.
      std::byte* place = block_.bytes + block_.made * kStride;
      std::memset(place, 0, kStride);
      T* object = ::new (place) T(args...);
      object->Poolable<T>::home_ = this;
    }
    for (std::uint32_t i = 0; i < capacity; ++i) hide(object_at(i));
  }
  EventPoolCore(const EventPoolCore&) = delete;
  EventPoolCore& operator=(const EventPoolCore&) = delete;

  ~EventPoolCore() {
    for (std::uint32_t i = 0; i < list_.capacity(); ++i) {
      T* object = object_at(i);
      if (header(object).references_.use_count() != 0) {
        fail_fast("EventPool", this, "destroyed before its handle to", object);
      }
    }
  }

  T* take() noexcept {
    const std::uint32_t index = list_.acquire();
    if (index == list_.kNone) [[unlikely]] {
      failures_.fetch_add(1, std::memory_order_relaxed);
      return nullptr;
    }
    T* object = object_at(index);
    Poolable<T>& own = header(object);
    own.references_.start();
    own.uses_.store(own.uses_.load(std::memory_order_relaxed) + 1,
                    std::memory_order_relaxed);
    show(object);
    return object;
  }

  // `last` lost its last handle.
  static void send_home(const T* last) noexcept {
    T* object = const_cast<T*>(last);
    EventPoolCore* home = header(object).home_;
    object->clear();
    hide(object);
    home->list_.release(home->index_of(object));
  }

  static void check_out(const T* object) noexcept {
    if (header(object).home_ == nullptr) {
      fail_fast("PoolHandle", nullptr, "adopts what no pool made:", object);
    }
    if (header(object).references_.use_count() == 0) {
      fail_fast("PoolHandle", nullptr, "adopts what went home:", object);
    }
  }

  std::size_t high_water_mark() const noexcept {
    return list_.high_water_mark();
  }
  std::uint64_t exhaustion_count() const noexcept {
    return failures_.load(std::memory_order_relaxed);
  }

  EventPoolStats stats() const noexcept {
    EventPoolStats stats;
    stats.capacity = list_.capacity();
    for (std::uint32_t i = 0; i < list_.capacity(); ++i) {
      const Poolable<T>& own = header(object_at(i));
      stats.in_use += own.references_.use_count() != 0 ? 1 : 0;
      stats.total_allocations += own.uses_.load(std::memory_order_relaxed);
    }
    stats.total_deallocations = stats.total_allocations - stats.in_use;
    stats.peak_usage = high_water_mark();
    stats.allocation_failures = exhaustion_count();
    stats.overhead_bytes =
        sizeof(*this) + stats.capacity * (kStride - sizeof(T));
    return stats;
  }

 private:
  // The memory, and as many objects as were made, should one throw.
  struct Block {
    Block(std::pmr::memory_resource* from, std::size_t objects)
        : upstream(from),
          size(objects * kStride),
          bytes(static_cast<std::byte*>(from->allocate(size, kAlign))) {}
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    ~Block() {
      unpoison(bytes, size);
      while (made > 0) {
        std::destroy_at(reinterpret_cast<T*>(bytes + --made * kStride));
      }
      upstream->deallocate(bytes, size, kAlign);
    }

    std::pmr::memory_resource* upstream;
    std::size_t size;
    std::byte* bytes;
    std::uint32_t made = 0;
  };

  struct NextInObject {
    std::atomic<std::uint32_t>& operator()(std::uint32_t index) const noexcept {
      return header(reinterpret_cast<T*>(bytes + index * kStride)).next_;
    }
    std::byte* bytes;
  };

  static Poolable<T>& header(T* object) noexcept { return *object; }
  static const Poolable<T>& header(const T* object) noexcept { return *object; }

  T* object_at(std::uint32_t index) const noexcept {
    return reinterpret_cast<T*>(block_.bytes + index * kStride);
  }
  std::uint32_t index_of(const T* object) const noexcept {
    return static_cast<std::uint32_t>(
        (reinterpret_cast<const std::byte*>(object) - block_.bytes) /
        static_cast<std::ptrdiff_t>(kStride));
  }

  // An object at home is poisoned but for its header, which others may read.
  static void hide(T* object) noexcept {
    poison(object, sizeof(T));
    unpoison(&header(object), sizeof(Poolable<T>));
  }
  static void show(T* object) noexcept { unpoison(object, sizeof(T)); }

  Block block_;
  IndexFreeList<NextInObject> list_;
  std::atomic<std::uint64_t> failures_{0};
};

}  // namespace internal
}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_EVENT_POOL_CORE_H_
