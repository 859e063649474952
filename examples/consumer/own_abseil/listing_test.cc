// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "listing.h"

#include <cstdint>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "lob/instrument.h"

namespace consumer {
namespace {

TEST(Listing, SpeaksTheCompanysAbseil) {
  wirebook::InstrumentTable table(1);
  const absl::StatusOr<uint32_t> first = list(table, "BTCUSDT");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(table[*first].symbol, "BTCUSDT");

  EXPECT_FALSE(list(table, "ETHUSDT").ok()) << "The table has one place.";
}

}  // namespace
}  // namespace consumer
