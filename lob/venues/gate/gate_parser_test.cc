// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/gate/gate_parser.h"

#include <string>

#include "gtest/gtest.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

using Kind = ParsedMessageKind;

std::string update(const std::string& ids, const std::string& bids,
                   const std::string& market = "spot") {
  return R"({"time":1619093532,"time_ms":1619093532979,"channel":")" + market +
         R"(.order_book_update","event":"update","result":{"t":1619093532978,)"
         R"("e":"depthUpdate","E":1619093532,"s":"HAI_ETH",)" +
         ids + R"(,"b":[)" + bids + R"(],"a":[]}})";
}

constexpr char kIds[] = R"("U":2691446,"u":2691447)";

struct GateSpot : testing::Test {
  ParserUnderTest parser{VenueId::kGate, true};
};

TEST_F(GateSpot, AnUpdate) {
  const ParsedMessage& delta =
      parser.parse(update(kIds, R"(["0.00010322","5360.209"],["0.1","0"])"));
  EXPECT_EQ(delta.kind, Kind::kDelta);
  EXPECT_EQ(delta.first_update_id, 2691446u);
  EXPECT_EQ(delta.last_update_id, 2691447u);
  EXPECT_EQ(delta.exchange_time_ns, 1619093532978000000);
  EXPECT_EQ(delta.send_time_ns, 1619093532979000000);
  EXPECT_EQ(delta.price_scale, 10);
  ASSERT_EQ(delta.bids().size(), 2u);
  EXPECT_EQ(delta.bids()[0], (PriceLevel{1032200, 53602090000000}));
}

TEST_F(GateSpot, ABodyIsASnapshot) {
  parser.parse(update(kIds, ""));
  const ParsedMessage& snapshot = parser.parse(
      R"({"id":2691446,"current":1619093533764,"update":1619093533,)"
      R"("asks":[["0.00010396","5876.967"]],"bids":[["0.0001","1"]]})",
      RawMessageKind::kHttpBody);
  EXPECT_EQ(snapshot.kind, Kind::kSnapshot);
  EXPECT_FALSE(snapshot.has_first_update_id);
  EXPECT_EQ(snapshot.last_update_id, 2691446u);
  ASSERT_EQ(snapshot.asks().size(), 1u);
  for (const char* text :
       {R"({"label":"INVALID_CURRENCY","message":"x"})",
        R"({"id":1,"asks":[],"bids":[]}{})",
        R"({"id":9223372036854775808,"asks":[],"bids":[]})"}) {
    const ParsedMessage& failed = parser.parse(text, RawMessageKind::kHttpBody);
    EXPECT_EQ(failed.kind, Kind::kMalformed) << text;
    EXPECT_EQ(failed.instrument, 0u) << text;
  }
}

TEST_F(GateSpot, AFullUpdateReplacesTheBook) {
  const ParsedMessage& full = parser.parse(
      update(std::string(R"("full":true,"l":"100",)") + kIds, R"(["1","1"])"));
  EXPECT_EQ(full.kind, Kind::kSnapshot);
  EXPECT_TRUE(full.has_first_update_id) << "which tells it from a body";
  EXPECT_EQ(full.last_update_id, 2691447u);
}

