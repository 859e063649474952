// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/bybit/bybit_parser.h"

#include <string>

#include "gtest/gtest.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

using Kind = ParsedMessageKind;

std::string book(const std::string& type, const std::string& id,
                 const std::string& topic = "orderbook.50.BTCUSDT",
                 const std::string& bids = R"(["65114.20","6.054"])") {
  return R"({"topic":")" + topic + R"(","type":")" + type +
         R"(","ts":1786310818129,"data":{"s":"BTCUSDT","b":[)" + bids +
         R"(],"a":[["65116.60","0"]],"u":)" + id +
         R"(,"seq":7},"cts":1786310818128})";
}

TEST(BybitParser, ASnapshotAndADelta) {
  ParserUnderTest under_test(VenueId::kBybit, true);
  const ParsedMessage& snapshot = under_test.parse(book("snapshot", "17"));
  EXPECT_EQ(snapshot.kind, Kind::kSnapshot);
  EXPECT_EQ(snapshot.instrument, 0u);
  EXPECT_EQ(snapshot.last_update_id, 17u);
  EXPECT_FALSE(snapshot.has_previous_update_id);
  EXPECT_EQ(snapshot.exchange_time_ns, 1786310818128000000);
  EXPECT_EQ(snapshot.send_time_ns, 1786310818129000000);
  ASSERT_EQ(snapshot.bids().size(), 1u);
  EXPECT_EQ(snapshot.bids()[0], (PriceLevel{6511420000000, 605400000}));
  ASSERT_EQ(snapshot.asks().size(), 1u);
  EXPECT_EQ(snapshot.asks()[0], (PriceLevel{6511660000000, 0}));

  const ParsedMessage& delta = under_test.parse(book("delta", "18"));
  EXPECT_EQ(delta.kind, Kind::kDelta);
  EXPECT_TRUE(delta.has_previous_update_id);
  EXPECT_EQ(delta.previous_update_id, 17u);
  EXPECT_EQ(delta.last_update_id, 18u);
}

TEST(BybitParser, KeysInTheOrderOfFutures) {
  ParserUnderTest under_test(VenueId::kBybit, true);
  const ParsedMessage& delta = under_test.parse(
      R"({"topic":"orderbook.50.X","type":"delta","ts":5,"data":{"a":[],"u":9,)"
      R"("s":"X","b":[]},"cts":4})");
  EXPECT_EQ(delta.kind, Kind::kDelta);
  EXPECT_EQ(delta.last_update_id, 9u);
}

// The service began anew: what it says is all there is.
TEST(BybitParser, IdOneIsASnapshotWhateverItIsCalled) {
  ParserUnderTest under_test(VenueId::kBybit, true);
  EXPECT_EQ(under_test.parse(book("delta", "1")).kind, Kind::kSnapshot);
}

TEST(BybitParser, TheFirstLevelIsATopicOfItsOwn) {
  ParserUnderTest under_test(VenueId::kBybit, true);
  const std::string touch = book("snapshot", "3", "orderbook.1.BTCUSDT");
  EXPECT_EQ(under_test.parse(touch).kind, Kind::kIgnored) << "no such book";
  under_test.parse(book("snapshot", "17"));
  EXPECT_EQ(under_test.parse(touch).kind, Kind::kBestBidOffer);
}

TEST(BybitParser, Trades) {
  ParserUnderTest under_test(VenueId::kBybit, true);
  under_test.parse(book("snapshot", "17"));
  const ParsedMessage& trade = under_test.parse(
      R"({"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1,"data":[)"
      R"({"T":1672304486865,"s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.50",)"
      R"("L":"PlusTick","i":"20f43950-d8dd","BT":false,"seq":1783284617},)"
      R"({"T":1672304486866,"s":"BTCUSDT","S":"Sell","v":"0.002","p":"16578",)"
      R"("i":"x","BT":false}]})");
  EXPECT_EQ(trade.kind, Kind::kTrade);
  EXPECT_EQ(trade.aggressor, Side::kBid);
  EXPECT_EQ(trade.exchange_time_ns, 1672304486865000000);
  EXPECT_EQ(trade.bids()[0], (PriceLevel{1657850000000, 100000}));
  ASSERT_EQ(under_test.sink.messages.size(), 2u);
  EXPECT_EQ(under_test.sink.messages[1]->aggressor, Side::kAsk);
}

