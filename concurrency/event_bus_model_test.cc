// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// EventBus in every interleaving of small configurations, with every stale
// value that its orders allow. Uses of a slot by two threads, one of which
// writes, that nothing orders are data races: so a slot that is overwritten
// under a reader, or read before it is published, is a failure.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <type_traits>

#include "concurrency/atom_traits.h"
#include "concurrency/event_bus.h"
#include "concurrency/testing/model.h"
#include "concurrency/testing/mutant_atom.h"
#include "concurrency/wait_strategy.h"
#include "gtest/gtest.h"
#include "memory/testing/soak.h"

namespace wirebook {
namespace {

using model::model_assert;
using model::ModelAtom;
using model::MutantAtom;
using model::Options;
using model::Report;
using model::Scheduler;

// An event that nobody destroys, whose uses are seen nevertheless.
class Plain {
 public:
  Plain(int value = 0) noexcept : value_(value) { note(&Scheduler::write); }
  Plain(const Plain& other) noexcept : Plain(other.get()) {}
  Plain& operator=(const Plain& other) noexcept {
    value_ = other.get();
    note(&Scheduler::write);
    return *this;
  }
  int get() const noexcept {
    note(&Scheduler::read);
    return value_;
  }
  operator int() const noexcept { return get(); }

 private:
  void note(void (Scheduler::*use)(const void*)) const noexcept {
    if (Scheduler* const s = Scheduler::here()) (s->*use)(this);
  }
  int value_;
};
static_assert(std::is_trivially_destructible_v<Plain>);

// An event that somebody must destroy, once.
class Owned {
 public:
  static inline int alive = 0;

  Owned(int value = 0) noexcept : value_(value) {
    note(&Scheduler::begin);
    ++alive;
  }
  Owned(const Owned& other) noexcept : Owned(other.get()) {}
  Owned& operator=(const Owned& other) noexcept {
    value_ = other.get();
    note(&Scheduler::write);
    return *this;
  }
  ~Owned() {
    note(&Scheduler::end);
    --alive;
  }
  int get() const noexcept {
    note(&Scheduler::read);
    return value_;
  }
  operator int() const noexcept { return get(); }

 private:
  void note(void (Scheduler::*use)(const void*)) const noexcept {
    if (Scheduler* const s = Scheduler::here()) (s->*use)(this);
  }
  int value_;
};

template <typename T, BusProducers kProducers, size_t kCapacity,
          template <typename> class Atom,
          template <template <typename> class> class Wait = BasicBusySpinWait>
struct State {
  using Event = T;
  using Bus = EventBus<T, kProducers, Wait<Atom>, Atom>;
  using Consumer = typename Bus::Consumer;
  using Lossy = typename Bus::LossyConsumer;
  static void pause() { AtomTraits<Atom>::pause(); }

  void emplace(int value) {
    while (!bus.try_emplace(value)) pause();
  }
  static void expect(Consumer& from, int value) {
    while (from.peek(1).empty()) pause();
    model_assert(int{from.peek(1)[0]} == value, "in order, each once");
    from.consume(1);
  }

