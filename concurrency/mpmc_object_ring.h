// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// MpmcQueue (mpmc_queue.h), which alone uses it, for any type that fits no
// word. A thread that is stopped between its ticket and the end of its move
// holds up those who come to its slot.
//
// A slot says for which position it is free, or which one's object it holds. A
// push that finds the slot of the tail free for it moves the tail on, its
// ticket, then constructs the object and says so; a pop likewise at the head. A
// slot that is neither is full, or empty, only if the other side's index says
// so too; otherwise its holder is at it, and one waits.
//
// This is D. Vyukov's bounded MPMC queue (1024cores.net) but for that look at
// the other index, without which an object pushed may be overlooked, or room.
// Indices are seq_cst, or "full" and "empty" could contradict each other
// (mpmc_word_ring.h).

#ifndef WIREBOOK_CONCURRENCY_MPMC_OBJECT_RING_H_
#define WIREBOOK_CONCURRENCY_MPMC_OBJECT_RING_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "concurrency/mpmc_positions.h"
#include "memory/cache_line.h"

namespace wirebook::internal {

template <typename T, template <typename> class Atom>
class MpmcObjectRing {
 public:
  explicit MpmcObjectRing(size_t capacity)
      : at_(capacity), slots_(std::make_unique<Slot[]>(capacity)) {
    for (size_t i = 0; i < capacity; ++i) {
      // Relaxed: before any other thread.
      slots_[i].stamp.store(free(i), std::memory_order_relaxed);
    }
  }

  // All threads are done with it.
  ~MpmcObjectRing() {
    const uint64_t tail = tail_.load() >> 1;
    for (uint64_t at = head_.load(); at != tail; at = at_.next(at)) {
      std::destroy_at(&slot(at).object);
    }
  }

  template <typename Value>
  bool push(Value&& value) noexcept {
    uint64_t position;
    if (tickets_to_push(1, position) == 0) return false;
    put(position, std::forward<Value>(value));
    return true;
  }

  size_t push_n(std::span<T> values) noexcept {
    return by_runs(values.size(), [&](size_t done, size_t n) {
      uint64_t position;
      const size_t count = tickets_to_push(n, position);
      for (size_t i = 0; i < count; ++i, position = at_.next(position)) {
        put(position, std::move(values[done + i]));
      }
      return count;
    });
  }

  // sink(T&&) gets the object.
  template <typename Sink>
  bool pop(Sink&& sink) noexcept {
    uint64_t position;
    if (tickets_to_pop(1, position) == 0) return false;
    take(position, sink);
    return true;
  }

  // sink(i, T&&) gets the i-th.
  template <typename Sink>
  size_t pop_n(size_t most, Sink&& sink) noexcept {
    return by_runs(most, [&](size_t done, size_t n) {
      uint64_t position;
      const size_t count = tickets_to_pop(n, position);
      for (size_t i = 0; i < count; ++i, position = at_.next(position)) {
        take(position, [&](T&& value) { sink(done + i, std::move(value)); });
      }
      return count;
    });
  }

  void close() noexcept { tail_.fetch_or(kClosed); }

  bool closed() const noexcept {
    const uint64_t tail = tail_.load();
    return (tail & kClosed) != 0 && head_.load() == tail >> 1;
  }

  size_t size() const noexcept {
    const uint64_t head = head_.load();
    // Head may have gone on since.
    return std::min<size_t>(at_.between(head, tail_.load() >> 1),
                            at_.capacity());
  }

 private:
  static constexpr uint64_t kClosed = 1;

  // No slot of up to a line lies across two.
  static constexpr size_t kSlotAlign = std::max(
      alignof(T), std::min(kCacheLineBytes, std::bit_ceil(sizeof(T) + 8)));

  struct alignas(kSlotAlign) Slot {
    Slot() noexcept {}
    ~Slot() {}
    Atom<uint64_t> stamp{0};
    union {
      T object;
    };
  };

  // Stamps: they only grow.
  static constexpr uint64_t free(uint64_t position) { return position << 1; }
  static constexpr uint64_t full(uint64_t position) {
    return position << 1 | 1;
  }

  Slot& slot(uint64_t position) const noexcept {
    return slots_[at_.slot(position)];
  }
  uint64_t stamp(uint64_t position) const noexcept {
    // Pairs with the releases in put() and take().
    return slot(position).stamp.load(std::memory_order_acquire);
  }

  // Until all are done or none was.
  template <typename Run>
  static size_t by_runs(size_t most, Run run) noexcept {
    size_t done = 0;
    while (done < most) {
      const size_t count = run(done, most - done);
      if (count == 0) break;
      done += count;
    }
    return done;
  }

  // How many positions from `from` on, up to `n`, have the stamp wanted(), and
  // where they end.
  template <typename Wanted>
  size_t run_of(uint64_t from, size_t n, Wanted wanted,
                uint64_t& end) const noexcept {
    size_t count = 0;
    for (end = from; count < n && stamp(end) == wanted(end); ++count) {
      end = at_.next(end);
    }
    return count;
  }

  // Up to `n` positions from `first` on are this thread's to push to; 0 only
  // when full or closed.
  size_t tickets_to_push(size_t n, uint64_t& first) noexcept {
    MpmcTurns<Atom> turns;
    for (uint64_t tail = tail_.load(); (tail & kClosed) == 0;) {
      first = tail >> 1;
      uint64_t end;
      if (const size_t count = run_of(first, n, free, end)) {
        if (tail_.compare_exchange_weak(tail, end << 1)) return count;
      } else {
        // The object of a lap before, or one pushed here meanwhile.
        if (head_.load() + at_.lap() == first) return 0;
        const uint64_t now = tail_.load();
        if (now == tail) turns.turn();  // Its popper is at it.
        tail = now;
      }
    }
    return 0;
  }

  // The same for pops; 0 only when empty.
  size_t tickets_to_pop(size_t n, uint64_t& first) noexcept {
    MpmcTurns<Atom> turns;
    for (first = head_.load();;) {
      uint64_t end;
      if (const size_t count = run_of(first, n, full, end)) {
        if (head_.compare_exchange_weak(first, end)) return count;
      } else {
        if (tail_.load() >> 1 == first) return 0;
        const uint64_t now = head_.load();
        if (now == first) turns.turn();  // Its pusher is at it.
        first = now;
      }
    }
  }

  // Of one's own tickets.
  template <typename Value>
  void put(uint64_t position, Value&& value) noexcept {
    Slot& slot = this->slot(position);
    std::construct_at(&slot.object, std::forward<Value>(value));
    // Pairs with stamp() of the popper: the object before its stamp.
    slot.stamp.store(full(position), std::memory_order_release);
  }
  template <typename Sink>
  void take(uint64_t position, Sink&& sink) noexcept {
    Slot& slot = this->slot(position);
    sink(std::move(slot.object));
    std::destroy_at(&slot.object);
    // Pairs with stamp() of the pusher a lap later: done with the object.
    slot.stamp.store(free(position + at_.lap()), std::memory_order_release);
  }

  // Constant after construction.
  const MpmcPositions at_;
  const std::unique_ptr<Slot[]> slots_;
  // Of pushes: the next position, and whether the queue is closed.
  alignas(kFalseSharingBytes) Atom<uint64_t> tail_{0};
  // Of pops.
  alignas(kFalseSharingBytes) Atom<uint64_t> head_{0};
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_CONCURRENCY_MPMC_OBJECT_RING_H_
