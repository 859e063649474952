// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Deribit, JSON-RPC: prev_change_id names the change_id before; numbers are
// JSON numbers; a level says whether it is new, changed or deleted.
#include <simdjson.h>

#include <string>
#include <utility>

#include "tools/exchange_sim/venue_adapter.h"
#include "tools/exchange_sim/wire_format.h"

namespace wirebook::sim {
namespace {

std::string levels_text(const std::vector<SentLevel>& levels) {
  std::string out = "[";
  for (const SentLevel& sent : levels) {
    if (out.size() > 1) out += ',';
    const char* const action = sent.removes ? "delete"
                               : sent.had   ? "change"
                                            : "new";
    out += std::string("[\"") + action + "\"," + sent.level.price + ',' +
           (sent.removes ? "0.0" : sent.level.quantity) + ']';
  }
  return out += ']';
}

class Deribit final : public VenueAdapter {
 public:
  std::string_view venue() const override { return "deribit"; }
  Instrument instrument(const std::string& symbol) const override {
    return plain_instrument(symbol, 1, 1);
  }
  bool serves(std::string_view path) const override {
    return path == "/ws/api/v2";
  }

  Answer answer(const std::string& text, const Known& known,
                std::int64_t) const override {
    Answer out;
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    std::string_view method;
    std::string id = "null";
    const auto refuse = [&](int code, const std::string& why) {
      out.replies.push_back("{\"jsonrpc\":\"2.0\",\"id\":" + id +
                            ",\"error\":{\"code\":" + std::to_string(code) +
                            ",\"message\":" + json_string(why) + "}}");
      return out;
    };
    if (parser.parse(text).get(root) || root["method"].get(method)) {
      return refuse(-32700, "Parse error");
    }
    if (simdjson::dom::element given; !root["id"].get(given)) {
      id = simdjson::minify(given);
    }
    if (method == "public/test") {
      out.replies.push_back("{\"jsonrpc\":\"2.0\",\"id\":" + id +
                            ",\"result\":{\"version\":\"1.2.26\"}}");
      return out;
    }
    const bool subscribes = method == "public/subscribe";
    simdjson::dom::array channels;
    if ((!subscribes && method != "public/unsubscribe") ||
        root["params"]["channels"].get(channels)) {
      return refuse(-32601, "Method not found");
    }
    std::string accepted;
    for (const simdjson::dom::element element : channels) {
      std::string_view channel;
      if (element.get(channel)) return refuse(-32602, "Invalid params");
      // book.<instrument>.<interval>, quote.<instrument>
      const std::size_t begin = channel.find('.') + 1;
      const std::size_t end = channel.find('.', begin);
      const std::string symbol(channel.substr(begin, end - begin));
      // The venue leaves out what it does not know.
      if (!known(symbol)) continue;
      accepted += (accepted.empty() ? "" : ",") + json_string(channel);
      if (!channel.starts_with("book.")) continue;
      (subscribes ? out.subscribe : out.unsubscribe).push_back({symbol, 0});
    }
    if (accepted.empty()) return refuse(-32602, "Invalid params");
    out.replies.push_back("{\"jsonrpc\":\"2.0\",\"id\":" + id +
                          ",\"result\":[" + accepted + "]}");
    return out;
  }

  std::string snapshot(const BookMessage& message) const override {
    return book("snapshot", message, "");
  }
  std::vector<std::string> update(const BookMessage& message) const override {
    return {book(
        "change", message,
        "\"prev_change_id\":" + std::to_string(message.previous_id) + ',')};
  }
  std::vector<std::string> heartbeats(const std::vector<std::string>&,
                                      std::int64_t) const override {
    return {R"({"jsonrpc":"2.0","method":"heartbeat","params":{"type":)"
            R"("heartbeat"}})"};
  }
  std::string with_bid(std::string text, const Level& bid) const override {
    return with_first(std::move(text), "\"bids\":[",
                      "[\"new\"," + bid.price + ',' + bid.quantity + ']');
  }

 private:
  static std::string book(const char* type, const BookMessage& message,
                          const std::string& previous) {
    return "{\"jsonrpc\":\"2.0\",\"method\":\"subscription\",\"params\":{"
           "\"channel\":\"book." +
           message.symbol + ".100ms\",\"data\":{\"type\":\"" + type +
           "\",\"timestamp\":" + std::to_string(message.time_ms) + ',' +
           previous + "\"instrument_name\":" + json_string(message.symbol) +
           ",\"change_id\":" + std::to_string(message.last_id) +
           ",\"bids\":" + levels_text(message.bids) +
           ",\"asks\":" + levels_text(message.asks) + "}}}";
  }
};

}  // namespace

const VenueAdapter& deribit_adapter() {
  static const Deribit adapter;
  return adapter;
}

}  // namespace wirebook::sim
