// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// BinanceParser: depth diffs, best bid/offer, trades, acks and REST depth
// snapshots of Binance, spot, USD-M and COIN-M futures.
//
// README.md beside it states the rules and their source. A depth update whose
// bytes are exactly as the venue writes them today, alone or in a combined
// stream's wrapper, is matched literally; anything else, from the first byte
// that differs, is simdjson's. Both give the same messages.
//
// Thread rules: one thread. Cost: venue_parser_benchmark.

#ifndef WIREBOOK_LOB_VENUES_BINANCE_BINANCE_PARSER_H_
#define WIREBOOK_LOB_VENUES_BINANCE_BINANCE_PARSER_H_

#include <cstdint>
#include <string_view>

#include "lob/instrument.h"
#include "lob/venues/frame_builder.h"
#include "lob/venues/json_venue_parser.h"
#include "lob/venues/simdjson_text.h"
#include "lob/venues/text_scanner.h"
#include "simdjson.h"

namespace wirebook {

class BinanceParser final : public JsonVenueParser {
 public:
  // `venue` is one of Binance's.
  BinanceParser(InstrumentTable& table, VenueId venue,
                const VenueParserOptions& options);

 private:
  struct Trade {
    uint64_t id;
    uint64_t time;
    uint64_t sent;
    bool buyer_is_maker;
    PriceLevel level;
  };

  bool finish_ticker(uint32_t instrument, Scales scales, uint64_t id,
                     PriceLevel bid, PriceLevel ask,
                     FrameBuilder& frame) noexcept;
  bool finish_trade(uint32_t instrument, Scales scales, const Trade& trade,
                    FrameBuilder& frame) noexcept;

  bool read_literally(const RawMessage& raw,
                      FrameBuilder& frame) noexcept override;
  bool match_depth(TextScanner& in, const RawMessage& raw,
                   FrameBuilder& frame) noexcept;
  bool match_ticker(TextScanner& in, const RawMessage& raw,
                    FrameBuilder& frame) noexcept;
  bool match_trade(TextScanner& in, const RawMessage& raw,
                   FrameBuilder& frame) noexcept;

  ParseVerdict read_json(simdjson::ondemand::document& document,
                         const RawMessage& raw,
                         FrameBuilder& frame) noexcept override;
  // What one event's object says outside its levels.
  struct Fields {
    KeysSeen seen;
    KeysSeen bad;  // seen, and not of the type that we know
    std::string_view type;
    std::string_view symbol;
    uint64_t time = 0;
    uint64_t sent = 0;  // where `time` is another's
    uint64_t first = 0;
    uint64_t last = 0;
    uint64_t previous = 0;
    uint64_t last_update_id = 0;
    uint64_t trade_id = 0;
    uint64_t trade_time = 0;
    bool buyer_is_maker = false;
    bool inner_read = false;  // "data", an event in a stream's wrapper
    ParseVerdict inner{};     // what became of it, or of a depth's levels
    // Where amounts in quotes begin; nullptr where they are none.
    const char* bid = nullptr;
    const char* bid_quantity = nullptr;
    const char* ask = nullptr;
    const char* ask_quantity = nullptr;
    const char* price = nullptr;
    const char* quantity = nullptr;
    ParsedMessage* depth = nullptr;  // begun, since its levels came
  };

  ParseVerdict read_event(simdjson::ondemand::object event,
                          const RawMessage& raw, bool wrapped,
                          FrameBuilder& frame) noexcept;
  bool read_fields_of(simdjson::ondemand::object event, const RawMessage& raw,
                      bool wrapped, FrameBuilder& frame,
                      Fields* fields) noexcept;
  bool read_side(simdjson::ondemand::value levels, Side side,
                 const RawMessage& raw, FrameBuilder& frame,
                 Fields* fields) noexcept;
  ParseVerdict read_wrapped(simdjson::ondemand::object root,
                            const RawMessage& raw,
                            FrameBuilder& frame) noexcept;
  ParseVerdict read_depth(simdjson::ondemand::object event,
                          const Fields& fields, ParsedMessageKind kind,
                          ParseVerdict verdict, FrameBuilder& frame) noexcept;
  ParseVerdict read_ticker(const Fields& fields, const RawMessage& raw,
                           ParseVerdict verdict, FrameBuilder& frame) noexcept;
  ParseVerdict read_trade(const Fields& fields, const RawMessage& raw,
                          ParseVerdict verdict, FrameBuilder& frame) noexcept;

  const bool futures_;
  const bool names_pair_;  // COIN-M: the pair beside the symbol
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_BINANCE_BINANCE_PARSER_H_
