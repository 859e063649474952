// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The writer's side of a broadcast ring, over words wherever they lie. Include
// broadcast_ring.h; the algorithm is at the head of broadcast_ring_words.h.
#ifndef WIREBOOK_CONCURRENCY_BROADCAST_RING_PUBLISHER_H_
#define WIREBOOK_CONCURRENCY_BROADCAST_RING_PUBLISHER_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "concurrency/broadcast_ring_words.h"

namespace wirebook {

namespace internal {

// One at a time.
template <template <typename> class Atom = std::atomic>
class BasicBroadcastPublisher {
 public:
  using Word = Atom<uint64_t>;

  BasicBroadcastPublisher() = default;
  BasicBroadcastPublisher(BroadcastControl<Atom>* control, Word* slots,
                          const BroadcastShape& shape) noexcept
      : control_(control), slots_(slots), shape_(shape) {}

  // Goes on where the last writer ended, as its successor. The caller has seen
  // that it is gone, which orders all that it did before this. False, and
  // nothing written, where head and slots contradict each other.
  bool take_over() noexcept {
    // Relaxed, all of them: ordered by the caller.
    uint64_t next = control_->head.load(std::memory_order_relaxed);
    if (next != 0 && state(next - 1) != broadcast_whole(next - 1)) return false;
    if (state(next) == broadcast_whole(next)) ++next;
    next_ = next;
    control_->head.store(next, std::memory_order_relaxed);
    const uint64_t epoch =
        (control_->life.load(std::memory_order_relaxed) >> 1) + 1;
    epoch_ = static_cast<uint32_t>(epoch);
    // Pairs with the acquire in idle(): the last writer's messages before it.
    control_->life.store(epoch << 1, std::memory_order_release);
    is_open_ = true;
    return true;
  }

  // False, and nothing published, where it is too long or after close().
  bool publish(const std::byte* bytes, size_t n) noexcept {
    if (n > shape_.max_bytes || !is_open_) [[unlikely]]
      return false;
    Word* const slot = broadcast_slot(slots_, shape_, next_);
    // Pairs with the acquires of try_read(): head is at least this.
    slot[0].store(broadcast_writing(next_), std::memory_order_release);
    // Pairs with the acquires in try_read(), as do those of the words: who sees
    // one of them sees that the slot is being written.
    slot[1].store(uint64_t{epoch_} << 32 | n, std::memory_order_release);
    copy_in(slot + kBroadcastHeaderWords, bytes, n);
    // Pairs with the first look in try_read(): the words before their state.
    slot[0].store(broadcast_whole(next_), std::memory_order_release);
    ++next_;
    // Pairs with the acquires in newest(): the slot as new as its number.
    control_->head.store(next_, std::memory_order_release);
    return true;
  }

  void beat() noexcept {
    // Relaxed: it orders nothing, and only the writer changes it.
    control_->beats.store(control_->beats.load(std::memory_order_relaxed) + 1,
                          std::memory_order_relaxed);
  }

  void close() noexcept {
    is_open_ = false;
    // Pairs with the acquire in idle(): the messages before their end.
    control_->life.store(uint64_t{epoch_} << 1 | 1, std::memory_order_release);
  }

  uint64_t published() const noexcept { return next_; }
  uint32_t epoch() const noexcept { return epoch_; }

 private:
  uint64_t state(uint64_t position) const noexcept {
    return broadcast_slot(slots_, shape_, position)
        ->load(std::memory_order_relaxed);
  }

  static void copy_in(Word* to, const std::byte* from, size_t n) noexcept {
    for (; n >= sizeof(uint64_t); n -= sizeof(uint64_t)) {
      store_word(to++, from, sizeof(uint64_t));
      from += sizeof(uint64_t);
    }
    if (n != 0) store_word(to, from, n);
  }

  static void store_word(Word* to, const std::byte* from, size_t n) noexcept {
    uint64_t word = 0;
    std::memcpy(&word, from, n);
    // Pairs with load_word().
    to->store(word, std::memory_order_release);
  }

  BroadcastControl<Atom>* control_ = nullptr;
  Word* slots_ = nullptr;
  BroadcastShape shape_;
  uint64_t next_ = 0;
  uint32_t epoch_ = 0;
  bool is_open_ = false;
};

}  // namespace internal
}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_BROADCAST_RING_PUBLISHER_H_
