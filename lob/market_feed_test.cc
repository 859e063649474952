// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/market_feed.h"

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "lob/testing/parser_harness.h"
#include "memory/allocation_counter.h"

namespace wirebook {
namespace {

using std::chrono::steady_clock;

std::string update(int id, const std::string& bids, const std::string& asks) {
  const std::string n = std::to_string(id);
  return R"({"e":"depthUpdate","E":1700000000002,"T":1700000000001,)"
         R"("s":"BTCUSDT","U":)" +
         n + R"(,"u":)" + n + R"(,"pu":)" + std::to_string(id - 1) +
         R"(,"b":[)" + bids + R"(],"a":[)" + asks + "]}";
}

std::string trade(int id, bool buyer_is_maker) {
  return R"({"e":"trade","E":1700000000004,"T":1700000000003,)"
         R"("s":"BTCUSDT","t":)" +
         std::to_string(id) + R"(,"p":"100.5","q":"2","X":"MARKET","m":)" +
         (buyer_is_maker ? "true}" : "false}");
}

constexpr char kBody[] =
    R"({"lastUpdateId":10,"bids":[["100","1"],["99","1"]],"asks":[["101","1"]]})";

// One futures book behind a feed, fed with text.
class Venue {
 public:
  explicit Venue(MarketFeedOptions options,
                 PipelineMode mode = PipelineMode::kFused)
      : feed_(clock_, with_venue(options)),
        pool_(*RawMessagePool::create({.descriptors = 256})) {
    BookPipelineOptions pipeline;
    pipeline.venue = VenueId::kBinanceUsdm;
    pipeline.mode = mode;
    pipeline.keeper.book.window_ticks = 1024;
    pipeline_ = *BookPipeline::create(pipeline, pool_.get(), &feed_);
    index_ = *pipeline_->expect_instrument("BTCUSDT", "", 0, 0);
    pipeline_->on_connection_up(0);
  }
  ~Venue() { pipeline_->stop(); }

  // From nothing to Live at update 11.
  void go_live() {
    text(update(10, "", ""));
    send(kBody, RawMessageKind::kHttpBody);
    text(update(11, R"(["100","2"])", ""));
  }

  void text(const std::string& payload) {
    send(payload, RawMessageKind::kText);
  }

  void send(const std::string& payload, RawMessageKind kind) {
    frames_.push_back(std::make_unique<Frame>(payload));
    RawMessage* const raw = pool_->acquire_external(
        frames_.back()->raw().data, static_cast<uint32_t>(payload.size()),
        [](void*) {}, nullptr);
    raw->receive_ticks = TscClock::ticks();
    raw->kind = kind;
    raw->tag = kind == RawMessageKind::kHttpBody ? index_ : 0;
    pipeline_->on_message(raw);
    ASSERT_TRUE(pipeline_->drain().ok());
  }

  MarketFeed& feed() { return feed_; }
  BookPipeline& pipeline() { return *pipeline_; }

 private:
  static MarketFeedOptions with_venue(MarketFeedOptions options) {
    options.venue = VenueId::kBinanceUsdm;
    return options;
  }

  const TscClock clock_;
  MarketFeed feed_;
  std::vector<std::unique_ptr<Frame>> frames_;
  std::unique_ptr<RawMessagePool> pool_;
  std::unique_ptr<BookPipeline> pipeline_;
  uint32_t index_ = 0;
};

struct Strategy : MarketListener {
  void on_book(const Book& book, BookState state) noexcept override {
    books.push_back({book.sequence(), state});
    best_bid = book.levels().best(Side::kBid);
    update_id = book.update_id();
    times = book.times();
    assurance = book.assurance();
  }
  void on_trade(const TradeEvent& event) noexcept override {
    trades.push_back(event);
  }
  void on_state(const Book& book, BookState state) noexcept override {
    states.push_back({state, book.reason()});
  }

