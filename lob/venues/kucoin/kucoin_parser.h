// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// KucoinParser: depth diffs, REST snapshots, best bid and offer, trades and
// answers of KuCoin spot.
//
// README.md beside it states the rules and their source.
//
// Thread rules: one thread. Cost: venue_parser_benchmark.

#ifndef WIREBOOK_LOB_VENUES_KUCOIN_KUCOIN_PARSER_H_
#define WIREBOOK_LOB_VENUES_KUCOIN_KUCOIN_PARSER_H_

#include <cstdint>
#include <string_view>

#include "lob/instrument.h"
#include "lob/venues/frame_builder.h"
#include "lob/venues/json_venue_parser.h"
#include "lob/venues/simdjson_text.h"
#include "simdjson.h"

namespace wirebook {

class KucoinParser final : public JsonVenueParser {
 public:
  KucoinParser(InstrumentTable& table, const VenueParserOptions& options)
      : JsonVenueParser(table, VenueId::kKucoin, options) {}

 private:
  // What the outermost object says.
  struct Envelope {
    KeysSeen seen;
    std::string_view type;
    std::string_view topic;
    std::string_view subject;
    bool book_read = false;  // "data", if it is a book
    ParseVerdict book{};     // what became of it
  };

  bool read_literally(const RawMessage& raw,
                      FrameBuilder& frame) noexcept override;
  ParseVerdict read_json(simdjson::ondemand::document& document,
                         const RawMessage& raw,
                         FrameBuilder& frame) noexcept override;
  bool read_envelope(simdjson::ondemand::object root, const RawMessage& raw,
                     FrameBuilder& frame, Envelope* envelope) noexcept;
  // The instrument behind a topic's colon.
  uint32_t find_named(std::string_view topic, uint16_t connection) noexcept;
  ParseVerdict read_update(simdjson::ondemand::object data, uint32_t named,
                           const RawMessage& raw, FrameBuilder& frame) noexcept;
  static void set_update(uint64_t first, uint64_t last, uint64_t time_ms,
                         ParsedMessage* message) noexcept;
  ParseVerdict read_snapshot(simdjson::ondemand::object data,
                             const RawMessage& raw,
                             FrameBuilder& frame) noexcept;
  bool read_touch(simdjson::ondemand::object fields, uint32_t instrument,
                  FrameBuilder& frame) noexcept;
  bool read_trade(simdjson::ondemand::object fields, const RawMessage& raw,
                  FrameBuilder& frame) noexcept;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_KUCOIN_KUCOIN_PARSER_H_