  Bus bus{{.capacity = kCapacity, .max_consumers = 2}};
  std::optional<Consumer> a;
  std::optional<Consumer> b;
  std::optional<Lossy> lossy;
};

template <typename T, BusProducers kProducers = BusProducers::kOne,
          size_t kCapacity = 1, template <typename> class Atom = ModelAtom>
using Of = State<T, kProducers, kCapacity, Atom>;

template <typename S>
std::unique_ptr<S> one_consumer() {
  auto s = std::make_unique<S>();
  s->a.emplace(s->bus.attach().value());
  return s;
}
template <typename S>
std::unique_ptr<S> two_in_a_row() {
  auto s = one_consumer<S>();
  s->b.emplace(s->bus.attach({.after = {s->a->id()}}).value());
  return s;
}
template <typename S>
std::unique_ptr<S> two_beside() {
  auto s = one_consumer<S>();
  s->b.emplace(s->bus.attach().value());
  return s;
}
template <typename S, WhenSlow kWhenSlow = WhenSlow::kDrop>
std::unique_ptr<S> one_lossy() {
  auto s = std::make_unique<S>();
  s->lossy.emplace(s->bus.attach_lossy(kWhenSlow).value());
  return s;
}

template <typename S>
void nothing(S&) {}

void expect_complete(const Report& report) {
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
  std::printf("[          ] %llu executions\n",
              static_cast<unsigned long long>(report.executions));
}

// Where all interleavings take long, an ordinary run samples them.
Options all_or_some() {
  return {.samples = soaking() ? 0u : 1'500u, .seed = 11};
}
void expect_good(const Report& report) {
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_EQ(report.complete, soaking());
}

// ---- Gating -----------------------------------------------------------------

template <typename S, int kCount>
Report hand_over(Options options = {}) {
  return model::explore_with(
      options, one_consumer<S>, nothing<S>,
      [](S& s) {
        for (int i = 1; i <= kCount; ++i) s.emplace(i);
      },
      [](S& s) {
        for (int i = 1; i <= kCount; ++i) S::expect(*s.a, i);
        model_assert(s.a->peek(1).empty(), "nothing is left");
      });
}

TEST(EventBusModel, OneSlotHandsOverThreePlainEvents) {
  expect_complete(hand_over<Of<Plain>, 3>());
}
TEST(EventBusModel, OneSlotHandsOverTwoOwnedEvents) {
  expect_complete(hand_over<Of<Owned>, 2>());
}
TEST(EventBusModel, TwoSlotsWrap) {
  using S = Of<Plain, BusProducers::kOne, 2>;
  expect_complete(soaking() ? hand_over<S, 4>() : hand_over<S, 3>());
}
TEST(EventBusModel, StampsHandOver) {
  expect_complete(hand_over<Of<Plain, BusProducers::kMany>, 3>());
  expect_complete(hand_over<Of<Owned, BusProducers::kMany>, 2>());
}

template <typename S, int kCount, typename SetUp>
Report two_consumers(SetUp set_up, Options options = {}) {
  return model::explore_with(
      options, set_up, nothing<S>,
      [](S& s) {
        for (int i = 1; i <= kCount; ++i) s.emplace(i);
      },
      [](S& s) {
        for (int i = 1; i <= kCount; ++i) S::expect(*s.a, i);
      },
      [](S& s) {
        for (int i = 1; i <= kCount; ++i) S::expect(*s.b, i);
      });
}

TEST(EventBusModel, ConsumersBesideEachOther) {
  using S = Of<Plain>;
  expect_complete(two_consumers<S, 2>(two_beside<S>));
}
TEST(EventBusModel, ConsumersInARow) {
  using S = Of<Plain>;
  expect_complete(two_consumers<S, 2>(two_in_a_row<S>));
}

// The first writes to an event that the second then reads.
template <typename S>
Report write_then_read() {
  return model::explore_with(
      {}, two_in_a_row<S>, nothing<S>, [](S& s) { s.emplace(1); },
      [](S& s) {
        while (s.a->peek(1).empty()) S::pause();
        s.a->peek(1)[0] = Plain(7);
        s.a->consume(1);
      },
      [](S& s) { S::expect(*s.b, 7); });
}
TEST(EventBusModel, ASecondConsumerSeesWhatTheFirstWrote) {
  expect_complete(write_then_read<Of<Plain>>());
}

// Whoever is last destroys, at once; an Owned event that dies twice, or is used
// after its end, is a failure of the model.
template <typename S>
Report last_one_destroys(Options options = {}) {
  return model::explore_with(
      options,
      [] {
        Owned::alive = 0;
        auto s = two_beside<S>();
        s->emplace(1);
        return s;
      },
      [](S& s) {
        model_assert(Owned::alive == 0, "both passed: it is gone");
        model_assert(s.bus.try_emplace(2), "and its slot is free");
      },
      [](S& s) { S::expect(*s.a, 1); }, [](S& s) { S::expect(*s.b, 1); });
}
TEST(EventBusModel, TheLastOfTwoConsumersDestroys) {
  expect_complete(last_one_destroys<Of<Owned>>());
}

template <typename S>
Report two_producers(Options options = {}) {
  return model::explore_with(
      options, one_consumer<S>, nothing<S>, [](S& s) { s.emplace(1); },
      [](S& s) { s.emplace(2); },
      [](S& s) {
        int sum = 0;
        for (int i = 0; i != 2; ++i) {
          while (s.a->peek(1).empty()) S::pause();
          sum += int{s.a->peek(1)[0]};
          s.a->consume(1);
        }
        model_assert(sum == 3, "each once");
      });
}
TEST(EventBusModel, TwoProducersOneSlot) {
  expect_complete(two_producers<Of<Plain, BusProducers::kMany>>());
}
TEST(EventBusModel, TwoProducersTwoSlots) {
  expect_complete(two_producers<Of<Plain, BusProducers::kMany, 2>>());
}

// Both slots become free at once: one producer looks, and the other takes its
// word for it.
template <typename S>
Report second_claim_needs_no_look() {
  return model::explore_with(
      {},
      [] {
        auto s = one_consumer<S>();
        s->emplace(1);
        s->emplace(2);
        return s;
      },
      nothing<S>, [](S& s) { (void)s.bus.try_emplace(3); },
      [](S& s) { (void)s.bus.try_emplace(4); },
      [](S& s) {
        for (const auto& event : s.a->peek(2)) (void)event.get();
        s.a->consume(2);
      });
}
TEST(EventBusModel, ProducersShareALook) {
  expect_complete(
      second_claim_needs_no_look<Of<Plain, BusProducers::kMany, 2>>());
}

// ---- Lossy ------------------------------------------------------------------

// The producer never waits but for a copy; the consumer never reads a slot that
// is being overwritten, and knows what it lost.
template <typename S, int kCount = 3>
Report drop(Options options = {}) {
  return model::explore_with(
      options, one_lossy<S>, nothing<S>,
      [](S& s) {
        for (int i = 1; i <= kCount; ++i) s.emplace(i);
        s.bus.close();
      },
      [](S& s) {
        uint64_t expected = 1;
        while (!s.lossy->finished()) {
          typename S::Event got;
          const Received received = s.lossy->receive(got);
          expected += received.dropped;
          if (received.count == 0) {
            S::pause();
            continue;
          }
          model_assert(int{got} == int(expected), "the number says which");
          ++expected;
        }
        model_assert(expected == kCount + 1, "received or dropped");
        const BusHealth health = s.bus.health();
        model_assert(health.consumers[0].lag == 0, "all consumed");
      });
}

TEST(EventBusModel, ADroppingConsumerOfOneSlot) {
  expect_good(drop<Of<Plain>, 2>(all_or_some()));
  expect_good(drop<Of<Owned>, 2>(all_or_some()));
}
TEST(EventBusModel, ADroppingConsumerOfTwoSlots) {
  expect_good(drop<Of<Plain, BusProducers::kOne, 2>>(all_or_some()));
}

template <typename S>
Report detach_slow() {
  return model::explore_with(
      {}, one_lossy<S, WhenSlow::kDetach>, nothing<S>,
      [](S& s) {
        for (int i = 1; i <= 2; ++i) s.emplace(i);
        s.bus.close();
      },
      [](S& s) {
        int last = 0;
        while (!s.lossy->finished()) {
          typename S::Event got;
          if (s.lossy->receive(got).count == 1) {
            model_assert(int{got} == ++last, "no gap before it is detached");
          } else {
            S::pause();
          }
        }
        model_assert(last == 2 || s.lossy->detached(), "or told so");
      });
}
TEST(EventBusModel, ASlowConsumerIsDetached) {
  expect_complete(detach_slow<Of<Plain>>());
}

// What a producer drops of one consumer is not charged to the next in its
// place.
template <BusProducers kProducers>
Report another_in_its_place() {
  using S = Of<Plain, kProducers>;
  return model::explore_with(
      {.preemptions = 2},
      [] {
        auto s = one_lossy<S>();
        s->emplace(1);
        return s;
      },
      [](S& s) {
        const BusHealth health = s.bus.health();
        typename S::Event event;
        model_assert(
            health.consumers[0].dropped == s.lossy->receive(event).dropped,
            "as it is told itself");
      },
      [](S& s) { (void)s.bus.try_emplace(2); },
      [](S& s) {
        s.lossy.reset();
        s.lossy.emplace(s.bus.attach_lossy(WhenSlow::kDrop).value());
      });
}
TEST(EventBusModel, DropsAreThoseOfTheConsumerThatHadThem) {
  expect_complete(another_in_its_place<BusProducers::kOne>());
  expect_complete(another_in_its_place<BusProducers::kMany>());
}

// ---- Coming, going, closing -------------------------------------------------

// A dynamic consumer gets what is claimed after it attached, and no slot is
// overwritten before it has: of its start and a producer's look at the
// consumers, one sees the other.
template <typename S>
Report attach_late(Options options = {}) {
  return model::explore_with(
      options, one_consumer<S>, nothing<S>,
      [](S& s) {
        for (int i = 0; i != 2; ++i) (void)s.bus.try_emplace(i);
      },
      [](S& s) { (void)s.a->poll([](auto&) {}); },
      [](S& s) {
        s.b.emplace(s.bus.attach().value());
        const auto next = static_cast<int>(s.b->position());
        for (auto& event : s.b->peek(1)) {
          model_assert(int{event} == next, "the number says which");
        }
      });
}
TEST(EventBusModel, ADynamicConsumerMissesNothing) {
  expect_complete(attach_late<Of<Plain>>());
}
TEST(EventBusModel, ADynamicConsumerOfTwoProducersMissesNothing) {
  expect_complete(attach_late<Of<Plain, BusProducers::kMany>>());
}

// Of consumers that attach during a look it may see the second alone, and of
// events only those that came after: a look frees nothing that was not
// published when it began.
template <typename S, int kLate>
Report attach_during_a_look(Options options = {}) {
  return model::explore_with(
      options,
      [] {
        auto s = two_beside<S>();
        s->a.reset();
        s->b.reset();
        s->emplace(0);
        return s;
      },
      nothing<S>, [](S& s) { (void)s.bus.try_emplace(7); },
      [](S& s) {
        s.a.emplace(s.bus.attach().value());
        if (!s.bus.try_emplace(8)) return;
        if (kLate == 2) s.b.emplace(s.bus.attach().value());
        for (auto& event : s.a->peek(1)) (void)int{event};
      });
}
TEST(EventBusModel, ALookFreesNothingOfWhoAttachesMeanwhile) {
  using S = Of<Plain, BusProducers::kMany>;
  expect_complete(attach_during_a_look<S, 1>());
  expect_complete(
      attach_during_a_look<S, 2>({.preemptions = soaking() ? 2u : 1u}));
}

// The same look, by a consumer that leaves.
TEST(EventBusModel, WhoLeavesDestroysNothingOfWhoAttachesMeanwhile) {
  using S = Of<Owned>;
  expect_complete(model::explore_with(
      {}, one_consumer<S>, nothing<S>, [](S& s) { s.a.reset(); },
      [](S& s) {
        s.b.emplace(s.bus.attach().value());
        if (!s.bus.try_emplace(8)) return;
        for (auto& event : s.b->peek(1)) (void)int{event};
      }));
}

// Of a claim and a close at one time one sees the other: nothing is published
// behind the back of a consumer that has finished.
template <typename S>
Report close_while_publishing() {
  return model::explore_with(
      {}, one_consumer<S>,
      [](S& s) {
        model_assert(s.bus.health().consumers[0].lag == 0, "nothing is left");
      },
      [](S& s) { (void)s.bus.try_emplace(1); }, [](S& s) { s.bus.close(); },
      [](S& s) {
        while (!s.a->finished()) {
          if (s.a->poll([](auto&) {}) == 0) S::pause();
        }
      });
}
TEST(EventBusModel, ClosedMeansDrained) {
  expect_complete(close_while_publishing<Of<Plain>>());
  expect_complete(close_while_publishing<Of<Plain, BusProducers::kMany>>());
}

// Sleeps at once.
template <template <typename> class Atom>
struct SleepWait : BasicFutexWait<Atom> {
  SleepWait() : BasicFutexWait<Atom>(0) {}
};

// A consumer that sleeps while a claim meets the close wakes up, and is told
// that it has all: a lost wake-up is a deadlock.
template <BusProducers kProducers>
Report close_while_asleep(uint32_t preemptions) {
  using S = State<Plain, kProducers, 2, ModelAtom, SleepWait>;
  return model::explore_with(
      {.preemptions = preemptions}, one_consumer<S>, nothing<S>,
      [](S& s) {
        (void)s.bus.try_emplace(1);
        (void)s.bus.try_emplace(2);
      },
      [](S& s) { s.bus.close(); },
      [](S& s) {
        while (s.a->wait() == BusWait::kReady) (void)s.a->poll([](auto&) {});
        model_assert(s.a->peek(1).empty(), "nothing more has come");
      });
}
TEST(EventBusModel, ACloseWakesWhoSleeps) {
  const uint32_t more = soaking() ? 1 : 0;
  const Report one = close_while_asleep<BusProducers::kOne>(1 + more);
  EXPECT_TRUE(one.ok()) << one;
  const Report many = close_while_asleep<BusProducers::kMany>(more);
  EXPECT_TRUE(many.ok()) << many;
}

// Likewise, without events, when it is stopped; and a producer that sleeps
// while the ring is full.
template <BusProducers kProducers>
void stop_while_asleep() {
  using S = State<Plain, kProducers, 1, ModelAtom, SleepWait>;
  const auto stop = [](S& s) { s.bus.stop(); };
  const Report consumer = model::explore_with(
      {.preemptions = 2}, one_consumer<S>, nothing<S>, stop, [](S& s) {
        model_assert(s.a->wait() == BusWait::kFinished, "and told so");
      });
  EXPECT_TRUE(consumer.ok()) << consumer;
  const Report producer = model::explore_with(
      {.preemptions = 2},
      [] {
        auto s = one_consumer<S>();
        s->emplace(1);
        return s;
      },
      nothing<S>, stop,
      [](S& s) { model_assert(s.bus.claim(1).empty(), "no claim any more"); });
  EXPECT_TRUE(producer.ok()) << producer;
}
TEST(EventBusModel, AStopWakesWhoSleeps) {
  stop_while_asleep<BusProducers::kOne>();
  stop_while_asleep<BusProducers::kMany>();
}

// A consumer that attaches gates, until it knows where it begins, from before
// what was published meanwhile; who sleeps behind that wakes up.
TEST(EventBusModel, AnAttachWakesWhoSleptBehindIt) {
  using S = State<Plain, BusProducers::kOne, 1, ModelAtom, SleepWait>;
  const Report report = model::explore_with(
      {.preemptions = 1}, [] { return std::make_unique<S>(); }, nothing<S>,
      [](S& s) {
        model_assert(s.bus.try_emplace(1), "nobody gates");
        model_assert(s.bus.claim(1).size() == 1, "nor does who comes later");
      },
      [](S& s) {
        s.a.emplace(s.bus.attach().value());
        if (s.a->position() == 0) S::expect(*s.a, 1);
      });
  EXPECT_TRUE(report.ok()) << report;
}

// Who sleeps behind a consumer that leaves wakes up: a producer, a follower.
TEST(EventBusModel, WhoLeavesWakesWhoSleeps) {
  using S = State<Plain, BusProducers::kOne, 1, ModelAtom, SleepWait>;
  const auto full = [](auto made) {
    return [made] {
      auto s = made();
      s->emplace(1);
      return s;
    };
  };
  const auto leave = [](S& s) { s.a.reset(); };
  const Report producer = model::explore_with(
      {.preemptions = 2}, full(one_consumer<S>), nothing<S>,
      [](S& s) { model_assert(s.bus.claim(1).size() == 1, "gated no more"); },
      leave);
  EXPECT_TRUE(producer.ok()) << producer;
  const Report follower = model::explore_with(
      {.preemptions = 2}, full(two_in_a_row<S>), nothing<S>,
      [](S& s) {
        model_assert(s.b->wait() == BusWait::kReady, "goes before nobody");
        S::expect(*s.b, 1);
      },
      leave);
  EXPECT_TRUE(follower.ok()) << follower;
}

// ---- Each order is needed ---------------------------------------------------

template <typename Explore>
Report with(const model::Mutation& mutation, Explore explore) {
  model::mutation = mutation;
  const Report report = explore();
  model::mutation = {};
  return report;
}

template <typename T, BusProducers kProducers = BusProducers::kOne>
using Mutants = Of<T, kProducers, 1, MutantAtom>;

// In the order in which a bus of one slot and two consumers makes its atoms.
enum Atoms : int64_t { kCursor = 0, kClosed = 3, kWordA = 4, kFreed = 14 };
constexpr int64_t kReclaims = 13;
enum AtomsOfMany : int64_t { kFree = 1, kStamp = 2, kWordAOfMany = 3 };

template <typename Explore>
void expect_red(int64_t atom, Explore explore) {
  EXPECT_TRUE(with({}, explore).ok()) << "unchanged";
  EXPECT_FALSE(with({.relax_stores = true, .only_atom = atom}, explore).ok())
      << "stores of atom " << atom;
  EXPECT_FALSE(with({.relax_loads = true, .only_atom = atom}, explore).ok())
      << "loads of atom " << atom;
}

TEST(EventBusModelMutants, ARelaxedCursorIsRed) {
  expect_red(kCursor, [] { return hand_over<Mutants<Plain>, 2>(); });
}
TEST(EventBusModelMutants, ARelaxedPositionIsRed) {
  expect_red(kWordA, [] { return hand_over<Mutants<Plain>, 2>(); });
  expect_red(kWordA, [] { return write_then_read<Mutants<Plain>>(); });
  expect_red(kWordAOfMany, [] {
    return hand_over<Mutants<Plain, BusProducers::kMany>, 2>();
  });
}
TEST(EventBusModelMutants, ARelaxedStampIsRed) {
  expect_red(kStamp, [] {
    return hand_over<Mutants<Plain, BusProducers::kMany>, 2>();
  });
}
TEST(EventBusModelMutants, ARelaxedHintOfRoomIsRed) {
  expect_red(kFree, [] {
    return second_claim_needs_no_look<
        Of<Plain, BusProducers::kMany, 2, MutantAtom>>();
  });
}
TEST(EventBusModelMutants, ARelaxedEndOfLifeIsRed) {
  expect_red(kFreed, [] { return hand_over<Mutants<Owned>, 2>(); });
  EXPECT_FALSE(with({.relax_updates = true, .only_atom = kReclaims}, [] {
                 return last_one_destroys<Mutants<Owned>>();
               }).ok());
}
TEST(EventBusModelMutants, ACopyThatIsNotReleasedIsRed) {
  expect_red(kWordA, [] { return drop<Mutants<Plain>, 2>(); });
}
TEST(EventBusModelMutants, ADroppedFenceLosesANewConsumer) {
  const auto late = [] { return attach_late<Mutants<Plain>>(); };
  EXPECT_TRUE(with({}, late).ok());
  EXPECT_FALSE(with({.drop_light_fences = true}, late).ok());
  EXPECT_FALSE(with({.drop_heavy_fences = true}, late).ok());
}
TEST(EventBusModelMutants, ADroppedFenceLosesAnEventAtTheClose) {
  const auto close = [] { return close_while_publishing<Mutants<Plain>>(); };
  EXPECT_TRUE(with({}, close).ok());
  EXPECT_FALSE(with({.drop_light_fences = true}, close).ok());
  EXPECT_FALSE(with({.drop_heavy_fences = true}, close).ok());
  EXPECT_FALSE(with({.relax_loads = true, .only_atom = kClosed}, close).ok());
}
}  // namespace
}  // namespace wirebook
