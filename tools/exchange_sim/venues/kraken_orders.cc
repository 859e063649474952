// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Kraken v2, level3: no ids; in each message a CRC-32 over the orders of the
// ten best levels a side, in the order of their queues, and the client cuts to
// its depth. Source: docs.kraken.com, "Orders (Level 3)", "L3 checksum
// (WebSocket v2)".
#include <zlib.h>

#include <utility>

#include "tools/exchange_sim/order_channel.h"
#include "tools/exchange_sim/venue_adapter.h"
#include "tools/exchange_sim/wire_format.h"

namespace wirebook::sim {
namespace {

constexpr std::size_t kSummedLevels = 10;

// Without point and leading zeros.
std::string digits_of(const std::string& number) {
  std::string out;
  for (const char c : number) {
    if (c != '.' && (c != '0' || !out.empty())) out += c;
  }
  return out;
}

void append_summed(const std::vector<Order>& orders, std::string* out) {
  std::size_t levels = 0;
  const std::string* price = nullptr;
  for (const Order& order : orders) {
    if (price == nullptr || *price != order.price) {
      if (++levels > kSummedLevels) return;
      price = &order.price;
    }
    *out += digits_of(order.price) + digits_of(order.quantity);
  }
}

class Level3 final : public OrderChannel {
 public:
  Reach reach() const override { return Reach::kLevels; }

  // As OQCLML-BW3P3-BUCMWZ.
  std::string name(std::uint64_t id) const override {
    std::string out = "O00000-00000-000000";
    for (auto at = out.rbegin(); id != 0; ++at) {
      if (*at == '-') continue;
      const auto digit = static_cast<char>(id % 36);
      *at = static_cast<char>(digit < 10 ? '0' + digit : 'A' + digit - 10);
      id /= 36;
    }
    return out;
  }

  std::string snapshot(const OrderMessage& message,
                       std::uint64_t) const override {
    const auto list = [&](const std::vector<Order>& orders) {
      std::string out;
      for (const Order& order : orders) {
        out += (out.empty() ? "{" : ",{") + fields(message, order);
      }
      return out;
    };
    return text("snapshot", message, list(message.bids), list(message.asks));
  }

  std::vector<std::string> update(const OrderMessage& message,
                                  std::uint64_t&) const override {
    std::string bids;
    std::string asks;
    for (const OrderEvent& event : message.events) {
      std::string& out = event.side == Side::kBid ? bids : asks;
      out += std::string(out.empty() ? "" : ",") + "{\"event\":\"" +
             (event.kind == OrderEvent::Kind::kAdd      ? "add"
              : event.kind == OrderEvent::Kind::kRemove ? "delete"
                                                        : "modify") +
             "\"," + fields(message, event.order);
    }
    return {text("update", message, bids, asks)};
  }

  std::string with_bid(std::string text, const Level& bid) const override {
    return with_first(std::move(text), "\"bids\":[",
                      "{\"event\":\"add\"," +
                          fields({}, {kCrossing, bid.price, bid.quantity}));
  }
  std::optional<std::string> with_wrong_sum(std::string text) const override {
    return with_other_number(std::move(text), "\"checksum\":");
  }

 private:
  static constexpr std::uint64_t kCrossing = 1'000'000;

  std::string fields(const OrderMessage& message, const Order& order) const {
    return "\"order_id\":\"" + name(order.id) +
           "\",\"limit_price\":" + order.price +
           ",\"order_qty\":" + order.quantity + ",\"timestamp\":\"" +
           rfc3339(message.time_ms * 1000) + "\"}";
  }

  static std::string text(const char* type, const OrderMessage& message,
                          const std::string& bids, const std::string& asks) {
    std::string summed;
    append_summed(message.asks, &summed);
    append_summed(message.bids, &summed);
    const uLong sum = crc32(0, reinterpret_cast<const Bytef*>(summed.data()),
                            static_cast<uInt>(summed.size()));
    return std::string("{\"channel\":\"level3\",\"type\":\"") + type +
           "\",\"data\":[{\"symbol\":" + json_string(message.symbol) +
           ",\"bids\":[" + bids + "],\"asks\":[" + asks +
           "],\"checksum\":" + std::to_string(sum) + ",\"timestamp\":\"" +
           rfc3339(message.time_ms * 1000) + "\"}]}";
  }
};

}  // namespace

const OrderChannel& kraken_orders() {
  static const Level3 channel;
  return channel;
}

}  // namespace wirebook::sim
