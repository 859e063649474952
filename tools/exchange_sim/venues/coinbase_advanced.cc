// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Coinbase Advanced Trade: sequence_num counts all messages of a connection,
// from 0; books are whole.
#include <simdjson.h>

#include <string>
#include <utility>

#include "tools/exchange_sim/venue_adapter.h"
#include "tools/exchange_sim/wire_format.h"

namespace wirebook::sim {
namespace {

constexpr std::string_view kNumber = "\"sequence_num\":";

std::string envelope(const char* channel, std::int64_t time_ms,
                     const std::string& event) {
  // The number is filled in when it is known.
  return std::string("{\"channel\":\"") + channel +
         "\",\"client_id\":\"\",\"timestamp\":\"" + rfc3339(time_ms * 1000) +
         "\"," + std::string(kNumber) + ",\"events\":[" + event + "]}";
}

std::string level_text(std::string_view side, const Level& level,
                       const std::string& time) {
  return "{\"side\":\"" + std::string(side) + "\",\"event_time\":\"" + time +
         "\",\"price_level\":\"" + level.price + "\",\"new_quantity\":\"" +
         level.quantity + "\"}";
}

class CoinbaseAdvanced final : public VenueAdapter {
 public:
  std::string_view venue() const override { return "coinbase-advanced"; }
  Instrument instrument(const std::string& symbol) const override {
    return plain_instrument(symbol, 2, 8);
  }
  bool serves(std::string_view path) const override {
    return path == "/" || path.empty();
  }
  bool numbers_messages() const override { return true; }

  Answer answer(const std::string& text, const Known& known,
                std::int64_t time_ms) const override {
    Answer out;
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    std::string_view type;
    std::string_view channel;
    const auto refuse = [&](const std::string& why) {
      out = {};
      out.replies.push_back(
          "{\"type\":\"error\",\"message\":" + json_string(why) + '}');
      return out;
    };
    if (parser.parse(text).get(root) || root["type"].get(type) ||
        root["channel"].get(channel)) {
      return refuse("failure to parse");
    }
    const bool subscribes = type == "subscribe";
    if (!subscribes && type != "unsubscribe") return refuse("unknown type");
    std::string products;
    if (simdjson::dom::array ids; !root["product_ids"].get(ids)) {
      for (const simdjson::dom::element element : ids) {
        std::string_view name;
        if (element.get(name)) return refuse("product is not a string");
        const std::string symbol(name);
        if (!known(symbol)) return refuse(symbol + " is not a valid product");
        products += (products.empty() ? "" : ",") + json_string(symbol);
        if (channel != "level2") continue;
        (subscribes ? out.subscribe : out.unsubscribe).push_back({symbol, 0});
      }
    }
    out.replies.push_back(envelope("subscriptions", time_ms,
                                   "{\"subscriptions\":{" +
                                       json_string(channel) + ":[" + products +
                                       "]}}"));
    return out;
  }

  std::string snapshot(const BookMessage& message) const override {
    return book("snapshot", message);
  }
  std::vector<std::string> update(const BookMessage& message) const override {
    return {book("update", message)};
  }
  std::vector<std::string> heartbeats(const std::vector<std::string>&,
                                      std::int64_t time_ms) const override {
    return {envelope("heartbeats", time_ms,
                     "{\"current_time\":\"" + rfc3339(time_ms * 1000) +
                         "\",\"heartbeat_counter\":" +
                         std::to_string(time_ms / 1000) + '}')};
  }
  std::string numbered(std::string text, std::uint64_t& number) const override {
    const std::size_t at = text.find(kNumber);
    if (at == std::string::npos) return text;
    return text.insert(at + kNumber.size(), std::to_string(number++));
  }
  std::string with_bid(std::string text, const Level& bid) const override {
    return with_first(std::move(text), "\"updates\":[",
                      level_text("bid", bid, "2026-01-01T00:00:00.000000Z"));
  }

 private:
  static std::string book(const char* type, const BookMessage& message) {
    const std::string time = rfc3339(message.time_ms * 1000);
    std::string levels;
    const auto add = [&](std::string_view side, const auto& sent) {
      for (const SentLevel& each : sent) {
        levels +=
            (levels.empty() ? "" : ",") + level_text(side, each.level, time);
      }
    };
    add("bid", message.bids);
    add("offer", message.asks);
    return envelope("l2_data", message.time_ms,
                    std::string("{\"type\":\"") + type +
                        "\",\"product_id\":" + json_string(message.symbol) +
                        ",\"updates\":[" + levels + "]}");
  }
};

}  // namespace

const VenueAdapter& coinbase_advanced_adapter() {
  static const CoinbaseAdvanced adapter;
  return adapter;
}

}  // namespace wirebook::sim
