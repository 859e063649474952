// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// A subscriber that applies what it is told has what the venue says that it
// has, queues included. That the venues' texts say the same is for
// //apps/lob_node:order_fault_test.
#include "tools/exchange_sim/order_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace wirebook::sim {
namespace {

using Kind = OrderEvent::Kind;
using Reach = OrderChannel::Reach;

// Keeps messages instead of writing them.
class Recorder final : public OrderChannel {
 public:
  explicit Recorder(Reach reach) : reach_(reach) {}
  Reach reach() const override { return reach_; }
  std::string snapshot(const OrderMessage& message,
                       std::uint64_t) const override {
    last = message;
    return {};
  }
  std::vector<std::string> update(const OrderMessage& message,
                                  std::uint64_t& count) const override {
    last = message;
    return {std::to_string(++count)};
  }
  std::string with_bid(std::string update, const Level&) const override {
    return update;
  }
  mutable OrderMessage last;

 private:
  const Reach reach_;
};

class Subscriber {
 public:
  Subscriber(const OrderMessage& snapshot, std::size_t levels)
      : levels_(levels) {
    for (const Order& order : snapshot.bids) add(Side::kBid, order);
    for (const Order& order : snapshot.asks) add(Side::kAsk, order);
  }

  void apply(const std::vector<OrderEvent>& events) {
    for (const OrderEvent& event : events) {
      OrderQueues& side = of(event.side);
      const Decimal price = *parse_decimal(event.order.price);
      if (event.kind == Kind::kAdd) {
        add(event.side, event.order);
        continue;
      }
      OrderQueue& queue = side[price];
      const auto at = std::find_if(
          queue.begin(), queue.end(),
          [&](const Order& order) { return order.id == event.order.id; });
      ASSERT_NE(at, queue.end()) << event.order.id;
      if (event.gone) {
        queue.erase(at);
      } else {
        *at = event.order;
      }
      if (queue.empty()) side.erase(price);
    }
    for (OrderQueues* side : {&bids_, &asks_}) {
      while (side->size() > levels_) side->erase(std::prev(side->end()));
    }
  }

  std::vector<Order> orders(Side side) {
    std::vector<Order> out;
    for (const auto& [price, queue] : of(side)) {
      out.insert(out.end(), queue.begin(), queue.end());
    }
    return out;
  }

 private:
  OrderQueues& of(Side side) { return side == Side::kBid ? bids_ : asks_; }
  void add(Side side, const Order& order) {
    of(side)[*parse_decimal(order.price)].push_back(order);
  }

  const std::size_t levels_;
  OrderQueues bids_{BestFirst{.bids = true}};
  OrderQueues asks_{BestFirst{.bids = false}};
};

struct Subscription {
  Reach reach;
  std::size_t depth;
};

TEST(OrderStream, WhoAppliesWhatItIsToldHasWhatItShallHave) {
  for (const auto& [reach, depth] :
       {Subscription{Reach::kAll, 0}, Subscription{Reach::kLevels, 10},
        Subscription{Reach::kLevels, 100}, Subscription{Reach::kOrders, 25},
        Subscription{Reach::kOrders, 1'000}}) {
    Generator market(kraken_instrument("BTC/USD"), 9, 60);
    OrderBook orders(market.instrument(), market.book(), 9);
    const Recorder channel(reach);
    OrderStream stream(channel, "BTC/USD", depth, orders);
    (void)stream.snapshot(orders, 0);
    Subscriber subscriber(channel.last,
                          reach == Reach::kLevels ? depth : SIZE_MAX);
    std::size_t told = 0;
    for (int i = 0; i < 1'000; ++i) {
      const std::vector<OrderEvent> events = orders.apply(market.next());
      if (!stream.update(orders, events, i).empty()) {
        ++told;
        subscriber.apply(channel.last.events);
      }
      for (const Side side : {Side::kBid, Side::kAsk}) {
        const std::size_t levels = reach == Reach::kLevels ? depth : SIZE_MAX;
        const std::size_t most = reach == Reach::kOrders ? depth : SIZE_MAX;
        ASSERT_EQ(subscriber.orders(side), orders.top(side, levels, most))
            << "event " << i << " at depth " << depth;
        if (reach == Reach::kAll || told == 0) continue;
        EXPECT_EQ(side == Side::kBid ? channel.last.bids : channel.last.asks,
                  orders.top(side, levels, most));
      }
    }
    EXPECT_GT(told, 300u) << depth;
  }
}

}  // namespace
}  // namespace wirebook::sim
