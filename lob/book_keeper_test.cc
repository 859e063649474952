// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/book_keeper.h"

#include <zlib.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "lob/fixed_point.h"

namespace wirebook {
namespace {

using Kind = ParsedMessageKind;
using Levels = std::map<int64_t, int64_t>;

struct Model {
  Levels bids;
  Levels asks;
  Levels& of(Side side) { return side == Side::kBid ? bids : asks; }
  friend bool operator==(const Model&, const Model&) = default;
};

Model model_of(const L2Book& book) {
  Model model;
  book.for_each(Side::kBid, [&](const PriceLevel& level) {
    model.bids[level.price] = level.quantity;
  });
  book.for_each(Side::kAsk, [&](const PriceLevel& level) {
    model.asks[level.price] = level.quantity;
  });
  return model;
}

// What lies ready to copy is what the book would give.
void expect_top_of_book(const BookKeeper& keeper) {
  for (const Side side : {Side::kBid, Side::kAsk}) {
    for (const size_t count : {size_t{1}, kBookViewDepth, kBookViewDepth + 1}) {
      std::vector<PriceLevel> ready(count), read(count);
      ready.resize(keeper.top(side, ready));
      read.resize(keeper.book().top(side, read));
      read.resize(keeper.known(side, read));
      ASSERT_EQ(ready, read);
    }
  }
}

// The best `depth` levels of each side.
Model best_of(const Model& whole, size_t depth) {
  Model view;
  for (const auto& level : whole.asks) {
    if (view.asks.size() < depth) view.asks.insert(level);
  }
  for (auto it = whole.bids.rbegin(); it != whole.bids.rend(); ++it) {
    if (view.bids.size() < depth) view.bids.insert(*it);
  }
  return view;
}

std::unique_ptr<ParsedMessage> make(Kind kind, const Levels& bids,
                                    const Levels& asks) {
  auto message = std::make_unique<ParsedMessage>();
  message->kind = kind;
  message->instrument = 0;
  message->price_scale = 1;
  message->quantity_scale = 8;
  message->bid_count = static_cast<uint16_t>(bids.size());
  message->ask_begin = message->bid_count;
  message->ask_count = static_cast<uint16_t>(asks.size());
  PriceLevel* out = message->levels;
  for (const auto& [price, quantity] : bids) *out++ = {price, quantity};
  for (const auto& [price, quantity] : asks) *out++ = {price, quantity};
  return message;
}

std::unique_ptr<ParsedMessage> diff(uint64_t first, uint64_t last,
                                    const Levels& bids, const Levels& asks) {
  auto message = make(Kind::kDelta, bids, asks);
  message->first_update_id = first;
  message->last_update_id = last;
  message->has_first_update_id = message->has_last_update_id = true;
  return message;
}

std::unique_ptr<ParsedMessage> snapshot(uint64_t last, const Levels& bids,
                                        const Levels& asks) {
  auto message = make(Kind::kSnapshot, bids, asks);
  message->last_update_id = last;
  message->has_last_update_id = true;
  return message;
}

Instrument binance() {
  Instrument instrument;
  instrument.symbol = "BTCUSDT";
  instrument.index = 0;
  return instrument;
}

Instrument kraken(int depth) {
  Instrument instrument;
  instrument.symbol = "BTC/USD";
  instrument.venue = VenueId::kKraken;
  instrument.index = 0;
  instrument.depth = depth;
  return instrument;
}

BookKeeperOptions small() {
  BookKeeperOptions options;
  options.book.window_ticks = 1024;
  options.buffered_diffs = 8;
  options.buffered_levels = 64;
  return options;
}

// ---- A REST snapshot and diffs

TEST(BookKeeper, BuffersAsksForASnapshotAndGoesLive) {
  const Instrument instrument = binance();
  BookKeeper keeper(instrument, small(), nullptr);
  EXPECT_EQ(keeper.view().state, BookState::kEmpty);
  keeper.on_message(*diff(5, 8, {{100, 1}}, {}));
  EXPECT_EQ(keeper.view().state, BookState::kSyncing);
  EXPECT_EQ(keeper.view().reason, BookReason::kAwaitingSnapshot);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
  EXPECT_EQ(keeper.take_request(), std::nullopt);
  keeper.on_message(*diff(9, 12, {{101, 2}}, {}));
  EXPECT_EQ(keeper.take_request(), std::nullopt) << "one is under way";
  keeper.on_message(*snapshot(9, {{100, 5}, {99, 4}}, {{105, 1}}));
  const BookView view = keeper.view();
  EXPECT_EQ(view.state, BookState::kLive);
  EXPECT_EQ(view.assurance, Assurance::kSequenced);
  EXPECT_EQ(view.update_id, 12u);
  ASSERT_EQ(view.bid_count, 3);
  EXPECT_EQ(view.bids[0], (PriceLevel{101, 2}));
  EXPECT_EQ(view.bids[1], (PriceLevel{100, 5}));
  const BookStatistics statistics = keeper.statistics();
  EXPECT_EQ(statistics.updates_applied, 1u);
  EXPECT_EQ(statistics.updates_dropped, 1u);
  EXPECT_EQ(statistics.levels_applied, 1u);
  EXPECT_EQ(keeper.known_horizon(Side::kBid), 99);
  EXPECT_EQ(keeper.known_horizon(Side::kAsk), 105);
}

// Levels of a snapshot may lie so far apart that the tick does not show.
TEST(BookKeeper, TheVenuesTickIsTheBooks) {
  for (const bool told : {false, true}) {
    Instrument instrument = binance();
    instrument.price_scale = 1;
    instrument.tick = told ? 5 : 0;
    BookKeeper keeper(instrument, small(), nullptr);
    keeper.on_message(*diff(11, 11, {{1005, 1}}, {}));
    keeper.on_message(*snapshot(10, {{1000, 1}}, {{2000, 1}}));
    ASSERT_EQ(keeper.state(), BookState::kLive);
    EXPECT_EQ(model_of(keeper.book()),
              (Model{{{1000, 1}, {1005, 1}}, {{2000, 1}}}));
    EXPECT_EQ(keeper.book().memory().overflow_levels, told ? 0u : 1u);
  }
}

TEST(BookKeeper, ASnapshotAloneIsNotLiveUntilADiffJoinsIt) {
  const Instrument instrument = binance();
  BookKeeper keeper(instrument, small(), nullptr);
  keeper.on_message(*snapshot(9, {{100, 5}}, {{105, 1}}));
  EXPECT_EQ(keeper.view().state, BookState::kSyncing);
  EXPECT_EQ(keeper.view().reason, BookReason::kAwaitingFirstUpdate);
  keeper.on_message(*diff(10, 10, {}, {{104, 1}}));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
}

TEST(BookKeeper, AGapAsksAgainAndTheNextSnapshotLeavesNoGhosts) {
  const Instrument instrument = binance();
  BookKeeper keeper(instrument, small(), nullptr);
  keeper.on_message(*snapshot(9, {{100, 5}}, {{105, 1}}));
  keeper.on_message(*diff(10, 10, {{98, 7}}, {}));
  keeper.on_message(*diff(12, 13, {{97, 7}}, {}));
  EXPECT_EQ(keeper.view().state, BookState::kGapped);
  EXPECT_EQ(keeper.view().reason, BookReason::kSequenceGap);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
  keeper.on_message(*snapshot(10, {{100, 6}}, {{105, 1}}));
  EXPECT_EQ(keeper.view().state, BookState::kGapped)
      << "older than what is kept";
  EXPECT_EQ(keeper.view().reason, BookReason::kSnapshotTooOld);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
  keeper.on_message(*snapshot(12, {{100, 6}}, {{105, 1}}));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
  EXPECT_EQ(model_of(keeper.book()), (Model{{{100, 6}, {97, 7}}, {{105, 1}}}));
  EXPECT_EQ(keeper.statistics().gaps, 1u);
  EXPECT_EQ(keeper.statistics().resyncs, 1u);
}

TEST(BookKeeper, CrossedIsNotLive) {
  const Instrument instrument = binance();
  BookKeeper keeper(instrument, small(), nullptr);
  keeper.on_message(*snapshot(9, {{100, 5}}, {{105, 1}}));
  keeper.on_message(*diff(10, 10, {{105, 7}}, {}));
  EXPECT_EQ(keeper.view().state, BookState::kCrossed);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
  EXPECT_EQ(keeper.statistics().crossed, 1u);
  keeper.on_message(*diff(11, 11, {{105, 0}}, {}));
  EXPECT_EQ(keeper.view().state, BookState::kCrossed);
  keeper.on_message(*snapshot(11, {{100, 5}}, {{105, 1}}));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
}

TEST(BookKeeper, FaultsConnectionLossAndSilenceAreNeverLive) {
  const Instrument instrument = binance();
  BookKeeper keeper(instrument, small(), nullptr);
  const auto sync = [&keeper](uint64_t id) {
    keeper.on_message(*snapshot(id, {{100, 5}}, {{105, 1}}));
    keeper.on_message(*diff(id + 1, id + 1, {}, {}));
    ASSERT_EQ(keeper.view().state, BookState::kLive);
  };
  sync(10);
  keeper.on_fault(BookReason::kMalformedMessage, 77);
  EXPECT_EQ(keeper.view().state, BookState::kGapped);
  EXPECT_EQ(keeper.view().reason, BookReason::kMalformedMessage);
  EXPECT_EQ(keeper.view().since_ticks, 77u);
  EXPECT_TRUE(keeper.take_request());
  sync(20);
  keeper.on_connection_lost(88);
  EXPECT_EQ(keeper.view().reason, BookReason::kConnectionLost);
  EXPECT_FALSE(keeper.take_request()) << "nobody to ask";
  keeper.on_connection_up(99);
  EXPECT_EQ(keeper.view().state, BookState::kSyncing);
  sync(30);
  keeper.on_connection_stale(100);
  EXPECT_EQ(keeper.view().state, BookState::kStale);
  keeper.on_message(*diff(32, 32, {}, {}));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
}

TEST(BookKeeper, KeepsABoundedNumberOfDiffs) {
  const Instrument instrument = binance();
  BookKeeper keeper(instrument, small(), nullptr);
  for (uint64_t id = 1; id <= 100; ++id) {
    keeper.on_message(*diff(id, id, {{static_cast<int64_t>(id), 1}}, {}));
  }
  EXPECT_EQ(keeper.statistics().updates_dropped, 92u);
  keeper.on_message(*snapshot(50, {{10, 5}}, {}));
  EXPECT_EQ(keeper.view().reason, BookReason::kSnapshotTooOld);
  keeper.on_message(*snapshot(96, {{10, 5}}, {}));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
  EXPECT_EQ(keeper.statistics().updates_applied, 4u);
}

// It pushes out what is older, and finds no room itself.
TEST(BookKeeper, ADiffTooLargeToKeepIsALoss) {
  const Instrument instrument = binance();
  BookKeeper keeper(instrument, small(), nullptr);
  Levels many;
  for (int64_t i = 0; i <= 64; ++i) many[i + 1] = 1;
  keeper.on_message(*diff(10, 10, {{100, 9}}, {}));
  keeper.on_message(*diff(11, 11, many, {}));
  EXPECT_EQ(keeper.statistics().updates_dropped, 2u);
  keeper.on_message(*snapshot(10, {{100, 5}}, {{105, 1}}));
  EXPECT_NE(keeper.state(), BookState::kLive);
  keeper.on_message(*diff(12, 12, {}, {}));
  EXPECT_EQ(keeper.reason(), BookReason::kSequenceGap) << "without 11";
  keeper.on_message(*snapshot(12, {{100, 6}}, {{105, 1}}));
  EXPECT_EQ(keeper.state(), BookState::kLive);
  EXPECT_EQ(model_of(keeper.book()), (Model{{{100, 6}}, {{105, 1}}}));
}

TEST(BookKeeper, ASnapshotThatNobodyNeedsLeavesALiveBookAsItIs) {
  const Instrument instrument = binance();
  BookKeeper keeper(instrument, small(), nullptr);
  keeper.on_message(*snapshot(9, {{100, 5}}, {{105, 1}}));
  keeper.on_message(*diff(10, 10, {{101, 7}}, {}));
  for (const uint64_t id : {8, 20}) {
    keeper.on_message(*snapshot(id, {{90, 1}}, {{95, 1}}));
    EXPECT_EQ(keeper.state(), BookState::kLive);
    EXPECT_EQ(keeper.view().update_id, 10u);
    EXPECT_EQ(model_of(keeper.book()),
              (Model{{{100, 5}, {101, 7}}, {{105, 1}}}));
  }
  keeper.on_message(*diff(11, 11, {{102, 7}}, {}));
  EXPECT_EQ(keeper.state(), BookState::kLive);
}

TEST(BookKeeper, ATouchBeyondTheSnapshotIsNotLive) {
  struct Case {
    const char* what;
    Levels snapshot_bids, snapshot_asks, bids, asks;
    BookState state;
  };
  const Levels kBids = {{100, 5}, {99, 4}};
  const Levels kAsks = {{105, 1}, {106, 1}};
  for (const Case& c : {
           Case{"bids",
                kBids,
                kAsks,
                {{100, 0}, {99, 0}, {50, 1}},
                {},
                BookState::kGapped},
           Case{"asks",
                kBids,
                kAsks,
                {},
                {{105, 0}, {106, 0}, {107, 1}},
                BookState::kGapped},
           Case{"emptied",
                kBids,
                kAsks,
                {{100, 0}, {99, 0}},
                {},
                BookState::kGapped},
           Case{"at the horizon",
                kBids,
                kAsks,
                {{100, 0}, {50, 1}},
                {{105, 0}},
                BookState::kLive},
           Case{"no horizon", {}, kAsks, {{50, 1}}, {}, BookState::kLive},
       }) {
    const Instrument instrument = binance();
    BookKeeper keeper(instrument, small(), nullptr);
    keeper.on_message(*snapshot(9, c.snapshot_bids, c.snapshot_asks));
    keeper.on_message(*diff(10, 10, {}, {}));
    ASSERT_EQ(keeper.view().state, BookState::kLive) << c.what;
    keeper.on_message(*diff(11, 11, c.bids, c.asks));
    EXPECT_EQ(keeper.view().state, c.state) << c.what;
    if (c.state == BookState::kLive) continue;
    EXPECT_EQ(keeper.view().reason, BookReason::kBeyondSnapshot) << c.what;
    EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
    EXPECT_EQ(keeper.statistics().gaps, 0u) << "nothing was missed";
    auto refused = make(Kind::kRefused, {}, {});
    keeper.on_message(*refused);
    EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
    keeper.on_message(*snapshot(10, kBids, kAsks));
    EXPECT_EQ(keeper.view().reason, BookReason::kBeyondSnapshot) << "too old";
    EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
    keeper.on_message(*diff(12, 12, {}, {}));
    EXPECT_EQ(keeper.view().reason, BookReason::kBeyondSnapshot) << c.what;
    keeper.on_message(*snapshot(12, {{98, 1}}, {{107, 1}}));
    keeper.on_message(*diff(13, 13, {}, {}));
    EXPECT_EQ(keeper.view().state, BookState::kLive) << c.what;
    EXPECT_EQ(model_of(keeper.book()), (Model{{{98, 1}}, {{107, 1}}}));
  }
}

Levels ladder(int64_t first, int64_t last, int64_t quantity) {
  Levels levels;
  for (int64_t price = std::min(first, last); price <= std::max(first, last);
       ++price) {
    levels[price] = quantity;
  }
  return levels;
}

// Live at id 10, bids 81 to 100 and asks 101 to 120 known, and asked for more:
// the best bid has come down to 84.
class Refill : public testing::Test {
 protected:
  Refill() {
    keeper_.on_message(*snapshot(9, ladder(81, 100, 1), ladder(101, 120, 1)));
    keeper_.on_message(*diff(10, 10, {}, {}));
    keeper_.on_message(*diff(11, 11, ladder(86, 100, 0), {}));
    EXPECT_FALSE(keeper_.take_request()) << "85 is not near";
    keeper_.on_message(*diff(12, 12, {{85, 0}}, {}));
    EXPECT_EQ(keeper_.take_request(), BookRequestKind::kFetchSnapshot);
    EXPECT_EQ(keeper_.view().state, BookState::kLive);
  }
  void expect_live(int64_t best_bid, int64_t horizon) {
    EXPECT_EQ(keeper_.view().state, BookState::kLive);
    EXPECT_EQ(keeper_.view().bids[0].price, best_bid);
    EXPECT_EQ(keeper_.known_horizon(Side::kBid), horizon);
    EXPECT_EQ(keeper_.statistics().gaps, 0u);
  }

