// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/testing/model.h"

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace wirebook::model {
namespace {

using Order = std::memory_order;
constexpr Order kRelaxed = std::memory_order_relaxed;
constexpr Order kAcquire = std::memory_order_acquire;
constexpr Order kRelease = std::memory_order_release;
constexpr Order kAcqRel = std::memory_order_acq_rel;
constexpr Order kSeqCst = std::memory_order_seq_cst;

// ---- Message passing
// -------------------------------------------------------------

struct Message {
  ModelAtom<bool> ready{false};
  ModelVar<int> data{0};
};

Report pass_message(Order publish, Order take, const Options& options = {}) {
  return explore<Message>(
      options,
      [publish](Message& m) {
        m.data = 1;
        m.ready.store(true, publish);
      },
      [take](Message& m) {
        if (m.ready.load(take)) model_assert(m.data == 1, "data before flag");
      });
}

TEST(MessagePassing, ReleaseAndAcquireAreEnough) {
  const Report report = pass_message(kRelease, kAcquire);
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

TEST(MessagePassing, ARelaxedPublishIsRed) {
  const Report report = pass_message(kRelaxed, kAcquire);
  EXPECT_EQ(report.failure, "data race: unordered with a write by T1");
}

TEST(MessagePassing, ARelaxedTakeIsRed) {
  EXPECT_FALSE(pass_message(kRelease, kRelaxed).ok());
}

// The same over atomics only: no race, but a stale value.
struct Flags {
  ModelAtom<int> data{0};
  ModelAtom<int> ready{0};
  ModelAtom<int> x{0};
  ModelAtom<int> y{0};
};

TEST(MessagePassing, AStaleValueIsReadWhereOrdersAllow) {
  const auto run = [](Order publish) {
    return explore<Flags>(
        {},
        [publish](Flags& f) {
          f.data.store(1, kRelaxed);
          f.ready.store(1, publish);
        },
        [](Flags& f) {
          if (f.ready.load(kAcquire) == 1) {
            model_assert(f.data.load(kRelaxed) == 1, "stale");
          }
        });
  };
  EXPECT_TRUE(run(kRelease).ok());
  EXPECT_EQ(run(kRelaxed).failure, "assertion: stale");
}

TEST(MessagePassing, FencesCarryItToo) {
  const auto run = [](Order before, Order after) {
    return explore<Flags>(
        {},
        [before](Flags& f) {
          f.data.store(1, kRelaxed);
          model_fence(before);
          f.ready.store(1, kRelaxed);
        },
        [after](Flags& f) {
          if (f.ready.load(kRelaxed) == 1) {
            model_fence(after);
            model_assert(f.data.load(kRelaxed) == 1, "stale");
          }
        });
  };
  EXPECT_TRUE(run(kRelease, kAcquire).ok());
  EXPECT_TRUE(run(kSeqCst, kSeqCst).ok());
  EXPECT_FALSE(run(kAcquire, kAcquire).ok());
  EXPECT_FALSE(run(kRelease, kRelease).ok());
}

// C++20: a release sequence goes on through another's read-modify-write, and
// is broken by a plain store, even of its own thread.
TEST(MessagePassing, ReleaseSequences) {
  const auto run = [](bool by_update) {
    return explore<Flags>(
        {},
        [](Flags& f) {
          f.data.store(1, kRelaxed);
          f.ready.store(1, kRelease);
        },
        [by_update](Flags& f) {
          if (f.ready.load(kRelaxed) != 1) return;
          if (by_update) {
            f.ready.fetch_add(1, kRelaxed);
          } else {
            f.ready.store(2, kRelaxed);
          }
        },
        [](Flags& f) {
          if (f.ready.load(kAcquire) == 2) {
            model_assert(f.data.load(kRelaxed) == 1, "stale");
          }
        });
  };
  EXPECT_TRUE(run(true).ok());
  EXPECT_FALSE(run(false).ok());
}

// ---- Store buffering: Dekker's and Peterson's core
// --------------------------------

enum class Fence { kNone, kFull, kLightAndHeavy, kLightOnly };

void fence_of(Fence fence, bool first) {
  if (fence == Fence::kFull) model_fence(kSeqCst);
  if (fence == Fence::kLightOnly || (fence == Fence::kLightAndHeavy && first)) {
    AtomTraits<ModelAtom>::light_fence();
  } else if (fence == Fence::kLightAndHeavy) {
    AtomTraits<ModelAtom>::heavy_fence();
  }
}

struct Dekker : Flags {
  int seen_by_first = 0;
  int seen_by_second = 0;
};

Report store_buffering(Order order, Fence fence) {
  return explore_with(
      {}, [] { return std::make_unique<Dekker>(); },
      [](Dekker& d) {
        model_assert(d.seen_by_first + d.seen_by_second > 0, "both saw none");
      },
      [=](Dekker& d) {
        d.x.store(1, order);
        fence_of(fence, true);
        d.seen_by_first = d.y.load(order);
      },
      [=](Dekker& d) {
        d.y.store(1, order);
        fence_of(fence, false);
        d.seen_by_second = d.x.load(order);
      });
}

TEST(StoreBuffering, SeqCstForbidsIt) {
  EXPECT_TRUE(store_buffering(kSeqCst, Fence::kNone).ok());
  EXPECT_TRUE(store_buffering(kRelaxed, Fence::kFull).ok());
}

TEST(StoreBuffering, WithoutAFenceItIsRed) {
  EXPECT_FALSE(store_buffering(kRelaxed, Fence::kNone).ok());
}

TEST(StoreBuffering, LightAndHeavyForbidIt) {
  const Report report = store_buffering(kRelaxed, Fence::kLightAndHeavy);
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

TEST(StoreBuffering, LightAndLightAreRed) {
  EXPECT_FALSE(store_buffering(kRelaxed, Fence::kLightOnly).ok());
}

// A seq_cst exchange is no fence for other locations' relaxed loads.
TEST(StoreBuffering, AnExchangeIsNoFenceInTheStandard) {
  const auto run = [](Order load) {
    return explore_with(
        {}, [] { return std::make_unique<Dekker>(); },
        [](Dekker& d) {
          model_assert(d.seen_by_first + d.seen_by_second > 0, "none");
        },
        [=](Dekker& d) {
          d.x.exchange(1, kSeqCst);
          d.seen_by_first = d.y.load(load);
        },
        [=](Dekker& d) {
          d.y.exchange(1, kSeqCst);
          d.seen_by_second = d.x.load(load);
        });
  };
  EXPECT_TRUE(run(kSeqCst).ok());
  EXPECT_FALSE(run(kRelaxed).ok());
}

// ---- Coherence and the order of independent writes
// -----------------------------------

TEST(Coherence, ALocationNeverGoesBack) {
  const Report report = explore<Flags>(
      {},
      [](Flags& f) {
        f.x.store(1, kRelaxed);
        f.x.store(2, kRelaxed);
      },
      [](Flags& f) {
        const int first = f.x.load(kRelaxed);
        model_assert(f.x.load(kRelaxed) >= first, "went back");
      });
  EXPECT_TRUE(report.ok()) << report;
}

// Independent reads of independent writes: only seq_cst makes two readers
// agree.
Report independent_reads(Order order) {
  struct Iriw : Flags {
    std::array<int, 4> seen{};
  };
  return explore_with(
      {}, [] { return std::make_unique<Iriw>(); },
      [](Iriw& i) {
        model_assert(i.seen != std::array{1, 0, 1, 0}, "readers disagree");
      },
      [=](Iriw& i) { i.x.store(1, order); },
      [=](Iriw& i) { i.y.store(1, order); },
      [=](Iriw& i) {
        i.seen[0] = i.x.load(order);
        i.seen[1] = i.y.load(order);
      },
      [=](Iriw& i) {
        i.seen[2] = i.y.load(order);
        i.seen[3] = i.x.load(order);
      });
}

TEST(Coherence, OnlySeqCstOrdersIndependentWrites) {
  EXPECT_TRUE(independent_reads(kSeqCst).ok());
  EXPECT_FALSE(independent_reads(kRelaxed).ok());
}

TEST(Coherence, UpdatesLoseNothing) {
  const auto add = [](Flags& f) {
    f.x.fetch_add(1, kRelaxed);
    int seen = f.y.load(kRelaxed);
    while (!f.y.compare_exchange_weak(seen, seen + 1, kRelaxed)) {
    }
  };
  const Report report = explore_with(
      {}, [] { return std::make_unique<Flags>(); },
      [](Flags& f) {
        model_assert(f.x == 3 && f.y == 3, "an update was lost");
      },
      add, add, add);
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

// ---- Lifetimes
// ---------------------------------------------------------------------------

struct Node {
  ModelAtom<int> number{7};
  ModelVar<int> data{7};
};

struct Published {
  ModelAtom<Node*> node{nullptr};
  ModelAtom<bool> done{false};
};

TEST(Lifetimes, UseAfterDeleteIsRed) {
  for (const bool atomic : {false, true}) {
    const Report report = explore<Published>(
        {},
        [](Published& p) {
          Node* const node = new Node;
          p.node.store(node, kRelease);
          p.node.store(nullptr, kRelaxed);
          delete node;
        },
        [atomic](Published& p) {
          Node* const node = p.node.load(kAcquire);
          if (node == nullptr) return;
          if (atomic) {
            node->number.load(kRelaxed);
          } else {
            node->data.get();
          }
        });
    EXPECT_FALSE(report.ok());
  }
}

TEST(Lifetimes, AnOrderedDeleteIsGreen) {
  const Report report = explore<Published>(
      {},
      [](Published& p) {
        Node* const node = new Node;
        p.node.store(node, kRelease);
        while (!p.done.load(kAcquire)) AtomTraits<ModelAtom>::pause();
        delete node;
      },
      [](Published& p) {
        Node* node;
        while ((node = p.node.load(kAcquire)) == nullptr) {
          AtomTraits<ModelAtom>::pause();
        }
        model_assert(node->data == 7 && node->number == 7, "whole");
        p.done.store(true, kRelease);
      });
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

TEST(Lifetimes, UnorderedPublicationOfANewObjectIsRed) {
  const Report report = explore<Published>(
      {}, [](Published& p) { p.node.store(new Node, kRelaxed); },
      [](Published& p) {
        if (Node* const node = p.node.load(kAcquire)) {
          node->number.load(kRelaxed);
        }
      });
  EXPECT_EQ(report.failure, "data race: unordered with a write by T1");
}

TEST(Lifetimes, DestroyingTwiceIsRed) {
  const Report report = explore<Published>({}, [](Published&) {
    Node* const node = new Node;
    std::destroy_at(node);
    std::destroy_at(node);
  });
  EXPECT_EQ(report.failure, "an object dies twice");
}

// ---- Waiting
// --------------------------------------------------------------------------------

TEST(Waiting, ASpinEnds) {
  const Report report = explore<Flags>(
      {}, [](Flags& f) { f.ready.store(1, kRelease); },
      [](Flags& f) {
        while (f.ready.load(kAcquire) == 0) AtomTraits<ModelAtom>::pause();
      });
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

TEST(Waiting, ABoundedSpinEndsByItself) {
  const Report report = explore<Flags>({}, [](Flags& f) {
    for (int i = 0; i < 3 && f.ready == 0; ++i) {
      AtomTraits<ModelAtom>::pause();
    }
  });
  EXPECT_TRUE(report.ok()) << report;
}

TEST(Waiting, WaitingForEachOtherIsALivelock) {
  const Report report = explore<Flags>(
      {},
      [](Flags& f) {
        while (f.x == 0) AtomTraits<ModelAtom>::pause();
        f.y = 1;
      },
      [](Flags& f) {
        while (f.y == 0) AtomTraits<ModelAtom>::pause();
        f.x = 1;
      });
  EXPECT_EQ(report.failure, "livelock: every thread waits for another");
}

TEST(Waiting, AnEndlessLoopIsALivelock) {
  const Report report = explore<Flags>({}, [](Flags& f) {
    while (f.x == 0) {
    }
  });
  EXPECT_EQ(report.failure, "livelock: more than 5000 accesses");
}

TEST(Waiting, ACheckThatWaitsIsALivelock) {
  const Report report = explore_with(
      {}, [] { return std::make_unique<Flags>(); },
      [](Flags& f) {
        while (f.x == 0) AtomTraits<ModelAtom>::pause();
      });
  EXPECT_FALSE(report.ok());
}

Report sleep_and_wake(bool notify) {
  return explore<Flags>(
      {},
      [notify](Flags& f) {
        f.data.store(1, kRelaxed);
        f.ready.store(1, kRelease);
        if (notify) f.ready.notify_one();
      },
      [](Flags& f) {
        f.ready.wait(0, kAcquire);
        model_assert(f.data.load(kRelaxed) == 1, "stale");
      });
}

TEST(Waiting, ANotifiedThreadWakes) {
  const Report report = sleep_and_wake(true);
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

TEST(Waiting, AForgottenNotificationIsADeadlock) {
  EXPECT_EQ(sleep_and_wake(false).failure, "deadlock: every thread is blocked");
}

TEST(Waiting, OneNotificationForTwoIsADeadlock) {
  const auto run = [](bool all) {
    const auto waiter = [](Flags& f) { f.ready.wait(0); };
    return explore<Flags>({}, waiter, waiter, [all](Flags& f) {
      f.ready = 1;
      if (all) {
        f.ready.notify_all();
      } else {
        f.ready.notify_one();
      }
    });
  };
  EXPECT_TRUE(run(true).ok());
  EXPECT_FALSE(run(false).ok());
}

struct Locked {
  ModelMutex mutex;
  ModelMutex other;
  ModelVar<int> data{0};
};

TEST(Waiting, TheMutexExcludes) {
  const auto add = [](Locked& l) {
    std::lock_guard lock(l.mutex);
    l.data = l.data + 1;
  };
  const Report report = explore_with(
      {}, [] { return std::make_unique<Locked>(); },
      [](Locked& l) { model_assert(l.data == 3, "three additions"); }, add, add,
      add);
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

TEST(Waiting, LocksInOppositeOrdersAreRed) {
  const Report report = explore<Locked>(
      {},
      [](Locked& l) {
        std::lock_guard first(l.mutex);
        std::lock_guard second(l.other);
      },
      [](Locked& l) {
        std::lock_guard first(l.other);
        std::lock_guard second(l.mutex);
      });
  EXPECT_EQ(report.failure, "livelock: every thread waits for another");
}

// ---- Threads are threads
// --------------------------------------------------------------------

struct AtExit {
  ~AtExit() {
    if (flags == nullptr) return;
    flags->data.store(1, kRelaxed);
    flags->ready.store(1, order);
  }
  Flags* flags = nullptr;
  Order order = kRelease;
};

thread_local AtExit at_exit;

// A thread_local's destructor is a part of its thread's program.
TEST(Threads, ExitIsModelled) {
  const auto run = [](Order order) {
    return explore<Flags>(
        {},
        [order](Flags& f) {
          at_exit.order = order;
          at_exit.flags = &f;
        },
        [](Flags& f) {
          while (f.ready.load(kAcquire) == 0) AtomTraits<ModelAtom>::pause();
          model_assert(f.data.load(kRelaxed) == 1, "stale");
        });
  };
  const Report report = run(kRelease);
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_FALSE(run(kRelaxed).ok());
}

// ---- Exploration
// ------------------------------------------------------------------------------

TEST(Exploration, AFailureIsReplayedFromItsSchedule) {
  const Report first = pass_message(kRelaxed, kAcquire);
  ASSERT_FALSE(first.ok());
  const Report again =
      pass_message(kRelaxed, kAcquire, {.replay = first.schedule});
  EXPECT_EQ(again.failure, first.failure);
  EXPECT_EQ(again.executions, 1u);
  EXPECT_EQ(again.schedule, first.schedule);
}

TEST(Exploration, ASampleIsReplayedFromItsSeed) {
  const Report first =
      pass_message(kRelaxed, kAcquire, {.samples = 1000, .seed = 17});
  ASSERT_FALSE(first.ok());
  EXPECT_GE(first.seed, 17u);
  const Report again =
      pass_message(kRelaxed, kAcquire, {.samples = 1, .seed = first.seed});
  EXPECT_EQ(again.schedule, first.schedule);
  const Report replayed =
      pass_message(kRelaxed, kAcquire, {.replay = first.schedule});
  EXPECT_EQ(replayed.failure, first.failure);
}

TEST(Exploration, SamplesThatFindNothingSaySo) {
  const Report report = pass_message(kRelease, kAcquire, {.samples = 100});
  EXPECT_TRUE(report.ok());
  EXPECT_FALSE(report.complete);
  EXPECT_EQ(report.executions, 100u);
}

TEST(Exploration, ALimitOfExecutionsIsNotComplete) {
  const Report report = pass_message(kRelease, kAcquire, {.max_executions = 2});
  EXPECT_TRUE(report.ok());
  EXPECT_FALSE(report.complete);
}

// Two switches away from a runnable thread are needed to see 1 and 2 between.
TEST(Exploration, TheBoundOnPreemptionsIsKept) {
  const auto run = [](uint32_t preemptions) {
    return explore<Flags>(
        {.preemptions = preemptions},
        [](Flags& f) {
          f.x = 1;
          model_assert(f.x == 1, "changed between");
        },
        [](Flags& f) { f.x = 2; });
  };
  EXPECT_TRUE(run(0).ok());
  EXPECT_FALSE(run(1).ok());
}

TEST(Exploration, TheTraceSaysWhoDidWhat) {
  std::ostringstream text;
  text << pass_message(kRelaxed, kAcquire);
  for (const char* part :
       {"data race: unordered with a write by T1", "schedule \"a1b1/0\"",
        "T1 store       state+0 = 1  relaxed",
        "T2 load        state+0 -> 1  acquire", "T2 read        state+0x4"}) {
    EXPECT_NE(text.str().find(part), std::string::npos) << part << text.str();
  }
  std::ostringstream whole;
  whole << pass_message(kRelease, kAcquire);
  EXPECT_EQ(whole.str().find("complete after "), 0u);
}

TEST(Exploration, AProgramThatDoesNotRepeatItselfIsReported) {
  int executions = 0;
  const Report report = explore<Flags>(
      {},
      [&executions](Flags& f) {
        ++executions;
        for (int i = 0; i <= executions % 3; ++i) f.x.fetch_add(1);
      },
      [](Flags& f) { f.x.fetch_add(1); });
  EXPECT_NE(report.failure.find("does not repeat itself"), std::string::npos);
}

TEST(Exploration, AnAtomOlderThanTheExecutionIsAdopted) {
  ModelAtom<int> older{5};
  const Report report = explore<Flags>(
      {}, [&older](Flags&) { model_assert(older == 5, "its value"); },
      [&older](Flags&) { older = 5; });
  EXPECT_TRUE(report.ok()) << report;
}

TEST(ExplorationDeathTest, RefusesAnEighthThread) {
  const auto none = [](Flags&) {};
  EXPECT_DEATH(
      explore<Flags>({}, none, none, none, none, none, none, none, none),
      "wirebook::model: more than 7 threads");
}

// ---- Reduction loses nothing
// --------------------------------------------------------------------

struct Step {
  int kind;
  int location;
  Order order;
};

struct Litmus {
  std::array<ModelAtom<int>, 2> x;
  std::array<std::vector<int>, 3> seen;
};

Step random_step(std::mt19937_64& random) {
  static constexpr Order kLoads[] = {kRelaxed, kAcquire, kSeqCst};
  static constexpr Order kStores[] = {kRelaxed, kRelease, kSeqCst};
  static constexpr Order kUpdates[] = {kRelaxed, kAcqRel, kSeqCst};
  const int kind = static_cast<int>(random() % 10);
  const size_t order = random() % 3;
  return {kind, static_cast<int>(random() % 2),
          kind < 4   ? kLoads[order]
          : kind < 8 ? kStores[order]
                     : kUpdates[order]};
}

void take(const Step& step, Litmus& l, size_t thread, int value) {
  ModelAtom<int>& x = l.x[static_cast<size_t>(step.location)];
  if (step.kind < 4) {
    l.seen[thread].push_back(x.load(step.order));
  } else if (step.kind < 7) {
    x.store(value, step.order);
  } else if (step.kind == 7 && step.location == 0) {
    AtomTraits<ModelAtom>::light_fence();
  } else if (step.kind == 7) {
    AtomTraits<ModelAtom>::heavy_fence();
  } else if (step.kind == 8) {
    l.seen[thread].push_back(x.fetch_add(value, step.order));
  } else {
    model_fence(step.order);
  }
}

// All that threads can see and leave behind.
using Outcomes = std::set<std::vector<int>>;

Outcomes outcomes_of(const std::array<std::vector<Step>, 3>& program,
                     const Options& options, uint64_t& executions) {
  Outcomes outcomes;
  const auto thread = [&program](size_t t) {
    return [&program, t](Litmus& l) {
      int value = static_cast<int>(t) * 100;
      for (const Step& step : program[t]) take(step, l, t, ++value);
    };
  };
  const Report report = explore_with(
      options, [] { return std::make_unique<Litmus>(); },
      [&outcomes](Litmus& l) {
        std::vector<int> outcome{l.x[0], l.x[1]};
        for (const auto& seen : l.seen) {
          outcome.insert(outcome.end(), seen.begin(), seen.end());
        }
        outcomes.insert(outcome);
      },
      thread(0), thread(1), thread(2));
  EXPECT_TRUE(report.ok() && report.complete) << report;
  executions += report.executions;
  return outcomes;
}

// Every third around store buffering, where fences decide.
std::array<std::vector<Step>, 3> random_program(std::mt19937_64& random,
                                                bool buffers_stores) {
  std::array<std::vector<Step>, 3> program;
  for (auto& steps : program) {
    for (uint64_t n = 1 + random() % 3; n > 0; --n) {
      steps.push_back(random_step(random));
    }
  }
  if (buffers_stores) {
    for (int t = 0; t < 2; ++t) {
      program[static_cast<size_t>(t)] = {
          {4, t, kRelaxed}, {7, t, kRelaxed}, {0, 1 - t, kRelaxed}};
    }
    program[2].resize(1);
  }
  return program;
}

TEST(Reduction, LosesNoOutcomeOfRandomPrograms) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  uint64_t reduced = 0, all = 0;
  for (int i = 0; i < 30; ++i) {
    const auto program = random_program(random, i % 3 == 0);
    EXPECT_EQ(outcomes_of(program, {}, reduced),
              outcomes_of(program, {.reduce = false}, all))
        << "program " << i;
  }
  EXPECT_LT(reduced, all);
}

}  // namespace
}  // namespace wirebook::model
