// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// MpmcQueue<T>: a bounded FIFO between any number of producers and consumers.
//
// Guarantee: linearizable, also where it fails: try_push fails only when
// exactly `capacity` objects are in the queue or it is closed, try_pop only
// when it is empty; never spuriously. For a T that fits a word (trivially
// copyable, up to 8 bytes: pointers, indices, handles' bits) every operation is
// lock-free: whoever stops, wherever, holds up nobody. For any other T
// (is_lock_free is false) a thread that is stopped while it moves its object in
// or out of its slot holds up those who come to that slot: they spin, then
// yield. Queue pointers to pooled objects where that matters.
//
// When: several producers or consumers, each object to one of them. One of
// each: SpscRing, several times as fast. Each object to all: an event bus.
// To sleep on an empty or full queue: BlockingMpmcQueue.
//
// Cost: no allocation after construction, no system call; one locked
// instruction an operation, and no look at the other side's index: what a push
// or pop must know stands in the slot. Figures: README.md.
//
//   wirebook::MpmcQueue<Order*> queue(1024);
//   // Any thread:
//   if (!queue.try_push(order)) { /* full: the caller's policy */ }
//   if (std::optional<Order*> next = queue.try_pop()) handle(*next);
//   // Shutdown:
//   queue.close();                  // pushes fail from here on
//   while (!queue.closed()) drain_one();
//
// Algorithm: each slot carries a stamp: the position in the queue's endless
// sequence at which it stands, and whether it is free or full there. A push
// goes to the first position not taken and exchanges "free here" for "full
// here"; a pop exchanges "full here" for "free one lap on". So positions are
// taken in order, and one slot says all: the one at the next position to push
// still full from a lap before means that the queue is full, the one at the
// next to pop still free that it is empty. Where those positions are is a hint
// on each side's own line, at most behind; who finds a position taken goes on
// to the next. Close marks the slot at the next position to push. Stamps in
// slots are D. Vyukov's bounded MPMC queue (1024cores.net), where tickets are
// drawn first and a thread stopped between ticket and slot blocks all; drawing
// by the slot itself, in double-width exchanges, is Tsigas and Zhang's idea
// ("A Simple, Fast and Scalable Non-Blocking Concurrent FIFO Queue", SPAA
// 2001) without its two kinds of null. SCQ (Nikolaev, DISC 2019), which is
// lock-free for every T, costs four locked instructions an operation, and its
// full and empty are not exact.

#ifndef WIREBOOK_CONCURRENCY_MPMC_QUEUE_H_
#define WIREBOOK_CONCURRENCY_MPMC_QUEUE_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <type_traits>
#include <utility>

#include "concurrency/atom_traits.h"
#include "concurrency/mpmc_slot.h"
#include "memory/cache_line.h"
#include "memory/fail_fast.h"

namespace wirebook {

// Any thread may call any member but the destructor. `Atom` lets a test put a
// scheduler underneath; leave it alone otherwise.
template <typename T, template <typename> class Atom = std::atomic>
class MpmcQueue {
  static_assert(std::is_object_v<T> && !std::is_const_v<T>);
  static_assert(std::is_nothrow_move_constructible_v<T> &&
                    std::is_nothrow_destructible_v<T>,
                "a position that was taken cannot be given back");

 public:
  static constexpr bool is_lock_free = internal::kFitsWord<T>;
  static constexpr size_t kMaxCapacity = size_t{1} << 32;

  // Holds up to `capacity` objects, 1 to kMaxCapacity, exactly. Any other
  // capacity ends the process.
  explicit MpmcQueue(size_t capacity)
      : capacity_(checked(capacity)),
        lap_(std::bit_ceil(capacity)),
        slots_(std::make_unique<Slot[]>(capacity)) {
    for (size_t i = 0; i < capacity; ++i) slots_[i].reset(i);
  }
  MpmcQueue(const MpmcQueue&) = delete;
  MpmcQueue& operator=(const MpmcQueue&) = delete;

  // Destroys what is left in the queue. All threads must be done with it.
  ~MpmcQueue() {
    for (size_t i = 0; i < capacity_; ++i) {
      if (slots_[i].stamp().state() == State::kFull) slots_[i].destroy();
    }
  }

