// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Every venue and every channel of single orders has a fuzz target: the list of
// lob/fuzz/BUILD.bazel has no gap.

#include <string>

#include "gtest/gtest.h"
#include "lob/order_feed.h"
#include "lob/venue.h"

namespace wirebook {
namespace {

#define WIREBOOK_TEXT(...) #__VA_ARGS__
#define WIREBOOK_TEXT_OF(...) WIREBOOK_TEXT(__VA_ARGS__)

bool is_fuzzed(const std::string& parser) {
  const std::string list = "," WIREBOOK_TEXT_OF(WIREBOOK_FUZZED_PARSERS) ",";
  return list.find("," + parser + ",") != std::string::npos;
}

TEST(VenueParsers, EachHasAFuzzTarget) {
  for (const VenueTraits& venue : kVenues) {
    EXPECT_TRUE(is_fuzzed(std::string(venue.name))) << venue.name;
  }
  for (const OrderFeed& feed : kOrderFeeds) {
    const std::string name = std::string(venue_name(feed.venue)) + "-orders";
    EXPECT_TRUE(is_fuzzed(name)) << name;
  }
}

}  // namespace
}  // namespace wirebook