  std::vector<std::pair<uint64_t, BookState>> books;
  std::vector<std::pair<BookState, BookReason>> states;
  std::vector<TradeEvent> trades;
  PriceLevel best_bid{};
  uint64_t update_id = 0;
  EventTimes times;
  Assurance assurance = Assurance::kPromised;
};

TEST(MarketFeed, AStrategyHearsBooksTradesAndStates) {
  Strategy strategy;
  Venue venue({.listener = &strategy});
  venue.go_live();
  ASSERT_FALSE(strategy.books.empty());
  EXPECT_EQ(strategy.books.back().second, BookState::kLive);
  EXPECT_EQ(strategy.states.back().first, BookState::kLive);
  EXPECT_EQ(strategy.best_bid, (PriceLevel{10000000000, 200000000}));
  EXPECT_EQ(strategy.update_id, 11u);
  EXPECT_EQ(strategy.assurance, Assurance::kSequenced);

  venue.text(trade(7, /*buyer_is_maker=*/true));
  ASSERT_EQ(strategy.trades.size(), 1u);
  EXPECT_EQ(strategy.trades[0].sequence, 1u);
  EXPECT_EQ(strategy.trades[0].trade_id, 7u);
  EXPECT_EQ(strategy.trades[0].price, 10050000000);
  EXPECT_EQ(strategy.trades[0].quantity, 200000000);
  EXPECT_EQ(strategy.trades[0].price_scale, 8);
  EXPECT_EQ(strategy.trades[0].aggressor, Side::kAsk);
  EXPECT_EQ(strategy.trades[0].venue, VenueId::kBinanceUsdm);

  venue.text(update(13, "", ""));  // 12 is missing
  EXPECT_EQ(strategy.states.back(),
            (std::pair(BookState::kGapped, BookReason::kSequenceGap)));
}

TEST(MarketFeed, TimesAreInTheOrderOfTheWay) {
  Strategy strategy;
  Venue venue({.listener = &strategy});
  venue.go_live();
  venue.text(trade(7, false));
  const TscClock::Sample now = TscClock::take_sample();
  for (const EventTimes& times : {strategy.times, strategy.trades[0].times}) {
    EXPECT_LT(times.exchange_ns, times.send_ns);
    EXPECT_EQ(times.send_ns - times.exchange_ns, 1000000);
    EXPECT_EQ(times.kernel_receive_ns, 0) << "not from a socket";
    EXPECT_LT(times.receive_ns, times.applied_ns);
    // The clock's own error is far below a second.
    EXPECT_NEAR(static_cast<double>(times.applied_ns),
                static_cast<double>(now.wall_ns), 30e9);
  }
}

TEST(MarketFeed, BookUpdatesAreImagesAndOnlyLiveOnesHaveLevels) {
  BookUpdatePool<64> pool(size_t{2});
  BookUpdateBus bus({.capacity = 64});
  auto risk = bus.attach({.name = "risk"}).value();
  Venue venue({.books = &bus, .pool = book_update_source(&pool), .depth = 2});
  venue.go_live();
  venue.text(update(12, R"(["98","5"],["100","0"])", R"(["101","3"])"));
  venue.text(update(14, "", ""));
  std::vector<BookUpdateHandle> seen;
  risk.poll([&](BookUpdateHandle& update) { seen.push_back(update); });
  ASSERT_GE(seen.size(), 3u);
  for (size_t i = 0; i < seen.size(); ++i) {
    EXPECT_EQ(seen[i]->sequence, i + 1);
    EXPECT_EQ(seen[i]->venue, VenueId::kBinanceUsdm);
    if (seen[i]->state != BookState::kLive) {
      EXPECT_TRUE(seen[i]->bids.empty());
      EXPECT_TRUE(seen[i]->asks.empty());
    }
  }
  const BookUpdate& live = *seen[seen.size() - 2];
  EXPECT_EQ(live.state, BookState::kLive);
  EXPECT_EQ(live.update_id, 12u);
  ASSERT_EQ(live.bids.size(), 1u) << "98 is beyond the snapshot";
  EXPECT_EQ(live.bids[0], (PriceLevel{9900000000, 100000000}));
  ASSERT_EQ(live.asks.size(), 1u);
  EXPECT_EQ(live.asks[0], (PriceLevel{10100000000, 300000000}));
  EXPECT_EQ(seen.back()->state, BookState::kGapped);
  EXPECT_EQ(seen.back()->reason, BookReason::kSequenceGap);
  seen.clear();
  EXPECT_EQ(pool.stats().in_use, 0u) << "the last holder sends them home";
}

TEST(MarketFeed, WhatFindsNoRoomIsCountedAndLeavesAHole) {
  TradeBus trades({.capacity = 2});
  BookUpdatePool<2> pool(size_t{10});
  BookUpdateBus books({.capacity = 64});
  auto tape = trades.attach().value();
  auto risk = books.attach().value();
  Venue venue(
      {.trades = &trades, .books = &books, .pool = book_update_source(&pool)});
  venue.go_live();
  for (int id = 1; id <= 3; ++id) venue.text(trade(id, false));
  MarketFeedStatistics statistics = venue.feed().statistics();
  EXPECT_EQ(statistics.trades, 3u);
  EXPECT_EQ(statistics.trades_dropped, 1u);
  EXPECT_EQ(statistics.books_dropped, statistics.book_events - 2);
  tape.poll([](TradeEvent&) {});
  venue.text(trade(4, false));
  uint64_t next = 0;
  tape.poll([&](TradeEvent& event) { next = event.sequence; });
  EXPECT_EQ(next, 4u) << "3 was lost, and that shows";
  risk.poll([](BookUpdateHandle&) {});
}

TEST(MarketFeed, AFullBusCostsTheEventAndNotTheBook) {
  BookUpdatePool<64> pool(size_t{10});
  BookUpdateBus books({.capacity = 1});
  auto slow = books.attach().value();
  Venue venue({.books = &books, .pool = book_update_source(&pool)});
  venue.go_live();
  EXPECT_EQ(venue.pipeline().book(0).view().state, BookState::kLive);
  const MarketFeedStatistics statistics = venue.feed().statistics();
  EXPECT_EQ(statistics.books_dropped, statistics.book_events - 1);
  slow.poll([](BookUpdateHandle&) {});
  EXPECT_EQ(pool.stats().in_use, 0u);
}

// Its last word was lost, and nothing else comes of that book.
TEST(MarketFeed, ABookWhoseEndFoundNoRoomIsToldAgain) {
  BookUpdatePool<64> pool(size_t{10});
  BookUpdateBus books({.capacity = 2});
  auto slow = books.attach().value();
  Venue venue({.books = &books, .pool = book_update_source(&pool)});
  venue.go_live();
  venue.pipeline().on_connection_lost(0);
  ASSERT_TRUE(venue.pipeline().drain().ok());
  BookUpdateHandle last;
  const auto read = [&] {
    while (slow.poll([&](BookUpdateHandle& update) { last = update; }) != 0) {
    }
  };
  read();
  EXPECT_NE(last->reason, BookReason::kConnectionLost);
  venue.text(trade(1, false));
  read();
  EXPECT_EQ(last->reason, BookReason::kConnectionLost);
  EXPECT_EQ(last->state, BookState::kGapped);
  EXPECT_EQ(last->sequence, venue.feed().statistics().book_events);
  const uint64_t told = last->sequence;
  venue.text(trade(2, false));
  read();
  EXPECT_EQ(last->sequence, told) << "once";
}

// What comes of it next says the same.
TEST(MarketFeed, ABookThatIsToldOfAnywayIsNotToldAgain) {
  BookUpdatePool<64> pool(size_t{10});
  BookUpdateBus books({.capacity = 2});
  auto slow = books.attach().value();
  Venue venue({.books = &books, .pool = book_update_source(&pool)});
  venue.go_live();
  BookUpdateHandle last;
  const auto read = [&] {
    while (slow.poll([&](BookUpdateHandle& update) { last = update; }) != 0) {
    }
  };
  read();
  venue.pipeline().on_connection_lost(0);
  ASSERT_TRUE(venue.pipeline().drain().ok());
  read();
  const uint64_t told = last->sequence;
  EXPECT_EQ(told, venue.feed().statistics().book_events);
  EXPECT_EQ(last->state, BookState::kGapped);
  venue.text(trade(1, false));
  read();
  EXPECT_EQ(last->sequence, told);
}

TEST(MarketFeed, ThreadsConsumeWhileTheBookGoesOn) {
  constexpr int kUpdates = 2000;
  BookUpdatePool<4096> pool(size_t{10});
  TradeBus trades({.capacity = 4096});
  BookUpdateBus books({.capacity = 4096});
  auto risk = books.attach({.name = "risk"}).value();
  auto tape = trades.attach_lossy(WhenSlow::kDrop, {.name = "tape"}).value();
  uint64_t updates = 0;
  uint64_t last_id = 0;
  uint64_t received = 0;
  std::thread risk_thread([&] {
    while (risk.wait() == BusWait::kReady) {
      risk.poll([&](BookUpdateHandle& update) {
        ++updates;
        last_id = update->update_id;
      });
    }
  });
  std::thread tape_thread([&] {
    std::array<TradeEvent, 64> out;
    while (tape.wait() == BusWait::kReady) {
      const Received got = tape.receive(out);
      received += got.count + got.dropped;
    }
  });
  {
    Venue venue(
        {.trades = &trades, .books = &books, .pool = book_update_source(&pool)},
        PipelineMode::kStaged);
    venue.go_live();
    for (int i = 0; i < kUpdates; ++i) {
      venue.text(update(12 + i, R"(["100","3"])", ""));
      venue.text(trade(i, i % 2 == 0));
    }
    const auto deadline = steady_clock::now() + std::chrono::seconds(60);
    EXPECT_EQ(trades.shutdown(deadline), BusShutdown::kDrained);
    EXPECT_EQ(books.shutdown(deadline), BusShutdown::kDrained);
    risk_thread.join();
    tape_thread.join();
    const MarketFeedStatistics statistics = venue.feed().statistics();
    EXPECT_EQ(updates, statistics.book_events - statistics.books_dropped);
    EXPECT_EQ(received, statistics.trades - statistics.trades_dropped);
  }
  EXPECT_EQ(last_id, 11u + kUpdates);
  EXPECT_EQ(pool.stats().in_use, 0u);
}

TEST(MarketFeed, PublishingDoesNotAllocate) {
  ASSERT_TRUE(allocation_counting());
  BookUpdatePool<64> pool(size_t{10});
  TradeBus trades({.capacity = 64});
  BookUpdateBus books({.capacity = 64});
  auto risk = books.attach().value();
  auto tape = trades.attach().value();
  Venue venue(
      {.trades = &trades, .books = &books, .pool = book_update_source(&pool)});
  venue.go_live();
  ParsedMessage deal;
  deal.kind = ParsedMessageKind::kTrade;
  deal.levels[0] = {1, 1};
  const uint64_t before = thread_allocations();
  for (int i = 0; i < 10; ++i) {
    venue.feed().on_depth_applied(venue.pipeline().book(0), deal);
    venue.feed().on_other(deal);
  }
  EXPECT_EQ(thread_allocations(), before);
  EXPECT_EQ(venue.feed().statistics().books_dropped, 0u);
  risk.poll([](BookUpdateHandle&) {});
  tape.poll([](TradeEvent&) {});
}

TEST(MarketFeedDeathTest, ABusNeedsAPool) {
  BookUpdateBus books({.capacity = 8});
  const TscClock clock;
  EXPECT_DEATH(MarketFeed(clock, {.books = &books}), "MarketFeed.*pool");
}

}  // namespace
}  // namespace wirebook
