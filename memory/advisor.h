// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Advisor: how large each pool should be. It looks at pools' statistics now and
// then, says what capacity each should have had, keeps that for the next start,
// and grows and trims pools within limits while they run.
//
// Use it where load is not known beforehand or changes over the day; where it
// is known, give the pool its capacity and leave this away. PoolAdvisor alone
// is data in, decisions out, for pools of your own.
//
// The predictor. From each sample, with the rates between it and the last:
//   held    = mean objects out / rate (Little's law), smoothed exponentially
//   demand  = in_use, or the pool's peak where it rose since the last sample,
//             plus held * the rate of failed allocations
//   next    = the largest demand in the window,
//             or held, as it was before, * the rate of an interval in it,
//             or demand and its rise once more, if that is the second in a row
//   wanted  = next * margin, within the limits
// It grows at once. It cools and trims when capacity was above surplus * wanted
// throughout cool_after_ns and trim_after_ns. Of an ObjectPool, which keeps its
// capacity and gives only pages back, it counts what is ready(); both steer the
// pool to its fuller chunks, so that each trim finds more than the last. Demand
// that rises by more than the margin between two samples is a miss, and so is
// a burst that comes back after the window and trim_after_ns: sample more
// often, or set min_capacity. advisor_test has it beside fixed capacities.
//
// Threads: one, a housekeeping one: growing and trimming take microseconds to
// milliseconds and the pools' locks, never the hot path. Clock: the caller's.
// Cost of a sample: the pool's stats(); the advisor itself walks 16 buckets.
//
//   Advisor advisor;
//   advisor.add("orders", controls_of(orders), {.max_capacity = 1 << 20});
//   if (advisor.load("pools.txt").ok()) advisor.warm_up();
//   every_second([&] { advisor.tick(now_ns()); });
//   absl::Status saved = advisor.save("pools.txt");
#ifndef WIREBOOK_MEMORY_ADVISOR_H_
#define WIREBOOK_MEMORY_ADVISOR_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/status/status.h"

namespace wirebook {

// What a pool's stats() said, at one moment of the caller's clock.
struct PoolSample {
  std::uint64_t at_ns = 0;
  std::size_t capacity = 0;  // Objects with memory; objects all below, too.
  std::size_t in_use = 0;
  std::size_t peak_usage = 0;  // Since the pool began.
  std::uint64_t total_allocations = 0;
  std::uint64_t total_deallocations = 0;
  std::uint64_t allocation_failures = 0;
};

struct AdvisorOptions {
  // Within these it tunes, and never asks for anything else.
  std::size_t min_capacity = 64;
  std::size_t max_capacity = std::size_t{1} << 20;
  std::size_t max_step = std::size_t{1} << 20;  // Growth in one decision.
  double margin = 1.25;    // Of what is wanted, over what is predicted.
  double surplus = 1.5;    // Of capacity over what is wanted, to be given back.
  double smoothing = 0.2;  // Weight of the newest interval in held time.
  std::uint64_t window_ns = 600'000'000'000;
  std::uint64_t cool_after_ns = 60'000'000'000;
  std::uint64_t trim_after_ns = 300'000'000'000;
};

enum class PoolAction : unsigned char {
  kNone,
  kGrow,  // To `capacity`.
  kCool,  // What is beyond `capacity` is not needed soon (MADV_COLD).
  kTrim,  // Back to `capacity`.
};

struct PoolDecision {
  PoolAction action = PoolAction::kNone;
  std::size_t capacity = 0;

  friend bool operator==(const PoolDecision&, const PoolDecision&) = default;
};

class PoolAdvisor {
 public:
  explicit PoolAdvisor(AdvisorOptions options = {}) noexcept
      : options_(options) {}

  // A sample that is not later than the last one is not taken.
  PoolDecision observe(const PoolSample& sample) noexcept;

  // The capacity with which none of what was seen would have missed: the
  // largest demand ever and the margin, within the limits.
  std::size_t advised_capacity() const noexcept;

  // ns that an object is out, smoothed; 0 while none came back.
  double held_ns() const noexcept { return held_ns_; }

  // Objects that it expects to be out at most until the next sample.
  std::size_t predicted() const noexcept { return predicted_; }

 private:
  static constexpr std::size_t kBuckets = 16;  // The window, in steps.
  struct Bucket {
    std::uint64_t number = 0;  // Of the step that it is for.
    double demand = 0;
  };