  const Instrument instrument_ = binance();
  BookKeeper keeper_{instrument_, small(), nullptr};
};

TEST_F(Refill, AnOlderSnapshotIsBroughtForward) {
  keeper_.on_message(*diff(13, 14, {{84, 7}, {70, 7}}, {}));
  keeper_.on_message(*diff(15, 16, {{83, 0}}, {}));
  keeper_.on_message(
      *snapshot(14, {{84, 7}, {83, 1}, {82, 1}, {70, 7}}, ladder(101, 120, 1)));
  expect_live(84, 70);
  EXPECT_EQ(model_of(keeper_.book()).bids, (Levels{{84, 7}, {82, 1}, {70, 7}}));
  EXPECT_EQ(keeper_.view().update_id, 16u);
  EXPECT_FALSE(keeper_.take_request());
  keeper_.on_message(*diff(17, 17, {{84, 0}}, {}));
  expect_live(82, 70);
}

TEST_F(Refill, ANewerSnapshotIsJoinedByTheNextDiff) {
  keeper_.on_message(*snapshot(15, {{84, 2}, {60, 1}}, {{101, 1}, {130, 1}}));
  expect_live(84, 60);
  EXPECT_EQ(keeper_.view().update_id, 15u);
  keeper_.on_message(*diff(13, 14, {{84, 9}}, {}));
  expect_live(84, 60);
  EXPECT_EQ(keeper_.view().bids[0].quantity, 2) << "older than the snapshot";
  keeper_.on_message(*diff(15, 17, {{84, 3}}, {}));
  EXPECT_EQ(keeper_.view().bids[0].quantity, 3);
  expect_live(84, 60);
}

TEST_F(Refill, OneThatIsTooOldIsAskedForAgain) {
  keeper_.on_message(*diff(13, 13, {}, {}));
  keeper_.on_message(*snapshot(11, {{85, 1}, {60, 1}}, {{101, 1}}));
  expect_live(84, 81);
  EXPECT_EQ(keeper_.take_request(), BookRequestKind::kFetchSnapshot);
  keeper_.on_message(*snapshot(12, {{84, 1}, {60, 1}}, {{101, 1}}));
  expect_live(84, 60);
}

TEST_F(Refill, OneOfAnotherScaleIsAFault) {
  auto other = snapshot(15, {{840, 2}}, {{1010, 1}});
  other->price_scale = 2;
  keeper_.on_message(*other);
  EXPECT_EQ(keeper_.view().state, BookState::kGapped);
  EXPECT_EQ(keeper_.view().reason, BookReason::kScaleChanged);
}

TEST_F(Refill, WhatWasKeptForOneIsNotKeptForTheNext) {
  keeper_.on_message(*diff(13, 13, {{60, 9}}, {}));
  keeper_.on_message(*snapshot(13, ladder(80, 84, 1), ladder(101, 120, 1)));
  expect_live(84, 80);
  keeper_.on_message(*diff(14, 14, {{82, 5}, {84, 0}, {83, 0}}, {}));
  EXPECT_FALSE(keeper_.take_request()) << "82 is not near";
  keeper_.on_message(*diff(15, 15, {{82, 0}, {81, 0}}, {}));
  ASSERT_EQ(keeper_.take_request(), BookRequestKind::kFetchSnapshot);
  keeper_.on_message(*diff(16, 16, {}, {}));
  keeper_.on_message(*snapshot(12, ladder(60, 84, 1), ladder(101, 120, 1)));
  expect_live(80, 80);
  EXPECT_EQ(keeper_.take_request(), BookRequestKind::kFetchSnapshot)
      << "13 to 15 are not there to bring it forward";
}

// As above, where each diff names the one before.
TEST(BookKeeper, ARefillThatTheKeptDiffsDoNotReachIsAskedForAgain) {
  Instrument instrument = binance();
  instrument.venue = VenueId::kBinanceUsdm;
  BookKeeper keeper(instrument, small(), nullptr);
  const auto named = [](uint64_t previous, uint64_t last, const Levels& bids) {
    auto message = diff(previous + 5, last, bids, {});
    message->has_previous_update_id = true;
    message->previous_update_id = previous;
    return message;
  };
  keeper.on_message(*snapshot(90, ladder(81, 100, 1), ladder(101, 120, 1)));
  keeper.on_message(*named(90, 100, {}));
  keeper.on_message(*named(100, 110, ladder(85, 100, 0)));
  ASSERT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
  keeper.on_message(*named(110, 120, {}));
  keeper.on_message(*snapshot(109, {{60, 1}}, {{101, 1}}));
  EXPECT_EQ(keeper.view().bids[0].price, 84) << "100 to 110 lie between";
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
  keeper.on_message(*snapshot(112, {{84, 1}, {60, 1}}, {{101, 1}}));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
  EXPECT_EQ(keeper.known_horizon(Side::kBid), 60);
}

TEST_F(Refill, ALossMeanwhileIsAGap) {
  keeper_.on_message(*diff(14, 14, {}, {}));
  EXPECT_EQ(keeper_.view().state, BookState::kGapped);
  EXPECT_EQ(keeper_.take_request(), BookRequestKind::kFetchSnapshot);
  keeper_.on_message(*snapshot(14, {{84, 1}}, {{101, 1}}));
  EXPECT_EQ(keeper_.view().state, BookState::kLive);
}

TEST_F(Refill, TheKeptDiffsAreBounded) {
  for (uint64_t id = 13; id < 40; ++id) {  // small() keeps 8
    keeper_.on_message(*diff(id, id, {}, {}));
  }
  keeper_.on_message(*snapshot(13, {{84, 1}, {60, 1}}, {{101, 1}}));
  expect_live(84, 81);
  EXPECT_EQ(keeper_.take_request(), BookRequestKind::kFetchSnapshot);
  keeper_.on_message(*snapshot(35, {{84, 1}, {60, 1}}, {{101, 1}}));
  expect_live(84, 60);
}

TEST(BookKeeper, ARefusedSubscriptionIsAskedForAgainByRestVenuesToo) {
  const Instrument instrument = binance();
  BookKeeper keeper(instrument, small(), nullptr);
  ParsedMessage refused;
  refused.kind = Kind::kRefused;
  keeper.on_message(refused);
  EXPECT_EQ(keeper.view().state, BookState::kHalted);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kResubscribe);
  keeper.on_message(*diff(9, 10, {{100, 7}}, {}));
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
  keeper.on_message(*snapshot(9, {{100, 5}}, {{105, 1}}));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
}

// A level beyond the horizon is one of many there that were never told.
TEST(BookKeeper, AViewHasOnlyLevelsThatAreKnown) {
  const Instrument instrument = binance();
  BookKeeper keeper(instrument, small(), nullptr);
  keeper.on_message(*snapshot(9, {{100, 5}, {99, 4}}, {{105, 1}, {106, 1}}));
  keeper.on_message(*diff(10, 10, {{60, 2}, {98, 3}}, {{107, 1}, {106, 2}}));
  const BookView view = keeper.view();
  EXPECT_EQ(view.state, BookState::kLive);
  ASSERT_EQ(view.bid_count, 2);
  EXPECT_EQ(view.bids[1].price, 99);
  ASSERT_EQ(view.ask_count, 2);
  EXPECT_EQ(view.asks[1], (PriceLevel{106, 2}));
  EXPECT_EQ(keeper.book().levels(Side::kBid), 4u);
}

TEST(BookKeeper, AKeptDiffOfAnotherScaleIsNotApplied) {
  const Instrument instrument = binance();
  BookKeeper keeper(instrument, small(), nullptr);
  keeper.on_message(*diff(9, 10, {{1005, 7}}, {}));
  auto other = snapshot(9, {{10000, 1}}, {{10100, 1}});
  other->price_scale = 2;
  keeper.on_message(*other);
  EXPECT_EQ(keeper.view().state, BookState::kGapped);
  EXPECT_EQ(keeper.view().reason, BookReason::kScaleChanged);
}

TEST(BookKeeper, ADiffOfAnotherScaleEndsLive) {
  const Instrument instrument = binance();
  BookKeeper keeper(instrument, small(), nullptr);
  keeper.on_message(*snapshot(9, {{1000, 1}}, {{1010, 1}}));
  keeper.on_message(*diff(10, 10, {{1001, 1}}, {}));
  ASSERT_EQ(keeper.state(), BookState::kLive);
  keeper.take_request();
  auto other = diff(11, 11, {{10020, 1}}, {});
  other->price_scale = 2;
  keeper.on_message(*other);
  EXPECT_EQ(keeper.state(), BookState::kGapped);
  EXPECT_EQ(keeper.reason(), BookReason::kScaleChanged);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
  auto whole = snapshot(10, {{10010, 1}}, {{10100, 1}});
  whole->price_scale = 2;
  keeper.on_message(*whole);
  EXPECT_EQ(keeper.state(), BookState::kLive);
  EXPECT_EQ(model_of(keeper.book()),
            (Model{{{10010, 1}, {10020, 1}}, {{10100, 1}}}))
      << "that diff waited for it";
}

TEST(BookKeeper, TheOtherSidesTouchWidensWhatIsKnown) {
  const Instrument instrument = binance();
  BookKeeper keeper(instrument, small(), nullptr);
  keeper.on_message(*snapshot(9, {{100, 5}, {99, 4}}, {{105, 1}}));
  keeper.on_message(*diff(10, 10, {{100, 0}, {99, 0}, {50, 1}}, {}));
  EXPECT_EQ(keeper.view().reason, BookReason::kBeyondSnapshot);
  keeper.on_message(*diff(11, 11, {}, {{60, 1}}));
  EXPECT_EQ(keeper.known_horizon(Side::kBid), 60) << "no bid at 60 or above";
  EXPECT_EQ(keeper.view().state, BookState::kGapped) << "51 to 59 are unknown";
  keeper.on_message(*diff(12, 12, {{60, 1}}, {{60, 0}, {61, 1}}));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
  EXPECT_EQ(keeper.view().bids[0].price, 60);
}

TEST(BookKeeper, ALevelThatFoundNoRoomEndsLive) {
  const Instrument instrument = binance();
  BookKeeperOptions options = small();
  options.book.window_ticks = 0;
  options.book.overflow_levels = options.book.max_overflow_levels = 3;
  BookKeeper keeper(instrument, options, nullptr);
  keeper.on_message(*snapshot(9, {{100, 5}, {99, 4}}, {{105, 1}}));
  keeper.on_message(*diff(10, 10, {{98, 1}}, {}));
  ASSERT_EQ(keeper.view().state, BookState::kLive);
  keeper.on_message(*diff(11, 11, {{97, 1}}, {}));
  EXPECT_EQ(keeper.view().state, BookState::kGapped);
  EXPECT_EQ(keeper.view().reason, BookReason::kInternalDrop);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
  keeper.on_message(*snapshot(12, {{100, 5}, {99, 4}}, {{105, 1}}));
  keeper.on_message(*diff(13, 13, {}, {}));
  EXPECT_EQ(keeper.view().state, BookState::kLive) << "only the new one counts";
  keeper.on_fault(BookReason::kMalformedMessage, 1);
  keeper.on_message(
      *snapshot(14, {{100, 5}, {99, 4}, {98, 1}, {97, 1}}, {{105, 1}}));
  EXPECT_EQ(keeper.view().reason, BookReason::kInternalDrop);
}

TEST(BookKeeper, AnIdFarAheadDoesNotFreezeTheBook) {
  const Instrument instrument = binance();
  BookKeeper keeper(instrument, small(), nullptr);
  keeper.on_message(*snapshot(9, {{100, 5}}, {{105, 1}}));
  keeper.on_message(*diff(10, 11, {}, {}));
  keeper.on_message(*diff(12, 1000, {}, {}));
  keeper.on_message(*diff(13, 13, {{101, 1}}, {}));
  EXPECT_EQ(keeper.view().state, BookState::kGapped);
  EXPECT_EQ(keeper.view().reason, BookReason::kSequenceGap);
  keeper.on_message(*snapshot(13, {{101, 1}, {100, 5}}, {{105, 1}}));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
  EXPECT_EQ(keeper.view().bids[0].price, 101);
  // The same while waiting: the snapshot need not reach the wrong id.
  keeper.on_message(*diff(1000, 1000, {}, {}));
  EXPECT_EQ(keeper.view().state, BookState::kGapped);
  keeper.on_message(*diff(14, 14, {}, {}));
  keeper.on_message(*snapshot(14, {{101, 1}, {100, 5}}, {{105, 1}}));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
}

TEST(BookKeeper, AnHttpBodyDoesNotEndTheSilence) {
  const Instrument instrument = binance();
  BookKeeper keeper(instrument, small(), nullptr);
  const auto body = [](std::unique_ptr<ParsedMessage> message) {
    message->http_body = true;
    return message;
  };
  keeper.on_message(*diff(9, 10, {}, {}));
  EXPECT_TRUE(keeper.take_request());
  keeper.on_connection_stale(1);
  keeper.on_message(*body(snapshot(9, {{100, 5}}, {{105, 1}})));
  EXPECT_EQ(keeper.view().state, BookState::kStale);
  EXPECT_FALSE(keeper.take_request());
  keeper.on_message(*diff(11, 11, {}, {}));
  EXPECT_EQ(keeper.view().state, BookState::kSyncing);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
  keeper.on_message(*body(snapshot(10, {{100, 5}}, {{105, 1}})));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
  keeper.on_connection_stale(2);
  keeper.on_message(*body(make(Kind::kRefused, {}, {})));
  EXPECT_EQ(keeper.view().state, BookState::kStale);
}

TEST(BookKeeper, AMalformedAnswerIsAskedForAgainUnlessLive) {
  const Instrument instrument = binance();
  BookKeeper keeper(instrument, small(), nullptr);
  auto broken = make(Kind::kMalformed, {}, {});
  broken->http_body = true;
  broken->reason = BookReason::kMalformedMessage;
  keeper.on_message(*diff(10, 10, {}, {}));
  EXPECT_TRUE(keeper.take_request());
  keeper.on_message(*broken);
  EXPECT_EQ(keeper.view().state, BookState::kSyncing);
  EXPECT_EQ(keeper.view().reason, BookReason::kMalformedMessage);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
  keeper.on_message(*snapshot(10, {{100, 5}}, {{105, 1}}));
  ASSERT_EQ(keeper.view().state, BookState::kLive);
  keeper.on_message(*broken);
  EXPECT_EQ(keeper.view().state, BookState::kLive);
  EXPECT_FALSE(keeper.take_request());
}

TEST(BookKeeper, StaleTwiceIsLeftAsOnce) {
  const Instrument instrument = binance();
  BookKeeper keeper(instrument, small(), nullptr);
  keeper.on_message(*diff(10, 10, {}, {}));
  keeper.on_message(*snapshot(10, {{100, 5}}, {{105, 1}}));
  keeper.on_connection_stale(1);
  keeper.on_connection_stale(2);
  EXPECT_EQ(keeper.view().state, BookState::kStale);
  keeper.on_connection_alive(3);
  EXPECT_EQ(keeper.view().state, BookState::kLive);
}

TEST(BookKeeper, ANewConnectionAsksAnew) {
  const Instrument instrument = binance();
  BookKeeper keeper(instrument, small(), nullptr);
  keeper.on_message(*diff(10, 10, {}, {}));
  keeper.on_message(*snapshot(10, {{100, 5}}, {{105, 1}}));
  EXPECT_TRUE(keeper.take_request());
  keeper.on_fault(BookReason::kMalformedMessage, 1);
  EXPECT_TRUE(keeper.take_request()) << "and its answer never comes";
  keeper.on_connection_up(2);
  keeper.on_message(*diff(20, 20, {}, {}));
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
}

TEST(BookKeeper, ASnapshotMayOvertakeItsConnection) {
  const Instrument instrument = binance();
  BookKeeper keeper(instrument, small(), nullptr);
  keeper.on_message(*snapshot(10, {{100, 5}}, {{105, 1}}));
  keeper.on_connection_up(1);
  keeper.on_message(*diff(11, 11, {}, {}));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
}

TEST(BookKeeper, NothingLiftsAShutdownButANewConnection) {
  const Instrument instrument = binance();
  BookKeeper keeper(instrument, small(), nullptr);
  const auto sync = [&keeper] {
    keeper.on_message(*diff(10, 10, {}, {}));
    keeper.on_message(*snapshot(10, {{100, 5}}, {{105, 1}}));
    keeper.on_message(*diff(11, 11, {}, {}));
  };
  sync();
  ASSERT_EQ(keeper.view().state, BookState::kLive);
  EXPECT_TRUE(keeper.take_request());
  keeper.on_message(*make(Kind::kShutdown, {}, {}));
  sync();
  keeper.on_message(*make(Kind::kSubscribed, {}, {}));
  keeper.on_fault(BookReason::kMalformedMessage, 1);
  EXPECT_EQ(keeper.view().state, BookState::kHalted);
  EXPECT_EQ(keeper.view().reason, BookReason::kVenueStatus);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kReconnect);
  EXPECT_FALSE(keeper.take_request());
  keeper.on_connection_up(2);
  sync();
  EXPECT_EQ(keeper.view().state, BookState::kLive);
  EXPECT_TRUE(keeper.take_request());
  keeper.on_message(*make(Kind::kShutdown, {}, {}));
  keeper.on_connection_lost(3);
  EXPECT_FALSE(keeper.take_request()) << "it is gone by itself";
  keeper.on_connection_up(4);
  keeper.on_message(*make(Kind::kShutdown, {}, {}));
  keeper.on_connection_up(5);
  EXPECT_FALSE(keeper.take_request()) << "it is new already";
}

