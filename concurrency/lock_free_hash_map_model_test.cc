// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// LockFreeHashMap in small configurations: two threads in every interleaving
// (with a bound on preemptions where there are too many) and with every stale
// value that its orders allow; and what the explorations say when it is broken.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "concurrency/atom_traits.h"
#include "concurrency/epoch.h"
#include "concurrency/lock_free_hash_map.h"
#include "concurrency/testing/history_recorder.h"
#include "concurrency/testing/linearizability.h"
#include "concurrency/testing/linearizability_specs.h"
#include "concurrency/testing/model.h"
#include "concurrency/testing/mutant_atom.h"
#include "gtest/gtest.h"
#include "memory/testing/soak.h"

namespace wirebook::model {
namespace {

// Erases without the mark in the erased element's word.
template <typename T>
class NoMarkAtom : public ModelAtom<T> {
 public:
  using ModelAtom<T>::ModelAtom;
  using ModelAtom<T>::compare_exchange_strong;
  bool compare_exchange_strong(T& expected, T desired,
                               std::memory_order success,
                               std::memory_order failure) noexcept {
    if constexpr (std::is_same_v<T, internal::MapLink>) {
      if (desired == (expected | internal::kMapGone)) desired = expected;
    }
    return ModelAtom<T>::compare_exchange_strong(expected, desired, success,
                                                 failure);
  }
};

// Lets others begin at a bucket that is about to be linked before an element.
template <typename T>
class NoFlagAtom : public ModelAtom<T> {
 public:
  using ModelAtom<T>::ModelAtom;
  void store(T value, std::memory_order order) noexcept {
    if constexpr (std::is_same_v<T, internal::MapLink>) {
      constexpr T kLeastAddress = 4096;
      if (value >= kLeastAddress) value &= ~internal::kMapGone;
    }
    ModelAtom<T>::store(value, order);
  }
};

// A writer that meets a bucket leaves it to who links it to say so.
template <typename T>
class NoEnterAtom : public ModelAtom<T> {
 public:
  using ModelAtom<T>::ModelAtom;
  T fetch_and(T with, std::memory_order order) noexcept {
    // Acquire as well: only who enters a bucket.
    if (order == std::memory_order_acq_rel) return this->load(order);
    return ModelAtom<T>::fetch_and(with, order);
  }
};

}  // namespace
}  // namespace wirebook::model

template <>
struct wirebook::AtomTraits<wirebook::model::NoMarkAtom>
    : wirebook::AtomTraits<wirebook::model::ModelAtom> {};
template <>
struct wirebook::AtomTraits<wirebook::model::NoFlagAtom>
    : wirebook::AtomTraits<wirebook::model::ModelAtom> {};
template <>
struct wirebook::AtomTraits<wirebook::model::NoEnterAtom>
    : wirebook::AtomTraits<wirebook::model::ModelAtom> {};

namespace wirebook::model {
namespace {

// ObjectPool's interface over the heap, whose memory the model watches.
template <typename T>
class HeapPool {
 public:
  explicit HeapPool(const ObjectPoolOptions&) {}

  class Handle {
   public:
    explicit Handle(T* object) : object_(object) {}
    T* get() const { return object_.get(); }
    T* operator->() const { return object_.get(); }
    T* release() { return object_.release(); }

   private:
    std::unique_ptr<T> object_;
  };

  template <typename... Args>
  Handle make(Args&&... args) {
    return Handle(new T(std::forward<Args>(args)...));
  }
  T* create() { return new T(); }
  void destroy(T* object) { delete object; }
};

// A key is its own hash; its upper bits choose the bucket. Two buckets at
// first.
struct Identity {
  using is_avalanching = void;
  size_t operator()(uint64_t key) const { return key; }
};
constexpr uint64_t kQuarter = uint64_t{1} << 62;

// Read by a thread and destroyed by another without an order is a race.
struct Number {
  Number(int v) : value(v) {}
  operator int() const { return value.get(); }
  ModelVar<int> value;
};

template <template <typename> class Atom>
struct Maps {
  using Map = BasicLockFreeHashMap<uint64_t, Number, Identity,
                                   std::equal_to<uint64_t>, Atom, HeapPool>;

  explicit Maps(const std::vector<uint64_t>& keys) {
    for (const uint64_t key : keys) map.insert(key, 1);
  }

