// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// KuCoin spot: a token by POST lets one in; snapshots by REST, sequenceStart
// and sequenceEnd. The venue's own path is "/", of another host.
#include <simdjson.h>

#include <string>
#include <utility>

#include "tools/exchange_sim/venue_adapter.h"
#include "tools/exchange_sim/wire_format.h"

namespace wirebook::sim {
namespace {

constexpr char kPath[] = "/kucoin";
constexpr std::string_view kTopic = "/market/level2:";
constexpr std::size_t kMostLevels = 100;

// [["price","size","sequence"],...]
std::string changes(const std::vector<SentLevel>& levels,
                    const std::string& sequence) {
  std::string out = "[";
  for (const SentLevel& sent : levels) {
    if (out.size() > 1) out += ',';
    out += "[\"" + sent.level.price + "\",\"" + sent.level.quantity + "\",\"" +
           sequence + "\"]";
  }
  return out += ']';
}

class Kucoin final : public VenueAdapter {
 public:
  std::string_view venue() const override { return "kucoin"; }
  Instrument instrument(const std::string& symbol) const override {
    return plain_instrument(symbol, 1, 8);
  }
  bool serves(std::string_view path) const override { return path == kPath; }
  std::string_view token_key() const override { return "token"; }
  bool rest_snapshots() const override { return true; }
  std::string greeting(std::uint64_t connection) const override {
    return "{\"id\":\"" + std::to_string(connection) +
           "\",\"type\":\"welcome\"}";
  }

  Answer answer(const std::string& text, const Known& known,
                std::int64_t) const override {
    Answer out;
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    std::string_view type;
    std::string_view topic;
    std::string id = "\"\"";
    const auto say = [&](const std::string& what) {
      out.replies.push_back("{\"id\":" + id + ",\"type\":" + what + '}');
      return out;
    };
    const auto refuse = [&](const std::string& why) {
      out = {};
      return say("\"error\",\"code\":404,\"data\":" + json_string(why));
    };
    if (parser.parse(text).get(root) || root["type"].get(type)) {
      return refuse("invalid json");
    }
    if (simdjson::dom::element given; !root["id"].get(given)) {
      id = simdjson::minify(given);
      if (!id.starts_with('"')) id = '"' + id + '"';
    }
    if (type == "ping") return say("\"pong\"");
    const bool subscribes = type == "subscribe";
    if ((!subscribes && type != "unsubscribe") || root["topic"].get(topic) ||
        !topic.starts_with(kTopic)) {
      return refuse("topic " + std::string(topic) + " is not found");
    }
    for (std::string_view rest = topic.substr(kTopic.size()); !rest.empty();) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      const std::string symbol(rest.substr(0, end));
      if (!known(symbol)) return refuse("symbol " + symbol + " is not found");
      (subscribes ? out.subscribe : out.unsubscribe).push_back({symbol, 0});
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return say("\"ack\"");
  }

  std::string snapshot(const BookMessage& message) const override {
    return "{\"code\":\"200000\",\"data\":{\"time\":" +
           std::to_string(message.time_ms) + ",\"sequence\":\"" +
           std::to_string(message.last_id) +
           "\",\"bids\":" + quoted_pairs(message.bids) +
           ",\"asks\":" + quoted_pairs(message.asks) + "}}";
  }
  std::vector<std::string> update(const BookMessage& message) const override {
    const std::string last = std::to_string(message.last_id);
    return {
        "{\"type\":\"message\",\"topic\":\"" + std::string(kTopic) +
        message.symbol +
        "\",\"subject\":\"trade.l2update\",\"data\":{\"changes\":{\"asks\":" +
        changes(message.asks, last) + ",\"bids\":" +
        changes(message.bids, last) + "},\"sequenceEnd\":" + last +
        ",\"sequenceStart\":" + std::to_string(message.first_id) +
        ",\"symbol\":" + json_string(message.symbol) +
        ",\"time\":" + std::to_string(message.time_ms) + "}}"};
  }
  std::optional<Wanted> rest_request(std::string_view path,
                                     const Query& query) const override {
    if (path != "/api/v1/market/orderbook/level2_100") return std::nullopt;
    return Wanted{value_of(query, "symbol"), kMostLevels};
  }
  std::string_view token_path() const override {
    return "/api/v1/bullet-public";
  }
  std::string token_answer(const std::string& token,
                           const Post& post) const override {
    return "{\"code\":\"200000\",\"data\":{\"token\":" + json_string(token) +
           ",\"instanceServers\":[{\"endpoint\":" +
           json_string("ws://" + post.host + kPath) +
           ",\"encrypt\":false,\"protocol\":\"websocket\",\"pingInterval\":"
           "18000,\"pingTimeout\":10000}]}}";
  }
  std::string with_bid(std::string text, const Level& bid) const override {
    return with_first(std::move(text), "\"bids\":[",
                      "[\"" + bid.price + "\",\"" + bid.quantity + "\",\"0\"]");
  }
};

}  // namespace

const VenueAdapter& kucoin_adapter() {
  static const Kucoin adapter;
  return adapter;
}

}  // namespace wirebook::sim
