// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/sorted_levels.h"

#include <algorithm>
#include <cstring>

namespace wirebook {
namespace {

// Neighbours that together hold no more than this become one block; well below
// a full block, so that a split is not followed by a merge.
constexpr size_t kMergedLevels = SortedLevels::kBlockLevels / 2;

// The number of keys below `key`, without a branch on their values.
size_t count_below(const int64_t* keys, size_t count, int64_t key) noexcept {
  const int64_t* first = keys;
  while (count > 1) {
    const size_t half = count / 2;
    first += first[half - 1] < key ? half : 0;
    count -= half;
  }
  return static_cast<size_t>(first - keys) + (count == 1 && *first < key);
}

template <class T>
void move_up(T* at, size_t count) noexcept {
  std::memmove(at + 1, at, count * sizeof(T));
}

template <class T>
void move_down(T* at, size_t count) noexcept {
  std::memmove(at, at + 1, count * sizeof(T));
}

}  // namespace

SortedLevels::SortedLevels(size_t initial_levels, size_t max_levels)
    : max_levels_(std::max<size_t>(max_levels, 1)) {
  initial_levels = std::min(initial_levels, max_levels_);
  // Merging keeps two neighbours above kMergedLevels levels.
  reserve_blocks(initial_levels / (kMergedLevels / 2) + 2);
}

void SortedLevels::reserve_blocks(size_t count) {
  const size_t old = blocks_.size();
  first_keys_.resize(count);
  counts_.resize(count);
  ids_.resize(count);
  blocks_.resize(count);
  for (size_t i = old; i < count; ++i) ids_[i] = static_cast<uint32_t>(i);
}

void SortedLevels::clear() noexcept {
  size_ = 0;
  used_ = 0;
}

size_t SortedLevels::memory_bytes() const noexcept {
  return blocks_.size() *
         (sizeof(Block) + sizeof(int64_t) + 2 * sizeof(uint32_t));
}

int64_t SortedLevels::worst_key() const noexcept {
  return block(used_ - 1).keys[counts_[used_ - 1] - 1];
}

size_t SortedLevels::find_block(int64_t key) const noexcept {
  if (used_ == 1) return 0;
  // The last block that begins at or below the key, else the first.
  size_t at = count_below(first_keys_.data(), used_, key);
  if (at < used_ && first_keys_[at] == key) return at;
  return at == 0 ? 0 : at - 1;
}

SortedLevels::Cursor SortedLevels::lower_bound(int64_t key) const noexcept {
  if (used_ == 0) return {};
  const size_t position = find_block(key);
  const size_t index =
      count_below(block(position).keys, counts_[position], key);
  if (index == counts_[position]) return {position + 1, 0};
  return {position, index};
}

void SortedLevels::set(int64_t key, int64_t quantity) noexcept {
  if (used_ == 0) {
    if (quantity == 0) return;
    insert_block(0);
    insert(0, 0, key, quantity);
    return;
  }
  const size_t position = find_block(key);
  Block& found = block(position);
  const size_t count = counts_[position];
  const size_t index = count_below(found.keys, count, key);
  if (index < count && found.keys[index] == key) {
    if (quantity != 0) {
      found.quantities[index] = quantity;
    } else {
      erase(position, index);
    }
    return;
  }
  if (quantity == 0) return;
  if (size_ == max_levels_) [[unlikely]] {
    ++dropped_;
    const int64_t worst = worst_key();
    if (key > worst) return;
    set(worst, 0);
    set(key, quantity);
    return;
  }
  insert(position, index, key, quantity);
}

void SortedLevels::insert(size_t position, size_t index, int64_t key,
                          int64_t quantity) noexcept {
  if (counts_[position] == kBlockLevels) [[unlikely]] {
    insert_block(position + 1);
    // Appending keeps blocks full; elsewhere the block is halved.
    const size_t kept = position + 2 == used_ && index == kBlockLevels
                            ? kBlockLevels
                            : kBlockLevels / 2;
    const size_t moved = kBlockLevels - kept;
    Block& from = block(position);
    Block& to = block(position + 1);
    std::memcpy(to.keys, from.keys + kept, moved * sizeof(int64_t));
    std::memcpy(to.quantities, from.quantities + kept, moved * sizeof(int64_t));
    counts_[position] = static_cast<uint32_t>(kept);
    counts_[position + 1] = static_cast<uint32_t>(moved);
    if (moved != 0) first_keys_[position + 1] = to.keys[0];
    if (index > kept || moved == 0) {
      ++position;
      index -= kept;
    }
  }
  Block& into = block(position);
  const size_t tail = counts_[position] - index;
  move_up(into.keys + index, tail);
  move_up(into.quantities + index, tail);
  into.keys[index] = key;
  into.quantities[index] = quantity;
  ++counts_[position];
  ++size_;
  if (index == 0) first_keys_[position] = key;
}

void SortedLevels::erase(size_t position, size_t index) noexcept {
  Block& from = block(position);
  const size_t tail = counts_[position] - index - 1;
  move_down(from.keys + index, tail);
  move_down(from.quantities + index, tail);
  const size_t left = --counts_[position];
  --size_;
  if (left == 0) {
    remove_block(position);
    return;
  }
  if (index == 0) first_keys_[position] = from.keys[0];
  if (used_ == 1) return;
  if (position + 1 < used_ && left + counts_[position + 1] <= kMergedLevels) {
    merge_with_next(position);
  } else if (position > 0 && left + counts_[position - 1] <= kMergedLevels) {
    merge_with_next(position - 1);
  }
}

void SortedLevels::merge_with_next(size_t position) noexcept {
  Block& to = block(position);
  const Block& from = block(position + 1);
  const size_t count = counts_[position];
  const size_t moved = counts_[position + 1];
  std::memcpy(to.keys + count, from.keys, moved * sizeof(int64_t));
  std::memcpy(to.quantities + count, from.quantities, moved * sizeof(int64_t));
  counts_[position] = static_cast<uint32_t>(count + moved);
  remove_block(position + 1);
}

void SortedLevels::insert_block(size_t position) noexcept {
  if (used_ == blocks_.size()) [[unlikely]] {
    ++growths_;
    reserve_blocks(2 * used_);
  }
  const uint32_t id = ids_[used_];
  const size_t tail = used_ - position;
  move_up(first_keys_.data() + position, tail);
  move_up(counts_.data() + position, tail);
  move_up(ids_.data() + position, tail);
  ids_[position] = id;
  counts_[position] = 0;
  ++used_;
}

void SortedLevels::remove_block(size_t position) noexcept {
  const uint32_t id = ids_[position];
  const size_t tail = used_ - position - 1;
  move_down(first_keys_.data() + position, tail);
  move_down(counts_.data() + position, tail);
  move_down(ids_.data() + position, tail);
  --used_;
  ids_[used_] = id;
}

void SortedLevels::truncate(size_t depth) noexcept {
  while (size_ > depth) {
    const size_t last = used_ - 1;
    const size_t excess = size_ - depth;
    if (excess < counts_[last]) {
      counts_[last] -= static_cast<uint32_t>(excess);
      size_ = depth;
    } else {
      size_ -= counts_[last];
      remove_block(last);
    }
  }
}

}  // namespace wirebook
