// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/event_bus.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "memory/asan_poison.h"
#include "memory/pool_handle.h"
#include "memory/testing/soak.h"

namespace wirebook {
namespace {

using std::chrono::steady_clock;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

WaitDeadline in(std::chrono::milliseconds time) {
  return steady_clock::now() + time;
}

std::vector<int> drain(auto& consumer) {
  std::vector<int> all;
  while (consumer.poll([&all](int event) { all.push_back(event); }) != 0) {
  }
  return all;
}

// Counts what lives.
struct Counted {
  static inline std::atomic<int64_t> made{0};
  static inline std::atomic<int64_t> alive{0};
  static void reset() { made = alive = 0; }

  explicit Counted(uint64_t v = 0) noexcept : value(v) {
    ++made;
    ++alive;
  }
  Counted(const Counted& other) noexcept : Counted(other.value) {}
  Counted& operator=(const Counted& other) noexcept = default;
  ~Counted() {
    value = ~uint64_t{0};
    --alive;
  }
  uint64_t value;
};

// ---- Use
// ----------------------------------------------------------------------

TEST(EventBus, EachConsumerGetsEachEvent) {
  EventBus<int> bus({.capacity = 8});
  auto one = bus.attach({.name = "one"}).value();
  auto two = bus.attach({.name = "two"}).value();

  for (int i = 1; i <= 3; ++i) EXPECT_TRUE(bus.try_publish(i));

  EXPECT_EQ(drain(one), (std::vector{1, 2, 3}));
  EXPECT_EQ(drain(two), (std::vector{1, 2, 3}));
  EXPECT_EQ(drain(two), std::vector<int>{});
}

TEST(EventBus, ManyProducersUseTheSameInterface) {
  EventBus<int, BusProducers::kMany> bus({.capacity = 8});
  auto consumer = bus.attach().value();
  for (int i = 1; i <= 20; ++i) {
    EXPECT_TRUE(bus.try_emplace(i));
    EXPECT_EQ(drain(consumer), std::vector{i});
  }
}

template <typename Bus>
void batches() {
  Bus bus({.capacity = 8});
  auto consumer = bus.attach().value();
  int next = 0;
  int expected = 0;
  while (next < 100) {
    const auto claim = bus.try_claim(5);
    ASSERT_FALSE(claim.empty());
    EXPECT_EQ(claim.first, static_cast<uint64_t>(next));
    for (int& slot : claim) slot = next++;
    EXPECT_TRUE(consumer.peek(1).empty()) << "not published yet";
    bus.publish(claim);
    while (!consumer.peek(3).empty()) {
      const std::span<int> events = consumer.peek(3);
      EXPECT_LE(events.size(), 3u);
      for (int event : events) EXPECT_EQ(event, expected++);
      consumer.consume(events.size());
    }
    EXPECT_EQ(expected, next);
  }
}
TEST(EventBus, ClaimsAndPeeksInBatches) {
  batches<EventBus<int>>();
  batches<EventBus<int, BusProducers::kMany>>();
}

template <typename Bus>
void full() {
  Bus bus({.capacity = 4});
  auto consumer = bus.attach().value();
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(bus.try_publish(i));
  EXPECT_FALSE(bus.try_publish(4)) << "exactly the capacity";
  EXPECT_TRUE(bus.try_claim(1).empty());
  EXPECT_TRUE(bus.claim(1, in(1ms)).empty()) << "the deadline passes";
  consumer.consume(consumer.peek(2).size());
  EXPECT_EQ(bus.try_claim(100).size(), 2u) << "what there is, unpublished";
}
TEST(EventBus, AClaimOfNothingIsEmptyAtOnce) {
  EventBus<int> bus({.capacity = 2});
  EXPECT_TRUE(bus.claim(0).empty());
  EXPECT_TRUE(bus.try_claim(0).empty());
  bus.publish(bus.claim(0));
  EXPECT_TRUE(bus.try_publish(1));
}

TEST(EventBus, AGatingConsumerMakesClaimsFail) {
  full<EventBus<int>>();
  full<EventBus<int, BusProducers::kMany>>();
}

TEST(EventBus, WithoutConsumersEventsGoNowhere) {
  EventBus<int> one({.capacity = 2});
  EventBus<int, BusProducers::kMany> many({.capacity = 2});
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(one.try_publish(i));
    EXPECT_TRUE(many.try_publish(i));
  }
}

TEST(EventBus, AFollowerGetsWhatItsLeadersHaveConsumed) {
  EventBus<int> bus;
  auto journal = bus.attach().value();
  auto parse = bus.attach().value();
  auto apply = bus.attach({.after = {journal.id(), parse.id()}}).value();
  EXPECT_TRUE(bus.try_publish(1));
  EXPECT_TRUE(bus.try_publish(2));

  EXPECT_TRUE(apply.peek(1).empty());
  parse.poll([](int& event) { event *= 10; });
  EXPECT_TRUE(apply.peek(1).empty()) << "the journal comes first, too";
  journal.consume(journal.peek(1).size());
  EXPECT_EQ(drain(apply), std::vector{10});
  journal.consume(journal.peek(1).size());
  EXPECT_EQ(drain(apply), std::vector{20});
}

// A type whose constructor may throw is made before a slot is claimed.
struct Throwing {
  explicit Throwing(int v) : value(v) {
    if (v < 0) throw v;
  }
  Throwing(Throwing&&) noexcept = default;
  int value;
};
TEST(EventBus, AConstructorThatThrowsPublishesNothing) {
  EventBus<Throwing, BusProducers::kMany> bus;
  auto consumer = bus.attach().value();
  EXPECT_THROW((void)bus.try_emplace(-1), int);
  EXPECT_TRUE(bus.try_emplace(1));
  EXPECT_EQ(consumer.peek(8).size(), 1u);
  EXPECT_EQ(consumer.peek(8)[0].value, 1);
}

struct Spent {
  explicit Spent(std::string t) : text(std::move(t)) {}  // may throw
  std::string text;
};
template <typename Bus>
void arguments_stay() {
  Bus bus({.capacity = 2});
  auto consumer = bus.attach().value();
  EXPECT_TRUE(bus.try_emplace("a"));
  EXPECT_TRUE(bus.try_emplace("b"));
  std::string text = "what a retry has to have still";
  EXPECT_FALSE(bus.try_emplace(std::move(text))) << "full";
  EXPECT_EQ(text, "what a retry has to have still");
  consumer.consume(consumer.peek(2).size());
  EXPECT_TRUE(bus.try_emplace(std::move(text)));
  EXPECT_EQ(consumer.peek(1)[0].text, "what a retry has to have still");
  text = "not when closed, either";
  bus.close();
  EXPECT_FALSE(bus.try_emplace(std::move(text)));
  EXPECT_EQ(text, "not when closed, either");
}
TEST(EventBus, ArgumentsThatWereNotUsedStayAlsoIfTheConstructorMayThrow) {
  arguments_stay<EventBus<Spent>>();
  arguments_stay<EventBus<Spent, BusProducers::kMany>>();
}

// ---- Slow consumers
// -------------------------------------------------------------

TEST(EventBusLossy, LosesTheOldestAndIsToldHowMany) {
  EventBus<int> bus({.capacity = 8});
  auto lossy = bus.attach_lossy(WhenSlow::kDrop, {.name = "ui"}).value();
  for (int i = 0; i < 9; ++i) EXPECT_TRUE(bus.try_publish(i));

  std::array<int, 16> out;
  const Received received = lossy.receive(out);
  EXPECT_EQ(received.dropped, 2u) << "a quarter of the ring at a time";
  ASSERT_EQ(received.count, 7u);
  EXPECT_EQ(out[0], 2);
  EXPECT_EQ(out[6], 8);

  const BusHealth health = bus.health();
  EXPECT_EQ(health.published, 9u);
  ASSERT_EQ(health.consumers.size(), 1u);
  EXPECT_EQ(health.consumers[0].name, "ui");
  EXPECT_EQ(health.consumers[0].when_slow, WhenSlow::kDrop);
  EXPECT_EQ(health.consumers[0].dropped, 2u);
  EXPECT_EQ(health.consumers[0].position, 9u);
  EXPECT_EQ(health.consumers[0].lag, 0u);
}

TEST(EventBusLossy, DropsAreReportedAlsoWithoutAnEvent) {
  EventBus<int> bus({.capacity = 1});
  auto leader = bus.attach().value();
  auto lossy =
      bus.attach_lossy(WhenSlow::kDrop, {.after = {leader.id()}}).value();
  EXPECT_TRUE(bus.try_publish(1));
  leader.consume(leader.peek(1).size());
  EXPECT_TRUE(bus.try_publish(2));
  int out;
  const Received received = lossy.receive(out);
  EXPECT_EQ(received.count, 0u) << "2 is not the follower's yet";
  EXPECT_EQ(received.dropped, 1u);
  leader.consume(leader.peek(1).size());
  EXPECT_EQ(lossy.receive(out).dropped, 0u) << "each drop is told once";
  EXPECT_EQ(out, 2);
}

TEST(EventBusLossy, LosesNothingWhileAGatingConsumerIsAsSlow) {
  EventBus<int> bus({.capacity = 4});
  auto gate = bus.attach().value();
  auto lossy = bus.attach_lossy(WhenSlow::kDrop).value();
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(bus.try_publish(i));
  EXPECT_FALSE(bus.try_publish(4));
  std::array<int, 4> out;
  EXPECT_EQ(lossy.receive(out).count, 4u);
}

TEST(EventBusLossy, IsNotMovedBeyondAClaimThatIsStillOpen) {
  EventBus<int, BusProducers::kMany> bus({.capacity = 4});
  auto lossy = bus.attach_lossy(WhenSlow::kDrop).value();
  const auto open = bus.try_claim(1);
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(bus.try_publish(i));
  EXPECT_FALSE(bus.try_publish(4)) << "into the slot of the open claim";
  EXPECT_EQ(bus.health().consumers[0].dropped, 0u);
  *open.begin() = 0;
  bus.publish(open);
  EXPECT_TRUE(bus.try_publish(4));
  std::array<int, 4> got{};
  const Received received = lossy.receive(got);
  EXPECT_EQ(received.dropped, 1u);
  EXPECT_EQ(received.count, 4u);
  EXPECT_EQ(got, (std::array{1, 2, 3, 4}));
}

TEST(EventBusLossy, IsDetachedAndToldSo) {
  EventBus<int, BusProducers::kMany> bus({.capacity = 4});
  auto lossy = bus.attach_lossy(WhenSlow::kDetach).value();
  int out;
  EXPECT_TRUE(bus.try_publish(0));
  EXPECT_EQ(lossy.receive(out).count, 1u);
  for (int i = 1; i < 6; ++i) EXPECT_TRUE(bus.try_publish(i));
  EXPECT_TRUE(lossy.detached());
  EXPECT_TRUE(lossy.finished());
  EXPECT_EQ(lossy.wait(), BusWait::kDetached);
  EXPECT_EQ(lossy.receive(out).count, 0u);
  const ConsumerHealth health = bus.health().consumers.at(0);
  EXPECT_TRUE(health.detached);
  EXPECT_EQ(health.position, 1u) << "where it was";
  EXPECT_EQ(health.lag, 5u);
}

// ---- Coming and going
// ---------------------------------------------------------

TEST(EventBusDynamic, ALateConsumerBeginsWithTheNextEvent) {
  EventBus<int> bus({.capacity = 4});
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(bus.try_publish(i));
  auto late = bus.attach().value();
  EXPECT_EQ(late.position(), 10u);
  EXPECT_TRUE(late.peek(1).empty());
  EXPECT_TRUE(bus.try_publish(10));
  EXPECT_EQ(drain(late), std::vector{10});
}

TEST(EventBusDynamic, WhoLeavesGatesNoMore) {
  EventBus<int> bus({.capacity = 2});
  auto stays = bus.attach().value();
  auto leaves = std::make_optional(bus.attach().value());
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(bus.try_publish(i));
  EXPECT_EQ(drain(stays).size(), 2u);
  EXPECT_FALSE(bus.try_publish(2));
  leaves.reset();
  EXPECT_TRUE(bus.try_publish(2));
  EXPECT_EQ(bus.health().consumers.size(), 1u);
}

TEST(EventBusDynamic, AFollowerGoesOnWithoutItsLeader) {
  EventBus<int> bus({.capacity = 4, .max_consumers = 2});
  auto leader = std::make_optional(bus.attach().value());
  auto follower =
      std::make_optional(bus.attach({.after = {leader->id()}}).value());
  EXPECT_TRUE(bus.try_publish(1));
  leader.reset();
  EXPECT_EQ(drain(*follower), std::vector{1});
  EXPECT_EQ(bus.attach().status().code(), absl::StatusCode::kResourceExhausted)
      << "a newcomer in the leader's slot would be followed";
  follower.reset();
  EXPECT_TRUE(bus.attach().ok());
}

TEST(EventBusDynamic, AFollowerDoesNotOvertakeWhoWentBeforeItsLeader) {
  EventBus<int> bus({.capacity = 4});
  auto journal = bus.attach().value();
  auto enrich =
      std::make_optional(bus.attach({.after = {journal.id()}}).value());
  auto apply = bus.attach({.after = {enrich->id()}}).value();
  EXPECT_TRUE(bus.try_publish(1));
  enrich.reset();
  EXPECT_TRUE(apply.peek(1).empty()) << "the journal has not had it";
  EXPECT_EQ(drain(journal), std::vector{1});
  EXPECT_EQ(drain(apply), std::vector{1});
}

TEST(EventBusDynamic, OthersReportAndLeaveWhileOneWaitsForAClaimUnderWay) {
  EventBus<int, BusProducers::kMany> bus({.capacity = 4});
  auto leaves = std::make_optional(bus.attach().value());
  const auto claim = bus.try_claim(1);
  std::thread late([&] { EXPECT_EQ(bus.attach().value().position(), 1u); });
  while (bus.health().consumers.size() != 2) std::this_thread::yield();
  leaves.reset();
  EXPECT_EQ(bus.health().consumers.size(), 1u);
  std::construct_at(claim.begin(), 7);
  bus.publish(claim);
  late.join();
}

TEST(EventBusDynamic, MovesItsSeat) {
  EventBus<int> bus({.max_consumers = 2});
  auto first = bus.attach({.name = "first"}).value();
  auto second = bus.attach({.name = "second"}).value();
  EXPECT_TRUE(bus.try_publish(1));
  auto moved = std::move(first);
  EXPECT_EQ(drain(moved), std::vector{1});
  moved = std::move(second);
  EXPECT_EQ(drain(moved), std::vector{1});
}

TEST(EventBusDynamic, RefusalsSayWhy) {
  EventBus<int> bus({.max_consumers = 2});
  auto lossy = bus.attach_lossy(WhenSlow::kDrop, {.name = "ui"}).value();
  EXPECT_EQ(bus.attach({.after = {lossy.id()}}).status().message(),
            "EventBus: ConsumerOptions::after names the lossy consumer 'ui', "
            "which may never have had an event: only a gating one can go "
            "first");
  EXPECT_EQ(
      bus.attach({.after = {{.slot = 1, .attachment = 9}}}).status().message(),
      "EventBus: ConsumerOptions::after names a consumer that is not "
      "attached to this bus: attach the first ones first");
  auto gate = bus.attach().value();
  EXPECT_EQ(bus.attach().status().message(),
            "EventBus: all 2 consumer slots are in use: raise "
            "EventBusOptions::max_consumers");
}

// ---- Lifetimes
// ----------------------------------------------------------------

TEST(EventBusLifetime, TheLastConsumerDestroys) {
  Counted::reset();
  {
    EventBus<Counted> bus({.capacity = 4});
    auto one = bus.attach().value();
    auto two = bus.attach().value();
    for (uint64_t i = 0; i < 3; ++i) EXPECT_TRUE(bus.try_emplace(i));
    one.consume(one.peek(3).size());
    EXPECT_EQ(Counted::alive, 3);
    two.consume(two.peek(1).size());
    EXPECT_EQ(Counted::alive, 2);
    EXPECT_TRUE(bus.try_emplace(uint64_t{3}));
  }
  EXPECT_EQ(Counted::made, 4);
  EXPECT_EQ(Counted::alive, 0) << "the bus destroys what is left";
}

TEST(EventBusLifetime, AClaimThatWasNeverPublishedIsNoEvent) {
  Counted::reset();
  {
    EventBus<Counted, BusProducers::kMany> bus({.capacity = 4});
    const auto lost = bus.try_claim(1);
    EXPECT_EQ(lost.size(), 1u);
    EXPECT_TRUE(bus.try_emplace(uint64_t{1}));
  }
  EXPECT_EQ(Counted::made, 1);
  EXPECT_EQ(Counted::alive, 0);
}

struct Trade : Poolable<Trade> {
  void clear() noexcept { price = 0; }
  int64_t price = 0;
};

TEST(EventBusLifetime, APoolHandleGoesHomeWhenTheLastConsumerPassed) {
  EventPool<Trade, 4> pool;
  EventBus<PoolHandle<Trade>> bus({.capacity = 8});
  auto one = bus.attach().value();
  auto two = bus.attach_lossy(WhenSlow::kDrop).value();
  std::optional<PoolHandle<Trade>> trade = pool.acquire();
  (*trade)->price = 42;
  EXPECT_TRUE(bus.try_publish(*std::move(trade)));
  trade.reset();

  EXPECT_EQ(one.poll([](PoolHandle<Trade>& t) { EXPECT_EQ(t->price, 42); }),
            1u);
  EXPECT_EQ(pool.stats().in_use, 1u);
  PoolHandle<Trade> copy;
  EXPECT_EQ(two.receive(copy).count, 1u);
  EXPECT_EQ(copy->price, 42);
  EXPECT_EQ(copy.use_count(), 1u) << "the slot has let go";
  copy.reset();
  EXPECT_EQ(pool.stats().in_use, 0u);
}

TEST(EventBusLifetime, ADroppedPoolHandleGoesHome) {
  EventPool<Trade, 4> pool;
  EventBus<PoolHandle<Trade>> bus({.capacity = 2});
  auto slow = bus.attach_lossy(WhenSlow::kDrop).value();
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(bus.try_publish(*pool.acquire()));
  EXPECT_EQ(pool.stats().in_use, 2u);
  EXPECT_EQ(bus.health().consumers[0].dropped, 18u);
}

TEST(EventBusLifetime, SlotsWithoutAnEventArePoisoned) {
  if (!kPoisons) GTEST_SKIP() << "seen by AddressSanitizer alone";
  EventBus<Counted> bus({.capacity = 2});
  auto consumer = bus.attach().value();
  EXPECT_TRUE(bus.try_emplace(uint64_t{1}));
  const Counted* const event = consumer.peek(1).data();
  EXPECT_FALSE(is_poisoned(event));
  consumer.consume(1);
  EXPECT_TRUE(is_poisoned(event));
}

// ---- Shutdown
// -----------------------------------------------------------------

template <typename Bus>
void close_and_drain() {
  Bus bus;
  auto consumer = bus.attach().value();
  EXPECT_TRUE(bus.try_publish(1));
  bus.close();
  EXPECT_FALSE(bus.try_publish(2));
  EXPECT_TRUE(bus.claim(1).empty()) << "returns at once";
  EXPECT_TRUE(bus.health().closed);
  EXPECT_FALSE(consumer.finished());
  EXPECT_EQ(consumer.wait(), BusWait::kReady);
  EXPECT_EQ(drain(consumer), std::vector{1});
  EXPECT_TRUE(consumer.finished());
  EXPECT_EQ(consumer.wait(), BusWait::kFinished);
  EXPECT_EQ(bus.shutdown(in(0ms)), BusShutdown::kDrained);
}
TEST(EventBusShutdown, CloseLetsConsumersDrain) {
  close_and_drain<EventBus<int>>();
  close_and_drain<EventBus<int, BusProducers::kMany>>();
}

TEST(EventBusShutdown, StopsAtTheDeadlineWhoeverHangs) {
  EventBus<int> bus;
  auto hangs = bus.attach().value();
  EXPECT_TRUE(bus.try_publish(1));
  EXPECT_EQ(bus.shutdown(in(5ms)), BusShutdown::kStopped);
  EXPECT_TRUE(hangs.finished()) << "though an event is there";
  EXPECT_EQ(hangs.wait(), BusWait::kFinished);
}

TEST(EventBusShutdown, AClaimThatIsNeverPublishedEndsAtTheDeadline) {
  EventBus<int> one;
  EXPECT_EQ(one.try_claim(1).size(), 1u);
  auto consumer = one.attach().value();
  EXPECT_EQ(one.shutdown(in(1ms)), BusShutdown::kStopped);
  EventBus<int, BusProducers::kMany> many;
  EXPECT_EQ(many.try_claim(1).size(), 1u);
  EXPECT_EQ(many.shutdown(in(1ms)), BusShutdown::kStopped);
}

TEST(EventBusShutdown, WaitEndsAtItsDeadline) {
  EventBus<int> bus;
  auto consumer = bus.attach().value();
  auto lossy = bus.attach_lossy(WhenSlow::kDrop).value();
  EXPECT_EQ(consumer.wait(in(1ms)), BusWait::kTimedOut);
  EXPECT_EQ(lossy.wait(in(1ms)), BusWait::kTimedOut);
  bus.stop();
  EXPECT_EQ(lossy.wait(), BusWait::kFinished);
}

// ---- Misuse
// ---------------------------------------------------------------------

using EventBusDeathTest = ::testing::Test;

TEST(EventBusDeathTest, MisuseEndsTheProcess) {
  EXPECT_DEATH(EventBus<int>({.capacity = 3}),
               "EventBus 0x[0-9a-f]+: capacity must be a power of two");
  EXPECT_DEATH(EventBus<int>({.max_consumers = 65}),
               "max_consumers must be 1 to 64");
  EventBus<int> bus;
  EXPECT_DEATH((void)bus.attach_lossy(WhenSlow::kGate),
               "a lossy consumer cannot gate");
  auto consumer = bus.attach().value();
  EXPECT_DEATH(consumer.consume(1), "consume of events that are not there");
  const auto claim = bus.try_claim(1);
  claim.slots[0] = 1;
  bus.publish(claim);
  EXPECT_DEATH(bus.publish(claim), "publish of no claim");
  bus.publish({});
  auto leaked = std::make_unique<EventBus<int>>();
  auto seat = leaked->attach().value();
  EXPECT_DEATH(leaked.reset(), "destroyed with consumers attached");
  seat = bus.attach().value();
}

// ---- Threads
// --------------------------------------------------------------------

// Producers, each with a count of its own in the high bits; a journal, a book
// after it, and a lossy one; every event made dies once, and each consumer sees
// each producer's events in order, without gaps but those it is told of.
template <BusProducers kProducers, typename Wait>
void stress(uint64_t producers, uint64_t each, size_t capacity) {
  Counted::reset();
  {
    EventBus<Counted, kProducers, Wait> bus({.capacity = capacity});
    auto journal = bus.attach({.name = "journal"}).value();
    auto book = bus.attach({.after = {journal.id()}}).value();
    auto ui = bus.attach_lossy(WhenSlow::kDrop).value();
    const auto gating = [&](auto& consumer) {
      std::vector<uint64_t> next(producers, 0);
      while (consumer.wait() == BusWait::kReady) {
        consumer.poll(
            [&](Counted& event) {
              EXPECT_EQ(event.value & 0xffffffff, next[event.value >> 32]++);
            },
            7);
      }
      for (uint64_t count : next) EXPECT_EQ(count, each);
    };
    std::vector<std::thread> threads;
    threads.reserve(3);
    threads.emplace_back([&] { gating(journal); });
    threads.emplace_back([&] { gating(book); });
    threads.emplace_back([&] {
      std::array<Counted, 5> out;
      uint64_t count = 0;
      uint64_t dropped = 0;
      std::vector<uint64_t> next(producers, 0);
      while (ui.wait() == BusWait::kReady) {
        const Received received = ui.receive(out);
        dropped += received.dropped;
        count += received.count;
        for (size_t i = 0; i != received.count; ++i) {
          uint64_t& n = next[out[i].value >> 32];
          EXPECT_GE(out[i].value & 0xffffffff, n) << "in order";
          n = (out[i].value & 0xffffffff) + 1;
        }
      }
      EXPECT_EQ(count + dropped, producers * each);
    });
    std::vector<std::thread> publishing;
    publishing.reserve(3);
    for (uint64_t p = 0; p != producers; ++p) {
      publishing.emplace_back([&, p] {
        for (uint64_t i = 0; i != each;) {
          const auto claim = bus.claim(std::min(1 + i % 3, each - i));
          for (Counted& slot : claim) {
            std::construct_at(&slot, p << 32 | i++);
          }
          bus.publish(claim);
        }
      });
    }
    for (std::thread& thread : publishing) thread.join();
    EXPECT_EQ(bus.shutdown(steady_clock::now() + 60s), BusShutdown::kDrained);
    for (std::thread& thread : threads) thread.join();
    const BusHealth health = bus.health();
    EXPECT_EQ(health.published, producers * each);
    for (const ConsumerHealth& c : health.consumers) EXPECT_EQ(c.lag, 0u);
  }
  EXPECT_EQ(Counted::alive, 0);
}

constexpr uint64_t kEvents = 3'000;

TEST(EventBusThreads, OneProducer) {
  for (Soak soak; soak.goes_on();) {
    stress<BusProducers::kOne, FutexWait>(1, kEvents, 64);
    stress<BusProducers::kOne, SpinYieldWait>(1, kEvents / 3, 2);
  }
}
TEST(EventBusThreads, ManyProducers) {
  for (Soak soak; soak.goes_on();) {
    stress<BusProducers::kMany, FutexWait>(3, kEvents / 3, 64);
    stress<BusProducers::kMany, SpinYieldWait>(2, kEvents / 3, 4);
  }
}
TEST(EventBusThreads, BusySpin) {
  for (Soak soak; soak.goes_on();) {
    stress<BusProducers::kOne, BusySpinWait>(1, 300, 64);
  }
}

// Consumers come and go while two producers publish: each sees consecutive
// numbers' events from where it began.
TEST(EventBusThreads, ConsumersComeAndGo) {
  for (Soak soak; soak.goes_on();) {
    Counted::reset();
    {
      EventBus<Counted, BusProducers::kMany> bus(
          {.capacity = 16, .max_consumers = 3});
      std::vector<std::thread> publishing;
      publishing.reserve(3);
      for (int p = 0; p != 2; ++p) {
        publishing.emplace_back([&] {
          for (;;) {
            const auto claim = bus.claim(1);
            if (claim.empty()) return;
            std::construct_at(claim.begin(), claim.first);
            bus.publish(claim);
          }
        });
      }
      std::vector<std::thread> coming;
      coming.reserve(2);
      for (int c = 0; c != 2; ++c) {
        coming.emplace_back([&] {
          for (int turn = 0; turn != 50; ++turn) {
            auto consumer = bus.attach().value();
            uint64_t next = consumer.position();
            for (int i = 0; i != 10; ++i) {
              EXPECT_EQ(consumer.wait(), BusWait::kReady);
              consumer.poll(
                  [&](Counted& event) { EXPECT_EQ(event.value, next++); });
            }
          }
        });
      }
      for (std::thread& thread : coming) thread.join();
      bus.stop();
      for (std::thread& thread : publishing) thread.join();
    }
    EXPECT_EQ(Counted::alive, 0);
  }
}

// Each takes a seat, an event that it saw published, and leaves.
TEST(EventBusThreads, TenThousandThreadsComeAndGo) {
  Counted::reset();
  {
    EventBus<Counted, BusProducers::kMany> bus(
        {.capacity = 8, .max_consumers = 4});
    for (int i = 0; i != 2'500; ++i) {
      std::array<std::thread, 4> threads;
      for (std::thread& thread : threads) {
        thread = std::thread([&bus] {
          auto consumer = bus.attach().value();
          const auto claim = bus.claim(1);
          std::construct_at(claim.begin(), claim.first);
          bus.publish(claim);
          while (consumer.position() <= claim.first) {
            EXPECT_EQ(consumer.wait(), BusWait::kReady);
            consumer.poll([](Counted&) {});
          }
        });
      }
      for (std::thread& thread : threads) thread.join();
    }
    EXPECT_EQ(bus.health().published, 10'000u);
    EXPECT_TRUE(bus.health().consumers.empty());
  }
  EXPECT_EQ(Counted::made, 10'000);
  EXPECT_EQ(Counted::alive, 0);
}

}  // namespace
}  // namespace wirebook