  double demand_since_last(const PoolSample& sample, double elapsed) noexcept;
  void remember(std::uint64_t at_ns, double demand) noexcept;
  double predict(std::uint64_t at_ns) const noexcept;
  std::size_t limited(double objects) const noexcept;
  PoolDecision decide(const PoolSample& sample, std::size_t wanted) noexcept;

  AdvisorOptions options_;
  bool started_ = false;
  bool cooled_ = false;
  PoolSample last_;
  double object_ns_ = 0;  // Objects times ns out, smoothed,
  double objects_ = 0;    // and objects.
  double held_ns_ = 0;
  double most_ = 0;  // Demand ever.
  double last_demand_ = 0;
  double rise_ = 0;    // Of demand, in the last interval.
  double growth_ = 0;  // Of it, what is expected again.
  std::size_t predicted_ = 0;
  bool in_surplus_ = false;
  std::uint64_t surplus_since_ns_ = 0;
  std::array<Bucket, kBuckets> window_{};
};

// How an Advisor handles a pool; what a pool cannot do is left empty.
struct PoolControls {
  std::function<PoolSample()> sample;           // at_ns is filled in later.
  std::function<void(std::size_t count)> grow;  // To hold `count` at least.
  std::function<void(std::size_t keep)> trim;   // Gives free memory back.
  std::function<void(std::size_t keep)> cool;   // See PoolAction::kCool.
};

// ObjectPool, EventPool, BufferPool, SharedPool, or a pool of your own whose
// stats() has these fields; warm_up(count), trim(keep) or trim(), and
// cool(keep) are used where it has them. A pool without (BufferPool, EventPool,
// SharedPool) gets advice for its next start. It must outlive the controls.
template <typename Pool>
PoolControls controls_of(Pool& pool) {
  PoolControls controls;
  controls.sample = [&pool] {
    const auto stats = pool.stats();
    std::size_t capacity = stats.capacity;
    if constexpr (requires { stats.ready; }) capacity = stats.ready;
    return PoolSample{.capacity = capacity,
                      .in_use = stats.in_use,
                      .peak_usage = stats.peak_usage,
                      .total_allocations = stats.total_allocations,
                      .total_deallocations = stats.total_deallocations,
                      .allocation_failures = stats.allocation_failures};
  };
  if constexpr (requires { pool.warm_up(std::size_t{1}); }) {
    controls.grow = [&pool](std::size_t count) { (void)pool.warm_up(count); };
  }
  if constexpr (requires { pool.trim(std::size_t{1}); }) {
    controls.trim = [&pool](std::size_t keep) { (void)pool.trim(keep); };
  } else if constexpr (requires { pool.trim(); }) {
    controls.trim = [&pool](std::size_t) { (void)pool.trim(); };
  }
  if constexpr (requires { pool.cool(std::size_t{1}); }) {
    controls.cool = [&pool](std::size_t keep) { (void)pool.cool(keep); };
  }
  return controls;
}

class Advisor {
 public:
  // `name` has no white space and is not taken yet: InvalidArgument otherwise.
  absl::Status add(const std::string& name, PoolControls controls,
                   AdvisorOptions options = {});
  void remove(const std::string& name) { pools_.erase(name); }

  // Samples every pool and does what follows from it. Trimming gives back what
  // is wholly free beyond what is wanted, and then grows to that.
  void tick(std::uint64_t now_ns);

  // Grows every pool to what load() read for it, within its limits.
  void warm_up();

  // A line for each pool: name, capacity that it should have had. load() keeps
  // lines of names that are not added yet, and save() writes them again.
  // DataLoss where a line is no such line; nothing is taken over then.
  absl::Status save(const std::string& path) const;
  absl::Status load(const std::string& path);

  // 0 where neither seen nor loaded.
  std::size_t advised_capacity(const std::string& name) const;

  // A table for people.
  std::string report() const;

 private:
  struct Tuned {
    PoolControls controls;
    AdvisorOptions options;
    PoolAdvisor advisor;
    PoolSample last{};
    std::uint64_t grown = 0;
    std::uint64_t trimmed = 0;
  };
  static void apply(Tuned& pool, const PoolDecision& decision);

  std::map<std::string, Tuned> pools_;
  std::map<std::string, std::size_t> loaded_;
};

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_ADVISOR_H_
