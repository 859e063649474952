// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// EventPool<T, N>: N objects that are made once and shared by counted handles;
// the last handle to an object clears it and sends it home to its own pool.
//
// Use it where one event goes to several consumers, on several threads, and
// nobody knows which is the last. With one owner at a time, object_pool is
// faster. A consumer that need not change the event takes PoolHandle<const T>.
//
// How: T derives from Poolable<T>, which puts the count, the pool's address and
// a free-list link into the object itself (24 bytes), so a handle is one
// pointer, and pools of one type but different N never confuse each other. The
// free list is an IndexFreeList and not ObjectPool's magazines: all N can be
// had by any thread, and acquire() fails only if all are out. Objects live as
// long as the pool, so that what clear() leaves (a vector's storage) is reused.
//
// Progress: copying and comparing handles is wait-free; acquire and the last
// release are lock-free. Distinct handles to one object may be used by distinct
// threads, one handle like any object: copied by several, changed by one. What
// any holder did to the object happens before clear(). No heap and no page
// fault after the constructor. Cost: one locked instruction for each of
// acquire, copy, release and going home; figures: pool_handle_benchmark.
//
// Fatal, with one line on stderr: a copy or release of an object that is home,
// so releasing once too often; adopting what belongs to no pool; destroying a
// pool while handles are left. AddressSanitizer reports any access to an object
// that is home. Not seen: a stray release of an object that is out again.
//
//   struct Trade : Poolable<Trade> {
//     void clear() noexcept { price = 0; }
//     int64_t price = 0;
//   };
//   EventPool<Trade, 1024> pool;
//   if (std::optional<PoolHandle<Trade>> trade = pool.acquire()) {
//     (*trade)->price = 42;
//     for (auto& copy : trade->fan_out<3>()) bus.publish(std::move(copy));
//   }                                      // else: exhausted, and counted.
#ifndef WIREBOOK_MEMORY_POOL_HANDLE_H_
#define WIREBOOK_MEMORY_POOL_HANDLE_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <type_traits>
#include <utility>

#include "memory/event_pool_core.h"

namespace wirebook {

// Shares an object of a pool: 8 bytes. Empty when default-made or moved from.
template <typename T>
class [[nodiscard]] PoolHandle {
 public:
  PoolHandle() noexcept = default;
  PoolHandle(const PoolHandle& other) noexcept : object_(other.object_) {
    if (object_ != nullptr) object_->references().retain();
  }
  PoolHandle(PoolHandle&& other) noexcept : object_(other.release()) {}
  // A handle through which the object cannot be changed.
  template <typename U>
  requires std::is_same_v<const U, T> PoolHandle(PoolHandle<U> other)
  noexcept : object_(other.release()) {}
  PoolHandle& operator=(const PoolHandle& other) noexcept {
    PoolHandle(other).swap(*this);
    return *this;
  }
  PoolHandle& operator=(PoolHandle&& other) noexcept {
    PoolHandle(std::move(other)).swap(*this);
    return *this;
  }
  ~PoolHandle() { reset(); }

  // Lets go. The last one clears the object and sends it home.
  void reset() noexcept {
    if (T* object = release()) {
      if (object->references().release()) {
        internal::EventPoolCore<std::remove_const_t<T>>::send_home(object);
      }
    }
  }

  // kCopies more handles for the price of one.
  template <std::size_t kCopies>
  std::array<PoolHandle, kCopies> fan_out() const noexcept {
    std::array<PoolHandle, kCopies> copies;
    if (object_ != nullptr) {
      object_->references().retain(kCopies);
      for (PoolHandle& copy : copies) copy.object_ = object_;
    }
    return copies;
  }

  // Gives up the handle but not its share, for queues of bare pointers: whoever
  // takes the pointer out owes adopt().
  [[nodiscard]] T* release() noexcept {
    return std::exchange(object_, nullptr);
  }
  static PoolHandle adopt(T* released) noexcept {
    if (released != nullptr) {
      internal::EventPoolCore<std::remove_const_t<T>>::check_out(released);
    }
    PoolHandle handle;
    handle.object_ = released;
    return handle;
  }

  void swap(PoolHandle& other) noexcept { std::swap(object_, other.object_); }
  friend void swap(PoolHandle& a, PoolHandle& b) noexcept { a.swap(b); }

  // Handles to this object, while no other thread copies or drops one.
  std::uint32_t use_count() const noexcept {
    return object_ == nullptr ? 0 : object_->references().use_count();
  }
  T* get() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  T* operator->() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  friend bool operator==(const PoolHandle&, const PoolHandle&) = default;

 private:
  template <typename U, std::size_t N>
  friend class EventPool;

  T* object_ = nullptr;
};

// kCapacity objects of T, which derives from Poolable<T> and has
// `void clear() noexcept`. Any thread may call any method; the destructor runs
// alone, when all handles are gone.
template <typename T, std::size_t kCapacity>
class EventPool {
 public:
  static_assert(kCapacity > 0 && kCapacity < UINT32_MAX);
  static_assert(sizeof(PoolHandle<T>) == sizeof(T*));

  // Makes all objects, each from the same `args`, in one block of the heap, so
  // that every page is touched. Throws what T or the heap throws.
  template <typename... Args>
  explicit EventPool(const Args&... args)
      : core_(std::pmr::new_delete_resource(), kCapacity, args...) {}

  // As above, in a block from `upstream` (huge pages, a NUMA node), which must
  // outlive the pool.
  template <std::derived_from<std::pmr::memory_resource> Resource,
            typename... Args>
  EventPool(std::allocator_arg_t, Resource* upstream, const Args&... args)
      : core_(upstream, kCapacity, args...) {}

  // An object as clear() left it, or as it was made; nullopt, counted, if all
  // are out.
  std::optional<PoolHandle<T>> acquire() noexcept {
    T* object = core_.take();
    if (object == nullptr) [[unlikely]] {
      return std::nullopt;
    }
    std::optional<PoolHandle<T>> handle(std::in_place);
    handle->object_ = object;
    return handle;
  }

  static constexpr std::size_t capacity() noexcept { return kCapacity; }

  // The most objects that were out, or being asked for, at one moment: above
  // the most out by no more than the threads that acquire. Wait-free.
  std::size_t high_water_mark() const noexcept {
    return core_.high_water_mark();
  }
  // Calls of acquire() that gave nothing. Wait-free.
  std::uint64_t exhaustion_count() const noexcept {
    return core_.exhaustion_count();
  }
  // Walks the objects, one cache line each: for reports.
  EventPoolStats stats() const noexcept { return core_.stats(); }

 private:
  internal::EventPoolCore<T> core_;
};

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_POOL_HANDLE_H_
