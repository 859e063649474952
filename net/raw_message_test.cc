// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/raw_message.h"

#include <type_traits>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

TEST(RawMessageTest, IsOneCacheLineThatMayBeCopied) {
  EXPECT_EQ(sizeof(RawMessage), 64u);
  EXPECT_EQ(alignof(RawMessage), 64u);
  EXPECT_TRUE(std::is_trivially_copyable_v<RawMessage>);
}

TEST(RawMessageTest, ViewIsThePayload) {
  RawMessage message = {};
  message.data = "hello, slack";
  message.size = 5;
  EXPECT_EQ(message.view(), "hello");
}

}  // namespace
}  // namespace wirebook