// ---- A checksum

// The venue's own book, by other means than ours: std::map and zlib.
uint32_t model_sum(const Model& model) {
  std::string text;
  size_t count = 0;
  for (const auto& [price, quantity] : model.asks) {
    if (++count > 10) break;
    text += std::to_string(price) + std::to_string(quantity);
  }
  count = 0;
  for (auto it = model.bids.rbegin(); it != model.bids.rend(); ++it) {
    if (++count > 10) break;
    text += std::to_string(it->first) + std::to_string(it->second);
  }
  return static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(text.data()),
            static_cast<uInt>(text.size())));
}

std::unique_ptr<ParsedMessage> with_sum(std::unique_ptr<ParsedMessage> message,
                                        uint32_t sum) {
  message->has_checksum = true;
  message->checksum = sum;
  return message;
}

TEST(BookKeeper, WhileTheVenueStandsStillNoBookIsLive) {
  const Instrument instrument = kraken(10);
  BookKeeper keeper(instrument, small(), nullptr);
  const Model model{{{100, 5}}, {{105, 1}}};
  ParsedMessage status;
  status.kind = Kind::kStatus;
  status.reason = BookReason::kVenueStatus;
  keeper.on_message(status);
  keeper.on_message(*with_sum(make(Kind::kSnapshot, model.bids, model.asks),
                              model_sum(model)));
  EXPECT_EQ(keeper.view().state, BookState::kHalted);
  EXPECT_EQ(keeper.view().reason, BookReason::kVenueStatus);
  status.reason = BookReason::kNone;
  keeper.on_message(status);
  EXPECT_EQ(keeper.view().state, BookState::kSyncing);
  keeper.on_message(*with_sum(make(Kind::kSnapshot, model.bids, model.asks),
                              model_sum(model)));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
}

