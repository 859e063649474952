// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Seqlock<T>: the newest value of one writer, for any number of readers.
//
// When: readers want the current value (top of book, a calibration) and may
// miss those between. Each value counts: SpscRing. T is not trivially copyable
// or is large and read rarely: RcuPtr.
//
// Guarantee: store() is wait-free and never waits for readers; one writer
// thread at a time. try_load() is wait-free, load() makes a bounded number of
// attempts; both write nothing, so readers do not slow each other or the
// writer's core beyond the line transfer. A value is seen whole or not at all.
// Race-free by the standard: the value travels in atomic words. Lives in
// shared memory too: no pointers, and a writer that died inside store() is
// reported by load() as kStuck, never spun on for ever; the next store(), by
// its successor, repairs the lock.
//
// Cost: store and load one plain move per 8 bytes and two for the sequence; no
// locked instruction, no fence instruction on x86. Figures: COSTS.md.
//
//   struct Top { int64_t bid, ask; };
//   wirebook::Seqlock<Top> top;
//   top.store({.bid = 99, .ask = 101});         // writer thread
//   Top seen;                                   // any thread
//   if (top.load(seen) == wirebook::SeqlockRead::kOk) use(seen);
//   if (std::optional<Top> now = top.try_load()) use(*now);
//
// Algorithm: Boehm, "Can Seqlocks Get Along With Programming Language Memory
// Models?" (MSPC 2012). His two fences, which TSan cannot model, are here
// orders on the word accesses themselves, the same instructions on x86:
//  - the release fence between "sequence odd" and the words: each word store
//    is a release. A reader that sees any word of a write sees its odd number.
//  - the acquire fence between the words and the second look at the sequence:
//    each word load is an acquire, so the second look cannot come before it.

#ifndef WIREBOOK_CONCURRENCY_SEQLOCK_H_
#define WIREBOOK_CONCURRENCY_SEQLOCK_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>

#include "concurrency/atom_traits.h"
#include "memory/cache_line.h"

namespace wirebook {

enum class SeqlockRead : uint8_t {
  kOk,
  kBusy,   // the writer finished writes, but one was always under way
  kStuck,  // one and the same write stayed open: its writer died or sleeps
};

// `Atom` lets a test put a scheduler underneath; leave it alone otherwise.
template <typename T, template <typename> class Atom = std::atomic>
class alignas(kCacheLineBytes) Seqlock {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  // About 3 ms of waiting on an x86 server: longer than any store() that runs.
  static constexpr uint32_t kDefaultAttempts = 1 << 16;

  // Holds T().
  Seqlock() noexcept requires std::default_initializable<T> : Seqlock(T()) {}
  explicit Seqlock(const T& value) noexcept { write_words(value); }

  Seqlock(const Seqlock&) = delete;
  Seqlock& operator=(const Seqlock&) = delete;

  // Writer thread.
  void store(const T& value) noexcept {
    // Odd while writing; already odd only if a predecessor died in here.
    // Relaxed: only the writer changes it.
    const uint64_t odd = sequence_.load(std::memory_order_relaxed) | 1;
    // Relaxed: the release of each word below carries it to the readers.
    sequence_.store(odd, std::memory_order_relaxed);
    write_words(value);
    // Pairs with the acquire in attempt(): the words before their number.
    sequence_.store(odd + 1, std::memory_order_release);
  }

  // Any thread. One attempt; false when it met a write, and then `out` is
  // a mixture to be discarded. For a T too large to pass twice through memory.
  [[nodiscard]] bool try_load(T& out) const noexcept {
    uint64_t unused;
    return attempt(&out, unused);
  }

  // Any thread. One attempt; nothing when it met a write.
  [[nodiscard]] std::optional<T> try_load() const noexcept {
    std::array<std::byte, sizeof(T)> bytes;
    uint64_t unused;
    if (!attempt(bytes.data(), unused)) return std::nullopt;
    return std::bit_cast<T>(bytes);
  }

  // Any thread. Up to `attempts` (at least one), with a pause between them.
  // Unless it returns kOk, `out` is a mixture to be discarded. kStuck asks for
  // the caller's knowledge of the writer: dead, or only preempted; with
  // fewer attempts than a store takes, perhaps just at it.
  [[nodiscard]] SeqlockRead load(
      T& out, uint32_t attempts = kDefaultAttempts) const noexcept {
    uint64_t first;
    if (attempt(&out, first)) [[likely]]
      return SeqlockRead::kOk;
    uint64_t last = first;
    for (uint32_t i = 1; i < attempts; ++i) {
      AtomTraits<Atom>::pause();
      if (attempt(&out, last)) return SeqlockRead::kOk;
    }
    return first == last && (first & 1) != 0 ? SeqlockRead::kStuck
                                             : SeqlockRead::kBusy;
  }

  // Any thread. Number of completed stores: a reader polls it for news.
  uint64_t version() const noexcept {
    // Pairs with the last store in store(): a load that follows is as new.
    return sequence_.load(std::memory_order_acquire) / 2;
  }

 private:
  static constexpr size_t kWordBytes = sizeof(uint64_t);
  static constexpr size_t kWords = (sizeof(T) + kWordBytes - 1) / kWordBytes;

  static constexpr size_t bytes_of_word(size_t i) noexcept {
    return std::min(kWordBytes, sizeof(T) - i * kWordBytes);
  }

  void write_words(const T& value) noexcept {
    const std::byte* const from = reinterpret_cast<const std::byte*>(&value);
    for (size_t i = 0; i < kWords; ++i) {
      uint64_t word = 0;
      std::memcpy(&word, from + i * kWordBytes, bytes_of_word(i));
      // Pairs with the acquire in attempt(): the odd number before any word.
      words_[i].store(word, std::memory_order_release);
    }
  }

  // Copies the value to `to`; true if no write came in between. `sequence` is
  // what the sequence was at the end.
  bool attempt(void* to, uint64_t& sequence) const noexcept {
    // Pairs with the release at the end of store(): words at least this new.
    const uint64_t before = sequence_.load(std::memory_order_acquire);
    sequence = before;
    if ((before & 1) != 0) return false;
    for (size_t i = 0; i < kWords; ++i) {
      // Pairs with the release in write_words: a newer word shows its number.
      const uint64_t word = words_[i].load(std::memory_order_acquire);
      std::memcpy(static_cast<std::byte*>(to) + i * kWordBytes, &word,
                  bytes_of_word(i));
    }
    // Relaxed: the acquire of each word keeps this look behind them.
    sequence = sequence_.load(std::memory_order_relaxed);
    return sequence == before;
  }

  static_assert(std::atomic<uint64_t>::is_always_lock_free);

  // Number and value side by side: a small T costs one line transfer.
  Atom<uint64_t> sequence_{0};
  Atom<uint64_t> words_[kWords];
};

static_assert(sizeof(Seqlock<uint64_t>) == kCacheLineBytes &&
                  alignof(Seqlock<uint64_t>) == kCacheLineBytes,
              "a Seqlock shares no line with its neighbours");

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_SEQLOCK_H_
