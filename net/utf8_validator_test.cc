// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/utf8_validator.h"

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "simdjson.h"

namespace wirebook {
namespace {

bool valid_in_pieces(const std::string& text, size_t piece) {
  Utf8Validator validator;
  for (size_t i = 0; i < text.size(); i += piece) {
    const size_t size = std::min(piece, text.size() - i);
    if (!validator.feed(text.data() + i, size)) return false;
  }
  return validator.complete();
}

TEST(Utf8ValidatorTest, AcceptsTextInAnyPieces) {
  const std::string text = "ascii \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 end";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    EXPECT_TRUE(valid_in_pieces(text, piece)) << piece;
  }
}

TEST(Utf8ValidatorTest, RefusesWhatUnicodeRefuses) {
  const std::vector<std::string> bad = {
      "\x80",              // continuation alone
      "\xc0\xaf",          // overlong
      "\xe0\x9f\xbf",      // overlong
      "\xf0\x8f\xbf\xbf",  // overlong
      "\xed\xa0\x80",      // surrogate
      "\xf4\x90\x80\x80",  // above U+10FFFF
      "\xf5\x80\x80\x80",
      "\xff",
      "\xe2\x82",  // cut off
      "\xe2(\xa1",
  };
  for (const std::string& text : bad) {
    EXPECT_FALSE(valid_in_pieces(text, 1));
    EXPECT_FALSE(valid_in_pieces(text, 100));
  }
}

TEST(Utf8ValidatorTest, FailsAtTheFirstByteThatCannotBe) {
  Utf8Validator validator;
  EXPECT_TRUE(validator.feed("\xf4", 1));
  EXPECT_FALSE(validator.feed("\x90", 1));
}

TEST(Utf8ValidatorTest, AgreesWithSimdjsonOnRandomText) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string pieces[] = {"a",
                                "\xc3\xa9",
                                "\xe2\x82\xac",
                                "\xe0\xa0",
                                "\xf0\x9f\x98\x80",
                                "\xbf",
                                "0123456789abcdef0123456789abcdef"};
  int good = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    const unsigned choices = random() % 4 == 0 ? 7 : 3;
    for (unsigned n = random() % 8; n > 0; --n) {
      text += pieces[random() % choices];
    }
    if (!text.empty() && random() % 4 == 0) {
      text[random() % text.size()] = static_cast<char>(random());
    }
    const bool valid = simdjson::validate_utf8(text.data(), text.size());
    good += valid;
    ASSERT_EQ(valid_in_pieces(text, 1 + random() % 20), valid);
  }
  EXPECT_GT(good, 1000);
}

TEST(LeadingAsciiTest, IsExactOrALowerBoundNearby) {
  for (size_t size = 0; size < 600; ++size) {
    // No byte more than that: AddressSanitizer sees a load that goes too far.
    const auto text = std::make_unique<char[]>(size);
    std::fill_n(text.get(), size, 'x');
    ASSERT_EQ(leading_ascii(text.get(), size), size);
    for (size_t at = 0; at < size; ++at) {
      text[at] = '\x80';
      const size_t ascii = leading_ascii(text.get(), size);
      ASSERT_LE(ascii, at) << size;
      ASSERT_LT(at - ascii, 256u) << size;
      text[at] = 'x';
    }
  }
}

}  // namespace
}  // namespace wirebook
