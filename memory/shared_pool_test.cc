// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/shared_pool.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "memory/asan_poison.h"
#include "memory/testing/own_name.h"

namespace wirebook {
namespace {

struct Quote {
  std::int64_t bid;
  std::int64_t ask;
};
using Pool = SharedPool<Quote>;

Pool must(absl::StatusOr<Pool> pool) {
  EXPECT_TRUE(pool.ok()) << pool.status();
  if (!pool.ok()) std::abort();
  return *std::move(pool);
}

Pool anonymous(std::size_t capacity, unsigned max_processes = 8) {
  return must(Pool::create_anonymous(
      {.capacity = capacity, .max_processes = max_processes}));
}

// A name of this test process's own, gone at the end.
class Name {
 public:
  explicit Name(const char* what)
      : name_(own_name(std::string("/wirebook-") + what)) {}
  ~Name() { (void)Pool::unlink(name_); }
  const std::string& operator*() const { return name_; }
  std::string path() const { return "/dev/shm" + name_; }

 private:
  std::string name_;
};

// Every slot can be had once, none twice. Gives them all back.
void expect_all_slots_free(Pool& pool) {
  std::set<Quote*> all;
  while (Quote* quote = pool.allocate()) {
    ASSERT_TRUE(all.insert(quote).second) << "given out twice";
  }
  EXPECT_EQ(all.size(), pool.capacity());
  for (Quote* quote : all) pool.deallocate(quote);
  EXPECT_EQ(pool.stats().in_use, 0u);
}

TEST(SharedPool, HandsAnObjectToAnotherProcess) {
  const Name name("hands");
  Pool ours = must(Pool::create(*name, {.capacity = 16}));
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    absl::StatusOr<Pool> theirs = Pool::attach(*name);
    SharedHandle handle;
    if (!theirs.ok() ||
        read(pipe_ends[0], &handle, sizeof(handle)) != sizeof(handle)) {
      _exit(1);
    }
    Quote* quote = theirs->adopt(handle);
    const bool right = quote != nullptr && quote->bid == 7 && quote->ask == 8;
    theirs->deallocate(quote);
    _exit(right ? 0 : 2);
  }
  Quote* quote = ours.make(7, 8);
  ASSERT_NE(quote, nullptr);
  const SharedHandle handle = ours.handle_of(quote);
  ASSERT_EQ(write(pipe_ends[1], &handle, sizeof(handle)), 8);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_EQ(ours.stats().in_use, 0u);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

TEST(SharedPool, EachAttachmentHasAnAddressOfItsOwn) {
  Pool a = anonymous(8);
  Pool b = must(Pool::attach(a.fd()));
  Quote* in_a = a.make(1, 2);
  Quote* in_b = b.resolve(a.handle_of(in_a));
  ASSERT_NE(in_b, nullptr);
  EXPECT_NE(in_a, in_b);
  EXPECT_EQ(in_b->ask, 2);
  EXPECT_EQ(b.at_offset(a.offset_of(in_a)), in_b);
  EXPECT_EQ(a.at_offset(a.offset_of(in_a)), in_a);
  a.deallocate(in_a);
}

TEST(SharedPool, AHandleNoticesThatItsObjectWasFreed) {
  Pool pool = anonymous(1);
  Quote* quote = pool.make(1, 1);
  const SharedHandle handle = pool.handle_of(quote);
  EXPECT_TRUE(handle);
  EXPECT_EQ(pool.resolve(handle), quote);
  pool.deallocate(quote);
  EXPECT_EQ(pool.resolve(handle), nullptr);
  EXPECT_EQ(pool.adopt(handle), nullptr);
  Quote* again = pool.make(2, 2);
  EXPECT_EQ(again, quote) << "the only slot";
  EXPECT_EQ(pool.resolve(handle), nullptr);
  EXPECT_EQ(pool.adopt(handle), nullptr);
  EXPECT_NE(pool.handle_of(again), handle);
  pool.deallocate(again);
}

TEST(SharedPool, NonsenseIsNoHandleAndNoOffset) {
  Pool pool = anonymous(4);
  EXPECT_FALSE(SharedHandle());
  EXPECT_EQ(pool.resolve({}), nullptr);
  EXPECT_EQ(pool.resolve({5, 1}), nullptr);
  EXPECT_EQ(pool.resolve({UINT32_MAX, 1}), nullptr);
  EXPECT_EQ(pool.adopt({}), nullptr);
  EXPECT_EQ(pool.adopt({5, 0}), nullptr);
  EXPECT_EQ(pool.at_offset(0), nullptr) << "free";
  EXPECT_EQ(pool.at_offset(1), nullptr);
  EXPECT_EQ(pool.at_offset(4 * sizeof(Quote)), nullptr);
  pool.deallocate(nullptr);
}

TEST(SharedPool, GivesOutItsCapacityAndCountsWhatItCouldNotGive) {
  for (const std::size_t capacity : {1u, 63u, 64u, 65u, 200u}) {
    Pool pool = anonymous(capacity);
    expect_all_slots_free(pool);
    EXPECT_EQ(pool.stats().allocation_failures, 1u);
    EXPECT_EQ(pool.stats().capacity, capacity);
    EXPECT_EQ(pool.capacity(), capacity);
  }
}

TEST(SharedPool, StatisticsAreExactAtRest) {
  Pool a = anonymous(100);
  Pool b = must(Pool::attach(a.fd()));
  std::vector<Quote*> ours, theirs;
  for (int i = 0; i < 30; ++i) ours.push_back(a.make(i, i));
  for (int i = 0; i < 20; ++i) theirs.push_back(b.make(i, i));
  for (int i = 0; i < 5; ++i) {
    a.deallocate(ours.back());
    ours.pop_back();
  }
  for (Pool* pool : {&a, &b}) {
    const SharedPoolStats stats = pool->stats();
    EXPECT_EQ(stats.in_use, 45u);
    EXPECT_EQ(stats.peak_usage, 50u);
    EXPECT_EQ(stats.total_allocations, 50u);
    EXPECT_EQ(stats.total_deallocations, 5u);
    EXPECT_EQ(stats.allocation_failures, 0u);
    EXPECT_EQ(stats.reclaimed, 0u);
    EXPECT_EQ(stats.overhead_bytes, stats.capacity_bytes - 100 * sizeof(Quote));
  }
  for (Quote* quote : ours) a.deallocate(quote);
  for (Quote* quote : theirs) b.deallocate(quote);
}

TEST(SharedPool, PeakUsageExceedsTheTrueOneByLessThan64) {
  Pool pool = anonymous(4096);
  std::mt19937_64 random(11);
  std::vector<Quote*> out;
  std::size_t peak = 0;
  for (int i = 0; i < 200000; ++i) {
    if (out.size() < 500 && random() % 2 == 0) {
      out.push_back(pool.allocate());
      peak = std::max(peak, out.size());
    } else if (!out.empty()) {
      std::swap(out[random() % out.size()], out.back());
      pool.deallocate(out.back());
      out.pop_back();
    }
  }
  EXPECT_GE(pool.stats().peak_usage, peak);
  EXPECT_LT(pool.stats().peak_usage, peak + 64);
  for (Quote* quote : out) pool.deallocate(quote);
}

TEST(SharedPool, OverheadOfALargePoolIsSmall) {
  struct Large {
    char bytes[256];
  };
  auto pool = SharedPool<Large>::create_anonymous({.capacity = 16384});
  ASSERT_TRUE(pool.ok()) << pool.status();
  const SharedPoolStats stats = pool->stats();
  EXPECT_LT(static_cast<double>(stats.overhead_bytes),
            0.05 * static_cast<double>(stats.capacity_bytes));
}

TEST(SharedPool, AlignsItsObjects) {
  struct alignas(128) Wide {
    char c;
  };
  auto pool = SharedPool<Wide>::create_anonymous({.capacity = 3});
  ASSERT_TRUE(pool.ok()) << pool.status();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(pool->allocate()) % 128, 0u);
  }
}

