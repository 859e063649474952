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
  static const BinanceRequests binance_spot(VenueId::kBinanceSpot);
  static const BinanceRequests binance_usdm(VenueId::kBinanceUsdm);
  static const BinanceRequests binance_coinm(VenueId::kBinanceCoinm);
  static const BitfinexRequests bitfinex;
  static const BitstampRequests bitstamp;
  static const BybitRequests bybit;
  static const CoinbaseAdvancedRequests coinbase_advanced;
  static const CoinbaseExchangeRequests coinbase_exchange;
  static const DeribitRequests deribit;
  static const GateRequests gate(VenueId::kGate);
  static const GateRequests gate_futures(VenueId::kGateFutures);
  static const GeminiRequests gemini;
  static const KrakenRequests kraken;
  static const KucoinRequests kucoin;
  static const OkxRequests okx;
  switch (venue) {
    case VenueId::kBinanceSpot:
      return binance_spot;
    case VenueId::kBinanceUsdm:
      return binance_usdm;
    case VenueId::kBinanceCoinm:
      return binance_coinm;
    case VenueId::kBitfinex:
      return bitfinex;
    case VenueId::kBitstamp:
      return bitstamp;
    case VenueId::kBybit:
      return bybit;
    case VenueId::kCoinbaseAdvanced:
      return coinbase_advanced;
    case VenueId::kCoinbaseExchange:
      return coinbase_exchange;
    case VenueId::kDeribit:
      return deribit;
    case VenueId::kGate:
      return gate;
    case VenueId::kGateFutures:
      return gate_futures;
    case VenueId::kGemini:
      return gemini;
    case VenueId::kKraken:
      return kraken;
    case VenueId::kKucoin:
      return kucoin;
    case VenueId::kOkx:
      return okx;
  }
  std::fprintf(stderr, "find_venue_requests: there is no venue of number %d\n",
               static_cast<int>(venue));
  std::abort();
}

}  // namespace wirebook
