// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// GeminiParser: level 2 books, trades and heartbeats of Gemini, market data v2.
//
// README.md beside it states the rules and their source.
//
// Thread rules: one thread. Cost: venue_parser_benchmark.

#ifndef WIREBOOK_LOB_VENUES_GEMINI_GEMINI_PARSER_H_
#define WIREBOOK_LOB_VENUES_GEMINI_GEMINI_PARSER_H_

#include <cstdint>
#include <string_view>

#include "lob/instrument.h"
#include "lob/venues/frame_builder.h"
#include "lob/venues/json_venue_parser.h"
#include "lob/venues/simdjson_text.h"
#include "simdjson.h"

namespace wirebook {

class GeminiParser final : public JsonVenueParser {
 public:
  GeminiParser(InstrumentTable& table, const VenueParserOptions& options)
      : JsonVenueParser(table, VenueId::kGemini, options) {}

 private:
  // What a message says beside its levels.
  struct Message {
    KeysSeen seen;
    std::string_view type;
    std::string_view result;
    std::string_view symbol;
    std::string_view side;
    uint64_t time_ms = 0;
    TradeText trade;
  };

  bool read_literally(const RawMessage& raw,
                      FrameBuilder& frame) noexcept override;
  ParseVerdict read_json(simdjson::ondemand::document& document,
                         const RawMessage& raw,
                         FrameBuilder& frame) noexcept override;
  bool read_scalars(simdjson::ondemand::object root, Message* message) noexcept;
  ParseVerdict read_book(simdjson::ondemand::object root,
                         const Message& message, const RawMessage& raw,
                         FrameBuilder& frame) noexcept;
  bool read_trade(Message& message, const RawMessage& raw,
                  FrameBuilder& frame) noexcept;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_GEMINI_GEMINI_PARSER_H_
