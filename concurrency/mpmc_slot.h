// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The slots of MpmcQueue (mpmc_queue.h), which alone uses them: a stamp that
// says which position of the queue the slot stands at and how far that is, and
// beside it one object.
//
// What decides an operation, the look at a stamp and the exchange that takes a
// position, is seq_cst, or "full" and "empty" could contradict each other:
// acquire and release let a thread that pushed overlook a pop that another
// thread, finding the queue empty before that push, has seen. On x86 neither
// costs more than acquire and release.
//
// WordSlot: for what fits a word. Stamp and word change in one cmpxchg16b, so a
// slot is free or full, never between the two. ObjectSlot: for any other type.
// The stamp says "writing" and "reading" while a thread moves the object.
#ifndef WIREBOOK_CONCURRENCY_MPMC_SLOT_H_
#define WIREBOOK_CONCURRENCY_MPMC_SLOT_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif
#if !defined(__x86_64__)
#error "wirebook runs on x86-64: mpmc_slot.h needs cmpxchg16b"
#endif

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WIREBOOK_MPMC_SLOT_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define WIREBOOK_MPMC_SLOT_TSAN 1
#endif

#if defined(WIREBOOK_MPMC_SLOT_TSAN)
__extension__ typedef unsigned __int128 wirebook_stamped_word;
// ThreadSanitizer's runtime; it cannot see into inline assembly.
extern "C" wirebook_stamped_word __tsan_atomic128_compare_exchange_val(
    volatile wirebook_stamped_word* cell, wirebook_stamped_word expected,
    wirebook_stamped_word desired, int order, int failure_order);
#endif

namespace wirebook::internal {

enum class SlotState : uint8_t { kFree, kWriting, kFull, kReading };

// A position of the queue (61 bits: not reached in the life of a machine), the
// slot's state there, and whether the queue was closed at the next push here.
struct SlotStamp {
  uint64_t bits = 0;

  static constexpr uint64_t kClosed = 4;

  constexpr SlotStamp() = default;
  explicit constexpr SlotStamp(uint64_t raw) : bits(raw) {}
  constexpr SlotStamp(uint64_t position, SlotState state)
      : bits(position << 3 | static_cast<uint64_t>(state)) {}

  constexpr uint64_t position() const { return bits >> 3; }
  constexpr SlotState state() const { return SlotState(bits & 3); }
  constexpr bool closed() const { return (bits & kClosed) != 0; }
  constexpr SlotStamp as_closed() const { return SlotStamp(bits | kClosed); }
  // The same mark, elsewhere.
  constexpr SlotStamp moved_to(uint64_t position, SlotState state) const {
    return SlotStamp(SlotStamp(position, state).bits | (bits & kClosed));
  }
  friend constexpr bool operator==(SlotStamp, SlotStamp) = default;
};

// A stamp and a word, each loaded alone, exchanged together or the stamp alone.
template <template <typename> class Atom>
class StampedWord {
 public:
  uint64_t stamp() const noexcept { return both_.load().stamp; }
  // Relaxed: asked for after its stamp, and stands as long as that.
  uint64_t word() const noexcept {
    return both_.load(std::memory_order_relaxed).word;
  }
  void reset(uint64_t stamp) noexcept {
    both_.store({stamp, 0}, std::memory_order_relaxed);
  }
  bool exchange(uint64_t stamp, uint64_t word, uint64_t new_stamp,
                uint64_t new_word) noexcept {
    Both expected{stamp, word};
    return both_.compare_exchange_strong(expected, {new_stamp, new_word});
  }
  bool exchange_stamp(uint64_t stamp, uint64_t new_stamp) noexcept {
    const uint64_t as_it_was = word();
    return exchange(stamp, as_it_was, new_stamp, as_it_was);
  }

 private:
  struct Both {
    uint64_t stamp = 0;
    uint64_t word = 0;
  };
  Atom<Both> both_;
};

// The one of the machine: g++ would send a 16-byte std::atomic to libatomic.
template <>
class alignas(16) StampedWord<std::atomic> {
 public:
  uint64_t stamp() const noexcept { return stamp_.load(); }
  // Relaxed: asked for after its stamp, and stands as long as that.
  uint64_t word() const noexcept {
    return word_.load(std::memory_order_relaxed);
  }
  void reset(uint64_t stamp) noexcept {
    stamp_.store(stamp, std::memory_order_relaxed);
  }
  [[gnu::always_inline]] bool exchange(uint64_t stamp, uint64_t word,
                                       uint64_t new_stamp,
                                       uint64_t new_word) noexcept {
#if defined(WIREBOOK_MPMC_SLOT_TSAN)
    const auto pack = [](uint64_t low, uint64_t high) {
      return static_cast<wirebook_stamped_word>(high) << 64 | low;
    };
    const wirebook_stamped_word wanted = pack(stamp, word);
    return __tsan_atomic128_compare_exchange_val(
               reinterpret_cast<volatile wirebook_stamped_word*>(this), wanted,
               pack(new_stamp, new_word), __ATOMIC_SEQ_CST,
               __ATOMIC_RELAXED) == wanted;
#else
    bool exchanged;
    asm volatile("lock cmpxchg16b %[cell]"
                 : "=@ccz"(exchanged), [cell] "+m"(*this), "+a"(stamp),
                   "+d"(word)
                 : "b"(new_stamp), "c"(new_word)
                 : "memory");
    return exchanged;
#endif
  }
  bool exchange_stamp(uint64_t stamp, uint64_t new_stamp) noexcept {
    return stamp_.compare_exchange_strong(stamp, new_stamp);
  }

