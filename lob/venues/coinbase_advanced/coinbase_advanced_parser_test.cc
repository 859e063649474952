// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/coinbase_advanced/coinbase_advanced_parser.h"

#include <string>

#include "gtest/gtest.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

using Kind = ParsedMessageKind;

std::string message(const std::string& channel, const std::string& events,
                    const std::string& sequence = R"("sequence_num":7,)") {
  return R"({"channel":")" + channel +
         R"(","timestamp":"2026-08-09T21:05:48.483587501Z",)" + sequence +
         R"("events":[)" + events + "]}";
}

std::string update(const std::string& side, const std::string& price,
                   const std::string& quantity) {
  return R"({"side":")" + side +
         R"(","event_time":"2026-08-09T21:05:48.170326Z","price_level":")" +
         price + R"(","new_quantity":")" + quantity + R"("})";
}

std::string event(const std::string& type, const std::string& updates) {
  return R"({"type":")" + type + R"(","product_id":"BTC-USD","updates":[)" +
         updates + "]}";
}

TEST(CoinbaseAdvancedParser, ASnapshotAndAnUpdate) {
  ParserUnderTest under_test(VenueId::kCoinbaseAdvanced, true);
  // Sides in any order.
  const ParsedMessage& snapshot = under_test.parse(message(
      "l2_data", event("snapshot", update("offer", "65083.67", "1") + "," +
                                       update("bid", "65083.66", "0.20371215") +
                                       "," + update("offer", "65084", "2"))));
  EXPECT_EQ(snapshot.kind, Kind::kSnapshot);
  EXPECT_TRUE(snapshot.has_connection_sequence);
  EXPECT_EQ(snapshot.connection_sequence, 7u);
  EXPECT_EQ(snapshot.exchange_time_ns, 1786309548483587501);
  ASSERT_EQ(snapshot.bids().size(), 1u);
  EXPECT_EQ(snapshot.bids()[0], (PriceLevel{6508366000000, 20371215}));
  ASSERT_EQ(snapshot.asks().size(), 2u);
  EXPECT_EQ(snapshot.asks()[1], (PriceLevel{6508400000000, 200000000}));
  const ParsedMessage& delta = under_test.parse(
      message("l2_data", event("update", update("bid", "1", "0"))));
  EXPECT_EQ(delta.kind, Kind::kDelta);
  EXPECT_EQ(delta.bids()[0], (PriceLevel{100000000, 0}));
}

// Whatever a message speaks of, it counts.
TEST(CoinbaseAdvancedParser, EveryMessageHasItsNumber) {
  ParserUnderTest under_test(VenueId::kCoinbaseAdvanced, true);
  for (const std::string& text :
       {message("subscriptions", R"({"subscriptions":{}})"),
        message("candles", ""), message("heartbeats", R"({"x":1})"),
        message("market_trades", R"({"type":"update","trades":[]})"),
        message("ticker", R"({"type":"update","tickers":[]})")}) {
    const ParsedMessage& first = under_test.parse(text);
    EXPECT_TRUE(first.has_connection_sequence) << text;
    EXPECT_EQ(first.connection_sequence, 7u) << text;
  }
  const ParsedMessage& broken =
      under_test.parse(message("l2_data", event("other", "")));
  EXPECT_EQ(broken.kind, Kind::kMalformed);
  EXPECT_TRUE(broken.has_connection_sequence);
}

