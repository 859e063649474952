// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// EventCount and FutexWait in every interleaving: a lost wake-up is a deadlock.

#include <atomic>

#include "concurrency/event_count.h"
#include "concurrency/testing/model.h"
#include "concurrency/testing/mutant_atom.h"
#include "concurrency/wait_strategy.h"
#include "gtest/gtest.h"
#include "memory/testing/soak.h"

namespace wirebook {
namespace {

using model::ModelAtom;
using model::ModelVar;
using model::MutantAtom;
using model::Report;

// Three threads have too many interleavings for all.
model::Options few() { return {.preemptions = soaking() ? 2u : 1u}; }

template <template <typename> class Atom>
struct Door {
  bool is_open() const { return open.load(std::memory_order_acquire); }
  bool take() {
    int left = tokens.load(std::memory_order_relaxed);
    while (left > 0) {
      if (tokens.compare_exchange_weak(left, left - 1,
                                       std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }
  void give() {
    tokens.fetch_add(1, std::memory_order_relaxed);
    changed.notify_one();
  }

  BasicEventCount<Atom> changed;
  Atom<bool> open{false};
  Atom<int> tokens{0};
  ModelVar<int> behind{0};
};

template <template <typename> class Atom>
void await_open(Door<Atom>& door) {
  door.changed.await([&] { return door.is_open(); });
  model::model_assert(door.behind == 1, "what went before the change");
}

template <template <typename> class Atom>
void open(Door<Atom>& door) {
  door.behind = 1;
  door.open.store(true, std::memory_order_release);
  door.changed.notify_all();
}

template <template <typename> class Atom = ModelAtom>
Report one_waiter() {
  return model::explore<Door<Atom>>({}, await_open<Atom>, open<Atom>);
}

TEST(EventCountModel, OneWaiterIsWoken) {
  const Report report = one_waiter();
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

TEST(EventCountModel, TwoWaitersAreWoken) {
  const Report report = model::explore<Door<ModelAtom>>(
      few(), await_open<ModelAtom>, await_open<ModelAtom>, open<ModelAtom>);
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

template <template <typename> class Atom>
void take_one(Door<Atom>& door) {
  door.changed.await([&] { return door.take(); });
}

Report two_tokens(const model::Options& options) {
  return model::explore<Door<ModelAtom>>(options, take_one<ModelAtom>,
                                         take_one<ModelAtom>,
                                         [](Door<ModelAtom>& door) {
                                           door.give();
                                           door.give();
                                         });
}

// One preemption is 26,000 executions; they are sampled unless there is time.
TEST(EventCountModel, OneNotificationForEachOfTwoTokensIsEnough) {
  const Report all = two_tokens({.preemptions = soaking() ? 1u : 0u});
  EXPECT_TRUE(all.ok()) << all;
  EXPECT_TRUE(all.complete);
  const Report some =
      two_tokens({.samples = soaking() ? 100'000u : 3'000u, .seed = 3});
  EXPECT_TRUE(some.ok()) << some;
}

TEST(EventCountModel, TwoNotifiersDoNotSwallowEachOther) {
  const Report report = model::explore<Door<ModelAtom>>(
      few(),
      [](Door<ModelAtom>& door) {
        take_one(door);
        take_one(door);
      },
      [](Door<ModelAtom>& door) { door.give(); },
      [](Door<ModelAtom>& door) { door.give(); });
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

// A waiter whose deadline passes leaves the other one's wake-up alone.
TEST(EventCountModel, AWaiterThatGivesUpSwallowsNothing) {
  const Report report = model::explore<Door<ModelAtom>>(
      few(), take_one<ModelAtom>,
      [](Door<ModelAtom>& door) {
        if (door.changed.await_until([&] { return door.take(); },
                                     WaitDeadline::min())) {
          door.give();
        }
      },
      [](Door<ModelAtom>& door) { door.give(); });
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

TEST(EventCountModel, FutexWaitSpinsAndThenSleeps) {
  struct Inbox {
    BasicFutexWait<ModelAtom> wait{1};
    ModelAtom<bool> full{false};
  };
  const Report report = model::explore<Inbox>(
      {},
      [](Inbox& inbox) {
        inbox.wait.wait(
            [&] { return inbox.full.load(std::memory_order_acquire); });
      },
      [](Inbox& inbox) {
        inbox.full.store(true, std::memory_order_release);
        inbox.wait.notify_one();
      });
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

// ---- Both fences are needed -------------------------------------------------

Report with(const model::Mutation& mutation) {
  model::mutation = mutation;
  const Report report = one_waiter<MutantAtom>();
  model::mutation = {};
  return report;
}

TEST(EventCountModelMutants, TheUnchangedOneIsGreen) {
  EXPECT_TRUE(with({}).ok());
}

TEST(EventCountModelMutants, WithoutTheNotifiersFenceAWakeUpIsLost) {
  const Report report = with({.drop_light_fences = true});
  EXPECT_NE(report.failure.find("deadlock"), std::string::npos) << report;
}

TEST(EventCountModelMutants, WithoutTheWaitersFenceAWakeUpIsLost) {
  const Report report = with({.drop_heavy_fences = true});
  EXPECT_NE(report.failure.find("deadlock"), std::string::npos) << report;
}

}  // namespace
}  // namespace wirebook
