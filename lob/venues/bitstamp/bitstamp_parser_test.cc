// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/bitstamp/bitstamp_parser.h"

#include <string>

#include "gtest/gtest.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

using Kind = ParsedMessageKind;

std::string book(const std::string& bids,
                 const std::string& micros = "1641343691244908") {
  return R"({"timestamp":"1641343691","microtimestamp":")" + micros +
         R"(","bids":[)" + bids + R"(],"asks":[["1.16601","1200.00000000"]]})";
}

std::string diff(const std::string& data,
                 const std::string& channel = "diff_order_book_bateur") {
  return R"({"data":)" + data + R"(,"channel":")" + channel +
         R"(","event":"data"})";
}

struct Bitstamp : testing::Test {
  ParserUnderTest parser{VenueId::kBitstamp, true};
};

TEST_F(Bitstamp, ADiffIsKnownByItsTime) {
  const ParsedMessage& delta =
      parser.parse(diff(book(R"(["1.15979","993.02588113"],["1.14","0"])")));
  EXPECT_EQ(delta.kind, Kind::kDelta);
  EXPECT_EQ(parser.table[0].symbol, "bateur");
  EXPECT_TRUE(delta.has_first_update_id);
  EXPECT_EQ(delta.first_update_id, 1641343691244908u);
  EXPECT_EQ(delta.last_update_id, 1641343691244908u);
  EXPECT_EQ(delta.exchange_time_ns, 1641343691244908000);
  ASSERT_EQ(delta.bids().size(), 2u);
  EXPECT_EQ(delta.bids()[0], (PriceLevel{115979000, 99302588113}));
  EXPECT_EQ(delta.asks()[0], (PriceLevel{116601000, 120000000000}));
}

TEST_F(Bitstamp, ARestBodyIsASnapshot) {
  parser.parse(diff(book("")));
  const ParsedMessage& snapshot =
      parser.parse(book(R"(["1.1","5"])"), RawMessageKind::kHttpBody);
  EXPECT_EQ(snapshot.kind, Kind::kSnapshot);
  EXPECT_EQ(snapshot.instrument, 0u);
  EXPECT_FALSE(snapshot.has_first_update_id);
  EXPECT_EQ(snapshot.last_update_id, 1641343691244908u);
  const ParsedMessage& failed =
      parser.parse(R"({"error":"x"})", RawMessageKind::kHttpBody);
  EXPECT_EQ(failed.kind, Kind::kMalformed);
  EXPECT_EQ(failed.instrument, 0u);
}

std::string trade(const std::string& type) {
  return R"({"data":{"id":216000477,"timestamp":"1641343699","amount":0.0792,)"
         R"("amount_str":"0.07920000","price":3805.44,"price_str":"3805.44",)"
         R"("type":)" +
         type +
         R"(,"microtimestamp":"1641343699596000","buy_order_id":1,)"
         R"("sell_order_id":2},"channel":"live_trades_bateur",)"
         R"("event":"trade"})";
}

TEST_F(Bitstamp, ATradeNamesTheTakersSide) {
  EXPECT_EQ(parser.parse(trade("0")).kind, Kind::kIgnored) << "no such book";
  parser.parse(diff(book("")));
  const ParsedMessage& bought = parser.parse(trade("0"));
  EXPECT_EQ(bought.kind, Kind::kTrade);
  EXPECT_EQ(bought.aggressor, Side::kBid);
  EXPECT_EQ(bought.last_update_id, 216000477u);
  EXPECT_EQ(bought.exchange_time_ns, 1641343699596000000);
  EXPECT_EQ(bought.bids()[0], (PriceLevel{380544000000, 7920000}));
  EXPECT_EQ(parser.parse(trade("1")).aggressor, Side::kAsk);
  const ParsedMessage& odd = parser.parse(trade("2"));
  EXPECT_EQ(odd.kind, Kind::kMalformed);
  EXPECT_FALSE(odd.concerns_book);
}

std::string notice(const std::string& event, const std::string& channel) {
  return R"({"event":")" + event + R"(","channel":")" + channel +
         R"(","data":{}})";
}

TEST_F(Bitstamp, Notices) {
  const ParsedMessage& subscribed = parser.parse(
      notice("bts:subscription_succeeded", "diff_order_book_bateur"));
  EXPECT_EQ(subscribed.kind, Kind::kSubscribed);
  EXPECT_EQ(subscribed.instrument, 0u);
  EXPECT_EQ(
      parser.parse(notice("bts:subscription_succeeded", "live_trades_bateur"))
          .kind,
      Kind::kIgnored);
  EXPECT_EQ(parser.parse(notice("bts:heartbeat", "")).kind, Kind::kHeartbeat);
  EXPECT_EQ(parser.parse(notice("bts:request_reconnect", "")).kind,
            Kind::kShutdown);
  const ParsedMessage& refused = parser.parse(notice("bts:error", ""));
  EXPECT_EQ(refused.kind, Kind::kRefused);
  EXPECT_EQ(refused.instrument, kNoInstrument);
  EXPECT_EQ(
      parser.parse(notice("bts:error", "diff_order_book_bateur")).instrument,
      0u);
  EXPECT_EQ(parser.parse(notice("bts:error", "diff_order_book_other")).kind,
            Kind::kIgnored);
  EXPECT_EQ(parser.parse(diff(book(""), "order_book_bateur")).kind,
            Kind::kIgnored);
}

TEST_F(Bitstamp, WhatTheProtocolDoesNotAllowIsMalformed) {
  for (const std::string& text : {
           diff(book(R"(["1"])")),
           diff(book("", "0")),
           diff(book("", "-1")),
           diff(book("", "9000000000000001")),
           diff(book("", "18446744073709551616")),
           diff(R"({"bids":[],"asks":[]})"),
           diff("[]"),
           diff(book("")) + "{}",
           std::string(R"({"event":"data","event":"data"})"),
           std::string(R"({"event":5})"),
           std::string("[]"),
       }) {
    const ParsedMessage& message = parser.parse(text);
    EXPECT_EQ(message.kind, Kind::kMalformed) << text;
    EXPECT_TRUE(message.concerns_book) << text;
  }
}

}  // namespace
}  // namespace wirebook
