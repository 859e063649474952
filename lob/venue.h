// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The exchanges that this project speaks about, as a number and as text.
//
// The number travels in every RawMessage; the text is what configuration
// files, captures and reports use. Each has a parser (lob/venues/).
//
// Thread rules: pure functions. Cost: set-up only.
//
//   std::optional<VenueId> venue = find_venue("kraken");
//   if (!venue) return unsupported();
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
  kGateFutures,
  kKucoin,
  kBinanceCoinm,
};

// How a venue lets a reader know that its book is complete.
enum class SyncClass : uint8_t {
  kRestSnapshot,    // a REST snapshot and buffered diffs with ids
  kChainedIds,      // a snapshot in the stream, then ids that chain
  kConnectionWide,  // a snapshot, then one sequence for the whole connection
  kChecksum,        // a snapshot, then nothing but a checksum, or not even that
};

// SyncClass::kRestSnapshot: what makes a diff the next one.
enum class DiffRule : uint8_t {
  kFirstId,     // its first id follows the last id of the one before
  kPreviousId,  // it names the last id of the one before; ids leave holes
  kTime,        // it is not older: a loss cannot be told
};

// What the venue's checksum is made of; see the header of that name.
enum class ChecksumKind : uint8_t {
  kNone,
  kKraken,       // in every message; a message without one is a fault
  kInterleaved,  // 25 levels, bid and ask in turn, verified where one comes
  kBitfinex,     // the same as numbers, in messages of its own
};

struct VenueTraits {
  VenueId id;
  std::string_view name;      // as in configuration files
  std::string_view exchange;  // as in the header of a recorded capture
  std::string_view market;    // what its symbols are where nothing else says
  SyncClass sync;
  DiffRule diffs = DiffRule::kFirstId;
  ChecksumKind checksum = ChecksumKind::kNone;
  // The reader drops what falls out of the subscribed depth; no message does.
  bool truncates = false;
  // Snapshots hold every level, or the subscribed depth is all there is: no
  // level is unknown.
  bool whole_snapshots = true;
  // An update has the same ids on every connection: several lines of one stream
  // can be merged. Only where the venue's rules or a recording say so.
  bool shared_ids = false;
  // A second subscription is refused while there is a first, which ends by what
  // the connection alone knows: a new snapshot takes a new connection.
  bool resync_reconnects = false;
  // Decimals of prices and quantities where nobody says better.
  int8_t price_scale = 8;
  int8_t quantity_scale = 8;
};

inline constexpr std::array<VenueTraits, 15> kVenues = {{
    {.id = VenueId::kBinanceSpot,
     .name = "binance-spot",
     .exchange = "BINANCE",
     .market = "spot",
     .sync = SyncClass::kRestSnapshot,
     .whole_snapshots = false,
     .shared_ids = true},
    {.id = VenueId::kBinanceUsdm,
     .name = "binance-usdm",
     .exchange = "BINANCE_FUTURES",
     .market = "linear",
     .sync = SyncClass::kRestSnapshot,
     .diffs = DiffRule::kPreviousId,
     .whole_snapshots = false,
     .shared_ids = true},
    {.id = VenueId::kKraken,
     .name = "kraken",
     .exchange = "KRAKEN",
     .market = "spot",
     .sync = SyncClass::kChecksum,
     .checksum = ChecksumKind::kKraken,
     .truncates = true},
    {.id = VenueId::kCoinbaseAdvanced,
     .name = "coinbase-advanced",
     .exchange = "COINBASE",
     .market = "spot",
     .sync = SyncClass::kConnectionWide},
    {.id = VenueId::kCoinbaseExchange,
     .name = "coinbase-exchange",
     .exchange = "COINBASE_EXCHANGE",
     .market = "spot",
     .sync = SyncClass::kChecksum},
    {.id = VenueId::kOkx,
     .name = "okx",
     .exchange = "OKX",
     .market = "spot",
     .sync = SyncClass::kChainedIds,
     .checksum = ChecksumKind::kInterleaved,
     .shared_ids = true},
    {.id = VenueId::kBybit,
     .name = "bybit",
     .exchange = "BYBIT",
     .market = "linear",
     .sync = SyncClass::kChainedIds},
    {.id = VenueId::kDeribit,
     .name = "deribit",
     .exchange = "DERIBIT",
     .market = "inverse",
     .sync = SyncClass::kChainedIds,
     .shared_ids = true},
    {.id = VenueId::kBitfinex,
     .name = "bitfinex",
     .exchange = "BITFINEX",
     .market = "spot",
     .sync = SyncClass::kConnectionWide,
     .checksum = ChecksumKind::kBitfinex,
     .resync_reconnects = true,
     .price_scale = 10},
    {.id = VenueId::kBitstamp,
     .name = "bitstamp",
     .exchange = "BITSTAMP",
     .market = "spot",
     .sync = SyncClass::kRestSnapshot,
     .diffs = DiffRule::kTime},
    {.id = VenueId::kGemini,
     .name = "gemini",
     .exchange = "GEMINI",
     .market = "spot",
     .sync = SyncClass::kChecksum},
    {.id = VenueId::kGate,
     .name = "gate",
     .exchange = "GATEIO",
     .market = "spot",
     .sync = SyncClass::kRestSnapshot,
     .whole_snapshots = false,
     .price_scale = 10,
     .quantity_scale = 10},
    {.id = VenueId::kGateFutures,
     .name = "gate-futures",
     .exchange = "GATEIO_FUTURES",
     .market = "linear",
     .sync = SyncClass::kRestSnapshot,
     .whole_snapshots = false,
     .price_scale = 10},
    {.id = VenueId::kKucoin,
     .name = "kucoin",
     .exchange = "KUCOIN",
     .market = "spot",
     .sync = SyncClass::kRestSnapshot,
     .whole_snapshots = false,
     .price_scale = 10},
    {.id = VenueId::kBinanceCoinm,
     .name = "binance-coinm",
     .exchange = "BINANCE_DELIVERY",
     .market = "inverse",
     .sync = SyncClass::kRestSnapshot,
     .diffs = DiffRule::kPreviousId,
     .whole_snapshots = false},
}};

constexpr const VenueTraits& venue_traits(VenueId id) {
  return kVenues[static_cast<uint8_t>(id)];
}

constexpr std::string_view venue_name(VenueId id) {
  return venue_traits(id).name;
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
