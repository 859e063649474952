// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/bybit/bybit_parser.h"

#include <utility>

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
    {"success", kSuccess}, {"s", kSymbol},    {"b", kBids},
    {"a", kAsks},          {"u", kUpdateId},  {"T", kTradeTime},
    {"S", kTradeSide},     {"v", kVolume},    {"p", kPrice},
};

constexpr KeyName<Side> kSides[] = {{"b", Side::kBid}, {"a", Side::kAsk}};

}  // namespace

ParseVerdict BybitParser::read_json(ondemand::document& document,
                                    const RawMessage& raw,
                                    FrameBuilder& frame) noexcept {
  ondemand::object root;
  Envelope envelope;
  if (document.get_object().get(root) != simdjson::SUCCESS ||
      !read_envelope(root, &envelope) || !at_end(document)) {
    return kMalformedVerdict;
  }
  if (envelope.topic.starts_with("orderbook.")) {
    return read_book(root, envelope, raw, frame);
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

bool BybitParser::read_envelope(ondemand::object root,
                                Envelope* envelope) noexcept {
  return read_fields(
      root, kNames, &envelope->seen, [&](Key key, ondemand::value value) {
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
          default:
            return true;
        }
      });
}

ParseVerdict BybitParser::read_book(ondemand::object root,
                                    const Envelope& envelope,
                                    const RawMessage& raw,
                                    FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  ondemand::object data;
  if (!json_find(root, "data", &data)) return verdict;
  KeysSeen seen;
  std::string_view symbol;
  uint64_t id = 0;
  if (!read_fields(data, kNames, &seen, [&](Key key, ondemand::value text) {
        if (key == kSymbol) return json_string(text, &symbol);
        return key != kUpdateId || json_unsigned(text, &id);
      })) {
    return verdict;
  }
  // The first level alone is a topic of its own, with ids of its own.
  const bool touch = envelope.topic.starts_with("orderbook.1.");
  if (touch) verdict.concerns_book = false;
  if (seen.has(kSymbol)) {
    verdict.instrument = touch ? resolver_.find(symbol, raw.connection)
                               : resolver_.find_or_add(symbol, raw.connection);
  }
  const bool snapshot = envelope.type == "snapshot" || id == 1;
  if (!seen.has_all(kSymbol, kBids, kAsks, kUpdateId) || id > kMaxUpdateId ||
      (!snapshot && (envelope.type != "delta" || id == 0))) {
    return verdict;
  }
  if (verdict.instrument == kNoInstrument) return {};
  ParsedMessageKind kind =
      snapshot ? ParsedMessageKind::kSnapshot : ParsedMessageKind::kDelta;
  if (touch) kind = ParsedMessageKind::kBestBidOffer;
  ParsedMessage* const message = start_message(frame, kind, verdict.instrument);
  if (message == nullptr) return verdict;
  if (!touch) {
    message->has_last_update_id = true;
    message->last_update_id = id;
    message->has_previous_update_id = !snapshot;
    message->previous_update_id = snapshot ? 0 : id - 1;
  }
  if (envelope.matched_ms != 0) {
    message->exchange_time_ns = to_unix_ns(envelope.matched_ms, kMillisecondNs);
    message->send_time_ns = to_unix_ns(envelope.sent_ms, kMillisecondNs);
  } else {
    message->exchange_time_ns = to_unix_ns(envelope.sent_ms, kMillisecondNs);
  }
  verdict.fault = read_sides(data, kSides, scales_of(*message),
                             NumberStyle::kQuoted, frame);
  return verdict;
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
  if (!read_fields(fields, kNames, &seen, read) ||
      !seen.has_all(kSymbol, kTradeSide, kTradeTime, kPrice, kVolume)) {
    return false;
  }
  trade.time_ns = to_unix_ns(time_ms, kMillisecondNs);
  return add_trade(resolver_.find(symbol, raw.connection), trade, frame);
}

}  // namespace wirebook
