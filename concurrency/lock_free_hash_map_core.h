// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What LockFreeHashMap has beside its list: where nodes come from, how they are
// retired, what each thread has counted, and when to grow. Include
// lock_free_hash_map.h.
#ifndef WIREBOOK_CONCURRENCY_LOCK_FREE_HASH_MAP_CORE_H_
#define WIREBOOK_CONCURRENCY_LOCK_FREE_HASH_MAP_CORE_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "concurrency/epoch.h"
#include "concurrency/lock_free_hash_map_list.h"
#include "concurrency/reclaim_records.h"
#include "memory/cache_line.h"
#include "memory/object_pool_options.h"

namespace wirebook {

struct LockFreeHashMapOptions {
  // Elements that need no growing: buckets linked, nodes mapped and touched.
  std::size_t capacity = 64;
  // Of the nodes' memory: 4096, or 2 MiB for huge pages where there are any.
  std::size_t page_bytes = 4096;
};

// Exact while no other thread is in the map.
struct LockFreeHashMapStats {
  std::size_t size = 0;  // While others write: of a moment, or too low.
  std::size_t buckets = 0;
  std::uint64_t inserted = 0;  // Ever.
  std::uint64_t erased = 0;
  std::uint64_t replaced = 0;
};

namespace internal {

// Nodes that are retired as one. EpochDomain's retire() costs as much as all
// the rest of an erase: 24 of them share it. A scheduler under Atom has so few
// that it would see none reclaimed.
template <typename Node, template <typename> class Atom>
struct MapBatch {
  static constexpr std::uint32_t kNodes =
      std::is_same_v<Atom<int>, std::atomic<int>> ? 24 : 1;
  std::uint32_t size = 0;
  Node* nodes[kNodes];
};

// Nodes and batches come from here. Lives as long as its map and every batch
// that the map retired.
template <typename Node, template <typename> class Atom,
          template <typename> class Pool>
class MapPools {
 public:
  using Batch = MapBatch<Node, Atom>;

  explicit MapPools(const ObjectPoolOptions& options) : nodes(options) {}

  void destroy(Batch* batch) noexcept {
    for (std::uint32_t i = 0; i < batch->size; ++i) {
      nodes.destroy(batch->nodes[i]);
    }
    batches.destroy(batch);
  }

  // Gives the batch to the domain: destroyed when no guard can hold its nodes.
  void retire(Batch* batch, BasicEpochDomain<Atom>& domain) {
    // Relaxed: the retirer holds a reference already.
    references_.fetch_add(1, std::memory_order_relaxed);
    domain.retire(batch, Destroy{this});
  }

  void release() noexcept {
    // Release: what this one did. Acquire: what all did. With each other.
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  Pool<Node> nodes;
  Pool<Batch> batches{ObjectPoolOptions{}};

 private:
  struct Destroy {
    void operator()(Batch* batch) const noexcept {
      pools->destroy(batch);
      pools->release();
    }
    MapPools* pools;
  };

  Atom<std::uint64_t> references_{1};
};

// Written by one thread at a time.
template <typename Node, template <typename> class Atom>
struct MapRecord : ReclaimRecord<Atom> {
  static std::uint64_t add(Atom<std::uint64_t>& count) noexcept {
    // Relaxed: with one writer. Release: pairs with the acquire in stats().
    const std::uint64_t next = count.load(std::memory_order_relaxed) + 1;
    count.store(next, std::memory_order_release);
    return next;
  }

  alignas(kFalseSharingBytes) Atom<std::uint64_t> inserted{0};
  Atom<std::uint64_t> erased{0};
  Atom<std::uint64_t> replaced{0};
  std::uint64_t check_at = 1;  // Value of `inserted` that asks for growth.
  MapBatch<Node, Atom>* batch = nullptr;  // Not full.
};

template <typename Node, template <typename> class Atom,
          template <typename> class Pool>
class MapCore {
 public:
  using Domain = BasicEpochDomain<Atom>;
  using List = MapList<Node, Atom>;
  using Record = MapRecord<Node, Atom>;

