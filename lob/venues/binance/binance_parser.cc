// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/binance/binance_parser.h"

#include <string_view>
#include <utility>

#include "lob/fixed_point.h"
#include "lob/venues/simdjson_text.h"

namespace wirebook {
namespace {

namespace ondemand = simdjson::ondemand;

// Stamps are milliseconds, or microseconds where the stream asks for them. One
// that is neither, or beyond the year 2255, counts as not said.
int64_t to_ns(uint64_t stamp) noexcept {
  constexpr uint64_t kLastMillisecond = 9'000'000'000'000;
  constexpr uint64_t kFirstMicrosecond = 100'000'000'000'000;
  constexpr uint64_t kLastMicrosecond = kLastMillisecond * 1000;
  if (stamp <= kLastMillisecond) return static_cast<int64_t>(stamp) * 1'000'000;
  if (stamp < kFirstMicrosecond || stamp > kLastMicrosecond) return 0;
  return static_cast<int64_t>(stamp) * 1'000;
}

enum Key : unsigned {
  kEvent,
  kTime,
  kSymbol,
  kFirstId,
  kLastId,
  kPreviousId,
  kBids,
  kAsks,
  kBidQuantity,
  kAskQuantity,
  kLastUpdateId,
  kTradeId,
  kPrice,
  kQuantity,
  kTradeTime,
  kBuyerIsMaker,
  kResult,
  kCode,
  kError,
  kData,
  kStream,
  kOther,
};

Key key_of(const char* key) noexcept {
  if (key[0] != '"' && key[1] == '"') {
    switch (key[0]) {
      case 'e':
        return kEvent;
      case 'E':
        return kTime;
      case 's':
        return kSymbol;
      case 'U':
        return kFirstId;
      case 'u':
        return kLastId;
      case 'b':
        return kBids;
      case 'a':
        return kAsks;
      case 'B':
        return kBidQuantity;
      case 'A':
        return kAskQuantity;
      case 't':
        return kTradeId;
      case 'p':
        return kPrice;
      case 'q':
        return kQuantity;
      case 'T':
        return kTradeTime;
      case 'm':
        return kBuyerIsMaker;
      default:
        return kOther;
    }
  }
  static constexpr KeyName<Key> kNames[] = {
      {"data", kData},     {"stream", kStream},
      {"pu", kPreviousId}, {"lastUpdateId", kLastUpdateId},
      {"bids", kBids},     {"asks", kAsks},
      {"result", kResult}, {"code", kCode},
      {"error", kError},
  };
  for (const KeyName<Key>& name : kNames) {
    if (name.matches(key)) return name.key;
  }
  return kOther;
}

// A price and a quantity of which json_quoted_begin was said.
bool read_level(const char* price, const char* quantity, Scales scales,
                PriceLevel* level, ParseVerdict* verdict) noexcept {
  DecimalError error = read_quoted_amount(price, scales.price, &level->price);
  if (error == DecimalError::kOk) {
    error = read_quoted_amount(quantity, scales.quantity, &level->quantity);
  }
  if (error != DecimalError::kOk) verdict->fault = reason_of(error);
  return error == DecimalError::kOk;
}

}  // namespace

BinanceParser::BinanceParser(InstrumentTable& table, VenueId venue,
                             const VenueParserOptions& options)
    : JsonVenueParser(table, venue, options),
      futures_(venue != VenueId::kBinanceSpot),
      names_pair_(venue == VenueId::kBinanceCoinm) {}

// ---- Where both paths end ---------------------------------------------------

bool BinanceParser::finish_ticker(uint32_t instrument, Scales scales,
                                  uint64_t id, PriceLevel bid, PriceLevel ask,
                                  FrameBuilder& frame) noexcept {
  ParsedMessage* const message = start_message(
      frame, ParsedMessageKind::kBestBidOffer, instrument, scales);
  if (message == nullptr) return false;
  message->has_last_update_id = true;
  message->last_update_id = id;
  return frame.add(Side::kBid, bid) && frame.add(Side::kAsk, ask);
}

bool BinanceParser::finish_trade(uint32_t instrument, Scales scales,
                                 const Trade& trade,
                                 FrameBuilder& frame) noexcept {
  ParsedMessage* const message =
      start_message(frame, ParsedMessageKind::kTrade, instrument, scales);
  if (message == nullptr) return false;
  message->has_last_update_id = true;
  message->last_update_id = trade.id;
  message->exchange_time_ns = to_ns(trade.time);
  message->send_time_ns = to_ns(trade.sent);
  message->aggressor = trade.buyer_is_maker ? Side::kAsk : Side::kBid;
  return frame.add(message->aggressor, trade.level);
}

// ---- The literal fast path --------------------------------------------------

bool BinanceParser::read_literally(const RawMessage& raw,
                                   FrameBuilder& frame) noexcept {
  TextScanner in(raw.data, raw.data + raw.size);
  std::string_view stream;
  const bool wrapped = in.literal("{\"stream\":\"");
  if (wrapped) {
    if (!in.name(&stream) || !in.literal(",\"data\":")) return false;
  }
  bool matched = false;
  if (in.literal("{\"e\":\"depthUpdate\",\"E\":")) {
    matched = match_depth(in, raw, frame);
  } else if (in.literal("{\"u\":")) {
    matched = match_ticker(in, raw, frame);
  } else if (in.literal("{\"e\":\"trade\",\"E\":")) {
    matched = match_trade(in, raw, frame);
  }
  return matched && (!wrapped || in.literal("}")) && in.at_end();
}

bool BinanceParser::match_depth(TextScanner& in, const RawMessage& raw,
                                FrameBuilder& frame) noexcept {
  uint64_t time;
  uint64_t sent = 0;
  uint64_t first;
  uint64_t last;
  uint64_t previous = 0;
  std::string_view symbol;
  std::string_view pair;
  if (!in.unsigned_number(futures_ ? &sent : &time) ||
      (futures_ && (!in.literal(",\"T\":") || !in.unsigned_number(&time))) ||
      !in.literal(",\"s\":\"") || !in.name(&symbol) ||
      (names_pair_ && (!in.literal(",\"ps\":\"") || !in.name(&pair))) ||
      !in.literal(",\"U\":") || !in.unsigned_number(&first) ||
      !in.literal(",\"u\":") || !in.unsigned_number(&last) ||
      (futures_ &&
       (!in.literal(",\"pu\":") || !in.unsigned_number(&previous))) ||
      !in.literal(",\"b\":[") || first > last || last > kMaxUpdateId) {
    return false;
  }
  ParsedMessage* const message = start_delta(symbol, raw, frame);
  if (message == nullptr) return false;
  const Scales scales = scales_of(*message);
  message->has_first_update_id = message->has_last_update_id = true;
  message->has_previous_update_id = futures_;
  message->first_update_id = first;
  message->last_update_id = last;
  message->previous_update_id = previous;
  message->exchange_time_ns = to_ns(time);
  message->send_time_ns = to_ns(sent);
  return match_both_sides(in, Side::kBid, ",\"a\":[", scales, frame) &&
         in.literal("}");
}

bool BinanceParser::match_ticker(TextScanner& in, const RawMessage& raw,
                                 FrameBuilder& frame) noexcept {
  uint64_t id;
  std::string_view symbol;
  if (!in.unsigned_number(&id) || !in.literal(",\"s\":\"") ||
      !in.name(&symbol)) {
    return false;
  }
  const uint32_t index = resolver_.find(symbol, raw.connection);
  if (index == kNoInstrument) return false;
  const Scales scales = scales_of(index);
  PriceLevel bid;
  PriceLevel ask;
  if (!in.literal(",\"b\":\"") || !in.amount(scales.price, &bid.price) ||
      !in.literal("\",\"B\":\"") ||
      !in.amount(scales.quantity, &bid.quantity) ||
      !in.literal("\",\"a\":\"") || !in.amount(scales.price, &ask.price) ||
      !in.literal("\",\"A\":\"") ||
      !in.amount(scales.quantity, &ask.quantity) || !in.literal("\"}")) {
    return false;
  }
  return finish_ticker(index, scales, id, bid, ask, frame);
}

bool BinanceParser::match_trade(TextScanner& in, const RawMessage& raw,
                                FrameBuilder& frame) noexcept {
  uint64_t time;
  uint64_t id;
  uint64_t trade_time;
  std::string_view symbol;
  if (!in.unsigned_number(&time) || !in.literal(",\"s\":\"") ||
      !in.name(&symbol) || !in.literal(",\"t\":") || !in.unsigned_number(&id) ||
      !in.literal(",\"p\":\"")) {
    return false;
  }
  const uint32_t index = resolver_.find(symbol, raw.connection);
  if (index == kNoInstrument) return false;
  const Scales scales = scales_of(index);
  PriceLevel trade;
  if (!in.amount(scales.price, &trade.price) || !in.literal("\",\"q\":\"") ||
      !in.amount(scales.quantity, &trade.quantity) ||
      !in.literal("\",\"T\":") || !in.unsigned_number(&trade_time) ||
      !in.literal(",\"m\":")) {
    return false;
  }
  const bool buyer_is_maker = in.peek() == 't';
  if (!(buyer_is_maker ? in.literal("true") : in.literal("false")) ||
      !in.literal(",\"M\":") ||
      !(in.peek() == 't' ? in.literal("true") : in.literal("false")) ||
      !in.literal("}")) {
    return false;
  }
  return finish_trade(index, scales,
                      {.id = id,
                       .time = trade_time,
                       .sent = time,
                       .buyer_is_maker = buyer_is_maker,
                       .level = trade},
                      frame);
}

// ---- simdjson ---------------------------------------------------------------

ParseVerdict BinanceParser::read_json(ondemand::document& document,
                                      const RawMessage& raw,
                                      FrameBuilder& frame) noexcept {
  ondemand::object root;
  if (document.get_object().get(root) != simdjson::SUCCESS) {
    return kMalformedVerdict;
  }
  const ParseVerdict verdict = read_event(root, raw, /*wrapped=*/false, frame);
  if (verdict.fault != BookReason::kNone) return verdict;
  if (!at_end(document)) {
    return {.fault = BookReason::kMalformedMessage,
            .instrument = verdict.instrument};
  }
  return verdict;
}

ParseVerdict BinanceParser::read_event(ondemand::object event,
                                       const RawMessage& raw, bool wrapped,
                                       FrameBuilder& frame) noexcept {
  ParseVerdict verdict{.fault = BookReason::kMalformedMessage};
  Fields fields;
  if (!read_fields_of(event, raw, wrapped, frame, &fields)) {
    return fields.inner.fault == BookReason::kNone ? verdict : fields.inner;
  }
  if (fields.inner_read &&
      (fields.seen.has(kEvent) || fields.seen.has(kLastUpdateId))) {
    frame.discard();  // an event of its own, whatever else it holds
  }
  const auto good = [&](auto... keys) {
    return fields.seen.has_all(keys...) && !(fields.bad.has(keys) || ...);
  };
  const bool is_body = raw.kind == RawMessageKind::kHttpBody;
  if (fields.seen.has(kEvent)) {
    if (!good(kEvent)) return verdict;
    if (fields.type == "depthUpdate") {
      if (!good(kSymbol)) return verdict;
      verdict.instrument =
          fields.depth != nullptr
              ? fields.depth->instrument
              : resolver_.find_or_add(fields.symbol, raw.connection);
      if (!good(kFirstId, kLastId, kBids, kAsks) || fields.bid != nullptr ||
          fields.ask != nullptr || fields.bad.has(kTime) ||
          (futures_ && (!good(kPreviousId) || fields.bad.has(kTradeTime))) ||
          fields.first > fields.last || fields.last > kMaxUpdateId) {
        return verdict;
      }
      // Futures say when it happened beside when it was sent.
      if (futures_ && fields.seen.has(kTradeTime)) {
        fields.sent = std::exchange(fields.time, fields.trade_time);
      }
      return read_depth(event, fields, ParsedMessageKind::kDelta, verdict,
                        frame);
    }
    if (futures_ && fields.type == "bookTicker") {
      verdict.concerns_book = false;
      if (!good(kLastId, kSymbol, kBids, kBidQuantity, kAsks, kAskQuantity)) {
        return verdict;
      }
      return read_ticker(fields, raw, verdict, frame);
    }
    if (fields.type == "trade") {
      verdict.concerns_book = false;
      if (!good(kSymbol, kTradeId, kPrice, kQuantity, kTradeTime,
                kBuyerIsMaker)) {
        return verdict;
      }
      return read_trade(fields, raw, verdict, frame);
    }
    verdict.fault = BookReason::kNone;
    if (fields.type == "serverShutdown" &&
        frame.start(ParsedMessageKind::kShutdown) == nullptr) {
      verdict.fault = BookReason::kInternalDrop;
    }
    return verdict;
  }
  if (fields.seen.has(kLastUpdateId)) {
    // In a stream it is the top of a book from a partial depth stream.
    if (!is_body) return {};
    verdict.instrument = resolver_.of_body(raw.tag, raw.connection);
    fields.last = fields.last_update_id;
    if (!good(kLastUpdateId, kBids, kAsks) || fields.last > kMaxUpdateId) {
      return verdict;
    }
    return read_depth(event, fields, ParsedMessageKind::kSnapshot, verdict,
                      frame);
  }
  if (!wrapped && fields.seen.has(kData)) {
    return fields.inner_read ? fields.inner : read_wrapped(event, raw, frame);
  }
  if (fields.seen.has_all(kBidQuantity, kAskQuantity)) {
    verdict.concerns_book = false;
    if (!good(kLastId, kSymbol, kBids, kAsks)) return verdict;
    return read_ticker(fields, raw, verdict, frame);
  }
  verdict.fault = BookReason::kNone;
  const bool refused = fields.seen.has(kCode) || fields.seen.has(kError);
  if (!refused && !fields.seen.has(kResult)) return verdict;
  start_notice(
      frame,
      refused ? ParsedMessageKind::kRefused : ParsedMessageKind::kSubscribed,
      is_body ? resolver_.of_body(raw.tag, raw.connection) : kNoInstrument);
  return verdict;
}

// All of it, the levels too where what they need stands before them. False
// where a key comes twice or the text is broken, and where fields->inner says
// why.
bool BinanceParser::read_fields_of(ondemand::object event,
                                   const RawMessage& raw, bool wrapped,
                                   FrameBuilder& frame,
                                   Fields* fields) noexcept {
  for (auto entry : event) {
    ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS) return false;
    const Key key = key_of(field.key().raw());
    if (key == kOther) continue;
    if (!fields->seen.add(key)) return false;
    bool good = true;
    switch (key) {
      case kEvent:
        good = json_string(field.value(), &fields->type);
        break;
      case kSymbol:
        good = json_string(field.value(), &fields->symbol);
        break;
      case kTime:
        good = json_unsigned(field.value(), &fields->time);
        break;
      case kFirstId:
        good = json_unsigned(field.value(), &fields->first);
        break;
      case kLastId:
        good = json_unsigned(field.value(), &fields->last);
        break;
      case kPreviousId:
        good = json_unsigned(field.value(), &fields->previous);
        break;
      case kLastUpdateId:
        good = json_unsigned(field.value(), &fields->last_update_id);
        break;
      case kTradeId:
        good = json_unsigned(field.value(), &fields->trade_id);
        break;
      case kTradeTime:
        good = json_unsigned(field.value(), &fields->trade_time);
        break;
      case kBuyerIsMaker:
        good = field.value().get_bool().get(fields->buyer_is_maker) ==
               simdjson::SUCCESS;
        break;
      case kBids:
      case kAsks:
        if (*json_begin(field.value()) == '"') {
          (key == kBids ? fields->bid : fields->ask) =
              json_quoted_begin(field.value());
        } else if (!read_side(field.value(),
                              key == kBids ? Side::kBid : Side::kAsk, raw,
                              frame, fields)) {
          return false;
        }
        break;
      case kBidQuantity:
        fields->bid_quantity = json_quoted_begin(field.value());
        break;
      case kAskQuantity:
        fields->ask_quantity = json_quoted_begin(field.value());
        break;
      case kPrice:
        fields->price = json_quoted_begin(field.value());
        break;
      case kQuantity:
        fields->quantity = json_quoted_begin(field.value());
        break;
      case kData: {
        ondemand::object inner;
        if (wrapped || fields->seen.has(kEvent) ||
            fields->seen.has(kLastUpdateId) ||
            field.value().get_object().get(inner) != simdjson::SUCCESS) {
          break;
        }
        fields->inner_read = true;
        fields->inner = read_event(inner, raw, /*wrapped=*/true, frame);
        if (fields->inner.fault != BookReason::kNone) return false;
        break;
      }
      default:
        break;
    }
    // Other events use the same letters for other things; whoever needs the
    // field refuses it.
    if (!good) fields->bad.add(key);
  }
  return true;
}

