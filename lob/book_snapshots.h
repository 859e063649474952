// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// BookSnapshots: whole books for readers on other threads, all levels of one
// moment, copied on the book thread when asked for and handed over by RCU.
//
// Use it for what wants depth now and then: risk, a display, an HTTP answer.
// The top ten at any time: BookKeeper::view. Each change: market_feed.
//
// Guarantee: readers are wait-free and never delay the book thread; a snapshot
// is a Live book as it was after one message, or has no levels and says what
// the book is instead. When a book stops being Live, its snapshot is replaced
// before the book thread goes on.
// Thread rules: the pipeline's book thread calls on_*; request and load from
// any thread.
// Cost: a load per message; a copy, which allocates, per request: 16 bytes a
// level. Old snapshots are freed by rcu_retire on the book thread.
//
//   BookSnapshots snapshots(/*max_books=*/256, &next);  // next: or nullptr
//   auto pipeline = BookPipeline::create(options, &pool, &snapshots);
//   snapshots.request(index);                           // any thread
//   ...
//   const RcuReadGuard region;
//   if (const BookSnapshot* book = snapshots.load(index)) print(book->bids);

#ifndef WIREBOOK_LOB_BOOK_SNAPSHOTS_H_
#define WIREBOOK_LOB_BOOK_SNAPSHOTS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "concurrency/rcu.h"
#include "concurrency/rcu_ptr.h"
#include "lob/book_keeper.h"
#include "lob/book_pipeline.h"
#include "lob/book_state.h"
#include "lob/instrument.h"
#include "lob/parsed_message.h"
#include "lob/price_level.h"

namespace wirebook {

// What a snapshot is of, and worth.
struct SnapshotHeader {
  explicit SnapshotHeader(const BookView& view) noexcept
      : instrument(view.instrument),
        state(view.state),
        reason(view.reason),
        assurance(view.assurance),
        price_scale(view.price_scale),
        quantity_scale(view.quantity_scale),
        has_update_id(view.has_update_id),
        update_id(view.update_id),
        receive_ticks(view.receive_ticks),
        exchange_time_ns(view.exchange_time_ns) {}

  uint32_t instrument;
  BookState state;
  BookReason reason;
  Assurance assurance;
  int8_t price_scale;  // decimals
  int8_t quantity_scale;
  bool has_update_id;
  uint64_t update_id;        // the venue's
  uint64_t receive_ticks;    // TscClock: the message after which it stood
  int64_t exchange_time_ns;  // UTC
};

struct BookSnapshot : SnapshotHeader {
  using SnapshotHeader::SnapshotHeader;
  std::vector<PriceLevel> bids{};  // those that are known, best first
  std::vector<PriceLevel> asks{};
};

// Each book's newest snapshot, and who asks for one: what BookSnapshots and
// L3Snapshots have in common.
template <class Snapshot>
class SnapshotSlots {
 public:
  explicit SnapshotSlots(size_t max_books)
      : slots_(std::make_unique<Slot[]>(max_books)) {}

  // ---- Any thread

  void request(size_t index) noexcept {
    // Relaxed: the flag is all there is.
    slots_[index].wanted.store(true, std::memory_order_relaxed);
  }
  const Snapshot* load(size_t index) const noexcept {
    return slots_[index].newest.load();
  }

  // ---- The book thread. `make` returns a std::unique_ptr<Snapshot>.

  // A message was applied.
  template <class F>
  void on_applied(size_t index, F&& make) {
    Slot& slot = slots_[index];
    // Relaxed, both: see request().
    if (!slot.wanted.load(std::memory_order_relaxed)) [[likely]] {
      return;
    }
    slot.wanted.store(false, std::memory_order_relaxed);
    slot.newest.store(make());
  }
  // The book is no longer Live: no more is its snapshot.
  template <class F>
  void on_not_live(size_t index, F&& make) {
    Slot& slot = slots_[index];
    bool was_live = false;
    {
      const RcuReadGuard region;
      const Snapshot* const old = slot.newest.load();
      was_live = old != nullptr && old->state == BookState::kLive;
    }
    if (was_live) slot.newest.store(make());
  }

 private:
  struct Slot {
    std::atomic<bool> wanted{false};
    RcuPtr<Snapshot> newest{nullptr};
  };

  const std::unique_ptr<Slot[]> slots_;
};

class BookSnapshots final : public BookPipelineListener {
 public:
  // `next` hears everything too; it may be null and must outlive this.
  BookSnapshots(size_t max_books, BookPipelineListener* next);

  // ---- Any thread: requires index < max_books -------------------------------

  // A fresh snapshot after the book's next message. Many requests are one.
  void request(size_t index) noexcept { slots_.request(index); }

  // The newest, null before the first; valid until the region's end.
  const BookSnapshot* load(size_t index) const noexcept {
    return slots_.load(index);
  }

  // ---- The book thread ------------------------------------------------------

  void on_depth_applied(const BookKeeper& keeper,
                        const ParsedMessage& message) override;
  void on_state_changed(const BookKeeper& keeper) override;
  void on_other(const ParsedMessage& message) override;

 private:
  SnapshotSlots<BookSnapshot> slots_;
  BookPipelineListener* const next_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_BOOK_SNAPSHOTS_H_
