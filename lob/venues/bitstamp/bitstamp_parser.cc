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
    {"event", kEvent},     {"channel", kChannel},
    {"data", kData},       {"microtimestamp", kMicros},
    {"bids", kBids},       {"asks", kAsks},
    {"id", kId},           {"type", kType},
    {"price_str", kPrice}, {"amount_str", kAmount},
};

constexpr KeyName<Side> kSides[] = {{"bids", Side::kBid}, {"asks", Side::kAsk}};

}  // namespace

ParseVerdict BitstampParser::read_json(ondemand::document& document,
                                       const RawMessage& raw,
                                       FrameBuilder& frame) noexcept {
  ondemand::object root;
  Message message;
  if (document.get_object().get(root) != simdjson::SUCCESS ||
      !read_scalars(root, &message) || !at_end(document)) {
    return kMalformedVerdict;
  }
  ParseVerdict verdict = kMalformedVerdict;
  if (raw.kind == RawMessageKind::kHttpBody) {
    verdict.instrument = resolver_.of_body(raw.tag, raw.connection);
    return read_book(root, message, ParsedMessageKind::kSnapshot, verdict,
                     frame);
  }
  ondemand::object data;
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
    Message book;
    if (!json_find(root, "data", &data) || !read_scalars(data, &book))
      return verdict;
    return read_book(data, book, ParsedMessageKind::kDelta, verdict, frame);
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

bool BitstampParser::read_scalars(ondemand::object object,
                                  Message* message) noexcept {
  return read_fields(object, kNames, &message->seen,
                     [&](Key key, ondemand::value value) {
                       switch (key) {
                         case kEvent:
                           return json_string(value, &message->event);
                         case kChannel:
                           return json_string(value, &message->channel);
                         case kMicros:
                           return json_quoted_unsigned(value, &message->micros);
                         default:
                           return true;
                       }
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

ParseVerdict BitstampParser::read_book(ondemand::object book,
                                       const Message& message,
                                       ParsedMessageKind kind,
                                       ParseVerdict verdict,
                                       FrameBuilder& frame) noexcept {
  if (!message.seen.has_all(kMicros, kBids, kAsks) || message.micros == 0 ||
      message.micros > kLastMicros) {
    return verdict;
  }
  if (verdict.instrument == kNoInstrument) return {};
  if (reads_orders()) {
    return read_order_book(book, message.micros, verdict.instrument, frame);
  }
  ParsedMessage* const out = start_message(frame, kind, verdict.instrument);
  if (out == nullptr) return verdict;
  out->has_first_update_id = kind == ParsedMessageKind::kDelta;
  out->first_update_id = out->has_first_update_id ? message.micros : 0;
  out->has_last_update_id = true;
  out->last_update_id = message.micros;
  out->exchange_time_ns = to_unix_ns(message.micros, kMicrosecondNs);
  verdict.fault =
      read_sides(book, kSides, scales_of(*out), NumberStyle::kQuoted, frame);
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
  if (!read_fields(fields, kNames, &seen, read) ||
      !seen.has_all(kId, kType, kMicros, kPrice, kAmount) || type > 1) {
    return false;
  }
  trade.has_id = true;
  trade.time_ns = to_unix_ns(micros, kMicrosecondNs);
  trade.aggressor = type == 0 ? Side::kBid : Side::kAsk;
  return add_trade(instrument, trade, frame);
}

}  // namespace wirebook
