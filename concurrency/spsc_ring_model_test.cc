// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// SpscRing in every interleaving, with every stale value that its orders allow.
// Its objects are ModelVars: any use of a slot by both sides is a data race.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <span>

#include "concurrency/atom_traits.h"
#include "concurrency/spsc_ring.h"
#include "concurrency/testing/model.h"
#include "concurrency/testing/mutant_atom.h"
#include "gtest/gtest.h"

namespace wirebook {
namespace {

using model::model_assert;
using model::ModelAtom;
using model::ModelVar;
using model::MutantAtom;
using model::Report;

using Object = ModelVar<int>;

// Made in this order: the tail is atomic 0, `closed` 1, the head 2.
template <template <typename> class Atom, size_t kCapacity>
struct Ring {
  static void pause() { AtomTraits<Atom>::pause(); }
  SpscRing<Object, Atom> ring{kCapacity};
};

template <typename R, int kCount>
void push_all(R& r) {
  for (int i = 1; i <= kCount; ++i) {
    while (!r.ring.try_emplace(i)) R::pause();
  }
}

template <typename R, int kCount>
void pop_all(R& r) {
  for (int i = 1; i <= kCount; ++i) {
    Object got;
    while (!r.ring.try_pop(got)) R::pause();
    model_assert(got == i, "in order, each once");
  }
  model_assert(r.ring.front() == nullptr, "nothing is left");
}

template <typename R, int kCount>
Report one_at_a_time_with(const model::Options& options) {
  return model::explore<R>(options, push_all<R, kCount>, pop_all<R, kCount>);
}
template <typename R, int kCount>
Report one_at_a_time() {
  return one_at_a_time_with<R, kCount>({});
}

TEST(SpscRingModel, OneSlotHandsOverThreeObjects) {
  const Report report = one_at_a_time<Ring<ModelAtom, 1>, 3>();
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

TEST(SpscRingModel, TwoSlotsWrap) {
  const Report report = one_at_a_time<Ring<ModelAtom, 2>, 4>();
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
  // 1,246 when written; over 250,000 without the reduction.
  EXPECT_LT(report.executions, 5'000u);
}

// Three in storage of four: the limit, not the storage, says when it is full.
TEST(SpscRingModel, ACapacityThatIsNoPowerOfTwoIsKept) {
  const Report report = model::explore_with(
      {}, [] { return std::make_unique<Ring<ModelAtom, 3>>(); },
      [](Ring<ModelAtom, 3>& r) {
        model_assert(r.ring.size() <= 3, "over capacity");
      },
      [](Ring<ModelAtom, 3>& r) {
        int pushed = 0;
        for (int i = 0; i < 5; ++i) pushed += r.ring.try_emplace(i) ? 1 : 0;
        model_assert(pushed >= 3, "fails only when full");
      },
      [](Ring<ModelAtom, 3>& r) {
        Object got;
        (void)r.ring.try_pop(got);
      });
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

template <typename R>
void push_batches(R& r) {
  int next = 1;
  while (next <= 4) {
    const std::span<Object> slots = r.ring.claim(2);
    if (slots.empty()) R::pause();
    for (Object& slot : slots) std::construct_at(&slot, next++);
    if (!slots.empty()) r.ring.publish(slots.size());
  }
}

template <typename R>
void pop_batches(R& r) {
  int next = 1;
  while (next <= 4) {
    const std::span<Object> ready = r.ring.peek(2);
    if (ready.empty()) R::pause();
    for (Object& object : ready) model_assert(object == next++, "in order");
    if (!ready.empty()) r.ring.consume(ready.size());
  }
}

TEST(SpscRingModel, Batches) {
  using R = Ring<ModelAtom, 2>;
  const Report report = model::explore<R>({}, push_batches<R>, pop_batches<R>);
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

template <typename R>
Report close_and_drain() {
  return model::explore<R>(
      {},
      [](R& r) {
        while (!r.ring.try_emplace(1)) R::pause();
        r.ring.close();
        model_assert(!r.ring.try_emplace(2), "closed");
      },
      [](R& r) {
        int popped = 0;
        while (!r.ring.closed()) {
          Object got;
          if (r.ring.try_pop(got)) {
            ++popped;
          } else {
            R::pause();
          }
        }
        model_assert(popped == 1, "drained before it is closed");
      });
}

TEST(SpscRingModel, ClosedMeansDrained) {
  const Report report = close_and_drain<Ring<ModelAtom, 1>>();
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

template <typename R>
Report size_of_third_thread() {
  return model::explore<R>(
      {}, [](R& r) { (void)r.ring.try_emplace(1); },
      [](R& r) {
        Object got;
        (void)r.ring.try_pop(got);
      },
      [](R& r) { model_assert(r.ring.size() <= 1, "never more than pushed"); });
}

TEST(SpscRingModel, SizeIsNeverNegative) {
  const Report report = size_of_third_thread<Ring<ModelAtom, 2>>();
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

// A third thread may see the tail of one lap later than the head: the
// difference is then more than the ring holds.
TEST(SpscRingModel, SizeIsNeverAboveTheCapacity) {
  using R = Ring<ModelAtom, 1>;
  const Report report = model::explore<R>(
      {}, push_all<R, 2>,
      [](R& r) {
        Object got;
        while (!r.ring.try_pop(got)) R::pause();
      },
      [](R& r) { model_assert(r.ring.size() <= 1, "over capacity"); });
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

TEST(SpscRingModel, WhatIsLeftDiesOnce) {
  using R = Ring<ModelAtom, 2>;
  const Report report = model::explore<R>({}, push_all<R, 2>);
  EXPECT_TRUE(report.ok()) << report;
}

// ---- Each order is needed
// --------------------------------------------------------

using Mutants = Ring<MutantAtom, 1>;

template <typename Explore>
Report with(const model::Mutation& mutation, Explore explore) {
  model::mutation = mutation;
  const Report report = explore();
  model::mutation = {};
  return report;
}

TEST(SpscRingModelMutants, TheUnchangedOneIsGreen) {
  EXPECT_TRUE(with({}, one_at_a_time<Mutants, 3>).ok());
}

TEST(SpscRingModelMutants, ARelaxedPublishIsRed) {
  const Report report =
      with({.relax_stores = true, .only_atom = 0}, one_at_a_time<Mutants, 3>);
  EXPECT_EQ(report.failure, "data race: unordered with a write by T1");
}

// However it was found, with all the waiting in it.
TEST(SpscRingModelMutants, AFailureIsReplayedFromItsSchedule) {
  const auto fails = [](const model::Options& options) {
    return with({.relax_stores = true, .only_atom = 2}, [&options] {
      return one_at_a_time_with<Ring<MutantAtom, 2>, 4>(options);
    });
  };
  for (const model::Options& options :
       {model::Options{}, model::Options{.preemptions = 2},
        model::Options{.samples = 3000}}) {
    const Report first = fails(options);
    ASSERT_FALSE(first.ok());
    const Report again = fails({.replay = first.schedule});
    EXPECT_EQ(again.failure, first.failure) << first << again;
    EXPECT_EQ(again.executions, 1u);
  }
}

TEST(SpscRingModelMutants, ARelaxedLookForObjectsIsRed) {
  EXPECT_FALSE(
      with({.relax_loads = true, .only_atom = 0}, one_at_a_time<Mutants, 3>)
          .ok());
}

TEST(SpscRingModelMutants, ARelaxedReleaseOfASlotIsRed) {
  const Report report =
      with({.relax_stores = true, .only_atom = 2}, one_at_a_time<Mutants, 3>);
  EXPECT_EQ(report.failure, "data race: unordered with a write by T2");
}

TEST(SpscRingModelMutants, ARelaxedLookForRoomIsRed) {
  EXPECT_FALSE(
      with({.relax_loads = true, .only_atom = 2}, one_at_a_time<Mutants, 3>)
          .ok());
}

TEST(SpscRingModelMutants, ARelaxedCloseLosesAnObject) {
  EXPECT_EQ(
      with({.relax_stores = true, .only_atom = 1}, close_and_drain<Mutants>)
          .failure,
      "assertion: drained before it is closed");
  EXPECT_FALSE(
      with({.relax_loads = true, .only_atom = 1}, close_and_drain<Mutants>)
          .ok());
}

TEST(SpscRingModelMutants, ASizeWithoutOrderIsNegative) {
  EXPECT_EQ(with({.relax_loads = true, .only_atom = 2},
                 size_of_third_thread<Ring<MutantAtom, 2>>)
                .failure,
            "assertion: never more than pushed");
}

}  // namespace
}  // namespace wirebook
