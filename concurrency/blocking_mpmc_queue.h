// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// BlockingMpmcQueue<T, Wait>: an MpmcQueue whose producers can wait for room
// and whose consumers can wait for objects.
//
// When: threads have nothing else to do while the queue is full or empty.
// Otherwise MpmcQueue itself (mpmc_queue.h), whose guarantees hold here too.
//
// How they wait is a strategy of wait_strategy.h: FutexWait, the default,
// spins and then sleeps; while nobody waits it costs the other side one load an
// operation. An object pushed wakes one waiting consumer, a place freed one
// waiting producer, close() all. No wake-up is lost. A wait without a deadline
// ends by the other side's operation or by close().
//
//   wirebook::BlockingMpmcQueue<Order*> queue(1024);
//   // Producers:
//   if (!queue.push(order)) { /* closed */ }
//   // Consumers:
//   while (std::optional<Order*> order = queue.pop()) handle(*order);
//   // Shutdown: consumers' loops end once the queue is drained.
//   queue.close();

#ifndef WIREBOOK_CONCURRENCY_BLOCKING_MPMC_QUEUE_H_
#define WIREBOOK_CONCURRENCY_BLOCKING_MPMC_QUEUE_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <cstddef>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "concurrency/mpmc_queue.h"
#include "concurrency/wait_strategy.h"

namespace wirebook {

// Any thread may call any member but the destructor. `Wait` and `Atom` go
// together; leave Atom alone outside tests.
template <typename T, typename Wait = FutexWait,
          template <typename> class Atom = std::atomic>
class BlockingMpmcQueue {
 public:
  // As MpmcQueue's.
  explicit BlockingMpmcQueue(size_t capacity) : queue_(capacity) {}

  // Waits while full. False, and `value` untouched, when closed.
  [[nodiscard]] bool push(T&& value) {
    bool pushed = false;
    room_.wait(
        [&] { return (pushed = try_push(std::move(value))) || ended(); });
    return pushed;
  }
  [[nodiscard]] bool push(const T& value) { return push(T(value)); }

  // Waits while full, at most until `deadline`. False, and `value` untouched,
  // when full even then, or closed.
  [[nodiscard]] bool push_until(T&& value, WaitDeadline deadline) {
    bool pushed = false;
    return room_.wait_until(
               [&] { return (pushed = try_push(std::move(value))) || ended(); },
               deadline) &&
           pushed;
  }
  [[nodiscard]] bool push_until(const T& value, WaitDeadline deadline) {
    return push_until(T(value), deadline);
  }

  // Waits while empty. Nothing once closed and drained.
  [[nodiscard]] std::optional<T> pop() {
    std::optional<T> out;
    objects_.wait([&] { return take(out) || queue_.closed(); });
    return out;
  }

  // Waits while empty, at most until `deadline`. Nothing when empty even then,
  // or closed and drained.
  [[nodiscard]] std::optional<T> pop_until(WaitDeadline deadline) {
    std::optional<T> out;
    (void)objects_.wait_until([&] { return take(out) || queue_.closed(); },
                              deadline);
    return out;
  }

  // MpmcQueue's own, which wake who waits on the other side.
  [[nodiscard]] bool try_push(T&& value) noexcept {
    if (!queue_.try_push(std::move(value))) return false;
    objects_.notify_one();
    return true;
  }
  [[nodiscard]] bool try_push(const T& value) noexcept(
      std::is_nothrow_copy_constructible_v<T>) {
    if (!queue_.try_push(value)) return false;
    objects_.notify_one();
    return true;
  }
  [[nodiscard]] bool try_pop(T& out) noexcept {
    if (!queue_.try_pop(out)) return false;
    room_.notify_one();
    return true;
  }
  [[nodiscard]] std::optional<T> try_pop() noexcept {
    std::optional<T> out;
    (void)take(out);
    return out;
  }
  [[nodiscard]] size_t try_push_n(std::span<T> values) noexcept {
    const size_t count = queue_.try_push_n(values);
    if (count != 0) wake(objects_, count);
    return count;
  }
  [[nodiscard]] size_t try_pop_n(std::span<T> out) noexcept {
    const size_t count = queue_.try_pop_n(out);
    if (count != 0) wake(room_, count);
    return count;
  }

  // Pushes fail from here on, waiting ones too; pops drain what is left.
  // Idempotent.
  void close() noexcept {
    queue_.close();
    // Pairs with ended(): the queue is closed before it says so.
    ended_.store(true, std::memory_order_release);
    room_.notify_all();
    objects_.notify_all();
  }
  [[nodiscard]] bool closed() const noexcept { return queue_.closed(); }

  size_t capacity() const noexcept { return queue_.capacity(); }
  size_t size() const noexcept { return queue_.size(); }
  bool empty() const noexcept { return queue_.empty(); }

 private:
  bool ended() const noexcept {
    // Pairs with the release in close().
    return ended_.load(std::memory_order_acquire);
  }

  bool take(std::optional<T>& out) noexcept {
    std::optional<T> popped = queue_.try_pop();
    if (!popped.has_value()) return false;
    out.emplace(std::move(*popped));  // T need not be assignable.
    room_.notify_one();
    return true;
  }

  static void wake(Wait& wait, size_t count) noexcept {
    count == 1 ? wait.notify_one() : wait.notify_all();
  }

  MpmcQueue<T, Atom> queue_;
  Wait room_;
  Wait objects_;
  Atom<bool> ended_{false};
};

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_BLOCKING_MPMC_QUEUE_H_
