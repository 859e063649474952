// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The one law for books of orders, by force (lob/testing/order_run.h).
//
// A seed decides everything: a failure prints it, and WIREBOOK_FUZZ_SEED=<seed>
// repeats it. Under --config=soak the seeds go on.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "lob/l3_feed.h"
#include "lob/testing/order_run.h"
#include "lob/testing/order_venue.h"
#include "lob/testing/parser_harness.h"
#include "memory/testing/soak.h"

namespace wirebook {
namespace {

std::vector<VenueId> venues() {
  std::vector<VenueId> all;
  for (const OrderFeed& feed : kOrderFeeds) all.push_back(feed.venue);
  return all;
}

uint64_t first_seed() {
  const char* const text = std::getenv("WIREBOOK_FUZZ_SEED");
  return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

class OrderFuzz : public testing::TestWithParam<VenueId> {};

TEST_P(OrderFuzz, WithoutFaultsTheBookIsTheModels) {
  const std::unique_ptr<OrderVenue> venue = make_order_venue(GetParam());
  OrderRun run(*venue, Choices(first_seed()), false);
  run.run(1000);
  EXPECT_EQ(run.report().broken, "");
  EXPECT_GT(run.report().lives, 950u);
  EXPECT_EQ(run.keeper().statistics().gaps, 0u);
  EXPECT_EQ(run.keeper().statistics().checksums_bad, 0u);
}

TEST_P(OrderFuzz, ALiveBookIsTheModelsWhateverGetsLost) {
  constexpr int kSteps = 700;
  constexpr int kSeedsARound = 6;
  uint64_t seeds = 0;
  uint64_t lives = 0;
  uint64_t faults = 0;
  for (Soak soak; seeds % kSeedsARound != 0 || soak.goes_on(); ++seeds) {
    const uint64_t seed = first_seed() + seeds;
    SCOPED_TRACE("WIREBOOK_FUZZ_SEED=" + std::to_string(seed));
    const std::unique_ptr<OrderVenue> venue = make_order_venue(GetParam());
    OrderRun run(*venue, Choices(seed), true);
    run.run(kSteps);
    ASSERT_EQ(run.report().broken, "");
    EXPECT_GT(run.keeper().statistics().gaps +
                  run.keeper().statistics().checksums_bad,
              5u);
    lives += run.report().lives;
    faults += run.report().faults;
  }
  // The law does not hold for want of Live books, or of faults.
  EXPECT_GT(lives, seeds * 200);
  EXPECT_GT(faults, seeds * 15);
}

TEST(OrderFuzzOfOne, BitstampWithoutIdsOfEvents) {
  const auto venue = make_order_venue(VenueId::kBitstamp, /*chained=*/false);
  OrderRun run(*venue, Choices(first_seed()), false);
  run.run(1000);
  EXPECT_EQ(run.report().broken, "");
  EXPECT_EQ(run.keeper().view().assurance, Assurance::kPromised);
}

// Whatever the bytes: no crash, and a feed that can go on.
TEST_P(OrderFuzz, SpoiledTextsHarmNothing) {
  constexpr int kMutations = 20'000;
  const std::unique_ptr<OrderVenue> venue = make_order_venue(GetParam());
  std::mt19937_64 random(first_seed());
  OrderModel model;
  for (uint64_t i = 1; i < 9; ++i) {
    model.add(Side::kBid, {i, kMiddle - static_cast<int64_t>(i), 1000});
    model.add(Side::kAsk, {i + 20, kMiddle + static_cast<int64_t>(i), 1000});
  }
  std::vector<std::string> texts = venue->begin(model);
  const size_t stream = texts.size();
  OrderModel after = model;
  after.remove(1);
  for (const Happening& one :
       {Happening{Happening::kRemove, Side::kBid, {1, kMiddle - 1, 1000}, {}},
        Happening{Happening::kTrade, Side::kBid, {1, kMiddle - 1, 1000}, {}},
        Happening{Happening::kAdd, Side::kBid, {}, {90, kMiddle - 1, 1000}},
        Happening{Happening::kNothing, Side::kAsk, {}, {}}}) {
    for (const std::string& text : venue->tell(one, model, after)) {
      texts.push_back(text);
    }
  }
  const size_t bodies = texts.size();
  if (std::string body = venue->snapshot(model); !body.empty()) {
    texts.push_back(std::move(body));
  }
  TradingObjectPools pools;
  auto feed = L3Feed::create({.venue = GetParam()}, pools, nullptr);
  ASSERT_TRUE(feed.ok());
  ASSERT_TRUE((*feed)->expect_instrument(venue->symbol, 0, 10).ok());
  for (int i = 0; i < kMutations; ++i) {
    const size_t which = random() % texts.size();
    // Now and then the stream as it is, so that there is a book to harm.
    if (i % 50 == 0) {
      for (size_t k = 0; k < stream; ++k) {
        Frame frame(texts[k], '9');
        (*feed)->on_message(frame.raw());
      }
    }
    Frame frame(mutate(texts[which], random), '9');
    if (which >= bodies) frame.raw().kind = RawMessageKind::kHttpBody;
    (*feed)->on_message(frame.raw());
    while ((*feed)->next_request()) {
    }
  }
  EXPECT_GT((*feed)->statistics().malformed, uint64_t{kMutations / 10});
  EXPECT_EQ((*feed)->statistics().drops, 0u);
}

INSTANTIATE_TEST_SUITE_P(Venues, OrderFuzz, testing::ValuesIn(venues()),
                         [](const auto& suite) {
                           std::string name(venue_name(suite.param));
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace wirebook