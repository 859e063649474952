// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// InstrumentResolver: a parser's own way from (symbol, connection) to an
// instrument's index, without a lock or an allocation for a known symbol.
//
// Use it inside a VenueParser; elsewhere ask the InstrumentTable.
//
// Thread rules: one thread. Cost: a compare with the last symbol seen, else a
// hash and usually one probe; the table's mutex only for a symbol's first
// appearance, or its return after the table grew.
//
//   InstrumentResolver resolver(table, VenueId::kKraken, /*discover=*/true);
//   uint32_t index = resolver.find_or_add("BTC/USD", raw.connection);

#ifndef WIREBOOK_LOB_VENUES_INSTRUMENT_RESOLVER_H_
#define WIREBOOK_LOB_VENUES_INSTRUMENT_RESOLVER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lob/instrument.h"

namespace wirebook {

class InstrumentResolver {
 public:
  // A message's `connection`, shifted right by `line_bits`, is its book's.
  InstrumentResolver(InstrumentTable& table, VenueId venue, bool discover,
                     int line_bits);

  // kNoInstrument where the symbol has no book.
  uint32_t find(std::string_view symbol, uint16_t connection) noexcept {
    connection = book_connection(connection);
    if (last_ != kNoInstrument && matches(last_, symbol, connection)) {
      return last_;
    }
    return find_slow(symbol, connection);
  }

  // As find; makes an instrument of a new symbol if that is allowed, and
  // counts where it is not.
  uint32_t find_or_add(std::string_view symbol, uint16_t connection) noexcept;

  const Instrument& operator[](uint32_t index) const noexcept {
    return table_[index];
  }
  Scales scales(uint32_t index) const noexcept { return table_.scales(index); }
  size_t capacity() const noexcept { return table_.capacity(); }

  // Whose snapshot is one that names no symbol: the tag's, or the only one of
  // its connection.
  uint32_t of_body(uint32_t tag, uint16_t connection) const noexcept;
  uint32_t only_instrument_of(uint16_t connection) const noexcept;

  uint64_t unknown() const noexcept { return unknown_; }

 private:
  uint16_t book_connection(uint16_t connection) const noexcept {
    return static_cast<uint16_t>(connection >> line_bits_);
  }
  bool matches(uint32_t index, std::string_view symbol,
               uint16_t connection) const noexcept {
    const Instrument& instrument = table_[index];
    return instrument.connection == connection && instrument.symbol == symbol;
  }
  uint32_t find_slow(std::string_view symbol, uint16_t connection) noexcept;
  void insert(uint32_t index) noexcept;
  size_t slot_of(std::string_view symbol, uint16_t connection) const noexcept;

  InstrumentTable& table_;
  const VenueId venue_;
  const bool discover_;
  const int line_bits_;
  std::vector<uint32_t> slots_;  // open addressing, at most half full
  size_t known_ = 0;             // entries of the table that are in slots_
  uint32_t last_ = kNoInstrument;
  uint64_t unknown_ = 0;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_INSTRUMENT_RESOLVER_H_
