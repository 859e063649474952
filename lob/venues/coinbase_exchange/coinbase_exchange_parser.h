// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// CoinbaseExchangeParser: level2 books or, order by order, the full channel;
// tickers, matches and answers of Coinbase Exchange.
//
// README.md beside it states the rules and their source.
//
// Thread rules: one thread. Cost: venue_parser_benchmark.

#ifndef WIREBOOK_LOB_VENUES_COINBASE_EXCHANGE_COINBASE_EXCHANGE_PARSER_H_
#define WIREBOOK_LOB_VENUES_COINBASE_EXCHANGE_COINBASE_EXCHANGE_PARSER_H_

#include <cstdint>
#include <string_view>

#include "lob/instrument.h"
#include "lob/venues/frame_builder.h"
#include "lob/venues/json_venue_parser.h"
#include "lob/venues/rfc3339.h"
#include "lob/venues/simdjson_text.h"
#include "simdjson.h"

namespace wirebook {

class CoinbaseExchangeParser final : public JsonVenueParser {
 public:
  CoinbaseExchangeParser(InstrumentTable& table,
                         const VenueParserOptions& options)
      : JsonVenueParser(table, VenueId::kCoinbaseExchange, options) {}

 private:
  // What a message says beside its levels.
  struct Message {
    KeysSeen seen;
    std::string_view type;
    std::string_view product;
    std::string_view side;
    int64_t time_ns = 0;
    TouchText touch;
    TradeText trade;
    ParsedMessage* book = nullptr;  // takes the levels
    bool levels_passed_over = false;
    BookReason fault = BookReason::kNone;  // of the levels
  };

  bool read_literally(const RawMessage& raw,
                      FrameBuilder& frame) noexcept override;
  ParseVerdict read_json(simdjson::ondemand::document& document,
                         const RawMessage& raw,
                         FrameBuilder& frame) noexcept override;
  bool read_fields_of(simdjson::ondemand::object root, const RawMessage& raw,
                      FrameBuilder& frame, Message* message) noexcept;
  bool start_book(const RawMessage& raw, FrameBuilder& frame,
                  Message* message) noexcept;
  // Order by order (coinbase_exchange_orders.cc); false for a message that is
  // not about orders.
  bool read_orders(simdjson::ondemand::document& document,
                   simdjson::ondemand::object root, const RawMessage& raw,
                   FrameBuilder& frame, ParseVerdict* verdict) noexcept;
  ParseVerdict read_order_book(simdjson::ondemand::object root,
                               uint64_t sequence, uint32_t instrument,
                               FrameBuilder& frame) noexcept;
  ParseVerdict read_book(simdjson::ondemand::object root, Message& message,
                         const RawMessage& raw, FrameBuilder& frame) noexcept;
  bool read_match(Message& message, const RawMessage& raw,
                  FrameBuilder& frame) noexcept;

  Rfc3339Reader times_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_COINBASE_EXCHANGE_COINBASE_EXCHANGE_PARSER_H_
