// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/lock_free_hash_map.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "concurrency/testing/history_recorder.h"
#include "concurrency/testing/linearizability.h"
#include "concurrency/testing/linearizability_specs.h"
#include "gtest/gtest.h"
#include "memory/testing/soak.h"

namespace wirebook {
namespace {

using Map = LockFreeHashMap<uint64_t, uint64_t>;

TEST(LockFreeHashMap, SimplestUse) {
  LockFreeHashMap<uint64_t, std::string> map;
  EXPECT_TRUE(map.insert(7, "seven"));
  EXPECT_FALSE(map.insert(7, "again"));
  EXPECT_EQ(map.find(7), "seven");
  EXPECT_EQ(map.find(8), std::nullopt);
  EXPECT_TRUE(map.contains(7));
  EXPECT_TRUE(map.update(7, [](const std::string& s) { return s + "!"; }));
  EXPECT_TRUE(
      map.visit(7, [](const std::string& s) { EXPECT_EQ(s, "seven!"); }));
  EXPECT_TRUE(map.erase(7));
  EXPECT_FALSE(map.erase(7));
  EXPECT_FALSE(map.visit(7, [](const std::string&) { FAIL(); }));
  EXPECT_EQ(map.size(), 0u);
}

TEST(LockFreeHashMap, AValueStaysWhileItsGuardLives) {
  EpochDomain domain;
  LockFreeHashMap<int, std::string> map({}, domain);
  map.insert(1, "a value that is too long for the string itself");
  {
    const auto guard = map.guard();
    const std::string* const value = map.find(1, guard);
    ASSERT_NE(value, nullptr);
    map.insert_or_assign(1, "another");
    map.erase(1);
    for (int i = 2; i < 1000; ++i) {
      map.insert(i, "x");
      map.erase(i);
    }
    EXPECT_EQ(*value, "a value that is too long for the string itself");
    EXPECT_EQ(map.find(1, guard), nullptr);
  }
  domain.barrier();
}

TEST(LockFreeHashMap, InsertOrAssignSaysWhichItDid) {
  Map map;
  EXPECT_TRUE(map.insert_or_assign(1, 10));
  EXPECT_FALSE(map.insert_or_assign(1, 11));
  EXPECT_EQ(map.find(1), 11u);
  EXPECT_EQ(map.size(), 1u);
}

TEST(LockFreeHashMap, UpdateOfNothingDoesNothing) {
  Map map;
  EXPECT_FALSE(map.update(1, [](uint64_t) -> uint64_t {
    ADD_FAILURE() << "there is nothing to update";
    return 0;
  }));
}

TEST(LockFreeHashMap, EraseIfAsksForTheValue) {
  Map map;
  map.insert(1, 10);
  EXPECT_FALSE(map.erase_if(1, [](uint64_t value) { return value == 11; }));
  EXPECT_TRUE(map.erase_if(1, [](uint64_t value) { return value == 10; }));
  EXPECT_FALSE(map.contains(1));
}

TEST(LockFreeHashMap, TryEmplaceMakesTheValueInPlaceOrNotAtAll) {
  LockFreeHashMap<int, std::unique_ptr<int>> map;
  EXPECT_TRUE(map.try_emplace(1, new int(5)));
  auto other = std::make_unique<int>(6);
  EXPECT_FALSE(map.try_emplace(1, std::move(other)));
  ASSERT_NE(other, nullptr)
      << "an argument that was not used is not moved from";
  EXPECT_TRUE(map.insert(2, std::move(other)));
  int sum = 0;
  map.for_each([&](int, const std::unique_ptr<int>& value) { sum += *value; });
  EXPECT_EQ(sum, 11);
}

template <typename M>
concept FindsByATemporaryGuard = requires(M map) {
  map.find(1, map.guard());
};
TEST(LockFreeHashMap, TheGuardOfALookupIsTheCallers) {
  static_assert(!FindsByATemporaryGuard<Map>);
  EpochDomain domain;
  Map map({}, domain);
  map.insert(1, 2);
  const EpochGuard guard(domain);
  EXPECT_EQ(*map.find(1, guard), 2u);
}
TEST(LockFreeHashMapDeathTest, AGuardOfAnotherDomain) {
  EpochDomain domain;
  const Map map({}, domain);
  const EpochGuard guard;
  EXPECT_DEATH((void)map.find(1, guard),
               "wirebook: LockFreeHashMap at 0x[0-9a-f]+: find with a guard of "
               "another domain");
}

struct TextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};

TEST(LockFreeHashMap, TransparentLookupMakesNoKey) {
  LockFreeHashMap<std::string, int, TextHash, std::equal_to<>> map;
  map.try_emplace("BTCUSDT", 1);
  const std::string_view symbol = "BTCUSDT, and more";
  EXPECT_EQ(map.find(symbol.substr(0, 7)), 1);
  EXPECT_FALSE(map.contains(symbol));
  EXPECT_TRUE(map.update(symbol.substr(0, 7), [](int i) { return i + 1; }));
  EXPECT_EQ(map.find("BTCUSDT"), 2);
  EXPECT_TRUE(map.erase(symbol.substr(0, 7)));
}

TEST(LockFreeHashMap, ACounterInAValueChangesInPlace) {
  struct Counter {
    mutable std::atomic<int> count{0};
  };
  LockFreeHashMap<int, Counter> map;
  map.try_emplace(1);
  map.visit(1, [](const Counter& c) { ++c.count; });
  map.visit(1, [](const Counter& c) { EXPECT_EQ(c.count, 1); });
}

// ---- Against std::unordered_map ---------------------------------------------

struct AllAlike {
  size_t operator()(uint64_t) const { return 42; }
};
// As it is: neighbours share all bits that choose a bucket.
struct Identity {
  using is_avalanching = void;
  size_t operator()(uint64_t key) const { return key; }
};
struct HighBits {
  using is_avalanching = void;
  size_t operator()(uint64_t key) const { return key << 56; }
};

template <typename Hash>
class LockFreeHashMapOf : public testing::Test {};
using Hashes =
    testing::Types<std::hash<uint64_t>, Identity, HighBits, AllAlike>;
TYPED_TEST_SUITE(LockFreeHashMapOf, Hashes);

TYPED_TEST(LockFreeHashMapOf, DoesWhatTheStandardsDoes) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  LockFreeHashMap<uint64_t, uint64_t, TypeParam> map({.capacity = 2});
  std::unordered_map<uint64_t, uint64_t> model;
  const uint64_t keys = std::is_same_v<TypeParam, AllAlike> ? 40 : 400;
  for (uint64_t i = 0; i < 20'000; ++i) {
    const uint64_t key = random() % keys;
    const auto known = model.find(key);
    const bool is_there = known != model.end();
    switch (random() % 6) {
      case 0:
        ASSERT_EQ(map.insert(key, i), model.emplace(key, i).second);
        break;
      case 1:
        ASSERT_EQ(map.insert_or_assign(key, i),
                  model.insert_or_assign(key, i).second);
        break;
      case 2:
        ASSERT_EQ(map.update(key, [](uint64_t v) { return v + 1; }), is_there);
        if (is_there) ++known->second;
        break;
      case 3:
      case 4:
        ASSERT_EQ(map.erase(key), model.erase(key) == 1);
        break;
      default:
        ASSERT_EQ(map.find(key),
                  is_there ? std::optional(known->second) : std::nullopt);
    }
    ASSERT_EQ(map.size(), model.size());
  }
  std::unordered_map<uint64_t, uint64_t> met;
  map.for_each([&](uint64_t key, uint64_t value) {
    EXPECT_TRUE(met.emplace(key, value).second);
  });
  EXPECT_EQ(met, model);
  EXPECT_EQ(map.clear(), model.size());
  EXPECT_EQ(map.size(), 0u);
  map.for_each([](uint64_t, uint64_t) { FAIL(); });
}

