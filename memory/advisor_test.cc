// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/advisor.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "memory/buffer_pool.h"
#include "memory/object_pool.h"
#include "memory/pool_handle.h"
#include "memory/shared_pool.h"

namespace wirebook {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

// A bounded pool that is told how many objects are wanted at once.
class FakePool {
 public:
  explicit FakePool(std::size_t capacity) { stats_.capacity = capacity; }

  // A tenth of a second in which every object is given back and `demand` are
  // asked for.
  void turn(std::size_t demand) {
    stats_.total_deallocations += stats_.in_use;
    stats_.in_use = std::min(demand, stats_.capacity);
    stats_.total_allocations += stats_.in_use;
    stats_.allocation_failures += demand - stats_.in_use;
    stats_.peak_usage = std::max(stats_.peak_usage, stats_.in_use);
  }

  PoolSample stats() const { return stats_; }
  std::size_t warm_up(std::size_t count) {
    return stats_.capacity = std::max(stats_.capacity, count);
  }
  std::size_t trim() {
    ++trims;
    return stats_.capacity = stats_.in_use;
  }
  void cool(std::size_t beyond) { cooled_beyond = beyond; }

  int trims = 0;
  std::size_t cooled_beyond = 0;

 private:
  PoolSample stats_;
};

std::string temporary(const std::string& name) {
  const char* folder = std::getenv("TEST_TMPDIR");
  return std::string(folder == nullptr ? "/tmp" : folder) + "/" + name + "." +
         std::to_string(getpid());
}

TEST(PoolAdvisor, AnIdlePoolThatWasUsedBeforeHasAFinitePrediction) {
  PoolAdvisor advisor;
  PoolSample sample{.capacity = 64, .in_use = 4};
  sample.total_allocations = 14;
  sample.total_deallocations = 10;
  for (std::uint64_t second = 1; second <= 3; ++second) {
    sample.at_ns = second * kSecond;
    (void)advisor.observe(sample);
  }
  EXPECT_EQ(advisor.held_ns(), 0);
  EXPECT_LE(advisor.advised_capacity(), 64u);
}

TEST(Advisor, SizesAPoolFromWhatItSaw) {
  FakePool pool(64);
  Advisor advisor;
  ASSERT_TRUE(advisor.add("orders", controls_of(pool)).ok());
  for (std::uint64_t second = 1; second <= 10; ++second) {
    for (int i = 0; i < 10; ++i) pool.turn(1000);
    advisor.tick(second * kSecond);
  }
  EXPECT_GE(pool.stats().capacity, 1000u);
  EXPECT_GE(advisor.advised_capacity("orders"), 1000u);
  EXPECT_NE(advisor.report().find("orders"), std::string::npos);
}

TEST(Advisor, TheNextStartIsWarmedUpToTheAdvice) {
  const std::string path = temporary("advice");
  std::size_t advised = 0;
  {
    FakePool pool(2000);
    Advisor advisor;
    ASSERT_TRUE(advisor.add("orders", controls_of(pool)).ok());
    pool.turn(1000);
    advisor.tick(kSecond);
    advised = advisor.advised_capacity("orders");
    EXPECT_EQ(advised, 1250u) << "1000 and the margin";
    ASSERT_TRUE(advisor.save(path).ok());
  }
  FakePool pool(0), other(5);
  Advisor advisor;
  ASSERT_TRUE(advisor.add("orders", controls_of(pool)).ok());
  ASSERT_TRUE(advisor.add("other", controls_of(other)).ok());
  ASSERT_TRUE(advisor.load(path).ok());
  advisor.warm_up();
  EXPECT_EQ(pool.stats().capacity, advised);
  EXPECT_EQ(other.stats().capacity, 5u);
  EXPECT_EQ(advisor.advised_capacity("orders"), advised);
  EXPECT_EQ(advisor.advised_capacity("nobody"), 0u);
  // What was loaded and not seen is saved again.
  ASSERT_TRUE(advisor.save(path).ok());
  std::ifstream file(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}),
            "orders 1250\n");
  std::remove(path.c_str());
}

