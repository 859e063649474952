// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The consumers' side of event_bus.h: a table of positions, one a consumer,
// from which producers learn which slots are free. Internal: include
// event_bus.h.
//
// A position is the number of the next event that the consumer will take; all
// below are done with. A lossy consumer's is also moved by producers, by
// compare-and-swap on the whole word; never while the consumer has pinned it to
// copy events, so no slot is overwritten under a reader.

#ifndef WIREBOOK_CONCURRENCY_EVENT_BUS_CONSUMERS_H_
#define WIREBOOK_CONCURRENCY_EVENT_BUS_CONSUMERS_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "concurrency/atom_traits.h"
#include "concurrency/event_bus_types.h"
#include "memory/cache_line.h"

namespace wirebook::internal {

// A position and what its consumer is.
struct BusWord {
  static constexpr uint64_t kPinned = uint64_t{1} << 63;
  static constexpr uint64_t kDrops = uint64_t{1} << 62;
  static constexpr uint64_t kDetaches = uint64_t{1} << 61;
  static constexpr uint64_t kFlags = kPinned | kDrops | kDetaches;
  static constexpr uint64_t kNowhere = ~kFlags;  // not attached, or no more

  static constexpr uint64_t position(uint64_t word) { return word & ~kFlags; }
  static constexpr bool can_skip(uint64_t word) {
    return (word & (kDrops | kDetaches)) != 0 && (word & kPinned) == 0;
  }
  static constexpr uint64_t flags_of(WhenSlow when_slow) {
    switch (when_slow) {
      case WhenSlow::kGate:
        break;
      case WhenSlow::kDrop:
        return kDrops;
      case WhenSlow::kDetach:
        return kDetaches;
    }
    return 0;
  }
};

template <template <typename> class Atom>
struct alignas(kFalseSharingBytes) BusConsumerSlot {
  Atom<uint64_t> word{BusWord::kNowhere};
  Atom<uint64_t> after{0};  // a bit for each slot that comes first
  // Where it would be by the events that it received alone: what a producer
  // skipped is the rest of its way. Its own, so that no producer's late word
  // is charged to the next consumer here.
  Atom<uint64_t> received_to{0};
};

template <template <typename> class Atom>
class BusConsumerTable {
  using Traits = AtomTraits<Atom>;

 public:
  using Slot = BusConsumerSlot<Atom>;

  explicit BusConsumerTable(size_t slots)
      : slots_(std::make_unique<Slot[]>(slots)) {}

  Slot& slot(size_t i) const noexcept { return slots_[i]; }

  // Attaching, step one: the slot counts from now on, at `position`, and no
  // producer moves it. Under the caller's mutex.
  void occupy(size_t i, WhenSlow when_slow, uint64_t after,
              uint64_t position) noexcept {
    Slot& s = slots_[i];
    s.after.store(after, std::memory_order_relaxed);
    s.received_to.store(position, std::memory_order_relaxed);
    // Pairs with the acquire in position(): `after` before the word.
    s.word.store(position | BusWord::flags_of(when_slow) | BusWord::kPinned,
                 std::memory_order_release);
    if (i >= used_.load(std::memory_order_relaxed)) {
      used_.store(i + 1, std::memory_order_release);
    }
    // Pairs with the light fence in slowest(): who does not see this slot has
    // looked up its bound before; what we read from here on is as high.
    Traits::heavy_fence();
  }

  // Step two: it begins at `position`.
  void start(size_t i, WhenSlow when_slow, uint64_t position) noexcept {
    slots_[i].received_to.store(position, std::memory_order_relaxed);
    // Pairs with the acquire in word().
    slots_[i].word.store(position | BusWord::flags_of(when_slow),
                         std::memory_order_release);
  }

  void vacate(size_t i) noexcept {
    // Pairs with the acquire in word(): its last use of an event is over.
    slots_[i].word.store(BusWord::kNowhere, std::memory_order_release);
  }

  uint64_t word(size_t i) const noexcept {
    // Pairs with the release in consume(), receive(), vacate() and start().
    return slots_[i].word.load(std::memory_order_acquire);
  }
  uint64_t position(size_t i) const noexcept {
    return BusWord::position(word(i));
  }

  // The lowest position of consumers, or of those in `mask`; kNowhere if there
  // are none.
  uint64_t lowest(uint64_t mask) const noexcept {
    uint64_t lowest = BusWord::kNowhere;
    for (; mask != 0; mask &= mask - 1) {
      lowest = std::min(lowest,
                        position(static_cast<size_t>(std::countr_zero(mask))));
    }
    return lowest;
  }
  uint64_t lowest() const noexcept { return lowest(everyone()); }
  uint64_t lowest_gating() const noexcept {
    uint64_t lowest = BusWord::kNowhere;
    for (size_t i = 0; i != used(); ++i) {
      const uint64_t w = word(i);
      if ((w & BusWord::kFlags & ~BusWord::kPinned) == 0) {
        lowest = std::min(lowest, BusWord::position(w));
      }
    }
    return lowest;
  }

  // lowest(), for who will reuse what lies below it: orders the look against
  // consumers that attach meanwhile. Get the bound before the call.
  uint64_t lowest_fenced() const noexcept {
    Traits::light_fence();  // pairs with the heavy fence in occupy()
    return lowest();
  }

  // Producer: moves lossy consumer `i`, whose word was `old`, up to `to`, or
  // detaches it; nothing if it has moved or is in the middle of a copy.
  void skip(size_t i, uint64_t old, uint64_t to) noexcept {
    const bool detach = (old & BusWord::kDetaches) != 0;
    const uint64_t moved = detach ? BusWord::kNowhere : to | BusWord::kDrops;
    // Relaxed: word() has acquired what `old` released, and an exchange goes on
    // with that release, for other producers.
    (void)slots_[i].word.compare_exchange_strong(
        old, moved, std::memory_order_relaxed, std::memory_order_relaxed);
  }

  size_t used() const noexcept {
    return used_.load(std::memory_order_acquire);  // pairs with occupy()
  }

 private:
  uint64_t everyone() const noexcept {
    const size_t n = used();
    return n == 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1;
  }

  const std::unique_ptr<Slot[]> slots_;
  Atom<uint64_t> used_{0};
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_CONCURRENCY_EVENT_BUS_CONSUMERS_H_
