// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// How LockFreeHashMap's list changes. Include lock_free_hash_map.h.
//
// Michael, "High Performance Dynamic Lock-Free Hash Tables and List-Based Sets"
// (SPAA 2002): an element is erased by a mark in its own word, which fixes that
// word; any writer that meets it unlinks it. An element is replaced by one
// compare-exchange, too: the mark comes with the address of its successor
// (Desnoyers, liburcu's rculfhash), so there is no moment without either.
//
// A writer is inside a guard. What a compare-exchange made unreachable is
// retired by who made it.
#ifndef WIREBOOK_CONCURRENCY_LOCK_FREE_HASH_MAP_LIST_H_
#define WIREBOOK_CONCURRENCY_LOCK_FREE_HASH_MAP_LIST_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "concurrency/lock_free_hash_map_view.h"
#include "memory/cache_line.h"

namespace wirebook::internal {

template <typename Node, template <typename> class Atom>
class MapList : public MapView<Node, Atom> {
 public:
  using Word = Atom<MapLink>;

  // Where an element is, or would be: behind `before`, which held `link`.
  struct Place {
    Word* before;
    MapLink link;
    Node* found;
    MapLink next;  // What the word of `found` held.
  };

  // 2^level buckets; level is at least 1.
  explicit MapList(int level)
      : MapView<Node, Atom>(level), to_link_(std::uint64_t{1} << level) {}

  // ---- Writers: retire(Node*) gets what they made unreachable ----

  template <typename Match, typename Retire>
  Place search(std::uint64_t hash, Match match, Retire retire) {
    return walk(
        writer_start(hash, retire),
        [hash](std::uint64_t other) { return other > hash; },
        [hash, &match](const Node& node) {
          return node.hash == hash && match(node.key);
        },
        retire);
  }

  // Each of these is false, and has done nothing, if the place is no longer as
  // search() saw it.
  bool insert(const Place& place, Node* node) noexcept {
    // Relaxed: published by the exchange.
    node->next.store(place.link, std::memory_order_relaxed);
    return map_exchange(*place.before, place.link, link_of(node));
  }
  template <typename Retire>
  bool erase(const Place& place, Retire retire) {
    if (!map_exchange(place.found->next, place.next, place.next | kMapGone)) {
      return false;
    }
    unlink(place, place.next, retire);
    return true;
  }
  template <typename Retire>
  bool replace(const Place& place, Node* node, Retire retire) {
    node->next.store(place.next, std::memory_order_relaxed);  // As in insert().
    if (!map_exchange(place.found->next, place.next,
                      link_of(node) | kMapGone)) {
      return false;
    }
    unlink(place, link_of(node), retire);
    return true;
  }

  // Erases all that it meets, with erased() for each.
  template <typename Erased, typename Retire>
  void erase_all(Erased erased, Retire retire) {
    traverse([&](Node& node) {
      MapLink next = map_load(node.next);
      while ((next & kMapGone) == 0 &&
             !map_exchange(node.next, next, next | kMapGone)) {
        next = map_load(node.next);
      }
      if ((next & kMapGone) == 0) {
        erased();
        pass(node.hash, retire);
      }
      return next;  // If another replaced it: the one to erase.
    });
  }

  // Doubles the buckets if there are `count`. They are linked by and by.
  // Throws std::bad_alloc.
  void grow(std::uint64_t count) {
    int level = map_bucket_level(count) - 1;
    buckets_.add_level(level + 1);
    // Release: the buckets before their number. Pairs with the acquire in
    // start_of().
    level_.compare_exchange_strong(level, level + 1, std::memory_order_release,
                                   std::memory_order_relaxed);
  }

  // Links some buckets that are new; true while there are more.
  template <typename Retire>
  bool link_some(Retire retire) {
    // Relaxed: a hint. Acquire: as in start_of().
    std::uint64_t first = to_link_.load(std::memory_order_relaxed);
    const std::uint64_t end = std::uint64_t{1}
                              << level_.load(std::memory_order_acquire);
    if (first >= end) [[likely]] {
      return false;
    }
    const std::uint64_t last = std::min(first + kLinkAtOnce, end);
    // Relaxed: hands out numbers. If it fails another thread is at it.
    if (to_link_.compare_exchange_strong(first, last,
                                         std::memory_order_relaxed)) {
      for (; first != last; ++first) link_bucket(first, retire);
    }
    return true;
  }

