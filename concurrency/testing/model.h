// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Model checking of concurrent structures: explore() runs a few threads over a
// structure on ModelAtom in every interleaving, with every stale value that the
// memory orders allow, and reports the first failure with its trace.
//
// When: the smallest configuration that shows what could go wrong (two or three
// threads, a few operations each). Long runs of the real thing: a stress test
// under TSan, which sees neither stale values nor rare interleavings.
//
// What is a failure: model_assert(false); a data race on a ModelVar or on an
// object's lifetime; use of a ModelVar or ModelAtom that was destroyed or
// freed; deadlock; livelock. What is modelled, and what is not: at the head of
// model_memory.h. What makes it fast: at the head of model_scheduler.h.
//
// Each thread is a std::thread, so thread_local and thread exit work; one runs
// at a time, so state that is not modelled needs no lock. The program must
// depend on nothing else: no clock, no random numbers, no state that survives
// an execution. A std::mutex may be held over no access to a ModelAtom: use
// AtomTraits<ModelAtom>::Mutex. Spins must call AtomTraits<ModelAtom>::pause().
//
//   struct State {
//     ModelAtom<bool> ready{false};
//     ModelVar<int> data{0};
//   };
//   const Report report = explore<State>(
//       {},
//       [](State& s) {
//         s.data = 1;
//         s.ready.store(true, std::memory_order_release);
//       },
//       [](State& s) {
//         if (s.ready.load(std::memory_order_acquire)) {
//           model_assert(s.data == 1, "the data before its flag");
//         }
//       });
//   EXPECT_TRUE(report.ok()) << report;
//   EXPECT_TRUE(report.complete);
//
// Sampling where that takes too long: {.samples = 100'000}, or a bound:
// {.preemptions = 2}. To see one failure again: {.replay = report.schedule}.

#ifndef WIREBOOK_CONCURRENCY_TESTING_MODEL_H_
#define WIREBOOK_CONCURRENCY_TESTING_MODEL_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "concurrency/testing/model_atom.h"
#include "concurrency/testing/model_scheduler.h"

namespace wirebook::model {

// Any code of an exploration: ends it with a failure unless `condition` holds.
inline void model_assert(bool condition, const std::string& what) {
  if (!condition) Scheduler::here()->fail("assertion: " + what);
}

// std::atomic_thread_fence.
inline void model_fence(std::memory_order order) {
  if (Scheduler* const s = Scheduler::here()) s->fence(order);
}

// Runs `threads`, each a callable of State&, over the State that `set_up`
// makes (a std::unique_ptr<State>), then `check`, in each execution. Both run
// alone, and what they do is ordered before and after the threads. The State
// dies last. Returns at the first failure, whose threads then stand still for
// ever. Up to seven threads. Not from within an exploration.
template <typename SetUp, typename Check, typename... Threads>
Report explore_with(const Options& options, SetUp set_up, Check check,
                    Threads... threads) {
  using State = typename decltype(set_up())::element_type;
  Program program;
  program.set_up = [set_up] { return std::shared_ptr<State>(set_up()); };
  program.state_bytes = sizeof(State);
  program.check = [check](void* state) { check(*static_cast<State*>(state)); };
  (program.threads.emplace_back(
       [threads](void* state) { threads(*static_cast<State*>(state)); }),
   ...);
  return Scheduler::explore(options, std::move(program));
}

// The same for a State that is default-constructible, without a check beyond
// what the threads assert.
template <typename State, typename... Threads>
Report explore(const Options& options, Threads... threads) {
  return explore_with(
      options, [] { return std::make_unique<State>(); }, [](State&) {},
      threads...);
}

}  // namespace wirebook::model

#endif  // WIREBOOK_CONCURRENCY_TESTING_MODEL_H_
