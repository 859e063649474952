// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/json_venue_parser.h"

#include "lob/venues/simdjson_text.h"

namespace wirebook {

namespace ondemand = simdjson::ondemand;

BookReason read_level_pairs(ondemand::value value, Side side, Scales scales,
                            NumberStyle style, FrameBuilder& frame) noexcept {
  constexpr BookReason kMalformed = BookReason::kMalformedMessage;
  ondemand::array levels;
  if (value.get_array().get(levels) != simdjson::SUCCESS) return kMalformed;
  frame.begin_side(side);
  for (auto entry : levels) {
    ondemand::array pair;
    if (entry.get_array().get(pair) != simdjson::SUCCESS) return kMalformed;
    PriceLevel level;
    unsigned fields = 0;
    for (auto part : pair) {
      ondemand::value number;
      if (std::move(part).get(number) != simdjson::SUCCESS) return kMalformed;
      if (++fields > 2) continue;
      const int scale = fields == 1 ? scales.price : scales.quantity;
      int64_t* const out = fields == 1 ? &level.price : &level.quantity;
      const DecimalError error = style == NumberStyle::kQuoted
                                     ? json_quoted_amount(number, scale, out)
                                     : json_amount(number, scale, out);
      if (error != DecimalError::kOk) return reason_of(error);
    }
    if (fields < 2 || level.price == 0 || !frame.add(level)) return kMalformed;
  }
  return BookReason::kNone;
}

JsonVenueParser::JsonVenueParser(InstrumentTable& table, VenueId venue,
                                 const VenueParserOptions& options)
    : resolver_(table, venue, options.discover_instruments),
      literal_fast_path_(options.literal_fast_path) {
  prepare_json_parser(json_);
}

bool JsonVenueParser::read_literally(const RawMessage&,
                                     FrameBuilder&) noexcept {
  return false;
}

bool JsonVenueParser::parse(const RawMessage& raw, uint64_t start_ticks,
                            ParsedMessageSink& sink) noexcept {
  FrameBuilder frame(raw, start_ticks, sink);
  if (literal_fast_path_ && read_literally(raw, frame)) [[likely]] {
    return frame.emit();
  }
  if (frame.out_of_messages()) return false;
  frame.discard();
  ondemand::document document;
  const simdjson::padded_string_view text(raw.data, raw.size,
                                          raw.size + kRawMessageSlackBytes);
  const ParseVerdict verdict =
      json_.iterate(text).get(document) == simdjson::SUCCESS
          ? read_json(document, raw, frame)
          : kMalformedVerdict;
  if (frame.out_of_messages()) return false;
  if (verdict.fault == BookReason::kNone) return frame.emit();
  uint32_t instrument = verdict.instrument;
  if (instrument == kNoInstrument && raw.kind == RawMessageKind::kHttpBody) {
    instrument = resolver_.of_body(raw.tag, raw.connection);
  }
  return frame.emit_only(ParsedMessageKind::kMalformed, verdict.fault,
                         instrument, verdict.concerns_book);
}

}  // namespace wirebook
