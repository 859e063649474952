// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Bitstamp, live_orders: every order as it is created, changed, deleted; stamps
// of whole milliseconds, and each message names the one before, as in 2026. A
// taker's order is created before those that it meets are changed. The snapshot
// is /api/v2/order_book/SYMBOL/?group=2.
#include <cstdio>

#include "tools/exchange_sim/order_channel.h"

namespace wirebook::sim {
namespace {

// What a message's place in the stream is called.
std::string event_id(std::uint64_t count) {
  char text[40];
  std::snprintf(text, sizeof text, "00000000-0000-4000-8000-%012llx",
                static_cast<unsigned long long>(count));
  return text;
}

class LiveOrders final : public OrderChannel {
 public:
  bool rest_snapshots() const override { return true; }

  // Half a millisecond behind the last message: all of it is in there.
  std::string snapshot(const OrderMessage& message,
                       std::uint64_t) const override {
    return "{\"timestamp\":\"" + std::to_string(message.time_ms / 1000) +
           "\",\"microtimestamp\":\"" +
           std::to_string(message.time_ms * 1000 + 500) +
           "\",\"bids\":" + quoted_rows(*this, message.bids) +
           ",\"asks\":" + quoted_rows(*this, message.asks) + '}';
  }

  std::vector<std::string> update(const OrderMessage& message,
                                  std::uint64_t& count) const override {
    using Kind = OrderEvent::Kind;
    std::vector<std::string> out;
    for (const OrderEvent& event : message.events) {
      const auto tell = [&](const char* what, Side side, const Order& order) {
        out.push_back(text(message, what, side, order, ++count));
      };
      if (event.kind == Kind::kAdd) {
        tell("order_created", event.side, event.order);
        continue;
      }
      const Side other = event.side == Side::kBid ? Side::kAsk : Side::kBid;
      Order taker{kFirstTaker + count, event.order.price, event.taken};
      if (event.kind == Kind::kTrade) tell("order_created", other, taker);
      tell(event.gone ? "order_deleted" : "order_changed", event.side,
           event.order);
      if (event.kind != Kind::kTrade) continue;
      taker.quantity = "0";
      tell("order_deleted", other, taker);
    }
    return out;
  }

  // Instead of what the message says: an order of its own id and a nine.
  std::string with_bid(std::string text, const Level& bid) const override {
    const std::string key = "\"id\":";
    text.insert(text.find(key) + key.size(), "9");
    text = with_value(std::move(text), "order_type", "0");
    text = with_value(std::move(text), "amount_str", '"' + bid.quantity + '"');
    text = with_value(std::move(text), "price_str", '"' + bid.price + '"');
    return with_value(std::move(text), "event", "\"order_created\"");
  }

 private:
  static constexpr std::uint64_t kFirstTaker = 1'600'000'000'000'000;

  static std::string text(const OrderMessage& message, const char* what,
                          Side side, const Order& order, std::uint64_t count) {
    return "{\"data\":{\"id\":" + std::to_string(order.id) + ",\"id_str\":\"" +
           std::to_string(order.id) +
           "\",\"order_type\":" + (side == Side::kBid ? '0' : '1') +
           ",\"datetime\":\"" + std::to_string(message.time_ms / 1000) +
           "\",\"microtimestamp\":\"" + std::to_string(message.time_ms * 1000) +
           "\",\"amount\":" + order.quantity + ",\"amount_str\":\"" +
           order.quantity + "\",\"price\":" + order.price +
           ",\"price_str\":\"" + order.price +
           "\"},\"channel\":\"live_orders_" + message.symbol +
           "\",\"event\":\"" + what + "\",\"event_id\":\"" + event_id(count) +
           "\",\"pre_event_id\":\"" + event_id(count - 1) + "\"}";
  }
};

}  // namespace

const OrderChannel& bitstamp_orders() {
  static const LiveOrders channel;
  return channel;
}

}  // namespace wirebook::sim
