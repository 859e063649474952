// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/okx/okx_parser.h"

#include <charconv>
#include <utility>

namespace wirebook {
namespace {

namespace ondemand = simdjson::ondemand;

enum Key : unsigned {
  kEvent,
  kAction,
  kArgument,
  kData,
  kChannel,
  kSymbol,
  kBids,
  kAsks,
  kTime,
  kChecksum,
  kId,
  kPreviousId,
  kPrice,
  kSize,
  kTradeSide,
  kTradeId,
};

constexpr KeyName<Key> kNames[] = {
    {"arg", kArgument},      {"action", kAction},   {"data", kData},
    {"event", kEvent},       {"channel", kChannel}, {"instId", kSymbol},
    {"asks", kAsks},         {"bids", kBids},       {"ts", kTime},
    {"checksum", kChecksum}, {"seqId", kId},        {"prevSeqId", kPreviousId},
    {"px", kPrice},          {"sz", kSize},         {"side", kTradeSide},
    {"tradeId", kTradeId},
};

bool read_signed(ondemand::value value, int64_t* out) noexcept {
  const std::string_view token = json_token(value);
  const char* const end = token.data() + token.size();
  const auto [rest, error] = std::from_chars(token.data(), end, *out);
  return error == std::errc() && rest == end;
}

constexpr KeyName<Side> kSides[] = {{"bids", Side::kBid}, {"asks", Side::kAsk}};

}  // namespace

ParseVerdict OkxParser::read_json(ondemand::document& document,
                                  const RawMessage& raw,
                                  FrameBuilder& frame) noexcept {
  if (std::string_view(raw.data, raw.size) == "pong") {
    frame.start(ParsedMessageKind::kHeartbeat);
    return {};
  }
  ondemand::object root;
  Envelope envelope;
  if (document.get_object().get(root) != simdjson::SUCCESS ||
      !read_envelope(root, &envelope) || !at_end(document)) {
    return kMalformedVerdict;
  }
  if (envelope.seen.has(kEvent)) return read_event(envelope, raw, frame);
  if (envelope.channel == "books" || envelope.channel == "bbo-tbt") {
    return read_books(root, envelope, raw, frame);
  }
  if (envelope.channel == "trades") {
    return read_trades(root, envelope, raw, frame);
  }
  return {};
}

bool OkxParser::read_envelope(ondemand::object root,
                              Envelope* envelope) noexcept {
  return read_fields(
      root, kNames, &envelope->seen, [&](Key key, ondemand::value value) {
        if (key == kEvent) return json_string(value, &envelope->event);
        if (key == kAction) return json_string(value, &envelope->action);
        ondemand::object argument;
        KeysSeen seen;
        return key != kArgument ||
               (value.get_object().get(argument) == simdjson::SUCCESS &&
                read_fields(argument, kNames, &seen,
                            [&](Key name, ondemand::value text) {
                              if (name == kChannel) {
                                return json_string(text, &envelope->channel);
                              }
                              return name != kSymbol ||
                                     json_string(text, &envelope->symbol);
                            }));
      });
}

ParseVerdict OkxParser::read_event(const Envelope& envelope,
                                   const RawMessage& raw,
                                   FrameBuilder& frame) noexcept {
  ParsedMessageKind kind = ParsedMessageKind::kIgnored;
  if (envelope.event == "error") kind = ParsedMessageKind::kRefused;
  if (envelope.channel == "books" && envelope.event == "subscribe") {
    kind = ParsedMessageKind::kSubscribed;
  }
  if (envelope.channel == "books" && envelope.event == "unsubscribe") {
    kind = ParsedMessageKind::kUnsubscribed;
  }
  if (kind == ParsedMessageKind::kIgnored) return {};
  uint32_t instrument = kNoInstrument;
  if (!envelope.symbol.empty()) {
    instrument = kind == ParsedMessageKind::kSubscribed
                     ? resolver_.find_or_add(envelope.symbol, raw.connection)
                     : resolver_.find(envelope.symbol, raw.connection);
    if (instrument == kNoInstrument) return {};
  } else if (kind != ParsedMessageKind::kRefused) {
    return kMalformedVerdict;
  }
  start_notice(frame, kind, instrument);
  return {};
}

ParseVerdict OkxParser::read_books(ondemand::object root,
                                   const Envelope& envelope,
                                   const RawMessage& raw,
                                   FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  if (envelope.symbol.empty()) return verdict;
  ParsedMessageKind kind = ParsedMessageKind::kBestBidOffer;
  if (envelope.channel == "books") {
    verdict.instrument = resolver_.find_or_add(envelope.symbol, raw.connection);
    if (envelope.action != "snapshot" && envelope.action != "update") {
      return verdict;
    }
    kind = envelope.action == "snapshot" ? ParsedMessageKind::kSnapshot
                                         : ParsedMessageKind::kDelta;
  } else {
    verdict.concerns_book = false;
    verdict.instrument = resolver_.find(envelope.symbol, raw.connection);
  }
  ondemand::value data;
  ParseVerdict read = verdict;
  if (!json_find(root, "data", &data) ||
      !read_objects(data, [&](ondemand::object book) {
        read = read_book(book, kind, verdict, frame);
        return read.fault == BookReason::kNone;
      })) {
    return read.fault == BookReason::kNone ? verdict : read;
  }
  return read;
}

bool OkxParser::read_scalars(ondemand::object data, Book* book) noexcept {
  return read_fields(data, kNames, &book->seen,
                     [&](Key key, ondemand::value value) {
                       switch (key) {
                         case kId:
                           return read_signed(value, &book->id);
                         case kPreviousId:
                           return read_signed(value, &book->previous_id);
                         case kChecksum:
                           return read_signed(value, &book->checksum);
                         case kTime:
                           return json_quoted_unsigned(value, &book->time_ms);
                         default:
                           return true;
                       }
                     });
}

ParseVerdict OkxParser::read_book(ondemand::object data, ParsedMessageKind kind,
                                  ParseVerdict verdict,
                                  FrameBuilder& frame) noexcept {
  Book book;
  if (!read_scalars(data, &book) || !book.seen.has_all(kBids, kAsks, kTime) ||
      book.checksum > INT32_MAX || book.checksum < INT32_MIN || book.id < 0 ||
      book.previous_id < -1) {
    return verdict;
  }
  const bool touch = kind == ParsedMessageKind::kBestBidOffer;
  const bool delta = kind == ParsedMessageKind::kDelta;
  const bool has_id = book.seen.has(kId);
  // A sum of 0 says nothing, since 2026; messages of before 2023 have no ids.
  const bool has_sum = book.seen.has(kChecksum) && book.checksum != 0;
  if (!touch && !has_id && !has_sum) return verdict;
  if (delta && has_id &&
      (!book.seen.has(kPreviousId) || book.previous_id < 0)) {
    return verdict;
  }
  if (verdict.instrument == kNoInstrument) return {};
  ParsedMessage* const message = start_message(frame, kind, verdict.instrument);
  if (message == nullptr) return verdict;
  message->exchange_time_ns = to_unix_ns(book.time_ms, kMillisecondNs);
  message->has_last_update_id = has_id;
  message->last_update_id = static_cast<uint64_t>(book.id);
  message->has_previous_update_id = delta && has_id;
  message->previous_update_id =
      delta ? static_cast<uint64_t>(book.previous_id) : 0;
  message->has_checksum = has_sum && !touch;
  message->checksum = static_cast<uint32_t>(book.checksum);
  verdict.fault = read_sides(data, kSides, scales_of(*message),
                             NumberStyle::kQuoted, frame);
  return verdict;
}

ParseVerdict OkxParser::read_trades(ondemand::object root,
                                    const Envelope& envelope,
                                    const RawMessage& raw,
                                    FrameBuilder& frame) noexcept {
  ondemand::value data;
  if (!json_find(root, "data", &data)) return kMalformedAside;
  const uint32_t index = resolver_.find(envelope.symbol, raw.connection);
  if (index == kNoInstrument || read_objects(data, [&](ondemand::object trade) {
        return read_trade(trade, index, frame);
      })) {
    return {};
  }
  return kMalformedAside;
}

bool OkxParser::read_trade(ondemand::object fields, uint32_t instrument,
                           FrameBuilder& frame) noexcept {
  KeysSeen seen;
  uint64_t time_ms = 0;
  TradeText trade{.has_id = true};
  const auto read = [&](Key key, ondemand::value value) {
    switch (key) {
      case kTradeSide:
        return json_side(value, "buy", "sell", &trade.aggressor);
      case kTime:
        return json_quoted_unsigned(value, &time_ms);
      case kTradeId:
        return json_quoted_unsigned(value, &trade.id);
      case kPrice:
        return json_amount_text(value, NumberStyle::kQuoted, &trade.price);
      case kSize:
        return json_amount_text(value, NumberStyle::kQuoted, &trade.quantity);
      default:
        return true;
    }
  };
  if (!read_fields(fields, kNames, &seen, read) ||
      !seen.has_all(kTradeSide, kTime, kTradeId, kPrice, kSize)) {
    return false;
  }
  trade.time_ns = to_unix_ns(time_ms, kMillisecondNs);
  return add_trade(instrument, trade, frame);
}

}  // namespace wirebook
