// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// MpmcQueue<T>: a bounded FIFO between any number of producers and consumers.
//
// Guarantee: linearizable, also where it fails: try_push fails only when
// exactly `capacity` objects are in the queue or it is closed, try_pop only
// when it is empty; never spuriously. For a T that fits a word (trivially
// copyable, up to 8 bytes: pointers, indices, handles' bits) every operation is
// lock-free: whoever stops, wherever, holds up nobody. For any other T
// (is_lock_free is false) it is a ticket queue, in which a stalled thread can
// hold up others: who comes to the slot of a thread that is stopped while it
// moves its object spins, then yields. Queue pointers to pooled objects where
// that matters.
//
// When: several producers or consumers, each object to one of them. One of
// each: SpscRing, several times as fast. Each object to all: an event bus.
// To sleep on an empty or full queue: BlockingMpmcQueue.
//
// Cost: no allocation after construction, no system call; one locked
// instruction an operation, in batches one for up to 16 words popped or any
// number of objects. Figures: COSTS.md.
//
//   wirebook::MpmcQueue<Order*> queue(1024);
//   // Any thread:
//   if (!queue.try_push(order)) { /* full: the caller's policy */ }
//   if (std::optional<Order*> next = queue.try_pop()) handle(*next);
//   // Shutdown:
//   queue.close();                  // pushes fail from here on
//   while (!queue.closed()) drain_one();
//
// Algorithm: mpmc_word_ring.h for words, mpmc_object_ring.h for objects.

#ifndef WIREBOOK_CONCURRENCY_MPMC_QUEUE_H_
#define WIREBOOK_CONCURRENCY_MPMC_QUEUE_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <cstddef>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "concurrency/mpmc_object_ring.h"
#include "concurrency/mpmc_word_ring.h"
#include "memory/fail_fast.h"

namespace wirebook {

// Any thread may call any member but the destructor. `Atom` lets a test put a
// scheduler underneath; leave it alone otherwise.
template <typename T, template <typename> class Atom = std::atomic,
          bool kLockFree = internal::kFitsWord<T>>
class MpmcQueue {
  static_assert(std::is_object_v<T> && !std::is_const_v<T>);
  static_assert(!kLockFree || internal::kFitsWord<T>);
  static_assert(std::is_nothrow_move_constructible_v<T> &&
                    std::is_nothrow_destructible_v<T>,
                "a position that was taken cannot be given back");

 public:
  static constexpr bool is_lock_free = kLockFree;
  static constexpr size_t kMaxCapacity = size_t{1} << 32;

  // Holds up to `capacity` objects, 1 to kMaxCapacity, exactly. Any other
  // capacity ends the process.
  explicit MpmcQueue(size_t capacity)
      : capacity_(checked(capacity)), ring_(capacity) {}
  MpmcQueue(const MpmcQueue&) = delete;
  MpmcQueue& operator=(const MpmcQueue&) = delete;

  // Destroys what is left in the queue. All threads must be done with it.
  ~MpmcQueue() = default;

  // False, and `value` untouched, when full or closed.
  [[nodiscard]] bool try_push(T&& value) noexcept {
    return ring_.push(std::move(value));
  }
  [[nodiscard]] bool try_push(const T& value) noexcept(
      std::is_nothrow_copy_constructible_v<T>) {
    if constexpr (std::is_nothrow_copy_constructible_v<T>) {
      return ring_.push(value);
    } else {
      return ring_.push(T(value));  // If that throws, no position is taken yet.
    }
  }

  // Moves the oldest object to `out`; false when empty.
  [[nodiscard]] bool try_pop(T& out) noexcept {
    static_assert(std::is_nothrow_move_assignable_v<T>,
                  "an object that was taken cannot be put back");
    return ring_.pop([&out](T&& value) { out = std::move(value); });
  }
  // The same for a T that cannot be default-constructed or assigned.
  [[nodiscard]] std::optional<T> try_pop() noexcept {
    std::optional<T> out;
    (void)ring_.pop([&out](T&& value) { out.emplace(std::move(value)); });
    return out;
  }

  // Pushes from the first on until one fails; how many, each of them moved
  // from. Other threads' objects may come between them.
  [[nodiscard]] size_t try_push_n(std::span<T> values) noexcept {
    return ring_.push_n(values);
  }

  // Moves up to out.size() of the oldest objects to `out`; how many. Other
  // threads may take objects that come between them.
  [[nodiscard]] size_t try_pop_n(std::span<T> out) noexcept {
    static_assert(std::is_nothrow_move_assignable_v<T>,
                  "an object that was taken cannot be put back");
    return ring_.pop_n(
        out.size(), [out](size_t i, T&& value) { out[i] = std::move(value); });
  }

  // No object will follow: pushes fail from here on, and closed() turns true
  // once the queue is drained. Idempotent.
  void close() noexcept { ring_.close(); }

  // Closed and drained: no object is there and none will come.
  [[nodiscard]] bool closed() const noexcept { return ring_.closed(); }

  size_t capacity() const noexcept { return capacity_; }

  // Exact while no other thread is inside the queue, otherwise a moment's view;
  // never above capacity().
  size_t size() const noexcept { return ring_.size(); }
  bool empty() const noexcept { return size() == 0; }

 private:
  using Ring = std::conditional_t<is_lock_free, internal::MpmcWordRing<T, Atom>,
                                  internal::MpmcObjectRing<T, Atom>>;

  size_t checked(size_t capacity) const noexcept {
    if (capacity == 0 || capacity > kMaxCapacity) {
      fail_fast("MpmcQueue", this, "capacity must be 1 to 2^32");
    }
    return capacity;
  }

  const size_t capacity_;
  Ring ring_;
};

// The one that is not lock-free, for words too: where a stream of words, one at
// a time, between threads that are never stopped counts most.
template <typename T>
using TicketMpmcQueue = MpmcQueue<T, std::atomic, false>;

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_MPMC_QUEUE_H_
