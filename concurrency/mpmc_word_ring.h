// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// MpmcQueue (mpmc_queue.h), which alone uses it, for what fits a word: no
// thread that stops, wherever, holds up another.
//
// A slot is a word and the position of the queue at which that was pushed; the
// head is the first position not popped. A push goes to the first position not
// taken and exchanges what was pushed there a lap before for its own, if the
// head has passed that; a pop reads the word at the head and moves the head on.
// So positions are taken in order, slots are written by pushes alone, and
// whoever stops has either done all of its operation or nothing. Where the
// first position not taken is, is a hint, at most behind: who finds a position
// taken goes on to the next. Close marks the slot at that position.
//
// What decides, the look at a stamp or at the head and the exchange of either,
// is seq_cst, or "full" and "empty" could contradict each other: acquire and
// release let a thread that pushed overlook a pop that another thread, finding
// the queue empty before that push, has seen.
//
// Slots that carry a counter, exchanged in double width, are from Shann, Huang
// and Chen, "A Practical Nonblocking Queue Algorithm Using Compare-and-Swap"
// (ICPADS 2000); there a pop exchanges the slot too.

#ifndef WIREBOOK_CONCURRENCY_MPMC_WORD_RING_H_
#define WIREBOOK_CONCURRENCY_MPMC_WORD_RING_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "concurrency/mpmc_positions.h"
#include "concurrency/stamped_word.h"
#include "memory/cache_line.h"

namespace wirebook::internal {

template <typename T>
inline constexpr bool kFitsWord = std::is_trivially_copyable_v<T> &&
                                  sizeof(T) <= sizeof(uint64_t);

template <typename T, template <typename> class Atom>
class MpmcWordRing {
 public:
  explicit MpmcWordRing(size_t capacity)
      : at_(capacity),
        slots_(std::make_unique<Slot[]>(capacity)),
        tail_(at_.lap()),
        seen_head_(at_.lap()),
        head_(at_.lap()) {
    // As if a lap had been pushed and popped.
    for (size_t i = 0; i < capacity; ++i) slots_[i].reset(Stamp::of(i).bits);
  }

  bool push(const T& value) noexcept {
    uint64_t position = tail();
    if (!push_at(position, to_word(value))) return false;
    advance_tail(position);
    return true;
  }

  size_t push_n(std::span<T> values) noexcept {
    size_t count = 0;
    uint64_t position = tail();
    while (count < values.size() && push_at(position, to_word(values[count])))
      ++count;
    if (count != 0) advance_tail(position);
    return count;
  }

  // sink(T&&) gets the object.
  template <typename Sink>
  bool pop(Sink&& sink) noexcept {
    uint64_t word;
    if (pop_words(&word, 1) == 0) return false;
    with_object(word, sink);
    return true;
  }

  // sink(i, T&&) gets the i-th.
  template <typename Sink>
  size_t pop_n(size_t n, Sink&& sink) noexcept {
    constexpr size_t kAtOnce = 16;
    uint64_t words[kAtOnce];
    size_t done = 0;
    while (done < n) {
      const size_t count = pop_words(words, std::min(kAtOnce, n - done));
      if (count == 0) break;
      for (size_t i = 0; i < count; ++i) {
        with_object(words[i],
                    [&](T&& value) { sink(done + i, std::move(value)); });
      }
      done += count;
    }
    return done;
  }

  void close() noexcept {
    for (uint64_t position = tail();;) {
      Slot& slot = this->slot(position);
      const Stamp seen(slot.stamp());
      if (seen.position() >= position) {
        position = at_.next(seen.position());
      } else if (seen.is_closed() ||
                 slot.exchange_stamp(seen.bits, seen.closed().bits)) {
        return;
      }
    }
  }

  bool closed() const noexcept {
    const uint64_t head = head_.load();
    const Stamp seen(slot(head).stamp());
    return seen.is_closed() && seen.position() < head;
  }

