// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/epoch.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "memory/object_pool.h"
#include "memory/testing/soak.h"

namespace wirebook {
namespace {

// Each object made is destroyed exactly once.
struct Node {
  static constexpr int kDead = -1;
  explicit Node(int v = 0) : value(v) { ++alive; }
  ~Node() {
    EXPECT_NE(value.exchange(kDead), kDead);
    --alive;
  }
  std::atomic<int> value;
  static inline std::atomic<int> alive{0};
};

class Epoch : public testing::Test {
 protected:
  ~Epoch() override {
    default_epoch_domain().barrier();
    EXPECT_EQ(default_epoch_domain().stats().unreclaimed, 0u);
    EXPECT_EQ(Node::alive.load(), 0);
  }
};

// A thread that is inside a guard of `domain` until leave().
class ReaderElsewhere {
 public:
  explicit ReaderElsewhere(EpochDomain& domain)
      : thread_([this, &domain] {
          const EpochGuard guard(domain);
          inside_ = gettid();
          inside_.notify_one();
          left_.wait(false);
        }) {
    inside_.wait(0);
  }
  ~ReaderElsewhere() { leave(); }

  void leave() {
    if (!thread_.joinable()) return;
    left_ = true;
    left_.notify_one();
    thread_.join();
  }
  int thread_id() const { return inside_; }

