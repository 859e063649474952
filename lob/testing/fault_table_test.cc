// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/testing/fault_table.h"

#include <fstream>
#include <sstream>

#include "gtest/gtest.h"
#include "lob/order_feed.h"
#include "lob/venue.h"

namespace wirebook {
namespace {

TEST(FaultTable, SaysWhatTellsOfAGapWhereverSomethingDoes) {
  EXPECT_EQ(detector_of(VenueId::kBybit, Fault::kGap), Detector::kIds);
  EXPECT_EQ(detector_of(VenueId::kKraken, Fault::kGap), Detector::kSum);
  EXPECT_EQ(detector_of(VenueId::kOkx, Fault::kGap, Era::kSums),
            Detector::kSum);
  EXPECT_EQ(detector_of(VenueId::kBitstamp, Fault::kGap), Detector::kNothing);
}

TEST(FaultTable, SaysWhatTellsOfAGapInEveryChannelOfOrders) {
  for (const OrderFeed& feed : kOrderFeeds) {
    EXPECT_NE(order_detector_of(feed.venue, Fault::kGap), Detector::kNothing);
  }
  EXPECT_EQ(order_detector_of(VenueId::kKraken, Fault::kGap), Detector::kSum);
  EXPECT_EQ(order_detector_of(VenueId::kBitfinex, Fault::kGap), Detector::kIds);
}

TEST(FaultTable, NamesEveryChannelOfOrders) {
  for (size_t i = 0; i < kOrderFeeds.size(); ++i) {
    EXPECT_EQ(kOrderFaultNotes[i].venue, kOrderFeeds[i].venue);
  }
}

TEST(FaultTable, NamesEachVenueOnce) {
  for (const FaultNote& note : kFaultNotes) {
    for (const FaultNote& other : kFaultNotes) {
      EXPECT_TRUE(&note == &other || note.venue != other.venue);
    }
  }
}

// To print it anew: bazel run //lob/testing:print_fault_table >
// lob/venues/FAULTS.md
TEST(FaultTable, IsInPrintAsItIs) {
  std::ifstream file("lob/venues/FAULTS.md");
  ASSERT_TRUE(file.good());
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), fault_table_markdown());
}

}  // namespace
}  // namespace wirebook
