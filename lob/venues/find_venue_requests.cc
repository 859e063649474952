// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/find_venue_requests.h"

#include <cstdio>
#include <cstdlib>

#include "lob/venues/binance/binance_requests.h"
#include "lob/venues/bitfinex/bitfinex_requests.h"
#include "lob/venues/bitstamp/bitstamp_requests.h"
#include "lob/venues/bybit/bybit_requests.h"
#include "lob/venues/coinbase_advanced/coinbase_advanced_requests.h"
#include "lob/venues/coinbase_exchange/coinbase_exchange_requests.h"
#include "lob/venues/deribit/deribit_requests.h"
#include "lob/venues/gate/gate_requests.h"
#include "lob/venues/gemini/gemini_requests.h"
#include "lob/venues/kraken/kraken_requests.h"
#include "lob/venues/kucoin/kucoin_requests.h"
#include "lob/venues/okx/okx_requests.h"

namespace wirebook {

const VenueRequests& find_venue_requests(VenueId venue) {
  switch (venue) {
    case VenueId::kBinanceSpot:
    case VenueId::kBinanceUsdm:
    case VenueId::kBinanceCoinm:
      return binance_requests(venue);
    case VenueId::kBitfinex:
      return bitfinex_requests();
    case VenueId::kBitstamp:
      return bitstamp_requests();
    case VenueId::kBybit:
      return bybit_requests();
    case VenueId::kCoinbaseAdvanced:
      return coinbase_advanced_requests();
    case VenueId::kCoinbaseExchange:
      return coinbase_exchange_requests();
    case VenueId::kDeribit:
      return deribit_requests();
    case VenueId::kGate:
    case VenueId::kGateFutures:
      return gate_requests(venue);
    case VenueId::kGemini:
      return gemini_requests();
    case VenueId::kKraken:
      return kraken_requests();
    case VenueId::kKucoin:
      return kucoin_requests();
    case VenueId::kOkx:
      return okx_requests();
  }
  std::fprintf(stderr, "find_venue_requests: there is no venue of number %d\n",
               static_cast<int>(venue));
  std::abort();
}

}  // namespace wirebook