 private:
  std::atomic<int> inside_{0};
  std::atomic<bool> left_{false};
  std::thread thread_;
};

// The simplest use: an object outlives the guard that may have met it.
TEST_F(Epoch, KeepsARetiredObjectUntilTheReadersOfItsTimeHaveLeft) {
  EpochDomain domain;
  ReaderElsewhere reader(domain);
  domain.retire(new Node);
  EXPECT_FALSE(domain.try_advance());
  EXPECT_EQ(Node::alive, 1);

  reader.leave();
  EXPECT_TRUE(domain.try_advance());
  EXPECT_EQ(Node::alive, 0);
}

TEST_F(Epoch, LaterReadersKeepNothingThatWasRetiredBefore) {
  EpochDomain domain;
  domain.retire(new Node);
  {
    const EpochGuard before(domain);
    EXPECT_FALSE(domain.try_advance());  // Stamps it; the guard is older.
  }
  const EpochGuard after(domain);
  domain.try_advance();
  EXPECT_EQ(Node::alive, 0);
}

TEST_F(Epoch, GuardsNestAndTheOutermostCounts) {
  EpochDomain domain;
  {
    const EpochGuard outer(domain);
    domain.retire(new Node);
    { const EpochGuard inner(domain); }
    domain.try_advance();
    EXPECT_EQ(Node::alive, 1);
  }
  EXPECT_TRUE(domain.try_advance());
  EXPECT_EQ(Node::alive, 0);
}

TEST_F(Epoch, RefreshedGuardKeepsNothingFromBefore) {
  EpochDomain domain;
  EpochGuard guard(domain);
  domain.retire(new Node);
  EXPECT_FALSE(domain.try_advance());
  guard.refresh();
  domain.try_advance();
  EXPECT_EQ(Node::alive, 0);
}

TEST_F(Epoch, RefreshOfANestedGuardLeavesTheOuterOneAsItIs) {
  EpochDomain domain;
  const EpochGuard outer(domain);
  domain.retire(new Node);
  EXPECT_FALSE(domain.try_advance());
  EpochGuard inner(domain);
  inner.refresh();
  domain.try_advance();
  EXPECT_EQ(Node::alive, 1);
}

TEST_F(Epoch, RetireRunsTheDeleterThatItWasGiven) {
  EpochDomain domain;
  int deleted = 0;
  Node node;
  domain.retire(&node, [&deleted](Node* n) { deleted += n->value + 1; });
  domain.barrier();
  EXPECT_EQ(deleted, 1);
}

TEST_F(Epoch, RetireTakesMoveOnlyAndLargeDeleters) {
  EpochDomain domain;
  Node node;
  int sum = 0;
  domain.retire(&node,
                [&sum, one = std::make_unique<int>(1)](Node*) { sum += *one; });
  std::array<int, 100> many{};
  many[99] = 2;
  domain.retire(&node, [&sum, many](Node*) { sum += many[99]; });
  domain.barrier();
  EXPECT_EQ(sum, 3);
}

TEST_F(Epoch, DefaultDomainIsOneForAll) {
  EXPECT_EQ(&default_epoch_domain(), &default_epoch_domain());
  const EpochGuard guard;
  default_epoch_domain().retire(new Node);
  EXPECT_FALSE(default_epoch_domain().try_advance());
}

TEST_F(Epoch, DomainsDoNotKeepEachOthersObjects) {
  EpochDomain one, other;
  const EpochGuard guard(other);
  one.retire(new Node);
  EXPECT_TRUE(one.try_advance());
  EXPECT_EQ(Node::alive, 0);
}

TEST_F(Epoch, DomainReclaimsAllAtItsEnd) {
  {
    EpochDomain domain;
    for (int i = 0; i < 300; ++i) domain.retire(new Node);
    EXPECT_GT(Node::alive, 0);
  }
  EXPECT_EQ(Node::alive, 0);
}

TEST_F(Epoch, BarrierReclaimsWhatOtherThreadsRetired) {
  EpochDomain domain;
  std::atomic<int> step{0};
  std::thread other([&] {
    domain.retire(new Node);
    step = 1;
    step.notify_one();
    step.wait(1);
  });
  step.wait(0);
  domain.barrier();
  EXPECT_EQ(Node::alive, 0);
  step = 2;
  step.notify_one();
  other.join();
}

TEST_F(Epoch, SynchronizeWaitsForReadersThatWereThere) {
  EpochDomain domain;
  ReaderElsewhere reader(domain);
  std::atomic<bool> returned{false};
  std::thread waiting([&] {
    domain.synchronize();
    returned = true;
  });
  // An epoch begins as soon as it waits.
  while (domain.stats().epoch < 2) std::this_thread::yield();
  EXPECT_FALSE(returned);
  reader.leave();
  waiting.join();
  EXPECT_TRUE(returned);
}

// ---- Bounded work, and memory ----

TEST_F(Epoch, RetireRunsAFewDeletersEachTimeAndKeepsUp) {
  EpochDomain domain;
  int deleted = 0;
  std::vector<Node> nodes(1);
  for (int i = 0; i < 100000; ++i) {
    const int before = deleted;
    domain.retire(nodes.data(), [&deleted](Node*) { ++deleted; });
    ASSERT_LE(deleted - before, 2);
    ASSERT_LE(i - deleted, 256) << i;
  }
}

TEST_F(Epoch, ALongStallIsMadeUpForByAFewDeletersEachTime) {
  EpochDomain domain;
  int deleted = 0, retired = 0;
  Node node;
  const auto retire = [&] {
    domain.retire(&node, [&deleted](Node*) { ++deleted; });
    ++retired;
  };
  {
    ReaderElsewhere reader(domain);
    for (int i = 0; i < 10000; ++i) retire();
    EXPECT_EQ(deleted, 0);
  }
  for (int i = 0; i < 10000; ++i) {
    const int before = deleted;
    retire();
    ASSERT_LE(deleted - before, 8);
  }
  EXPECT_LE(retired - deleted, 1024 + 256);
}

TEST_F(Epoch, StatisticsAreExactAtRest) {
  EpochDomain domain;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&domain] {
      for (int i = 0; i < 1000; ++i) {
        const EpochGuard guard(domain);
        domain.retire(new Node);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const EpochStats before = domain.stats();
  EXPECT_EQ(before.retired, 4000u);
  EXPECT_EQ(before.unreclaimed, before.retired - before.reclaimed);
  EXPECT_EQ(static_cast<int>(before.unreclaimed), Node::alive);
  EXPECT_GE(before.scans, 4000u / internal::kReclaimBatch / 2);
  EXPECT_LE(before.threads, 4u);
  domain.barrier();
  EXPECT_EQ(domain.stats().unreclaimed, 0u);
}

// ---- Stalled readers ----

TEST_F(Epoch, ReadersSaysWhoIsInsideSinceWhenAndWhatWaits) {
  EpochDomain domain;
  EXPECT_TRUE(domain.readers(100).empty());
  domain.retire(new Node);
  EXPECT_TRUE(domain.try_advance());

  ReaderElsewhere reader(domain);
  for (int i = 0; i < 500; ++i) domain.retire(new Node);
  std::vector<EpochReader> seen = domain.readers(200);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].thread_id, reader.thread_id());
  EXPECT_EQ(seen[0].since, 200u);
  EXPECT_EQ(seen[0].waiting, 500u);