// The depth that the longer side has, where nobody said one.
TEST(BookKeeper, AThinSideCutsNothingOffTheOther) {
  const Instrument instrument = kraken(0);
  BookKeeper keeper(instrument, small(), nullptr);
  Model model{{{100, 5}}, ladder(101, 112, 1)};
  keeper.on_message(*with_sum(make(Kind::kSnapshot, model.bids, model.asks),
                              model_sum(model)));
  model.asks[101] = 2;
  keeper.on_message(
      *with_sum(make(Kind::kDelta, {}, {{101, 2}}), model_sum(model)));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
  EXPECT_EQ(keeper.book().levels(Side::kAsk), 12u);
}

TEST(BookKeeper, AWrongSumEndsLiveUntilANewSnapshot) {
  const Instrument instrument = kraken(10);
  BookKeeper keeper(instrument, small(), nullptr);
  const Model model{{{100, 5}}, {{105, 1}}};
  keeper.on_message(*with_sum(make(Kind::kDelta, model.bids, {}), 0));
  EXPECT_EQ(keeper.view().reason, BookReason::kAwaitingSnapshot);
  EXPECT_EQ(keeper.statistics().updates_dropped, 1u);
  keeper.on_message(*with_sum(make(Kind::kSnapshot, model.bids, model.asks),
                              model_sum(model)));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
  EXPECT_EQ(keeper.view().assurance, Assurance::kChecksummed);
  keeper.on_message(*with_sum(make(Kind::kDelta, {{99, 1}}, {}), 1));
  EXPECT_EQ(keeper.view().state, BookState::kChecksumFailed);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kResubscribe);
  EXPECT_EQ(keeper.statistics().checksums_ok, 1u);
  EXPECT_EQ(keeper.statistics().checksums_bad, 1u);
  keeper.on_message(*with_sum(make(Kind::kSnapshot, model.bids, model.asks),
                              model_sum(model)));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
  EXPECT_EQ(model_of(keeper.book()), model);
}

