// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/interleaved_checksum.h"

#include <zlib.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "lob/fixed_point.h"

namespace wirebook {
namespace {

uint32_t zlib_sum(const std::string& text) {
  return static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size()));
}

std::string amount(int64_t mantissa, int scale, AmountStyle style) {
  char out[kMaxDecimalSize + 4];
  return std::string(out, format_checksum_amount(mantissa, scale, style, out));
}

// The venue's own example (OKX API guide).
TEST(InterleavedChecksum, BidsAndAsksInTurn) {
  const std::vector<PriceLevel> bids = {{33661, 7}, {33660, 6}};
  const std::vector<PriceLevel> asks = {{33668, 9}, {33680, 8}};
  EXPECT_EQ(interleaved_checksum(bids, asks, 1, 0),
            zlib_sum("3366.1:7:3366.8:9:3366:6:3368:8"));
}

TEST(InterleavedChecksum, TheLongerSideGoesOnAlone) {
  const std::vector<PriceLevel> one = {{33661, 70}};
  const std::vector<PriceLevel> three = {{33668, 90}, {33680, 80}, {33720, 8}};
  EXPECT_EQ(interleaved_checksum(one, three, 1, 1),
            zlib_sum("3366.1:7:3366.8:9:3368:8:3372:0.8"));
  EXPECT_EQ(interleaved_checksum(three, one, 1, 1),
            zlib_sum("3366.8:9:3366.1:7:3368:8:3372:0.8"));
  EXPECT_EQ(interleaved_checksum({}, {}, 1, 1), 0u);
}

TEST(InterleavedChecksum, NoMoreThanTwentyFiveLevels) {
  std::vector<PriceLevel> levels;
  std::string text;
  for (int i = 1; i <= 30; ++i) {
    levels.push_back({i, i});
    if (i <= 25) {
      text += (i == 1 ? "" : ":") + std::to_string(i) + ":" + std::to_string(i);
    }
  }
  EXPECT_EQ(interleaved_checksum(levels, {}, 0, 0), zlib_sum(text));
}

TEST(InterleavedChecksum, AsJavaScriptPrints) {
  const std::vector<PriceLevel> level = {{100000, 15}};
  EXPECT_EQ(interleaved_checksum(level, level, 5, 8, AmountStyle::kJavaScript),
            zlib_sum("1:1.5e-7:1:-1.5e-7"));
}

TEST(InterleavedChecksum, AmountsAsTheVenuesPrintThem) {
  const auto plain = AmountStyle::kPlain;
  const auto script = AmountStyle::kJavaScript;
  EXPECT_EQ(amount(0, 0, plain), "0");
  EXPECT_EQ(amount(0, 8, plain), "0");
  EXPECT_EQ(amount(100, 0, plain), "100");
  EXPECT_EQ(amount(100, 1, plain), "10");
  EXPECT_EQ(amount(1, 8, plain), "0.00000001");
  EXPECT_EQ(amount(1, 8, script), "1e-8");
  EXPECT_EQ(amount(-10, 8, script), "-1e-7");
  EXPECT_EQ(amount(-123, 9, script), "-1.23e-7");
  EXPECT_EQ(amount(99, 8, script), "9.9e-7");
  EXPECT_EQ(amount(100, 8, script), "0.000001");
  EXPECT_EQ(amount(0, 8, script), "0");
  EXPECT_EQ(amount(INT64_MIN, 18, plain), "-9.223372036854775808");
  EXPECT_EQ(amount(INT64_MIN, 0, plain), "-9223372036854775808");
}

}  // namespace
}  // namespace wirebook
