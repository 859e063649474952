// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// BookPipeline: from raw messages of one venue to verified books, for one
// network thread; fused on that thread, or staged over one or two more.
//
// Fused: on_message parses, applies and publishes before it returns. Best where
// cores are few; lowest latency while messages are small and far apart.
// Staged: on_message puts a pointer into a ring; a parser thread makes a
// ParsedMessage of it and hands that to a book thread, which applies, publishes
// and gives both back. Best where bursts must not delay the wire.
// Two threads: on_message parses, the book thread does the rest. What staged is
// where there are but two cores.
// All give byte-identical books.
//
// Guarantee: once warm, no heap allocation, no lock and no page fault on any of
// the threads; with WaitMode::kSpin no system call either. A message that could
// not be taken is counted and makes the books of its connection
// Gapped{internal_drop}; nothing is lost in silence.
// A connection is any number that the caller gives it. With several lines, each
// book is heard on as many connections and merged by the venue's ids: the
// faster line wins, and a fault on one of them does not touch the book.
// Thread rules: one network thread calls on_message, on_connection_*,
// next_request, drain, stop. expect_instrument, views and statistics: any
// thread. Listeners run on the book thread (fused: the network thread).
//
//   auto pipeline = BookPipeline::create({.venue = VenueId::kKraken}, &pool,
//                                        &listener);
//   (*pipeline)->expect_instrument("BTC/USD", "spot", /*connection=*/0, 25);
//   (*pipeline)->on_connection_up(0);
//   (*pipeline)->on_message(raw);              // takes it, gives it back
//   while (auto request = (*pipeline)->next_request()) serve(*request);
//   BookView view = (*pipeline)->book(0).view();

#ifndef WIREBOOK_LOB_BOOK_PIPELINE_H_
#define WIREBOOK_LOB_BOOK_PIPELINE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "concurrency/latency_histogram.h"
#include "lob/book_keeper.h"
#include "lob/instrument.h"
#include "lob/instrument_books.h"
#include "lob/line_arbiter.h"
#include "lob/parsed_message.h"
#include "lob/pipeline_waiter.h"
#include "lob/venue.h"
#include "net/raw_message.h"
#include "net/raw_message_pool.h"

namespace wirebook {

enum class PipelineMode : uint8_t {
  kFused,       // the network thread does all
  kStaged,      // it hands bytes to a parser thread, and that to a book thread
  kTwoThreads,  // it parses, and hands messages to a book thread
};

// What on_message does when the ring or the pool has no room.
enum class FullPolicy : uint8_t {
  kDrop,  // a live feed: count it, gap the connection's books
  kWait,  // a replay: the source can wait
};

struct BookPipelineOptions {
  VenueId venue = VenueId::kBinanceSpot;
  PipelineMode mode = PipelineMode::kFused;
  WaitMode wait = WaitMode::kAdaptive;
  FullPolicy full = FullPolicy::kDrop;
  size_t ring_capacity = 4096;    // raw messages on their way to the parser
  size_t parsed_messages = 1024;  // 8.3 KiB each
  size_t max_books = 256;
  // Connections that carry each book's stream, 1, 2, 4 or 8; more than 1 where
  // VenueTraits::shared_ids. Messages and on_connection_* name the connection
  // c * lines + line, expect_instrument and BookRequest the book's, c.
  size_t lines = 1;
  // How long a hole on one line waits for the others, in TscClock ticks: some
  // 0.2 s.
  uint64_t line_patience_ticks = uint64_t{1} << 29;
  // Books for symbols that nobody announced by expect_instrument, made when a
  // depth message names one. A live node turns it off.
  bool discover_instruments = true;
  // Pins the pipeline's own threads; -1: anywhere.
  int parser_cpu = -1;
  int book_cpu = -1;
  BookKeeperOptions keeper{};
};

struct PipelineStatistics {
  uint64_t frames = 0;     // handed to on_message
  uint64_t malformed = 0;  // of them
  uint64_t ignored = 0;    // well-formed, and nothing to a book
  uint64_t ring_full_drops = 0;
  uint64_t parsed_pool_drops = 0;   // no ParsedMessage was free
  uint64_t unknown_instrument = 0;  // depth messages without a book
  // By parser and book threads on messages for a book that was Live; zero
  // too where the binary does not count (memory/allocation_counter.h).
  uint64_t hot_path_heap_allocations = 0;
  uint64_t measured_levels = 0;  // levels of the messages in the histogram
};

class BookPipeline {
 public:
  // `pool` and `listener` must outlive the pipeline and may be null; without a
  // pool the caller gets no message back and owns them until drain().
  // Fails for a venue without a parser, or options out of range.
  static absl::StatusOr<std::unique_ptr<BookPipeline>> create(
      const BookPipelineOptions& options, RawMessagePool* pool,
      BookPipelineListener* listener);

  // Stops the threads.
  ~BookPipeline();

  BookPipeline(const BookPipeline&) = delete;
  BookPipeline& operator=(const BookPipeline&) = delete;

  // A book that shall exist; returns its index, the tag of its HTTP bodies. An
  // empty market means the venue's own; depth 0 means unlimited or unknown.
  absl::StatusOr<uint32_t> expect_instrument(std::string_view symbol,
                                             std::string_view market,
                                             uint16_t connection, int depth);
  // As its fields say; the pipeline's venue is its own.
  absl::StatusOr<uint32_t> expect_instrument(Instrument instrument);

  // ---- The network thread --------------------------------------------------

  // Takes a message and gives it back to the pool when done. A REST snapshot
  // is a message of kind kHttpBody whose tag is the instrument's index.
  void on_message(RawMessage* message) noexcept;

  // In stream order with the messages.
  void on_connection_up(uint16_t connection) noexcept;
  void on_connection_lost(uint16_t connection) noexcept;
  // Nothing was heard for longer than the venue's heartbeat allows.
  void on_connection_stale(uint16_t connection) noexcept;

  // What a book needs from its venue, none if none does. The caller serves it
  // within the venue's request limits; a request is repeated only by a new
  // fault or an answer that does not serve.
  std::optional<BookRequest> next_request() noexcept;

  // Returns once everything handed in is applied; unless fused it waits for
  // the threads. Fails after stop().
  absl::Status drain();

  // Applies what was handed in and ends the threads. Idempotent. Nothing may
  // be handed in afterwards.
  void stop();

  // ---- Any thread ----------------------------------------------------------

  VenueId venue() const noexcept;
  size_t book_count() const noexcept;
  // Requires index < book_count(). Its book() only after drain() or stop().
  const BookKeeper& book(size_t index) const noexcept;
  const InstrumentTable& instruments() const noexcept;
  // The decimals that the instrument's messages are read with from now on. A
  // book that has others is Gapped{scale_changed} by its next message and asks
  // for a snapshot, which brings it back with them. Kraken's snapshots say
  // themselves. Requires index < book_count().
  void change_scales(size_t index, Scales scales) noexcept;
  PipelineStatistics statistics() const noexcept;
  size_t lines() const noexcept;  // as in the options
  // Who won, of a book with several lines. Requires index < book_count() and
  // line < lines; all 0 where lines is 1.
  LineStatistics line_statistics(size_t index, size_t line) const noexcept;
  // From before the first payload byte is parsed until the book is published,
  // in TscClock ticks; only messages as of on_depth_applied that did not wait
  // for a snapshot. Stable after drain() or stop().
  const LatencyHistogram& frame_to_book_ticks() const noexcept;

 private:
  class Impl;
  explicit BookPipeline(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_BOOK_PIPELINE_H_
