// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/order_stream.h"

#include <algorithm>
#include <utility>

namespace wirebook::sim {
namespace {

using Kind = OrderEvent::Kind;
using Reach = OrderChannel::Reach;

// Whether `price` is a worse one than `than`.
bool is_behind(const std::string& than, const std::string& price, Side side) {
  return BestFirst{.bids = side == Side::kBid}(*parse_decimal(than),
                                               *parse_decimal(price));
}

}  // namespace

OrderStream::OrderStream(const OrderChannel& channel, std::string symbol,
                         std::size_t depth, const OrderBook& market)
    : channel_(channel),
      symbol_(std::move(symbol)),
      depth_(depth),
      count_(channel.first_count()) {
  if (channel.reach() == Reach::kAll) return;
  bids_ = look_at(market, Side::kBid);
  asks_ = look_at(market, Side::kAsk);
}

OrderStream::View OrderStream::look_at(const OrderBook& market,
                                       Side side) const {
  const std::size_t most = depth_ == 0 ? SIZE_MAX : depth_;
  switch (channel_.reach()) {
    case Reach::kAll:
      break;
    case Reach::kLevels:
      return {market.top(side, most, SIZE_MAX),
              market.queues(side).size() >= most};
    case Reach::kOrders: {
      View out{market.top(side, SIZE_MAX, most)};
      out.full = out.orders.size() == most;
      return out;
    }
  }
  return {market.top(side, SIZE_MAX, SIZE_MAX)};
}

std::string OrderStream::snapshot(const OrderBook& market,
                                  std::int64_t time_ms) const {
  return channel_.snapshot({.symbol = symbol_,
                            .depth = depth_,
                            .time_ms = time_ms,
                            .events = {},
                            .bids = look_at(market, Side::kBid).orders,
                            .asks = look_at(market, Side::kAsk).orders},
                           count_);
}

// Whether the subscriber sees any of them.
bool OrderStream::concerns(const View& view,
                           const std::vector<OrderEvent>& events,
                           Side side) const {
  return std::any_of(
      events.begin(), events.end(), [&](const OrderEvent& event) {
        return event.side == side &&
               (!view.full ||
                !is_behind(view.orders.back().price, event.order.price, side));
      });
}

void OrderStream::move_on(const OrderBook& market, Side side,
                          std::vector<OrderEvent>& out) {
  View& view = of(side);
  const View now = look_at(market, side);
  const auto add = [&](Kind kind, const Order& order) {
    out.push_back({.kind = kind,
                   .side = side,
                   .order = order,
                   .taken = {},
                   .gone = kind == Kind::kRemove});
  };
  // The client cuts a level that is out of sight itself.
  const auto is_told = [&](const Order& order) {
    return channel_.reach() != Reach::kLevels ||
           !market.queues(side).contains(*parse_decimal(order.price)) ||
           now.orders.empty() ||
           !is_behind(now.orders.back().price, order.price, side);
  };
  // Both are by price, then by id.
  auto old = view.orders.begin();
  auto order = now.orders.begin();
  while (old != view.orders.end() || order != now.orders.end()) {
    if (old == view.orders.end()) {
      add(Kind::kAdd, *order++);
    } else if (order == now.orders.end()) {
      if (is_told(*old)) add(Kind::kRemove, *old);
      ++old;
    } else if (old->id == order->id) {
      if (*old != *order) add(Kind::kLess, *order);
      ++old;
      ++order;
    } else if (old->price == order->price
                   ? old->id < order->id
                   : is_behind(old->price, order->price, side)) {
      if (is_told(*old)) add(Kind::kRemove, *old);
      ++old;
    } else {
      add(Kind::kAdd, *order++);
    }
  }
  view = now;
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
    for (const Side side : {Side::kBid, Side::kAsk}) {
      if (concerns(of(side), events, side)) {
        move_on(market, side, message.events);
      }
    }
    // What leaves goes first: the client's book is not crossed halfway.
    std::stable_partition(
        message.events.begin(), message.events.end(),
        [](const OrderEvent& event) { return event.kind == Kind::kRemove; });
  }
  if (message.events.empty()) return {};
  message.bids = bids_.orders;
  message.asks = asks_.orders;
  return channel_.update(message, count_);
}

}  // namespace wirebook::sim
