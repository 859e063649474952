// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// SingleWriterCounter in every interleaving, with every stale value that its
// orders allow.

#include <cstdint>
#include <memory>

#include "concurrency/single_writer_counter.h"
#include "concurrency/testing/model.h"
#include "gtest/gtest.h"

namespace wirebook {
namespace {

using model::model_assert;
using model::Report;

struct State {
  BasicSingleWriterCounter<model::ModelAtom> counter;
};

void add_twice(State& s) {
  s.counter.add(1);
  s.counter.add(2);
}

TEST(SingleWriterCounterModel, AReaderNeverSeesItGoBackOrHalfAnAddition) {
  const Report report = model::explore_with(
      {}, [] { return std::make_unique<State>(); },
      [](State& s) { model_assert(s.counter.get() == 3, "none is lost"); },
      add_twice,
      [](State& s) {
        const uint64_t first = s.counter.get();
        const uint64_t second = s.counter.get();
        model_assert(first == 0 || first == 1 || first == 3, "half of one");
        model_assert(first <= second, "back");
      });
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

// What its name rules out.
TEST(SingleWriterCounterModel, ASecondWriterLosesAdditions) {
  EXPECT_EQ(
      model::explore_with(
          {}, [] { return std::make_unique<State>(); },
          [](State& s) { model_assert(s.counter.get() == 6, "none is lost"); },
          add_twice, add_twice)
          .failure,
      "assertion: none is lost");
}

}  // namespace
}  // namespace wirebook
