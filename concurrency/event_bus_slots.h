// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The memory in which a bus's events live and die; poisoned under ASan where
// there is none. Internal: include event_bus.h.

#ifndef WIREBOOK_CONCURRENCY_EVENT_BUS_SLOTS_H_
#define WIREBOOK_CONCURRENCY_EVENT_BUS_SLOTS_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "memory/asan_poison.h"
#include "memory/cache_line.h"

namespace wirebook::internal {

// Event number s lies in slot s modulo the capacity, a power of two.
template <typename T>
class BusSlots {
 public:
  explicit BusSlots(uint64_t capacity)
      : capacity_(capacity),
        slots_(static_cast<T*>(::operator new(bytes(), kAlign))) {
    if constexpr (kPoisonsSlots) poison(slots_, bytes());
  }
  BusSlots(const BusSlots&) = delete;
  BusSlots& operator=(const BusSlots&) = delete;
  ~BusSlots() {
    unpoison(slots_, bytes());
    ::operator delete(slots_, kAlign);
  }

  uint64_t capacity() const noexcept { return capacity_; }
  T* operator[](uint64_t s) const noexcept {
    return slots_ + (s & (capacity_ - 1));
  }

  // For events to be constructed in, up to the ring's physical end.
  void open(uint64_t first, uint64_t count) const noexcept {
    if constexpr (kPoisonsSlots) unpoison((*this)[first], count * sizeof(T));
  }
  void destroy(uint64_t s) const noexcept {
    std::destroy_at((*this)[s]);
    if constexpr (kPoisonsSlots) poison((*this)[s], sizeof(T));
  }

 private:
  static constexpr std::align_val_t kAlign{
      std::max(alignof(T), kFalseSharingBytes)};
  // Shadow memory knows eight bytes at a time.
  static constexpr bool kPoisonsSlots = kPoisons && sizeof(T) % 8 == 0;

  // Whole pairs of lines: no stranger shares one with the first or last slot.
  size_t bytes() const noexcept {
    return (capacity_ * sizeof(T) + kFalseSharingBytes - 1) /
           kFalseSharingBytes * kFalseSharingBytes;
  }

  const uint64_t capacity_;
  T* const slots_;
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_CONCURRENCY_EVENT_BUS_SLOTS_H_
