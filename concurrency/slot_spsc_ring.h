// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// SlotSpscRing<T>: a bounded FIFO from one thread to one other, with the lowest
// round trip: an object and the word that says it is there travel on one line.
//
// When: a message must be seen soonest, and comes alone (a request and its
// answer). Streams, batches, close: SpscRing, whose indices carry many objects
// a line and which needs no word beside each object.
//
// Guarantee: wait-free, both sides. try_push fails only when `capacity` objects
// are in the ring, front and try_pop only when it is empty; never spuriously.
// One producer thread and one consumer thread at a time; a role may move if
// that move itself synchronises.
//
// Cost: no allocation after construction, no locked instruction, no system
// call; 8 bytes beside each object, rounded up to a
// power of two up to a line. The consumer looks at slots alone; the
// producer at the consumer's index once a lap or when the ring seems full.
// Figures: COSTS.md, measured by spsc_ring_benchmark.
//
//   wirebook::SlotSpscRing<Request> ring(256);
//   // Producer thread:
//   while (!ring.try_push(request)) { /* full: the caller's policy */ }
//   // Consumer thread:
//   if (Request* request = ring.front()) {
//     handle(*request);  // in place, no copy
//     ring.pop();
//   }
//
// Algorithm: as FastForward (Giacomoni et al., PPoPP 2008), whose slots say
// whether they are full, but a slot's word is the number of its object, so the
// consumer needs not clear it and its line goes one way.

#ifndef WIREBOOK_CONCURRENCY_SLOT_SPSC_RING_H_
#define WIREBOOK_CONCURRENCY_SLOT_SPSC_RING_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "memory/cache_line.h"
#include "memory/fail_fast.h"

namespace wirebook {

// `Atom` lets a test put a scheduler underneath; leave it alone otherwise.
template <typename T, template <typename> class Atom = std::atomic>
class SlotSpscRing {
  static_assert(std::is_object_v<T> && !std::is_const_v<T>);
  static_assert(std::is_nothrow_destructible_v<T>);

 public:
  static constexpr size_t kMaxCapacity = size_t{1} << 32;

  // Holds up to `capacity` objects, 1 to kMaxCapacity, exactly; storage is
  // rounded up to a power of two. Any other capacity ends the process.
  explicit SlotSpscRing(size_t capacity)
      : capacity_(checked(capacity)),
        storage_(std::make_unique<Slot[]>(std::bit_ceil(capacity))) {
    producer_.slots = consumer_.slots = storage_.get();
    producer_.mask = consumer_.mask = std::bit_ceil(capacity) - 1;
    producer_.writable_until = capacity;
  }
  SlotSpscRing(const SlotSpscRing&) = delete;
  SlotSpscRing& operator=(const SlotSpscRing&) = delete;

  // Destroys what is left in the ring. Both threads must be done with it.
  ~SlotSpscRing() {
    while (front() != nullptr) pop();
  }

  // ---- Producer thread -----------------------------------------------------

  // Constructs a T at the end; false, and `args` untouched, when full. If T's
  // constructor throws, nothing was pushed.
  template <typename... Args>
  [[nodiscard]] bool try_emplace(Args&&... args) noexcept(
      std::is_nothrow_constructible_v<T, Args...>) {
    const uint64_t tail = producer_.tail;
    if (tail == producer_.writable_until && !refresh_room(tail)) return false;
    Slot& slot = producer_.slots[tail & producer_.mask];
    std::construct_at(&slot.object, std::forward<Args>(args)...);
    producer_.tail = tail + 1;
    // Pairs with the acquire in front(): the object before its number.
    slot.number.store(tail + 1, std::memory_order_release);
    return true;
  }
  [[nodiscard]] bool try_push(const T& value) noexcept(
      std::is_nothrow_copy_constructible_v<T>) {
    return try_emplace(value);
  }
  [[nodiscard]] bool try_push(T&& value) noexcept(
      std::is_nothrow_move_constructible_v<T>) {
    return try_emplace(std::move(value));
  }

