// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/printable_text.h"

#include <string>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

TEST(PrintableTextTest, APlainTextIsAsItWas) {
  EXPECT_EQ(printable_text("Too Many Requests"), "Too Many Requests");
  EXPECT_EQ(printable_text(""), "");
}

TEST(PrintableTextTest, WhatIsNotPrintableIsEscaped) {
  EXPECT_EQ(printable_text("a\nb\x1b[0m\"\xc3\xa4"),
            "a\\nb\\x1b[0m\\\"\\xc3\\xa4");
}

TEST(PrintableTextTest, ALongOneIsCut) {
  EXPECT_EQ(printable_text(std::string(200, 'x')), std::string(200, 'x'));
  EXPECT_EQ(printable_text(std::string(201, 'x')),
            std::string(200, 'x') + "...");
  // In the middle of a character.
  EXPECT_EQ(printable_text("\xc3\xa4", 1), "\\xc3...");
}

}  // namespace
}  // namespace wirebook
