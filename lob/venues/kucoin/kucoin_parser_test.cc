// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Frames are those of kucoin.com/docs-new and Kucoin/kucoin-api-docs.

#include "lob/venues/kucoin/kucoin_parser.h"

#include <string>

#include "gtest/gtest.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

using Kind = ParsedMessageKind;

std::string update(
    const std::string& asks,
    const std::string& ids =
        R"("sequenceEnd":14701689783,"sequenceStart":14701689780)") {
  return R"({"topic":"/market/level2:BTC-USDT","type":"message",)"
         R"("subject":"trade.l2update","data":{"changes":{"asks":[)" +
         asks + R"(],"bids":[]},)" + ids +
         R"(,"symbol":"BTC-USDT","time":1729816425625}})";
}

struct Kucoin : testing::Test {
  ParserUnderTest parser{VenueId::kKucoin, true};
};

TEST_F(Kucoin, AnUpdate) {
  const ParsedMessage& delta = parser.parse(
      update(R"(["67993.3","1.21427407","14701689783"],["0","0","5"],)"
             R"(["67994","0","14701689782"])"));
  EXPECT_EQ(delta.kind, Kind::kDelta);
  EXPECT_EQ(delta.first_update_id, 14701689780u);
  EXPECT_EQ(delta.last_update_id, 14701689783u);
  EXPECT_EQ(delta.exchange_time_ns, 1729816425625000000);
  ASSERT_EQ(delta.asks().size(), 2u) << "a price of zero only counts";
  EXPECT_EQ(delta.asks()[0], (PriceLevel{679933000000000, 121427407}));
  EXPECT_EQ(delta.asks()[1], (PriceLevel{679940000000000, 0}));
}

TEST_F(Kucoin, AnUpdateIsItsSymbolsWhateverItsTopicSays) {
  std::string other = update(R"(["67993.3","1.5","1"])");
  parser.parse(other);
  other.replace(other.rfind("BTC-USDT"), 8, "ETH-USDT");
  for (const char* symbol : {"new", "known"}) {
    SCOPED_TRACE(symbol);
    const ParsedMessage& delta = parser.parse(other);
    EXPECT_EQ(delta.kind, Kind::kDelta);
    EXPECT_EQ(delta.instrument, 1u);
    EXPECT_EQ(parser.table[1].symbol, "ETH-USDT");
    ASSERT_EQ(delta.asks().size(), 1u);
    EXPECT_EQ(parser.sink.messages.size(), 1u);
  }
}

TEST_F(Kucoin, ABodyIsASnapshot) {
  parser.parse(update(""));
  const ParsedMessage& snapshot = parser.parse(
      R"({"code":"200000","data":{"time":1729176273859,)"
      R"("sequence":"14610502970","bids":[["66976.4","0.69109872"]],)"
      R"("asks":[["66976.5","0.05408199"]]}})",
      RawMessageKind::kHttpBody);
  EXPECT_EQ(snapshot.kind, Kind::kSnapshot);
  EXPECT_EQ(snapshot.last_update_id, 14610502970u);
  EXPECT_EQ(snapshot.exchange_time_ns, 1729176273859000000);
  EXPECT_EQ(snapshot.bids()[0], (PriceLevel{669764000000000, 69109872}));
  for (const char* text :
       {R"({"code":"400100","msg":"x"})",
        R"({"code":"200000","data":{"sequence":"1","bids":[["0","1"]],)"
        R"("asks":[]}})",
        R"({"data":{"sequence":1,"bids":[],"asks":[]}})"}) {
    const ParsedMessage& failed = parser.parse(text, RawMessageKind::kHttpBody);
    EXPECT_EQ(failed.kind, Kind::kMalformed) << text;
    EXPECT_EQ(failed.instrument, 0u) << text;
  }
}

