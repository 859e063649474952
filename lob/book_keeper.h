// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// BookKeeper: one instrument's book with everything that decides whether it
// may be trusted: levels, synchronisation, state with reason, statistics, and
// the view that other threads read.
//
// Use it through a BookPipeline, which feeds many; alone in tests or where the
// caller has its own threads.
//
// Guarantee: state Live is published only while the venue's rule holds, the
// touch lies where every level is known, and no level was dropped for want of
// room; every fault publishes another state before on_message or on_* returns.
// Set-up allocates; the feeding functions do so only where a book outgrows
// L2BookOptions::overflow_levels (counted in L2Book::memory).
// Thread rules: one thread feeds (the book thread). `view` and `statistics`
// from any thread; `book` from the feeding thread, or while it rests.
// Cost: measured by book_pipeline_benchmark.
//
//   BookKeeper keeper(instrument, BookKeeperOptions(), &observer);
//   keeper.on_message(*parsed);
//   if (auto request = keeper.take_request()) fetch_snapshot(instrument);
//   BookView view = keeper.view();   // any thread
//   if (view.state == BookState::kLive) use(view.bids[0], view.asks[0]);

#ifndef WIREBOOK_LOB_BOOK_KEEPER_H_
#define WIREBOOK_LOB_BOOK_KEEPER_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "concurrency/seqlock.h"
#include "concurrency/single_writer_counter.h"
#include "lob/book_state.h"
#include "lob/chained_id_sync.h"
#include "lob/checksum_sync.h"
#include "lob/diff_buffer.h"
#include "lob/instrument.h"
#include "lob/kraken_checksum.h"
#include "lob/l2_book.h"
#include "lob/parsed_message.h"
#include "lob/price_level.h"
#include "lob/rest_snapshot_sync.h"

namespace wirebook {

inline constexpr size_t kBookViewDepth = 10;

// What readers on other threads see: the touch and what it is worth.
struct BookView {
  BookState state = BookState::kEmpty;
  BookReason reason = BookReason::kNone;
  Assurance assurance = Assurance::kPromised;
  int8_t price_scale = 0;
  int8_t quantity_scale = 0;
  uint8_t bid_count = 0;  // entries of bids and asks, best first
  uint8_t ask_count = 0;
  bool has_update_id = false;
  uint32_t instrument = kNoInstrument;
  uint64_t since_ticks = 0;      // TscClock: when the state began
  uint64_t receive_ticks = 0;    // TscClock: the last message heard
  int64_t exchange_time_ns = 0;  // UTC: the last message applied
  uint64_t update_id = 0;        // the venue's
  PriceLevel bids[kBookViewDepth] = {};
  PriceLevel asks[kBookViewDepth] = {};
};

struct BookStatistics {
  uint64_t updates_applied = 0;  // deltas, without snapshots
  uint64_t updates_dropped = 0;  // deltas that were heard and not applied
  uint64_t levels_applied = 0;   // of applied deltas
  uint64_t gaps = 0;             // times that something was missed
  uint64_t resyncs = 0;          // snapshots taken after the first
  uint64_t checksums_ok = 0;
  uint64_t checksums_bad = 0;
  uint64_t crossed = 0;
};

enum class BookRequestKind : uint8_t {
  kFetchSnapshot,
  kResubscribe,
  kReconnect,  // the venue ends the connection: close it and connect again
};

struct BookKeeperOptions {
  L2BookOptions book{};
  // Subscribed levels a side where the instrument says none; 0: unknown.
  int depth = 0;
  // Diffs kept while a snapshot is under way: the oldest go first.
  size_t buffered_diffs = 4096;
  size_t buffered_levels = 65536;
};

// Called on the feeding thread, after publication.
class BookKeeperObserver {
 public:
  virtual ~BookKeeperObserver() = default;
  // After each applied snapshot or update. `message` is its last part. `kept`:
  // it waited for a snapshot, and its levels are no longer there.
  virtual void on_applied(const class BookKeeper& keeper,
                          const ParsedMessage& message, bool kept) noexcept = 0;
  virtual void on_state_changed(const BookKeeper& keeper) noexcept = 0;
  // take_request has something.
  virtual void on_request(const BookKeeper& keeper) noexcept = 0;
};

class BookKeeper {
 public:
  // `instrument` and `observer` must outlive the keeper; `observer` may be
  // null.
  BookKeeper(const Instrument& instrument, const BookKeeperOptions& options,
             BookKeeperObserver* observer);

  BookKeeper(const BookKeeper&) = delete;
  BookKeeper& operator=(const BookKeeper&) = delete;

  // ---- The feeding thread --------------------------------------------------

  // One whole message about this instrument: `first` and the parts behind it,
  // of any kind, kMalformed only where it is an HTTP body: an answer that does
  // not serve. An HTTP body does not end Stale, and is passed over while it
  // lasts. After kShutdown nothing counts before on_connection_up.
  void on_message(const ParsedMessage& first) noexcept;

  // A frame that may have spoken of this book did not reach it.
  void on_fault(BookReason reason, uint64_t ticks) noexcept;

  void on_connection_up(uint64_t ticks) noexcept;
  void on_connection_lost(uint64_t ticks) noexcept;
  // The connection is mute beyond its deadline; the next message ends it.
  void on_connection_stale(uint64_t ticks) noexcept;
  // The connection itself spoke, of whatever.
  void on_connection_alive(uint64_t ticks) noexcept;

  BookState state() const noexcept { return view_.state; }
  BookReason reason() const noexcept { return view_.reason; }
  const L2Book& book() const noexcept { return book_; }
  // What view() gives once the message in hand is published; its levels are
  // those of book().
  const BookView& current() const noexcept { return view_; }

