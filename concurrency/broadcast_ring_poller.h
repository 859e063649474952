// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// A reader's side of a broadcast ring, over words wherever they lie. Include
// broadcast_ring.h; the algorithm is at the head of broadcast_ring_words.h.
//
// The words may be anything: each index is masked, each length compared with
// what the ring had when it was attached.
#ifndef WIREBOOK_CONCURRENCY_BROADCAST_RING_POLLER_H_
#define WIREBOOK_CONCURRENCY_BROADCAST_RING_POLLER_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "concurrency/broadcast_ring_words.h"

namespace wirebook {

namespace internal {

// Any number, each its own; only loads.
template <template <typename> class Atom = std::atomic>
class BasicBroadcastPoller {
 public:
  using Word = Atom<uint64_t>;

  BasicBroadcastPoller() = default;
  BasicBroadcastPoller(const BroadcastControl<Atom>* control, const Word* slots,
                       const BroadcastShape& shape,
                       BroadcastFrom after_lap) noexcept
      : control_(control),
        slots_(slots),
        shape_(shape),
        after_lap_(after_lap) {}

  // Goes to `from`; what lies between is neither received nor lost. False, and
  // nothing changed, where the ring is damaged.
  bool join(BroadcastFrom from) noexcept {
    // Pairs with publish(): the slots as new as their number.
    const uint64_t head = control_->head.load(std::memory_order_acquire);
    if (!is_head(head)) return false;
    next_ = behind(head, from == BroadcastFrom::kNewest ? 1 : shape_.slots - 1);
    return true;
  }

  // A message of `least` to out.size() bytes, or what there is in its place.
  BroadcastPoll poll(std::span<std::byte> out, size_t least, uint64_t now_ns,
                     uint64_t deadline_ns) noexcept {
    const BroadcastPoll found = try_read(out, least);
    if (found.event == BroadcastEvent::kMessage) [[likely]] {
      last_sign_ns_ = now_ns;
      return found;
    }
    if (found.event != BroadcastEvent::kEmpty) return found;
    return idle(out, least, now_ns, deadline_ns);
  }

  // What is there, without a look at the writer.
  BroadcastPoll try_read(std::span<std::byte> out, size_t least) noexcept {
    const Word* const slot = broadcast_slot(slots_, shape_, next_);
    const uint64_t whole = broadcast_whole(next_);
    // Pairs with publish(): words at least this new.
    const uint64_t before = slot[0].load(std::memory_order_acquire);
    if (before != whole) [[unlikely]] {
      return before < whole ? BroadcastPoll{} : lapped(before);
    }
    // Pairs with publish(): a newer one shows that the slot is written.
    const uint64_t info = slot[1].load(std::memory_order_acquire);
    const auto bytes = static_cast<uint32_t>(info);
    const BroadcastEvent event = judge(bytes, least, out.size());
    if (event == BroadcastEvent::kMessage) [[likely]] {
      copy_out(out.data(), slot + kBroadcastHeaderWords, bytes);
    }
    // After the words by their acquires. Acquire: as before, for lapped().
    const uint64_t after = slot[0].load(std::memory_order_acquire);
    if (after != whole) [[unlikely]] {
      return lapped(after);
    }
    if (event != BroadcastEvent::kMessage) [[unlikely]] {
      return {.event = event, .bytes = bytes};
    }
    return take(bytes, static_cast<uint32_t>(info >> 32));
  }

  // Of the next message.
  uint64_t position() const noexcept { return next_; }
  // Of the writer of the last message, or told of since; 0 before the first.
  uint32_t epoch() const noexcept { return epoch_; }
  uint64_t received() const noexcept { return received_; }
  uint64_t lost() const noexcept { return lost_; }
  uint64_t laps() const noexcept { return laps_; }

 private:
  static constexpr uint64_t behind(uint64_t head, uint64_t n) noexcept {
    return head > n ? head - n : 0;
  }

  BroadcastEvent judge(size_t bytes, size_t least, size_t most) const noexcept {
    if (bytes >= least && bytes <= std::min(most, shape_.max_bytes)) [[likely]]
      return BroadcastEvent::kMessage;
    return bytes > shape_.max_bytes ? BroadcastEvent::kDamaged
                                    : BroadcastEvent::kWrongSize;
  }

  static void copy_out(std::byte* to, const Word* from, size_t n) noexcept {
    for (; n >= sizeof(uint64_t); n -= sizeof(uint64_t)) {
      load_word(to, from++, sizeof(uint64_t));
      to += sizeof(uint64_t);
    }
    if (n != 0) load_word(to, from, n);
  }

