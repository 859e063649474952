// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/coinbase_advanced/coinbase_advanced_parser.h"

#include <cstring>
#include <utility>

namespace wirebook {
namespace {

namespace ondemand = simdjson::ondemand;

enum Key : unsigned {
  kChannel,
  kTimestamp,
  kSequence,
  kEvents,
  kType,
  kProduct,
  kUpdates,
  kSide,
  kPriceLevel,
  kNewQuantity,
  kTrades,
  kTradeId,
  kPrice,
  kSize,
  kTime,
  kTickers,
  kBestBid,
  kBestBidQuantity,
  kBestAsk,
  kBestAskQuantity,
  kOther,
};

Key key_of(const char* key) noexcept {
  struct Name {
    std::string_view text;
    Key key;
  };
  static constexpr Name kNames[] = {
      {"side", kSide},
      {"price_level", kPriceLevel},
      {"new_quantity", kNewQuantity},
      {"channel", kChannel},
      {"timestamp", kTimestamp},
      {"sequence_num", kSequence},
      {"events", kEvents},
      {"type", kType},
      {"product_id", kProduct},
      {"updates", kUpdates},
      {"trades", kTrades},
      {"trade_id", kTradeId},
      {"price", kPrice},
      {"size", kSize},
      {"time", kTime},
      {"tickers", kTickers},
      {"best_bid", kBestBid},
      {"best_bid_quantity", kBestBidQuantity},
      {"best_ask", kBestAsk},
      {"best_ask_quantity", kBestAskQuantity},
  };
  for (const Name& name : kNames) {
    if (std::memcmp(key, name.text.data(), name.text.size()) == 0 &&
        key[name.text.size()] == '"') {
      return name.key;
    }
  }
  return kOther;
}

bool quoted_unsigned(ondemand::value value, uint64_t* out) noexcept {
  std::string_view text;
  if (!json_string(value, &text) || text.empty()) return false;
  const char* p = text.data();
  return scan_unsigned(p, out) && p == text.data() + text.size();
}

}  // namespace

ParseVerdict CoinbaseAdvancedParser::read_json(ondemand::document& document,
                                               const RawMessage& raw,
                                               FrameBuilder& frame) noexcept {
  ondemand::object root;
  Envelope envelope;
  if (document.get_object().get(root) != simdjson::SUCCESS ||
      !read_envelope(root, &envelope) || !at_end(document)) {
    return kMalformedVerdict;
  }
  if (envelope.seen.has(kSequence)) {
    frame.set_connection_sequence(envelope.sequence);
  }
  if (envelope.type == "error") {
    ParsedMessage* const message = frame.start(ParsedMessageKind::kRefused);
    if (message != nullptr) message->reason = BookReason::kVenueRefused;
    return {};
  }
  const bool book = envelope.channel == "l2_data";
  const bool trades = envelope.channel == "market_trades";
  const bool tickers =
      envelope.channel == "ticker" || envelope.channel == "ticker_batch";
  if (!book && !trades && !tickers) {
    if (envelope.channel == "heartbeats") {
      frame.start(ParsedMessageKind::kHeartbeat);
    }
    return {};
  }
  // Without its number a loss before it would not show.
  if (book && !envelope.seen.has(kSequence)) return kMalformedVerdict;
  ParseVerdict verdict = kMalformedVerdict;
  verdict.concerns_book = book;
  ondemand::array events;
  if (root.reset().error() != simdjson::SUCCESS ||
      root.find_field_unordered("events").get_array().get(events) !=
          simdjson::SUCCESS) {
    return verdict;
  }
  for (auto entry : events) {
    ondemand::object event;
    if (entry.get_object().get(event) != simdjson::SUCCESS) return verdict;
    const ParseVerdict read = book ? read_book(event, envelope, raw, frame)
                              : trades
                                  ? read_trades(event, raw, frame)
                                  : read_tickers(event, envelope, raw, frame);
    if (read.fault != BookReason::kNone) return read;
  }
  return {};
}

bool CoinbaseAdvancedParser::read_envelope(ondemand::object root,
                                           Envelope* envelope) noexcept {
  for (auto entry : root) {
    ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS) return false;
    const Key key = key_of(field.key().raw());
    if (key == kOther) continue;
    if (!envelope->seen.add(key)) return false;
    bool good = true;
    std::string_view time;
    switch (key) {
      case kChannel:
        good = json_string(field.value(), &envelope->channel);
        break;
      case kType:
        good = json_string(field.value(), &envelope->type);
        break;
      case kSequence:
        good = json_unsigned(field.value(), &envelope->sequence);
        break;
      case kTimestamp:
        // A time that cannot be one is as good as none: the venue has sent
        // the year 1.
        good = json_string(field.value(), &time);
        if (good && !times_.read(time, &envelope->time_ns)) {
          envelope->time_ns = 0;
        }
        break;
      default:
        break;
    }
    if (!good) return false;
  }
  return true;
}

