// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/checksum_sync.h"

#include "gtest/gtest.h"

namespace wirebook {
namespace {

using Action = ChecksumSync::Action;

TEST(ChecksumSync, LiveFromTheSnapshotsOwnSumOn) {
  ChecksumSync sync;
  sync.on_subscribed(25);
  EXPECT_EQ(sync.on_delta(), Action::kDrop);
  EXPECT_EQ(sync.on_snapshot(25), Action::kApply);
  EXPECT_FALSE(sync.live());
  EXPECT_TRUE(sync.on_sum(true));
  EXPECT_TRUE(sync.live());
  EXPECT_EQ(sync.on_delta(), Action::kApply);
  EXPECT_TRUE(sync.on_sum(true));
}

TEST(ChecksumSync, ASumThatDisagreesEndsItUntilTheNextSnapshot) {
  ChecksumSync sync;
  sync.on_snapshot(10);
  EXPECT_FALSE(sync.on_sum(false));
  EXPECT_FALSE(sync.live());
  EXPECT_EQ(sync.on_delta(), Action::kDrop);
  sync.on_snapshot(10);
  EXPECT_TRUE(sync.on_sum(true));
  EXPECT_EQ(sync.on_delta(), Action::kApply);
  EXPECT_FALSE(sync.on_sum(false));
  EXPECT_EQ(sync.on_delta(), Action::kDrop);
}

TEST(ChecksumSync, ANewSubscriptionEndsTheOldOne) {
  ChecksumSync sync;
  sync.on_snapshot(10);
  sync.on_sum(true);
  sync.on_subscribed(0);
  EXPECT_FALSE(sync.live());
  EXPECT_EQ(sync.on_delta(), Action::kDrop);
  sync.on_snapshot(10);
  sync.on_sum(true);
  sync.restart();
  EXPECT_FALSE(sync.live());
  EXPECT_EQ(sync.on_delta(), Action::kDrop);
}

TEST(ChecksumSync, TheDepthComesFromTheAckTheOptionsOrTheSnapshot) {
  ChecksumSync asked;
  asked.set_depth(100);
  asked.on_snapshot(10);
  EXPECT_EQ(asked.depth(), 100u);
  asked.on_subscribed(25);
  EXPECT_EQ(asked.depth(), 25u);
  ChecksumSync unasked;
  unasked.on_snapshot(10);
  EXPECT_EQ(unasked.depth(), 10u);
}

}  // namespace
}  // namespace wirebook
