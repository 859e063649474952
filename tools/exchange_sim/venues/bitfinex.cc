// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Bitfinex v2, P0 and R0 books: a message for each level or order, a sum of 25
// a side after each update, and a number behind everything that is an array, as
// with the flags SEQ_ALL and OB_CHECKSUM, whatever "conf" asks for.
#include <simdjson.h>
#include <zlib.h>

#include <string>
#include <utility>

#include "tools/exchange_sim/order_channel.h"
#include "tools/exchange_sim/venue_adapter.h"
#include "tools/exchange_sim/wire_format.h"

namespace wirebook::sim {
namespace {

constexpr int kSummed = 25;  // levels or orders a side

// A channel's number: of the symbol, since an adapter keeps none; of its orders
// with R0 behind it.
std::string channel_of(const std::string& symbol) {
  std::uint32_t hash = 2166136261;  // FNV-1a
  for (const char c : symbol) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619;
  }
  return std::to_string(10'000 + hash % 900'000);
}

// As JavaScript prints it: 1.2e-7 below a millionth.
std::string printed(const std::string& number) {
  const std::string plain = without_zeros(number);
  if (!plain.starts_with("0.000000")) return plain;
  const std::size_t first = plain.find_first_not_of("0.");
  std::string digits = plain.substr(first);
  if (digits.size() > 1) digits.insert(1, ".");
  return digits + "e-" + std::to_string(first - 1);
}

std::string entry(Side side, const SentLevel& sent) {
  const std::string sign = side == Side::kAsk ? "-" : "";
  return '[' + printed(sent.level.price) + ',' +
         (sent.removes ? "0," + sign + '1'
                       : "1," + sign + printed(sent.level.quantity)) +
         ']';
}

std::int32_t sum_of(const std::string& text) {
  return static_cast<std::int32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(text.data()),
            static_cast<uInt>(text.size())));
}

std::int32_t sum_of(const Book& book) {
  std::string text;
  auto bid = book.levels(Side::kBid).begin();
  auto ask = book.levels(Side::kAsk).begin();
  const auto add = [&text](const Level& level, const char* sign) {
    if (!text.empty()) text += ':';
    text += printed(level.price) + ':' + sign + printed(level.quantity);
  };
  for (int i = 0; i < kSummed; ++i) {
    if (bid != book.levels(Side::kBid).end()) add((bid++)->second, "");
    if (ask != book.levels(Side::kAsk).end()) add((ask++)->second, "-");
  }
  return sum_of(text);
}

// In the place of what the message says, before its number.
std::string with_payload(std::string text, const std::string& payload) {
  const std::size_t begin = text.find(',') + 1;
  const std::size_t end = text.rfind(',');
  return text.replace(begin, end - begin, payload);
}

// R0: [id, price, amount], of price 0 where the order goes.
class RawBook final : public OrderChannel {
 public:
  Reach reach() const override { return Reach::kOrders; }

  std::string snapshot(const OrderMessage& message,
                       std::uint64_t) const override {
    std::string all;
    for (const Side side : {Side::kBid, Side::kAsk}) {
      for (const Order& order :
           side == Side::kBid ? message.bids : message.asks) {
        all += (all.empty() ? "" : ",") + row(side, order);
      }
    }
    return begin(message) + '[' + all + "]]";
  }

  std::vector<std::string> update(const OrderMessage& message,
                                  std::uint64_t&) const override {
    std::vector<std::string> out;
    for (const OrderEvent& event : message.events) {
      Order order = event.order;
      if (event.kind == OrderEvent::Kind::kRemove) {
        order.price = "0";
        order.quantity = "1";
      }
      out.push_back(begin(message) + row(event.side, order) + ']');
    }
    out.push_back(begin(message) + "\"cs\"," +
                  std::to_string(sum_of(summed(message))) + ']');
    return out;
  }

  std::string with_bid(std::string text, const Level& bid) const override {
    return with_payload(std::move(text),
                        row(Side::kBid, {kCrossing, bid.price, bid.quantity}));
  }
  std::optional<std::string> with_wrong_sum(std::string text) const override {
    return with_other_number(std::move(text), "\"cs\",");
  }

 private:
  static constexpr std::uint64_t kCrossing = 1'000'000;

  static std::string begin(const OrderMessage& message) {
    return '[' + channel_of(message.symbol + "R0") + ',';
  }
  static std::string amount(Side side, const Order& order) {
    return (side == Side::kAsk ? "-" : "") + printed(order.quantity);
  }
  static std::string row(Side side, const Order& order) {
    return '[' + std::to_string(order.id) + ',' + printed(order.price) + ',' +
           amount(side, order) + ']';
  }
  // Orders of one price by id, which is the order of their queue here.
  static std::string summed(const OrderMessage& message) {
    std::string text;
    for (std::size_t i = 0; i < kSummed; ++i) {
      for (const Side side : {Side::kBid, Side::kAsk}) {
        const auto& orders = side == Side::kBid ? message.bids : message.asks;
        if (i >= orders.size()) continue;
        text += (text.empty() ? "" : ":") + std::to_string(orders[i].id) + ':' +
                amount(side, orders[i]);
      }
    }
    return text;
  }
};

