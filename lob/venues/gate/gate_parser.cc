// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/gate/gate_parser.h"

namespace wirebook {
namespace {

namespace ondemand = simdjson::ondemand;

enum EnvelopeKey : unsigned {
  kChannel,
  kEvent,
  kError,
  kResult,
  kSent,
};

constexpr KeyName<EnvelopeKey> kEnvelopeNames[] = {
    {"time_ms", kSent}, {"channel", kChannel}, {"event", kEvent},
    {"error", kError},  {"result", kResult},
};

enum BookKey : unsigned {
  kTime,
  kSymbol,
  kFirstId,
  kLastId,
  kBids,
  kAsks,
  kFull,
};

constexpr KeyName<BookKey> kBookNames[] = {
    {"t", kTime}, {"s", kSymbol}, {"U", kFirstId}, {"u", kLastId},
    {"b", kBids}, {"a", kAsks},   {"full", kFull},
};

constexpr KeyName<BookKey> kBodyNames[] = {
    {"id", kLastId}, {"asks", kAsks}, {"bids", kBids}};

enum LevelKey : unsigned { kLevelPrice, kLevelSize };

constexpr KeyName<LevelKey> kLevelNames[] = {{"p", kLevelPrice},
                                             {"s", kLevelSize}};

enum TouchKey : unsigned {
  kTouchTime,
  kTouchSymbol,
  kBid,
  kBidSize,
  kAsk,
  kAskSize,
};

constexpr KeyName<TouchKey> kTouchNames[] = {
    {"t", kTouchTime}, {"s", kTouchSymbol}, {"b", kBid},
    {"B", kBidSize},   {"a", kAsk},         {"A", kAskSize},
};

enum TradeKey : unsigned {
  kTradeId,
  kTradeTime,
  kTradeSymbol,
  kTradeSide,
  kTradePrice,
  kTradeSize,
};

// Spot has pairs and amounts, futures contracts and sizes.
constexpr KeyName<TradeKey> kTradeNames[] = {
    {"id", kTradeId},           {"create_time_ms", kTradeTime},
    {"contract", kTradeSymbol}, {"currency_pair", kTradeSymbol},
    {"side", kTradeSide},       {"price", kTradePrice},
    {"amount", kTradeSize},     {"size", kTradeSize},
};

// A number, in quotes or not.
NumberStyle style_of(ondemand::value value) noexcept {
  return json_token(value).starts_with('"') ? NumberStyle::kQuoted
                                            : NumberStyle::kBare;
}

bool read_either(ondemand::value value, std::string_view* digits) noexcept {
  return json_amount_text(value, style_of(value), digits);
}

}  // namespace

// A diff as the venue writes it; of before 2022 without milliseconds.
bool GateParser::read_literally(const RawMessage& raw,
                                FrameBuilder& frame) noexcept {
  TextScanner in(raw.data, raw.data + raw.size);
  const bool spot = venue() == VenueId::kGate;
  uint64_t ignored;
  uint64_t sent_ms = 0;
  uint64_t time_ms;
  std::string_view symbol;
  uint64_t first;
  uint64_t last;
  if ((!in.literal("{\"time\":") && !in.literal("{\"id\":null,\"time\":")) ||
      !in.unsigned_number(&ignored) ||
      (in.literal(",\"time_ms\":") && !in.unsigned_number(&sent_ms)) ||
      !(spot ? in.literal(",\"channel\":\"spot.")
             : in.literal(",\"channel\":\"futures.")) ||
      !in.literal("order_book_update\",") ||
      !in.literal("\"event\":\"update\",")) {
    return false;
  }
  static_cast<void>(in.literal("\"error\":null,"));
  if (!in.literal("\"result\":{\"t\":") || !in.unsigned_number(&time_ms) ||
      (in.literal(",\"e\":\"depthUpdate\",\"E\":") &&
       !in.unsigned_number(&ignored)) ||
      !in.literal(",\"s\":\"") || !in.name(&symbol) || !in.literal(",\"U\":") ||
      !in.unsigned_number(&first) || !in.literal(",\"u\":") ||
      !in.unsigned_number(&last) || !in.literal(",\"b\":[") || first > last ||
      last > kMaxUpdateId) {
    return false;
  }
  ParsedMessage* const message = start_delta(symbol, raw, frame);
  if (message == nullptr) return false;
  const Scales scales = scales_of(*message);
  if (!match_both_sides(in, Side::kBid, ",\"a\":[", frame,
                        [&] { return match_levels(in, scales, frame); }) ||
      !in.literal("}}") || !in.at_end()) {
    return false;
  }
  message->has_first_update_id = message->has_last_update_id = true;
  message->first_update_id = first;
  message->last_update_id = last;
  message->exchange_time_ns = to_unix_ns(time_ms, kMillisecondNs);
  message->send_time_ns = to_unix_ns(sent_ms, kMillisecondNs);
  return true;
}

// As read_levels.
bool GateParser::match_levels(TextScanner& in, Scales scales,
                              FrameBuilder& frame) const noexcept {
  if (venue() == VenueId::kGate) return match_level_pairs(in, scales, frame);
  if (in.literal("]")) return true;
  while (true) {
    PriceLevel level;
    if (!in.literal("{\"p\":\"") || !in.amount(scales.price, &level.price) ||
        level.price == 0 || !in.literal("\",\"s\":")) {
      return false;
    }
    const bool quoted = in.literal("\"");
    if (!in.amount(scales.quantity, &level.quantity) ||
        (quoted && !in.literal("\"")) || !in.literal("}") ||
        !frame.add(level)) {
      return false;
    }
    const char separator = in.peek();
    in.skip(1);
    if (separator == ']') return true;
    if (separator != ',') return false;
  }
}

ParseVerdict GateParser::read_json(ondemand::document& document,
                                   const RawMessage& raw,
                                   FrameBuilder& frame) noexcept {
  ondemand::object root;
  if (document.get_object().get(root) != simdjson::SUCCESS) {
    return kMalformedVerdict;
  }
  if (raw.kind == RawMessageKind::kHttpBody) {
    const ParseVerdict verdict = read_snapshot(root, raw, frame);
    if (verdict.fault == BookReason::kNone && !at_end(document)) {
      return kMalformedVerdict;
    }
    return verdict;
  }
  Envelope envelope;
  const bool walked = read_envelope(root, raw, frame, &envelope);
  if (envelope.book.fault != BookReason::kNone) return envelope.book;
  if (!walked || !at_end(document)) return kMalformedVerdict;
  const bool depth = envelope.channel.ends_with(".order_book_update");
  if (envelope.refused) {
    frame.discard();
    start_notice(frame, ParsedMessageKind::kRefused);
    return {};
  }
  if (envelope.channel.ends_with(".pong")) {
    frame.start(ParsedMessageKind::kHeartbeat);
    return {};
  }
  if (depth && envelope.event == "subscribe") {
    // It names no symbol.
    frame.start(ParsedMessageKind::kSubscribed);
    return {};
  }
  if (envelope.event != "update") return {};
  if (depth) {
    ondemand::object data;
    if (!envelope.book_read) {
      if (!json_find(root, "result", &data)) return kMalformedVerdict;
      read_update(data, raw, frame, &envelope);
    }
    if (envelope.message != nullptr) {
      envelope.message->send_time_ns =
          to_unix_ns(envelope.sent_ms, kMillisecondNs);
    }
    return envelope.book;
  }
  const bool touch = envelope.channel.ends_with(".book_ticker");
  if (!touch && !envelope.channel.ends_with(".trades")) return {};
  ondemand::value result;
  ondemand::object single;
  if (!json_find(root, "result", &result)) return kMalformedAside;
  // Futures send trades as a list, spot one at a time.
  const bool good =
      json_token(result).starts_with('[')
          ? read_objects(result,
                         [&](ondemand::object trade) {
                           return !touch && read_trade(trade, raw, frame);
                         })
          : result.get_object().get(single) == simdjson::SUCCESS &&
                (touch ? read_touch(single, raw, frame)
                       : read_trade(single, raw, frame));
  return good ? ParseVerdict{} : kMalformedAside;
}

bool GateParser::read_envelope(ondemand::object root, const RawMessage& raw,
                               FrameBuilder& frame,
                               Envelope* envelope) noexcept {
  const auto read = [&](EnvelopeKey key, ondemand::value value) {
    ondemand::object data;
    switch (key) {
      case kChannel:
        return json_string(value, &envelope->channel);
      case kEvent:
        return json_string(value, &envelope->event);
      case kSent:
        return json_unsigned(value, &envelope->sent_ms);
      case kError:
        envelope->refused = json_token(value) != "null";
        return true;
      default:
        // A book behind its channel and event, where the venue has it, is read
        // at once; otherwise when they are known.
        if (envelope->event != "update" || envelope->refused ||
            !envelope->channel.ends_with(".order_book_update")) {
          return true;
        }
        if (value.get_object().get(data) != simdjson::SUCCESS) return false;
        read_update(data, raw, frame, envelope);
        return envelope->book.fault == BookReason::kNone;
    }
  };
  return read_fields(root, kEnvelopeNames, &envelope->seen, read);
}

// ---- Books ------------------------------------------------------------------

void GateParser::read_update(ondemand::object data, const RawMessage& raw,
                             FrameBuilder& frame, Envelope* envelope) noexcept {
  ParseVerdict& verdict = envelope->book;
  verdict = kMalformedVerdict;
  envelope->book_read = true;
  Book book;
  uint32_t known = kNoInstrument;
  ParsedMessage* message = nullptr;
  BookReason fault = BookReason::kNone;
  const auto read_side = [&](BookKey key, ondemand::value value) {
    fault = read_levels(value, key == kBids ? Side::kBid : Side::kAsk,
                        scales_of(*message), frame);
    return fault == BookReason::kNone;
  };
  const auto read = [&](BookKey key, ondemand::value value) {
    switch (key) {
      case kTime:
        return json_unsigned(value, &book.time_ms);
      case kSymbol:
        if (!json_string(value, &book.symbol)) return false;
        // What a broken message calls its symbol may be none.
        known = resolver_.find(book.symbol, raw.connection);
        if (known != kNoInstrument && !book.seen.has(kBids) &&
            !book.seen.has(kAsks)) {
          message = start_message(frame, ParsedMessageKind::kDelta, known);
        }
        return true;
      case kFirstId:
        return json_unsigned(value, &book.first);
      case kLastId:
        return json_unsigned(value, &book.last);
      case kFull:
        return value.get_bool().get(book.full) == simdjson::SUCCESS;
      default:
        return message == nullptr || read_side(key, value);
    }
  };
  if (!read_fields(data, kBookNames, &book.seen, read)) {
    if (fault != BookReason::kNone) {
      verdict.fault = fault;
      verdict.instrument = known;
    }
    return;
  }
  if (book.seen.has(kSymbol)) {
    verdict.instrument = resolver_.find_or_add(book.symbol, raw.connection);
  }
  if (!book.seen.has_all(kSymbol, kFirstId, kLastId, kBids, kAsks) ||
      book.first > book.last || book.last > kMaxUpdateId) {
    return;
  }
  if (verdict.instrument == kNoInstrument) {
    verdict = {};
    return;
  }
  if (message == nullptr) {
    message =
        start_message(frame, ParsedMessageKind::kDelta, verdict.instrument);
    KeysSeen sides;
    if (message == nullptr ||
        !read_fields(
            data, kBookNames, &sides, [&](BookKey key, ondemand::value value) {
              return (key != kBids && key != kAsks) || read_side(key, value);
            })) {
      if (fault != BookReason::kNone) verdict.fault = fault;
      return;
    }
  }
  verdict.fault = BookReason::kNone;
  envelope->message = message;
  if (book.full) message->kind = ParsedMessageKind::kSnapshot;
  message->has_first_update_id = message->has_last_update_id = true;
  message->first_update_id = book.first;
  message->last_update_id = book.last;
  message->exchange_time_ns = to_unix_ns(book.time_ms, kMillisecondNs);
}

ParseVerdict GateParser::read_snapshot(ondemand::object body,
                                       const RawMessage& raw,
                                       FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  verdict.instrument = resolver_.of_body(raw.tag, raw.connection);
  KeysSeen seen;
  uint64_t id = 0;
  ParsedMessage* message = nullptr;
  if (verdict.instrument != kNoInstrument) {
    message =
        start_message(frame, ParsedMessageKind::kSnapshot, verdict.instrument);
    if (message == nullptr) return verdict;
  }
  BookReason fault = BookReason::kNone;
  const auto read = [&](BookKey key, ondemand::value value) {
    if (key == kLastId) return json_unsigned(value, &id);
    if (message == nullptr) return true;
    fault = read_levels(value, key == kBids ? Side::kBid : Side::kAsk,
                        scales_of(*message), frame);
    return fault == BookReason::kNone;
  };
  if (!read_fields(body, kBodyNames, &seen, read)) {
    if (fault != BookReason::kNone) verdict.fault = fault;
    return verdict;
  }
  if (!seen.has_all(kLastId, kBids, kAsks) || id > kMaxUpdateId) return verdict;
  if (message == nullptr) return {};
  message->has_last_update_id = true;
  message->last_update_id = id;
  verdict.fault = BookReason::kNone;
  return verdict;
}

// Levels are ["price", "size"] on spot, {"p": "price", "s": size} on futures.
BookReason GateParser::read_levels(ondemand::value value, Side side,
                                   Scales scales,
                                   FrameBuilder& frame) noexcept {
  if (venue() == VenueId::kGate) {
    return read_level_pairs(value, side, scales, NumberStyle::kQuoted, frame);
  }
  frame.begin_side(side);
  DecimalError error = DecimalError::kOk;
  const bool good = read_objects(value, [&](ondemand::object fields) {
    KeysSeen seen;
    PriceLevel level;
    const auto read = [&](LevelKey key, ondemand::value number) {
      if (key == kLevelPrice) {
        error = json_quoted_amount(number, scales.price, &level.price);
      } else {
        error =
            *json_begin(number) == '"'
                ? json_quoted_amount(number, scales.quantity, &level.quantity)
                : json_amount(number, scales.quantity, &level.quantity);
      }
      return error == DecimalError::kOk;
    };
    return read_fields(fields, kLevelNames, &seen, read) &&
           seen.has_all(kLevelPrice, kLevelSize) && level.price != 0 &&
           frame.add(level);
  });
  if (error != DecimalError::kOk) return reason_of(error);
  return good ? BookReason::kNone : BookReason::kMalformedMessage;
}

// ---- What is not depth ------------------------------------------------------

bool GateParser::read_touch(ondemand::object fields, const RawMessage& raw,
                            FrameBuilder& frame) noexcept {
  KeysSeen seen;
  std::string_view symbol;
  uint64_t time_ms = 0;
  TouchText touch;
  const auto read = [&](TouchKey key, ondemand::value value) {
    switch (key) {
      case kTouchTime:
        return json_unsigned(value, &time_ms);
      case kTouchSymbol:
        return json_string(value, &symbol);
      case kBid:
        return json_amount_text(value, NumberStyle::kQuoted, &touch.bid);
      case kBidSize:
        return read_either(value, &touch.bid_quantity);
      case kAsk:
        return json_amount_text(value, NumberStyle::kQuoted, &touch.ask);
      case kAskSize:
        return read_either(value, &touch.ask_quantity);
    }
    return true;
  };
  return read_fields(fields, kTouchNames, &seen, read) &&
         seen.has_all(kTouchSymbol, kBid, kBidSize, kAsk, kAskSize) &&
         add_touch(resolver_.find(symbol, raw.connection), touch,
                   to_unix_ns(time_ms, kMillisecondNs), frame);
}

bool GateParser::read_trade(ondemand::object fields, const RawMessage& raw,
                            FrameBuilder& frame) noexcept {
  KeysSeen seen;
  std::string_view symbol;
  std::string_view side;
  std::string_view time;
  TradeText trade{.has_id = true};
  const auto read = [&](TradeKey key, ondemand::value value) {
    switch (key) {
      case kTradeId:
        return json_unsigned(value, &trade.id);
      case kTradeTime:
        return read_either(value, &time);
      case kTradeSymbol:
        return json_string(value, &symbol);
      case kTradeSide:
        return json_string(value, &side);
      case kTradePrice:
        return json_amount_text(value, NumberStyle::kQuoted, &trade.price);
      case kTradeSize:
        return read_either(value, &trade.quantity);
    }
    return true;
  };
  if (!read_fields(fields, kTradeNames, &seen, read) ||
      !seen.has_all(kTradeId, kTradeTime, kTradeSymbol, kTradePrice,
                    kTradeSize)) {
    return false;
  }
  // Futures say who took by the size's sign.
  if (!seen.has(kTradeSide)) {
    const bool sold = trade.quantity.starts_with('-');
    if (sold) trade.quantity.remove_prefix(1);
    side = sold ? "sell" : "buy";
  }
  if (!parse_side(side, "buy", "sell", &trade.aggressor)) return false;
  // Milliseconds, with decimals of them; one that is none is not said.
  if (read_amount(time, 6, &trade.time_ns) != DecimalError::kOk) {
    trade.time_ns = 0;
  }
  return add_trade(resolver_.find(symbol, raw.connection), trade, frame);
}

}  // namespace wirebook
