// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/testing/order_venue.h"

#include <zlib.h>

#include <cstdlib>

namespace wirebook {
namespace {

class CoinbaseFull final : public OrderVenue {
 public:
  CoinbaseFull() : OrderVenue(VenueId::kCoinbaseExchange) {
    symbol = "BTC-USD";
  }

  std::vector<std::string> begin(const OrderModel&) override {
    return {R"({"type":"subscriptions","channels":[{"name":"full",)"
            R"("product_ids":["BTC-USD"]}]})"};
  }
  std::string snapshot(const OrderModel& model) override {
    return R"({"sequence":)" + std::to_string(sequence_) + R"(,"bids":)" +
           rows(model.orders(Side::kBid)) + R"(,"asks":)" +
           rows(model.orders(Side::kAsk)) +
           R"(,"auction_mode":false,"auction":null,)"
           R"("time":"2026-08-02T03:35:51.660084Z"})";
  }
  std::vector<std::string> tell(const Happening& one, const OrderModel&,
                                const OrderModel&) override {
    const std::string who = R"(,"order_id":")" + uuid(one.before.id) + '"';
    const std::string at = R"(,"price":")" + price(one.before.price) + '"';
    const std::string side =
        R"(,"side":")" + std::string(buy_or_sell(one.side)) + '"';
    switch (one.what) {
      case Happening::kAdd: {
        const std::string id = R"(,"order_id":")" + uuid(one.after.id) + '"';
        const std::string size = quantity(one.after.quantity) + '"';
        const std::string limit =
            R"(,"price":")" + price(one.after.price) + '"';
        return {message("received", id + R"(,"order_type":"limit","size":")" +
                                        size + limit + side),
                message("open",
                        id + R"(,"remaining_size":")" + size + limit + side)};
      }
      case Happening::kTrade: {
        std::vector<std::string> all = {message(
            "match", R"(,"trade_id":10,"maker_order_id":")" +
                         uuid(one.before.id) + R"(","taker_order_id":")" +
                         uuid(one.before.id ^ 0x5555) + R"(","size":")" +
                         quantity(one.before.quantity - one.after.quantity) +
                         '"' + at + side)};
        if (one.after.quantity == 0) {
          all.push_back(message("done", who + at + side +
                                            R"(,"reason":"filled",)"
                                            R"("remaining_size":"0")"));
        }
        return all;
      }
      case Happening::kLess:
        return {message("change",
                        who + R"(,"reason":"STP","new_size":")" +
                            quantity(one.after.quantity) + R"(","old_size":")" +
                            quantity(one.before.quantity) + '"' + at + side)};
      case Happening::kMore:
      case Happening::kMove:
        return {message(
            "change", who + R"(,"reason":"modify_order","new_size":")" +
                          quantity(one.after.quantity) + R"(","old_size":")" +
                          quantity(one.before.quantity) + R"(","new_price":")" +
                          price(one.after.price) + R"(","old_price":")" +
                          price(one.before.price) + '"' + side)};
      case Happening::kRemove:
        return {message("done", who + at + side +
                                    R"(,"reason":"canceled",)"
                                    R"("remaining_size":"1")")};
      case Happening::kNothing: {
        const std::string id = R"(,"order_id":")" + uuid(sequence_ << 32) + '"';
        return {
            message("received",
                    id + R"(,"order_type":"market","funds":"1")" + side),
            message("change", id + R"(,"price":null,"new_funds":"1")" + side),
            message("done", id + R"(,"reason":"filled")" + side)};
      }
    }
    return {};
  }
  uint64_t model_id(OrderId order) const override { return order.low; }

 private:
  static std::string uuid(uint64_t id) {
    char text[64];
    std::snprintf(text, sizeof text, "d50ec984-77a8-460a-%04x-%012llx",
                  static_cast<unsigned>(id >> 48),
                  static_cast<unsigned long long>(id & 0xffffffffffff));
    return text;
  }
  std::string rows(const std::vector<ModelOrder>& orders) const {
    std::string all;
    for (const ModelOrder& one : orders) {
      all += (all.empty() ? R"([")" : R"(,[")") + price(one.price) + R"(",")" +
             quantity(one.quantity) + R"(",")" + uuid(one.id) + R"("])";
    }
    return '[' + all + ']';
  }
  std::string message(const std::string& type, const std::string& rest) {
    return R"({"type":")" + type +
           R"(","time":"2026-08-02T03:35:51.660084Z","product_id":"BTC-USD",)"
           R"("sequence":)" +
           std::to_string(++sequence_) + rest + '}';
  }
  uint64_t sequence_ = 9'000'000'000;
};