// A side of a depth update, if it says by now of which known book; read_depth
// has it otherwise.
bool BinanceParser::read_side(ondemand::value levels, Side side,
                              const RawMessage& raw, FrameBuilder& frame,
                              Fields* fields) noexcept {
  if (fields->depth == nullptr) {
    const bool first = !fields->seen.has_all(kBids, kAsks);
    if (!first || fields->inner_read || fields->type != "depthUpdate" ||
        !fields->seen.has(kSymbol) || fields->bad.has(kSymbol)) {
      return true;
    }
    const uint32_t instrument = resolver_.find(fields->symbol, raw.connection);
    if (instrument == kNoInstrument) return true;
    fields->depth = start_message(frame, ParsedMessageKind::kDelta, instrument);
    if (fields->depth == nullptr) return false;
  }
  const BookReason fault = read_level_pairs(
      levels, side, scales_of(*fields->depth), NumberStyle::kQuoted, frame);
  if (fault == BookReason::kNone) return true;
  fields->inner = {.fault = fault, .instrument = fields->depth->instrument};
  return false;
}

ParseVerdict BinanceParser::read_wrapped(ondemand::object root,
                                         const RawMessage& raw,
                                         FrameBuilder& frame) noexcept {
  ParseVerdict verdict{.fault = BookReason::kMalformedMessage};
  if (root.reset().error() != simdjson::SUCCESS) return verdict;
  ParseVerdict inner = verdict;
  for (auto entry : root) {
    ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS) return verdict;
    if (key_of(field.key().raw()) != kData) continue;
    ondemand::object event;
    if (field.value().get_object().get(event) != simdjson::SUCCESS) {
      inner.fault = BookReason::kNone;  // a list: no stream of ours
      continue;
    }
    inner = read_event(event, raw, /*wrapped=*/true, frame);
    if (inner.fault != BookReason::kNone) return inner;
  }
  return inner;
}

