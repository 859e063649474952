// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/instrument.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace wirebook {

Instrument make_instrument(VenueId venue, std::string_view symbol,
                           uint16_t connection) {
  const VenueTraits& traits = venue_traits(venue);
  Instrument instrument;
  instrument.symbol = std::string(symbol);
  instrument.market = std::string(traits.market);
  instrument.venue = venue;
  instrument.connection = connection;
  instrument.price_scale = traits.price_scale;
  instrument.quantity_scale = traits.quantity_scale;
  return instrument;
}

InstrumentTable::InstrumentTable(
    size_t capacity, std::function<void(const Instrument&)> on_added)
    : capacity_(capacity),
      on_added_(std::move(on_added)),
      entries_(std::make_unique<Instrument[]>(capacity)),
      scales_(std::make_unique<std::atomic<Scales>[]>(capacity)) {
  static_assert(std::atomic<Scales>::is_always_lock_free);
}

absl::StatusOr<uint32_t> InstrumentTable::find_or_add(Instrument instrument) {
  if (instrument.symbol.empty() || instrument.symbol.size() > kMaxSymbolBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("instrument symbol of ", instrument.symbol.size(),
                     " bytes; give one of 1 to ", kMaxSymbolBytes, " bytes"));
  }
  const std::lock_guard lock(mutex_);
  if (const auto found = find(instrument.symbol, instrument.connection)) {
    return *found;
  }
  // Only this function stores size_, under the mutex.
  const size_t size = size_.load(std::memory_order_relaxed);
  if (size == capacity_) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "instrument table is full at ", capacity_, " entries, no room for ",
        instrument.symbol, "; raise max_books"));
  }
  Instrument& entry = entries_[size];
  entry = std::move(instrument);
  entry.index = static_cast<uint32_t>(size);
  change_scales(size, {static_cast<int8_t>(entry.price_scale),
                       static_cast<int8_t>(entry.quantity_scale)});
  if (on_added_) on_added_(entry);
  // Pairs with the acquire load in size().
  size_.store(size + 1, std::memory_order_release);
  return entry.index;
}

std::optional<uint32_t> InstrumentTable::find(std::string_view symbol,
                                              uint16_t connection) const {
  const size_t count = size();
  for (size_t i = 0; i < count; ++i) {
    if (entries_[i].connection == connection && entries_[i].symbol == symbol) {
      return static_cast<uint32_t>(i);
    }
  }
  return std::nullopt;
}

std::optional<uint32_t> InstrumentTable::only_instrument_of(
    uint16_t connection) const {
  std::optional<uint32_t> only;
  const size_t count = size();
  for (size_t i = 0; i < count; ++i) {
    if (entries_[i].connection != connection) continue;
    if (only) return std::nullopt;
    only = static_cast<uint32_t>(i);
  }
  return only;
}

}  // namespace wirebook
