// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// SpscRing<T>: a bounded FIFO from one thread to one other.
//
// When: two threads, one hand-over, in order. Several producers or consumers
// need an MPMC queue or an event bus; a value of which only the newest counts
// needs a Seqlock.
//
// Guarantee: every operation of both sides is wait-free. try_push fails only
// when `capacity` objects are in the ring or it is closed; try_pop fails only
// when it is empty; neither fails spuriously. One producer thread and one
// consumer thread at a time; a role may move to another thread if that move
// itself synchronises (a join, a mutex).
//
// Cost: no allocation after construction, no locked instruction, no system
// call. One release store and one slot per object, one store per batch; the
// other side's index is read only when the cached one runs out. Figures:
// COSTS.md. The first lap touches fresh pages of the ring's own storage; give
// storage that is prefaulted (huge pages, a NUMA node) where that matters.
//
//   wirebook::SpscRing<Order> ring(1024);
//   // Producer thread:
//   while (!ring.try_emplace(id, price)) { /* full: the caller's policy */ }
//   ring.close();
//   // Consumer thread:
//   while (!ring.closed()) {
//     if (Order* order = ring.front()) {
//       handle(*order);  // in place, no copy
//       ring.pop();
//     }
//   }
//
// In batches, one index store for all:
//   std::span<Tick> slots = ring.claim(16);  // up to 16, contiguous
//   for (Tick& slot : slots) slot = next();  // std::construct_at if T is not
//   ring.publish(slots.size());              // trivial: slots are raw memory
//   std::span<Tick> ready = ring.peek(16);
//   for (Tick& tick : ready) handle(tick);
//   ring.consume(ready.size());

#ifndef WIREBOOK_CONCURRENCY_SPSC_RING_H_
#define WIREBOOK_CONCURRENCY_SPSC_RING_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "concurrency/spsc_ring_sides.h"
#include "memory/cache_line.h"
#include "memory/fail_fast.h"

namespace wirebook {

// `Atom` lets a test put a scheduler underneath; leave it alone otherwise.
template <typename T, template <typename> class Atom = std::atomic>
class SpscRing {
  static_assert(std::is_object_v<T> && !std::is_const_v<T>);
  static_assert(std::is_nothrow_destructible_v<T>);

 public:
  static constexpr size_t kMaxCapacity = size_t{1} << 32;

  // Holds up to `capacity` objects, 1 to kMaxCapacity, exactly; storage is
  // rounded up to a power of two. Any other capacity ends the process.
  explicit SpscRing(size_t capacity) : capacity_(capacity) {
    check_capacity();
    // Whole pairs of lines: no stranger shares one with the first or last.
    const size_t bytes = (storage_bytes(capacity) + kFalseSharingBytes - 1) /
                         kFalseSharingBytes * kFalseSharingBytes;
    owned_ = ::operator new(bytes, kStorageAlign);
    use(owned_);
  }

  // The same in the caller's `storage`, at least storage_bytes(capacity) long
  // and aligned for T, which must outlive the ring; anything else ends the
  // process.
  SpscRing(size_t capacity, std::span<std::byte> storage)
      : capacity_(capacity) {
    check_capacity();
    if (storage.size() < storage_bytes(capacity) ||
        reinterpret_cast<uintptr_t>(storage.data()) % alignof(T) != 0) {
      fail_fast("SpscRing", this,
                "storage shorter than storage_bytes(capacity) or misaligned");
    }
    use(storage.data());
  }

  static constexpr size_t storage_bytes(size_t capacity) noexcept {
    return std::bit_ceil(capacity) * sizeof(T);
  }

  SpscRing(const SpscRing&) = delete;
  SpscRing& operator=(const SpscRing&) = delete;

  // Destroys what is left in the ring. Both threads must be done with it.
  ~SpscRing() {
    const uint64_t tail = producer_.own_tail();
    for (uint64_t head = consumer_.own_head(); head != tail; ++head) {
      std::destroy_at(consumer_.slot(head));
    }
    if (owned_ != nullptr) ::operator delete(owned_, kStorageAlign);
  }

  // ---- Producer thread -----------------------------------------------------

