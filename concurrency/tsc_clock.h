// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// TscClock: time stamps for the price of rdtsc, turned into nanoseconds later.
//
// When: several stamps per message on the hot path. One stamp per millisecond
// or less: clock_gettime does (20-40 ns, no calibration).
//
// Guarantee: ticks() is wait-free, conversions are lock-free (one retries only
// if two recalibrations overtake it), on any thread; one thread at a time
// recalibrates while others convert. Where the CPU has no invariant TSC,
// ticks() is clock_gettime(CLOCK_MONOTONIC) and a tick is 1 ns: slower, never
// wrong.
//
// Accuracy: against CLOCK_MONOTONIC, error_bound_ns(tick) says it for that
// tick: half the window in which TSC and clock were read together (some 20 ns
// each; more under preemption, and then the bound says so) and the rate's
// error times the distance from calibration. Ten milliseconds of calibration
// give a rate to about 5 ppm; each recalibrate() measures it over the time
// since the one before, so one a second gives some 0.05 ppm. It also follows
// the kernel, which steers CLOCK_MONOTONIC (NTP, up to 500 ppm) afterwards:
// the bound assumes that the kernel's rate stays as measured.
//
// Cost: ticks() is rdtsc and a predicted branch; construction 10 ms and at
// most 20; a conversion loads a Seqlock. rdtsc is not ordered with the
// instructions around it (tens of ns). Figures: COSTS.md.
//
//   wirebook::TscClock clock;                  // at start-up, 10 ms
//   const uint64_t start = wirebook::TscClock::ticks();
//   handle(message);
//   const uint64_t end = wirebook::TscClock::ticks();
//   histogram.record(clock.to_ns(end - start));
//   log(clock.wall_ns(start));                 // since 1970, in UTC
//   clock.recalibrate();                       // once a second, any thread

#ifndef WIREBOOK_CONCURRENCY_TSC_CLOCK_H_
#define WIREBOOK_CONCURRENCY_TSC_CLOCK_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <optional>

#include "concurrency/atom_traits.h"
#include "concurrency/seqlock.h"

namespace wirebook {

// The tick counter, as it is: what needs no calibration. Any thread, any time.
class TscTicks {
 public:
  enum class Source : uint8_t {
    kInvariantTsc,    // rdtsc: constant rate, running in all sleep states
    kClockMonotonic,  // clock_gettime; 1 tick = 1 ns
  };

  // The tick counter and the kernel's clocks at one moment.
  struct Sample {
    uint64_t ticks = 0;
    int64_t monotonic_ns = 0;  // CLOCK_MONOTONIC
    int64_t wall_ns = 0;       // CLOCK_REALTIME, since 1970
    uint64_t error_ns = 0;     // of monotonic_ns at `ticks`, either way
  };

  // The present tick. Comes from the same source for the process's life.
  static uint64_t ticks() noexcept {
    // Relaxed: the byte is all there is, and once known it does not change.
    if (source_.load(std::memory_order_relaxed) == kTsc) [[likely]] {
      return __builtin_ia32_rdtsc();
    }
    return slow_ticks();
  }

  // Where ticks come from; decided by the first call of this or ticks().
  static Source source() noexcept;

  // For hosts whose TSC claims to be invariant and is not: makes ticks() use
  // clock_gettime. Call first in main(); false when ticks were already taken
  // from the TSC (nothing changes then).
  [[nodiscard]] static bool use_clock_monotonic() noexcept;

  // Whether this CPU states an invariant TSC (CPUID 80000007h, EDX bit 8).
  static bool cpu_has_invariant_tsc() noexcept;

  // Reads ticks and clocks together, the tightest of some tries (about 3 us).
  static Sample take_sample() noexcept;

 private:
  enum : uint8_t { kUnknown, kTsc, kMonotonic };

  static uint64_t slow_ticks() noexcept;

  static std::atomic<uint8_t> source_;
};

namespace internal {

// Time is a line from (base_ticks, base_ns) at `rate`, except for the first
// slew_ticks, at `slew_rate`, which make up for drift. Rates are in ns per
// tick with kShift fraction bits, so up to 64 ns.
struct TscLine {
  using Sample = TscTicks::Sample;
  __extension__ using Uint128 = unsigned __int128;
  static constexpr int kShift = 58;

  // The line through both; `clock` dies if the second is not later.
  static TscLine through(const void* clock, const Sample& first,
                         const Sample& second);
  // The line that makes up the difference to `now`, if that is long enough
  // after `last`, the sample of this one.
  std::optional<TscLine> corrected(const Sample& last,
                                   const Sample& now) const noexcept;

