// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/deribit/deribit_parser.h"

#include <utility>

namespace wirebook {
namespace {

namespace ondemand = simdjson::ondemand;

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
};

constexpr KeyName<Key> kNames[] = {
    {"method", kMethod},
    {"params", kParameters},
    {"error", kError},
    {"result", kResult},
};

constexpr KeyName<Key> kParameterNames[] = {
    {"channel", kChannel},
    {"data", kData},
};

constexpr KeyName<Key> kBookNames[] = {
    {"type", kType},
    {"timestamp", kTime},
    {"prev_change_id", kPreviousId},
    {"instrument_name", kSymbol},
    {"change_id", kId},
    {"bids", kBids},
    {"asks", kAsks},
};

constexpr KeyName<Key> kEventNames[] = {
    {"instrument_name", kSymbol},
    {"timestamp", kTime},
    {"price", kPrice},
    {"amount", kAmount},
    {"direction", kDirection},
    {"trade_seq", kTradeSequence},
    {"best_bid_price", kBestBidPrice},
    {"best_bid_amount", kBestBidAmount},
    {"best_ask_price", kBestAskPrice},
    {"best_ask_amount", kBestAskAmount},
};

constexpr KeyName<Side> kSides[] = {{"bids", Side::kBid}, {"asks", Side::kAsk}};

template <typename T>
bool find_data(ondemand::object root, T* data) noexcept {
  ondemand::object parameters;
  return json_find(root, "params", &parameters) &&
         json_find(parameters, "data", data);
}

}  // namespace

// A change of a book, as the venue writes it.
bool DeribitParser::read_literally(const RawMessage& raw,
                                   FrameBuilder& frame) noexcept {
  TextScanner in(raw.data, raw.data + raw.size);
  std::string_view channel;
  std::string_view symbol;
  uint64_t time_ms;
  uint64_t previous;
  uint64_t id;
  if (!in.literal("{\"jsonrpc\":\"2.0\",\"method\":\"") ||
      !in.literal("subscription\",\"params\":{") ||
      !in.literal("\"channel\":\"book.") || !in.name(&channel) ||
      !in.literal(",\"data\":{\"type\":\"change\",") ||
      !in.literal("\"timestamp\":") || !in.unsigned_number(&time_ms) ||
      !in.literal(",\"prev_change_id\":") || !in.unsigned_number(&previous) ||
      !in.literal(",\"instrument_name\":\"") || !in.name(&symbol) ||
      !in.literal(",\"change_id\":") || !in.unsigned_number(&id) ||
      id > kMaxUpdateId || !in.literal(",\"bids\":[")) {
    return false;
  }
  ParsedMessage* const message = start_delta(symbol, raw, frame);
  if (message == nullptr) return false;
  const Scales scales = scales_of(*message);
  if (!match_both_sides(in, Side::kBid, ",\"asks\":[", frame,
                        [&] { return match_levels(in, scales, frame); }) ||
      !in.literal("}}}") || !in.at_end()) {
    return false;
  }
  message->has_last_update_id = message->has_previous_update_id = true;
  message->last_update_id = id;
  message->previous_update_id = previous;
  message->exchange_time_ns = to_unix_ns(time_ms, kMillisecondNs);
  return true;
}

// ["new" | "change" | "delete",price,amount] each.
bool DeribitParser::match_levels(TextScanner& in, Scales scales,
                                 FrameBuilder& frame) noexcept {
  if (in.literal("]")) return true;
  while (true) {
    PriceLevel level;
    const bool goes = in.literal("[\"delete\",");
    if ((!goes && !in.literal("[\"new\",") && !in.literal("[\"change\",")) ||
        !in.amount(scales.price, &level.price) || level.price == 0 ||
        !in.literal(",") || !in.amount(scales.quantity, &level.quantity) ||
        goes != (level.quantity == 0) || !in.literal("]") ||
        !frame.add(level)) {
      return false;
    }
    const char separator = in.peek();
    in.skip(1);
    if (separator == ']') return true;
    if (separator != ',') return false;
  }
}

