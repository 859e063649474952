// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Gemini, market data v2: neither ids nor sums; a snapshot is an update with a
// history.
#include <simdjson.h>

#include <string>
#include <utility>

#include "tools/exchange_sim/venue_adapter.h"
#include "tools/exchange_sim/wire_format.h"

namespace wirebook::sim {
namespace {

class Gemini final : public VenueAdapter {
 public:
  std::string_view venue() const override { return "gemini"; }
  Instrument instrument(const std::string& symbol) const override {
    return plain_instrument(symbol, 2, 8);
  }
  bool serves(std::string_view path) const override {
    return path == "/v2/marketdata";
  }

  Answer answer(const std::string& text, const Known& known,
                std::int64_t) const override {
    Answer out;
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    std::string_view type;
    simdjson::dom::array subscriptions;
    const auto refuse = [&](const std::string& reason) {
      out = {};
      out.replies.push_back(
          "{\"result\":\"error\",\"reason\":" + json_string(reason) + '}');
      return out;
    };
    if (parser.parse(text).get(root) || root["type"].get(type) ||
        root["subscriptions"].get(subscriptions)) {
      return refuse("InvalidJson");
    }
    const bool subscribes = type == "subscribe";
    if (!subscribes && type != "unsubscribe") return refuse("InvalidMessage");
    for (const simdjson::dom::element subscription : subscriptions) {
      std::string_view name;
      simdjson::dom::array symbols;
      if (subscription["name"].get(name) || name != "l2" ||
          subscription["symbols"].get(symbols)) {
        return refuse("InvalidSubscription");
      }
      for (const simdjson::dom::element element : symbols) {
        std::string_view each;
        if (element.get(each)) return refuse("InvalidSymbol");
        const std::string symbol(each);
        if (!known(symbol)) return refuse("InvalidSymbol");
        (subscribes ? out.subscribe : out.unsubscribe).push_back({symbol, 0});
      }
    }
    return out;  // the snapshot is the answer
  }

  std::string snapshot(const BookMessage& message) const override {
    return "{\"auction_events\":[],\"changes\":" + sided_changes(message) +
           ",\"symbol\":" + json_string(message.symbol) +
           ",\"trades\":[],\"type\":\"l2_updates\"}";
  }
  std::vector<std::string> update(const BookMessage& message) const override {
    return {"{\"changes\":" + sided_changes(message) + ",\"symbol\":" +
            json_string(message.symbol) + ",\"type\":\"l2_updates\"}"};
  }
  std::vector<std::string> heartbeats(const std::vector<std::string>&,
                                      std::int64_t time_ms) const override {
    return {"{\"type\":\"heartbeat\",\"timestamp\":" + std::to_string(time_ms) +
            '}'};
  }
  std::string with_bid(std::string text, const Level& bid) const override {
    return with_first(std::move(text), "\"changes\":[", buy_change(bid));
  }
};

}  // namespace

const VenueAdapter& gemini_adapter() {
  static const Gemini adapter;
  return adapter;
}

}  // namespace wirebook::sim
