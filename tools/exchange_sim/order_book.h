// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The orders behind a market's levels: what a Generator does to levels, told as
// what was done to single orders.
//
// A level that grows gets new orders, one that shrinks by a trade loses its
// first ones, one that shrinks otherwise has some of its orders made smaller or
// taken away. So a market's levels and its orders are one book, whichever of
// them a client hears. Slow and obvious, as book.h. One thread.
//
//   OrderBook orders(generator.instrument(), generator.book(), /*seed=*/1);
//   for (const OrderEvent& one : orders.apply(generator.next())) tell(one);
#ifndef WIREBOOK_TOOLS_EXCHANGE_SIM_ORDER_BOOK_H_
#define WIREBOOK_TOOLS_EXCHANGE_SIM_ORDER_BOOK_H_

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tools/exchange_sim/book.h"
#include "tools/exchange_sim/generator.h"

namespace wirebook::sim {

struct Order {
  std::uint64_t id = 0;  // rises from order to order
  std::string price;
  std::string quantity;
  bool operator==(const Order&) const = default;
};

struct OrderEvent {
  enum class Kind {
    kAdd,     // comes to rest, last in its queue
    kTrade,   // the first of its queue lost `taken`
    kLess,    // its owner took `taken` of it; it keeps its place
    kRemove,  // its owner took it away
  };
  Kind kind = Kind::kAdd;
  Side side = Side::kBid;
  Order order;        // as it is after; of kRemove, as it was
  std::string taken;  // kTrade, kLess
  bool gone = false;  // nothing of it rests any more
  bool operator==(const OrderEvent&) const = default;
};

// Of a price, by time.
using OrderQueue = std::vector<Order>;
using OrderQueues = std::map<Decimal, OrderQueue, BestFirst>;

class OrderBook {
 public:
  OrderBook(const Instrument& instrument, const Book& levels,
            std::uint64_t seed);

  // What of the event single orders tell, in order; applied already. A trade is
  // told of the best level alone.
  std::vector<OrderEvent> apply(const Event& event);

  const OrderQueues& queues(Side side) const {
    return side == Side::kBid ? bids_ : asks_;
  }
  // Orders of a side by price and time: of its first levels, and no more than
  // `orders`.
  std::vector<Order> top(Side side, std::size_t levels,
                         std::size_t orders) const;

 private:
  OrderQueues& of(Side side) { return side == Side::kBid ? bids_ : asks_; }
  void set_level(Side side, const std::string& price, Decimal quantity,
                 bool traded, std::vector<OrderEvent>& out);
  void grow(Side side, const std::string& price, OrderQueue& queue, Decimal by,
            std::vector<OrderEvent>& out);
  void shrink(Side side, OrderQueue& queue, Decimal by, bool traded,
              std::vector<OrderEvent>& out);
  std::string text(Decimal quantity) const;
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  const int quantity_places_;
  const Decimal step_;
  std::mt19937_64 random_;
  // As long as the longest of the venues' own.
  std::uint64_t last_id_ = 1'700'000'000'000'000;
  OrderQueues bids_{BestFirst{.bids = true}};
  OrderQueues asks_{BestFirst{.bids = false}};
};

}  // namespace wirebook::sim

#endif  // WIREBOOK_TOOLS_EXCHANGE_SIM_ORDER_BOOK_H_