  static void load_word(std::byte* to, const Word* from, size_t n) noexcept {
    // Pairs with store_word().
    const uint64_t word = from->load(std::memory_order_acquire);
    std::memcpy(to, &word, n);
  }

  BroadcastPoll take(uint32_t bytes, uint32_t epoch) noexcept {
    if (epoch != epoch_) [[unlikely]] {
      if (epoch_ != 0) return new_writer(epoch);
      epoch_ = epoch;
    }
    ++next_;
    ++received_;
    return {.event = BroadcastEvent::kMessage, .bytes = bytes};
  }

  BroadcastPoll new_writer(uint32_t epoch) noexcept {
    epoch_ = epoch;
    return {.event = BroadcastEvent::kNewWriter};
  }

  // `state` is newer than that of the message which was to be next.
  BroadcastPoll lapped(uint64_t state) noexcept {
    const uint64_t there = (state - 1) / 2;
    // Pairs with publish(): its slot is as new. With the acquire of `state`: it
    // is at least `there`.
    const uint64_t head = control_->head.load(std::memory_order_acquire);
    if (((there ^ next_) & (shape_.slots - 1)) != 0 || head < there ||
        !is_head(head)) {
      return {.event = BroadcastEvent::kDamaged};
    }
    const uint64_t kept =
        after_lap_ == BroadcastFrom::kNewest ? 1 : shape_.slots / 4 * 3;
    const uint64_t first_lost =
        std::exchange(next_, behind(head, std::max<uint64_t>(kept, 1)));
    lost_ += next_ - first_lost;
    ++laps_;
    return {.event = BroadcastEvent::kLapped, .lost = next_ - first_lost};
  }

  // A head's last message is whole, or already overwritten.
  bool is_head(uint64_t head) const noexcept {
    if (head == 0) return true;
    // Relaxed: after the acquire of head.
    return head < kBroadcastEnd && broadcast_slot(slots_, shape_, head - 1)
                                           ->load(std::memory_order_relaxed) >=
                                       broadcast_whole(head - 1);
  }

  // Nothing was there: is that a pause, an end, or another writer's beginning?
  BroadcastPoll idle(std::span<std::byte> out, size_t least, uint64_t now_ns,
                     uint64_t deadline_ns) noexcept {
    // Pairs with take_over() and close(): all that was published before.
    const uint64_t life = control_->life.load(std::memory_order_acquire);
    const auto epoch = static_cast<uint32_t>(life >> 1);
    const bool is_closed = (life & 1) != 0;
    if (epoch != epoch_ || is_closed) {
      const BroadcastPoll found = try_read(out, least);
      if (found.event != BroadcastEvent::kEmpty) return found;
      if (epoch != epoch_ && epoch_ != 0) {
        last_sign_ns_ = now_ns;
        return new_writer(epoch);
      }
      epoch_ = epoch;
      if (is_closed) return {.event = BroadcastEvent::kClosed};
    }
    return is_silent(now_ns, deadline_ns)
               ? BroadcastPoll{.event = BroadcastEvent::kWriterDead}
               : BroadcastPoll{};
  }

  // By this reader's clock alone: since when it saw no sign of life.
  bool is_silent(uint64_t now_ns, uint64_t deadline_ns) noexcept {
    // Relaxed: it orders nothing.
    const uint64_t beats = control_->beats.load(std::memory_order_relaxed);
    if (beats != beats_ || !has_looked_) {
      has_looked_ = true;
      beats_ = beats;
      last_sign_ns_ = now_ns;
    }
    return now_ns > last_sign_ns_ && now_ns - last_sign_ns_ > deadline_ns;
  }

  const BroadcastControl<Atom>* control_ = nullptr;
  const Word* slots_ = nullptr;
  BroadcastShape shape_;
  BroadcastFrom after_lap_ = BroadcastFrom::kNewest;
  bool has_looked_ = false;
  uint32_t epoch_ = 0;  // Of the writer that this reader knows; 0: none yet.
  uint64_t next_ = 0;
  uint64_t beats_ = 0;
  uint64_t last_sign_ns_ = 0;
  uint64_t received_ = 0;
  uint64_t lost_ = 0;
  uint64_t laps_ = 0;
};

}  // namespace internal
}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_BROADCAST_RING_POLLER_H_
