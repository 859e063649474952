// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/find_venue_requests.h"

#include <string>

#include "gtest/gtest.h"
#include "lob/venue.h"

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
  EXPECT_EQ(find_venue_requests(VenueId::kBinanceCoinm)
                .snapshot_target("BTCUSD_PERP", 1000),
            "/dapi/v1/depth?symbol=BTCUSD_PERP&limit=1000");
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

TEST(FindVenueRequests, CoinbaseExchangeAsksForWhatTakesNoKey) {
  const VenueRequests& coinbase =
      find_venue_requests(VenueId::kCoinbaseExchange);
  EXPECT_EQ(coinbase.subscribe({"BTC-USD", "ETH-USD"}, {0, true}),
            R"({"type":"subscribe","product_ids":["BTC-USD","ETH-USD"],)"
            R"("channels":["level2_batch","heartbeat","ticker"]})");
  EXPECT_EQ(coinbase.unsubscribe({"BTC-USD"}, {}),
            R"({"type":"unsubscribe","product_ids":["BTC-USD"],)"
            R"("channels":["level2_batch","heartbeat"]})");
  EXPECT_EQ(coinbase.snapshot_target("BTC-USD", 10), "");
}

TEST(FindVenueRequests, BitfinexNamesOneChannelAMessage) {
  const VenueRequests& bitfinex = find_venue_requests(VenueId::kBitfinex);
  EXPECT_EQ(bitfinex.symbols_a_request(), 1u);
  EXPECT_EQ(bitfinex.greeting(), R"({"event":"conf","flags":196608})");
  EXPECT_EQ(bitfinex.subscribe({"tBTCUSD"}, {}),
            R"({"event":"subscribe","channel":"book","symbol":"tBTCUSD",)"
            R"("prec":"P0","freq":"F0","len":"250"})");
  EXPECT_EQ(bitfinex.unsubscribe({"tBTCUSD"}, {}), "");
  EXPECT_EQ(bitfinex.snapshot_target("tBTCUSD", 10), "");
}

TEST(FindVenueRequests, BitstampNamesOneChannelAMessage) {
  const VenueRequests& bitstamp = find_venue_requests(VenueId::kBitstamp);
  EXPECT_EQ(bitstamp.symbols_a_request(), 1u);
  EXPECT_EQ(bitstamp.subscribe({"btcusd"}, {}),
            R"({"event":"bts:subscribe","data":{"channel":)"
            R"("diff_order_book_btcusd"}})");
  EXPECT_EQ(bitstamp.unsubscribe({"btcusd"}, {}),
            R"({"event":"bts:unsubscribe","data":{"channel":)"
            R"("diff_order_book_btcusd"}})");
  EXPECT_EQ(bitstamp.snapshot_target("btcusd", 10),
            "/api/v2/order_book/btcusd");
  EXPECT_EQ(bitstamp.keep_alive().text, R"({"event":"bts:heartbeat"})");
}

TEST(FindVenueRequests, GeminiNamesSymbols) {
  const VenueRequests& gemini = find_venue_requests(VenueId::kGemini);
  EXPECT_EQ(gemini.subscribe({"BTCUSD", "ETHUSD"}, {}),
            R"({"type":"subscribe","subscriptions":[{"name":"l2",)"
            R"("symbols":["BTCUSD","ETHUSD"]}]})");
  EXPECT_EQ(gemini.unsubscribe({"BTCUSD"}, {}),
            R"({"type":"unsubscribe","subscriptions":[{"name":"l2",)"
            R"("symbols":["BTCUSD"]}]})");
  EXPECT_EQ(gemini.snapshot_target("BTCUSD", 10), "");
}

TEST(FindVenueRequests, GateTellsTheTimeAndItsFuturesTheirSettlement) {
  const VenueRequests& spot = find_venue_requests(VenueId::kGate);
  EXPECT_EQ(spot.symbols_a_request(), 1u);
  EXPECT_EQ(spot.subscribe({"BTC_USDT"}, {.unix_seconds = 1619093532}),
            R"({"time":1619093532,"channel":"spot.order_book_update",)"
            R"("event":"subscribe","payload":["BTC_USDT","100ms"]})");
  EXPECT_EQ(spot.snapshot_target("BTC_USDT", 1000),
            "/api/v4/spot/order_book?currency_pair=BTC_USDT&limit=100"
            "&with_id=true");
  const VenueRequests& futures = find_venue_requests(VenueId::kGateFutures);
  EXPECT_EQ(futures.unsubscribe({"BTC_USDT"}, {.unix_seconds = 5}),
            R"({"time":5,"channel":"futures.order_book_update",)"
            R"("event":"unsubscribe","payload":["BTC_USDT","100ms","100"]})");
  EXPECT_EQ(futures.snapshot_target("BTC_USDT", 50),
            "/api/v4/futures/usdt/order_book?contract=BTC_USDT&limit=50"
            "&with_id=true");
  EXPECT_EQ(futures.snapshot_target("BTC_USD", 50),
            "/api/v4/futures/btc/order_book?contract=BTC_USD&limit=50"
            "&with_id=true");
}

