// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ObjectPool<T>: objects of one type, created and destroyed without the heap,
// by any thread, the destroying one often not being the creating one.
//
// Use it for messages and book nodes on a hot path. Where several consumers
// share one object and the last one returns it, take pool_handle; for bytes of
// varying size, buffer_pool.
//
// How: each thread keeps a magazine of free objects (Bonwick and Adams,
// "Magazines and Vmem", USENIX 2001) and trades whole ones with a global
// TaggedStack. Magazines hold addresses, not links through the objects, so that
// taking an object another core last wrote does not wait for its line. A full
// magazine on the stack is one cache line; the addresses that do not fit lie
// in the free objects themselves. Slots have no header.
//
// Progress: lock-free while free objects are to be had; allocate and deallocate
// are some twenty instructions each, and about one locked for every eighteen
// objects that a thread cannot keep or has not kept. A mutex is taken to grow,
// by a thread's first call in a pool and at its end, and to fetch what ended
// threads left over; only threads that also need it wait. After warm_up, while
// objects out and kept by threads (below) stay within it, and after each
// thread's first call: no heap, no system call, no page fault. Cost:
// object_pool_benchmark; COSTS.md has figures.
//
// Always checked, fatal with one line on stderr: double free, freeing an
// address that is no object of this pool, a free object whose first word was
// overwritten, and destroying a pool with objects out. Not seen: freeing an
// object that was freed and since given out again. After a fork() of a process
// with threads the child must not use the pool, not even to free: it has a copy
// of all objects and none of the threads, one of which may have held the mutex.
//
// A thread may keep stats().kept_per_thread free objects to itself: give a
// bounded pool that much more than it needs for every thread that frees; it is
// a 32nd of such a pool, 112 at most, and none of those of fewer than 64. Pools
// that grow let a thread that has use for them keep up to 72 KiB, and no more
// than a twelfth of what is mapped when it first comes. Beyond 64 live pools a
// call takes a few ns more.
//
//   ObjectPool<Order> pool({.initial_capacity = 4096});
//   Pooled<Order> order = pool.make(price, quantity);  // Home at scope end.
//   Order* raw = order.release();                      // Through a ring, and
//   Pooled<Order> theirs = pool.adopt(raw);            // on another thread.
#ifndef WIREBOOK_MEMORY_OBJECT_POOL_H_
#define WIREBOOK_MEMORY_OBJECT_POOL_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "memory/object_pool_core.h"

namespace wirebook {

template <typename T, PoolTraits kTraits = PoolTraits{}>
class ObjectPool;

// An object and the pool it goes home to: a unique_ptr of 16 bytes. Empty where
// the pool was exhausted. The pool must outlive it.
template <typename T, typename Pool = ObjectPool<T>>
class [[nodiscard]] Pooled {
 public:
  Pooled() noexcept = default;
  Pooled(Pool& pool, T* object) noexcept : object_(object), pool_(&pool) {}
  Pooled(Pooled&& other) noexcept
      : object_(other.release()), pool_(other.pool_) {}
  Pooled& operator=(Pooled&& other) noexcept {
    if (this != &other) {
      reset();
      object_ = other.release();
      pool_ = other.pool_;
    }
    return *this;
  }
  ~Pooled() { reset(); }

  void reset() noexcept {
    if (object_ != nullptr) pool_->destroy(std::exchange(object_, nullptr));
  }

  // Gives up ownership: the caller now owes destroy() or adopt().
  [[nodiscard]] T* release() noexcept {
    return std::exchange(object_, nullptr);
  }

  T* get() const noexcept { return object_; }
  Pool* pool() const noexcept { return pool_; }
  T& operator*() const noexcept { return *object_; }
  T* operator->() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }

 private:
  T* object_ = nullptr;
  Pool* pool_ = nullptr;
};

// Any thread may call any method. The destructor runs alone; threads that used
// the pool may live on or be gone.
template <typename T, PoolTraits kTraits>
class ObjectPool {
 public:
  static_assert(!std::is_array_v<T> && !std::is_reference_v<T>);
  static_assert(std::is_nothrow_destructible_v<T>);
  static_assert(alignof(T) <= 4096, "slots are aligned to a page at most");

  // Distance between neighbours in bytes; never below 16.
  static constexpr std::size_t kSlotBytes =
      internal::pool_slot_bytes(sizeof(T), alignof(T));

  using Handle = Pooled<T, ObjectPool>;

