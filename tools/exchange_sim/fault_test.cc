// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/fault.h"

#include <gtest/gtest.h>
#include <simdjson.h>

namespace wirebook::sim {
namespace {

std::vector<int> times(const FaultOptions& options, const char* topic) {
  FaultClock clock(options, topic);
  std::vector<int> out;
  for (int i = 0; i < 500; ++i) {
    if (clock.due()) out.push_back(i);
  }
  return out;
}

TEST(FaultClock, StrikesAsOftenAsSaidAndTheSameEachTime) {
  const FaultOptions options{
      .kind = FaultKind::kGap, .seed = 3, .count = 4, .every = 20};
  EXPECT_EQ(times(options, "a").size(), 4u);
  EXPECT_EQ(times(options, "a"), times(options, "a"));
  EXPECT_NE(times(options, "a"), times(options, "b"));
  EXPECT_TRUE(times({}, "a").empty()) << "none is the default";
}

TEST(Fault, EachHasItsName) {
  EXPECT_EQ(find_fault("slow-drip"), FaultKind::kSlowDrip);
  EXPECT_EQ(find_fault("no-such"), std::nullopt);
  EXPECT_EQ(fault_names().size(), 13u);
}

TEST(Fault, GarbageIsNoJson) {
  const std::string message = R"({"a":[1,2],"b":{"c":[]}})";
  FaultClock clock({.kind = FaultKind::kGarbage}, "t");
  simdjson::dom::parser parser;
  for (int i = 0; i < 20; ++i) {
    const std::string text = garbage_for(message, clock);
    EXPECT_NE(parser.parse(text).error(), simdjson::SUCCESS) << text;
  }
}

}  // namespace
}  // namespace wirebook::sim
