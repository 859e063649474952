// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/coinbase_exchange/coinbase_exchange_parser.h"

namespace wirebook {
namespace {

namespace ondemand = simdjson::ondemand;

enum Key : unsigned {
  kType,
  kProduct,
  kChanges,
  kBids,
  kAsks,
  kTime,
  kBestBid,
  kBestBidSize,
  kBestAsk,
  kBestAskSize,
  kSide,
  kPrice,
  kSize,
  kTradeId,
};

constexpr KeyName<Key> kNames[] = {
    {"type", kType},        {"product_id", kProduct},
    {"changes", kChanges},  {"time", kTime},
    {"asks", kAsks},        {"bids", kBids},
    {"best_bid", kBestBid}, {"best_bid_size", kBestBidSize},
    {"best_ask", kBestAsk}, {"best_ask_size", kBestAskSize},
    {"side", kSide},        {"price", kPrice},
    {"size", kSize},        {"trade_id", kTradeId},
};

constexpr KeyName<Side> kSides[] = {{"bids", Side::kBid}, {"asks", Side::kAsk}};

}  // namespace

// An update as the venue writes it.
bool CoinbaseExchangeParser::read_literally(const RawMessage& raw,
                                            FrameBuilder& frame) noexcept {
  TextScanner in(raw.data, raw.data + raw.size);
  std::string_view product;
  std::string_view time;
  int64_t time_ns;
  if (!in.literal("{\"type\":\"l2update\",") ||
      !in.literal("\"product_id\":\"") || !in.name(&product) ||
      !in.literal(",\"changes\":[")) {
    return false;
  }
  ParsedMessage* const book = start_delta(product, raw, frame);
  if (book == nullptr) return false;
  const Scales scales = scales_of(*book);
  if (!match_changes(in, scales, frame) || !in.literal(",\"time\":\"") ||
      !in.name(&time) || !times_.read(time, &time_ns) || !in.literal("}") ||
      !in.at_end()) {
    return false;
  }
  book->exchange_time_ns = time_ns;
  return true;
}

ParseVerdict CoinbaseExchangeParser::read_json(ondemand::document& document,
                                               const RawMessage& raw,
                                               FrameBuilder& frame) noexcept {
  ondemand::object root;
  Message message;
  if (document.get_object().get(root) != simdjson::SUCCESS) {
    return kMalformedVerdict;
  }
  ParseVerdict verdict;
  if (reads_orders() && read_orders(document, root, raw, frame, &verdict)) {
    return verdict;
  }
  const bool good = read_fields_of(root, raw, frame, &message);
  if (message.fault != BookReason::kNone) {
    verdict.fault = message.fault;
    verdict.instrument = message.book->instrument;
    return verdict;
  }
  if (!good || !at_end(document)) return kMalformedVerdict;
  if (message.type == "l2update" || message.type == "snapshot") {
    if (reads_orders()) return {};
    return read_book(root, message, raw, frame);
  }
  if (message.type == "ticker") {
    if (!message.seen.has_all(kProduct, kBestBid, kBestAsk) ||
        !add_touch(resolver_.find(message.product, raw.connection),
                   message.touch, message.time_ns, frame)) {
      return kMalformedAside;
    }
  } else if (message.type == "match") {
    if (!read_match(message, raw, frame)) return kMalformedAside;
  } else if (message.type == "heartbeat") {
    frame.start(ParsedMessageKind::kHeartbeat);
  } else if (message.type == "error") {
    start_notice(frame, ParsedMessageKind::kRefused);
  }
  return {};
}

bool CoinbaseExchangeParser::read_fields_of(ondemand::object root,
                                            const RawMessage& raw,
                                            FrameBuilder& frame,
                                            Message* message) noexcept {
  return read_fields(
      root, kNames, &message->seen, [&](Key key, ondemand::value value) {
        constexpr NumberStyle kQuoted = NumberStyle::kQuoted;
        std::string_view time;
        switch (key) {
          case kType:
            return json_string(value, &message->type);
          case kProduct:
            return json_string(value, &message->product);
          case kSide:
            return json_string(value, &message->side);
          case kTime:
            // The venue has sent the year 1: a time that cannot be one is as
            // good as none.
            if (!json_string(value, &time)) return false;
            if (!times_.read(time, &message->time_ns)) message->time_ns = 0;
            return true;
          case kTradeId:
            return json_unsigned(value, &message->trade.id);
          case kPrice:
            return json_amount_text(value, kQuoted, &message->trade.price);
          case kSize:
            return json_amount_text(value, kQuoted, &message->trade.quantity);
          case kBestBid:
            return json_amount_text(value, kQuoted, &message->touch.bid);
          case kBestBidSize:
            return json_amount_text(value, kQuoted,
                                    &message->touch.bid_quantity);
          case kBestAsk:
            return json_amount_text(value, kQuoted, &message->touch.ask);
          case kBestAskSize:
            return json_amount_text(value, kQuoted,
                                    &message->touch.ask_quantity);
          default:
            // Levels behind their type and product, where the venue has them,
            // are read at once; otherwise when both are known.
            if (message->book == nullptr && !start_book(raw, frame, message)) {
              message->levels_passed_over = true;
              return true;
            }
            if ((key == kChanges) != (message->type == "l2update")) return true;
            message->fault =
                key == kChanges
                    ? read_changes(value, scales_of(*message->book), frame)
                    : read_level_pairs(
                          value, key == kBids ? Side::kBid : Side::kAsk,
                          scales_of(*message->book), kQuoted, frame);
            return message->fault == BookReason::kNone;
        }
      });
}

// False where the message is of no book, or none that is known by now.
bool CoinbaseExchangeParser::start_book(const RawMessage& raw,
                                        FrameBuilder& frame,
                                        Message* message) noexcept {
  const bool snapshot = message->type == "snapshot";
  if (reads_orders() || message->levels_passed_over ||
      (!snapshot && message->type != "l2update")) {
    return false;
  }
  const uint32_t index = resolver_.find(message->product, raw.connection);
  if (index == kNoInstrument) return false;
  message->book = start_message(
      frame,
      snapshot ? ParsedMessageKind::kSnapshot : ParsedMessageKind::kDelta,
      index);
  return message->book != nullptr;
}

ParseVerdict CoinbaseExchangeParser::read_book(ondemand::object root,
                                               Message& message,
                                               const RawMessage& raw,
                                               FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  if (!message.seen.has(kProduct)) return verdict;
  const bool snapshot = message.type == "snapshot";
  verdict.instrument = resolver_.find_or_add(message.product, raw.connection);
  if (snapshot ? !message.seen.has_all(kBids, kAsks)
               : !message.seen.has(kChanges)) {
    return verdict;
  }
  if (verdict.instrument == kNoInstrument) return {};
  verdict.fault = BookReason::kNone;
  if (message.book == nullptr) {
    message.levels_passed_over = false;
    if (!start_book(raw, frame, &message)) return kMalformedVerdict;
    const Scales scales = scales_of(*message.book);
    ondemand::value changes;
    if (snapshot) {
      verdict.fault =
          read_sides(root, kSides, scales, NumberStyle::kQuoted, frame);
    } else {
      verdict.fault = json_find(root, "changes", &changes)
                          ? read_changes(changes, scales, frame)
                          : BookReason::kMalformedMessage;
    }
  }
  message.book->exchange_time_ns = message.time_ns;
  return verdict;
}

bool CoinbaseExchangeParser::read_match(Message& message, const RawMessage& raw,
                                        FrameBuilder& frame) noexcept {
  if (!message.seen.has_all(kProduct, kSide, kPrice, kSize, kTradeId, kTime) ||
      // The side is the maker's.
      !parse_side(message.side, "sell", "buy", &message.trade.aggressor)) {
    return false;
  }
  message.trade.has_id = true;
  message.trade.time_ns = message.time_ns;
  return add_trade(resolver_.find(message.product, raw.connection),
                   message.trade, frame);
}

}  // namespace wirebook