TEST(SharedPool, AnAdoptedObjectIsTheAdoptersToFree) {
  Pool a = anonymous(8);
  Pool b = must(Pool::attach(a.fd()));
  Quote* in_a = a.make(1, 1);
  Quote* in_b = b.adopt(a.handle_of(in_a));
  ASSERT_NE(in_b, nullptr);
  EXPECT_EQ(b.adopt(b.handle_of(in_b)), in_b) << "already its own";
  b.deallocate(in_b);
  expect_all_slots_free(a);
}

TEST(SharedPool, TransferMovesTheDutyToFree) {
  Pool a = anonymous(8);
  Pool b = must(Pool::attach(a.fd()));
  Quote* in_a = a.make(3, 4);
  const SharedHandle handle = a.handle_of(in_a);
  ASSERT_TRUE(a.transfer(in_a, b.self()));
  EXPECT_EQ(a.processes()[0].held, 0u);
  EXPECT_EQ(a.processes()[1].held, 1u);
  Quote* in_b = b.resolve(handle);
  ASSERT_NE(in_b, nullptr);
  EXPECT_EQ(in_b->ask, 4);
  b.deallocate(in_b);

  Quote* kept = a.make(5, 6);
  EXPECT_TRUE(a.transfer(kept, a.self()));
  a.deallocate(kept);
}

