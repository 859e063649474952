// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// LockFreeHashMap beside std::unordered_map (unshared, and under a
// std::shared_mutex), TBB's concurrent_hash_map and liburcu's cds_lfht: 64K
// elements of two words in maps made for as many, looked up in random order.
// Keys are either numbers in sequence, as ids are, or random. A second thread
// is alive throughout.
//
// BM_*WhileWritten: each lookup's latency on one CPU, in percentiles, while a
// thread on the other one does nothing, inserts and erases, or fills a map that
// doubles fourteen times. A lookup during which the reader lost its CPU is in
// the last percentiles of all of them.
//
//   bazel run --config=native //concurrency:lock_free_hash_map_benchmark --
//     --benchmark_repetitions=5 --benchmark_report_aggregates_only=true

#define _LGPL_SOURCE  // liburcu's inline readers
#include <tbb/concurrent_hash_map.h>
#include <urcu/rculfhash.h>
#include <urcu/urcu-memb.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <shared_mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "benchmark/benchmark.h"
#include "concurrency/latency_histogram.h"
#include "concurrency/lock_free_hash_map.h"
#include "concurrency/thread.h"
#include "concurrency/tsc_clock.h"

namespace wirebook {
namespace {

constexpr uint64_t kKeys = 1 << 16;
enum Order : int64_t { kSequence, kRandom };

uint64_t key_of(uint64_t i, int64_t order) {
  if (order == kSequence) return i;
  i = (i + 1) * 0xBF58'476D'1CE4'E5B9;
  return (i ^ i >> 31) * 0x94D0'49BB'1331'11EB;
}

std::vector<uint64_t> shuffled_keys(int64_t order, uint64_t first = 0) {
  std::vector<uint64_t> keys;
  for (uint64_t i = 0; i < kKeys; ++i) keys.push_back(key_of(first + i, order));
  std::shuffle(keys.begin(), keys.end(), std::mt19937_64(1));
  return keys;
}

// ---- The maps, each with the same face --------------------------------------

class Ours {
 public:
  explicit Ours(size_t capacity) : map_({.capacity = capacity}) {}
  uint64_t find(uint64_t key) const { return map_.find(key).value_or(0); }
  void insert(uint64_t key) { map_.insert(key, key); }
  void erase(uint64_t key) { map_.erase(key); }
  void update(uint64_t key) {
    map_.update(key, [](uint64_t v) { return v + 1; });
  }

 private:
  LockFreeHashMap<uint64_t, uint64_t> map_;
};

class Unordered {
 public:
  explicit Unordered(size_t capacity) { map_.reserve(capacity); }
  uint64_t find(uint64_t key) const {
    const auto at = map_.find(key);
    return at == map_.end() ? 0 : at->second;
  }
  void insert(uint64_t key) { map_.emplace(key, key); }
  void erase(uint64_t key) { map_.erase(key); }
  void update(uint64_t key) { ++map_.find(key)->second; }

 private:
  std::unordered_map<uint64_t, uint64_t> map_;
};

class Locked {
 public:
  explicit Locked(size_t capacity) : map_(capacity) {}
  uint64_t find(uint64_t key) const {
    const std::shared_lock lock(mutex_);
    return map_.find(key);
  }
  void insert(uint64_t key) {
    const std::lock_guard lock(mutex_);
    map_.insert(key);
  }
  void erase(uint64_t key) {
    const std::lock_guard lock(mutex_);
    map_.erase(key);
  }
  void update(uint64_t key) {
    const std::lock_guard lock(mutex_);
    map_.update(key);
  }

 private:
  mutable std::shared_mutex mutex_;
  Unordered map_;
};

class Tbb {
 public:
  explicit Tbb(size_t capacity) : map_(capacity) {}
  uint64_t find(uint64_t key) const {
    Map::const_accessor at;
    return map_.find(at, key) ? at->second : 0;
  }
  void insert(uint64_t key) { map_.insert({key, key}); }
  void erase(uint64_t key) { map_.erase(key); }
  void update(uint64_t key) {
    Map::accessor at;
    if (map_.find(at, key)) ++at->second;
  }