  size_t size() const noexcept {
    const uint64_t head = head_.load();
    uint64_t tail = this->tail();
    for (uint64_t seen;
         (seen = Stamp(slot(tail).stamp()).position()) >= tail;) {
      tail = at_.next(seen);
    }
    // Head may have gone on since.
    return std::min<size_t>(at_.between(head, tail), at_.capacity());
  }

 private:
  using Slot = StampedWord<Atom>;

  // The position of the word, and whether the queue was closed at the next
  // position of that slot.
  struct Stamp {
    explicit constexpr Stamp(uint64_t raw) noexcept : bits(raw) {}
    static constexpr Stamp of(uint64_t position) noexcept {
      return Stamp(position << 1);
    }
    constexpr uint64_t position() const noexcept { return bits >> 1; }
    constexpr bool is_closed() const noexcept { return (bits & 1) != 0; }
    constexpr Stamp closed() const noexcept { return Stamp(bits | 1); }
    uint64_t bits;
  };

  Slot& slot(uint64_t position) const noexcept {
    return slots_[at_.slot(position)];
  }

  static uint64_t to_word(const T& value) noexcept {
    uint64_t word = 0;
    std::memcpy(&word, std::addressof(value), sizeof(T));
    return word;
  }
  template <typename Sink>
  static void with_object(uint64_t word, Sink&& sink) noexcept {
    alignas(T) std::byte bytes[sizeof(T)];
    std::memcpy(bytes, &word, sizeof(T));
    sink(std::move(*std::launder(reinterpret_cast<T*>(bytes))));
  }

  // Pushes at `position` or the first after it that is not taken, and moves
  // `position` behind it; false when full or closed.
  bool push_at(uint64_t& position, uint64_t word) noexcept {
    for (;;) {
      Slot& slot = this->slot(position);
      const Stamp seen(slot.stamp());
      if (seen.position() >= position) {
        position = at_.next(seen.position());  // Taken.
      } else if (seen.is_closed() || !is_popped(seen.position())) {
        return false;
      } else if (slot.exchange(seen.bits, slot.word(), Stamp::of(position).bits,
                               word)) {
        position = at_.next(position);
        return true;
      }
    }
  }

  bool is_popped(uint64_t position) noexcept {
    // Pairs with the release below: pops that are seen by one push are by all.
    if (seen_head_.load(std::memory_order_acquire) > position) return true;
    const uint64_t head = head_.load();
    if (head <= position) return false;
    seen_head_.store(head, std::memory_order_release);
    return true;
  }

  // Takes up to `n` that are there; 0 only when empty.
  size_t pop_words(uint64_t* words, size_t n) noexcept {
    for (uint64_t head = head_.load();;) {
      uint64_t end = head;
      size_t count = 0;
      uint64_t seen = 0;
      while (count < n && (seen = Stamp(slot(end).stamp()).position()) == end) {
        words[count++] = slot(end).word();
        end = at_.next(end);
      }
      if (count == 0) {
        if (seen < head) return 0;
        head = head_.load();  // It has moved on, and pushes with it.
      } else if (head_.compare_exchange_strong(head, end)) {
        return count;  // Not overwritten meanwhile, as the head has stayed.
      }
    }
  }

  uint64_t tail() const noexcept {
    // Pairs with the release in advance_tail().
    return tail_.load(std::memory_order_acquire);
  }
  void advance_tail(uint64_t position) noexcept {
    // Relaxed: the comparison only spares a store that would lead back. One
    // that does for all that costs others a walk.
    if (tail_.load(std::memory_order_relaxed) < position) {
      // Pairs with tail(): the stamps before what says that they are taken.
      tail_.store(position, std::memory_order_release);
    }
  }

  // Constant after construction.
  const MpmcPositions at_;
  const std::unique_ptr<Slot[]> slots_;
  // Written by pushes: all positions before the tail are taken; a head that
  // was.
  alignas(kFalseSharingBytes) Atom<uint64_t> tail_;
  Atom<uint64_t> seen_head_;
  // Written by pops.
  alignas(kFalseSharingBytes) Atom<uint64_t> head_;
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_CONCURRENCY_MPMC_WORD_RING_H_
