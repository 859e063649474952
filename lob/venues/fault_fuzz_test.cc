// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The one law, by force (lob/testing/fault_run.h): streams of every venue,
// recorded and generated, fused and staged, on one line and on two.
//
// A seed decides everything: a failure prints it, and WIREBOOK_FUZZ_SEED=<seed>
// repeats it. Under --config=soak the seeds go on.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "lob/capture/capture_reader.h"
#include "lob/testing/depth_source.h"
#include "lob/testing/fault_run.h"
#include "lob/testing/fault_table.h"
#include "lob/testing/venue_stream.h"
#include "lob/venue.h"
#include "memory/testing/soak.h"
#include "tools/exchange_sim/venue_adapter.h"

namespace wirebook {
namespace {

struct Case {
  const char* name;
  VenueStream stream;
  Era era = Era::kNow;
  size_t proven = SIZE_MAX;
  const char* capture = nullptr;
  size_t recorded_depth = 0;
};

VenueStream with_depth(VenueStream stream, size_t depth) {
  stream.depth = depth;
  return stream;
}

const Case kCases[] = {
    {.name = "BinanceSpot",
     .stream = venue_stream(VenueId::kBinanceSpot),
     .capture = "binance_spot_btcusdt_20240808.lines.gz"},
    {.name = "BinanceUsdm",
     .stream = venue_stream(VenueId::kBinanceUsdm),
     .capture = "binance_usdm_btcusdt_20240808.lines.gz"},
    {.name = "Kraken",
     .stream = venue_stream(VenueId::kKraken),
     .proven = 10,
     .capture = "kraken_v2_btcusd_depth10_resubscribes.jsonl.zst",
     .recorded_depth = 10},
    {.name = "KrakenDeep",
     .stream = with_depth(venue_stream(VenueId::kKraken), 25),
     .proven = 10,
     .capture = "kraken_v2_btcusd_depth25.jsonl.zst",
     .recorded_depth = 25},
    {.name = "Bybit",
     .stream = venue_stream(VenueId::kBybit),
     .capture = "bybit.jsonl.zst"},
    {.name = "Okx", .stream = venue_stream(VenueId::kOkx)},
    {.name = "OkxWithSums",
     .stream = {VenueId::kOkx, sim::okx_with_sums_adapter, "BTC-USDT", 40},
     .era = Era::kSums,
     .proven = 25,
     .capture = "okx.jsonl.zst"},
    {.name = "Deribit",
     .stream = venue_stream(VenueId::kDeribit),
     .capture = "deribit.jsonl.zst"},
    {.name = "CoinbaseAdvanced",
     .stream = venue_stream(VenueId::kCoinbaseAdvanced),
     .capture = "coinbase_advanced.jsonl.zst"},
    {.name = "CoinbaseExchange",
     .stream = venue_stream(VenueId::kCoinbaseExchange),
     .capture = "coinbase_exchange_level2_2021.jsonl.zst"},
    {.name = "Bitfinex",
     .stream = venue_stream(VenueId::kBitfinex),
     .capture = "bitfinex.jsonl.zst"},
    {.name = "Bitstamp",
     .stream = venue_stream(VenueId::kBitstamp),
     .capture = "bitstamp.jsonl.zst"},
    {.name = "Gemini",
     .stream = venue_stream(VenueId::kGemini),
     .capture = "gemini.jsonl.zst"},
    {.name = "Gate",
     .stream = venue_stream(VenueId::kGate),
     .capture = "gate_spot.jsonl.zst"},
    {.name = "GateFutures", .stream = venue_stream(VenueId::kGateFutures)},
    {.name = "Kucoin", .stream = venue_stream(VenueId::kKucoin)},
};

class FaultFuzz : public testing::TestWithParam<Case> {
 protected:
  // The seeds of this run: one, from the environment, or `count`, or as many as
  // there is time for.
  template <class F>
  void for_each_seed(uint64_t count, F&& f) {
    if (const char* const text = std::getenv("WIREBOOK_FUZZ_SEED")) {
      return f(std::strtoull(text, nullptr, 10));
    }
    uint64_t seed = 0;
    for (Soak soak(5 * std::size(kCases)); soak.goes_on();) {
      for (uint64_t i = 0; i < count && !HasFailure(); ++i) f(++seed);
    }
  }

  void run(DepthSource& source, FaultSubject subject, uint64_t seed) {
    SCOPED_TRACE("WIREBOOK_FUZZ_SEED=" + std::to_string(seed));
    const Case& c = GetParam();
    subject.stream = c.stream;
    subject.era = c.era;
    subject.proven = c.proven;
    FaultRun run(subject, Choices(seed));
    run.run(source);
    const FaultRunReport& report = run.report();
    EXPECT_EQ(report.broken, "");
    live_ += report.live;
    checks_ += report.checks;
    lost_ += report.lives_lost;
    with_horizon_ += report.with_horizon;
    for (const auto& [name, n] : report.faults) faults_[name] += n;
  }

