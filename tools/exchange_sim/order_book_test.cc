// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/order_book.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace wirebook::sim {
namespace {

using Kind = OrderEvent::Kind;

// Sums of the queues as levels, for comparison with the generator's own.
std::map<std::string, Decimal> sums(const OrderBook& orders, Side side) {
  std::map<std::string, Decimal> out;
  for (const auto& [price, queue] : orders.queues(side)) {
    for (const Order& order : queue) {
      out[order.price] += *parse_decimal(order.quantity);
    }
  }
  return out;
}

std::map<std::string, Decimal> sums(const Book& book, Side side) {
  std::map<std::string, Decimal> out;
  for (const auto& [price, level] : book.levels(side)) {
    out[level.price] = *parse_decimal(level.quantity);
  }
  return out;
}

TEST(OrderBook, OrdersSumUpToTheLevelsAfterEveryEvent) {
  Generator market(kraken_instrument("BTC/USD"), 5, 60);
  OrderBook orders(market.instrument(), market.book(), 5);
  for (int i = 0; i < 1'000; ++i) {
    orders.apply(market.next());
    for (const Side side : {Side::kBid, Side::kAsk}) {
      ASSERT_EQ(sums(orders, side), sums(market.book(), side)) << i;
    }
  }
}

// A reader that applies them has the book, queues included.
TEST(OrderBook, EventsTellAllThatHappens) {
  Generator market(kraken_instrument("BTC/USD"), 6, 60);
  OrderBook orders(market.instrument(), market.book(), 6);
  std::map<Side, OrderQueues> model = {{Side::kBid, orders.queues(Side::kBid)},
                                       {Side::kAsk, orders.queues(Side::kAsk)}};
  std::map<Kind, int> seen;
  for (int i = 0; i < 1'000; ++i) {
    for (const OrderEvent& event : orders.apply(market.next())) {
      ++seen[event.kind];
      OrderQueues& side = model.at(event.side);
      OrderQueue& queue = side[*parse_decimal(event.order.price)];
      if (event.kind == Kind::kAdd) {
        queue.push_back(event.order);
        continue;
      }
      const auto at = std::find_if(
          queue.begin(), queue.end(),
          [&](const Order& order) { return order.id == event.order.id; });
      ASSERT_NE(at, queue.end());
      if (event.kind == Kind::kTrade) {
        EXPECT_EQ(at, queue.begin()) << "a trade takes the first of its queue";
        EXPECT_EQ(side.begin()->second, queue) << "and of the best price";
      }
      if (event.kind != Kind::kRemove) {
        EXPECT_EQ(
            *parse_decimal(at->quantity),
            *parse_decimal(event.order.quantity) + *parse_decimal(event.taken));
      }
      at->quantity = event.order.quantity;
      if (event.gone) queue.erase(at);
      if (queue.empty()) side.erase(*parse_decimal(event.order.price));
    }
    for (const Side side : {Side::kBid, Side::kAsk}) {
      ASSERT_EQ(model.at(side), orders.queues(side)) << i;
    }
  }
  EXPECT_GT(seen[Kind::kAdd], 200);
  EXPECT_GT(seen[Kind::kTrade], 60);
  EXPECT_GT(seen[Kind::kLess], 30);
  EXPECT_GT(seen[Kind::kRemove], 150);
}

TEST(OrderBook, IsTheSameForTheSameSeed) {
  std::vector<OrderEvent> told[2];
  for (std::vector<OrderEvent>& all : told) {
    Generator market(kraken_instrument("BTC/USD"), 7, 60);
    OrderBook orders(market.instrument(), market.book(), 7);
    for (int i = 0; i < 100; ++i) {
      for (OrderEvent& event : orders.apply(market.next())) {
        all.push_back(std::move(event));
      }
    }
  }
  EXPECT_EQ(told[0], told[1]);
}

}  // namespace
}  // namespace wirebook::sim
