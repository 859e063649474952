// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// BitstampParser: live_orders, order by order.

#include "lob/venues/bitstamp/bitstamp_parser.h"
#include "lob/venues/order_rows.h"

namespace wirebook {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr int64_t kMicrosecondNs = 1'000;
// As of the diffs.
constexpr uint64_t kLastMicros = 9'000'000'000'000'000;

enum Key : unsigned {
  kData,
  kEventId,
  kPreviousEventId,
  kId,
  kType,
  kMicros,
  kPrice,
  kAmount,
};

constexpr KeyName<Key> kEnvelope[] = {{"data", kData},
                                      {"event_id", kEventId},
                                      {"pre_event_id", kPreviousEventId}};
constexpr KeyName<Key> kFields[] = {{"id", kId},
                                    {"order_type", kType},
                                    {"microtimestamp", kMicros},
                                    {"price_str", kPrice},
                                    {"amount_str", kAmount}};
constexpr KeyName<Side> kSides[] = {{"bids", Side::kBid}, {"asks", Side::kAsk}};

}  // namespace

// `event` is that of the outermost object.
ParseVerdict BitstampParser::read_order(ondemand::object root,
                                        std::string_view event,
                                        uint32_t instrument,
                                        FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  verdict.instrument = instrument;
  KeysSeen seen;
  OrderId id;
  OrderId previous;
  uint64_t number = 0;
  uint64_t type = 0;
  uint64_t micros = 0;
  std::string_view price;
  std::string_view amount;
  const auto read_field = [&](Key key, ondemand::value value) {
    switch (key) {
      case kId:
        return json_unsigned(value, &number);
      case kType:
        return json_unsigned(value, &type);
      case kMicros:
        return json_quoted_unsigned(value, &micros);
      case kPrice:
        return json_amount_text(value, NumberStyle::kQuoted, &price);
      default:
        return json_amount_text(value, NumberStyle::kQuoted, &amount);
    }
  };
  const auto read = [&](Key key, ondemand::value value) {
    ondemand::object data;
    std::string_view text;
    if (key == kData) {
      return value.get_object().get(data) == simdjson::SUCCESS &&
             read_fields(data, kFields, &seen, read_field);
    }
    return json_string(value, &text) &&
           parse_uuid(text, key == kEventId ? &id : &previous);
  };
  if (!read_fields(root, kEnvelope, &seen, read) ||
      !seen.has_all(kData, kId, kType, kMicros, kPrice, kAmount) || type > 1 ||
      micros == 0 || micros > kLastMicros ||
      seen.has(kEventId) != seen.has(kPreviousEventId)) {
    return verdict;
  }
  if (instrument == kNoInstrument) return {};
  const Scales scales = scales_of(instrument);
  OrderEvent order{.id = {0, number},
                   .time_ns = to_unix_ns(micros, kMicrosecondNs),
                   .action = event == "order_created"   ? OrderAction::kAdd
                             : event == "order_changed" ? OrderAction::kChange
                                                        : OrderAction::kRemove,
                   .side = type == 0 ? Side::kBid : Side::kAsk};
  DecimalError error = read_amount(price, scales.price, &order.price);
  if (error == DecimalError::kOk) {
    error = read_amount(amount, scales.quantity, &order.quantity);
  }
  verdict.fault = reason_of(error);
  if (error != DecimalError::kOk) return verdict;
  ParsedMessage* const out =
      start_message(frame, ParsedMessageKind::kDelta, instrument);
  if (out == nullptr) return kMalformedVerdict;
  out->has_first_update_id = out->has_last_update_id = true;
  out->first_update_id = micros;
  out->last_update_id = micros;
  out->exchange_time_ns = order.time_ns;
  if (seen.has(kEventId)) number_events(instrument, id, previous, out);
  // A market order has no price, and one that is created with nothing left of
  // it has nothing to rest: neither is ever in the book.
  const bool rests = order.price != 0 &&
                     (order.action != OrderAction::kAdd || order.quantity != 0);
  if (rests && !frame.add_order(order)) return kMalformedVerdict;
  return verdict;
}

// Ids of events are 128 bits wide; what a book wants of them is whether each
// names the one before. They get numbers of our own, in sequence where it does,
// with a hole where it does not.
void BitstampParser::number_events(uint32_t instrument, OrderId id,
                                   OrderId previous,
                                   ParsedMessage* out) noexcept {
  if (last_events_.size() <= instrument) last_events_.resize(instrument + 1u);
  LastEvent& last = last_events_[instrument];
  // One that comes again keeps its number.
  if (id != last.id || last.number == 0) {
    last.number += previous == last.id ? 1 : 2;
    last.id = id;
  }
  out->has_previous_update_id = true;
  out->previous_update_id = last.number - 1;
  out->last_update_id = last.number;
}

// The answer with group=2: [[price, amount, id], ...].
ParseVerdict BitstampParser::read_order_book(ondemand::object book,
                                             uint64_t micros,
                                             uint32_t instrument,
                                             FrameBuilder& frame) noexcept {
  if (instrument == kNoInstrument) return {};
  ParseVerdict verdict = kMalformedVerdict;
  verdict.instrument = instrument;
  ParsedMessage* const out =
      start_message(frame, ParsedMessageKind::kSnapshot, instrument);
  if (out == nullptr) return verdict;
  out->has_last_update_id = true;
  out->last_update_id = micros;
  out->exchange_time_ns = to_unix_ns(micros, kMicrosecondNs);
  verdict.fault = read_order_sides(book, kSides, scales_of(*out),
                                   parse_order_number, frame);
  return verdict;
}

}  // namespace wirebook
