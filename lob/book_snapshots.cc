// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/book_snapshots.h"

#include <memory>
#include <vector>

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

std::unique_ptr<BookSnapshot> snapshot_of(const BookKeeper& keeper) {
  auto snapshot = std::make_unique<BookSnapshot>(keeper.current());
  if (snapshot->state == BookState::kLive) {
    snapshot->bids = levels_of(keeper, Side::kBid);
    snapshot->asks = levels_of(keeper, Side::kAsk);
  }
  return snapshot;
}

}  // namespace

BookSnapshots::BookSnapshots(size_t max_books, BookPipelineListener* next)
    : slots_(max_books), next_(next) {}

void BookSnapshots::on_depth_applied(const BookKeeper& keeper,
                                     const ParsedMessage& message) {
  slots_.on_applied(keeper.instrument().index,
                    [&keeper] { return snapshot_of(keeper); });
  if (next_ != nullptr) next_->on_depth_applied(keeper, message);
}

void BookSnapshots::on_state_changed(const BookKeeper& keeper) {
  if (keeper.state() != BookState::kLive) {
    slots_.on_not_live(keeper.instrument().index,
                       [&keeper] { return snapshot_of(keeper); });
  }
  if (next_ != nullptr) next_->on_state_changed(keeper);
}

void BookSnapshots::on_other(const ParsedMessage& message) {
  if (next_ != nullptr) next_->on_other(message);
}

}  // namespace wirebook
