// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/bybit/bybit_parser.h"

#include <utility>

#include "lob/venues/text_scanner.h"

namespace wirebook {
namespace {

namespace ondemand = simdjson::ondemand;

enum Key : unsigned {
  kTopic,
  kType,
  kTime,
  kData,
  kMatched,
  kOperation,
  kSuccess,
  kSymbol,
  kBids,
  kAsks,
  kUpdateId,
  kTradeTime,
  kTradeSide,
  kVolume,
  kPrice,
};

constexpr KeyName<Key> kNames[] = {
    {"topic", kTopic},     {"type", kType},   {"ts", kTime},
    {"data", kData},       {"cts", kMatched}, {"op", kOperation},
    {"success", kSuccess},
};

constexpr KeyName<Key> kBookNames[] = {
    {"s", kSymbol},
    {"b", kBids},
    {"a", kAsks},
    {"u", kUpdateId},
};

constexpr KeyName<Key> kTradeNames[] = {
    {"T", kTradeTime}, {"s", kSymbol}, {"S", kTradeSide},
    {"v", kVolume},    {"p", kPrice},
};

constexpr KeyName<Side> kSides[] = {{"b", Side::kBid}, {"a", Side::kAsk}};

}  // namespace

// A delta of a book, as the venue writes it.
bool BybitParser::read_literally(const RawMessage& raw,
                                 FrameBuilder& frame) noexcept {
  TextScanner in(raw.data, raw.data + raw.size);
  std::string_view topic;
  std::string_view symbol;
  uint64_t sent_ms;
  uint64_t matched_ms;
  uint64_t id;
  uint64_t sequence;
  if (!in.literal("{\"topic\":\"orderbook.") || !in.name(&topic) ||
      topic.starts_with("1.") || !in.literal(",\"type\":\"delta\",\"ts\":") ||
      !in.unsigned_number(&sent_ms) || !in.literal(",\"data\":{\"s\":\"") ||
      !in.name(&symbol) || !in.literal(",\"b\":[")) {
    return false;
  }
  ParsedMessage* const message = start_delta(symbol, raw, frame);
  if (message == nullptr) return false;
  const Scales scales = scales_of(*message);
  if (!match_both_sides(in, Side::kBid, ",\"a\":[", scales, frame) ||
      !in.literal(",\"u\":") || !in.unsigned_number(&id) ||
      !in.literal(",\"seq\":") || !in.unsigned_number(&sequence) ||
      !in.literal("},\"cts\":") || !in.unsigned_number(&matched_ms) ||
      !in.literal("}") || !in.at_end()) {
    return false;
  }
  // The first id is a snapshot's.
  if (id <= 1 || id > kMaxUpdateId || matched_ms == 0) return false;
  message->has_last_update_id = message->has_previous_update_id = true;
  message->last_update_id = id;
  message->previous_update_id = id - 1;
  message->exchange_time_ns = to_unix_ns(matched_ms, kMillisecondNs);
  message->send_time_ns = to_unix_ns(sent_ms, kMillisecondNs);
  return true;
}

ParseVerdict BybitParser::read_json(ondemand::document& document,
                                    const RawMessage& raw,
                                    FrameBuilder& frame) noexcept {
  ondemand::object root;
  Envelope envelope;
  if (document.get_object().get(root) != simdjson::SUCCESS) {
    return kMalformedVerdict;
  }
  const bool good = read_envelope(root, raw, frame, &envelope);
  if (envelope.book.fault != BookReason::kNone) return envelope.book;
  if (!good || !at_end(document)) return kMalformedVerdict;
  if (envelope.topic.starts_with("orderbook.")) {
    if (!envelope.book_read) {
      ondemand::object data;
      if (!json_find(root, "data", &data)) return kMalformedVerdict;
      read_book(data, raw, frame, &envelope);
    }
    if (envelope.message != nullptr) {
      const bool matched = envelope.matched_ms != 0;
      envelope.message->exchange_time_ns = to_unix_ns(
          matched ? envelope.matched_ms : envelope.sent_ms, kMillisecondNs);
      envelope.message->send_time_ns =
          matched ? to_unix_ns(envelope.sent_ms, kMillisecondNs) : 0;
    }
    return envelope.book;
  }
  if (envelope.topic.starts_with("publicTrade.")) {
    return read_trades(root, raw, frame);
  }
  if (!envelope.seen.has(kOperation) && !envelope.seen.has(kSuccess)) return {};
  // An answer of ours: it names no topic, so a refusal is everybody's.
  ParsedMessageKind kind = ParsedMessageKind::kHeartbeat;  // a pong
  if (!envelope.success) {
    kind = ParsedMessageKind::kRefused;
  } else if (envelope.operation == "subscribe" ||
             envelope.operation == "unsubscribe") {
    // Which topics is not said; each begins with its snapshot.
    return {};
  }
  start_notice(frame, kind);
  return {};
}

bool BybitParser::read_envelope(ondemand::object root, const RawMessage& raw,
                                FrameBuilder& frame,
                                Envelope* envelope) noexcept {
  return read_fields(
      root, kNames, &envelope->seen, [&](Key key, ondemand::value value) {
        ondemand::object data;
        switch (key) {
          case kTopic:
            return json_string(value, &envelope->topic);
          case kType:
            return json_string(value, &envelope->type);
          case kTime:
            return json_unsigned(value, &envelope->sent_ms);
          case kMatched:
            return json_unsigned(value, &envelope->matched_ms);
          case kOperation:
            return json_string(value, &envelope->operation);
          case kSuccess:
            return value.get_bool().get(envelope->success) == simdjson::SUCCESS;
          case kData:
            // A book behind its topic and type, where the venue has it, is read
            // at once; otherwise when they are known.
            if (!envelope->seen.has_all(kTopic, kType) ||
                !envelope->topic.starts_with("orderbook.")) {
              return true;
            }
            if (value.get_object().get(data) != simdjson::SUCCESS) return false;
            read_book(data, raw, frame, envelope);
            return envelope->book.fault == BookReason::kNone;
          default:
            return true;
        }
      });
}

void BybitParser::read_book(ondemand::object data, const RawMessage& raw,
                            FrameBuilder& frame, Envelope* envelope) noexcept {
  ParseVerdict& verdict = envelope->book;
  verdict = kMalformedVerdict;
  envelope->book_read = true;
  // The first level alone is a topic of its own, with ids of its own.
  const bool touch = envelope->topic.starts_with("orderbook.1.");
  verdict.concerns_book = !touch;
  KeysSeen seen;
  std::string_view symbol;
  uint64_t id = 0;
  ParsedMessage* message = nullptr;
  BookReason fault = BookReason::kNone;
  const auto read = [&](Key key, ondemand::value value) {
    switch (key) {
      case kSymbol:
        if (!json_string(value, &symbol)) return false;
        verdict.instrument =
            touch ? resolver_.find(symbol, raw.connection)
                  : resolver_.find_or_add(symbol, raw.connection);
        if (verdict.instrument != kNoInstrument && !seen.has(kBids) &&
            !seen.has(kAsks)) {
          message = start_message(frame, ParsedMessageKind::kDelta,
                                  verdict.instrument);
        }
        return true;
      case kBids:
      case kAsks:
        if (message == nullptr) return true;
        fault =
            read_level_pairs(value, key == kBids ? Side::kBid : Side::kAsk,
                             scales_of(*message), NumberStyle::kQuoted, frame);
        return fault == BookReason::kNone;
      default:
        return json_unsigned(value, &id);
    }
  };
  if (!read_fields(data, kBookNames, &seen, read)) {
    if (fault != BookReason::kNone) verdict.fault = fault;
    return;
  }
  const bool snapshot = envelope->type == "snapshot" || id == 1;
  if (!seen.has_all(kSymbol, kBids, kAsks, kUpdateId) || id > kMaxUpdateId ||
      (!snapshot && (envelope->type != "delta" || id == 0))) {
    return;
  }
  verdict.fault = BookReason::kNone;
  if (verdict.instrument == kNoInstrument) {
    verdict = {};
    return;
  }
  if (message == nullptr) {
    message =
        start_message(frame, ParsedMessageKind::kDelta, verdict.instrument);
    if (message == nullptr) return;
    verdict.fault = read_sides(data, kSides, scales_of(*message),
                               NumberStyle::kQuoted, frame);
  }
  envelope->message = message;
  if (touch) {
    message->kind = ParsedMessageKind::kBestBidOffer;
    return;
  }
  message->kind =
      snapshot ? ParsedMessageKind::kSnapshot : ParsedMessageKind::kDelta;
  message->has_last_update_id = true;
  message->last_update_id = id;
  message->has_previous_update_id = !snapshot;
  message->previous_update_id = snapshot ? 0 : id - 1;
}

ParseVerdict BybitParser::read_trades(ondemand::object root,
                                      const RawMessage& raw,
                                      FrameBuilder& frame) noexcept {
  ondemand::value trades;
  if (!json_find(root, "data", &trades) ||
      !read_objects(trades, [&](ondemand::object trade) {
        return read_trade(trade, raw, frame);
      })) {
    return kMalformedAside;
  }
  return {};
}

bool BybitParser::read_trade(ondemand::object fields, const RawMessage& raw,
                             FrameBuilder& frame) noexcept {
  KeysSeen seen;
  std::string_view symbol;
  uint64_t time_ms = 0;
  TradeText trade;
  const auto read = [&](Key key, ondemand::value value) {
    switch (key) {
      case kSymbol:
        return json_string(value, &symbol);
      case kTradeSide:
        return json_side(value, "Buy", "Sell", &trade.aggressor);
      case kTradeTime:
        return json_unsigned(value, &time_ms);
      case kPrice:
        return json_amount_text(value, NumberStyle::kQuoted, &trade.price);
      case kVolume:
        return json_amount_text(value, NumberStyle::kQuoted, &trade.quantity);
      default:
        return true;
    }
  };
  if (!read_fields(fields, kTradeNames, &seen, read) ||
      !seen.has_all(kSymbol, kTradeSide, kTradeTime, kPrice, kVolume)) {
    return false;
  }
  trade.time_ns = to_unix_ns(time_ms, kMillisecondNs);
  return add_trade(resolver_.find(symbol, raw.connection), trade, frame);
}

}  // namespace wirebook