ParseVerdict CoinbaseAdvancedParser::read_book(ondemand::object event,
                                               const Envelope& envelope,
                                               const RawMessage& raw,
                                               FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  KeysSeen seen;
  std::string_view type;
  std::string_view product;
  for (auto entry : event) {
    ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS) return verdict;
    const Key key = key_of(field.key().raw());
    if (key != kType && key != kProduct && key != kUpdates) continue;
    if (!seen.add(key)) return verdict;
    if (key == kType && !json_string(field.value(), &type)) return verdict;
    if (key == kProduct && !json_string(field.value(), &product)) {
      return verdict;
    }
  }
  if (seen.has(kProduct)) {
    verdict.instrument = resolver_.find_or_add(product, raw.connection);
  }
  const bool snapshot = type == "snapshot";
  if (!seen.has_all(kType, kProduct, kUpdates) ||
      (!snapshot && type != "update")) {
    return verdict;
  }
  if (verdict.instrument == kNoInstrument) return {};
  const Scales scales = scales_of(verdict.instrument);
  ParsedMessage* const message = frame.start(
      snapshot ? ParsedMessageKind::kSnapshot : ParsedMessageKind::kDelta);
  if (message == nullptr) return verdict;
  set_book(message, verdict.instrument, scales);
  message->exchange_time_ns = envelope.time_ns;
  for (const Side side : {Side::kBid, Side::kAsk}) {
    ondemand::array updates;
    if (event.reset().error() != simdjson::SUCCESS ||
        event.find_field_unordered("updates").get_array().get(updates) !=
            simdjson::SUCCESS) {
      return verdict;
    }
    verdict.fault = read_side(updates, side, scales, frame);
    if (verdict.fault != BookReason::kNone) return verdict;
  }
  return {};
}

BookReason CoinbaseAdvancedParser::read_side(ondemand::array updates, Side side,
                                             Scales scales,
                                             FrameBuilder& frame) noexcept {
  constexpr BookReason kMalformed = BookReason::kMalformedMessage;
  frame.begin_side(side);
  for (auto entry : updates) {
    ondemand::object update;
    if (entry.get_object().get(update) != simdjson::SUCCESS) return kMalformed;
    KeysSeen seen;
    std::string_view name;
    PriceLevel level;
    for (auto part : update) {
      ondemand::field field;
      if (std::move(part).get(field) != simdjson::SUCCESS) return kMalformed;
      const Key key = key_of(field.key().raw());
      if (key != kSide && key != kPriceLevel && key != kNewQuantity) continue;
      if (!seen.add(key)) return kMalformed;
      if (key == kSide) {
        if (!json_string(field.value(), &name)) return kMalformed;
        continue;
      }
      const DecimalError error =
          key == kPriceLevel
              ? json_quoted_amount(field.value(), scales.price, &level.price)
              : json_quoted_amount(field.value(), scales.quantity,
                                   &level.quantity);
      if (error != DecimalError::kOk) return reason_of(error);
    }
    if (!seen.has_all(kSide, kPriceLevel, kNewQuantity) || level.price == 0 ||
        (name != "bid" && name != "offer")) {
      return kMalformed;
    }
    if ((name == "bid") == (side == Side::kBid) && !frame.add(level)) {
      return kMalformed;
    }
  }
  return BookReason::kNone;
}

// ---- What is not depth ------------------------------------------------------

