// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// OKX v5 "books": prevSeqId names the seqId before; the checksum is 0 since
// 2026. Until 2022: no ids, and a CRC-32 of 25 levels a side, bid and ask in
// turn. Levels that leave the depth of 400 are removed by a message.
#include <simdjson.h>
#include <zlib.h>

#include <string>
#include <utility>

#include "tools/exchange_sim/venue_adapter.h"
#include "tools/exchange_sim/wire_format.h"

namespace wirebook::sim {
namespace {

constexpr std::size_t kDepth = 400;
constexpr int kSummedLevels = 25;

// The venue writes no trailing zeros.
std::string levels_text(const std::vector<SentLevel>& levels) {
  std::string out = "[";
  for (const SentLevel& sent : levels) {
    if (out.size() > 1) out += ',';
    out += "[\"" + without_zeros(sent.level.price) + "\",\"" +
           without_zeros(sent.level.quantity) + "\",\"0\",\"" +
           (sent.removes ? "0" : "1") + "\"]";
  }
  return out += ']';
}

std::int32_t sum_of(const Book& book) {
  std::string text;
  auto bid = book.levels(Side::kBid).begin();
  auto ask = book.levels(Side::kAsk).begin();
  const auto add = [&text](const Level& level) {
    if (!text.empty()) text += ':';
    text += without_zeros(level.price) + ':' + without_zeros(level.quantity);
  };
  for (int i = 0; i < kSummedLevels; ++i) {
    if (bid != book.levels(Side::kBid).end()) add((bid++)->second);
    if (ask != book.levels(Side::kAsk).end()) add((ask++)->second);
  }
  return static_cast<std::int32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(text.data()),
            static_cast<uInt>(text.size())));
}

class Okx final : public VenueAdapter {
 public:
  explicit Okx(bool sums) : sums_(sums) {}

  std::string_view venue() const override { return "okx"; }
  Instrument instrument(const std::string& symbol) const override {
    return plain_instrument(symbol, 1, 8);
  }
  bool serves(std::string_view path) const override {
    return path == "/ws/v5/public";
  }
  bool links_across_restart() const override { return true; }

  Answer answer(const std::string& text, const Known& known,
                std::int64_t) const override {
    Answer out;
    if (text == "ping") {
      out.replies.push_back("pong");
      return out;
    }
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    std::string_view operation;
    simdjson::dom::array arguments;
    const auto refuse = [&](const std::string& why) {
      out.replies.push_back("{\"event\":\"error\",\"code\":\"60012\",\"msg\":" +
                            json_string(why) + ",\"connId\":\"a4d3ae55\"}");
      return out;
    };
    if (parser.parse(text).get(root) || root["op"].get(operation) ||
        root["args"].get(arguments)) {
      return refuse("Illegal request");
    }
    const bool subscribes = operation == "subscribe";
    if (!subscribes && operation != "unsubscribe") {
      return refuse("Illegal request");
    }
    for (const simdjson::dom::element argument : arguments) {
      std::string_view channel;
      std::string_view name;
      if (argument["channel"].get(channel) || argument["instId"].get(name)) {
        return refuse("Illegal request");
      }
      const std::string symbol(name);
      if (!known(symbol)) {
        refuse("Wrong URL or instId:" + symbol + " doesn't exist");
        continue;
      }
      out.replies.push_back("{\"event\":" + json_string(operation) +
                            ",\"arg\":{\"channel\":" + json_string(channel) +
                            ",\"instId\":" + json_string(symbol) +
                            "},\"connId\":\"a4d3ae55\"}");
      if (channel != "books") continue;
      (subscribes ? out.subscribe : out.unsubscribe)
          .push_back({symbol, kDepth});
    }
    return out;
  }

  std::string snapshot(const BookMessage& message) const override {
    return book("snapshot", message, "-1");
  }
  std::vector<std::string> update(const BookMessage& message) const override {
    return {book("update", message, std::to_string(message.previous_id))};
  }
  std::string with_bid(std::string text, const Level& bid) const override {
    return with_first(std::move(text), "\"bids\":[",
                      "[\"" + without_zeros(bid.price) + "\",\"" +
                          without_zeros(bid.quantity) + "\",\"0\",\"1\"]");
  }
  std::optional<std::string> with_wrong_sum(std::string text) const override {
    return with_other_number(std::move(text), "\"checksum\":");
  }

 private:
  std::string book(const char* action, const BookMessage& message,
                   const std::string& previous) const {
    std::string proof =
        sums_ ? ",\"checksum\":" + std::to_string(sum_of(*message.book))
              : ",\"checksum\":0,\"seqId\":" + std::to_string(message.last_id) +
                    ",\"prevSeqId\":" + previous;
    return "{\"arg\":{\"channel\":\"books\",\"instId\":" +
           json_string(message.symbol) + "},\"action\":\"" + action +
           "\",\"data\":[{\"asks\":" + levels_text(message.asks) +
           ",\"bids\":" + levels_text(message.bids) + ",\"ts\":\"" +
           std::to_string(message.time_ms) + '"' + proof + "}]}";
  }

  const bool sums_;
};

}  // namespace

const VenueAdapter& okx_adapter() {
  static const Okx adapter(false);
  return adapter;
}

const VenueAdapter& okx_with_sums_adapter() {
  static const Okx adapter(true);
  return adapter;
}

}  // namespace wirebook::sim
