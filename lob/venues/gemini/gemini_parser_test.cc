// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/gemini/gemini_parser.h"

#include <string>

#include "gtest/gtest.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

using Kind = ParsedMessageKind;

constexpr char kSnapshot[] =
    R"({"auction_events":[],"changes":[["buy","77.34","14.3"],)"
    R"(["sell","78.15","14.5"]],"symbol":"SOLUSD","trades":[{"price":"1"}],)"
    R"("type":"l2_updates"})";

std::string update(const std::string& changes) {
  return R"({"changes":[)" + changes +
         R"(],"symbol":"SOLUSD","type":"l2_updates"})";
}

struct Gemini : testing::Test {
  ParserUnderTest parser{VenueId::kGemini, true};
};

TEST_F(Gemini, TheMessageWithAHistoryIsASnapshot) {
  const ParsedMessage& snapshot = parser.parse(kSnapshot);
  EXPECT_EQ(snapshot.kind, Kind::kSnapshot);
  EXPECT_EQ(snapshot.bids()[0], (PriceLevel{7734000000, 1430000000}));
  EXPECT_EQ(snapshot.asks()[0], (PriceLevel{7815000000, 1450000000}));
  EXPECT_EQ(parser.sink.messages.size(), 1u) << "its trades are history";
  const ParsedMessage& delta = parser.parse(update(R"(["buy","65","0.0"])"));
  EXPECT_EQ(delta.kind, Kind::kDelta);
  EXPECT_EQ(delta.bids()[0], (PriceLevel{6500000000, 0}));
  EXPECT_TRUE(delta.asks().empty());
}

TEST_F(Gemini, KeysInTheOrderOf2021) {
  EXPECT_EQ(parser
                .parse(R"({"type":"l2_updates","symbol":"SOLUSD",)"
                       R"("changes":[["buy","1","1"]],"trades":[]})")
                .kind,
            Kind::kSnapshot);
  EXPECT_EQ(parser
                .parse(R"({"type":"l2_updates","symbol":"SOLUSD",)"
                       R"("changes":[["buy","1","1"]],"auction_events":[]})")
                .kind,
            Kind::kSnapshot)
      << "either history makes one";
}

std::string trade(const std::string& side) {
  return R"({"event_id":1764551741926942,"price":"65.29","quantity":"0.5",)"
         R"("side":")" +
         side + R"(","symbol":"SOLUSD","tid":2840,"timestamp":1786313194672,)" +
         R"("type":"trade"})";
}

TEST_F(Gemini, ATradeNamesTheTakersSide) {
  EXPECT_EQ(parser.parse(trade("buy")).kind, Kind::kIgnored) << "no such book";
  parser.parse(kSnapshot);
  const ParsedMessage& bought = parser.parse(trade("buy"));
  EXPECT_EQ(bought.kind, Kind::kTrade);
  EXPECT_EQ(bought.aggressor, Side::kBid);
  EXPECT_EQ(bought.last_update_id, 1764551741926942u);
  EXPECT_EQ(bought.exchange_time_ns, 1786313194672000000);
  EXPECT_EQ(bought.bids()[0], (PriceLevel{6529000000, 50000000}));
  EXPECT_EQ(parser.parse(trade("sell")).aggressor, Side::kAsk);
  const ParsedMessage& odd = parser.parse(trade("block"));
  EXPECT_EQ(odd.kind, Kind::kMalformed);
  EXPECT_FALSE(odd.concerns_book);
}

TEST_F(Gemini, WhatIsNoData) {
  EXPECT_EQ(
      parser.parse(R"({"timestamp":1786313195331,"type":"heartbeat"})").kind,
      Kind::kHeartbeat);
  const ParsedMessage& refused =
      parser.parse(R"({"result":"error","reason":"InvalidJson"})");
  EXPECT_EQ(refused.kind, Kind::kRefused);
  EXPECT_EQ(refused.reason, BookReason::kVenueRefused);
  EXPECT_EQ(
      parser.parse(R"({"type":"candles_1m_updates","changes":[[1]]})").kind,
      Kind::kIgnored);
}

TEST_F(Gemini, WhatTheProtocolDoesNotAllowIsMalformed) {
  for (const std::string& text : {
           update(R"(["buy","1"])"),
           update(R"(["buy","1","1","1"])"),
           update(R"(["bid","1","1"])"),
           update(R"(["sell","0","1"])"),
           update("5"),
           update("") + "{}",
           std::string(R"({"type":"l2_updates","symbol":"A"})"),
           std::string(R"({"type":"l2_updates","changes":[]})"),
           std::string(R"({"type":"a","type":"b"})"),
           std::string(R"({"type":5})"),
           std::string("[]"),
       }) {
    const ParsedMessage& message = parser.parse(text);
    EXPECT_EQ(message.kind, Kind::kMalformed) << text;
    EXPECT_TRUE(message.concerns_book) << text;
  }
}

}  // namespace
}  // namespace wirebook
