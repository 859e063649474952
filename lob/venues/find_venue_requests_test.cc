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

TEST(FindVenueRequests, BinanceFuturesSnapshotsComeFromAnotherPath) {
  EXPECT_EQ(find_venue_requests(VenueId::kBinanceUsdm)
                .snapshot_target("BTCUSDT", 1000),
            "/fapi/v1/depth?symbol=BTCUSDT&limit=1000");
}

TEST(FindVenueRequests, BybitNamesTopicsByDepth) {
  const VenueRequests& bybit = find_venue_requests(VenueId::kBybit);
  EXPECT_EQ(bybit.subscribe({"BTCUSDT", "ETHUSDT"}, {50, true}),
            R"({"op":"subscribe","args":["orderbook.50.BTCUSDT",)"
            R"("orderbook.1.BTCUSDT","orderbook.50.ETHUSDT",)"
            R"("orderbook.1.ETHUSDT"]})");
  EXPECT_EQ(bybit.unsubscribe({"BTCUSDT"}, {0, false}),
            R"({"op":"unsubscribe","args":["orderbook.200.BTCUSDT"]})");
  EXPECT_EQ(bybit.snapshot_target("BTCUSDT", 50), "");
}

TEST(FindVenueRequests, OkxNamesChannelAndInstrument) {
  const VenueRequests& okx = find_venue_requests(VenueId::kOkx);
  EXPECT_EQ(okx.subscribe({"BTC-USDT"}, {400, true}),
            R"({"op":"subscribe","args":[{"channel":"books",)"
            R"("instId":"BTC-USDT"},{"channel":"bbo-tbt",)"
            R"("instId":"BTC-USDT"}]})");
  EXPECT_EQ(okx.unsubscribe({"BTC-USDT"}, {}),
            R"({"op":"unsubscribe","args":[{"channel":"books",)"
            R"("instId":"BTC-USDT"}]})");
  EXPECT_EQ(okx.snapshot_target("BTC-USDT", 400), "");
}

TEST(FindVenueRequests, DeribitNamesChannels) {
  const VenueRequests& deribit = find_venue_requests(VenueId::kDeribit);
  EXPECT_EQ(deribit.subscribe({"BTC-PERPETUAL"}, {0, true}),
            R"({"jsonrpc":"2.0","id":1,"method":"public/subscribe",)"
            R"("params":{"channels":["book.BTC-PERPETUAL.100ms",)"
            R"("quote.BTC-PERPETUAL"]}})");
  EXPECT_EQ(deribit.unsubscribe({"BTC-PERPETUAL"}, {}),
            R"({"jsonrpc":"2.0","id":1,"method":"public/unsubscribe",)"
            R"("params":{"channels":["book.BTC-PERPETUAL.100ms"]}})");
  EXPECT_EQ(deribit.snapshot_target("BTC-PERPETUAL", 10), "");
}

TEST(FindVenueRequests, CoinbaseAdvancedTakesOneChannelAMessage) {
  const VenueRequests& coinbase =
      find_venue_requests(VenueId::kCoinbaseAdvanced);
  EXPECT_EQ(coinbase.subscribe({"BTC-USD", "ETH-USD"}, {0, true}),
            R"({"type":"subscribe","product_ids":["BTC-USD","ETH-USD"],)"
            R"("channel":"level2"})");
  EXPECT_EQ(coinbase.unsubscribe({"BTC-USD"}, {}),
            R"({"type":"unsubscribe","product_ids":["BTC-USD"],)"
            R"("channel":"level2"})");
  EXPECT_EQ(coinbase.snapshot_target("BTC-USD", 10), "");
}

TEST(FindVenueRequests, SomeVenuesWantToHearFromTheirClients) {
  EXPECT_EQ(find_venue_requests(VenueId::kKraken).keep_alive().text, "");
  EXPECT_EQ(find_venue_requests(VenueId::kKraken).greeting(), "");
  const KeepAlive bybit = find_venue_requests(VenueId::kBybit).keep_alive();
  EXPECT_EQ(bybit.text, R"({"op":"ping"})");
  EXPECT_EQ(bybit.interval_ns, 20'000'000'000u);
  EXPECT_EQ(find_venue_requests(VenueId::kOkx).keep_alive().text, "ping");
  EXPECT_EQ(find_venue_requests(VenueId::kDeribit).keep_alive().text,
            R"({"jsonrpc":"2.0","id":2,"method":"public/test"})");
  EXPECT_EQ(find_venue_requests(VenueId::kCoinbaseAdvanced).greeting(),
            R"({"type":"subscribe","channel":"heartbeats"})");
}

TEST(FindVenueRequestsDeathTest, VenueWithoutParserEndsTheProcess) {
  EXPECT_DEATH(find_venue_requests(VenueId::kGemini), "has no parser");
}

}  // namespace
}  // namespace wirebook
