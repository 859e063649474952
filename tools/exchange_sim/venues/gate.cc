// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Gate, API v4, spot and futures: snapshots by REST, U and u; a futures level
// is an object, its size a number of contracts.
#include <simdjson.h>

#include <string>
#include <utility>

#include "tools/exchange_sim/venue_adapter.h"
#include "tools/exchange_sim/wire_format.h"

namespace wirebook::sim {
namespace {

constexpr std::size_t kMostLevels = 100;

class Gate final : public VenueAdapter {
 public:
  explicit Gate(bool futures) : futures_(futures) {}

  std::string_view venue() const override {
    return futures_ ? "gate-futures" : "gate";
  }
  Instrument instrument(const std::string& symbol) const override {
    return plain_instrument(symbol, 1, futures_ ? 0 : 6);
  }
  bool serves(std::string_view path) const override {
    return path == (futures_ ? "/v4/ws/usdt" : "/ws/v4/");
  }
  bool rest_snapshots() const override { return true; }

  Answer answer(const std::string& text, const Known& known,
                std::int64_t time_ms) const override {
    Answer out;
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    std::string_view event = "subscribe";
    std::string_view channel;
    std::string_view name;
    const auto say = [&](const std::string& error, const std::string& result) {
      out.replies.push_back("{\"time\":" + std::to_string(time_ms / 1000) +
                            ",\"time_ms\":" + std::to_string(time_ms) +
                            ",\"channel\":" + json_string(channel) +
                            ",\"event\":" + json_string(event) + ",\"error\":" +
                            error + ",\"result\":" + result + '}');
      return out;
    };
    const auto refuse = [&](int code, const std::string& why) {
      return say("{\"code\":" + std::to_string(code) +
                     ",\"message\":" + json_string(why) + '}',
                 "null");
    };
    if (parser.parse(text).get(root) || root["channel"].get(channel)) {
      return refuse(1, "invalid request body struct");
    }
    if (channel.ends_with(".ping")) {
      out.replies.push_back("{\"time\":" + std::to_string(time_ms / 1000) +
                            ",\"channel\":\"" + market() +
                            ".pong\",\"event\":\"\",\"result\":null}");
      return out;
    }
    if (root["event"].get(event) || root["payload"].at(0).get(name)) {
      return refuse(1, "invalid request body struct");
    }
    const bool subscribes = event == "subscribe";
    const std::string symbol(name);
    if ((!subscribes && event != "unsubscribe") || channel != depth_channel()) {
      return refuse(1, "invalid argument");
    }
    if (!known(symbol)) return refuse(2, "unknown currency pair: " + symbol);
    (subscribes ? out.subscribe : out.unsubscribe).push_back({symbol, 0});
    return say("null", "{\"status\":\"success\"}");
  }

  std::string snapshot(const BookMessage& message) const override {
    const std::string time = std::to_string(message.time_ms);
    return "{\"id\":" + std::to_string(message.last_id) +
           ",\"current\":" + time + ",\"update\":" + time +
           ",\"asks\":" + levels(message.asks) +
           ",\"bids\":" + levels(message.bids) + '}';
  }
  std::vector<std::string> update(const BookMessage& message) const override {
    const std::string time = std::to_string(message.time_ms);
    return {"{\"time\":" + std::to_string(message.time_ms / 1000) +
            ",\"time_ms\":" + time + ",\"channel\":\"" + depth_channel() +
            "\",\"event\":\"update\",\"result\":{\"t\":" + time +
            ",\"e\":\"depthUpdate\",\"E\":" +
            std::to_string(message.time_ms / 1000) +
            ",\"s\":" + json_string(message.symbol) +
            ",\"U\":" + std::to_string(message.first_id) + ",\"u\":" +
            std::to_string(message.last_id) + ",\"b\":" + levels(message.bids) +
            ",\"a\":" + levels(message.asks) + "}}"};
  }
  std::optional<Wanted> rest_request(std::string_view path,
                                     const Query& query) const override {
    if (path != (futures_ ? "/api/v4/futures/usdt/order_book"
                          : "/api/v4/spot/order_book")) {
      return std::nullopt;
    }
    return Wanted{
        value_of(query, futures_ ? "contract" : "currency_pair"),
        std::min(kMostLevels, number_or(value_of(query, "limit"), 10))};
  }
  std::string with_bid(std::string text, const Level& bid) const override {
    return with_first(std::move(text), "\"b\":[", level(bid));
  }

 private:
  std::string market() const { return futures_ ? "futures" : "spot"; }
  std::string depth_channel() const { return market() + ".order_book_update"; }
  std::string level(const Level& level) const {
    return futures_
               ? "{\"p\":\"" + level.price + "\",\"s\":" + level.quantity + '}'
               : "[\"" + level.price + "\",\"" + level.quantity + "\"]";
  }
  std::string levels(const std::vector<SentLevel>& sent) const {
    std::string out = "[";
    for (const SentLevel& each : sent) {
      out += (out.size() > 1 ? "," : "") + level(each.level);
    }
    return out += ']';
  }

  const bool futures_;
};

}  // namespace

const VenueAdapter& gate_adapter() {
  static const Gate adapter(false);
  return adapter;
}

const VenueAdapter& gate_futures_adapter() {
  static const Gate adapter(true);
  return adapter;
}

}  // namespace wirebook::sim
