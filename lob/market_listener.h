// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// MarketListener: what a strategy implements to hear books, trades and states
// on the thread that applies them; and the plain values that it is given.
//
// Use it where the strategy runs beside the book, for the lowest latency. A
// strategy on a thread of its own takes trade_bus and book_update_bus. Either
// is fed by market_feed.
//
// Thread rules: all calls come from the book thread of a pipeline (fused: its
// network thread), one at a time; what is passed is valid during the call, and
// the next message waits until it returns.
// Cost: a virtual call and two clock conversions; measured by
// market_feed_benchmark.
//
//   struct Strategy : MarketListener {
//     void on_book(const Book& book, BookState state) override {
//       if (state != BookState::kLive) return cancel_all();
//       quote_around(book.levels().best(Side::kBid), book.times().exchange_ns);
//     }
//   };

#ifndef WIREBOOK_LOB_MARKET_LISTENER_H_
#define WIREBOOK_LOB_MARKET_LISTENER_H_

#include <cstdint>
#include <optional>
#include <span>

#include "lob/book_keeper.h"
#include "lob/book_state.h"
#include "lob/instrument.h"
#include "lob/l2_book.h"
#include "lob/price_level.h"
#include "lob/venue.h"

namespace wirebook {

// When an event passed each place, in ns since 1970, UTC; 0: not told.
struct EventTimes {
  int64_t exchange_ns = 0;        // the venue: it happened
  int64_t send_ns = 0;            // the venue: it was sent
  int64_t kernel_receive_ns = 0;  // this host's kernel, where asked for
  int64_t receive_ns = 0;         // this process saw its last byte
  int64_t applied_ns = 0;         // the book was published
};

// A book as it is during one call.
class Book {
 public:
  Book(const BookKeeper& keeper, uint64_t sequence,
       const EventTimes& times) noexcept
      : keeper_(keeper), sequence_(sequence), times_(times) {}

  const Instrument& instrument() const noexcept { return keeper_.instrument(); }
  // The best levels that are known, best first, as many as `out` takes; how
  // many. Exact only while the state is kLive, as levels().
  size_t top(Side side, std::span<PriceLevel> out) const noexcept {
    return keeper_.top(side, out);
  }
  // All levels; beyond the horizon, where there is one, only those that changed
  // (BookKeeper::known_horizon).
  const L2Book& levels() const noexcept { return keeper_.book(); }
  std::optional<int64_t> known_horizon(Side side) const noexcept {
    return keeper_.known_horizon(side);
  }
  BookState state() const noexcept { return keeper_.state(); }
  BookReason reason() const noexcept { return keeper_.current().reason; }
  // What stands behind a Live book.
  Assurance assurance() const noexcept { return keeper_.current().assurance; }
  // Our own count of this feed's book events, from 1: the same number that the
  // event has on the BookUpdateBus.
  uint64_t sequence() const noexcept { return sequence_; }
  // The venue's; meaningless unless has_update_id().
  uint64_t update_id() const noexcept { return keeper_.current().update_id; }
  bool has_update_id() const noexcept {
    return keeper_.current().has_update_id;
  }
  const EventTimes& times() const noexcept { return times_; }

 private:
  const BookKeeper& keeper_;
  const uint64_t sequence_;
  const EventTimes& times_;
};

// One trade as the venue told it. Prices and quantities are mantissas at the
// scales given.
struct TradeEvent {
  uint64_t sequence = 0;  // our own count of this feed's trades, from 1
  uint64_t trade_id = 0;  // the venue's; meaningless unless has_trade_id
  int64_t price = 0;
  int64_t quantity = 0;
  EventTimes times;
  uint32_t instrument = kNoInstrument;  // index in the pipeline's table
  VenueId venue = VenueId::kBinanceSpot;
  Side aggressor = Side::kBid;
  int8_t price_scale = 0;  // decimals
  int8_t quantity_scale = 0;
  bool has_trade_id = false;
};

class MarketListener {
 public:
  virtual ~MarketListener() = default;
  // After each depth message that was applied. `state` is kLive, or
  // kGapped{beyond_snapshot} while the touch is out of what is known.
  virtual void on_book(const Book&, BookState) noexcept {}
  virtual void on_trade(const TradeEvent&) noexcept {}
  // The book's state or reason is another than before.
  virtual void on_state(const Book&, BookState) noexcept {}
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_MARKET_LISTENER_H_
