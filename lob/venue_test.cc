// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venue.h"

#include "gtest/gtest.h"
#include "lob/book_state.h"
#include "lob/instrument.h"
#include "lob/venues/make_venue_parser.h"

namespace wirebook {
namespace {

TEST(Venue, TextAndNumberAreOneAnothersInverse) {
  for (size_t i = 0; i < kVenues.size(); ++i) {
    EXPECT_EQ(static_cast<size_t>(kVenues[i].id), i);
    EXPECT_EQ(find_venue(venue_name(kVenues[i].id)), kVenues[i].id);
  }
  EXPECT_EQ(find_venue("binance-spot"), VenueId::kBinanceSpot);
  EXPECT_EQ(find_venue("Kraken"), std::nullopt);
  EXPECT_EQ(find_venue(""), std::nullopt);
}

TEST(Venue, HasAParser) {
  InstrumentTable table(1);
  for (const VenueTraits& traits : kVenues) {
    EXPECT_TRUE(make_venue_parser(traits.id, table, {}).ok()) << traits.name;
  }
}

TEST(BookState, EveryValueHasAName) {
  EXPECT_EQ(book_state_name(BookState::kEmpty), "Empty");
  EXPECT_EQ(book_state_name(BookState::kHalted), "Halted");
  EXPECT_EQ(book_reason_name(BookReason::kNone), "none");
  EXPECT_EQ(book_reason_name(BookReason::kStaleHeartbeat), "stale_heartbeat");
  EXPECT_EQ(assurance_name(Assurance::kPromised), "promised");
}

}  // namespace
}  // namespace wirebook
