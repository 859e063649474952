// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "lob/instrument.h"

#ifndef COMPANY_ABSEIL
#error "This is not the company's Abseil."
#endif

namespace {

// An absl::StatusOr that Wirebook made, in the hands of code that knows only
// the company's Abseil.
TEST(Books, SpeakTheCompanysAbseil) {
  wirebook::InstrumentTable table(1);
  const absl::StatusOr<uint32_t> first =
      table.find_or_add({.symbol = "BTCUSDT", .market = "spot"});
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(table[*first].symbol, "BTCUSDT");

  const absl::StatusOr<uint32_t> second =
      table.find_or_add({.symbol = "ETHUSDT", .market = "spot"});
  EXPECT_FALSE(second.ok());
}

}  // namespace
