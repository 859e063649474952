// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// HotStandby: books of one instrument on connections of their own (legs), told
// on as one: while the active leg is not Live, another that is takes over.
//
// Use it where a venue's ids belong to a connection or there are none (Kraken,
// Coinbase Advanced, Bitfinex); where ids are shared,
// BookPipelineOptions::lines merges message by message and loses no time. All
// legs of a group are books of one pipeline; put this between it and its
// listener.
//
// What goes on is what the active leg does: its depth messages, states and
// trades; of the others nothing. A takeover is on_state_changed with another
// keeper, Live; the next listener tells legs by the keeper's instrument. Around
// a takeover trades can be missing or come twice, as nothing relates the legs.
//
// Thread rules: the pipeline's book thread calls; book and takeovers from any
// thread; add_group before the first message.
// Cost: a lookup per event.
//
//   HotStandby standby(&feed);
//   auto pipeline = BookPipeline::create({.venue = venue}, &pool, &standby);
//   const uint32_t a = *(*pipeline)->expect_instrument("BTC/USD", "", 0, 25);
//   const uint32_t b = *(*pipeline)->expect_instrument("BTC/USD", "", 1, 25);
//   const size_t btc = standby.add_group({&(*pipeline)->book(a),
//                                         &(*pipeline)->book(b)});
//   BookView view = standby.book(btc).view();   // any thread

#ifndef WIREBOOK_LOB_HOT_STANDBY_H_
#define WIREBOOK_LOB_HOT_STANDBY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "concurrency/single_writer_counter.h"
#include "lob/book_keeper.h"
#include "lob/book_pipeline.h"
#include "lob/parsed_message.h"

namespace wirebook {

class HotStandby final : public BookPipelineListener {
 public:
  // `next` must outlive it.
  explicit HotStandby(BookPipelineListener* next) : next_(*next) {}

  // Set-up: legs in order of preference, the first active; at least one, each
  // in one group only. They must outlive the last call. Returns the group.
  size_t add_group(std::vector<const BookKeeper*> legs);

  // ---- Any thread: requires a group of add_group

  const BookKeeper& book(size_t group) const noexcept {
    // Pairs with the release in take_over: the leg's Live view is published.
    return *groups_[group].active.load(std::memory_order_acquire);
  }
  uint64_t takeovers(size_t group) const noexcept {
    return groups_[group].takeovers.get();
  }

  // ---- The book thread

  void on_depth_applied(const BookKeeper& keeper,
                        const ParsedMessage& message) override;
  void on_state_changed(const BookKeeper& keeper) override;
  void on_other(const ParsedMessage& message) override;

 private:
  struct Group {
    std::vector<const BookKeeper*> legs;
    std::atomic<const BookKeeper*> active{nullptr};
    SingleWriterCounter takeovers;
  };

  Group* group_of(uint32_t instrument) noexcept;
  void take_over(Group& group, const BookKeeper& leg);

  BookPipelineListener& next_;
  std::deque<Group> groups_;
  std::vector<Group*> by_instrument_;  // null: passed on as it is
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_HOT_STANDBY_H_
