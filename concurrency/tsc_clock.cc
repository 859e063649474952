// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/tsc_clock.h"

#include <cpuid.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <thread>

namespace wirebook {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr auto kCalibrationTime = std::chrono::milliseconds(10);
constexpr int64_t kShortestIntervalNs = 1'000'000;
constexpr int64_t kStepNs = 10'000'000;
constexpr int kSampleTries = 16;

int64_t read_clock(clockid_t id) noexcept {
  timespec time;
  clock_gettime(id, &time);
  return time.tv_sec * kNsPerSecond + time.tv_nsec;
}

uint64_t magnitude(int64_t value) noexcept {
  return value < 0 ? -static_cast<uint64_t>(value)
                   : static_cast<uint64_t>(value);
}

// `part` of `whole` in parts per billion, rounded up.
uint64_t ppb(uint64_t part, uint64_t whole) noexcept {
  __extension__ using Uint128 = unsigned __int128;
  return static_cast<uint64_t>(
      (Uint128{part} * uint64_t{kNsPerSecond} + whole - 1) / whole);
}

}  // namespace

constinit std::atomic<uint8_t> TscTicks::source_{kUnknown};

bool TscTicks::cpu_has_invariant_tsc() noexcept {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  // Intel SDM vol. 3B, "Invariant TSC"; AMD APM vol. 3, Fn8000_0007_EDX.
  return __get_cpuid(0x80000007u, &eax, &ebx, &ecx, &edx) != 0 &&
         (edx & (1u << 8)) != 0;
}

TscTicks::Source TscTicks::source() noexcept {
  // Relaxed throughout: the byte is all there is, and the first to set it wins.
  uint8_t known = source_.load(std::memory_order_relaxed);
  if (known == kUnknown) {
    const uint8_t found = cpu_has_invariant_tsc() ? kTsc : kMonotonic;
    if (source_.compare_exchange_strong(known, found,
                                        std::memory_order_relaxed)) {
      known = found;
    }
  }
  return known == kTsc ? Source::kInvariantTsc : Source::kClockMonotonic;
}

bool TscTicks::use_clock_monotonic() noexcept {
  uint8_t known = kUnknown;
  // Relaxed: as in source().
  return source_.compare_exchange_strong(known, kMonotonic,
                                         std::memory_order_relaxed) ||
         known == kMonotonic;
}

uint64_t TscTicks::slow_ticks() noexcept {
  if (source() == Source::kInvariantTsc) return __builtin_ia32_rdtsc();
  return static_cast<uint64_t>(read_clock(CLOCK_MONOTONIC));
}

TscTicks::Sample TscTicks::take_sample() noexcept {
  Sample best;
  int64_t best_window = std::numeric_limits<int64_t>::max();
  int64_t best_wall_window = std::numeric_limits<int64_t>::max();
  int64_t wall_offset = 0;
  for (int i = 0; i < kSampleTries; ++i) {
    const int64_t before = read_clock(CLOCK_MONOTONIC);
    __builtin_ia32_lfence();  // the tick not before the clock was read
    const uint64_t tick = ticks();
    const int64_t after = read_clock(CLOCK_MONOTONIC);
    const int64_t wall = read_clock(CLOCK_REALTIME);
    const int64_t last = read_clock(CLOCK_MONOTONIC);
    if (after - before < best_window) {
      best_window = after - before;
      best.ticks = tick;
      best.monotonic_ns = before + best_window / 2;
    }
    if (last - after < best_wall_window) {
      best_wall_window = last - after;
      wall_offset = wall - (after + best_wall_window / 2);
    }
  }
  // Half the window, and one for the nanosecond that a reading truncates.
  best.error_ns = static_cast<uint64_t>(best_window + 1) / 2 + 1;
  if (source() == Source::kClockMonotonic) {
    best.monotonic_ns = static_cast<int64_t>(best.ticks);
    best.error_ns = 0;
  }
  best.wall_ns = best.monotonic_ns + wall_offset;
  return best;
}

namespace internal {
namespace {

TscLine fit(const TscTicks::Sample& first,
            const TscTicks::Sample& second) noexcept {
  const uint64_t ticks = second.ticks - first.ticks;
  const uint64_t ns =
      static_cast<uint64_t>(second.monotonic_ns - first.monotonic_ns);
  const uint64_t rate =
      static_cast<uint64_t>((TscLine::Uint128{ns} << TscLine::kShift) / ticks);
  return {.base_ticks = second.ticks,
          .base_ns = second.monotonic_ns,
          .slew_ticks = 0,
          .slew_rate = rate,
          .rate = rate,
          .wall_offset_ns = second.wall_ns - second.monotonic_ns,
          .base_error_ns = second.error_ns,
          .rate_error_ppb = ppb(first.error_ns + second.error_ns, ns)};
}

}  // namespace

TscLine TscLine::through(const void* clock, const Sample& first,
                         const Sample& second) {
  if (second.ticks <= first.ticks ||
      second.monotonic_ns <= first.monotonic_ns) {
    std::fprintf(stderr,
                 "wirebook::TscClock %p: the second sample must be later than "
                 "the first; if the tick counter stands still, call "
                 "use_clock_monotonic first\n",
                 clock);
    std::abort();
  }
  return fit(first, second);
}

std::optional<TscLine> TscLine::corrected(const Sample& last,
                                          const Sample& now) const noexcept {
  const int64_t interval = now.monotonic_ns - last.monotonic_ns;
  if (interval < kShortestIntervalNs || now.ticks <= last.ticks) {
    return std::nullopt;
  }
  TscLine line = fit(last, now);
  const int64_t predicted = monotonic_at(now.ticks);
  const int64_t drift = now.monotonic_ns - predicted;
  if (magnitude(drift) <=
      static_cast<uint64_t>(std::max(kStepNs, interval / 10))) {
    // Go on from where the old line was and meet the clock's own line one
    // interval from now, or later if that took more than a tenth of the rate.
    const int64_t horizon = std::max(interval, 10 * std::abs(drift));
    line.base_ns = predicted;
    line.slew_ticks = static_cast<uint64_t>(
        (Uint128{static_cast<uint64_t>(horizon)} << kShift) / line.rate);
    line.slew_rate = static_cast<uint64_t>(
        Uint128{line.rate} * static_cast<uint64_t>(horizon + drift) /
        static_cast<uint64_t>(horizon));
    line.base_error_ns += magnitude(drift);
  }
  return line;
}

uint64_t TscLine::error_at(uint64_t tick) const noexcept {
  const uint64_t distance = magnitude(monotonic_at(tick) - base_ns);
  return base_error_ns + 1 +
         static_cast<uint64_t>(Uint128{distance} * rate_error_ppb /
                               uint64_t{kNsPerSecond});
}

void tsc_calibration_pause() { std::this_thread::sleep_for(kCalibrationTime); }

}  // namespace internal
}  // namespace wirebook