// Stamps have whole milliseconds; the snapshot's has microseconds.
class BitstampOrders final : public OrderVenue {
 public:
  explicit BitstampOrders(bool chained)
      : OrderVenue(VenueId::kBitstamp), chained_(chained) {
    symbol = "btcusd";
  }

  std::vector<std::string> begin(const OrderModel&) override {
    return {R"({"event":"bts:subscription_succeeded",)"
            R"("channel":"live_orders_btcusd","data":{}})"};
  }
  std::string snapshot(const OrderModel& model) override {
    return R"({"timestamp":"1","microtimestamp":")" + std::to_string(micros_) +
           R"(","bids":)" + rows(model.orders(Side::kBid)) + R"(,"asks":)" +
           rows(model.orders(Side::kAsk)) + '}';
  }
  bool can(Happening::What what) const override {
    return what != Happening::kMore && what != Happening::kMove;
  }
  std::vector<std::string> tell(const Happening& one, const OrderModel&,
                                const OrderModel&) override {
    switch (one.what) {
      case Happening::kAdd:
        return {message("order_created", one.side, one.after)};
      case Happening::kNothing: {
        const ModelOrder market{next_market_++, 0, 7};
        return {message("order_created", one.side, market),
                message("order_deleted", one.side, market)};
      }
      default:
        return {
            message(one.after.quantity == 0 ? "order_deleted" : "order_changed",
                    one.side, one.after)};
    }
  }
  uint64_t model_id(OrderId order) const override { return order.low; }

 private:
  std::string rows(const std::vector<ModelOrder>& orders) const {
    std::string all;
    for (const ModelOrder& one : orders) {
      all += (all.empty() ? R"([")" : R"(,[")") + price(one.price) + R"(",")" +
             quantity(one.quantity) + R"(",")" + std::to_string(one.id) +
             R"("])";
    }
    return '[' + all + ']';
  }
  std::string event_id() const {
    char text[64];
    const uint64_t stamp = micros_ / 1000 * 1000;
    std::snprintf(text, sizeof text, "%08x-%04x-%04x-0000-%012llx",
                  static_cast<unsigned>(stamp >> 32),
                  static_cast<unsigned>(stamp >> 16 & 0xffff),
                  static_cast<unsigned>(stamp & 0xffff),
                  static_cast<unsigned long long>(count_ << 32 | 0x20));
    return text;
  }
  std::string message(const std::string& event, Side side,
                      const ModelOrder& one) {
    const std::string before = event_id();
    micros_ += 300;
    ++count_;
    const std::string ids = R"(,"event_id":")" + event_id() +
                            R"(","pre_event_id":")" + before + '"';
    return R"({"data":{"id":)" + std::to_string(one.id) + R"(,"order_type":)" +
           (side == Side::kBid ? "0" : "1") +
           R"(,"order_subtype":5,"datetime":"1","microtimestamp":")" +
           std::to_string(micros_ / 1000 * 1000) + R"(","amount":1,)" +
           R"("amount_str":")" + quantity(one.quantity) +
           R"(","price":1,"price_str":")" + price(one.price) +
           R"("},"channel":"live_orders_btcusd","event":")" + event + '"' +
           (chained_ ? ids : std::string()) + R"(,"order_source":"orderbook"})";
  }
  const bool chained_;
  uint64_t micros_ = 1'788'551'766'357'123;
  uint64_t count_ = 1;
  uint64_t next_market_ = uint64_t{1} << 40;
};