TEST_F(GateSpot, TouchAndTrades) {
  parser.parse(update(kIds, ""));
  const ParsedMessage& touch = parser.parse(
      R"({"time":1,"channel":"spot.book_ticker","event":"update","result":)"
      R"({"t":1606293275723,"u":48733182,"s":"HAI_ETH","b":"19177.79",)"
      R"("B":"0.0003341504","a":"19179.38","A":"0.09"}})");
  EXPECT_EQ(touch.kind, Kind::kBestBidOffer);
  EXPECT_EQ(touch.exchange_time_ns, 1606293275723000000);
  EXPECT_EQ(touch.bids()[0], (PriceLevel{191777900000000, 3341504}));
  EXPECT_EQ(touch.asks()[0], (PriceLevel{191793800000000, 900000000}));
  const ParsedMessage& trade = parser.parse(
      R"({"time":1,"channel":"spot.trades","event":"update","result":)"
      R"({"id":816995772,"create_time":1619093543,)"
      R"("create_time_ms":"1619093543708.2642","side":"sell",)"
      R"("currency_pair":"HAI_ETH","amount":"0.2010000000",)"
      R"("price":"121.5800000000"}})");
  EXPECT_EQ(trade.kind, Kind::kTrade);
  EXPECT_EQ(trade.aggressor, Side::kAsk);
  EXPECT_EQ(trade.last_update_id, 816995772u);
  EXPECT_EQ(trade.exchange_time_ns, 1619093543708264200);
  EXPECT_EQ(trade.asks()[0], (PriceLevel{1215800000000, 2010000000}));
}

TEST_F(GateSpot, Answers) {
  const auto answer = [](const std::string& rest) {
    return R"({"time":1,"channel":"spot.order_book_update",)" + rest + "}";
  };
  const ParsedMessage& subscribed = parser.parse(
      answer(R"("event":"subscribe","result":{"status":"success"})"));
  EXPECT_EQ(subscribed.kind, Kind::kSubscribed);
  EXPECT_EQ(subscribed.instrument, kNoInstrument);
  EXPECT_EQ(parser
                .parse(answer(R"("event":"subscribe","error":null,)"
                              R"("result":{"status":"success"})"))
                .kind,
            Kind::kSubscribed);
  const ParsedMessage& refused = parser.parse(
      answer(R"("event":"subscribe","error":{"code":2,"message":"x"})"));
  EXPECT_EQ(refused.kind, Kind::kRefused);
  EXPECT_EQ(refused.reason, BookReason::kVenueRefused);
  EXPECT_EQ(parser.parse(answer(R"("event":"unsubscribe")")).kind,
            Kind::kIgnored);
  EXPECT_EQ(parser.parse(R"({"time":1,"channel":"spot.pong","event":""})").kind,
            Kind::kHeartbeat);
  EXPECT_EQ(parser
                .parse(R"({"channel":"spot.tickers","event":"update",)"
                       R"("result":{}})")
                .kind,
            Kind::kIgnored);
}

TEST_F(GateSpot, WhatTheProtocolDoesNotAllowIsMalformed) {
  for (const std::string& text : {
           update(R"("U":2,"u":1)", ""),
           update(R"("U":1,"u":9223372036854775808)", ""),
           update(R"("U":1)", ""),
           update(R"("U":1,"u":1,"full":1)", ""),
           update(kIds, R"(["1"])"),
           update(kIds, R"({"p":"1","s":1})"),
           update(kIds, "") + "{}",
           std::string(R"({"channel":"spot.order_book_update",)"
                       R"("event":"update","result":[]})"),
           std::string(R"({"channel":"spot.order_book_update",)"
                       R"("event":"update"})"),
           std::string(R"({"channel":"a","channel":"b"})"),
           std::string("[]"),
       }) {
    const ParsedMessage& message = parser.parse(text);
    EXPECT_EQ(message.kind, Kind::kMalformed) << text;
    EXPECT_TRUE(message.concerns_book) << text;
  }
  for (
      const char* text :
      {R"({"channel":"spot.trades","event":"update"})",
       R"({"channel":"spot.trades","event":"update","result":{"id":1}})",
       R"({"channel":"spot.trades","event":"update","result":{"id":1,)"
       R"("create_time_ms":"1","currency_pair":"A","price":"1","side":"x",)"
       R"("amount":"1"}})",
       R"({"channel":"spot.book_ticker","event":"update","result":[{}]})",
       R"({"channel":"spot.book_ticker","event":"update","result":{"s":"A"}})"}) {
    const ParsedMessage& message = parser.parse(text);
    EXPECT_EQ(message.kind, Kind::kMalformed) << text;
    EXPECT_FALSE(message.concerns_book) << text;
  }
}

