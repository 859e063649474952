// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/order_book.h"

#include <algorithm>

namespace wirebook::sim {

OrderBook::OrderBook(const Instrument& instrument, const Book& levels,
                     std::uint64_t seed)
    : quantity_places_(instrument.quantity_places),
      step_(instrument.step *
            power_of_ten(kDecimalPlaces - instrument.quantity_places)),
      random_(seed) {
  std::vector<OrderEvent> told_to_nobody;
  for (const Side side : {Side::kBid, Side::kAsk}) {
    for (const auto& [price, level] : levels.levels(side)) {
      set_level(side, level.price, *parse_decimal(level.quantity), false,
                told_to_nobody);
    }
  }
}

std::vector<OrderEvent> OrderBook::apply(const Event& event) {
  std::vector<OrderEvent> out;
  for (const Change& change : event.changes) {
    const bool hit = event.trade &&
                     event.trade->buyer_is_maker == (change.side == Side::kBid);
    set_level(change.side, change.price, *parse_decimal(change.quantity), hit,
              out);
  }
  return out;
}

std::vector<Order> OrderBook::top(Side side, std::size_t levels,
                                  std::size_t orders) const {
  std::vector<Order> out;
  for (const auto& [price, queue] : queues(side)) {
    if (levels-- == 0) break;
    for (const Order& order : queue) {
      if (out.size() == orders) return out;
      out.push_back(order);
    }
  }
  return out;
}

void OrderBook::set_level(Side side, const std::string& price, Decimal quantity,
                          bool traded, std::vector<OrderEvent>& out) {
  OrderQueues& all = of(side);
  const Decimal key = *parse_decimal(price);
  const auto at = all.try_emplace(key).first;
  Decimal total = 0;
  for (const Order& order : at->second) total += *parse_decimal(order.quantity);
  if (quantity > total) {
    grow(side, price, at->second, quantity - total, out);
  } else if (quantity < total) {
    shrink(side, at->second, total - quantity, traded && at == all.begin(),
           out);
  }
  if (at->second.empty()) all.erase(at);
}

void OrderBook::grow(Side side, const std::string& price, OrderQueue& queue,
                     Decimal by, std::vector<OrderEvent>& out) {
  const auto steps = static_cast<std::int64_t>(by / step_);
  std::uint64_t parts = std::min<std::uint64_t>(
      static_cast<std::uint64_t>(steps), 1 + below(3) * below(2));
  while (by > 0) {
    Decimal size = by;
    if (parts > 1) {
      const auto most = static_cast<std::uint64_t>(by / step_) - (parts - 1);
      size = static_cast<Decimal>(1 + below(most)) * step_;
      --parts;
    }
    by -= size;
    queue.push_back({++last_id_, price, text(size)});
    out.push_back({.kind = OrderEvent::Kind::kAdd,
                   .side = side,
                   .order = queue.back(),
                   .taken = {}});
  }
}

void OrderBook::shrink(Side side, OrderQueue& queue, Decimal by, bool traded,
                       std::vector<OrderEvent>& out) {
  using Kind = OrderEvent::Kind;
  while (by > 0) {
    const auto at =
        queue.begin() +
        (traded ? 0 : static_cast<std::ptrdiff_t>(below(queue.size())));
    const Decimal has = *parse_decimal(at->quantity);
    const Decimal taken = std::min(by, has);
    by -= taken;
    const bool gone = taken == has;
    OrderEvent event{.kind = traded ? Kind::kTrade
                             : gone ? Kind::kRemove
                                    : Kind::kLess,
                     .side = side,
                     .order = *at,
                     .taken = text(taken),
                     .gone = gone};
    if (event.kind != Kind::kRemove) event.order.quantity = text(has - taken);
    at->quantity = event.order.quantity;
    out.push_back(std::move(event));
    if (gone) queue.erase(at);
  }
}

std::string OrderBook::text(Decimal quantity) const {
  return format_decimal(
      static_cast<std::int64_t>(
          quantity / power_of_ten(kDecimalPlaces - quantity_places_)),
      quantity_places_);
}

}  // namespace wirebook::sim