 private:
  using Map = tbb::concurrent_hash_map<uint64_t, uint64_t>;
  Map map_;
};

// A thread that reads or calls back in liburcu has to say so.
struct UrcuThread {
  UrcuThread() { urcu_memb_register_thread(); }
  ~UrcuThread() { urcu_memb_unregister_thread(); }
  static void here() { thread_local UrcuThread registered; }
};

class Urcu {
 public:
  explicit Urcu(size_t capacity) {
    UrcuThread::here();
    const size_t buckets = std::max<size_t>(capacity, 64);
    map_ = _cds_lfht_new(buckets, 64, 0,
                         CDS_LFHT_AUTO_RESIZE | CDS_LFHT_ACCOUNTING,
                         &cds_lfht_mm_order, &urcu_memb_flavor, nullptr);
  }
  ~Urcu() {
    cds_lfht_iter at;
    urcu_memb_read_lock();
    cds_lfht_first(map_, &at);
    while (cds_lfht_node* const node = cds_lfht_iter_get_node(&at)) {
      cds_lfht_next(map_, &at);
      cds_lfht_del(map_, node);
      retire(node);
    }
    urcu_memb_read_unlock();
    urcu_memb_barrier();
    cds_lfht_destroy(map_, nullptr);
  }
  uint64_t find(uint64_t key) const {
    UrcuThread::here();
    urcu_memb_read_lock();
    cds_lfht_node* const node = look_up(key);
    const uint64_t value = node == nullptr ? 0 : element(node)->value;
    urcu_memb_read_unlock();
    return value;
  }
  void insert(uint64_t key) {
    UrcuThread::here();
    auto* const made = new Element{{}, key, key, {}};
    urcu_memb_read_lock();
    if (cds_lfht_add_unique(map_, hash(key), &matches, &key, &made->node) !=
        &made->node) {
      delete made;
    }
    urcu_memb_read_unlock();
  }
  void erase(uint64_t key) {
    UrcuThread::here();
    urcu_memb_read_lock();
    cds_lfht_node* const node = look_up(key);
    if (node != nullptr && cds_lfht_del(map_, node) == 0) retire(node);
    urcu_memb_read_unlock();
  }
  void update(uint64_t key) {
    UrcuThread::here();
    urcu_memb_read_lock();
    cds_lfht_iter at;
    cds_lfht_lookup(map_, hash(key), &matches, &key, &at);
    cds_lfht_node* const old = cds_lfht_iter_get_node(&at);
    auto* const made = new Element{{}, key, element(old)->value + 1, {}};
    cds_lfht_replace(map_, &at, hash(key), &matches, &key, &made->node);
    retire(old);
    urcu_memb_read_unlock();
  }

 private:
  struct Element {
    cds_lfht_node node;
    uint64_t key;
    uint64_t value;
    rcu_head head;
  };
  static Element* element(cds_lfht_node* node) {
    return reinterpret_cast<Element*>(node);  // Its first member.
  }
  static unsigned long hash(uint64_t key) {
    const uint64_t spread = key * 0x9E37'79B9'7F4A'7C15;
    return spread ^ spread >> 32;  // It takes the low bits.
  }
  static int matches(cds_lfht_node* node, const void* key) {
    return element(node)->key == *static_cast<const uint64_t*>(key) ? 1 : 0;
  }
  static void retire(cds_lfht_node* node) {
    urcu_memb_call_rcu(&element(node)->head, [](rcu_head* head) {
      delete caa_container_of(head, Element, head);
    });
  }
  cds_lfht_node* look_up(uint64_t key) const {
    cds_lfht_iter at;
    cds_lfht_lookup(map_, hash(key), &matches, &key, &at);
    return cds_lfht_iter_get_node(&at);
  }

