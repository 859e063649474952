// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/rcu.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "memory/allocation_counter.h"
#include "memory/object_pool.h"
#include "memory/testing/soak.h"

namespace wirebook {
namespace {

// Each object made is destroyed exactly once.
struct Node : rcu_obj_base<Node> {
  static constexpr int kDead = -1;
  explicit Node(int v = 0) : value(v) { ++alive; }
  Node(const Node& other) : rcu_obj_base<Node>(other), value(other.value + 0) {
    ++alive;
  }
  ~Node() {
    EXPECT_NE(value.exchange(kDead), kDead);
    --alive;
  }
  std::atomic<int> value;
  static inline std::atomic<int> alive{0};
};

class Rcu : public testing::Test {
 protected:
  ~Rcu() override {
    rcu_barrier();
    EXPECT_EQ(rcu_default_domain().stats().unreclaimed, 0u);
    EXPECT_EQ(Node::alive.load(), 0);
  }
};

// A thread that is inside a region of the default domain until leave().
class ReaderElsewhere {
 public:
  ReaderElsewhere()
      : thread_([this] {
          const std::scoped_lock region(rcu_default_domain());
          inside_ = true;
          inside_.notify_one();
          left_.wait(false);
        }) {
    inside_.wait(false);
  }
  ~ReaderElsewhere() { leave(); }
  void leave() {
    if (!thread_.joinable()) return;
    left_ = true;
    left_.notify_one();
    thread_.join();
  }

