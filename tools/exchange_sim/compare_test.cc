// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/compare.h"

#include <gtest/gtest.h>

#include <string>

namespace wirebook::sim {
namespace {

constexpr const char* kHeader =
    "symbol,side,price,quantity,market,connection\n";
constexpr const char* kTruth =
    R"({"bids":[["10.00","1.50"],["9.00","2.00"]],"asks":[["11.00","3.0"]]})";

Comparison compare(const std::string& rows, std::set<std::string> expected = {},
                   std::map<std::string, std::size_t> depths = {}) {
  return compare_books(
      parse_dump(rows), expected, depths, [](const std::string& symbol) {
        return symbol == "X" ? absl::StatusOr<std::string>(kTruth)
                             : absl::NotFoundError("no such book");
      });
}

const std::string kEqual = std::string(kHeader) +
                           "X,bid,10.0,1.5,spot,0\n"
                           "X,bid,9,2,spot,0\n"
                           "X,ask,11,3,spot,0\n";

TEST(Compare, EqualBooksByValueNotByText) {
  const Comparison result = compare(kEqual, {"X"});
  EXPECT_TRUE(result.equal);
  EXPECT_EQ(result.lines.back(),
            "books equal: 1 books, 3 levels, level by level");
}

TEST(Compare, NamesTheFirstLevelThatDiffers) {
  std::string rows = kEqual;
  rows.replace(rows.find("9,2"), 3, "9,4");
  const Comparison result = compare(rows);
  EXPECT_FALSE(result.equal);
  EXPECT_EQ(result.lines.back(),
            "books differ: X spot 0, bid 1: 4 at 9, truth has 2.00 at 9.00");
}

TEST(Compare, FewerLevelsOnlyWithADepth) {
  const std::string rows =
      std::string(kHeader) + "X,bid,10.0,1.5,spot,0\nX,ask,11,3,spot,0\n";
  EXPECT_FALSE(compare(rows).equal);
  EXPECT_TRUE(compare(rows, {}, {{"X", 1}}).equal);
  EXPECT_FALSE(compare(kEqual, {}, {{"X", 1}}).equal);
}

TEST(Compare, MoreLevelsThanTheTruthDiffer) {
  EXPECT_FALSE(compare(kEqual + "X,ask,12,3,spot,0\n").equal);
}

TEST(Compare, NothingToCompareIsADifference) {
  EXPECT_FALSE(compare("").equal);
  EXPECT_FALSE(compare(kHeader).equal);
  EXPECT_FALSE(compare("X,bid,10.0,1.5,spot,0\n").equal);
  EXPECT_FALSE(compare(kEqual + "X,ask,12,abc,spot,0\n").equal);
  EXPECT_FALSE(compare(kEqual + "Y,ask,12,1,spot,0\n").equal);
  EXPECT_EQ(compare(kEqual, {"X", "Z"}).lines.back(),
            "books differ: Z is not in the dump");
}

TEST(Compare, OneSymbolOnTwoConnectionsIsTwoBooks) {
  const Comparison result = compare(kEqual +
                                    "X,bid,10.0,1.5,spot,1\n"
                                    "X,bid,9,2,spot,1\n");
  EXPECT_FALSE(result.equal);
  EXPECT_EQ(result.lines.size(), 3u);
}

}  // namespace
}  // namespace wirebook::sim
