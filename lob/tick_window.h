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
// every page. Cost: 8 ns an update (l2_book_benchmark).
//
//   TickWindow asks(1 << 16);
//   asks.move_to(6183000);
//   if (!asks.set_if_inside(6183763, 100)) keep_elsewhere();
#ifndef WIREBOOK_LOB_TICK_WINDOW_H_
#define WIREBOOK_LOB_TICK_WINDOW_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "memory/page_mapping.h"

namespace wirebook {

class TickWindow {
 public:
  static constexpr size_t kMinTicks = 512;
  static constexpr size_t kMaxTicks = 64 * 64 * 64;

  // `ticks` is 0 (nothing is ever inside) or a power of two from kMinTicks to
  // kMaxTicks; other values are rounded into that.
  explicit TickWindow(size_t ticks) {
    if (ticks == 0) return;
    size_ = kMinTicks;
    while (size_ < ticks && size_ < kMaxTicks) size_ *= 2;
    mask_ = size_ - 1;
    quantities_memory_ = pages_for(size_ * sizeof(int64_t));
    quantities_ = reinterpret_cast<int64_t*>(quantities_memory_.data());
    words_.resize(size_ / 64);
    occupied_.resize(words_.size());
    best_ = size_;
  }

  void clear() noexcept {
    for (size_t word = 0; word < words_.size(); ++word) {
      for (uint64_t bits = words_[word]; bits != 0; bits &= bits - 1) {
        quantities_[word * 64 + lowest(bits)] = 0;
      }
    }
    std::fill(words_.begin(), words_.end(), 0);
    std::fill(occupied_.begin(), occupied_.end(), uint8_t{0});
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

  // Sets the absolute quantities (0 removes) of `levels` in order until one,
  // whose tick is tick_of(level), is outside; returns how many were set. What
  // comes is fetched while what is there is set: most of a wide book is not in
  // the first caches.
  template <class Level, class TickOf>
  size_t set_while_inside(std::span<const Level> levels,
                          TickOf&& tick_of) noexcept {
    constexpr size_t kAhead = 8;
    const size_t count = levels.size();
    if (size_ == 0) return 0;
    for (size_t i = 0; i < count && i < kAhead; ++i) {
      prefetch(tick_of(levels[i]));
    }
    // In registers: a store through a byte pointer may change any member.
    Registers window{base_,         size_,      mask_,
                     best_,         count_,     occupied_.data(),
                     words_.data(), quantities_};
    size_t done = 0;
    for (; done < count; ++done) {
      if (done + kAhead < count) {
        const uint64_t slot = tick_of(levels[done + kAhead]) & window.mask;
        __builtin_prefetch(&window.quantities[slot], 1);
        __builtin_prefetch(&window.words[slot / 64], 1);
      }
      const uint64_t tick = tick_of(levels[done]);
      const uint64_t offset = tick - window.base;
      if (offset >= window.size) [[unlikely]] {
        break;
      }
      const int64_t quantity = levels[done].quantity;
      set(window, tick, quantity);
      if (offset <= window.best) [[unlikely]] {
        count_ = window.count;
        update_best(offset, tick & window.mask, quantity != 0);
        window.best = best_;
      }
    }
    count_ = window.count;
    return done;
  }

  // The same for one level: false if it is outside.
  bool set_if_inside(uint64_t tick, int64_t quantity) noexcept {
    struct Level {
      uint64_t tick;
      int64_t quantity;
    };
    const Level level{tick, quantity};
    return set_while_inside(std::span<const Level>(&level, 1),
                            [](const Level& l) { return l.tick; }) == 1;
  }

  // Calls f(place, tick, quantity) for the best `count` levels or all there
  // are, place from 0; returns how many.
  template <class F>
  size_t visit_best(size_t count, F&& f) const {
    count = count < count_ ? count : count_;
    if (count == 0) return 0;
    uint64_t slot = (base_ + best_) & mask_;
    uint64_t word = slot / 64;
    uint64_t bits = words_[word] & (~uint64_t{0} << (slot % 64));
    for (size_t place = 0;;) {
      slot = word * 64 + lowest(bits);
      f(place, base_ + offset_of(slot), quantities_[slot]);
      if (++place == count) return count;
      bits &= bits - 1;
      if (bits == 0) {
        word = next_occupied(word + 1);
        bits = words_[word];
      }
    }
  }

  // The quantity at `tick`, which is inside; 0 if nothing is there.
  int64_t quantity(uint64_t tick) const noexcept {
    return quantities_[tick & mask_];
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

  size_t memory_bytes() const noexcept {
    return quantities_memory_.size() + words_.size() * 8 + occupied_.size();
  }

 private:
  struct Registers {
    const uint64_t base;
    const uint64_t size;
    const uint64_t mask;
    uint64_t best;
    size_t count;
    uint8_t* const occupied;
    uint64_t* const words;
    int64_t* const quantities;
  };

  // Touched, and in huge pages where the kernel has them: levels lie far apart,
  // and each small page would be a TLB miss.
  static PageMapping pages_for(size_t bytes) {
    absl::StatusOr<PageMapping> pages = PageMapping::anonymous(
        bytes, {.page_bytes =
                    bytes < kHugePageBytes ? kSmallPageBytes : kHugePageBytes,
                .prefault = true});
    if (!pages.ok()) {
      std::fprintf(stderr, "wirebook::TickWindow: no memory: %s\n",
                   std::string(pages.status().message()).c_str());
      std::abort();
    }
    return *std::move(pages);
  }

  // Everything but the best.
  static void set(Registers& window, uint64_t tick, int64_t quantity) noexcept {
    const uint64_t slot = tick & window.mask;
    window.quantities[slot] = quantity;
    const uint64_t word = slot / 64;
    uint64_t bits = window.words[word];
    const bool was_present = assign_bit(bits, slot, quantity);
    window.words[word] = bits;
    window.occupied[word] = bits != 0;
    window.count +=
        static_cast<size_t>(quantity != 0) - static_cast<size_t>(was_present);
  }

  void prefetch(uint64_t tick) const noexcept {
    const uint64_t slot = tick & mask_;
    __builtin_prefetch(&quantities_[slot], 1);
    __builtin_prefetch(&words_[slot / 64], 1);
  }

  // Sets the bit at `position` modulo 64 if `value` is not 0, else clears it;
  // returns what it was. In assembly because compilers make a branch of it, and
  // whether a level comes or goes cannot be predicted.
  static bool assign_bit(uint64_t& bits, uint64_t position,
                         int64_t value) noexcept {
    bool was_set;
    uint64_t with_bit = bits;
    __asm__(
        "btsq %[position], %[with_bit]\n\t"
        "btrq %[position], %[bits]\n\t"
        "setc %[was_set]\n\t"
        "testq %[value], %[value]\n\t"
        "cmovneq %[with_bit], %[bits]"
        :
        [bits] "+&r"(bits), [with_bit] "+&r"(with_bit), [was_set] "=&q"(was_set)
        : [position] "r"(position), [value] "r"(value)
        : "cc");
    return was_set;
  }
  static uint64_t lowest(uint64_t bits) noexcept {
    return static_cast<uint64_t>(__builtin_ctzll(bits));
  }
  static uint64_t highest(uint64_t bits) noexcept {
    return 63 - static_cast<uint64_t>(__builtin_clzll(bits));
  }
  uint64_t offset_of(uint64_t slot) const noexcept {
    return (slot - base_) & mask_;
  }

  // The level at `offset` is at or before the best.
  void update_best(uint64_t offset, uint64_t slot, bool present) noexcept {
    if (present) {
      best_ = offset;
    } else if (offset == best_) {
      best_ = count_ == 0 ? size_ : offset_of(next_slot(slot));
    }
  }

  // The first present slot at or after `slot`, going around.
  uint64_t next_slot(uint64_t slot) const noexcept {
    uint64_t word = slot / 64;
    uint64_t bits = words_[word] & (~uint64_t{0} << (slot % 64));
    if (bits == 0) {
      word = next_occupied(word + 1);
      bits = words_[word];
    }
    return word * 64 + lowest(bits);
  }

  // The last present slot before the base, going around. The base is a multiple
  // of 64, so no word holds both ends of the window.
  uint64_t last_slot() const noexcept {
    const uint64_t word = last_occupied((base_ & mask_) / 64);
    return word * 64 + highest(words_[word]);
  }

  // One byte a word, looked at eight together.
  uint64_t occupied_group(uint64_t group) const noexcept {
    uint64_t bytes;
    std::memcpy(&bytes, occupied_.data() + group * 8, 8);
    return bytes;
  }
  uint64_t next_occupied(uint64_t word) const noexcept {
    const uint64_t groups = occupied_.size() / 8;
    uint64_t group = word / 8;
    uint64_t bytes = group == groups ? 0
                                     : occupied_group(group) &
                                           (~uint64_t{0} << (word % 8 * 8));
    while (bytes == 0) {
      group = group + 1 < groups ? group + 1 : 0;
      bytes = occupied_group(group);
    }
    return group * 8 + lowest(bytes) / 8;
  }
  uint64_t last_occupied(uint64_t before) const noexcept {
    const uint64_t groups = occupied_.size() / 8;
    uint64_t group = before / 8;
    uint64_t bytes =
        occupied_group(group) & ((uint64_t{1} << (before % 8 * 8)) - 1);
    while (bytes == 0) {
      group = (group != 0 ? group : groups) - 1;
      bytes = occupied_group(group);
    }
    return group * 8 + highest(bytes) / 8;
  }

  uint64_t base_ = 0;
  uint64_t size_ = 0;
  uint64_t mask_ = 0;
  uint64_t best_ = 0;  // offset from base_; size_ when nothing is present
  size_t count_ = 0;
  std::vector<uint8_t> occupied_;  // byte w: words_[w] != 0
  std::vector<uint64_t> words_;  // bit s % 64 of word s / 64: slot s is present
  int64_t* quantities_ = nullptr;  // in quantities_memory_
  PageMapping quantities_memory_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_TICK_WINDOW_H_