 private:
  std::atomic<bool> inside_{false};
  std::atomic<bool> left_{false};
  std::thread thread_;
};

// Retires so much that whatever may go does.
void retire_more() {
  for (int i = 0; i < 1000; ++i) (new Node)->retire();
}

// The simplest use.
TEST_F(Rcu, KeepsAnObjectThatWasReplacedUntilTheRegionEnds) {
  std::atomic<Node*> current{new Node(1)};
  {
    const std::scoped_lock region(rcu_default_domain());
    const Node* const seen = current.load(std::memory_order_acquire);
    current.exchange(new Node(2))->retire();
    retire_more();
    EXPECT_EQ(seen->value, 1);
  }
  rcu_barrier();
  EXPECT_EQ(Node::alive, 1);
  current.load()->retire();
}

// ---- [saferecl.rcu.domain] ----

static_assert(!std::is_copy_constructible_v<rcu_domain>);
static_assert(!std::is_copy_assignable_v<rcu_domain>);
static_assert(!std::is_move_constructible_v<rcu_domain>);
static_assert(!std::is_move_assignable_v<rcu_domain>);
static_assert(noexcept(std::declval<rcu_domain&>().lock()));
static_assert(noexcept(std::declval<rcu_domain&>().try_lock()));
static_assert(noexcept(std::declval<rcu_domain&>().unlock()));
static_assert(noexcept(rcu_default_domain()));
static_assert(noexcept(rcu_synchronize()));
static_assert(noexcept(rcu_barrier()));

TEST_F(Rcu, DefaultDomainIsAlwaysTheSame) {
  rcu_domain* other = nullptr;
  std::thread([&other] { other = &rcu_default_domain(); }).join();
  EXPECT_EQ(&rcu_default_domain(), other);
}

TEST_F(Rcu, DomainServesEveryStandardLock) {
  { const std::lock_guard region(rcu_default_domain()); }
  { const std::unique_lock region(rcu_default_domain(), std::try_to_lock); }
  std::mutex mutex;
  { const std::scoped_lock both(rcu_default_domain(), mutex); }
}

TEST_F(Rcu, TryLockOpensARegionAndSaysTrue) {
  EXPECT_TRUE(rcu_default_domain().try_lock());
  EXPECT_EQ(rcu_default_domain().readers(1).size(), 1u);
  rcu_default_domain().unlock();
  EXPECT_TRUE(rcu_default_domain().readers(1).empty());
}

TEST_F(Rcu, RegionsNestAndTheOutermostCounts) {
  Node* const node = new Node;
  rcu_default_domain().lock();
  rcu_default_domain().lock();
  node->retire();
  rcu_default_domain().unlock();
  retire_more();
  EXPECT_EQ(node->value, 0);
  rcu_default_domain().unlock();
}

TEST_F(Rcu, SynchronizeWaitsForRegionsThatWereOpen) {
  ReaderElsewhere reader;
  const uint64_t epoch = rcu_default_domain().stats().epoch;
  std::atomic<bool> returned{false};
  std::thread waiting([&] {
    rcu_synchronize();
    returned = true;
  });
  while (rcu_default_domain().stats().epoch == epoch) {
    std::this_thread::yield();
  }
  EXPECT_FALSE(returned);
  reader.leave();
  waiting.join();
}

// A later region may last for as long as it likes.
TEST_F(Rcu, SynchronizeDoesNotWaitForRegionsThatOpenLater) {
  ReaderElsewhere first;
  const uint64_t epoch = rcu_default_domain().stats().epoch;
  std::thread waiting([] { rcu_synchronize(); });
  while (rcu_default_domain().stats().epoch == epoch) {
    std::this_thread::yield();
  }
  ReaderElsewhere second;
  first.leave();
  waiting.join();
}

TEST_F(Rcu, SynchronizeEvaluatesNothingThatOtherThreadsScheduled) {
  bool deleted = false;
  Node node;
  rcu_retire(&node, [&deleted](Node*) { deleted = true; });
  rcu_synchronize();
  EXPECT_FALSE(deleted);
  rcu_barrier();
  EXPECT_TRUE(deleted);
}

TEST_F(Rcu, BarrierEvaluatesAllThatWasScheduledByAnyThread) {
  std::atomic<int> step{0};
  std::thread other([&] {
    rcu_retire(new Node);
    step = 1;
    step.notify_one();
    step.wait(1);
  });
  step.wait(0);
  (new Node)->retire();
  rcu_barrier();
  EXPECT_EQ(Node::alive, 0);
  step = 2;
  step.notify_one();
  other.join();
}

// A deleter that a retire() of another thread is at.
TEST_F(Rcu, BarrierWaitsForDeletersThatAreRunning) {
  std::atomic<int> step{0};
  std::thread other([&step] {
    rcu_retire(new Node, [&step](Node* node) {
      step = 1;
      step.notify_one();
      step.wait(1);
      delete node;
      step = 3;
    });
    retire_more();
  });
  step.wait(0);
  std::atomic<bool> called{false};
  std::thread barrier([&] {
    called = true;
    called.notify_one();
    rcu_barrier();
    EXPECT_EQ(step, 3);
  });
  called.wait(false);
  std::this_thread::yield();
  step = 2;
  step.notify_all();
  barrier.join();
  other.join();
}

TEST_F(Rcu, RetireFunctionUsesItsDeleterAndDefaultDelete) {
  std::string said;
  Node node;
  rcu_retire(&node,
             [&said, text = std::string(100, 'x')](Node*) { said = text; });
  rcu_retire(&node, [&said, mine = std::make_unique<int>(1)](Node*) {
    said += std::to_string(*mine);
  });
  rcu_retire(new int(3));  // Needs no base.
  rcu_barrier();
  EXPECT_EQ(said, std::string(100, 'x') + "1");
}

TEST_F(Rcu, RetireThatFailsToMoveItsDeleterHasDoneNothing) {
  struct Throws {
    Throws() = default;
    Throws(const Throws&) = default;
    Throws(Throws&& other) : moves(other.moves + 1) {
      if (moves > 1) throw 1;
    }
    void operator()(Node*) const {}
    int moves = 0;
  };
  rcu_domain domain;
  Node node;
  EXPECT_THROW(rcu_retire(&node, Throws(), domain), int);
  EXPECT_EQ(domain.stats().unreclaimed, 0u);
  // What was allocated for it is there for the next: these are exceptions.
  const uint64_t before = thread_allocations();
  for (int i = 0; i < 8; ++i) {
    EXPECT_THROW(rcu_retire(&node, Throws(), domain), int);
  }
  EXPECT_EQ(thread_allocations() - before, 8u);
}

TEST_F(Rcu, OwnDomainsKeepOnlyTheirOwn) {
  rcu_domain domain;
  const std::scoped_lock region(rcu_default_domain());
  (new Node)->retire({}, domain);
  rcu_retire(new Node, std::default_delete<Node>(), domain);
  rcu_retire(new Node, {}, domain);
  rcu_barrier(domain);
  EXPECT_EQ(Node::alive, 0);
  rcu_synchronize(domain);
}

// ---- [saferecl.rcu.base] ----

// The base brings no name into a user's class but retire.
struct Chained {
  Chained* next = nullptr;
  int reclaim = 0;
  int deleter_ = 0;
};
struct OfTwoBases : Chained, rcu_obj_base<OfTwoBases> {
  bool is_last() const { return next == nullptr && reclaim + deleter_ == 0; }
};

TEST_F(Rcu, BaseBringsNoNameThatAnotherBaseMayHave) {
  OfTwoBases object;
  EXPECT_TRUE(object.is_last());
}

struct Counted;
struct DeleteCounted {
  void operator()(Counted* counted) const;
  int* count = nullptr;
};
struct Counted : rcu_obj_base<Counted, DeleteCounted> {};  // Incomplete above.
void DeleteCounted::operator()(Counted* counted) const {
  if (count != nullptr) ++*count;
  delete counted;
}
static_assert(noexcept(std::declval<Node&>().retire()));
static_assert(!std::is_default_constructible_v<rcu_obj_base<Node>>);
static_assert(!std::is_destructible_v<rcu_obj_base<Node>>);
static_assert(!std::is_move_constructible_v<rcu_obj_base<Node>>);

TEST_F(Rcu, BaseReclaimsByTheDeleterThatRetireWasGiven) {
  int deleted = 0;
  (new Counted)->retire(DeleteCounted{&deleted});
  (new Counted)->retire();
  rcu_barrier();
  EXPECT_EQ(deleted, 1);
}

TEST_F(Rcu, BaseIsCopiedWithoutWhatItsOriginalIsRetiredWith) {
  Node* const original = new Node(7);
  original->retire();
  auto copy = std::make_unique<Node>(*original);
  Counted one, other;
  other = one;
  rcu_barrier();
  EXPECT_EQ(copy->value, 7);
  copy.release()->retire();
}

TEST_F(Rcu, BaseMayStandBehindOtherBases) {
  struct First {
    int64_t first = 1;
  };
  struct Second : First, rcu_obj_base<Second, std::function<void(Second*)>> {};
  Second* deleted = nullptr;
  Second* const second = new Second;
  second->retire([&deleted](Second* s) {
    deleted = s;
    delete s;
  });
  rcu_barrier();
  EXPECT_EQ(deleted, second);
}

// ---- Extensions: guards and event loops ----

TEST_F(Rcu, ReadGuardIsARegion) {
  Node* const node = new Node;
  {
    const RcuReadGuard region;
    node->retire();
    retire_more();
    EXPECT_EQ(node->value, 0);
  }
}

TEST_F(Rcu, EventLoopKeepsWhatItMaySeeUntilItsQuiescentState) {
  RcuEventLoop loop;
  bool deleted = false;
  Node node;
  rcu_retire(&node, [&deleted](Node*) { deleted = true; });
  retire_more();
  EXPECT_FALSE(deleted);
  loop.quiescent_state();
  retire_more();
  EXPECT_TRUE(deleted);
}

TEST_F(Rcu, EventLoopInsideARegionIsNotQuiescent) {
  RcuEventLoop loop;
  const std::scoped_lock region(rcu_default_domain());
  Node* const node = new Node;
  node->retire();
  retire_more();
  loop.quiescent_state();
  retire_more();
  EXPECT_EQ(node->value, 0);
}

TEST_F(Rcu, EventLoopThatIsOfflineKeepsNothing) {
  RcuEventLoop loop;
  EXPECT_TRUE(loop.is_online());
  loop.offline();
  loop.offline();
  loop.quiescent_state();
  EXPECT_FALSE(loop.is_online());
  (new Node)->retire();
  rcu_barrier();
  EXPECT_EQ(Node::alive, 0);
  loop.online();
  loop.online();
  EXPECT_EQ(rcu_default_domain().readers(1).size(), 1u);
}

TEST_F(Rcu, EventLoopThatIsOfflineEndsNoRegion) {
  RcuEventLoop loop;
  loop.offline();
  bool deleted = false;
  Node node;
  {
    const std::scoped_lock region(rcu_default_domain());
    rcu_retire(&node, [&deleted](Node*) { deleted = true; });
    // Several rounds, as what is free is deleted little by little.
    for (int round = 0; round < 4; ++round) {
      retire_more();
      loop.quiescent_state();
    }
    retire_more();
    EXPECT_FALSE(deleted);
  }
  rcu_barrier();
  EXPECT_TRUE(deleted);
}

TEST_F(Rcu, SynchronizeWaitsForAnEventLoopsQuiescentState) {
  std::atomic<bool> ready{false}, synchronized{false};
  std::atomic<int> turns{0};
  std::thread looping([&] {
    RcuEventLoop loop;
    ready = true;
    ready.notify_one();
    while (!synchronized) {
      loop.quiescent_state();
      ++turns;
    }
  });
  ready.wait(false);
  rcu_synchronize();
  synchronized = true;
  looping.join();
  EXPECT_GT(turns, 0);
}

// ---- Pools, ends, broken invariants ----

struct Slot {
  Slot* next = nullptr;
  uint64_t value = 0;
};

TEST_F(Rcu, PoolThatRecyclesAtOnceCausesNoAba) {
  for (Soak soak; soak.goes_on();) {
    constexpr uint64_t kPerThread = 20000;
    ObjectPool<Slot> pool({.initial_capacity = 64});
    std::atomic<Slot*> head{nullptr};
    const auto push = [&](uint64_t value) {
      Slot* const slot = pool.create(nullptr, value);
      slot->next = head.load();
      while (!head.compare_exchange_weak(slot->next, slot)) {
      }
    };
    const auto pop = [&]() -> uint64_t {
      const RcuReadGuard region;
      Slot* slot = head.load();
      while (slot != nullptr && !head.compare_exchange_weak(slot, slot->next)) {
      }
      if (slot == nullptr) return 0;
      const uint64_t value = slot->value;
      rcu_retire(slot, [&pool](Slot* s) { pool.destroy(s); });
      return value;
    };
    std::atomic<uint64_t> sum{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        for (uint64_t i = 1; i <= kPerThread; ++i) {
          push(i);
          sum += pop();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    while (const uint64_t value = pop()) sum += value;
    EXPECT_EQ(sum, 3 * kPerThread * (kPerThread + 1) / 2);
    rcu_barrier();  // The pool dies first: it checks that nothing is out.
    EXPECT_EQ(pool.stats().in_use, 0u);
  }
}

TEST_F(Rcu, PoolMayDieFirstAfterABarrier) {
  ObjectPool<Slot> outlives;
  {
    ObjectPool<Slot> pool;
    for (int i = 0; i < 10; ++i) {
      rcu_retire(pool.create(), [&pool](Slot* s) { pool.destroy(s); });
    }
    rcu_barrier();
    EXPECT_EQ(pool.stats().in_use, 0u);
  }
}

TEST_F(Rcu, TenThousandThreadsComeAndGo) {
  for (Soak soak; soak.goes_on();) {
    std::atomic<Node*> current{new Node};
    const EpochStats before = rcu_default_domain().stats();
    for (int i = 0; i < 2500; ++i) {
      std::vector<std::thread> threads;
      for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
          const std::scoped_lock region(rcu_default_domain());
          EXPECT_NE(current.load()->value, Node::kDead);
          current.exchange(new Node)->retire();
        });
      }
      for (std::thread& thread : threads) thread.join();
    }
    const EpochStats after = rcu_default_domain().stats();
    EXPECT_EQ(after.retired - before.retired, 10000u);
    EXPECT_LE(after.threads, before.threads + 4u);
    current.load()->retire();
  }
}

TEST_F(Rcu, ThreadMayOutliveTheDomain) {
  auto domain = std::make_unique<rcu_domain>();
  std::atomic<int> step{0};
  std::thread thread([&] {
    { const std::scoped_lock region(*domain); }
    (new Node)->retire({}, *domain);
    step = 1;
    step.notify_one();
    step.wait(1);
    const std::scoped_lock region(rcu_default_domain());
  });
  step.wait(0);
  domain.reset();
  EXPECT_EQ(Node::alive, 0);
  step = 2;
  step.notify_one();
  thread.join();
}

// The object outlives the thread_local that retires it: at the thread's end.
TEST_F(Rcu, ThreadLocalDestructorsMayReadAndRetire) {
  struct AtEnd {
    ~AtEnd() {
      const std::scoped_lock region(rcu_default_domain());
      (new Node)->retire();
    }
  };
  std::thread([] {
    thread_local AtEnd before_first_use;
    static_cast<void>(&before_first_use);
    (new Node)->retire();
  }).join();
  rcu_barrier();
  EXPECT_EQ(Node::alive, 0);
}

struct StaticUser {
  ~StaticUser() {
    rcu_default_domain().lock();
    (new Node)->retire();
    rcu_default_domain().unlock();
    rcu_barrier();
    if (Node::alive != 0) std::abort();
  }
} static_user;

TEST(RcuDeathTest, UnlockWithoutLock) {
  EXPECT_DEATH(rcu_default_domain().unlock(),
               "wirebook: epoch at 0x[0-9a-f]+: left and never entered");
}

TEST(RcuDeathTest, SynchronizeInsideARegion) {
  EXPECT_DEATH(
      {
        rcu_default_domain().lock();
        rcu_synchronize();
      },
      "wirebook: rcu_domain at 0x[0-9a-f]+: waiting for readers inside");
}

TEST(RcuDeathTest, BarrierInsideARegionThoughNothingIsRetired) {
  EXPECT_DEATH(
      {
        rcu_domain domain;
        domain.lock();
        rcu_barrier(domain);
      },
      "wirebook: rcu_domain at 0x[0-9a-f]+: waiting for readers inside");
}

TEST(RcuDeathTest, RetiringAnObjectTwice) {
  Node* const node = new Node;
  node->retire();
  EXPECT_DEATH(node->retire(),
               "wirebook: rcu at 0x[0-9a-f]+: object retired twice");
  rcu_barrier();
}

// ---- Threads ----

// Readers of both kinds.
TEST_F(Rcu, ReadersNeverMeetAReclaimedObject) {
  for (Soak soak; soak.goes_on();) {
    constexpr int kWrites = 20000;
    std::atomic<Node*> current{new Node(1)};
    std::atomic<bool> stop{false};
    const auto check = [&current] {
      EXPECT_GT(current.load(std::memory_order_acquire)->value, 0);
    };
    std::thread reader([&] {
      while (!stop.load(std::memory_order_relaxed)) {
        const std::scoped_lock region(rcu_default_domain());
        check();
      }
    });
    std::thread looping([&] {
      RcuEventLoop loop;
      while (!stop.load(std::memory_order_relaxed)) {
        check();
        check();
        loop.quiescent_state();
      }
    });
    for (int i = 2; i < kWrites; ++i) {
      Node* const old = current.exchange(new Node(i));
      if (i % 1000 == 0) {
        rcu_synchronize();
        delete old;
      } else {
        old->retire();
      }
    }
    stop = true;
    reader.join();
    looping.join();
    current.load()->retire();
  }
}

}  // namespace
}  // namespace wirebook
