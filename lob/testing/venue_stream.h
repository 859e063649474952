// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// How a venue's stream is generated: its adapter in the simulator, a symbol as
// the venue writes it, the depth, and what it says before the first snapshot.
//
//   const VenueStream stream = venue_stream(VenueId::kBybit);
//   for (const std::string& text : stream.first_words()) feed(text);
//   GeneratedSource source(stream.adapter(), {stream.symbol}, stream.depth, 1,
//   9);

#ifndef WIREBOOK_LOB_TESTING_VENUE_STREAM_H_
#define WIREBOOK_LOB_TESTING_VENUE_STREAM_H_

#include <cstddef>
#include <string>
#include <vector>

#include "lob/venue.h"
#include "lob/venues/find_venue_requests.h"
#include "tools/exchange_sim/venue_adapter.h"

namespace wirebook {

struct VenueStream {
  VenueId venue = VenueId::kBinanceSpot;
  const sim::VenueAdapter& (*adapter)() = nullptr;
  const char* symbol = "";
  size_t depth = 0;  // as subscribed; 0: the venue has one alone

  // What a subscription is answered with.
  std::vector<std::string> acks(const std::string& name) const {
    constexpr int64_t kTime = 1'767'225'600'000;
    // What clients say to it is not the adapter's.
    if (venue == VenueId::kKraken) {
      return {
          "{\"method\":\"subscribe\",\"result\":{\"channel\":\"book\","
          "\"depth\":" +
          std::to_string(depth) + ",\"snapshot\":true,\"symbol\":\"" + name +
          "\"},\"success\":true,\"time_in\":\"2026-01-01T00:00:00.000000Z\","
          "\"time_out\":\"2026-01-01T00:00:00.000000Z\"}"};
    }
    return adapter()
        .answer(
            find_venue_requests(venue).subscribe(
                {name}, {.depth = static_cast<int>(depth)}),
            [](const std::string&) { return true; }, kTime)
        .replies;
  }

  // On a new connection.
  std::vector<std::string> first_words() const {
    std::vector<std::string> out = acks(symbol);
    const std::string greeting = adapter().greeting(1);
    if (!greeting.empty()) out.insert(out.begin(), greeting);
    return out;
  }
};

constexpr VenueStream venue_stream(VenueId venue) {
  switch (venue) {
    case VenueId::kBinanceSpot:
      return {venue, sim::binance_spot_adapter, "BTCUSDT"};
    case VenueId::kBinanceUsdm:
      return {venue, sim::binance_usdm_adapter, "BTCUSDT"};
    case VenueId::kBinanceCoinm:
      return {venue, sim::binance_coinm_adapter, "BTCUSD_PERP"};
    case VenueId::kKraken:
      return {venue, sim::kraken_adapter, "BTC/USD", 10};
    case VenueId::kCoinbaseAdvanced:
      return {venue, sim::coinbase_advanced_adapter, "BTC-USD"};
    case VenueId::kCoinbaseExchange:
      return {venue, sim::coinbase_exchange_adapter, "BTC-USD"};
    case VenueId::kOkx:
      return {venue, sim::okx_adapter, "BTC-USDT", 40};
    case VenueId::kBybit:
      return {venue, sim::bybit_adapter, "BTCUSDT", 50};
    case VenueId::kDeribit:
      return {venue, sim::deribit_adapter, "BTC-PERPETUAL"};
    case VenueId::kBitfinex:
      return {venue, sim::bitfinex_adapter, "tBTCUSD", 100};
    case VenueId::kBitstamp:
      return {venue, sim::bitstamp_adapter, "btcusd"};
    case VenueId::kGemini:
      return {venue, sim::gemini_adapter, "BTCUSD"};
    case VenueId::kGate:
      return {venue, sim::gate_adapter, "BTC_USDT"};
    case VenueId::kGateFutures:
      return {venue, sim::gate_futures_adapter, "BTC_USDT"};
    case VenueId::kKucoin:
      return {venue, sim::kucoin_adapter, "BTC-USDT"};
  }
  return {};
}

}  // namespace wirebook

#endif  // WIREBOOK_LOB_TESTING_VENUE_STREAM_H_