  // False, and `value` untouched, when full or closed.
  [[nodiscard]] bool try_push(T&& value) noexcept {
    return push(std::move(value));
  }
  [[nodiscard]] bool try_push(const T& value) noexcept(
      std::is_nothrow_copy_constructible_v<T>) {
    if constexpr (std::is_nothrow_copy_constructible_v<T>) {
      return push(value);
    } else {
      return push(T(value));  // If that throws, no position is taken yet.
    }
  }

  // Moves the oldest object to `out`; false when empty.
  [[nodiscard]] bool try_pop(T& out) noexcept {
    static_assert(std::is_nothrow_move_assignable_v<T>,
                  "an object that was taken cannot be put back");
    return pop([&out](T&& value) { out = std::move(value); });
  }
  // The same for a T that cannot be default-constructed or assigned.
  [[nodiscard]] std::optional<T> try_pop() noexcept {
    std::optional<T> out;
    (void)pop([&out](T&& value) { out.emplace(std::move(value)); });
    return out;
  }

  // Pushes from the first on until one fails; how many, each of them moved
  // from. Other threads' objects may come between them.
  [[nodiscard]] size_t try_push_n(std::span<T> values) noexcept {
    size_t count = 0;
    uint64_t position = hint(tail_);
    while (count < values.size() && push_at(position, std::move(values[count])))
      ++count;
    if (count != 0) advance(tail_, position);
    return count;
  }

  // Moves up to out.size() of the oldest objects to `out`; how many. Other
  // threads may take objects that come between them.
  [[nodiscard]] size_t try_pop_n(std::span<T> out) noexcept {
    static_assert(std::is_nothrow_move_assignable_v<T>,
                  "an object that was taken cannot be put back");
    size_t count = 0;
    uint64_t position = hint(head_);
    while (count < out.size() && pop_at(position, [&](T&& value) {
             out[count] = std::move(value);
           })) {
      ++count;
    }
    if (count != 0) advance(head_, position);
    return count;
  }

  // No object will follow: pushes fail from here on, and closed() turns true
  // once the queue is drained. Idempotent.
  void close() noexcept {
    Turns turns;
    for (uint64_t position = hint(tail_);;) {
      Slot& slot = this->slot(position);
      const Stamp seen = slot.stamp();
      if (is_taken(seen, position)) {
        position = after_taken(seen);
      } else if (seen.closed() || (!is_between(seen) && slot.close(seen))) {
        return;
      } else if (is_between(seen)) {
        turns.turn();
      }
    }
  }

  // Closed and drained: no object is there and none will come.
  [[nodiscard]] bool closed() const noexcept {
    const uint64_t head = find_head();
    const Stamp seen = slot(head).stamp();
    return seen.closed() && seen == Stamp(head, State::kFree).as_closed();
  }

  size_t capacity() const noexcept { return capacity_; }

  // Exact while no other thread is inside the queue, otherwise a moment's view.
  size_t size() const noexcept {
    const uint64_t head = find_head();
    const uint64_t tail = find_tail();
    const uint64_t count = ordinal(tail) - ordinal(head);
    return static_cast<size_t>(std::min<uint64_t>(count, capacity_));
  }
  bool empty() const noexcept { return size() == 0; }

 private:
  using Stamp = internal::SlotStamp;
  using State = internal::SlotState;
  using Slot = std::conditional_t<is_lock_free, internal::WordSlot<T, Atom>,
                                  internal::ObjectSlot<T, Atom>>;
  using Hint = Atom<uint64_t>;

  // Waiting for a thread that moves an object; never for a word.
  struct Turns {
    void turn() noexcept {
      AtomTraits<Atom>::pause();
      if (++turns_ % 64 == 0) std::this_thread::yield();
    }
    uint32_t turns_ = 0;
  };

  size_t checked(size_t capacity) const noexcept {
    if (capacity == 0 || capacity > kMaxCapacity) {
      fail_fast("MpmcQueue", this, "capacity must be 1 to 2^32");
    }
    return capacity;
  }

  // A position is a lap times lap_, the capacity rounded up to a power of two,
  // and the index of the slot in it.
  Slot& slot(uint64_t position) const noexcept {
    return slots_[position & (lap_ - 1)];
  }
  uint64_t next(uint64_t position) const noexcept {
    const uint64_t last = lap_ - 1;
    return (position & last) + 1 == capacity_ ? (position | last) + 1
                                              : position + 1;
  }
  uint64_t ordinal(uint64_t position) const noexcept {
    return position / lap_ * capacity_ + (position & (lap_ - 1));
  }