TEST(SharedPool, TransferToOneWhoLeftChangesNothing) {
  Pool a = anonymous(8);
  std::optional<Pool> b = must(Pool::attach(a.fd()));
  const SharedProcess left = b->self();
  b.reset();
  Quote* quote = a.make(1, 2);
  EXPECT_FALSE(a.transfer(quote, left));
  EXPECT_FALSE(a.transfer(quote, {999, 1}));
  // Not to its successor in the same place of the table either.
  Pool c = must(Pool::attach(a.fd()));
  EXPECT_EQ(c.self().index, left.index);
  EXPECT_NE(c.self(), left);
  EXPECT_FALSE(a.transfer(quote, left));
  EXPECT_EQ(quote->ask, 2);
  a.deallocate(quote);
}

TEST(SharedPool, WhatOneHeldWhenItDetachedIsReclaimed) {
  Pool a = anonymous(8);
  std::optional<Pool> b = must(Pool::attach(a.fd()));
  const SharedProcess left = b->self();
  (void)b->make(1, 2);
  Quote* second = b->make(3, 4);
  const SharedHandle saved = b->handle_of(second);
  b.reset();
  ASSERT_EQ(a.processes().size(), 2u);
  EXPECT_FALSE(a.processes()[1].alive);
  Quote* adopted = a.adopt(saved);
  ASSERT_NE(adopted, nullptr) << "may be saved before the reclaim";
  EXPECT_EQ(adopted->ask, 4);

  absl::StatusOr<std::size_t> freed = a.reclaim(left);
  ASSERT_TRUE(freed.ok()) << freed.status();
  EXPECT_EQ(*freed, 1u);
  EXPECT_EQ(a.stats().reclaimed, 1u);
  EXPECT_EQ(a.processes().size(), 1u);
  EXPECT_TRUE(absl::IsNotFound(a.reclaim(left).status()));
  a.deallocate(adopted);
  expect_all_slots_free(a);
}

