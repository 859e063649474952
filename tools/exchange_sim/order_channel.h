// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// A venue's order-by-order channel as text: one file a venue in venues/, beside
// the adapter that answers its clients and leads here (VenueAdapter::orders).
//
// It has no state: what a subscriber has, and the channel's count, are its
// caller's. Any thread.
//
//   const OrderChannel* full = find_adapter("coinbase-exchange")->orders();
//   for (auto& text : full->update(message, count)) send(text);
#ifndef WIREBOOK_TOOLS_EXCHANGE_SIM_ORDER_CHANNEL_H_
#define WIREBOOK_TOOLS_EXCHANGE_SIM_ORDER_CHANNEL_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/exchange_sim/book_channel.h"
#include "tools/exchange_sim/order_book.h"

namespace wirebook::sim {

// A snapshot, or an update of one subscription.
struct OrderMessage {
  std::string symbol;
  std::size_t depth = 0;  // subscribed, as the channel counts it; 0: all
  std::int64_t time_ms = 0;
  std::vector<OrderEvent> events;  // of an update
  // What the subscriber has, best first: of a snapshot, and behind an update
  // where only the best are told.
  std::vector<Order> bids;
  std::vector<Order> asks;
};

class OrderChannel : public BookChannel {
 public:
  // What of a market is told.
  enum class Reach {
    kAll,     // every event, as it happens
    kLevels,  // the best `depth` levels; who leaves them is not mentioned: the
              // client cuts
    kOrders,  // the best `depth` orders; who leaves them is
  };
  virtual Reach reach() const { return Reach::kAll; }

  // In the stream, or the body of the REST request where snapshots come so.
  // `count` is what the updates so far have made of it.
  virtual std::string snapshot(const OrderMessage& message,
                               std::uint64_t count) const = 0;
  // What tells of the events, in this order; counts on.
  virtual std::vector<std::string> update(const OrderMessage& message,
                                          std::uint64_t& count) const = 0;
  // The count before the first update.
  virtual std::uint64_t first_count() const { return 0; }

  // The order's id as the venue writes it.
  virtual std::string name(std::uint64_t id) const {
    return std::to_string(id);
  }
};

// ---- Beside their adapters in venues/ --------------------------------------

const OrderChannel& bitfinex_orders();
const OrderChannel& bitstamp_orders();
const OrderChannel& coinbase_exchange_orders();
const OrderChannel& kraken_orders();

// ---- What they share -------------------------------------------------------

// ["price","quantity","id"],... in brackets.
std::string quoted_rows(const OrderChannel& channel,
                        const std::vector<Order>& orders);
// The text with what stands at `key` replaced, quotes and all.
std::string with_value(std::string text, const std::string& key,
                       const std::string& value);

}  // namespace wirebook::sim

#endif  // WIREBOOK_TOOLS_EXCHANGE_SIM_ORDER_CHANNEL_H_
