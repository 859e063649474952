// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// L3Keeper: one instrument's book of single orders with everything that decides
// whether it may be trusted: what book_keeper is for levels.
//
// Use it through an L3Feed, which parses and feeds many; alone in tests. For
// channels of levels, book_keeper. State, reason, assurance, view, statistics
// and requests are the same types with the same meaning; synchronisation is
// order_sync's, and what the venue's channel has of it is its row in
// order_feed.h.
//
// Guarantee: state Live is published only while the channel's rule holds, no
// message contradicted the book (an order that comes twice, or that is not
// there, or has less than it loses, or rests on the other side), the venue's
// sum agrees where there is one, and the book is not crossed. Every fault
// publishes another state before on_message or on_* returns.
// Thread rules: one thread feeds. `view`, `statistics`, `watch` and `watched`
// from any thread, wait-free for the feeding one; `book` from the feeding
// thread, or while it rests.
// Cost: l3_book's an order, order_id_table's where ids are wide, and for each
// message a copy of the best ten levels.
//
//   L3Keeper keeper(instrument, *find_order_feed(instrument.venue), pools, {},
//                   &observer);
//   keeper.on_message(*parsed);
//   if (auto request = keeper.take_request()) fetch_snapshot(instrument);
//   BookView view = keeper.view();                        // any thread
//   keeper.watch(0, my_order);                            // any thread
//   if (auto mine = keeper.watched(0)) use(mine->orders_ahead);

#ifndef WIREBOOK_LOB_L3_KEEPER_H_
#define WIREBOOK_LOB_L3_KEEPER_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "concurrency/seqlock.h"
#include "concurrency/single_writer_counter.h"
#include "lob/book_keeper.h"
#include "lob/book_state.h"
#include "lob/instrument.h"
#include "lob/l3_book.h"
#include "lob/order_event.h"
#include "lob/order_feed.h"
#include "lob/order_id_table.h"
#include "lob/order_sync.h"
#include "lob/parsed_message.h"
#include "lob/trading_object_pools.h"

namespace wirebook {

struct L3KeeperOptions {
  L3BookOptions book{};
  // Subscribed levels a side where the instrument says none; 0: unknown.
  int depth = 0;
  // Kept while a snapshot is under way; when there is no room for one more, the
  // stretch begins anew with it.
  size_t buffered_messages = 65'536;
  size_t buffered_orders = 65'536;
  // How long a snapshot may be on its way before it is asked for again, in
  // TscClock ticks: some 15 s.
  uint64_t patience_ticks = uint64_t{1} << 35;
};

// A watched order, as it was after the message of `receive_ticks`.
struct WatchedOrder {
  OrderId id{};
  BookState state = BookState::kEmpty;  // of the book: the rest is worth that
  bool rests = false;                   // what follows is 0 if not
  Side side = Side::kBid;
  int64_t price = 0;
  int64_t quantity = 0;
  uint64_t orders_ahead = 0;
  int64_t quantity_ahead = 0;
  uint64_t receive_ticks = 0;
};

namespace l3_keeper_internal {

// `turn` counts watch()es of a slot: an answer belongs to one.
struct Wanted {
  OrderId id{};
  uint64_t turn = 0;
};
struct Answer {
  WatchedOrder order{};
  uint64_t turn = 0;
};

}  // namespace l3_keeper_internal

// Called on the feeding thread, after publication.
class L3KeeperObserver {
 public:
  virtual ~L3KeeperObserver() = default;
  // After each snapshot or message that was applied and not found wrong; behind
  // on_state_changed where that is called too.
  virtual void on_applied(const class L3Keeper& keeper,
                          const ParsedMessageHeader& message) noexcept = 0;
  virtual void on_state_changed(const L3Keeper& keeper) noexcept = 0;
};

class L3Keeper {
 public:
  static constexpr size_t kWatches = 4;

  // `instrument`, `feed`, `pools` and `observer` must outlive the keeper;
  // `observer` may be null.
  L3Keeper(const Instrument& instrument, const OrderFeed& feed,
           TradingObjectPools& pools, const L3KeeperOptions& options,
           L3KeeperObserver* observer);

  L3Keeper(const L3Keeper&) = delete;
  L3Keeper& operator=(const L3Keeper&) = delete;

  // ---- The feeding thread: as BookKeeper's ---------------------------------

  void on_message(const ParsedMessage& first) noexcept;
  void on_fault(BookReason reason, uint64_t ticks) noexcept;
  void on_connection_up(uint64_t ticks) noexcept;
  void on_connection_lost(uint64_t ticks) noexcept;
  void on_connection_stale(uint64_t ticks) noexcept;
  void on_connection_alive(uint64_t ticks) noexcept;
  // So late is it: a snapshot that is overdue is asked for again, once in
  // patience_ticks.
  void on_time(uint64_t ticks) noexcept;

