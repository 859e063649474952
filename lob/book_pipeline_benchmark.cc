// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// A recorded feed through a fused BookPipeline, warm: from before the first
// byte is parsed until the verified book is published. Needs WIREBOOK_DATA;
// skips without.

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "concurrency/tsc_clock.h"
#include "lob/book_pipeline.h"
#include "lob/testing/capture_replay.h"

namespace wirebook {
namespace {

void replay(benchmark::State& state, const char* file, VenueId venue) {
  CaptureReplay replay(file);
  if (!replay.available()) {
    state.SkipWithError(CaptureReplay::why());
    return;
  }
  const TscClock clock;
  auto pipeline =
      *BookPipeline::create({.venue = venue}, &replay.pool(), nullptr);
  replay.run(*pipeline);
  for (auto _ : state) {
    for (uint16_t i = 0; i < replay.capture().connections.size(); ++i) {
      pipeline->on_connection_lost(i);
    }
    replay.run(*pipeline);
  }
  const LatencyHistogram& latency = pipeline->frame_to_book_ticks();
  const auto ns = [&](double p) {
    return static_cast<double>(clock.to_ns(latency.percentile(p)));
  };
  const double levels =
      static_cast<double>(pipeline->statistics().measured_levels) /
      static_cast<double>(latency.count());
  state.counters["p50"] = ns(50);
  state.counters["p90"] = ns(90);
  state.counters["p99"] = ns(99);
  state.counters["levels_mean"] = levels;
  state.counters["ns_per_level"] =
      latency.mean() * clock.ns_per_tick() / levels;
}

BENCHMARK_CAPTURE(replay, kraken, "kraken_v2_btcusd_depth25.jsonl.zst",
                  VenueId::kKraken);
BENCHMARK_CAPTURE(replay, binance_spot,
                  "binance_spot_btcusdt_20240808.lines.gz",
                  VenueId::kBinanceSpot);

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
