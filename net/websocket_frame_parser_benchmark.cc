// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ns a frame, of text messages as feeds send them, that lie in the cache.

#include <benchmark/benchmark.h>

#include <string>

#include "net/websocket_frame_parser.h"
#include "simdjson.h"

namespace wirebook {
namespace {

std::string frames(size_t count, size_t payload) {
  std::string stream;
  for (size_t i = 0; i < count; ++i) {
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

void BM_Parse(benchmark::State& state, bool validate) {
  constexpr size_t kFrames = 100;
  const std::string stream =
      frames(kFrames, static_cast<size_t>(state.range(0)));
  WebSocketFrameParser parser({.validate_utf8 = validate});
  for (auto _ : state) {
    const char* p = stream.data();
    const char* const end = p + stream.size();
    WebSocketFrame frame;
    while (p != end && parser.next(p, static_cast<size_t>(end - p), &frame) ==
                           WebSocketEvent::kMessage) {
      benchmark::DoNotOptimize(frame.payload);
      p += frame.consumed;
    }
  }
  state.SetItemsProcessed(state.iterations() * kFrames);
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
BENCHMARK(BM_SimdjsonValidateOnly)->Arg(100)->Arg(179)->Arg(1600);

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
