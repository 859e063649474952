// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/seqlock.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <new>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "memory/testing/soak.h"

namespace wirebook {
namespace {

struct Top {
  int64_t bid;
  int64_t ask;
  bool operator==(const Top&) const = default;
};

TEST(SeqlockTest, LoadsWhatWasStored) {
  Seqlock<Top> top;
  top.store({.bid = 99, .ask = 101});
  Top seen;
  ASSERT_EQ(top.load(seen), SeqlockRead::kOk);
  EXPECT_EQ(seen, (Top{99, 101}));
  ASSERT_TRUE(top.try_load(seen));
  EXPECT_EQ(top.try_load(), (Top{99, 101}));
}

TEST(SeqlockTest, HoldsAValueFromTheStart) {
  EXPECT_EQ(Seqlock<Top>().try_load(), (Top{0, 0}));
  EXPECT_EQ(Seqlock<Top>(Top{1, 2}).try_load(), (Top{1, 2}));
}

TEST(SeqlockTest, VersionCountsStores) {
  Seqlock<int> value;
  EXPECT_EQ(value.version(), 0u);
  value.store(1);
  value.store(1);
  EXPECT_EQ(value.version(), 2u);
}

template <size_t N>
void round_trip() {
  using Bytes = std::array<uint8_t, N>;
  Bytes bytes;
  for (size_t i = 0; i < N; ++i) bytes[i] = static_cast<uint8_t>(i * 7 + 1);
  // A neighbour on each side: no byte beyond the value may change.
  std::array<Seqlock<Bytes>, 3> row;
  row[1].store(bytes);
  EXPECT_EQ(row[0].try_load(), Bytes{}) << N;
  EXPECT_EQ(row[1].try_load(), bytes) << N;
  EXPECT_EQ(row[2].try_load(), Bytes{}) << N;
  struct {
    Bytes bytes;
    uint8_t guard = 0xAA;
  } out;
  EXPECT_EQ(row[1].load(out.bytes), SeqlockRead::kOk);
  EXPECT_EQ(out.bytes, bytes) << N;
  EXPECT_EQ(out.guard, 0xAA) << N;
}

TEST(SeqlockTest, TakesAnySize) {
  round_trip<1>();
  round_trip<7>();
  round_trip<8>();
  round_trip<9>();
  round_trip<40>();
  round_trip<63>();
  round_trip<4096>();
  round_trip<5003>();
}

TEST(SeqlockTest, TakesTypesWithoutADefaultConstructor) {
  struct Price {
    explicit Price(int64_t t) : ticks(t) {}
    int64_t ticks;
  };
  Seqlock<Price> price(Price(5));
  price.store(Price(6));
  EXPECT_EQ(price.try_load()->ticks, 6);
}

TEST(SeqlockTest, SharesNoLineWithItsNeighbours) {
  static_assert(sizeof(Seqlock<Top>) == 64);
  static_assert(sizeof(Seqlock<std::array<int64_t, 7>>) == 64);
  static_assert(sizeof(Seqlock<std::array<int64_t, 8>>) == 128);
}

// ---- A writer that died in mid-write ----------------------------------------

// An atomic through which the writer can be made to die at its n-th store.
int g_stores_until_death = -1;

template <typename U>
class MortalAtomic {
 public:
  MortalAtomic() = default;
  explicit MortalAtomic(U value) : value_(value) {}
  U load(std::memory_order order) const { return value_.load(order); }
  void store(U value, std::memory_order order) {
    if (g_stores_until_death == 0) _exit(0);
    if (g_stores_until_death > 0) --g_stores_until_death;
    value_.store(value, order);
  }