  {
    const EpochGuard newer(domain);
    seen = domain.readers(300);
    ASSERT_EQ(seen.size(), 2u);
    const EpochReader& mine = seen[seen[0].thread_id == gettid() ? 0 : 1];
    const EpochReader& stalled = seen[seen[0].thread_id == gettid() ? 1 : 0];
    EXPECT_EQ(stalled.since, 200u);
    EXPECT_EQ(stalled.waiting, 500u);
    EXPECT_EQ(mine.since, 300u);
    EXPECT_GT(mine.epoch, stalled.epoch);
    // It came after those that are stamped.
    EXPECT_LT(mine.waiting, 500u);
  }
  reader.leave();
  domain.barrier();
  EXPECT_TRUE(domain.readers(400).empty());
}

TEST_F(Epoch, ReadersTellsOneGuardFromTheNext) {
  EpochDomain domain;
  for (uint64_t now = 1; now < 5; ++now) {
    const EpochGuard guard(domain);
    ASSERT_EQ(domain.readers(now).size(), 1u);
    EXPECT_EQ(domain.readers(now + 100)[0].since, now);
  }
}

// ---- Pools ----

struct Slot {
  Slot* next = nullptr;
  uint64_t value = 0;
};

TEST_F(Epoch, PoolThatRecyclesAtOnceCausesNoAba) {
  for (Soak soak; soak.goes_on();) {
    constexpr uint64_t kPerThread = 20000;
    ObjectPool<Slot> pool({.initial_capacity = 64});
    {
      EpochDomain domain;
      std::atomic<Slot*> head{nullptr};
      const auto push = [&](uint64_t value) {
        Slot* const slot = pool.create(nullptr, value);
        slot->next = head.load();
        while (!head.compare_exchange_weak(slot->next, slot)) {
        }
      };
      const auto pop = [&]() -> uint64_t {
        const EpochGuard guard(domain);
        Slot* slot = head.load();
        while (slot != nullptr &&
               !head.compare_exchange_weak(slot, slot->next)) {
        }
        if (slot == nullptr) return 0;
        const uint64_t value = slot->value;
        domain.retire(slot, [&pool](Slot* s) { pool.destroy(s); });
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
    }
    EXPECT_EQ(pool.stats().in_use, 0u);
  }
}

TEST_F(Epoch, PoolMayDieFirstAfterABarrier) {
  ObjectPool<Slot> outlives;
  {
    ObjectPool<Slot> pool;
    for (int i = 0; i < 10; ++i) {
      default_epoch_domain().retire(pool.create(),
                                    [&pool](Slot* s) { pool.destroy(s); });
    }
    default_epoch_domain().barrier();
    EXPECT_EQ(pool.stats().in_use, 0u);
  }
}

// ---- Ends ----

TEST_F(Epoch, TenThousandThreadsComeAndGo) {
  for (Soak soak; soak.goes_on();) {
    EpochDomain domain;
    std::atomic<Node*> current{new Node};
    for (int i = 0; i < 2500; ++i) {
      std::vector<std::thread> threads;
      for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
          const EpochGuard guard(domain);
          EXPECT_NE(current.load()->value, Node::kDead);
          domain.retire(current.exchange(new Node));
        });
      }
      for (std::thread& thread : threads) thread.join();
    }
    const EpochStats stats = domain.stats();
    EXPECT_EQ(stats.retired, 10000u);
    EXPECT_LE(stats.threads, 4u);
    EXPECT_LE(stats.unreclaimed, 4u * 3 * internal::kReclaimBatch);
    delete current.load();
  }
}

TEST_F(Epoch, LeftoversOfEndedThreadsAreReclaimedByOthers) {
  EpochDomain domain;
  domain.retire(new Node);
  std::thread([&domain] {
    const EpochGuard guard(domain);
    for (int i = 0; i < 300; ++i) domain.retire(new Node);
  }).join();
  EXPECT_EQ(Node::alive, 301);
  EXPECT_TRUE(domain.try_advance());
  EXPECT_EQ(Node::alive, 0);
}