// ---- Growing ----------------------------------------------------------------

TEST(LockFreeHashMap, GrowsWithItsElementsAndMovesNone) {
  Map map({.capacity = 2});
  const auto guard = map.guard();
  std::vector<const uint64_t*> addresses;
  for (uint64_t key = 0; key < 5000; ++key) {
    map.insert(key, key);
    addresses.push_back(map.find(key, guard));
  }
  EXPECT_GE(map.stats().buckets, 5000u);
  EXPECT_LE(map.stats().buckets, 16384u);
  for (uint64_t key = 0; key < 5000; ++key) {
    EXPECT_EQ(map.find(key, guard), addresses[key]);
    EXPECT_EQ(*addresses[key], key);
  }
}

TEST(LockFreeHashMap, CapacityIsHeldWithoutGrowing) {
  for (const size_t capacity : {0u, 1u, 2u, 3u, 1000u, 1024u}) {
    Map map({.capacity = capacity});
    const size_t buckets = map.stats().buckets;
    EXPECT_GE(buckets, capacity);
    for (uint64_t key = 0; key < capacity; ++key) map.insert(key, key);
    EXPECT_EQ(map.stats().buckets, buckets);
  }
}

TEST(LockFreeHashMap, StatisticsAreExactAtRest) {
  Map map;
  for (uint64_t key = 0; key < 100; ++key) map.insert(key, 0);
  for (uint64_t key = 0; key < 50; ++key) map.insert(key, 1);  // in vain
  for (uint64_t key = 0; key < 30; ++key) map.insert_or_assign(key, 2);
  std::thread([&] {
    for (uint64_t key = 0; key < 10; ++key) map.erase(key);
    for (uint64_t key = 0; key < 10; ++key) map.erase(key);  // in vain
    map.update(20, [](uint64_t v) { return v; });
  }).join();
  const LockFreeHashMapStats stats = map.stats();
  EXPECT_EQ(stats.size, 90u);
  EXPECT_EQ(stats.inserted, 100u);
  EXPECT_EQ(stats.erased, 10u);
  EXPECT_EQ(stats.replaced, 31u);
  EXPECT_EQ(map.clear(), 90u);
  EXPECT_EQ(map.stats().erased, 100u);
}

