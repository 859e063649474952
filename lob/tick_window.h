// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// TickWindow: quantities of consecutive ticks in an array that wraps around,
// with a bitmap of three levels over it.
//
// The dense part of one side of a book; L2Book (l2_book.h) pairs it with
// SortedLevels, which holds what is outside. Ticks are numbered best first
// (callers give the tick for asks, its complement for bids), as unsigned 64-bit
// numbers, and the window covers [base, base + size). Since tick t always lives
// in slot t mod size, moving the window moves no quantity.
//
// set_if_inside() never reads the quantity: the bitmap says what is present, so
// the only likely cache miss is a store, which nobody waits for; and it has no
// branch that the flow of additions and removals could mispredict.
//
// Thread rules: one thread. No allocation after construction, which touches
// every page. Cost: 2-4 ns an update (l2_book_benchmark).
//
//   TickWindow asks(1 << 16);
//   asks.move_to(6183000);
//   if (!asks.set_if_inside(6183763, 100)) keep_elsewhere();
#ifndef WIREBOOK_LOB_TICK_WINDOW_H_
#define WIREBOOK_LOB_TICK_WINDOW_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace wirebook {

class TickWindow {
 public:
  static constexpr size_t kMinTicks = 64;
  static constexpr size_t kMaxTicks = 64 * 64 * 64;

  // `ticks` is 0 (nothing is ever inside) or a power of two from kMinTicks to
  // kMaxTicks; other values are rounded into that.
  explicit TickWindow(size_t ticks) {
    if (ticks == 0) return;
    size_ = kMinTicks;
    while (size_ < ticks && size_ < kMaxTicks) size_ *= 2;
    mask_ = size_ - 1;
    quantities_.resize(size_);
    words_.resize(size_ / 64);
    groups_.resize((words_.size() + 63) / 64);
    best_ = size_;
  }

  void clear() noexcept {
    std::fill(words_.begin(), words_.end(), 0);
    std::fill(groups_.begin(), groups_.end(), 0);
    top_ = 0;
    count_ = 0;
    best_ = size_;
  }

  size_t size() const noexcept { return size_; }  // ticks
  uint64_t base() const noexcept { return base_; }
  bool contains(uint64_t tick) const noexcept { return tick - base_ < size_; }
  size_t count() const noexcept { return count_; }  // levels present

  // Moves the window; `base` is a multiple of 64, and every level present is
  // inside the new window as well.
  void move_to(uint64_t base) noexcept {
    if (count_ != 0) best_ = best_tick() - base;
    base_ = base;
  }

  // Sets the absolute quantity (0 removes) if `tick` is inside, else false.
  bool set_if_inside(uint64_t tick, int64_t quantity) noexcept {
    const uint64_t offset = tick - base_;
    if (offset >= size_) [[unlikely]] {
      return false;
    }
    const uint64_t slot = tick & mask_;
    quantities_[slot] = quantity;
    const uint64_t present = quantity != 0;
    const uint64_t word = slot / 64;
    const uint64_t old_bits = words_[word];
    const uint64_t bits = with_bit(old_bits, slot % 64, present);
    words_[word] = bits;
    count_ += static_cast<size_t>(bits > old_bits) -
              static_cast<size_t>(bits < old_bits);
    const uint64_t group = word / 64;
    const uint64_t group_bits = with_bit(groups_[group], word % 64, bits != 0);
    groups_[group] = group_bits;
    top_ = with_bit(top_, group, group_bits != 0);
    const uint64_t improved = present != 0 ? offset : best_;
    if (improved < best_) best_ = improved;
    if (offset == best_ && present == 0) [[unlikely]] {
      best_ = count_ == 0 ? size_ : offset_of(next_slot(slot));
    }
    return true;
  }

  // The following need count() > 0.
  uint64_t best_tick() const noexcept { return base_ + best_; }
  int64_t best_quantity() const noexcept { return quantity(best_tick()); }
  uint64_t worst_tick() const noexcept {
    return base_ + offset_of(last_slot());
  }
  // The present tick after `tick`, which must not be the last.
  uint64_t next_tick(uint64_t tick) const noexcept {
    return base_ + offset_of(next_slot((tick + 1) & mask_));
  }
  int64_t quantity(uint64_t tick) const noexcept {
    return quantities_[tick & mask_];
  }

  size_t memory_bytes() const noexcept {
    return (quantities_.size() + words_.size() + groups_.size()) * 8;
  }

 private:
  static uint64_t with_bit(uint64_t bits, uint64_t position,
                           uint64_t value) noexcept {
    return (bits & ~(uint64_t{1} << position)) | (value << position);
  }
  static uint64_t lowest(uint64_t bits) noexcept {
    return static_cast<uint64_t>(__builtin_ctzll(bits));
  }
  static uint64_t highest(uint64_t bits) noexcept {
    return 63 - static_cast<uint64_t>(__builtin_clzll(bits));
  }
  // Bits strictly above `position`.
  static uint64_t above(uint64_t position) noexcept {
    return ~uint64_t{1} << position;
  }
  uint64_t offset_of(uint64_t slot) const noexcept {
    return (slot - base_) & mask_;
  }

  // The first present slot at or after `slot`, going around.
  uint64_t next_slot(uint64_t slot) const noexcept {
    uint64_t word = slot / 64;
    uint64_t bits = words_[word] & (~uint64_t{0} << (slot % 64));
    if (bits == 0) {
      uint64_t group = word / 64;
      uint64_t group_bits = groups_[group] & above(word % 64);
      if (group_bits == 0) {
        const uint64_t later = top_ & above(group);
        group = lowest(later != 0 ? later : top_);
        group_bits = groups_[group];
      }
      word = group * 64 + lowest(group_bits);
      bits = words_[word];
    }
    return word * 64 + lowest(bits);
  }

  // The last present slot before the base, going around. The base is a multiple
  // of 64, so no word holds both ends of the window.
  uint64_t last_slot() const noexcept {
    const uint64_t first_word = (base_ & mask_) / 64;
    uint64_t group = first_word / 64;
    uint64_t group_bits =
        groups_[group] & ((uint64_t{1} << (first_word % 64)) - 1);
    if (group_bits == 0) {
      const uint64_t earlier = top_ & ((uint64_t{1} << group) - 1);
      group = highest(earlier != 0 ? earlier : top_);
      group_bits = groups_[group];
    }
    const uint64_t word = group * 64 + highest(group_bits);
    return word * 64 + highest(words_[word]);
  }

  uint64_t base_ = 0;
  uint64_t size_ = 0;
  uint64_t mask_ = 0;
  uint64_t best_ = 0;  // offset from base_; size_ when nothing is present
  size_t count_ = 0;
  uint64_t top_ = 0;              // bit g: groups_[g] != 0
  std::vector<uint64_t> groups_;  // bit w % 64 of group w / 64: words_[w] != 0
  std::vector<uint64_t> words_;  // bit s % 64 of word s / 64: slot s is present
  std::vector<int64_t> quantities_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_TICK_WINDOW_H_
