// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// BybitParser: order books, trades, acks and pongs of Bybit, API v5, every
// category.
//
// README.md beside it states the rules and their source.
//
// Thread rules: one thread. Cost: venue_parser_benchmark.

#ifndef WIREBOOK_LOB_VENUES_BYBIT_BYBIT_PARSER_H_
#define WIREBOOK_LOB_VENUES_BYBIT_BYBIT_PARSER_H_

#include <cstdint>
#include <string_view>

#include "lob/instrument.h"
#include "lob/venues/frame_builder.h"
#include "lob/venues/json_venue_parser.h"
#include "lob/venues/simdjson_text.h"
#include "simdjson.h"

namespace wirebook {

class BybitParser final : public JsonVenueParser {
 public:
  BybitParser(InstrumentTable& table, const VenueParserOptions& options)
      : JsonVenueParser(table, VenueId::kBybit, options) {}

 private:
  // What the outermost object says.
  struct Envelope {
    KeysSeen seen;
    std::string_view topic;
    std::string_view type;
    std::string_view operation;
    uint64_t sent_ms = 0;
    uint64_t matched_ms = 0;
    bool success = true;
    bool book_read = false;            // "data", if it is a book's
    ParseVerdict book{};               // what became of it
    ParsedMessage* message = nullptr;  // which it gave
  };

  bool read_literally(const RawMessage& raw,
                      FrameBuilder& frame) noexcept override;
  ParseVerdict read_json(simdjson::ondemand::document& document,
                         const RawMessage& raw,
                         FrameBuilder& frame) noexcept override;
  bool read_envelope(simdjson::ondemand::object root, const RawMessage& raw,
                     FrameBuilder& frame, Envelope* envelope) noexcept;
  void read_book(simdjson::ondemand::object data, const RawMessage& raw,
                 FrameBuilder& frame, Envelope* envelope) noexcept;
  ParseVerdict read_trades(simdjson::ondemand::object root,
                           const RawMessage& raw, FrameBuilder& frame) noexcept;
  bool read_trade(simdjson::ondemand::object fields, const RawMessage& raw,
                  FrameBuilder& frame) noexcept;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_BYBIT_BYBIT_PARSER_H_