// ---- Lifetimes --------------------------------------------------------------

struct Ledger {
  std::atomic<int64_t> alive{0};
  std::atomic<uint64_t> made{0};
};

// Ends the test where an object dies twice or is used when dead.
class Accounted {
 public:
  Accounted(Ledger& ledger, uint64_t value) : ledger_(&ledger), value_(value) {
    count();
  }
  Accounted(const Accounted& other)
      : ledger_(other.ledger_), value_(other.value()) {
    count();
  }
  Accounted& operator=(const Accounted&) = delete;
  ~Accounted() {
    check();
    magic_ = 0;
    ledger_->alive.fetch_sub(1, std::memory_order_relaxed);
  }
  uint64_t value() const {
    check();
    return value_;
  }

 private:
  static constexpr uint64_t kMagic = 0x600D'0B1E'C7ED'BEEF;
  void count() {
    ledger_->alive.fetch_add(1, std::memory_order_relaxed);
    ledger_->made.fetch_add(1, std::memory_order_relaxed);
  }
  void check() const {
    if (magic_ != kMagic) {
      ADD_FAILURE() << "a dead object";
      std::abort();
    }
  }
  Ledger* ledger_;
  uint64_t value_;
  uint64_t magic_ = kMagic;
};

using AccountedMap = LockFreeHashMap<uint64_t, Accounted>;

TEST(LockFreeHashMap, EveryObjectIsDestroyedOnce) {
  Ledger ledger;
  EpochDomain domain;
  {
    AccountedMap map({}, domain);
    for (uint64_t key = 0; key < 1000; ++key) {
      map.try_emplace(key, ledger, key);
      map.try_emplace(key, ledger, key);
    }
    EXPECT_EQ(ledger.made, 1000u);
    for (uint64_t key = 0; key < 500; ++key) {
      map.insert_or_assign(key, Accounted(ledger, key));
    }
    for (uint64_t key = 200; key < 700; ++key) map.erase(key);
  }
  domain.barrier();
  EXPECT_EQ(ledger.alive, 0);
}

TEST(LockFreeHashMap, ErasedElementsDoNotPileUp) {
  Ledger ledger;
  EpochDomain domain;
  AccountedMap map({}, domain);
  for (uint64_t i = 0; i < 100'000; ++i) {
    map.try_emplace(i, ledger, i);
    map.erase(i);
    // Two batches of the domain's of 24 each, and one that is open.
    ASSERT_LE(ledger.alive, 2 * 128 * 24 + 24);
  }
}

TEST(LockFreeHashMap, AMapMayEndWhileReadersOfItsDomainStay) {
  Ledger ledger;
  EpochDomain domain;
  {
    const EpochGuard guard(domain);
    AccountedMap map({}, domain);
    for (uint64_t key = 0; key < 1000; ++key) {
      map.try_emplace(key, ledger, key);
      map.erase(key);
    }
  }
  EXPECT_GT(ledger.alive, 0) << "waits for the guard, beyond the map's end";
  domain.barrier();
  EXPECT_EQ(ledger.alive, 0);
}

