// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// LatencyHistogram while it is read and merged, in every interleaving, with
// every stale value that its orders allow.

#include <cstdint>
#include <memory>

#include "concurrency/latency_histogram.h"
#include "concurrency/testing/model.h"
#include "concurrency/testing/mutant_atom.h"
#include "gtest/gtest.h"

namespace wirebook {
namespace {

using model::model_assert;
using model::ModelAtom;
using model::MutantAtom;
using model::Report;

template <template <typename> class Atom>
struct State {
  BasicLatencyHistogram<Atom> latency;
  BasicLatencyHistogram<Atom> merged;  // The reader's own.
};

// Whoever reads looks at each of some 7,400 buckets, and twice for a
// percentile.
constexpr model::Options kOptions = {.max_accesses = 100'000};

template <template <typename> class Atom>
Report record_and_merge() {
  return model::explore<State<Atom>>(
      kOptions, [](State<Atom>& s) { s.latency.record(1'000); },
      [](State<Atom>& s) {
        s.merged.merge(s.latency);
        if (s.merged.count() == 0) return;
        model_assert(s.merged.count() == 1, "each record once");
        model_assert(s.merged.max() == 1'000, "a maximum that covers it");
        model_assert(s.merged.min() == 1'000, "and a minimum");
      });
}

TEST(LatencyHistogramModel, WhoSeesARecordSeesALimitThatCoversIt) {
  const Report report = record_and_merge<ModelAtom>();
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

TEST(LatencyHistogramModel, APercentileIsOfWhatWasRecorded) {
  const Report report = model::explore<State<ModelAtom>>(
      kOptions, [](State<ModelAtom>& s) { s.latency.record(200); },
      [](State<ModelAtom>& s) {
        const uint64_t median = s.latency.percentile(50);
        model_assert(median == 0 || median == 200, "none or the one");
      });
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

// ---- Each order is needed ---------------------------------------------------

Report with(const model::Mutation& mutation) {
  model::mutation = mutation;
  const Report report = record_and_merge<MutantAtom>();
  model::mutation = {};
  return report;
}

TEST(LatencyHistogramModelMutants, ABucketBeforeItsLimitsIsRed) {
  EXPECT_FALSE(with({.relax_stores = true}).ok());
  EXPECT_FALSE(with({.relax_loads = true}).ok());
}

}  // namespace
}  // namespace wirebook
