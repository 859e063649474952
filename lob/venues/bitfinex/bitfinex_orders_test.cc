// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Raw books, by the documents' own messages.

#include <string>

#include "gtest/gtest.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

using Kind = ParsedMessageKind;

std::string subscribed(const std::string& precision) {
  return R"({"event":"subscribed","channel":"book","chanId":10092,)"
         R"("symbol":"tETHUSD","prec":")" +
         precision + R"(","freq":"F0","len":"25","subId":123,"pair":"ETHUSD"})";
}

struct BitfinexRaw : testing::Test {
  BitfinexRaw() { parser.parse(subscribed("R0")); }
  ParserUnderTest parser{VenueId::kBitfinex, true, true, true};
};

TEST_F(BitfinexRaw, ASnapshotAndItsChanges) {
  const ParsedMessage& snapshot = parser.parse(
      "[10092,[[34753002978,7294.7,1.54340371],[34753002979,7295,-1e-7]],7]");
  EXPECT_EQ(snapshot.kind, Kind::kSnapshot);
  EXPECT_EQ(snapshot.connection_sequence, 7u);
  ASSERT_EQ(snapshot.order_count, 2u);
  EXPECT_EQ(snapshot.orders[0].action, OrderAction::kAdd);
  EXPECT_EQ(snapshot.orders[0].id, (OrderId{0, 34753002978}));
  EXPECT_EQ(snapshot.orders[0].side, Side::kBid);
  EXPECT_EQ(snapshot.orders[0].price, 72947000000000);
  EXPECT_EQ(snapshot.orders[0].quantity, 154340371);
  EXPECT_EQ(snapshot.orders[1].side, Side::kAsk);
  EXPECT_EQ(snapshot.orders[1].quantity, 10);

  const ParsedMessage& put =
      parser.parse("[10092,[34753006045,7294.7,-0.5],8]");
  EXPECT_EQ(put.kind, Kind::kDelta);
  ASSERT_EQ(put.order_count, 1u);
  EXPECT_EQ(put.orders[0].action, OrderAction::kPut);
  EXPECT_EQ(parser.parse("[10092,[34753006045,0,-1],9]").orders[0].action,
            OrderAction::kRemove);
  const ParsedMessage& sum = parser.parse(R"([10092,"cs",-1,10])");
  EXPECT_EQ(sum.kind, Kind::kDelta);
  EXPECT_EQ(sum.order_count, 0u);
  EXPECT_TRUE(sum.has_checksum);
  EXPECT_EQ(sum.checksum, 0xffffffffu);
}

TEST_F(BitfinexRaw, TheOtherBooksAreAnotherChannel) {
  EXPECT_EQ(parser.parse(subscribed("P0")).kind, Kind::kIgnored);
  EXPECT_EQ(parser.parse("[10092,[[7294.7,1,1.5]],7]").kind, Kind::kIgnored);
  ParserUnderTest levels(VenueId::kBitfinex, true);
  EXPECT_EQ(levels.parse(subscribed("R0")).kind, Kind::kIgnored);
}

TEST_F(BitfinexRaw, WhatTheProtocolDoesNotAllowIsMalformed) {
  for (const char* text : {
           "[10092,[[34753002978,7294.7]],7]",
           "[10092,[[-5,7294.7,1]],7]",
           "[10092,[[5.5,7294.7,1]],7]",
           "[10092,[[5,7294.7,0]],7]",
           "[10092,[[5,0,1]],7]",
           "[10092,[5,-1,1],7]",
           "[10092,[5,7294.7,1]]",
           "[10092,5,7]",
           "[10092,[[5,7294.7,1],5],7]",
       }) {
    const ParsedMessage& bad = parser.parse(text);
    EXPECT_EQ(bad.kind, Kind::kMalformed) << text;
    EXPECT_TRUE(bad.concerns_book) << text;
  }
}

}  // namespace
}  // namespace wirebook
