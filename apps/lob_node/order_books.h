// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// What a BookPipeline is for a venue's levels, for its single orders: an L3Feed
// with its pools, that takes messages and gives them back, measures, and
// counts. Member functions have BookPipeline's names and meaning, so that a
// session and a report treat both alike; what is written of levels is
// levels_of(book).
//
// Thread rules: as BookPipeline's, fused: all is done on the network thread.
//
//   auto books = OrderBooks::create(VenueId::kBitstamp, 1, &pool, nullptr);
//   (*books)->expect_instrument(make_instrument(VenueId::kBitstamp, "btcusd",
//   0));
//   (*books)->on_message(raw);
//   BookView view = (*books)->book(0).view();

#ifndef WIREBOOK_APPS_LOB_NODE_ORDER_BOOKS_H_
#define WIREBOOK_APPS_LOB_NODE_ORDER_BOOKS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "concurrency/latency_histogram.h"
#include "concurrency/single_writer_counter.h"
#include "lob/book_pipeline.h"
#include "lob/instrument.h"
#include "lob/l2_book.h"
#include "lob/l3_feed.h"
#include "lob/l3_keeper.h"
#include "lob/parsed_message.h"
#include "lob/trading_object_pools.h"
#include "lob/venue.h"
#include "net/raw_message.h"
#include "net/raw_message_pool.h"

namespace wirebook {

class OrderBooks final : private L3FeedListener {
 public:
  // Fails for a venue that does not tell single orders. `pool` and `listener`
  // outlive it; `listener` may be null.
  static absl::StatusOr<std::unique_ptr<OrderBooks>> create(
      VenueId venue, std::size_t max_books, RawMessagePool* pool,
      L3FeedListener* listener);

  absl::StatusOr<std::uint32_t> expect_instrument(Instrument instrument);

  // ---- The network thread --------------------------------------------------

  void on_message(RawMessage* message) noexcept;
  void on_connection_up(std::uint16_t connection) noexcept;
  void on_connection_lost(std::uint16_t connection) noexcept;
  void on_connection_stale(std::uint16_t connection) noexcept;
  // Now and then: a snapshot that does not come is asked for again.
  void on_time() noexcept;
  std::optional<BookRequest> next_request() noexcept;
  // What the listener is told of.
  const RawMessage& in_hand() const noexcept { return *in_hand_; }
  absl::Status drain() { return absl::OkStatus(); }
  void stop() {}

  // ---- Any thread ----------------------------------------------------------

  std::size_t book_count() const noexcept { return feed_->books(); }
  // Requires index < book_count(). Its book() once the network thread is over.
  const L3Keeper& book(std::size_t index) const noexcept;
  const InstrumentTable& instruments() const noexcept {
    return feed_->instruments();
  }
  void change_scales(std::size_t index, Scales scales) noexcept {
    feed_->change_scales(index, scales);
  }
  std::size_t lines() const noexcept { return 1; }
  // measured_levels counts orders.
  PipelineStatistics statistics() const noexcept;
  const LatencyHistogram& frame_to_book_ticks() const noexcept {
    return frame_to_book_;
  }

 private:
  OrderBooks(RawMessagePool* pool, L3FeedListener* listener)
      : pool_(pool), listener_(listener) {}

  void on_orders_applied(const L3Keeper& keeper,
                         const ParsedMessageHeader& message) override;
  void on_state_changed(const L3Keeper& keeper) override;
  void on_other(const ParsedMessage& message) override;
  // What the listener allocates is its own affair.
  template <class F>
  void tell(F&& f);

  RawMessagePool* const pool_;
  L3FeedListener* const listener_;
  TradingObjectPools pools_;
  std::unique_ptr<L3Feed> feed_;
  const RawMessage* in_hand_ = nullptr;
  std::uint64_t began_ticks_ = 0;
  std::uint64_t allocations_mark_ = 0;
  bool measures_ = false;
  bool was_live_ = false;
  std::vector<std::uint64_t> orders_applied_;  // by instrument, so far
  LatencyHistogram frame_to_book_;
  SingleWriterCounter measured_orders_, hot_allocations_;
};

// The levels of a book of orders. Once its thread is over.
std::unique_ptr<L2Book> levels_of(const L3Keeper& keeper);

}  // namespace wirebook

#endif  // WIREBOOK_APPS_LOB_NODE_ORDER_BOOKS_H_
