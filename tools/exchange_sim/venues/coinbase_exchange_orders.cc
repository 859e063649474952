// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Coinbase Exchange, full: a sequence over everything that happens to a
// product's orders, of those that never rest too; the snapshot is
// /products/ID/book?level=3. Any signature is let in.
#include <cstdio>
#include <utility>

#include "tools/exchange_sim/order_channel.h"
#include "tools/exchange_sim/venue_adapter.h"
#include "tools/exchange_sim/wire_format.h"

namespace wirebook::sim {
namespace {

std::string field(const char* key, const std::string& value) {
  return std::string(",\"") + key + "\":\"" + value + '"';
}

class Full final : public OrderChannel {
 public:
  bool rest_snapshots() const override { return true; }
  // 32 bits do not hold them.
  std::uint64_t first_count() const override { return 9'000'000'000; }

  // A UUID of version 4.
  std::string name(std::uint64_t id) const override {
    char text[40];
    std::snprintf(text, sizeof text, "d50ec984-77a8-460a-%04x-%012llx",
                  static_cast<unsigned>(0x8000 | (id >> 48 & 0x3fff)),
                  static_cast<unsigned long long>(id & 0xffff'ffff'ffff));
    return text;
  }

  std::string snapshot(const OrderMessage& message,
                       std::uint64_t count) const override {
    return "{\"sequence\":" + std::to_string(count) +
           ",\"bids\":" + quoted_rows(*this, message.bids) +
           ",\"asks\":" + quoted_rows(*this, message.asks) +
           ",\"auction_mode\":false,\"auction\":null,\"time\":\"" +
           rfc3339(message.time_ms * 1000) + "\"}";
  }

  std::vector<std::string> update(const OrderMessage& message,
                                  std::uint64_t& count) const override {
    std::vector<std::string> out;
    for (const OrderEvent& event : message.events) {
      const Order& order = event.order;
      const std::string id = field("order_id", name(order.id));
      const std::string price = field("price", order.price);
      const std::string side =
          field("side", event.side == Side::kBid ? "buy" : "sell");
      const auto tell = [&](const char* type, const std::string& rest) {
        out.push_back(text(message, type, ++count, rest));
      };
      const auto done = [&](const std::string& who, const char* reason,
                            const std::string& left,
                            const std::string& of_side) {
        tell("done", who + price + of_side + field("reason", reason) +
                         field("remaining_size", left));
      };
      switch (event.kind) {
        case OrderEvent::Kind::kAdd:
          tell("received", id + field("order_type", "limit") +
                               field("size", order.quantity) + price + side);
          tell("open",
               id + field("remaining_size", order.quantity) + price + side);
          break;
        case OrderEvent::Kind::kTrade: {
          const std::string taker = name(kFirstTaker + count);
          const std::string other =
              field("side", event.side == Side::kBid ? "sell" : "buy");
          tell("received", field("order_id", taker) +
                               field("order_type", "limit") +
                               field("size", event.taken) + price + other);
          tell("match", ",\"trade_id\":" + std::to_string(count) +
                            field("maker_order_id", name(order.id)) +
                            field("taker_order_id", taker) +
                            field("size", event.taken) + price + side);
          if (event.gone) done(id, "filled", "0", side);
          done(field("order_id", taker), "filled", "0", other);
          break;
        }
        case OrderEvent::Kind::kLess:
          tell("change", id + field("reason", "STP") +
                             field("new_size", order.quantity) + price + side);
          break;
        case OrderEvent::Kind::kRemove:
          done(id, "canceled", order.quantity, side);
          break;
      }
    }
    return out;
  }

  // Instead of what the message says: an order that opens.
  std::string with_bid(std::string text, const Level& bid) const override {
    const std::string key = "\"sequence\":";
    const std::size_t begin = text.find(key) + key.size();
    const std::size_t end = text.find_first_not_of("0123456789", begin);
    const std::uint64_t sequence =
        number_or(std::string_view(text).substr(begin, end - begin), 0);
    return with_value(text.substr(0, end), "type", "\"open\"") +
           field("order_id", name(kFirstCrossing + sequence)) +
           field("remaining_size", bid.quantity) + field("price", bid.price) +
           field("side", "buy") + '}';
  }

 private:
  static constexpr std::uint64_t kFirstTaker = 100'000'000'000;
  static constexpr std::uint64_t kFirstCrossing = 200'000'000'000;

  static std::string text(const OrderMessage& message, const char* type,
                          std::uint64_t sequence, const std::string& rest) {
    return std::string("{\"type\":\"") + type + "\",\"time\":\"" +
           rfc3339(message.time_ms * 1000) +
           "\",\"product_id\":" + json_string(message.symbol) +
           ",\"sequence\":" + std::to_string(sequence) + rest + '}';
  }
};

}  // namespace

const OrderChannel& coinbase_exchange_orders() {
  static const Full channel;
  return channel;
}

}  // namespace wirebook::sim