TEST(FindVenueRequests, KucoinNamesSymbolsInATopic) {
  const VenueRequests& kucoin = find_venue_requests(VenueId::kKucoin);
  EXPECT_EQ(kucoin.symbols_a_request(), 100u);
  EXPECT_EQ(kucoin.subscribe({"BTC-USDT", "ETH-USDT"}, {}),
            R"({"id":1,"type":"subscribe","topic":)"
            R"("/market/level2:BTC-USDT,ETH-USDT","response":true})");
  EXPECT_EQ(kucoin.unsubscribe({"BTC-USDT"}, {}),
            R"({"id":1,"type":"unsubscribe","topic":)"
            R"("/market/level2:BTC-USDT","response":true})");
  EXPECT_EQ(kucoin.snapshot_target("BTC-USDT", 1000),
            "/api/v1/market/orderbook/level2_100?symbol=BTC-USDT");
  EXPECT_EQ(kucoin.keep_alive().text, R"({"id":2,"type":"ping"})");
}

TEST(FindVenueRequests, ASnapshotsTargetNamesItsSymbol) {
  for (const VenueTraits& venue : kVenues) {
    const VenueRequests& requests = find_venue_requests(venue.id);
    const std::string target = requests.snapshot_target("Ab_C-d", 100);
    if (target.empty()) continue;
    EXPECT_EQ(requests.snapshot_symbol("https://venue" + target), "Ab_C-d")
        << venue.name;
    EXPECT_EQ(requests.snapshot_symbol("https://venue/pairs?limit=5"), "")
        << venue.name;
    if (target.find('?') == std::string::npos) continue;
    const std::string other = target.substr(0, target.find('?')) + "?xsymbol=A";
    EXPECT_EQ(requests.snapshot_symbol(other), "") << venue.name;
  }
}

TEST(FindVenueRequestsDeathTest, NumberOfNoVenueEndsTheProcess) {
  EXPECT_DEATH(find_venue_requests(static_cast<VenueId>(kVenues.size())),
               "no venue of number");
}

// ---- Order by order ---------------------------------------------------------

TEST(OrderRequests, Coinbase) {
  const VenueRequests& requests =
      find_venue_requests(VenueId::kCoinbaseExchange);
  EXPECT_EQ(requests.subscribe({"BTC-USD"}, {.orders = true}),
            R"({"type":"subscribe","product_ids":["BTC-USD"],)"
            R"("channels":["full","heartbeat"]})");
  // echo -n 1700000000GET/users/self/verify |
  //   openssl dgst -sha256 -hmac secret -binary | base64
  const ChannelCredentials who{
      .key = "k", .passphrase = "p", .secret = "c2VjcmV0"};
  EXPECT_EQ(requests.subscribe({"BTC-USD"}, {.unix_seconds = 1'700'000'000,
                                             .orders = true,
                                             .credentials = &who}),
            R"({"type":"subscribe","product_ids":["BTC-USD"],)"
            R"("channels":["full","heartbeat"],"key":"k","passphrase":"p",)"
            R"("timestamp":"1700000000","signature":)"
            R"("lhmJXK08fk9SI1ZwFXKFRrPtzfbNOwC+D1xMJJ/1KZg="})");
  EXPECT_TRUE(requests.admission_request(&who, 1).ok());
  EXPECT_TRUE(requests.admission_request(nullptr, 1).ok());
  const ChannelCredentials wrong[] = {
      {},
      {.passphrase = "p", .secret = "c2VjcmV0"},
      {.key = "k", .secret = "c2VjcmV0"},
      {.key = "k", .passphrase = "p"},
      {.key = "k", .passphrase = "p", .secret = "no%base64"}};
  for (const ChannelCredentials& each : wrong) {
    EXPECT_FALSE(requests.admission_request(&each, 1).ok());
  }
  EXPECT_EQ(requests.orders_target("BTC-USD"),
            "/products/BTC-USD/book?level=3");
  EXPECT_EQ(requests.snapshot_symbol("/products/BTC-USD/book?level=3"),
            "BTC-USD");
  EXPECT_EQ(requests.snapshot_symbol("/products/BTC-USD/ticker"), "");
  EXPECT_EQ(requests.snapshot_symbol("/products/BTC-USD"), "");
}

TEST(OrderRequests, Kraken) {
  const VenueRequests& requests = find_venue_requests(VenueId::kKraken);
  const ChannelCredentials who{.token = "t"};
  EXPECT_EQ(
      requests.subscribe({"BTC/USD"},
                         {.depth = 10, .orders = true, .credentials = &who}),
      R"({"method":"subscribe","params":{"channel":"level3",)"
      R"("symbol":["BTC/USD"],"depth":10,"snapshot":true,"token":"t"}})");
  EXPECT_EQ(
      requests.unsubscribe({"BTC/USD"},
                           {.depth = 10, .orders = true, .credentials = &who}),
      R"({"method":"unsubscribe","params":{"channel":"level3",)"
      R"("symbol":["BTC/USD"],"depth":10,"token":"t"}})");
}

TEST(OrderRequests, BitstampAndBitfinex) {
  const VenueRequests& bitstamp = find_venue_requests(VenueId::kBitstamp);
  EXPECT_EQ(bitstamp.subscribe({"btcusd"}, {.orders = true}),
            R"({"event":"bts:subscribe",)"
            R"("data":{"channel":"live_orders_btcusd"}})");
  EXPECT_EQ(bitstamp.orders_target("btcusd"),
            "/api/v2/order_book/btcusd/?group=2");
  EXPECT_EQ(bitstamp.snapshot_symbol("/api/v2/order_book/btcusd/?group=2"),
            "btcusd");
  EXPECT_EQ(find_venue_requests(VenueId::kBitfinex)
                .subscribe({"tBTCUSD"}, {.depth = 100, .orders = true}),
            R"({"event":"subscribe","channel":"book","symbol":"tBTCUSD",)"
            R"("prec":"R0","freq":"F0","len":"100"})");
}

}  // namespace
}  // namespace wirebook