  cds_lfht* map_;
};

// ---- One thread -------------------------------------------------------------

template <typename Map>
std::unique_ptr<Map> filled(int64_t order) {
  auto map = std::make_unique<Map>(kKeys);
  for (uint64_t i = 0; i < kKeys; ++i) map->insert(key_of(i, order));
  return map;
}

template <typename Map>
void BM_FindHit(benchmark::State& state) {
  const auto map = filled<Map>(state.range(0));
  const std::vector<uint64_t> keys = shuffled_keys(state.range(0));
  size_t at = 0;
  uint64_t sum = 0;
  for (auto _ : state) sum += map->find(keys[at++ % kKeys]);
  benchmark::DoNotOptimize(sum);
}

template <typename Map>
void BM_FindMiss(benchmark::State& state) {
  const auto map = filled<Map>(state.range(0));
  const std::vector<uint64_t> keys = shuffled_keys(state.range(0), kKeys);
  size_t at = 0;
  uint64_t sum = 0;
  for (auto _ : state) sum += map->find(keys[at++ % kKeys]);
  benchmark::DoNotOptimize(sum);
}

// Of one key after the other, among all or among 64 that the cache holds.
template <typename Map>
void BM_EraseInsert(benchmark::State& state) {
  const auto map = filled<Map>(kSequence);
  const std::vector<uint64_t> keys = shuffled_keys(kSequence);
  const auto among = static_cast<size_t>(state.range(0));
  size_t at = 0;
  for (auto _ : state) {
    const uint64_t key = keys[at++ % among];
    map->erase(key);
    map->insert(key);
  }
}

// The window of live orders: the oldest goes, a new one comes.
template <typename Map>
void BM_EraseOldestInsertNewest(benchmark::State& state) {
  const auto map = filled<Map>(kSequence);
  uint64_t oldest = 0;
  for (auto _ : state) {
    map->erase(oldest);
    map->insert(kKeys + oldest++);
  }
}

template <typename Map>
void BM_Update(benchmark::State& state) {
  const auto map = filled<Map>(kSequence);
  const std::vector<uint64_t> keys = shuffled_keys(kSequence);
  const auto among = static_cast<size_t>(state.range(0));
  size_t at = 0;
  for (auto _ : state) map->update(keys[at++ % among]);
}

BENCHMARK(BM_FindHit<Unordered>)->ArgName("random")->Arg(0)->Arg(1);
BENCHMARK(BM_FindHit<Ours>)->ArgName("random")->Arg(0)->Arg(1);
BENCHMARK(BM_FindHit<Locked>)->ArgName("random")->Arg(0)->Arg(1);
BENCHMARK(BM_FindHit<Tbb>)->ArgName("random")->Arg(0)->Arg(1);
BENCHMARK(BM_FindHit<Urcu>)->ArgName("random")->Arg(0)->Arg(1);
BENCHMARK(BM_FindMiss<Unordered>)->ArgName("random")->Arg(0)->Arg(1);
BENCHMARK(BM_FindMiss<Ours>)->ArgName("random")->Arg(0)->Arg(1);
BENCHMARK(BM_FindMiss<Tbb>)->ArgName("random")->Arg(0)->Arg(1);
BENCHMARK(BM_FindMiss<Urcu>)->ArgName("random")->Arg(0)->Arg(1);
BENCHMARK(BM_EraseInsert<Unordered>)->ArgName("among")->Arg(64)->Arg(kKeys);
BENCHMARK(BM_EraseInsert<Ours>)->ArgName("among")->Arg(64)->Arg(kKeys);
BENCHMARK(BM_EraseInsert<Locked>)->ArgName("among")->Arg(64)->Arg(kKeys);
BENCHMARK(BM_EraseInsert<Tbb>)->ArgName("among")->Arg(64)->Arg(kKeys);
BENCHMARK(BM_EraseInsert<Urcu>)->ArgName("among")->Arg(64)->Arg(kKeys);
BENCHMARK(BM_EraseOldestInsertNewest<Unordered>);
BENCHMARK(BM_EraseOldestInsertNewest<Ours>);
BENCHMARK(BM_EraseOldestInsertNewest<Tbb>);
BENCHMARK(BM_EraseOldestInsertNewest<Urcu>);
BENCHMARK(BM_Update<Ours>)->ArgName("among")->Arg(64)->Arg(kKeys);
BENCHMARK(BM_Update<Locked>)->ArgName("among")->Arg(64)->Arg(kKeys);
BENCHMARK(BM_Update<Tbb>)->ArgName("among")->Arg(64)->Arg(kKeys);
BENCHMARK(BM_Update<Urcu>)->ArgName("among")->Arg(64)->Arg(kKeys);

// ---- A reader and a writer --------------------------------------------------

void pin(size_t which) {
  const auto cpus = allowed_cpus();
  if (cpus.ok() && cpus->size() > which) {
    (void)pin_thread_to_cpu((*cpus)[which]);
  }
}

enum Writer : int64_t { kNone, kSteady, kGrowing };

// A map that fills up and another after it; the reader has the one that fills.
template <typename Map>
class Written {
 public:
  static constexpr uint64_t kRead = 1024;  // Keys that are always there.
  static constexpr uint64_t kLast = 1 << 20;

