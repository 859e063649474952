// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/hazard_pointer.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "memory/object_pool.h"
#include "memory/testing/soak.h"

namespace wirebook {
namespace {

// Every object made is destroyed exactly once: alive counts, and a destroyed
// one is told by its value.
struct Node : hazard_pointer_obj_base<Node> {
  static constexpr int kDead = -1;
  explicit Node(int v = 0) : value(v) { ++alive; }
  Node(const Node& other) : hazard_pointer_obj_base<Node>(other) {
    value.store(other.value);
    ++alive;
  }
  ~Node() {
    EXPECT_NE(value.exchange(kDead), kDead);
    --alive;
  }
  std::atomic<int> value;
  static inline std::atomic<int> alive{0};
};

// Starts and ends with nothing retired in the default domain.
class HazardPointer : public testing::Test {
 protected:
  HazardPointer() { hazard_pointer_clean_up(); }
  ~HazardPointer() override {
    hazard_pointer_clean_up();
    EXPECT_EQ(hazard_pointer_default_domain().stats().unreclaimed, 0u);
    EXPECT_EQ(Node::alive.load(), 0);
  }
};

// The simplest use: a reader holds what a writer replaces.
TEST_F(HazardPointer, KeepsAnObjectThatWasReplacedUntilItLetsGo) {
  std::atomic<Node*> current{new Node(1)};
  hazard_pointer h = make_hazard_pointer();
  const Node* const seen = h.protect(current);

  Node* const old = current.exchange(new Node(2));
  old->retire();
  hazard_pointer_clean_up();
  EXPECT_EQ(seen->value, 1);
  EXPECT_EQ(Node::alive, 2);

  h.reset_protection();
  hazard_pointer_clean_up();
  EXPECT_EQ(Node::alive, 1);
  current.load()->retire();
}

// ---- [saferecl.hp.base] ----

// The base brings no name into a user's class but retire.
struct Chained {
  Chained* next = nullptr;
  int reclaim = 0;
  int deleter_ = 0;
};
struct OfTwoBases : Chained, hazard_pointer_obj_base<OfTwoBases> {
  bool is_last() const { return next == nullptr && reclaim + deleter_ == 0; }
};

TEST_F(HazardPointer, BaseBringsNoNameThatAnotherBaseMayHave) {
  OfTwoBases object;
  EXPECT_TRUE(object.is_last());
}

struct Counted;
struct DeleteCounted {
  void operator()(Counted* counted) const;
  int* count = nullptr;
};
// T is incomplete where the base is named.
struct Counted : hazard_pointer_obj_base<Counted, DeleteCounted> {};
void DeleteCounted::operator()(Counted* counted) const {
  if (count != nullptr) ++*count;
  delete counted;
}

TEST_F(HazardPointer, BaseReclaimsByTheDeleterThatRetireWasGiven) {
  int deleted = 0;
  (new Counted)->retire(DeleteCounted{&deleted});
  hazard_pointer_clean_up();
  EXPECT_EQ(deleted, 1);
}

TEST_F(HazardPointer, BaseReclaimsByADefaultConstructedDeleterElse) {
  (new Node)->retire();
  (new Counted)->retire();
  EXPECT_EQ(hazard_pointer_default_domain().stats().unreclaimed, 2u);
  hazard_pointer_clean_up();
  EXPECT_EQ(hazard_pointer_default_domain().stats().unreclaimed, 0u);
}

TEST_F(HazardPointer, BaseTakesADeleterWithStateOfItsOwn) {
  struct Held : hazard_pointer_obj_base<Held, std::function<void(Held*)>> {};
  std::string said;
  (new Held)->retire([&said, text = std::string(100, 'x')](Held* held) {
    said = text;
    delete held;
  });
  hazard_pointer_clean_up();
  EXPECT_EQ(said, std::string(100, 'x'));
}

TEST_F(HazardPointer, BaseIsCopiedWithoutWhatItsOriginalIsRetiredWith) {
  Node* const original = new Node(7);
  original->retire();
  auto copy = std::make_unique<Node>(*original);
  hazard_pointer_clean_up();
  EXPECT_EQ(copy->value, 7);
  copy.release()->retire();  // It was never retired before.
}

TEST_F(HazardPointer, BaseIsAssignedWithoutWhatItsOriginalIsRetiredWith) {
  Counted* const original = new Counted;
  original->retire();
  auto other = std::make_unique<Counted>();
  *other = *original;
  hazard_pointer_clean_up();
  other.release()->retire();
}

TEST_F(HazardPointer, BaseMayStandBehindOtherBases) {
  struct First {
    int64_t first = 1;
  };
  struct Second : First, hazard_pointer_obj_base<Second> {
    int64_t second = 2;
  };
  std::atomic<Second*> current{new Second};
  hazard_pointer h = make_hazard_pointer();
  Second* const seen = h.protect(current);
  seen->retire();
  hazard_pointer_clean_up();
  EXPECT_EQ(seen->second, 2);
  h.reset_protection(nullptr);
  hazard_pointer_clean_up();
}

static_assert(noexcept(std::declval<Node&>().retire()));
static_assert(!std::is_default_constructible_v<hazard_pointer_obj_base<Node>>,
              "a base only");
static_assert(!std::is_destructible_v<hazard_pointer_obj_base<Node>>);
static_assert(!std::is_move_constructible_v<hazard_pointer_obj_base<Node>>);

TEST_F(HazardPointer, BaseIsMovedLikeItIsCopied) {
  struct Movable : hazard_pointer_obj_base<Movable> {
    Movable() = default;
    Movable(Movable&&) = default;
    Movable& operator=(Movable&&) = default;
  };
  auto* const original = new Movable;
  auto* const moved = new Movable(std::move(*original));
  *original = Movable();
  original->retire();
  moved->retire();  // Each is retired once.
}

TEST_F(HazardPointer, RetireOfManyReclaimsInPassing) {
  constexpr int kObjects = 10000;
  for (int i = 0; i < kObjects; ++i) (new Node)->retire();
  const hazard_pointer_domain_stats stats =
      hazard_pointer_default_domain().stats();
  EXPECT_LE(stats.unreclaimed, stats.bound);
  EXPECT_LE(Node::alive, static_cast<int>(stats.bound));
}

// ---- [saferecl.hp.holder] ----

static_assert(std::is_nothrow_default_constructible_v<hazard_pointer>);
static_assert(std::is_nothrow_move_constructible_v<hazard_pointer>);
static_assert(std::is_nothrow_move_assignable_v<hazard_pointer>);
static_assert(!std::is_copy_constructible_v<hazard_pointer>);
static_assert(!std::is_copy_assignable_v<hazard_pointer>);
static_assert(std::is_nothrow_swappable_v<hazard_pointer>);
static_assert(noexcept(std::declval<hazard_pointer&>().protect(
    std::declval<const std::atomic<Node*>&>())));
static_assert(noexcept(std::declval<hazard_pointer&>().try_protect(
    std::declval<Node*&>(), std::declval<const std::atomic<Node*>&>())));
static_assert(noexcept(std::declval<hazard_pointer&>().reset_protection()));
static_assert(noexcept(std::declval<hazard_pointer&>().reset_protection(
    std::declval<const Node*>())));
static_assert(noexcept(std::declval<const hazard_pointer&>().empty()));

// Whether `node`, which is retired by this, was held.
bool is_held(Node* node) {
  const int before = Node::alive;
  node->retire();
  hazard_pointer_clean_up();
  return Node::alive == before;
}

TEST_F(HazardPointer, DefaultConstructedIsEmpty) {
  EXPECT_TRUE(hazard_pointer().empty());
}

TEST_F(HazardPointer, MadeIsNotEmptyAndHoldsNothing) {
  hazard_pointer h = make_hazard_pointer();
  EXPECT_FALSE(h.empty());
  EXPECT_FALSE(is_held(new Node));
}

TEST_F(HazardPointer, MoveConstructionMovesOwnershipAndProtection) {
  std::atomic<Node*> current{new Node};
  hazard_pointer from = make_hazard_pointer();
  Node* const node = from.protect(current);
  hazard_pointer to = std::move(from);
  EXPECT_TRUE(from.empty());
  EXPECT_FALSE(to.empty());
  EXPECT_TRUE(is_held(node));
  hazard_pointer of_empty = std::move(from);
  EXPECT_TRUE(of_empty.empty());
}

TEST_F(HazardPointer, MoveAssignmentEndsWhatItHeldAndMovesTheOther) {
  std::atomic<Node*> a{new Node}, b{new Node};
  hazard_pointer to = make_hazard_pointer(), from = make_hazard_pointer();
  Node* const lost = to.protect(a);
  Node* const moved = from.protect(b);
  to = std::move(from);
  EXPECT_TRUE(from.empty());
  EXPECT_FALSE(to.empty());
  EXPECT_FALSE(is_held(lost));
  EXPECT_TRUE(is_held(moved));
}

TEST_F(HazardPointer, MoveAssignmentOfAnEmptyOneEmpties) {
  std::atomic<Node*> current{new Node};
  hazard_pointer h = make_hazard_pointer();
  Node* const node = h.protect(current);
  h = hazard_pointer();
  EXPECT_TRUE(h.empty());
  EXPECT_FALSE(is_held(node));
}

TEST_F(HazardPointer, SelfMoveAssignmentHasNoEffect) {
  std::atomic<Node*> current{new Node};
  hazard_pointer h = make_hazard_pointer();
  Node* const node = h.protect(current);
  hazard_pointer& same = h;
  h = std::move(same);
  EXPECT_FALSE(h.empty());
  EXPECT_TRUE(is_held(node));
}

TEST_F(HazardPointer, DestructorEndsTheProtection) {
  std::atomic<Node*> current{new Node};
  Node* node;
  {
    hazard_pointer h = make_hazard_pointer();
    node = h.protect(current);
  }
  EXPECT_FALSE(is_held(node));
}

TEST_F(HazardPointer, ProtectGivesNullForNull) {
  const std::atomic<Node*> null{nullptr};
  hazard_pointer h = make_hazard_pointer();
  EXPECT_EQ(h.protect(null), nullptr);
}

TEST_F(HazardPointer, TryProtectHoldsWhatIsStillThere) {
  std::atomic<Node*> current{new Node};
  hazard_pointer h = make_hazard_pointer();
  Node* ptr = current;
  EXPECT_TRUE(h.try_protect(ptr, current));
  EXPECT_EQ(ptr, current);
  EXPECT_TRUE(is_held(ptr));
}

TEST_F(HazardPointer, TryProtectOfWhatIsGoneHoldsNothingAndSaysWhatIsThere) {
  std::atomic<Node*> current{new Node};
  hazard_pointer h = make_hazard_pointer();
  Node* const old = current;
  Node* ptr = old;
  current = new Node;
  EXPECT_FALSE(h.try_protect(ptr, current));
  EXPECT_EQ(ptr, current);
  EXPECT_FALSE(is_held(old));
  EXPECT_FALSE(is_held(current));
}

TEST_F(HazardPointer, ResetProtectionHoldsAnotherObject) {
  Node* const first = new Node;
  Node* const second = new Node;
  hazard_pointer h = make_hazard_pointer();
  h.reset_protection(first);
  h.reset_protection(second);
  EXPECT_FALSE(is_held(first));
  EXPECT_TRUE(is_held(second));
}

TEST_F(HazardPointer, ResetProtectionToANullPointerOfAnyKindHoldsNothing) {
  hazard_pointer h = make_hazard_pointer();
  for (int kind = 0; kind < 3; ++kind) {
    Node* const node = new Node;
    h.reset_protection(node);
    if (kind == 0) h.reset_protection();
    if (kind == 1) h.reset_protection(nullptr);
    if (kind == 2) h.reset_protection(static_cast<const Node*>(nullptr));
    EXPECT_FALSE(is_held(node));
  }
}

TEST_F(HazardPointer, SwapExchangesOwnershipAndEndsNoProtection) {
  std::atomic<Node*> a{new Node}, b{new Node};
  hazard_pointer first = make_hazard_pointer(), second, third;
  Node* const node_a = first.protect(a);
  first.swap(second);
  EXPECT_TRUE(first.empty());
  EXPECT_FALSE(second.empty());
  EXPECT_TRUE(is_held(node_a));

  third = make_hazard_pointer();
  Node* const node_b = third.protect(b);
  swap(second, third);  // The free function.
  EXPECT_TRUE(is_held(node_b));
  third.reset_protection();  // What was `second`.
  hazard_pointer_clean_up();
  EXPECT_EQ(Node::alive, 1);
}

TEST_F(HazardPointer, ManyHoldTheirObjectsAndOnlyTheirs) {
  constexpr int kHeld = 300;  // More than a scan looks at in one go.
  std::vector<hazard_pointer> hazards;
  std::vector<Node*> nodes;
  for (int i = 0; i < kHeld; ++i) {
    nodes.push_back(new Node(i));
    hazards.push_back(make_hazard_pointer());
    hazards.back().reset_protection(nodes.back());
    (new Node)->retire();
  }
  for (Node* node : nodes) node->retire();
  hazard_pointer_clean_up();
  EXPECT_EQ(Node::alive, kHeld);
  for (int i = 0; i < kHeld; ++i) EXPECT_EQ(nodes[i]->value, i);
}

// ---- Extensions: domains, clean-up, statistics ----

TEST_F(HazardPointer, DomainsDoNotHoldEachOthersObjects) {
  hazard_pointer_domain domain;
  std::atomic<Node*> current{new Node};
  hazard_pointer of_default = make_hazard_pointer();
  hazard_pointer of_domain = make_hazard_pointer(domain);
  Node* const node = of_default.protect(current);
  node->retire(domain);
  hazard_pointer_clean_up(domain);
  EXPECT_EQ(Node::alive, 0);

  Node* const other = new Node;
  of_domain.reset_protection(other);
  other->retire({}, domain);
  hazard_pointer_clean_up(domain);
  EXPECT_EQ(Node::alive, 1);
  of_domain = hazard_pointer();
}

TEST_F(HazardPointer, DomainReclaimsAllAtItsEnd) {
  {
    hazard_pointer_domain domain;
    for (int i = 0; i < 10; ++i) (new Node)->retire(domain);
    EXPECT_EQ(Node::alive, 10);
  }
  EXPECT_EQ(Node::alive, 0);
}

struct Link;
struct UnlinkNext {
  void operator()(Link* link) const;
  hazard_pointer_domain* domain = nullptr;
};
struct Link : hazard_pointer_obj_base<Link, UnlinkNext> {
  explicit Link(Link* n) : next(n) { ++alive; }
  ~Link() { --alive; }
  Link* next;
  static inline int alive = 0;
};
void UnlinkNext::operator()(Link* link) const {
  if (link->next != nullptr) link->next->retire(*this, *domain);
  hazard_pointer_clean_up(*domain);  // Does nothing within a deleter.
  delete link;
}

TEST_F(HazardPointer, DeletersMayRetireALongChainWithoutDepth) {
  constexpr int kLinks = 200000;
  {
    hazard_pointer_domain domain;
    Link* first = nullptr;
    for (int i = 0; i < kLinks; ++i) first = new Link(first);
    first->retire(UnlinkNext{&domain}, domain);
    hazard_pointer_clean_up(domain);
    EXPECT_EQ(Link::alive, kLinks - 1);
    for (int i = 0; i < 1000; ++i)
      (new Link(nullptr))->retire({&domain}, domain);
    // The rest at the domain's end.
  }
  EXPECT_EQ(Link::alive, 0);
}

TEST_F(HazardPointer, CleanUpReclaimsWhatOtherThreadsRetired) {
  std::atomic<bool> retired{false}, checked{false};
  std::thread other([&] {
    (new Node)->retire();
    retired = true;
    retired.notify_one();
    checked.wait(false);
  });
  retired.wait(false);
  hazard_pointer_clean_up();
  EXPECT_EQ(Node::alive, 0);
  checked = true;
  checked.notify_one();
  other.join();
}

TEST_F(HazardPointer, StatisticsAreExactAtRest) {
  hazard_pointer_domain domain;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&domain] {
      for (int i = 0; i < 1000; ++i) {
        hazard_pointer h = make_hazard_pointer(domain);
        (new Node)->retire(domain);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const hazard_pointer_domain_stats before = domain.stats();
  EXPECT_EQ(before.retired, 4000u);
  EXPECT_EQ(before.retired - before.reclaimed, before.unreclaimed);
  EXPECT_EQ(static_cast<int>(before.unreclaimed), Node::alive);
  EXPECT_GE(before.scans, 4000u / internal::kReclaimBatch / 2);
  EXPECT_LE(before.threads, 4u);
  EXPECT_GE(before.hazard_pointers, 7u);

  hazard_pointer_clean_up(domain);
  const hazard_pointer_domain_stats after = domain.stats();
  EXPECT_EQ(after.reclaimed, 4000u);
  EXPECT_EQ(after.unreclaimed, 0u);
}

TEST_F(HazardPointer, UnreclaimedStaysBelowTheBoundWhateverReadersHold) {
  hazard_pointer_domain domain;
  std::vector<hazard_pointer> hazards;
  for (int i = 0; i < 20000; ++i) {
    Node* const node = new Node;
    if (i % 50 == 0) {
      hazards.push_back(make_hazard_pointer(domain));
      hazards.back().reset_protection(node);
    }
    node->retire(domain);
    ASSERT_EQ(static_cast<int>(domain.stats().unreclaimed), Node::alive);
    ASSERT_LE(domain.stats().unreclaimed, domain.stats().bound) << i;
  }
}

// A hazard pointer may have held one object when one thread looked and another
// when the next did: each thread may keep as many as there are.
TEST_F(HazardPointer, UnreclaimedStaysBelowTheBoundForEachThreadThatRetires) {
  constexpr size_t kHeld = 112;
  constexpr int kWriters = 4;
  hazard_pointer_domain domain;
  std::vector<hazard_pointer> hazards(kHeld);
  for (hazard_pointer& h : hazards) h = make_hazard_pointer(domain);
  std::atomic<int> turn{0};
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      while (turn != w) std::this_thread::yield();
      for (hazard_pointer& h : hazards) {
        auto* const node = new Node;
        h.reset_protection(node);
        node->retire(domain);
      }
      // On to a scan, and almost to the next.
      const uint64_t scans = domain.stats().scans;
      while (domain.stats().scans == scans) (new Node)->retire(domain);
      for (size_t i = 1; i < internal::kReclaimBatch; ++i) {
        (new Node)->retire(domain);
      }
      EXPECT_LE(domain.stats().unreclaimed, domain.stats().bound);
      ++turn;
      while (turn != kWriters) std::this_thread::yield();
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_GT(domain.stats().unreclaimed, kWriters * kHeld) << "all are held";
  EXPECT_LE(domain.stats().unreclaimed, domain.stats().bound);
}

// ---- Pools ----

struct Slot;
struct ToPool {
  void operator()(Slot* slot) const;
  ObjectPool<Slot>* pool = nullptr;
};
struct Slot : hazard_pointer_obj_base<Slot, ToPool> {
  explicit Slot(uint64_t v) : value(v) {}
  Slot* next = nullptr;
  uint64_t value;
};
void ToPool::operator()(Slot* slot) const { pool->destroy(slot); }

// A stack whose nodes come from a pool, and so come again at once at the same
// address: without hazard pointers the pop below suffers ABA.
class PooledStack {
 public:
  PooledStack() : pool_({.initial_capacity = 64}) {}
  ~PooledStack() {
    while (pop() != 0) {
    }
    hazard_pointer_clean_up(domain_);
  }

  void push(uint64_t value) {
    Slot* const slot = pool_.create(value);
    slot->next = head_.load();
    while (!head_.compare_exchange_weak(slot->next, slot)) {
    }
  }

  uint64_t pop() {  // 0: empty.
    hazard_pointer h = make_hazard_pointer(domain_);
    for (;;) {
      Slot* slot = h.protect(head_);
      if (slot == nullptr) return 0;
      Slot* const next = slot->next;
      if (head_.compare_exchange_strong(slot, next)) {
        const uint64_t value = slot->value;
        h.reset_protection();
        slot->retire(ToPool{&pool_}, domain_);
        return value;
      }
    }
  }

 private:
  ObjectPool<Slot> pool_;  // Destroyed after the domain.
  hazard_pointer_domain domain_;
  std::atomic<Slot*> head_{nullptr};
};

TEST_F(HazardPointer, PoolThatRecyclesAtOnceCausesNoAba) {
  for (Soak soak; soak.goes_on();) {
    constexpr uint64_t kPerThread = 20000;
    constexpr int kThreads = 3;
    PooledStack stack;
    std::atomic<uint64_t> popped{0}, sum{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (uint64_t i = 1; i <= kPerThread; ++i) {
          stack.push(i * kThreads + t);
          if (const uint64_t value = stack.pop(); value != 0) {
            ++popped;
            sum += value;
          }
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    while (const uint64_t value = stack.pop()) {
      ++popped;
      sum += value;
    }
    uint64_t expected = 0;
    for (uint64_t t = 0; t < kThreads; ++t) {
      expected += kThreads * kPerThread * (kPerThread + 1) / 2 + t * kPerThread;
    }
    EXPECT_EQ(popped, kPerThread * kThreads);
    EXPECT_EQ(sum, expected);
  }
}

TEST_F(HazardPointer, PoolMayDieFirstAfterACleanUp) {
  {
    ObjectPool<Slot> pool;
    for (uint64_t i = 0; i < 10; ++i) pool.create(i)->retire(ToPool{&pool});
    EXPECT_EQ(pool.stats().in_use, 10u);
    hazard_pointer_clean_up();
    EXPECT_EQ(pool.stats().in_use, 0u);
  }  // The pool checks that nothing is out.
  (new Node)->retire();
}

// ---- Ends ----

TEST_F(HazardPointer, TenThousandThreadsComeAndGo) {
  for (Soak soak; soak.goes_on();) {
    hazard_pointer_domain domain;
    std::atomic<Node*> current{new Node};
    for (int i = 0; i < 2500; ++i) {
      std::vector<std::thread> threads;
      for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
          hazard_pointer h = make_hazard_pointer(domain);
          h.protect(current);
          current.exchange(new Node)->retire(domain);
        });
      }
      for (std::thread& thread : threads) thread.join();
    }
    const hazard_pointer_domain_stats stats = domain.stats();
    EXPECT_EQ(stats.retired, 10000u);
    EXPECT_LE(stats.threads, 4u);
    EXPECT_LE(stats.hazard_pointers, 28u);
    EXPECT_LE(stats.unreclaimed, stats.bound);
    delete current.load();
  }
}

TEST_F(HazardPointer, LeftoversOfEndedThreadsAreReclaimedByOthers) {
  hazard_pointer_domain domain;
  (new Node)->retire(domain);  // This thread has a record of its own.
  std::thread([&] {
    for (int i = 0; i < 100; ++i) (new Node)->retire(domain);
  }).join();
  EXPECT_EQ(Node::alive, 101);
  for (int i = 0; i < 1000; ++i) (new Node)->retire(domain);
  EXPECT_LE(Node::alive, static_cast<int>(internal::kReclaimBatch) + 7);
}

// The object outlives the thread_local that retires it: at the thread's end.
TEST_F(HazardPointer, ThreadLocalDestructorsMayProtectAndRetire) {
  struct AtEnd {
    ~AtEnd() {
      std::atomic<Node*> current{new Node};
      hazard_pointer h = make_hazard_pointer();
      h.protect(current)->retire();
    }
  };
  std::thread([] {
    thread_local AtEnd before_first_use;
    static_cast<void>(&before_first_use);
    (new Node)->retire();
  }).join();
  hazard_pointer_clean_up();
  EXPECT_EQ(Node::alive, 0);
}

TEST_F(HazardPointer, ThreadMayOutliveTheDomainAndMeetAnother) {
  auto first = std::make_unique<hazard_pointer_domain>();
  std::atomic<int> step{0};
  std::thread thread([&] {
    EXPECT_FALSE(make_hazard_pointer(*first).empty());
    (new Node)->retire(*first);
    step = 1;
    step.notify_one();
    step.wait(1);
    hazard_pointer_domain second;
    (new Node)->retire(second);
  });
  step.wait(0);
  first.reset();
  EXPECT_EQ(Node::alive, 0);
  step = 2;
  step.notify_one();
  thread.join();
}

TEST_F(HazardPointer, HazardPointerMayMoveToAnotherThread) {
  hazard_pointer_domain domain;
  std::atomic<Node*> current{new Node};
  hazard_pointer h = make_hazard_pointer(domain);
  Node* const node = h.protect(current);
  std::thread([&, moved = std::move(h)]() mutable {
    node->retire(domain);
    hazard_pointer_clean_up(domain);
    EXPECT_EQ(Node::alive, 1);
    moved.reset_protection();
  }).join();
  hazard_pointer_clean_up(domain);
  EXPECT_EQ(Node::alive, 0);
}

// In threads that never make one themselves; which the domain's end counts.
TEST_F(HazardPointer, HazardPointersMayEndInAThreadThatMadeNone) {
  for (const int count : {1, 2, 8, 40}) {
    hazard_pointer_domain domain;
    for (int i = 0; i < 20; ++i) {
      std::vector<hazard_pointer> several(count);
      for (hazard_pointer& one : several) one = make_hazard_pointer(domain);
      std::thread([theirs = std::move(several)] {}).join();
    }
    EXPECT_LE(domain.stats().hazard_pointers, 56u);
  }
}

TEST_F(HazardPointer, ThreadMayEndWithWhatItWasGivenAlone) {
  for (const size_t given : {1u, 2u, 5u, 40u}) {
    hazard_pointer_domain domain;
    std::vector<hazard_pointer> several(given);
    for (hazard_pointer& one : several) one = make_hazard_pointer(domain);
    std::thread([theirs = std::move(several)]() mutable {
      theirs.clear();  // It made none itself.
    }).join();
    EXPECT_FALSE(make_hazard_pointer(domain).empty());
    // Its end checks that all are back.
  }
}

TEST_F(HazardPointer, ThreadsMayEndWhileTheirDomainDoes) {
  for (int i = 0; i < 300; ++i) {
    auto domain = std::make_unique<hazard_pointer_domain>();
    std::atomic<int> used{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        { const hazard_pointer h = make_hazard_pointer(*domain); }
        ++used;
        while (used != 3) std::this_thread::yield();
      });
    }
    while (used != 3) std::this_thread::yield();
    domain.reset();
    for (std::thread& thread : threads) thread.join();
  }
}

