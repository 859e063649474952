// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/testing/malloc_peers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wirebook {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(PeerTable, RatioIsOfMediansToTheBestMalloc) {
  const PeerSamples samples = {
      {"hot", {{"ours", {1, 2, 90}}, {"a", {4, 4, 4}}, {"b", {9, 8, 10}}}}};
  const std::string table = peer_table(samples, {"ours"}, {"a", "b"});
  EXPECT_THAT(table, HasSubstr("2.00       4.00       9.00  0.50 of a"));
  EXPECT_THAT(table, HasSubstr("(rounds 0.25 to 22.50)"));
}

TEST(PeerTable, OtherSubjectsAreNoPeers) {
  const PeerSamples samples = {
      {"hot", {{"ours", {2}}, {"other", {1}}, {"a", {4}}}}};
  EXPECT_THAT(peer_table(samples, {"ours", "other"}, {"a"}),
              HasSubstr("0.50 of a"));
}

TEST(PeerTable, WhatIsMissingIsADash) {
  const PeerSamples samples = {{"hot", {{"ours", {2, 4}}}}};
  const std::string table = peer_table(samples, {"ours"}, {"a"});
  EXPECT_THAT(table, HasSubstr("3.00          -"));
  EXPECT_THAT(table, Not(HasSubstr(" of a")));
}

}  // namespace
}  // namespace wirebook