ParseVerdict BinanceParser::read_depth(ondemand::object event,
                                       const Fields& fields,
                                       ParsedMessageKind kind,
                                       ParseVerdict verdict,
                                       FrameBuilder& frame) noexcept {
  if (verdict.instrument == kNoInstrument) return {};
  ParsedMessage* const message =
      fields.depth != nullptr ? fields.depth
                              : start_message(frame, kind, verdict.instrument);
  if (message == nullptr) return verdict;
  message->has_first_update_id = kind == ParsedMessageKind::kDelta;
  message->has_previous_update_id =
      futures_ && kind == ParsedMessageKind::kDelta;
  message->previous_update_id = fields.previous;
  message->has_last_update_id = true;
  message->first_update_id = fields.first;
  message->last_update_id = fields.last;
  message->exchange_time_ns = to_ns(fields.time);
  message->send_time_ns = to_ns(fields.sent);
  if (fields.depth != nullptr) return {};
  if (event.reset().error() != simdjson::SUCCESS) return verdict;
  for (auto entry : event) {
    ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS) return verdict;
    const Key key = key_of(field.key().raw());
    if (key != kBids && key != kAsks) continue;
    const BookReason fault =
        read_level_pairs(field.value(), key == kBids ? Side::kBid : Side::kAsk,
                         scales_of(*message), NumberStyle::kQuoted, frame);
    if (fault != BookReason::kNone) {
      verdict.fault = fault;
      return verdict;
    }
  }
  verdict.fault = BookReason::kNone;
  return verdict;
}

