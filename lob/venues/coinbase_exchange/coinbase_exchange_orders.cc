// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// CoinbaseExchangeParser: the `full` channel, order by order.

#include "lob/order_event.h"
#include "lob/venues/coinbase_exchange/coinbase_exchange_parser.h"
#include "lob/venues/order_rows.h"

namespace wirebook {
namespace {

namespace ondemand = simdjson::ondemand;

enum Key : unsigned {
  kType,
  kProduct,
  kSequence,
  kTime,
  kSide,
  kOrder,
  kMaker,
  kPrice,
  kNewPrice,
  kSize,
  kRemaining,
  kNewSize,
  kTradeId,
};

constexpr KeyName<Key> kNames[] = {
    {"type", kType},
    {"product_id", kProduct},
    {"sequence", kSequence},
    {"time", kTime},
    {"side", kSide},
    {"order_id", kOrder},
    {"maker_order_id", kMaker},
    {"price", kPrice},
    {"new_price", kNewPrice},
    {"size", kSize},
    {"remaining_size", kRemaining},
    {"new_size", kNewSize},
    {"trade_id", kTradeId},
};

constexpr KeyName<Side> kSides[] = {{"bids", Side::kBid}, {"asks", Side::kAsk}};

struct OrderMessage {
  KeysSeen seen;
  std::string_view type;
  std::string_view product;
  std::string_view side;
  std::string_view order;
  std::string_view maker;
  std::string_view price;
  std::string_view new_price;
  std::string_view size;
  std::string_view remaining;
  std::string_view new_size;
  uint64_t sequence = 0;
  uint64_t trade_id = 0;
  int64_t time_ns = 0;
};

// A string of digits; null is none.
bool read_digits(ondemand::value value, std::string_view* out) noexcept {
  if (json_token(value) == "null") return true;
  return json_amount_text(value, NumberStyle::kQuoted, out);
}

bool read_message(ondemand::object root, Rfc3339Reader& times,
                  OrderMessage* out) noexcept {
  return read_fields(root, kNames, &out->seen,
                     [&](Key key, ondemand::value value) {
                       std::string_view time;
                       switch (key) {
                         case kType:
                           return json_string(value, &out->type);
                         case kProduct:
                           return json_string(value, &out->product);
                         case kSequence:
                           return json_unsigned(value, &out->sequence);
                         case kTime:
                           if (!json_string(value, &time)) return false;
                           if (!times.read(time, &out->time_ns))
                             out->time_ns = 0;
                           return true;
                         case kSide:
                           return json_string(value, &out->side);
                         case kOrder:
                           return json_string(value, &out->order);
                         case kMaker:
                           return json_string(value, &out->maker);
                         case kPrice:
                           return read_digits(value, &out->price);
                         case kNewPrice:
                           return read_digits(value, &out->new_price);
                         case kSize:
                           return read_digits(value, &out->size);
                         case kRemaining:
                           return read_digits(value, &out->remaining);
                         case kNewSize:
                           return read_digits(value, &out->new_size);
                         case kTradeId:
                           return json_unsigned(value, &out->trade_id);
                       }
                       return true;
                     });
}

// What the message does to the book: `*any` false for nothing.
BookReason read_event(const OrderMessage& message, Scales scales,
                      OrderEvent* event, bool* any) noexcept {
  constexpr BookReason kMalformed = BookReason::kMalformedMessage;
  *any = message.type != "received";
  if (!*any) return BookReason::kNone;
  const bool match = message.type == "match";
  event->time_ns = message.time_ns;
  if (!parse_side(message.side, "buy", "sell", &event->side) ||
      !parse_uuid(match ? message.maker : message.order, &event->id)) {
    return kMalformed;
  }
  if (match) {
    event->action = OrderAction::kReduce;
    return read_order_amount(message.size, scales.quantity, &event->quantity);
  }
  if (message.type == "done") {
    event->action = OrderAction::kRemove;
    event->may_be_unknown = true;
    return BookReason::kNone;
  }
  const bool open = message.type == "open";
  event->action = open ? OrderAction::kAdd : OrderAction::kChange;
  event->may_be_unknown = !open;
  const std::string_view price =
      message.new_price.empty() ? message.price : message.new_price;
  const std::string_view size = open ? message.remaining : message.new_size;
  // Of a market order that meets its owner's: it has no price, and no size
  // where it has funds.
  if (!open && (price.empty() || size.empty())) {
    *any = false;
    return BookReason::kNone;
  }
  const BookReason fault =
      read_order_amount(price, scales.price, &event->price);
  if (fault != BookReason::kNone) return fault;
  if (open) return read_order_amount(size, scales.quantity, &event->quantity);
  return reason_of(read_amount(size, scales.quantity, &event->quantity));
}

}  // namespace

bool CoinbaseExchangeParser::read_orders(ondemand::document& document,
                                         ondemand::object root,
                                         const RawMessage& raw,
                                         FrameBuilder& frame,
                                         ParseVerdict* verdict) noexcept {
  *verdict = kMalformedVerdict;
  OrderMessage message;
  if (!read_message(root, times_, &message) || !at_end(document)) return true;
  const bool has_sequence = message.seen.has(kSequence) &&
                            message.sequence != 0 &&
                            message.sequence <= kMaxUpdateId;
  if (raw.kind == RawMessageKind::kHttpBody) {
    verdict->instrument = resolver_.of_body(raw.tag, raw.connection);
    if (!has_sequence) return true;
    *verdict =
        read_order_book(root, message.sequence, verdict->instrument, frame);
    return true;
  }
  bool changes = false;
  for (const std::string_view type :
       {"received", "open", "done", "match", "change"}) {
    changes = changes || message.type == type;
  }
  if (!changes) return false;
  if (!message.seen.has(kProduct)) return true;
  verdict->instrument = resolver_.find_or_add(message.product, raw.connection);
  if (!has_sequence) return true;
  if (verdict->instrument == kNoInstrument) {
    *verdict = {};
    return true;
  }
  const Scales scales = scales_of(verdict->instrument);
  OrderEvent event;
  bool any = false;
  verdict->fault = read_event(message, scales, &event, &any);
  if (verdict->fault != BookReason::kNone) return true;
  ParsedMessage* const out =
      start_message(frame, ParsedMessageKind::kDelta, verdict->instrument);
  if (out == nullptr) return true;
  out->has_first_update_id = out->has_last_update_id = true;
  out->has_previous_update_id = true;
  out->first_update_id = out->last_update_id = message.sequence;
  out->previous_update_id = message.sequence - 1;
  out->exchange_time_ns = message.time_ns;
  if (any && !frame.add_order(event)) return true;
  // The side is the maker's.
  if (message.type == "match" && message.seen.has_all(kTradeId, kPrice) &&
      !add_trade(verdict->instrument,
                 {.price = message.price,
                  .quantity = message.size,
                  .aggressor = opposite(event.side),
                  .time_ns = message.time_ns,
                  .has_id = true,
                  .id = message.trade_id},
                 frame)) {
    verdict->fault = BookReason::kMalformedMessage;
  }
  return true;
}

// The level 3 answer: the whole book as it was after `sequence`.
ParseVerdict CoinbaseExchangeParser::read_order_book(
    ondemand::object root, uint64_t sequence, uint32_t instrument,
    FrameBuilder& frame) noexcept {
  if (instrument == kNoInstrument) return {};
  ParseVerdict verdict = kMalformedVerdict;
  verdict.instrument = instrument;
  for (const std::string_view name : {"bids", "asks"}) {
    ondemand::value side;
    if (!json_find(root, name, &side)) return verdict;
  }
  ParsedMessage* const book =
      start_message(frame, ParsedMessageKind::kSnapshot, instrument);
  if (book == nullptr) return verdict;
  book->has_last_update_id = true;
  book->last_update_id = sequence;
  verdict.fault =
      read_order_sides(root, kSides, scales_of(*book), parse_uuid, frame);
  return verdict;
}

}  // namespace wirebook
