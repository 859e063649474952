// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ItchMessage: one message of Nasdaq's TotalView-ITCH 5.0, read from bytes and
// written as bytes.
//
// Use it on what binary_file and moldudp64 give; itch_books makes books of it.
// All 23 types are known with their lengths. What touches a book, a trade or a
// stock's state is read field by field; of the rest (Y L V W K J I N O) the
// header alone. A type that the specification does not have is kUnknownType: it
// grew before (O came in 2023), so readers count it and go on.
//
// Source: Nasdaq TotalView-ITCH 5.0, revision of April 28, 2023 (sections 1.1
// to 1.8); integers big-endian, prices with four decimals.
// Threads: pure functions. Cost: a few loads, no allocation.
//
//   ItchMessage message;
//   if (parse_itch(bytes, &message) != ItchError::kOk) return count_it();
//   if (message.type == 'A') add(message.order, message.side, message.price);
#ifndef WIREBOOK_LOB_ITCH_ITCH_MESSAGE_H_
#define WIREBOOK_LOB_ITCH_ITCH_MESSAGE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "lob/price_level.h"

namespace wirebook {

inline constexpr int kItchPriceScale = 4;
inline constexpr size_t kMaxItchBytes = 50;

// The whole message's length by its type; 0 for what is no type.
constexpr size_t itch_length(uint8_t type) noexcept {
  constexpr std::array<uint8_t, 256> kLengths = [] {
    std::array<uint8_t, 256> lengths{};
    lengths['S'] = 12;  // system event
    lengths['R'] = 39;  // stock directory
    lengths['H'] = 25;  // stock trading action
    lengths['Y'] = 20;  // Reg SHO restriction
    lengths['L'] = 26;  // market participant position
    lengths['V'] = 35;  // market-wide circuit breaker: levels
    lengths['W'] = 12;  // market-wide circuit breaker: status
    lengths['K'] = 28;  // quoting period update
    lengths['J'] = 35;  // limit up, limit down auction collar
    lengths['h'] = 21;  // operational halt
    lengths['A'] = 36;  // add order
    lengths['F'] = 40;  // add order with attribution
    lengths['E'] = 31;  // order executed
    lengths['C'] = 36;  // order executed with price
    lengths['X'] = 23;  // order cancelled in part
    lengths['D'] = 19;  // order deleted
    lengths['U'] = 35;  // order replaced
    lengths['P'] = 44;  // trade of a hidden order
    lengths['Q'] = 40;  // cross trade
    lengths['B'] = 19;  // broken trade
    lengths['I'] = 50;  // net order imbalance
    lengths['N'] = 20;  // retail price improvement
    lengths['O'] = 48;  // direct listing with capital raise
    return lengths;
  }();
  return kLengths[type];
}

// Fields that a type does not have are zero.
struct ItchMessage {
  char type = 0;
  // S: event. H: trading state. h: Q, B or X, the market. C: printable. Q: type
  // of cross.
  char code = 0;
  char action = 0;  // h: H or T
  Side side = Side::kBid;
  uint16_t locate = 0;
  uint16_t tracking = 0;
  uint32_t price = 0;              // in 1/10000; C: of the execution
  int64_t timestamp_ns = 0;        // since midnight
  uint64_t order = 0;              // U: the one that goes
  uint64_t new_order = 0;          // U
  uint64_t match = 0;              // E C P Q B
  uint64_t shares = 0;             // U: of the new one
  std::array<char, 8> stock = {};  // R H h A F P Q; right-padded with spaces
  std::array<char, 4> text = {};   // F: attribution. H: reason

  friend bool operator==(const ItchMessage&, const ItchMessage&) = default;
};

enum class ItchError : uint8_t {
  kOk,
  kUnknownType,  // a type that is not in the specification; or no byte at all
  kWrongLength,  // longer or shorter than its type
  kBadField,     // a side that is neither B nor S
};

constexpr std::string_view itch_error_name(ItchError error) {
  constexpr std::string_view kNames[] = {"ok", "unknown_type", "wrong_length",
                                         "bad_field"};
  return kNames[static_cast<uint8_t>(error)];
}

// On error *message is not to be read.
ItchError parse_itch(std::span<const std::byte> bytes,
                     ItchMessage* message) noexcept;

// Writes the message, zeros in fields that ItchMessage does not have, and
// returns its length; 0 for what is no type. parse_itch() gives it back.
size_t format_itch(const ItchMessage& message,
                   std::span<std::byte, kMaxItchBytes> out) noexcept;

// Without the spaces behind it.
std::string_view itch_stock_name(const std::array<char, 8>& stock) noexcept;

}  // namespace wirebook

#endif  // WIREBOOK_LOB_ITCH_ITCH_MESSAGE_H_