struct GateFutures : testing::Test {
  ParserUnderTest parser{VenueId::kGateFutures, true};
};

TEST_F(GateFutures, LevelsAreObjects) {
  // crypto-crawler-rs, crypto-msg-parser/tests/gate.rs.
  const ParsedMessage& delta = parser.parse(
      R"({"id":null,"time":1632793098,"channel":"futures.order_book_update",)"
      R"("event":"update","error":null,"result":{"t":1632793098358,)"
      R"("s":"BTC_USD","U":3136077080,"u":3136077083,"b":[],)"
      R"("a":[{"p":"42372.9","s":0},{"p":"42367.1","s":738}]}})");
  EXPECT_EQ(delta.kind, Kind::kDelta);
  EXPECT_EQ(delta.last_update_id, 3136077083u);
  ASSERT_EQ(delta.asks().size(), 2u);
  EXPECT_EQ(delta.asks()[0], (PriceLevel{423729000000000, 0}));
  EXPECT_EQ(delta.asks()[1], (PriceLevel{423671000000000, 73800000000}));
  const ParsedMessage& decimal =
      parser.parse(update(kIds, R"({"s":"1.5","p":"42367.1"})", "futures"));
  EXPECT_EQ(decimal.bids()[0], (PriceLevel{423671000000000, 150000000}));
  const ParsedMessage& body = parser.parse(
      R"({"id":5,"current":1.5,"update":1.4,"asks":[{"p":"2","s":3}],)"
      R"("bids":[]})",
      RawMessageKind::kHttpBody);
  EXPECT_EQ(body.kind, Kind::kSnapshot);
  EXPECT_EQ(body.asks()[0], (PriceLevel{20000000000, 300000000}));
}

TEST_F(GateFutures, TheSignOfATradesSizeTellsWhoTook) {
  parser.parse(update(kIds, "", "futures"));
  const ParsedMessage& trade = parser.parse(
      R"({"channel":"futures.trades","event":"update","time":1541503698,)"
      R"("result":[{"size":-108,"id":27753479,"create_time":1545136464,)"
      R"("create_time_ms":1545136464123,"price":"96.4","contract":"HAI_ETH"},)"
      R"({"size":7,"id":27753480,"create_time_ms":1545136464123,)"
      R"("price":"96.4","contract":"HAI_ETH"}]})");
  EXPECT_EQ(trade.kind, Kind::kTrade);
  EXPECT_EQ(trade.aggressor, Side::kAsk);
  EXPECT_EQ(trade.exchange_time_ns, 1545136464123000000);
  EXPECT_EQ(trade.asks()[0], (PriceLevel{964000000000, 10800000000}));
  ASSERT_EQ(parser.sink.messages.size(), 2u);
  EXPECT_EQ(parser.sink.messages[1]->aggressor, Side::kBid);
}

TEST_F(GateFutures, WhatTheProtocolDoesNotAllowIsMalformed) {
  for (const std::string& text : {
           update(kIds, R"({"p":"1"})", "futures"),
           update(kIds, R"({"p":1,"s":1})", "futures"),
           update(kIds, R"({"p":"0","s":1})", "futures"),
           update(kIds, R"({"p":"1","s":-1})", "futures"),
           update(kIds, R"({"p":"1","p":"1","s":1})", "futures"),
           update(kIds, R"(["1","1"])", "futures"),
           update(kIds, "5", "futures"),
       }) {
    const ParsedMessage& message = parser.parse(text);
    EXPECT_EQ(message.kind, Kind::kMalformed) << text;
    EXPECT_EQ(message.instrument, 0u) << text;
  }
  EXPECT_EQ(
      parser.parse(update(kIds, R"({"p":"1.12345678901","s":1})", "futures"))
          .reason,
      BookReason::kScaleChanged);
}

}  // namespace
}  // namespace wirebook
