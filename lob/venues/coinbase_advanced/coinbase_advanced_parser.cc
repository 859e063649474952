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
  kEventTime,
  kPriceLevel,
  kNewQuantity,
  kTradeId,
  kPrice,
  kSize,
  kTime,
  kBestBid,
  kBestBidQuantity,
  kBestAsk,
  kBestAskQuantity,
};

constexpr KeyName<Key> kNames[] = {
    {"channel", kChannel},
    {"timestamp", kTimestamp},
    {"sequence_num", kSequence},
    {"events", kEvents},
    {"type", kType},
};

constexpr KeyName<Key> kBookNames[] = {
    {"type", kType},
    {"product_id", kProduct},
    {"updates", kUpdates},
};

constexpr KeyName<Key> kUpdateNames[] = {
    {"side", kSide},
    {"event_time", kEventTime},
    {"price_level", kPriceLevel},
    {"new_quantity", kNewQuantity},
};

constexpr KeyName<Key> kTradeNames[] = {
    {"product_id", kProduct}, {"trade_id", kTradeId}, {"price", kPrice},
    {"size", kSize},          {"time", kTime},        {"side", kSide},
};

constexpr KeyName<Key> kTickerNames[] = {
    {"product_id", kProduct},
    {"best_bid", kBestBid},
    {"best_ask", kBestAsk},
    {"best_bid_quantity", kBestBidQuantity},
    {"best_ask_quantity", kBestAskQuantity},
};

}  // namespace

// An update of one book, as the venue writes it.
bool CoinbaseAdvancedParser::read_literally(const RawMessage& raw,
                                            FrameBuilder& frame) noexcept {
  TextScanner in(raw.data, raw.data + raw.size);
  std::string_view time;
  std::string_view product;
  uint64_t sequence;
  int64_t time_ns;
  if (!in.literal("{\"channel\":\"l2_data\",") ||
      !in.literal("\"timestamp\":\"") || !in.name(&time) ||
      !times_.read(time, &time_ns) || !in.literal(",\"sequence_num\":") ||
      !in.unsigned_number(&sequence) ||
      !in.literal(",\"events\":[{\"type\":\"update\",") ||
      !in.literal("\"product_id\":\"") || !in.name(&product) ||
      !in.literal(",\"updates\":[")) {
    return false;
  }
  ParsedMessage* const message = start_delta(product, raw, frame);
  if (message == nullptr) return false;
  const Scales scales = scales_of(*message);
  if (!match_updates(in, scales, frame) || !in.literal("}]}") || !in.at_end()) {
    return false;
  }
  message->exchange_time_ns = time_ns;
  frame.set_connection_sequence(sequence);
  return true;
}

bool CoinbaseAdvancedParser::match_updates(TextScanner& in, Scales scales,
                                           FrameBuilder& frame) noexcept {
  frame.begin_side(Side::kBid);
  TextScanner at(in.position(), in.end());
  char separator = ',';
  while (separator == ',') {
    PriceLevel level;
    std::string_view time;
    if (!at.literal("{\"side\":\"")) return false;
    const bool bid = at.peek() == 'b';
    if (!(bid ? at.literal("bid\",\"event_time\":\"")
              : at.literal("offer\",\"event_time\":\"")) ||
        !at.name(&time) || !at.literal(",\"price_level\":\"") ||
        !at.amount(scales.price, &level.price) || level.price == 0 ||
        !at.literal("\",\"new_quantity\":\"") ||
        !at.amount(scales.quantity, &level.quantity) || !at.literal("\"}") ||
        !frame.add_mixed(bid ? Side::kBid : Side::kAsk, level)) {
      return false;
    }
    separator = at.peek();
    at.skip(1);
  }
  in.move_to(at.position());
  return separator == ']';
}

ParseVerdict CoinbaseAdvancedParser::read_json(ondemand::document& document,
                                               const RawMessage& raw,
                                               FrameBuilder& frame) noexcept {
  ondemand::object root;
  Envelope envelope;
  if (document.get_object().get(root) != simdjson::SUCCESS) {
    return kMalformedVerdict;
  }
  const bool good = read_envelope(root, raw, frame, &envelope);
  const bool bad_books = envelope.books.fault != BookReason::kNone;
  if (!bad_books && (!good || !at_end(document))) return kMalformedVerdict;
  if (envelope.seen.has(kSequence)) {
    frame.set_connection_sequence(envelope.sequence);
  }
  if (bad_books) return envelope.books;
  if (envelope.type == "error") {
    frame.discard();
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
  if (envelope.books_read) return envelope.books;
  const ParseVerdict verdict = book ? kMalformedVerdict : kMalformedAside;
  ondemand::value events;
  if (!json_find(root, "events", &events)) return verdict;
  if (book) {
    read_books(events, raw, frame, &envelope);
    return envelope.books;
  }
  const auto read = [&](ondemand::object event) {
    ondemand::value list;
    return json_find(event, trades ? "trades" : "tickers", &list) &&
           read_objects(list, [&](ondemand::object entry) {
             return trades ? read_trade(entry, raw, frame)
                           : read_ticker(entry, envelope.time_ns, raw, frame);
           });
  };
  return read_objects(events, read) ? ParseVerdict{} : verdict;
}

bool CoinbaseAdvancedParser::read_envelope(ondemand::object root,
                                           const RawMessage& raw,
                                           FrameBuilder& frame,
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
                           // Books behind what says when they were, where the
                           // venue has them, are read at once; otherwise when
                           // that is known.
                           if (envelope->channel != "l2_data" ||
                               !envelope->seen.has_all(kTimestamp, kSequence)) {
                             return true;
                           }
                           read_books(value, raw, frame, envelope);
                           return envelope->books.fault == BookReason::kNone;
                       }
                     });
}

