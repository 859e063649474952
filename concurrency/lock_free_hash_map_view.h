// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// How LockFreeHashMap's list is read: all elements in one chain, and buckets as
// places in it. Include lock_free_hash_map.h.
//
// Shalev and Shavit, "Split-Ordered Lists: Lock-Free Extensible Hash Tables"
// (JACM 53(3), 2006). Elements are sorted by their hash, so that doubling the
// buckets halves each of them where it lies: an element never moves, and a
// resize is one store. Here a bucket is a word in MapBuckets, and no node of
// its own that a lookup would have to fetch.
//
// A reader is inside a guard, so that what it meets stays. It may stand on an
// element that was erased and unlinked: the word of such an element still leads
// to what followed it last.
#ifndef WIREBOOK_CONCURRENCY_LOCK_FREE_HASH_MAP_VIEW_H_
#define WIREBOOK_CONCURRENCY_LOCK_FREE_HASH_MAP_VIEW_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <cstdint>

#include "concurrency/lock_free_hash_map_buckets.h"

namespace wirebook::internal {

template <typename Node, template <typename> class Atom>
class MapView {
 public:
  using Word = Atom<MapLink>;

  std::uint64_t bucket_count() const noexcept {
    // Relaxed: orders nothing.
    return std::uint64_t{1} << level_.load(std::memory_order_relaxed);
  }

  // The element of `hash` for whose key match(key); or null. Wait-free but for
  // elements that others put in its way meanwhile.
  template <typename Match>
  const Node* find(std::uint64_t hash, Match match) const {
    MapLink link = start_of(hash).word;
    for (;;) {
      if ((link & kMapBucket) != 0) {
        const std::uint64_t bucket = map_bucket_of(link);
        if (is_past(bucket, hash)) return nullptr;
        link = follow(buckets_[bucket]);
        continue;
      }
      const Node* const node = node_of(link);
      const MapLink next = map_load(node->next);
      if (node->hash >= hash) {
        if (node->hash != hash) return nullptr;
        if (match(node->key) && (next & kMapGone) == 0) return node;
      }
      link = next & ~kMapGone;
    }
  }

  // visit(node) for each element.
  template <typename Visit>
  void for_each(Visit visit) const {
    traverse([&visit](Node& node) {
      const MapLink next = map_load(node.next);
      if ((next & kMapGone) == 0) visit(node);
      // Not what is there by now, which may be a node that replaced this one.
      return next;
    });
  }

 protected:
  explicit MapView(int level) : buckets_(level), level_(level) {}

  // Where to begin for a hash.
  struct Start {
    Word* bucket;
    MapLink word;
  };

  static bool is_past(std::uint64_t bucket, std::uint64_t hash) noexcept {
    return bucket == 0 || map_bucket_begin(bucket) > hash;
  }
  static Node* node_of(MapLink link) noexcept {
    return reinterpret_cast<Node*>(link);
  }

  static MapLink follow(const Word& bucket) noexcept {
    return map_load(bucket) & ~kMapGone;
  }

  // A bucket that is not linked is walked as part of the one that it was split
  // from.
  Start start_of(std::uint64_t hash) const noexcept {
    // Acquire: pairs with the release in grow().
    MapPosition at(hash, level_.load(std::memory_order_acquire));
    for (;;) {
      Word& bucket = buckets_.at(at.bucket, at.made_at);
      const MapLink word = map_load(bucket);
      if (map_bucket_ready(word)) [[likely]] {
        return {&bucket, word};
      }
      at = MapPosition(hash, at.made_at - 1);
    }
  }

  // next = step(node), from one end of the list to the other.
  template <typename Step>
  void traverse(Step step) const {
    for (MapLink link = follow(buckets_[0]);;) {
      if ((link & kMapBucket) == 0) {
        link = step(*node_of(link)) & ~kMapGone;
      } else if (map_bucket_of(link) != 0) {
        link = follow(buckets_[map_bucket_of(link)]);
      } else {
        return;
      }
    }
  }

  MapBuckets<Atom> buckets_;
  Atom<int> level_;  // Of the newest buckets.
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_CONCURRENCY_LOCK_FREE_HASH_MAP_VIEW_H_
