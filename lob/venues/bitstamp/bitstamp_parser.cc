// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/bitstamp/bitstamp_parser.h"

namespace wirebook {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr int64_t kMicrosecondNs = 1'000;
// A time beyond the year 2255 is none that a book may wait for.
constexpr uint64_t kLastMicros = 9'000'000'000'000'000;

constexpr std::string_view kDiffs = "diff_order_book_";
constexpr std::string_view kOrders = "live_orders_";
constexpr std::string_view kTrades = "live_trades_";

enum Key : unsigned {
  kEvent,
  kChannel,
  kData,
  kMicros,
  kBids,
  kAsks,
  kId,
  kType,
  kPrice,
  kAmount,
};

constexpr KeyName<Key> kNames[] = {
    {"data", kData},
    {"channel", kChannel},
    {"event", kEvent},
};

constexpr KeyName<Key> kBookNames[] = {
    {"microtimestamp", kMicros},
    {"bids", kBids},
    {"asks", kAsks},
};

constexpr KeyName<Key> kTradeNames[] = {
    {"id", kId},     {"amount_str", kAmount},     {"price_str", kPrice},
    {"type", kType}, {"microtimestamp", kMicros},
};

}  // namespace

// A diff as the venue writes it, its symbol behind its levels.
bool BitstampParser::read_literally(const RawMessage& raw,
                                    FrameBuilder& frame) noexcept {
  TextScanner in(raw.data, raw.data + raw.size);
  std::string_view seconds;
  std::string_view channel;
  uint64_t micros;
  if (!in.literal("{\"data\":{\"timestamp\":\"") || !in.name(&seconds) ||
      !in.literal(",\"microtimestamp\":\"") || !in.unsigned_number(&micros) ||
      micros == 0 || micros > kLastMicros || !in.literal("\",\"bids\":[") ||
      !in.name_at_end("},\"channel\":\"", &channel, "\",\"event\":\"data\"}") ||
      !channel.starts_with(kDiffs)) {
    return false;
  }
  ParsedMessage* const message =
      start_delta(channel.substr(kDiffs.size()), raw, frame);
  if (message == nullptr) return false;
  const Scales scales = scales_of(*message);
  set_time(micros, message);
  return match_both_sides(in, Side::kBid, ",\"asks\":[", scales, frame) &&
         in.at_end();
}

void BitstampParser::set_time(uint64_t micros, ParsedMessage* out) noexcept {
  out->has_first_update_id = out->kind == ParsedMessageKind::kDelta;
  out->first_update_id = out->has_first_update_id ? micros : 0;
  out->has_last_update_id = true;
  out->last_update_id = micros;
  out->exchange_time_ns = to_unix_ns(micros, kMicrosecondNs);
}

ParseVerdict BitstampParser::read_json(ondemand::document& document,
                                       const RawMessage& raw,
                                       FrameBuilder& frame) noexcept {
  ondemand::object root;
  if (document.get_object().get(root) != simdjson::SUCCESS) {
    return kMalformedVerdict;
  }
  ParseVerdict verdict = kMalformedVerdict;
  if (raw.kind == RawMessageKind::kHttpBody) {
    verdict.instrument = resolver_.of_body(raw.tag, raw.connection);
    verdict = read_book(root, ParsedMessageKind::kSnapshot, verdict, frame);
    return verdict.fault != BookReason::kNone || at_end(document)
               ? verdict
               : kMalformedVerdict;
  }
  Message message;
  ondemand::object data;
  if (!read_envelope(root, &message) || !at_end(document)) {
    return kMalformedVerdict;
  }
  if (reads_orders() && message.event.starts_with("order_") &&
      message.channel.starts_with(kOrders)) {
    if (message.event != "order_created" && message.event != "order_changed" &&
        message.event != "order_deleted") {
      return {};
    }
    return read_order(
        root, message.event,
        resolver_.find_or_add(message.channel.substr(kOrders.size()),
                              raw.connection),
        frame);
  }
  if (!reads_orders() && message.event == "data" &&
      message.channel.starts_with(kDiffs)) {
    verdict.instrument = resolver_.find_or_add(
        message.channel.substr(kDiffs.size()), raw.connection);
    return json_find(root, "data", &data)
               ? read_book(data, ParsedMessageKind::kDelta, verdict, frame)
               : verdict;
  }
  if (message.event == "trade" && message.channel.starts_with(kTrades)) {
    verdict.concerns_book = false;
    const uint32_t index =
        resolver_.find(message.channel.substr(kTrades.size()), raw.connection);
    if (!json_find(root, "data", &data) || !read_trade(data, index, frame)) {
      return verdict;
    }
    return {};
  }
  return read_notice(message, raw, frame);
}

