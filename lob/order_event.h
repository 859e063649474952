// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// OrderId and OrderEvent: what a venue's order-by-order channel says of one
// order, with the venue's own id in full.
//
// Ids are 128 bits, for every venue alike: a UUID (Coinbase) is its 16 bytes,
// a text of letters, digits and dashes up to 24 characters (Kraken:
// OQCLML-BW3P3-BUCMWZ) is a number to the base 38, a 64-bit number (Bitstamp,
// Bitfinex) is itself. Each way is one to one, so two orders never share an id
// by chance, as they could under a hash. Books hold 64-bit ids; order_id_table
// turns one into the other where the venue's are wider.
//
// Thread rules: plain values, free functions. Cost: a loop over the text.
//
//   OrderId id;
//   if (!parse_uuid("d50ec984-77a8-460a-b958-66f114b0de9b", &id)) return false;
//   if (!parse_order_name("OQCLML-BW3P3-BUCMWZ", &id)) return false;
//   puts(order_name(id).c_str());

#ifndef WIREBOOK_LOB_ORDER_EVENT_H_
#define WIREBOOK_LOB_ORDER_EVENT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lob/price_level.h"

namespace wirebook {

struct OrderId {
  uint64_t high = 0;
  uint64_t low = 0;

  friend constexpr bool operator==(const OrderId&, const OrderId&) = default;
};

enum class OrderAction : uint8_t {
  kAdd,     // comes to rest, last in its queue
  kChange,  // has this price and quantity from here on
  kPut,     // kChange if it rests, else kAdd
  kReduce,  // loses `quantity`, by a trade; its price is not read
  kRemove,  // goes; price, quantity and side are not read
};

struct OrderEvent {
  OrderId id{};
  int64_t price = 0;
  int64_t quantity = 0;
  int64_t time_ns = 0;  // UTC, 0 if not said
  OrderAction action = OrderAction::kAdd;
  Side side = Side::kBid;
  // The venue speaks so of orders that never rested, too: then it is nothing.
  bool may_be_unknown = false;
};

// 8-4-4-4-12 hexadecimal digits, of either case. False for anything else.
constexpr bool parse_uuid(std::string_view text, OrderId* out) noexcept {
  constexpr size_t kSize = 36;
  if (text.size() != kSize) return false;
  OrderId id;
  for (size_t i = 0; i < kSize; ++i) {
    const char c = text[i];
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (c != '-') return false;
      continue;
    }
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return false;
    id.high = id.high << 4 | id.low >> 60;
    id.low = id.low << 4 | static_cast<uint64_t>(digit);
  }
  *out = id;
  return true;
}

// Letters of the upper case, digits and dashes, 1 to kMaxOrderName of them:
// digits to the base 38, of which 0 is none, so that length counts too. 38^24
// is below 2^127. False for anything else.
inline constexpr size_t kMaxOrderName = 24;

constexpr bool parse_order_name(std::string_view text, OrderId* out) noexcept {
  if (text.empty() || text.size() > kMaxOrderName) return false;
  unsigned __int128 number = 0;
  for (const char c : text) {
    const int digit = c >= '0' && c <= '9'   ? c - '0' + 1
                      : c >= 'A' && c <= 'Z' ? c - 'A' + 11
                      : c == '-'             ? 37
                                             : 0;
    if (digit == 0) return false;
    number = number * 38 + static_cast<unsigned>(digit);
  }
  *out = {static_cast<uint64_t>(number >> 64), static_cast<uint64_t>(number)};
  return true;
}

// The text that parse_order_name read.
inline std::string order_name(OrderId id) {
  auto number = static_cast<unsigned __int128>(id.high) << 64 | id.low;
  std::string text;
  for (; number != 0; number /= 38) {
    const auto digit = static_cast<int>(number % 38);
    const int c = digit == 37  ? '-'
                  : digit > 10 ? 'A' + digit - 11
                               : '0' + digit - 1;
    text.insert(text.begin(), static_cast<char>(c));
  }
  return text;
}

}  // namespace wirebook

#endif  // WIREBOOK_LOB_ORDER_EVENT_H_
