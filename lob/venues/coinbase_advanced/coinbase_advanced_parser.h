// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// CoinbaseAdvancedParser: order books, tickers, trades and heartbeats of
// Coinbase Advanced Trade.
//
// README.md beside it states the rules and their source.
//
// Thread rules: one thread. Cost: venue_parser_benchmark.

#ifndef WIREBOOK_LOB_VENUES_COINBASE_ADVANCED_COINBASE_ADVANCED_PARSER_H_
#define WIREBOOK_LOB_VENUES_COINBASE_ADVANCED_COINBASE_ADVANCED_PARSER_H_

#include <cstdint>
#include <string_view>

#include "lob/instrument.h"
#include "lob/venues/frame_builder.h"
#include "lob/venues/json_venue_parser.h"
#include "lob/venues/rfc3339.h"
#include "lob/venues/simdjson_text.h"
#include "lob/venues/text_scanner.h"
#include "simdjson.h"

namespace wirebook {

class CoinbaseAdvancedParser final : public JsonVenueParser {
 public:
  CoinbaseAdvancedParser(InstrumentTable& table,
                         const VenueParserOptions& options)
      : JsonVenueParser(table, VenueId::kCoinbaseAdvanced, options) {}

 private:
  // What the outermost object says.
  struct Envelope {
    KeysSeen seen;
    std::string_view channel;
    std::string_view type;
    uint64_t sequence = 0;
    int64_t time_ns = 0;
    bool books_read = false;  // "events", if they are books
    ParseVerdict books{};     // what became of them
  };

  bool read_literally(const RawMessage& raw,
                      FrameBuilder& frame) noexcept override;
  bool match_updates(TextScanner& in, Scales scales,
                     FrameBuilder& frame) noexcept;

  ParseVerdict read_json(simdjson::ondemand::document& document,
                         const RawMessage& raw,
                         FrameBuilder& frame) noexcept override;
  bool read_envelope(simdjson::ondemand::object root, const RawMessage& raw,
                     FrameBuilder& frame, Envelope* envelope) noexcept;
  void read_books(simdjson::ondemand::value events, const RawMessage& raw,
                  FrameBuilder& frame, Envelope* envelope) noexcept;
  ParseVerdict read_book(simdjson::ondemand::object event,
                         const Envelope& envelope, const RawMessage& raw,
                         FrameBuilder& frame) noexcept;
  BookReason read_updates(simdjson::ondemand::value value, Scales scales,
                          FrameBuilder& frame) noexcept;
  bool read_trade(simdjson::ondemand::object fields, const RawMessage& raw,
                  FrameBuilder& frame) noexcept;
  bool read_ticker(simdjson::ondemand::object ticker, int64_t time_ns,
                   const RawMessage& raw, FrameBuilder& frame) noexcept;

  Rfc3339Reader times_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_COINBASE_ADVANCED_COINBASE_ADVANCED_PARSER_H_
