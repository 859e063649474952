// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// A strategy as small as one can be: it quotes while the book is Live, leans
// with the imbalance of the touch, and pulls its quotes the moment that the
// book may be wrong. All arithmetic is on mantissas.

#ifndef CONSUMER_STRATEGY_IMBALANCE_STRATEGY_H_
#define CONSUMER_STRATEGY_IMBALANCE_STRATEGY_H_

#include <cstdint>
#include <optional>

#include "lob/market_listener.h"

namespace consumer {

struct Quote {
  int64_t bid = 0;
  int64_t ask = 0;

  friend bool operator==(const Quote&, const Quote&) = default;
};

class ImbalanceStrategy final : public wirebook::MarketListener {
 public:
  // `tick` in price mantissa units.
  explicit ImbalanceStrategy(int64_t tick) : tick_(tick) {}

  void on_book(const wirebook::Book& book,
               wirebook::BookState state) noexcept override {
    using wirebook::Side;
    const wirebook::L2Book& levels = book.levels();
    if (state != wirebook::BookState::kLive || levels.empty(Side::kBid) ||
        levels.empty(Side::kAsk)) {
      quote_.reset();
      return;
    }
    const wirebook::PriceLevel bid = levels.best(Side::kBid);
    const wirebook::PriceLevel ask = levels.best(Side::kAsk);
    // Three times the size on one side: step away from the other.
    const bool up = bid.quantity / 3 > ask.quantity;
    const bool down = ask.quantity / 3 > bid.quantity;
    quote_ = {bid.price - (down ? tick_ : 0), ask.price + (up ? tick_ : 0)};
    latency_ns_ = book.times().applied_ns - book.times().receive_ns;
  }

  void on_state(const wirebook::Book&,
                wirebook::BookState state) noexcept override {
    if (state != wirebook::BookState::kLive) quote_.reset();
  }

  void on_trade(const wirebook::TradeEvent& trade) noexcept override {
    const bool bought = trade.aggressor == wirebook::Side::kBid;
    flow_ += bought ? trade.quantity : -trade.quantity;
  }

  // Nothing while no quote may stand.
  std::optional<Quote> quote() const { return quote_; }
  // Bought less sold, in quantity mantissa units.
  int64_t flow() const { return flow_; }
  // From the socket to the book, of the last book.
  int64_t latency_ns() const { return latency_ns_; }

 private:
  const int64_t tick_;
  std::optional<Quote> quote_;
  int64_t flow_ = 0;
  int64_t latency_ns_ = 0;
};

}  // namespace consumer

#endif  // CONSUMER_STRATEGY_IMBALANCE_STRATEGY_H_
