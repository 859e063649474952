// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/testing/linearizability.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "concurrency/spsc_ring.h"
#include "concurrency/testing/history_recorder.h"
#include "concurrency/testing/linearizability_specs.h"
#include "concurrency/testing/model.h"
#include "gtest/gtest.h"
#include "memory/testing/soak.h"

namespace wirebook {
namespace {

using Fifo = FifoSpec<int>;
using Register = RegisterSpec<int>;
using Map = MapSpec<int, int>;
using Verdict = Linearizability::Verdict;

TEST(Linearizability, ExplainsWhatARingReturned) {
  SpscRing<int> ring(2);
  HistoryRecorder<Fifo> recorder(2);
  recorder.run(0, [&] { return Fifo::push(7, ring.try_push(7)); });
  recorder.run(1, [&] {
    int got = 0;
    const bool done = ring.try_pop(got);
    return Fifo::pop(got, done);
  });
  const Linearizability result =
      check(Fifo(ring.capacity()), recorder.history());
  EXPECT_TRUE(result.ok()) << result;
}

// ---- Histories whose verdict is known
// ------------------------------------------

TEST(KnownHistories, AnEmptyOneIsGood) { EXPECT_TRUE(check(Fifo(1), {}).ok()); }

TEST(KnownHistories, OverlappingPushesMayBePoppedInEitherOrder) {
  for (const int first : {1, 2}) {
    EXPECT_TRUE(check(Fifo(2), {{Fifo::push(1, true), 0, 0, 10},
                                {Fifo::push(2, true), 1, 1, 9},
                                {Fifo::pop(first, true), 0, 11, 12},
                                {Fifo::pop(3 - first, true), 0, 13, 14}})
                    .ok());
  }
}

TEST(KnownHistories, PushesInOrderMayNot) {
  EXPECT_EQ(check(Fifo(2), {{Fifo::push(1, true), 0, 0, 1},
                            {Fifo::push(2, true), 1, 2, 3},
                            {Fifo::pop(2, true), 0, 4, 5}})
                .verdict,
            Verdict::kNo);
}

TEST(KnownHistories, EmptyAndFullMustBeTrue) {
  EXPECT_FALSE(check(Fifo(2), {{Fifo::push(1, true), 0, 0, 1},
                               {Fifo::pop(0, false), 1, 2, 3}})
                   .ok());
  EXPECT_TRUE(check(Fifo(2), {{Fifo::push(1, true), 0, 0, 2},
                              {Fifo::pop(0, false), 1, 1, 3}})
                  .ok());
  EXPECT_FALSE(check(Fifo(2), {{Fifo::push(1, true), 0, 0, 1},
                               {Fifo::push(2, false), 0, 2, 3}})
                   .ok());
  EXPECT_TRUE(check(Fifo(1), {{Fifo::push(1, true), 0, 0, 1},
                              {Fifo::push(2, false), 0, 2, 3}})
                  .ok());
  EXPECT_FALSE(check(Fifo(1), {{Fifo::push(1, true), 0, 0, 1},
                               {Fifo::push(2, true), 0, 2, 3}})
                   .ok());
  EXPECT_FALSE(check(Fifo(1), {{Fifo::pop(1, true), 0, 0, 1}}).ok());
}

TEST(KnownHistories, SpuriousFailuresAreForThoseWhoSaySo) {
  const History<Fifo> history{{Fifo::push(1, false), 0, 0, 1},
                              {Fifo::push(2, true), 0, 2, 3},
                              {Fifo::pop(0, false), 0, 4, 5}};
  EXPECT_FALSE(check(Fifo(1), history).ok());
  EXPECT_TRUE(check(Fifo(1, true), history).ok());
}

TEST(KnownHistories, WhatNeverEndedMayHaveHappenedOrNot) {
  const Recorded<Fifo::Operation> push{Fifo::push(1, false), 0, 0};
  EXPECT_TRUE(check(Fifo(1), {push, {Fifo::pop(1, true), 1, 1, 2}}).ok());
  EXPECT_TRUE(check(Fifo(1), {push, {Fifo::pop(0, false), 1, 1, 2}}).ok());
  EXPECT_FALSE(check(Fifo(1), {push,
                               {Fifo::pop(1, true), 1, 1, 2},
                               {Fifo::pop(1, true), 1, 3, 4}})
                   .ok());
  const Recorded<Fifo::Operation> pop{Fifo::pop(0, false), 0, 2};
  EXPECT_TRUE(check(Fifo(1), {{Fifo::push(1, true), 1, 0, 1},
                              pop,
                              {Fifo::push(2, true), 1, 3, 4}})
                  .ok());
}

// Herlihy and Wing's register: a load sees a store that overlaps it, and then
// no later load may miss it.
TEST(KnownHistories, ALoadAfterANewLoadIsNotOld) {
  const auto history = [](int first, int second) {
    return History<Register>{{Register::store(1), 0, 0, 10},
                             {Register::load(first), 1, 1, 2},
                             {Register::load(second), 2, 3, 4}};
  };
  EXPECT_TRUE(check(Register(0), history(0, 1)).ok());
  EXPECT_TRUE(check(Register(0), history(1, 1)).ok());
  EXPECT_FALSE(check(Register(0), history(1, 0)).ok());
}

TEST(KnownHistories, ExchangesAreWholes) {
  EXPECT_TRUE(check(Register(0), {{Register::exchange(1, 2), 0, 0, 5},
                                  {Register::exchange(2, 0), 1, 0, 5}})
                  .ok());
  EXPECT_FALSE(check(Register(0), {{Register::exchange(1, 0), 0, 0, 5},
                                   {Register::exchange(2, 0), 1, 0, 5}})
                   .ok());
  using R = Register;
  EXPECT_TRUE(check(R(0), {{R::compare_exchange(0, 1, 0, true), 0, 0, 5},
                           {R::compare_exchange(0, 2, 1, false), 1, 0, 5}})
                  .ok());
  EXPECT_FALSE(check(R(0), {{R::compare_exchange(0, 1, 0, true), 0, 0, 5},
                            {R::compare_exchange(0, 2, 0, true), 1, 0, 5}})
                   .ok());
  EXPECT_FALSE(
      check(R(0), {{R::compare_exchange(0, 2, 0, false), 1, 0, 5}}).ok());
}

TEST(KnownHistories, MapsAreCheckedKeyByKey) {
  EXPECT_TRUE(check(Map(), {{Map::insert(1, 10, true), 0, 0, 1},
                            {Map::find(2, std::nullopt), 0, 2, 3},
                            {Map::insert(1, 11, false), 0, 4, 5},
                            {Map::insert_or_assign(1, 12, false), 0, 6, 7},
                            {Map::find(1, 12), 0, 8, 9},
                            {Map::erase(1, true), 0, 10, 11},
                            {Map::erase(1, false), 0, 12, 13},
                            {Map::insert_or_assign(1, 5, true), 0, 14, 15}})
                  .ok());
  EXPECT_FALSE(check(Map(), {{Map::insert(1, 10, true), 0, 0, 5},
                             {Map::insert(1, 11, true), 1, 0, 5}})
                   .ok());
  EXPECT_FALSE(check(Map(), {{Map::erase(3, true), 0, 0, 5},
                             {Map::insert(1, 1, true), 1, 0, 5}})
                   .ok());
}

TEST(KnownHistories, AFailureIsExplained) {
  std::ostringstream text;
  text << check(Fifo(2), {{Fifo::push(1, true), 0, 0, 1},
                          {Fifo::push(2, false), 1, 2, kNeverEnded},
                          {Fifo::pop(3, true), 1, 4, 5},
                          {Fifo::pop(0, false), 1, 6, 7}});
  EXPECT_EQ(text.str(),
            "not linearizable:\n"
            "  thread 0 [0, 1] push 1  #1\n"
            "  thread 1 [2, never] push 2 failed  #2\n"
            "  thread 1 [4, 5] pop 3  has no place\n"
            "  thread 1 [6, 7] pop  failed  has no place\n");
  std::ostringstream good;
  good << check(Fifo(2), {});
  EXPECT_EQ(good.str(), "linearizable");
}

TEST(KnownHistories, RegistersAndMapsAreSpelt) {
  using R = Register;
  EXPECT_EQ(R::text(R::load(1)), "load -> 1");
  EXPECT_EQ(R::text(R::store(2)), "store 2");
  EXPECT_EQ(R::text(R::exchange(2, 1)), "exchange 2 -> 1");
  EXPECT_EQ(R::text(R::compare_exchange(1, 2, 1, true)),
            "compare_exchange 1 by 2 done");
  EXPECT_EQ(R::text(R::compare_exchange(1, 2, 3, false)),
            "compare_exchange 1 by 2 -> 3");
  EXPECT_EQ(Map::text(Map::find(1, std::nullopt)), "find 1: nothing");
  EXPECT_EQ(Map::text(Map::insert(1, 2, false)), "insert 1: 2 no");
  EXPECT_EQ(Map::text(Map::erase(1, true)), "erase 1");
}

TEST(KnownHistories, TheSearchGivesUpWhenTold) {
  History<Register> history;
  for (int i = 0; i < 12; ++i) history.push_back({Register::store(i), 0, 0, 5});
  history.push_back({Register::load(99), 0, 6, 7});
  const Linearizability result = check(Register(0), history, 100);
  EXPECT_EQ(result.verdict, Verdict::kGaveUp);
  std::ostringstream text;
  text << result;
  EXPECT_EQ(text.str().find("gave up on:\n"), 0u);
}

// ---- Against all orders, one by one
// ----------------------------------------------

template <typename Spec>
bool some_order_explains(const Spec& spec, const History<Spec>& history) {
  std::vector<size_t> order(history.size());
  std::iota(order.begin(), order.end(), size_t{0});
  do {
    bool allowed = true;
    auto state = spec.initial();
    for (size_t i = 0; i < order.size() && allowed; ++i) {
      for (size_t k = i + 1; k < order.size(); ++k) {
        allowed = allowed && history[order[k]].end >= history[order[i]].begin;
      }
      allowed = allowed && spec.apply(state, history[order[i]].operation, true);
    }
    if (allowed) return true;
  } while (std::next_permutation(order.begin(), order.end()));
  return false;
}

// `make` gives a random operation with a random result: some are good.
template <typename Spec, typename Make>
void agrees_with_all_orders(const Spec& spec, Make make) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  int good = 0;
  for (int round = 0; round < 3000; ++round) {
    History<Spec> history;
    for (uint64_t n = 1 + random() % 6; n > 0; --n) {
      const uint64_t begin = random() % 20;
      history.push_back({make(random), 0, begin, begin + random() % 12});
    }
    const bool expected = some_order_explains(spec, history);
    const Linearizability result = check(spec, history);
    ASSERT_EQ(result.ok(), expected) << result;
    good += expected ? 1 : 0;
  }
  EXPECT_GT(good, 50);
  EXPECT_LT(good, 2950);
}

TEST(AllOrders, AgreeOnQueues) {
  agrees_with_all_orders(Fifo(2), [](std::mt19937_64& random) {
    const int value = static_cast<int>(random() % 2);
    const bool done = random() % 4 != 0;
    return random() % 2 == 0 ? Fifo::push(value, done) : Fifo::pop(value, done);
  });
}

TEST(AllOrders, AgreeOnRegisters) {
  agrees_with_all_orders(Register(0), [](std::mt19937_64& random) {
    const auto value = [&random] { return static_cast<int>(random() % 2); };
    switch (random() % 4) {
      case 0:
        return Register::load(value());
      case 1:
        return Register::store(value());
      case 2:
        return Register::exchange(value(), value());
      default:
        return Register::compare_exchange(value(), value(), value(),
                                          random() % 2 == 0);
    }
  });
}

TEST(AllOrders, AgreeOnMaps) {
  // One key: keys are independent anyway, the specification's state is one's.
  agrees_with_all_orders(Map(), [](std::mt19937_64& random) {
    const int value = static_cast<int>(random() % 2);
    const bool done = random() % 2 == 0;
    switch (random() % 4) {
      case 0:
        return Map::find(0, done ? std::optional<int>(value) : std::nullopt);
      case 1:
        return Map::insert(0, value, done);
      case 2:
        return Map::insert_or_assign(0, value, done);
      default:
        return Map::erase(0, done);
    }
  });
}

// ---- Structures
// -------------------------------------------------------------------

template <typename Ring>
auto push_to(Ring& ring, int value) {
  return [&ring, value] { return Fifo::push(value, ring.try_push(value)); };
}
template <typename Ring>
auto pop_from(Ring& ring) {
  return [&ring] {
    int got = 0;
    const bool done = ring.try_pop(got);
    return Fifo::pop(got, done);
  };
}

TEST(RealThreads, SpscRingIsAQueue) {
  for (Soak soak; soak.goes_on();) {
    for (int round = 0; round < 300; ++round) {
      SpscRing<int> ring(static_cast<size_t>(1 + round % 3));
      HistoryRecorder<Fifo> recorder(2);
      std::atomic<int> ready{0};
      const auto meet = [&ready] {
        ready.fetch_add(1);
        while (ready.load() < 2) std::this_thread::yield();
      };
      std::thread producer([&] {
        meet();
        for (int i = 0; i < 30; ++i) recorder.run(0, push_to(ring, i));
      });
      meet();
      for (int i = 0; i < 30; ++i) recorder.run(1, pop_from(ring));
      producer.join();
      const Linearizability result =
          check(Fifo(ring.capacity()), recorder.history());
      ASSERT_TRUE(result.ok()) << result;
    }
  }
}

// In every interleaving, with the clock as a part of the model.
TEST(Model, SpscRingIsAQueue) {
  struct State {
    SpscRing<int, model::ModelAtom> ring{1};
    HistoryRecorder<Fifo, model::ModelAtom> recorder{2};
  };
  const model::Report report = model::explore_with(
      {}, [] { return std::make_unique<State>(); },
      [](State& s) {
        const Linearizability result = check(Fifo(1), s.recorder.history());
        model::model_assert(result.ok(), result.explanation);
      },
      [](State& s) {
        for (int i = 1; i <= 2; ++i) s.recorder.run(0, push_to(s.ring, i));
      },
      [](State& s) {
        for (int i = 1; i <= 2; ++i) s.recorder.run(1, pop_from(s.ring));
      });
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

// A counter that loads and then stores: lost updates that no order explains.
TEST(Model, AnExchangeInTwoStepsIsRed) {
  struct State {
    model::ModelAtom<int> value{0};
    HistoryRecorder<Register, model::ModelAtom> recorder{2};
  };
  const auto exchange = [](size_t thread) {
    return [thread](State& s) {
      s.recorder.run(thread, [&s, thread] {
        const int old = s.value.load();
        s.value.store(static_cast<int>(thread) + 1);
        return Register::exchange(static_cast<int>(thread) + 1, old);
      });
    };
  };
  const model::Report report = model::explore_with(
      {}, [] { return std::make_unique<State>(); },
      [](State& s) {
        const Linearizability result = check(Register(0), s.recorder.history());
        model::model_assert(result.ok(), result.explanation);
      },
      exchange(0), exchange(1));
  EXPECT_FALSE(report.ok());
}

}  // namespace
}  // namespace wirebook
