// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// OrderIdTable: gives each order of a book whose venue has ids of 128 bits a
// number of 64, exactly, for as long as the order rests.
//
// Use it beside an L3Book where ids are UUIDs or text (order_event.h); where
// they fit 64 bits, the book takes them as they are. Why a table and not wider
// ids in the book: the book, its map and ITCH keep slots of 16 bytes, and only
// the venues that need it pay for a second look-up. Why no bare hash: two
// orders under one number would be one order, and nothing would tell.
//
// How: ids in a vector, their numbers are its indices and used again when free;
// slots of 4 bytes with linear probing, at most half used, gaps closed on
// removal (Knuth, TAOCP 3, 6.4, algorithm R). Numbers are small and dense,
// which suits OrderIdMap. Ids chosen so as to collide make it slow, never
// wrong. Beyond its capacity it doubles, counted.
//
// Thread rules: one thread. Cost: a probe, and a read of each id on the way.
//
//   OrderIdTable table(10'000);
//   uint64_t number = table.find(id);
//   if (number == OrderIdTable::kNone) number = table.add(id);
//   book.add(number, ...);
//   table.remove(number);  // when the order is gone

#ifndef WIREBOOK_LOB_ORDER_ID_TABLE_H_
#define WIREBOOK_LOB_ORDER_ID_TABLE_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "lob/order_event.h"

namespace wirebook {

class OrderIdTable {
 public:
  static constexpr uint64_t kNone = UINT64_MAX;

  // Room for `ids` without growing; at most 2^31.
  explicit OrderIdTable(size_t ids)
      : slots_(std::bit_ceil(ids < kMinIds ? 2 * kMinIds : 2 * ids)),
        shift_(64 - std::countr_zero(slots_.size())) {
    ids_.reserve(slots_.size() / 2);
    free_.reserve(slots_.size() / 2);
  }
  OrderIdTable(const OrderIdTable&) = delete;
  OrderIdTable& operator=(const OrderIdTable&) = delete;

  size_t size() const noexcept { return ids_.size() - free_.size(); }
  uint64_t growths() const noexcept { return growths_; }

  // kNone if it has no number.
  uint64_t find(OrderId id) const noexcept {
    const uint32_t slot = slots_[place_of(id)];
    return slot == 0 ? kNone : slot - 1;
  }

  // Requires find(id) == kNone.
  uint64_t add(OrderId id) noexcept {
    if (2 * (size() + 1) > slots_.size()) [[unlikely]] {
      grow();
    }
    uint32_t number;
    if (free_.empty()) {
      number = static_cast<uint32_t>(ids_.size());
      ids_.push_back(id);
    } else {
      number = free_.back();
      free_.pop_back();
      ids_[number] = id;
    }
    slots_[place_of(id)] = number + 1;
    return number;
  }

  // Of a number that add() gave and nobody removed.
  OrderId id(uint64_t number) const noexcept { return ids_[number]; }

  // The number is free. The same holds.
  void remove(uint64_t number) noexcept {
    size_t at = place_of(ids_[number]);
    const size_t mask = slots_.size() - 1;
    for (size_t next = (at + 1) & mask; slots_[next] != 0;
         next = (next + 1) & mask) {
      // What lies between its home and `next` may move down to the gap.
      const size_t home = home_of(ids_[slots_[next] - 1]);
      if (((next - home) & mask) >= ((next - at) & mask)) {
        slots_[at] = slots_[next];
        at = next;
      }
    }
    slots_[at] = 0;
    free_.push_back(static_cast<uint32_t>(number));
  }

  // Keeps the capacity.
  void clear() noexcept {
    slots_.assign(slots_.size(), 0);
    ids_.clear();
    free_.clear();
  }

 private:
  static constexpr size_t kMinIds = 32;

  size_t home_of(OrderId id) const noexcept {
    uint64_t hash = id.high * 0x9E3779B97F4A7C15u + id.low;
    hash = (hash ^ hash >> 32) * 0xD6E8FEB86659FD93u;
    return static_cast<size_t>(hash >> shift_);
  }

  // Where the id is, or the empty slot where it would be.
  size_t place_of(OrderId id) const noexcept {
    size_t at = home_of(id);
    while (slots_[at] != 0 && ids_[slots_[at] - 1] != id) {
      at = (at + 1) & (slots_.size() - 1);
    }
    return at;
  }

  void grow() noexcept {
    const std::vector<uint32_t> old = std::move(slots_);
    slots_.assign(2 * old.size(), 0);
    --shift_;
    ids_.reserve(old.size());
    free_.reserve(old.size());
    ++growths_;
    for (const uint32_t slot : old) {
      if (slot != 0) slots_[place_of(ids_[slot - 1])] = slot;
    }
  }

  std::vector<uint32_t> slots_;  // number + 1; 0: empty
  int shift_;
  std::vector<OrderId> ids_;  // by number
  std::vector<uint32_t> free_;
  uint64_t growths_ = 0;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_ORDER_ID_TABLE_H_
