// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/kucoin/kucoin_parser.h"

namespace wirebook {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr NumberStyle kQuoted = NumberStyle::kQuoted;

enum Key : unsigned {
  kType,
  kTopic,
  kSubject,
  kData,
  kSymbol,
  kFirst,
  kLast,
  kChanges,
  kTime,
  kSequence,
  kBids,
  kAsks,
  kBestBid,
  kBestBidSize,
  kBestAsk,
  kBestAskSize,
  kSide,
  kPrice,
  kSize,
  kTradeId,
};

constexpr KeyName<Key> kEnvelopeNames[] = {
    {"type", kType},
    {"topic", kTopic},
    {"subject", kSubject},
    {"data", kData},
};
constexpr KeyName<Key> kUpdateNames[] = {
    {"symbol", kSymbol},   {"sequenceStart", kFirst}, {"sequenceEnd", kLast},
    {"changes", kChanges}, {"time", kTime},
};
constexpr KeyName<Key> kBodyNames[] = {
    {"sequence", kSequence},
    {"time", kTime},
    {"bids", kBids},
    {"asks", kAsks},
};
constexpr KeyName<Key> kTouchNames[] = {
    {"time", kTime},
    {"bestBid", kBestBid},
    {"bestBidSize", kBestBidSize},
    {"bestAsk", kBestAsk},
    {"bestAskSize", kBestAskSize},
};
constexpr KeyName<Key> kTradeNames[] = {
    {"symbol", kSymbol}, {"side", kSide}, {"price", kPrice},
    {"size", kSize},     {"time", kTime}, {"tradeId", kTradeId},
};
constexpr KeyName<Side> kSides[] = {{"bids", Side::kBid}, {"asks", Side::kAsk}};

}  // namespace

ParseVerdict KucoinParser::read_json(ondemand::document& document,
                                     const RawMessage& raw,
                                     FrameBuilder& frame) noexcept {
  ondemand::object root;
  ondemand::object data;
  Envelope envelope;
  if (document.get_object().get(root) != simdjson::SUCCESS ||
      !read_fields(root, kEnvelopeNames, &envelope.seen,
                   [&](Key key, ondemand::value value) {
                     switch (key) {
                       case kType:
                         return json_string(value, &envelope.type);
                       case kTopic:
                         return json_string(value, &envelope.topic);
                       case kSubject:
                         return json_string(value, &envelope.subject);
                       default:
                         return true;
                     }
                   }) ||
      !at_end(document)) {
    return kMalformedVerdict;
  }
  if (raw.kind == RawMessageKind::kHttpBody) {
    return read_snapshot(root, raw, frame);
  }
  if (envelope.type == "message") {
    const bool depth = envelope.subject == "trade.l2update";
    const bool touch = envelope.subject == "trade.ticker";
    const bool trade = envelope.subject == "trade.l3match";
    if (!depth && !touch && !trade) return {};
    ParseVerdict verdict = kMalformedVerdict;
    verdict.concerns_book = depth;
    if (!json_find(root, "data", &data)) return verdict;
    if (depth) return read_update(data, raw, frame);
    // A ticker's symbol stands in its topic alone.
    const size_t colon = envelope.topic.find(':');
    const uint32_t named =
        colon == std::string_view::npos
            ? kNoInstrument
            : resolver_.find(envelope.topic.substr(colon + 1), raw.connection);
    if (touch ? !read_touch(data, named, frame)
              : !read_trade(data, raw, frame)) {
      return verdict;
    }
    return {};
  }
  ParsedMessageKind kind = ParsedMessageKind::kIgnored;
  if (envelope.type == "ack") kind = ParsedMessageKind::kSubscribed;
  if (envelope.type == "pong") kind = ParsedMessageKind::kHeartbeat;
  if (envelope.type == "error") kind = ParsedMessageKind::kRefused;
  if (kind == ParsedMessageKind::kIgnored) return {};
  // None of them names a symbol.
  start_notice(frame, kind);
  return {};
}

// ---- Books ------------------------------------------------------------------

