// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/fixed_point.h"

#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

// The mantissa, or the error as a negative number.
int64_t parsed(std::string_view text, int scale) {
  int64_t mantissa = -77;
  const DecimalError error = parse_decimal(text, scale, &mantissa);
  if (error == DecimalError::kOk) return mantissa;
  EXPECT_EQ(mantissa, -77) << "touched by an error";
  return -static_cast<int64_t>(error);
}

constexpr int64_t kSyntax = -static_cast<int64_t>(DecimalError::kSyntax);
constexpr int64_t kTooMany =
    -static_cast<int64_t>(DecimalError::kTooManyDecimals);
constexpr int64_t kOverflow = -static_cast<int64_t>(DecimalError::kOverflow);

TEST(FixedPointTest, SimplestUse) {
  int64_t price = 0;
  ASSERT_EQ(parse_decimal("61837.63", 2, &price), DecimalError::kOk);
  EXPECT_EQ(price, 6183763);
  EXPECT_EQ(decimal_string(price, 2), "61837.63");
}

TEST(FixedPointTest, ScalesAndTrailingZeros) {
  EXPECT_EQ(parsed("61837.63000000", 8), 6183763000000);
  EXPECT_EQ(parsed("61837.63000000", 2), 6183763);
  EXPECT_EQ(parsed("61837.63", 4), 618376300);
  EXPECT_EQ(parsed("61837", 0), 61837);
  EXPECT_EQ(parsed("61837.000", 0), 61837);
  EXPECT_EQ(parsed("0.00000001", 8), 1);
  EXPECT_EQ(parsed("000.5", 1), 5);
  EXPECT_EQ(parsed("-0.5", 1), -5);
  EXPECT_EQ(parsed("-0", 3), 0);
}

TEST(FixedPointTest, Exponents) {
  EXPECT_EQ(parsed("1e-08", 8), 1);
  EXPECT_EQ(parsed("1E-8", 8), 1);
  EXPECT_EQ(parsed("1.5e+3", 0), 1500);
  EXPECT_EQ(parsed("1500e-3", 1), 15);
  EXPECT_EQ(parsed("1e18", 0), 1'000'000'000'000'000'000);
  EXPECT_EQ(parsed("0e999999999999999999999", 8), 0);
  EXPECT_EQ(parsed("0.000e-999999999999", 8), 0);
  EXPECT_EQ(parsed("1e-09", 8), kTooMany);
  EXPECT_EQ(parsed("1e19", 0), kOverflow);
  EXPECT_EQ(parsed("1e999999999999999999999", 0), kOverflow);
  EXPECT_EQ(parsed("1e-999999999999999999999", 8), kTooMany);
}

TEST(FixedPointTest, SyntaxErrors) {
  for (const char* text :
       {"",     "-",   ".",        ".5",  "5.", "-.5",      "+5",   "1.2.3",
        "1,5",  "1e",  "1e+",      "1e-", "e5", "1e5.0",    " 1",   "1 ",
        "0x10", "NaN", "Infinity", "--1", "1-", "0.-10000", "1_000"}) {
    EXPECT_EQ(parsed(text, 8), kSyntax) << text;
  }
}

TEST(FixedPointTest, LimitsOfInt64) {
  EXPECT_EQ(parsed("9223372036854775807", 0), kMax);
  EXPECT_EQ(parsed("-9223372036854775808", 0), kMin);
  EXPECT_EQ(parsed("9223372036854775808", 0), kOverflow);
  EXPECT_EQ(parsed("-9223372036854775809", 0), kOverflow);
  EXPECT_EQ(parsed("92233720368.54775807", 8), kMax);
  EXPECT_EQ(parsed("92233720368.54775808", 8), kOverflow);
  EXPECT_EQ(parsed("9.223372036854775807", 18), kMax);
  EXPECT_EQ(parsed("99999999999999999999999999", 0), kOverflow);
  EXPECT_EQ(parsed("1", -1), kOverflow);
  EXPECT_EQ(parsed("1", 19), kOverflow);
}

TEST(FixedPointTest, TooManyDecimals) {
  EXPECT_EQ(parsed("0.000000001", 8), kTooMany);
  EXPECT_EQ(parsed("1.5", 0), kTooMany);
  EXPECT_EQ(parsed("1.50", 1), 15);
}

TEST(FixedPointTest, FormatsAllDecimals) {
  EXPECT_EQ(decimal_string(0, 0), "0");
  EXPECT_EQ(decimal_string(0, 2), "0.00");
  EXPECT_EQ(decimal_string(5, 0), "5");
  EXPECT_EQ(decimal_string(5, 3), "0.005");
  EXPECT_EQ(decimal_string(-5, 3), "-0.005");
  EXPECT_EQ(decimal_string(1000, 3), "1.000");
  EXPECT_EQ(decimal_string(kMin, 0), "-9223372036854775808");
  EXPECT_EQ(decimal_string(kMin, 18), "-9.223372036854775808");
  EXPECT_EQ(decimal_string(-1, 18), "-0.000000000000000001");
}

TEST(FixedPointTest, RandomRoundTrips) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 200'000; ++i) {
    const auto mantissa = static_cast<int64_t>(random()) >> (random() % 64);
    const int scale = static_cast<int>(random() % 19);
    const std::string text = decimal_string(mantissa, scale);
    ASSERT_LE(text.size(), kMaxDecimalSize);
    ASSERT_EQ(parsed(text, scale), mantissa) << text;
  }
}

TEST(FixedPointTest, EveryErrorHasAName) {
  EXPECT_STREQ(decimal_error_name(DecimalError::kOk), "ok");
  EXPECT_STREQ(decimal_error_name(DecimalError::kSyntax), "not a number");
  EXPECT_STREQ(decimal_error_name(DecimalError::kTooManyDecimals),
               "more decimals than the scale");
  EXPECT_STREQ(decimal_error_name(DecimalError::kOverflow),
               "does not fit 64 bits");
}

}  // namespace
}  // namespace wirebook
