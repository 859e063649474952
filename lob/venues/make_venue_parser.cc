// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/make_venue_parser.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "lob/venues/binance/binance_parser.h"
#include "lob/venues/bybit/bybit_parser.h"
#include "lob/venues/coinbase_advanced/coinbase_advanced_parser.h"
#include "lob/venues/deribit/deribit_parser.h"
#include "lob/venues/kraken/kraken_parser.h"
#include "lob/venues/okx/okx_parser.h"

namespace wirebook {

absl::StatusOr<std::unique_ptr<VenueParser>> make_venue_parser(
    VenueId venue, InstrumentTable& table, const VenueParserOptions& options) {
  switch (venue) {
    case VenueId::kBinanceSpot:
    case VenueId::kBinanceUsdm:
      return std::make_unique<BinanceParser>(table, venue, options);
    case VenueId::kBybit:
      return std::make_unique<BybitParser>(table, options);
    case VenueId::kCoinbaseAdvanced:
      return std::make_unique<CoinbaseAdvancedParser>(table, options);
    case VenueId::kDeribit:
      return std::make_unique<DeribitParser>(table, options);
    case VenueId::kKraken:
      return std::make_unique<KrakenParser>(table, options);
    case VenueId::kOkx:
      return std::make_unique<OkxParser>(table, options);
    default:
      break;
  }
  std::string known;
  for (const VenueTraits& traits : kVenues) {
    if (!traits.has_parser) continue;
    absl::StrAppend(&known, known.empty() ? "" : ", ",
                    std::string(traits.name));
  }
  return absl::UnimplementedError(
      absl::StrCat("no parser for venue ", std::string(venue_name(venue)),
                   " in this build; it has: ", known));
}

}  // namespace wirebook
