// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/json_venue_parser.h"

#include "lob/venues/level_matcher.h"

namespace wirebook {

namespace ondemand = simdjson::ondemand;

BookReason read_level_pairs(ondemand::value value, Side side, Scales scales,
                            NumberStyle style, FrameBuilder& frame,
                            ZeroPrice zero) noexcept {
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
    if (fields < 2) return kMalformed;
    if (level.price == 0 && zero == ZeroPrice::kPassedOver) continue;
    if (level.price == 0 || !frame.add(level)) return kMalformed;
  }
  return BookReason::kNone;
}

BookReason read_sides(ondemand::object book, const KeyName<Side> (&names)[2],
                      Scales scales, NumberStyle style, FrameBuilder& frame,
                      ZeroPrice zero) noexcept {
  KeysSeen seen;
  BookReason fault = BookReason::kNone;
  const bool good =
      read_fields(book, names, &seen, [&](Side side, ondemand::value value) {
        fault = read_level_pairs(value, side, scales, style, frame, zero);
        return fault == BookReason::kNone;
      });
  return good || fault != BookReason::kNone ? fault
                                            : BookReason::kMalformedMessage;
}

bool match_level_pairs(TextScanner& in, Scales scales, FrameBuilder& frame,
                       ZeroPrice zero) noexcept {
  static const bool kSupported = level_matcher_supported();
  if (in.literal("]")) return true;
  // The cursor stays in a register.
  TextScanner at(in.position(), in.end());
  bool many = kSupported;
  while (true) {
    if (many) {
      const std::span<PriceLevel> room = frame.room();
      const char* position = at.position();
      const LevelMatch read =
          match_levels(position, at.end(), scales.price, scales.quantity, room);
      frame.added(read.count);
      at.move_to(position);
      if (read.closed) {
        in.move_to(position);
        return true;
      }
      // Else the others look otherwise, too.
      many = read.count != 0 || room.empty() || zero == ZeroPrice::kPassedOver;
    }
    PriceLevel level;
    if (!at.literal("[\"") || !at.amount(scales.price, &level.price) ||
        !at.literal("\",\"") || !at.amount(scales.quantity, &level.quantity)) {
      return false;
    }
    if (!at.literal("\"]")) {
      if (!at.literal("\"")) return false;
      std::string_view other;
      do {
        if (!at.literal(",\"") || !at.name(&other)) return false;
      } while (!at.literal("]"));
    }
    if (level.price == 0) [[unlikely]] {
      if (zero == ZeroPrice::kMalformed) return false;
    } else if (!frame.add(level)) {
      return false;
    }
    const char separator = at.peek();
    at.skip(1);
    if (separator == ',') continue;
    in.move_to(at.position());
    return separator == ']';
  }
}

BookReason read_changes(ondemand::value value, Scales scales,
                        FrameBuilder& frame) noexcept {
  constexpr BookReason kMalformed = BookReason::kMalformedMessage;
  ondemand::array changes;
  if (value.get_array().get(changes) != simdjson::SUCCESS) return kMalformed;
  frame.begin_side(Side::kBid);
  for (auto entry : changes) {
    ondemand::array parts;
    if (entry.get_array().get(parts) != simdjson::SUCCESS) return kMalformed;
    Side side = Side::kBid;
    PriceLevel level;
    unsigned fields = 0;
    for (auto part : parts) {
      ondemand::value text;
      if (std::move(part).get(text) != simdjson::SUCCESS) return kMalformed;
      if (++fields > 3) return kMalformed;
      if (fields == 1) {
        if (!parse_side(json_token(text), "\"buy\"", "\"sell\"", &side)) {
          return kMalformed;
        }
        continue;
      }
      const DecimalError error =
          fields == 2
              ? json_quoted_amount(text, scales.price, &level.price)
              : json_quoted_amount(text, scales.quantity, &level.quantity);
      if (error != DecimalError::kOk) return reason_of(error);
    }
    if (fields != 3 || level.price == 0 || !frame.add_mixed(side, level)) {
      return kMalformed;
    }
  }
  return BookReason::kNone;
}