 private:
  using View = MapView<Node, Atom>;
  using Start = typename View::Start;
  using View::buckets_;
  using View::level_;
  using View::node_of;
  using View::start_of;
  using View::traverse;

  static constexpr std::uint64_t kLinkAtOnce = 8;

  static MapLink link_of(Node* node) noexcept {
    return reinterpret_cast<MapLink>(node);
  }
  template <typename Retire>
  Start writer_start(std::uint64_t hash, Retire& retire) {
    // Acquire: as in start_of().
    const MapPosition at(hash, level_.load(std::memory_order_acquire));
    // Relaxed: a hint.
    if (buckets_.at(at.bucket, at.made_at).load(std::memory_order_relaxed) == 0)
        [[unlikely]] {
      link_bucket(at.bucket, retire);
    }
    return start_of(hash);
  }

  // From `start` past what `past` does not hold for, helping to unlink.
  template <typename Past, typename Match, typename Retire>
  Place walk(const Start& start, Past past, Match match, Retire& retire) {
    for (;;) {
      Word* before = start.bucket;
      MapLink link = map_load(*before);
      for (;;) {
        if ((link & kMapBucket) != 0) {
          const std::uint64_t bucket = map_bucket_of(link);
          if (bucket == 0 || past(map_bucket_begin(bucket))) {
            return {before, link, nullptr, 0};
          }
          before = &buckets_[bucket];
          link = enter(*before);
          continue;
        }
        Node* const node = node_of(link);
        const MapLink next = map_load(node->next);
        if ((next & kMapGone) != 0) {
          if (!map_exchange(*before, link, next & ~kMapGone)) break;
          retire(node);
          link = next & ~kMapGone;
          continue;
        }
        if (match(*node)) return {before, link, node, next};
        if (past(node->hash)) return {before, link, nullptr, 0};
        before = &node->next;
        link = next;
      }
    }
  }

  // The word of a bucket met in the list, so linked: says so.
  static MapLink enter(Word& bucket) noexcept {
    const MapLink word = map_load(bucket);
    if ((word & kMapGone) == 0) [[likely]] {
      return word;
    }
    // Release: pairs with map_load(), by who starts there.
    return bucket.fetch_and(~kMapGone, std::memory_order_acq_rel) & ~kMapGone;
  }

  // Unlinks place.found, which is gone, or sees that another has.
  template <typename Retire>
  void unlink(const Place& place, MapLink next, Retire& retire) {
    if (map_exchange(*place.before, place.link, next)) {
      retire(place.found);
    } else {
      pass(place.found->hash, retire);
    }
  }
  template <typename Retire>
  void pass(std::uint64_t hash, Retire& retire) {
    search(
        hash, [](const auto&) { return false; }, retire);
  }

  // Links a bucket into the list, unless another thread has begun to.
  template <typename Retire>
  void link_bucket(std::uint64_t bucket, Retire& retire) {
    Word& word = buckets_[bucket];
    MapLink none = 0;
    // Relaxed: it only keeps others out.
    if (!word.compare_exchange_strong(none, kMapGone | kMapBucket,
                                      std::memory_order_relaxed)) {
      return;
    }
    const std::uint64_t begin = map_bucket_begin(bucket);
    const Start start = start_of(begin);
    for (;;) {
      const Place place = walk(
          start, [begin](std::uint64_t other) { return other >= begin; },
          [](const Node&) { return false; }, retire);
      // Relaxed: published by the exchange.
      word.store(place.link | kMapGone, std::memory_order_relaxed);
      if (map_exchange(*place.before, place.link, map_bucket_link(bucket)))
        break;
    }
    // Release: pairs with map_load(), by who starts here. By now others may
    // have changed the rest of the word.
    word.fetch_and(~kMapGone, std::memory_order_release);
  }

  alignas(kFalseSharingBytes) Atom<std::uint64_t> to_link_;
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_CONCURRENCY_LOCK_FREE_HASH_MAP_LIST_H_
