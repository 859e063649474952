// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// KrakenParser: book snapshots and updates, acks, heartbeats and status of
// Kraken's WebSocket API v2.
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
#include "lob/venues/instrument_resolver.h"
#include "lob/venues/rfc3339.h"
#include "lob/venues/simdjson_text.h"
#include "lob/venues/text_scanner.h"
#include "lob/venues/venue_parser.h"
#include "simdjson.h"

namespace wirebook {

class KrakenParser final : public VenueParser {
 public:
  KrakenParser(InstrumentTable& table, const VenueParserOptions& options);

  bool parse(const RawMessage& raw, uint64_t start_ticks,
             ParsedMessageSink& sink) noexcept override;

  uint64_t unknown_instruments() const noexcept override {
    return resolver_.unknown();
  }

 private:
  struct Verdict {
    BookReason fault = BookReason::kNone;  // kNone: all is well
    uint32_t instrument = kNoInstrument;   // whom a fault concerns, if known
  };

  // Decimals of one instrument, as its last snapshot wrote them.
  struct Scales {
    int8_t price = 8;
    int8_t quantity = 8;
  };

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
  };

  bool parse_literally(const RawMessage& raw, FrameBuilder& frame) noexcept;
  bool match_levels(TextScanner& in, Scales scales,
                    FrameBuilder& frame) noexcept;

  Verdict parse_json(const RawMessage& raw, FrameBuilder& frame) noexcept;
  bool read_envelope(simdjson::ondemand::object root,
                     Envelope* envelope) noexcept;
  bool read_result(simdjson::ondemand::value value,
                   Envelope* envelope) noexcept;
  Verdict read_ack(const Envelope& envelope, const RawMessage& raw,
                   FrameBuilder& frame) noexcept;
  Verdict read_status(simdjson::ondemand::object root,
                      FrameBuilder& frame) noexcept;
  Verdict read_books(simdjson::ondemand::object root, bool snapshot,
                     const RawMessage& raw, FrameBuilder& frame) noexcept;
  Verdict read_book(simdjson::ondemand::object book, bool snapshot,
                    const RawMessage& raw, FrameBuilder& frame) noexcept;
  bool measure_levels(simdjson::ondemand::value value, Scales* scales) noexcept;
  BookReason read_levels(simdjson::ondemand::value value, Side side,
                         Scales scales, FrameBuilder& frame) noexcept;

  InstrumentResolver resolver_;
  const bool literal_fast_path_;
  std::vector<Scales> scales_;  // by instrument
  Rfc3339Reader times_;
  simdjson::ondemand::parser json_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_KRAKEN_KRAKEN_PARSER_H_
