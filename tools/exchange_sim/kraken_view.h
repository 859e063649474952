// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What a Kraken v2 subscriber of one depth has, and what it must be sent next.
//
// The venue's rule: a level that leaves the depth because better ones pushed
// it out is not mentioned; a level that comes into view because another went
// away is. A subscriber that applies an update and truncates has the view.
// Cost: O(depth) for each event that touches the view. One thread.
//
//   KrakenView view(book, /*depth=*/10);  // send a snapshot of view.book()
//   if (view.update(book, event.changes, sent)) { ... send `sent` ... }
#ifndef WIREBOOK_TOOLS_EXCHANGE_SIM_KRAKEN_VIEW_H_
#define WIREBOOK_TOOLS_EXCHANGE_SIM_KRAKEN_VIEW_H_

#include <cstddef>
#include <vector>

#include "tools/exchange_sim/book.h"
#include "tools/exchange_sim/generator.h"

namespace wirebook::sim {

// The depths the venue offers; any other is refused.
bool is_kraken_depth(std::size_t depth);

class KrakenView {
 public:
  struct Update {
    std::vector<Level> bids;
    std::vector<Level> asks;
  };

  KrakenView(const Book& book, std::size_t depth);

  // Moves the view to the top of `book`. `changes` are all changes made to
  // `book` since the view was last moved. False if a subscriber sees none of
  // them, and `update` is then empty.
  bool update(const Book& book, const std::vector<Change>& changes,
              Update& update);

  // What the subscriber has.
  const Book& book() const { return view_; }
  std::size_t depth() const { return depth_; }

 private:
  bool in_sight(const Change& change) const;

  std::size_t depth_;
  Book view_;
};

}  // namespace wirebook::sim

#endif  // WIREBOOK_TOOLS_EXCHANGE_SIM_KRAKEN_VIEW_H_
