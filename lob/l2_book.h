// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// L2Book: the aggregated order book of one instrument, exact at any price.
//
// Each side is a tick-indexed window anchored on the touch (tick_window.h) and
// a sorted overflow (sorted_levels.h) for everything else: prices far from the
// touch, prices that are no multiple of the tick, negative prices. A level is
// in exactly one of the two, and every read considers both, so a wrong tick or
// a window that the market has left costs time, never correctness. When updates
// keep missing the window it is anchored anew.
//
// A book that its venue cuts to a small depth (max_depth up to kMaxSortedDepth)
// lives in the overflow alone: its ten best levels lie ready to copy, which is
// worth more there than the window's faster update.
//
// The tick of a price is an exact division by multiplication: for
// tick = 2^k * odd, rotate_right(price * odd^-1 mod 2^64, k) is the quotient if
// the tick divides the price, and else is above every possible quotient
// (Granlund and Montgomery 1994, section 9), so that the window's bounds check
// is the divisibility check too.
//
// Thread rules: one thread. No allocation after construction unless the
// overflow outgrows its initial capacity (counted in memory()).
//
// Cost: a level of Binance's feeds a tenth of what std::map takes with a window
// of 2^18 ticks, more with smaller ones (6 % of the spot flow is beyond 2^16);
// figures: COSTS.md.
//
//   L2Book book(L2BookOptions{});
//   book.reset(2, 8, infer_tick(snapshot_levels));
//   book.apply(Side::kBid, 6183763, 378826000);
//   book.apply(Side::kBid, 6183762, 0);  // 0 removes
//   PriceLevel bid = book.best(Side::kBid);
#ifndef WIREBOOK_LOB_L2_BOOK_H_
#define WIREBOOK_LOB_L2_BOOK_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "lob/price_level.h"
#include "lob/sorted_levels.h"
#include "lob/tick_window.h"

namespace wirebook {

struct L2BookOptions {
  // Ticks a side in the window: a power of two up to 2^18; 8 bytes each. 0
  // keeps the whole book in the sorted overflow.
  size_t window_ticks = size_t{1} << 18;
  // Levels a side that the overflow holds without allocating, and at most.
  size_t overflow_levels = 4096;
  size_t max_overflow_levels = size_t{1} << 20;
  // The depth that the book is truncated to after every message; 0: none.
  size_t max_depth = 0;
};

struct L2BookMemory {
  size_t bytes = 0;             // allocated, both sides
  size_t window_levels = 0;     // levels now in the windows
  size_t overflow_levels = 0;   // levels now in the overflows
  uint64_t growths = 0;         // times that an overflow allocated
  uint64_t dropped_levels = 0;  // lost because an overflow was at its maximum
  uint64_t anchorings = 0;      // times that a window was moved
};

// The largest tick that divides all `prices`: their greatest common divisor, 1
// if there is none. For venues that do not tell the tick; the more prices, the
// surer. A tick found too large costs time only.
int64_t infer_tick(std::span<const int64_t> prices) noexcept;
int64_t infer_tick(std::span<const PriceLevel> levels) noexcept;

namespace l2_book_internal {

// One side. Prices become keys, ascending from best to worst: the price itself
// for asks, its complement for bids; and ticks likewise.
class L2BookSide {
 public:
  L2BookSide(Side side, const L2BookOptions& options);

  void reset(int64_t tick) noexcept;

  void apply(int64_t price, int64_t quantity) noexcept {
    if (!window_.set_if_inside(tick_of(price), quantity)) [[unlikely]] {
      apply_outside(price, quantity);
    }
  }