TEST(Advisor, WarmUpKeepsTheLimits) {
  const std::string path = temporary("limits");
  std::ofstream(path) << "orders 5000\n";
  FakePool pool(0);
  Advisor advisor;
  ASSERT_TRUE(
      advisor.add("orders", controls_of(pool), {.max_capacity = 300}).ok());
  ASSERT_TRUE(advisor.load(path).ok());
  advisor.warm_up();
  EXPECT_EQ(pool.stats().capacity, 300u);
  std::remove(path.c_str());
}

TEST(Advisor, AFileThatIsNoneIsAnErrorAndChangesNothing) {
  const std::string path = temporary("damaged");
  Advisor advisor;
  EXPECT_TRUE(absl::IsNotFound(advisor.load(path)));
  std::ofstream(path) << "orders 10\n";
  ASSERT_TRUE(advisor.load(path).ok());
  for (const char* text : {"orders\n", "orders ten\n", "a 1 2\n", "\n"}) {
    std::ofstream(path, std::ios::trunc) << text;
    const absl::Status status = advisor.load(path);
    EXPECT_TRUE(absl::IsDataLoss(status)) << text;
    EXPECT_NE(status.message().find(":1:"), absl::string_view::npos) << status;
    EXPECT_EQ(advisor.advised_capacity("orders"), 10u);
  }
  std::remove(path.c_str());
  EXPECT_TRUE(absl::IsUnavailable(advisor.save("/no/such/folder/advice")));
  const std::string folder = temporary("folder");
  ASSERT_EQ(std::system(("mkdir -p " + folder + "/full").c_str()), 0);
  EXPECT_TRUE(absl::IsUnavailable(advisor.save(folder)));
  ASSERT_EQ(std::system(("rm -r " + folder + " " + folder + ".new").c_str()),
            0);
}

TEST(Advisor, NamesAreChecked) {
  FakePool pool(1);
  Advisor advisor;
  EXPECT_TRUE(absl::IsInvalidArgument(advisor.add("", controls_of(pool))));
  EXPECT_TRUE(absl::IsInvalidArgument(advisor.add("a b", controls_of(pool))));
  EXPECT_TRUE(absl::IsInvalidArgument(advisor.add("a", {})));
  EXPECT_TRUE(advisor.add("a", controls_of(pool)).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(advisor.add("a", controls_of(pool))));
  advisor.remove("a");
  EXPECT_TRUE(advisor.add("a", controls_of(pool)).ok());
}

TEST(Advisor, WhatAPoolCannotDoIsLeftOut) {
  FakePool pool(64);
  PoolControls controls = controls_of(pool);
  controls.grow = nullptr;
  controls.trim = nullptr;
  controls.cool = nullptr;
  Advisor advisor;
  ASSERT_TRUE(advisor
                  .add("fixed", std::move(controls),
                       {.window_ns = kSecond,
                        .cool_after_ns = kSecond,
                        .trim_after_ns = 2 * kSecond})
                  .ok());
  pool.turn(1000);
  advisor.tick(kSecond);
  EXPECT_EQ(pool.stats().capacity, 64u);
  pool.warm_up(10000);
  pool.turn(0);
  for (std::uint64_t i = 2; i < 20; ++i) advisor.tick(i * kSecond);
  EXPECT_EQ(pool.trims, 0);
  EXPECT_EQ(pool.cooled_beyond, 0u);
}

struct Event : Poolable<Event> {
  void clear() noexcept {}
};

template <typename Pool>
void expect_seen(Pool& pool, std::size_t in_use) {
  const PoolControls controls = controls_of(pool);
  const PoolSample sample = controls.sample();
  EXPECT_EQ(sample.in_use, in_use);
  EXPECT_GE(sample.capacity, in_use);
  EXPECT_EQ(sample.total_allocations, in_use);
}

TEST(Advisor, KnowsThePoolsOfThisLayer) {
  ObjectPool<std::uint64_t> objects({.initial_capacity = 128});
  const auto held = objects.make(1u);
  expect_seen(objects, 1);
  EXPECT_TRUE(controls_of(objects).grow != nullptr);
  EXPECT_TRUE(controls_of(objects).trim != nullptr);
  controls_of(objects).grow(1000);
  EXPECT_GE(objects.stats().capacity, 1000u);
  controls_of(objects).trim(0);
  EXPECT_TRUE(controls_of(objects).cool != nullptr);

  auto shared = SharedPool<std::uint64_t>::create_anonymous({.capacity = 8});
  ASSERT_TRUE(shared.ok()) << shared.status();
  std::uint64_t* object = shared->allocate();
  expect_seen(*shared, 1);
  shared->deallocate(object);

  const auto events = std::make_unique<EventPool<Event, 16>>();
  const auto event = events->acquire();
  expect_seen(*events, 1);
  EXPECT_TRUE(controls_of(*events).grow == nullptr);
}

