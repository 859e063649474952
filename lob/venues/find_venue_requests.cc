// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/find_venue_requests.h"

#include <cstdio>
#include <cstdlib>

#include "lob/venues/binance_spot/binance_spot_requests.h"
#include "lob/venues/kraken/kraken_requests.h"

namespace wirebook {

const VenueRequests& find_venue_requests(VenueId venue) {
  static const BinanceSpotRequests binance_spot;
  static const KrakenRequests kraken;
  if (venue == VenueId::kBinanceSpot) return binance_spot;
  if (venue == VenueId::kKraken) return kraken;
  std::fprintf(stderr, "find_venue_requests: venue %d has no parser\n",
               static_cast<int>(venue));
  std::abort();
}

}  // namespace wirebook