uint32_t sum_of(const std::string& text) {
  return static_cast<uint32_t>(
      ::crc32(0, reinterpret_cast<const Bytef*>(text.data()),
              static_cast<uInt>(text.size())));
}

class KrakenLevel3 final : public OrderVenue {
 public:
  KrakenLevel3() : OrderVenue(VenueId::kKraken) { symbol = "BTC/USD"; }
  static constexpr size_t kDepth = 10;

  size_t depth() const override { return kDepth; }
  std::vector<std::string> begin(const OrderModel& model) override {
    std::string sides[2];
    for (const Side side : {Side::kBid, Side::kAsk}) {
      std::string& all = sides[static_cast<size_t>(side)];
      for (const ModelOrder& one : model.orders(side, kDepth)) {
        all += (all.empty() ? "{" : ",{") + fields(one);
      }
    }
    return {R"({"method":"subscribe","result":{"channel":"level3","depth":10,)"
            R"("snapshot":true,"symbol":"BTC/USD"},"success":true})",
            message("snapshot", sides[0], sides[1], model)};
  }
  // What differs between what a subscriber saw and what he shall see; what
  // falls out of the depth is not told.
  std::vector<std::string> tell(const Happening&, const OrderModel& before,
                                const OrderModel& after) override {
    std::string sides[2];
    for (const Side side : {Side::kBid, Side::kAsk}) {
      std::string& all = sides[static_cast<size_t>(side)];
      const auto entry = [&all](const char* event, const ModelOrder& one) {
        all += (all.empty() ? R"({"event":")" : R"(,{"event":")") +
               std::string(event) + R"(",)" + fields(one);
      };
      const auto find = [](const std::vector<ModelOrder>& orders, uint64_t id) {
        return std::find_if(orders.begin(), orders.end(),
                            [id](const ModelOrder& o) { return o.id == id; });
      };
      const auto saw = before.orders(side, kDepth);
      const auto sees = after.orders(side, kDepth);
      const auto all_after = after.orders(side);
      for (const ModelOrder& one : saw) {
        const auto now = find(all_after, one.id);
        const bool gone = now == all_after.end();
        if (gone ||
            (find(sees, one.id) == sees.end() && now->price != one.price)) {
          entry("delete", one);
        }
      }
      for (const ModelOrder& one : sees) {
        const auto old = find(saw, one.id);
        if (old == saw.end()) entry("add", one);
        if (old != saw.end() && *old != one) entry("modify", one);
      }
    }
    if (sides[0].empty() && sides[1].empty()) return {};
    return {message("update", sides[0], sides[1], after)};
  }
  uint64_t model_id(OrderId order) const override {
    return std::strtoull(order_name(order).substr(13).c_str(), nullptr, 16);
  }

 private:
  static std::string fields(const ModelOrder& one) {
    char name[64];
    std::snprintf(name, sizeof name, "OQ%04X-BXL4E-%06X",
                  static_cast<unsigned>(one.id * 40'503 & 0xffff),
                  static_cast<unsigned>(one.id & 0xffffff));
    return R"("order_id":")" + std::string(name) + R"(","limit_price":)" +
           decimal_string(one.price, 2) + R"(,"order_qty":)" +
           decimal_string(one.quantity, 8) +
           R"(,"timestamp":"2023-10-06T17:35:00.279389650Z"})";
  }
  static std::string message(const char* type, const std::string& bids,
                             const std::string& asks, const OrderModel& model) {
    std::string text;
    for (const Side side : {Side::kAsk, Side::kBid}) {
      for (const ModelOrder& one : model.orders(side, 10)) {
        text += std::to_string(one.price) + std::to_string(one.quantity);
      }
    }
    return R"({"channel":"level3","type":")" + std::string(type) +
           R"(","data":[{"symbol":"BTC/USD","checksum":)" +
           std::to_string(sum_of(text)) + R"(,"bids":[)" + bids +
           R"(],"asks":[)" + asks + "]}]}";
  }
};

class BitfinexRaw final : public OrderVenue {
 public:
  BitfinexRaw() : OrderVenue(VenueId::kBitfinex) { symbol = "tBTCUSD"; }

