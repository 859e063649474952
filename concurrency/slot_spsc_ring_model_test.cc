// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// SlotSpscRing in every interleaving, with every stale value that its orders
// allow. Any use of an object by both sides is a data race.

#include <cstddef>
#include <cstdint>
#include <memory>

#include "concurrency/atom_traits.h"
#include "concurrency/slot_spsc_ring.h"
#include "concurrency/testing/history_recorder.h"
#include "concurrency/testing/linearizability.h"
#include "concurrency/testing/linearizability_specs.h"
#include "concurrency/testing/model.h"
#include "concurrency/testing/mutant_atom.h"
#include "gtest/gtest.h"

namespace wirebook {
namespace {

using model::ModelAtom;
using model::ModelVar;
using model::MutantAtom;
using model::Report;

// Made in this order: the head is atomic 0, the first slot's number 1.
template <template <typename> class Atom, size_t kCapacity>
struct Ring {
  static void pause() { AtomTraits<Atom>::pause(); }
  SlotSpscRing<ModelVar<int>, Atom> ring{kCapacity};
};

template <typename R>
Report hand_over() {
  return model::explore<R>(
      {},
      [](R& r) {
        for (int i = 1; i <= 3; ++i) {
          while (!r.ring.try_emplace(i)) R::pause();
        }
      },
      [](R& r) {
        for (int i = 1; i <= 3; ++i) {
          ModelVar<int> got;
          while (!r.ring.try_pop(got)) R::pause();
          model::model_assert(got == i, "in order, each once");
        }
        model::model_assert(r.ring.front() == nullptr, "nothing is left");
      });
}

TEST(SlotSpscRingModel, OneSlot) {
  const Report report = hand_over<Ring<ModelAtom, 1>>();
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

TEST(SlotSpscRingModel, TwoSlotsWrap) {
  const Report report = hand_over<Ring<ModelAtom, 2>>();
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

TEST(SlotSpscRingModel, HistoriesAreLinearizable) {
  using Spec = FifoSpec<int>;
  struct State {
    SlotSpscRing<int, ModelAtom> ring{1};
    HistoryRecorder<Spec, ModelAtom> recorder{2};  // its clock orders, too
  };
  const Report report = model::explore_with(
      {}, [] { return std::make_unique<State>(); },
      [](State& s) {
        const Linearizability result = check(Spec(1), s.recorder.history());
        model::model_assert(result.ok(), result.explanation);
      },
      [](State& s) {
        for (int i = 1; i <= 2; ++i) {
          s.recorder.run(0, [&] { return Spec::push(i, s.ring.try_push(i)); });
        }
      },
      [](State& s) {
        for (int i = 1; i <= 2; ++i) {
          s.recorder.run(1, [&] {
            int got = 0;
            const bool done = s.ring.try_pop(got);
            return Spec::pop(got, done);
          });
        }
      });
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

// ---- Each order is needed ---------------------------------------------------

Report with(const model::Mutation& mutation) {
  model::mutation = mutation;
  const Report report = hand_over<Ring<MutantAtom, 1>>();
  model::mutation = {};
  return report;
}

TEST(SlotSpscRingModelMutants, EachWeakenedOrderIsRed) {
  EXPECT_TRUE(with({}).ok());
  for (const int64_t atom : {0, 1}) {  // the head, the slot's number
    EXPECT_FALSE(with({.relax_stores = true, .only_atom = atom}).ok()) << atom;
    EXPECT_FALSE(with({.relax_loads = true, .only_atom = atom}).ok()) << atom;
  }
}

}  // namespace
}  // namespace wirebook
