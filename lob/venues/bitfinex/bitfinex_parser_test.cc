// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/bitfinex/bitfinex_parser.h"

#include <string>

#include "gtest/gtest.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

using Kind = ParsedMessageKind;

std::string subscribed(int id, const std::string& channel,
                       const std::string& precision = "P0",
                       const std::string& symbol = "tBTCUSD") {
  return R"({"event":"subscribed","channel":")" + channel + R"(","chanId":)" +
         std::to_string(id) + R"(,"symbol":")" + symbol + R"(","prec":")" +
         precision + R"(","freq":"F0","len":"100","pair":"BTCUSD"})";
}

struct Bitfinex : testing::Test {
  ParserUnderTest parser{VenueId::kBitfinex, true};

  void subscribe() { parser.parse(subscribed(7, "book")); }
};

TEST_F(Bitfinex, ASubscriptionNamesTheChannel) {
  EXPECT_EQ(parser.parse("[7,[100,1,2],1]").kind, Kind::kIgnored);
  const ParsedMessage& ack = parser.parse(subscribed(7, "book"));
  EXPECT_EQ(ack.kind, Kind::kSubscribed);
  EXPECT_EQ(ack.instrument, 0u);
  EXPECT_EQ(ack.depth, 100u);
  EXPECT_EQ(parser.table[0].symbol, "tBTCUSD");
  EXPECT_EQ(parser.parse("[7,[100,1,2],1]").kind, Kind::kDelta);
  EXPECT_EQ(parser.parse(subscribed(8, "book", "R0")).kind, Kind::kIgnored);
  EXPECT_EQ(parser.parse("[8,[100,1,2],1]").kind, Kind::kIgnored);
  EXPECT_EQ(parser.parse(subscribed(9, "candles")).kind, Kind::kIgnored);
}

TEST_F(Bitfinex, ASnapshotAndUpdates) {
  subscribe();
  const ParsedMessage& snapshot =
      parser.parse("[7,[[100.5,1,2],[99,3,0.5],[101,1,-4.25]],5]");
  EXPECT_EQ(snapshot.kind, Kind::kSnapshot);
  EXPECT_TRUE(snapshot.has_connection_sequence);
  EXPECT_EQ(snapshot.connection_sequence, 5u);
  ASSERT_EQ(snapshot.bids().size(), 2u);
  EXPECT_EQ(snapshot.bids()[0], (PriceLevel{1005000000000, 200000000}));
  ASSERT_EQ(snapshot.asks().size(), 1u);
  EXPECT_EQ(snapshot.asks()[0], (PriceLevel{1010000000000, 425000000}));

  const ParsedMessage& bid = parser.parse("[7,[2e-7,1,0.00000001],6,\"new\"]");
  EXPECT_EQ(bid.kind, Kind::kDelta);
  ASSERT_EQ(bid.bids().size(), 1u);
  EXPECT_TRUE(bid.asks().empty());
  EXPECT_EQ(bid.bids()[0], (PriceLevel{2000, 1}));

  const ParsedMessage& removal = parser.parse("[7,[101,0,-1],7]");
  EXPECT_TRUE(removal.bids().empty());
  ASSERT_EQ(removal.asks().size(), 1u);
  EXPECT_EQ(removal.asks()[0], (PriceLevel{1010000000000, 0}));

  EXPECT_EQ(parser.parse("[7,[],8]").kind, Kind::kSnapshot) << "an empty book";
}

TEST_F(Bitfinex, ASumIsAnUpdateWithoutLevels) {
  subscribe();
  const ParsedMessage& sum = parser.parse(R"([7,"cs",-1605018431,9])");
  EXPECT_EQ(sum.kind, Kind::kDelta);
  EXPECT_TRUE(sum.has_checksum);
  EXPECT_EQ(sum.checksum, static_cast<uint32_t>(-1605018431));
  EXPECT_EQ(sum.level_count(), 0u);
  EXPECT_EQ(sum.connection_sequence, 9u);
}

TEST_F(Bitfinex, HeartbeatsCountWhateverTheirChannel) {
  const ParsedMessage& early = parser.parse(R"([7,"hb",139])");
  EXPECT_EQ(early.kind, Kind::kHeartbeat);
  EXPECT_TRUE(early.has_connection_sequence);
  EXPECT_EQ(early.connection_sequence, 139u);
  EXPECT_EQ(parser.parse(R"({"event":"pong","ts":1,"cid":2})").kind,
            Kind::kHeartbeat);
}

