// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What hazard_pointer, epoch, rcu and lock_free_hash_map stand on, by itself: a
// domain whose objects are safe as soon as somebody looks.
#include "concurrency/reclaim_records.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "concurrency/retired_chain.h"
#include "gtest/gtest.h"

namespace wirebook::internal {
namespace {

struct Object : RetiredLink {
  explicit Object(int number) : id(number) {}
  int id;
  std::function<void(int)> deleter;
};

void reclaim(RetiredLink* retired) noexcept {
  auto* const object = static_cast<Object*>(retired);
  if (object->deleter) object->deleter(object->id);
}

struct Record : ReclaimRecord<std::atomic> {
  void on_join() noexcept { ++joins; }
  void on_leave() noexcept { ++leaves; }
  int joins = 0;
  int leaves = 0;
};

using Records = ReclaimRecords<Record, std::atomic>;

class Domain {
 public:
  Record& here() { return records_.this_thread(); }
  Records& records() { return records_; }

  void retire(Object& object) {
    object.retired_reclaim_ = &reclaim;
    Record& own = here();
    const std::lock_guard guard(own.lock);
    own.open.push(&object);
    ++own.counts.retired;
  }

  // Everything is safe.
  void sweep() {
    records_.sweep([](RetiredChain& all, Record& own) {
      const std::lock_guard guard(own.lock);
      own.safe.take(all);
    });
  }

  ReclaimCounts counts() const { return records_.counts(); }

 private:
  Records records_{new_domain_key(), "TestDomain"};
};

void in_a_thread(const std::function<void()>& body) {
  std::thread(body).join();
}

std::vector<int> drain(RetiredChain& chain) {
  std::vector<int> ids;
  while (RetiredLink* const object = chain.pop()) {
    ids.push_back(static_cast<Object*>(object)->id);
  }
  return ids;
}

// Objects, of which it is known which were reclaimed, in which order.
class Objects {
 public:
  Object& make() {
    Object& object = all_.emplace_back(static_cast<int>(all_.size()));
    object.deleter = [this](int id) { reclaimed.push_back(id); };
    return object;
  }
  std::vector<int> reclaimed;

