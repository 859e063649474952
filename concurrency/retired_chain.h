// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Chains of retired objects and the lock that guards them: the smallest common
// parts of hazard_pointer, epoch and rcu. Not for other use.
#ifndef WIREBOOK_CONCURRENCY_RETIRED_CHAIN_H_
#define WIREBOOK_CONCURRENCY_RETIRED_CHAIN_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "concurrency/atom_traits.h"

namespace wirebook::internal {

// Objects in a batch: what a thread retires between two looks at the readers.
inline constexpr std::size_t kReclaimBatch = 128;
// Deleters that one retire() runs at most.
inline constexpr std::size_t kReclaimPerRetire = 2;

// One line on stderr, then abort.
[[noreturn]] void reclaim_die(const char* component, const void* address,
                              const char* what) noexcept;

// Base of what can be retired. Not copied with the object: a copy is not
// retired, though the object may be, even at the same moment.
struct RetiredLink {
  constexpr RetiredLink() noexcept = default;
  RetiredLink(const RetiredLink&) = delete;
  RetiredLink& operator=(const RetiredLink&) = delete;

  RetiredLink* retired_next_ = nullptr;
  void (*retired_reclaim_)(RetiredLink*) noexcept =
      nullptr;  // Not null once retired.
};

// First in, first out.
class RetiredChain {
 public:
  constexpr RetiredChain() noexcept = default;
  RetiredChain(const RetiredChain&) = delete;
  RetiredChain& operator=(const RetiredChain&) = delete;

  static constexpr std::size_t max_size() noexcept {
    return static_cast<std::size_t>(-1);
  }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  void push(RetiredLink* object) noexcept {
    object->retired_next_ = nullptr;
    (empty() ? first_ : last_->retired_next_) = object;
    last_ = object;
    ++size_;
  }

  RetiredLink* pop() noexcept {
    RetiredLink* const object = first_;
    if (object == nullptr) return nullptr;
    first_ = object->retired_next_;
    --size_;
    return object;
  }

  // Takes all of `other` to its end.
  void take(RetiredChain& other) noexcept {
    if (other.empty()) return;
    (empty() ? first_ : last_->retired_next_) = other.first_;
    last_ = other.last_;
    size_ += other.size_;
    other.first_ = nullptr;
    other.size_ = 0;
  }

 private:
  RetiredLink* first_ = nullptr;
  RetiredLink* last_ = nullptr;
  std::size_t size_ = 0;
};

// A wait for another thread: spins, and now and then lets others run.
template <template <typename> class Atom>
class ReclaimBackoff {
 public:
  void turn() noexcept {
    AtomTraits<Atom>::pause();
    if (++turns_ % 64 == 0) std::this_thread::yield();
  }

 private:
  std::uint32_t turns_ = 0;
};

// Meets BasicLockable. Held for a few instructions, never over foreign code.
template <template <typename> class Atom>
class ReclaimLock {
 public:
  void lock() noexcept {
    ReclaimBackoff<Atom> backoff;
    while (!try_lock()) backoff.turn();
  }
  bool try_lock() noexcept {
    // Pairs with the release in unlock().
    return !locked_.exchange(true, std::memory_order_acquire);
  }
  // Pairs with the acquire in lock().
  void unlock() noexcept { locked_.store(false, std::memory_order_release); }

 private:
  Atom<bool> locked_{false};
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_CONCURRENCY_RETIRED_CHAIN_H_
