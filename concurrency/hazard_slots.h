// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The hazard pointers themselves, and what a scan does with them. Not for other
// use than hazard_pointer's.
#ifndef WIREBOOK_CONCURRENCY_HAZARD_SLOTS_H_
#define WIREBOOK_CONCURRENCY_HAZARD_SLOTS_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <utility>

#include "concurrency/retired_chain.h"
#include "memory/cache_line.h"

namespace wirebook::internal {

// A retirable object, by the address that a hazard pointer holds.
struct HazardObject : RetiredLink {};

// One hazard pointer. Its owner alone writes it.
template <template <typename> class Atom>
struct HazardSlot {
  Atom<const HazardObject*> hazard{nullptr};
  HazardSlot* next = nullptr;  // While nobody owns it.
};

template <template <typename> class Atom>
class HazardSlotList {
 public:
  HazardSlot<Atom>* pop() noexcept {
    --size_;
    return std::exchange(first_, first_->next);
  }
  void push(HazardSlot<Atom>* slot) noexcept {
    slot->next = std::exchange(first_, slot);
    ++size_;
  }
  bool empty() const noexcept { return first_ == nullptr; }
  std::size_t size() const noexcept { return size_; }

 private:
  HazardSlot<Atom>* first_ = nullptr;
  std::size_t size_ = 0;
};

// Slots are made for a thread, and mostly stay with it: they may share lines.
template <template <typename> class Atom>
struct alignas(kFalseSharingBytes) HazardBlock {
  std::array<HazardSlot<Atom>, 7> slots;
  HazardBlock* next = nullptr;
};
static_assert(sizeof(HazardBlock<std::atomic>) == kFalseSharingBytes);

// A domain's slots.
template <template <typename> class Atom>
class HazardStore {
 public:
  using Block = HazardBlock<Atom>;

  constexpr HazardStore() noexcept = default;
  ~HazardStore() {
    Block* block = blocks_.load(std::memory_order_relaxed);
    while (block != nullptr) delete std::exchange(block, block->next);
  }
  HazardStore(const HazardStore&) = delete;
  HazardStore& operator=(const HazardStore&) = delete;

  Block* add_block() {  // Throws std::bad_alloc.
    Block* const block = new Block;
    block->next = blocks_.load(std::memory_order_relaxed);
    // Pairs with the acquire in first_block(): the block before its address.
    while (!blocks_.compare_exchange_weak(block->next, block,
                                          std::memory_order_release,
                                          std::memory_order_relaxed)) {
    }
    return block;
  }
  const Block* first_block() const noexcept {
    return blocks_.load(std::memory_order_acquire);
  }

  HazardSlotList<Atom> unowned;  // Under the registry's mutex.

 private:
  Atom<Block*> blocks_{nullptr};
};

// Some of the hazards; on the stack, since retire() cannot fail.
class HazardSet {
 public:
  bool full() const noexcept { return size_ == objects_.size(); }
  void add(const RetiredLink* object) noexcept { objects_[size_++] = object; }
  void move_held(RetiredChain& suspects, RetiredChain& held) noexcept {
    if (size_ == 0) return;
    const auto end = objects_.begin() + size_;
    std::sort(objects_.begin(), end, std::less<>());
    RetiredChain rest;
    while (RetiredLink* const object = suspects.pop()) {
      const bool is_held =
          std::binary_search(objects_.begin(), end, object, std::less<>());
      (is_held ? held : rest).push(object);
    }
    suspects.take(rest);
    size_ = 0;
  }

 private:
  std::size_t size_ = 0;
  std::array<const RetiredLink*, 128> objects_;
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_CONCURRENCY_HAZARD_SLOTS_H_