ParseVerdict DeribitParser::read_json(ondemand::document& document,
                                      const RawMessage& raw,
                                      FrameBuilder& frame) noexcept {
  ondemand::object root;
  Envelope envelope;
  if (document.get_object().get(root) != simdjson::SUCCESS) {
    return kMalformedVerdict;
  }
  const bool good = read_envelope(root, raw, frame, &envelope);
  if (envelope.book.fault != BookReason::kNone) return envelope.book;
  if (!good || !at_end(document)) return kMalformedVerdict;
  if (envelope.method == "subscription") {
    if (envelope.channel.starts_with("book.")) {
      if (envelope.book_read) return envelope.book;
      ondemand::object data;
      return find_data(root, &data) ? read_book(data, raw, frame)
                                    : kMalformedVerdict;
    }
    if (envelope.channel.starts_with("trades.")) {
      return read_trades(root, raw, frame);
    }
    if (envelope.channel.starts_with("quote.")) {
      return read_quote(root, raw, frame);
    }
    return {};
  }
  if (envelope.method == "heartbeat") {
    frame.start(ParsedMessageKind::kHeartbeat);
    return {};
  }
  if (envelope.seen.has(kError)) {
    start_notice(frame, ParsedMessageKind::kRefused);
    return {};
  }
  // An answer. A subscription's names channels; each begins with its snapshot.
  if (envelope.seen.has(kResult)) frame.start(ParsedMessageKind::kHeartbeat);
  return {};
}

bool DeribitParser::read_envelope(ondemand::object root, const RawMessage& raw,
                                  FrameBuilder& frame,
                                  Envelope* envelope) noexcept {
  KeysSeen parameters_seen;
  const auto read_parameter = [&](Key key, ondemand::value value) {
    if (key == kChannel) return json_string(value, &envelope->channel);
    // A book behind its method and channel, where the venue has it, is read at
    // once; otherwise when they are known.
    if (envelope->method != "subscription" ||
        !envelope->channel.starts_with("book.")) {
      return true;
    }
    ondemand::object data;
    if (value.get_object().get(data) != simdjson::SUCCESS) return false;
    envelope->book = read_book(data, raw, frame);
    envelope->book_read = true;
    return envelope->book.fault == BookReason::kNone;
  };
  return read_fields(
      root, kNames, &envelope->seen, [&](Key key, ondemand::value value) {
        if (key == kMethod) return json_string(value, &envelope->method);
        ondemand::object parameters;
        return key != kParameters ||
               (value.get_object().get(parameters) == simdjson::SUCCESS &&
                read_fields(parameters, kParameterNames, &parameters_seen,
                            read_parameter));
      });
}

// ---- Books ------------------------------------------------------------------