  // Maps initial_capacity objects and touches their pages. Ends the process
  // where the system has no memory for them.
  explicit ObjectPool(ObjectPoolOptions options = {})
      : core_(sizeof(T), kSlotBytes, options, kTraits.tag) {}
  ObjectPool(const ObjectPool&) = delete;
  ObjectPool& operator=(const ObjectPool&) = delete;

  // An object made from `args`; empty if exhausted. Throws what T throws.
  template <typename... Args>
  Handle make(Args&&... args) {
    void* slot = allocate();
    if (slot == nullptr) [[unlikely]] {
      return Handle();
    }
    if constexpr (std::is_nothrow_constructible_v<T, Args&&...>) {
      return Handle(*this, construct(slot, std::forward<Args>(args)...));
    } else {
      SlotGuard guard{this, slot};
      T* object = construct(slot, std::forward<Args>(args)...);
      guard.slot = nullptr;
      return Handle(*this, object);
    }
  }

  // As make(), for the caller to destroy(); nullptr if exhausted. Made for hot
  // paths: a constructor that throws ends the process (std::terminate).
  template <typename... Args>
  [[nodiscard]] T* create(Args&&... args) noexcept {
    void* slot = allocate();
    if (slot == nullptr) [[unlikely]] {
      return nullptr;
    }
    return construct(slot, std::forward<Args>(args)...);
  }

  // Ends the object's life and takes its slot back. nullptr does nothing.
  void destroy(T* object) noexcept {
    internal::PoolCache* cache = core_.template check_out<kSlotBytes>(object);
    if (cache == nullptr) return;
    object->~T();
    core_.put(*cache, object);
  }

  // Owns an object of this pool that came as a bare pointer.
  Handle adopt(T* object) noexcept { return Handle(*this, object); }

  // Storage for one T, not constructed; nullptr if exhausted. The first eight
  // bytes are zero, the rest is what it was.
  [[nodiscard]] void* allocate() noexcept {
    return core_.template take<kTraits.prefetch>();
  }

  // Takes storage back whose T is gone. nullptr does nothing.
  void deallocate(void* slot) noexcept {
    if (internal::PoolCache* cache =
            core_.template check_out<kSlotBytes>(slot)) {
      core_.put(*cache, slot);
    }
  }

  // Makes the pool hold `count` objects at least, within max_capacity unless it
  // grows, with the pages of so many touched. Returns the capacity. Each thread
  // should also allocate and free once before its hot path begins.
  std::size_t warm_up(std::size_t count) noexcept {
    return core_.warm_up(count);
  }

  // Gives the pages of chunks whose objects are all free, and in no other
  // thread's hands, back to the system, as long as others hold `keep` objects;
  // returns how many of their bytes were in memory. Addresses and capacity
  // stay: such a chunk is used again, page fault by page fault, when the others
  // have nothing left. A second free of what was given back is seen, but for
  // one that begins while this runs.
  //
  // And steers, so that a later call finds more: chunks of which few objects
  // are out drain, the emptiest and then the largest first, while the others
  // hold `keep` objects and a quarter more than are out. Objects of a chunk
  // that drains are used again when the others have nothing left; to free one
  // costs some 50 ns more. Threads bring home what they keep when they next
  // free an object and nobody holds the lock.
  //
  // Takes time in proportion to the free objects and the pages given back;
  // threads that run out of theirs wait for it.
  std::size_t trim(std::size_t keep = 0) noexcept { return core_.trim(keep); }

  // Steers as trim() does and, where that would give chunks back or drain them,
  // tells the system that their pages will not be needed soon. Nothing is lost
  // and nothing becomes new: a page that is used all the same is as before, for
  // kPageOut after it was read from swap. Without swap the system can do no
  // more than nothing with either, and only steering is left. Returns how many
  // bytes in memory that were. Takes time as trim() does, for kPageOut until
  // all is written.
  std::size_t cool(std::size_t keep = 0,
                   PoolCooling how = PoolCooling::kCold) noexcept {
    return core_.cool(keep, how);
  }

  // Takes a lock, walks the threads: for reports, not for hot paths.
  ObjectPoolStats stats() const noexcept { return core_.stats(); }

 private:
  struct SlotGuard {
    ~SlotGuard() {
      if (slot != nullptr) pool->deallocate(slot);
    }
    ObjectPool* pool;
    void* slot;
  };

  template <typename... Args>
  static T* construct(void* slot, Args&&... args) {
    if constexpr (std::is_constructible_v<T, Args&&...>) {
      return ::new (slot) T(std::forward<Args>(args)...);
    } else {
      return ::new (slot) T{std::forward<Args>(args)...};
    }
  }

  internal::PoolCore core_;
};

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_OBJECT_POOL_H_
