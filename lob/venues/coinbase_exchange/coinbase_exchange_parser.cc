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
    {"changes", kChanges},  {"bids", kBids},
    {"asks", kAsks},        {"time", kTime},
    {"best_bid", kBestBid}, {"best_bid_size", kBestBidSize},
    {"best_ask", kBestAsk}, {"best_ask_size", kBestAskSize},
    {"side", kSide},        {"price", kPrice},
    {"size", kSize},        {"trade_id", kTradeId},
};

constexpr KeyName<Side> kSides[] = {{"bids", Side::kBid}, {"asks", Side::kAsk}};

}  // namespace

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
  if (!read_scalars(root, &message) || !at_end(document)) {
    return kMalformedVerdict;
  }
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

bool CoinbaseExchangeParser::read_scalars(ondemand::object root,
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
            return true;
        }
      });
}

ParseVerdict CoinbaseExchangeParser::read_book(ondemand::object root,
                                               const Message& message,
                                               const RawMessage& raw,
                                               FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  if (!message.seen.has(kProduct)) return verdict;
  verdict.instrument = resolver_.find_or_add(message.product, raw.connection);
  const bool snapshot = message.type == "snapshot";
  if (snapshot ? !message.seen.has_all(kBids, kAsks)
               : !message.seen.has(kChanges)) {
    return verdict;
  }
  if (verdict.instrument == kNoInstrument) return {};
  const Scales scales = scales_of(verdict.instrument);
  ParsedMessage* const book = start_message(
      frame,
      snapshot ? ParsedMessageKind::kSnapshot : ParsedMessageKind::kDelta,
      verdict.instrument, scales);
  if (book == nullptr) return verdict;
  book->exchange_time_ns = message.time_ns;
  verdict.fault =
      snapshot ? read_sides(root, kSides, scales, NumberStyle::kQuoted, frame)
               : read_changes(root, scales, frame);
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