TEST_F(HazardPointer, MoreDomainsThanThereAreFastEntries) {
  std::vector<std::unique_ptr<hazard_pointer_domain>> domains;
  for (int i = 0; i < 100; ++i) {
    domains.push_back(std::make_unique<hazard_pointer_domain>());
  }
  for (int round = 0; round < 3; ++round) {
    for (auto& domain : domains) (new Node)->retire(*domain);
  }
  for (auto& domain : domains) EXPECT_EQ(domain->stats().retired, 3u);
}

// A static of any order may use the default domain, before and after main.
struct StaticUser {
  StaticUser() { (new Node)->retire(); }
  ~StaticUser() {
    if (make_hazard_pointer().empty()) std::abort();
    (new Node)->retire();
    hazard_pointer_clean_up();
    if (Node::alive != 0) std::abort();
  }
} static_user;

// ---- Broken invariants ----

TEST(HazardPointerDeathTest, RetiringAnObjectTwice) {
  Node* const node = new Node;
  node->retire();
  EXPECT_DEATH(node->retire(),
               "wirebook: hazard_pointer at 0x[0-9a-f]+: object retired twice");
  hazard_pointer_clean_up();
}

TEST(HazardPointerDeathTest, DomainThatEndsBeforeItsHazardPointer) {
  EXPECT_DEATH(
      {
        hazard_pointer h;
        hazard_pointer_domain domain;
        h = make_hazard_pointer(domain);
      },
      "wirebook: hazard_pointer_domain at 0x[0-9a-f]+: destroyed while a "
      "hazard_pointer");
}

// ---- Threads ----

TEST_F(HazardPointer, ReadersNeverMeetAReclaimedObject) {
  for (Soak soak; soak.goes_on();) {
    constexpr int kWrites = 20000;
    std::atomic<Node*> current{new Node(1)};
    std::atomic<bool> stop{false};
    std::vector<std::thread> readers;
    for (int t = 0; t < 2; ++t) {
      readers.emplace_back([&] {
        hazard_pointer kept = make_hazard_pointer();
        while (!stop.load(std::memory_order_relaxed)) {
          hazard_pointer h = make_hazard_pointer();
          const Node* const node = h.protect(current);
          EXPECT_GT(node->value.load(std::memory_order_relaxed), 0);
          h.swap(kept);
        }
      });
    }
    for (int i = 2; i < kWrites; ++i) current.exchange(new Node(i))->retire();
    stop = true;
    for (std::thread& reader : readers) reader.join();
    current.load()->retire();
  }
}

}  // namespace
}  // namespace wirebook
