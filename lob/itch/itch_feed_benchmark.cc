// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// A generated day of ITCH, per message: parsed alone, and into the books of its
// stocks (argument: how many).
//   bazel run --config=native //lob/itch:itch_feed_benchmark
#include <benchmark/benchmark.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "lob/itch/binary_file.h"
#include "lob/itch/itch_feed.h"
#include "lob/itch/itch_generator.h"

namespace wirebook {
namespace {

struct Day {
  std::string file;
  size_t messages;
};

const Day& day_of(int64_t stocks) {
  static std::map<int64_t, Day> days;
  const auto [at, added] = days.try_emplace(stocks);
  if (added) {
    const ItchDay day = make_itch_day(1, static_cast<uint16_t>(stocks), 30'000);
    at->second = {itch_binary_file(day.messages), day.messages.size()};
  }
  return at->second;
}

void BM_Parse(benchmark::State& state) {
  const Day& day = day_of(state.range(0));
  for (auto _ : state) {
    BinaryFile file(std::as_bytes(std::span(day.file)));
    std::span<const std::byte> bytes;
    ItchMessage message;
    while (file.next(&bytes)) {
      benchmark::DoNotOptimize(parse_itch(bytes, &message));
      benchmark::DoNotOptimize(message);
    }
  }
  state.SetItemsProcessed(state.iterations() *
                          static_cast<int64_t>(day.messages));
}

void BM_Books(benchmark::State& state) {
  const Day& day = day_of(state.range(0));
  TradingObjectPools pools({.order_nodes = 50'000, .price_levels = 20'000});
  for (auto _ : state) {
    ItchBooks books(pools, {.book = {.orders = 16'384,
                                     .window_ticks = 1024,
                                     .overflow_levels = 64}});
    read_itch_messages(std::as_bytes(std::span(day.file)), books);
    if (books.stats().refused != 0) state.SkipWithError("a book refused");
  }
  state.SetItemsProcessed(state.iterations() *
                          static_cast<int64_t>(day.messages));
}

BENCHMARK(BM_Parse)->Arg(10)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Books)->Arg(1)->Arg(10)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