ParseVerdict BinanceParser::read_ticker(const Fields& fields,
                                        const RawMessage& raw,
                                        ParseVerdict verdict,
                                        FrameBuilder& frame) noexcept {
  const uint32_t index = resolver_.find(fields.symbol, raw.connection);
  if (index == kNoInstrument) return {};
  const Scales scales = scales_of(index);
  PriceLevel bid;
  PriceLevel ask;
  if (!read_level(fields.bid, fields.bid_quantity, scales, &bid, &verdict) ||
      !read_level(fields.ask, fields.ask_quantity, scales, &ask, &verdict)) {
    return verdict;
  }
  return finish_ticker(index, scales, fields.last, bid, ask, frame)
             ? ParseVerdict{}
             : verdict;
}

ParseVerdict BinanceParser::read_trade(const Fields& fields,
                                       const RawMessage& raw,
                                       ParseVerdict verdict,
                                       FrameBuilder& frame) noexcept {
  const uint32_t index = resolver_.find(fields.symbol, raw.connection);
  if (index == kNoInstrument) return {};
  const Scales scales = scales_of(index);
  PriceLevel trade;
  if (!read_level(fields.price, fields.quantity, scales, &trade, &verdict)) {
    return verdict;
  }
  return finish_trade(index, scales,
                      {.id = fields.trade_id,
                       .time = fields.trade_time,
                       .sent = fields.time,
                       .buyer_is_maker = fields.buyer_is_maker,
                       .level = trade},
                      frame)
             ? ParseVerdict{}
             : verdict;
}

}  // namespace wirebook