 private:
  // First, as cmpxchg16b and ThreadSanitizer address both by it.
  std::atomic<uint64_t> stamp_{0};
  std::atomic<uint64_t> word_{0};
};

template <typename T>
inline constexpr bool kFitsWord = std::is_trivially_copyable_v<T> &&
                                  sizeof(T) <= sizeof(uint64_t);

template <typename T, template <typename> class Atom>
class WordSlot {
 public:
  static constexpr bool kInOneStep = true;

  // Before any other thread.
  void reset(uint64_t position) noexcept {
    cell_.reset(SlotStamp(position, SlotState::kFree).bits);
  }

  SlotStamp stamp() const noexcept { return SlotStamp(cell_.stamp()); }

  // From free to full; false if the stamp is not `seen` any more.
  bool put(SlotStamp seen, const T& value) noexcept {
    uint64_t word = 0;
    std::memcpy(&word, std::addressof(value), sizeof(T));
    return cell_.exchange(seen.bits, cell_.word(),
                          seen.moved_to(seen.position(), SlotState::kFull).bits,
                          word);
  }

  // From full to free at `next`; false if the stamp is not `seen` any more.
  // sink(T&&) gets the object.
  template <typename Sink>
  bool take(SlotStamp seen, uint64_t next, Sink&& sink) noexcept {
    const uint64_t word = cell_.word();
    if (!cell_.exchange_stamp(seen.bits,
                              seen.moved_to(next, SlotState::kFree).bits)) {
      return false;
    }
    alignas(T) std::byte bytes[sizeof(T)];
    std::memcpy(bytes, &word, sizeof(T));
    sink(std::move(*std::launder(reinterpret_cast<T*>(bytes))));
    return true;
  }

  // False if the stamp is not `seen` any more.
  bool close(SlotStamp seen) noexcept {
    return cell_.exchange_stamp(seen.bits, seen.as_closed().bits);
  }

  void destroy() noexcept {}

 private:
  StampedWord<Atom> cell_;
};

template <typename T, template <typename> class Atom>
class alignas(16) ObjectSlot {
 public:
  static constexpr bool kInOneStep = false;

  ObjectSlot() noexcept {}
  ~ObjectSlot() {}
  ObjectSlot(const ObjectSlot&) = delete;
  ObjectSlot& operator=(const ObjectSlot&) = delete;

  void reset(uint64_t position) noexcept {
    stamp_.store(SlotStamp(position, SlotState::kFree).bits,
                 std::memory_order_relaxed);  // Before any other thread.
  }

  SlotStamp stamp() const noexcept { return SlotStamp(stamp_.load()); }

  template <typename Value>
  bool put(SlotStamp seen, Value&& value) noexcept {
    if (!exchange(seen, seen.moved_to(seen.position(), SlotState::kWriting))) {
      return false;
    }
    std::construct_at(&object_, std::forward<Value>(value));
    // Pairs with stamp() of the popper: the object before its stamp.
    stamp_.store(seen.moved_to(seen.position(), SlotState::kFull).bits,
                 std::memory_order_release);
    return true;
  }

  template <typename Sink>
  bool take(SlotStamp seen, uint64_t next, Sink&& sink) noexcept {
    if (!exchange(seen, seen.moved_to(seen.position(), SlotState::kReading))) {
      return false;
    }
    sink(std::move(object_));
    std::destroy_at(&object_);
    // Pairs with stamp() of the pusher a lap later: done with the object.
    stamp_.store(seen.moved_to(next, SlotState::kFree).bits,
                 std::memory_order_release);
    return true;
  }

  bool close(SlotStamp seen) noexcept {
    return exchange(seen, seen.as_closed());
  }

  // Of what is left in the queue at its end.
  void destroy() noexcept { std::destroy_at(&object_); }

 private:
  bool exchange(SlotStamp seen, SlotStamp to) noexcept {
    return stamp_.compare_exchange_strong(seen.bits, to.bits);
  }

  Atom<uint64_t> stamp_{0};
  union {
    T object_;
  };
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_CONCURRENCY_MPMC_SLOT_H_