  // ---- Consumer thread -----------------------------------------------------

  // The oldest object, in place until pop(); nullptr when empty.
  [[nodiscard]] T* front() noexcept {
    const uint64_t head = own_head();
    Slot& slot = consumer_.slots[head & consumer_.mask];
    // Pairs with the release in try_emplace: the object is there.
    return slot.number.load(std::memory_order_acquire) == head + 1
               ? &slot.object
               : nullptr;
  }

  // Destroys the oldest object. On an empty ring ends the process.
  void pop() noexcept {
    T* const oldest = front();
    if (oldest == nullptr) {
      fail_fast("SlotSpscRing", this, "pop of an empty ring");
    }
    release(oldest);
  }

  // Moves the oldest object to `out`; false when empty. If the move throws,
  // the object is still in the ring.
  [[nodiscard]] bool try_pop(T& out) noexcept(
      std::is_nothrow_move_assignable_v<T>) {
    T* const oldest = front();
    if (oldest == nullptr) return false;
    out = std::move(*oldest);
    release(oldest);
    return true;
  }
  // The same for a T that cannot be default-constructed or assigned.
  [[nodiscard]] std::optional<T> try_pop() noexcept(
      std::is_nothrow_move_constructible_v<T>) {
    T* const oldest = front();
    if (oldest == nullptr) return std::nullopt;
    std::optional<T> out(std::move(*oldest));
    release(oldest);
    return out;
  }

  // ---- Any thread -----------------------------------------------------------

  size_t capacity() const noexcept { return capacity_; }

 private:
  // No slot of up to a line lies across two.
  static constexpr size_t kSlotAlign = std::max(
      alignof(T), std::min(kCacheLineBytes, std::bit_ceil(sizeof(T) + 8)));

  struct alignas(kSlotAlign) Slot {
    Slot() noexcept {}
    ~Slot() {}
    Atom<uint64_t> number{0};  // of its object, from 1 on; stays when popped
    union {
      T object;
    };
  };

  // Objects are counted without wrapping; a slot is the count & mask. What
  // both sides need to find a slot is repeated on each side's line.

  // The producer's alone.
  struct alignas(kFalseSharingBytes) Producer {
    uint64_t tail = 0;
    uint64_t writable_until = 0;  // last head seen + capacity
    Slot* slots = nullptr;
    uint64_t mask = 0;
  };

  // Written by the consumer only; the producer reads `head`.
  struct alignas(kFalseSharingBytes) Consumer {
    Atom<uint64_t> head{0};
    Slot* slots = nullptr;
    uint64_t mask = 0;
  };

  size_t checked(size_t capacity) const noexcept {
    if (capacity == 0 || capacity > kMaxCapacity) {
      fail_fast("SlotSpscRing", this, "capacity must be 1 to 2^32");
    }
    return capacity;
  }

  // Relaxed: the consumer is the only writer of its own index.
  uint64_t own_head() const noexcept {
    return consumer_.head.load(std::memory_order_relaxed);
  }

  // Looks at the consumer's index again; false when the ring is full.
  bool refresh_room(uint64_t tail) noexcept {
    // Pairs with the release in release(): the slot's old object is gone.
    const uint64_t head = consumer_.head.load(std::memory_order_acquire);
    producer_.writable_until = head + capacity_;
    return producer_.writable_until != tail;
  }

  void release(T* oldest) noexcept {
    std::destroy_at(oldest);
    // Pairs with the acquire in refresh_room: done with the slot before reuse.
    consumer_.head.store(own_head() + 1, std::memory_order_release);
  }

  Producer producer_;
  Consumer consumer_;
  // Constant after construction.
  alignas(kFalseSharingBytes) const size_t capacity_;
  const std::unique_ptr<Slot[]> storage_;
};

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_SLOT_SPSC_RING_H_