  // 0 if it is not there.
  int find(uint64_t key) {
    int found = 0;
    map.visit(key, [&](const Number& n) { found = n; });
    return found;
  }
  void insert(uint64_t key) {
    model_assert(map.insert(key, 1), "inserts what only it inserts");
  }
  void erase(uint64_t key) {
    model_assert(map.erase(key), "erases what only it erases");
  }
  void replace(uint64_t key) {
    model_assert(!map.insert_or_assign(key, 2), "replaces what is there");
  }
  // The elements are those, each met once by a walk.
  void expect(std::map<uint64_t, int> elements) {
    model_assert(map.size() == elements.size(), "size");
    for (const auto& [key, value] : elements) {
      model_assert(find(key) == value, "found");
    }
    map.for_each([&](uint64_t key, const Number& value) {
      const auto at = elements.find(key);
      model_assert(at != elements.end() && at->second == value, "met once");
      elements.erase(at);
    });
    model_assert(elements.empty(), "all met");
  }

  BasicEpochDomain<Atom> domain;
  Map map{{.capacity = 2}, domain};
};

// All interleavings are too many.
Options one_writer() { return {.preemptions = soaking() ? 3u : 2u}; }
Options two_writers() { return {.preemptions = soaking() ? 2u : 1u}; }

using Keys = std::vector<uint64_t>;
using Elements = std::map<uint64_t, int>;

// From `keys`, each with 1, to `end`.
template <template <typename> class Atom, typename... Threads>
Report explore_map(const Options& options, const Keys& keys,
                   const Elements& end, Threads... threads) {
  return explore_with(
      options, [keys] { return std::make_unique<Maps<Atom>>(keys); },
      [end](Maps<Atom>& s) { s.expect(end); }, threads...);
}

void expect_green(const Report& report) {
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete) << report;
}

// ---- One bucket -------------------------------------------------------------

template <template <typename> class Atom>
Report insert_and_find() {
  return explore_map<Atom>(
      {}, {}, {{1, 1}}, [](auto& s) { s.insert(1); },
      [](auto& s) { (void)s.find(1); });
}

TEST(LockFreeHashMapModel, AnInsertPublishesItsElement) {
  expect_green(insert_and_find<ModelAtom>());
}

template <template <typename> class Atom>
Report erase_and_find() {
  return explore_map<Atom>(
      one_writer(), {1}, {},
      [](auto& s) {
        s.erase(1);
        s.domain.try_advance();
      },
      [](auto& s) { (void)s.find(1); });
}

TEST(LockFreeHashMapModel, AReaderNeverMeetsAReclaimedElement) {
  expect_green(erase_and_find<ModelAtom>());
}

template <template <typename> class Atom>
Report replace_and_find() {
  return explore_map<Atom>(
      one_writer(), {1}, {{1, 2}},
      [](auto& s) {
        s.replace(1);
        s.domain.try_advance();
      },
      [](auto& s) { model_assert(s.find(1) != 0, "one or the other"); });
}

TEST(LockFreeHashMapModel, AReplacedKeyIsNeverMissing) {
  expect_green(replace_and_find<ModelAtom>());
}

TEST(LockFreeHashMapModel, OneOfTwoInsertsOfAKeyWins) {
  struct State : Maps<ModelAtom> {
    State() : Maps<ModelAtom>({}) {}
    ModelAtom<int> wins{0};
  };
  const auto insert = [](State& s) {
    if (s.map.insert(1, 1)) s.wins.fetch_add(1);
  };
  expect_green(explore_with(
      two_writers(), [] { return std::make_unique<State>(); },
      [](State& s) {
        model_assert(s.wins.load() == 1, "one wins");
        s.expect({{1, 1}});
      },
      insert, insert));
}

TEST(LockFreeHashMapModel, OneOfTwoErasesOfAKeyWins) {
  struct State : Maps<ModelAtom> {
    State() : Maps<ModelAtom>({1}) {}
    ModelAtom<int> wins{0};
  };
  const auto erase = [](State& s) {
    if (s.map.erase(1)) s.wins.fetch_add(1);
  };
  expect_green(explore_with(
      two_writers(), [] { return std::make_unique<State>(); },
      [](State& s) {
        model_assert(s.wins.load() == 1, "one wins");
        s.expect({});
      },
      erase, erase));
}

template <template <typename> class Atom>
Report erase_and_insert_behind() {
  return explore_map<Atom>(
      two_writers(), {1}, {{2, 1}}, [](auto& s) { s.erase(1); },
      [](auto& s) { s.insert(2); });
}

TEST(LockFreeHashMapModel, AnElementBehindAnErasedOneStays) {
  expect_green(erase_and_insert_behind<ModelAtom>());
}

template <template <typename> class Atom>
Report erase_neighbours() {
  return explore_map<Atom>(
      two_writers(), {1, 2}, {}, [](auto& s) { s.erase(1); },
      [](auto& s) { s.erase(2); });
}

TEST(LockFreeHashMapModel, NeighboursAreErased) {
  expect_green(erase_neighbours<ModelAtom>());
}

TEST(LockFreeHashMapModel, NeighboursAreReplacedAndErased) {
  expect_green(explore_map<ModelAtom>(
      two_writers(), {1, 2}, {{1, 2}}, [](auto& s) { s.replace(1); },
      [](auto& s) { s.erase(2); }));
}

TEST(LockFreeHashMapModel, AnUpdateIsNotLost) {
  const auto update = [](Maps<ModelAtom>& s) {
    model_assert(s.map.update(1, [](const Number& n) { return n + 1; }), "");
  };
  expect_green(
      explore_map<ModelAtom>(two_writers(), {1}, {{1, 3}}, update, update));
}

// ---- Walks ------------------------------------------------------------------

TEST(LockFreeHashMapModel, AWalkMeetsWhatStaysOnce) {
  expect_green(explore_map<ModelAtom>(
      one_writer(), {1, 2, 3}, {{2, 2}, {3, 1}},
      [](auto& s) {
        std::map<uint64_t, int> met;
        s.map.for_each([&](uint64_t key, const Number&) { ++met[key]; });
        model_assert(met[1] <= 1 && met[2] == 1 && met[3] == 1, "met once");
      },
      [](auto& s) {
        s.erase(1);
        s.replace(2);
      }));
}

TEST(LockFreeHashMapModel, ClearErasesWhatIsReplaced) {
  expect_green(explore_map<ModelAtom>(
      two_writers(), {1, 2}, {}, [](auto& s) { s.map.clear(); },
      [](auto& s) { s.map.update(1, [](const Number&) { return 2; }); }));
}

// ---- Growing: the third element doubles two buckets -------------------------

// In the second quarter: the bucket that begins there is not linked yet.
const Keys kThree = {1, kQuarter + 1, kQuarter + 3};

template <template <typename> class Atom>
Report link_and_insert() {
  return explore_map<Atom>(
      two_writers(), kThree,
      {{1, 1}, {2, 1}, {kQuarter + 1, 1}, {kQuarter + 2, 1}, {kQuarter + 3, 1}},
      [](auto& s) { s.insert(kQuarter + 2); }, [](auto& s) { s.insert(2); });
}

TEST(LockFreeHashMapModel, ABucketIsLinkedWhileAnElementComesBeforeIt) {
  expect_green(link_and_insert<ModelAtom>());
}

template <template <typename> class Atom>
Report link_and_find() {
  return explore_map<Atom>(
      one_writer(), kThree,
      {{1, 1}, {kQuarter + 1, 1}, {kQuarter + 2, 1}, {kQuarter + 3, 1}},
      [](auto& s) { s.insert(kQuarter + 2); },
      [](auto& s) {
        model_assert(s.find(kQuarter + 1) == 1, "found on either way");
      });
}

TEST(LockFreeHashMapModel, LookupsGoByTheOldBucketUntilTheNewIsLinked) {
  expect_green(link_and_find<ModelAtom>());
}

// Sampled: too many for all, since the map grows once more.
template <template <typename> class Atom>
Report link_and_insert_beside() {
  Elements end = {{2, 1}, {kQuarter, 1}, {kQuarter + 2, 1}};
  for (const uint64_t key : kThree) end.emplace(key, 1);
  return explore_map<Atom>(
      {.samples = soaking() ? 100'000u : 1'000u, .seed = 7}, kThree, end,
      [](auto& s) { s.insert(kQuarter + 2); },
      [](auto& s) {
        s.insert(kQuarter);
        s.insert(2);
      });
}

TEST(LockFreeHashMapModel, ABucketIsLinkedByOneOfTwo) {
  const Report report = link_and_insert_beside<ModelAtom>();
  EXPECT_TRUE(report.ok()) << report;
}

template <template <typename> class Atom>
Report link_and_erase_before() {
  return explore_map<Atom>(
      two_writers(), kThree,
      {{kQuarter + 1, 1}, {kQuarter + 2, 1}, {kQuarter + 3, 1}},
      [](auto& s) { s.insert(kQuarter + 2); }, [](auto& s) { s.erase(1); });
}

TEST(LockFreeHashMapModel, ABucketIsLinkedWhileItsPredecessorIsErased) {
  expect_green(link_and_erase_before<ModelAtom>());
}

// Both go to a bucket that is not linked. One links it and finds nothing there;
// the other then changes the word of a bucket that is in the list and not yet
// known to be: were it to wait for who links it, that would be a livelock.
template <template <typename> class Atom>
Report link_and_erase_behind() {
  return explore_map<Atom>(
      two_writers(), kThree, {{1, 1}, {kQuarter + 3, 1}},
      [](auto& s) { (void)s.map.erase(kQuarter + 2); },
      [](auto& s) { s.erase(kQuarter + 1); });
}

TEST(LockFreeHashMapModel, NoWriterWaitsForWhoLinksABucket) {
  expect_green(link_and_erase_behind<ModelAtom>());
}

template <template <typename> class Atom>
Report grow_and_find() {
  return explore_map<Atom>(
      one_writer(), {1, kQuarter + 1},
      {{1, 1}, {kQuarter + 1, 1}, {kQuarter + 2, 1}, {kQuarter + 3, 1}},
      [](auto& s) {
        s.insert(kQuarter + 2);
        s.insert(kQuarter + 3);
      },
      [](auto& s) {
        model_assert(s.find(kQuarter + 1) == 1, "while it grows");
      });
}

TEST(LockFreeHashMapModel, LookupsFindWhatIsThereWhileTheMapGrows) {
  expect_green(grow_and_find<ModelAtom>());
}

// ---- Three threads, sampled -------------------------------------------------

struct Recorded {
  using Spec = MapSpec<uint64_t, int>;
  template <typename Do>
  void run(size_t thread, Do operation) {
    recorder.run(thread, operation);
  }
  void insert(size_t t, uint64_t key, int value) {
    recorder.run(t, [&] {
      return Spec::insert(key, value, maps.map.insert(key, value));
    });
  }
  void assign(size_t t, uint64_t key, int value) {
    recorder.run(t, [&] {
      return Spec::insert_or_assign(key, value,
                                    maps.map.insert_or_assign(key, value));
    });
  }
  void erase(size_t t, uint64_t key) {
    recorder.run(t, [&] { return Spec::erase(key, maps.map.erase(key)); });
  }
  void find(size_t t, uint64_t key) {
    recorder.run(t, [&] {
      const int found = maps.find(key);
      return Spec::find(key, found == 0 ? std::nullopt : std::optional(found));
    });
  }
  Maps<ModelAtom> maps{Keys()};
  HistoryRecorder<Spec, ModelAtom> recorder{3};  // Its clock orders, too.
};

TEST(LockFreeHashMapModel, SampledHistoriesAreLinearizable) {
  constexpr uint64_t kA = kQuarter + 1;
  constexpr uint64_t kB = kQuarter + 2;
  const Report report = explore_with(
      {.samples = soaking() ? 100'000u : 1'000u, .seed = 7},
      [] { return std::make_unique<Recorded>(); },
      [](Recorded& r) {
        const Linearizability result =
            check(Recorded::Spec(), r.recorder.history());
        model_assert(result.ok(), result.explanation);
      },
      [](Recorded& r) {
        r.insert(0, kA, 1);
        r.erase(0, kB);
        r.assign(0, kA, 2);
        r.find(0, kB);
      },
      [](Recorded& r) {
        r.assign(1, kB, 3);
        r.find(1, kA);
        r.erase(1, kA);
        r.insert(1, kB + 1, 4);
      },
      [](Recorded& r) {
        r.insert(2, kB, 5);
        r.find(2, kA);
        r.assign(2, kA, 6);
        r.find(2, kB);
      });
  EXPECT_TRUE(report.ok()) << report;
}

// ---- What the explorations say when it is broken ----------------------------

class BrokenLockFreeHashMap : public testing::Test {
 protected:
  ~BrokenLockFreeHashMap() override { mutation = {}; }
};

TEST_F(BrokenLockFreeHashMap, UnchangedIsGreen) {
  expect_green(insert_and_find<MutantAtom>());
}

TEST_F(BrokenLockFreeHashMap, WithRelaxedLoadsIsFound) {
  mutation = {.relax_loads = true};
  EXPECT_FALSE(insert_and_find<MutantAtom>().ok());
}

TEST_F(BrokenLockFreeHashMap, WithRelaxedExchangesIsFound) {
  mutation = {.relax_updates = true};
  EXPECT_FALSE(insert_and_find<MutantAtom>().ok());
  EXPECT_FALSE(replace_and_find<MutantAtom>().ok());
  EXPECT_FALSE(grow_and_find<MutantAtom>().ok());
}

TEST_F(BrokenLockFreeHashMap, WithoutTheGuardsFenceIsFound) {
  mutation = {.drop_light_fences = true};
  EXPECT_FALSE(erase_and_find<MutantAtom>().ok());
}

TEST_F(BrokenLockFreeHashMap, WithoutTheMarkOfTheErasedIsFound) {
  EXPECT_FALSE(erase_and_insert_behind<NoMarkAtom>().ok());
  EXPECT_FALSE(erase_neighbours<NoMarkAtom>().ok());
}

TEST_F(BrokenLockFreeHashMap, WithABucketThatNobodyEntersIsFound) {
  EXPECT_FALSE(link_and_erase_behind<NoEnterAtom>().ok());
}

TEST_F(BrokenLockFreeHashMap, WithABucketReadyBeforeItIsLinkedIsFound) {
  EXPECT_FALSE(link_and_insert_beside<NoFlagAtom>().ok());
}

}  // namespace
}  // namespace wirebook::model
