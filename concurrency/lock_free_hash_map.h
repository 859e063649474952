// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// LockFreeHashMap<K, V>: a hash map that any number of threads read and write
// at once. A lookup takes no lock and writes nothing that others see; writers
// are lock-free, too; growing stops nobody.
//
// When: lookups on a hot path, by several threads: instruments by symbol,
// orders by id, sessions. One thread only: std::unordered_map or a flat map.
// Few keys that are replaced all together: RcuPtr over a sorted array. One
// value: RcuPtr, Seqlock.
//
// Progress: find, visit and contains are lock-free, and wait-free where the
// elements that they pass are finitely many: no writer, stalled or not, makes
// one wait or start again. insert, erase and updates are lock-free. A writer
// takes a lock or maps memory only where ObjectPool and EpochDomain do, and at
// a thread's first write.
//
// Values do not change in place: insert_or_assign and update put a new element
// for the old by one compare-exchange, so that any V works, a visitor sees one
// value to its end, and no lookup misses the key meanwhile. For counters that
// change in place take a V with `mutable std::atomic` members.
//
// Guarantees: operations on one key are linearizable. What was read stays valid
// while its guard lives. for_each() and clear() are weakly consistent: an
// element that is there from beginning to end is met exactly once, with one of
// the values that it had; one that is there for a part, at most once for each
// time that it was inserted; growing changes none of this.
//
// Growing: the buckets double when elements exceed them; elements stay where
// they are. The writer that notices maps the new words (one calloc, untouched)
// and stores the new size; writers then link eight buckets each fourth insert,
// and readers go by the old ones where the new are not linked. No one waits.
// Buckets are never given back: eight bytes each.
//
// Reclaimed through an EpochDomain: its guard is two stores, walks any number
// of nodes, and shows who stalls; several maps share the domain, and a guard.
// Erased elements are destroyed later, in batches: up to 24 wait in each thread
// that writes, then as epoch.h says; and after the map's end, where readers or
// deleters still have to pass. Call domain.barrier() then if it matters.
//
// Figures: COSTS.md, lock_free_hash_map_benchmark. Writes slow down beyond
// some thirty maps, which share 64 places in each thread's tables.
//
//   LockFreeHashMap<uint64_t, Order> orders({.capacity = 1 << 16});
//   orders.insert(id, order);                              // any thread
//   if (std::optional<Order> o = orders.find(id)) use(*o);
//   orders.visit(id, [](const Order& o) { use(o); });      // without a copy
//   orders.update(id, [](const Order& o) { return o.filled(10); });
//   {
//     const auto guard = orders.guard();                   // for many lookups
//     if (const Order* o = orders.find(id, guard)) use(*o);
//   }
//   orders.erase(id);
#ifndef WIREBOOK_CONCURRENCY_LOCK_FREE_HASH_MAP_H_
#define WIREBOOK_CONCURRENCY_LOCK_FREE_HASH_MAP_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "concurrency/epoch.h"
#include "concurrency/lock_free_hash_map_core.h"
#include "memory/object_pool.h"

namespace wirebook {

namespace internal {
template <typename T>
using MapPool = ObjectPool<T>;
template <typename Hash, typename Equal>
concept TransparentMap = requires {
  typename Hash::is_transparent;
  typename Equal::is_transparent;
};
}  // namespace internal

// Any thread may call any method but the destructor, which runs alone. Keys are
// looked up by what Hash and Equal take if both are transparent. What Hash,
// Equal, K or V throw passes on, and nothing has happened.
template <typename K, typename V, typename Hash = std::hash<K>,
          typename Equal = std::equal_to<K>,
          template <typename> class Atom = std::atomic,
          template <typename> class Pool = internal::MapPool>
class BasicLockFreeHashMap {
 public:
  using Domain = BasicEpochDomain<Atom>;
  using Guard = BasicEpochGuard<Atom>;
  using Options = LockFreeHashMapOptions;

  // The domain outlives the map.
  BasicLockFreeHashMap(Options options, Domain& domain)
      : core_(options, domain) {}
  explicit BasicLockFreeHashMap(
      Options options = {}) requires std::is_same_v<Domain, EpochDomain>
      : core_(options, default_epoch_domain()) {}

  // ---- Readers ----

  // For several lookups, of this map and others of its domain: see epoch.h.
  Guard guard() const noexcept { return Guard(core_.domain()); }

  // The value, while the guard lives; or null. A guard of another domain holds
  // nothing back, and ends the process.
  template <typename Q = K>
  const V* find(const Q& key, const Guard& guard) const {
    if (!guard.is_of(core_.domain())) [[unlikely]] {
      internal::reclaim_die("LockFreeHashMap", this,
                            "find with a guard of another domain");
    }
    const Key<Q>& k = key;
    const Node* const node = core_.list().find(hash_of(k), equals(k));
    return node == nullptr ? nullptr : &node->value;
  }
  template <typename Q = K>
  const V* find(const Q& key,
                Guard&& guard) const = delete;  // It ends at once.

  // A copy of the value.
  template <typename Q = K>
  std::optional<V> find(const Q& key) const {
    const Guard inside(core_.domain());
    const V* const value = find(key, inside);
    return value == nullptr ? std::nullopt : std::optional<V>(*value);
  }