TEST(Advisor, GrowsAnObjectPoolBeforeItIsNeededAndTrimsItAfterwards) {
  ObjectPool<std::array<char, 4096>> pool({.initial_capacity = 64});
  Advisor advisor;
  ASSERT_TRUE(advisor
                  .add("objects", controls_of(pool),
                       {.window_ns = 4 * kSecond,
                        .cool_after_ns = kSecond,
                        .trim_after_ns = 2 * kSecond})
                  .ok());
  std::uint64_t now = 0;
  std::vector<void*> out;
  for (int i = 0; i < 10; ++i) {
    for (int k = 0; k < 400; ++k) out.push_back(pool.allocate());
    advisor.tick(now += kSecond);
    if (i < 2) continue;  // One jump is no rise yet.
    EXPECT_GE(pool.stats().ready, out.size() + 400);
  }
  for (void* slot : out) pool.deallocate(slot);
  for (int i = 0; i < 60; ++i) advisor.tick(now += kSecond);
  EXPECT_GE(pool.stats().ready, 64u) << "min_capacity stays";
  EXPECT_LT(pool.stats().ready, 200u);
  EXPECT_GE(pool.stats().capacity, 4000u) << "addresses and numbers stay";

  out.clear();
  for (int k = 0; k < 400; ++k) out.push_back(pool.allocate());
  advisor.tick(now += kSecond);
  EXPECT_GE(pool.stats().ready, 500u);
  for (void* slot : out) pool.deallocate(slot);
}

// What a burst leaves: a few objects out in every chunk. They come and go, and
// the pool becomes small again, with nobody but the advisor to ask for it.
TEST(Advisor, EmptiesTheChunksOfAnObjectPoolThatABurstFragmented) {
  constexpr std::size_t kBurst = 40000, kRest = 2000;
  ObjectPool<std::array<char, 64>> pool;
  PoolControls controls = controls_of(pool);
  std::size_t colder = 0, given_back = 0;
  controls.cool = [&](std::size_t keep) { colder += pool.cool(keep); };
  controls.trim = [&](std::size_t keep) { given_back += pool.trim(keep); };
  Advisor advisor;
  ASSERT_TRUE(advisor
                  .add("objects", std::move(controls),
                       {.window_ns = 4 * kSecond,
                        .cool_after_ns = 5 * kSecond,
                        .trim_after_ns = 10 * kSecond})
                  .ok());
  std::mt19937 random(1);
  std::uint64_t now = 0;
  std::vector<void*> out;
  while (out.size() < kBurst) out.push_back(pool.allocate());
  std::shuffle(out.begin(), out.end(), random);
  advisor.tick(now += kSecond);
  for (; out.size() > kRest; out.pop_back()) pool.deallocate(out.back());
  const std::size_t mapped = pool.stats().capacity;
  for (int i = 0; i < 40; ++i) {
    advisor.tick(now += kSecond);
    for (int k = 0; k < 1000; ++k) {
      void*& slot = out[random() % out.size()];
      pool.deallocate(slot);
      slot = pool.allocate();
    }
  }
  EXPECT_GT(colder, kBurst * 64 / 2);
  EXPECT_GT(given_back, kBurst * 64 * 3 / 4);
  EXPECT_GE(pool.stats().ready, kRest * 5 / 4);
  EXPECT_LT(pool.stats().ready, kBurst / 4);
  EXPECT_EQ(pool.stats().capacity, mapped);
  for (void* slot : out) pool.deallocate(slot);
}