void CoinbaseAdvancedParser::read_books(ondemand::value events,
                                        const RawMessage& raw,
                                        FrameBuilder& frame,
                                        Envelope* envelope) noexcept {
  envelope->books_read = true;
  bool any = false;
  ParseVerdict read;
  const bool good = read_objects(events, [&](ondemand::object event) {
    read = read_book(event, *envelope, raw, frame);
    // The books before this one in the frame are not applied either.
    if (read.fault != BookReason::kNone && any) read = {.fault = read.fault};
    any = true;
    return read.fault == BookReason::kNone;
  });
  if (!good && read.fault == BookReason::kNone) read = kMalformedVerdict;
  envelope->books = read;
}

ParseVerdict CoinbaseAdvancedParser::read_book(ondemand::object event,
                                               const Envelope& envelope,
                                               const RawMessage& raw,
                                               FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  KeysSeen seen;
  std::string_view type;
  std::string_view product;
  ParsedMessage* message = nullptr;
  BookReason fault = BookReason::kNone;
  const auto read_updates_of = [&](ondemand::value updates) {
    message =
        start_message(frame, ParsedMessageKind::kDelta, verdict.instrument);
    if (message == nullptr) return false;
    message->exchange_time_ns = envelope.time_ns;
    fault = read_updates(updates, scales_of(*message), frame);
    return fault == BookReason::kNone;
  };
  const bool good = read_fields(
      event, kBookNames, &seen, [&](Key key, ondemand::value value) {
        if (key == kType) return json_string(value, &type);
        if (key == kUpdates) {
          return verdict.instrument == kNoInstrument || read_updates_of(value);
        }
        if (!json_string(value, &product)) return false;
        verdict.instrument = resolver_.find_or_add(product, raw.connection);
        return true;
      });
  const bool snapshot = type == "snapshot";
  if (fault != BookReason::kNone) {
    verdict.fault = fault;
    return verdict;
  }
  if (!good || !seen.has_all(kType, kProduct, kUpdates) ||
      (!snapshot && type != "update")) {
    return verdict;
  }
  if (verdict.instrument == kNoInstrument) return {};
  if (message == nullptr) {
    ondemand::value updates;
    if (!json_find(event, "updates", &updates)) return verdict;
    if (!read_updates_of(updates)) {
      if (fault != BookReason::kNone) verdict.fault = fault;
      return verdict;
    }
  }
  if (snapshot) message->kind = ParsedMessageKind::kSnapshot;
  return {};
}

BookReason CoinbaseAdvancedParser::read_updates(ondemand::value value,
                                                Scales scales,
                                                FrameBuilder& frame) noexcept {
  constexpr BookReason kMalformed = BookReason::kMalformedMessage;
  ondemand::array updates;
  if (value.get_array().get(updates) != simdjson::SUCCESS) return kMalformed;
  frame.begin_side(Side::kBid);
  for (auto entry : updates) {
    ondemand::object update;
    if (entry.get_object().get(update) != simdjson::SUCCESS) return kMalformed;
    KeysSeen seen;
    Side side = Side::kBid;
    PriceLevel level;
    DecimalError error = DecimalError::kOk;
    const auto read = [&](Key key, ondemand::value text) {
      if (key == kSide) return json_side(text, "bid", "offer", &side);
      if (key == kPriceLevel) {
        error = json_quoted_amount(text, scales.price, &level.price);
      } else if (key == kNewQuantity) {
        error = json_quoted_amount(text, scales.quantity, &level.quantity);
      }
      return error == DecimalError::kOk;
    };
    if (!read_fields(update, kUpdateNames, &seen, read)) {
      return error == DecimalError::kOk ? kMalformed : reason_of(error);
    }
    if (!seen.has_all(kSide, kPriceLevel, kNewQuantity) || level.price == 0 ||
        !frame.add_mixed(side, level)) {
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
  if (!read_fields(fields, kTradeNames, &seen, read) ||
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
  return read_fields(ticker, kTickerNames, &seen, read) &&
         seen.has_all(kProduct, kBestBid, kBestBidQuantity, kBestAsk,
                      kBestAskQuantity) &&
         add_touch(resolver_.find(product, raw.connection), touch, time_ns,
                   frame);
}

}  // namespace wirebook
