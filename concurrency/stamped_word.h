// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// StampedWord: a word and a stamp that change together, by cmpxchg16b. For
// MpmcQueue (mpmc_queue.h), which alone uses it.
//
// Stamps are loaded and exchanged seq_cst, the default; on x86 a load costs no
// more for it. Any caller may be built without -mcx16.

#ifndef WIREBOOK_CONCURRENCY_STAMPED_WORD_H_
#define WIREBOOK_CONCURRENCY_STAMPED_WORD_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif
#if !defined(__x86_64__)
#error "wirebook runs on x86-64: stamped_word.h needs cmpxchg16b"
#endif

#include <atomic>
#include <cstdint>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WIREBOOK_STAMPED_WORD_TSAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define WIREBOOK_STAMPED_WORD_TSAN 1
#endif

#if defined(WIREBOOK_STAMPED_WORD_TSAN)
__extension__ typedef unsigned __int128 wirebook_stamped_word;
// ThreadSanitizer's runtime; it cannot see into inline assembly.
extern "C" wirebook_stamped_word __tsan_atomic128_compare_exchange_val(
    volatile wirebook_stamped_word* cell, wirebook_stamped_word expected,
    wirebook_stamped_word desired, int order, int failure_order);
#endif

namespace wirebook::internal {

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
#if defined(WIREBOOK_STAMPED_WORD_TSAN)
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

}  // namespace wirebook::internal

#endif  // WIREBOOK_CONCURRENCY_STAMPED_WORD_H_