TEST(BookKeeper, ARefusedSubscriptionSaysSo) {
  const Instrument instrument = kraken(7);
  BookKeeper keeper(instrument, small(), nullptr);
  keeper.on_message(*make(Kind::kRefused, {}, {}));
  EXPECT_EQ(keeper.view().state, BookState::kHalted);
  EXPECT_EQ(keeper.view().reason, BookReason::kVenueRefused);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kResubscribe);
  keeper.on_message(*make(Kind::kRefused, {}, {}));
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kResubscribe) << "again";
}

TEST(BookKeeper, AnAckBehindItsSnapshotKeepsTheVerifiedBook) {
  const Instrument instrument = kraken(10);
  BookKeeper keeper(instrument, small(), nullptr);
  const Model model{{{100, 5}}, {{105, 1}}};
  keeper.on_message(*with_sum(make(Kind::kSnapshot, model.bids, model.asks),
                              model_sum(model)));
  auto ack = make(Kind::kSubscribed, {}, {});
  keeper.on_message(*ack);
  EXPECT_EQ(keeper.view().state, BookState::kLive);
  ack->depth = 10;
  keeper.on_message(*ack);
  EXPECT_EQ(keeper.view().state, BookState::kLive);
  ack->depth = 25;
  keeper.on_message(*ack);
  EXPECT_EQ(keeper.view().reason, BookReason::kAwaitingSnapshot);
  keeper.on_message(*with_sum(make(Kind::kSnapshot, model.bids, model.asks),
                              model_sum(model)));
  keeper.on_message(*make(Kind::kUnsubscribed, {}, {}));
  EXPECT_EQ(keeper.view().reason, BookReason::kAwaitingSnapshot);
}

