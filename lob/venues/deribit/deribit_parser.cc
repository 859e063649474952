// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/deribit/deribit_parser.h"

#include <cstring>
#include <utility>

namespace wirebook {
namespace {

namespace ondemand = simdjson::ondemand;

// Ids beyond this have no successor.
constexpr uint64_t kMaxChangeId = (uint64_t{1} << 63) - 1;

enum Key : unsigned {
  kMethod,
  kParameters,
  kChannel,
  kData,
  kError,
  kResult,
  kType,
  kSymbol,
  kTime,
  kId,
  kPreviousId,
  kBids,
  kAsks,
  kPrice,
  kAmount,
  kDirection,
  kTradeSequence,
  kBestBidPrice,
  kBestBidAmount,
  kBestAskPrice,
  kBestAskAmount,
  kOther,
};

Key key_of(const char* key) noexcept {
  struct Name {
    std::string_view text;
    Key key;
  };
  static constexpr Name kNames[] = {
      {"method", kMethod},
      {"params", kParameters},
      {"channel", kChannel},
      {"data", kData},
      {"error", kError},
      {"result", kResult},
      {"type", kType},
      {"instrument_name", kSymbol},
      {"timestamp", kTime},
      {"change_id", kId},
      {"prev_change_id", kPreviousId},
      {"bids", kBids},
      {"asks", kAsks},
      {"price", kPrice},
      {"amount", kAmount},
      {"direction", kDirection},
      {"trade_seq", kTradeSequence},
      {"best_bid_price", kBestBidPrice},
      {"best_bid_amount", kBestBidAmount},
      {"best_ask_price", kBestAskPrice},
      {"best_ask_amount", kBestAskAmount},
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

bool find_data(ondemand::object root, ondemand::value* data) noexcept {
  ondemand::object parameters;
  return root.reset().error() == simdjson::SUCCESS &&
         root.find_field_unordered("params").get_object().get(parameters) ==
             simdjson::SUCCESS &&
         parameters.find_field_unordered("data").get(*data) ==
             simdjson::SUCCESS;
}

}  // namespace

ParseVerdict DeribitParser::read_json(ondemand::document& document,
                                      const RawMessage& raw,
                                      FrameBuilder& frame) noexcept {
  ondemand::object root;
  Envelope envelope;
  if (document.get_object().get(root) != simdjson::SUCCESS ||
      !read_envelope(root, &envelope) || !at_end(document)) {
    return kMalformedVerdict;
  }
  if (envelope.method == "subscription") {
    if (starts_with(envelope.channel, "book.")) {
      return read_book(root, raw, frame);
    }
    if (starts_with(envelope.channel, "trades.")) {
      return read_trades(root, raw, frame);
    }
    if (starts_with(envelope.channel, "quote.")) {
      return read_quote(root, raw, frame);
    }
    return {};
  }
  if (envelope.method == "heartbeat") {
    frame.start(ParsedMessageKind::kHeartbeat);
    return {};
  }
  if (envelope.seen.has(kError)) {
    ParsedMessage* const message = frame.start(ParsedMessageKind::kRefused);
    if (message != nullptr) message->reason = BookReason::kVenueRefused;
    return {};
  }
  // An answer. A subscription's names channels; each begins with its snapshot.
  if (envelope.seen.has(kResult)) frame.start(ParsedMessageKind::kHeartbeat);
  return {};
}

bool DeribitParser::read_envelope(ondemand::object root,
                                  Envelope* envelope) noexcept {
  for (auto entry : root) {
    ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS) return false;
    const Key key = key_of(field.key().raw());
    if (key == kOther) continue;
    if (!envelope->seen.add(key)) return false;
    if (key == kMethod && !json_string(field.value(), &envelope->method)) {
      return false;
    }
    if (key != kParameters) continue;
    ondemand::object parameters;
    if (field.value().get_object().get(parameters) != simdjson::SUCCESS) {
      return false;
    }
    KeysSeen seen;
    for (auto part : parameters) {
      ondemand::field inner;
      if (std::move(part).get(inner) != simdjson::SUCCESS) return false;
      const Key name = key_of(inner.key().raw());
      if (name != kChannel && name != kData) continue;
      if (!seen.add(name)) return false;
      if (name == kChannel && !json_string(inner.value(), &envelope->channel)) {
        return false;
      }
    }
  }
  return true;
}

// ---- Books ------------------------------------------------------------------

ParseVerdict DeribitParser::read_book(ondemand::object root,
                                      const RawMessage& raw,
                                      FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  ondemand::value value;
  ondemand::object data;
  Book book;
  if (!find_data(root, &value) ||
      value.get_object().get(data) != simdjson::SUCCESS ||
      !read_scalars(data, &book)) {
    return verdict;
  }
  if (book.seen.has(kSymbol)) {
    verdict.instrument = resolver_.find_or_add(book.symbol, raw.connection);
  }
  // Grouped channels send nothing but snapshots and do not say so.
  const bool delta = book.type == "change";
  if (!book.seen.has_all(kSymbol, kId, kBids, kAsks) ||
      book.id > kMaxChangeId ||
      (delta ? !book.seen.has(kPreviousId)
             : book.seen.has(kType) && book.type != "snapshot")) {
    return verdict;
  }
  if (verdict.instrument == kNoInstrument) return {};
  const Scales scales = scales_of(verdict.instrument);
  ParsedMessage* const message = frame.start(
      delta ? ParsedMessageKind::kDelta : ParsedMessageKind::kSnapshot);
  if (message == nullptr) return verdict;
  set_book(message, verdict.instrument, scales);
  message->has_last_update_id = true;
  message->last_update_id = book.id;
  message->has_previous_update_id = delta;
  message->previous_update_id = delta ? book.previous_id : 0;
  message->exchange_time_ns = to_ns(book.time_ms);
  if (data.reset().error() != simdjson::SUCCESS) return verdict;
  for (auto entry : data) {
    ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS) return verdict;
    const Key key = key_of(field.key().raw());
    if (key != kBids && key != kAsks) continue;
    verdict.fault = read_levels(
        field.value(), key == kBids ? Side::kBid : Side::kAsk, scales, frame);
    if (verdict.fault != BookReason::kNone) return verdict;
  }
  return {};
}

bool DeribitParser::read_scalars(ondemand::object data, Book* book) noexcept {
  for (auto entry : data) {
    ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS) return false;
    const Key key = key_of(field.key().raw());
    if (key == kOther) continue;
    if (!book->seen.add(key)) return false;
    bool good = true;
    if (key == kType) good = json_string(field.value(), &book->type);
    if (key == kSymbol) good = json_string(field.value(), &book->symbol);
    if (key == kTime) good = json_unsigned(field.value(), &book->time_ms);
    if (key == kId) good = json_unsigned(field.value(), &book->id);
    if (key == kPreviousId) {
      good = json_unsigned(field.value(), &book->previous_id);
    }
    if (!good) return false;
  }
  return true;
}

