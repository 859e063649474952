// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What a bus and its consumers share: slots, sequence, table, and who destroys
// an event when. Internal: include event_bus.h.

#ifndef WIREBOOK_CONCURRENCY_EVENT_BUS_CORE_H_
#define WIREBOOK_CONCURRENCY_EVENT_BUS_CORE_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <type_traits>

#include "absl/status/statusor.h"
#include "concurrency/atom_traits.h"
#include "concurrency/event_bus_consumers.h"
#include "concurrency/event_bus_registry.h"
#include "concurrency/event_bus_sequence.h"
#include "concurrency/event_bus_slots.h"
#include "concurrency/event_bus_types.h"
#include "concurrency/wait_strategy.h"
#include "memory/cache_line.h"
#include "memory/fail_fast.h"

namespace wirebook::internal {

template <typename T, BusProducers kProducers, typename Wait,
          template <typename> class Atom>
class EventBusCore {
  static_assert(std::is_object_v<T> && !std::is_const_v<T>);
  static_assert(std::is_nothrow_destructible_v<T>);

 public:
  using Table = BusConsumerTable<Atom>;

  // An event without a destructor needs no one to end it.
  static constexpr bool kReclaims = !std::is_trivially_destructible_v<T>;

  explicit EventBusCore(const EventBusOptions& options)
      : slots_(checked_capacity(options)),
        sequence_(slots_.capacity()),
        table_(options.max_consumers),
        registry_(options.max_consumers) {}
  EventBusCore(const EventBusCore&) = delete;
  EventBusCore& operator=(const EventBusCore&) = delete;

  ~EventBusCore() {
    if (registry_.attached() != 0) die("destroyed with consumers attached");
    if constexpr (kReclaims) {
      // Beyond a claim that was never published there may be events, too.
      for (uint64_t s = freed_.load(std::memory_order_relaxed);
           s != sequence_.bound(); ++s) {
        if (sequence_.published(s, s + 1) > s) slots_.destroy(s);
      }
    }
  }

  T* slot(uint64_t s) const noexcept { return slots_[s]; }
  uint64_t capacity() const noexcept { return slots_.capacity(); }
  auto& sequence() noexcept { return sequence_; }
  Table& table() noexcept { return table_; }

  // False if the deadline passed; without one (max) it waits as long as needed.
  template <typename Ready>
  bool wait_until(Ready ready, WaitDeadline deadline) noexcept {
    if (deadline != WaitDeadline::max()) {
      return wait_.wait_until(ready, deadline);
    }
    wait_.wait(ready);
    return true;
  }

  // ---- Producers ------------------------------------------------------------

  BusClaim claim(uint64_t n) noexcept {
    return opened(sequence_.claim(std::min(n, capacity()), room()));
  }
  BusClaim claim_one() noexcept { return opened(sequence_.claim_one(room())); }
  // Open, and not full; with many producers, for the moment.
  bool has_room() noexcept { return sequence_.has_room(room()); }

  void publish(BusClaim claim) noexcept {
    sequence_.publish(claim);
    wait_.notify_all();
  }

  // ---- Consumers ------------------------------------------------------------

  // Begins with the first event that is claimed after the call began.
  absl::StatusOr<BusAttachment> attach(WhenSlow when_slow,
                                       const ConsumerOptions& options) {
    std::unique_lock lock(registry_.mutex());
    absl::StatusOr<BusAttachment> made = registry_.add(when_slow, options);
    if (!made.ok()) return made;
    table_.occupy(made->id.slot, when_slow, made->after, sequence_.published());
    made->start = sequence_.bound();
    lock.unlock();  // others may leave and report while it waits
    // Claims under way are not ours, but gate others until they are published.
    while (sequence_.published(sequence_.published(), made->start) <
           made->start) {
      if (stopped()) break;
      AtomTraits<Atom>::pause();
    }
    table_.start(made->id.slot, when_slow, made->start);
    wait_.notify_all();  // the lower place it had meanwhile gates no more
    return made;
  }

  void detach(const ConsumerId& id) noexcept {
    {
      const std::lock_guard lock(registry_.mutex());
      table_.vacate(id.slot);
      registry_.remove(id);
    }
    moved();
  }

  BusHealth health() {
    const std::lock_guard lock(registry_.mutex());
    BusHealth health;
    // Positions first: a lag is never negative.
    health.consumers = registry_.health(table_);
    health.published = sequence_.published();
    health.closed = sequence_.closed();
    for (ConsumerHealth& consumer : health.consumers) {
      consumer.lag =
          health.published - std::min(health.published, consumer.position);
      // Events published since its position was read are no lag of that time.
      if (!consumer.detached) consumer.lag = std::min(consumer.lag, capacity());
    }
    return health;
  }

  // Events from `from` on can be read up to this, or up to `until` at least.
  // Not above `from` if there are none.
  uint64_t readable(uint64_t after, uint64_t from, uint64_t until) noexcept {
    if (after != 0) {
      const uint64_t first = table_.lowest(after);
      if (first != BusWord::kNowhere) return first;
    }
    return sequence_.published(from, until);
  }