TEST(CoinbaseAdvancedParser, TickersAndTrades) {
  ParserUnderTest under_test(VenueId::kCoinbaseAdvanced, true);
  under_test.parse(message("l2_data", event("snapshot", "")));
  const ParsedMessage& ticker = under_test.parse(message(
      "ticker",
      R"({"type":"update","tickers":[{"type":"ticker","product_id":"BTC-USD",)"
      R"("price":"3","best_bid":"1","best_bid_quantity":"2","best_ask":"4",)"
      R"("best_ask_quantity":"5"}]})"));
  EXPECT_EQ(ticker.kind, Kind::kBestBidOffer);
  EXPECT_EQ(ticker.bids()[0], (PriceLevel{100000000, 200000000}));
  EXPECT_EQ(ticker.asks()[0], (PriceLevel{400000000, 500000000}));
  const ParsedMessage& trade = under_test.parse(message(
      "market_trades",
      R"({"type":"update","trades":[{"product_id":"BTC-USD","trade_id":"12",)"
      R"("price":"3","size":"6","time":"2026-08-09T21:05:48.167634Z",)"
      R"("side":"SELL"}]})"));
  EXPECT_EQ(trade.kind, Kind::kTrade);
  EXPECT_EQ(trade.last_update_id, 12u);
  EXPECT_EQ(trade.aggressor, Side::kBid) << "the maker sold";
  EXPECT_EQ(trade.exchange_time_ns, 1786309548167634000);
}

TEST(CoinbaseAdvancedParser, ARefusalAndAHeartbeat) {
  ParserUnderTest under_test(VenueId::kCoinbaseAdvanced, true);
  EXPECT_EQ(under_test.parse(R"({"type":"error","message":"no"})").kind,
            Kind::kRefused);
  EXPECT_EQ(under_test.parse(message("heartbeats", "{}")).kind,
            Kind::kHeartbeat);
  EXPECT_EQ(under_test.parse(message("subscriptions", "{}")).kind,
            Kind::kIgnored);
}

// The venue has sent such a time.
TEST(CoinbaseAdvancedParser, ATimeThatIsNoneDoesNotMatter) {
  ParserUnderTest under_test(VenueId::kCoinbaseAdvanced, true);
  const ParsedMessage& delta = under_test.parse(
      R"({"channel":"l2_data","timestamp":"0001-01-01T00:00:00.000000Z",)"
      R"("sequence_num":1,"events":[)" +
      event("update", update("bid", "1", "2")) + "]}");
  EXPECT_EQ(delta.kind, Kind::kDelta);
  EXPECT_EQ(delta.exchange_time_ns, 0);
}

// The frame is discarded whole: so is what it said of the other book.
TEST(CoinbaseAdvancedParser, AFaultBehindAnotherBookIsTheConnections) {
  ParserUnderTest under_test(VenueId::kCoinbaseAdvanced, true);
  std::string other = event("update", update("bid", "x", "2"));
  other.replace(other.find("BTC"), 3, "ETH");
  const ParsedMessage& parsed = under_test.parse(message(
      "l2_data", event("update", update("bid", "1", "2")) + "," + other));
  EXPECT_EQ(parsed.kind, Kind::kMalformed);
  EXPECT_EQ(parsed.instrument, kNoInstrument);
  EXPECT_TRUE(parsed.concerns_book);
}

TEST(CoinbaseAdvancedParser, WhatTheProtocolDoesNotAllowIsMalformed) {
  const std::string good = update("bid", "1", "2");
  for (const std::string& text : {
           message("l2_data", event("update", good), ""),
           message("l2_data", event("update", good), R"("sequence_num":-1,)"),
           message("l2_data", event("changed", good)),
           message("l2_data", event("update", update("ask", "1", "2"))),
           message("l2_data", event("update", update("bid", "0", "2"))),
           message("l2_data", event("update", update("bid", "1", "0.-10000"))),
           message("l2_data", event("update", R"({"side":"bid"})")),
           message("l2_data", event("update", "1")),
           message("l2_data", R"({"type":"update","updates":[]})"),
           message("l2_data", "[]"),
           std::string(R"({"channel":"l2_data","sequence_num":1})"),
           message("l2_data", event("update", good)) + "{}",
           std::string("[]"),
       }) {
    ParserUnderTest under_test(VenueId::kCoinbaseAdvanced, true);
    const ParsedMessage& parsed = under_test.parse(text);
    EXPECT_EQ(parsed.kind, Kind::kMalformed) << text;
    EXPECT_TRUE(parsed.concerns_book) << text;
  }
}

}  // namespace
}  // namespace wirebook