TEST_F(Bitfinex, TickersAndTrades) {
  EXPECT_EQ(parser.parse(subscribed(8, "ticker")).kind, Kind::kIgnored);
  EXPECT_EQ(parser.parse("[8,[100,5,101,6,0,0,0,0,0,0],2]").kind,
            Kind::kIgnored)
      << "no such book when it was subscribed";
  subscribe();
  parser.parse(subscribed(8, "ticker"));
  const ParsedMessage& touch =
      parser.parse("[8,[100,5.00000000000001,101,6,0,0,0,0,0,0],2]");
  EXPECT_EQ(touch.kind, Kind::kBestBidOffer);
  EXPECT_EQ(touch.bids()[0], (PriceLevel{1000000000000, 0}));
  EXPECT_EQ(touch.asks()[0], (PriceLevel{1010000000000, 0}));
  parser.parse(subscribed(9, "trades"));
  const ParsedMessage& trade =
      parser.parse(R"([9,"te",[670155031,1618677442819,-0.5,60410],3])");
  EXPECT_EQ(trade.kind, Kind::kTrade);
  EXPECT_EQ(trade.aggressor, Side::kAsk);
  EXPECT_EQ(trade.last_update_id, 670155031u);
  EXPECT_EQ(trade.exchange_time_ns, 1618677442819000000);
  EXPECT_EQ(trade.asks()[0], (PriceLevel{604100000000000, 50000000}));
  EXPECT_EQ(parser.parse(R"([9,"te",[1,1,0.5,60410],4])").aggressor,
            Side::kBid);
  const ParsedMessage& again = parser.parse(R"([9,"tu",[1,1,0.5,60410],5])");
  EXPECT_EQ(again.kind, Kind::kIgnored);
  EXPECT_EQ(again.connection_sequence, 5u);
  EXPECT_EQ(parser.parse("[9,[[1,1,0.5,60410]],6]").kind, Kind::kIgnored);
}

TEST_F(Bitfinex, Events) {
  subscribe();
  EXPECT_EQ(
      parser.parse(R"({"event":"conf","status":"OK","flags":196608})").kind,
      Kind::kIgnored);
  EXPECT_EQ(parser.parse(R"({"event":"conf","status":"FAILED"})").kind,
            Kind::kRefused);
  const ParsedMessage& dup =
      parser.parse(R"({"event":"error","msg":"subscribe: dup","code":10301,)"
                   R"("channel":"book","symbol":"tBTCUSD"})");
  EXPECT_EQ(dup.kind, Kind::kRefused);
  EXPECT_EQ(dup.reason, BookReason::kVenueRefused);
  EXPECT_EQ(dup.instrument, 0u);
  EXPECT_EQ(parser
                .parse(R"({"event":"error","msg":"symbol: invalid",)"
                       R"("code":10300,"channel":"book","symbol":"tX"})")
                .kind,
            Kind::kIgnored);
  EXPECT_EQ(parser
                .parse(R"({"event":"error","code":10300,"channel":"ticker",)"
                       R"("symbol":"tBTCUSD"})")
                .kind,
            Kind::kIgnored);
  const auto info = [this](const std::string& rest) -> const ParsedMessage& {
    return parser.parse(R"({"event":"info",)" + rest + "}");
  };
  EXPECT_EQ(info(R"("code":20051)").kind, Kind::kShutdown);
  const ParsedMessage& paused = info(R"("code":20060)");
  EXPECT_EQ(paused.kind, Kind::kStatus);
  EXPECT_EQ(paused.reason, BookReason::kVenueStatus);
  const ParsedMessage& resumed = info(R"("code":20061)");
  EXPECT_EQ(resumed.kind, Kind::kStatus);
  EXPECT_EQ(resumed.reason, BookReason::kNone);
  EXPECT_EQ(info(R"("version":2,"platform":{"status":0})").reason,
            BookReason::kVenueStatus);
  EXPECT_EQ(info(R"("version":2,"platform":{"status":1})").kind,
            Kind::kIgnored);
}

