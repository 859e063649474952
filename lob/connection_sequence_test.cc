// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/connection_sequence.h"

#include "gtest/gtest.h"

namespace wirebook {
namespace {

using Action = ConnectionSequence::Action;

TEST(ConnectionSequence, CountsByOneFromWhereverItBegins) {
  ConnectionSequence sequence;
  EXPECT_EQ(sequence.on_message(7), Action::kNext);
  EXPECT_EQ(sequence.on_message(8), Action::kNext);
  EXPECT_EQ(sequence.on_message(9), Action::kNext);
}

TEST(ConnectionSequence, AHoleARepetitionAndAStepBackAreGaps) {
  for (const uint64_t number : {102u, 100u, 99u, 0u}) {
    ConnectionSequence sequence;
    ASSERT_EQ(sequence.on_message(100), Action::kNext);
    EXPECT_EQ(sequence.on_message(number), Action::kGap) << number;
    EXPECT_EQ(sequence.on_message(number + 1), Action::kNext) << number;
  }
}

TEST(ConnectionSequence, ANewConnectionCountsFromAnew) {
  ConnectionSequence sequence;
  sequence.on_message(100);
  sequence.restart();
  EXPECT_EQ(sequence.on_message(0), Action::kNext);
  EXPECT_EQ(sequence.on_message(1), Action::kNext);
}

}  // namespace
}  // namespace wirebook
