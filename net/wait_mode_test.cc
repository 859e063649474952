// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/wait_mode.h"

#include "gtest/gtest.h"

namespace wirebook {
namespace {

TEST(WaitModeTest, NamesAndModesGoBothWays) {
  EXPECT_EQ(parse_wait_mode("spin"), WaitMode::kSpin);
  EXPECT_EQ(parse_wait_mode("adaptive"), WaitMode::kAdaptive);
  EXPECT_EQ(parse_wait_mode("sleep"), WaitMode::kSleep);
  EXPECT_EQ(wait_mode_name(WaitMode::kSleep), "sleep");
  EXPECT_EQ(parse_wait_mode("Spin"), std::nullopt);
  EXPECT_EQ(parse_wait_mode(""), std::nullopt);
}

}  // namespace
}  // namespace wirebook
