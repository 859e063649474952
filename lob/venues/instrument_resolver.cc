// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/instrument_resolver.h"

#include <bit>
#include <utility>

namespace wirebook {

InstrumentResolver::InstrumentResolver(InstrumentTable& table, VenueId venue,
                                       bool discover, int line_bits)
    : table_(table),
      venue_(venue),
      discover_(discover),
      line_bits_(line_bits),
      slots_(std::bit_ceil(2 * table.capacity() + 1), kNoInstrument) {}

size_t InstrumentResolver::slot_of(std::string_view symbol,
                                   uint16_t connection) const noexcept {
  // FNV-1a; symbols are short and the table is small.
  uint64_t hash = 0xcbf29ce484222325 ^ connection;
  for (const char c : symbol) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  return (hash ^ (hash >> 32)) & (slots_.size() - 1);
}

void InstrumentResolver::insert(uint32_t index) noexcept {
  const Instrument& instrument = table_[index];
  size_t slot = slot_of(instrument.symbol, instrument.connection);
  while (slots_[slot] != kNoInstrument) slot = (slot + 1) & (slots_.size() - 1);
  slots_[slot] = index;
}

uint32_t InstrumentResolver::find_slow(std::string_view symbol,
                                       uint16_t connection) noexcept {
  for (const size_t size = table_.size(); known_ < size; ++known_) {
    insert(static_cast<uint32_t>(known_));
  }
  for (size_t slot = slot_of(symbol, connection);;
       slot = (slot + 1) & (slots_.size() - 1)) {
    const uint32_t index = slots_[slot];
    if (index == kNoInstrument) return kNoInstrument;
    if (matches(index, symbol, connection)) return last_ = index;
  }
}

uint32_t InstrumentResolver::find_or_add(std::string_view symbol,
                                         uint16_t connection) noexcept {
  const uint32_t found = find(symbol, connection);
  if (found != kNoInstrument) return found;
  if (discover_ && table_.size() < table_.capacity() && !symbol.empty() &&
      symbol.size() <= kMaxSymbolBytes) {
    if (table_
            .find_or_add(
                make_instrument(venue_, symbol, book_connection(connection)))
            .ok()) {
      return find(symbol, connection);
    }
  }
  ++unknown_;
  return kNoInstrument;
}

uint32_t InstrumentResolver::of_body(uint32_t tag,
                                     uint16_t connection) const noexcept {
  if (tag < table_.size()) return tag;
  return only_instrument_of(connection);
}

uint32_t InstrumentResolver::only_instrument_of(
    uint16_t connection) const noexcept {
  return table_.only_instrument_of(book_connection(connection))
      .value_or(kNoInstrument);
}

}  // namespace wirebook
