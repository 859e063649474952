// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// MpmcQueue in small configurations, in every interleaving (where that takes
// long: with a few preemptions, more under --config=soak), with every stale
// value that its orders allow.

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "concurrency/atom_traits.h"
#include "concurrency/mpmc_queue.h"
#include "concurrency/testing/history_recorder.h"
#include "concurrency/testing/linearizability.h"
#include "concurrency/testing/linearizability_specs.h"
#include "concurrency/testing/model.h"
#include "concurrency/testing/mutant_atom.h"
#include "gtest/gtest.h"
#include "memory/testing/soak.h"

namespace wirebook {
namespace {

using model::model_assert;
using model::ModelAtom;
using model::ModelVar;
using model::MutantAtom;
using model::Report;

// All interleavings, in an ordinary run those of `few` preemptions.
model::Options all_or(uint32_t few) {
  return {.preemptions = soaking() ? UINT32_MAX : few};
}
// Three threads have too many interleavings for all.
model::Options one_preemption() { return {.preemptions = soaking() ? 2u : 1u}; }

// Any use of it by two threads without an order is a data race.
struct Object {
  Object() = default;
  Object(int number) : value(number) {}
  Object(Object&& other) noexcept : value(other.value.get()) {}
  Object& operator=(Object&& other) noexcept {
    value = other.value.get();
    return *this;
  }
  operator int() const { return value.get(); }
  ModelVar<int> value;
};

// Made in this order: the slots from atomic 0 on, then the tail, of words the
// head that pushes have seen, the head.
template <typename T, template <typename> class Atom, size_t kCapacity>
struct Queue {
  using Element = T;
  static void pause() { AtomTraits<Atom>::pause(); }
  MpmcQueue<T, Atom> queue{kCapacity};
  ModelVar<int> plain{0};
};

template <typename Q, int kFirst, int kCount>
void push(Q& q) {
  for (int i = kFirst; i < kFirst + kCount; ++i) {
    while (!q.queue.try_push(typename Q::Element(i))) Q::pause();
  }
}

template <typename Q, int kCount>
void pop_in_order(Q& q) {
  for (int i = 1; i <= kCount; ++i) {
    typename Q::Element got(0);
    while (!q.queue.try_pop(got)) Q::pause();
    model_assert(int{got} == i, "in order, each once");
  }
}

template <typename Q, int kCount = 2>
Report one_each() {
  return model::explore<Q>(all_or(2), push<Q, 1, kCount>,
                           pop_in_order<Q, kCount>);
}

TEST(MpmcQueueModel, OneSlotIsUsedAgain) {
  const Report words = one_each<Queue<int, ModelAtom, 1>, 3>();
  EXPECT_TRUE(words.ok()) << words;
  EXPECT_TRUE(words.complete);
  const Report objects = one_each<Queue<Object, ModelAtom, 1>>();
  EXPECT_TRUE(objects.ok()) << objects;
  EXPECT_TRUE(objects.complete);
}

TEST(MpmcQueueModel, TwoSlotsWrap) {
  const Report report = one_each<Queue<int, ModelAtom, 2>, 4>();
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

// Both take one; neither finds the queue empty or full, which it is not.
template <typename Q>
void push_then_pop(Q& q) {
  model_assert(q.queue.try_push(typename Q::Element(1)), "there is room");
  typename Q::Element got(0);
  model_assert(q.queue.try_pop(got) && int{got} == 1, "one is there");
}

template <typename Q>
Report push_then_pop_twice() {
  return model::explore<Q>({.preemptions = 2}, push_then_pop<Q>,
                           push_then_pop<Q>);
}

TEST(MpmcQueueModel, FailsOnlyWhenFullOrEmpty) {
  const Report words = push_then_pop_twice<Queue<int, ModelAtom, 2>>();
  EXPECT_TRUE(words.ok()) << words;
  EXPECT_TRUE(words.complete);
  const Report objects = push_then_pop_twice<Queue<Object, ModelAtom, 2>>();
  EXPECT_TRUE(objects.ok()) << objects;
  EXPECT_TRUE(objects.complete);
}

template <typename Q>
Report two_producers() {
  return model::explore<Q>(one_preemption(), push<Q, 1, 1>, push<Q, 2, 1>,
                           [](Q& q) {
                             int sum = 0;
                             for (int i = 0; i < 2; ++i) {
                               typename Q::Element got(0);
                               while (!q.queue.try_pop(got)) Q::pause();
                               sum += got;
                             }
                             model_assert(sum == 3, "each once");
                           });
}

TEST(MpmcQueueModel, TwoProducers) {
  const Report words = two_producers<Queue<int, ModelAtom, 1>>();
  EXPECT_TRUE(words.ok()) << words;
  EXPECT_TRUE(words.complete);
  const Report objects = two_producers<Queue<Object, ModelAtom, 2>>();
  EXPECT_TRUE(objects.ok()) << objects;
  EXPECT_TRUE(objects.complete);
}

// Whoever popped one may use what its pusher wrote before.
template <typename Q>
Report message_passing() {
  return model::explore<Q>(
      {},
      [](Q& q) {
        q.plain = 1;
        (void)q.queue.try_push(typename Q::Element(1));
      },
      [](Q& q) {
        typename Q::Element got(0);
        if (q.queue.try_pop(got))
          model_assert(q.plain == 1, "what went before");
      });
}

TEST(MpmcQueueModel, APushPublishesWhatWentBefore) {
  const Report report = message_passing<Queue<int, ModelAtom, 1>>();
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

template <typename Q>
Report close_and_drain() {
  return model::explore<Q>(
      one_preemption(),
      [](Q& q) { q.plain = q.queue.try_push(typename Q::Element(1)) ? 1 : 0; },
      [](Q& q) { q.queue.close(); },
      [](Q& q) {
        while (!q.queue.closed()) {
          typename Q::Element got(0);
          if (!q.queue.try_pop(got)) Q::pause();
        }
        typename Q::Element got(0);
        model_assert(!q.queue.try_pop(got), "nothing after closed");
        model_assert(!q.queue.try_push(typename Q::Element(2)), "closed");
      });
}

TEST(MpmcQueueModel, NothingComesAfterClosed) {
  const Report words = close_and_drain<Queue<int, ModelAtom, 1>>();
  EXPECT_TRUE(words.ok()) << words;
  const Report objects = close_and_drain<Queue<Object, ModelAtom, 1>>();
  EXPECT_TRUE(objects.ok()) << objects;
}

// Sampled: operations of three threads on two slots, each history checked.
template <typename T>
struct Recorded {
  using Spec = FifoSpec<int>;
  void push(size_t thread, int value) {
    recorder.run(thread,
                 [&] { return Spec::push(value, queue.try_push(T(value))); });
  }
  void pop(size_t thread) {
    recorder.run(thread, [&] {
      T got(0);
      const bool done = queue.try_pop(got);
      return Spec::pop(int{got}, done);
    });
  }
  MpmcQueue<T, ModelAtom> queue{2};
  HistoryRecorder<Spec, ModelAtom> recorder{3};  // its clock orders, too
};

template <typename T>
Report sampled_histories() {
  using R = Recorded<T>;
  return model::explore_with(
      {.samples = soaking() ? 100'000u : 1'500u, .seed = 7},
      [] { return std::make_unique<R>(); },
      [](R& r) {
        const Linearizability result =
            check(FifoSpec<int>(2), r.recorder.history());
        model_assert(result.ok(), result.explanation);
      },
      [](R& r) {
        r.push(0, 1);
        r.push(0, 2);
        r.pop(0);
      },
      [](R& r) {
        r.pop(1);
        r.push(1, 3);
        r.pop(1);
      },
      [](R& r) {
        r.push(2, 4);
        r.pop(2);
        r.push(2, 5);
      });
}

TEST(MpmcQueueModel, SampledHistoriesAreLinearizable) {
  const Report words = sampled_histories<int>();
  EXPECT_TRUE(words.ok()) << words;
  const Report objects = sampled_histories<Object>();
  EXPECT_TRUE(objects.ok()) << objects;
}

// ---- Each order is needed ---------------------------------------------------

template <typename Explore>
Report with(const model::Mutation& mutation, Explore explore) {
  model::mutation = mutation;
  const Report report = explore();
  model::mutation = {};
  return report;
}

// A stamped word whose stamp is exchanged, but not compared.
template <typename T>
class UntaggedAtom : public ModelAtom<T> {
 public:
  using ModelAtom<T>::ModelAtom;
  template <typename... Orders>
  bool compare_exchange_strong(T& expected, T desired,
                               Orders... orders) noexcept {
    if constexpr (requires { expected.stamp; }) {
      expected.stamp = this->load(std::memory_order_relaxed).stamp;
    }
    return ModelAtom<T>::compare_exchange_strong(expected, desired, orders...);
  }
};
}  // namespace
}  // namespace wirebook
template <>
struct wirebook::AtomTraits<wirebook::UntaggedAtom>
    : wirebook::AtomTraits<wirebook::model::ModelAtom> {};
namespace wirebook {
namespace {

// The words are all alike: only the stamp tells a slot that was filled since.
template <template <typename> class Atom>
Report push_what_is_there() {
  struct One {
    MpmcQueue<int, Atom> queue{1};
    int pushed = 0;
  };
  const auto push = [](One& s) { s.pushed += s.queue.try_push(0) ? 1 : 0; };
  return model::explore_with(
      {}, [] { return std::make_unique<One>(); },
      [](One& s) { model_assert(s.pushed == 1, "there is room for one"); },
      push, push);
}
TEST(MpmcQueueModelMutants, AMissingTagIsRed) {
  const Report tagged = push_what_is_there<ModelAtom>();
  EXPECT_TRUE(tagged.ok()) << tagged;
  EXPECT_TRUE(tagged.complete);
  EXPECT_FALSE(push_what_is_there<UntaggedAtom>().ok());
}

using MutantWords = Queue<int, MutantAtom, 1>;
using MutantObjects = Queue<Object, MutantAtom, 1>;

TEST(MpmcQueueModelMutants, TheUnchangedOneIsGreen) {
  EXPECT_TRUE(with({}, message_passing<MutantWords>).ok());
  EXPECT_TRUE(with({}, one_each<MutantObjects>).ok());
}

TEST(MpmcQueueModelMutants, ARelaxedExchangeOfAWordIsRed) {
  EXPECT_FALSE(with({.relax_updates = true, .only_atom = 0},
                    message_passing<MutantWords>)
                   .ok());
}

TEST(MpmcQueueModelMutants, ARelaxedLookAtAWordIsRed) {
  EXPECT_FALSE(
      with({.relax_loads = true, .only_atom = 0}, message_passing<MutantWords>)
          .ok());
}

// The one that pops sees a slot as it was before what its own push followed.
TEST(MpmcQueueModelMutants, RelaxedLooksFailSpuriously) {
  EXPECT_FALSE(with({.relax_loads = true},
                    push_then_pop_twice<Queue<int, MutantAtom, 2>>)
                   .ok());
}

TEST(MpmcQueueModelMutants, ARelaxedStampOfAnObjectIsRed) {
  EXPECT_FALSE(
      with({.relax_stores = true, .only_atom = 0}, one_each<MutantObjects>)
          .ok());
  EXPECT_FALSE(
      with({.relax_loads = true, .only_atom = 0}, one_each<MutantObjects>)
          .ok());
}

// Whose ticket it is says nothing of what went before, for the others.
TEST(MpmcQueueModelMutants, RelaxedTicketsFailSpuriously) {
  EXPECT_FALSE(with({.relax_loads = true, .relax_updates = true},
                    push_then_pop_twice<Queue<Object, MutantAtom, 2>>)
                   .ok());
}

}  // namespace
}  // namespace wirebook
