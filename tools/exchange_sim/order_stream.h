// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// One subscription's orders as its subscribers have them, and the messages that
// keep them so: any venue that has an order channel.
//
// One thread. Cost: where only the best orders are told, all of those for each
// event among them.
//
//   OrderStream stream(channel, "btcusd", 0, orders);
//   send(stream.snapshot(orders, time_ms));
//   for (auto& text : stream.update(orders, events, time_ms)) send(text);
#ifndef WIREBOOK_TOOLS_EXCHANGE_SIM_ORDER_STREAM_H_
#define WIREBOOK_TOOLS_EXCHANGE_SIM_ORDER_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/exchange_sim/order_book.h"
#include "tools/exchange_sim/order_channel.h"

namespace wirebook::sim {

class OrderStream {
 public:
  OrderStream(const OrderChannel& channel, std::string symbol,
              std::size_t depth, const OrderBook& market);

  // Of the market as of the last update.
  std::string snapshot(const OrderBook& market, std::int64_t time_ms) const;

  // Moves on to `market`; `events` are all that was done to it since. No
  // message if no subscriber sees any of them.
  std::vector<std::string> update(const OrderBook& market,
                                  const std::vector<OrderEvent>& events,
                                  std::int64_t time_ms);

  // The next count is small.
  void restart_ids() { count_ = 1; }

  const OrderChannel& channel() const { return channel_; }

 private:
  // What a subscriber has.
  struct View {
    std::vector<Order> orders{};
    bool full = false;  // what is behind its last level is not seen
  };

  View& of(Side side) { return side == Side::kBid ? bids_ : asks_; }
  View look_at(const OrderBook& market, Side side) const;
  bool concerns(const View& view, const std::vector<OrderEvent>& events,
                Side side) const;
  void move_on(const OrderBook& market, Side side,
               std::vector<OrderEvent>& out);

  const OrderChannel& channel_;
  const std::string symbol_;
  const std::size_t depth_;
  std::uint64_t count_;
  // Where only the best are told.
  View bids_;
  View asks_;
};

}  // namespace wirebook::sim

#endif  // WIREBOOK_TOOLS_EXCHANGE_SIM_ORDER_STREAM_H_