 private:
  std::atomic<U> value_{};
};

using MortalLock = Seqlock<Top, MortalAtomic>;

// A store of Top takes four atomic stores: odd, two words, even. The writer is
// another process, over shared memory, and dies before its n-th.
MortalLock* lock_left_by_dead_writer(int n) {
  void* const page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto* const lock = new (page) MortalLock(Top{1, 2});
  const pid_t child = fork();
  if (child == 0) {
    g_stores_until_death = n;
    lock->store({3, 4});
    _exit(1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return lock;
}

TEST(SeqlockTest, WriterThatDiedInMidWriteIsReported) {
  for (int n = 1; n <= 3; ++n) {
    MortalLock* const lock = lock_left_by_dead_writer(n);
    Top seen;
    EXPECT_FALSE(lock->try_load(seen)) << n;
    EXPECT_EQ(lock->try_load(), std::nullopt) << n;
    EXPECT_EQ(lock->load(seen, 100), SeqlockRead::kStuck) << n;
    EXPECT_EQ(lock->load(seen), SeqlockRead::kStuck) << n;
    munmap(lock, 4096);
  }
}

TEST(SeqlockTest, WriterThatDiedBeforeItsWriteIsNot) {
  MortalLock* const lock = lock_left_by_dead_writer(0);
  EXPECT_EQ(lock->try_load(), (Top{1, 2}));
  munmap(lock, 4096);
}

TEST(SeqlockTest, SuccessorsStoreRepairs) {
  for (int n = 0; n <= 3; ++n) {
    MortalLock* const lock = lock_left_by_dead_writer(n);
    lock->store({5, 6});
    EXPECT_EQ(lock->try_load(), (Top{5, 6})) << n;
    lock->store({7, 8});
    EXPECT_EQ(lock->try_load(), (Top{7, 8})) << n;
    EXPECT_EQ(lock->version(), 2u) << n;
    munmap(lock, 4096);
  }
}

// ---- A writer always in the reader's way ------------------------------------

// Stores a new value each time that the reader loads a word.
template <typename U>
class IntrusiveAtomic {
 public:
  IntrusiveAtomic() = default;
  explicit IntrusiveAtomic(U value) : value_(value) {}
  U load(std::memory_order order) const {
    if (on_load != nullptr) on_load();
    return value_.load(order);
  }
  void store(U value, std::memory_order order) { value_.store(value, order); }
  static inline void (*on_load)() = nullptr;

 private:
  std::atomic<U> value_{};
};

Seqlock<Top, IntrusiveAtomic>* g_busy = nullptr;

TEST(SeqlockTest, WriterThatNeverPausesIsBusyNotStuck) {
  Seqlock<Top, IntrusiveAtomic> lock;
  g_busy = &lock;
  const auto interrupt = [] {
    const auto self = IntrusiveAtomic<uint64_t>::on_load;
    IntrusiveAtomic<uint64_t>::on_load = nullptr;
    g_busy->store({1, 1});
    IntrusiveAtomic<uint64_t>::on_load = self;
  };
  IntrusiveAtomic<uint64_t>::on_load = interrupt;
  Top seen;
  const SeqlockRead result = lock.load(seen, 50);
  IntrusiveAtomic<uint64_t>::on_load = nullptr;
  EXPECT_EQ(result, SeqlockRead::kBusy);
  EXPECT_EQ(lock.load(seen), SeqlockRead::kOk);
}

// The sequence as a script has it, for what only bad luck would show.
std::vector<uint64_t> g_script;

template <typename U>
class ScriptedAtomic {
 public:
  ScriptedAtomic() = default;
  explicit ScriptedAtomic(U) {}
  U load(std::memory_order) const {
    const U value = g_script.front();
    g_script.erase(g_script.begin());
    return value;
  }
  void store(U, std::memory_order) {}
};

TEST(SeqlockTest, OnlyOneAndTheSameOpenWriteIsStuck) {
  Seqlock<Top, ScriptedAtomic> lock;
  Top seen;
  g_script = {1, 1, 1};
  EXPECT_EQ(lock.load(seen, 3), SeqlockRead::kStuck);
  g_script = {1, 1, 3};  // the next write is open: the writer lives
  EXPECT_EQ(lock.load(seen, 3), SeqlockRead::kBusy);
}

// ---- Every point at which one store can meet one load -----------------------

// The load runs whole between two steps of the store, at every step; and the
// store runs whole between two steps of the load: neither may give a mixture.
template <typename U>
class SteppedAtomic {
 public:
  SteppedAtomic() = default;
  explicit SteppedAtomic(U value) : value_(value) {}
  U load(std::memory_order order) const {
    step();
    return value_.load(order);
  }
  void store(U value, std::memory_order order) {
    step();
    value_.store(value, order);
  }
  static void run_at(int step, void (*what)()) {
    countdown = step;
    action = what;
  }

 private:
  static void step() {
    if (action != nullptr && countdown-- == 0) {
      void (*const now)() = action;
      action = nullptr;
      now();
    }
  }
  static inline int countdown = 0;
  static inline void (*action)() = nullptr;
  std::atomic<U> value_{};
};

using SteppedLock = Seqlock<std::array<uint64_t, 3>, SteppedAtomic>;
constexpr std::array<uint64_t, 3> kOld{1, 1, 1};
constexpr std::array<uint64_t, 3> kNew{2, 2, 2};
SteppedLock* g_stepped = nullptr;
std::optional<std::array<uint64_t, 3>> g_seen;

TEST(SeqlockTest, LoadBetweenAnyTwoStepsOfAStoreSeesNoMixture) {
  for (int step = 0; step < 6; ++step) {
    SteppedLock lock(kOld);
    g_stepped = &lock;
    g_seen.reset();
    SteppedAtomic<uint64_t>::run_at(step,
                                    [] { g_seen = g_stepped->try_load(); });
    lock.store(kNew);
    SteppedAtomic<uint64_t>::run_at(0, nullptr);
    EXPECT_EQ(g_seen.value_or(kOld), kOld) << "at step " << step;
    // Only before the odd number is there a whole value to see.
    EXPECT_EQ(g_seen.has_value(), step <= 1) << "at step " << step;
  }
}

TEST(SeqlockTest, StoreBetweenAnyTwoStepsOfALoadGivesNoMixture) {
  for (int step = 0; step < 5; ++step) {
    SteppedLock lock(kOld);
    g_stepped = &lock;
    SteppedAtomic<uint64_t>::run_at(step, [] { g_stepped->store(kNew); });
    const auto seen = lock.try_load();
    SteppedAtomic<uint64_t>::run_at(0, nullptr);
    EXPECT_EQ(seen.value_or(kNew), kNew) << "at step " << step;
    EXPECT_EQ(seen.has_value(), step == 0) << "at step " << step;
  }
}

// ---- The orders that stand for the two fences -------------------------------

// x86 and TSan would forgive a weaker order here, so the test reads them off.
std::string g_orders;

template <typename U>
class RecordingAtomic {
 public:
  RecordingAtomic() = default;
  explicit RecordingAtomic(U value) : value_(value) {}
  U load(std::memory_order order) const {
    g_orders += order == std::memory_order_acquire ? "load acquire\n"
                                                   : "load relaxed\n";
    return value_.load(order);
  }
  void store(U value, std::memory_order order) {
    g_orders += order == std::memory_order_release ? "store release\n"
                                                   : "store relaxed\n";
    value_.store(value, order);
  }

 private:
  std::atomic<U> value_{};
};

TEST(SeqlockTest, EachFenceIsExpressedAsOrdersOfTheWords) {
  Seqlock<Top, RecordingAtomic> lock;
  g_orders.clear();
  lock.store({1, 2});
  EXPECT_EQ(g_orders,
            "load relaxed\n"     // the sequence, by its only writer
            "store relaxed\n"    // odd
            "store release\n"    // bid, not before odd
            "store release\n"    // ask, not before odd
            "store release\n");  // even, not before the words
  g_orders.clear();
  EXPECT_EQ(lock.try_load(), (Top{1, 2}));
  EXPECT_EQ(g_orders,
            "load acquire\n"    // the sequence, before the words
            "load acquire\n"    // bid, before the second look
            "load acquire\n"    // ask, before the second look
            "load relaxed\n");  // the second look
}

// ---- Threads ----------------------------------------------------------------

template <size_t Words>
void readers_see_whole_values(int stores) {
  using Value = std::array<uint64_t, Words>;
  Seqlock<Value> lock;
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&lock, &done] {
      uint64_t last = 0;
      Value seen;
      while (!done.load(std::memory_order_relaxed)) {
        const uint64_t version = lock.version();
        if (lock.load(seen) != SeqlockRead::kOk) continue;
        for (uint64_t word : seen) ASSERT_EQ(word, seen[0]);
        ASSERT_GE(seen[0], last);     // never back in time
        ASSERT_GE(seen[0], version);  // never older than its version
        last = seen[0];
        std::this_thread::yield();
      }
    });
  }
  Value value;
  for (int i = 1; i <= stores; ++i) {
    value.fill(static_cast<uint64_t>(i));
    lock.store(value);
  }
  done.store(true);
  for (std::thread& reader : readers) reader.join();
  ASSERT_TRUE(lock.try_load(value));
  EXPECT_EQ(value[0], static_cast<uint64_t>(stores));
}

TEST(SeqlockThreads, ReadersSeeWholeValues) {
  for (Soak soak; soak.goes_on();) {
    readers_see_whole_values<1>(200'000);
    readers_see_whole_values<5>(200'000);
    readers_see_whole_values<100>(20'000);
  }
}

// What the writer did before a store is visible to who saw the store: the
// orders carry a plain object along (TSan checks it).
TEST(SeqlockThreads, StorePublishesWhatWentBefore) {
  int plain = 0;
  Seqlock<int> ready;
  std::thread writer([&] {
    plain = 42;
    ready.store(1);
  });
  int seen = 0;
  while (ready.load(seen) != SeqlockRead::kOk || seen == 0) {
    std::this_thread::yield();
  }
  EXPECT_EQ(plain, 42);
  writer.join();
}

}  // namespace
}  // namespace wirebook
