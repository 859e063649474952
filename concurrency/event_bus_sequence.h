// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The producers' side of event_bus.h: who may write which slot next, and up to
// where events are published. Events are numbered from 0 without end; event
// number s lies in slot s modulo the capacity. Internal: include event_bus.h.
//
// A claim is (first, count); a `room` callable looks at the consumers again and
// returns the number below which all events are done with.

#ifndef WIREBOOK_CONCURRENCY_EVENT_BUS_SEQUENCE_H_
#define WIREBOOK_CONCURRENCY_EVENT_BUS_SEQUENCE_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "concurrency/atom_traits.h"
#include "concurrency/event_bus_types.h"
#include "memory/cache_line.h"

namespace wirebook::internal {

struct BusClaim {
  uint64_t first = 0;
  uint64_t count = 0;
};

template <BusProducers kProducers, template <typename> class Atom>
class BusSequence;

// One producer thread.
template <template <typename> class Atom>
class BusSequence<BusProducers::kOne, Atom> {
  using Traits = AtomTraits<Atom>;

 public:
  explicit BusSequence(uint64_t capacity)
      : capacity_(capacity), writable_until_(capacity) {}

  // Up to `n` events that lie beside each other.
  template <typename Room>
  BusClaim claim(uint64_t n, Room room) noexcept {
    // Relaxed: the producer's own.
    const uint64_t next = cursor_.load(std::memory_order_relaxed);
    if (writable_until_ - next < n) {
      if (ended_) return {};
      writable_until_ = std::max(writable_until_, room(next + n) + capacity_);
    }
    const uint64_t count = std::min(
        {n, writable_until_ - next, capacity_ - (next & (capacity_ - 1))});
    return announce(next, count);
  }
  // The same for one event, in fewer instructions.
  template <typename Room>
  BusClaim claim_one(Room room) noexcept {
    const uint64_t next = cursor_.load(std::memory_order_relaxed);
    if (next == writable_until_) [[unlikely]] {
      return claim(1, room);
    }
    return announce(next, 1);
  }
  // Whether claim_one() would find room.
  template <typename Room>
  bool has_room(Room room) noexcept {
    const uint64_t next = cursor_.load(std::memory_order_relaxed);
    if (next == writable_until_ && !ended_) {
      writable_until_ = std::max(writable_until_, room(next + 1) + capacity_);
    }
    return next != writable_until_ && !closed();
  }
  // Producer: a claim was given back, of which others may have seen a moment.
  bool ended() const noexcept { return ended_; }

  void publish(BusClaim claim) noexcept {
    // Pairs with the acquire in published(): the events before their number.
    cursor_.store(claim.first + claim.count, std::memory_order_release);
  }

  bool is_claimed(BusClaim claim) const noexcept {
    return claim.first == cursor_.load(std::memory_order_relaxed) &&
           claim.first + claim.count <=
               claimed_.load(std::memory_order_relaxed);
  }

  // Events below this, from `from` on, can be read.
  uint64_t published(uint64_t /*from*/, uint64_t /*until*/) const noexcept {
    // Pairs with the release in publish().
    return cursor_.load(std::memory_order_acquire);
  }
  uint64_t published() const noexcept { return published(0, 0); }

  // Nothing above it was published at some time before the call.
  uint64_t bound() const noexcept { return published(); }

  // Any thread. No claim succeeds after it returns.
  void close() noexcept {
    closing_.store(true, std::memory_order_relaxed);
    Traits::heavy_fence();
    // Relaxed: the fence releases it to the acquire in drained(), which then
    // sees the last claim.
    closed_.store(true, std::memory_order_relaxed);
  }
  bool closed() const noexcept {
    return closed_.load(std::memory_order_relaxed);  // a moment's view
  }

  // Closed, and no event from `position` on will come.
  bool drained(uint64_t position) const noexcept {
    // Pairs with the fence in close(). The claim that saw the close shows up in
    // claimed_ for a moment, and goes: then the answer is "not yet", and who
    // made the claim wakes those who got it.
    return closed_.load(std::memory_order_acquire) &&
           claimed_.load(std::memory_order_relaxed) == position;
  }

 private:
  BusClaim announce(uint64_t next, uint64_t count) noexcept {
    if (count == 0) return {};
    // Relaxed, as closing_: the fence pairs with the heavy one in close(). Of a
    // claim and a close at one time, one sees the other.
    claimed_.store(next + count, std::memory_order_relaxed);
    Traits::light_fence();
    if (closing_.load(std::memory_order_relaxed)) [[unlikely]] {
      claimed_.store(next, std::memory_order_relaxed);
      // No claim will announce itself any more.
      ended_ = true;
      writable_until_ = next;
      return {};
    }
    return {next, count};
  }

