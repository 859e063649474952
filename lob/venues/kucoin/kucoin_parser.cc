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

constexpr std::string_view kDepth = "/market/level2:";

constexpr KeyName<Key> kEnvelopeNames[] = {
    {"topic", kTopic},
    {"type", kType},
    {"subject", kSubject},
    {"data", kData},
};
constexpr KeyName<Key> kUpdateNames[] = {
    {"changes", kChanges}, {"sequenceEnd", kLast}, {"sequenceStart", kFirst},
    {"symbol", kSymbol},   {"time", kTime},
};
constexpr KeyName<Key> kBodyNames[] = {
    {"time", kTime},
    {"sequence", kSequence},
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

// An update as the venue writes it. Whose it is its topic says, too, before its
// levels.
bool KucoinParser::read_literally(const RawMessage& raw,
                                  FrameBuilder& frame) noexcept {
  TextScanner in(raw.data, raw.data + raw.size);
  std::string_view named;
  std::string_view symbol;
  uint64_t last;
  uint64_t first;
  uint64_t time_ms;
  if (!in.literal("{\"topic\":\"/market/level2:") || !in.name(&named) ||
      !in.literal(",\"type\":\"message\",\"subject\":") ||
      !in.literal("\"trade.l2update\",\"data\":{") ||
      !in.literal("\"changes\":{\"asks\":[")) {
    return false;
  }
  ParsedMessage* const message = start_delta(named, raw, frame);
  if (message == nullptr) return false;
  const Scales scales = scales_of(*message);
  if (!match_both_sides(in, Side::kAsk, ",\"bids\":[", scales, frame,
                        ZeroPrice::kPassedOver) ||
      !in.literal("},\"sequenceEnd\":") || !in.unsigned_number(&last) ||
      !in.literal(",\"sequenceStart\":") || !in.unsigned_number(&first) ||
      !in.literal(",\"symbol\":\"") || !in.name(&symbol) || symbol != named ||
      !in.literal(",\"time\":") || !in.unsigned_number(&time_ms) ||
      !in.literal("}}") || !in.at_end() || first > last ||
      last > kMaxUpdateId) {
    return false;
  }
  set_update(first, last, time_ms, message);
  return true;
}

void KucoinParser::set_update(uint64_t first, uint64_t last, uint64_t time_ms,
                              ParsedMessage* message) noexcept {
  message->has_first_update_id = message->has_last_update_id = true;
  message->first_update_id = first;
  message->last_update_id = last;
  message->exchange_time_ns = to_unix_ns(time_ms, kMillisecondNs);
}

ParseVerdict KucoinParser::read_json(ondemand::document& document,
                                     const RawMessage& raw,
                                     FrameBuilder& frame) noexcept {
  ondemand::object root;
  ondemand::object data;
  Envelope envelope;
  if (document.get_object().get(root) != simdjson::SUCCESS) {
    return kMalformedVerdict;
  }
  const bool good = read_envelope(root, raw, frame, &envelope);
  if (envelope.book.fault != BookReason::kNone) return envelope.book;
  if (!good || !at_end(document)) return kMalformedVerdict;
  if (envelope.book_read) return envelope.book;
  if (raw.kind == RawMessageKind::kHttpBody) return kMalformedVerdict;
  if (envelope.type == "message") {
    const bool depth = envelope.subject == "trade.l2update";
    const bool touch = envelope.subject == "trade.ticker";
    const bool trade = envelope.subject == "trade.l3match";
    if (!depth && !touch && !trade) return {};
    ParseVerdict verdict = kMalformedVerdict;
    verdict.concerns_book = depth;
    if (!json_find(root, "data", &data)) return verdict;
    if (depth) return read_update(data, kNoInstrument, raw, frame);
    // A ticker's symbol stands in its topic alone.
    const uint32_t named = find_named(envelope.topic, raw.connection);
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

uint32_t KucoinParser::find_named(std::string_view topic,
                                  uint16_t connection) noexcept {
  const size_t colon = topic.find(':');
  return colon == std::string_view::npos
             ? kNoInstrument
             : resolver_.find(topic.substr(colon + 1), connection);
}

bool KucoinParser::read_envelope(ondemand::object root, const RawMessage& raw,
                                 FrameBuilder& frame,
                                 Envelope* envelope) noexcept {
  const bool body = raw.kind == RawMessageKind::kHttpBody;
  const auto read = [&](Key key, ondemand::value value) {
    ondemand::object data;
    switch (key) {
      case kType:
        return json_string(value, &envelope->type);
      case kTopic:
        return json_string(value, &envelope->topic);
      case kSubject:
        return json_string(value, &envelope->subject);
      default:
        // A book behind what says that it is one is read at once; otherwise
        // when that is known.
        if (!body && (envelope->type != "message" ||
                      envelope->subject != "trade.l2update" ||
                      !envelope->topic.starts_with(kDepth))) {
          return true;
        }
        envelope->book_read = true;
        if (value.get_object().get(data) != simdjson::SUCCESS) {
          envelope->book = kMalformedVerdict;
        } else if (body) {
          envelope->book = read_snapshot(data, raw, frame);
        } else {
          envelope->book = read_update(
              data, find_named(envelope->topic, raw.connection), raw, frame);
        }
        return envelope->book.fault == BookReason::kNone;
    }
  };
  return read_fields(root, kEnvelopeNames, &envelope->seen, read);
}

// ---- Books ------------------------------------------------------------------

// In one walk where it is `named`'s: the venue has the symbol behind the
// levels.
ParseVerdict KucoinParser::read_update(ondemand::object data, uint32_t named,
                                       const RawMessage& raw,
                                       FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  KeysSeen seen;
  std::string_view symbol;
  uint64_t first = 0;
  uint64_t last = 0;
  uint64_t time_ms = 0;
  ParsedMessage* message = nullptr;
  BookReason fault = BookReason::kNone;
  const auto read_levels = [&](uint32_t instrument, ondemand::value value) {
    ondemand::object changes;
    if (value.get_object().get(changes) != simdjson::SUCCESS) return false;
    message = start_message(frame, ParsedMessageKind::kDelta, instrument);
    if (message == nullptr) return false;
    fault = read_sides(changes, kSides, scales_of(*message), kQuoted, frame,
                       ZeroPrice::kPassedOver);
    return fault == BookReason::kNone;
  };
  const auto read = [&](Key key, ondemand::value value) {
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
        return named == kNoInstrument || read_levels(named, value);
    }
  };
  if (!read_fields(data, kUpdateNames, &seen, read)) {
    if (fault != BookReason::kNone) {
      verdict.fault = fault;
      verdict.instrument = named;
    }
    return verdict;
  }
  if (seen.has(kSymbol)) {
    verdict.instrument = resolver_.find_or_add(symbol, raw.connection);
  }
  if (!seen.has_all(kSymbol, kFirst, kLast, kChanges) || first > last ||
      last > kMaxUpdateId) {
    return verdict;
  }
  if (message == nullptr || verdict.instrument != named) {
    ondemand::value changes;
    frame.discard();
    if (verdict.instrument == kNoInstrument) return {};
    if (!json_find(data, "changes", &changes) ||
        !read_levels(verdict.instrument, changes)) {
      if (fault != BookReason::kNone) verdict.fault = fault;
      return verdict;
    }
  }
  set_update(first, last, time_ms, message);
  verdict.fault = BookReason::kNone;
  return verdict;
}

ParseVerdict KucoinParser::read_snapshot(ondemand::object data,
                                         const RawMessage& raw,
                                         FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  verdict.instrument = resolver_.of_body(raw.tag, raw.connection);
  KeysSeen seen;
  uint64_t sequence = 0;
  uint64_t time_ms = 0;
  ParsedMessage* message = nullptr;
  if (verdict.instrument != kNoInstrument) {
    message =
        start_message(frame, ParsedMessageKind::kSnapshot, verdict.instrument);
    if (message == nullptr) return verdict;
  }
  BookReason fault = BookReason::kNone;
  const auto read = [&](Key key, ondemand::value value) {
    if (key == kTime) return json_unsigned(value, &time_ms);
    if (key == kSequence) return json_quoted_unsigned(value, &sequence);
    if (message == nullptr) return true;
    fault = read_level_pairs(value, key == kBids ? Side::kBid : Side::kAsk,
                             scales_of(*message), kQuoted, frame);
    return fault == BookReason::kNone;
  };
  if (!read_fields(data, kBodyNames, &seen, read)) {
    if (fault != BookReason::kNone) verdict.fault = fault;
    return verdict;
  }
  if (!seen.has_all(kSequence, kBids, kAsks) || sequence > kMaxUpdateId) {
    return verdict;
  }
  if (message == nullptr) return {};
  message->has_last_update_id = true;
  message->last_update_id = sequence;
  message->exchange_time_ns = to_unix_ns(time_ms, kMillisecondNs);
  verdict.fault = BookReason::kNone;
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
