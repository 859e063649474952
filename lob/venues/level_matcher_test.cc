// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/level_matcher.h"

#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "lob/decimal_scanner.h"

namespace wirebook {
namespace {

class LevelMatcherTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!level_matcher_supported()) GTEST_SKIP() << "this CPU has no SSE4.1";
  }

  // Matches `text` from its beginning, with slack of `fill` behind it.
  LevelMatch match(const std::string& text, int price_scale = 8,
                   int quantity_scale = 8, char fill = 'x') {
    const std::string padded = text + std::string(kLevelMatcherSlack, fill);
    const char* p = padded.data();
    levels_.assign(8, {-1, -1});
    const LevelMatch result = match_levels(
        p, padded.data() + text.size(), price_scale, quantity_scale, levels_);
    consumed_ = static_cast<size_t>(p - padded.data());
    return result;
  }

  std::vector<PriceLevel> levels_;
  size_t consumed_ = 0;
};

TEST_F(LevelMatcherTest, ReadsLevelsToTheirClosingBracket) {
  const std::string text =
      R"(["61837.63000000","1.54698000"],["9.00000001","0.00000000"]],"a":[)";
  const LevelMatch result = match(text);
  EXPECT_EQ(result.count, 2u);
  EXPECT_TRUE(result.closed);
  EXPECT_EQ(text.substr(consumed_), R"(,"a":[)");
  EXPECT_EQ(levels_[0].price, 6183763000000);
  EXPECT_EQ(levels_[0].quantity, 154698000);
  EXPECT_EQ(levels_[1].price, 900000001);
  EXPECT_EQ(levels_[1].quantity, 0);
}

TEST_F(LevelMatcherTest, DecimalsMayBeFewerThanTheScaleAndNone) {
  const std::string text =
      R"(["61837.6","0"],["7","12345678.125"],["0.01","0.000"]])";
  EXPECT_EQ(match(text, 2, 3).count, 3u);
  EXPECT_EQ(levels_[0], (PriceLevel{6183760, 0}));
  EXPECT_EQ(levels_[1], (PriceLevel{700, 12345678125}));
  EXPECT_EQ(levels_[2], (PriceLevel{1, 0}));
  EXPECT_EQ(match(text, 1, 3).count, 2u) << "0.01 has more";
  EXPECT_EQ(match(text, 2, 2).count, 1u) << "0.125 has more";
  EXPECT_EQ(match(text, 10, 10).count, 3u);
  EXPECT_EQ(levels_[1].quantity, 123456781250000000);
  EXPECT_EQ(match(text, 11, 3).count, 0u);
  EXPECT_EQ(match(text, 2, 11).count, 0u);
  EXPECT_EQ(match(text, -1, 3).count, 0u);
}

TEST_F(LevelMatcherTest, TwoStringsMoreArePassedOver) {
  const std::string text =
      R"(["61837.6","1.5","0","4"],["61837.5","0.25","0","123456789"]])";
  const LevelMatch result = match(text);
  EXPECT_EQ(result.count, 2u);
  EXPECT_TRUE(result.closed);
  EXPECT_EQ(levels_[1], (PriceLevel{6183750000000, 25000000}));
  const std::string good = R"(["1.5","2.5"],)";
  for (const std::string odd : {
           R"(["1.5","2.5","0"])",                   // one
           R"(["1.5","2.5","0","1","2"])",           // three
           R"(["1.5","2.5","0",1])",                 // a number
           R"(["1.5","2.5","0\","4"])",              // an escape
           "[\"1.5\",\"2.5\",\"0\x01\",\"4\"]",      // a control character
           "[\"1.5\",\"2.5\",\"0\x80\",\"4\"]",      // no ASCII
           R"(["1.5","2.5","0","01234567890123"])",  // beyond what is looked at
           R"(["1.5","2.5","0","4")",                // not closed
       }) {
    EXPECT_EQ(match(good + odd + "]").count, 1u) << odd;
    EXPECT_EQ(consumed_, good.size()) << odd;
  }
}

