// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// KrakenParser: snapshots and updates of book or, order by order, of level3;
// acks, heartbeats and status of Kraken's WebSocket API v2.
//
// README.md beside it states the rules and their source. A book update whose
// bytes are exactly as the venue writes them today is matched literally;
// anything else, from the first byte that differs, is simdjson's. Both give the
// same messages. The decimals of prices and quantities are decided by each
// snapshot's text and hold until the next one.
//
// Thread rules: one thread. Cost: venue_parser_benchmark.

#ifndef WIREBOOK_LOB_VENUES_KRAKEN_KRAKEN_PARSER_H_
#define WIREBOOK_LOB_VENUES_KRAKEN_KRAKEN_PARSER_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "lob/instrument.h"
#include "lob/venues/frame_builder.h"
#include "lob/venues/json_venue_parser.h"
#include "lob/venues/rfc3339.h"
#include "lob/venues/simdjson_text.h"
#include "lob/venues/text_scanner.h"
#include "simdjson.h"

namespace wirebook {

class KrakenParser final : public JsonVenueParser {
 public:
  KrakenParser(InstrumentTable& table, const VenueParserOptions& options);

 private:
  // What the outermost object says.
  struct Envelope {
    KeysSeen seen;
    std::string_view channel;
    std::string_view type;
    std::string_view method;
    std::string_view symbol;
    std::string_view result_channel;
    std::string_view result_symbol;
    uint64_t result_depth = 0;
    bool success = true;
    bool books_read = false;  // "data", if it is an update
    ParseVerdict books{};     // what became of it
  };

  bool read_literally(const RawMessage& raw,
                      FrameBuilder& frame) noexcept override;
  bool match_levels(TextScanner& in, Scales scales,
                    FrameBuilder& frame) noexcept;

  ParseVerdict read_json(simdjson::ondemand::document& document,
                         const RawMessage& raw,
                         FrameBuilder& frame) noexcept override;
  bool read_envelope(simdjson::ondemand::object root, const RawMessage& raw,
                     FrameBuilder& frame, Envelope* envelope) noexcept;
  bool read_result(simdjson::ondemand::value value,
                   Envelope* envelope) noexcept;
  ParseVerdict read_ack(const Envelope& envelope, const RawMessage& raw,
                        FrameBuilder& frame) noexcept;
  ParseVerdict read_status(simdjson::ondemand::object root,
                           FrameBuilder& frame) noexcept;
  bool read_event(simdjson::ondemand::object event, bool ticker,
                  const RawMessage& raw, FrameBuilder& frame) noexcept;
  ParseVerdict read_books(simdjson::ondemand::value value, bool snapshot,
                          const RawMessage& raw, FrameBuilder& frame) noexcept;
  ParseVerdict read_book(simdjson::ondemand::object book, bool snapshot,
                         const RawMessage& raw, FrameBuilder& frame) noexcept;
  bool measure_levels(simdjson::ondemand::value value, Scales* scales) noexcept;
  BookReason read_levels(simdjson::ondemand::value value, Side side,
                         Scales scales, FrameBuilder& frame) noexcept;

  // kraken_orders.cc
  BookReason read_orders(simdjson::ondemand::value value, Side side,
                         bool snapshot, Scales scales,
                         FrameBuilder& frame) noexcept;
  std::string_view channel() const noexcept {
    return reads_orders() ? "level3" : "book";
  }

  std::vector<Scales> scales_;  // by instrument, as its last snapshot wrote
  Rfc3339Reader times_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_KRAKEN_KRAKEN_PARSER_H_