TEST(LockFreeHashMap, MapsAsValuesEndInTheDeleterOfTheOuterOne) {
  Ledger ledger;
  EpochDomain domain;
  {
    LockFreeHashMap<int, std::unique_ptr<AccountedMap>> outer({}, domain);
    for (int i = 0; i < 100; ++i) {
      auto inner =
          std::make_unique<AccountedMap>(LockFreeHashMapOptions{}, domain);
      for (uint64_t key = 0; key < 50; ++key) {
        inner->try_emplace(key, ledger, key);
        inner->erase(key / 2);
      }
      outer.insert(i, std::move(inner));
      outer.erase(i - 1);
    }
  }
  domain.barrier();
  domain.barrier();  // What the deleters of the first retired.
  EXPECT_EQ(ledger.alive, 0);
}

struct ThrowsWhenCopied {
  explicit ThrowsWhenCopied(int v) : value(v) {}
  ThrowsWhenCopied(const ThrowsWhenCopied& other) : value(other.value) {
    if (value < 0) throw std::runtime_error("copied");
  }
  int value;
};

TEST(LockFreeHashMap, WhatThrowsHasDoneNothing) {
  LockFreeHashMap<int, ThrowsWhenCopied> map;
  const ThrowsWhenCopied bad(-1);
  EXPECT_THROW(map.try_emplace(1, bad), std::runtime_error);
  EXPECT_FALSE(map.contains(1));
  map.try_emplace(1, 1);
  EXPECT_THROW(map.update(1, [&](const auto&) { return bad; }),
               std::runtime_error);
  EXPECT_EQ(map.find(1)->value, 1);
  EXPECT_EQ(map.size(), 1u);
}

// ---- Threads ----------------------------------------------------------------