  explicit Written(int64_t how) : how_(how), map_(make()) {
    if (how != kGrowing) {
      for (uint64_t i = kRead; i < kKeys; ++i) map_->insert(i);
    }
    if (how != kNone) writer_ = std::thread([this] { write(); });
  }
  ~Written() {
    stop_ = true;
    if (writer_.joinable()) writer_.join();
  }
  const Map& map() const { return *map_; }
  bool full() const { return full_; }
  void again() {
    map_ = make();
    full_ = false;
  }

 private:
  std::unique_ptr<Map> make() const {
    auto map = std::make_unique<Map>(how_ == kGrowing ? 64 : kKeys);
    for (uint64_t i = 0; i < kRead; ++i) map->insert(i);
    return map;
  }
  void write() {
    pin(1);
    for (uint64_t i = kRead; !stop_; ++i) {
      if (how_ == kSteady) {
        i = kRead + i % (kKeys - kRead);
        map_->erase(i);
        map_->insert(i);
      } else if (i == kLast) {
        full_ = true;
        while (full_ && !stop_) __builtin_ia32_pause();
        i = kRead;
      } else {
        map_->insert(i);
      }
    }
  }

  const int64_t how_;
  std::unique_ptr<Map> map_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> full_{false};
  std::thread writer_;
};

template <typename Map>
void BM_FindWhileWritten(benchmark::State& state) {
  static const TscClock clock;
  static LatencyHistogram histogram;
  histogram.clear();
  pin(0);
  Written<Map> written(state.range(0));
  uint64_t key = 0;
  for (auto _ : state) {
    const uint64_t start = TscClock::ticks();
    benchmark::DoNotOptimize(written.map().find(key));
    histogram.record(TscClock::ticks() - start);
    key = (key + 389) % Written<Map>::kRead;
    if (written.full()) [[unlikely]] {
      state.PauseTiming();
      written.again();
      state.ResumeTiming();
    }
  }
  const auto percentile = [](double p) {
    return static_cast<double>(histogram.percentile(p)) * clock.ns_per_tick();
  };
  state.counters["p50"] = percentile(50);
  state.counters["p90"] = percentile(90);
  state.counters["p99"] = percentile(99);
  state.counters["p99.9"] = percentile(99.9);
  state.counters["p99.99"] = percentile(99.99);
}

BENCHMARK(BM_FindWhileWritten<Ours>)->ArgName("writer")->DenseRange(0, 2);
BENCHMARK(BM_FindWhileWritten<Locked>)->ArgName("writer")->DenseRange(0, 2);
BENCHMARK(BM_FindWhileWritten<Tbb>)->ArgName("writer")->DenseRange(0, 2);
BENCHMARK(BM_FindWhileWritten<Urcu>)->ArgName("writer")->DenseRange(0, 2);

}  // namespace
}  // namespace wirebook

int main(int argc, char** argv) {
  // libstdc++ skips locked instructions in a process of one thread.
  std::atomic<bool> done{false};
  std::thread other([&done] { done.wait(false); });
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  done = true;
  done.notify_all();
  other.join();
  benchmark::Shutdown();
}