TEST_F(Kucoin, TouchAndTrades) {
  parser.parse(update(""));
  const std::string touch =
      R"({"topic":"/market/ticker:BTC-USDT","type":"message",)"
      R"("subject":"trade.ticker","data":{"bestAsk":"67218.7",)"
      R"("bestAskSize":"1.92318539","bestBid":"67218.6",)"
      R"("bestBidSize":"0.01045638","price":"67220","sequence":"14691455768",)"
      R"("size":"0.00004316","time":1729757723612}})";
  const ParsedMessage& best = parser.parse(touch);
  EXPECT_EQ(best.kind, Kind::kBestBidOffer);
  EXPECT_EQ(best.exchange_time_ns, 1729757723612000000);
  EXPECT_EQ(best.bids()[0], (PriceLevel{672186000000000, 1045638}));
  const auto trade = [](const std::string& side, const std::string& id) {
    return R"({"topic":"/market/match:BTC-USDT","type":"message",)"
           R"("subject":"trade.l3match","data":{"makerOrderId":"x",)"
           R"("price":"67523","sequence":"11067996711960577","side":")" +
           side + R"(","size":"0.003","symbol":"BTC-USDT",)" +
           R"("takerOrderId":"y","time":"1729843222921000000","tradeId":")" +
           id + R"(","type":"match"}})";
  };
  const ParsedMessage& bought = parser.parse(trade("buy", "11067996711960577"));
  EXPECT_EQ(bought.kind, Kind::kTrade);
  EXPECT_EQ(bought.aggressor, Side::kBid);
  EXPECT_TRUE(bought.has_last_update_id);
  EXPECT_EQ(bought.exchange_time_ns, 1729843222921000000);
  EXPECT_EQ(bought.bids()[0], (PriceLevel{675230000000000, 300000}));
  const ParsedMessage& sold = parser.parse(trade("sell", "5c24c5da03aa"));
  EXPECT_EQ(sold.aggressor, Side::kAsk);
  EXPECT_FALSE(sold.has_last_update_id);
  const ParsedMessage& odd = parser.parse(trade("x", "1"));
  EXPECT_EQ(odd.kind, Kind::kMalformed);
  EXPECT_FALSE(odd.concerns_book);
  EXPECT_EQ(parser
                .parse(R"({"topic":"/market/ticker","type":"message",)"
                       R"("subject":"trade.ticker","data":{"bestAsk":"1"}})")
                .kind,
            Kind::kMalformed);
}

TEST_F(Kucoin, Answers) {
  EXPECT_EQ(parser.parse(R"({"id":"hQvf8jkno","type":"welcome"})").kind,
            Kind::kIgnored);
  EXPECT_EQ(parser.parse(R"({"id":"1","type":"ack"})").kind, Kind::kSubscribed);
  EXPECT_EQ(parser.parse(R"({"id":"1","type":"pong"})").kind, Kind::kHeartbeat);
  const ParsedMessage& refused = parser.parse(
      R"({"id":"1","type":"error","code":404,"data":"topic is invalid"})");
  EXPECT_EQ(refused.kind, Kind::kRefused);
  EXPECT_EQ(refused.reason, BookReason::kVenueRefused);
  EXPECT_EQ(
      parser.parse(R"({"type":"message","subject":"level2","data":{}})").kind,
      Kind::kIgnored);
}

TEST_F(Kucoin, WhatTheProtocolDoesNotAllowIsMalformed) {
  for (const std::string& text : {
           update(R"(["1"])"),
           update(R"([1,"1","1"])"),
           update("", R"("sequenceEnd":1,"sequenceStart":2)"),
           update("", R"("sequenceEnd":9223372036854775808,"sequenceStart":2)"),
           update("", R"("sequenceEnd":1)"),
           update("") + "{}",
           std::string(R"({"type":"message","subject":"trade.l2update"})"),
           std::string(R"({"type":"message","subject":"trade.l2update",)"
                       R"("data":{"symbol":5}})"),
           std::string(R"({"type":"a","type":"b"})"),
           std::string("[]"),
       }) {
    const ParsedMessage& message = parser.parse(text);
    EXPECT_EQ(message.kind, Kind::kMalformed) << text;
    EXPECT_TRUE(message.concerns_book) << text;
  }
}

}  // namespace
}  // namespace wirebook
