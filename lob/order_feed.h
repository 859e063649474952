// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The order-by-order channels of venues, as a table: what makes a book of
// orders complete, and what proves it.
//
// A venue that has one has a row here beside its row in kVenues; its parser
// reads that channel under VenueParserOptions::orders, its requests subscribe
// to it under SubscriptionOptions::orders. The venue's README has the rules.
//
// Thread rules: pure functions. Cost: set-up only.
//
//   if (const OrderFeed* feed = find_order_feed(VenueId::kKraken)) ...

#ifndef WIREBOOK_LOB_ORDER_FEED_H_
#define WIREBOOK_LOB_ORDER_FEED_H_

#include <array>
#include <cstdint>
#include <string_view>

#include "lob/book_state.h"
#include "lob/order_sync.h"
#include "lob/venue.h"

namespace wirebook {

// See order_checksum.h.
enum class OrderChecksum : uint8_t {
  kNone,
  kKraken,    // in every message; a message without one is a fault
  kBitfinex,  // in messages of its own
};

struct OrderFeed {
  VenueId venue;
  std::string_view channel;  // the venue's own name of it
  OrderRule rule;
  OrderChecksum checksum = OrderChecksum::kNone;
  // Where marks, sums and connection leave nothing to add.
  Assurance assurance = Assurance::kSequenced;
  bool wide_ids = false;  // more than 64 bits: order_id_table
  // The reader drops levels beyond the subscribed depth; no message does.
  bool truncates = false;
  // An order that asks for more at its price goes to the end of its queue.
  bool more_loses_place = false;
  // Messages after which the book may still be crossed before that is a fault:
  // a taker's order may be told before those that it meets. Meanwhile the book
  // is Crossed.
  int crossed_messages = 0;
};

inline constexpr std::array<OrderFeed, 4> kOrderFeeds = {{
    {.venue = VenueId::kCoinbaseExchange,
     .channel = "full",
     .rule = OrderRule::kSequence,
     .wide_ids = true,
     .more_loses_place = true},
    {.venue = VenueId::kBitstamp,
     .channel = "live_orders",
     .rule = OrderRule::kTime,
     .crossed_messages = 256},
    {.venue = VenueId::kKraken,
     .channel = "level3",
     .rule = OrderRule::kStream,
     .checksum = OrderChecksum::kKraken,
     .assurance = Assurance::kChecksummed,
     .wide_ids = true,
     .truncates = true},
    {.venue = VenueId::kBitfinex,
     .channel = "R0",
     .rule = OrderRule::kStream,
     .checksum = OrderChecksum::kBitfinex},
}};

// nullptr where the venue has no such channel here.
constexpr const OrderFeed* find_order_feed(VenueId venue) {
  for (const OrderFeed& feed : kOrderFeeds) {
    if (feed.venue == venue) return &feed;
  }
  return nullptr;
}

}  // namespace wirebook

#endif  // WIREBOOK_LOB_ORDER_FEED_H_
