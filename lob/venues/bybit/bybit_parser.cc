// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/bybit/bybit_parser.h"

#include <cstring>
#include <utility>

namespace wirebook {
namespace {

namespace ondemand = simdjson::ondemand;

// Update ids beyond this have no successor.
constexpr uint64_t kMaxUpdateId = (uint64_t{1} << 63) - 1;

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
  kOther,
};

Key key_of(const char* key) noexcept {
  struct Name {
    std::string_view text;
    Key key;
  };
  static constexpr Name kNames[] = {
      {"topic", kTopic},     {"type", kType},   {"ts", kTime},
      {"data", kData},       {"cts", kMatched}, {"op", kOperation},
      {"success", kSuccess}, {"s", kSymbol},    {"b", kBids},
      {"a", kAsks},          {"u", kUpdateId},  {"T", kTradeTime},
      {"S", kTradeSide},     {"v", kVolume},    {"p", kPrice},
  };
  for (const Name& name : kNames) {
    if (std::memcmp(key, name.text.data(), name.text.size()) == 0 &&
        key[name.text.size()] == '"') {
      return name.key;
    }
  }
  return kOther;
}

int64_t to_ns(uint64_t milliseconds) noexcept {
  constexpr uint64_t kLast = 9'000'000'000'000;  // the year 2255
  return milliseconds > kLast ? 0
                              : static_cast<int64_t>(milliseconds) * 1'000'000;
}

bool starts_with(std::string_view text, std::string_view prefix) noexcept {
  return text.substr(0, prefix.size()) == prefix;
}

// The object in "data".
bool find_data(ondemand::object root, ondemand::value* data) noexcept {
  return root.reset().error() == simdjson::SUCCESS &&
         root.find_field_unordered("data").get(*data) == simdjson::SUCCESS;
}

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
  if (starts_with(envelope.topic, "orderbook.")) {
    return read_book(root, envelope, raw, frame);
  }
  if (starts_with(envelope.topic, "publicTrade.")) {
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
  ParsedMessage* const message = frame.start(kind);
  if (message != nullptr && !envelope.success) {
    message->reason = BookReason::kVenueRefused;
  }
  return {};
}

bool BybitParser::read_envelope(ondemand::object root,
                                Envelope* envelope) noexcept {
  for (auto entry : root) {
    ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS) return false;
    const Key key = key_of(field.key().raw());
    if (key == kOther) continue;
    if (!envelope->seen.add(key)) return false;
    bool good = true;
    switch (key) {
      case kTopic:
        good = json_string(field.value(), &envelope->topic);
        break;
      case kType:
        good = json_string(field.value(), &envelope->type);
        break;
      case kTime:
        good = json_unsigned(field.value(), &envelope->sent_ms);
        break;
      case kMatched:
        good = json_unsigned(field.value(), &envelope->matched_ms);
        break;
      case kOperation:
        good = json_string(field.value(), &envelope->operation);
        break;
      case kSuccess:
        good = field.value().get_bool().get(envelope->success) ==
               simdjson::SUCCESS;
        break;
      default:
        break;
    }
    if (!good) return false;
  }
  return true;
}

ParseVerdict BybitParser::read_book(ondemand::object root,
                                    const Envelope& envelope,
                                    const RawMessage& raw,
                                    FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  ondemand::value value;
  ondemand::object data;
  if (!find_data(root, &value) ||
      value.get_object().get(data) != simdjson::SUCCESS) {
    return verdict;
  }
  KeysSeen seen;
  std::string_view symbol;
  uint64_t id = 0;
  for (auto entry : data) {
    ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS) return verdict;
    const Key key = key_of(field.key().raw());
    if (key == kOther) continue;
    if (!seen.add(key)) return verdict;
    if (key == kSymbol && !json_string(field.value(), &symbol)) return verdict;
    if (key == kUpdateId && !json_unsigned(field.value(), &id)) return verdict;
  }
  // The first level alone is a topic of its own, with ids of its own.
  const bool touch = starts_with(envelope.topic, "orderbook.1.");
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
  const Scales scales = scales_of(verdict.instrument);
  ParsedMessageKind kind =
      snapshot ? ParsedMessageKind::kSnapshot : ParsedMessageKind::kDelta;
  if (touch) kind = ParsedMessageKind::kBestBidOffer;
  ParsedMessage* const message = frame.start(kind);
  if (message == nullptr) return verdict;
  set_book(message, verdict.instrument, scales);
  if (!touch) {
    message->has_last_update_id = true;
    message->last_update_id = id;
    message->has_previous_update_id = !snapshot;
    message->previous_update_id = snapshot ? 0 : id - 1;
  }
  if (envelope.matched_ms != 0) {
    message->exchange_time_ns = to_ns(envelope.matched_ms);
    message->send_time_ns = to_ns(envelope.sent_ms);
  } else {
    message->exchange_time_ns = to_ns(envelope.sent_ms);
  }
  return read_levels(data, scales, frame, verdict);
}