  void apply(std::span<const PriceLevel> levels) noexcept {
    if (window_.size() == 0) {
      for (const PriceLevel& level : levels) {
        overflow_.set(key_of(level.price), level.quantity);
      }
      return;
    }
    while (true) {
      levels = levels.subspan(window_.set_while_inside(
          levels, [inverse = inverse_, shift = shift_,
                   flip = flip_](const PriceLevel& level) {
            return tick_of(level.price, inverse, shift, flip);
          }));
      if (levels.empty()) return;
      apply_outside(levels[0].price, levels[0].quantity);
      levels = levels.subspan(1);
    }
  }

  void truncate(size_t depth) noexcept {
    if (levels() > depth) [[unlikely]] {
      drop_worst(depth);
    }
  }

  size_t levels() const noexcept { return window_.count() + overflow_.size(); }
  PriceLevel best() const noexcept {
    if (window_.count() == 0) {
      if (overflow_.empty()) return {};
      return overflow_level(overflow_.begin());
    }
    const PriceLevel inside = window_level(window_.best_tick());
    if (overflow_.empty() || key_of(inside.price) < overflow_.best_key()) {
      return inside;
    }
    return overflow_level(overflow_.begin());
  }

  // 0 if there is no such level.
  int64_t quantity_at(int64_t price) const noexcept {
    const uint64_t tick = tick_of(price);
    if (window_.contains(tick)) [[likely]] {
      return window_.quantity(tick);
    }
    return quantity_outside(price);
  }

  // Calls f(level), best first, until it returns false.
  template <class F>
  void visit(F&& f) const;

  size_t top(std::span<PriceLevel> out) const noexcept {
    size_t count = window_.visit_best(
        out.size(), [&](size_t place, uint64_t tick, int64_t quantity) {
          out[place] = {price_of(tick), quantity};
        });
    if (overflow_.empty() || out.empty()) return count;
    if (count == 0) {
      return overflow_.visit_best(
          out.size(), [&](size_t place, int64_t key, int64_t quantity) {
            out[place] = {key ^ flip_, quantity};
          });
    }
    if (count == out.size() &&
        key_of(out[count - 1].price) < overflow_.best_key()) {
      return count;
    }
    count = 0;
    visit([&](const PriceLevel& level) {
      out[count++] = level;
      return count < out.size();
    });
    return count;
  }

  uint64_t dropped() const noexcept { return overflow_.dropped(); }
  void add_memory(L2BookMemory* memory) const noexcept;

 private:
  int64_t key_of(int64_t price) const noexcept { return price ^ flip_; }
  uint64_t tick_of(int64_t price) const noexcept {
    return tick_of(price, inverse_, shift_, flip_);
  }
  static uint64_t tick_of(int64_t price, uint64_t inverse, int shift,
                          int64_t flip) noexcept {
    return std::rotr(static_cast<uint64_t>(price) * inverse, shift) ^
           static_cast<uint64_t>(flip);
  }
  int64_t price_of(uint64_t tick) const noexcept {
    return static_cast<int64_t>(tick ^ static_cast<uint64_t>(flip_)) * tick_;
  }
  PriceLevel window_level(uint64_t tick) const noexcept {
    return {price_of(tick), window_.quantity(tick)};
  }
  PriceLevel overflow_level(SortedLevels::Cursor at) const noexcept {
    return {overflow_.key(at) ^ flip_, overflow_.quantity(at)};
  }

  void apply_outside(int64_t price, int64_t quantity) noexcept;
  int64_t quantity_outside(int64_t price) const noexcept;
  void drop_worst(size_t depth) noexcept;
  void anchor_if_far() noexcept;
  uint64_t base_for(int64_t best_price) const noexcept;
  void anchor(uint64_t base) noexcept;

  TickWindow window_;
  uint64_t inverse_ = 1;  // of the tick's odd part, modulo 2^64
  int shift_ = 0;         // the tick's power of two
  int64_t flip_;          // 0 for asks, all ones for bids
  int64_t tick_ = 1;
  SortedLevels overflow_;
  uint64_t outside_ = 0;  // updates that missed the window
  uint64_t anchorings_ = 0;
};

}  // namespace l2_book_internal

class L2Book {
 public:
  // Up to this depth a book that is truncated lives in the sorted overflow.
  static constexpr size_t kMaxSortedDepth = 128;

