// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/binance/level_matcher.h"

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
  LevelMatcher::Result match(const std::string& text, char fill = 'x') {
    const std::string padded = text + std::string(kLevelMatcherSlack, fill);
    const char* p = padded.data();
    levels_.assign(8, {-1, -1});
    const LevelMatcher::Result result =
        matcher_.match(p, padded.data() + text.size(), levels_);
    consumed_ = static_cast<size_t>(p - padded.data());
    return result;
  }

  LevelMatcher matcher_;
  std::vector<PriceLevel> levels_;
  size_t consumed_ = 0;
};

TEST_F(LevelMatcherTest, ReadsLevelsToTheirClosingBracket) {
  const std::string text =
      R"(["61837.63000000","1.54698000"],["9.00000001","0.00000000"]],"a":[)";
  const LevelMatcher::Result result = match(text);
  EXPECT_EQ(result.count, 2u);
  EXPECT_TRUE(result.closed);
  EXPECT_EQ(text.substr(consumed_), R"(,"a":[)");
  EXPECT_EQ(levels_[0].price, 6183763000000);
  EXPECT_EQ(levels_[0].quantity, 154698000);
  EXPECT_EQ(levels_[1].price, 900000001);
  EXPECT_EQ(levels_[1].quantity, 0);
}

TEST_F(LevelMatcherTest, StopsBeforeWhatLooksOtherwise) {
  const std::string good = R"(["1.00000000","2.00000000"],)";
  for (const std::string odd : {
           R"(["1.0000000","2.00000000"])",     // seven decimals
           R"(["1.000000000","2.00000000"])",   // nine
           R"(["1","2.00000000"])",             // none
           R"([".00000001","2.00000000"])",     // nothing before the point
           R"(["12345678.0","2.00000000"])",    // too many digits
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
    const LevelMatcher::Result result = match(good + odd + "]");
    EXPECT_EQ(result.count, 1u) << odd;
    EXPECT_FALSE(result.closed) << odd;
    EXPECT_EQ(consumed_, good.size()) << odd;
  }
}

TEST_F(LevelMatcherTest, StopsAtTheEndWhateverTheSlackHolds) {
  const std::string level = R"(["1.00000000","2.00000000"],)";
  EXPECT_EQ(match("", '[').count, 0u);
  const std::string padded = level + level + level;
  const char* p = padded.data();
  PriceLevel out[8];
  EXPECT_EQ(matcher_.match(p, padded.data() + level.size(), out).count, 1u);
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
    text += '.';
    for (int i = 0; i < 8; ++i) text += static_cast<char>('0' + random() % 10);
    return text;
  };
  for (int round = 0; round < 20'000; ++round) {
    const std::string price = number();
    const std::string quantity = number();
    const auto value = [](const std::string& text) {
      const std::string padded = text + std::string(kDecimalScanSlack, '"');
      const char* p = padded.data();
      int64_t mantissa = -1;
      EXPECT_EQ(scan_decimal(p, LevelMatcher::kScale, &mantissa),
                DecimalError::kOk);
      return mantissa;
    };
    if (value(price) == 0) continue;
    const LevelMatcher::Result result =
        match("[\"" + price + "\",\"" + quantity + "\"]]");
    ASSERT_EQ(result.count, 1u) << price << " " << quantity;
    ASSERT_TRUE(result.closed);
    ASSERT_EQ(levels_[0].price, value(price)) << price;
    ASSERT_EQ(levels_[0].quantity, value(quantity)) << quantity;
  }
}

}  // namespace
}  // namespace wirebook
