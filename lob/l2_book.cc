// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/l2_book.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace wirebook {
namespace {

constexpr int64_t kMaxPrice = std::numeric_limits<int64_t>::max();
// Larger ticks leave too few quotients to place a window among: tick 1 then.
constexpr int64_t kMaxTick =
    kMaxPrice / static_cast<int64_t>(4 * TickWindow::kMaxTicks);
// Updates outside the window between two looks at where the touch is: a price
// that is an error for a moment does not move the window.
constexpr uint64_t kOutsidePerLook = 64;

// The inverse of an odd number modulo 2^64: each step doubles the right bits
// (Newton; Granlund and Montgomery 1994, 9.2).
uint64_t inverse_of(uint64_t odd) noexcept {
  uint64_t inverse = odd * 3 ^ 2;  // right in 5 bits
  for (int i = 0; i < 4; ++i) inverse *= 2 - odd * inverse;
  return inverse;
}

size_t window_ticks(const L2BookOptions& options) noexcept {
  const bool small =
      options.max_depth != 0 && options.max_depth <= L2Book::kMaxSortedDepth;
  return small ? 0 : options.window_ticks;
}

uint64_t magnitude(int64_t value) noexcept {
  const auto bits = static_cast<uint64_t>(value);
  return value < 0 ? uint64_t{0} - bits : bits;
}

int64_t tick_from(uint64_t divisor) noexcept {
  if (divisor == 0 || divisor > static_cast<uint64_t>(kMaxPrice)) return 1;
  return static_cast<int64_t>(divisor);
}

}  // namespace

int64_t infer_tick(std::span<const int64_t> prices) noexcept {
  uint64_t divisor = 0;
  for (const int64_t price : prices) {
    divisor = std::gcd(divisor, magnitude(price));
  }
  return tick_from(divisor);
}

int64_t infer_tick(std::span<const PriceLevel> levels) noexcept {
  uint64_t divisor = 0;
  for (const PriceLevel& level : levels) {
    divisor = std::gcd(divisor, magnitude(level.price));
  }
  return tick_from(divisor);
}

namespace l2_book_internal {

L2BookSide::L2BookSide(Side side, const L2BookOptions& options)
    : window_(window_ticks(options)),
      flip_(side == Side::kBid ? -1 : 0),
      overflow_(options.overflow_levels, options.max_overflow_levels) {
  reset(1);
}

void L2BookSide::reset(int64_t tick) noexcept {
  tick_ = tick > 0 && tick <= kMaxTick ? tick : 1;
  shift_ = std::countr_zero(static_cast<uint64_t>(tick_));
  inverse_ = inverse_of(static_cast<uint64_t>(tick_) >> shift_);
  window_.clear();
  overflow_.clear();
  outside_ = 0;
  // A price that is no multiple of the tick must miss even an empty window.
  window_.move_to(base_for(0));
}

void L2BookSide::apply_outside(int64_t price, int64_t quantity) noexcept {
  if (levels() == 0 && quantity != 0 && window_.size() != 0) {
    anchor(base_for(price));
    if (window_.set_if_inside(tick_of(price), quantity)) return;
  }
  overflow_.set(key_of(price), quantity);
  if (window_.size() != 0 && ++outside_ % kOutsidePerLook == 0) anchor_if_far();
}

int64_t L2BookSide::quantity_outside(int64_t price) const noexcept {
  const int64_t key = key_of(price);
  const SortedLevels::Cursor at = overflow_.lower_bound(key);
  if (overflow_.at_end(at) || overflow_.key(at) != key) return 0;
  return overflow_.quantity(at);
}

void L2BookSide::anchor_if_far() noexcept {
  if (levels() == 0) return;
  const int64_t price = std::max<int64_t>(best().price, 0);
  const uint64_t touch =
      static_cast<uint64_t>(price / tick_) ^ static_cast<uint64_t>(flip_);
  if (touch - window_.base() < window_.size() / 2) return;
  anchor(base_for(price));
}

// The window's base that leaves an eighth of it for better prices, within the
// quotients that exist: 0 to kMaxPrice / tick.
uint64_t L2BookSide::base_for(int64_t best_price) const noexcept {
  const auto size = static_cast<int64_t>(window_.size());
  const int64_t last = kMaxPrice / tick_;
  const int64_t touch = (std::max<int64_t>(best_price, 0) / tick_) ^ flip_;
  const int64_t lowest = flip_ == 0 ? 0 : -(last / 64 * 64);
  const int64_t highest = flip_ == 0 ? (last / 64 * 64) - size : -size;
  const int64_t room = std::clamp<int64_t>(touch - lowest, 0, size / 8);
  const int64_t base = std::clamp(touch - room, lowest, highest);
  return static_cast<uint64_t>(base) & ~uint64_t{63};
}

void L2BookSide::anchor(uint64_t base) noexcept {
  if (base == window_.base()) return;
  ++anchorings_;
  const auto evict = [&](uint64_t tick) {
    overflow_.set(key_of(price_of(tick)), window_.quantity(tick));
    window_.set_if_inside(tick, 0);
  };
  const auto leaves = [&](uint64_t tick) {
    return tick - base >= window_.size();
  };
  // What leaves is a run at the better end, or at the worse end, or all.
  while (window_.count() != 0 && leaves(window_.best_tick())) {
    evict(window_.best_tick());
  }
  while (window_.count() != 0 && leaves(window_.worst_tick())) {
    evict(window_.worst_tick());
  }
  window_.move_to(base);

  const int64_t last = key_of(price_of(base + window_.size() - 1));
  SortedLevels::Cursor at = overflow_.lower_bound(key_of(price_of(base)));
  while (!overflow_.at_end(at) && overflow_.key(at) <= last) {
    const int64_t key = overflow_.key(at);
    if (window_.set_if_inside(tick_of(key_of(key)), overflow_.quantity(at))) {
      overflow_.set(key, 0);
      at = overflow_.lower_bound(key);
    } else {
      at = overflow_.next(at);
    }
  }
}

void L2BookSide::drop_worst(size_t depth) noexcept {
  if (window_.count() == 0) {
    overflow_.truncate(depth);
    return;
  }
  while (levels() > depth) {
    if (window_.count() != 0) {
      const uint64_t tick = window_.worst_tick();
      if (overflow_.empty() || key_of(price_of(tick)) > overflow_.worst_key()) {
        window_.set_if_inside(tick, 0);
        continue;
      }
    }
    overflow_.truncate(overflow_.size() - 1);
  }
}

void L2BookSide::add_memory(L2BookMemory* memory) const noexcept {
  memory->bytes += window_.memory_bytes() + overflow_.memory_bytes();
  memory->window_levels += window_.count();
  memory->overflow_levels += overflow_.size();
  memory->growths += overflow_.growths();
  memory->dropped_levels += overflow_.dropped();
  memory->anchorings += anchorings_;
}

}  // namespace l2_book_internal

L2Book::L2Book(const L2BookOptions& options)
    : bids_(Side::kBid, options), asks_(Side::kAsk, options) {}

void L2Book::reset(int price_scale, int quantity_scale, int64_t tick) noexcept {
  price_scale_ = price_scale;
  quantity_scale_ = quantity_scale;
  bids_.reset(tick);
  asks_.reset(tick);
}

L2BookMemory L2Book::memory() const noexcept {
  L2BookMemory memory;
  bids_.add_memory(&memory);
  asks_.add_memory(&memory);
  return memory;
}

}  // namespace wirebook
