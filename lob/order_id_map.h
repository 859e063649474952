// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// OrderIdMap<T>: order ids to T*, open addressing, for one thread.
//
// Use it where one thread looks up, adds and removes ids all the time, as a
// book of orders does; for look-ups from many threads, lock_free_hash_map.
//
// How: linear probing in slots of 16 bytes, at most five eighths of them used.
// A slot remembers, in the lowest bit of its address, whether a search ever
// went past it; removing from one that was not passed, which is nearly all,
// empties it, and from another closes the gap (Knuth, TAOCP 3, 6.4, algorithm
// R), so there are no tombstones and no slow decay. Eight consecutive ids share
// a neighbourhood of two cache lines: venues number orders in sequence, the
// young ones are what most messages speak of, and an insertion fetches where
// the ids to come will lie.
//
// Any id is legal, 0 as well. Ids chosen so as to collide make it slow, never
// wrong. Beyond its capacity it doubles, counted: one allocation, and a pause
// in proportion to what it holds.
// Cost: 2 to 5 ns a call while the slots are in the second cache.
//
//   OrderIdMap<Order> map(10'000);
//   map.insert(7, &order);
//   if (auto at = map.find(7); map.found(at)) { use(map.value(at)); }
//   map.erase(map.find(7));
#ifndef WIREBOOK_LOB_ORDER_ID_MAP_H_
#define WIREBOOK_LOB_ORDER_ID_MAP_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "memory/fail_fast.h"
#include "memory/page_mapping.h"

namespace wirebook {

template <typename T>
class OrderIdMap {
 public:
  // A slot: where an id is, or where it would be. Void after any change.
  using Place = size_t;

  // Room for `ids` without growing.
  explicit OrderIdMap(size_t ids) { allocate(slots_for(ids)); }
  OrderIdMap(const OrderIdMap&) = delete;
  OrderIdMap& operator=(const OrderIdMap&) = delete;

  size_t size() const noexcept { return size_; }
  // Ids that fit without growing.
  size_t capacity() const noexcept { return capacity_; }
  uint64_t growths() const noexcept { return growths_; }
  size_t memory_bytes() const noexcept { return memory_.size(); }

  // Fetches the lines that a call with this id will read.
  void prefetch(uint64_t id) const noexcept {
    __builtin_prefetch(&slots_[home(id)], 1);
  }

  // The place of `id`, or the empty one that insert_at() may use.
  Place find(uint64_t id) const noexcept {
    Place at = home(id);
    while (slots_[at].tagged != 0 && slots_[at].id != id) {
      at = (at + 1) & mask_;
    }
    return at;
  }
  bool found(Place at) const noexcept { return slots_[at].tagged != 0; }
  T* value(Place at) const noexcept {
    return reinterpret_cast<T*>(slots_[at].tagged & ~kPassed);
  }

  // `at` is find(id) and empty; `value` is not null.
  void insert_at(Place at, uint64_t id, T* value) noexcept {
    if (size_ >= capacity_) [[unlikely]] {
      grow();
      at = find(id);
    }
    place(at, id, reinterpret_cast<uintptr_t>(value));
    ++size_;
    prefetch(id + kGroup);
  }

  // False if it is there already; then nothing changes.
  bool insert(uint64_t id, T* value) noexcept {
    const Place at = find(id);
    if (found(at)) return false;
    insert_at(at, id, value);
    return true;
  }

  // `at` is a place that was found.
  void erase(Place at) noexcept {
    if ((slots_[at].tagged & kPassed) != 0) [[unlikely]] {
      at = close_gap(at);
    }
    slots_[at].tagged = 0;
    --size_;
  }

  // Keeps the capacity.
  void clear() noexcept {
    if (size_ == 0) return;
    std::memset(static_cast<void*>(slots_), 0, (mask_ + 1) * sizeof(Slot));
    size_ = 0;
  }

 private:
  struct Slot {
    uint64_t id;
    uintptr_t tagged;  // The address and kPassed; 0: empty.
  };
  static constexpr uintptr_t kPassed = 1;
  static_assert(alignof(T) > kPassed);
  static constexpr size_t kGroup = 8;  // Ids that stay together.
  static constexpr size_t kMinSlots = 64;

  static size_t slots_for(size_t ids) noexcept {
    return std::bit_ceil(ids < kMinSlots / 2 ? kMinSlots : ids + ids * 3 / 5);
  }

  // Whoever looks for `id` goes past what lies between its home and `at`.
  void place(Place at, uint64_t id, uintptr_t address) noexcept {
    for (Place on = home(id); on != at; on = (on + 1) & mask_) {
      slots_[on].tagged |= kPassed;
    }
    slots_[at] = {id, address};
  }

  // Moves what may lie nearer to its home; returns the place that is left over.
  // Every place on the way was passed already, and stays so.
  [[gnu::noinline]] Place close_gap(Place at) noexcept {
    Place next = at;
    while (true) {
      next = (next + 1) & mask_;
      if (slots_[next].tagged == 0) return at;
      // What lies between its home and `next` may move down to the gap.
      if (((next - home(slots_[next].id)) & mask_) >= ((next - at) & mask_)) {
        slots_[at] = {slots_[next].id,
                      (slots_[next].tagged & ~kPassed) | kPassed};
        at = next;
      }
    }
  }

  // Multiplicative hashing (Knuth, TAOCP 3, 6.4): groups in sequence come to
  // lie far from each other, and evenly.
  Place home(uint64_t id) const noexcept {
    const uint64_t group = (id / kGroup) * 0x9E3779B97F4A7C15u;
    return (group >> shift_) * kGroup + id % kGroup;
  }

  void allocate(size_t slots) {
    absl::StatusOr<PageMapping> pages = PageMapping::anonymous(
        slots * sizeof(Slot),
        {.page_bytes = slots * sizeof(Slot) < kHugePageBytes ? kSmallPageBytes
                                                             : kHugePageBytes,
         .prefault = true});
    if (!pages.ok()) fail_fast("OrderIdMap", this, "has no memory");
    memory_ = *std::move(pages);
    slots_ = reinterpret_cast<Slot*>(memory_.data());
    mask_ = slots - 1;
    capacity_ = slots / 8 * 5;
    shift_ = 64 - std::countr_zero(slots / kGroup);
  }

  void grow() noexcept {
    const PageMapping old_memory = std::move(memory_);
    const Slot* const old = slots_;
    const size_t count = mask_ + 1;
    allocate(count * 2);
    ++growths_;
    for (size_t i = 0; i < count; ++i) {
      if (old[i].tagged == 0) continue;
      place(find(old[i].id), old[i].id, old[i].tagged & ~kPassed);
    }
  }

  Slot* slots_ = nullptr;
  size_t mask_ = 0;
  int shift_ = 0;
  size_t size_ = 0;
  size_t capacity_ = 0;
  uint64_t growths_ = 0;
  PageMapping memory_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_ORDER_ID_MAP_H_