class Bitfinex final : public VenueAdapter {
 public:
  std::string_view venue() const override { return "bitfinex"; }
  // Prices of five digits; amounts on both sides of a millionth.
  Instrument instrument(const std::string& symbol) const override {
    return {.symbol = symbol,
            .price_places = 0,
            .tick = 1,
            .quantity_places = 8,
            .step = 1,
            .start_ticks = 61'837,
            .typical_steps = 200};
  }
  bool serves(std::string_view path) const override { return path == "/ws/2"; }
  std::string greeting(std::uint64_t) const override {
    return R"({"event":"info","version":2,"serverId":"sim",)"
           R"("platform":{"status":1}})";
  }

  Answer answer(const std::string& text, const Known& known,
                std::int64_t) const override {
    Answer out;
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    std::string_view event;
    std::string_view name;
    std::string_view length = "25";
    const auto refuse = [&](int code, const std::string& why) {
      out.replies.push_back(
          "{\"event\":\"error\",\"msg\":" + json_string(why) +
          ",\"code\":" + std::to_string(code) +
          ",\"channel\":\"book\",\"symbol\":" + json_string(name) + '}');
      return out;
    };
    if (parser.parse(text).get(root) || root["event"].get(event)) {
      return refuse(10000, "unknown event");
    }
    if (event == "conf") {
      std::uint64_t flags = 0;
      if (root["flags"].get(flags)) flags = 0;
      out.replies.push_back("{\"event\":\"conf\",\"status\":\"OK\",\"flags\":" +
                            std::to_string(flags) + '}');
      return out;
    }
    if (event == "ping") {
      out.replies.push_back(R"({"event":"pong","ts":1767225600000})");
      return out;
    }
    std::string_view channel;
    std::string_view precision = "P0";
    if (root["prec"].get(precision)) precision = "P0";
    if (event != "subscribe" || root["channel"].get(channel) ||
        channel != "book" || (precision != "P0" && precision != "R0") ||
        root["symbol"].get(name)) {
      return refuse(10300, "subscribe: invalid");
    }
    if (root["len"].get(length)) length = "25";
    const std::size_t depth = number_or(length, 0);
    const std::string symbol(name);
    if (!known(symbol)) return refuse(10300, "symbol: invalid");
    if (depth == 0) return refuse(10300, "len: invalid");
    const bool orders = precision == "R0";
    out.subscribe.push_back({symbol, depth, orders});
    out.replies.push_back(
        "{\"event\":\"subscribed\",\"channel\":\"book\",\"chanId\":" +
        channel_of(symbol + (orders ? "R0" : "")) + ",\"symbol\":" +
        json_string(symbol) + ",\"prec\":" + json_string(precision) +
        ",\"freq\":\"F0\",\"len\":\"" + std::to_string(depth) +
        "\",\"pair\":" + json_string(symbol.substr(1)) + '}');
    return out;
  }

  std::string snapshot(const BookMessage& message) const override {
    std::string out = '[' + channel_of(message.symbol) + ",[";
    for (const SentLevel& sent : message.bids) {
      out += entry(Side::kBid, sent) + ',';
    }
    for (const SentLevel& sent : message.asks) {
      out += entry(Side::kAsk, sent) + ',';
    }
    if (out.back() == ',') out.pop_back();
    return out + "]]";
  }
  std::vector<std::string> update(const BookMessage& message) const override {
    const std::string begin = '[' + channel_of(message.symbol) + ',';
    std::vector<std::string> out;
    // What goes first: the book is not crossed halfway.
    for (const bool removes : {true, false}) {
      for (const Side side : {Side::kBid, Side::kAsk}) {
        for (const SentLevel& sent :
             side == Side::kBid ? message.bids : message.asks) {
          if (sent.removes != removes) continue;
          out.push_back(begin + entry(side, sent) + ']');
        }
      }
    }
    out.push_back(begin + "\"cs\"," + std::to_string(sum_of(*message.book)) +
                  ']');
    return out;
  }
  bool numbers_messages() const override { return true; }
  std::string numbered(std::string text, std::uint64_t& number) const override {
    if (!text.starts_with('[')) return text;
    return text.insert(text.size() - 1, ',' + std::to_string(++number));
  }
  std::vector<std::string> heartbeats(const std::vector<std::string>& symbols,
                                      std::int64_t) const override {
    std::vector<std::string> out;
    for (const std::string& symbol : symbols) {
      out.push_back('[' + channel_of(symbol) + ",\"hb\"]");
    }
    return out;
  }
  std::string with_bid(std::string text, const Level& bid) const override {
    return with_payload(std::move(text), entry(Side::kBid, {.level = bid}));
  }
  std::optional<std::string> with_wrong_sum(std::string text) const override {
    return with_other_number(std::move(text), "\"cs\",");
  }
  const OrderChannel* orders() const override { return &bitfinex_orders(); }
};

}  // namespace

const OrderChannel& bitfinex_orders() {
  static const RawBook channel;
  return channel;
}

const VenueAdapter& bitfinex_adapter() {
  static const Bitfinex adapter;
  return adapter;
}

}  // namespace wirebook::sim
