// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The simulator's own limit order book: std::map keyed by exact decimals, with
// each level's text as it stands on the wire.
//
// It is slow and obvious on purpose: it is what lob's books are compared with,
// so it shares no line with them. One thread.
//
//   Book book;
//   book.set(Side::kBid, "61837.6", "0.05000000");
//   book.set(Side::kBid, "61837.6", "0.00000000");  // removes the level
#ifndef WIREBOOK_TOOLS_EXCHANGE_SIM_BOOK_H_
#define WIREBOOK_TOOLS_EXCHANGE_SIM_BOOK_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace wirebook::sim {

// A value times 10^18; exact for every price and quantity on the wire.
using Decimal = __int128;
inline constexpr int kDecimalPlaces = 18;

// Digits with at most one point, at most 19 before and 18 after it. Nothing
// for signs, exponents, blanks and the empty text.
std::optional<Decimal> parse_decimal(std::string_view text);

// `mantissa` * 10^-places with exactly `places` digits after the point.
// Precondition: mantissa >= 0, 0 <= places <= 18.
std::string format_decimal(std::int64_t mantissa, int places);

// 10^exponent for 0 <= exponent <= 18.
Decimal power_of_ten(int exponent);

enum class Side { kBid, kAsk };

struct Level {
  std::string price;
  std::string quantity;
  bool operator==(const Level&) const = default;
};

// Orders bids from the highest price and asks from the lowest.
struct BestFirst {
  bool bids = false;
  bool operator()(Decimal a, Decimal b) const { return bids ? a > b : a < b; }
};

using Levels = std::map<Decimal, Level, BestFirst>;

class Book {
 public:
  // Sets a level to an absolute quantity; zero removes it, absent or not.
  // False, and no change, if a text is not a decimal.
  bool set(Side side, std::string_view price, std::string_view quantity);

  // Keeps the best `depth` levels of each side.
  void truncate(std::size_t depth);
  void clear();

  const Levels& levels(Side side) const {
    return side == Side::kBid ? bids_ : asks_;
  }

  bool crossed() const;

  // CRC32 over the top ten levels as Kraken's "Book checksum (v2)" guide has
  // it: asks, then bids; price and quantity without point and leading zeros.
  std::uint32_t kraken_checksum() const;

 private:
  Levels bids_{BestFirst{.bids = true}};
  Levels asks_{BestFirst{.bids = false}};
};

}  // namespace wirebook::sim

#endif  // WIREBOOK_TOOLS_EXCHANGE_SIM_BOOK_H_
