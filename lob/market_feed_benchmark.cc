// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What it costs the book thread to tell strategies, beside its floor: the copy
// of the top ten alone.

#include <array>
#include <span>
#include <string>

#include "benchmark/benchmark.h"
#include "lob/market_feed.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

// A Live book of ten levels a side, and a trade.
class World {
 public:
  World()
      : pipeline_(*BookPipeline::create({.venue = VenueId::kBinanceSpot},
                                        nullptr, nullptr)) {
    const uint32_t index = *pipeline_->expect_instrument("BTCUSDT", "", 0, 0);
    std::string bids, asks;
    for (int i = 0; i < 10; ++i) {
      const std::string comma = i == 0 ? "" : ",";
      bids += comma + "[\"" + std::to_string(100 - i) + "\",\"1\"]";
      asks += comma + "[\"" + std::to_string(101 + i) + "\",\"1\"]";
    }
    send(
        R"({"e":"depthUpdate","E":1,"s":"BTCUSDT","U":10,"u":10,"b":[],"a":[]})",
        RawMessageKind::kText, 0);
    send(
        "{\"lastUpdateId\":10,\"bids\":[" + bids + "],\"asks\":[" + asks + "]}",
        RawMessageKind::kHttpBody, index);
    send(
        R"({"e":"depthUpdate","E":1,"s":"BTCUSDT","U":11,"u":11,"b":[],"a":[]})",
        RawMessageKind::kText, 0);
    trade_.kind = ParsedMessageKind::kTrade;
    trade_.levels[0] = {100, 1};
  }

  const BookKeeper& keeper() const { return pipeline_->book(0); }
  const ParsedMessage& trade() const { return trade_; }

 private:
  void send(const std::string& text, RawMessageKind kind, uint32_t tag) {
    Frame frame(text);
    frame.raw().kind = kind;
    frame.raw().tag = tag;
    pipeline_->on_message(&frame.raw());
  }

  std::unique_ptr<BookPipeline> pipeline_;
  ParsedMessage trade_;
};

struct Strategy : MarketListener {
  void on_book(const Book& book, BookState) noexcept override {
    benchmark::DoNotOptimize(book.levels().best(Side::kBid));
  }
  void on_trade(const TradeEvent& trade) noexcept override {
    benchmark::DoNotOptimize(trade.price);
  }
};

// Ten levels of a side: copied from those that a keeper has ready after each
// message, and read from the book.
template <class Top>
void top_ten(benchmark::State& state, Top&& top) {
  std::array<PriceLevel, 10> out;
  for (auto _ : state) {
    benchmark::DoNotOptimize(top(std::span(out)));
    benchmark::ClobberMemory();
  }
}
void BM_TopTen_Keeper(benchmark::State& state) {
  const World world;
  top_ten(state, [&](std::span<PriceLevel> out) {
    return world.keeper().top(Side::kBid, out);
  });
}
BENCHMARK(BM_TopTen_Keeper);
void BM_TopTen_Book(benchmark::State& state) {
  const World world;
  top_ten(state, [&](std::span<PriceLevel> out) {
    return world.keeper().book().top(Side::kBid, out);
  });
}
BENCHMARK(BM_TopTen_Book);

void BM_Listener_Book(benchmark::State& state) {
  const World world;
  const TscClock clock;
  Strategy strategy;
  MarketFeed feed(clock, {.listener = &strategy});
  for (auto _ : state) feed.on_depth_applied(world.keeper(), world.trade());
}
BENCHMARK(BM_Listener_Book);

void BM_Listener_Trade(benchmark::State& state) {
  const World world;
  const TscClock clock;
  Strategy strategy;
  MarketFeed feed(clock, {.listener = &strategy});
  for (auto _ : state) feed.on_other(world.trade());
}
BENCHMARK(BM_Listener_Trade);

// Published and consumed on this thread: the cost of the work, no hand-over.
void BM_BookUpdateBus(benchmark::State& state) {
  const World world;
  const TscClock clock;
  BookUpdatePool<256> pool(size_t{10});
  BookUpdateBus bus({.capacity = 128});
  auto consumer = bus.attach().value();
  MarketFeed feed(clock, {.books = &bus, .pool = book_update_source(&pool)});
  for (auto _ : state) {
    feed.on_depth_applied(world.keeper(), world.trade());
    consumer.poll([](BookUpdateHandle& update) {
      benchmark::DoNotOptimize(update->bids.data());
    });
  }
  if (feed.statistics().books_dropped != 0) state.SkipWithError("dropped");
}
BENCHMARK(BM_BookUpdateBus);

void BM_TradeBus(benchmark::State& state) {
  const World world;
  const TscClock clock;
  TradeBus bus({.capacity = 128});
  auto consumer = bus.attach().value();
  MarketFeed feed(clock, {.trades = &bus});
  for (auto _ : state) {
    feed.on_other(world.trade());
    consumer.poll(
        [](TradeEvent& trade) { benchmark::DoNotOptimize(trade.sequence); });
  }
  if (feed.statistics().trades_dropped != 0) state.SkipWithError("dropped");
}
BENCHMARK(BM_TradeBus);

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