TEST_F(Bitfinex, NumbersOfAnOldConnectionMeanNothing) {
  subscribe();
  parser.parse(R"({"event":"info","version":2})");
  EXPECT_EQ(parser.parse("[7,[100,1,2],1]").kind, Kind::kIgnored);
  subscribe();
  parser.parse(subscribed(7, "book", "P0", "tETHUSD"));
  EXPECT_EQ(parser.parse("[7,[100,1,2],1]").instrument, 1u);
  const ParsedMessage& gone =
      parser.parse(R"({"event":"unsubscribed","status":"OK","chanId":7})");
  EXPECT_EQ(gone.kind, Kind::kUnsubscribed);
  EXPECT_EQ(gone.instrument, 1u);
  EXPECT_EQ(parser.parse("[7,[100,1,2],1]").kind, Kind::kIgnored);
  EXPECT_EQ(
      parser.parse(R"({"event":"unsubscribed","status":"OK","chanId":7})").kind,
      Kind::kIgnored);
}

TEST_F(Bitfinex, AnEndThatFoundNoRoomIsToldWhenItComesAgain) {
  subscribe();
  Frame frame(R"({"event":"unsubscribed","status":"OK","chanId":7})");
  CollectingSink none(/*capacity=*/0);
  EXPECT_FALSE(parser.parser->parse(frame.raw(), 1, none));
  EXPECT_EQ(
      parser.parse(R"({"event":"unsubscribed","status":"OK","chanId":7})").kind,
      Kind::kUnsubscribed);
}

TEST_F(Bitfinex, AMissingNumberIsMalformedWhateverIsBehindTheFrame) {
  subscribe();
  for (const char slack : {',', '"', ']', '1'}) {
    parser.slack = slack;
    for (const char* text : {"[7,[1,]", "[7,[[1,]", "[7,[1,],2]"}) {
      EXPECT_EQ(parser.parse(text).kind, Kind::kMalformed) << text << slack;
    }
  }
}

TEST_F(Bitfinex, WhatTheProtocolDoesNotAllowIsMalformed) {
  subscribe();
  for (const char* text : {
           "[7]",
           "[]",
           "[-7,[100,1,2],1]",
           "[7,[100,1,2]]",
           "[7,[100,1,2],-1]",
           "[7,[100,1],1]",
           "[7,[100,-1,2],1]",
           "[7,[100,1.5,2],1]",
           "[7,[100,1,0],1]",
           "[7,[0,1,1],1]",
           "[7,[-100,1,1],1]",
           "[7,[100,1,\"2\"],1]",
           "[7,[[100,1,2],3],1]",
           "[7,[[100,1]],1]",
           "[7,5,1]",
           "[7,\"cs\",2147483648,1]",
           "[7,\"cs\",\"1\",1]",
           "[7,\"cs\",1]",
           "[7,[100,1,2],1]]",
           "[7,[100,1,2],1]{}",
           R"({"event":"subscribed","channel":"book","chanId":7})",
           R"({"event":"a","event":"b"})",
           R"({"event":"info","platform":5})",
           "5",
       }) {
    const ParsedMessage& message = parser.parse(text);
    EXPECT_EQ(message.kind, Kind::kMalformed) << text;
    EXPECT_TRUE(message.concerns_book) << text;
  }
  EXPECT_EQ(parser.parse("[7,[1e-11,1,2],1]").reason,
            BookReason::kScaleChanged);
  parser.parse(subscribed(9, "trades"));
  parser.parse(subscribed(8, "ticker"));
  for (const char* text :
       {R"([9,"te",[1,1,0.5],3])", R"([9,"te",[-1,1,0.5,1],3])",
        R"([9,"te",[1,-1,0.5,1],3])", R"([9,"te",[1,1,0.5,"1"],3])",
        R"([9,"te",1,3])", "[8,[1,2,3],2]", "[8,1,2]"}) {
    const ParsedMessage& message = parser.parse(text);
    EXPECT_EQ(message.kind, Kind::kMalformed) << text;
    EXPECT_FALSE(message.concerns_book) << text;
  }
}

TEST_F(Bitfinex, ChannelsWithoutEndAreNotRemembered) {
  for (int id = 0; id < 4096; ++id) parser.parse(subscribed(id, "book"));
  EXPECT_EQ(parser.parse(subscribed(5000, "book")).kind, Kind::kIgnored);
  EXPECT_EQ(parser.parse("[5000,[100,1,2],1]").kind, Kind::kIgnored);
  EXPECT_EQ(parser.parse("[4095,[100,1,2],1]").kind, Kind::kDelta);
}

}  // namespace
}  // namespace wirebook
