// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// level3, by the documents' own messages.

#include <string>

#include "gtest/gtest.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

using Kind = ParsedMessageKind;

constexpr char kSnapshot[] =
    R"({"channel":"level3","type":"snapshot","data":[{"symbol":"MATIC/USD",)"
    R"("checksum":281817320,"bids":[{"order_id":"O6ZQNQ-BXL4E-5WGINO",)"
    R"("limit_price":0.5629,"order_qty":111.56125344,)"
    R"("timestamp":"2023-10-06T17:35:00.279389650Z"},)"
    R"({"order_id":"OEP26Y-YAFEF-OFR62B","limit_price":0.5625,)"
    R"("order_qty":6390.19338,"timestamp":"2023-10-06T18:19:55.056070105Z"}],)"
    R"("asks":[{"order_id":"OLLSXO-HDMT3-BUOKEI","limit_price":0.563,)"
    R"("order_qty":4422.9978357,)"
    R"("timestamp":"2023-10-06T18:18:20.734897896Z"}]}]})";

std::string update(const std::string& bids) {
  return R"({"channel":"level3","type":"update","data":[{"checksum":2143854316,)"
         R"("symbol":"MATIC/USD","bids":[)" +
         bids + R"(],"asks":[]}]})";
}

std::string entry(const std::string& event, const std::string& quantity = "5",
                  const std::string& price = "0.5629") {
  return R"({"event":")" + event +
         R"(","order_id":"O6ZQNQ-BXL4E-5WGINO","limit_price":)" + price +
         R"(,"order_qty":)" + quantity +
         R"(,"timestamp":"2023-10-06T18:20:56.821538649Z"})";
}

struct KrakenLevel3 : testing::Test {
  ParserUnderTest parser{VenueId::kKraken, true, true, true};
};

TEST_F(KrakenLevel3, ASnapshotSetsTheScales) {
  const ParsedMessage& snapshot = parser.parse(kSnapshot);
  EXPECT_EQ(snapshot.kind, Kind::kSnapshot);
  EXPECT_EQ(snapshot.price_scale, 4);
  EXPECT_EQ(snapshot.quantity_scale, 8);
  EXPECT_EQ(snapshot.checksum, 281817320u);
  ASSERT_EQ(snapshot.order_count, 3u);
  const OrderEvent& first = snapshot.orders[0];
  EXPECT_EQ(first.action, OrderAction::kAdd);
  EXPECT_EQ(order_name(first.id), "O6ZQNQ-BXL4E-5WGINO");
  EXPECT_EQ(first.side, Side::kBid);
  EXPECT_EQ(first.price, 5629);
  EXPECT_EQ(first.quantity, 11156125344);
  EXPECT_EQ(first.time_ns, 1696613700279389650);
  EXPECT_EQ(snapshot.orders[2].price, 5630);
  EXPECT_EQ(snapshot.orders[2].side, Side::kAsk);
}

TEST_F(KrakenLevel3, Updates) {
  parser.parse(kSnapshot);
  const ParsedMessage& all = parser.parse(
      update(entry("delete") + "," + entry("add") + "," + entry("modify")));
  EXPECT_EQ(all.kind, Kind::kDelta);
  EXPECT_TRUE(all.has_checksum);
  ASSERT_EQ(all.order_count, 3u);
  EXPECT_EQ(all.orders[0].action, OrderAction::kRemove);
  EXPECT_EQ(all.orders[1].action, OrderAction::kAdd);
  EXPECT_EQ(all.orders[2].action, OrderAction::kChange);
  EXPECT_EQ(all.orders[2].quantity, 500000000);
}

TEST_F(KrakenLevel3, MoreDecimalsThanTheSnapshotEndIt) {
  parser.parse(kSnapshot);
  const ParsedMessage& finer =
      parser.parse(update(entry("add", "5", "0.56291")));
  EXPECT_EQ(finer.kind, Kind::kMalformed);
  EXPECT_EQ(finer.reason, BookReason::kScaleChanged);
  EXPECT_EQ(finer.instrument, 0u);
}

TEST_F(KrakenLevel3, AcksAndTheOtherChannel) {
  const ParsedMessage& ack = parser.parse(
      R"({"method":"subscribe","result":{"channel":"level3","depth":10,)"
      R"("snapshot":true,"symbol":"MATIC/USD"},"success":true})");
  EXPECT_EQ(ack.kind, Kind::kSubscribed);
  EXPECT_EQ(ack.depth, 10u);
  EXPECT_EQ(parser
                .parse(R"({"method":"subscribe","result":{"channel":"book",)"
                       R"("depth":10,"symbol":"MATIC/USD"},"success":true})")
                .kind,
            Kind::kIgnored);
  EXPECT_EQ(
      parser.parse(R"({"channel":"book","type":"update","data":[]})").kind,
      Kind::kIgnored);
  EXPECT_EQ(parser
                .parse(R"({"error":"EAPI:Invalid token","method":"subscribe",)"
                       R"("success":false,"symbol":"MATIC/USD"})")
                .kind,
            Kind::kRefused);
  ParserUnderTest levels(VenueId::kKraken, true);
  EXPECT_EQ(levels.parse(kSnapshot).kind, Kind::kIgnored);
}

TEST_F(KrakenLevel3, WhatTheProtocolDoesNotAllowIsMalformed) {
  parser.parse(kSnapshot);
  for (const std::string& text : {
           update(entry("forget")),
           update(entry("add", "-1")),
           update(entry("add", "5", "0")),
           update(entry("add", R"("5")")),
           update(R"({"event":"add","order_id":"x","limit_price":1,)"
                  R"("order_qty":1})"),
           update(R"({"event":"add","order_id":"A","limit_price":1})"),
           update(R"({"order_id":"A","limit_price":1,"order_qty":1})"),
           update("5"),
           std::string(R"({"channel":"level3","type":"update","data":[)"
                       R"({"symbol":"A","bids":[],"asks":[]}]})"),
           std::string(R"({"channel":"level3","type":"snapshot","data":[)"
                       R"({"symbol":"A","checksum":1,"bids":[)") +
               entry("add") + R"(],"asks":[]}]})",
       }) {
    const ParsedMessage& bad = parser.parse(text);
    EXPECT_EQ(bad.kind, Kind::kMalformed) << text;
    EXPECT_TRUE(bad.concerns_book) << text;
  }
}

}  // namespace
}  // namespace wirebook