TEST(Advisor, ABufferPoolIsMadeAsLargeAsItShouldHaveBeenAtTheNextStart) {
  const std::string path = temporary("buffers");
  const BufferPoolOptions options{.buffer_bytes = 64,
                                  .capacity = 100,
                                  .when_empty = BufferExhaustion::kAllocate};
  // Three hundred out at once, beyond what it has, between two samples.
  const auto burst = [](BufferPool& pool) {
    std::vector<PooledBuffer> out;
    for (int i = 0; i < 300; ++i) out.push_back(pool.borrow());
  };
  {
    BufferPool pool(options);
    Advisor advisor;
    ASSERT_TRUE(advisor.add("buffers", controls_of(pool)).ok());
    advisor.tick(kSecond);
    burst(pool);
    advisor.tick(2 * kSecond);
    EXPECT_EQ(pool.capacity(), 100u) << "a running one stays as it is";
    EXPECT_GE(advisor.advised_capacity("buffers"), 375u);
    ASSERT_TRUE(advisor.save(path).ok());
  }
  Advisor advisor;
  ASSERT_TRUE(advisor.load(path).ok());
  BufferPoolOptions advised = options;
  advised.capacity = advisor.advised_capacity("buffers");
  BufferPool pool(advised);
  burst(pool);
  EXPECT_EQ(pool.stats().excess_allocations, 0u);
  std::remove(path.c_str());
}

// ---- The predictor

TEST(PoolAdvisor, ASampleThatIsNotLaterIsNotTaken) {
  PoolAdvisor advisor;
  EXPECT_EQ(advisor.advised_capacity(), 0u);
  (void)advisor.observe({.at_ns = 5, .capacity = 1000, .in_use = 10});
  EXPECT_EQ(advisor.observe({.at_ns = 5, .in_use = 9000}), PoolDecision());
  EXPECT_EQ(advisor.observe({.at_ns = 4, .in_use = 9000}), PoolDecision());
  EXPECT_EQ(advisor.predicted(), 10u);
}

TEST(PoolAdvisor, HeldTimeIsLittlesLaw) {
  // The worked example of README.md: 1,000 events a second, 30 in flight.
  PoolAdvisor advisor;
  for (std::uint64_t i = 1; i <= 10; ++i) {
    (void)advisor.observe({.at_ns = i * kSecond,
                           .capacity = 64,
                           .in_use = 30,
                           .peak_usage = 30,
                           .total_allocations = 1000 * i + 30,
                           .total_deallocations = 1000 * i});
  }
  EXPECT_NEAR(advisor.held_ns(), 30e6, 1e3);
  EXPECT_EQ(advisor.predicted(), 30u);
}

TEST(PoolAdvisor, ARateThatWasSeenIsExpectedAgain) {
  // Held 10 ms all the time; a second of 50,000 a second needs 500, though
  // none of the samples shows more than 10 out.
  PoolAdvisor advisor({.min_capacity = 1});
  std::uint64_t total = 0;
  for (std::uint64_t i = 1; i <= 50; ++i) {
    total += 1000;
    (void)advisor.observe({.at_ns = i * kSecond,
                           .capacity = 64,
                           .in_use = 10,
                           .peak_usage = 10,
                           .total_allocations = total + 10,
                           .total_deallocations = total});
  }
  EXPECT_NEAR(advisor.held_ns(), 10e6, 1e3);
  total += 50000;
  const PoolDecision decision =
      advisor.observe({.at_ns = 51 * kSecond,
                       .capacity = 64,
                       .in_use = 10,
                       .peak_usage = 10,
                       .total_allocations = total + 10,
                       .total_deallocations = total});
  EXPECT_EQ(decision.action, PoolAction::kGrow);
  EXPECT_GT(decision.capacity, 400u);
}

TEST(PoolAdvisor, APeakBetweenTwoSamplesCounts) {
  PoolAdvisor advisor;
  (void)advisor.observe(
      {.at_ns = 1, .capacity = 100, .in_use = 5, .peak_usage = 5});
  EXPECT_EQ(advisor.observe(
                {.at_ns = 2, .capacity = 100, .in_use = 5, .peak_usage = 100}),
            (PoolDecision{PoolAction::kGrow, 125}));
  EXPECT_EQ(advisor.advised_capacity(), 125u);
}

