// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// KrakenParser: the orders of level3.

#include "lob/order_event.h"
#include "lob/venues/kraken/kraken_parser.h"

namespace wirebook {
namespace {

namespace ondemand = simdjson::ondemand;

enum Key : unsigned { kEvent, kOrder, kPrice, kQuantity, kTimestamp };

constexpr KeyName<Key> kNames[] = {{"event", kEvent},
                                   {"order_id", kOrder},
                                   {"limit_price", kPrice},
                                   {"order_qty", kQuantity},
                                   {"timestamp", kTimestamp}};

bool parse_event(std::string_view word, OrderAction* action) noexcept {
  *action = word == "add"      ? OrderAction::kAdd
            : word == "modify" ? OrderAction::kChange
                               : OrderAction::kRemove;
  return word == "add" || word == "modify" || word == "delete";
}

}  // namespace

// One side of a snapshot, whose orders have no event, or of an update.
BookReason KrakenParser::read_orders(ondemand::value value, Side side,
                                     bool snapshot, Scales scales,
                                     FrameBuilder& frame) noexcept {
  BookReason fault = BookReason::kMalformedMessage;
  const auto read_order = [&](ondemand::object fields) {
    OrderEvent order{.action = OrderAction::kAdd, .side = side};
    KeysSeen seen;
    DecimalError error = DecimalError::kOk;
    const auto read_field = [&](Key key, ondemand::value field) {
      std::string_view text;
      switch (key) {
        case kEvent:
          return json_string(field, &text) && parse_event(text, &order.action);
        case kOrder:
          return json_string(field, &text) && parse_order_name(text, &order.id);
        case kPrice:
          error = json_amount(field, scales.price, &order.price);
          break;
        case kQuantity:
          error = json_amount(field, scales.quantity, &order.quantity);
          break;
        case kTimestamp:
          return json_string(field, &text) && times_.read(text, &order.time_ns);
      }
      if (error == DecimalError::kOk) return true;
      // The scales are the snapshot's: more decimals end them.
      fault = error == DecimalError::kTooManyDecimals
                  ? BookReason::kScaleChanged
                  : reason_of(error);
      return false;
    };
    return read_fields(fields, kNames, &seen, read_field) &&
           seen.has_all(kOrder, kPrice, kQuantity) &&
           seen.has(kEvent) != snapshot && order.price != 0 &&
           frame.add_order(order);
  };
  return read_objects(value, read_order) ? BookReason::kNone : fault;
}

}  // namespace wirebook
