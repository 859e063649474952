// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Coinbase Exchange, level2: neither ids nor sums; whole books; and what leads
// to full. The venue's own path is "/", of another host.
#include <simdjson.h>

#include <string>
#include <utility>

#include "tools/exchange_sim/order_channel.h"
#include "tools/exchange_sim/venue_adapter.h"
#include "tools/exchange_sim/wire_format.h"

namespace wirebook::sim {
namespace {

class CoinbaseExchange final : public VenueAdapter {
 public:
  std::string_view venue() const override { return "coinbase-exchange"; }
  Instrument instrument(const std::string& symbol) const override {
    return plain_instrument(symbol, 2, 8);
  }
  bool serves(std::string_view path) const override {
    return path == "/coinbase-exchange";
  }

  Answer answer(const std::string& text, const Known& known,
                std::int64_t) const override {
    Answer out;
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    std::string_view type;
    simdjson::dom::array products;
    simdjson::dom::array channels;
    const auto refuse = [&](const std::string& why) {
      out = {};
      out.replies.push_back(
          "{\"type\":\"error\",\"message\":\"Failed to "
          "subscribe\",\"reason\":" +
          json_string(why) + '}');
      return out;
    };
    if (parser.parse(text).get(root) || root["type"].get(type) ||
        root["product_ids"].get(products) || root["channels"].get(channels)) {
      return refuse("malformed");
    }
    const bool subscribes = type == "subscribe";
    if (!subscribes && type != "unsubscribe") return refuse("unknown type");
    std::string names;
    bool depth = false;
    bool orders = false;
    for (const simdjson::dom::element channel : channels) {
      std::string_view name;
      if (channel.get(name)) return refuse("channel is not a string");
      depth |= name == "level2_batch" || name == "level2";
      orders |= name == "full";
      names += (names.empty() ? "" : ",") +
               ("{\"name\":" + json_string(name) + ",\"product_ids\":" +
                (subscribes ? simdjson::minify(products) : "[]") + '}');
    }
    for (const char* part : {"key", "passphrase", "signature"}) {
      std::string_view shown;
      if (orders && subscribes && (root[part].get(shown) || shown.empty())) {
        return refuse("full requires authentication");
      }
    }
    for (const simdjson::dom::element product : products) {
      std::string_view name;
      if (product.get(name)) return refuse("product is not a string");
      const std::string symbol(name);
      if (!known(symbol)) return refuse(symbol + " is not a valid product");
      std::vector<Wanted>& wanted =
          subscribes ? out.subscribe : out.unsubscribe;
      if (depth) wanted.push_back({symbol, 0});
      if (orders) wanted.push_back({symbol, 0, true});
    }
    out.replies.push_back("{\"type\":\"subscriptions\",\"channels\":[" + names +
                          "]}");
    return out;
  }

  std::string snapshot(const BookMessage& message) const override {
    return "{\"type\":\"snapshot\",\"product_id\":" +
           json_string(message.symbol) +
           ",\"asks\":" + quoted_pairs(message.asks) +
           ",\"bids\":" + quoted_pairs(message.bids) + ",\"time\":\"" +
           rfc3339(message.time_ms * 1000) + "\"}";
  }
  std::vector<std::string> update(const BookMessage& message) const override {
    return {
        "{\"type\":\"l2update\",\"product_id\":" + json_string(message.symbol) +
        ",\"changes\":" + sided_changes(message) + ",\"time\":\"" +
        rfc3339(message.time_ms * 1000) + "\"}"};
  }

  // /products/BTC-USD/book, of orders with ?level=3
  std::optional<Wanted> rest_request(std::string_view path,
                                     const Query& query) const override {
    constexpr std::string_view kProducts = "/products/";
    constexpr std::string_view kBook = "/book";
    if (!path.starts_with(kProducts) || !path.ends_with(kBook)) {
      return std::nullopt;
    }
    path.remove_prefix(kProducts.size());
    path.remove_suffix(kBook.size());
    return Wanted{std::string(path), SIZE_MAX, value_of(query, "level") == "3"};
  }
  std::string rest_body(const BookMessage& message) const override {
    return "{\"bids\":" + quoted_pairs(message.bids) +
           ",\"asks\":" + quoted_pairs(message.asks) +
           ",\"sequence\":" + std::to_string(message.last_id) + ",\"time\":\"" +
           rfc3339(message.time_ms * 1000) + "\"}";
  }

  std::vector<std::string> heartbeats(const std::vector<std::string>& symbols,
                                      std::int64_t time_ms) const override {
    std::vector<std::string> out;
    for (const std::string& symbol : symbols) {
      out.push_back(
          "{\"type\":\"heartbeat\",\"last_trade_id\":1,\"product_id\":" +
          json_string(symbol) + ",\"sequence\":1,\"time\":\"" +
          rfc3339(time_ms * 1000) + "\"}");
    }
    return out;
  }
  std::string with_bid(std::string text, const Level& bid) const override {
    return with_first(std::move(text), "\"changes\":[", buy_change(bid));
  }
  const OrderChannel* orders() const override {
    return &coinbase_exchange_orders();
  }
};

}  // namespace

const VenueAdapter& coinbase_exchange_adapter() {
  static const CoinbaseExchange adapter;
  return adapter;
}

}  // namespace wirebook::sim
