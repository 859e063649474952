// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// A sweep beside threads that take over what ended ones left, in every
// interleaving.
#include <atomic>
#include <memory>
#include <mutex>

#include "concurrency/reclaim_records.h"
#include "concurrency/testing/model.h"
#include "concurrency/testing/mutant_atom.h"
#include "gtest/gtest.h"
#include "memory/testing/soak.h"

namespace wirebook::internal {
namespace {

using model::explore_with;
using model::ModelAtom;
using model::ModelVar;
using model::MutantAtom;
using model::Options;
using model::Report;

struct Object : RetiredLink {
  ModelVar<bool> reclaimed{false};
};

// One object, in the record of a thread that ended before. What is in a record
// is safe as soon as somebody looks.
template <template <typename> class Atom>
class Domain {
 public:
  Domain() {
    object_.retired_reclaim_ = [](RetiredLink* object) noexcept {
      static_cast<Object*>(object)->reclaimed = true;
    };
    Record& ended = records_.this_thread();
    ended.open.push(&object_);
    ended.left = true;
  }

  // What a retire() does that has come to its batch's end.
  void scan() {
    Record& own = records_.this_thread();
    RetiredChain due;
    {
      const std::lock_guard guard(own.lock);
      records_.take_leftovers(own, own.safe);
      own.begin_pass(due, due.max_size());
    }
    if (!due.empty()) own.run_pass(due);
  }

  void sweep() {
    records_.sweep([](RetiredChain& all, Record& own) {
      const std::lock_guard guard(own.lock);
      own.safe.take(all);
    });
    model::model_assert(object_.reclaimed, "reclaimed when the sweep is over");
  }

 private:
  using Record = ReclaimRecord<Atom>;
  Object object_;
  ReclaimRecords<Record, Atom> records_{new_domain_key(), "TestDomain"};
};

template <template <typename> class Atom, typename... Threads>
Report run(const Options& options, Threads... threads) {
  return explore_with(
      options, [] { return std::make_unique<Domain<Atom>>(); },
      [](Domain<Atom>&) {}, threads...);
}

constexpr auto kScan = [](auto& domain) { domain.scan(); };
constexpr auto kSweep = [](auto& domain) { domain.sweep(); };

TEST(ReclaimRecordsModel, ASweepMissesNothingThatAScanTakesOver) {
  const Report report =
      run<ModelAtom>({.preemptions = soaking() ? 3u : 2u}, kSweep, kScan);
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete) << report;
}

TEST(ReclaimRecordsModel, NorDoTwoSweepsAtOnce) {
  const Report report =
      run<ModelAtom>({.preemptions = soaking() ? 3u : 2u}, kSweep, kSweep);
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete) << report;
}

TEST(ReclaimRecordsModel, NorBesideTwoScans) {
  const Report report = run<ModelAtom>({.preemptions = soaking() ? 2u : 1u},
                                       kSweep, kScan, kScan);
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete) << report;
}

class BrokenReclaimRecords : public testing::Test {
 protected:
  ~BrokenReclaimRecords() override { model::mutation = {}; }
};

TEST_F(BrokenReclaimRecords, WithRelaxedStoresIsFound) {
  model::mutation = {.relax_stores = true};
  EXPECT_FALSE(run<MutantAtom>({.preemptions = 3}, kSweep, kScan).ok());
}

TEST_F(BrokenReclaimRecords, WithRelaxedLoadsIsFound) {
  model::mutation = {.relax_loads = true};
  EXPECT_FALSE(run<MutantAtom>({.preemptions = 3}, kSweep, kScan).ok());
}

}  // namespace
}  // namespace wirebook::internal
