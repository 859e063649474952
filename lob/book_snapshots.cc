// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/book_snapshots.h"

#include <utility>

namespace wirebook {
namespace {

std::vector<PriceLevel> levels_of(const BookKeeper& keeper, Side side) {
  const L2Book& book = keeper.book();
  std::vector<PriceLevel> levels;
  levels.reserve(book.levels(side));
  book.for_each(side,
                [&](const PriceLevel& level) { levels.push_back(level); });
  levels.resize(keeper.known(side, levels));
  return levels;
}

}  // namespace

BookSnapshots::BookSnapshots(size_t max_books, BookPipelineListener* next)
    : books_(std::make_unique<Slot[]>(max_books)), next_(next) {}

void BookSnapshots::on_depth_applied(const BookKeeper& keeper,
                                     const ParsedMessage& message) {
  Slot& slot = books_[keeper.instrument().index];
  // Relaxed, here and below: see request().
  if (slot.wanted.load(std::memory_order_relaxed)) [[unlikely]] {
    slot.wanted.store(false, std::memory_order_relaxed);
    publish(keeper, slot);
  }
  if (next_ != nullptr) next_->on_depth_applied(keeper, message);
}

void BookSnapshots::on_state_changed(const BookKeeper& keeper) {
  Slot& slot = books_[keeper.instrument().index];
  bool had_levels = false;
  {
    const RcuReadGuard region;
    const BookSnapshot* const old = slot.newest.load();
    had_levels = old != nullptr && old->state == BookState::kLive;
  }
  if (had_levels && keeper.state() != BookState::kLive) publish(keeper, slot);
  if (next_ != nullptr) next_->on_state_changed(keeper);
}

void BookSnapshots::on_other(const ParsedMessage& message) {
  if (next_ != nullptr) next_->on_other(message);
}

void BookSnapshots::publish(const BookKeeper& keeper, Slot& slot) {
  const BookView& now = keeper.current();
  auto snapshot = std::make_unique<BookSnapshot>();
  snapshot->instrument = keeper.instrument().index;
  snapshot->state = now.state;
  snapshot->reason = now.reason;
  snapshot->assurance = now.assurance;
  snapshot->price_scale = now.price_scale;
  snapshot->quantity_scale = now.quantity_scale;
  snapshot->has_update_id = now.has_update_id;
  snapshot->update_id = now.update_id;
  snapshot->receive_ticks = now.receive_ticks;
  snapshot->exchange_time_ns = now.exchange_time_ns;
  if (now.state == BookState::kLive) {
    snapshot->bids = levels_of(keeper, Side::kBid);
    snapshot->asks = levels_of(keeper, Side::kAsk);
  }
  slot.newest.store(std::move(snapshot));
}

}  // namespace wirebook
