// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// BitstampParser: depth diffs or, order by order, live_orders; REST snapshots,
// trades and answers of Bitstamp, WebSocket API v2.
//
// README.md beside it states the rules and their source.
//
// Thread rules: one thread. Cost: venue_parser_benchmark.

#ifndef WIREBOOK_LOB_VENUES_BITSTAMP_BITSTAMP_PARSER_H_
#define WIREBOOK_LOB_VENUES_BITSTAMP_BITSTAMP_PARSER_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "lob/instrument.h"
#include "lob/order_event.h"
#include "lob/venues/frame_builder.h"
#include "lob/venues/json_venue_parser.h"
#include "lob/venues/simdjson_text.h"
#include "simdjson.h"

namespace wirebook {

class BitstampParser final : public JsonVenueParser {
 public:
  BitstampParser(InstrumentTable& table, const VenueParserOptions& options)
      : JsonVenueParser(table, VenueId::kBitstamp, options) {}

 private:
  // What the outermost object says of the stream.
  struct Message {
    std::string_view event;
    std::string_view channel;
  };

  bool read_literally(const RawMessage& raw,
                      FrameBuilder& frame) noexcept override;
  ParseVerdict read_json(simdjson::ondemand::document& document,
                         const RawMessage& raw,
                         FrameBuilder& frame) noexcept override;
  static void set_time(uint64_t micros, ParsedMessage* out) noexcept;
  bool read_envelope(simdjson::ondemand::object root,
                     Message* message) noexcept;
  ParseVerdict read_notice(const Message& message, const RawMessage& raw,
                           FrameBuilder& frame) noexcept;
  ParseVerdict read_book(simdjson::ondemand::object book,
                         ParsedMessageKind kind, ParseVerdict verdict,
                         FrameBuilder& frame) noexcept;
  bool read_trade(simdjson::ondemand::object fields, uint32_t instrument,
                  FrameBuilder& frame) noexcept;

  // bitstamp_orders.cc
  struct LastEvent {
    OrderId id{};
    uint64_t number = 0;
  };
  ParseVerdict read_order(simdjson::ondemand::object root,
                          std::string_view event, uint32_t instrument,
                          FrameBuilder& frame) noexcept;
  ParseVerdict read_order_book(simdjson::ondemand::object book, uint64_t micros,
                               uint32_t instrument,
                               FrameBuilder& frame) noexcept;
  void number_events(uint32_t instrument, OrderId id, OrderId previous,
                     ParsedMessage* out) noexcept;

  std::vector<LastEvent> last_events_;  // by instrument
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_BITSTAMP_BITSTAMP_PARSER_H_