// [["new" | "change" | "delete", price, amount], ...] or [[price, amount], ...]
// of the grouped channels.
BookReason DeribitParser::read_levels(ondemand::value value, Side side,
                                      Scales scales,
                                      FrameBuilder& frame) noexcept {
  constexpr BookReason kMalformed = BookReason::kMalformedMessage;
  ondemand::array levels;
  if (value.get_array().get(levels) != simdjson::SUCCESS) return kMalformed;
  frame.begin_side(side);
  for (auto entry : levels) {
    ondemand::array parts;
    if (entry.get_array().get(parts) != simdjson::SUCCESS) return kMalformed;
    PriceLevel level;
    std::string_view action;
    unsigned numbers = 0;
    for (auto part : parts) {
      ondemand::value text;
      if (std::move(part).get(text) != simdjson::SUCCESS) return kMalformed;
      if (numbers == 0 && action.empty() &&
          text.type() == ondemand::json_type::string) {
        if (!json_string(text, &action)) return kMalformed;
        continue;
      }
      if (++numbers > 2) return kMalformed;
      const DecimalError error =
          numbers == 1 ? json_amount(text, scales.price, &level.price)
                       : json_amount(text, scales.quantity, &level.quantity);
      if (error != DecimalError::kOk) return reason_of(error);
    }
    const bool known = action.empty() || action == "new" ||
                       action == "change" || action == "delete";
    if (!known || numbers != 2 || level.price == 0 ||
        (action == "delete") != (level.quantity == 0) || !frame.add(level)) {
      return kMalformed;
    }
  }
  return BookReason::kNone;
}

