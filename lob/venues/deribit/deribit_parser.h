// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// DeribitParser: order books, quotes, trades and answers of Deribit, JSON-RPC.
//
// README.md beside it states the rules and their source.
//
// Thread rules: one thread. Cost: venue_parser_benchmark.

#ifndef WIREBOOK_LOB_VENUES_DERIBIT_DERIBIT_PARSER_H_
#define WIREBOOK_LOB_VENUES_DERIBIT_DERIBIT_PARSER_H_

#include <cstdint>
#include <string_view>

#include "lob/instrument.h"
#include "lob/venues/frame_builder.h"
#include "lob/venues/json_venue_parser.h"
#include "lob/venues/simdjson_text.h"
#include "simdjson.h"

namespace wirebook {

class DeribitParser final : public JsonVenueParser {
 public:
  DeribitParser(InstrumentTable& table, const VenueParserOptions& options)
      : JsonVenueParser(table, VenueId::kDeribit, options) {}

 private:
  // What the outermost object and its "params" say.
  struct Envelope {
    KeysSeen seen;
    std::string_view method;
    std::string_view channel;
    bool book_read = false;  // the parameters' "data", if it is a book
    ParseVerdict book{};     // what became of it
  };
  // What a book's "data" says beside its levels.
  struct Book {
    KeysSeen seen;
    std::string_view type;
    std::string_view symbol;
    uint64_t id = 0;
    uint64_t previous_id = 0;
    uint64_t time_ms = 0;
  };

  bool read_literally(const RawMessage& raw,
                      FrameBuilder& frame) noexcept override;
  static bool match_levels(TextScanner& in, Scales scales,
                           FrameBuilder& frame) noexcept;
  ParseVerdict read_json(simdjson::ondemand::document& document,
                         const RawMessage& raw,
                         FrameBuilder& frame) noexcept override;
  bool read_envelope(simdjson::ondemand::object root, const RawMessage& raw,
                     FrameBuilder& frame, Envelope* envelope) noexcept;
  ParseVerdict read_book(simdjson::ondemand::object data, const RawMessage& raw,
                         FrameBuilder& frame) noexcept;
  BookReason read_levels(simdjson::ondemand::value value, Side side,
                         Scales scales, FrameBuilder& frame) noexcept;
  ParseVerdict read_quote(simdjson::ondemand::object root,
                          const RawMessage& raw, FrameBuilder& frame) noexcept;
  ParseVerdict read_trades(simdjson::ondemand::object root,
                           const RawMessage& raw, FrameBuilder& frame) noexcept;
  bool read_trade(simdjson::ondemand::object fields, const RawMessage& raw,
                  FrameBuilder& frame) noexcept;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_DERIBIT_DERIBIT_PARSER_H_