TEST(PoolAdvisor, FailuresAreDemandThatNobodySaw) {
  PoolAdvisor advisor;
  (void)advisor.observe({.at_ns = 0, .capacity = 100});
  // 1,000 a second served and held 0.1 s; 1,000 a second more were refused.
  const PoolDecision decision = advisor.observe({.at_ns = kSecond,
                                                 .capacity = 100,
                                                 .in_use = 100,
                                                 .peak_usage = 100,
                                                 .total_allocations = 1000,
                                                 .total_deallocations = 900,
                                                 .allocation_failures = 1000});
  EXPECT_EQ(decision.action, PoolAction::kGrow);
  EXPECT_GE(decision.capacity, 180u);
}

TEST(PoolAdvisor, KeepsItsLimits) {
  PoolAdvisor advisor(
      {.min_capacity = 100, .max_capacity = 1000, .max_step = 50});
  EXPECT_EQ(advisor.observe({.at_ns = 1}),
            (PoolDecision{PoolAction::kGrow, 50}));
  EXPECT_EQ(advisor.observe({.at_ns = 2, .capacity = 50}),
            (PoolDecision{PoolAction::kGrow, 100}));
  EXPECT_EQ(advisor.observe({.at_ns = 3, .capacity = 980, .in_use = 980}),
            (PoolDecision{PoolAction::kGrow, 1000}));
  EXPECT_EQ(advisor.observe({.at_ns = 4, .capacity = 1000, .in_use = 1000}),
            PoolDecision());
  EXPECT_EQ(advisor.advised_capacity(), 1000u);
}

TEST(PoolAdvisor, CoolsThenTrimsWhatIsNotWantedForLong) {
  PoolAdvisor advisor({.min_capacity = 10,
                       .window_ns = 16 * kSecond,
                       .cool_after_ns = 5 * kSecond,
                       .trim_after_ns = 10 * kSecond});
  std::vector<std::pair<std::uint64_t, PoolDecision>> decisions;
  (void)advisor.observe({.at_ns = kSecond, .capacity = 1000, .in_use = 800});
  for (std::uint64_t i = 2; i <= 30; ++i) {
    const PoolDecision decision =
        advisor.observe({.at_ns = i * kSecond, .capacity = 1000, .in_use = 40});
    if (decision != PoolDecision()) decisions.emplace_back(i, decision);
  }
  // The 800 are remembered for a window, 16 steps of a second less one.
  ASSERT_EQ(decisions.size(), 2u);
  EXPECT_EQ(decisions[0].first, 17u + 5);
  EXPECT_EQ(decisions[0].second, (PoolDecision{PoolAction::kCool, 50}));
  EXPECT_EQ(decisions[1].first, 17u + 10);
  EXPECT_EQ(decisions[1].second, (PoolDecision{PoolAction::kTrim, 50}));
}

TEST(PoolAdvisor, DemandThatComesBackStopsTheTrimming) {
  PoolAdvisor advisor({.window_ns = kSecond,
                       .cool_after_ns = 100 * kSecond,
                       .trim_after_ns = 10 * kSecond});
  for (std::uint64_t i = 1; i < 100; ++i) {
    const std::size_t in_use = i % 8 == 0 ? 900 : 40;
    EXPECT_NE(
        advisor
            .observe({.at_ns = i * kSecond, .capacity = 1200, .in_use = in_use})
            .action,
        PoolAction::kTrim);
  }
}

// ---- Beside fixed capacities

// Objects wanted at once, ten values a sample.
using Trace = std::vector<std::size_t>;

struct Outcome {
  double missed = 0;  // Part of what was asked for.
  double memory = 0;  // Mean capacity, objects.
};

double missed_with(const Trace& trace, std::size_t begin, double capacity) {
  double missed = 0, asked = 0;
  for (std::size_t i = begin; i < trace.size(); ++i) {
    const auto demand = static_cast<double>(trace[i]);
    asked += demand;
    missed += std::max(0.0, demand - capacity);
  }
  return missed / asked;
}

// From sample `begin` on: what came before is for learning.
Outcome run(const Trace& trace, std::uint64_t period_ns, std::size_t begin) {
  FakePool pool(64);
  Advisor advisor;
  EXPECT_TRUE(advisor.add("pool", controls_of(pool)).ok());
  double asked = 0, capacity = 0;
  std::uint64_t failed_before = 0;
  for (std::size_t i = 0; i < trace.size(); ++i) {
    if (i == begin) failed_before = pool.stats().allocation_failures;
    pool.turn(trace[i]);
    if (i >= begin) {
      asked += static_cast<double>(trace[i]);
      capacity += static_cast<double>(pool.stats().capacity);
    }
    if (i % 10 == 9) advisor.tick((i / 10 + 1) * period_ns);
  }
  return {
      static_cast<double>(pool.stats().allocation_failures - failed_before) /
          asked,
      capacity / static_cast<double>(trace.size() - begin)};
}