ParseVerdict KucoinParser::read_update(ondemand::object data,
                                       const RawMessage& raw,
                                       FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  KeysSeen seen;
  std::string_view symbol;
  uint64_t first = 0;
  uint64_t last = 0;
  uint64_t time_ms = 0;
  ondemand::object changes;
  if (!read_fields(data, kUpdateNames, &seen,
                   [&](Key key, ondemand::value value) {
                     switch (key) {
                       case kSymbol:
                         return json_string(value, &symbol);
                       case kFirst:
                         return json_unsigned(value, &first);
                       case kLast:
                         return json_unsigned(value, &last);
                       case kTime:
                         return json_unsigned(value, &time_ms);
                       default:
                         return true;
                     }
                   })) {
    return verdict;
  }
  if (seen.has(kSymbol)) {
    verdict.instrument = resolver_.find_or_add(symbol, raw.connection);
  }
  if (!seen.has_all(kSymbol, kFirst, kLast, kChanges) || first > last ||
      last > kMaxUpdateId || !json_find(data, "changes", &changes)) {
    return verdict;
  }
  if (verdict.instrument == kNoInstrument) return {};
  ParsedMessage* const message =
      start_message(frame, ParsedMessageKind::kDelta, verdict.instrument);
  if (message == nullptr) return verdict;
  message->has_first_update_id = message->has_last_update_id = true;
  message->first_update_id = first;
  message->last_update_id = last;
  message->exchange_time_ns = to_unix_ns(time_ms, kMillisecondNs);
  verdict.fault = read_sides(changes, kSides, scales_of(*message), kQuoted,
                             frame, ZeroPrice::kPassedOver);
  return verdict;
}

ParseVerdict KucoinParser::read_snapshot(ondemand::object root,
                                         const RawMessage& raw,
                                         FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  verdict.instrument = resolver_.of_body(raw.tag, raw.connection);
  KeysSeen seen;
  uint64_t sequence = 0;
  uint64_t time_ms = 0;
  ondemand::object data;
  if (!json_find(root, "data", &data) ||
      !read_fields(data, kBodyNames, &seen,
                   [&](Key key, ondemand::value value) {
                     if (key == kTime) return json_unsigned(value, &time_ms);
                     return key != kSequence ||
                            json_quoted_unsigned(value, &sequence);
                   }) ||
      !seen.has_all(kSequence, kBids, kAsks) || sequence > kMaxUpdateId) {
    return verdict;
  }
  if (verdict.instrument == kNoInstrument) return {};
  ParsedMessage* const message =
      start_message(frame, ParsedMessageKind::kSnapshot, verdict.instrument);
  if (message == nullptr) return verdict;
  message->has_last_update_id = true;
  message->last_update_id = sequence;
  message->exchange_time_ns = to_unix_ns(time_ms, kMillisecondNs);
  verdict.fault = read_sides(data, kSides, scales_of(*message), kQuoted, frame);
  return verdict;
}

// ---- What is not depth ------------------------------------------------------

bool KucoinParser::read_touch(ondemand::object fields, uint32_t instrument,
                              FrameBuilder& frame) noexcept {
  KeysSeen seen;
  uint64_t time_ms = 0;
  TouchText touch;
  const auto read = [&](Key key, ondemand::value value) {
    switch (key) {
      case kTime:
        return json_unsigned(value, &time_ms);
      case kBestBid:
        return json_amount_text(value, kQuoted, &touch.bid);
      case kBestBidSize:
        return json_amount_text(value, kQuoted, &touch.bid_quantity);
      case kBestAsk:
        return json_amount_text(value, kQuoted, &touch.ask);
      case kBestAskSize:
        return json_amount_text(value, kQuoted, &touch.ask_quantity);
      default:
        return true;
    }
  };
  return read_fields(fields, kTouchNames, &seen, read) &&
         seen.has_all(kBestBid, kBestBidSize, kBestAsk, kBestAskSize) &&
         add_touch(instrument, touch, to_unix_ns(time_ms, kMillisecondNs),
                   frame);
}

bool KucoinParser::read_trade(ondemand::object fields, const RawMessage& raw,
                              FrameBuilder& frame) noexcept {
  KeysSeen seen;
  std::string_view symbol;
  uint64_t time_ns = 0;
  TradeText trade;
  const auto read = [&](Key key, ondemand::value value) {
    switch (key) {
      case kSymbol:
        return json_string(value, &symbol);
      case kSide:
        return json_side(value, "buy", "sell", &trade.aggressor);
      case kTime:
        return json_quoted_unsigned(value, &time_ns);
      case kPrice:
        return json_amount_text(value, kQuoted, &trade.price);
      case kSize:
        return json_amount_text(value, kQuoted, &trade.quantity);
      case kTradeId:
        // Some are no numbers: those trades have no id here.
        trade.has_id = json_quoted_unsigned(value, &trade.id);
        return true;
      default:
        return true;
    }
  };
  if (!read_fields(fields, kTradeNames, &seen, read) ||
      !seen.has_all(kSymbol, kSide, kPrice, kSize, kTime)) {
    return false;
  }
  trade.time_ns = to_unix_ns(time_ns, 1);
  return add_trade(resolver_.find(symbol, raw.connection), trade, frame);
}

}  // namespace wirebook
