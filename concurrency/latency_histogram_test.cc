// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/latency_histogram.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

constexpr uint64_t kLargest = std::numeric_limits<uint64_t>::max();

TEST(LatencyHistogramTest, CountsAndRanks) {
  LatencyHistogram latency;
  for (uint64_t ns = 1; ns <= 100; ++ns) latency.record(ns);
  EXPECT_EQ(latency.count(), 100u);
  EXPECT_EQ(latency.min(), 1u);
  EXPECT_EQ(latency.max(), 100u);
  EXPECT_DOUBLE_EQ(latency.mean(), 50.5);
  EXPECT_EQ(latency.percentile(50), 50u);
  EXPECT_EQ(latency.percentile(99), 99u);
  EXPECT_EQ(latency.percentile(100), 100u);
}

TEST(LatencyHistogramTest, EmptyGivesZeros) {
  LatencyHistogram latency;
  EXPECT_EQ(latency.count(), 0u);
  EXPECT_EQ(latency.min(), 0u);
  EXPECT_EQ(latency.max(), 0u);
  EXPECT_EQ(latency.mean(), 0);
  EXPECT_EQ(latency.percentile(50), 0u);
}

TEST(LatencyHistogramTest, BucketsTileAll64Bits) {
  EXPECT_EQ(LatencyHistogram::lowest_in(0), 0u);
  for (size_t i = 0; i < LatencyHistogram::kBuckets; ++i) {
    const uint64_t low = LatencyHistogram::lowest_in(i);
    const uint64_t high = LatencyHistogram::highest_in(i);
    ASSERT_EQ(LatencyHistogram::bucket_of(low), i);
    ASSERT_EQ(LatencyHistogram::bucket_of(high), i);
    if (i > 0) {
      ASSERT_EQ(low, LatencyHistogram::highest_in(i - 1) + 1);
    }
    // The stated error: less than 1/128 of the value, none below 256.
    ASSERT_LE(high - low, low / LatencyHistogram::kPrecision) << i;
    if (low < 256) {
      ASSERT_EQ(high, low);
    } else {
      ASSERT_LT(high - low, low / LatencyHistogram::kPrecision) << i;
    }
  }
  EXPECT_EQ(LatencyHistogram::highest_in(LatencyHistogram::kBuckets - 1),
            kLargest);
}

TEST(LatencyHistogramTest, ExtremesAreKept) {
  LatencyHistogram latency;
  latency.record(0);
  latency.record(kLargest);
  EXPECT_EQ(latency.min(), 0u);
  EXPECT_EQ(latency.percentile(50), 0u);
  EXPECT_EQ(latency.percentile(100), kLargest);
}

TEST(LatencyHistogramTest, ManyAtOnce) {
  LatencyHistogram latency;
  latency.record(10, 3);
  latency.record(20, 1);
  latency.record(1'000'000, 0);  // none
  EXPECT_EQ(latency.count(), 4u);
  EXPECT_EQ(latency.max(), 20u);
  EXPECT_EQ(latency.percentile(75), 10u);
  EXPECT_EQ(latency.percentile(75.1), 20u);
}

TEST(LatencyHistogramTest, PercentileOutsideItsRangeIsTheNearerEnd) {
  LatencyHistogram latency;
  latency.record(1);
  latency.record(2);
  EXPECT_EQ(latency.percentile(-5), 1u);
  EXPECT_EQ(latency.percentile(0), 1u);
  EXPECT_EQ(latency.percentile(std::nan("")), 1u);
  EXPECT_EQ(latency.percentile(250), 2u);
}

TEST(LatencyHistogramTest, RanksAreNotLostToBinaryFractions) {
  LatencyHistogram latency;
  latency.record(1, 999);
  latency.record(200, 1);
  EXPECT_EQ(latency.percentile(99.9), 1u);
  EXPECT_EQ(latency.percentile(99.91), 200u);
}

TEST(LatencyHistogramTest, ClearEmpties) {
  LatencyHistogram latency;
  latency.record(5);
  latency.clear();
  EXPECT_EQ(latency.count(), 0u);
  EXPECT_EQ(latency.percentile(100), 0u);
  latency.record(7);
  EXPECT_EQ(latency.min(), 7u);
  EXPECT_EQ(latency.max(), 7u);
}

// Latencies over many orders of magnitude.
std::vector<uint64_t> random_latencies(std::mt19937_64& random, size_t n) {
  std::vector<uint64_t> values(n);
  for (uint64_t& value : values) value = random() >> (20 + random() % 44);
  return values;
}

