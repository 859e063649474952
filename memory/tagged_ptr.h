// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Atomic pointers that carry a tag, and a lock-free stack over them.
//
// A compare-exchange on a bare pointer succeeds when the pointer left and came
// back (ABA), and then installs a successor that is long stale. Here each
// exchange also advances a tag, so a cell that changed is never taken for one
// that did not.
//
//   TaggedPtr128<T>  pointer and 64-bit tag; the tag does not wrap in the life
//                    of a machine. The default.
//   IndexTag64       32-bit index and 32-bit tag in one word: half the size,
//                    for nodes in one array. An exchange is wrong only if a
//                    thread sleeps through an exact multiple of 2^32 exchanges:
//                    40 s at 10 ns each.
//   TaggedPtr64<T>   48-bit pointer and 16-bit tag in one word. An exchange is
//                    wrong if a thread sleeps through an exact multiple of 2^16
//                    exchanges: 0.7 ms at 10 ns each, less than one preemption.
//                    Only for cells that change rarely, or whose threads are
//                    never preempted; the pools here do not use it.
//   TaggedStack      Treiber's stack over any of them (R. K. Treiber, "Systems
//                    programming: coping with parallelism", IBM RJ 5118, 1986).
//
// Nodes must stay readable while any thread may be inside pop(): a pop that was
// overtaken reads the `next` of a node that another thread took. Where nodes
// are given back to the system, use hazard pointers instead.
//
// Progress: lock-free; load() is wait-free. Any thread may call anything.
// Cost: one locked instruction a push or pop; see tagged_ptr_benchmark.
// The 128-bit exchange is inline assembly: no -mcx16, no libatomic.
//
//   struct Node { std::atomic<Node*> next; int value; };
//   TaggedStack<TaggedPtr128<Node>> stack;
//   stack.push(&node);
//   if (Node* top = stack.pop()) use(top->value);
#ifndef WIREBOOK_MEMORY_TAGGED_PTR_H_
#define WIREBOOK_MEMORY_TAGGED_PTR_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif
#if !defined(__x86_64__)
#error "wirebook runs on x86-64: tagged_ptr.h needs cmpxchg16b"
#endif

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WIREBOOK_TAGGED_PTR_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define WIREBOOK_TAGGED_PTR_TSAN 1
#endif

#if defined(WIREBOOK_TAGGED_PTR_TSAN)
__extension__ typedef unsigned __int128 wirebook_uint128;
// ThreadSanitizer's runtime; it cannot see into inline assembly.
extern "C" wirebook_uint128 __tsan_atomic128_compare_exchange_val(
    volatile wirebook_uint128* cell, wirebook_uint128 expected,
    wirebook_uint128 desired, int order, int failure_order);
#endif

namespace wirebook {

// An atomic (pointer, tag) of 16 bytes. kTagged = false keeps the tag still: it
// exists so that tests can show what the tag prevents.
template <typename T, bool kTagged = true>
class alignas(16) TaggedPtr128 {
 public:
  using Handle = T*;
  static constexpr Handle kNull = nullptr;

  struct Value {
    T* handle = nullptr;
    uint64_t tag = 0;

    // What an exchange that follows this value installs.
    Value next(T* successor) const noexcept {
      return {successor, tag + (kTagged ? 1 : 0)};
    }
    friend bool operator==(const Value&, const Value&) = default;
  };

  constexpr TaggedPtr128() noexcept = default;
  explicit TaggedPtr128(T* handle) noexcept : handle_(handle) {}
  TaggedPtr128(const TaggedPtr128&) = delete;
  TaggedPtr128& operator=(const TaggedPtr128&) = delete;

  // Acquire. The halves may stem from two moments; a compare_exchange from such
  // a value fails. The tag is read first: if it still stands at the exchange,
  // the handle and all that was read through it were current.
  Value load() const noexcept {
    Value value;
    value.tag = tag_.load(std::memory_order_acquire);  // With the exchange.
    value.handle =
        handle_.load(std::memory_order_acquire);  // With the exchange.
    return value;
  }

  // Full barrier. On failure `expected` becomes the current value, not torn.
  [[gnu::always_inline]] bool compare_exchange(Value& expected,
                                               Value desired) noexcept {
#if defined(WIREBOOK_TAGGED_PTR_TSAN)
    const wirebook_uint128 wanted = pack(expected);
    const wirebook_uint128 found = __tsan_atomic128_compare_exchange_val(
        reinterpret_cast<volatile wirebook_uint128*>(this), wanted,
        pack(desired), __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    expected.handle = reinterpret_cast<T*>(static_cast<uint64_t>(found));
    expected.tag = static_cast<uint64_t>(found >> 64);
    return found == wanted;
#else
    bool exchanged;
    asm volatile("lock cmpxchg16b %[cell]"
                 : "=@ccz"(exchanged), [cell] "+m"(*this),
                   "+a"(expected.handle), "+d"(expected.tag)
                 : "b"(desired.handle), "c"(desired.tag)
                 : "memory");
    return exchanged;
#endif
  }

 private:
#if defined(WIREBOOK_TAGGED_PTR_TSAN)
  static wirebook_uint128 pack(Value value) noexcept {
    return static_cast<wirebook_uint128>(value.tag) << 64 |
           reinterpret_cast<uint64_t>(value.handle);
  }
#endif

  // cmpxchg16b and ThreadSanitizer address both halves by the first.
  std::atomic<T*> handle_{nullptr};
  std::atomic<uint64_t> tag_{0};
};

namespace internal {

// An atomic (handle, tag) of 8 bytes. `Packing` puts both into one word.
template <typename Packing, bool kTagged>
class PackedCell {
 public:
  using Handle = typename Packing::Handle;
  using Tag = typename Packing::Tag;
  static constexpr Handle kNull = Packing::kNull;

