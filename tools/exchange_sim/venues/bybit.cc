// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Bybit v5: u counts a topic's messages by one; after the service began anew
// it is 1, on a snapshot. Levels that leave the depth are removed by a message.
#include <simdjson.h>

#include <charconv>
#include <string>
#include <utility>

#include "tools/exchange_sim/venue_adapter.h"
#include "tools/exchange_sim/wire_format.h"

namespace wirebook::sim {
namespace {

class Bybit final : public VenueAdapter {
 public:
  std::string_view venue() const override { return "bybit"; }
  Instrument instrument(const std::string& symbol) const override {
    return plain_instrument(symbol, 2, 3);
  }
  bool serves(std::string_view path) const override {
    return path == "/v5/public/linear" || path == "/v5/public/spot";
  }
  bool ids_count_updates() const override { return true; }
  bool restarts_with_snapshot() const override { return true; }

  Answer answer(const std::string& text, const Known& known,
                std::int64_t) const override {
    Answer out;
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    std::string_view operation;
    const auto say = [&](bool good, const std::string& why) {
      out.replies.push_back(std::string("{\"success\":") +
                            (good ? "true" : "false") +
                            ",\"ret_msg\":" + json_string(why) +
                            ",\"conn_id\":\"sim\",\"req_id\":\"\",\"op\":" +
                            json_string(operation) + '}');
      return out;
    };
    if (parser.parse(text).get(root) || root["op"].get(operation)) {
      return say(false, "Params Error");
    }
    if (operation == "ping") return say(true, "pong");
    const bool subscribes = operation == "subscribe";
    simdjson::dom::array topics;
    if ((!subscribes && operation != "unsubscribe") ||
        root["args"].get(topics)) {
      return say(false, "Params Error");
    }
    for (const simdjson::dom::element element : topics) {
      std::string_view topic;
      if (element.get(topic)) return say(false, "Params Error");
      // orderbook.<depth>.<symbol>
      constexpr std::string_view kBook = "orderbook.";
      const std::size_t dot = topic.rfind('.');
      const std::string symbol(topic.substr(dot + 1));
      if (dot == std::string_view::npos || !known(symbol)) {
        out.subscribe.clear();
        return say(false, "Invalid symbol :[" + std::string(topic) + ']');
      }
      if (!topic.starts_with(kBook)) continue;
      std::size_t depth = 0;
      std::from_chars(topic.data() + kBook.size(), topic.data() + dot, depth);
      if (depth <= 1) continue;  // the touch alone is not simulated
      (subscribes ? out.subscribe : out.unsubscribe).push_back({symbol, depth});
    }
    return say(true, "");
  }

  std::string snapshot(const BookMessage& message) const override {
    return book("snapshot", message);
  }
  std::vector<std::string> update(const BookMessage& message) const override {
    return {book("delta", message)};
  }
  std::string with_bid(std::string text, const Level& bid) const override {
    return with_first(std::move(text), "\"b\":[",
                      "[\"" + bid.price + "\",\"" + bid.quantity + "\"]");
  }

 private:
  static std::string book(const char* type, const BookMessage& message) {
    const std::string time = std::to_string(message.time_ms);
    return "{\"topic\":\"orderbook." + std::to_string(message.depth) + '.' +
           message.symbol + "\",\"type\":\"" + type + "\",\"ts\":" + time +
           ",\"data\":{\"s\":" + json_string(message.symbol) +
           ",\"b\":" + quoted_pairs(message.bids) +
           ",\"a\":" + quoted_pairs(message.asks) +
           ",\"u\":" + std::to_string(message.last_id) +
           ",\"seq\":" + std::to_string(message.last_id * 7) +
           "},\"cts\":" + time + '}';
  }
};

}  // namespace

const VenueAdapter& bybit_adapter() {
  static const Bybit adapter;
  return adapter;
}

}  // namespace wirebook::sim
