// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Positions in the endless sequence of MpmcQueue (mpmc_queue.h), which alone
// uses them, and the slots in which they fall.

#ifndef WIREBOOK_CONCURRENCY_MPMC_POSITIONS_H_
#define WIREBOOK_CONCURRENCY_MPMC_POSITIONS_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <bit>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "concurrency/atom_traits.h"

namespace wirebook::internal {

// A position is a lap times lap(), the capacity rounded up to a power of two,
// and the index of the slot in it: no division by a capacity that is no power
// of two. 61 bits of it are used, which no machine lives to see.
class MpmcPositions {
 public:
  explicit constexpr MpmcPositions(size_t capacity) noexcept
      : capacity_(capacity), lap_(std::bit_ceil(capacity)) {}

  constexpr size_t capacity() const noexcept { return capacity_; }
  constexpr uint64_t lap() const noexcept { return lap_; }

  constexpr size_t slot(uint64_t position) const noexcept {
    return static_cast<size_t>(position & (lap_ - 1));
  }
  constexpr uint64_t next(uint64_t position) const noexcept {
    const uint64_t last = lap_ - 1;
    return (position & last) + 1 == capacity_ ? (position | last) + 1
                                              : position + 1;
  }
  // How many positions lie between; 0 if `to` is before `from`.
  constexpr size_t between(uint64_t from, uint64_t to) const noexcept {
    return from < to ? static_cast<size_t>(ordinal(to) - ordinal(from)) : 0;
  }

 private:
  constexpr uint64_t ordinal(uint64_t position) const noexcept {
    return position / lap_ * capacity_ + (position & (lap_ - 1));
  }

  size_t capacity_;
  uint64_t lap_;
};

// Turns of waiting for another thread.
template <template <typename> class Atom>
class MpmcTurns {
 public:
  void turn() noexcept {
    AtomTraits<Atom>::pause();
    if (++turns_ % 64 == 0) std::this_thread::yield();
  }

 private:
  uint32_t turns_ = 0;
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_CONCURRENCY_MPMC_POSITIONS_H_
