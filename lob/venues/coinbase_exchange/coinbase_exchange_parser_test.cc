// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/coinbase_exchange/coinbase_exchange_parser.h"

#include <string>

#include "gtest/gtest.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

using Kind = ParsedMessageKind;

constexpr char kSnapshot[] =
    R"({"type":"snapshot","product_id":"BTC-USD","asks":[["101.5","1"]],)"
    R"("bids":[["100.25","2.5"],["100","1"]]})";

std::string update(const std::string& changes) {
  return R"({"type":"l2update","product_id":"BTC-USD","changes":[)" + changes +
         R"(],"time":"2021-04-17T16:43:37.075687Z"})";
}

struct CoinbaseExchange : testing::Test {
  ParserUnderTest parser{VenueId::kCoinbaseExchange, true};
};

TEST_F(CoinbaseExchange, ASnapshotAndAnUpdate) {
  const ParsedMessage& snapshot = parser.parse(kSnapshot);
  EXPECT_EQ(snapshot.kind, Kind::kSnapshot);
  EXPECT_FALSE(snapshot.has_last_update_id);
  ASSERT_EQ(snapshot.bids().size(), 2u);
  EXPECT_EQ(snapshot.bids()[0], (PriceLevel{10025000000, 250000000}));
  ASSERT_EQ(snapshot.asks().size(), 1u);

  const ParsedMessage& delta = parser.parse(update(
      R"(["sell","101.5","0"],["buy","99","3"],["sell","102","0.00000001"])"));
  EXPECT_EQ(delta.kind, Kind::kDelta);
  EXPECT_EQ(delta.exchange_time_ns, 1618677817075687000);
  ASSERT_EQ(delta.bids().size(), 1u);
  EXPECT_EQ(delta.bids()[0], (PriceLevel{9900000000, 300000000}));
  ASSERT_EQ(delta.asks().size(), 2u);
  EXPECT_EQ(delta.asks()[0], (PriceLevel{10150000000, 0}));
  EXPECT_EQ(delta.asks()[1], (PriceLevel{10200000000, 1}));
}

TEST_F(CoinbaseExchange, ATickerHasSizesOrNot) {
  parser.parse(kSnapshot);
  const ParsedMessage& old = parser.parse(
      R"({"type":"ticker","sequence":5,"product_id":"BTC-USD","price":"100",)"
      R"("best_bid":"100.25","best_ask":"101.5","side":"buy",)"
      R"("time":"2021-04-17T16:43:30.244075Z","trade_id":1,"last_size":"1"})");
  EXPECT_EQ(old.kind, Kind::kBestBidOffer);
  EXPECT_EQ(old.bids()[0], (PriceLevel{10025000000, 0}));
  EXPECT_EQ(old.asks()[0], (PriceLevel{10150000000, 0}));
  const ParsedMessage& now = parser.parse(
      R"({"type":"ticker","product_id":"BTC-USD","best_bid":"100.25",)"
      R"("best_bid_size":"2.5","best_ask":"101.5","best_ask_size":"1"})");
  EXPECT_EQ(now.bids()[0], (PriceLevel{10025000000, 250000000}));
  EXPECT_EQ(now.asks()[0], (PriceLevel{10150000000, 100000000}));
}

std::string match(const std::string& type, const std::string& side) {
  return R"({"type":")" + type + R"(","trade_id":280232,"side":")" + side +
         R"(","size":"985","price":"0.5","product_id":"BTC-USD",)"
         R"("sequence":7,"time":"0001-01-01T00:00:00.000000Z"})";
}

TEST_F(CoinbaseExchange, AMatchNamesTheMakersSide) {
  EXPECT_EQ(parser.parse(match("match", "sell")).kind, Kind::kIgnored)
      << "no such book";
  parser.parse(kSnapshot);
  const ParsedMessage& trade = parser.parse(match("match", "sell"));
  EXPECT_EQ(trade.kind, Kind::kTrade);
  EXPECT_EQ(trade.aggressor, Side::kBid);
  EXPECT_EQ(trade.last_update_id, 280232u);
  EXPECT_EQ(trade.exchange_time_ns, 0) << "the year 1 is no time";
  EXPECT_EQ(trade.bids()[0], (PriceLevel{50000000, 98500000000}));
  EXPECT_EQ(parser.parse(match("match", "buy")).aggressor, Side::kAsk);
  EXPECT_EQ(parser.parse(match("last_match", "buy")).kind, Kind::kIgnored);
  const ParsedMessage& odd = parser.parse(match("match", "other"));
  EXPECT_EQ(odd.kind, Kind::kMalformed);
  EXPECT_FALSE(odd.concerns_book);
}

TEST_F(CoinbaseExchange, WhatIsNoData) {
  EXPECT_EQ(parser.parse(R"({"type":"subscriptions","channels":[]})").kind,
            Kind::kIgnored);
  EXPECT_EQ(
      parser
          .parse(R"({"type":"heartbeat","sequence":90,"last_trade_id":20,)"
                 R"("product_id":"BTC-USD"})")
          .kind,
      Kind::kHeartbeat);
  const ParsedMessage& refused =
      parser.parse(R"({"type":"error","message":"Failed to subscribe"})");
  EXPECT_EQ(refused.kind, Kind::kRefused);
  EXPECT_EQ(refused.reason, BookReason::kVenueRefused);
  EXPECT_EQ(refused.instrument, kNoInstrument);
}

TEST_F(CoinbaseExchange, WhatTheProtocolDoesNotAllowIsMalformed) {
  for (const std::string& text : {
           update(R"(["buy","1"])"),
           update(R"(["BUY","1","1"])"),
           update(R"(["buy","0","1"])"),
           update(R"(["buy","1","0.-10000"])"),
           update(R"(["buy",1,"1"])"),
           update(R"(["sell","1","-1"])"),
           update(R"({"buy":1})"),
           update("") + "{}",
           std::string(R"({"type":"l2update","product_id":"A"})"),
           std::string(R"({"type":"l2update","changes":[]})"),
           std::string(R"({"type":"l2update","product_id":"A","changes":1})"),
           std::string(R"({"type":"snapshot","product_id":"A","bids":[]})"),
           std::string(R"({"type":"a","type":"b"})"),
           std::string(R"({"type":"a","time":5})"),
           std::string("[]"),
           std::string("{"),
       }) {
    const ParsedMessage& message = parser.parse(text);
    EXPECT_EQ(message.kind, Kind::kMalformed) << text;
    EXPECT_TRUE(message.concerns_book) << text;
  }
  EXPECT_EQ(parser.parse(update(R"(["buy","0.123456789","1"])")).reason,
            BookReason::kScaleChanged);
}

TEST_F(CoinbaseExchange, AMalformedTickerDoesNotConcernTheBook) {
  parser.parse(kSnapshot);
  const ParsedMessage& message =
      parser.parse(R"({"type":"ticker","product_id":"BTC-USD","best_bid":"x",)"
                   R"("best_ask":"1"})");
  EXPECT_EQ(message.kind, Kind::kMalformed);
  EXPECT_FALSE(message.concerns_book);
}

}  // namespace
}  // namespace wirebook