  // Constructs a T at the end; false, and `args` untouched, when full or
  // closed. If T's constructor throws, nothing was pushed. (For an aggregate,
  // try_push(T{...}): clang has no parenthesised form before 16.)
  template <typename... Args>
  [[nodiscard]] bool try_emplace(Args&&... args) noexcept(
      std::is_nothrow_constructible_v<T, Args...>) {
    const uint64_t tail = producer_.own_tail();
    if (tail == producer_.writable_until &&
        !producer_.refresh_room(tail, consumer_.head))
      return false;
    std::construct_at(producer_.slot(tail), std::forward<Args>(args)...);
    // Pairs with the acquire in refresh_ready: the object before its index.
    producer_.tail.store(tail + 1, std::memory_order_release);
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

  // Up to `n` free slots to construct objects in: fewer when the ring is
  // nearly full or at its physical end (claim again after publish), none when
  // full or closed. The slots are raw memory: assign if T is trivial, otherwise
  // std::construct_at. Claiming again without publish gives the same slots.
  [[nodiscard]] std::span<T> claim(size_t n) noexcept {
    const uint64_t tail = producer_.own_tail();
    if (producer_.writable_until - tail < n)
      producer_.refresh_room(tail, consumer_.head);
    const uint64_t count =
        std::min({uint64_t{n}, producer_.writable_until - tail,
                  producer_.mask + 1 - (tail & producer_.mask)});
    producer_.claimed_until = tail + count;
    return {producer_.slot(tail), static_cast<size_t>(count)};
  }

  // Hands over the first `n` claimed slots, now constructed; the rest of the
  // claim lapses. More than was claimed ends the process.
  void publish(size_t n) noexcept {
    const uint64_t tail = producer_.own_tail();
    if (n > producer_.claimed_until - tail)
      fail_fast("SpscRing", this, "publish of unclaimed slots");
    producer_.claimed_until = tail + n;
    // Pairs with the acquire in refresh_ready: the objects before their index.
    producer_.tail.store(tail + n, std::memory_order_release);
  }

  // No object will follow: pushes fail from here on, claims are empty, and
  // closed() turns true once the consumer has drained the ring. Idempotent.
  void close() noexcept {
    const uint64_t tail = producer_.own_tail();
    // A limit of none makes the ring full for ever: no check in try_push.
    producer_.limit = 0;
    producer_.writable_until = tail;
    producer_.claimed_until = tail;
    // Pairs with the acquire in closed(): the last object before the flag.
    producer_.closed.store(true, std::memory_order_release);
  }

  // ---- Consumer thread -----------------------------------------------------

  // The oldest object, in place until pop(); nullptr when empty.
  [[nodiscard]] T* front() noexcept {
    const uint64_t head = consumer_.own_head();
    if (head == consumer_.readable_until &&
        !consumer_.refresh_ready(head, producer_.tail)) {
      return nullptr;
    }
    return consumer_.slot(head);
  }

  // Destroys the oldest object. On an empty ring ends the process.
  void pop() noexcept { consume(1); }

  // Moves the oldest object to `out`; false when empty. If the move throws,
  // the object is still in the ring.
  [[nodiscard]] bool try_pop(T& out) noexcept(
      std::is_nothrow_move_assignable_v<T>) {
    T* const oldest = front();
    if (oldest == nullptr) return false;
    out = std::move(*oldest);
    release_front();
    return true;
  }

  // The same for a T that cannot be default-constructed or assigned.
  [[nodiscard]] std::optional<T> try_pop() noexcept(
      std::is_nothrow_move_constructible_v<T>) {
    T* const oldest = front();
    if (oldest == nullptr) return std::nullopt;
    std::optional<T> out(std::move(*oldest));
    release_front();
    return out;
  }

  // Up to `n` of the oldest objects, in place until consume(): fewer when
  // fewer are there or at the ring's physical end, none when empty.
  [[nodiscard]] std::span<T> peek(size_t n) noexcept {
    const uint64_t head = consumer_.own_head();
    if (consumer_.readable_until - head < n)
      consumer_.refresh_ready(head, producer_.tail);
    const uint64_t count =
        std::min({uint64_t{n}, consumer_.readable_until - head,
                  consumer_.mask + 1 - (head & consumer_.mask)});
    return {consumer_.slot(head), static_cast<size_t>(count)};
  }

  // Destroys the `n` oldest objects and frees their slots. More than are there
  // ends the process.
  void consume(size_t n) noexcept {
    const uint64_t head = consumer_.own_head();
    if (n > consumer_.readable_until - head) {
      consumer_.refresh_ready(head, producer_.tail);
      if (n > consumer_.readable_until - head)
        fail_fast("SpscRing", this, "pop of an empty ring");
    }
    if constexpr (!std::is_trivially_destructible_v<T>) {
      for (uint64_t i = 0; i != n; ++i) {
        std::destroy_at(consumer_.slot(head + i));
      }
    }
    // Pairs with the acquire in refresh_room: done with the slots before reuse.
    consumer_.head.store(head + n, std::memory_order_release);
  }

  // ---- Any thread -----------------------------------------------------------

  // Closed and drained: no object is there and none will come.
  [[nodiscard]] bool closed() const noexcept {
    // Pairs with the release in close(): the tail read below is the last one.
    return producer_.closed.load(std::memory_order_acquire) && size() == 0;
  }

  size_t capacity() const noexcept { return capacity_; }

  // Exact when neither side is active, otherwise a moment's view.
  size_t size() const noexcept {
    // Head first: acquire keeps the order, so the difference is not negative.
    const uint64_t head = consumer_.head.load(std::memory_order_acquire);
    const uint64_t tail = producer_.tail.load(std::memory_order_acquire);
    return static_cast<size_t>(std::min<uint64_t>(tail - head, capacity_));
  }
  bool empty() const noexcept { return size() == 0; }

 private:
  static constexpr std::align_val_t kStorageAlign{
      std::max(alignof(T), kFalseSharingBytes)};

  void check_capacity() const {
    if (capacity_ == 0 || capacity_ > kMaxCapacity) {
      fail_fast("SpscRing", this, "capacity must be 1 to 2^32");
    }
  }

  void use(void* storage) noexcept {
    producer_.limit = producer_.writable_until = capacity_;
    producer_.slots = consumer_.slots = static_cast<T*>(storage);
    producer_.mask = consumer_.mask = std::bit_ceil(capacity_) - 1;
  }

  // consume(1) without its check: front() has seen the object.
  void release_front() noexcept {
    const uint64_t head = consumer_.own_head();
    std::destroy_at(consumer_.slot(head));
    // Pairs with the acquire in refresh_room: done with the slot before reuse.
    consumer_.head.store(head + 1, std::memory_order_release);
  }

  internal::SpscProducer<T, Atom> producer_;
  internal::SpscConsumer<T, Atom> consumer_;
  // Constant after construction.
  alignas(kFalseSharingBytes) const size_t capacity_;
  void* owned_ = nullptr;
};

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_SPSC_RING_H_