  MapCore(const LockFreeHashMapOptions& options, Domain& domain)
      : domain_(domain),
        list_(level_for(options.capacity)),
        pools_(new Pools({.initial_capacity = options.capacity,
                          .page_bytes = options.page_bytes})) {}
  ~MapCore() {
    list_.for_each([this](Node& node) { pools_->nodes.destroy(&node); });
    for (Record* r = records_.first(); r != nullptr; r = records_.next(r)) {
      if (r->batch != nullptr) pools_->destroy(r->batch);
    }
    pools_->release();
  }
  MapCore(const MapCore&) = delete;
  MapCore& operator=(const MapCore&) = delete;

  Domain& domain() const noexcept { return domain_; }
  List& list() noexcept { return list_; }
  const List& list() const noexcept { return list_; }

  // One thread's writing, inside a guard. What the list calls retire.
  class Writer {
   public:
    explicit Writer(MapCore& core)
        : core_(core), record_(core.records_.this_thread()) {}

    // Owned until it is in the list.
    template <typename... Args>
    auto make(Args&&... args) const {
      return core_.pools_->nodes.make(std::forward<Args>(args)...);
    }
    void operator()(Node* node) const noexcept { core_.retire(node, record_); }

    // `owned` is in the list.
    void inserted(auto& owned) const {
      (void)owned.release();
      core_.count_insert(*this, record_);
    }
    void replaced(auto& owned) const noexcept {
      (void)owned.release();
      Record::add(record_.replaced);
    }
    void erased() const noexcept { Record::add(record_.erased); }

   private:
    MapCore& core_;
    Record& record_;
  };

  LockFreeHashMapStats stats() const noexcept {
    LockFreeHashMapStats sum;
    for (Record* r = records_.first(); r != nullptr; r = records_.next(r)) {
      // Pairs with the release in add(): what is counted below is no older.
      // However long this thread stands still between, it gets the size of a
      // moment, or less.
      sum.inserted += r->inserted.load(std::memory_order_acquire);
    }
    for (Record* r = records_.first(); r != nullptr; r = records_.next(r)) {
      // Relaxed: statistics.
      sum.erased += r->erased.load(std::memory_order_relaxed);
      sum.replaced += r->replaced.load(std::memory_order_relaxed);
    }
    sum.size = sum.inserted - std::min(sum.inserted, sum.erased);
    sum.buckets = list_.bucket_count();
    return sum;
  }

 private:
  using Pools = MapPools<Node, Atom, Pool>;
  using Batch = typename Pools::Batch;

  static int level_for(std::size_t capacity) noexcept {
    return static_cast<int>(
        std::bit_width(std::max<std::size_t>(capacity, 2) - 1));
  }

  void retire(Node* node, Record& record) noexcept {
    if (record.batch == nullptr) record.batch = pools_->batches.create();
    Batch& batch = *record.batch;
    batch.nodes[batch.size++] = node;
    if (batch.size == Batch::kNodes) {
      record.batch = nullptr;
      pools_->retire(&batch, domain_);
    }
  }

  void count_insert(const Writer& writer, Record& record) {
    const std::uint64_t inserted = Record::add(record.inserted);
    if (inserted % 4 == 0) list_.link_some(writer);
    if (inserted >= record.check_at) [[unlikely]] {
      check_load(record, inserted);
    }
  }

  // Grows if it is time, and says when to look again: after half of this
  // thread's share of what is left, or a little more.
  void check_load(Record& record, std::uint64_t inserted) {
    const LockFreeHashMapStats now = stats();
    if (now.size > now.buckets) list_.grow(now.buckets);
    const std::uint64_t most = list_.bucket_count();
    const std::uint64_t left = most > now.size ? most - now.size : 0;
    std::uint64_t threads = 0;
    for (Record* r = records_.first(); r != nullptr; r = records_.next(r)) {
      ++threads;
    }
    record.check_at = inserted + std::max(left / (2 * threads), most / 128 + 1);
  }

  Domain& domain_;
  List list_;
  Pools* const pools_;
  ReclaimRecords<Record, Atom> records_{new_domain_key(), "LockFreeHashMap"};
};

}  // namespace internal
}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_LOCK_FREE_HASH_MAP_CORE_H_