template <typename Work>
void run_threads(size_t count, Work work) {
  std::vector<std::thread> threads;
  for (size_t t = 0; t < count; ++t) {
    threads.emplace_back([&work, t] { work(t); });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(LockFreeHashMapThreads, EachKeyIsInsertedAndErasedByOne) {
  Map map({.capacity = 2});
  constexpr uint64_t kKeys = 5000;
  std::atomic<uint64_t> inserted{0};
  std::atomic<uint64_t> erased{0};
  run_threads(4, [&](size_t t) {
    for (uint64_t key = 0; key < kKeys; ++key) {
      inserted += map.insert(key, t) ? 1 : 0;
    }
  });
  EXPECT_EQ(inserted, kKeys);
  EXPECT_EQ(map.size(), kKeys);
  run_threads(4, [&](size_t) {
    for (uint64_t key = 0; key < kKeys; ++key) erased += map.erase(key) ? 1 : 0;
  });
  EXPECT_EQ(erased, kKeys);
  EXPECT_EQ(map.size(), 0u);
}

TEST(LockFreeHashMapThreads, UpdatesAreNotLost) {
  Map map;
  constexpr uint64_t kKeys = 4;
  constexpr uint64_t kUpdates = 5000;
  for (uint64_t key = 0; key < kKeys; ++key) map.insert(key, 0);
  run_threads(4, [&](size_t) {
    for (uint64_t i = 0; i < kUpdates; ++i) {
      map.update(i % kKeys, [](uint64_t v) { return v + 1; });
    }
  });
  for (uint64_t key = 0; key < kKeys; ++key) {
    EXPECT_EQ(map.find(key), 4 * kUpdates / kKeys);
  }
}

// Keys below kStay are there throughout, and are updated; others come and go,
// and more and more of them stay, so that the map grows meanwhile.
class WithWriters : public testing::Test {
 protected:
  static constexpr uint64_t kStay = 200;
  static constexpr uint64_t kMore = 20'000;

  WithWriters() {
    for (uint64_t key = 0; key < kStay; ++key) {
      map.try_emplace(key, ledger, key);
    }
  }
  ~WithWriters() override {
    map.clear();
    EXPECT_EQ(map.size(), 0u);
  }

  void update() {
    for (uint64_t i = 0; !done; i = (i + 1) % kStay) {
      if (i % 2 == 0) {
        map.update(i, [](const Accounted& a) { return a; });
      } else {
        map.insert_or_assign(i, Accounted(ledger, i));
      }
    }
  }
  void update_only() {
    for (uint64_t i = 0; !done; i = (i + 1) % kStay) {
      map.update(i, [](const Accounted& a) { return a; });
    }
  }
  void grow() {
    uint64_t key = kStay;
    for (Soak soak; soak.goes_on();) {
      for (const uint64_t last = key + kMore; key < last; ++key) {
        map.try_emplace(key, ledger, key);
        if (key % 4 == 3) map.erase(key - 2);
        if (key >= 100 * kMore) map.erase(key - 99 * kMore);
      }
    }
    done = true;
  }

  Ledger ledger;
  EpochDomain domain;
  AccountedMap map{{.capacity = 2}, domain};
  std::atomic<bool> done{false};
};

TEST_F(WithWriters, LookupsFindWhatStays) {
  run_threads(4, [this](size_t t) {
    if (t == 0) return update();
    if (t == 1) return grow();
    for (uint64_t i = t; !done; i = (i + 7) % kStay) {
      const std::optional<Accounted> found = map.find(i);
      ASSERT_TRUE(found.has_value()) << i;
      ASSERT_EQ(found->value(), i);
    }
  });
}

TEST_F(WithWriters, AWalkMeetsWhatStaysExactlyOnce) {
  run_threads(3, [this](size_t t) {
    if (t == 0) return update();
    if (t == 1) return grow();
    while (!done) {
      std::array<int, kStay> met{};
      map.for_each([&](uint64_t key, const Accounted& value) {
        ASSERT_EQ(key, value.value());
        if (key < kStay) ++met[key];
      });
      for (uint64_t key = 0; key < kStay; ++key) ASSERT_EQ(met[key], 1) << key;
    }
  });
}

TEST_F(WithWriters, ClearErasesWhatStays) {
  run_threads(3, [this](size_t t) {
    if (t == 0) return update_only();
    if (t == 1) return grow();
    // An updated key is there throughout: it must not escape.
    while (!done) {
      map.clear();
      for (uint64_t key = 0; key < kStay; ++key) {
        ASSERT_FALSE(map.contains(key)) << key;
      }
      for (uint64_t key = 0; key < kStay; ++key) {
        map.try_emplace(key, ledger, key);
      }
    }
  });
}

// One key a thread: whatever the reports and the growth see of counts that
// change meanwhile, it is no more.
TEST(LockFreeHashMapThreads, ChurnLooksNoLargerThanItIs) {
  Map map({.capacity = 64});
  constexpr size_t kThreads = 3;
  std::atomic<size_t> at_work{kThreads};
  run_threads(kThreads + 1, [&](size_t t) {
    if (t == kThreads) {
      while (at_work != 0) ASSERT_LE(map.size(), kThreads);
      return;
    }
    for (uint64_t i = 0; i < 200'000; ++i) {
      map.insert(t, i);
      map.erase(t);
    }
    --at_work;
  });
  EXPECT_EQ(map.size(), 0u);
  EXPECT_EQ(map.stats().buckets, 64u);
}

TEST(LockFreeHashMapThreads, TenThousandComeAndGo) {
  Ledger ledger;
  EpochDomain domain;
  {
    AccountedMap map({.capacity = 2}, domain);
    constexpr uint64_t kThreads = 10'000;
    for (uint64_t first = 0; first < kThreads; first += 4) {
      run_threads(4, [&](size_t t) {
        map.try_emplace(first + t, ledger, first + t);
        if (first + t >= 1000) map.erase(first + t - 1000);
        map.insert_or_assign(7, Accounted(ledger, 7));
      });
    }
    EXPECT_LE(ledger.alive, 1001 + 4 * (2 * 128 * 24 + 24));
  }
  domain.barrier();
  EXPECT_EQ(ledger.alive, 0);
}

TEST(LockFreeHashMapThreads, HistoriesAreLinearizable) {
  using Spec = MapSpec<uint64_t, uint64_t>;
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  constexpr size_t kThreads = 3;
  Soak soak;
  for (uint64_t round = 0; round < 300 || soak.goes_on(); ++round) {
    Map map({.capacity = 2});
    HistoryRecorder<Spec> recorder(kThreads);
    run_threads(kThreads, [&](size_t t) {
      std::mt19937_64 random(seed + round * kThreads + t);
      for (uint64_t i = 0; i < 12; ++i) {
        const uint64_t key = random() % 4;
        const uint64_t value = t * 100 + i;
        recorder.run(t, [&]() -> Spec::Operation {
          switch (random() % 4) {
            case 0:
              return Spec::insert(key, value, map.insert(key, value));
            case 1:
              return Spec::insert_or_assign(key, value,
                                            map.insert_or_assign(key, value));
            case 2:
              return Spec::erase(key, map.erase(key));
            default:
              return Spec::find(key, map.find(key));
          }
        });
      }
    });
    const Linearizability result = check(Spec(), recorder.history());
    ASSERT_TRUE(result.ok()) << result;
  }
}

}  // namespace
}  // namespace wirebook
