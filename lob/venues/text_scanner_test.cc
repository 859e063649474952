// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/text_scanner.h"

#include <random>
#include <string>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

// With the slack that the scanner may read.
std::string padded(const std::string& text) {
  return text + std::string(64, '9');
}

TEST(TextScanner, MatchesAMessageByteForByte) {
  const std::string text = padded("{\"u\":42,\"s\":\"BTC\",\"p\":\"1.5\"}");
  TextScanner in(text.data(), text.data() + text.size() - 64);
  uint64_t id = 0;
  std::string_view symbol;
  int64_t price = 0;
  EXPECT_FALSE(in.literal("{\"v\":"));
  ASSERT_TRUE(in.literal("{\"u\":"));
  ASSERT_TRUE(in.unsigned_number(&id));
  ASSERT_TRUE(in.literal(",\"s\":\""));
  ASSERT_TRUE(in.name(&symbol));
  ASSERT_TRUE(in.literal(",\"p\":\""));
  ASSERT_TRUE(in.amount(2, &price));
  ASSERT_TRUE(in.literal("\"}"));
  EXPECT_TRUE(in.at_end());
  EXPECT_EQ(id, 42u);
  EXPECT_EQ(symbol, "BTC");
  EXPECT_EQ(price, 150);
}

TEST(TextScanner, TakesNoNameThatNeedsUnescapingOrNeverEnds) {
  for (const std::string& text :
       {std::string("a\\u0041\""), std::string("caf\xc3\xa9\""),
        std::string("endless"), std::string("a b\"")}) {
    const std::string buffer = padded(text);
    TextScanner in(buffer.data(), buffer.data() + text.size());
    std::string_view name;
    EXPECT_FALSE(in.name(&name)) << text;
  }
}

TEST(TextScanner, FindsANameBehindWhatItIsNeededFor) {
  const auto find = [](const std::string& text, std::string* out) {
    const std::string buffer = padded(text);
    TextScanner in(buffer.data(), buffer.data() + text.size());
    std::string_view first;
    std::string_view name;
    EXPECT_TRUE(in.literal("{\"a\":\""));
    EXPECT_TRUE(in.name(&first));
    const bool found = in.name_at_end(",\"s\":\"", &name, "\",\"t\":1}");
    if (found) {
      EXPECT_EQ(name, text.substr(text.size() - 8 - name.size(), name.size()));
      EXPECT_EQ(in.end() - buffer.data(),
                static_cast<ptrdiff_t>(text.size() - 8 - name.size() - 6));
    }
    *out = std::string(name);
    return found;
  };
  const std::string before = R"({"a":"bcdefghijklmnop","s":")";
  for (size_t size : {0, 1, 3, 4, 15, 16, 17, 31, 32, 33, 70}) {
    const std::string symbol(size, 'B');
    std::string name;
    EXPECT_TRUE(find(before + symbol + R"(","t":1})", &name)) << size;
    EXPECT_EQ(name, symbol);
  }
  for (const char* other :
       {R"(B","t":2})", R"(B","t":1} )", R"(B\"","t":1})", R"(B B","t":1})",
        R"(B","s":"","u":"","t":1})", R"("t":1})"}) {
    std::string name;
    EXPECT_FALSE(find(before + other, &name)) << other;
  }
  std::string name;
  EXPECT_FALSE(find(R"({"a":"b","t":1})", &name));
  EXPECT_FALSE(find(R"({"a":"b"})", &name));
}

TEST(ScanAmount, ReadsWhatScanDecimalReadsButNothingNegative) {
  for (const char* text : {"0\"", "0,", "0.0\"", "00\"", "0.5\"", "0e1\"",
                           "12\"", "1.25\"", "1.255\"", "\"", "x\""}) {
    const std::string buffer = padded(text);
    const char* p = buffer.data();
    const char* q = buffer.data();
    int64_t amount = -1;
    int64_t decimal = -1;
    ASSERT_EQ(scan_amount(p, 2, &amount), scan_decimal(q, 2, &decimal)) << text;
    EXPECT_EQ(p, q) << text;
    EXPECT_EQ(amount, decimal) << text;
  }
  for (const char* text : {"-1\"", "-0\""}) {
    const std::string buffer = padded(text);
    const char* p = buffer.data();
    int64_t amount = 0;
    EXPECT_EQ(scan_amount(p, 2, &amount), DecimalError::kSyntax) << text;
  }
}

TEST(ScanUnsigned, EveryLengthUpToTheLargest) {
  std::mt19937_64 random(20260803);
  for (int i = 0; i < 20000; ++i) {
    const uint64_t expected = random() >> (random() % 64);
    const std::string digits = std::to_string(expected);
    const std::string text = digits + "," + std::string(32, '9');
    const char* p = text.data();
    uint64_t value = 0;
    ASSERT_TRUE(scan_unsigned(p, &value)) << text;
    ASSERT_EQ(value, expected);
    ASSERT_EQ(p, text.data() + digits.size());
  }
}

TEST(ScanUnsigned, RefusesWhatJsonOrTheTypeDoesNotAllow) {
  for (const char* digits : {"", "-1", "01", "00", "x", "18446744073709551616",
                             "99999999999999999999", "184467440737095516150"}) {
    const std::string text = digits + std::string(",") + std::string(32, ',');
    const char* p = text.data();
    uint64_t value = 0;
    EXPECT_FALSE(scan_unsigned(p, &value)) << digits;
    EXPECT_EQ(p, text.data());
  }
}

}  // namespace
}  // namespace wirebook
