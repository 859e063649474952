// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/find_venue_requests.h"

#include "gtest/gtest.h"

namespace wirebook {
namespace {

TEST(FindVenueRequests, BinanceSpotNamesStreamsInLowerCase) {
  const VenueRequests& binance = find_venue_requests(VenueId::kBinanceSpot);
  EXPECT_EQ(binance.subscribe({"BTCUSDT", "ETHUSDT"}, {}),
            R"({"method":"SUBSCRIBE","params":["btcusdt@depth@100ms",)"
            R"("ethusdt@depth@100ms"],"id":1})");
  EXPECT_EQ(binance.unsubscribe({"BTCUSDT"}, {0, true}),
            R"({"method":"UNSUBSCRIBE","params":["btcusdt@depth@100ms",)"
            R"("btcusdt@bookTicker"],"id":1})");
  EXPECT_EQ(binance.snapshot_target("BTCUSDT", 5000),
            "/api/v3/depth?symbol=BTCUSDT&limit=5000");
}

TEST(FindVenueRequests, KrakenSubscribesWithDepthAndSnapshot) {
  const VenueRequests& kraken = find_venue_requests(VenueId::kKraken);
  EXPECT_EQ(kraken.subscribe({"BTC/USD", "ETH/USD"}, {25, false}),
            R"({"method":"subscribe","params":{"channel":"book",)"
            R"("symbol":["BTC/USD","ETH/USD"],"depth":25,"snapshot":true}})");
  EXPECT_EQ(kraken.unsubscribe({"BTC/USD"}, {25, false}),
            R"({"method":"unsubscribe","params":{"channel":"book",)"
            R"("symbol":["BTC/USD"],"depth":25}})");
  EXPECT_EQ(kraken.snapshot_target("BTC/USD", 25), "");
}

TEST(FindVenueRequestsDeathTest, VenueWithoutParserEndsTheProcess) {
  EXPECT_DEATH(find_venue_requests(VenueId::kOkx), "has no parser");
}

}  // namespace
}  // namespace wirebook
