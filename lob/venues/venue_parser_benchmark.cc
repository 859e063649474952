// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Text to ParsedMessage, per message, on recorded frames: the literal fast path
// beside simdjson alone. Needs WIREBOOK_DATA; skips without.

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "lob/capture/capture_reader.h"
#include "lob/instrument.h"
#include "lob/parsed_message.h"
#include "lob/venues/make_venue_parser.h"
#include "lob/venues/venue_parser.h"

namespace wirebook {
namespace {

class OneMessageSink final : public ParsedMessageSink {
 public:
  ParsedMessage* acquire() noexcept override { return &messages_[used_++]; }
  void release(ParsedMessage*) noexcept override { --used_; }
  void emit(ParsedMessage* head, ParsedMessage*) noexcept override {
    for (; head != nullptr; head = head->next) levels += head->level_count();
    used_ = 0;
  }

  size_t levels = 0;

 private:
  ParsedMessage messages_[64];
  size_t used_ = 0;
};

// The frames of a capture that contain `pattern`.
std::vector<RawMessage> frames_with(const Capture& capture,
                                    std::string_view pattern) {
  std::vector<RawMessage> frames;
  for (const CaptureRecord& record : capture.records) {
    if (record.kind != CaptureRecordKind::kReceived ||
        record.payload.find(pattern) == std::string_view::npos) {
      continue;
    }
    RawMessage raw{};
    raw.data = record.payload.data();
    raw.size = static_cast<uint32_t>(record.payload.size());
    frames.push_back(raw);
  }
  return frames;
}

void parse(benchmark::State& state, const char* file, const char* pattern,
           VenueId venue, bool literal) {
  const char* const folder = std::getenv("WIREBOOK_DATA");
  if (folder == nullptr || *folder == '\0') {
    state.SkipWithError("WIREBOOK_DATA is not set");
    return;
  }
  auto capture = read_capture(std::string(folder) + "/" + file);
  if (!capture.ok()) {
    state.SkipWithError("capture cannot be read");
    return;
  }
  InstrumentTable table(16);
  auto parser =
      *make_venue_parser(venue, table, {.literal_fast_path = literal});
  OneMessageSink sink;
  for (const CaptureRecord& record : capture->records) {
    RawMessage raw{};
    raw.data = record.payload.data();
    raw.size = static_cast<uint32_t>(record.payload.size());
    parser->parse(raw, 0, sink);
  }
  const std::vector<RawMessage> frames = frames_with(*capture, pattern);
  sink.levels = 0;
  for (auto _ : state) {
    for (const RawMessage& raw : frames) parser->parse(raw, 0, sink);
  }
  const double messages = static_cast<double>(frames.size()) *
                          static_cast<double>(state.iterations());
  state.counters["ns_per_message"] =
      benchmark::Counter(messages * 1e-9, benchmark::Counter::kIsRate |
                                              benchmark::Counter::kInvert);
  state.counters["ns_per_level"] = benchmark::Counter(
      static_cast<double>(sink.levels) * 1e-9,
      benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

constexpr char kBinance[] = "binance_spot_btcusdt_20240808.lines.gz";
constexpr char kKraken[] = "kraken_v2_btcusd_depth25.jsonl.zst";

BENCHMARK_CAPTURE(parse, binance_depth_literal, kBinance, "depthUpdate",
                  VenueId::kBinanceSpot, true);
BENCHMARK_CAPTURE(parse, binance_depth_simdjson, kBinance, "depthUpdate",
                  VenueId::kBinanceSpot, false);
BENCHMARK_CAPTURE(parse, binance_ticker_literal, kBinance, "@bookTicker",
                  VenueId::kBinanceSpot, true);
BENCHMARK_CAPTURE(parse, binance_ticker_simdjson, kBinance, "@bookTicker",
                  VenueId::kBinanceSpot, false);
BENCHMARK_CAPTURE(parse, kraken_book_literal, kKraken,
                  "\"update\",\"data\":[{\"symbol", VenueId::kKraken, true);
BENCHMARK_CAPTURE(parse, kraken_book_simdjson, kKraken,
                  "\"update\",\"data\":[{\"symbol", VenueId::kKraken, false);

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