  // A consumer's position has moved, or it has left.
  void moved() noexcept {
    if constexpr (kReclaims) reclaim();
    wait_.notify_all();
  }

  bool finished(uint64_t position) const noexcept {
    return stopped() || sequence_.drained(position);
  }

  // ---- Shutdown -------------------------------------------------------------

  void close() noexcept {
    sequence_.close();
    wait_.notify_all();
  }
  void stop() noexcept {
    sequence_.close();
    stopped_.store(true, std::memory_order_relaxed);  // read in finished()
    wait_.notify_all();
  }
  bool stopped() const noexcept {
    // Relaxed: what stop() leaves undone is nobody's to read.
    return stopped_.load(std::memory_order_relaxed);
  }
  bool drained() const noexcept {
    const uint64_t lowest = table_.lowest();
    return sequence_.drained(lowest == BusWord::kNowhere ? sequence_.published()
                                                         : lowest);
  }

  [[noreturn, gnu::cold, gnu::noinline]] void die(const char* what) const {
    fail_fast("EventBus", this, what);
  }

 private:
  uint64_t checked_capacity(const EventBusOptions& options) {
    if (const char* wrong = wrong_bus_options(options)) die(wrong);
    return options.capacity;
  }

  BusClaim opened(BusClaim claim) noexcept {
    // Who saw a claim that the close took back may sleep by now.
    if (claim.count == 0 && sequence_.ended()) wait_.notify_all();
    slots_.open(claim.first, claim.count);
    return claim;
  }

  auto room() noexcept {
    return [this](uint64_t end) { return free_for(end); };
  }
  // The number below which events are done with. Makes lossy consumers give
  // way to a claim that ends at `end`.
  uint64_t free_for(uint64_t end) noexcept {
    if (end > capacity()) skip_lossy(end - capacity());
    if constexpr (kReclaims) {
      // Pairs with the release in destroy_until(): the old events are gone.
      const uint64_t freed = freed_.load(std::memory_order_acquire);
      if (freed + capacity() >= end || done_with() <= freed) return freed;
      reclaim();
      return freed_.load(std::memory_order_acquire);  // as above
    } else {
      return done_with();
    }
  }

  // The lowest position; without consumers, all that is published.
  uint64_t done_with() noexcept {
    // Before the fence: a consumer that the look misses begins no lower.
    const uint64_t bound = sequence_.bound();
    const uint64_t lowest = table_.lowest_fenced();
    if (lowest != BusWord::kNowhere) return std::min(lowest, bound);
    return std::min(sequence_.published(), bound);
  }

  // Moves lossy consumers up to `wanted` unless a gating one stands below it
  // anyway; by a quarter of the ring at a time, so that one that is always slow
  // does not cost each claim a locked instruction.
  void skip_lossy(uint64_t wanted) noexcept {
    wanted = std::min(wanted, table_.lowest_gating());
    for (size_t i = 0; i != table_.used(); ++i) {
      const uint64_t word = table_.word(i);
      const uint64_t at = BusWord::position(word);
      if (!BusWord::can_skip(word) || at >= wanted) continue;
      const uint64_t to = std::max(wanted, at + capacity() / 4);
      const uint64_t after =
          table_.slot(i).after.load(std::memory_order_relaxed);
      const uint64_t limit = std::min(to, readable(after, at, to));
      if (limit > at) table_.skip(i, word, limit);
    }
  }

  // Destroys what all have passed: the last consumer's release sends an event
  // home, not the producer a lap later. One thread at a time; one that comes
  // meanwhile leaves its turn to the one that is there, which looks again.
  void reclaim() noexcept {
    // Release: the caller's position, to whom looks again. Acquire: freed_ and
    // the destroyed slots, from the one before. Pairs with itself and with the
    // exchange below.
    if (reclaims_.fetch_add(1, std::memory_order_acq_rel) != 0) return;
    uint32_t seen = 1;
    do {
      destroy_until(done_with());
      // Pairs with the fetch_add above, either way.
    } while (!reclaims_.compare_exchange_strong(
        seen, 0, std::memory_order_acq_rel, std::memory_order_acquire));
  }

  void destroy_until(uint64_t end) noexcept {
    // Relaxed: only the one reclaimer writes it.
    uint64_t s = freed_.load(std::memory_order_relaxed);
    if (s >= end) return;
    for (; s != end; ++s) slots_.destroy(s);
    // Pairs with the acquire in free_for().
    freed_.store(end, std::memory_order_release);
  }

  BusSlots<T> slots_;
  BusSequence<kProducers, Atom> sequence_;
  alignas(kFalseSharingBytes) Table table_;
  BusRegistry<Atom> registry_;
  Atom<bool> stopped_{false};
  alignas(kFalseSharingBytes) Atom<uint32_t> reclaims_{0};
  Atom<uint64_t> freed_{0};
  alignas(kFalseSharingBytes) Wait wait_;
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_CONCURRENCY_EVENT_BUS_CORE_H_
