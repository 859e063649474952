// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/kraken/kraken_parser.h"

#include <algorithm>
#include <utility>

#include "lob/fixed_point.h"

namespace wirebook {
namespace {

namespace ondemand = simdjson::ondemand;

enum Key : unsigned {
  kChannel,
  kType,
  kData,
  kMethod,
  kSuccess,
  kError,
  kResult,
  kSymbol,
  kBids,
  kAsks,
  kChecksum,
  kTimestamp,
  kPrice,
  kQuantity,
  kDepth,
};

constexpr KeyName<Key> kNames[] = {
    {"channel", kChannel}, {"type", kType},       {"data", kData},
    {"method", kMethod},   {"success", kSuccess}, {"error", kError},
    {"result", kResult},   {"symbol", kSymbol},
};

constexpr KeyName<Key> kResultNames[] = {
    {"channel", kChannel},
    {"depth", kDepth},
    {"symbol", kSymbol},
};

constexpr KeyName<Key> kBookNames[] = {
    {"symbol", kSymbol},     {"bids", kBids},           {"asks", kAsks},
    {"checksum", kChecksum}, {"timestamp", kTimestamp},
};

constexpr KeyName<Key> kLevelNames[] = {
    {"price", kPrice},
    {"qty", kQuantity},
};

// Of a snapshot's levels or orders.
constexpr KeyName<Key> kMeasureNames[] = {
    {"price", kPrice},
    {"qty", kQuantity},
    {"limit_price", kPrice},
    {"order_qty", kQuantity},
};

// Of tickers and trades.
enum EventKey : unsigned {
  kEventSymbol,
  kBid,
  kBidQuantity,
  kAsk,
  kAskQuantity,
  kTradePrice,
  kTradeQuantity,
  kTradeSide,
  kTradeId,
  kEventTime,
};

constexpr KeyName<EventKey> kEventNames[] = {
    {"symbol", kEventSymbol},  {"bid", kBid},
    {"bid_qty", kBidQuantity}, {"ask", kAsk},
    {"ask_qty", kAskQuantity}, {"price", kTradePrice},
    {"qty", kTradeQuantity},   {"side", kTradeSide},
    {"trade_id", kTradeId},    {"timestamp", kEventTime},
};

// Decimals that a number's text needs: digits behind the point, and those that
// a negative exponent adds. Text that is no number may give anything.
int decimals_of(std::string_view number) noexcept {
  const size_t exponent_at = number.find_first_of("eE");
  const std::string_view digits = number.substr(0, exponent_at);
  const size_t point = digits.find('.');
  int decimals =
      point == std::string_view::npos
          ? 0
          : static_cast<int>(std::min<size_t>(digits.size() - point - 1, 99));
  if (exponent_at == std::string_view::npos) return decimals;
  std::string_view exponent = number.substr(exponent_at + 1);
  const bool negative = !exponent.empty() && exponent.front() == '-';
  if (negative || (!exponent.empty() && exponent.front() == '+')) {
    exponent.remove_prefix(1);
  }
  int power = 0;
  for (const char c : exponent.substr(0, 3)) {
    power = power * 10 + (c - '0');
  }
  return std::max(0, decimals + (negative ? power : -power));
}

}  // namespace

KrakenParser::KrakenParser(InstrumentTable& table,
                           const VenueParserOptions& options)
    : JsonVenueParser(table, VenueId::kKraken, options),
      scales_(table.capacity()) {}

// ---- The literal fast path --------------------------------------------------

bool KrakenParser::read_literally(const RawMessage& raw,
                                  FrameBuilder& frame) noexcept {
  TextScanner in(raw.data, raw.data + raw.size);
  std::string_view symbol;
  if (!in.literal("{\"channel\":\"book\",\"type\":\"upda") ||
      !in.literal("te\",\"data\":[{\"symbol\":\"") || !in.name(&symbol) ||
      !in.literal(",\"bids\":[")) {
    return false;
  }
  const uint32_t index = resolver_.find(symbol, raw.connection);
  if (index == kNoInstrument) return false;
  const Scales scales = scales_[index];
  ParsedMessage* const message =
      start_message(frame, ParsedMessageKind::kDelta, index, scales);
  if (message == nullptr) return false;
  uint64_t checksum;
  std::string_view time;
  int64_t time_ns;
  if (!match_both_sides(in, Side::kBid, ",\"asks\":[", frame,
                        [&] { return match_levels(in, scales, frame); }) ||
      !in.literal(",\"checksum\":") || !in.unsigned_number(&checksum) ||
      checksum > UINT32_MAX || !in.literal(",\"timestamp\":\"") ||
      !in.name(&time) || !times_.read(time, &time_ns) || !in.literal("}]}") ||
      !in.at_end()) {
    return false;
  }
  message->has_checksum = true;
  message->checksum = static_cast<uint32_t>(checksum);
  message->exchange_time_ns = time_ns;
  return true;
}

bool KrakenParser::match_levels(TextScanner& in, Scales scales,
                                FrameBuilder& frame) noexcept {
  if (in.literal("]")) return true;
  while (true) {
    PriceLevel level;
    if (!in.literal("{\"price\":") || !in.amount(scales.price, &level.price) ||
        level.price == 0 || !in.literal(",\"qty\":") ||
        !in.amount(scales.quantity, &level.quantity) || !in.literal("}") ||
        !frame.add(level)) {
      return false;
    }
    const char separator = in.peek();
    in.skip(1);
    if (separator == ']') return true;
    if (separator != ',') return false;
  }
}

// ---- simdjson ---------------------------------------------------------------

ParseVerdict KrakenParser::read_json(ondemand::document& document,
                                     const RawMessage& raw,
                                     FrameBuilder& frame) noexcept {
  ondemand::object root;
  if (document.get_object().get(root) != simdjson::SUCCESS) {
    return kMalformedVerdict;
  }
  Envelope envelope;
  const bool good = read_envelope(root, raw, frame, &envelope);
  if (envelope.books.fault != BookReason::kNone) return envelope.books;
  if (!good || !at_end(document)) return kMalformedVerdict;
  const bool is_ack = envelope.seen.has(kMethod) || envelope.seen.has(kError);
  if (envelope.channel == channel()) {
    // A book's levels and an answer in one: neither may be passed over.
    if (is_ack) return kMalformedVerdict;
    const bool snapshot = envelope.type == "snapshot";
    if (envelope.books_read) return envelope.books;
    ondemand::value data;
    if ((!snapshot && envelope.type != "update") ||
        !json_find(root, "data", &data)) {
      return kMalformedVerdict;
    }
    return read_books(data, snapshot, raw, frame);
  }
  if (is_ack) return read_ack(envelope, raw, frame);
  if (envelope.channel == "heartbeat") {
    frame.start(ParsedMessageKind::kHeartbeat);
    return {};
  }
  if (envelope.channel == "status") return read_status(root, frame);
  const bool ticker = envelope.channel == "ticker";
  if (!ticker && envelope.channel != "trade") return {};
  ondemand::value data;
  return json_find(root, "data", &data) &&
                 read_objects(data,
                              [&](ondemand::object event) {
                                return read_event(event, ticker, raw, frame);
                              })
             ? ParseVerdict{}
             : kMalformedAside;
}

// One of the two; each has keys that the other lacks.
bool KrakenParser::read_event(ondemand::object event, bool ticker,
                              const RawMessage& raw,
                              FrameBuilder& frame) noexcept {
  constexpr NumberStyle kBare = NumberStyle::kBare;
  KeysSeen seen;
  std::string_view symbol;
  std::string_view time;
  TouchText touch;
  TradeText trade{.has_id = true};
  const auto read = [&](EventKey key, ondemand::value value) {
    switch (key) {
      case kEventSymbol:
        return json_string(value, &symbol);
      case kBid:
        return json_amount_text(value, kBare, &touch.bid);
      case kBidQuantity:
        return json_amount_text(value, kBare, &touch.bid_quantity);
      case kAsk:
        return json_amount_text(value, kBare, &touch.ask);
      case kAskQuantity:
        return json_amount_text(value, kBare, &touch.ask_quantity);
      case kTradePrice:
        return json_amount_text(value, kBare, &trade.price);
      case kTradeQuantity:
        return json_amount_text(value, kBare, &trade.quantity);
      case kTradeSide:
        return json_side(value, "buy", "sell", &trade.aggressor);
      case kTradeId:
        return json_unsigned(value, &trade.id);
      case kEventTime:
        return json_string(value, &time) && times_.read(time, &trade.time_ns);
    }
    return true;
  };
  if (!read_fields(event, kEventNames, &seen, read) ||
      !seen.has(kEventSymbol)) {
    return false;
  }
  const uint32_t instrument = resolver_.find(symbol, raw.connection);
  if (ticker) {
    return seen.has_all(kBid, kBidQuantity, kAsk, kAskQuantity) &&
           add_touch(instrument, touch, trade.time_ns, frame);
  }
  return seen.has_all(kTradePrice, kTradeQuantity, kTradeSide, kTradeId,
                      kEventTime) &&
         add_trade(instrument, trade, frame);
}

bool KrakenParser::read_envelope(ondemand::object root, const RawMessage& raw,
                                 FrameBuilder& frame,
                                 Envelope* envelope) noexcept {
  const auto read = [&](Key key, ondemand::value value) {
    switch (key) {
      case kChannel:
        return json_string(value, &envelope->channel);
      case kType:
        return json_string(value, &envelope->type);
      case kMethod:
        return json_string(value, &envelope->method);
      case kSymbol:
        return json_string(value, &envelope->symbol);
      case kSuccess:
        return value.get_bool().get(envelope->success) == simdjson::SUCCESS;
      case kResult:
        return read_result(value, envelope);
      case kData:
        // An update behind its channel and type, where the venue has it, is
        // read at once; otherwise when they are known.
        if (envelope->channel != channel() || envelope->type != "update") {
          return true;
        }
        envelope->books_read = true;
        envelope->books = read_books(value, /*snapshot=*/false, raw, frame);
        return envelope->books.fault == BookReason::kNone;
      default:
        return true;
    }
  };
  return read_fields(root, kNames, &envelope->seen, read);
}

// What an ack grants; a result of another shape grants nothing of ours.
bool KrakenParser::read_result(ondemand::value value,
                               Envelope* envelope) noexcept {
  ondemand::object result;
  if (value.get_object().get(result) != simdjson::SUCCESS) return true;
  KeysSeen seen;
  return read_fields(result, kResultNames, &seen,
                     [&](Key key, ondemand::value field) {
                       if (key == kChannel) {
                         return json_string(field, &envelope->result_channel);
                       }
                       if (key == kSymbol) {
                         return json_string(field, &envelope->result_symbol);
                       }
                       return json_unsigned(field, &envelope->result_depth);
                     });
}

ParseVerdict KrakenParser::read_ack(const Envelope& envelope,
                                    const RawMessage& raw,
                                    FrameBuilder& frame) noexcept {
  const bool refused = envelope.seen.has(kError) || !envelope.success;
  ParsedMessageKind kind = ParsedMessageKind::kHeartbeat;  // a pong
  std::string_view symbol = envelope.result_symbol;
  if (envelope.method == "subscribe" || envelope.method == "unsubscribe") {
    if (refused) {
      kind = ParsedMessageKind::kRefused;
      symbol = envelope.symbol.empty() ? symbol : envelope.symbol;
    } else if (envelope.result_channel != channel()) {
      return {};
    } else {
      kind = envelope.method == "subscribe" ? ParsedMessageKind::kSubscribed
                                            : ParsedMessageKind::kUnsubscribed;
    }
  } else if (refused) {
    kind = ParsedMessageKind::kRefused;
  }
  // A refused unsubscription changes nothing.
  if (refused && envelope.method == "unsubscribe") return {};
  uint32_t instrument = kNoInstrument;
  if (!symbol.empty()) {
    instrument = kind == ParsedMessageKind::kSubscribed
                     ? resolver_.find_or_add(symbol, raw.connection)
                     : resolver_.find(symbol, raw.connection);
    if (instrument == kNoInstrument) return {};
  } else if (kind != ParsedMessageKind::kHeartbeat && !refused) {
    return {.fault = BookReason::kMalformedMessage};
  }
  ParsedMessage* const message = start_notice(frame, kind, instrument);
  if (message == nullptr) return {};
  message->depth = static_cast<uint32_t>(
      std::min<uint64_t>(envelope.result_depth, UINT32_MAX));
  return {};
}

ParseVerdict KrakenParser::read_status(ondemand::object root,
                                       FrameBuilder& frame) noexcept {
  ondemand::array data;
  if (!json_find(root, "data", &data)) return kMalformedVerdict;
  bool halted = false;
  for (auto entry : data) {
    ondemand::object status;
    std::string_view system;
    if (entry.get_object().get(status) != simdjson::SUCCESS ||
        status.find_field_unordered("system").get_string().get(system) !=
            simdjson::SUCCESS) {
      return kMalformedVerdict;
    }
    // In the other modes (cancel_only, post_only, limit_only) books go on.
    if (system == "maintenance") halted = true;
  }
  ParsedMessage* const message = frame.start(ParsedMessageKind::kStatus);
  if (message != nullptr && halted) message->reason = BookReason::kVenueStatus;
  return {};
}

ParseVerdict KrakenParser::read_books(ondemand::value value, bool snapshot,
                                      const RawMessage& raw,
                                      FrameBuilder& frame) noexcept {
  ondemand::array data;
  if (value.get_array().get(data) != simdjson::SUCCESS) {
    return kMalformedVerdict;
  }
  bool any = false;
  for (auto entry : data) {
    ondemand::object book;
    if (entry.get_object().get(book) != simdjson::SUCCESS)
      return kMalformedVerdict;
    const ParseVerdict verdict = read_book(book, snapshot, raw, frame);
    if (verdict.fault != BookReason::kNone) {
      // The books before this one in the frame are not applied either.
      return any ? ParseVerdict{.fault = verdict.fault} : verdict;
    }
    any = true;
  }
  return any ? ParseVerdict{} : kMalformedVerdict;
}

ParseVerdict KrakenParser::read_book(ondemand::object book, bool snapshot,
                                     const RawMessage& raw,
                                     FrameBuilder& frame) noexcept {
  ParseVerdict verdict{.fault = BookReason::kMalformedMessage};
  KeysSeen seen;
  std::string_view symbol;
  std::string_view time;
  uint64_t checksum = 0;
  int64_t time_ns = 0;
  Scales scales{.price = 0, .quantity = 0};
  ParsedMessage* message = nullptr;
  BookReason fault = BookReason::kNone;
  const auto read_side = [&](Key key, ondemand::value value) {
    const Side side = key == kBids ? Side::kBid : Side::kAsk;
    fault = reads_orders() ? read_orders(value, side, snapshot, scales, frame)
                           : read_levels(value, side, scales, frame);
    return fault == BookReason::kNone;
  };
  const auto read = [&](Key key, ondemand::value value) {
    switch (key) {
      case kSymbol:
        if (!json_string(value, &symbol)) return false;
        // An update's levels have their scales already.
        if (!snapshot && !seen.has(kBids) && !seen.has(kAsks)) {
          const uint32_t known = resolver_.find(symbol, raw.connection);
          if (known == kNoInstrument) return true;
          verdict.instrument = known;
          scales = scales_[known];
          message =
              start_message(frame, ParsedMessageKind::kDelta, known, scales);
        }
        return true;
      case kTimestamp:
        return json_string(value, &time) && times_.read(time, &time_ns);
      case kChecksum:
        return json_unsigned(value, &checksum) && checksum <= UINT32_MAX;
      default:
        if (snapshot) return measure_levels(value, &scales);
        return message == nullptr || read_side(key, value);
    }
  };
  const bool good = read_fields(book, kBookNames, &seen, read);
  if (fault != BookReason::kNone) {
    verdict.fault = fault;
    return verdict;
  }
  if (!good) return kMalformedVerdict;
  if (!seen.has_all(kSymbol, kBids, kAsks, kChecksum)) {
    if (seen.has(kSymbol)) {
      verdict.instrument = resolver_.find(symbol, raw.connection);
    }
    return verdict;
  }
  if (message == nullptr) {
    const uint32_t index = resolver_.find_or_add(symbol, raw.connection);
    if (index == kNoInstrument) return {};
    verdict.instrument = index;
    if (!snapshot) scales = scales_[index];
    message = start_message(
        frame,
        snapshot ? ParsedMessageKind::kSnapshot : ParsedMessageKind::kDelta,
        index, scales);
    KeysSeen sides;
    if (message == nullptr ||
        !read_fields(
            book, kBookNames, &sides, [&](Key key, ondemand::value value) {
              return (key != kBids && key != kAsks) || read_side(key, value);
            })) {
      if (fault != BookReason::kNone) verdict.fault = fault;
      return verdict;
    }
    scales_[index] = scales;
  }
  message->has_checksum = true;
  message->checksum = static_cast<uint32_t>(checksum);
  message->exchange_time_ns = time_ns;
  verdict.fault = BookReason::kNone;
  return verdict;
}

bool KrakenParser::measure_levels(ondemand::value value,
                                  Scales* scales) noexcept {
  return read_objects(value, [&](ondemand::object level) {
    KeysSeen seen;
    return read_fields(
        level, kMeasureNames, &seen, [&](Key key, ondemand::value number) {
          const int decimals = decimals_of(json_token(number));
          if (decimals > kMaxScale) return false;
          int8_t& scale = key == kPrice ? scales->price : scales->quantity;
          scale = std::max(scale, static_cast<int8_t>(decimals));
          return true;
        });
  });
}

BookReason KrakenParser::read_levels(ondemand::value value, Side side,
                                     Scales scales,
                                     FrameBuilder& frame) noexcept {
  DecimalError error = DecimalError::kOk;
  frame.begin_side(side);
  const bool good = read_objects(value, [&](ondemand::object fields) {
    PriceLevel level;
    KeysSeen seen;
    const auto read = [&](Key key, ondemand::value number) {
      error = key == kPrice
                  ? json_amount(number, scales.price, &level.price)
                  : json_amount(number, scales.quantity, &level.quantity);
      return error == DecimalError::kOk;
    };
    return read_fields(fields, kLevelNames, &seen, read) &&
           seen.has_all(kPrice, kQuantity) && level.price != 0 &&
           frame.add(level);
  });
  if (error != DecimalError::kOk) return reason_of(error);
  return good ? BookReason::kNone : BookReason::kMalformedMessage;
}

}  // namespace wirebook
