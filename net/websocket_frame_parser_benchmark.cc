// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ns a frame, of text messages as feeds send them, that lie in the cache: all
// of one length, which branch predictors learn, and of random lengths.

#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "net/websocket_frame_parser.h"
#include "simdjson.h"

namespace wirebook {
namespace {

std::string frames(const std::vector<size_t>& payloads) {
  std::string stream;
  for (const size_t payload : payloads) {
    stream.push_back('\x81');
    if (payload < 126) {
      stream.push_back(static_cast<char>(payload));
    } else {
      stream.push_back(126);
      stream.push_back(static_cast<char>(payload >> 8));
      stream.push_back(static_cast<char>(payload));
    }
    stream.append(payload, 'x');
  }
  return stream;
}

void parse(benchmark::State& state, const std::vector<size_t>& payloads,
           bool validate) {
  const std::string stream = frames(payloads);
  WebSocketFrameParser parser({.validate_utf8 = validate});
  for (auto _ : state) {
    const char* p = stream.data();
    const char* const end = p + stream.size();
    WebSocketFrame frame;
    while (p != end && parser.next(p, static_cast<size_t>(end - p), &frame) ==
                           WebSocketEvent::kMessage) {
      p += frame.consumed;
      benchmark::DoNotOptimize(frame.payload);
    }
  }
  state.SetItemsProcessed(state.iterations() *
                          static_cast<int64_t>(payloads.size()));
  state.counters["ns_per_frame"] =
      benchmark::Counter(static_cast<double>(payloads.size()) * 1e-9,
                         benchmark::Counter::kIsIterationInvariantRate |
                             benchmark::Counter::kInvert);
}

void BM_Parse(benchmark::State& state, bool validate) {
  parse(state, std::vector(100, static_cast<size_t>(state.range(0))), validate);
}

// More of them than a predictor keeps; they fit in the L2 cache.
void BM_ParseMixed(benchmark::State& state, size_t least, size_t most) {
  std::mt19937 random(1);
  std::uniform_int_distribution<size_t> length(least, most);
  std::vector<size_t> payloads(2000);
  for (size_t& payload : payloads) payload = length(random);
  parse(state, payloads, true);
}

// What the validation of the same payloads costs when it is always whole.
void BM_SimdjsonValidateOnly(benchmark::State& state) {
  const std::string text(static_cast<size_t>(state.range(0)), 'x');
  for (auto _ : state) {
    benchmark::DoNotOptimize(simdjson::validate_utf8(text.data(), text.size()));
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(BM_Parse, validated, true)->Arg(100)->Arg(179)->Arg(1600);
BENCHMARK_CAPTURE(BM_Parse, unvalidated, false)->Arg(179);
BENCHMARK_CAPTURE(BM_ParseMixed, 100_to_200, 100, 200);
BENCHMARK_CAPTURE(BM_ParseMixed, 20_to_600, 20, 600);
BENCHMARK(BM_SimdjsonValidateOnly)->Arg(100)->Arg(179)->Arg(1600);

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