struct Pattern {
  std::string name;
  std::uint64_t period_ns;  // Between samples.
  std::size_t samples;
  std::size_t learning;  // Samples before the comparison.
  std::function<double(std::size_t turn)> demand;
  double most_missed;       // Of what was asked for.
  double most_memory;       // Of the least fixed capacity that misses nothing.
  bool beats_fixed = true;  // Misses no more than fixed with as much memory.
};

void PrintTo(const Pattern& pattern, std::ostream* out) {
  *out << pattern.name;
}

double bell(double x, double middle, double width) {
  return std::exp(-(x - middle) * (x - middle) / (2 * width * width));
}

const Pattern kPatterns[] = {
    {"steady", kSecond, 3600, 2, [](std::size_t) { return 1000.0; }, 0, 1.35},
    // 2 s in 120 at ten times the rest.
    {"bursts", kSecond, 3600, 130,
     [](std::size_t i) { return i / 10 % 120 < 2 ? 2000.0 : 200.0; }, 0, 1.35},
    // 100 to 5,000 in 20 minutes.
    {"ramp", kSecond, 2400, 2,
     [](std::size_t i) {
       return 100 + 4900 * std::min(1.0, static_cast<double>(i) / 12000);
     },
     0.0005, 1.1},
    // Two days with an opening and a close; sampled every ten seconds.
    {"daily", 10 * kSecond, 17280, 2,
     [](std::size_t i) {
       const double hour = std::fmod(static_cast<double>(i) / 3600, 24);
       return 200 + 3000 * bell(hour, 9.5, 0.5) + 2000 * bell(hour, 17, 0.7);
     },
     0.0005, 0.5},
};

// 2 s in 20 minutes: forgotten by the time they come back. A fixed capacity is
// better here, and min_capacity is how to have one.
const Pattern kRareBursts = {
    "rare",
    kSecond,
    7200,
    1300,
    [](std::size_t i) { return i / 10 % 1200 < 2 ? 2000.0 : 200.0; },
    0.01,
    1.0,
    false};

class BesideFixedCapacities : public testing::TestWithParam<Pattern> {};

TEST_P(BesideFixedCapacities, MissesLittleForItsMemory) {
  const Pattern& pattern = GetParam();
  std::mt19937_64 random(7);
  std::normal_distribution<double> noise(1.0, 0.03);
  Trace trace;
  for (std::size_t i = 0; i < pattern.samples * 10; ++i) {
    trace.push_back(static_cast<std::size_t>(
        std::max(0.0, pattern.demand(i) * noise(random))));
  }
  const std::size_t begin = pattern.learning * 10;
  const Outcome outcome = run(trace, pattern.period_ns, begin);
  const auto most = static_cast<double>(*std::max_element(
      trace.begin() + static_cast<std::ptrdiff_t>(begin), trace.end()));
  const double fixed = missed_with(trace, begin, outcome.memory);
  std::printf(
      "%-8s advisor: missed %8.5f %% with %6.0f objects on average; fixed: "
      "%6.0f miss none, %6.0f miss %8.5f %%\n",
      pattern.name.c_str(), 100 * outcome.missed, outcome.memory, most,
      outcome.memory, 100 * fixed);
  EXPECT_LE(outcome.missed, pattern.most_missed);
  EXPECT_LE(outcome.memory, pattern.most_memory * most);
  EXPECT_EQ(outcome.missed <= fixed, pattern.beats_fixed);
}

INSTANTIATE_TEST_SUITE_P(Advisor, BesideFixedCapacities,
                         testing::ValuesIn(kPatterns),
                         [](const testing::TestParamInfo<Pattern>& test) {
                           return test.param.name;
                         });

INSTANTIATE_TEST_SUITE_P(AdvisorForgets, BesideFixedCapacities,
                         testing::Values(kRareBursts));

}  // namespace
}  // namespace wirebook