bool BitstampParser::read_envelope(ondemand::object root,
                                   Message* message) noexcept {
  KeysSeen seen;
  return read_fields(root, kNames, &seen, [&](Key key, ondemand::value value) {
    if (key == kEvent) return json_string(value, &message->event);
    return key != kChannel || json_string(value, &message->channel);
  });
}

ParseVerdict BitstampParser::read_notice(const Message& message,
                                         const RawMessage& raw,
                                         FrameBuilder& frame) noexcept {
  if (message.event == "bts:heartbeat") {
    frame.start(ParsedMessageKind::kHeartbeat);
    return {};
  }
  if (message.event == "bts:request_reconnect") {
    frame.start(ParsedMessageKind::kShutdown);
    return {};
  }
  const bool refused = message.event == "bts:error";
  const bool subscribed = message.event == "bts:subscription_succeeded";
  const std::string_view prefix = reads_orders() ? kOrders : kDiffs;
  const bool named = message.channel.starts_with(prefix);
  if (!refused && !(subscribed && named)) return {};
  uint32_t instrument = kNoInstrument;
  if (named) {
    const std::string_view symbol = message.channel.substr(prefix.size());
    instrument = subscribed ? resolver_.find_or_add(symbol, raw.connection)
                            : resolver_.find(symbol, raw.connection);
    if (instrument == kNoInstrument) return {};
  }
  start_notice(
      frame,
      refused ? ParsedMessageKind::kRefused : ParsedMessageKind::kSubscribed,
      instrument);
  return {};
}

// In one walk: whose it is is known. A book of orders is walked again, by them.
ParseVerdict BitstampParser::read_book(ondemand::object book,
                                       ParsedMessageKind kind,
                                       ParseVerdict verdict,
                                       FrameBuilder& frame) noexcept {
  KeysSeen seen;
  uint64_t micros = 0;
  ParsedMessage* out = nullptr;
  if (verdict.instrument != kNoInstrument && !reads_orders()) {
    out = start_message(frame, kind, verdict.instrument);
    if (out == nullptr) return verdict;
  }
  BookReason fault = BookReason::kNone;
  const auto read = [&](Key key, ondemand::value value) {
    if (key == kMicros) return json_quoted_unsigned(value, &micros);
    if (out == nullptr) return true;
    fault = read_level_pairs(value, key == kBids ? Side::kBid : Side::kAsk,
                             scales_of(*out), NumberStyle::kQuoted, frame);
    return fault == BookReason::kNone;
  };
  if (!read_fields(book, kBookNames, &seen, read)) {
    if (fault != BookReason::kNone) verdict.fault = fault;
    return verdict;
  }
  if (!seen.has_all(kMicros, kBids, kAsks) || micros == 0 ||
      micros > kLastMicros) {
    return verdict;
  }
  if (verdict.instrument == kNoInstrument) return {};
  if (out == nullptr) {
    return read_order_book(book, micros, verdict.instrument, frame);
  }
  set_time(micros, out);
  verdict.fault = BookReason::kNone;
  return verdict;
}

bool BitstampParser::read_trade(ondemand::object fields, uint32_t instrument,
                                FrameBuilder& frame) noexcept {
  KeysSeen seen;
  uint64_t type = 0;
  uint64_t micros = 0;
  TradeText trade;
  const auto read = [&](Key key, ondemand::value value) {
    switch (key) {
      case kId:
        return json_unsigned(value, &trade.id);
      case kType:
        return json_unsigned(value, &type);
      case kMicros:
        return json_quoted_unsigned(value, &micros);
      case kPrice:
        return json_amount_text(value, NumberStyle::kQuoted, &trade.price);
      case kAmount:
        return json_amount_text(value, NumberStyle::kQuoted, &trade.quantity);
      default:
        return true;
    }
  };
  if (!read_fields(fields, kTradeNames, &seen, read) ||
      !seen.has_all(kId, kType, kMicros, kPrice, kAmount) || type > 1) {
    return false;
  }
  trade.has_id = true;
  trade.time_ns = to_unix_ns(micros, kMicrosecondNs);
  trade.aggressor = type == 0 ? Side::kBid : Side::kAsk;
  return add_trade(instrument, trade, frame);
}

}  // namespace wirebook
