// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// SortedLevels: one side of a book as sorted flat blocks of 64 levels, any key.
//
// Use it for a side of few levels (one or two blocks: a search of six steps in
// contiguous keys, the best levels ready to copy), and for what a tick-indexed
// array cannot hold; L2Book (l2_book.h) does both. For dense levels around a
// touch TickWindow is several times faster.
//
// Keys are ordered best first, that is ascending: callers give price for asks
// and ~price for bids. A directory of first keys finds the block; full blocks
// split, thin neighbours merge, so that memory stays within four times the
// levels.
//
// Thread rules: one thread. No allocation up to the initial capacity; beyond it
// the storage doubles (counted), up to a maximum, at which the worst level is
// dropped (counted). From then on the far end is wrong, and so is the touch
// once the better levels are gone: the owner watches dropped() and starts anew.
// Cost: two binary searches and moving half a block: 75 ns an update at 3,400
// levels (update/L2Book/binance_spot/0 in l2_book_benchmark).
//
//   SortedLevels levels(4096, 1 << 20);
//   levels.set(6183763, 100);  // 0 removes
//   levels.best_key();
#ifndef WIREBOOK_LOB_SORTED_LEVELS_H_
#define WIREBOOK_LOB_SORTED_LEVELS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace wirebook {

class SortedLevels {
 public:
  static constexpr size_t kBlockLevels = 64;

  // A place in best-first order; invalidated by any change.
  struct Cursor {
    size_t block = 0;
    size_t index = 0;
  };

  SortedLevels(size_t initial_levels, size_t max_levels);

  void clear() noexcept;

  // Sets the absolute quantity at `key`; 0 removes, absent or not.
  void set(int64_t key, int64_t quantity) noexcept;

  size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  // Not empty.
  int64_t best_key() const noexcept { return first_keys_[0]; }
  int64_t best_quantity() const noexcept { return block(0).quantities[0]; }
  int64_t worst_key() const noexcept;

  // Drops the worst levels until `depth` are left.
  void truncate(size_t depth) noexcept;

  // Calls f(place, key, quantity) for the best `count` levels or all there are,
  // place from 0; returns how many.
  template <class F>
  size_t visit_best(size_t count, F&& f) const {
    count = count < size_ ? count : size_;
    size_t place = 0;
    for (size_t position = 0; place < count; ++position) {
      const Block& from = block(position);
      const size_t left = count - place;
      const size_t here = counts_[position] < left ? counts_[position] : left;
      for (size_t i = 0; i < here; ++i) {
        f(place + i, from.keys[i], from.quantities[i]);
      }
      place += here;
    }
    return count;
  }

  Cursor begin() const noexcept { return {}; }
  // The first level whose key is not below `key`.
  Cursor lower_bound(int64_t key) const noexcept;
  bool at_end(Cursor at) const noexcept { return at.block >= used_; }
  int64_t key(Cursor at) const noexcept {
    return block(at.block).keys[at.index];
  }
  int64_t quantity(Cursor at) const noexcept {
    return block(at.block).quantities[at.index];
  }
  Cursor next(Cursor at) const noexcept {
    if (++at.index < counts_[at.block]) return at;
    return {at.block + 1, 0};
  }

  uint64_t growths() const noexcept { return growths_; }
  uint64_t dropped() const noexcept { return dropped_; }
  size_t memory_bytes() const noexcept;

 private:
  struct Block {
    int64_t keys[kBlockLevels];
    int64_t quantities[kBlockLevels];
  };

  Block& block(size_t position) noexcept { return blocks_[ids_[position]]; }
  const Block& block(size_t position) const noexcept {
    return blocks_[ids_[position]];
  }
  size_t find_block(int64_t key) const noexcept;
  void insert(size_t position, size_t index, int64_t key,
              int64_t quantity) noexcept;
  void erase(size_t position, size_t index) noexcept;
  void insert_block(size_t position) noexcept;
  void remove_block(size_t position) noexcept;
  void merge_with_next(size_t position) noexcept;
  void reserve_blocks(size_t count);

  size_t size_ = 0;
  size_t used_ = 0;  // blocks in the directory
  // The directory, in key order: first key, levels, and place in blocks_. Ids
  // from used_ on are the free blocks.
  std::vector<int64_t> first_keys_;
  std::vector<uint32_t> counts_;
  std::vector<uint32_t> ids_;
  std::vector<Block> blocks_;
  size_t max_levels_;
  uint64_t growths_ = 0;
  uint64_t dropped_ = 0;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_SORTED_LEVELS_H_