  // Set-up: allocates, and touches all of it.
  explicit L2Book(const L2BookOptions& options);

  L2Book(const L2Book&) = delete;
  L2Book& operator=(const L2Book&) = delete;

  // An empty book at new scales. `tick` is in price mantissa units, 1 if
  // unknown.
  void reset(int price_scale, int quantity_scale, int64_t tick) noexcept;

  // Sets the absolute quantity of a level; 0 removes, absent or not.
  void apply(Side side, int64_t price, int64_t quantity) noexcept {
    of(side).apply(price, quantity);
  }
  void apply(Side side, std::span<const PriceLevel> levels) noexcept {
    of(side).apply(levels);
  }

  // Drops on each side what is worse than its best `depth` levels.
  void truncate(size_t depth) noexcept {
    bids_.truncate(depth);
    asks_.truncate(depth);
  }

  bool empty(Side side) const noexcept { return levels(side) == 0; }
  size_t levels(Side side) const noexcept { return of(side).levels(); }
  // {0, 0} if the side is empty.
  PriceLevel best(Side side) const noexcept { return of(side).best(); }
  // What rests at `price`; 0 if there is no such level.
  int64_t quantity_at(Side side, int64_t price) const noexcept {
    return of(side).quantity_at(price);
  }
  // The best bid is not below the best ask.
  bool crossed() const noexcept {
    return !empty(Side::kBid) && !empty(Side::kAsk) &&
           best(Side::kBid).price >= best(Side::kAsk).price;
  }

  // Copies the best levels, best first, and returns how many there were.
  size_t top(Side side, std::span<PriceLevel> out) const noexcept {
    return of(side).top(out);
  }

  // Calls f(const PriceLevel&) for every level, best first.
  template <class F>
  void for_each(Side side, F&& f) const {
    of(side).visit([&](const PriceLevel& level) {
      f(level);
      return true;
    });
  }

  int price_scale() const noexcept { return price_scale_; }
  int quantity_scale() const noexcept { return quantity_scale_; }
  L2BookMemory memory() const noexcept;
  // L2BookMemory::dropped_levels alone, cheap enough for every message. Once it
  // grew, the book is exact again only after reset() and a whole snapshot.
  uint64_t dropped_levels() const noexcept {
    return bids_.dropped() + asks_.dropped();
  }

 private:
  l2_book_internal::L2BookSide& of(Side side) noexcept {
    return side == Side::kBid ? bids_ : asks_;
  }
  const l2_book_internal::L2BookSide& of(Side side) const noexcept {
    return side == Side::kBid ? bids_ : asks_;
  }

  l2_book_internal::L2BookSide bids_;
  l2_book_internal::L2BookSide asks_;
  int price_scale_ = 0;
  int quantity_scale_ = 0;
};

namespace l2_book_internal {

template <class F>
void L2BookSide::visit(F&& f) const {
  size_t inside = window_.count();
  uint64_t tick = inside != 0 ? window_.best_tick() : 0;
  SortedLevels::Cursor at = overflow_.begin();
  bool outside = !overflow_.empty();
  while (inside != 0) {
    const PriceLevel level = window_level(tick);
    if (outside && overflow_.key(at) < key_of(level.price)) {
      if (!f(overflow_level(at))) return;
      at = overflow_.next(at);
      outside = !overflow_.at_end(at);
      continue;
    }
    if (!f(level)) return;
    if (--inside != 0) tick = window_.next_tick(tick);
  }
  for (; outside; outside = !overflow_.at_end(at)) {
    if (!f(overflow_level(at))) return;
    at = overflow_.next(at);
  }
}

}  // namespace l2_book_internal
}  // namespace wirebook

#endif  // WIREBOOK_LOB_L2_BOOK_H_
