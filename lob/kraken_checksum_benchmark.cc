// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Kraken's checksum after a change of one level among the best ten: digits
// kept, digits written anew, and snprintf with zlib.
#include <benchmark/benchmark.h>
#include <zlib.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "lob/kraken_checksum.h"

namespace wirebook {
namespace {

L2BookOptions depth_25() {
  L2BookOptions options;
  options.max_depth = 25;
  return options;
}

template <class Checksum>
void run(benchmark::State& state, Checksum checksum) {
  L2Book book(depth_25());
  book.reset(1, 8, 1);
  for (int64_t i = 0; i < 25; ++i) {
    book.apply(Side::kBid, 633887 - 3 * i, 25761908 + i);
    book.apply(Side::kAsk, 633888 + 3 * i, 34887114 + i);
  }
  int64_t change = 0;
  for (auto _ : state) {
    ++change;
    const Side side = change % 2 == 0 ? Side::kBid : Side::kAsk;
    const int64_t away = 3 * (change % 10);
    book.apply(side, side == Side::kBid ? 633887 - away : 633888 + away,
               25000000 + change % 1000000);
    book.truncate(25);
    benchmark::DoNotOptimize(checksum(book));
  }
}

void BM_KeptDigits(benchmark::State& state) {
  KrakenChecksum checksum;
  run(state, [&](const L2Book& book) { return checksum.update(book); });
}
BENCHMARK(BM_KeptDigits);

void BM_WithoutMemory(benchmark::State& state) {
  run(state, [](const L2Book& book) { return kraken_checksum(book); });
}
BENCHMARK(BM_WithoutMemory);

void BM_SnprintfAndZlib(benchmark::State& state) {
  run(state, [](const L2Book& book) {
    char text[1024];
    int size = 0;
    for (const Side side : {Side::kAsk, Side::kBid}) {
      PriceLevel levels[10];
      const size_t count = book.top(side, levels);
      for (size_t i = 0; i < count; ++i) {
        size +=
            std::snprintf(text + size, sizeof(text) - static_cast<size_t>(size),
                          "%lld%lld", static_cast<long long>(levels[i].price),
                          static_cast<long long>(levels[i].quantity));
      }
    }
    return ::crc32(0, reinterpret_cast<const Bytef*>(text),
                   static_cast<uInt>(size));
  });
}
BENCHMARK(BM_SnprintfAndZlib);

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
