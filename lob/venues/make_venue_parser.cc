// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/make_venue_parser.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "lob/venues/binance/binance_parser.h"
#include "lob/venues/bitfinex/bitfinex_parser.h"
#include "lob/venues/bitstamp/bitstamp_parser.h"
#include "lob/venues/bybit/bybit_parser.h"
#include "lob/venues/coinbase_advanced/coinbase_advanced_parser.h"
#include "lob/venues/coinbase_exchange/coinbase_exchange_parser.h"
#include "lob/venues/deribit/deribit_parser.h"
#include "lob/venues/gate/gate_parser.h"
#include "lob/venues/gemini/gemini_parser.h"
#include "lob/venues/kraken/kraken_parser.h"
#include "lob/venues/kucoin/kucoin_parser.h"
#include "lob/venues/okx/okx_parser.h"

namespace wirebook {

absl::StatusOr<std::unique_ptr<VenueParser>> make_venue_parser(
    VenueId venue, InstrumentTable& table, const VenueParserOptions& options) {
  switch (venue) {
    case VenueId::kBinanceSpot:
    case VenueId::kBinanceUsdm:
    case VenueId::kBinanceCoinm:
      return std::make_unique<BinanceParser>(table, venue, options);
    case VenueId::kBitfinex:
      return std::make_unique<BitfinexParser>(table, options);
    case VenueId::kBitstamp:
      return std::make_unique<BitstampParser>(table, options);
    case VenueId::kBybit:
      return std::make_unique<BybitParser>(table, options);
    case VenueId::kCoinbaseAdvanced:
      return std::make_unique<CoinbaseAdvancedParser>(table, options);
    case VenueId::kCoinbaseExchange:
      return std::make_unique<CoinbaseExchangeParser>(table, options);
    case VenueId::kDeribit:
      return std::make_unique<DeribitParser>(table, options);
    case VenueId::kGate:
    case VenueId::kGateFutures:
      return std::make_unique<GateParser>(table, venue, options);
    case VenueId::kGemini:
      return std::make_unique<GeminiParser>(table, options);
    case VenueId::kKraken:
      return std::make_unique<KrakenParser>(table, options);
    case VenueId::kKucoin:
      return std::make_unique<KucoinParser>(table, options);
    case VenueId::kOkx:
      return std::make_unique<OkxParser>(table, options);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("there is no venue of number ", static_cast<int>(venue)));
}

}  // namespace wirebook