ParseVerdict DeribitParser::read_book(ondemand::object data,
                                      const RawMessage& raw,
                                      FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  Book book;
  uint32_t known = kNoInstrument;
  ParsedMessage* message = nullptr;
  BookReason fault = BookReason::kNone;
  const auto read_side = [&](Side side, ondemand::value levels) {
    fault = read_levels(levels, side, scales_of(*message), frame);
    return fault == BookReason::kNone;
  };
  const auto read = [&](Key key, ondemand::value value) {
    switch (key) {
      case kType:
        return json_string(value, &book.type);
      case kSymbol:
        if (!json_string(value, &book.symbol)) return false;
        // What a broken message calls its symbol may be none.
        known = resolver_.find(book.symbol, raw.connection);
        if (known != kNoInstrument && !book.seen.has(kBids) &&
            !book.seen.has(kAsks)) {
          message = start_message(frame, ParsedMessageKind::kDelta, known);
        }
        return true;
      case kTime:
        return json_unsigned(value, &book.time_ms);
      case kId:
        return json_unsigned(value, &book.id);
      case kPreviousId:
        return json_unsigned(value, &book.previous_id);
      default:
        return message == nullptr ||
               read_side(key == kBids ? Side::kBid : Side::kAsk, value);
    }
  };
  if (!read_fields(data, kBookNames, &book.seen, read)) {
    if (fault != BookReason::kNone) {
      verdict.fault = fault;
      verdict.instrument = known;
    }
    return verdict;
  }
  if (book.seen.has(kSymbol)) {
    verdict.instrument = resolver_.find_or_add(book.symbol, raw.connection);
  }
  // Grouped channels send nothing but snapshots and do not say so.
  const bool delta = book.type == "change";
  if (!book.seen.has_all(kSymbol, kId, kBids, kAsks) ||
      book.id > kMaxUpdateId ||
      (delta ? !book.seen.has(kPreviousId)
             : book.seen.has(kType) && book.type != "snapshot")) {
    return verdict;
  }
  if (verdict.instrument == kNoInstrument) return {};
  if (message == nullptr) {
    message =
        start_message(frame, ParsedMessageKind::kDelta, verdict.instrument);
    if (message == nullptr) return verdict;
    KeysSeen sides;
    if (!read_fields(data, kSides, &sides, read_side)) {
      if (fault != BookReason::kNone) verdict.fault = fault;
      return verdict;
    }
  }
  if (!delta) message->kind = ParsedMessageKind::kSnapshot;
  message->has_last_update_id = true;
  message->last_update_id = book.id;
  message->has_previous_update_id = delta;
  message->previous_update_id = delta ? book.previous_id : 0;
  message->exchange_time_ns = to_unix_ns(book.time_ms, kMillisecondNs);
  verdict.fault = BookReason::kNone;
  return verdict;
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
      if (numbers == 0 && action.empty() && *json_begin(text) == '"') {
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
  ondemand::object quote;
  KeysSeen seen;
  std::string_view symbol;
  uint64_t time_ms = 0;
  TouchText touch;
  const auto read = [&](Key key, ondemand::value value) {
    // A side without an order has null for a price.
    const auto amount = [&value](std::string_view* digits) {
      return json_token(value) == "null" ||
             json_amount_text(value, NumberStyle::kBare, digits);
    };
    switch (key) {
      case kSymbol:
        return json_string(value, &symbol);
      case kTime:
        return json_unsigned(value, &time_ms);
      case kBestBidPrice:
        return amount(&touch.bid);
      case kBestBidAmount:
        return amount(&touch.bid_quantity);
      case kBestAskPrice:
        return amount(&touch.ask);
      case kBestAskAmount:
        return amount(&touch.ask_quantity);
      default:
        return true;
    }
  };
  if (!find_data(root, &quote) ||
      !read_fields(quote, kEventNames, &seen, read) ||
      !seen.has_all(kSymbol, kBestBidPrice, kBestBidAmount, kBestAskPrice,
                    kBestAskAmount) ||
      !add_touch(resolver_.find(symbol, raw.connection), touch,
                 to_unix_ns(time_ms, kMillisecondNs), frame)) {
    return kMalformedAside;
  }
  return {};
}

ParseVerdict DeribitParser::read_trades(ondemand::object root,
                                        const RawMessage& raw,
                                        FrameBuilder& frame) noexcept {
  ondemand::value trades;
  if (!find_data(root, &trades) ||
      !read_objects(trades, [&](ondemand::object trade) {
        return read_trade(trade, raw, frame);
      })) {
    return kMalformedAside;
  }
  return {};
}

bool DeribitParser::read_trade(ondemand::object fields, const RawMessage& raw,
                               FrameBuilder& frame) noexcept {
  KeysSeen seen;
  std::string_view symbol;
  uint64_t time_ms = 0;
  TradeText trade;
  const auto read = [&](Key key, ondemand::value value) {
    switch (key) {
      case kSymbol:
        return json_string(value, &symbol);
      case kDirection:
        return json_side(value, "buy", "sell", &trade.aggressor);
      case kTime:
        return json_unsigned(value, &time_ms);
      case kTradeSequence:
        return json_unsigned(value, &trade.id);
      case kPrice:
        return json_amount_text(value, NumberStyle::kBare, &trade.price);
      case kAmount:
        return json_amount_text(value, NumberStyle::kBare, &trade.quantity);
      default:
        return true;
    }
  };
  if (!read_fields(fields, kEventNames, &seen, read) ||
      !seen.has_all(kSymbol, kDirection, kTime, kPrice, kAmount)) {
    return false;
  }
  trade.has_id = seen.has(kTradeSequence);
  trade.time_ns = to_unix_ns(time_ms, kMillisecondNs);
  return add_trade(resolver_.find(symbol, raw.connection), trade, frame);
}

}  // namespace wirebook
