// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/book.h"

#include <gtest/gtest.h>

#include <string>

namespace wirebook::sim {
namespace {

TEST(Decimal, ReadsExactlyWhatIsOnTheWire) {
  EXPECT_TRUE(parse_decimal("0.1") == parse_decimal("0.10000000"));
  EXPECT_TRUE(*parse_decimal("61837.63000000") ==
              Decimal{6183763} * power_of_ten(16));
  EXPECT_TRUE(*parse_decimal("0.000000000000000001") == 1);
}

TEST(Decimal, RefusesWhatIsNoDecimal) {
  for (const char* text :
       {"", ".", ".5", "5.", "-1", "+1", "1e5", "1.2.3", " 1", "1,5", "0x1",
        "0.-10000", "10000000000000000000000", "0.0000000000000000001"}) {
    EXPECT_FALSE(parse_decimal(text).has_value()) << text;
  }
}

TEST(Decimal, PrintsFixedPlaces) {
  EXPECT_EQ(format_decimal(633810, 1), "63381.0");
  EXPECT_EQ(format_decimal(5100, 8), "0.00005100");
  EXPECT_EQ(format_decimal(0, 8), "0.00000000");
  EXPECT_EQ(format_decimal(42, 0), "42");
}

TEST(Book, KeepsTheWireTextBestFirst) {
  Book book;
  EXPECT_TRUE(book.set(Side::kBid, "9.9", "1.00"));
  EXPECT_TRUE(book.set(Side::kBid, "10.0", "2.00"));
  EXPECT_TRUE(book.set(Side::kBid, "10.0", "3.00"));
  ASSERT_EQ(book.levels(Side::kBid).size(), 2u);
  EXPECT_EQ(book.levels(Side::kBid).begin()->second, (Level{"10.0", "3.00"}));
  EXPECT_TRUE(book.set(Side::kBid, "10.0", "0.00"));
  EXPECT_TRUE(book.set(Side::kBid, "8.0", "0.00"));  // absent: no effect
  EXPECT_EQ(book.levels(Side::kBid).size(), 1u);
  EXPECT_FALSE(book.set(Side::kBid, "9.9", "x"));
  EXPECT_EQ(book.levels(Side::kBid).begin()->second, (Level{"9.9", "1.00"}));
}

TEST(Book, TruncationDropsTheWorstOfEachSide) {
  Book book;
  for (int i = 1; i <= 5; ++i) {
    book.set(Side::kBid, std::to_string(10 - i), "1");
    book.set(Side::kAsk, std::to_string(10 + i), "1");
  }
  book.truncate(2);
  EXPECT_EQ(std::prev(book.levels(Side::kBid).end())->second.price, "8");
  EXPECT_EQ(std::prev(book.levels(Side::kAsk).end())->second.price, "12");
  EXPECT_FALSE(book.crossed());
  book.set(Side::kBid, "11", "1");
  EXPECT_TRUE(book.crossed());
}

// The example of Kraken's guide "Spot WebSockets (v2): Book checksum".
TEST(Book, ChecksumOfTheVenuesOwnExample) {
  Book book;
  const Level asks[] = {{"45285.2", "0.00100000"}, {"45286.4", "1.54571953"},
                        {"45286.6", "1.54571109"}, {"45289.6", "1.54560911"},
                        {"45290.2", "0.15890660"}, {"45291.8", "1.54553491"},
                        {"45294.7", "0.04454749"}, {"45296.1", "0.35380000"},
                        {"45297.5", "0.09945542"}, {"45299.5", "0.18772827"}};
  const Level bids[] = {{"45283.5", "0.10000000"}, {"45283.4", "1.54582015"},
                        {"45282.1", "0.10000000"}, {"45281.0", "0.10000000"},
                        {"45280.3", "1.54592586"}, {"45279.0", "0.07990000"},
                        {"45277.6", "0.03310103"}, {"45277.5", "0.30000000"},
                        {"45277.3", "1.54602737"}, {"45276.6", "0.15445238"}};
  for (const Level& level : asks) {
    book.set(Side::kAsk, level.price, level.quantity);
  }
  for (const Level& level : bids) {
    book.set(Side::kBid, level.price, level.quantity);
  }
  EXPECT_EQ(book.kraken_checksum(), 3310070434u);
}

}  // namespace
}  // namespace wirebook::sim