  // Written by the producer and polled by consumers: no other store may wait
  // for this line.
  alignas(kFalseSharingBytes) Atom<uint64_t> cursor_{0};
  // The producer's; consumers look here when it is closed.
  alignas(kFalseSharingBytes) Atom<uint64_t> claimed_{0};
  const uint64_t capacity_;
  uint64_t writable_until_;
  bool ended_ = false;  // The producer knows of the close.
  // Written once.
  alignas(kFalseSharingBytes) Atom<bool> closing_{false};
  Atom<bool> closed_{false};
};

// Any number of producer threads. A claim is a compare-and-swap on the next
// number; a stamp beside each slot says which event was published there last,
// so that producers publish in any order (as in the Disruptor).
template <template <typename> class Atom>
class BusSequence<BusProducers::kMany, Atom> {
  static constexpr uint64_t kClosed = uint64_t{1} << 63;

 public:
  explicit BusSequence(uint64_t capacity)
      : capacity_(capacity),
        stamps_(std::make_unique<Atom<uint64_t>[]>(capacity)) {}

  template <typename Room>
  BusClaim claim(uint64_t n, Room room) noexcept {
    uint64_t next = next_.load(std::memory_order_relaxed);
    for (;;) {
      if ((next & kClosed) != 0) return {};
      const uint64_t limit = limit_for(next + n, room);
      const uint64_t room_left = limit > next ? limit - next : 0;
      const uint64_t count =
          std::min({n, room_left, capacity_ - (next & (capacity_ - 1))});
      if (count == 0) return {};
      // Relaxed: the number orders nothing; the slots' turn came with `limit`.
      if (next_.compare_exchange_weak(next, next + count,
                                      std::memory_order_relaxed,
                                      std::memory_order_relaxed)) {
        return {next, count};
      }
    }
  }

  template <typename Room>
  BusClaim claim_one(Room room) noexcept {
    return claim(1, room);
  }
  template <typename Room>
  bool has_room(Room room) noexcept {
    const uint64_t next = next_.load(std::memory_order_relaxed);
    return (next & kClosed) == 0 && limit_for(next + 1, room) > next;
  }
  static constexpr bool ended() noexcept { return false; }

  void publish(BusClaim claim) noexcept {
    for (uint64_t s = claim.first; s != claim.first + claim.count; ++s) {
      // Pairs with the acquire in published(): the event before its stamp.
      stamp(s).store(s + 1, std::memory_order_release);
    }
  }

  bool is_claimed(BusClaim claim) const noexcept {
    return claim.first + claim.count <= next() &&
           stamp(claim.first).load(std::memory_order_relaxed) <= claim.first;
  }

  // The first event from `from` on, up to `until`, that is not published.
  uint64_t published(uint64_t from, uint64_t until) const noexcept {
    // Pairs with the release in publish().
    while (from < until && stamp(from).load(std::memory_order_acquire) > from) {
      ++from;
    }
    return from;
  }
  // All below free_ is published: the slots would not be free.
  uint64_t published() const noexcept {
    return published(free_.load(std::memory_order_acquire), next());
  }

  uint64_t bound() const noexcept { return next(); }

  void close() noexcept { next_.fetch_or(kClosed, std::memory_order_relaxed); }
  bool closed() const noexcept {
    return (next_.load(std::memory_order_relaxed) & kClosed) != 0;
  }
  // Relaxed: the closed number changes no more, and position is the caller's.
  bool drained(uint64_t position) const noexcept {
    return next_.load(std::memory_order_relaxed) == (position | kClosed);
  }

 private:
  // What lies below it can be claimed; `end` is looked for if need be.
  template <typename Room>
  uint64_t limit_for(uint64_t end, Room& room) noexcept {
    // Pairs with the release below: whoever stored it saw the consumers done.
    const uint64_t known = free_.load(std::memory_order_acquire) + capacity_;
    if (known >= end) return known;
    const uint64_t free = room(end);
    // Pairs with the acquire above. May go back: then others look again.
    free_.store(free, std::memory_order_release);
    return free + capacity_;
  }
  uint64_t next() const noexcept {
    return next_.load(std::memory_order_relaxed) & ~kClosed;
  }
  Atom<uint64_t>& stamp(uint64_t s) const noexcept {
    return stamps_[s & (capacity_ - 1)];
  }

  alignas(kFalseSharingBytes) Atom<uint64_t> next_{0};
  alignas(kFalseSharingBytes) Atom<uint64_t> free_{0};
  alignas(kFalseSharingBytes) const uint64_t capacity_;
  const std::unique_ptr<Atom<uint64_t>[]> stamps_;
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_CONCURRENCY_EVENT_BUS_SEQUENCE_H_