  static bool is_between(Stamp seen) noexcept {
    return !Slot::kInOneStep &&
           (seen.state() == State::kWriting || seen.state() == State::kReading);
  }

  // ---- Push ----------------------------------------------------------------

  // Whether `position` was pushed to, as its slot's stamp says.
  static bool is_taken(Stamp seen, uint64_t position) noexcept {
    return seen.position() > position ||
           (seen.position() == position && seen.state() != State::kFree);
  }
  // The first position that is not known to be taken, all before it being so.
  uint64_t after_taken(Stamp seen) const noexcept {
    return next(seen.state() == State::kFree ? seen.position() - lap_
                                             : seen.position());
  }

  // Pushes at `position` or the first after it that is not taken, and moves
  // `position` behind it; false when full or closed.
  template <typename Value>
  bool push_at(uint64_t& position, Value&& value) noexcept {
    Turns turns;
    for (;;) {
      Slot& slot = this->slot(position);
      const Stamp seen = slot.stamp();
      if (seen == Stamp(position, State::kFree)) [[likely]] {
        if (slot.put(seen, std::forward<Value>(value))) {
          position = next(position);
          return true;
        }
      } else if (is_taken(seen, position)) {
        position = after_taken(seen);
      } else if (seen.closed() || seen.state() != State::kReading) {
        return false;  // The object of a lap before is still there.
      } else {
        turns.turn();
      }
    }
  }

  template <typename Value>
  bool push(Value&& value) noexcept {
    uint64_t position = hint(tail_);
    if (!push_at(position, std::forward<Value>(value))) return false;
    advance(tail_, position);
    return true;
  }

  // ---- Pop -----------------------------------------------------------------

  // Whether `position` was popped, as its slot's stamp says.
  static bool is_gone(Stamp seen, uint64_t position) noexcept {
    return seen.position() > position ||
           (seen.position() == position && seen.state() == State::kReading);
  }
  // The first position that is not known to be gone, all before it being so.
  uint64_t after_gone(Stamp seen) const noexcept {
    return next(seen.state() == State::kReading ? seen.position()
                                                : seen.position() - lap_);
  }

  template <typename Sink>
  bool pop_at(uint64_t& position, Sink sink) noexcept {
    Turns turns;
    for (;;) {
      Slot& slot = this->slot(position);
      const Stamp seen = slot.stamp();
      if (is_gone(seen, position)) {
        position = after_gone(seen);
      } else if (seen.position() != position || seen.state() == State::kFree) {
        return false;  // Not pushed yet.
      } else if (seen.state() == State::kWriting) {
        turns.turn();
      } else if (slot.take(seen, position + lap_, sink)) {
        position = next(position);
        return true;
      }
    }
  }

  template <typename Sink>
  bool pop(Sink sink) noexcept {
    uint64_t position = hint(head_);
    if (!pop_at(position, sink)) return false;
    advance(head_, position);
    return true;
  }

  // ---- Hints: all positions before them are taken or gone
  // --------------------

  static uint64_t hint(const Hint& hint) noexcept {
    // Pairs with the release in advance().
    return hint.load(std::memory_order_acquire);
  }
  static void advance(Hint& hint, uint64_t position) noexcept {
    // Relaxed: the comparison only spares a store that would lead back. One
    // that does for all that costs others a walk.
    if (hint.load(std::memory_order_relaxed) < position) {
      // Pairs with hint(): the stamps before what says that they are taken.
      hint.store(position, std::memory_order_release);
    }
  }

  uint64_t find_tail() const noexcept {
    uint64_t position = hint(tail_);
    for (Stamp seen = slot(position).stamp(); is_taken(seen, position);
         seen = slot(position).stamp()) {
      position = after_taken(seen);
    }
    return position;
  }
  uint64_t find_head() const noexcept {
    uint64_t position = hint(head_);
    for (Stamp seen = slot(position).stamp(); is_gone(seen, position);
         seen = slot(position).stamp()) {
      position = after_gone(seen);
    }
    return position;
  }

  alignas(kFalseSharingBytes) Hint tail_{0};
  alignas(kFalseSharingBytes) Hint head_{0};
  // Constant after construction.
  alignas(kFalseSharingBytes) const uint64_t capacity_;
  const uint64_t lap_;
  const std::unique_ptr<Slot[]> slots_;
};

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_MPMC_QUEUE_H_
