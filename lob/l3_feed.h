// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// L3Feed: from raw messages of a venue's order-by-order channel to verified
// books of orders, on the calling thread.
//
// Use it for the channels of order_feed.h; book_pipeline for levels, itch_feed
// for ITCH. It is fused: on_message parses, applies and publishes before it
// returns. The caller owns the messages and serves the requests.
//
// Guarantee: a frame is applied whole or not at all. One that could not be
// read, or found no room, takes the books that it may have been about out of
// Live. Thread rules: one thread feeds; `keeper(i).view()` and what else
// L3Keeper says so of from any thread.
// Cost: the parser's and l3_keeper's; no allocation once warm, but for growth
// of the pools.
//
//   TradingObjectPools pools;
//   auto feed = L3Feed::create({.venue = VenueId::kBitstamp}, pools, nullptr);
//   uint32_t btc = *(*feed)->expect_instrument("btcusd", 0, /*depth=*/0);
//   (*feed)->on_connection_up(0, now);
//   (*feed)->on_message(raw);
//   while (auto request = (*feed)->next_request()) serve(*request);
//   BookView view = (*feed)->keeper(btc).view();

#ifndef WIREBOOK_LOB_L3_FEED_H_
#define WIREBOOK_LOB_L3_FEED_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "concurrency/single_writer_counter.h"
#include "lob/book_pipeline.h"
#include "lob/connection_sequence.h"
#include "lob/instrument.h"
#include "lob/l3_keeper.h"
#include "lob/parsed_message.h"
#include "lob/trading_object_pools.h"
#include "lob/venue.h"
#include "lob/venues/venue_parser.h"
#include "net/raw_message.h"

namespace wirebook {

struct L3FeedOptions {
  VenueId venue = VenueId::kCoinbaseExchange;
  size_t max_books = 64;
  // A frame's orders: 170 a message, 8.3 KiB each, made when first needed.
  size_t parsed_messages = 8192;
  // As in BookPipelineOptions.
  bool discover_instruments = false;
  L3KeeperOptions keeper{};
};

// Called on the feeding thread, after publication.
class L3FeedListener {
 public:
  virtual ~L3FeedListener() = default;
  // As L3KeeperObserver's.
  virtual void on_orders_applied(const L3Keeper&, const ParsedMessageHeader&) {}
  virtual void on_state_changed(const L3Keeper&) {}
  // Trades, heartbeats, status.
  virtual void on_other(const ParsedMessage&) {}
};

struct L3FeedStatistics {
  uint64_t frames = 0;
  uint64_t malformed = 0;           // of them
  uint64_t drops = 0;               // frames that found no room
  uint64_t unknown_instrument = 0;  // messages of orders without a book
};

class L3Feed final : private ParsedMessageSink, private L3KeeperObserver {
 public:
  // Fails for a venue that order_feed.h does not have. `pools` and `listener`
  // outlive the feed; `listener` may be null.
  static absl::StatusOr<std::unique_ptr<L3Feed>> create(
      const L3FeedOptions& options, TradingObjectPools& pools,
      L3FeedListener* listener);

  // A book that shall exist; its index is the tag of its HTTP bodies. `depth`:
  // subscribed levels a side, 0 where all are told.
  absl::StatusOr<uint32_t> expect_instrument(std::string_view symbol,
                                             uint16_t connection, int depth);
  // As its fields say; the feed's venue is its own.
  absl::StatusOr<uint32_t> expect_instrument(Instrument instrument);

  void on_message(const RawMessage& raw) noexcept;
  void on_connection_up(uint16_t connection, uint64_t ticks) noexcept;
  void on_connection_lost(uint16_t connection, uint64_t ticks) noexcept;
  void on_connection_stale(uint16_t connection, uint64_t ticks) noexcept;

  // As L3Keeper's, for times when no message comes to tell it.
  void on_time(uint64_t ticks) noexcept;

  // What a book needs of its venue.
  std::optional<BookRequest> next_request() noexcept;

  size_t books() const noexcept { return table_.size(); }
  // Requires index < books().
  L3Keeper& keeper(uint32_t index) noexcept { return *keepers_[index]; }
  const L3Keeper& keeper(uint32_t index) const noexcept {
    return *keepers_[index];
  }

  // ---- Any thread ----------------------------------------------------------

  const InstrumentTable& instruments() const noexcept { return table_; }
  // As BookPipeline's. Requires index < books().
  void change_scales(size_t index, Scales scales) noexcept {
    table_.change_scales(index, scales);
  }
  L3FeedStatistics statistics() const noexcept {
    return {.frames = frames_.get(),
            .malformed = malformed_.get(),
            .drops = drops_.get(),
            .unknown_instrument = unknown_.get()};
  }

 private:
  L3Feed(const L3FeedOptions& options, const OrderFeed& feed,
         TradingObjectPools& pools, L3FeedListener* listener);

  ParsedMessage* acquire() noexcept override;
  void release(ParsedMessage* message) noexcept override;
  void emit(ParsedMessage* head, ParsedMessage* tail) noexcept override;

  void on_applied(const L3Keeper& keeper,
                  const ParsedMessageHeader& message) noexcept override;
  void on_state_changed(const L3Keeper& keeper) noexcept override;

  void make_keeper(const Instrument& instrument);
  void handle(const ParsedMessage& message) noexcept;
  ConnectionSequence& sequence(uint16_t connection) noexcept;
  template <class F>
  void for_connection(uint16_t connection, F&& f) noexcept;

  const L3FeedOptions options_;
  const OrderFeed& feed_;
  TradingObjectPools& pools_;
  L3FeedListener* const listener_;
  std::vector<std::unique_ptr<L3Keeper>> keepers_;  // by instrument
  InstrumentTable table_;
  std::unique_ptr<VenueParser> parser_;
  std::vector<ConnectionSequence> sequences_;  // by connection
  std::vector<bool> reconnecting_;             // likewise
  std::vector<std::unique_ptr<ParsedMessage>> messages_;
  std::vector<ParsedMessage*> free_;
  SingleWriterCounter frames_, malformed_, drops_, unknown_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_L3_FEED_H_
