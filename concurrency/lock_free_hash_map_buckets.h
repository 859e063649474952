// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The bucket words of LockFreeHashMap: an array that doubles without moving,
// so that no reader ever waits for a resize or holds an old table. Include
// lock_free_hash_map.h.
//
// Elements are in the order of their hash, and a bucket is where those begin
// whose hash starts with some bits. Buckets are numbered by halving: 0 begins
// at 0, 1 at 1/2 of the way, 2 and 3 at 1/4 and 3/4, 4 to 7 at the odd eighths.
// So 2^n buckets are those with the numbers below 2^n, for every n; the number
// takes four instructions where bit reversal, as it is usually done, takes
// twenty; and neighbours in the list are neighbours in memory.
#ifndef WIREBOOK_CONCURRENCY_LOCK_FREE_HASH_MAP_BUCKETS_H_
#define WIREBOOK_CONCURRENCY_LOCK_FREE_HASH_MAP_BUCKETS_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <type_traits>

#include "concurrency/lock_free_hash_map_link.h"

namespace wirebook::internal {

// How many halvings have made the bucket.
constexpr int map_bucket_level(std::uint64_t bucket) noexcept {
  return static_cast<int>(std::bit_width(bucket));
}
// The least hash in the bucket.
constexpr std::uint64_t map_bucket_begin(std::uint64_t bucket) noexcept {
  return bucket == 0 ? 0 : (2 * bucket + 1) << (64 - map_bucket_level(bucket));
}

// The bucket of a hash among 2^level, level being 1 at least.
struct MapPosition {
  MapPosition(std::uint64_t hash, int level) noexcept {
    const std::uint64_t prefix = hash >> (64 - level) | std::uint64_t{1}
                                                            << level;
    const int zeros = std::countr_zero(prefix);
    made_at = level - zeros;
    bucket = prefix >> zeros >> 1;
  }
  std::uint64_t bucket;
  int made_at;  // Its level.
};

template <template <typename> class Atom>
class MapBuckets {
 public:
  using Word = Atom<MapLink>;

  // 2^level buckets, all linked, of an empty list. Throws std::bad_alloc.
  explicit MapBuckets(int level) : first_level_(level) {
    Word* const words = allocate(std::uint64_t{1} << level);
    // Relaxed: nobody else is here.
    for (int l = 0; l <= level; ++l) {
      segments_[l].store(words, std::memory_order_relaxed);
    }
    link_in_order(level);
  }
  ~MapBuckets() {
    deallocate(segments_[0].load(std::memory_order_relaxed));
    for (int level = first_level_ + 1; level < kLevels; ++level) {
      deallocate(segments_[level].load(std::memory_order_relaxed));
    }
  }
  MapBuckets(const MapBuckets&) = delete;
  MapBuckets& operator=(const MapBuckets&) = delete;

  // Of a bucket whose segment is there: of a level, or in a link, that the
  // caller loaded with acquire.
  Word& at(std::uint64_t bucket, int made_at) const noexcept {
    // Relaxed: that acquire ordered it.
    Word* const words = segments_[made_at].load(std::memory_order_relaxed);
    return words[bucket - (made_at > first_level_
                               ? std::uint64_t{1} << (made_at - 1)
                               : 0)];
  }
  Word& operator[](std::uint64_t bucket) const noexcept {
    return at(bucket, map_bucket_level(bucket));
  }

  // Makes the buckets of a level, if nobody else has. Throws std::bad_alloc.
  void add_level(int level) {
    Atom<Word*>& segment = segments_[level];
    // Acquire: as in the exchange.
    if (segment.load(std::memory_order_acquire) != nullptr) return;
    Word* const words = allocate(std::uint64_t{1} << (level - 1));
    Word* none = nullptr;
    // Release: the zeros before their address. Acquire: those of another, which
    // the caller goes on to publish. They pair with each other.
    if (!segment.compare_exchange_strong(none, words, std::memory_order_acq_rel,
                                         std::memory_order_acquire)) {
      deallocate(words);
    }
  }

 private:
  static constexpr int kLevels = 62;
  // calloc() takes large blocks from the system, which has them zero: a new
  // level then costs no pass over it.
  static constexpr bool kZeroed = std::is_same_v<Word, std::atomic<MapLink>> &&
                                  sizeof(Word) == sizeof(MapLink) &&
                                  std::is_trivially_destructible_v<Word>;

  void link_in_order(int level) noexcept {
    std::uint64_t before = 0;
    for (std::uint64_t i = 1; i < std::uint64_t{1} << level; ++i) {
      const std::uint64_t bucket = MapPosition(i << (64 - level), level).bucket;
      // Relaxed: nobody else is here.
      (*this)[before].store(map_bucket_link(bucket), std::memory_order_relaxed);
      before = bucket;
    }
    (*this)[before].store(map_bucket_link(0), std::memory_order_relaxed);
  }

  static Word* allocate(std::uint64_t count) {
    if constexpr (kZeroed) {
      void* const words = std::calloc(count, sizeof(Word));
      if (words == nullptr) throw std::bad_alloc();
      return static_cast<Word*>(words);
    } else {
      return new Word[count]();
    }
  }
  static void deallocate(Word* words) noexcept {
    if constexpr (kZeroed) {
      std::free(words);
    } else {
      delete[] words;
    }
  }

  const int first_level_;
  Atom<Word*> segments_[kLevels] = {};
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_CONCURRENCY_LOCK_FREE_HASH_MAP_BUCKETS_H_
