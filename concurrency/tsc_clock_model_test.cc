// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// TscClock while it is recalibrated, in every interleaving, with every stale
// value that its orders allow.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <iterator>
#include <type_traits>

#include "concurrency/atom_traits.h"
#include "concurrency/testing/model.h"
#include "concurrency/testing/mutant_atom.h"
#include "concurrency/tsc_clock.h"
#include "gtest/gtest.h"

namespace wirebook::model {
namespace {

// Ends the exploration if a reader has to look a second time.
template <typename T>
class OneLookAtom : public ModelAtom<T> {
 public:
  using ModelAtom<T>::ModelAtom;
};

// The same, and the writer takes the line in use for the other one: nobody else
// looks relaxed.
template <typename T>
class SameLineAtom : public ModelAtom<T> {
 public:
  using ModelAtom<T>::ModelAtom;
  T load(std::memory_order order) const noexcept {
    const T value = ModelAtom<T>::load(order);
    if constexpr (std::is_same_v<T, uint32_t>) {
      if (order == std::memory_order_relaxed) return 1 - value;
    }
    return value;
  }
};

}  // namespace
}  // namespace wirebook::model

template <>
struct wirebook::AtomTraits<wirebook::model::OneLookAtom>
    : wirebook::AtomTraits<wirebook::model::ModelAtom> {
  static void pause() noexcept {
    model::model_assert(false, "the writer holds up a reader");
  }
};
template <>
struct wirebook::AtomTraits<wirebook::model::SameLineAtom>
    : wirebook::AtomTraits<wirebook::model::OneLookAtom> {};

namespace wirebook {
namespace {

using model::model_assert;
using model::ModelAtom;
using model::MutantAtom;
using model::Report;

constexpr uint64_t kTick = 5'000'000;

// Steps that are too large to be made up: each line says another time.
TscTicks::Sample sample(int number) {
  const int64_t at = (number + 1) * int64_t{10'000'000};
  return {.ticks = static_cast<uint64_t>(at),
          .monotonic_ns = at * (number + 1),
          .wall_ns = 0,
          .error_ns = 0};
}

// What the clock says of kTick after each recalibration.
struct Times {
  Times() {
    TscClock clock(sample(0), sample(1));
    for (int i = 0; i != 3; ++i) {
      at[i] = clock.monotonic_ns(kTick);
      clock.recalibrate(sample(i + 2));
    }
  }
  int index_of(int64_t time) const {
    const auto* const found = std::find(std::begin(at), std::end(at), time);
    model_assert(found != std::end(at), "a time of no line");
    return static_cast<int>(found - at);
  }
  int64_t at[3];
};
const Times kTimes;

template <template <typename> class Atom>
struct State {
  BasicTscClock<Atom> clock{sample(0), sample(1)};
};

template <template <typename> class Atom, int kTurns, int kLooks>
Report recalibrated() {
  return model::explore<State<Atom>>(
      {},
      [](State<Atom>& s) {
        for (int i = 0; i != kTurns; ++i) s.clock.recalibrate(sample(i + 2));
      },
      [](State<Atom>& s) {
        int last = 0;
        for (int i = 0; i != kLooks; ++i) {
          const int now = kTimes.index_of(s.clock.monotonic_ns(kTick));
          model_assert(last <= now && now <= kTurns,
                       "the newest known or later");
          last = now;
        }
      });
}

void expect_green(const Report& report) {
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

TEST(TscClockModel, LinesDiffer) {
  EXPECT_NE(kTimes.at[0], kTimes.at[1]);
  EXPECT_NE(kTimes.at[1], kTimes.at[2]);
  EXPECT_NE(kTimes.at[0], kTimes.at[2]);
}

TEST(TscClockModel, AConversionGoesByOneLine) {
  expect_green(recalibrated<ModelAtom, 1, 1>());
}

TEST(TscClockModel, LinesNeverGoBack) {
  expect_green(recalibrated<ModelAtom, 1, 2>());
}

TEST(TscClockModel, ALineThatIsReplacedUnderAReaderIsNotUsed) {
  expect_green(recalibrated<ModelAtom, 2, 1>());
}

TEST(TscClockModel, OneRecalibrationHoldsUpNoReader) {
  expect_green(recalibrated<model::OneLookAtom, 1, 1>());
}

// ---- Each part is needed ----------------------------------------------------

TEST(TscClockModelMutants, ALineInUseIsNotWrittenTo) {
  EXPECT_EQ((recalibrated<model::SameLineAtom, 1, 1>().failure),
            "assertion: the writer holds up a reader");
}

Report with(const model::Mutation& mutation) {
  model::mutation = mutation;
  const Report report = recalibrated<MutantAtom, 1, 1>();
  model::mutation = {};
  return report;
}

// The name of the newest line is atomic 0.
TEST(TscClockModelMutants, ANameBeforeItsLineIsRed) {
  EXPECT_TRUE(with({}).ok());
  EXPECT_EQ(with({.relax_stores = true, .only_atom = 0}).failure,
            "assertion: a time of no line");
  EXPECT_EQ(with({.relax_loads = true, .only_atom = 0}).failure,
            "assertion: a time of no line");
}

}  // namespace
}  // namespace wirebook
