// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// InstrumentBooks: the books of one venue's instruments, and what their
// connections' frames, events and losses mean to them.
//
// Use it inside a BookPipeline, which brings it parsed frames on whichever
// thread the books are. Here is neither a thread nor a ring.
//
// Guarantee: a frame or a loss that no book can be told of by name concerns all
// books of its connection. Once warm, no allocation and no lock.
// Thread rules: one thread feeds; one, the network thread, calls next_request
// and on_reconnected; table, views and statistics: any thread.
// Cost: a frame's is its parser's and its books'; an event or a loss walks all
// instruments.
//
//   InstrumentBooks books({.venue = VenueId::kKraken}, &listener);
//   books.table().find_or_add(make_instrument(VenueId::kKraken, "BTC/USD", 0));
//   books.on_connection_up(0, ticks);
//   books.on_frame(parsed, /*allocations=*/0);
//   while (auto request = books.next_request()) serve(*request);

#ifndef WIREBOOK_LOB_INSTRUMENT_BOOKS_H_
#define WIREBOOK_LOB_INSTRUMENT_BOOKS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "concurrency/latency_histogram.h"
#include "concurrency/single_writer_counter.h"
#include "lob/book_keeper.h"
#include "lob/book_lines.h"
#include "lob/book_state.h"
#include "lob/connection_sequence.h"
#include "lob/instrument.h"
#include "lob/line_arbiter.h"
#include "lob/parsed_message.h"
#include "lob/venue.h"
#include "memory/cache_line.h"

namespace wirebook {

// Called on the feeding thread, after publication, outside the measured time.
class BookPipelineListener {
 public:
  virtual ~BookPipelineListener() = default;
  // After every depth message that left its book Live, or, with nothing missed,
  // Gapped{beyond_snapshot}; `message` is its last part. The levels of one that
  // waited for a snapshot are no longer there.
  virtual void on_depth_applied(const BookKeeper&, const ParsedMessage&) {}
  virtual void on_state_changed(const BookKeeper&) {}
  // Best bid/offer, trades, heartbeats, status: what is not depth. With several
  // lines trades and best bids and offers that have numbers come once.
  virtual void on_other(const ParsedMessage&) {}
};

struct BookRequest {
  BookRequestKind kind;  // kReconnect: once a connection, until it is up again
  uint32_t instrument;
  uint16_t connection;
};

// As BookPipelineOptions has them.
struct InstrumentBooksOptions {
  VenueId venue = VenueId::kBinanceSpot;
  size_t max_books = 256;
  size_t lines = 1;
  uint64_t line_patience_ticks = uint64_t{1} << 29;
  BookKeeperOptions keeper{};
};

struct InstrumentBooksStatistics {
  uint64_t malformed = 0;  // frames
  uint64_t ignored = 0;    // well-formed, and nothing to a book
  // On messages for a book that was Live, by their parser and here; zero too
  // where the binary does not count (memory/allocation_counter.h).
  uint64_t hot_path_heap_allocations = 0;
  uint64_t measured_levels = 0;  // of the messages in the histogram
};

class InstrumentBooks final : private BookKeeperObserver {
 public:
  // `listener` must outlive it and may be null. Requires lines to be 1, 2, 4 or
  // 8.
  InstrumentBooks(const InstrumentBooksOptions& options,
                  BookPipelineListener* listener);

  // ---- The feeding thread --------------------------------------------------

  // A frame's messages, each of one or more parts. `allocations`: the parser's,
  // for all of them.
  void on_frame(ParsedMessage* head, uint32_t allocations) noexcept;
  void on_connection_up(uint16_t connection, uint64_t ticks) noexcept;
  void on_connection_lost(uint16_t connection, uint64_t ticks) noexcept;
  void on_connection_stale(uint16_t connection, uint64_t ticks) noexcept;
  // A frame of the connection was lost on its way to us, or within.
  void on_fault(BookReason reason, uint16_t connection,
                uint64_t ticks) noexcept;

  // ---- The network thread --------------------------------------------------

  std::optional<BookRequest> next_request() noexcept;
  // The next kReconnect of the book's connection is a new one.
  void on_reconnected(uint16_t connection) noexcept {
    reconnecting_[lines_.book_connection(connection)] = 0;
  }

  // ---- Any thread ----------------------------------------------------------

  InstrumentTable& table() noexcept { return table_; }
  const InstrumentTable& table() const noexcept { return table_; }
  // Requires index < table().size().
  const BookKeeper& keeper(size_t index) const noexcept {
    return *keepers_[index];
  }
  int line_bits() const noexcept { return lines_.line_bits(); }
  LineStatistics line_statistics(size_t index, size_t line) const noexcept {
    return lines_.statistics(index, line);
  }
  InstrumentBooksStatistics statistics() const noexcept;
  // BookPipeline::frame_to_book_ticks().
  const LatencyHistogram& frame_to_book_ticks() const noexcept {
    return frame_to_book_ticks_;
  }

 private:
  void check_sequence(const ParsedMessage& head) noexcept;
  void on_message(ParsedMessage& message) noexcept;
  void on_depth(ParsedMessage& message) noexcept;
  void on_malformed(const ParsedMessage& message) noexcept;
  void on_notice(const ParsedMessage& message) noexcept;
  void revive(uint16_t connection, uint64_t ticks) noexcept;
  template <class F>
  void for_connection(uint16_t connection, F&& f) noexcept;

  void on_applied(const BookKeeper& keeper, const ParsedMessage& message,
                  bool kept) noexcept override;
  void on_state_changed(const BookKeeper& keeper) noexcept override;
  void on_request(const BookKeeper& keeper) noexcept override;

  const BookKeeperOptions keeper_options_;
  BookPipelineListener* const listener_;
  const std::unique_ptr<std::unique_ptr<BookKeeper>[]> keepers_;
  InstrumentTable table_;
  BookLines lines_;

  // Network thread.
  std::vector<uint8_t> reconnecting_;  // by connection: kReconnect was given
  uint64_t seen_ = 0;                  // of raised_
  size_t cursor_ = 0;
  bool scanning_ = false;

  // Feeding thread.
  alignas(kCacheLineBytes) std::atomic<uint64_t> raised_{0};  // requests so far
  uint64_t allocations_mark_ = 0;
  uint32_t parse_allocations_ = 0;
  size_t levels_in_hand_ = 0;
  bool any_stale_ = false;
  std::vector<ConnectionSequence> sequences_;  // by connection
  alignas(kCacheLineBytes) SingleWriterCounter malformed_;
  alignas(kCacheLineBytes) SingleWriterCounter ignored_;
  alignas(kCacheLineBytes) SingleWriterCounter hot_allocations_;
  alignas(kCacheLineBytes) SingleWriterCounter measured_levels_;
  LatencyHistogram frame_to_book_ticks_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_INSTRUMENT_BOOKS_H_
