// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// MarketFeed: a pipeline's listener that tells strategies: directly, by a
// MarketListener, and other threads by a TradeBus and a BookUpdateBus.
//
// Use one for each pipeline. What wants the pipeline's own view (recorders,
// oracles) is a BookPipelineListener itself.
//
// Guarantee: every book event and trade has its number, also one that found no
// room: on a bus a missing number is one that was lost, and `statistics` counts
// it. A full bus (a gating consumer that is slow) or an empty pool costs the
// event, never the book thread's time; a book whose last event that was is told
// again, as it is then and with a number of its own, with the next message that
// finds room. Until one comes books_dropped and BookKeeper::view alone tell.
// Events that leave a book other than Live carry no levels. No allocation, lock
// or system call of its own but the bus's wake-up of a sleeping consumer.
// Thread rules: the pipeline's book thread calls; statistics from any thread.
// Cost: measured by market_feed_benchmark.
//
//   TscClock clock;
//   MarketFeed feed(clock, {.venue = VenueId::kKraken, .listener = &strategy});
//   auto pipeline = BookPipeline::create({.venue = VenueId::kKraken}, &pool,
//                                        &feed);

#ifndef WIREBOOK_LOB_MARKET_FEED_H_
#define WIREBOOK_LOB_MARKET_FEED_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "concurrency/single_writer_counter.h"
#include "concurrency/tsc_clock.h"
#include "lob/book_keeper.h"
#include "lob/book_pipeline.h"
#include "lob/book_update_bus.h"
#include "lob/market_listener.h"
#include "lob/parsed_message.h"
#include "lob/trade_bus.h"
#include "lob/venue.h"

namespace wirebook {

// Each pointer may be null; all must outlive the feed.
struct MarketFeedOptions {
  VenueId venue = VenueId::kBinanceSpot;  // the pipeline's, named in trades
  MarketListener* listener = nullptr;
  TradeBus* trades = nullptr;
  BookUpdateBus* books = nullptr;
  BookUpdateSource pool{};  // required with `books`
  size_t depth = 10;  // levels a side of an update: no more than the pool's
};

struct MarketFeedStatistics {
  uint64_t book_events = 0;     // = the last one's sequence
  uint64_t trades = 0;          // = the last one's sequence
  uint64_t books_dropped = 0;   // the bus was full, or the pool empty
  uint64_t trades_dropped = 0;  // the bus was full
};

class MarketFeed final : public BookPipelineListener {
 public:
  // `books` without a pool ends the process.
  MarketFeed(const TscClock& clock, const MarketFeedOptions& options);

  MarketFeedStatistics statistics() const noexcept;

  void on_depth_applied(const BookKeeper& keeper,
                        const ParsedMessage& message) override;
  void on_state_changed(const BookKeeper& keeper) override;
  void on_other(const ParsedMessage& message) override;

 private:
  EventTimes times_of(const ParsedMessage& message) const noexcept;
  EventTimes times_of(const BookKeeper& keeper) const noexcept;
  void publish_book(const BookKeeper& keeper, const Book& book) noexcept;
  bool try_publish(const Book& book) noexcept;
  void settle() noexcept;

  const TscClock& clock_;
  const MarketFeedOptions options_;
  // Books of which the last event found no room on the bus.
  std::vector<const BookKeeper*> owed_;
  SingleWriterCounter book_events_, trades_, books_dropped_, trades_dropped_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_MARKET_FEED_H_
