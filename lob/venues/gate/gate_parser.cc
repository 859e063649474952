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
    {"channel", kChannel}, {"event", kEvent},  {"error", kError},
    {"result", kResult},   {"time_ms", kSent},
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
constexpr KeyName<Side> kBookSides[] = {{"b", Side::kBid}, {"a", Side::kAsk}};

constexpr KeyName<BookKey> kBodyNames[] = {
    {"id", kLastId}, {"bids", kBids}, {"asks", kAsks}};
constexpr KeyName<Side> kBodySides[] = {{"bids", Side::kBid},
                                        {"asks", Side::kAsk}};

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
  if (!read_fields(root, kEnvelopeNames, &envelope.seen,
                   [&](EnvelopeKey key, ondemand::value value) {
                     switch (key) {
                       case kChannel:
                         return json_string(value, &envelope.channel);
                       case kEvent:
                         return json_string(value, &envelope.event);
                       case kSent:
                         return json_unsigned(value, &envelope.sent_ms);
                       case kError:
                         envelope.refused = json_token(value) != "null";
                         return true;
                       default:
                         return true;
                     }
                   }) ||
      !at_end(document)) {
    return kMalformedVerdict;
  }
  const bool depth = envelope.channel.ends_with(".order_book_update");
  if (envelope.refused) {
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
  if (depth) return read_update(root, envelope, raw, frame);
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

// ---- Books ------------------------------------------------------------------

ParseVerdict GateParser::read_update(ondemand::object root,
                                     const Envelope& envelope,
                                     const RawMessage& raw,
                                     FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  ondemand::object data;
  Book book;
  if (!json_find(root, "result", &data) ||
      !read_fields(data, kBookNames, &book.seen,
                   [&](BookKey key, ondemand::value value) {
                     switch (key) {
                       case kTime:
                         return json_unsigned(value, &book.time_ms);
                       case kSymbol:
                         return json_string(value, &book.symbol);
                       case kFirstId:
                         return json_unsigned(value, &book.first);
                       case kLastId:
                         return json_unsigned(value, &book.last);
                       case kFull:
                         return value.get_bool().get(book.full) ==
                                simdjson::SUCCESS;
                       default:
                         return true;
                     }
                   })) {
    return verdict;
  }
  if (book.seen.has(kSymbol)) {
    verdict.instrument = resolver_.find_or_add(book.symbol, raw.connection);
  }
  if (!book.seen.has_all(kSymbol, kFirstId, kLastId, kBids, kAsks) ||
      book.first > book.last || book.last > kMaxUpdateId) {
    return verdict;
  }
  if (verdict.instrument == kNoInstrument) return {};
  ParsedMessage* const message = start_message(
      frame,
      book.full ? ParsedMessageKind::kSnapshot : ParsedMessageKind::kDelta,
      verdict.instrument);
  if (message == nullptr) return verdict;
  message->has_first_update_id = message->has_last_update_id = true;
  message->first_update_id = book.first;
  message->last_update_id = book.last;
  message->exchange_time_ns = to_unix_ns(book.time_ms, kMillisecondNs);
  message->send_time_ns = to_unix_ns(envelope.sent_ms, kMillisecondNs);
  verdict.fault = read_book(data, kBookSides, scales_of(*message), frame);
  return verdict;
}

ParseVerdict GateParser::read_snapshot(ondemand::object body,
                                       const RawMessage& raw,
                                       FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  verdict.instrument = resolver_.of_body(raw.tag, raw.connection);
  KeysSeen seen;
  uint64_t id = 0;
  if (!read_fields(body, kBodyNames, &seen,
                   [&](BookKey key, ondemand::value value) {
                     return key != kLastId || json_unsigned(value, &id);
                   }) ||
      !seen.has_all(kLastId, kBids, kAsks) || id > kMaxUpdateId) {
    return verdict;
  }
  if (verdict.instrument == kNoInstrument) return {};
  ParsedMessage* const message =
      start_message(frame, ParsedMessageKind::kSnapshot, verdict.instrument);
  if (message == nullptr) return verdict;
  message->has_last_update_id = true;
  message->last_update_id = id;
  verdict.fault = read_book(body, kBodySides, scales_of(*message), frame);
  return verdict;
}

// Levels are ["price", "size"] on spot, {"p": "price", "s": size} on futures.
BookReason GateParser::read_book(ondemand::object data,
                                 const KeyName<Side> (&sides)[2], Scales scales,
                                 FrameBuilder& frame) noexcept {
  constexpr BookReason kMalformed = BookReason::kMalformedMessage;
  if (venue() == VenueId::kGate) {
    return read_sides(data, sides, scales, NumberStyle::kQuoted, frame);
  }
  BookReason fault = BookReason::kNone;
  const auto read_level = [&](ondemand::object fields) {
    KeysSeen seen;
    std::string_view price;
    std::string_view size;
    if (!read_fields(fields, kLevelNames, &seen,
                     [&](LevelKey key, ondemand::value value) {
                       return key == kLevelPrice
                                  ? json_amount_text(
                                        value, NumberStyle::kQuoted, &price)
                                  : read_either(value, &size);
                     }) ||
        !seen.has_all(kLevelPrice, kLevelSize)) {
      return false;
    }
    PriceLevel level;
    fault = reason_of(read_amount(price, scales.price, &level.price));
    if (fault == BookReason::kNone) {
      fault = reason_of(read_amount(size, scales.quantity, &level.quantity));
    }
    return fault == BookReason::kNone && level.price != 0 && frame.add(level);
  };
  KeysSeen seen;
  const bool good =
      read_fields(data, sides, &seen, [&](Side side, ondemand::value levels) {
        frame.begin_side(side);
        return read_objects(levels, read_level);
      });
  return good || fault != BookReason::kNone ? fault : kMalformed;
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
