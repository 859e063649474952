// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// L3Snapshots: whole books of orders for readers on other threads, every order
// of one moment by price and time, copied on the feeding thread when asked for
// and handed over by RCU.
//
// Use it for what wants the queues now and then: research, a display, an audit.
// One order's place at any time: L3Keeper::watch. The top ten levels:
// L3Keeper::view. For books of levels, book_snapshots.
//
// Guarantee and thread rules: as BookSnapshots', with the feed's thread in the
// place of the book thread. A book that is not Live has no orders here.
// Cost: a load per message; a copy, which allocates, per request: 40 bytes an
// order. Old snapshots are freed by rcu_retire on the feeding thread.
//
//   L3Snapshots snapshots(/*max_books=*/64, &next);  // next: or nullptr
//   auto feed = L3Feed::create(options, pools, &snapshots);
//   snapshots.request(index);                        // any thread
//   ...
//   const RcuReadGuard region;
//   if (const L3Snapshot* book = snapshots.load(index)) print(book->bids);

#ifndef WIREBOOK_LOB_L3_SNAPSHOTS_H_
#define WIREBOOK_LOB_L3_SNAPSHOTS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lob/book_snapshots.h"
#include "lob/l3_feed.h"
#include "lob/l3_keeper.h"
#include "lob/order_event.h"
#include "lob/parsed_message.h"

namespace wirebook {

struct L3SnapshotOrder {
  OrderId id{};  // the venue's
  int64_t price = 0;
  int64_t quantity = 0;
  int64_t time_ns = 0;  // UTC, 0 if not said
  friend bool operator==(const L3SnapshotOrder&,
                         const L3SnapshotOrder&) = default;
};

struct L3Snapshot : SnapshotHeader {
  using SnapshotHeader::SnapshotHeader;
  std::vector<L3SnapshotOrder> bids{};  // best price first, then by time
  std::vector<L3SnapshotOrder> asks{};
};

class L3Snapshots final : public L3FeedListener {
 public:
  // `next` hears everything too; it may be null and must outlive this.
  L3Snapshots(size_t max_books, L3FeedListener* next);

  // ---- Any thread: requires index < max_books -------------------------------

  // A fresh snapshot after the book's next message. Many requests are one.
  void request(size_t index) noexcept { slots_.request(index); }

  // The newest, null before the first; valid until the region's end.
  const L3Snapshot* load(size_t index) const noexcept {
    return slots_.load(index);
  }

  // ---- The feeding thread ---------------------------------------------------

  void on_orders_applied(const L3Keeper& keeper,
                         const ParsedMessageHeader& message) override;
  void on_state_changed(const L3Keeper& keeper) override;
  void on_other(const ParsedMessage& message) override;

 private:
  SnapshotSlots<L3Snapshot> slots_;
  L3FeedListener* const next_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_L3_SNAPSHOTS_H_
