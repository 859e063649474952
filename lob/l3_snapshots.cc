// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/l3_snapshots.h"

#include <memory>
#include <vector>

namespace wirebook {
namespace {

std::vector<L3SnapshotOrder> orders_of(const L3Keeper& keeper, Side side) {
  std::vector<L3SnapshotOrder> orders;
  keeper.book().for_each_order(side, [&](const OrderNode& order) {
    orders.push_back({.id = keeper.venue_id(order.id),
                      .price = order.level->total.price,
                      .quantity = order.quantity,
                      .time_ns = order.timestamp_ns});
  });
  return orders;
}

std::unique_ptr<L3Snapshot> snapshot_of(const L3Keeper& keeper) {
  auto snapshot = std::make_unique<L3Snapshot>(keeper.view());
  if (snapshot->state == BookState::kLive) {
    snapshot->bids = orders_of(keeper, Side::kBid);
    snapshot->asks = orders_of(keeper, Side::kAsk);
  }
  return snapshot;
}

}  // namespace

L3Snapshots::L3Snapshots(size_t max_books, L3FeedListener* next)
    : slots_(max_books), next_(next) {}

void L3Snapshots::on_orders_applied(const L3Keeper& keeper,
                                    const ParsedMessageHeader& message) {
  slots_.on_applied(keeper.instrument().index,
                    [&keeper] { return snapshot_of(keeper); });
  if (next_ != nullptr) next_->on_orders_applied(keeper, message);
}

void L3Snapshots::on_state_changed(const L3Keeper& keeper) {
  if (keeper.state() != BookState::kLive) {
    slots_.on_not_live(keeper.instrument().index,
                       [&keeper] { return snapshot_of(keeper); });
  }
  if (next_ != nullptr) next_->on_state_changed(keeper);
}

void L3Snapshots::on_other(const ParsedMessage& message) {
  if (next_ != nullptr) next_->on_other(message);
}

}  // namespace wirebook