TEST(LatencyHistogramTest, AgreesWithASortedVectorWithinTheStatedError) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20; ++round) {
    LatencyHistogram latency;
    std::vector<uint64_t> model =
        random_latencies(random, 1 + random() % 10'000);
    uint64_t sum = 0;
    for (uint64_t value : model) {
      latency.record(value);
      sum += value;
    }
    std::sort(model.begin(), model.end());
    ASSERT_EQ(latency.count(), model.size());
    ASSERT_EQ(latency.min(), model.front());
    ASSERT_EQ(latency.max(), model.back());
    ASSERT_DOUBLE_EQ(latency.mean(), static_cast<double>(sum) /
                                         static_cast<double>(model.size()));
    for (double p : {0.0, 1.0, 25.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
      const double rank = p / 100 * static_cast<double>(model.size());
      const size_t index = std::min(
          model.size() - 1,
          static_cast<size_t>(std::max(0.0, std::ceil(rank - 1e-9) - 1)));
      const uint64_t truth = model[index];
      ASSERT_GE(latency.percentile(p), truth) << p;
      ASSERT_LE(latency.percentile(p), truth + truth / 128) << p;
    }
  }
}

TEST(LatencyHistogramTest, MergeEqualsRecordingAllInOne) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  LatencyHistogram left, right, both;
  for (uint64_t value : random_latencies(random, 5'000)) {
    (random() % 2 == 0 ? left : right).record(value);
    both.record(value);
  }
  LatencyHistogram merged;
  merged.merge(left);
  merged.merge(right);
  merged.merge(LatencyHistogram());
  EXPECT_EQ(merged.to_hgrm(), both.to_hgrm());
  EXPECT_EQ(merged.min(), both.min());
  EXPECT_EQ(merged.mean(), both.mean());
}

// ---- HdrHistogram's text ----------------------------------------------------

TEST(LatencyHistogramTest, WritesHgrm) {
  LatencyHistogram latency;
  latency.record(100, 3);
  latency.record(200, 1);
  // Line for line what HdrHistogram writes for these four values with five
  // ticks per half distance, save for its bucket counts in the last line.
  EXPECT_EQ(latency.to_hgrm(),
            "       Value     Percentile TotalCount 1/(1-Percentile)\n"
            "\n"
            "     100.000 0.000000000000          3           1.00\n"
            "     100.000 0.100000000000          3           1.11\n"
            "     100.000 0.200000000000          3           1.25\n"
            "     100.000 0.300000000000          3           1.43\n"
            "     100.000 0.400000000000          3           1.67\n"
            "     100.000 0.500000000000          3           2.00\n"
            "     100.000 0.550000000000          3           2.22\n"
            "     100.000 0.600000000000          3           2.50\n"
            "     100.000 0.650000000000          3           2.86\n"
            "     100.000 0.700000000000          3           3.33\n"
            "     100.000 0.750000000000          3           4.00\n"
            "     200.000 0.775000000000          4           4.44\n"
            "     200.000 1.000000000000          4\n"
            "#[Mean    =      125.000, StdDeviation   =       43.301]\n"
            "#[Max     =      200.000, Total count    =            4]\n"
            "#[Buckets =           57, SubBuckets     =          256]\n");
}

TEST(LatencyHistogramTest, HgrmHasTheCallersUnit) {
  LatencyHistogram latency;
  latency.record(1'500);
  EXPECT_NE(latency.to_hgrm(1000).find("#[Max     =        1.500"),
            std::string::npos);
}

TEST(LatencyHistogramTest, HgrmOfNothingIsHeadAndFoot) {
  const std::string text = LatencyHistogram().to_hgrm();
  EXPECT_NE(text.find("Total count    =            0"), std::string::npos);
  EXPECT_EQ(text.find("1.000000000000"), std::string::npos);
}

TEST(LatencyHistogramTest, HgrmRowsRise) {
  std::mt19937_64 random(7);
  LatencyHistogram latency;
  for (uint64_t value : random_latencies(random, 20'000)) latency.record(value);
  std::istringstream text(latency.to_hgrm());
  std::string line;
  double last_value = -1, last_level = -1;
  int rows = 0;
  while (std::getline(text, line)) {
    double value = 0, level = 0;
    unsigned long long seen = 0;
    std::istringstream fields(line);
    if (!(fields >> value >> level >> seen)) continue;
    ASSERT_GE(value, last_value);
    ASSERT_GT(level, last_level);
    // A row's count is at least its share of all.
    ASSERT_GE(static_cast<double>(seen), level * 20'000 - 1e-6);
    last_value = value;
    last_level = level;
    ++rows;
  }
  EXPECT_EQ(last_level, 1.0);
  EXPECT_GT(rows, 50);
}

// ---- Threads ----------------------------------------------------------------

TEST(LatencyHistogramThreads, ReadersSeeARecordOnceOrNotYet) {
  constexpr uint64_t kRecords = 300'000;
  const auto latency = std::make_unique<LatencyHistogram>();
  std::atomic<bool> done{false};
  std::thread reader([&] {
    uint64_t last_count = 0;
    uint64_t last_max = 0;
    LatencyHistogram merged;
    while (!done.load()) {
      const uint64_t count = latency->count();
      ASSERT_GE(count, last_count);
      ASSERT_LE(count, kRecords);
      last_count = count;
      // Latencies rise, so the maximum does; it is never cut short.
      const uint64_t largest = latency->percentile(100);
      ASSERT_GE(largest, last_max);
      ASSERT_GE(latency->max(), largest);
      last_max = largest;
      merged.clear();
      merged.merge(*latency);
      ASSERT_GE(merged.count(), count);
      std::this_thread::yield();
    }
  });
  for (uint64_t i = 1; i <= kRecords; ++i) latency->record(i);
  done.store(true);
  reader.join();
  EXPECT_EQ(latency->count(), kRecords);
  EXPECT_EQ(latency->max(), kRecords);
}

TEST(LatencyHistogramThreads, AReaderSurvivesAClear) {
  const auto latency = std::make_unique<LatencyHistogram>();
  std::atomic<bool> done{false};
  std::thread reader([&] {
    for (int i = 0; i < 300; ++i) {
      ASSERT_LE(latency->percentile(99), 7'500'000u);
      (void)latency->to_hgrm();
    }
    done.store(true);
  });
  while (!done.load()) {
    for (uint64_t i = 0; i < 200; ++i) latency->record(5'000'000 + 10'000 * i);
    latency->clear();
  }
  reader.join();
}

}  // namespace
}  // namespace wirebook