 private:
  std::deque<Object> all_;
};

// ---- Chains and the lock

TEST(RetiredChain, IsFirstInFirstOut) {
  std::deque<Object> objects;
  RetiredChain chain;
  EXPECT_TRUE(chain.empty());
  EXPECT_EQ(chain.pop(), nullptr);
  for (int i = 0; i < 3; ++i) chain.push(&objects.emplace_back(i));
  EXPECT_EQ(chain.size(), 3u);
  EXPECT_EQ(drain(chain), (std::vector<int>{0, 1, 2}));
  EXPECT_TRUE(chain.empty());
  chain.push(&objects[1]);  // Again, after it was emptied.
  EXPECT_EQ(drain(chain), (std::vector<int>{1}));
}

TEST(RetiredChain, TakesAnotherToItsEnd) {
  std::deque<Object> objects;
  RetiredChain a, b;
  for (int i = 0; i < 4; ++i) {
    (i < 2 ? a : b).push(&objects.emplace_back(i));
  }
  a.take(b);
  EXPECT_TRUE(b.empty());
  EXPECT_EQ(a.size(), 4u);
  a.take(b);  // Nothing.
  b.take(a);  // Into an empty one.
  EXPECT_TRUE(a.empty());
  b.push(&objects.emplace_back(4));
  EXPECT_EQ(drain(b), (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST(ReclaimLock, IsHeldByOne) {
  ReclaimLock<std::atomic> lock;
  EXPECT_TRUE(lock.try_lock());
  EXPECT_FALSE(lock.try_lock());
  lock.unlock();
  int count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 10'000; ++k) {
        const std::lock_guard guard(lock);
        ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count, 30'000);
}

// ---- Records

TEST(ReclaimRecords, AThreadHasOneRecordInADomain) {
  Domain a, b;
  Record& mine = a.here();
  EXPECT_EQ(&a.here(), &mine);
  EXPECT_NE(&b.here(), &mine);
  EXPECT_EQ(mine.joins, 1);
  in_a_thread([&] { EXPECT_NE(&a.here(), &mine); });
  EXPECT_EQ(mine.leaves, 0);
  EXPECT_EQ(a.counts().threads, 2u);
  EXPECT_EQ(b.counts().threads, 1u);
}

TEST(ReclaimRecords, ALaterThreadTakesOverWhatAnEndedOneLeft) {
  Domain domain;
  Objects objects;
  Record* first = nullptr;
  in_a_thread([&] {
    first = &domain.here();
    domain.retire(objects.make());
  });
  EXPECT_TRUE(first->left.load());
  EXPECT_EQ(first->leaves, 1);
  in_a_thread([&] {
    EXPECT_EQ(&domain.here(), first);
    EXPECT_FALSE(first->left.load());
    EXPECT_EQ(first->joins, 2);
    EXPECT_EQ(first->open.size(), 1u);
  });
  EXPECT_EQ(domain.counts().threads, 1u);
  domain.sweep();
  EXPECT_EQ(objects.reclaimed, (std::vector<int>{0}));
}

TEST(ReclaimRecords, ThreadsThatComeAndGoShareRecords) {
  Domain domain;
  for (int i = 0; i < 200; ++i) {
    std::thread a([&] { (void)domain.here(); });
    std::thread b([&] { (void)domain.here(); });
    a.join();
    b.join();
  }
  EXPECT_LE(domain.counts().threads, 2u);
}

TEST(ReclaimRecords, LeftoversAreOfEndedThreadsOnly) {
  Domain domain;
  Objects objects;
  Record& own = domain.here();
  domain.retire(objects.make());
  std::thread lives([&] {
    domain.retire(objects.make());
    in_a_thread([&] { domain.retire(objects.make()); });
    RetiredChain found;
    domain.records().take_leftovers(domain.here(), found);
    EXPECT_EQ(drain(found), (std::vector<int>{2}));
  });
  lives.join();

  // And not of one that somebody is at.
  RetiredChain found;
  Record* left = domain.records().first();
  while (left->open.empty() || left == &own) left = Records::next(left);
  ASSERT_TRUE(left->lock.try_lock());
  domain.records().take_leftovers(own, found);
  EXPECT_TRUE(found.empty());
  left->lock.unlock();
  domain.records().take_leftovers(own, found);
  EXPECT_EQ(drain(found), (std::vector<int>{1}));
  EXPECT_FALSE(left->left.load());
  EXPECT_EQ(own.open.size(), 1u);
  domain.sweep();
}

TEST(ReclaimRecords, MoreDomainsThanAThreadHasPlacesAreToldApart) {
  std::vector<std::unique_ptr<Domain>> domains;
  std::set<Record*> records;
  for (std::size_t i = 0; i < 2 * kThreadRecordEntries; ++i) {
    domains.push_back(std::make_unique<Domain>());
    records.insert(&domains.back()->here());
  }
  EXPECT_EQ(records.size(), domains.size());
  for (const auto& domain : domains) {
    const Record* const own = &domain->here();
    EXPECT_EQ(own, domain->records().first());
    EXPECT_EQ(domain->counts().threads, 1u);
  }
}

TEST(ReclaimRecords, AnIndexIsUsedAgainAndAnIdNever) {
  const DomainKey first = new_domain_key();
  EXPECT_GT(first.id, kRcuDefaultKey.id);
  EXPECT_GT(first.index, kRcuDefaultKey.index);
  free_domain_key(first);
  const DomainKey second = new_domain_key();
  EXPECT_EQ(second.index, first.index);
  EXPECT_NE(second.id, first.id);
  free_domain_key(second);
  free_domain_key(kEpochDefaultKey);  // Its index stays its own.
  const DomainKey third = new_domain_key();
  EXPECT_EQ(third.index, first.index);
  free_domain_key(third);
}

TEST(ReclaimRecords, MoreDomainsThanThereArePlacesLeaveTheDefaultOnesTheirs) {
  std::vector<DomainKey> keys;
  std::vector<int> uses(kThreadRecordEntries);
  for (std::size_t i = 0; i < 4 * kThreadRecordEntries; ++i) {
    ++uses[keys.emplace_back(new_domain_key()).index];
  }
  for (std::size_t i = 0; i < kFirstFreeIndex; ++i) EXPECT_EQ(uses[i], 0) << i;
  // A place that two share is not free when one of them has ended.
  const DomainKey ended = keys.back();
  free_domain_key(ended);
  keys.back() = new_domain_key();
  EXPECT_EQ(keys.back().index, ended.index);
  EXPECT_NE(keys.back().id, ended.id);
  for (const DomainKey& key : keys) free_domain_key(key);
}

// ---- Who ends first

TEST(ReclaimRecords, ADomainMayEndBeforeItsThreads) {
  auto domain = std::make_unique<Domain>();
  std::atomic<int> step{0};
  std::thread thread([&] {
    Record& record = domain->here();
    EXPECT_EQ(record.leaves, 0);
    step.store(1);
    step.wait(1);
    Domain next;  // At the index of the one that is gone.
    const Record* const own = &next.here();
    EXPECT_EQ(own, next.records().first());
  });
  step.wait(0);
  domain.reset();
  step.store(2);
  step.notify_all();
  thread.join();
}

// Destroyed at its thread's end, it retires once more.
struct RetiresLate {
  ~RetiresLate() {
    if (domain != nullptr) domain->retire(*object);
  }
  Domain* domain = nullptr;
  Object* object = nullptr;
};

TEST(ReclaimRecords, ThreadLocalObjectsMayRetireAtTheirThreadsEnd) {
  Domain domain;
  Objects objects;
  in_a_thread([&] {
    thread_local RetiresLate late;
    late.domain = &domain;
    late.object = &objects.make();
  });
  EXPECT_EQ(domain.counts().retired, 1u);
  EXPECT_TRUE(domain.records().first()->left.load());
  domain.sweep();
  EXPECT_EQ(objects.reclaimed, (std::vector<int>{0}));
}

// ---- Passes

TEST(ReclaimRecords, APassTakesAsManyAsItMayInOrder) {
  Domain domain;
  Objects objects;
  Record& own = domain.here();
  for (int i = 0; i < 5; ++i) {
    Object& object = objects.make();
    object.retired_reclaim_ = &reclaim;
    own.safe.push(&object);
  }
  RetiredChain due;
  own.begin_pass(due, kReclaimPerRetire);
  EXPECT_EQ(due.size(), kReclaimPerRetire);
  RetiredChain none;
  own.begin_pass(none, 1);  // As a deleter would, that retires.
  EXPECT_TRUE(none.empty());
  own.run_pass(due);
  EXPECT_EQ(objects.reclaimed, (std::vector<int>{0, 1}));
  own.begin_pass(due, due.max_size());
  own.run_pass(due);
  EXPECT_EQ(objects.reclaimed, (std::vector<int>{0, 1, 2, 3, 4}));
  own.begin_pass(due, due.max_size());
  EXPECT_TRUE(due.empty());
  EXPECT_FALSE(own.reclaiming);
  EXPECT_EQ(domain.counts().reclaimed, 5u);
}

TEST(ReclaimRecords, ASweepReclaimsWhatAllThreadsRetired) {
  Domain domain;
  Objects objects;
  domain.retire(objects.make());
  in_a_thread([&] { domain.retire(objects.make()); });
  std::atomic<int> step{0};
  std::thread lives([&] {
    domain.retire(objects.make());
    step.store(1);
    step.notify_all();
    step.wait(1);
  });
  step.wait(0);
  domain.sweep();
  EXPECT_EQ(std::set<int>(objects.reclaimed.begin(), objects.reclaimed.end()),
            (std::set<int>{0, 1, 2}));
  step.store(2);
  step.notify_all();
  lives.join();
  const ReclaimCounts counts = domain.counts();
  EXPECT_EQ(counts.retired, 3u);
  EXPECT_EQ(counts.reclaimed, 3u);
}

TEST(ReclaimRecords, ASweepKeepsWhatIsNotSafe) {
  Domain domain;
  Objects objects;
  domain.retire(objects.make());
  domain.records().sweep([](RetiredChain& all, Record& own) {
    const std::lock_guard guard(own.lock);
    own.open.take(all);
  });
  EXPECT_TRUE(objects.reclaimed.empty());
  EXPECT_EQ(domain.here().open.size(), 1u);
  domain.sweep();
  EXPECT_EQ(objects.reclaimed.size(), 1u);
}

TEST(ReclaimRecords, ADeleterMayRetireAndItsSweepDoesNothing) {
  Domain domain;
  Objects objects;
  Object& second = objects.make();
  Object& first = objects.make();
  first.deleter = [&](int id) {
    objects.reclaimed.push_back(id);
    domain.retire(second);
    domain.sweep();
    EXPECT_EQ(objects.reclaimed.size(), 1u);
  };
  domain.retire(first);
  domain.sweep();
  EXPECT_EQ(objects.reclaimed, (std::vector<int>{1}));
  domain.sweep();
  EXPECT_EQ(objects.reclaimed, (std::vector<int>{1, 0}));
}

TEST(ReclaimRecords, ASweepWaitsForTheDeletersOfOthers) {
  Domain domain;
  Objects objects;
  std::atomic<bool> inside{false};
  std::atomic<bool> may_end{false};
  int written = 0;  // By the deleter; a race unless the sweep waits for it.
  Object& slow = objects.make();
  slow.deleter = [&](int) {
    inside.store(true);
    inside.notify_all();
    may_end.wait(false);
    written = 1;
  };
  std::thread other([&] {
    domain.retire(slow);
    domain.sweep();
  });
  inside.wait(false);
  // wait_for_pass() returns at once where no pass is open.
  domain.here().wait_for_pass();
  std::thread releases([&] {
    may_end.store(true);
    may_end.notify_all();
  });
  for (Record* r = domain.records().first(); r != nullptr;
       r = Records::next(r)) {
    r->wait_for_pass();
  }
  EXPECT_EQ(written, 1);
  releases.join();
  other.join();
}

TEST(ReclaimRecords, EachObjectIsReclaimedOnceByThreadsThatSweep) {
  constexpr int kThreads = 3;
  constexpr int kObjects = 2000;
  Domain domain;
  std::vector<std::atomic<int>> reclaimed(kThreads * kObjects);
  std::deque<Object> objects;
  for (int i = 0; i < kThreads * kObjects; ++i) {
    objects.emplace_back(i).deleter = [&](int id) { ++reclaimed[id]; };
  }
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kObjects; ++i) {
        domain.retire(objects[t * kObjects + i]);
        if (i % 16 == 0) domain.sweep();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  domain.sweep();
  for (const std::atomic<int>& times : reclaimed) ASSERT_EQ(times.load(), 1);
  EXPECT_EQ(domain.counts().reclaimed, domain.counts().retired);
}

TEST(ReclaimRecordsDeath, NamesTheComponentAndTheAddress) {
  Domain domain;
  EXPECT_DEATH(domain.records().die("an invariant is broken"),
               "wirebook: TestDomain at 0x[0-9a-f]+: an invariant is broken");
}

}  // namespace
}  // namespace wirebook::internal