ParseVerdict CoinbaseAdvancedParser::read_trades(ondemand::object event,
                                                 const RawMessage& raw,
                                                 FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  verdict.concerns_book = false;
  ondemand::array trades;
  if (event.find_field_unordered("trades").get_array().get(trades) !=
      simdjson::SUCCESS) {
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

bool CoinbaseAdvancedParser::read_trade(ondemand::object trade,
                                        const RawMessage& raw,
                                        FrameBuilder& frame) noexcept {
  KeysSeen seen;
  std::string_view product;
  std::string_view side;
  std::string_view time;
  uint64_t id = 0;
  for (auto entry : trade) {
    ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS) return false;
    const Key key = key_of(field.key().raw());
    if (key == kOther) continue;
    bool good = seen.add(key);
    if (key == kProduct) good = good && json_string(field.value(), &product);
    if (key == kSide) good = good && json_string(field.value(), &side);
    if (key == kTime) good = good && json_string(field.value(), &time);
    if (key == kTradeId) good = good && quoted_unsigned(field.value(), &id);
    if (!good) return false;
  }
  if (!seen.has_all(kProduct, kSide, kTime, kTradeId, kPrice, kSize) ||
      (side != "BUY" && side != "SELL")) {
    return false;
  }
  const uint32_t index = resolver_.find(product, raw.connection);
  if (index == kNoInstrument) return true;
  const Scales scales = scales_of(index);
  PriceLevel level;
  if (trade.reset().error() != simdjson::SUCCESS) return false;
  for (auto entry : trade) {
    ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS) return false;
    const Key key = key_of(field.key().raw());
    if (key != kPrice && key != kSize) continue;
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
  message->has_last_update_id = true;
  message->last_update_id = id;
  if (!times_.read(time, &message->exchange_time_ns)) {
    message->exchange_time_ns = 0;
  }
  // The side is the maker's.
  message->aggressor = side == "SELL" ? Side::kBid : Side::kAsk;
  frame.begin_side(message->aggressor);
  return frame.add(level);
}

ParseVerdict CoinbaseAdvancedParser::read_tickers(
    ondemand::object event, const Envelope& envelope, const RawMessage& raw,
    FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  verdict.concerns_book = false;
  ondemand::array tickers;
  if (event.find_field_unordered("tickers").get_array().get(tickers) !=
      simdjson::SUCCESS) {
    return verdict;
  }
  for (auto entry : tickers) {
    ondemand::object ticker;
    if (entry.get_object().get(ticker) != simdjson::SUCCESS ||
        !read_ticker(ticker, envelope.time_ns, raw, frame)) {
      return verdict;
    }
  }
  return {};
}

bool CoinbaseAdvancedParser::read_ticker(ondemand::object ticker,
                                         int64_t time_ns, const RawMessage& raw,
                                         FrameBuilder& frame) noexcept {
  KeysSeen seen;
  std::string_view product;
  for (auto entry : ticker) {
    ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS) return false;
    const Key key = key_of(field.key().raw());
    if (key == kOther) continue;
    if (!seen.add(key)) return false;
    if (key == kProduct && !json_string(field.value(), &product)) return false;
  }
  if (!seen.has_all(kProduct, kBestBid, kBestBidQuantity, kBestAsk,
                    kBestAskQuantity)) {
    return false;
  }
  const uint32_t index = resolver_.find(product, raw.connection);
  if (index == kNoInstrument) return true;
  const Scales scales = scales_of(index);
  PriceLevel bid;
  PriceLevel ask;
  if (ticker.reset().error() != simdjson::SUCCESS) return false;
  for (auto entry : ticker) {
    ondemand::field field;
    if (std::move(entry).get(field) != simdjson::SUCCESS) return false;
    const Key key = key_of(field.key().raw());
    int64_t* out = nullptr;
    if (key == kBestBid) out = &bid.price;
    if (key == kBestBidQuantity) out = &bid.quantity;
    if (key == kBestAsk) out = &ask.price;
    if (key == kBestAskQuantity) out = &ask.quantity;
    if (out == nullptr) continue;
    const bool price = key == kBestBid || key == kBestAsk;
    if (json_quoted_amount(field.value(),
                           price ? scales.price : scales.quantity,
                           out) != DecimalError::kOk) {
      return false;
    }
  }
  ParsedMessage* const message = frame.start(ParsedMessageKind::kBestBidOffer);
  if (message == nullptr) return false;
  set_book(message, index, scales);
  message->exchange_time_ns = time_ns;
  frame.begin_side(Side::kBid);
  if (!frame.add(bid)) return false;
  frame.begin_side(Side::kAsk);
  return frame.add(ask);
}

}  // namespace wirebook
