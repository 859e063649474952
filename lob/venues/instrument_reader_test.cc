// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/instrument_reader.h"

#include <random>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "lob/fixed_point.h"
#include "lob/venues/find_venue_requests.h"

namespace wirebook {
namespace {

// An answer as the venue's document shows it, some of its other fields left in.
struct Documented {
  VenueId venue;
  const char* url;     // of the stream
  const char* symbol;  // ours
  const char* target;
  const char* answer;
  const char* tick;  // "": the venue says none
  const char* lot;
  int price_scale;
  int quantity_scale;
};

const Documented kDocumented[] = {
    {VenueId::kBinanceSpot, "", "ETHBTC", "/api/v3/exchangeInfo?symbol=ETHBTC",
     R"({"timezone":"UTC","serverTime":1565246363776,"rateLimits":[],)"
     R"("symbols":[{"symbol":"ETHBTC","status":"TRADING","baseAsset":"ETH",)"
     R"("baseAssetPrecision":8,"quotePrecision":8,"icebergAllowed":true,)"
     R"("filters":[{"filterType":"PRICE_FILTER","minPrice":"0.00000100",)"
     R"("maxPrice":"100000.00000000","tickSize":"0.00000100"},)"
     R"({"filterType":"LOT_SIZE","minQty":"0.00100000",)"
     R"("maxQty":"100000.00000000","stepSize":"0.00100000"}]}]})",
     "0.000001", "0.001", 8, 8},
    {VenueId::kBinanceUsdm, "", "BLZUSDT", "/fapi/v1/exchangeInfo",
     R"({"exchangeFilters":[],"symbols":[{"symbol":"OTHER","filters":[]},)"
     R"({"symbol":"BLZUSDT","pair":"BLZUSDT","contractType":"PERPETUAL",)"
     R"("status":"TRADING","pricePrecision":5,"quantityPrecision":0,)"
     R"("filters":[{"filterType":"PRICE_FILTER","maxPrice":"300",)"
     R"("minPrice":"0.0001","tickSize":"0.0001"},)"
     R"({"filterType":"LOT_SIZE","maxQty":"10000000","minQty":"1",)"
     R"("stepSize":"1"}]}]})",
     "0.0001", "1", 8, 8},
    {VenueId::kBinanceCoinm, "", "BTCUSD_200925", "/dapi/v1/exchangeInfo",
     R"({"symbols":[{"filters":[{"filterType":"PRICE_FILTER",)"
     R"("maxPrice":"100000","minPrice":"0.1","tickSize":"0.1"},)"
     R"({"filterType":"LOT_SIZE","maxQty":"100000","minQty":"1",)"
     R"("stepSize":"1"}],"symbol":"BTCUSD_200925","pair":"BTCUSD",)"
     R"("contractStatus":"TRADING","contractSize":100}]})",
     "0.1", "1", 8, 8},
    {VenueId::kBitfinex, "", "tBTCUSD", "/v2/conf/pub:list:pair:exchange",
     R"([["AAVE:USD","ADAUSD","BTCUSD"]])", "", "", 10, 8},
    {VenueId::kBitstamp, "", "btcusd", "/api/v2/trading-pairs-info/",
     R"([{"name":"ETH/USD","url_symbol":"ethusd"},{"name":"BTC/USD",)"
     R"("url_symbol":"btcusd","base_decimals":8,"counter_decimals":2,)"
     R"("minimum_order":"10.0 USD","trading":"Enabled",)"
     R"("instant_and_market_orders":"Enabled",)"
     R"("description":"Bitcoin / U.S. dollar"}])",
     "0.01", "0.00000001", 8, 8},
    {VenueId::kBybit, "wss://stream.bybit.com/v5/public/linear", "BTCUSDT",
     "/v5/market/instruments-info?category=linear&symbol=BTCUSDT",
     R"({"retCode":0,"retMsg":"OK","result":{"category":"linear","list":[)"
     R"({"symbol":"BTCUSDT","contractType":"LinearPerpetual",)"
     R"("status":"Trading","priceScale":"2","leverageFilter":{)"
     R"("minLeverage":"1"},"priceFilter":{"minPrice":"0.10",)"
     R"("maxPrice":"1999999.80","tickSize":"0.10"},"lotSizeFilter":{)"
     R"("maxOrderQty":"1190.000","qtyStep":"0.001"}}],)"
     R"("nextPageCursor":""},"retExtInfo":{},"time":1707186451514})",
     "0.1", "0.001", 8, 8},
    {VenueId::kBybit, "wss://stream.bybit.com/v5/public/spot", "BTCUSDT",
     "/v5/market/instruments-info?category=spot&symbol=BTCUSDT",
     R"({"retCode":0,"result":{"category":"spot","list":[{)"
     R"("symbol":"BTCUSDT","baseCoin":"BTC","status":"Trading",)"
     R"("lotSizeFilter":{"basePrecision":"0.000001",)"
     R"("quotePrecision":"0.00000001"},)"
     R"("priceFilter":{"tickSize":"0.01"}}]}})",
     "0.01", "0.000001", 8, 8},
    {VenueId::kCoinbaseAdvanced, "", "BTC-USD",
     "/api/v3/brokerage/market/products/BTC-USD",
     R"({"product_id":"BTC-USD","price":"140.21","base_increment":)"
     R"("0.00000001","quote_increment":"0.01","base_min_size":"0.00000001",)"
     R"("status":"online","trading_disabled":false,"price_increment":"0.01"})",
     "0.01", "0.00000001", 8, 8},
    {VenueId::kCoinbaseExchange, "", "BTC-USD", "/products/BTC-USD",
     R"({"id":"BTC-USD","base_currency":"BTC","quote_currency":"USD",)"
     R"("quote_increment":"0.01","base_increment":"0.00000001",)"
     R"("display_name":"BTC-USD","min_market_funds":"10",)"
     R"("margin_enabled":false,"status":"online","status_message":""})",
     "0.01", "0.00000001", 8, 8},
    {VenueId::kDeribit, "", "BTC-13JAN23-16000-P",
     "/api/v2/public/get_instrument?instrument_name=BTC-13JAN23-16000-P",
     R"({"jsonrpc":"2.0","id":2,"result":{"tick_size":0.0005,)"
     R"("tick_size_steps":[{"above_price":120,"tick_size":0.001}],)"
     R"("strike":16000,"min_trade_amount":0.1,"kind":"option",)"
     R"("is_active":true,"instrument_name":"BTC-13JAN23-16000-P",)"
     R"("contract_size":1,"state":"open"}})",
     "0.0005", "0.1", 8, 8},
    {VenueId::kGate, "", "ETH_USDT", "/api/v4/spot/currency_pairs/ETH_USDT",
     R"({"id":"ETH_USDT","base":"ETH","quote":"USDT","fee":"0.2",)"
     R"("min_base_amount":"0.001","amount_precision":3,"precision":6,)"
     R"("trade_status":"tradable","sell_start":1516378650})",
     "0.000001", "0.001", 10, 10},
    {VenueId::kGateFutures, "", "BTC_USDT",
     "/api/v4/futures/usdt/contracts/BTC_USDT",
     R"({"name":"BTC_USDT","type":"direct","quanto_multiplier":"0.0001",)"
     R"("order_price_round":"0.1","mark_price_round":"0.01",)"
     R"("order_size_min":1,"in_delisting":false})",
     "0.1", "", 10, 8},
    {VenueId::kGemini, "", "BTCUSD", "/v1/symbols/details/BTCUSD",
     R"({"symbol":"BTCUSD","base_currency":"BTC","quote_currency":"USD",)"
     R"("tick_size":1e-8,"quote_increment":0.01,"min_order_size":"0.00001",)"
     R"("status":"open","wrap_enabled":false,"product_type":"spot"})",
     "0.01", "0.00000001", 8, 10},
    {VenueId::kKraken, "", "BTC/USD", "",
     R"({"channel":"instrument","type":"snapshot","data":{"assets":[{)"
     R"("id":"USD","status":"enabled","precision":4}],"pairs":[{)"
     R"("symbol":"BTC/USD","base":"BTC","quote":"USD","status":"online",)"
     R"("qty_precision":8,"qty_increment":1e-08,"price_precision":1,)"
     R"("cost_min":0.5,"margin_initial":0.2,"tick_size":0.1,)"
     R"("price_increment":0.1,"qty_min":0.0001}]}})",
     "0.1", "0.00000001", 8, 8},
    {VenueId::kKucoin, "", "BTC-USDT", "/api/v2/symbols/BTC-USDT",
     R"({"data":{"quoteMinSize":"0.1","symbol":"BTC-USDT","market":"USDS",)"
     R"("baseIncrement":"0.00000001","quoteIncrement":"0.000001",)"
     R"("priceIncrement":"0.1","enableTrading":true,"name":"BTC-USDT"},)"
     R"("code":"200000"})",
     "0.1", "0.00000001", 10, 8},
    {VenueId::kOkx, "", "BTC-USDT",
     "/api/v5/public/instruments?instType=SPOT&instId=BTC-USDT",
     R"({"code":"0","msg":"","data":[{"alias":"","instId":"BTC-USDT",)"
     R"("instType":"SPOT","lotSz":"0.00000001","minSz":"0.00001",)"
     R"("state":"live","tickSz":"0.1"}]})",
     "0.1", "0.00000001", 8, 8},
};

absl::Status read(const Documented& of, std::string_view answer,
                  Instrument* instrument) {
  *instrument = make_instrument(of.venue, of.symbol, 0);
  return read_instruments(find_venue_requests(of.venue).instrument_format(),
                          answer, {instrument, 1});
}

TEST(ReadInstruments, EveryVenuesDocumentedAnswerIsUnderstood) {
  for (const Documented& of : kDocumented) {
    const std::string what = std::string(venue_name(of.venue)) + " " + of.url;
    const VenueRequests& venue = find_venue_requests(of.venue);
    EXPECT_EQ(venue.instrument_target(of.symbol, of.url), of.target) << what;
    Instrument instrument;
    const absl::Status status = read(of, of.answer, &instrument);
    ASSERT_TRUE(status.ok()) << what << ": " << status;
    EXPECT_EQ(instrument.status, InstrumentStatus::kTrading) << what;
    EXPECT_EQ(instrument.price_scale, of.price_scale) << what;
    EXPECT_EQ(instrument.quantity_scale, of.quantity_scale) << what;
    int64_t tick = 0;
    int64_t lot = 0;
    if (*of.tick != '\0') {
      ASSERT_EQ(parse_decimal(of.tick, of.price_scale, &tick),
                DecimalError::kOk);
    }
    if (*of.lot != '\0') {
      ASSERT_EQ(parse_decimal(of.lot, of.quantity_scale, &lot),
                DecimalError::kOk);
    }
    EXPECT_EQ(instrument.tick, tick) << what;
    EXPECT_EQ(instrument.lot, lot) << what;
  }
}

TEST(ReadInstruments, EveryVenueSaysHowToAsk) {
  for (const VenueTraits& traits : kVenues) {
    const VenueRequests& venue = find_venue_requests(traits.id);
    EXPECT_NE(venue.instrument_target("A-B", "ws://venue/spot").empty(),
              venue.instrument_request().empty())
        << traits.name;
  }
  const VenueRequests& okx = find_venue_requests(VenueId::kOkx);
  for (const auto& [symbol, type] :
       {std::pair("BTC-USDT-SWAP", "SWAP"),
        std::pair("BTC-USD-240927", "FUTURES"),
        std::pair("BTC-USD-240927-60000-C", "OPTION")}) {
    EXPECT_EQ(okx.instrument_target(symbol, ""),
              std::string("/api/v5/public/instruments?instType=") + type +
                  "&instId=" + symbol);
  }
  EXPECT_EQ(find_venue_requests(VenueId::kGateFutures)
                .instrument_target("BTC_USD", ""),
            "/api/v4/futures/btc/contracts/BTC_USD");
  EXPECT_EQ(find_venue_requests(VenueId::kKraken).instrument_request(),
            R"({"method":"subscribe","params":{"channel":"instrument",)"
            R"("snapshot":true}})");
}

constexpr InstrumentFormat kPlain = {
    .tick = "tick", .lot = "lot", .status = "state", .trading = "on"};

Instrument read_plain(std::string_view answer, absl::Status* status) {
  Instrument instrument = make_instrument(VenueId::kOkx, "X", 0);
  *status = read_instruments(kPlain, answer, {&instrument, 1});
  return instrument;
}

TEST(ReadInstruments, ScalesWidenForSmallerStepsAndStepsStayExact) {
  absl::Status status;
  Instrument x = read_plain(
      R"([{"symbol":"X","tick":"0.0000000000125","lot":25e-11,"state":"on"}])",
      &status);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(x.price_scale, 13);
  EXPECT_EQ(x.tick, 125);
  EXPECT_EQ(x.quantity_scale, 11);
  EXPECT_EQ(x.lot, 25);
  x = read_plain(R"([{"state":"on","lot":10,"tick":0.10000,"symbol":"X"}])",
                 &status);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(x.price_scale, 8);
  EXPECT_EQ(x.tick, 10'000'000);
  EXPECT_EQ(x.lot, 1'000'000'000);
}

TEST(ReadInstruments, WhatTakesNoOrdersIsSuspended) {
  absl::Status status;
  EXPECT_EQ(
      read_plain(R"([{"symbol":"X","tick":1,"lot":1,"state":"pre"}])", &status)
          .status,
      InstrumentStatus::kSuspended);
}

TEST(ReadInstruments, WhatTheAnswerDoesNotNameStaysUnknown) {
  absl::Status status;
  const Instrument x =
      read_plain(R"([{"symbol":"Y","tick":1,"lot":1,"state":"on"}])", &status);
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(x.status, InstrumentStatus::kUnknown);
  EXPECT_EQ(x.tick, 0);
}

TEST(ReadInstruments, ErrorsSayWhatAndWhereAndFillNothingIn) {
  const auto error = [](std::string_view answer) {
    absl::Status status;
    const Instrument x = read_plain(answer, &status);
    EXPECT_EQ(x.status, InstrumentStatus::kUnknown);
    EXPECT_EQ(x.tick, 0);
    return status.ToString();
  };
  EXPECT_EQ(error(R"([{"symbol":"X","tick":0,"lot":1,"state":"on"}])"),
            "INVALID_ARGUMENT: instruments: X: a step that is none at tick");
  for (const char* bad : {"-1", "\"abc\"", "\"\"", "null", "[]", "{}", "1e99",
                          "\"1e-30\"", "\"0x1\"", "\"99999999999999999999\""}) {
    EXPECT_NE(error(std::string(R"([{"symbol":"X","tick":1,"lot":)") + bad +
                    R"(,"state":"on"}])")
                  .find("X: a step that is none at lot"),
              std::string::npos)
        << bad;
  }
  EXPECT_EQ(error(R"([{"symbol":"X","lot":1,"state":"on"}])"),
            "INVALID_ARGUMENT: instruments: X: no step at tick");
  EXPECT_EQ(error(R"([{"symbol":"X","tick":1,"lot":1}])"),
            "INVALID_ARGUMENT: instruments: X: no status at state");
  EXPECT_EQ(error(R"([{"tick":1}])"),
            "INVALID_ARGUMENT: instruments: an entry without a symbol");
  EXPECT_EQ(error(R"([{"symbol":"X","tick":1,"lot":1,"state":"on"},)"
                  R"({"symbol":"X","tick":2,"lot":1,"state":"on"}])"),
            "INVALID_ARGUMENT: instruments: X: told twice");
  EXPECT_EQ(error("busy"),
            "INVALID_ARGUMENT: instruments: the answer is no JSON");
  EXPECT_EQ(error("1"),
            "INVALID_ARGUMENT: instruments: the answer is no JSON object or "
            "array");
}

TEST(ReadInstruments, AnAnswerOfAnotherShapeHasNoList) {
  for (const Documented& of : kDocumented) {
    const InstrumentFormat format =
        find_venue_requests(of.venue).instrument_format();
    if (format.list.empty()) continue;
    Instrument instrument;
    for (
        const char* other :
        {R"({"code":-1121,"msg":"Invalid symbol."})", "[]",
         R"({"channel":"status","type":"update","data":[{"system":"online"}]})"}) {
      EXPECT_FALSE(read(of, other, &instrument).ok()) << other;
    }
  }
  Instrument kraken = make_instrument(VenueId::kKraken, "BTC/USD", 0);
  for (const char* other :
       {R"({"channel":"heartbeat"})",
        R"({"channel":"status","type":"update","data":[{"system":"online"}]})",
        R"({"method":"subscribe","result":{"channel":"instrument"}})"}) {
    EXPECT_EQ(read_instruments(
                  find_venue_requests(VenueId::kKraken).instrument_format(),
                  other, {&kraken, 1})
                  .code(),
              absl::StatusCode::kNotFound)
        << other;
  }
}

// Whatever is done to an answer: no crash, and steps and scales that a book can
// be made of.
TEST(ReadInstruments, SpoiltAnswersAreRefusedOrUnderstood) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  constexpr std::string_view kBytes = "{}[]\",:.-+eE0129 nt\\";
  for (const Documented& of : kDocumented) {
    for (int round = 0; round < 2'000; ++round) {
      std::string answer = of.answer;
      for (unsigned changes = random() % 4 + 1; changes > 0; --changes) {
        const size_t at = random() % answer.size();
        switch (random() % 4) {
          case 0:
            answer[at] = kBytes[random() % kBytes.size()];
            break;
          case 1:
            answer.erase(at, random() % 8 + 1);
            break;
          case 2:
            answer.insert(
                at, answer.substr(random() % answer.size(), random() % 16 + 1));
            break;
          default:
            answer.resize(at);
            break;
        }
        if (answer.empty()) answer = " ";
      }
      Instrument instrument;
      const absl::Status status = read(of, answer, &instrument);
      EXPECT_TRUE(status.ok() ||
                  instrument.status == InstrumentStatus::kUnknown);
      EXPECT_GE(instrument.tick, 0);
      EXPECT_GE(instrument.lot, 0);
      EXPECT_LE(instrument.price_scale, kMaxScale);
      EXPECT_LE(instrument.quantity_scale, kMaxScale);
    }
  }
}

}  // namespace
}  // namespace wirebook