TEST(BybitParser, Answers) {
  ParserUnderTest under_test(VenueId::kBybit, true);
  EXPECT_EQ(under_test
                .parse(R"({"success":true,"ret_msg":"","conn_id":"1",)"
                       R"("op":"subscribe"})")
                .kind,
            Kind::kIgnored);
  EXPECT_EQ(under_test
                .parse(R"({"success":true,"ret_msg":"pong","conn_id":"1",)"
                       R"("op":"ping"})")
                .kind,
            Kind::kHeartbeat);
  EXPECT_EQ(
      under_test.parse(R"({"op":"pong","args":["1"],"conn_id":"1"})").kind,
      Kind::kHeartbeat);
  const ParsedMessage& refused = under_test.parse(
      R"({"success":false,"ret_msg":"error:handler not found","conn_id":"1",)"
      R"("op":"subscribe"})");
  EXPECT_EQ(refused.kind, Kind::kRefused);
  EXPECT_EQ(refused.instrument, kNoInstrument);
  EXPECT_EQ(under_test.parse(R"({"topic":"tickers.X","data":{}})").kind,
            Kind::kIgnored);
}

TEST(BybitParser, WhatTheProtocolDoesNotAllowIsMalformed) {
  for (const std::string& text : {
           book("delta", "0"),
           book("other", "17"),
           book("delta", "-3"),
           book("delta", "9223372036854775808"),
           book("delta", "17", "orderbook.50.BTCUSDT", R"(["1"])"),
           book("delta", "17", "orderbook.50.BTCUSDT", R"(["0","1"])"),
           book("delta", "17", "orderbook.50.BTCUSDT", R"(["1e3x","1"])"),
           book("delta", "17", "orderbook.50.BTCUSDT", R"([1,"1"])"),
           book("delta", "17") + "{}",
           std::string(R"({"topic":"orderbook.50.X","type":"delta","data":1})"),
           std::string(R"({"topic":"orderbook.50.X","type":"delta"})"),
           std::string(R"({"topic":"a","topic":"b"})"),
           std::string("[]"),
           std::string("{"),
       }) {
    ParserUnderTest under_test(VenueId::kBybit, true);
    const ParsedMessage& message = under_test.parse(text);
    EXPECT_EQ(message.kind, Kind::kMalformed) << text;
    EXPECT_EQ(message.reason, BookReason::kMalformedMessage) << text;
    EXPECT_TRUE(message.concerns_book) << text;
  }
}

TEST(BybitParser, TooManyDecimalsAreSaidToBe) {
  ParserUnderTest under_test(VenueId::kBybit, true);
  const ParsedMessage& message = under_test.parse(
      book("delta", "17", "orderbook.50.BTCUSDT", R"(["1.123456789","1"])"));
  EXPECT_EQ(message.kind, Kind::kMalformed);
  EXPECT_EQ(message.reason, BookReason::kScaleChanged);
  EXPECT_EQ(message.instrument, 0u);
}

// A trade that cannot be read costs a trade, not the book.
TEST(BybitParser, AMalformedTradeDoesNotConcernTheBook) {
  ParserUnderTest under_test(VenueId::kBybit, true);
  const ParsedMessage& message = under_test.parse(
      R"({"topic":"publicTrade.BTCUSDT","data":[{"s":"BTCUSDT"}]})");
  EXPECT_EQ(message.kind, Kind::kMalformed);
  EXPECT_FALSE(message.concerns_book);
}

}  // namespace
}  // namespace wirebook
