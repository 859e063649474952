// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// EpochDomain in every interleaving and with every stale value that the memory
// orders allow, and what the explorations say when it is broken.

#include <atomic>

#include "concurrency/epoch.h"
#include "concurrency/testing/model.h"
#include "concurrency/testing/mutant_atom.h"
#include "gtest/gtest.h"

namespace wirebook::model {
namespace {

template <template <typename> class Atom>
struct Cell {
  struct Node {
    explicit Node(int v) : value(v) {}
    ModelVar<int> value;
  };

  ~Cell() { delete current.load(std::memory_order_relaxed); }

  void read() {
    const BasicEpochGuard<Atom> guard(domain);
    // Acquire: the object as it was made.
    const Node* const node = current.load(std::memory_order_acquire);
    const int value = node->value;
    model_assert(value == 1 || value == 2, "a live value");
  }
  Node* replace() {
    return current.exchange(new Node(2), std::memory_order_acq_rel);
  }
  void retire() {
    domain.retire(replace());
    domain.try_advance();
  }
  void wait() {
    Node* const old = replace();
    domain.synchronize();
    delete old;
  }

  BasicEpochDomain<Atom> domain;
  Atom<Node*> current{new Node(1)};
};

template <template <typename> class Atom>
Report read_while_retiring() {
  using State = Cell<Atom>;
  return explore<State>(
      {.preemptions = 3}, [](State& s) { s.read(); },
      [](State& s) { s.retire(); });
}

template <template <typename> class Atom>
Report read_while_waiting() {
  using State = Cell<Atom>;
  return explore<State>(
      {.preemptions = 3}, [](State& s) { s.read(); },
      [](State& s) { s.wait(); });
}

TEST(EpochModel, ReaderNeverMeetsAReclaimedObject) {
  const Report report = read_while_retiring<ModelAtom>();
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete) << report;
}

TEST(EpochModel, SynchronizeWaitsForTheReadersOfItsTime) {
  const Report report = read_while_waiting<ModelAtom>();
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete) << report;
}

TEST(EpochModel, OneGuardAfterTheOther) {
  using State = Cell<ModelAtom>;
  const Report report = explore<State>(
      {.preemptions = 2},
      [](State& s) {
        s.read();
        s.read();
      },
      [](State& s) { s.wait(); });
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete) << report;
}

// The second writer's epoch must not make the first one's object look old.
TEST(EpochModel, TwoWritersAndAReader) {
  using State = Cell<ModelAtom>;
  const Report report = explore<State>(
      {.preemptions = 1}, [](State& s) { s.read(); },
      [](State& s) { s.retire(); }, [](State& s) { s.retire(); });
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete) << report;
}

class BrokenEpoch : public testing::Test {
 protected:
  ~BrokenEpoch() override { mutation = {}; }
};

TEST_F(BrokenEpoch, WithoutTheLightFenceIsFound) {
  mutation = {.drop_light_fences = true};
  EXPECT_FALSE(read_while_retiring<MutantAtom>().ok());
  EXPECT_FALSE(read_while_waiting<MutantAtom>().ok());
}

TEST_F(BrokenEpoch, WithoutTheHeavyFenceIsFound) {
  mutation = {.drop_heavy_fences = true};
  EXPECT_FALSE(read_while_retiring<MutantAtom>().ok());
  EXPECT_FALSE(read_while_waiting<MutantAtom>().ok());
}

TEST_F(BrokenEpoch, WithRelaxedStoresIsFound) {
  mutation = {.relax_stores = true};
  EXPECT_FALSE(read_while_waiting<MutantAtom>().ok());
}

TEST_F(BrokenEpoch, WithRelaxedLoadsIsFound) {
  mutation = {.relax_loads = true};
  EXPECT_FALSE(read_while_waiting<MutantAtom>().ok());
}

}  // namespace
}  // namespace wirebook::model