TEST_F(LevelMatcherTest, NothingIsGuessedOfTheFirstLevel) {
  EXPECT_EQ(match(R"(["","2"]])").count, 0u);
  EXPECT_EQ(match(R"(["1",""]])").count, 0u);
  EXPECT_EQ(match(std::string("[\"\0\",\"2\"]]", 10)).count, 0u);
}

TEST_F(LevelMatcherTest, StopsBeforeWhatLooksOtherwise) {
  const std::string good = R"(["1.00000000","2.00000000"],)";
  for (const std::string odd : {
           R"(["1.000000000","2.00000000"])",   // nine decimals
           R"(["1.","2.00000000"])",            // none behind the point
           R"([".00000001","2.00000000"])",     // nothing before the point
           R"(["","2.00000000"])",              // nothing
           R"(["1.00000000",""])",              // nothing
           R"(["123456789.0","2.00000000"])",   // too many digits
           R"(["12345678.12345678","2.0"])",    // too many characters
           R"(["1.0.0","2.00000000"])",         // two points
           R"(["-1.00000000","2.00000000"])",   // a sign
           R"(["1.0000000x","2.00000000"])",    // no digit
           R"(["1x00000000","2.00000000"])",    // no point
           R"(["1.00000000", "2.00000000"])",   // a space
           R"(["1.00000000","2.00000000",1])",  // a third element
           R"(["0.00000000","2.00000000"])",    // no price
           R"(["1.00000000","2.00000000"}])",   // wrong bracket
           R"(["1.00000000","2.0000:000"])",    // the byte behind '9'
           R"(["1.00000000","2.0000/000"])",    // the byte before '0'
           R"(])",
       }) {
    const LevelMatch result = match(good + odd + "]");
    EXPECT_EQ(result.count, 1u) << odd;
    EXPECT_FALSE(result.closed) << odd;
    EXPECT_EQ(consumed_, good.size()) << odd;
  }
}

TEST_F(LevelMatcherTest, StopsAtTheEndWhateverTheSlackHolds) {
  const std::string level = R"(["1.00000000","2.00000000"],)";
  EXPECT_EQ(match("", 8, 8, '[').count, 0u);
  const std::string padded = level + level + level;
  const char* p = padded.data();
  PriceLevel out[8];
  EXPECT_EQ(match_levels(p, padded.data() + level.size(), 8, 8, out).count, 1u);
}

TEST_F(LevelMatcherTest, StopsWhenThereIsNoRoom) {
  const std::string level = R"(["1.00000000","2.00000000"],)";
  std::string text;
  for (int i = 0; i < 20; ++i) text += level;
  EXPECT_EQ(match(text).count, 8u);
  EXPECT_EQ(consumed_, 8 * level.size());
}

TEST_F(LevelMatcherTest, AgreesWithScanDecimalOnRandomLevels) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  const auto number = [&] {
    std::string text;
    const size_t digits = 1 + random() % 7;
    for (size_t i = 0; i < digits; ++i) {
      text += static_cast<char>('0' + random() % 10);
    }
    const size_t decimals = random() % 9;
    if (decimals != 0) text += '.';
    for (size_t i = 0; i < decimals; ++i) {
      text += static_cast<char>('0' + random() % 10);
    }
    return text;
  };
  for (int round = 0; round < 20'000; ++round) {
    const std::string price = number();
    const std::string quantity = number();
    const auto value = [](const std::string& text) {
      const std::string padded = text + std::string(kDecimalScanSlack, '"');
      const char* p = padded.data();
      int64_t mantissa = -1;
      EXPECT_EQ(scan_decimal(p, 8, &mantissa), DecimalError::kOk);
      return mantissa;
    };
    if (value(price) == 0) continue;
    const LevelMatch result =
        match("[\"" + price + "\",\"" + quantity + "\"]]");
    ASSERT_EQ(result.count, 1u) << price << " " << quantity;
    ASSERT_TRUE(result.closed);
    ASSERT_EQ(levels_[0].price, value(price)) << price;
    ASSERT_EQ(levels_[0].quantity, value(quantity)) << quantity;
  }
}

}  // namespace
}  // namespace wirebook