  std::vector<std::string> begin(const OrderModel& model) override {
    sequence_ = 0;
    std::string all;
    for (const Side side : {Side::kBid, Side::kAsk}) {
      for (const ModelOrder& one : model.orders(side)) {
        all += (all.empty() ? "" : ",") + entry(side, one);
      }
    }
    return {R"({"event":"info","version":2,"platform":{"status":1}})",
            R"({"event":"subscribed","channel":"book","chanId":5,)"
            R"("symbol":"tBTCUSD","prec":"R0","freq":"F0","len":"250"})",
            message('[' + all + ']'), sum(model)};
  }
  std::vector<std::string> tell(const Happening& one, const OrderModel&,
                                const OrderModel& after) override {
    if (one.what == Happening::kNothing) return {message(R"("hb")")};
    const ModelOrder gone{one.before.id, 0, 100'000'000};
    const bool left = one.what == Happening::kAdd || one.after.quantity != 0;
    std::vector<std::string> texts = {
        message(entry(one.side, left ? one.after : gone))};
    if (sequence_ % 5 == 0) texts.push_back(sum(after));
    return texts;
  }
  uint64_t model_id(OrderId order) const override {
    return order.low - kFirstId;
  }

 private:
  static constexpr uint64_t kFirstId = 34'753'002'000;

  // As JavaScript prints it.
  static std::string number(int64_t value, int scale) {
    if (value != 0 && value < 100 && scale == 8) {
      std::string digits = std::to_string(value);
      const auto exponent = 8 - static_cast<int>(digits.size() - 1);
      while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
      if (digits.size() > 1) digits.insert(1, ".");
      return digits + "e-" + std::to_string(exponent);
    }
    std::string text = decimal_string(value, scale);
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
    return text.empty() ? "0" : text;
  }
  static std::string amount(Side side, const ModelOrder& one) {
    return (side == Side::kAsk ? "-" : "") + number(one.quantity, 8);
  }
  static std::string entry(Side side, const ModelOrder& one) {
    return '[' + std::to_string(kFirstId + one.id) + ',' +
           number(one.price, 2) + ',' + amount(side, one) + ']';
  }
  std::string message(const std::string& payload) {
    return "[5," + payload + ',' + std::to_string(++sequence_) + ']';
  }
  std::string sum(const OrderModel& model) {
    std::vector<ModelOrder> sides[2] = {model.orders(Side::kBid),
                                        model.orders(Side::kAsk)};
    for (const Side side : {Side::kBid, Side::kAsk}) {
      auto& orders = sides[static_cast<size_t>(side)];
      std::stable_sort(orders.begin(), orders.end(),
                       [side](const ModelOrder& a, const ModelOrder& b) {
                         if (a.price == b.price) return a.id < b.id;
                         return side == Side::kBid ? a.price > b.price
                                                   : a.price < b.price;
                       });
    }
    std::string text;
    for (size_t i = 0; i < 25; ++i) {
      for (const Side side : {Side::kBid, Side::kAsk}) {
        const auto& orders = sides[static_cast<size_t>(side)];
        if (i >= orders.size()) continue;
        text += (text.empty() ? "" : ":") +
                std::to_string(kFirstId + orders[i].id) + ':' +
                amount(side, orders[i]);
      }
    }
    return message(R"("cs",)" +
                   std::to_string(static_cast<int32_t>(sum_of(text))));
  }
  uint64_t sequence_ = 0;
};

}  // namespace

std::unique_ptr<OrderVenue> make_order_venue(VenueId venue, bool chained) {
  switch (venue) {
    case VenueId::kCoinbaseExchange:
      return std::make_unique<CoinbaseFull>();
    case VenueId::kBitstamp:
      return std::make_unique<BitstampOrders>(chained);
    case VenueId::kKraken:
      return std::make_unique<KrakenLevel3>();
    case VenueId::kBitfinex:
      return std::make_unique<BitfinexRaw>();
    default:
      std::abort();
  }
}

}  // namespace wirebook
