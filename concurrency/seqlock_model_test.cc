// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Seqlock in every interleaving, with every stale value that its orders allow.

#include <atomic>
#include <cstdint>
#include <optional>

#include "concurrency/seqlock.h"
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

struct Pair {
  uint64_t low = 0;
  uint64_t high = 0;
  bool operator==(const Pair&) const = default;
};

// Made in this order: the sequence is atomic 0, the words are 1 and 2.
template <template <typename> class Atom>
struct Locked {
  Seqlock<Pair, Atom> lock{Pair{}};
  ModelVar<int> plain{0};
};

template <template <typename> class Atom, uint64_t kStores>
void write(Locked<Atom>& state) {
  for (uint64_t i = 1; i <= kStores; ++i) state.lock.store({i, i});
}

template <template <typename> class Atom>
void read_once(Locked<Atom>& state) {
  if (const std::optional<Pair> seen = state.lock.try_load()) {
    model_assert(seen->low == seen->high, "a torn value");
  }
}

template <template <typename> class Atom>
void read_twice(Locked<Atom>& state) {
  const uint64_t version = state.lock.version();
  uint64_t last = version;
  for (int i = 0; i < 2; ++i) {
    const std::optional<Pair> seen = state.lock.try_load();
    if (!seen.has_value()) continue;
    model_assert(seen->low == seen->high, "a torn value");
    model_assert(seen->low >= last, "back in time");
    last = seen->low;
  }
}

template <template <typename> class Atom = ModelAtom>
Report one_reader() {
  return model::explore<Locked<Atom>>({}, write<Atom, 2>, read_once<Atom>);
}

TEST(SeqlockModel, OneReaderSeesWholeValues) {
  const Report report = one_reader();
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

TEST(SeqlockModel, TwoLooksNeverGoBackInTime) {
  const Report report = model::explore<Locked<ModelAtom>>(
      {}, write<ModelAtom, 2>, read_twice<ModelAtom>);
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

TEST(SeqlockModel, TwoReadersSeeWholeValues) {
  const Report report = model::explore<Locked<ModelAtom>>(
      {}, write<ModelAtom, 1>, read_once<ModelAtom>, read_once<ModelAtom>);
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

TEST(SeqlockModel, LoadEndsAndIsWhole) {
  const Report report = model::explore<Locked<ModelAtom>>(
      {}, write<ModelAtom, 1>, [](Locked<ModelAtom>& state) {
        Pair seen;
        if (state.lock.load(seen, 3) == SeqlockRead::kOk) {
          model_assert(seen.low == seen.high, "a torn value");
        }
      });
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

TEST(SeqlockModel, StorePublishesWhatWentBefore) {
  const Report report = model::explore<Locked<ModelAtom>>(
      {},
      [](Locked<ModelAtom>& state) {
        state.plain = 1;
        state.lock.store({1, 1});
      },
      [](Locked<ModelAtom>& state) {
        const std::optional<Pair> seen = state.lock.try_load();
        if (seen.has_value() && seen->low == 1) {
          model_assert(state.plain == 1, "what went before");
        }
      });
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

// ---- Each order is needed
// -----------------------------------------------------

Report with(const model::Mutation& mutation) {
  model::mutation = mutation;
  const Report report = one_reader<MutantAtom>();
  model::mutation = {};
  return report;
}

TEST(SeqlockModelMutants, TheUnchangedOneIsGreen) {
  EXPECT_TRUE(with({}).ok());
}

TEST(SeqlockModelMutants, WordsStoredRelaxedAreTorn) {
  EXPECT_EQ(with({.relax_stores = true, .only_atom = 1}).failure,
            "assertion: a torn value");
  EXPECT_FALSE(with({.relax_stores = true, .only_atom = 2}).ok());
}

TEST(SeqlockModelMutants, WordsLoadedRelaxedAreTorn) {
  EXPECT_FALSE(with({.relax_loads = true, .only_atom = 1}).ok());
  EXPECT_FALSE(with({.relax_loads = true, .only_atom = 2}).ok());
}

TEST(SeqlockModelMutants, ASequenceStoredRelaxedTears) {
  EXPECT_FALSE(with({.relax_stores = true, .only_atom = 0}).ok());
}

TEST(SeqlockModelMutants, ASequenceLoadedRelaxedTears) {
  EXPECT_FALSE(with({.relax_loads = true, .only_atom = 0}).ok());
}

}  // namespace
}  // namespace wirebook