  static uint64_t scale(uint64_t ticks, uint64_t rate) noexcept {
    return static_cast<uint64_t>((Uint128{ticks} * rate) >> kShift);
  }
  int64_t monotonic_at(uint64_t tick) const noexcept {
    const uint64_t after = tick - base_ticks;
    if (static_cast<int64_t>(after) < 0) {
      return base_ns - static_cast<int64_t>(scale(-after, rate));
    }
    const uint64_t slewed = std::min(after, slew_ticks);
    return base_ns + static_cast<int64_t>(scale(slewed, slew_rate) +
                                          scale(after - slewed, rate));
  }
  uint64_t error_at(uint64_t tick) const noexcept;

  uint64_t base_ticks;
  int64_t base_ns;
  uint64_t slew_ticks;
  uint64_t slew_rate;
  uint64_t rate;
  int64_t wall_offset_ns;  // CLOCK_REALTIME - CLOCK_MONOTONIC
  uint64_t base_error_ns;
  uint64_t rate_error_ppb;
};

// Ten milliseconds.
void tsc_calibration_pause();

}  // namespace internal

// `Atom` lets a test put a scheduler underneath; leave it alone otherwise.
template <template <typename> class Atom = std::atomic>
class BasicTscClock : public TscTicks {
  using Line = internal::TscLine;

 public:
  // Calibrates: two samples, 10 ms apart. Blocks for that time.
  BasicTscClock() {
    const Sample first = take_sample();
    internal::tsc_calibration_pause();
    begin(first, take_sample());
  }

  // Calibrated by two samples of the caller's, `second` the later: the seam
  // for tests and for replaying a recorded calibration. Samples that do not
  // advance in both ticks and time end the process.
  BasicTscClock(const Sample& first, const Sample& second) {
    begin(first, second);
  }

  BasicTscClock(const BasicTscClock&) = delete;
  BasicTscClock& operator=(const BasicTscClock&) = delete;

  // ---- Any thread -----------------------------------------------------------

  // A duration. Right for any delta that fits in 2^63 ns.
  uint64_t to_ns(uint64_t delta_ticks) const noexcept {
    return Line::scale(delta_ticks, line().rate);
  }

  // CLOCK_MONOTONIC at a tick, in the past or future of the calibration.
  int64_t monotonic_ns(uint64_t tick) const noexcept {
    return line().monotonic_at(tick);
  }

  // CLOCK_REALTIME at a tick, as the kernel had it at the last (re)calibration:
  // a step of the wall clock shows after the next.
  int64_t wall_ns(uint64_t tick) const noexcept {
    const Line now = line();
    return now.monotonic_at(tick) + now.wall_offset_ns;
  }

  // How far monotonic_ns(tick) may be off, either way.
  uint64_t error_bound_ns(uint64_t tick) const noexcept {
    return line().error_at(tick);
  }

  // How far a rate may be off: to_ns(d) is within d's share of this many parts
  // per billion, plus 1 ns.
  uint64_t rate_error_ppb() const noexcept { return line().rate_error_ppb; }

  double ns_per_tick() const noexcept {
    return std::ldexp(static_cast<double>(line().rate), -Line::kShift);
  }

  // ---- One thread at a time -------------------------------------------------

  // Corrects drift: measures the rate since the last sample and makes up the
  // difference found over as long a time again. Converted time is continuous
  // and never runs backwards, except that a difference of more than 10 ms and
  // a tenth of the interval (a suspended machine) is stepped over, and that a
  // caller who loses its CPU in here may set it back by the drift of that time
  // (50 ns for 10 ms at 5 ppm). A sample
  // less than 1 ms after the last is ignored. About 3 us; once a second is
  // ample.
  void recalibrate() noexcept { recalibrate(take_sample()); }
  void recalibrate(const Sample& now) noexcept {
    const std::optional<Line> corrected = line().corrected(last_, now);
    if (!corrected.has_value()) return;
    last_ = now;
    publish(*corrected);
  }

 private:
  void begin(const Sample& first, const Sample& second) {
    last_ = second;
    publish(Line::through(this, first, second));
  }

  Line line() const noexcept {
    for (;;) {
      // Pairs with the release in publish(): that line is complete, and stays
      // so until the recalibration after next.
      const uint32_t newest = newest_.load(std::memory_order_acquire);
      if (const auto line = lines_[newest].try_load()) [[likely]]
        return *line;
      AtomTraits<Atom>::pause();
    }
  }

  void publish(const Line& line) noexcept {
    // Relaxed: only this thread writes it.
    const uint32_t other = 1 - newest_.load(std::memory_order_relaxed);
    lines_[other].store(line);
    // Pairs with the acquire in line(): the line before its name.
    newest_.store(other, std::memory_order_release);
  }

  Sample last_;  // recalibrating thread only
  // Two in turn: a writer preempted in mid-store holds up no reader.
  Atom<uint32_t> newest_{0};
  Seqlock<Line, Atom> lines_[2];
};

using TscClock = BasicTscClock<>;

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_TSC_CLOCK_H_
