// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/deribit/deribit_parser.h"

#include <string>

#include "gtest/gtest.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

using Kind = ParsedMessageKind;

std::string subscription(const std::string& channel, const std::string& data) {
  return R"({"jsonrpc":"2.0","method":"subscription","params":{"channel":")" +
         channel + R"(","data":)" + data + "}}";
}

std::string book(const std::string& head, const std::string& bids) {
  return subscription("book.BTC-PERPETUAL.100ms",
                      "{" + head +
                          R"("timestamp":1554373962454,"instrument_name":)"
                          R"("BTC-PERPETUAL","bids":[)" +
                          bids + R"(],"asks":[["delete",5043.5,0]]})");
}

const char kSnapshot[] = R"("type":"snapshot","change_id":297217,)";
const char kChange[] =
    R"("type":"change","prev_change_id":297217,"change_id":297218,)";

TEST(DeribitParser, ASnapshotAndAChange) {
  ParserUnderTest under_test(VenueId::kDeribit, true);
  const ParsedMessage& snapshot =
      under_test.parse(book(kSnapshot, R"(["new",5042.34,30.0])"));
  EXPECT_EQ(snapshot.kind, Kind::kSnapshot);
  EXPECT_EQ(snapshot.last_update_id, 297217u);
  EXPECT_EQ(snapshot.exchange_time_ns, 1554373962454000000);
  EXPECT_EQ(snapshot.bids()[0], (PriceLevel{504234000000, 3000000000}));
  EXPECT_EQ(snapshot.asks()[0], (PriceLevel{504350000000, 0}));
  const ParsedMessage& change = under_test.parse(
      book(kChange, R"(["delete",5042.34,0.0],["change",0.0005,1e1])"));
  EXPECT_EQ(change.kind, Kind::kDelta);
  EXPECT_EQ(change.previous_update_id, 297217u);
  EXPECT_EQ(change.last_update_id, 297218u);
  EXPECT_EQ(change.bids()[0], (PriceLevel{504234000000, 0}));
  EXPECT_EQ(change.bids()[1], (PriceLevel{50000, 1000000000}));
}

TEST(DeribitParser, GroupedChannelsSendSnapshotsWithoutSayingSo) {
  ParserUnderTest under_test(VenueId::kDeribit, true);
  const ParsedMessage& snapshot = under_test.parse(subscription(
      "book.ETH-PERPETUAL.none.10.100ms",
      R"({"timestamp":1,"instrument_name":"ETH-PERPETUAL","change_id":5,)"
      R"("bids":[[160,40]],"asks":[[161,20]]})"));
  EXPECT_EQ(snapshot.kind, Kind::kSnapshot);
  EXPECT_EQ(snapshot.bids()[0], (PriceLevel{16000000000, 4000000000}));
}

TEST(DeribitParser, QuotesAndTrades) {
  ParserUnderTest under_test(VenueId::kDeribit, true);
  const std::string quote = subscription(
      "quote.BTC-PERPETUAL",
      R"({"timestamp":2,"instrument_name":"BTC-PERPETUAL","best_bid_price":)"
      R"(3914.97,"best_bid_amount":40,"best_ask_price":null,)"
      R"("best_ask_amount":0})");
  EXPECT_EQ(under_test.parse(quote).kind, Kind::kIgnored) << "no such book";
  under_test.parse(book(kSnapshot, ""));
  const ParsedMessage& touch = under_test.parse(quote);
  EXPECT_EQ(touch.kind, Kind::kBestBidOffer);
  EXPECT_EQ(touch.bids()[0], (PriceLevel{391497000000, 4000000000}));
  EXPECT_EQ(touch.asks()[0], PriceLevel());
  const ParsedMessage& trade = under_test.parse(subscription(
      "trades.BTC-PERPETUAL.100ms",
      R"([{"trade_seq":30289442,"trade_id":"48079269","timestamp":1590484512188,)"
      R"("price":8950.0,"instrument_name":"BTC-PERPETUAL","direction":"sell",)"
      R"("amount":10.0}])"));
  EXPECT_EQ(trade.kind, Kind::kTrade);
  EXPECT_EQ(trade.aggressor, Side::kAsk);
  EXPECT_EQ(trade.last_update_id, 30289442u);
  EXPECT_EQ(trade.asks()[0], (PriceLevel{895000000000, 1000000000}));
}

TEST(DeribitParser, AnswersAndHeartbeats) {
  ParserUnderTest under_test(VenueId::kDeribit, true);
  EXPECT_EQ(under_test
                .parse(R"({"jsonrpc":"2.0","method":"heartbeat",)"
                       R"("params":{"type":"test_request"}})")
                .kind,
            Kind::kHeartbeat);
  EXPECT_EQ(under_test.parse(R"({"jsonrpc":"2.0","id":1,"result":[]})").kind,
            Kind::kHeartbeat);
  EXPECT_EQ(
      under_test.parse(R"({"jsonrpc":"2.0","id":1,"error":{"code":11050}})")
          .kind,
      Kind::kRefused);
  EXPECT_EQ(under_test.parse(subscription("ticker.X.raw", "{}")).kind,
            Kind::kIgnored);
  EXPECT_EQ(under_test.parse("{}").kind, Kind::kIgnored);
}

TEST(DeribitParser, WhatTheProtocolDoesNotAllowIsMalformed) {
  for (const std::string& text : {
           book(R"("type":"change","change_id":2,)", ""),
           book(R"("type":"other","change_id":2,)", ""),
           book(R"("type":"snapshot",)", ""),
           book(R"("type":"snapshot","change_id":9223372036854775808,)", ""),
           book(R"("type":"snapshot","change_id":1,"change_id":2,)", ""),
           book(kChange, R"(["new",1,0])"),
           book(kChange, R"(["delete",1,1])"),
           book(kChange, R"(["moved",1,1])"),
           book(kChange, R"(["new",0,1])"),
           book(kChange, R"(["new",1])"),
           book(kChange, R"(["new",1,1,1])"),
           book(kChange, R"(["new","new",1,1])"),
           book(kChange, R"(["new",-1,1])"),
           subscription("book.X.100ms", "[]"),
           subscription("book.X.100ms", "{}"),
           book(kChange, "") + "{}",
           std::string("[]"),
       }) {
    ParserUnderTest under_test(VenueId::kDeribit, true);
    const ParsedMessage& message = under_test.parse(text);
    EXPECT_EQ(message.kind, Kind::kMalformed) << text;
    EXPECT_TRUE(message.concerns_book) << text;
  }
}

TEST(DeribitParser, AMalformedTradeDoesNotConcernTheBook) {
  ParserUnderTest under_test(VenueId::kDeribit, true);
  const ParsedMessage& message =
      under_test.parse(subscription("trades.X.raw", "[{}]"));
  EXPECT_EQ(message.kind, Kind::kMalformed);
  EXPECT_FALSE(message.concerns_book);
}

}  // namespace
}  // namespace wirebook