bool match_changes(TextScanner& in, Scales scales,
                   FrameBuilder& frame) noexcept {
  frame.begin_side(Side::kBid);
  TextScanner at(in.position(), in.end());
  char separator = ',';
  while (separator == ',') {
    PriceLevel level;
    const bool bid = at.literal("[\"buy\",\"");
    if ((!bid && !at.literal("[\"sell\",\"")) ||
        !at.amount(scales.price, &level.price) || level.price == 0 ||
        !at.literal("\",\"") || !at.amount(scales.quantity, &level.quantity) ||
        !at.literal("\"]") ||
        !frame.add_mixed(bid ? Side::kBid : Side::kAsk, level)) {
      return false;
    }
    separator = at.peek();
    at.skip(1);
  }
  in.move_to(at.position());
  return separator == ']';
}

JsonVenueParser::JsonVenueParser(InstrumentTable& table, VenueId venue,
                                 const VenueParserOptions& options)
    : resolver_(table, venue, options.discover_instruments, options.line_bits),
      venue_(venue),
      literal_fast_path_(options.literal_fast_path && !options.orders),
      orders_(options.orders) {
  if (options.prepared) prepare_json_parser(json_);
}

bool JsonVenueParser::read_literally(const RawMessage&,
                                     FrameBuilder&) noexcept {
  return false;
}

bool JsonVenueParser::add_trade(uint32_t instrument, const TradeText& trade,
                                FrameBuilder& frame) noexcept {
  if (instrument == kNoInstrument) return true;
  const Scales scales = scales_of(instrument);
  PriceLevel level;
  if (read_amount(trade.price, scales.price, &level.price) !=
          DecimalError::kOk ||
      read_amount(trade.quantity, scales.quantity, &level.quantity) !=
          DecimalError::kOk) {
    return false;
  }
  ParsedMessage* const message =
      start_message(frame, ParsedMessageKind::kTrade, instrument, scales);
  if (message == nullptr) return false;
  message->has_last_update_id = trade.has_id;
  message->last_update_id = trade.id;
  message->exchange_time_ns = trade.time_ns;
  message->aggressor = trade.aggressor;
  return frame.add(trade.aggressor, level);
}

bool JsonVenueParser::add_touch(uint32_t instrument, const TouchText& touch,
                                int64_t time_ns, FrameBuilder& frame) noexcept {
  if (instrument == kNoInstrument) return true;
  const Scales scales = scales_of(instrument);
  const auto read = [](std::string_view digits, int scale, int64_t* out) {
    return digits.empty() ||
           read_amount(digits, scale, out) == DecimalError::kOk;
  };
  PriceLevel bid;
  PriceLevel ask;
  if (!read(touch.bid, scales.price, &bid.price) ||
      !read(touch.bid_quantity, scales.quantity, &bid.quantity) ||
      !read(touch.ask, scales.price, &ask.price) ||
      !read(touch.ask_quantity, scales.quantity, &ask.quantity)) {
    return false;
  }
  ParsedMessage* const message = start_message(
      frame, ParsedMessageKind::kBestBidOffer, instrument, scales);
  if (message == nullptr) return false;
  message->exchange_time_ns = time_ns;
  return frame.add(Side::kBid, bid) && frame.add(Side::kAsk, ask);
}

bool JsonVenueParser::parse(const RawMessage& raw, uint64_t start_ticks,
                            ParsedMessageSink& sink) noexcept {
  FrameBuilder frame(raw, start_ticks, sink);
  const char last = raw.size == 0 ? '\0' : raw.data[raw.size - 1];
  const bool bounded =
      (last == '}' || last == ']') && raw.kind == RawMessageKind::kText;
  if (literal_fast_path_ && bounded && read_literally(raw, frame)) [[likely]] {
    ++literal_frames_;
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
