// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// BlockingMpmcQueue in every interleaving of small configurations: a lost
// wake-up is a deadlock.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "concurrency/blocking_mpmc_queue.h"
#include "concurrency/testing/history_recorder.h"
#include "concurrency/testing/linearizability.h"
#include "concurrency/testing/linearizability_specs.h"
#include "concurrency/testing/model.h"
#include "concurrency/testing/mutant_atom.h"
#include "concurrency/wait_strategy.h"
#include "gtest/gtest.h"
#include "memory/testing/soak.h"

namespace wirebook {
namespace {

using model::ModelAtom;
using model::MutantAtom;
using model::Options;
using model::Report;

// Sleeps at once, so that a wake-up is needed whenever there is a wait.
template <template <typename> class Atom>
struct SleepAtOnce : BasicFutexWait<Atom> {
  SleepAtOnce() : BasicFutexWait<Atom>(0) {}
};

template <template <typename> class Atom>
struct State {
  using Spec = FifoSpec<int>;
  void push(size_t thread, int value) {
    recorder.run(thread, [&] { return Spec::push(value, queue.push(value)); });
  }
  void pop(size_t thread) {
    recorder.run(thread, [&] {
      const std::optional<int> got = queue.pop();
      return Spec::pop(got.value_or(0), got.has_value());
    });
  }
  BlockingMpmcQueue<int, SleepAtOnce<Atom>, Atom> queue{1};
  HistoryRecorder<Spec, Atom> recorder{2};  // its clock orders, too
};

// The producer waits for room, the consumer for objects.
template <template <typename> class Atom>
Report both_wait(const Options& options) {
  using S = State<Atom>;
  return model::explore_with(
      options, [] { return std::make_unique<S>(); },
      [](S& s) {
        const Linearizability result =
            check(FifoSpec<int>(1), s.recorder.history());
        model::model_assert(result.ok(), result.explanation);
      },
      [](S& s) {
        s.push(0, 1);
        s.push(0, 2);
      },
      [](S& s) {
        s.pop(1);
        s.pop(1);
      });
}

TEST(BlockingMpmcQueueModel, BothSidesAreWokenAndLinearizable) {
  const Report report =
      both_wait<ModelAtom>({.preemptions = soaking() ? 3u : 1u});
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

TEST(BlockingMpmcQueueModel, CloseEndsEveryWait) {
  using S = State<ModelAtom>;
  const Report report = model::explore<S>(
      {.preemptions = soaking() ? 3u : 1u},
      [](S& s) {
        (void)s.queue.try_push(1);
        s.queue.close();
      },
      [](S& s) {
        int count = 0;
        while (s.queue.pop().has_value()) ++count;
        model::model_assert(count == 1, "what was pushed, then the end");
      });
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

// A batch wakes as many as it serves.
TEST(BlockingMpmcQueueModel, ABatchWakesAllWhomItServes) {
  struct Two {
    BlockingMpmcQueue<int, SleepAtOnce<ModelAtom>, ModelAtom> queue{2};
  };
  const auto pop = [](Two& s) {
    model::model_assert(s.queue.pop().has_value(), "one for each");
  };
  const Report report = model::explore<Two>(
      {.preemptions = soaking() ? 1u : 0u}, pop, pop, [](Two& s) {
        int values[] = {1, 2};
        for (std::span<int> left = values; !left.empty();) {
          left = left.subspan(s.queue.try_push_n(left));
        }
      });
  EXPECT_TRUE(report.ok()) << report;
}

// Two sleepers on one side.
struct TwoSleepers {
  void pop_all() {
    while (queue.pop().has_value()) ++popped;
  }
  BlockingMpmcQueue<int, SleepAtOnce<ModelAtom>, ModelAtom> queue{2};
  ModelAtom<int> popped{0};
};

TEST(BlockingMpmcQueueModel, ABatchWakesAsManyAsItMakesRoomFor) {
  const Report report = model::explore_with(
      {.preemptions = 1},
      [] {
        auto s = std::make_unique<TwoSleepers>();
        int values[] = {1, 2};
        (void)s->queue.try_push_n(values);
        return s;
      },
      [](TwoSleepers&) {}, [](TwoSleepers& s) { (void)s.queue.push(3); },
      [](TwoSleepers& s) { (void)s.queue.push(4); },
      [](TwoSleepers& s) {
        int out[2];
        model::model_assert(s.queue.try_pop_n(out) == 2, "both are there");
      });
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

// However the last object and the close come: who takes it need wake nobody.
TEST(BlockingMpmcQueueModel, CloseEndsTheWaitOfAllConsumers) {
  const Report report = model::explore_with(
      {.preemptions = 1}, [] { return std::make_unique<TwoSleepers>(); },
      [](TwoSleepers& s) {
        model::model_assert(s.popped.load() == 1, "what was pushed, once");
      },
      [](TwoSleepers& s) { s.pop_all(); }, [](TwoSleepers& s) { s.pop_all(); },
      [](TwoSleepers& s) {
        (void)s.queue.try_push(1);
        s.queue.close();
      });
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

// ---- Both fences are needed -------------------------------------------------

Report with(const model::Mutation& mutation) {
  model::mutation = mutation;
  const Report report = both_wait<MutantAtom>({.preemptions = 1});
  model::mutation = {};
  return report;
}

TEST(BlockingMpmcQueueModelMutants, ADroppedFenceLosesAWakeUp) {
  for (const model::Mutation& mutation :
       {model::Mutation{.drop_light_fences = true},
        model::Mutation{.drop_heavy_fences = true}}) {
    const Report report = with(mutation);
    EXPECT_NE(report.failure.find("deadlock"), std::string::npos) << report;
  }
}

}  // namespace
}  // namespace wirebook
