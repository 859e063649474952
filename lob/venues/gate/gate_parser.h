// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// GateParser: depth diffs, REST snapshots, best bid and offer, trades and
// answers of Gate, API v4, spot and futures.
//
// README.md beside it states the rules and their source.
//
// Thread rules: one thread. Cost: venue_parser_benchmark.

#ifndef WIREBOOK_LOB_VENUES_GATE_GATE_PARSER_H_
#define WIREBOOK_LOB_VENUES_GATE_GATE_PARSER_H_

#include <cstdint>
#include <string_view>

#include "lob/instrument.h"
#include "lob/venues/frame_builder.h"
#include "lob/venues/json_venue_parser.h"
#include "lob/venues/simdjson_text.h"
#include "simdjson.h"

namespace wirebook {

class GateParser final : public JsonVenueParser {
 public:
  // `venue` is one of Gate's.
  GateParser(InstrumentTable& table, VenueId venue,
             const VenueParserOptions& options)
      : JsonVenueParser(table, venue, options) {}

 private:
  // What the outermost object says.
  struct Envelope {
    KeysSeen seen;
    std::string_view channel;
    std::string_view event;
    uint64_t sent_ms = 0;
    bool refused = false;
    bool book_read = false;            // "result", if it is a book
    ParseVerdict book{};               // what became of it
    ParsedMessage* message = nullptr;  // if it is one
  };
  // What a book says beside its levels.
  struct Book {
    KeysSeen seen;
    std::string_view symbol;
    uint64_t time_ms = 0;
    uint64_t first = 0;
    uint64_t last = 0;
    bool full = false;
  };

  bool read_literally(const RawMessage& raw,
                      FrameBuilder& frame) noexcept override;
  bool match_levels(TextScanner& in, Scales scales,
                    FrameBuilder& frame) const noexcept;
  ParseVerdict read_json(simdjson::ondemand::document& document,
                         const RawMessage& raw,
                         FrameBuilder& frame) noexcept override;
  bool read_envelope(simdjson::ondemand::object root, const RawMessage& raw,
                     FrameBuilder& frame, Envelope* envelope) noexcept;
  void read_update(simdjson::ondemand::object data, const RawMessage& raw,
                   FrameBuilder& frame, Envelope* envelope) noexcept;
  ParseVerdict read_snapshot(simdjson::ondemand::object body,
                             const RawMessage& raw,
                             FrameBuilder& frame) noexcept;
  BookReason read_levels(simdjson::ondemand::value value, Side side,
                         Scales scales, FrameBuilder& frame) noexcept;
  bool read_touch(simdjson::ondemand::object fields, const RawMessage& raw,
                  FrameBuilder& frame) noexcept;
  bool read_trade(simdjson::ondemand::object fields, const RawMessage& raw,
                  FrameBuilder& frame) noexcept;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_GATE_GATE_PARSER_H_
