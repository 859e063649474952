// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/chained_id_sync.h"

#include "gtest/gtest.h"

namespace wirebook {
namespace {

using Action = ChainedIdSync::Action;

TEST(ChainedIdSync, ADeltaNamesTheOneBefore) {
  ChainedIdSync sync;
  EXPECT_EQ(sync.on_delta(10, 11), Action::kDrop);
  EXPECT_FALSE(sync.live());
  sync.on_snapshot(10);
  EXPECT_TRUE(sync.live());
  EXPECT_EQ(sync.on_delta(10, 11), Action::kApply);
  EXPECT_EQ(sync.on_delta(11, 25), Action::kApply);
  EXPECT_EQ(sync.last_update_id(), 25u);
}

// Each delta against a live book that stands at 100.
TEST(ChainedIdSync, EveryDelta) {
  struct Case {
    uint64_t previous, id;
    Action action;
    bool live;
  };
  for (const Case& c : {
           Case{100, 101, Action::kApply, true},
           Case{100, 100, Action::kIgnore, true},  // nothing changed
           Case{99, 100, Action::kIgnore, true},   // the last one again
           Case{100, 3, Action::kApply, true},     // counts from anew
           Case{101, 102, Action::kGap, false},
           Case{99, 101, Action::kGap, false},
           Case{98, 99, Action::kGap, false},
           Case{0, 1, Action::kGap, false},
       }) {
    ChainedIdSync sync;
    sync.on_snapshot(100);
    EXPECT_EQ(sync.on_delta(c.previous, c.id), c.action) << c.id;
    EXPECT_EQ(sync.live(), c.live) << c.id;
  }
}

TEST(ChainedIdSync, OnlyASnapshotEndsAGap) {
  ChainedIdSync sync;
  sync.on_snapshot(100);
  EXPECT_EQ(sync.on_delta(101, 102), Action::kGap);
  EXPECT_EQ(sync.on_delta(102, 103), Action::kDrop);
  EXPECT_EQ(sync.on_delta(100, 101), Action::kDrop);
  sync.on_snapshot(200);
  EXPECT_EQ(sync.on_delta(200, 201), Action::kApply);
  sync.restart();
  EXPECT_EQ(sync.on_delta(201, 202), Action::kDrop);
}

TEST(ChainedIdSync, ASnapshotInALiveBookReplacesIt) {
  ChainedIdSync sync;
  sync.on_snapshot(100);
  sync.on_snapshot(1);
  EXPECT_EQ(sync.on_delta(1, 2), Action::kApply);
}

}  // namespace
}  // namespace wirebook