TEST(SharedPool, NothingIsReclaimedFromTheLiving) {
  Pool a = anonymous(8);
  Pool b = must(Pool::attach(a.fd()));
  Quote* quote = b.make(1, 2);
  EXPECT_TRUE(absl::IsFailedPrecondition(a.reclaim(b.self()).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(b.reclaim(b.self()).status()));
  EXPECT_TRUE(absl::IsNotFound(a.reclaim({3, 1}).status()));
  EXPECT_TRUE(absl::IsNotFound(a.reclaim({999, 1}).status()));
  EXPECT_TRUE(absl::IsNotFound(a.reclaim({b.self().index, 99}).status()));
  EXPECT_EQ(a.reclaim_dead(), 0u);
  EXPECT_EQ(a.stats().in_use, 1u);
  b.deallocate(quote);
}

TEST(SharedPool, ADetachedProcessWithNothingLeavesNothing) {
  Pool a = anonymous(8);
  {
    Pool b = must(Pool::attach(a.fd()));
    b.deallocate(b.make(1, 2));
  }
  EXPECT_EQ(a.processes().size(), 1u);
  EXPECT_EQ(a.processes()[0].pid, getpid());
  EXPECT_TRUE(a.processes()[0].alive);
}

TEST(SharedPool, AFullTableRefusesTheLivingAndReplacesTheDead) {
  Pool a = anonymous(4, 2);
  std::optional<Pool> b = must(Pool::attach(a.fd()));
  EXPECT_TRUE(absl::IsResourceExhausted(Pool::attach(a.fd()).status()));
  (void)b->make(1, 2);
  b.reset();
  Pool c = must(Pool::attach(a.fd()));
  EXPECT_EQ(a.stats().reclaimed, 1u);
  expect_all_slots_free(a);
}

TEST(SharedPool, MovesAndAssigns) {
  Pool a = anonymous(4);
  Quote* quote = a.make(1, 2);
  Pool moved = std::move(a);
  a = anonymous(2);
  EXPECT_EQ(a.capacity(), 2u);
  moved.deallocate(quote);
  expect_all_slots_free(moved);
}

TEST(SharedPool, RandomOperationsAgreeWithAModel) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  constexpr std::size_t kCapacity = 150;
  std::vector<Pool> pools;
  pools.push_back(anonymous(kCapacity));
  for (int i = 0; i < 2; ++i) {
    pools.push_back(must(Pool::attach(pools[0].fd())));
  }
  struct Out {
    std::size_t owner;
    SharedHandle handle;
    std::int64_t value;
  };
  std::vector<Out> model;
  std::vector<SharedHandle> stale;
  std::uint64_t made = 0, failures = 0;
  for (int step = 0; step < 100000; ++step) {
    const std::size_t who = random() % pools.size();
    const std::size_t at = model.empty() ? 0 : random() % model.size();
    switch (random() % 8) {
      case 0:
      case 1:
      case 2: {
        Quote* quote = pools[who].make(step, -step);
        ASSERT_EQ(quote == nullptr, model.size() == kCapacity);
        if (quote == nullptr) {
          ++failures;
          break;
        }
        ++made;
        model.push_back({who, pools[who].handle_of(quote), step});
        break;
      }
      case 3:
      case 4: {
        if (model.empty()) break;
        const Out out = model[at];
        Quote* quote = pools[out.owner].resolve(out.handle);
        ASSERT_NE(quote, nullptr);
        ASSERT_EQ(quote->bid, out.value);
        ASSERT_EQ(quote->ask, -out.value);
        pools[out.owner].deallocate(quote);
        stale.push_back(out.handle);
        model[at] = model.back();
        model.pop_back();
        break;
      }
      case 5: {
        if (model.empty()) break;
        ASSERT_NE(pools[who].adopt(model[at].handle), nullptr);
        model[at].owner = who;
        break;
      }
      case 6: {
        if (model.empty()) break;
        Pool& from = pools[model[at].owner];
        ASSERT_TRUE(
            from.transfer(from.resolve(model[at].handle), pools[who].self()));
        model[at].owner = who;
        break;
      }
      default:
        if (stale.empty()) break;
        ASSERT_EQ(pools[who].resolve(stale[random() % stale.size()]), nullptr);
    }
  }
  const SharedPoolStats stats = pools[1].stats();
  EXPECT_EQ(stats.in_use, model.size());
  EXPECT_EQ(stats.total_allocations, made);
  EXPECT_EQ(stats.total_deallocations, made - model.size());
  EXPECT_EQ(stats.allocation_failures, failures);
  for (const Out& out : model) {
    Pool& owner = pools[out.owner];
    owner.deallocate(owner.resolve(out.handle));
  }
  expect_all_slots_free(pools[2]);
}

TEST(SharedPool, AMillionCyclesTakeNothing) {
  Pool pool = anonymous(64);
  for (int i = 0; i < 1000000; ++i) {
    Quote* quote = pool.make(i, i);
    ASSERT_NE(quote, nullptr);
    pool.deallocate(quote);
  }
  EXPECT_EQ(pool.stats().total_allocations, 1000000u);
  EXPECT_EQ(pool.stats().peak_usage, 1u);
  EXPECT_EQ(pool.stats().in_use, 0u);
}