  // Two books' worth of it.
  GeneratedSource generated(uint64_t seed, size_t updates) const {
    const VenueStream& stream = GetParam().stream;
    return GeneratedSource(stream.adapter(), {stream.symbol, "tETHUSD"},
                           stream.depth, seed, updates, {.restarts = true});
  }
  size_t cut() const {
    const VenueStream& stream = GetParam().stream;
    return stream.adapter().client_truncates() ? stream.depth : 0;
  }
  const VenueTraits& traits() const {
    return venue_traits(GetParam().stream.venue);
  }

  void tell() {
    std::string text;
    for (const auto& [name, n] : faults_) {
      text += " " + std::string(name) + " " + std::to_string(n);
    }
    std::printf("[  %llu live checks, %llu whole; Live lost %llu times;%s ]\n",
                static_cast<unsigned long long>(live_),
                static_cast<unsigned long long>(checks_),
                static_cast<unsigned long long>(lost_), text.c_str());
  }

  uint64_t live_ = 0;
  uint64_t checks_ = 0;
  uint64_t lost_ = 0;
  uint64_t with_horizon_ = 0;
  std::map<std::string_view, uint64_t> faults_;
};

INSTANTIATE_TEST_SUITE_P(, FaultFuzz, testing::ValuesIn(kCases),
                         [](const auto& each) {
                           return std::string(each.param.name);
                         });

TEST_P(FaultFuzz, GeneratedStreams) {
  for_each_seed(2, [&](uint64_t seed) {
    GeneratedSource source = generated(seed, 1000);
    run(source, {.depth = cut()}, seed);
  });
  tell();
  if (std::getenv("WIREBOOK_FUZZ_SEED") != nullptr) return;
  EXPECT_GT(live_, 1000u) << "hardly ever live";
  EXPECT_GT(lost_, 40u) << "hardly ever lost";
}

TEST_P(FaultFuzz, GeneratedStreamsWithShortSnapshots) {
  if (traits().whole_snapshots) GTEST_SKIP() << "its snapshots are whole";
  for_each_seed(2, [&](uint64_t seed) {
    GeneratedSource source = generated(seed, 1000);
    run(source, {.snapshot_levels = 12 + seed % 3 * 10}, seed);
  });
  tell();
  if (std::getenv("WIREBOOK_FUZZ_SEED") != nullptr) return;
  EXPECT_GT(with_horizon_, 300u) << "hardly ever live within a horizon";
}

TEST_P(FaultFuzz, StagedPipelines) {
  for_each_seed(1, [&](uint64_t seed) {
    GeneratedSource source = generated(seed, 300);
    run(source, {.depth = cut(), .staged = true}, seed);
  });
  tell();
  if (std::getenv("WIREBOOK_FUZZ_SEED") != nullptr) return;
  EXPECT_GT(live_, 100u) << "hardly ever live";
}

TEST_P(FaultFuzz, TwoLines) {
  if (!traits().shared_ids || GetParam().era == Era::kSums) {
    GTEST_SKIP() << "its ids are not shared";
  }
  for_each_seed(2, [&](uint64_t seed) {
    GeneratedSource source = generated(seed, 600);
    run(source, {.depth = cut(), .lines = 2}, seed);
  });
  tell();
  if (std::getenv("WIREBOOK_FUZZ_SEED") != nullptr) return;
  EXPECT_GT(live_, 1000u) << "hardly ever live";
}

TEST_P(FaultFuzz, RecordedStreams) {
  const Case& c = GetParam();
  const char* const folder = std::getenv("WIREBOOK_DATA");
  if (folder == nullptr) GTEST_SKIP() << "WIREBOOK_DATA is not set";
  if (c.capture == nullptr) GTEST_SKIP() << "no recording has its ids";
  const auto capture = read_capture(std::string(folder) + "/" + c.capture);
  ASSERT_TRUE(capture.ok()) << capture.status();
  size_t bytes = 0;
  for (const CaptureRecord& record : capture->records) {
    bytes += record.payload.size();
  }
  for_each_seed(bytes < 500'000 ? 3 : 1, [&](uint64_t seed) {
    RecordedSource source(*capture, c.stream.venue,
                          soaking() ? SIZE_MAX : 3000);
    run(source, {.depth = c.recorded_depth}, seed);
  });
  tell();
  if (std::getenv("WIREBOOK_FUZZ_SEED") != nullptr) return;
  EXPECT_GT(live_, 20u) << "hardly ever live";
}

}  // namespace
}  // namespace wirebook