TEST_F(Epoch, ThreadMayOutliveTheDomain) {
  auto domain = std::make_unique<EpochDomain>();
  std::atomic<int> step{0};
  std::thread thread([&] {
    { const EpochGuard guard(*domain); }
    domain->retire(new Node);
    step = 1;
    step.notify_one();
    step.wait(1);
    const EpochGuard guard;
  });
  step.wait(0);
  domain.reset();
  EXPECT_EQ(Node::alive, 0);
  step = 2;
  step.notify_one();
  thread.join();
}

// The object outlives the thread_local that retires it: at the thread's end.
TEST_F(Epoch, ThreadLocalDestructorsMayEnterAndRetire) {
  struct AtEnd {
    ~AtEnd() {
      const EpochGuard guard;
      default_epoch_domain().retire(new Node);
    }
  };
  std::thread([] {
    thread_local AtEnd before_first_use;
    static_cast<void>(&before_first_use);
    default_epoch_domain().retire(new Node);
  }).join();
  default_epoch_domain().barrier();
  EXPECT_EQ(Node::alive, 0);
}

TEST_F(Epoch, DeletersMayRetireAndEnter) {
  EpochDomain domain;
  int depth = 0;
  struct Again {
    void operator()(Node* node) const {
      const EpochGuard guard(*domain);
      domain->barrier();  // Does nothing within a deleter.
      if (++*depth < 1000) domain->retire(node, *this);
    }
    EpochDomain* domain;
    int* depth;
  };
  Node node;
  domain.retire(&node, Again{&domain, &depth});
  while (domain.stats().unreclaimed != 0) domain.barrier();
  EXPECT_EQ(depth, 1000);
}

struct StaticUser {
  ~StaticUser() {
    { const EpochGuard guard; }
    default_epoch_domain().retire(new Node);
    default_epoch_domain().barrier();
    if (Node::alive != 0) std::abort();
  }
} static_user;

// ---- Broken invariants ----

TEST(EpochDeathTest, WaitingForOneself) {
  EXPECT_DEATH(
      {
        EpochDomain domain;
        const EpochGuard guard(domain);
        domain.synchronize();
      },
      "wirebook: EpochDomain at 0x[0-9a-f]+: waiting for readers inside");
}

TEST(EpochDeathTest, BarrierInsideAGuardThoughNothingIsRetired) {
  EXPECT_DEATH(
      {
        EpochDomain domain;
        const EpochGuard guard(domain);
        domain.barrier();
      },
      "wirebook: EpochDomain at 0x[0-9a-f]+: waiting for readers inside");
}

TEST(EpochDeathTest, DomainThatEndsBeforeItsGuard) {
  EXPECT_DEATH(
      {
        auto domain = std::make_unique<EpochDomain>();
        const EpochGuard guard(*domain);
        domain.reset();
      },
      "wirebook: EpochDomain at 0x[0-9a-f]+: destroyed while a thread");
}

TEST(EpochDeathTest, ThreadThatEndsInsideAGuard) {
  EXPECT_DEATH(std::thread([] {
                 alignas(EpochGuard) static char place[sizeof(EpochGuard)];
                 ::new (place) EpochGuard;
               }).join(),
               "wirebook: epoch at 0x[0-9a-f]+: a thread ended inside");
}

// ---- Threads ----

TEST_F(Epoch, ReadersNeverMeetAReclaimedObject) {
  for (Soak soak; soak.goes_on();) {
    constexpr int kWrites = 20000;
    EpochDomain domain;
    std::atomic<Node*> current{new Node(1)};
    std::atomic<bool> stop{false};
    std::vector<std::thread> readers;
    for (int t = 0; t < 2; ++t) {
      readers.emplace_back([&] {
        while (!stop.load(std::memory_order_relaxed)) {
          const EpochGuard guard(domain);
          const Node* const node = current.load(std::memory_order_acquire);
          EXPECT_GT(node->value.load(std::memory_order_relaxed), 0);
        }
      });
    }
    for (int i = 2; i < kWrites; ++i)
      domain.retire(current.exchange(new Node(i)));
    stop = true;
    for (std::thread& reader : readers) reader.join();
    delete current.load();
  }
}

}  // namespace
}  // namespace wirebook