  struct Value {
    Handle handle = kNull;
    Tag tag = 0;

    Value next(Handle successor) const noexcept {
      return {successor, static_cast<Tag>(tag + (kTagged ? 1 : 0))};
    }
    friend bool operator==(const Value&, const Value&) = default;
  };

  constexpr PackedCell() noexcept = default;
  explicit PackedCell(Handle handle) noexcept : word_(pack({handle, 0})) {}
  PackedCell(const PackedCell&) = delete;
  PackedCell& operator=(const PackedCell&) = delete;

  Value load() const noexcept {
    return unpack(word_.load(std::memory_order_acquire));  // With the exchange.
  }

  bool compare_exchange(Value& expected, Value desired) noexcept {
    uint64_t word = pack(expected);
    // Release: what the caller wrote into its node. Acquire: with that.
    const bool exchanged = word_.compare_exchange_strong(
        word, pack(desired), std::memory_order_acq_rel,
        std::memory_order_acquire);
    expected = unpack(word);
    return exchanged;
  }

 private:
  static uint64_t pack(Value value) noexcept {
    return uint64_t{value.tag} << Packing::kBits | Packing::bits(value.handle);
  }
  static Value unpack(uint64_t word) noexcept {
    constexpr uint64_t kMask = (uint64_t{1} << Packing::kBits) - 1;
    return {Packing::handle(word & kMask),
            static_cast<Tag>(word >> Packing::kBits)};
  }

  std::atomic<uint64_t> word_{Packing::kNullBits};
};

struct IndexPacking {
  using Handle = uint32_t;
  using Tag = uint32_t;
  static constexpr int kBits = 32;
  static constexpr Handle kNull = UINT32_MAX;
  static constexpr uint64_t kNullBits = UINT32_MAX;
  static uint64_t bits(uint32_t index) noexcept { return index; }
  static uint32_t handle(uint64_t bits) noexcept {
    return static_cast<uint32_t>(bits);
  }
};

template <typename T>
struct PointerPacking {
  using Handle = T*;
  using Tag = uint16_t;
  static constexpr int kBits = 48;
  static constexpr Handle kNull = nullptr;
  static constexpr uint64_t kNullBits = 0;
  static uint64_t bits(T* pointer) noexcept {
    const auto address = reinterpret_cast<uint64_t>(pointer);
    if (address >> kBits != 0) [[unlikely]] {
      std::fprintf(stderr, "wirebook: TaggedPtr64: 0x%llx is beyond 48 bits\n",
                   static_cast<unsigned long long>(address));
      std::abort();
    }
    return address;
  }
  static T* handle(uint64_t bits) noexcept {
    return reinterpret_cast<T*>(bits);
  }
};

}  // namespace internal

template <bool kTagged = true>
using BasicIndexTag64 = internal::PackedCell<internal::IndexPacking, kTagged>;
using IndexTag64 = BasicIndexTag64<>;

// Pointers must lie below 2^48, as all do that Linux hands out unless it is
// asked for more (five-level paging); another one ends the process.
template <typename T, bool kTagged = true>
using TaggedPtr64 = internal::PackedCell<internal::PointerPacking<T>, kTagged>;

// Finds a node's link in its member `std::atomic<Node*> next`.
struct NextMember {
  template <typename Node>
  std::atomic<Node*>& operator()(Node* node) const noexcept {
    return node->next;
  }
};

// Finds a node's link in an array that is indexed by handle.
struct NextInArray {
  std::atomic<uint32_t>& operator()(uint32_t index) const noexcept {
    return links[index];
  }
  std::atomic<uint32_t>* links;
};

// Last in, first out. `Cell` is one of the above; `Next` maps a handle to its
// link. The stack owns no node.
template <typename Cell, typename Next = NextMember>
class TaggedStack {
 public:
  using Handle = typename Cell::Handle;

  explicit TaggedStack(Next next = {}) noexcept : next_(std::move(next)) {}
  TaggedStack(const TaggedStack&) = delete;
  TaggedStack& operator=(const TaggedStack&) = delete;

  void push(Handle node) noexcept { push_chain(node, node); }

  // Pushes nodes that the caller has linked from `first` to `last`, at once.
  void push_chain(Handle first, Handle last) noexcept {
    auto top = top_.load();
    do {
      // Relaxed: published by the exchange.
      next_(last).store(top.handle, std::memory_order_relaxed);
    } while (!top_.compare_exchange(top, top.next(first)));
  }

  // The node pushed last, or Cell::kNull.
  Handle pop() noexcept {
    auto top = top_.load();
    while (top.handle != Cell::kNull) {
      // Relaxed: ordered after the push by load(); stale if we are overtaken,
      // and then the exchange fails.
      const Handle successor =
          next_(top.handle).load(std::memory_order_relaxed);
      if (top_.compare_exchange(top, top.next(successor))) return top.handle;
    }
    return Cell::kNull;
  }

  // True at some moment during the call.
  bool empty() const noexcept { return top_.load().handle == Cell::kNull; }

 private:
  Cell top_;
  [[no_unique_address]] Next next_;
};

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_TAGGED_PTR_H_