// ---- The one law: Live implies equal to the model

TEST(BookKeeper, LiveMeansEqualToTheModelWhateverTheStreamLoses) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    const auto below = [&random](uint64_t n) { return random() % n; };
    const Instrument instrument = binance();
    BookKeeper keeper(instrument, small(), nullptr);
    std::vector<Model> history{Model{{{1000, 1}}, {{2000, 1}}}};  // by id
    std::vector<std::unique_ptr<ParsedMessage>> late;
    bool wanted = false;
    int live = 0;
    for (int step = 0; step < 200; ++step) {
      const uint64_t first = history.size();
      Levels bids;
      Levels asks;
      for (uint64_t n = 1 + below(4); n > 0; --n) {
        Model next = history.back();
        const Side side = below(2) == 0 ? Side::kBid : Side::kAsk;
        const auto price = static_cast<int64_t>(
            (side == Side::kBid ? 900 : 1101) + below(100));
        const auto quantity = static_cast<int64_t>(below(3));
        if (quantity == 0) {
          next.of(side).erase(price);
        } else {
          next.of(side)[price] = quantity;
        }
        (side == Side::kBid ? bids : asks)[price] = quantity;
        history.push_back(std::move(next));
      }
      auto message = diff(first, history.size() - 1, bids, asks);
      const uint64_t fate = below(40);
      if (fate == 0) continue;  // lost
      if (fate == 1) {          // overtaken
        late.push_back(std::move(message));
        continue;
      }
      if (fate == 2) {  // truncated: the parser refuses it
        keeper.on_fault(BookReason::kMalformedMessage, 1);
      } else {
        keeper.on_message(*message);
        if (fate == 3) keeper.on_message(*message);
      }
      if (!late.empty() && below(3) == 0) {
        keeper.on_message(*late.back());
        late.pop_back();
      }
      wanted |= keeper.take_request().has_value();
      if (wanted && below(4) == 0) {
        wanted = false;
        // Sometimes an old one, from a cache.
        const uint64_t id =
            history.size() - 1 - std::min(below(12), history.size() - 1);
        keeper.on_message(*snapshot(id, history[id].bids, history[id].asks));
        wanted |= keeper.take_request().has_value();
      }
      expect_top_of_book(keeper);
      const BookView view = keeper.view();
      if (view.state != BookState::kLive) continue;
      ++live;
      ASSERT_LT(view.update_id, history.size());
      ASSERT_EQ(model_of(keeper.book()), history[view.update_id])
          << "seed " << seed << " step " << step;
    }
    EXPECT_GT(live, 20) << "seed " << seed << ": hardly ever live";
  }
}

TEST(BookKeeper, LiveMeansTheTouchOfTheModelThoughSnapshotsAreShort) {
  constexpr size_t kLimit = 3;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    const auto below = [&random](uint64_t n) { return random() % n; };
    const Instrument instrument = binance();
    BookKeeper keeper(instrument, small(), nullptr);
    Model whole;
    for (int64_t i = 0; i < 20; ++i) {
      whole.bids[999 - i] = whole.asks[1001 + i] = 1;
    }
    uint64_t id = 0;
    int live = 0;
    int beyond = 0;
    for (int step = 0; step < 500; ++step) {
      const Side side = below(2) == 0 ? Side::kBid : Side::kAsk;
      const auto away = static_cast<int64_t>(1 + below(20));
      const int64_t price = side == Side::kBid ? 1000 - away : 1000 + away;
      const auto quantity = static_cast<int64_t>(below(2));
      if (quantity == 0) {
        whole.of(side).erase(price);
      } else {
        whole.of(side)[price] = quantity;
      }
      ++id;
      const Levels change = {{price, quantity}};
      keeper.on_message(*diff(id, id, side == Side::kBid ? change : Levels(),
                              side == Side::kAsk ? change : Levels()));
      beyond += keeper.reason() == BookReason::kBeyondSnapshot;
      if (keeper.take_request() || keeper.state() != BookState::kLive) {
        const Model known = best_of(whole, kLimit);
        keeper.on_message(*snapshot(id, known.bids, known.asks));
      }
      expect_top_of_book(keeper);
      if (keeper.state() != BookState::kLive) continue;
      ++live;
      const Model touch = best_of(whole, 1);
      EXPECT_EQ(keeper.view().bid_count != 0, !touch.bids.empty());
      for (const auto& [best, amount] : touch.bids) {
        ASSERT_EQ(keeper.view().bids[0], (PriceLevel{best, amount}))
            << "seed " << seed << " step " << step;
      }
      for (const auto& [best, amount] : touch.asks) {
        ASSERT_EQ(keeper.view().asks[0], (PriceLevel{best, amount}))
            << "seed " << seed << " step " << step;
      }
    }
    EXPECT_GT(live, 100) << "seed " << seed << ": hardly ever live";
    EXPECT_GT(beyond, 0) << "seed " << seed << ": never beyond";
  }
}

