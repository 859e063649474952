// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Venues that tell single orders, for tests: a naive book of orders, what may
// happen to it, and what each venue says of that.
//
//   OrderModel model;
//   const auto venue = make_order_venue(VenueId::kKraken);
//   for (const std::string& text : venue->begin(model)) feed(text);

#ifndef WIREBOOK_LOB_TESTING_ORDER_VENUE_H_
#define WIREBOOK_LOB_TESTING_ORDER_VENUE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "lob/fixed_point.h"
#include "lob/order_event.h"
#include "lob/price_level.h"
#include "lob/venue.h"

namespace wirebook {

inline constexpr int64_t kMiddle = 10'000;  // a price

struct ModelOrder {
  uint64_t id = 0;  // venues write it each in its own way
  int64_t price = 0;
  int64_t quantity = 0;

  friend bool operator==(const ModelOrder&, const ModelOrder&) = default;
};

// Orders by price and time, as vectors: slow and plain.
class OrderModel {
 public:
  using Queue = std::vector<ModelOrder>;
  // Of each side its orders, best first.
  std::vector<ModelOrder> orders(Side side, size_t levels = SIZE_MAX) const {
    std::vector<ModelOrder> all;
    for (const auto& [key, queue] : sides_[index(side)]) {
      if (levels-- == 0) break;
      all.insert(all.end(), queue.begin(), queue.end());
    }
    return all;
  }
  size_t levels(Side side) const { return sides_[index(side)].size(); }

  void add(Side side, const ModelOrder& order) {
    sides_[index(side)][key(side, order.price)].push_back(order);
  }
  void remove(uint64_t id) {
    for (auto& side : sides_) {
      for (auto at = side.begin(); at != side.end(); ++at) {
        Queue& queue = at->second;
        std::erase_if(queue,
                      [id](const ModelOrder& one) { return one.id == id; });
        if (!queue.empty()) continue;
        side.erase(at);
        break;
      }
    }
  }
  void set_quantity(uint64_t id, int64_t quantity) {
    for (auto& side : sides_) {
      for (auto& [price, queue] : side) {
        for (ModelOrder& one : queue) {
          if (one.id == id) one.quantity = quantity;
        }
      }
    }
  }

  std::string text(size_t levels = SIZE_MAX) const {
    std::ostringstream out;
    for (const Side side : {Side::kBid, Side::kAsk}) {
      out << (side == Side::kBid ? "bids" : " asks");
      for (const ModelOrder& one : orders(side, levels)) {
        out << ' ' << one.id << ':' << one.quantity << '@' << one.price;
      }
    }
    return out.str();
  }

 private:
  static size_t index(Side side) { return static_cast<size_t>(side); }
  // Best first.
  static int64_t key(Side side, int64_t price) {
    return side == Side::kBid ? -price : price;
  }
  std::map<int64_t, Queue> sides_[2];
};

// What happens at the venue, one at a time.
struct Happening {
  enum What { kAdd, kTrade, kLess, kMore, kMove, kRemove, kNothing };
  What what = kNothing;
  Side side = Side::kBid;
  ModelOrder before;
  ModelOrder after;  // quantity 0: gone
};

class OrderVenue {
 public:
  explicit OrderVenue(VenueId id) : venue(id) {}
  virtual ~OrderVenue() = default;

  // What the venue sends when one subscribes: acks, and a snapshot if it is of
  // the stream.
  virtual std::vector<std::string> begin(const OrderModel& model) = 0;
  virtual std::string snapshot(const OrderModel&) { return {}; }
  virtual std::vector<std::string> tell(const Happening& one,
                                        const OrderModel& before,
                                        const OrderModel& after) = 0;
  virtual bool can(Happening::What) const { return true; }
  virtual uint64_t model_id(OrderId order) const = 0;
  virtual int price_scale() const { return 8; }
  virtual int quantity_scale() const { return 8; }
  virtual size_t depth() const { return 0; }

  const VenueId venue;
  std::string symbol;

 protected:
  std::string price(int64_t value) const { return decimal_string(value, 2); }
  static std::string quantity(int64_t value) {
    return decimal_string(value, 8);
  }
  static const char* buy_or_sell(Side side) {
    return side == Side::kBid ? "buy" : "sell";
  }
};

// Of order_feed.h's venues. Bitstamp's messages name the one before, or not.
std::unique_ptr<OrderVenue> make_order_venue(VenueId venue,
                                             bool chained = true);

}  // namespace wirebook

#endif  // WIREBOOK_LOB_TESTING_ORDER_VENUE_H_