  BookState state() const noexcept { return view_.state; }
  BookReason reason() const noexcept { return view_.reason; }
  // Worth what state() says. Ids are the venue's, or book_id()'s.
  const L3Book& book() const noexcept { return book_; }
  // The book's id of a venue's order; nothing for one that is not known.
  std::optional<uint64_t> book_id(OrderId id) const noexcept;
  // The venue's id of an order that rests.
  OrderId venue_id(uint64_t book_id) const noexcept {
    return feed_.wide_ids ? names_.id(book_id) : OrderId{0, book_id};
  }

  // ---- Any thread ----------------------------------------------------------

  const Instrument& instrument() const noexcept { return instrument_; }
  BookView view() const noexcept;
  // levels_applied counts orders.
  BookStatistics statistics() const noexcept;
  std::optional<BookRequestKind> take_request() noexcept;

  // From the next message on watched(slot) says where the order stands: a walk
  // of those ahead of it for each message. One thread a slot; slot < kWatches.
  void watch(size_t slot, OrderId id) noexcept;
  void unwatch(size_t slot) noexcept;
  // Nothing before the first message after watch().
  std::optional<WatchedOrder> watched(size_t slot) const noexcept;

 private:
  struct Kept {
    ParsedMessageHeader header;
    size_t orders = 0;
  };
  using Wanted = l3_keeper_internal::Wanted;
  using Answer = l3_keeper_internal::Answer;

  static OrderSync::Mark mark_of(const ParsedMessageHeader& header) noexcept;
  void on_update(const ParsedMessage& first) noexcept;
  void on_snapshot(const ParsedMessage& first) noexcept;
  bool load(const ParsedMessage& first) noexcept;
  void offer_kept() noexcept;
  void keep(const ParsedMessage& first) noexcept;
  void forget_kept() noexcept;
  void on_refused(const ParsedMessage& message) noexcept;
  void on_subscribed(const ParsedMessage& message) noexcept;
  void on_notice(const ParsedMessage& message) noexcept;
  BookReason apply(const OrderEvent& event, bool loosely) noexcept;
  BookReason add(const OrderEvent& event) noexcept;
  BookReason change(uint64_t id, const OrderNode& order,
                    const OrderEvent& event) noexcept;
  void cancel(uint64_t id) noexcept;
  void truncate(Side side) noexcept;
  void settle(const ParsedMessageHeader& message) noexcept;
  bool sum_agrees(const ParsedMessageHeader& message) noexcept;
  bool touch_is_sound() noexcept;
  bool scales_match(const ParsedMessageHeader& message) const noexcept;
  void restart() noexcept;
  void fail(BookState state, BookReason reason) noexcept;
  void enter(BookState state, BookReason reason) noexcept;
  void request() noexcept;
  void request(BookRequestKind kind) noexcept;
  void withdraw_reconnect() noexcept;
  void publish() noexcept;
  void answer_watches() noexcept;

  const Instrument& instrument_;
  const OrderFeed& feed_;
  L3KeeperObserver* const observer_;
  L3Book book_;
  OrderIdTable names_;
  OrderSync sync_;
  const size_t buffered_messages_;
  const size_t buffered_orders_;
  const uint64_t patience_ticks_;
  std::vector<Kept> kept_;
  std::vector<OrderEvent> kept_orders_;
  std::vector<uint64_t> truncated_;  // scratch
  BookView view_;
  uint64_t now_ticks_ = 0;
  uint64_t asked_ticks_ = 0;  // since then a snapshot is to come
  size_t depth_ = 0;          // levels a side; 0: unknown
  int crossed_for_ = 0;
  bool state_changed_ = false;
  bool had_snapshot_ = false;
  bool closing_ = false;
  bool venue_halted_ = false;
  bool asked_ = false;
  BookState before_stale_ = BookState::kEmpty;
  BookReason reason_before_stale_ = BookReason::kNone;

  SingleWriterCounter updates_applied_, updates_dropped_, orders_applied_,
      gaps_, resyncs_, checksums_ok_, checksums_bad_, crossed_;
  // 0: none; otherwise BookRequestKind + 1.
  std::atomic<uint8_t> request_{0};
  Seqlock<BookView> published_;
  // Bit s: slot s is watched.
  std::atomic<uint32_t> watches_{0};
  std::array<Seqlock<Wanted>, kWatches> wanted_;
  std::array<Seqlock<Answer>, kWatches> answers_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_L3_KEEPER_H_
