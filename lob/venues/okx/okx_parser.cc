// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/okx/okx_parser.h"

#include <charconv>
#include <cstring>
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
  kOther,
};

Key key_of(const char* key) noexcept {
  struct Name {
    std::string_view text;
    Key key;
  };
  static constexpr Name kNames[] = {
      {"arg", kArgument},    {"action", kAction},
      {"data", kData},       {"event", kEvent},
      {"channel", kChannel}, {"instId", kSymbol},
      {"asks", kAsks},       {"bids", kBids},
      {"ts", kTime},         {"checksum", kChecksum},
      {"seqId", kId},        {"prevSeqId", kPreviousId},
      {"px", kPrice},        {"sz", kSize},
      {"side", kTradeSide},  {"tradeId", kTradeId},
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

bool read_signed(ondemand::value value, int64_t* out) noexcept {
  const std::string_view token = json_token(value);
  const char* const end = token.data() + token.size();
  const auto [rest, error] = std::from_chars(token.data(), end, *out);
  return error == std::errc() && rest == end;
}

// Digits in a string.
bool read_quoted_unsigned(ondemand::value value, uint64_t* out) noexcept {
  std::string_view text;
  if (!json_string(value, &text)) return false;
  const auto [rest, error] =
      std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && rest == text.data() + text.size();
}

bool find_data(ondemand::object root, ondemand::array* data) noexcept {
  return root.reset().error() == simdjson::SUCCESS &&
         root.find_field_unordered("data").get_array().get(*data) ==
             simdjson::SUCCESS;
}

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
  for (auto entry : root) {
    ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS) return false;
    const Key key = key_of(field.key().raw());
    if (key == kOther) continue;
    if (!envelope->seen.add(key)) return false;
    if (key == kEvent && !json_string(field.value(), &envelope->event)) {
      return false;
    }
    if (key == kAction && !json_string(field.value(), &envelope->action)) {
      return false;
    }
    if (key != kArgument) continue;
    ondemand::object argument;
    KeysSeen seen;
    if (field.value().get_object().get(argument) != simdjson::SUCCESS) {
      return false;
    }
    for (auto part : argument) {
      ondemand::field inner;
      if (std::move(part).get(inner) != simdjson::SUCCESS) return false;
      const Key name = key_of(inner.key().raw());
      if (name != kChannel && name != kSymbol) continue;
      if (!seen.add(name) ||
          !json_string(inner.value(), name == kChannel ? &envelope->channel
                                                       : &envelope->symbol)) {
        return false;
      }
    }
  }
  return true;
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
  ParsedMessage* const message = frame.start(kind);
  if (message == nullptr) return {};
  message->instrument = instrument;
  if (kind == ParsedMessageKind::kRefused) {
    message->reason = BookReason::kVenueRefused;
  }
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
  ondemand::array data;
  if (!find_data(root, &data)) return verdict;
  bool any = false;
  for (auto entry : data) {
    ondemand::object book;
    if (entry.get_object().get(book) != simdjson::SUCCESS) return verdict;
    const ParseVerdict read = read_book(book, kind, verdict, frame);
    if (read.fault != BookReason::kNone) return read;
    any = true;
  }
  return any ? ParseVerdict{} : verdict;
}

bool OkxParser::read_scalars(ondemand::object data, Book* book) noexcept {
  for (auto entry : data) {
    ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS) return false;
    const Key key = key_of(field.key().raw());
    if (key == kOther) continue;
    if (!book->seen.add(key)) return false;
    bool good = true;
    if (key == kId) good = read_signed(field.value(), &book->id);
    if (key == kPreviousId) {
      good = read_signed(field.value(), &book->previous_id);
    }
    if (key == kChecksum) good = read_signed(field.value(), &book->checksum);
    if (key == kTime)
      good = read_quoted_unsigned(field.value(), &book->time_ms);
    if (!good) return false;
  }
  return true;
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
  const Scales scales = scales_of(verdict.instrument);
  ParsedMessage* const message = frame.start(kind);
  if (message == nullptr) return verdict;
  set_book(message, verdict.instrument, scales);
  message->exchange_time_ns = to_ns(book.time_ms);
  message->has_last_update_id = has_id;
  message->last_update_id = static_cast<uint64_t>(book.id);
  message->has_previous_update_id = delta && has_id;
  message->previous_update_id =
      delta ? static_cast<uint64_t>(book.previous_id) : 0;
  message->has_checksum = has_sum && !touch;
  message->checksum = static_cast<uint32_t>(book.checksum);
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

ParseVerdict OkxParser::read_trades(ondemand::object root,
                                    const Envelope& envelope,
                                    const RawMessage& raw,
                                    FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  verdict.concerns_book = false;
  ondemand::array data;
  if (!find_data(root, &data)) return verdict;
  const uint32_t index = resolver_.find(envelope.symbol, raw.connection);
  if (index == kNoInstrument) return {};
  for (auto entry : data) {
    ondemand::object trade;
    if (entry.get_object().get(trade) != simdjson::SUCCESS ||
        !read_trade(trade, index, frame)) {
      return verdict;
    }
  }
  return {};
}

bool OkxParser::read_trade(ondemand::object trade, uint32_t instrument,
                           FrameBuilder& frame) noexcept {
  const Scales scales = scales_of(instrument);
  KeysSeen seen;
  std::string_view side;
  uint64_t time_ms = 0;
  uint64_t id = 0;
  PriceLevel level;
  for (auto entry : trade) {
    ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS) return false;
    const Key key = key_of(field.key().raw());
    if (key == kOther) continue;
    bool good = seen.add(key);
    if (key == kTradeSide) good = good && json_string(field.value(), &side);
    if (key == kTime)
      good = good && read_quoted_unsigned(field.value(), &time_ms);
    if (key == kTradeId)
      good = good && read_quoted_unsigned(field.value(), &id);
    if (key == kPrice) {
      good = good && json_quoted_amount(field.value(), scales.price,
                                        &level.price) == DecimalError::kOk;
    }
    if (key == kSize) {
      good = good && json_quoted_amount(field.value(), scales.quantity,
                                        &level.quantity) == DecimalError::kOk;
    }
    if (!good) return false;
  }
  if (!seen.has_all(kTradeSide, kTime, kTradeId, kPrice, kSize) ||
      (side != "buy" && side != "sell")) {
    return false;
  }
  ParsedMessage* const message = frame.start(ParsedMessageKind::kTrade);
  if (message == nullptr) return false;
  set_book(message, instrument, scales);
  message->has_last_update_id = true;
  message->last_update_id = id;
  message->exchange_time_ns = to_ns(time_ms);
  message->aggressor = side == "buy" ? Side::kBid : Side::kAsk;
  frame.begin_side(message->aggressor);
  return frame.add(level);
}

}  // namespace wirebook
