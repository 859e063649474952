// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Binance spot, USD-M and COIN-M futures: snapshots by REST; U and u, and pu on
// futures, whose ids leave holes.
#include <simdjson.h>

#include <string>
#include <utility>

#include "tools/exchange_sim/venue_adapter.h"
#include "tools/exchange_sim/wire_format.h"

namespace wirebook::sim {
namespace {

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

enum class Market { kSpot, kUsdm, kCoinm };

class Binance final : public VenueAdapter {
 public:
  explicit Binance(Market market)
      : market_(market), futures_(market != Market::kSpot) {}

  std::string_view venue() const override {
    return market_ == Market::kSpot   ? "binance-spot"
           : market_ == Market::kUsdm ? "binance-usdm"
                                      : "binance-coinm";
  }
  Instrument instrument(const std::string& symbol) const override {
    if (market_ == Market::kSpot) return binance_instrument(symbol);
    // COIN-M counts contracts.
    return market_ == Market::kUsdm ? plain_instrument(symbol, 2, 3)
                                    : plain_instrument(symbol, 1, 0);
  }
  // The venue's routes; spot's own paths are the gateway's.
  bool serves(std::string_view path) const override {
    return market_ == Market::kUsdm
               ? path == "/public/ws" || path == "/public/stream"
               : market_ == Market::kCoinm &&
                     (path == "/dstream/ws" || path == "/dstream/stream");
  }
  bool rest_snapshots() const override { return true; }
  std::optional<Wanted> rest_request(std::string_view path,
                                     const Query& query) const override {
    if (!futures_ || path != (market_ == Market::kUsdm ? "/fapi/v1/depth"
                                                       : "/dapi/v1/depth")) {
      return std::nullopt;
    }
    return Wanted{value_of(query, "symbol"),
                  number_or(value_of(query, "limit"), 500)};
  }

  Answer answer(const std::string& text, const Known& known,
                std::int64_t) const override {
    Answer out;
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    std::string_view method;
    std::string id = "null";
    const auto refuse = [&](const std::string& why) {
      out = {};
      out.replies.push_back("{\"error\":{\"code\":2,\"msg\":" +
                            json_string("Invalid request: " + why) +
                            "},\"id\":" + id + '}');
      return out;
    };
    if (parser.parse(text).get(root) || root["method"].get(method)) {
      return refuse("no method");
    }
    if (simdjson::dom::element given; !root["id"].get(given)) {
      id = simdjson::minify(given);
    }
    const bool subscribes = method == "SUBSCRIBE";
    simdjson::dom::array params;
    if ((!subscribes && method != "UNSUBSCRIBE") ||
        root["params"].get(params)) {
      return refuse("unknown method or no params");
    }
    for (const simdjson::dom::element param : params) {
      std::string_view stream;
      if (param.get(stream)) return refuse("a stream is not a string");
      const std::size_t at = stream.find('@');
      const std::string symbol = upper(stream.substr(0, at));
      if (at == std::string_view::npos || !known(symbol)) {
        return refuse("unknown stream " + std::string(stream));
      }
      if (stream.substr(at).substr(0, 6) != "@depth") continue;
      (subscribes ? out.subscribe : out.unsubscribe).push_back({symbol, 0});
    }
    out.replies.push_back("{\"result\":null,\"id\":" + id + '}');
    return out;
  }

  std::string snapshot(const BookMessage& message) const override {
    std::string time;
    if (futures_) {
      const std::string now = std::to_string(message.time_ms);
      time = ",\"E\":" + now + ",\"T\":" + now;
    }
    if (market_ == Market::kCoinm) {
      time += ",\"symbol\":" + json_string(message.symbol) +
              ",\"pair\":" + json_string(pair(message.symbol));
    }
    return "{\"lastUpdateId\":" + std::to_string(message.last_id) + time +
           ",\"bids\":" + quoted_pairs(message.bids) +
           ",\"asks\":" + quoted_pairs(message.asks) + '}';
  }

  std::vector<std::string> update(const BookMessage& message) const override {
    const std::string time = std::to_string(message.time_ms);
    // Ids of a futures market leave holes between its messages.
    const std::uint64_t hole =
        futures_ ? (message.last_id - message.first_id) / 2 : 0;
    std::string out = "{\"e\":\"depthUpdate\",\"E\":" + time;
    if (futures_) out += ",\"T\":" + time;
    out += ",\"s\":" + json_string(message.symbol);
    if (market_ == Market::kCoinm) {
      out += ",\"ps\":" + json_string(pair(message.symbol));
    }
    out += ",\"U\":" + std::to_string(message.first_id + hole) +
           ",\"u\":" + std::to_string(message.last_id);
    if (futures_) out += ",\"pu\":" + std::to_string(message.previous_id);
    return {out + ",\"b\":" + quoted_pairs(message.bids) +
            ",\"a\":" + quoted_pairs(message.asks) + '}'};
  }

  std::string with_bid(std::string text, const Level& bid) const override {
    return with_first(std::move(text), "\"b\":[",
                      "[\"" + bid.price + "\",\"" + bid.quantity + "\"]");
  }

 private:
  // "BTCUSD" of "BTCUSD_PERP".
  static std::string pair(const std::string& symbol) {
    return symbol.substr(0, symbol.find('_'));
  }

  const Market market_;
  const bool futures_;
};

}  // namespace

const VenueAdapter& binance_spot_adapter() {
  static const Binance adapter(Market::kSpot);
  return adapter;
}

const VenueAdapter& binance_usdm_adapter() {
  static const Binance adapter(Market::kUsdm);
  return adapter;
}

const VenueAdapter& binance_coinm_adapter() {
  static const Binance adapter(Market::kCoinm);
  return adapter;
}

}  // namespace wirebook::sim
