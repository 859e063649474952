// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/gemini/gemini_parser.h"

namespace wirebook {
namespace {

namespace ondemand = simdjson::ondemand;

enum Key : unsigned {
  kType,
  kResult,
  kSymbol,
  kChanges,
  kTrades,
  kAuctions,
  kTime,
  kSide,
  kPrice,
  kQuantity,
  kEventId,
};

constexpr KeyName<Key> kNames[] = {
    {"auction_events", kAuctions},
    {"changes", kChanges},
    {"event_id", kEventId},
    {"price", kPrice},
    {"quantity", kQuantity},
    {"result", kResult},
    {"side", kSide},
    {"symbol", kSymbol},
    {"trades", kTrades},
    {"timestamp", kTime},
    {"type", kType},
};

}  // namespace

// An update as the venue writes it, its symbol behind its levels.
bool GeminiParser::read_literally(const RawMessage& raw,
                                  FrameBuilder& frame) noexcept {
  TextScanner in(raw.data, raw.data + raw.size);
  std::string_view symbol;
  if (!in.literal("{\"changes\":[") ||
      !in.name_at_end(",\"symbol\":\"", &symbol,
                      "\",\"type\":\"l2_updates\"}")) {
    return false;
  }
  const ParsedMessage* const message = start_delta(symbol, raw, frame);
  return message != nullptr && match_changes(in, scales_of(*message), frame) &&
         in.at_end();
}

ParseVerdict GeminiParser::read_json(ondemand::document& document,
                                     const RawMessage& raw,
                                     FrameBuilder& frame) noexcept {
  ondemand::object root;
  Message message;
  if (document.get_object().get(root) != simdjson::SUCCESS ||
      !read_scalars(root, &message) || !at_end(document)) {
    return kMalformedVerdict;
  }
  if (message.type == "l2_updates") return read_book(root, message, raw, frame);
  if (message.type == "trade") {
    return read_trade(message, raw, frame) ? ParseVerdict{} : kMalformedAside;
  }
  if (message.type == "heartbeat") {
    frame.start(ParsedMessageKind::kHeartbeat);
  } else if (message.result == "error") {
    start_notice(frame, ParsedMessageKind::kRefused);
  }
  return {};
}

bool GeminiParser::read_scalars(ondemand::object root,
                                Message* message) noexcept {
  return read_fields(
      root, kNames, &message->seen, [&](Key key, ondemand::value value) {
        constexpr NumberStyle kQuoted = NumberStyle::kQuoted;
        switch (key) {
          case kType:
            return json_string(value, &message->type);
          case kResult:
            return json_string(value, &message->result);
          case kSymbol:
            return json_string(value, &message->symbol);
          case kSide:
            return json_string(value, &message->side);
          case kTime:
            return json_unsigned(value, &message->time_ms);
          case kEventId:
            return json_unsigned(value, &message->trade.id);
          case kPrice:
            return json_amount_text(value, kQuoted, &message->trade.price);
          case kQuantity:
            return json_amount_text(value, kQuoted, &message->trade.quantity);
          default:
            return true;
        }
      });
}

ParseVerdict GeminiParser::read_book(ondemand::object root,
                                     const Message& message,
                                     const RawMessage& raw,
                                     FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  if (!message.seen.has(kSymbol)) return verdict;
  verdict.instrument = resolver_.find_or_add(message.symbol, raw.connection);
  if (!message.seen.has(kChanges)) return verdict;
  if (verdict.instrument == kNoInstrument) return {};
  // The first message of a subscription alone has a history.
  const bool snapshot =
      message.seen.has(kTrades) || message.seen.has(kAuctions);
  ParsedMessage* const book = start_message(
      frame,
      snapshot ? ParsedMessageKind::kSnapshot : ParsedMessageKind::kDelta,
      verdict.instrument);
  ondemand::value changes;
  if (book == nullptr || !json_find(root, "changes", &changes)) return verdict;
  verdict.fault = read_changes(changes, scales_of(*book), frame);
  return verdict;
}

bool GeminiParser::read_trade(Message& message, const RawMessage& raw,
                              FrameBuilder& frame) noexcept {
  if (!message.seen.has_all(kSymbol, kSide, kPrice, kQuantity, kEventId,
                            kTime) ||
      !parse_side(message.side, "buy", "sell", &message.trade.aggressor)) {
    return false;
  }
  message.trade.has_id = true;
  message.trade.time_ns = to_unix_ns(message.time_ms, kMillisecondNs);
  return add_trade(resolver_.find(message.symbol, raw.connection),
                   message.trade, frame);
}

}  // namespace wirebook
