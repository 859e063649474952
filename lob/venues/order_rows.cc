// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/order_rows.h"

#include <utility>

#include "lob/venues/text_scanner.h"

namespace wirebook {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr BookReason kMalformed = BookReason::kMalformedMessage;

BookReason read_row(ondemand::array row, Scales scales, ReadOrderId read_id,
                    OrderEvent* order) noexcept {
  std::string_view parts[3];
  size_t count = 0;
  for (auto part : row) {
    ondemand::value value;
    if (std::move(part).get(value) != simdjson::SUCCESS) return kMalformed;
    if (count < 3 &&
        !json_amount_text(value, NumberStyle::kQuoted, &parts[count])) {
      return kMalformed;
    }
    ++count;
  }
  if (count < 3 || !read_id(parts[2], &order->id)) return kMalformed;
  const BookReason fault =
      read_order_amount(parts[0], scales.price, &order->price);
  return fault != BookReason::kNone
             ? fault
             : read_order_amount(parts[1], scales.quantity, &order->quantity);
}

BookReason read_side(ondemand::value value, Side side, Scales scales,
                     ReadOrderId read_id, FrameBuilder& frame) noexcept {
  ondemand::array rows;
  if (value.get_array().get(rows) != simdjson::SUCCESS) return kMalformed;
  for (auto entry : rows) {
    ondemand::array row;
    OrderEvent order{.action = OrderAction::kAdd, .side = side};
    if (entry.get_array().get(row) != simdjson::SUCCESS) return kMalformed;
    const BookReason fault = read_row(row, scales, read_id, &order);
    if (fault != BookReason::kNone) return fault;
    if (!frame.add_order(order)) return kMalformed;
  }
  return BookReason::kNone;
}

}  // namespace

bool parse_order_number(std::string_view text, OrderId* out) noexcept {
  const char* p = text.data();
  uint64_t number = 0;
  if (text.empty() || !scan_unsigned(p, &number) ||
      p != text.data() + text.size()) {
    return false;
  }
  *out = {0, number};
  return true;
}

BookReason read_order_amount(std::string_view digits, int scale,
                             int64_t* out) noexcept {
  if (digits.empty()) return kMalformed;
  const DecimalError error = read_amount(digits, scale, out);
  if (error != DecimalError::kOk) return reason_of(error);
  return *out == 0 ? kMalformed : BookReason::kNone;
}

BookReason read_order_sides(ondemand::object book,
                            const KeyName<Side> (&names)[2], Scales scales,
                            ReadOrderId read_id, FrameBuilder& frame) noexcept {
  KeysSeen seen;
  BookReason fault = BookReason::kNone;
  const bool good =
      read_fields(book, names, &seen, [&](Side side, ondemand::value value) {
        fault = read_side(value, side, scales, read_id, frame);
        return fault == BookReason::kNone;
      });
  return good || fault != BookReason::kNone ? fault : kMalformed;
}

}  // namespace wirebook
