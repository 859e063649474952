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

struct ParsedMessage {
  static constexpr size_t kMaxLevels = 512;

  ParsedMessageKind kind;
  BookReason reason;  // kMalformed, kRefused, kStatus: why
  bool first_part;
  bool last_part;
  bool has_first_update_id;
  bool has_last_update_id;
  bool has_previous_update_id;
  bool has_checksum;
  bool concerns_book;  // kMalformed: a depth message may have been lost
  Side aggressor;      // kTrade
  int8_t price_scale;  // decimals of every price here
  int8_t quantity_scale;
  uint16_t connection;
  uint16_t bid_begin;  // into levels
  uint16_t bid_count;
  uint16_t ask_begin;
  uint16_t ask_count;
  uint32_t instrument;  // kNoInstrument: the whole connection, or none
  uint32_t checksum;
  uint32_t depth;  // kSubscribed: levels a side, 0 if not said
  uint64_t first_update_id;
  uint64_t last_update_id;
  uint64_t previous_update_id;
  int64_t exchange_time_ns;  // UTC, 0 if not said
  uint64_t receive_ticks;    // TscClock, from the RawMessage
  uint64_t parse_start_ticks;
  RawMessage* raw;      // the list's last entry: goes home with it; else null
  ParsedMessage* next;  // of the same frame

  PriceLevel levels[kMaxLevels];

  std::span<const PriceLevel> bids() const noexcept {
    return {levels + bid_begin, bid_count};
  }
  std::span<const PriceLevel> asks() const noexcept {
    return {levels + ask_begin, ask_count};
  }
  size_t level_count() const noexcept {
    return size_t{bid_count} + size_t{ask_count};
  }

  // Everything but the levels, as a parser wants it before it starts.
  void clear() noexcept {
    kind = ParsedMessageKind::kIgnored;
    reason = BookReason::kNone;
    first_part = last_part = true;
    has_first_update_id = has_last_update_id = has_previous_update_id = false;
    has_checksum = false;
    concerns_book = true;
    aggressor = Side::kBid;
    price_scale = quantity_scale = 0;
    connection = 0;
    bid_begin = bid_count = ask_begin = ask_count = 0;
    instrument = kNoInstrument;
    checksum = 0;
    depth = 0;
    first_update_id = last_update_id = previous_update_id = 0;
    exchange_time_ns = 0;
    receive_ticks = parse_start_ticks = 0;
    raw = nullptr;
    next = nullptr;
  }
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_PARSED_MESSAGE_H_