// Snapshots are short and late, and a touch that wanders is not lost: while
// Live, every level up to the horizon is the model's.
TEST(BookKeeper, RefillsKeepAWanderingBookLive) {
  constexpr size_t kLimit = 20;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    std::mt19937_64 random(seed);
    const auto below = [&random](uint64_t n) { return random() % n; };
    const Instrument instrument = binance();
    BookKeeper keeper(instrument, small(), nullptr);
    int64_t middle = 1'000;
    std::vector<Model> history(1);
    history[0] = {ladder(middle - 300, middle - 1, 1),
                  ladder(middle + 1, middle + 300, 1)};
    int live = 0;
    int refills = 0;
    size_t asked_at = 0;
    size_t answer_at = 0;  // 0: nothing is asked
    for (size_t step = 1; step < 400; ++step) {
      Model next = history.back();
      Levels bids, asks;
      middle += static_cast<int64_t>(below(3)) * (step / 50 % 2 == 0 ? 1 : -1);
      // Each side's levels at and beyond the middle go, three others change.
      for (const auto& [price, quantity] : next.bids) {
        if (price >= middle) bids[price] = 0;
      }
      for (const auto& [price, quantity] : next.asks) {
        if (price <= middle) asks[price] = 0;
      }
      for (int i = 0; i < 3; ++i) {
        const auto away = static_cast<int64_t>(1 + below(i == 0 ? 1 : 60));
        bids[middle - away] = static_cast<int64_t>(1 + below(9));
        asks[middle + away] = static_cast<int64_t>(1 + below(9));
      }
      for (const Side side : {Side::kBid, Side::kAsk}) {
        for (const auto& [price, quantity] : side == Side::kBid ? bids : asks) {
          next.of(side)[price] = quantity;
          if (quantity == 0) next.of(side).erase(price);
        }
      }
      history.push_back(std::move(next));
      keeper.on_message(*diff(step, step, bids, asks));
      if (answer_at != 0 && answer_at <= step) {
        answer_at = 0;
        // As of some moment since it was asked for.
        const size_t id = asked_at + below(step - asked_at + 1);
        const Model known = best_of(history[id], kLimit);
        keeper.on_message(*snapshot(id, known.bids, known.asks));
      }
      if (keeper.take_request()) {
        asked_at = step;
        answer_at = step + 1 + below(4);
        refills += keeper.state() == BookState::kLive ? 1 : 0;
      }
      expect_top_of_book(keeper);
      if (keeper.state() != BookState::kLive) continue;
      ++live;
      if (step % 8 != 0) continue;  // comparing is what takes time
      for (const Side side : {Side::kBid, Side::kAsk}) {
        const int64_t horizon = *keeper.known_horizon(side);
        Levels known = model_of(keeper.book()).of(side);
        Levels expected = history[step].of(side);
        const auto unknown = [&](const auto& level) {
          return side == Side::kBid ? level.first < horizon
                                    : level.first > horizon;
        };
        std::erase_if(known, unknown);
        std::erase_if(expected, unknown);
        ASSERT_EQ(known, expected) << "seed " << seed << " step " << step;
      }
    }
    EXPECT_GT(live, 380) << "seed " << seed;
    EXPECT_GT(refills, 3) << "seed " << seed << ": never near";
  }
}

// What a venue that keeps `depth` levels sends for a change of its book.
Levels changes(const Levels& before, const Levels& after, const Levels& whole) {
  Levels out;
  for (const auto& [price, quantity] : after) {
    const auto old = before.find(price);
    if (old == before.end() || old->second != quantity) out[price] = quantity;
  }
  for (const auto& [price, quantity] : before) {
    // Removed; but nothing is said of a level that was only pushed out.
    if (!after.contains(price) && !whole.contains(price)) out[price] = 0;
  }
  return out;
}

TEST(BookKeeper, LiveMeansEqualToTheModelWhereOnlyAChecksumTells) {
  constexpr size_t kDepth = 10;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    const auto below = [&random](uint64_t n) { return random() % n; };
    const Instrument instrument = kraken(kDepth);
    BookKeeper keeper(instrument, small(), nullptr);
    Model whole;
    for (int64_t i = 0; i < 15; ++i) {
      whole.bids[1000 - i] = 5;
      whole.asks[1100 + i] = 5;
    }
    Model sent = best_of(whole, kDepth);
    const auto send_snapshot = [&] {
      keeper.on_message(*with_sum(make(Kind::kSnapshot, sent.bids, sent.asks),
                                  model_sum(sent)));
    };
    send_snapshot();
    std::unique_ptr<ParsedMessage> late;
    Model as_of_late;
    int live = 0;
    for (int step = 0; step < 200; ++step) {
      for (uint64_t n = 1 + below(3); n > 0; --n) {
        const Side side = below(2) == 0 ? Side::kBid : Side::kAsk;
        const auto price =
            static_cast<int64_t>((side == Side::kBid ? 985 : 1100) + below(30));
        const auto quantity = static_cast<int64_t>(below(3));
        if (quantity == 0) {
          whole.of(side).erase(price);
        } else {
          whole.of(side)[price] = quantity;
        }
      }
      const Model view = best_of(whole, kDepth);
      auto message =
          with_sum(make(Kind::kDelta, changes(sent.bids, view.bids, whole.bids),
                        changes(sent.asks, view.asks, whole.asks)),
                   model_sum(view));
      sent = view;
      const uint64_t fate = below(40);
      if (fate == 0) continue;
      if (fate == 1) {
        late = std::move(message);
        as_of_late = sent;
        continue;
      }
      if (fate == 2) {
        keeper.on_fault(BookReason::kMalformedMessage, 1);
      } else {
        keeper.on_message(*message);
        if (fate == 3) keeper.on_message(*message);
      }
      if (keeper.state() == BookState::kLive) {
        ++live;
        ASSERT_EQ(model_of(keeper.book()), sent)
            << "seed " << seed << " step " << step;
      }
      if (late != nullptr && below(2) == 0) {
        // Live only if what it overtook was lost or changed nothing: the book
        // is then as of this message.
        keeper.on_message(*late);
        late.reset();
        if (keeper.state() == BookState::kLive) {
          ASSERT_EQ(model_of(keeper.book()), as_of_late)
              << "seed " << seed << " step " << step;
        }
      }
      if (keeper.take_request() && below(2) == 0) send_snapshot();
      if (keeper.state() != BookState::kLive && below(6) == 0) send_snapshot();
    }
    EXPECT_GT(live, 20) << "seed " << seed << ": hardly ever live";
  }
}

// ---- Chained ids

Instrument of_venue(VenueId venue) {
  Instrument instrument;
  instrument.symbol = "BTCUSDT";
  instrument.venue = venue;
  instrument.index = 0;
  return instrument;
}

std::unique_ptr<ParsedMessage> chained(uint64_t previous, uint64_t id,
                                       const Levels& bids, const Levels& asks) {
  auto message = make(Kind::kDelta, bids, asks);
  message->has_previous_update_id = message->has_last_update_id = true;
  message->previous_update_id = previous;
  message->last_update_id = id;
  return message;
}

TEST(BookKeeper, AChainIsLiveFromItsSnapshotToItsFirstHole) {
  const Instrument instrument = of_venue(VenueId::kBybit);
  BookKeeper keeper(instrument, small(), nullptr);
  keeper.on_connection_up(1);
  EXPECT_EQ(keeper.view().state, BookState::kSyncing);
  keeper.on_message(*chained(9, 10, {{1000, 1}}, {}));
  EXPECT_EQ(keeper.view().state, BookState::kSyncing) << "nothing to stand on";
  keeper.on_message(*snapshot(10, {{1000, 1}}, {{1010, 1}}));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
  EXPECT_EQ(keeper.view().assurance, Assurance::kSequenced);
  EXPECT_FALSE(keeper.known_horizon(Side::kBid)) << "the depth is all";
  keeper.on_message(*chained(10, 11, {{1001, 2}}, {}));
  keeper.on_message(*chained(11, 11, {}, {}));  // only says so
  EXPECT_EQ(keeper.view().update_id, 11u);
  EXPECT_EQ(keeper.view().bids[0], (PriceLevel{1001, 2}));
  keeper.on_message(*chained(12, 13, {{1002, 2}}, {}));
  EXPECT_EQ(keeper.view().state, BookState::kGapped);
  EXPECT_EQ(keeper.view().reason, BookReason::kSequenceGap);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kResubscribe);
  keeper.on_message(*chained(13, 14, {{1003, 2}}, {}));
  EXPECT_EQ(keeper.view().state, BookState::kGapped);
  keeper.on_message(*snapshot(20, {{999, 1}}, {{1010, 1}}));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
  EXPECT_EQ(model_of(keeper.book()), (Model{{{999, 1}}, {{1010, 1}}}));
  EXPECT_EQ(keeper.statistics().gaps, 1u);
  EXPECT_EQ(keeper.statistics().resyncs, 1u);
}

