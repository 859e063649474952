// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Bitstamp, differences: microtimestamps put diffs and the REST snapshot in
// order; whole books. The venue's own path is "/", of another host.
#include <simdjson.h>

#include <string>
#include <utility>

#include "tools/exchange_sim/order_channel.h"
#include "tools/exchange_sim/venue_adapter.h"
#include "tools/exchange_sim/wire_format.h"

namespace wirebook::sim {
namespace {

constexpr std::string_view kDiffs = "diff_order_book_";
constexpr std::string_view kOrders = "live_orders_";

// The market's ids as microseconds since 1970: they order alike. What is such a
// time stays one.
std::string times(const BookMessage& message) {
  constexpr std::uint64_t kEpoch = 1'600'000'000'000'000;
  const std::uint64_t micros =
      message.last_id + (message.last_id < kEpoch ? kEpoch : 0);
  return "\"timestamp\":\"" + std::to_string(micros / 1'000'000) +
         "\",\"microtimestamp\":\"" + std::to_string(micros) +
         "\",\"bids\":" + quoted_pairs(message.bids) +
         ",\"asks\":" + quoted_pairs(message.asks);
}

class Bitstamp final : public VenueAdapter {
 public:
  std::string_view venue() const override { return "bitstamp"; }
  Instrument instrument(const std::string& symbol) const override {
    return plain_instrument(symbol, 2, 8);
  }
  bool serves(std::string_view path) const override {
    return path == "/bitstamp";
  }
  bool rest_snapshots() const override { return true; }
  bool ids_are_times() const override { return true; }

  Answer answer(const std::string& text, const Known& known,
                std::int64_t) const override {
    Answer out;
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    std::string_view event;
    std::string_view channel;
    const auto say = [&](const char* what, const std::string& data) {
      out.replies.push_back(std::string("{\"event\":\"") + what +
                            "\",\"channel\":" + json_string(channel) +
                            ",\"data\":" + data + '}');
      return out;
    };
    const auto refuse = [&](const std::string& why) {
      return say("bts:error",
                 "{\"code\":null,\"message\":" + json_string(why) + '}');
    };
    if (parser.parse(text).get(root) || root["event"].get(event)) {
      return refuse("Bad subscription string.");
    }
    if (event == "bts:heartbeat") {
      return say("bts:heartbeat", "{\"status\":\"success\"}");
    }
    const bool subscribes = event == "bts:subscribe";
    if ((!subscribes && event != "bts:unsubscribe") ||
        root["data"]["channel"].get(channel)) {
      return refuse("Bad subscription string.");
    }
    const bool orders = channel.starts_with(kOrders);
    if (!orders && !channel.starts_with(kDiffs)) {
      return refuse("Bad subscription string.");
    }
    const std::string symbol(
        channel.substr((orders ? kOrders : kDiffs).size()));
    if (!known(symbol)) return refuse("Bad subscription string.");
    (subscribes ? out.subscribe : out.unsubscribe)
        .push_back({symbol, 0, orders});
    return say(subscribes ? "bts:subscription_succeeded"
                          : "bts:unsubscription_succeeded",
               "{}");
  }

  std::string snapshot(const BookMessage& message) const override {
    return '{' + times(message) + '}';
  }
  std::vector<std::string> update(const BookMessage& message) const override {
    return {"{\"data\":{" + times(message) + "},\"channel\":\"" +
            std::string(kDiffs) + message.symbol + "\",\"event\":\"data\"}"};
  }
  // /api/v2/order_book/btcusd, of orders with ?group=2
  std::optional<Wanted> rest_request(std::string_view path,
                                     const Query& query) const override {
    constexpr std::string_view kBook = "/api/v2/order_book/";
    if (!path.starts_with(kBook)) return std::nullopt;
    path.remove_prefix(kBook.size());
    return Wanted{std::string(path.substr(0, path.find('/'))), SIZE_MAX,
                  value_of(query, "group") == "2"};
  }
  std::string with_bid(std::string text, const Level& bid) const override {
    return with_first(std::move(text), "\"bids\":[",
                      "[\"" + bid.price + "\",\"" + bid.quantity + "\"]");
  }
  const OrderChannel* orders() const override { return &bitstamp_orders(); }
};

}  // namespace

const VenueAdapter& bitstamp_adapter() {
  static const Bitstamp adapter;
  return adapter;
}

}  // namespace wirebook::sim
