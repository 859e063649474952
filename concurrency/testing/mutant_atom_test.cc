// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/testing/mutant_atom.h"

#include <atomic>
#include <memory>

#include "concurrency/atom_traits.h"
#include "concurrency/testing/model.h"
#include "gtest/gtest.h"

namespace wirebook::model {
namespace {

// What follows is right, and each mutation of it is wrong.
struct State {
  MutantAtom<int> first{0};   // atomic 0
  MutantAtom<int> second{0};  // atomic 1
  ModelVar<int> data{0};
  int seen_by_first = -1;
  int seen_by_second = -1;
};

using Step = void (*)(State&);

bool is_green(const Mutation& wanted, Step left, Step right) {
  mutation = wanted;
  const Report report = explore_with(
      {}, [] { return std::make_unique<State>(); },
      [](State& s) {
        model_assert(s.seen_by_first != 0 || s.seen_by_second != 0, "neither");
      },
      left, right);
  mutation = {};
  return report.ok();
}

void store_first(State& s) {
  s.data = 1;
  s.first.store(1, std::memory_order_release);
}
void load_first(State& s) {
  if (s.first.load(std::memory_order_acquire) == 1) {
    model_assert(s.data == 1, "published");
  }
}

TEST(MutantAtom, RelaxesLoadsAndStores) {
  EXPECT_TRUE(is_green({}, store_first, load_first));
  EXPECT_FALSE(is_green({.relax_stores = true}, store_first, load_first));
  EXPECT_FALSE(is_green({.relax_loads = true}, store_first, load_first));
}

TEST(MutantAtom, RelaxesTheOneThatIsNamed) {
  EXPECT_FALSE(is_green({.relax_stores = true, .only_atom = 0}, store_first,
                        load_first));
  EXPECT_TRUE(is_green({.relax_stores = true, .only_atom = 1}, store_first,
                       load_first));
}

TEST(MutantAtom, RelaxesOperatorsToo) {
  const Step publish = [](State& s) {
    s.data = 1;
    s.first = 1;
  };
  const Step take = [](State& s) {
    if (s.first == 1) model_assert(s.data == 1, "published");
  };
  EXPECT_TRUE(is_green({}, publish, take));
  EXPECT_FALSE(is_green({.relax_stores = true}, publish, take));
  EXPECT_FALSE(is_green({.relax_loads = true}, publish, take));
}

template <typename Update>
void relaxes(Update) {
  const Step publish = [](State& s) {
    s.data = 1;
    Update()(s.first);
  };
  EXPECT_TRUE(is_green({}, publish, load_first));
  EXPECT_FALSE(is_green({.relax_updates = true}, publish, load_first));
}

TEST(MutantAtom, RelaxesEachReadModifyWrite) {
  relaxes([](MutantAtom<int>& x) { x.exchange(1); });
  relaxes([](MutantAtom<int>& x) { x.fetch_add(1); });
  relaxes([](MutantAtom<int>& x) { x.fetch_sub(-1); });
  relaxes([](MutantAtom<int>& x) { x.fetch_or(1); });
  relaxes([](MutantAtom<int>& x) {
    int expected = 0;
    x.compare_exchange_strong(expected, 1);
  });
  relaxes([](MutantAtom<int>& x) {
    int expected = 0;
    x.compare_exchange_weak(expected, 1, std::memory_order_release,
                            std::memory_order_relaxed);
  });
  relaxes([](MutantAtom<int>& x) {
    int expected = 0;
    x.compare_exchange_weak(expected, 1);
  });
}

TEST(MutantAtom, DropsFences) {
  const Step light = [](State& s) {
    s.first.store(1, std::memory_order_relaxed);
    AtomTraits<MutantAtom>::light_fence();
    s.seen_by_first = s.second.load(std::memory_order_relaxed);
  };
  const Step heavy = [](State& s) {
    s.second.store(1, std::memory_order_relaxed);
    AtomTraits<MutantAtom>::heavy_fence();
    s.seen_by_second = s.first.load(std::memory_order_relaxed);
  };
  EXPECT_TRUE(is_green({}, light, heavy));
  EXPECT_FALSE(is_green({.drop_light_fences = true}, light, heavy));
  EXPECT_FALSE(is_green({.drop_heavy_fences = true}, light, heavy));
}

// Where nothing is explored it is a plain value.
TEST(MutantAtom, WorksOutsideAnExploration) {
  MutantAtom<int> x{5};
  EXPECT_EQ(x.fetch_and(4), 5);
  EXPECT_EQ(x.exchange(6), 4);
  int expected = 1;
  EXPECT_FALSE(x.compare_exchange_strong(expected, 2));
  EXPECT_EQ(expected, 6);
  EXPECT_TRUE(x.compare_exchange_strong(expected, 2));
  EXPECT_EQ(x.fetch_xor(3), 2);
  EXPECT_EQ(x++, 1);
  EXPECT_EQ(++x, 3);
  EXPECT_EQ(x--, 3);
  EXPECT_EQ(--x, 1);
  x.wait(0);
  x.notify_one();
  AtomTraits<MutantAtom>::pause();
  AtomTraits<MutantAtom>::light_fence();
  AtomTraits<MutantAtom>::heavy_fence();
  model_fence(std::memory_order_seq_cst);
  ModelVar<int> data{1};
  data = 2;
  EXPECT_EQ(data, 2);
}

}  // namespace
}  // namespace wirebook::model
