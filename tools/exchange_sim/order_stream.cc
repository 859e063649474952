// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/order_stream.h"

#include <algorithm>
#include <map>
#include <utility>

namespace wirebook::sim {
namespace {

using Kind = OrderEvent::Kind;
using Reach = OrderChannel::Reach;

}  // namespace

OrderStream::OrderStream(const OrderChannel& channel, std::string symbol,
                         std::size_t depth, const OrderBook& market)
    : channel_(channel),
      symbol_(std::move(symbol)),
      depth_(depth),
      count_(channel.first_count()) {
  if (channel.reach() == Reach::kAll) return;
  bids_ = seen(market, Side::kBid);
  asks_ = seen(market, Side::kAsk);
}

std::vector<Order> OrderStream::seen(const OrderBook& market, Side side) const {
  const std::size_t most = depth_ == 0 ? SIZE_MAX : depth_;
  switch (channel_.reach()) {
    case Reach::kAll:
      return market.top(side, SIZE_MAX, SIZE_MAX);
    case Reach::kLevels:
      return market.top(side, most, SIZE_MAX);
    case Reach::kOrders:
      return market.top(side, SIZE_MAX, most);
  }
  return {};
}

std::string OrderStream::snapshot(const OrderBook& market,
                                  std::int64_t time_ms) const {
  return channel_.snapshot({.symbol = symbol_,
                            .depth = depth_,
                            .time_ms = time_ms,
                            .events = {},
                            .bids = seen(market, Side::kBid),
                            .asks = seen(market, Side::kAsk)},
                           count_);
}

// What left, then what came or changed.
void OrderStream::add_difference(const OrderBook& market, Side side,
                                 std::vector<OrderEvent>& out) const {
  const std::vector<Order>& had = side == Side::kBid ? bids_ : asks_;
  const std::vector<Order> has = seen(market, side);
  std::map<std::uint64_t, const Order*> now;
  for (const Order& order : has) now[order.id] = &order;
  std::map<std::uint64_t, const Order*> before;
  for (const Order& order : had) before[order.id] = &order;
  for (const Order& order : had) {
    if (now.contains(order.id)) continue;
    // The client cuts a level that is out of sight itself.
    if (channel_.reach() == Reach::kLevels &&
        market.queues(side).contains(*parse_decimal(order.price)) &&
        (has.empty() ||
         market.queues(side).key_comp()(*parse_decimal(has.back().price),
                                        *parse_decimal(order.price)))) {
      continue;
    }
    out.push_back({.kind = Kind::kRemove,
                   .side = side,
                   .order = order,
                   .taken = {},
                   .gone = true});
  }
  for (const Order& order : has) {
    const auto old = before.find(order.id);
    if (old != before.end() && *old->second == order) continue;
    out.push_back({.kind = old == before.end() ? Kind::kAdd : Kind::kLess,
                   .side = side,
                   .order = order,
                   .taken = {}});
  }
}

std::vector<std::string> OrderStream::update(
    const OrderBook& market, const std::vector<OrderEvent>& events,
    std::int64_t time_ms) {
  OrderMessage message{.symbol = symbol_,
                       .depth = depth_,
                       .time_ms = time_ms,
                       .events = {},
                       .bids = {},
                       .asks = {}};
  if (channel_.reach() == Reach::kAll) {
    message.events = events;
  } else {
    add_difference(market, Side::kBid, message.events);
    add_difference(market, Side::kAsk, message.events);
    // What leaves goes first: the client's book is not crossed halfway.
    std::stable_partition(
        message.events.begin(), message.events.end(),
        [](const OrderEvent& event) { return event.kind == Kind::kRemove; });
    message.bids = bids_ = seen(market, Side::kBid);
    message.asks = asks_ = seen(market, Side::kAsk);
  }
  if (message.events.empty()) return {};
  return channel_.update(message, count_);
}

}  // namespace wirebook::sim
