// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ParsedMessage: what a venue's parser understood of one message, in a fixed
// size and without a pointer into the text.
//
// A message with more than kMaxLevels levels becomes several parts, linked by
// `next` and marked by first_part and last_part; a frame that speaks of several
// books becomes several messages in the same list. A parser hands over the list
// of a frame only when the whole frame parsed without an error, so a reader
// never sees half a message. The last entry of a list carries the RawMessage
// that it came from, which goes home when the list is done.
//
// Thread rules: a plain value, owned by one thread at a time.
// Cost: 8.3 KiB each; a recycled one costs the writes of what it carries.
//
//   for (const ParsedMessage* part = head; part; part = part->next) {
//     if (part->kind != ParsedMessageKind::kDelta) continue;
//     for (const PriceLevel& level : part->bids()) book.apply(Side::kBid, ...);
//   }

#ifndef WIREBOOK_LOB_PARSED_MESSAGE_H_
#define WIREBOOK_LOB_PARSED_MESSAGE_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "lob/book_state.h"
#include "lob/instrument.h"
#include "lob/order_event.h"
#include "lob/price_level.h"

namespace wirebook {

struct RawMessage;

enum class ParsedMessageKind : uint8_t {
  kIgnored,       // well-formed, and nothing to a book
  kSnapshot,      // replaces the book
  kDelta,         // changes the book
  kBestBidOffer,  // bids()[0] and asks()[0]; last_update_id
  kTrade,         // levels[0]; aggressor; last_update_id is the trade's id
  kHeartbeat,     // the connection is alive
  kSubscribed,    // the venue accepted; depth where it says one
  kUnsubscribed,  // the venue will send no more of this instrument
  kRefused,       // the venue refused a subscription
  kStatus,        // the venue is up; reason kNone
  kShutdown,      // the venue is about to close this connection
  kMalformed,     // not what the venue's protocol allows; see reason
};

struct ParsedMessage;

// All of a message but its levels.
struct ParsedMessageHeader {
  ParsedMessageKind kind = ParsedMessageKind::kIgnored;
  BookReason reason = BookReason::kNone;  // kMalformed, kRefused, kStatus: why
  bool first_part = true;
  bool last_part = true;
  bool has_first_update_id = false;
  bool has_last_update_id = false;
  bool has_previous_update_id = false;
  bool has_checksum = false;
  // Of the connection; on the first message of a frame alone.
  bool has_connection_sequence = false;
  bool concerns_book = true;    // kMalformed: depth may have been lost
  bool http_body = false;       // an answer to a request, not of the stream
  Side aggressor = Side::kBid;  // kTrade
  int8_t price_scale = 0;       // decimals of every price here
  int8_t quantity_scale = 0;
  uint16_t connection = 0;
  uint16_t bid_begin = 0;  // into levels
  uint16_t bid_count = 0;
  uint16_t ask_begin = 0;
  uint16_t ask_count = 0;
  uint16_t order_count = 0;  // entries of orders, where there are no levels
  uint32_t instrument = kNoInstrument;  // or: the whole connection, or none
  uint32_t checksum = 0;
  uint32_t depth = 0;  // kSubscribed: levels a side, 0 if not said
  uint64_t first_update_id = 0;
  uint64_t last_update_id = 0;
  uint64_t previous_update_id = 0;
  uint64_t connection_sequence = 0;
  int64_t exchange_time_ns = 0;   // UTC, 0 if not said
  int64_t send_time_ns = 0;       // UTC, 0 where the venue says one time only
  int64_t kernel_receive_ns = 0;  // UTC, from the RawMessage
  uint64_t receive_ticks = 0;     // TscClock, from the RawMessage
  uint64_t parse_start_ticks = 0;
  RawMessage* raw = nullptr;      // the list's last entry: goes home with it
  ParsedMessage* next = nullptr;  // of the same frame
};

struct ParsedMessage : ParsedMessageHeader {
  static constexpr size_t kMaxLevels = 512;
  static constexpr size_t kMaxOrders =
      kMaxLevels * sizeof(PriceLevel) / sizeof(OrderEvent);

  // Leaves the levels as they are: 8 KiB that a parser writes as needed.
  ParsedMessage() noexcept {}

  union {
    PriceLevel levels[kMaxLevels];
    // Of an order-by-order channel, in the venue's order (l3_keeper.h).
    OrderEvent orders[kMaxOrders];
  };

  std::span<const PriceLevel> bids() const noexcept {
    return {levels + bid_begin, bid_count};
  }
  std::span<const PriceLevel> asks() const noexcept {
    return {levels + ask_begin, ask_count};
  }
  std::span<const OrderEvent> order_events() const noexcept {
    return {orders, order_count};
  }
  size_t level_count() const noexcept {
    return size_t{bid_count} + size_t{ask_count};
  }

  ParsedMessageHeader& header() noexcept { return *this; }
  const ParsedMessageHeader& header() const noexcept { return *this; }
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_PARSED_MESSAGE_H_