  // Up to this price all levels of a side are known, by the last snapshot or
  // because the other side's touch was there since; beyond it only those that
  // changed. When the touch comes near it, a snapshot is asked for and taken
  // while the book stays Live. While the best price is beyond it, or gone, the
  // book is not Live but Gapped{beyond_snapshot}: diffs go on, and a touch that
  // is known again, or a newer snapshot, ends it. Nothing for a side that has
  // no horizon: the snapshot had no level there and so told it whole, or the
  // subscribed depth is all.
  std::optional<int64_t> known_horizon(Side side) const noexcept;
  // How many of a side's levels, best first, lie where all are known. A view
  // has no others.
  size_t known(Side side, std::span<const PriceLevel> levels) const noexcept {
    return horizon_[static_cast<size_t>(side)] ? within_horizon(side, levels)
                                               : levels.size();
  }
  // The best levels that are known, best first, as many as `out` takes; how
  // many. Up to kBookViewDepth they lie ready to copy after each message.
  size_t top(Side side, std::span<PriceLevel> out) const noexcept {
    if (out.size() <= kBookViewDepth &&
        !top_changed_[static_cast<size_t>(side)]) [[likely]] {
      const bool bid = side == Side::kBid;
      const size_t count =
          std::min<size_t>(out.size(), bid ? view_.bid_count : view_.ask_count);
      std::copy_n(bid ? view_.bids : view_.asks, count, out.data());
      return count;
    }
    return known(side, out.first(book_.top(side, out)));
  }

  // ---- Any thread ----------------------------------------------------------

  const Instrument& instrument() const noexcept { return instrument_; }
  BookView view() const noexcept;
  BookStatistics statistics() const noexcept;

  // What the book needs from its venue, at most one at a time; taking it
  // clears it. One thread takes.
  std::optional<BookRequestKind> take_request() noexcept;

 private:
  void on_rest_message(const ParsedMessage& first) noexcept;
  void on_rest_diff(const ParsedMessage& first) noexcept;
  void on_rest_snapshot(const ParsedMessage& first) noexcept;
  void offer_kept() noexcept;
  void refill(const ParsedMessage& first) noexcept;
  bool kept_continue(uint64_t id) const noexcept;
  void tell_without_levels(const ParsedMessageHeader& header) noexcept;
  void keep(const ParsedMessage& first) noexcept;
  void on_stream_message(const ParsedMessage& first) noexcept;
  bool may_apply(const ParsedMessage& first) noexcept;
  void on_notice(const ParsedMessage& message) noexcept;
  void load_snapshot(const ParsedMessage& first) noexcept;
  void apply_delta(const ParsedMessage& first) noexcept;
  bool reaches_top(Side side,
                   std::span<const PriceLevel> changes) const noexcept;
  bool read_top() noexcept;
  size_t within_horizon(Side side,
                        std::span<const PriceLevel> levels) const noexcept;
  enum class Sum : uint8_t { kNone, kAgrees, kDisagrees, kMissing };
  Sum sum_of(const ParsedMessage& message, bool top_changed) noexcept;
  bool touch_is_known() noexcept;
  bool touch_is_near_horizon() const noexcept;
  void ask_for_refill() noexcept;
  bool beyond_snapshot() const noexcept;
  bool scales_match(const ParsedMessageHeader& message) const noexcept;
  void enter(BookState state, BookReason reason) noexcept;
  void fail(BookState state, BookReason reason) noexcept;
  void restart() noexcept;
  void request() noexcept;
  void request(BookRequestKind kind) noexcept;
  void withdraw_reconnect() noexcept;
  void applied(const ParsedMessage& message, bool kept) noexcept;
  void publish() noexcept;
  void announce() noexcept;

  const Instrument& instrument_;
  const VenueTraits& traits_;
  BookKeeperObserver* const observer_;
  L2Book book_;
  RestSnapshotSync rest_;
  ChainedIdSync chain_;
  ChecksumSync checksum_;
  KrakenChecksum sum_;
  DiffBuffer kept_;
  ParsedMessage kept_message_;  // what observers see of a kept diff
  BookView view_;  // the feeding thread's copy of what is published
  // The book's own best levels in view_, bids and asks: its counts may be less,
  // by the horizon. Where the book changed since, `top_changed_`.
  uint8_t top_count_[2] = {};
  bool top_changed_[2] = {};
  uint64_t now_ticks_ = 0;  // receive time of what is being handled
  bool state_changed_ = false;
  bool had_snapshot_ = false;
  bool closing_ =
      false;  // the venue said so: nothing of this connection counts
  // The venue said that it stands still; what it sends all the same is no
  // market.
  bool venue_halted_ = false;
  bool asked_ = false;  // a request is out and not answered yet
  // A snapshot is asked for while diffs go on; kept_ has those since.
  bool refilling_ = false;
  BookState before_stale_ = BookState::kEmpty;
  BookReason reason_before_stale_ = BookReason::kNone;
  std::optional<int64_t> horizon_[2];  // bids, asks
  int64_t near_[2] = {};               // prices on the way to it: refill
  uint64_t dropped_before_ = 0;        // the book's count before its snapshot

  SingleWriterCounter updates_applied_, updates_dropped_, levels_applied_,
      gaps_, resyncs_, checksums_ok_, checksums_bad_, crossed_;
  // 0: none; otherwise BookRequestKind + 1.
  std::atomic<uint8_t> request_{0};
  Seqlock<BookView> published_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_BOOK_KEEPER_H_
