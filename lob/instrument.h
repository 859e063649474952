// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Instruments, and the append-only table that gives each one its index.
//
// An instrument is one book's identity: a symbol, in a market, heard on one
// connection. The same symbol on two connections is two instruments. Its index
// travels in every ParsedMessage; the table turns it back. What the venue
// itself says of it (lob/venues/instrument_reader.h) is in it where somebody
// asked.
//
// Thread rules: `find_or_add` takes a mutex and may be called from any thread;
// it is meant for set-up and for a symbol's first appearance. `size`,
// `operator[]`, `scales` and `change_scales` are wait-free from any thread;
// addresses never change.
// Cost: memory for `capacity` entries at construction.
//
//   InstrumentTable table(256);
//   absl::StatusOr<uint32_t> index = table.find_or_add(
//       {.symbol = "BTCUSDT", .market = "spot", .connection = 0});
//   const Instrument& instrument = table[*index];

#ifndef WIREBOOK_LOB_INSTRUMENT_H_
#define WIREBOOK_LOB_INSTRUMENT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "lob/venue.h"

namespace wirebook {

inline constexpr uint32_t kNoInstrument = UINT32_MAX;
inline constexpr size_t kMaxSymbolBytes = 47;

enum class InstrumentStatus : uint8_t {
  kUnknown,  // nobody asked the venue
  kTrading,
  kSuspended,  // listed, and takes no orders, or not all kinds of them
};

// Decimals of the mantissas of one message.
struct Scales {
  int8_t price = 8;
  int8_t quantity = 8;
  friend bool operator==(const Scales&, const Scales&) = default;
};

struct Instrument {
  std::string symbol{};  // the venue's own text: BTCUSDT, BTC/USD
  std::string market{};  // spot, linear, ...
  VenueId venue = VenueId::kBinanceSpot;
  uint16_t connection = 0;
  uint32_t index = kNoInstrument;  // the table sets it
  int depth = 0;                   // subscribed levels a side; 0: unlimited
  // Decimals of prices and quantities where the venue's messages leave them
  // open (Binance); a venue whose snapshots decide them ignores these.
  int price_scale = 8;
  int quantity_scale = 8;
  // Smallest steps of prices and quantities of orders, in units of the scales
  // above, as the venue told them; 0: it did not.
  int64_t tick = 0;
  int64_t lot = 0;
  InstrumentStatus status = InstrumentStatus::kUnknown;
};

// With what the venue's row in kVenues says of all its instruments.
Instrument make_instrument(VenueId venue, std::string_view symbol,
                           uint16_t connection);

class InstrumentTable {
 public:
  // `on_added` runs for each new entry, before any reader can see its index;
  // it must not call back into the table.
  explicit InstrumentTable(
      size_t capacity,
      std::function<void(const Instrument&)> on_added = nullptr);

  // The index of (symbol, connection), added if it is new. Fails when the
  // table is full, or on a symbol that is empty or over kMaxSymbolBytes.
  absl::StatusOr<uint32_t> find_or_add(Instrument instrument);

  std::optional<uint32_t> find(std::string_view symbol,
                               uint16_t connection) const;

  // The only instrument of a connection; nothing where it has none or several.
  std::optional<uint32_t> only_instrument_of(uint16_t connection) const;

  size_t size() const noexcept {
    // Pairs with the release store in find_or_add: entries below are complete.
    return size_.load(std::memory_order_acquire);
  }
  size_t capacity() const noexcept { return capacity_; }

  // The decimals that messages are read with from now on: first the entry's,
  // later what change_scales says. A book that has others takes a new snapshot.
  // Require index < size().
  Scales scales(size_t index) const noexcept {
    return scales_[index].load(std::memory_order_relaxed);  // no other data
  }
  void change_scales(size_t index, Scales scales) noexcept {
    scales_[index].store(scales, std::memory_order_relaxed);
  }

  // Requires index < size().
  const Instrument& operator[](size_t index) const noexcept {
    return entries_[index];
  }

 private:
  const size_t capacity_;
  const std::function<void(const Instrument&)> on_added_;
  const std::unique_ptr<Instrument[]> entries_;
  const std::unique_ptr<std::atomic<Scales>[]> scales_;
  std::mutex mutex_;  // serialises writers
  std::atomic<size_t> size_{0};
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_INSTRUMENT_H_