// At the end every slot can be had: no hint was lost by the living.
TEST(SharedPool, ThreadsThatAllocateAndFreeEachOthersObjects) {
  constexpr int kThreads = 16, kSteps = 4000;
  constexpr std::size_t kMailboxes = 16;
  Pool first = anonymous(100);
  Pool second = must(Pool::attach(first.fd()));
  std::array<std::atomic<SharedHandle>, kMailboxes> mailboxes{};
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
    // Eight threads share each attachment; all share one under TSan, which
    // knows addresses: it sees no order between two mappings of one page.
#ifdef __SANITIZE_THREAD__
      Pool& pool = first;
#else
      Pool& pool = t % 2 == 0 ? first : second;
#endif
      std::mt19937_64 random(static_cast<unsigned>(t));
      for (int i = 0; i < kSteps; ++i) {
        const std::int64_t stamp = std::int64_t{t} << 32 | i;
        Quote* quote = pool.make(stamp, ~stamp);
        SharedHandle mail;
        if (quote != nullptr) {
          std::this_thread::yield();
          if (quote->bid != stamp || quote->ask != ~stamp) ++wrong;
          mail = pool.handle_of(quote);
        }
        mail = mailboxes[random() % kMailboxes].exchange(mail);
        if (!mail) continue;
        Quote* theirs = pool.adopt(mail);
        if (theirs == nullptr || theirs->bid != ~theirs->ask) {
          ++wrong;
        } else {
          pool.deallocate(theirs);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  for (auto& mailbox : mailboxes) {
    const SharedHandle mail = mailbox.load();
    if (mail) first.deallocate(first.adopt(mail));
  }
  expect_all_slots_free(first);
  expect_all_slots_free(second);
}

// ---- Attaching

TEST(SharedPoolAttach, ANameIsTakenOnceAndCanBeTakenAway) {
  const Name name("twice");
  Pool pool = must(Pool::create(*name, {.capacity = 4}));
  EXPECT_TRUE(
      absl::IsAlreadyExists(Pool::create(*name, {.capacity = 4}).status()));
  EXPECT_TRUE(Pool::unlink(*name).ok());
  EXPECT_TRUE(absl::IsNotFound(Pool::unlink(*name)));
  EXPECT_TRUE(absl::IsNotFound(Pool::attach(*name).status()));
  pool.deallocate(pool.make(1, 2));
}

TEST(SharedPoolAttach, RefusesNamesAndOptionsOfNoUse) {
  const std::vector<std::string> names = {
      "", "/", "a/b", "..", "/.", std::string(300, 'a'), {"a\0b", 3}};
  for (const std::string& bad : names) {
    EXPECT_TRUE(absl::IsInvalidArgument(Pool::attach(bad).status())) << bad;
    EXPECT_TRUE(absl::IsInvalidArgument(Pool::unlink(bad))) << bad;
    if (!bad.empty()) {
      EXPECT_TRUE(
          absl::IsInvalidArgument(Pool::create(bad, {.capacity = 1}).status()));
    }
  }
  for (const SharedPoolOptions& bad :
       {SharedPoolOptions{.capacity = 0},
        SharedPoolOptions{.capacity = std::size_t{1} << 32},
        SharedPoolOptions{.capacity = 1, .max_processes = 0},
        SharedPoolOptions{.capacity = 1, .max_processes = 256}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Pool::create_anonymous(bad).status()));
  }
  struct Huge {
    char bytes[std::size_t{1} << 40];
  };
  EXPECT_TRUE(absl::IsInvalidArgument(
      SharedPool<Huge>::create_anonymous({.capacity = 1 << 20}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      Pool::create_anonymous(
          {.capacity = 1,
           .placement = {.policy = NumaPolicy::kBind, .node = 1000}})
          .status()));
}

TEST(SharedPoolAttach, MoreThanTheMachineHasIsAnErrorAndNotASignal) {
  struct Big {
    char bytes[1 << 20];
  };
  EXPECT_FALSE(
      SharedPool<Big>::create("/wirebook-too-big", {.capacity = 20u << 20})
          .ok());
  EXPECT_TRUE(
      absl::IsNotFound(SharedPool<Big>::attach("/wirebook-too-big").status()));
}

TEST(SharedPoolAttach, RefusesAnotherTypeOrLayout) {
  Pool pool = must(Pool::create_anonymous({.capacity = 4, .layout = 7}));
  EXPECT_TRUE(Pool::attach(pool.fd(), 7).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(Pool::attach(pool.fd(), 8).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(
      SharedPool<int>::attach(pool.fd(), 7).status()));
}

TEST(SharedPoolAttach, RefusesWhatIsNoSegment) {
  EXPECT_FALSE(Pool::attach(-1).ok());
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(Pool::attach(pipe_ends[0]).status()));
  close(pipe_ends[0]);
  close(pipe_ends[1]);

  const Name name("foreign");
  ASSERT_EQ(mkfifo(name.path().c_str(), 0600), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(Pool::attach(*name).status()));
  ::unlink(name.path().c_str());

  const int file = open(name.path().c_str(), O_RDWR | O_CREAT, 0600);
  ASSERT_GE(file, 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(Pool::attach(*name).status()))
      << "empty";
  ASSERT_EQ(ftruncate(file, 1 << 20), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(Pool::attach(*name).status()))
      << "zeros";
  close(file);
}

TEST(SharedPoolAttach, RefusesATruncatedSegment) {
  const Name name("truncated");
  { Pool pool = must(Pool::create(*name, {.capacity = 1000})); }
  struct stat status;
  ASSERT_EQ(stat(name.path().c_str(), &status), 0);
  for (const off_t size : {status.st_size - 1, status.st_size - 4096,
                           off_t{4096}, off_t{100}, off_t{1}, off_t{0}}) {
    ASSERT_EQ(truncate(name.path().c_str(), size), 0);
    EXPECT_TRUE(absl::IsFailedPrecondition(Pool::attach(*name).status()))
        << size;
  }
}

TEST(SharedPoolAttach, RefusesADamagedHeader) {
  const Name name("damaged");
  { Pool pool = must(Pool::create(*name, {.capacity = 100})); }
  const int file = open(name.path().c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(file, 0);
  for (off_t at = 0; at < 64; ++at) {
    unsigned char byte = 0;
    ASSERT_EQ(pread(file, &byte, 1, at), 1);
    unsigned char wrong = byte ^ 0x10;
    ASSERT_EQ(pwrite(file, &wrong, 1, at), 1);
    EXPECT_TRUE(absl::IsFailedPrecondition(Pool::attach(*name).status()))
        << "byte " << at;
    ASSERT_EQ(pwrite(file, &byte, 1, at), 1);
  }
  EXPECT_TRUE(Pool::attach(*name).ok());
  close(file);
}

TEST(SharedPoolAttach, RefusesSizesThatContradictEachOtherUnderARightChecksum) {
  const Name name("lies");
  { Pool pool = must(Pool::create(*name, {.capacity = 100})); }
  const int file = open(name.path().c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(file, 0);
  unsigned char header[64];
  ASSERT_EQ(pread(file, header, sizeof(header), 0), 64);
  constexpr std::size_t kCapacityAt = 32, kChecksumAt = 56;
  for (const std::uint64_t lie : {0ull, 1000ull, 1ull << 31, ~0ull}) {
    unsigned char forged[64];
    std::memcpy(forged, header, sizeof(header));
    std::memcpy(forged + kCapacityAt, &lie, sizeof(lie));
    std::uint64_t sum = 0xcbf29ce484222325;
    for (std::size_t i = 0; i < kChecksumAt; ++i) {
      sum = (sum ^ forged[i]) * 0x100000001b3;
    }
    std::memcpy(forged + kChecksumAt, &sum, sizeof(sum));
    ASSERT_EQ(pwrite(file, forged, sizeof(forged), 0), 64);
    const absl::Status status = Pool::attach(*name).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << lie;
    EXPECT_NE(status.message().find("contradict"), absl::string_view::npos)
        << status;
  }
  close(file);
}

TEST(SharedPoolAttach, AnAnonymousSegmentCannotBeTruncated) {
  Pool pool = anonymous(4);
  EXPECT_NE(ftruncate(pool.fd(), 0), 0);
  EXPECT_EQ(errno, EPERM);
}

// ---- Other processes

struct Child {
  pid_t pid = -1;
  int from = -1;  // The read end of its standard pipe.
};

// A child that runs `body(write end)` and then stays until it is killed.
template <typename Body>
Child start(Body body) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    body(ends[1]);
    for (;;) pause();
  }
  close(ends[1]);
  return {pid, ends[0]};
}

template <typename T>
T receive(const Child& child) {
  T value{};
  EXPECT_EQ(read(child.from, &value, sizeof(value)),
            static_cast<ssize_t>(sizeof(value)));
  return value;
}

template <typename T>
void send(int to, const T& value) {
  if (write(to, &value, sizeof(value)) != sizeof(value)) _exit(3);
}

void end(const Child& child) {
  kill(child.pid, SIGKILL);
  int status = 0;
  EXPECT_EQ(waitpid(child.pid, &status, 0), child.pid);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  close(child.from);
}

TEST(SharedPoolProcesses, WhatAKilledProcessHeldComesBackCounted) {
  Pool pool = anonymous(10);
  const int fd = pool.fd();
  const Child child = start([fd](int out) {
    absl::StatusOr<Pool> theirs = Pool::attach(fd);
    if (!theirs.ok()) _exit(1);
    for (int i = 0; i < 3; ++i) (void)theirs->make(i, i);
    send(out, theirs->self());
    for (;;) pause();
  });
  const auto dead = receive<SharedProcess>(child);
  EXPECT_EQ(pool.processes()[1].pid, child.pid);
  EXPECT_TRUE(pool.processes()[1].alive);
  EXPECT_TRUE(absl::IsFailedPrecondition(pool.reclaim(dead).status()));
  end(child);
  EXPECT_FALSE(pool.processes()[1].alive);
  EXPECT_EQ(pool.processes()[1].held, 3u);
  const absl::StatusOr<std::size_t> freed = pool.reclaim(dead);
  ASSERT_TRUE(freed.ok()) << freed.status();
  EXPECT_EQ(*freed, 3u);
  expect_all_slots_free(pool);
}

TEST(SharedPoolProcesses, AStoppedProcessIsAliveAndHoldsNobodyUp) {
  Pool pool = anonymous(10);
  const int fd = pool.fd();
  const Child child = start([fd](int out) {
    absl::StatusOr<Pool> theirs = Pool::attach(fd);
    if (!theirs.ok()) _exit(1);
    (void)theirs->make(1, 2);
    send(out, theirs->self());
    raise(SIGSTOP);
  });
  const auto stopped = receive<SharedProcess>(child);
  int status = 0;
  ASSERT_EQ(waitpid(child.pid, &status, WUNTRACED), child.pid);
  EXPECT_TRUE(absl::IsFailedPrecondition(pool.reclaim(stopped).status()));
  for (int i = 0; i < 9; ++i) EXPECT_NE(pool.make(i, i), nullptr);
  EXPECT_EQ(pool.make(0, 0), nullptr);
  end(child);
  EXPECT_EQ(pool.reclaim_dead(), 1u);
}

TEST(SharedPoolProcesses, AProcessThatClosedAllItsDescriptorsIsAlive) {
  Pool pool = anonymous(10);
  const int fd = pool.fd();
  const Child child = start([fd](int out) {
    absl::StatusOr<Pool> theirs = Pool::attach(fd);
    if (!theirs.ok()) _exit(1);
    (void)theirs->make(1, 2);
    const SharedProcess self = theirs->self();
    for (int i = 3; i < 256; ++i) {
      if (i != out) close(i);
    }
    send(out, self);
    for (;;) pause();
  });
  const auto living = receive<SharedProcess>(child);
  EXPECT_TRUE(absl::IsFailedPrecondition(pool.reclaim(living).status()));
  end(child);
  EXPECT_EQ(pool.reclaim_dead(), 1u);
}

TEST(SharedPoolProcesses, AForkedChildDoesNotKeepItsParentAlive) {
  Pool pool = anonymous(10);
  const int fd = pool.fd();
  const Child child = start([fd](int out) {
    absl::StatusOr<Pool> theirs = Pool::attach(fd);
    if (!theirs.ok()) _exit(1);
    (void)theirs->make(1, 2);
    const pid_t grandchild = fork();
    if (grandchild == 0) {
      for (;;) pause();
    }
    send(out, grandchild);
    for (;;) pause();
  });
  const auto grandchild = receive<pid_t>(child);
  end(child);
  EXPECT_EQ(pool.reclaim_dead(), 1u);
  kill(grandchild, SIGKILL);
}

TEST(SharedPoolProcesses, AnInheritedPoolEndsWithoutEffect) {
  Pool pool = anonymous(10);
  Quote* quote = pool.make(1, 2);
  const pid_t child = fork();
  if (child == 0) {
    { Pool inherited = std::move(pool); }
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_TRUE(pool.processes()[0].alive);
  EXPECT_EQ(quote->ask, 2);
  pool.deallocate(quote);
}

// ---- Broken invariants

// A pool is made in the child of a death test: fork() does not pass it on.
TEST(SharedPoolDeathTest, DoubleFree) {
  EXPECT_DEATH(
      {
        Pool pool = anonymous(4);
        Quote* quote = pool.make(1, 2);
        pool.deallocate(quote);
        pool.deallocate(quote);
      },
      "SharedPool 0x[0-9a-f]+: double free, or free of an object that another "
      "process owns 0x[0-9a-f]+");
}

TEST(SharedPoolDeathTest, FreeOfWhatAnotherProcessOwns) {
  EXPECT_DEATH(
      {
        Pool pool = anonymous(4);
        Pool other = must(Pool::attach(pool.fd()));
        Quote* quote = pool.make(1, 2);
        if (other.adopt(pool.handle_of(quote))) pool.deallocate(quote);
      },
      "SharedPool 0x[0-9a-f]+: double free, or free of an object that another");
  EXPECT_DEATH(
      {
        Pool pool = anonymous(4);
        Pool other = must(Pool::attach(pool.fd()));
        Quote* quote = pool.make(1, 2);
        if (pool.transfer(quote, other.self())) {
          (void)pool.transfer(quote, other.self());
        }
      },
      "SharedPool 0x[0-9a-f]+: transferred an object that this process does "
      "not");
}

TEST(SharedPoolDeathTest, AddressesThatAreNoObjects) {
  EXPECT_DEATH(
      {
        Pool pool = anonymous(4);
        Quote quote{};
        pool.deallocate(&quote);
      },
      "SharedPool 0x[0-9a-f]+: freed an address that is no object 0x");
  EXPECT_DEATH(
      {
        Pool pool = anonymous(4);
        Quote* quote = pool.make(1, 2);
        pool.deallocate(reinterpret_cast<Quote*>(&quote->ask));
      },
      "SharedPool 0x[0-9a-f]+: freed an address that is no object 0x");
  EXPECT_DEATH((void)anonymous(4).handle_of(reinterpret_cast<Quote*>(8)),
               "SharedPool 0x[0-9a-f]+: asked for the handle of what is no");
  EXPECT_DEATH((void)anonymous(4).offset_of(reinterpret_cast<Quote*>(8)),
               "SharedPool 0x[0-9a-f]+: asked for the offset of what is no");
  EXPECT_DEATH(
      (void)anonymous(4).transfer(reinterpret_cast<Quote*>(8), {}),
      "SharedPool 0x[0-9a-f]+: transferred an address that is no object");
}

#if defined(WIREBOOK_ASAN)
TEST(SharedPoolDeathTest, UseAfterFreeIsSeenByAddressSanitizer) {
  EXPECT_DEATH(
      {
        Pool pool = anonymous(4);
        Quote* quote = pool.make(1, 2);
        pool.deallocate(quote);
        volatile std::int64_t read = quote->bid;
        (void)read;
      },
      "use-after-poison");
}
#endif

}  // namespace
}  // namespace wirebook
