// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What venues' REST snapshots of single orders share: rows of price, amount
// and id, as strings.
//
// Use it inside a VenueParser that reads an order-by-order channel.
// Thread rules: free functions.
//
//   BookReason fault = read_order_sides(body, kSides, scales, parse_uuid,
//                                       frame);

#ifndef WIREBOOK_LOB_VENUES_ORDER_ROWS_H_
#define WIREBOOK_LOB_VENUES_ORDER_ROWS_H_

#include <string_view>

#include "lob/book_state.h"
#include "lob/order_event.h"
#include "lob/price_level.h"
#include "lob/venues/frame_builder.h"
#include "lob/venues/json_venue_parser.h"
#include "lob/venues/simdjson_text.h"
#include "simdjson.h"

namespace wirebook {

// A venue's id of an order as text; false where it is none.
using ReadOrderId = bool (*)(std::string_view text, OrderId* out) noexcept;

// Digits of a 64-bit number.
bool parse_order_number(std::string_view text, OrderId* out) noexcept;

// A price, or a quantity above zero, of an order that rests; `digits` without
// quotes.
BookReason read_order_amount(std::string_view digits, int scale,
                             int64_t* out) noexcept;

// The orders of both sides of `book`, [[price, amount, id, ...], ...] where
// `names` says, best first and each price's in the order of its queue: kAdd.
BookReason read_order_sides(simdjson::ondemand::object book,
                            const KeyName<Side> (&names)[2], Scales scales,
                            ReadOrderId read_id, FrameBuilder& frame) noexcept;

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_ORDER_ROWS_H_
