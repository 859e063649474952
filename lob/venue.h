// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The exchanges that this project speaks about, as a number and as text.
//
// The number travels in every RawMessage; the text is what configuration
// files, captures and reports use. A venue may be known here before this build
// can parse it: ask `venue_has_parser`.
//
// Thread rules: pure functions. Cost: set-up only.
//
//   std::optional<VenueId> venue = find_venue("kraken");
//   if (!venue || !venue_has_parser(*venue)) return unsupported();
//   std::cout << venue_name(*venue);

#ifndef WIREBOOK_LOB_VENUE_H_
#define WIREBOOK_LOB_VENUE_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace wirebook {

enum class VenueId : uint8_t {
  kBinanceSpot,
  kBinanceUsdm,
  kKraken,
  kCoinbaseAdvanced,
  kCoinbaseExchange,
  kOkx,
  kBybit,
  kDeribit,
  kBitfinex,
  kBitstamp,
  kGemini,
  kGate,
};

// How a venue lets a reader know that its book is complete.
enum class SyncClass : uint8_t {
  kRestSnapshot,    // a REST snapshot and buffered diffs with ids
  kChainedIds,      // a snapshot in the stream, then ids that chain
  kConnectionWide,  // a snapshot, then one sequence for the whole connection
  kChecksum,        // a snapshot, then nothing but a checksum
};

struct VenueTraits {
  VenueId id;
  std::string_view name;      // as in configuration files
  std::string_view exchange;  // as in the header of a recorded capture
  std::string_view market;    // what its symbols are where nothing else says
  SyncClass sync;
  bool has_parser;  // this build can turn its messages into books
};

inline constexpr std::array<VenueTraits, 12> kVenues = {{
    {VenueId::kBinanceSpot, "binance-spot", "BINANCE", "spot",
     SyncClass::kRestSnapshot, true},
    {VenueId::kBinanceUsdm, "binance-usdm", "BINANCE_FUTURES", "linear",
     SyncClass::kRestSnapshot, false},
    {VenueId::kKraken, "kraken", "KRAKEN", "spot", SyncClass::kChecksum, true},
    {VenueId::kCoinbaseAdvanced, "coinbase-advanced", "COINBASE", "spot",
     SyncClass::kConnectionWide, false},
    {VenueId::kCoinbaseExchange, "coinbase-exchange", "COINBASE_EXCHANGE",
     "spot", SyncClass::kChecksum, false},
    {VenueId::kOkx, "okx", "OKX", "spot", SyncClass::kChainedIds, false},
    {VenueId::kBybit, "bybit", "BYBIT", "linear", SyncClass::kChainedIds,
     false},
    {VenueId::kDeribit, "deribit", "DERIBIT", "inverse", SyncClass::kChainedIds,
     false},
    {VenueId::kBitfinex, "bitfinex", "BITFINEX", "spot",
     SyncClass::kConnectionWide, false},
    {VenueId::kBitstamp, "bitstamp", "BITSTAMP", "spot",
     SyncClass::kRestSnapshot, false},
    {VenueId::kGemini, "gemini", "GEMINI", "spot", SyncClass::kChecksum, false},
    {VenueId::kGate, "gate", "GATEIO", "spot", SyncClass::kRestSnapshot, false},
}};

constexpr const VenueTraits& venue_traits(VenueId id) {
  return kVenues[static_cast<uint8_t>(id)];
}

constexpr std::string_view venue_name(VenueId id) {
  return venue_traits(id).name;
}

constexpr bool venue_has_parser(VenueId id) {
  return venue_traits(id).has_parser;
}

// "binance-spot" and so on; nothing for a text that names no venue.
constexpr std::optional<VenueId> find_venue(std::string_view name) {
  for (const VenueTraits& traits : kVenues) {
    if (traits.name == name) return traits.id;
  }
  return std::nullopt;
}

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUE_H_
