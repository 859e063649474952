// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The words that hold LockFreeHashMap's list together, and its elements.
// Include lock_free_hash_map.h.
#ifndef WIREBOOK_CONCURRENCY_LOCK_FREE_HASH_MAP_LINK_H_
#define WIREBOOK_CONCURRENCY_LOCK_FREE_HASH_MAP_LINK_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <cstdint>
#include <utility>

namespace wirebook::internal {

// A node's address, or kMapBucket and a bucket's number above the two low bits.
// Bucket 0, where the list begins, is also its end.
using MapLink = std::uintptr_t;
// In a node's word: the node is erased or replaced, and the word final. In a
// bucket's word: the bucket is not known to be linked.
inline constexpr MapLink kMapGone = 1;
inline constexpr MapLink kMapBucket = 2;

constexpr MapLink map_bucket_link(std::uint64_t bucket) noexcept {
  return bucket << 2 | kMapBucket;
}
constexpr std::uint64_t map_bucket_of(MapLink link) noexcept {
  return link >> 2;
}
// Whether a bucket with this word is linked, so that a walk may begin there.
constexpr bool map_bucket_ready(MapLink word) noexcept {
  return word != 0 && (word & kMapGone) == 0;
}

// What is behind the word: pairs with the releases of map_exchange() and
// MapList::link_bucket().
template <typename Word>
MapLink map_load(const Word& word) noexcept {
  return word.load(std::memory_order_acquire);
}
template <typename Word>
bool map_exchange(Word& word, MapLink from, MapLink to) noexcept {
  // Release: pairs with map_load(). Relaxed: then nothing is used.
  return word.compare_exchange_strong(from, to, std::memory_order_release,
                                      std::memory_order_relaxed);
}

template <typename K, typename V, template <typename> class Atom>
struct MapNode {
  template <typename Key, typename... Args>
  MapNode(std::uint64_t h, Key&& k, Args&&... args)
      : hash(h),
        key(std::forward<Key>(k)),
        value(std::forward<Args>(args)...) {}

  Atom<MapLink> next{0};
  const std::uint64_t hash;
  const K key;
  const V value;
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_CONCURRENCY_LOCK_FREE_HASH_MAP_LINK_H_