  // visit(const V&) under a guard, and true; or false.
  template <typename Q = K, typename Visit>
  bool visit(const Q& key, Visit visit) const {
    const Guard inside(core_.domain());
    const V* const value = find(key, inside);
    if (value == nullptr) return false;
    visit(*value);
    return true;
  }

  template <typename Q = K>
  bool contains(const Q& key) const {
    const Guard inside(core_.domain());
    return find(key, inside) != nullptr;
  }

  // visit(const K&, const V&) for each element, under one guard, which keeps
  // back all that is erased meanwhile. It may call the map.
  template <typename Visit>
  void for_each(Visit visit) const {
    const Guard inside(core_.domain());
    core_.list().for_each(
        [&visit](const Node& node) { visit(node.key, node.value); });
  }

  // ---- Writers ----

  // Makes V(args...) unless the key is there; whether it did. Where another
  // thread inserts the key meanwhile the arguments are spent all the same.
  template <typename Q, typename... Args>
  bool try_emplace(Q&& key, Args&&... args) {
    const Guard inside(core_.domain());
    const Writer writer(core_);
    const std::uint64_t hash = hash_of(key);
    Place place = core_.list().search(hash, equals(key), writer);
    if (place.found != nullptr) return false;
    auto node =
        writer.make(hash, std::forward<Q>(key), std::forward<Args>(args)...);
    while (!core_.list().insert(place, node.get())) {
      place = core_.list().search(hash, equals(node->key), writer);
      if (place.found != nullptr) return false;
    }
    writer.inserted(node);
    return true;
  }
  bool insert(const K& key, V value) {
    return try_emplace(key, std::move(value));
  }

  // True if it inserted, false if it replaced.
  bool insert_or_assign(const K& key, V value) {
    const Guard inside(core_.domain());
    const Writer writer(core_);
    const std::uint64_t hash = hash_of(key);
    auto node = writer.make(hash, key, std::move(value));
    for (;;) {
      const Place place = core_.list().search(hash, equals(key), writer);
      if (place.found == nullptr) {
        if (!core_.list().insert(place, node.get())) continue;
        writer.inserted(node);
        return true;
      }
      if (core_.list().replace(place, node.get(), writer)) {
        writer.replaced(node);
        return false;
      }
    }
  }

  // Replaces the value by fn(const V&); false if there is none. Calls it again
  // where another writer came between.
  template <typename Q = K, typename Fn>
  bool update(const Q& key, Fn fn) {
    const Key<Q>& k = key;
    const Guard inside(core_.domain());
    const Writer writer(core_);
    const std::uint64_t hash = hash_of(k);
    for (;;) {
      const Place place = core_.list().search(hash, equals(k), writer);
      if (place.found == nullptr) return false;
      auto node = writer.make(hash, place.found->key, fn(place.found->value));
      if (!core_.list().replace(place, node.get(), writer)) continue;
      writer.replaced(node);
      return true;
    }
  }

  template <typename Q = K>
  bool erase(const Q& key) {
    return erase_if(key, [](const V&) { return true; });
  }

  // Erases the element if condition(const V&), which may be asked again.
  template <typename Q = K, typename Condition>
  bool erase_if(const Q& key, Condition condition) {
    const Key<Q>& k = key;
    const Guard inside(core_.domain());
    const Writer writer(core_);
    const std::uint64_t hash = hash_of(k);
    for (;;) {
      const Place place = core_.list().search(hash, equals(k), writer);
      if (place.found == nullptr || !condition(place.found->value)) {
        return false;
      }
      if (!core_.list().erase(place, writer)) continue;
      writer.erased();
      return true;
    }
  }

  // Erases each element that it meets; returns how many.
  std::size_t clear() {
    const Guard inside(core_.domain());
    const Writer writer(core_);
    std::size_t count = 0;
    core_.list().erase_all(
        [&] {
          writer.erased();
          ++count;
        },
        writer);
    return count;
  }

  // ---- Reports: walk the threads that have written ----

  std::size_t size() const noexcept { return core_.stats().size; }
  LockFreeHashMapStats stats() const noexcept { return core_.stats(); }

 private:
  using Node = internal::MapNode<K, V, Atom>;
  using Core = internal::MapCore<Node, Atom, Pool>;
  using Place = typename Core::List::Place;
  using Writer = typename Core::Writer;
  template <typename Q>
  using Key = std::conditional_t<internal::TransparentMap<Hash, Equal>, Q, K>;

  // The first bits choose the bucket, and in many hashes (std::hash of integers
  // above all) those are all alike. Unless Hash says that it is_avalanching it
  // is multiplied by the golden ratio (Knuth, TAOCP 3, 6.4), which spreads
  // numbers in sequence more evenly than chance would.
  template <typename Q>
  static std::uint64_t hash_of(const Q& key) {
    const std::uint64_t hash = Hash()(key);
    if constexpr (requires { typename Hash::is_avalanching; }) {
      return hash;
    } else {
      return hash * 0x9E37'79B9'7F4A'7C15;
    }
  }
  template <typename Q>
  static auto equals(const Q& key) {
    return [&key](const K& other) { return Equal()(other, key); };
  }

  Core core_;
};

template <typename K, typename V, typename Hash = std::hash<K>,
          typename Equal = std::equal_to<K>>
using LockFreeHashMap = BasicLockFreeHashMap<K, V, Hash, Equal>;

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_LOCK_FREE_HASH_MAP_H_
