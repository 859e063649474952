// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// hazard_pointer in every interleaving and with every stale value that the
// memory orders allow, and what the explorations say when it is broken.

#include <atomic>
#include <memory>

#include "concurrency/hazard_pointer.h"
#include "concurrency/testing/model.h"
#include "concurrency/testing/mutant_atom.h"
#include "gtest/gtest.h"
#include "memory/testing/soak.h"

namespace wirebook::model {
namespace {

// One reader holds the object that a writer replaces, retires and cleans up.
template <template <typename> class Atom>
struct Cell {
  struct Node
      : basic_hazard_pointer_obj_base<Node, std::default_delete<Node>, Atom> {
    explicit Node(int v) : value(v) {}
    ModelVar<int> value;
  };

  ~Cell() { delete current.load(std::memory_order_relaxed); }

  void read() {
    basic_hazard_pointer<Atom> h = make_hazard_pointer(domain);
    const Node* const node = h.protect(current);
    const int value = node->value;
    model_assert(value == 1 || value == 2, "a live value");
  }
  void write() {
    // Acquire and release: the node's making before others' reads.
    current.exchange(new Node(2), std::memory_order_acq_rel)->retire(domain);
    hazard_pointer_clean_up(domain);
  }

  basic_hazard_pointer_domain<Atom> domain;
  Atom<Node*> current{new Node(1)};
};

template <template <typename> class Atom>
Report read_while_writing(const Options& options = {.preemptions = 3}) {
  using State = Cell<Atom>;
  return explore<State>(
      options, [](State& s) { s.read(); }, [](State& s) { s.write(); });
}

TEST(HazardPointerModel, ReaderNeverMeetsAReclaimedObject) {
  const Report report =
      read_while_writing<ModelAtom>({.preemptions = soaking() ? 3u : 2u});
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete) << report;
}

TEST(HazardPointerModel, NorDoTwoReadsInARow) {
  using State = Cell<ModelAtom>;
  const Report report = explore<State>(
      {.preemptions = 2},
      [](State& s) {
        s.read();
        s.read();
      },
      [](State& s) { s.write(); });
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete) << report;
}

TEST(HazardPointerModel, TwoWritersCleanUpAtOnce) {
  using State = Cell<ModelAtom>;
  const Report report = explore<State>(
      {.preemptions = 2}, [](State& s) { s.write(); },
      [](State& s) { s.write(); });
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete) << report;
}

class BrokenHazardPointer : public testing::Test {
 protected:
  ~BrokenHazardPointer() override { mutation = {}; }
};

TEST_F(BrokenHazardPointer, WithoutTheLightFenceIsFound) {
  mutation = {.drop_light_fences = true};
  EXPECT_FALSE(read_while_writing<MutantAtom>().ok());
}

TEST_F(BrokenHazardPointer, WithoutTheHeavyFenceIsFound) {
  mutation = {.drop_heavy_fences = true};
  EXPECT_FALSE(read_while_writing<MutantAtom>().ok());
}

TEST_F(BrokenHazardPointer, WithRelaxedStoresIsFound) {
  mutation = {.relax_stores = true};
  EXPECT_FALSE(read_while_writing<MutantAtom>().ok());
}

TEST_F(BrokenHazardPointer, WithRelaxedLoadsIsFound) {
  mutation = {.relax_loads = true};
  EXPECT_FALSE(read_while_writing<MutantAtom>().ok());
}

}  // namespace
}  // namespace wirebook::model
