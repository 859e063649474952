// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// rcu and RcuPtr in every interleaving and with every stale value that the
// memory orders allow, and what the explorations say when they are broken.

#include <atomic>
#include <memory>
#include <mutex>

#include "concurrency/rcu.h"
#include "concurrency/rcu_ptr.h"
#include "concurrency/testing/history_recorder.h"
#include "concurrency/testing/linearizability.h"
#include "concurrency/testing/linearizability_specs.h"
#include "concurrency/testing/model.h"
#include "concurrency/testing/mutant_atom.h"
#include "gtest/gtest.h"

namespace wirebook::model {
namespace {

struct Value {
  explicit Value(int v) : value(v) {}
  ModelVar<int> value;
};

template <template <typename> class Atom>
struct Cell {
  using Ptr = BasicRcuPtr<Value, std::default_delete<Value>, Atom>;

  int get() { return ptr.load()->value; }
  void read() {
    const std::scoped_lock region(domain);
    model_assert(get() >= 1, "a live value");
  }
  void event_loop() {
    BasicRcuEventLoop<Atom> loop(domain);
    model_assert(get() >= 1, "a live value");
    loop.quiescent_state();
    model_assert(get() >= 1, "a live value after a quiescent state");
  }
  void replace() { ptr.store(std::make_unique<Value>(2)); }
  void replace_and_barrier() {
    replace();
    rcu_barrier(domain);
  }
  void replace_and_wait() {
    Value* const old = ptr.exchange(std::make_unique<Value>(2)).release();
    rcu_synchronize(domain);
    delete old;
  }
  void increment() {
    ptr.update([](Value& v) { v.value = v.value + 1; });
  }

  basic_rcu_domain<Atom> domain;
  Ptr ptr{std::make_unique<Value>(1), domain};
};

template <template <typename> class Atom>
Report read_while_waiting() {
  using State = Cell<Atom>;
  return explore<State>(
      {.preemptions = 3}, [](State& s) { s.read(); },
      [](State& s) { s.replace_and_wait(); });
}

void expect_explored(const Report& report) {
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete) << report;
}

TEST(RcuModel, SynchronizeWaitsForTheRegionsOfItsTime) {
  expect_explored(read_while_waiting<ModelAtom>());
}

TEST(RcuModel, BarrierReclaimsNothingThatARegionReads) {
  using State = Cell<ModelAtom>;
  expect_explored(explore<State>(
      {.preemptions = 2}, [](State& s) { s.read(); },
      [](State& s) { s.replace_and_barrier(); }));
}

TEST(RcuModel, BarrierReclaimsWhatAnotherThreadIsRetiring) {
  using State = Cell<ModelAtom>;
  expect_explored(explore<State>(
      {.preemptions = 2}, [](State& s) { s.replace(); },
      [](State& s) { s.replace_and_barrier(); }));
}

TEST(RcuModel, EventLoopReadsNothingThatWasReclaimed) {
  using State = Cell<ModelAtom>;
  expect_explored(explore<State>(
      {.preemptions = 2}, [](State& s) { s.event_loop(); },
      [](State& s) { s.replace_and_wait(); }));
}

struct Twice : Cell<ModelAtom> {
  ~Twice() {
    // The value is 3 at the end: no update is lost.
    model_assert(get() == 3, "both updates");
  }
};

TEST(RcuModel, UpdatesAreEachDoneOnce) {
  expect_explored(explore<Twice>(
      {.preemptions = 2}, [](Twice& s) { s.increment(); },
      [](Twice& s) { s.increment(); }));
}

// What RcuPtr's operations returned has an order that explains it.
template <template <typename> class Atom>
struct RecordedPtr : Cell<Atom> {
  using Spec = RegisterSpec<int>;
  void load(size_t t) {
    const std::scoped_lock region(this->domain);
    recorder.run(t, [&] { return Spec::load(this->get()); });
  }
  void exchange(size_t t, int value) {
    const std::scoped_lock region(this->domain);
    recorder.run(t, [&] {
      const auto old = this->ptr.exchange(std::make_unique<Value>(value));
      return Spec::exchange(value, old->value);
    });
  }
  void compare_exchange(size_t t, int value) {
    const std::scoped_lock region(this->domain);
    const Value* expected = this->ptr.load();
    const int wanted = expected->value;
    recorder.run(t, [&] {
      auto next = std::make_unique<Value>(value);
      const bool done = this->ptr.compare_exchange(expected, next);
      return Spec::compare_exchange(wanted, value, expected->value, done);
    });
  }
  HistoryRecorder<Spec, Atom> recorder{2};  // its clock orders, too
};

TEST(RcuModel, HistoriesOfAnRcuPtrAreLinearizable) {
  using State = RecordedPtr<ModelAtom>;
  expect_explored(explore_with(
      {.preemptions = 2}, [] { return std::make_unique<State>(); },
      [](State& s) {
        const Linearizability result =
            check(RegisterSpec<int>(1), s.recorder.history());
        model_assert(result.ok(), result.explanation);
      },
      [](State& s) {
        s.exchange(0, 2);
        s.load(0);
      },
      [](State& s) {
        s.compare_exchange(1, 3);
        s.load(1);
      }));
}

class BrokenRcu : public testing::Test {
 protected:
  ~BrokenRcu() override { mutation = {}; }
};

TEST_F(BrokenRcu, WithoutTheLightFenceIsFound) {
  mutation = {.drop_light_fences = true};
  EXPECT_FALSE(read_while_waiting<MutantAtom>().ok());
}

TEST_F(BrokenRcu, WithoutTheHeavyFenceIsFound) {
  mutation = {.drop_heavy_fences = true};
  EXPECT_FALSE(read_while_waiting<MutantAtom>().ok());
}

TEST_F(BrokenRcu, WithRelaxedStoresIsFound) {
  mutation = {.relax_stores = true};
  EXPECT_FALSE(read_while_waiting<MutantAtom>().ok());
}

TEST_F(BrokenRcu, WithARelaxedPublicationIsFound) {
  mutation = {.relax_updates = true};
  EXPECT_FALSE(read_while_waiting<MutantAtom>().ok());
}

}  // namespace
}  // namespace wirebook::model
