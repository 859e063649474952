// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The two sides of SpscRing, each on lines of its own, and how one learns of
// the other. Include spsc_ring.h.
//
// Indices run on without wrapping (2^64 objects); a slot is index & mask. What
// both sides need to find a slot is repeated on each side's line. The other
// side's index is looked at only when what it was last seen to allow is used
// up.

#ifndef WIREBOOK_CONCURRENCY_SPSC_RING_SIDES_H_
#define WIREBOOK_CONCURRENCY_SPSC_RING_SIDES_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <cstdint>

#include "memory/cache_line.h"

namespace wirebook::internal {

// Written by the producer only; the consumer reads `tail` and `closed`.
template <typename T, template <typename> class Atom>
struct alignas(kFalseSharingBytes) SpscProducer {
  T* slot(uint64_t index) const noexcept { return slots + (index & mask); }

  uint64_t own_tail() const noexcept {
    return tail.load(std::memory_order_relaxed);  // its only writer
  }

  // Looks at the consumer's index again, `own` being ours; false when the ring
  // is full.
  bool refresh_room(uint64_t own,
                    const Atom<uint64_t>& consumers_head) noexcept {
    // Pairs with the release in consume: the slot's old object is gone.
    const uint64_t head = consumers_head.load(std::memory_order_acquire);
    if (own - head >= limit) return false;
    writable_until = head + limit;
    return true;
  }

  Atom<uint64_t> tail{0};
  Atom<bool> closed{false};
  uint64_t writable_until = 0;  // last head seen + limit
  uint64_t claimed_until = 0;
  uint64_t limit = 0;  // the capacity; 0 once closed
  T* slots = nullptr;
  uint64_t mask = 0;
};

// Written by the consumer only; the producer reads `head`.
template <typename T, template <typename> class Atom>
struct alignas(kFalseSharingBytes) SpscConsumer {
  T* slot(uint64_t index) const noexcept { return slots + (index & mask); }

  uint64_t own_head() const noexcept {
    return head.load(std::memory_order_relaxed);  // its only writer
  }

  // Looks at the producer's index again, `own` being ours; false when the ring
  // is empty.
  bool refresh_ready(uint64_t own,
                     const Atom<uint64_t>& producers_tail) noexcept {
    // Pairs with the release in try_emplace and publish: the objects are there.
    readable_until = producers_tail.load(std::memory_order_acquire);
    if (readable_until != own) {
      empty_looks = 0;
      return true;
    }
    // Who waits has the object's line fetched beside the index's, not after it:
    // a quarter off the round trip. Not at once, or a producer that is as fast
    // would lose the line that it is about to write to.
    if (++empty_looks > kLooksBeforeFetch) {
      __builtin_prefetch(slot(own));
    }
    return false;
  }

  static constexpr uint64_t kLooksBeforeFetch = 16;

  Atom<uint64_t> head{0};
  uint64_t readable_until = 0;  // last tail seen
  uint64_t empty_looks = 0;     // since the last that was not
  T* slots = nullptr;
  uint64_t mask = 0;
};

static_assert(sizeof(SpscProducer<int, std::atomic>) == kFalseSharingBytes &&
                  sizeof(SpscConsumer<int, std::atomic>) == kFalseSharingBytes,
              "a side is one line, or the pair that is fetched together");

}  // namespace wirebook::internal

#endif  // WIREBOOK_CONCURRENCY_SPSC_RING_SIDES_H_
