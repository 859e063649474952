// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// BinanceSpotParser: depth diffs, best bid/offer, trades, acks and REST depth
// snapshots of Binance spot.
//
// README.md beside it states the rules and their source. A depth update whose
// bytes are exactly as the venue writes them today, alone or in a combined
// stream's wrapper, is matched literally; anything else, from the first byte
// that differs, is simdjson's. Both give the same messages.
//
// Thread rules: one thread. Cost: venue_parser_benchmark.

#ifndef WIREBOOK_LOB_VENUES_BINANCE_SPOT_BINANCE_SPOT_PARSER_H_
#define WIREBOOK_LOB_VENUES_BINANCE_SPOT_BINANCE_SPOT_PARSER_H_

#include <cstdint>
#include <string_view>

#include "lob/instrument.h"
#include "lob/venues/binance_spot/level_matcher.h"
#include "lob/venues/frame_builder.h"
#include "lob/venues/instrument_resolver.h"
#include "lob/venues/simdjson_text.h"
#include "lob/venues/text_scanner.h"
#include "lob/venues/venue_parser.h"
#include "simdjson.h"

namespace wirebook {

class BinanceSpotParser final : public VenueParser {
 public:
  BinanceSpotParser(InstrumentTable& table, const VenueParserOptions& options);

  bool parse(const RawMessage& raw, uint64_t start_ticks,
             ParsedMessageSink& sink) noexcept override;

  uint64_t unknown_instruments() const noexcept override {
    return resolver_.unknown();
  }

 private:
  // How far a parse came, and why it stopped.
  struct Verdict {
    BookReason fault = BookReason::kNone;  // kNone: all is well
    uint32_t instrument = kNoInstrument;   // whom a fault concerns, if known
    bool concerns_book = true;
  };

  bool parse_literally(const RawMessage& raw, FrameBuilder& frame) noexcept;
  bool match_depth(TextScanner& in, const RawMessage& raw,
                   FrameBuilder& frame) noexcept;
  bool match_ticker(TextScanner& in, const RawMessage& raw,
                    FrameBuilder& frame) noexcept;
  bool match_trade(TextScanner& in, const RawMessage& raw,
                   FrameBuilder& frame) noexcept;
  bool match_levels(TextScanner& in, const Instrument& instrument,
                    FrameBuilder& frame) noexcept;

  Verdict parse_json(const RawMessage& raw, FrameBuilder& frame) noexcept;
  // What one event's object says outside its levels.
  struct Fields {
    KeysSeen seen;
    KeysSeen bad;  // seen, and not of the type that we know
    std::string_view type;
    std::string_view symbol;
    uint64_t time = 0;
    uint64_t first = 0;
    uint64_t last = 0;
    uint64_t last_update_id = 0;
    uint64_t trade_id = 0;
    uint64_t trade_time = 0;
    bool buyer_is_maker = false;
  };

  Verdict read_event(simdjson::ondemand::object event, const RawMessage& raw,
                     bool wrapped, FrameBuilder& frame) noexcept;
  bool read_scalars(simdjson::ondemand::object event, Fields* fields) noexcept;
  Verdict read_wrapped(simdjson::ondemand::object root, const RawMessage& raw,
                       FrameBuilder& frame) noexcept;
  Verdict read_depth(simdjson::ondemand::object event, const Fields& fields,
                     ParsedMessageKind kind, Verdict verdict,
                     FrameBuilder& frame) noexcept;
  BookReason read_levels(simdjson::ondemand::value value, Side side,
                         const Instrument& instrument,
                         FrameBuilder& frame) noexcept;
  Verdict read_ticker(simdjson::ondemand::object event, const Fields& fields,
                      const RawMessage& raw, Verdict verdict,
                      FrameBuilder& frame) noexcept;
  Verdict read_trade(simdjson::ondemand::object event, const Fields& fields,
                     const RawMessage& raw, Verdict verdict,
                     FrameBuilder& frame) noexcept;

  InstrumentResolver resolver_;
  const bool literal_fast_path_;
  const bool match_many_ = level_matcher_supported();
  LevelMatcher level_matcher_;
  simdjson::ondemand::parser json_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_BINANCE_SPOT_BINANCE_SPOT_PARSER_H_