// ---- What is not depth ------------------------------------------------------

ParseVerdict DeribitParser::read_quote(ondemand::object root,
                                       const RawMessage& raw,
                                       FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  verdict.concerns_book = false;
  ondemand::value value;
  ondemand::object data;
  Book quote;
  if (!find_data(root, &value) ||
      value.get_object().get(data) != simdjson::SUCCESS ||
      !read_scalars(data, &quote) || !quote.seen.has(kSymbol)) {
    return verdict;
  }
  const uint32_t index = resolver_.find(quote.symbol, raw.connection);
  if (index == kNoInstrument) return {};
  const Scales scales = scales_of(index);
  PriceLevel bid;
  PriceLevel ask;
  if (data.reset().error() != simdjson::SUCCESS) return verdict;
  for (auto entry : data) {
    ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS) return verdict;
    const Key key = key_of(field.key().raw());
    int64_t* out = nullptr;
    if (key == kBestBidPrice) out = &bid.price;
    if (key == kBestBidAmount) out = &bid.quantity;
    if (key == kBestAskPrice) out = &ask.price;
    if (key == kBestAskAmount) out = &ask.quantity;
    if (out == nullptr) continue;
    const bool price = key == kBestBidPrice || key == kBestAskPrice;
    // A side without an order has null for a price.
    if (field.value().type() == ondemand::json_type::null) continue;
    if (json_amount(field.value(), price ? scales.price : scales.quantity,
                    out) != DecimalError::kOk) {
      return verdict;
    }
  }
  if (!quote.seen.has_all(kBestBidPrice, kBestBidAmount, kBestAskPrice,
                          kBestAskAmount)) {
    return verdict;
  }
  ParsedMessage* const message = frame.start(ParsedMessageKind::kBestBidOffer);
  if (message == nullptr) return verdict;
  set_book(message, index, scales);
  message->exchange_time_ns = to_ns(quote.time_ms);
  frame.begin_side(Side::kBid);
  if (!frame.add(bid)) return verdict;
  frame.begin_side(Side::kAsk);
  if (!frame.add(ask)) return verdict;
  return {};
}

ParseVerdict DeribitParser::read_trades(ondemand::object root,
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

bool DeribitParser::read_trade(ondemand::object trade, const RawMessage& raw,
                               FrameBuilder& frame) noexcept {
  KeysSeen seen;
  std::string_view symbol;
  std::string_view direction;
  uint64_t time_ms = 0;
  uint64_t sequence = 0;
  for (auto entry : trade) {
    ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS) return false;
    const Key key = key_of(field.key().raw());
    if (key == kOther) continue;
    bool good = seen.add(key);
    if (key == kSymbol) good = good && json_string(field.value(), &symbol);
    if (key == kDirection) {
      good = good && json_string(field.value(), &direction);
    }
    if (key == kTime) good = good && json_unsigned(field.value(), &time_ms);
    if (key == kTradeSequence) {
      good = good && json_unsigned(field.value(), &sequence);
    }
    if (!good) return false;
  }
  if (!seen.has_all(kSymbol, kDirection, kTime, kPrice, kAmount) ||
      (direction != "buy" && direction != "sell")) {
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
    if (key != kPrice && key != kAmount) continue;
    const DecimalError error =
        key == kPrice
            ? json_amount(field.value(), scales.price, &level.price)
            : json_amount(field.value(), scales.quantity, &level.quantity);
    if (error != DecimalError::kOk) return false;
  }
  ParsedMessage* const message = frame.start(ParsedMessageKind::kTrade);
  if (message == nullptr) return false;
  set_book(message, index, scales);
  message->has_last_update_id = seen.has(kTradeSequence);
  message->last_update_id = sequence;
  message->exchange_time_ns = to_ns(time_ms);
  message->aggressor = direction == "buy" ? Side::kBid : Side::kAsk;
  frame.begin_side(message->aggressor);
  return frame.add(level);
}

}  // namespace wirebook
