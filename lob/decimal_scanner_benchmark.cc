// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// scan_decimal beside std::from_chars to double and a loop over digits, on
// prices and quantities as Binance writes them.
#include <benchmark/benchmark.h>

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

#include "lob/decimal_scanner.h"

namespace wirebook {
namespace {

constexpr size_t kNumbers = 4000;

const std::string& numbers() {
  static const std::string text = [] {
    std::mt19937_64 random(7);
    std::string all;
    for (size_t i = 0; i < kNumbers / 2; ++i) {
      all +=
          decimal_string(static_cast<int64_t>(5000000 + random() % 2000000), 2);
      all += "000000\",";
      const auto size = static_cast<int64_t>(random() % 100000);
      all +=
          decimal_string(random() % 20 != 0 ? size : size * 1000, 5) + "000\",";
    }
    all.append(kDecimalScanSlack, '\0');
    return all;
  }();
  return text;
}

template <class Scan>
void run(benchmark::State& state, Scan scan) {
  const std::string& text = numbers();
  for (auto _ : state) {
    const char* p = text.data();
    int64_t sum = 0;
    for (size_t i = 0; i < kNumbers; ++i) {
      sum += scan(p);
      p += 2;
    }
    benchmark::DoNotOptimize(sum);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kNumbers));
}

void BM_ScanDecimal(benchmark::State& state) {
  run(state, [](const char*& p) {
    int64_t mantissa = 0;
    if (scan_decimal(p, 8, &mantissa) != DecimalError::kOk) std::abort();
    return mantissa;
  });
}
BENCHMARK(BM_ScanDecimal);

void BM_FromCharsDouble(benchmark::State& state) {
  run(state, [](const char*& p) {
    double value = 0;
    p = std::from_chars(p, p + 24, value).ptr;
    return static_cast<int64_t>(value);
  });
}
BENCHMARK(BM_FromCharsDouble);

void BM_DigitLoop(benchmark::State& state) {
  run(state, [](const char*& p) {
    int64_t mantissa = 0;
    for (; *p != '"'; ++p) {
      if (*p != '.') mantissa = mantissa * 10 + (*p - '0');
    }
    return mantissa;
  });
}
BENCHMARK(BM_DigitLoop);

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
