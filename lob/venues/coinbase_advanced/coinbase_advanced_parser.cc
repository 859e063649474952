// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/coinbase_advanced/coinbase_advanced_parser.h"

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
};

constexpr KeyName<Key> kNames[] = {
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
    start_notice(frame, ParsedMessageKind::kRefused);
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
  const ParseVerdict verdict = book ? kMalformedVerdict : kMalformedAside;
  ondemand::array events;
  if (!json_find(root, "events", &events)) return verdict;
  bool any = false;
  for (auto element : events) {
    ondemand::object event;
    if (element.get_object().get(event) != simdjson::SUCCESS) return verdict;
    if (book) {
      const ParseVerdict read = read_book(event, envelope, raw, frame);
      if (read.fault != BookReason::kNone) {
        // The books before this one in the frame are not applied either.
        return any ? ParseVerdict{.fault = read.fault} : read;
      }
      any = true;
      continue;
    }
    ondemand::value list;
    if (!json_find(event, trades ? "trades" : "tickers", &list) ||
        !read_objects(list, [&](ondemand::object entry) {
          return trades ? read_trade(entry, raw, frame)
                        : read_ticker(entry, envelope.time_ns, raw, frame);
        })) {
      return verdict;
    }
  }
  return {};
}

bool CoinbaseAdvancedParser::read_envelope(ondemand::object root,
                                           Envelope* envelope) noexcept {
  return read_fields(root, kNames, &envelope->seen,
                     [&](Key key, ondemand::value value) {
                       std::string_view time;
                       switch (key) {
                         case kChannel:
                           return json_string(value, &envelope->channel);
                         case kType:
                           return json_string(value, &envelope->type);
                         case kSequence:
                           return json_unsigned(value, &envelope->sequence);
                         case kTimestamp:
                           // A time that cannot be one is as good as none: the
                           // venue has sent the year 1.
                           if (!json_string(value, &time)) return false;
                           if (!times_.read(time, &envelope->time_ns))
                             envelope->time_ns = 0;
                           return true;
                         default:
                           return true;
                       }
                     });
}

ParseVerdict CoinbaseAdvancedParser::read_book(ondemand::object event,
                                               const Envelope& envelope,
                                               const RawMessage& raw,
                                               FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  KeysSeen seen;
  std::string_view type;
  std::string_view product;
  if (!read_fields(event, kNames, &seen, [&](Key key, ondemand::value value) {
        if (key == kType) return json_string(value, &type);
        return key != kProduct || json_string(value, &product);
      })) {
    return verdict;
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
  ParsedMessage* const message = start_message(
      frame,
      snapshot ? ParsedMessageKind::kSnapshot : ParsedMessageKind::kDelta,
      verdict.instrument, scales);
  if (message == nullptr) return verdict;
  message->exchange_time_ns = envelope.time_ns;
  for (const Side side : {Side::kBid, Side::kAsk}) {
    ondemand::array updates;
    if (!json_find(event, "updates", &updates)) return kMalformedVerdict;
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
    DecimalError error = DecimalError::kOk;
    const auto read = [&](Key key, ondemand::value value) {
      if (key == kSide) return json_string(value, &name);
      if (key == kPriceLevel) {
        error = json_quoted_amount(value, scales.price, &level.price);
      } else if (key == kNewQuantity) {
        error = json_quoted_amount(value, scales.quantity, &level.quantity);
      }
      return error == DecimalError::kOk;
    };
    if (!read_fields(update, kNames, &seen, read)) {
      return error == DecimalError::kOk ? kMalformed : reason_of(error);
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

bool CoinbaseAdvancedParser::read_trade(ondemand::object fields,
                                        const RawMessage& raw,
                                        FrameBuilder& frame) noexcept {
  KeysSeen seen;
  std::string_view product;
  std::string_view time;
  TradeText trade{.has_id = true};
  const auto read = [&](Key key, ondemand::value value) {
    switch (key) {
      case kProduct:
        return json_string(value, &product);
      case kSide:
        // The maker's.
        return json_side(value, "SELL", "BUY", &trade.aggressor);
      case kTime:
        return json_string(value, &time);
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
      !seen.has_all(kProduct, kSide, kTime, kTradeId, kPrice, kSize)) {
    return false;
  }
  if (!times_.read(time, &trade.time_ns)) trade.time_ns = 0;
  return add_trade(resolver_.find(product, raw.connection), trade, frame);
}

bool CoinbaseAdvancedParser::read_ticker(ondemand::object ticker,
                                         int64_t time_ns, const RawMessage& raw,
                                         FrameBuilder& frame) noexcept {
  KeysSeen seen;
  std::string_view product;
  TouchText touch;
  const auto read = [&](Key key, ondemand::value value) {
    constexpr NumberStyle kQuoted = NumberStyle::kQuoted;
    switch (key) {
      case kProduct:
        return json_string(value, &product);
      case kBestBid:
        return json_amount_text(value, kQuoted, &touch.bid);
      case kBestBidQuantity:
        return json_amount_text(value, kQuoted, &touch.bid_quantity);
      case kBestAsk:
        return json_amount_text(value, kQuoted, &touch.ask);
      case kBestAskQuantity:
        return json_amount_text(value, kQuoted, &touch.ask_quantity);
      default:
        return true;
    }
  };
  return read_fields(ticker, kNames, &seen, read) &&
         seen.has_all(kProduct, kBestBid, kBestBidQuantity, kBestAsk,
                      kBestAskQuantity) &&
         add_touch(resolver_.find(product, raw.connection), touch, time_ns,
                   frame);
}

}  // namespace wirebook