ParseVerdict BybitParser::read_levels(ondemand::object data, Scales scales,
                                      FrameBuilder& frame,
                                      ParseVerdict verdict) noexcept {
  if (data.reset().error() != simdjson::SUCCESS) return verdict;
  for (auto entry : data) {
    ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS) return verdict;
    const Key key = key_of(field.key().raw());
    if (key != kBids && key != kAsks) continue;
    verdict.fault =
        read_level_pairs(field.value(), key == kBids ? Side::kBid : Side::kAsk,
                         scales, NumberStyle::kQuoted, frame);
    if (verdict.fault != BookReason::kNone) return verdict;
  }
  return {};
}

ParseVerdict BybitParser::read_trades(ondemand::object root,
                                      const RawMessage& raw,
                                      FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  verdict.concerns_book = false;
  ondemand::value value;
  ondemand::array trades;
  if (!find_data(root, &value) ||
      value.get_array().get(trades) != simdjson::SUCCESS) {
    return verdict;
  }
  for (auto entry : trades) {
    ondemand::object trade;
    if (entry.get_object().get(trade) != simdjson::SUCCESS ||
        !read_trade(trade, raw, frame)) {
      return verdict;
    }
  }
  return {};
}

bool BybitParser::read_trade(ondemand::object trade, const RawMessage& raw,
                             FrameBuilder& frame) noexcept {
  KeysSeen seen;
  std::string_view symbol;
  std::string_view side;
  uint64_t time_ms = 0;
  for (auto entry : trade) {
    ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS) return false;
    const Key key = key_of(field.key().raw());
    if (key == kOther) continue;
    bool good = seen.add(key);
    if (key == kSymbol) good = good && json_string(field.value(), &symbol);
    if (key == kTradeSide) good = good && json_string(field.value(), &side);
    if (key == kTradeTime)
      good = good && json_unsigned(field.value(), &time_ms);
    if (!good) return false;
  }
  if (!seen.has_all(kSymbol, kTradeSide, kTradeTime, kPrice, kVolume) ||
      (side != "Buy" && side != "Sell")) {
    return false;
  }
  const uint32_t index = resolver_.find(symbol, raw.connection);
  if (index == kNoInstrument) return true;
  const Scales scales = scales_of(index);
  PriceLevel level;
  if (trade.reset().error() != simdjson::SUCCESS) return false;
  for (auto entry : trade) {
    ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS) return false;
    const Key key = key_of(field.key().raw());
    if (key != kPrice && key != kVolume) continue;
    const DecimalError error =
        key == kPrice
            ? json_quoted_amount(field.value(), scales.price, &level.price)
            : json_quoted_amount(field.value(), scales.quantity,
                                 &level.quantity);
    if (error != DecimalError::kOk) return false;
  }
  ParsedMessage* const message = frame.start(ParsedMessageKind::kTrade);
  if (message == nullptr) return false;
  set_book(message, index, scales);
  message->exchange_time_ns = to_ns(time_ms);
  message->aggressor = side == "Buy" ? Side::kBid : Side::kAsk;
  frame.begin_side(message->aggressor);
  return frame.add(level);
}

}  // namespace wirebook
