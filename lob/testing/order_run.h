// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The one law for books of orders: a venue's stream, made from a naive model,
// goes through the real feed, with messages lost, doubled and reordered,
// connections that end and snapshots that are old. A Live book equals the
// model, order by order and place by place, or it is not Live; and once the
// faults end it is Live again.
//
//   const auto venue = make_order_venue(VenueId::kBitstamp);
//   OrderRun run(*venue, Choices(seed), /*faults=*/true);
//   run.run(700);
//   EXPECT_EQ(run.report().broken, "");

#ifndef WIREBOOK_LOB_TESTING_ORDER_RUN_H_
#define WIREBOOK_LOB_TESTING_ORDER_RUN_H_

#include <cstdint>
#include <memory>
#include <string>

#include "lob/l3_keeper.h"
#include "lob/testing/choices.h"
#include "lob/testing/order_venue.h"

namespace wirebook {

struct OrderRunReport {
  std::string broken;   // how the law was; empty: it held
  uint64_t lives = 0;   // steps that left the book Live
  uint64_t faults = 0;  // that went wrong
};

class OrderRun {
 public:
  OrderRun(OrderVenue& venue, Choices choices, bool faults);
  ~OrderRun();

  // So many messages, and some without a fault.
  void run(int steps, int calm = 300);
  const OrderRunReport& report() const;
  const L3Keeper& keeper() const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_TESTING_ORDER_RUN_H_
