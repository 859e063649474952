// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// TradeBus: trades to any number of threads, stored in the ring itself; an
// EventBus with nothing added.
//
// Use it where trades are consumed on threads of their own; on the book thread
// a MarketListener hears them sooner. Guarantees, shutdown, policies for slow
// consumers and costs are EventBus's.
//
//   TradeBus bus({.capacity = 4096});
//   auto tape = bus.attach_lossy(WhenSlow::kDrop, {.name = "tape"}).value();
//   MarketFeed feed(clock, {.trades = &bus});    // publishes
//   // the tape's thread:
//   std::array<TradeEvent, 64> out;
//   while (tape.wait() == BusWait::kReady) {
//     const Received got = tape.receive(out);    // got.dropped: lost before
//     write(std::span(out).first(got.count));
//   }

#ifndef WIREBOOK_LOB_TRADE_BUS_H_
#define WIREBOOK_LOB_TRADE_BUS_H_

#include "concurrency/event_bus.h"
#include "lob/market_listener.h"

namespace wirebook {

using TradeBus = EventBus<TradeEvent>;

}  // namespace wirebook

#endif  // WIREBOOK_LOB_TRADE_BUS_H_
