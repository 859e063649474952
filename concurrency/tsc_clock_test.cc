// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/tsc_clock.h"

#include <time.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

int64_t now_ns(clockid_t id) {
  timespec time;
  clock_gettime(id, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

TEST(TscClockTest, TurnsTicksIntoTime) {
  const TscClock clock;
  const uint64_t start = TscClock::ticks();
  const uint64_t end = TscClock::ticks();
  EXPECT_LT(clock.to_ns(end - start), uint64_t{kSecond});
  EXPECT_LE(clock.monotonic_ns(start), clock.monotonic_ns(end));
  EXPECT_GT(clock.wall_ns(start), 1'600'000'000 * kSecond);  // after 2020
}

TEST(TscClockTest, ConstructionTakesLittleMoreThanTenMilliseconds) {
  int64_t best = kSecond;
  for (int i = 0; i < 5; ++i) {
    const int64_t start = now_ns(CLOCK_MONOTONIC);
    const TscClock clock;
    best = std::min(best, now_ns(CLOCK_MONOTONIC) - start);
  }
  EXPECT_LT(best, 20'000'000);
}

TEST(TscClockTest, StaysWithinItsErrorBound) {
  const TscClock clock;
  const int64_t until = now_ns(CLOCK_MONOTONIC) + 50'000'000;
  int64_t before = 0;
  do {
    before = now_ns(CLOCK_MONOTONIC);
    const uint64_t tick = TscClock::ticks();
    const int64_t after = now_ns(CLOCK_MONOTONIC);
    const auto bound = static_cast<int64_t>(clock.error_bound_ns(tick));
    const int64_t time = clock.monotonic_ns(tick);
    ASSERT_GE(time, before - bound);
    ASSERT_LE(time, after + bound);
  } while (before < until);
}

TEST(TscClockTest, WallClockAgreesWithTheKernel) {
  const TscClock clock;
  const int64_t before = now_ns(CLOCK_REALTIME);
  const uint64_t tick = TscClock::ticks();
  const int64_t after = now_ns(CLOCK_REALTIME);
  // A generous millisecond: the kernel may be stepping this very clock.
  EXPECT_GE(clock.wall_ns(tick), before - 1'000'000);
  EXPECT_LE(clock.wall_ns(tick), after + 1'000'000);
}

TEST(TscClockTest, SourceFollowsTheCpu) {
  EXPECT_EQ(TscClock::source(), TscClock::cpu_has_invariant_tsc()
                                    ? TscClock::Source::kInvariantTsc
                                    : TscClock::Source::kClockMonotonic);
}

TEST(TscClockTest, SourceDoesNotChangeUnderTicksAlreadyTaken) {
  (void)TscClock::ticks();
  EXPECT_EQ(TscClock::use_clock_monotonic(),
            TscClock::source() == TscClock::Source::kClockMonotonic);
}

// ---- Arithmetic, with samples of the test's own: 2.5 ticks per ns -----------

TscClock::Sample at(int64_t ns, int64_t drift_ns = 0, uint64_t error_ns = 0) {
  return {.ticks = 1'000'000 + static_cast<uint64_t>(ns) * 5 / 2,
          .monotonic_ns = 700 + ns + drift_ns,
          .wall_ns = 1'000'700 + ns + drift_ns,
          .error_ns = error_ns};
}

TEST(TscClockTest, ConvertsExactlyWhereTheRateIsExact) {
  const TscClock clock(at(0), at(10'000'000));
  EXPECT_DOUBLE_EQ(clock.ns_per_tick(), 0.4);
  EXPECT_EQ(clock.to_ns(0), 0u);
  EXPECT_NEAR(static_cast<double>(clock.to_ns(2'500'000'000)), 1e9, 1);
  for (int64_t ns : {int64_t{0}, int64_t{4}, 10 * kSecond, 86'400 * kSecond}) {
    const uint64_t tick = at(ns).ticks;
    EXPECT_NEAR(static_cast<double>(clock.monotonic_ns(tick)),
                static_cast<double>(700 + ns), 1);
    EXPECT_EQ(clock.wall_ns(tick) - clock.monotonic_ns(tick), 1'000'000);
  }
  EXPECT_LE(clock.error_bound_ns(at(86'400 * kSecond).ticks), 1u);
}

TEST(TscClockTest, LongDeltasDoNotOverflow) {
  const TscClock clock(at(0), at(10'000'000));
  const uint64_t century = uint64_t{3'155'760'000} * uint64_t{kSecond};
  EXPECT_NEAR(static_cast<double>(clock.to_ns(century / 2 * 5)),
              static_cast<double>(century), 1e4);
}

TEST(TscClockTest, BoundGrowsWithDistanceAtTheRatesError) {
  // 20 + 20 ns over 10 ms are 4 ppm.
  const TscClock clock(at(0, 0, 20), at(10'000'000, 0, 20));
  EXPECT_EQ(clock.rate_error_ppb(), 4'000u);
  EXPECT_EQ(clock.error_bound_ns(at(10'000'000).ticks), 21u);
  EXPECT_NEAR(static_cast<double>(clock.error_bound_ns(at(kSecond).ticks)),
              21 + 0.99 * 4'000, 2);
}

TEST(TscClockTest, RecalibrationNarrowsTheRate) {
  TscClock clock(at(0, 0, 20), at(10'000'000, 0, 20));
  clock.recalibrate(at(kSecond, 0, 20));
  EXPECT_LE(clock.rate_error_ppb(), 41u);
}

TEST(TscClockTest, RecalibrationMakesUpDriftWithoutAStep) {
  TscClock clock(at(0), at(kSecond));
  // The kernel slows down by 100 ppm: 100 us per second less.
  clock.recalibrate(at(2 * kSecond, -100'000));
  EXPECT_NEAR(static_cast<double>(clock.monotonic_ns(at(2 * kSecond).ticks)),
              static_cast<double>(700 + 2 * kSecond), 1);
  // One interval later the line has met the kernel's.
  EXPECT_NEAR(static_cast<double>(clock.monotonic_ns(at(3 * kSecond).ticks)),
              static_cast<double>(700 + 3 * kSecond - 200'000), 50);
  // Durations have the measured rate at once, without the make-up.
  EXPECT_NEAR(static_cast<double>(clock.to_ns(2'500'000'000)), 1e9 - 1e5, 50);
  // The bound covers what is being made up.
  EXPECT_GE(clock.error_bound_ns(at(2 * kSecond).ticks), 100'000u);
}

TEST(TscClockTest, RecalibrationStepsOverASuspension) {
  TscClock clock(at(0), at(kSecond));
  clock.recalibrate(at(2 * kSecond, kSecond));  // ticks stood still a second
  EXPECT_EQ(clock.monotonic_ns(at(2 * kSecond).ticks), 700 + 3 * kSecond);
}

TEST(TscClockTest, SamplesTooCloseAreIgnored) {
  TscClock clock(at(0), at(kSecond));
  clock.recalibrate(at(kSecond + 500'000, 499'999));
  EXPECT_DOUBLE_EQ(clock.ns_per_tick(), 0.4);
}

TEST(TscClockTest, ConvertedTimeNeverRunsBackwards) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 100; ++round) {
    TscClock clock(at(0), at(10'000'000));
    int64_t time = 10'000'000;
    int64_t drift = 0;
    int64_t last = clock.monotonic_ns(at(time).ticks);
    for (int step = 0; step < 100; ++step) {
      const int64_t interval = 1'000'000 + random() % 1'000'000'000;
      // Within +-500 ppm, the most by which NTP steers.
      drift +=
          interval * (static_cast<int64_t>(random() % 1001) - 500) / 1'000'000;
      const uint64_t tick = at(time + interval).ticks;
      const int64_t before = clock.monotonic_ns(tick);
      ASSERT_GE(before, last);
      clock.recalibrate(at(time + interval, drift));
      ASSERT_EQ(clock.monotonic_ns(tick), before);
      const int64_t truth = at(time + interval, drift).monotonic_ns;
      ASSERT_LE(std::abs(clock.monotonic_ns(tick) - truth),
                static_cast<int64_t>(clock.error_bound_ns(tick)));
      last = clock.monotonic_ns(tick);
      time += interval;
    }
  }
}

TEST(TscClockDeathTest, RefusesSamplesThatDoNotAdvance) {
  EXPECT_DEATH(TscClock(at(5), at(5)), "TscClock .*second sample must be");
}

// A fresh process has taken no tick yet, so the fallback can be chosen there.
TEST(TscClockDeathTest, FallsBackToClockMonotonic) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        if (!TscClock::use_clock_monotonic()) std::exit(1);
        if (TscClock::source() != TscClock::Source::kClockMonotonic) {
          std::exit(2);
        }
        const TscClock clock;
        const int64_t before = now_ns(CLOCK_MONOTONIC);
        const uint64_t tick = TscClock::ticks();
        const int64_t after = now_ns(CLOCK_MONOTONIC);
        const auto ns = static_cast<int64_t>(tick);
        if (ns < before || ns > after) std::exit(3);
        if (clock.monotonic_ns(tick) != ns) std::exit(4);
        if (clock.to_ns(1'000'000) != 1'000'000) std::exit(5);
        if (clock.rate_error_ppb() != 0) std::exit(6);
        std::exit(0);
      },
      ::testing::ExitedWithCode(0), "");
}

// ---- Threads ----------------------------------------------------------------

TEST(TscClockTest, ConversionsGoOnWhileAnotherThreadRecalibrates) {
  TscClock clock(at(0), at(10'000'000));
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&clock, &done] {
      const uint64_t tick = at(5 * kSecond).ticks;
      while (!done.load()) {
        // One rate and no drift, but for a rounded nanosecond carried far.
        ASSERT_NEAR(static_cast<double>(clock.monotonic_ns(tick)),
                    static_cast<double>(700 + 5 * kSecond), 10'000);
        std::this_thread::yield();
      }
    });
  }
  for (int i = 1; i <= 2'000; ++i) {
    clock.recalibrate(at(10'000'000 + i * int64_t{2'000'000}));
  }
  done.store(true);
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace wirebook