TEST(BookKeeper, AWrongSumEndsAWholeChain) {
  const Instrument instrument = of_venue(VenueId::kOkx);
  BookKeeper keeper(instrument, small(), nullptr);
  keeper.on_message(*snapshot(10, {{1000, 1}}, {{1010, 1}}));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
  EXPECT_EQ(keeper.statistics().checksums_ok, 0u) << "none came";
  keeper.on_message(*with_sum(chained(10, 11, {{1001, 2}}, {}), 1));
  EXPECT_EQ(keeper.view().state, BookState::kChecksumFailed);
  keeper.on_message(*chained(11, 12, {}, {}));
  EXPECT_EQ(keeper.view().state, BookState::kChecksumFailed);
  // Without ids the sum must be there.
  keeper.on_message(*snapshot(20, {{1000, 1}}, {{1010, 1}}));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
  keeper.on_message(*make(Kind::kDelta, {{1001, 1}}, {}));
  EXPECT_EQ(keeper.view().reason, BookReason::kMissingChecksum);
}

// Nothing to check with: the venue promises delivery, and we say so.
TEST(BookKeeper, APromiseIsLiveUntilSomethingIsHeardToBeLost) {
  const Instrument instrument = of_venue(VenueId::kGemini);
  BookKeeper keeper(instrument, small(), nullptr);
  keeper.on_message(*make(Kind::kSnapshot, {{1000, 1}}, {{1010, 1}}));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
  EXPECT_EQ(keeper.view().assurance, Assurance::kPromised);
  keeper.on_message(*make(Kind::kDelta, {{1001, 1}}, {}));
  EXPECT_EQ(keeper.view().bid_count, 2);
  keeper.on_fault(BookReason::kMalformedMessage, 2);
  keeper.on_message(*make(Kind::kDelta, {{1002, 1}}, {}));
  EXPECT_EQ(keeper.view().state, BookState::kGapped);
  keeper.on_message(*make(Kind::kSnapshot, {{999, 1}}, {{1010, 1}}));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
  EXPECT_EQ(model_of(keeper.book()), (Model{{{999, 1}}, {{1010, 1}}}));
}

TEST(BookKeeper, LiveMeansEqualToTheModelWhereIdsChain) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    const auto below = [&random](uint64_t n) { return random() % n; };
    const Instrument instrument = of_venue(VenueId::kBybit);
    BookKeeper keeper(instrument, small(), nullptr);
    Model venue;
    for (int64_t i = 0; i < 15; ++i) {
      venue.bids[1000 - i] = 5;
      venue.asks[1100 + i] = 5;
    }
    uint64_t id = 100;
    const auto send_snapshot = [&] {
      keeper.on_message(*snapshot(id, venue.bids, venue.asks));
    };
    send_snapshot();
    std::unique_ptr<ParsedMessage> late;
    int live = 0;
    for (int step = 0; step < 300; ++step) {
      Model changed;
      for (uint64_t n = below(3); n > 0; --n) {
        const Side side = below(2) == 0 ? Side::kBid : Side::kAsk;
        const auto price =
            static_cast<int64_t>((side == Side::kBid ? 970 : 1100) + below(30));
        const auto quantity = static_cast<int64_t>(below(3));
        changed.of(side)[price] = quantity;
        if (quantity == 0) {
          venue.of(side).erase(price);
        } else {
          venue.of(side)[price] = quantity;
        }
      }
      const uint64_t previous = id;
      id += below(3) == 0 ? 5 : 1;
      auto message = chained(previous, id, changed.bids, changed.asks);
      const uint64_t fate = below(40);
      if (fate == 0) continue;  // lost
      if (fate == 1) {
        late = std::move(message);
        continue;
      }
      keeper.on_message(*message);
      if (fate == 2) keeper.on_message(*message);
      if (fate == 3 && late != nullptr) keeper.on_message(*late);
      if (keeper.state() == BookState::kLive) {
        ++live;
        ASSERT_EQ(model_of(keeper.book()), venue)
            << "seed " << seed << " step " << step;
      }
      if (keeper.take_request() && below(2) == 0) send_snapshot();
      if (keeper.state() != BookState::kLive && below(6) == 0) send_snapshot();
    }
    EXPECT_GT(live, 20) << "seed " << seed << ": hardly ever live";
  }
}

// ---- What a venue's row in kVenues says

TEST(BookKeeper, ASnapshotOfTheStreamReplacesALiveBookOfDiffs) {
  Instrument instrument;
  instrument.symbol = "BTC_USDT";
  instrument.venue = VenueId::kGate;
  instrument.index = 0;
  BookKeeper keeper(instrument, small(), nullptr);
  keeper.on_message(*snapshot(9, {{100, 5}}, {{105, 1}}));
  keeper.on_message(*diff(10, 10, {}, {}));
  ASSERT_EQ(keeper.view().state, BookState::kLive);
  auto whole = snapshot(20, {{101, 5}}, {{106, 1}});
  whole->has_first_update_id = true;
  whole->first_update_id = 11;
  keeper.on_message(*whole);
  EXPECT_EQ(keeper.view().state, BookState::kSyncing);
  EXPECT_EQ(model_of(keeper.book()), (Model{{{101, 5}}, {{106, 1}}}));
  keeper.on_message(*diff(21, 21, {}, {}));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
  EXPECT_EQ(keeper.statistics().gaps, 0u);
}

TEST(BookKeeper, BitfinexSumsComeAloneAndAFaultTakesANewConnection) {
  Instrument instrument;
  instrument.symbol = "tBTCUSD";
  instrument.venue = VenueId::kBitfinex;
  instrument.index = 0;
  BookKeeper keeper(instrument, small(), nullptr);
  const auto sum_of = [](const std::string& text) {
    return static_cast<uint32_t>(
        crc32(0, reinterpret_cast<const Bytef*>(text.data()),
              static_cast<uInt>(text.size())));
  };
  const auto sum = [](uint32_t value) {
    auto message = make(Kind::kDelta, {}, {});
    message->has_checksum = true;
    message->checksum = value;
    return message;
  };
  keeper.on_message(
      *make(Kind::kSnapshot, {{100, 50000000}}, {{105, 100000000}}));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
  EXPECT_EQ(keeper.view().assurance, Assurance::kSequenced);
  keeper.on_message(*sum(sum_of("10:0.5:10.5:-1")));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
  EXPECT_EQ(keeper.statistics().checksums_ok, 1u);
  keeper.on_message(*make(Kind::kDelta, {{100, 10}}, {}));
  keeper.on_message(*sum(sum_of("10:1e-7:10.5:-1")));
  EXPECT_EQ(keeper.view().state, BookState::kLive);
  EXPECT_EQ(keeper.statistics().checksums_ok, 2u);
  keeper.on_message(*sum(1));
  EXPECT_EQ(keeper.view().state, BookState::kChecksumFailed);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kReconnect);
  // One that was refused has no subscription to meet.
  auto refused = make(Kind::kRefused, {}, {});
  refused->reason = BookReason::kVenueRefused;
  keeper.on_message(*refused);
  EXPECT_EQ(keeper.view().state, BookState::kHalted);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kResubscribe);
}

}  // namespace
}  // namespace wirebook
