// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The two kinds of consumer of event_bus.h. Include event_bus.h.

#ifndef WIREBOOK_CONCURRENCY_EVENT_BUS_CONSUMER_H_
#define WIREBOOK_CONCURRENCY_EVENT_BUS_CONSUMER_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include "concurrency/event_bus_consumers.h"
#include "concurrency/event_bus_registry.h"
#include "concurrency/event_bus_types.h"
#include "concurrency/wait_strategy.h"

namespace wirebook {

namespace internal {

// A place in the table, given up when it dies. The bus must outlive it.
template <typename Core>
class BusSeat {
 public:
  BusSeat(Core* core, const BusAttachment& made) noexcept
      : core_(core), made_(made) {}
  BusSeat(BusSeat&& other) noexcept
      : core_(std::exchange(other.core_, nullptr)), made_(other.made_) {}
  BusSeat& operator=(BusSeat&& other) noexcept {
    std::swap(core_, other.core_);
    std::swap(made_, other.made_);
    return *this;
  }
  ~BusSeat() {
    if (core_ != nullptr) core_->detach(made_.id);
  }

  Core& core() const noexcept { return *core_; }
  const ConsumerId& id() const noexcept { return made_.id; }
  auto& slot() const noexcept { return core_->table().slot(made_.id.slot); }

  uint64_t readable(uint64_t from, size_t n) const noexcept {
    return std::max(from, core_->readable(made_.after, from, from + n));
  }

 private:
  Core* core_;
  BusAttachment made_;
};

}  // namespace internal

// A consumer that gets every event, in place; producers wait for it.
// One thread at a time; the bus must outlive it. Its end detaches it.
template <typename T, typename Core>
class BasicEventConsumer {
 public:
  BasicEventConsumer(Core* core, const internal::BusAttachment& made) noexcept
      : seat_(core, made), position_(made.start), readable_until_(made.start) {}
  BasicEventConsumer(BasicEventConsumer&&) noexcept = default;
  BasicEventConsumer& operator=(BasicEventConsumer&&) noexcept = default;

  const ConsumerId& id() const noexcept { return seat_.id(); }
  // The number of the next event. Numbers are the same for all consumers.
  uint64_t position() const noexcept { return position_; }

  // Up to `n` of the next events, in place until consume(): fewer when fewer
  // are there or at the ring's physical end, none when none is there. Write to
  // them only where no other consumer reads at the same time. Wait-free.
  [[nodiscard]] std::span<T> peek(size_t n) noexcept {
    n = std::min<size_t>(n, seat_.core().capacity());
    if (readable_until_ - position_ < n) {
      readable_until_ = seat_.readable(position_, n);
    }
    const uint64_t capacity = seat_.core().capacity();
    const uint64_t count = std::min({uint64_t{n}, readable_until_ - position_,
                                     capacity - (position_ & (capacity - 1))});
    return {seat_.core().slot(position_), static_cast<size_t>(count)};
  }

  // Done with the first `n` of them; the last consumer's ends their lives.
  // More than are there ends the process. Wait-free for plain events; for
  // others, it may destroy what others have consumed meanwhile.
  void consume(size_t n) noexcept {
    if (n > readable_until_ - position_) {
      seat_.core().die("consume of events that are not there");
    }
    position_ += n;
    // Pairs with the acquire in BusConsumerTable::word(): done with the events
    // before their slots are reused, or followers get them.
    seat_.slot().word.store(position_, std::memory_order_release);
    seat_.core().moved();
  }

  // Calls `handle(T&)` for each of up to `n` events and consumes them; how many
  // there were. None when none is there. If it throws none is consumed: those
  // that it had come again.
  template <typename Handle>
  size_t poll(Handle&& handle, size_t n = SIZE_MAX) {
    const std::span<T> events = peek(n);
    if (events.empty()) return 0;
    for (T& event : events) handle(event);
    consume(events.size());
    return events.size();
  }

  // The bus was stopped, or it was closed and this consumer has had all.
  [[nodiscard]] bool finished() const noexcept {
    return seat_.core().finished(position_);
  }

  // Waits, as the bus's wait strategy does, until there is an event.
  BusWait wait(WaitDeadline deadline = WaitDeadline::max()) noexcept {
    const auto over = [this] { return !peek(1).empty() || finished(); };
    if (!seat_.core().wait_until(over, deadline)) return BusWait::kTimedOut;
    return finished() ? BusWait::kFinished : BusWait::kReady;
  }

 private:
  internal::BusSeat<Core> seat_;
  uint64_t position_;
  uint64_t readable_until_;
};

// A consumer that loses events, or its place, when it is a whole ring behind.
// It takes copies, so that whatever it does with an event holds up nobody: a
// producer that needs the slot waits for the copy alone.
// One thread at a time; the bus must outlive it. Its end detaches it.
template <typename T, typename Core>
class BasicLossyConsumer {
  static_assert(std::is_nothrow_copy_assignable_v<T>,
                "a lossy consumer takes copies");
  using Word = internal::BusWord;

 public:
  BasicLossyConsumer(Core* core, const internal::BusAttachment& made) noexcept
      : seat_(core, made), expected_(made.start), received_to_(made.start) {}
  BasicLossyConsumer(BasicLossyConsumer&&) noexcept = default;
  BasicLossyConsumer& operator=(BasicLossyConsumer&&) noexcept = default;

  const ConsumerId& id() const noexcept { return seat_.id(); }

  // Assigns copies of the next events to `out`, as many as are there, and says
  // how many were lost before them. Lock-free: only a producer that drops makes
  // it try again.
  Received receive(std::span<T> out) noexcept {
    for (;;) {
      // Relaxed, as the exchange: the events come with readable(), and a slot
      // is ours while the word is pinned, whatever the order.
      uint64_t word = seat_.slot().word.load(std::memory_order_relaxed);
      const uint64_t at = Word::position(word);
      if (at == Word::kNowhere) return {};
      const uint64_t dropped = at - expected_;
      const auto count =
          std::min<uint64_t>(out.size(), seat_.readable(at, out.size()) - at);
      if (count == 0) {
        expected_ = at;
        return {0, dropped};
      }
      if (!seat_.slot().word.compare_exchange_strong(
              word, word | Word::kPinned, std::memory_order_relaxed,
              std::memory_order_relaxed)) {
        continue;
      }
      copy(at, out.first(count));
      expected_ = at + count;
      received_to_ += count;
      // Relaxed: a statistic.
      seat_.slot().received_to.store(received_to_, std::memory_order_relaxed);
      // Pairs with the acquire in BusConsumerTable::word(): the
      // copies are made before the slots are reused.
      seat_.slot().word.store(word + count, std::memory_order_release);
      seat_.core().moved();
      return {static_cast<size_t>(count), dropped};
    }
  }
  // One event; the result's count says whether there was one.
  Received receive(T& out) noexcept { return receive({&out, 1}); }

  // It was too slow for WhenSlow::kDetach, and gets nothing any more.
  [[nodiscard]] bool detached() const noexcept {
    return next() == Word::kNowhere;
  }

  // As for an EventConsumer; also true when detached.
  [[nodiscard]] bool finished() const noexcept {
    const uint64_t at = next();
    return at == Word::kNowhere || seat_.core().finished(at);
  }

  BusWait wait(WaitDeadline deadline = WaitDeadline::max()) noexcept {
    const auto over = [this] {
      const uint64_t at = next();
      return at == Word::kNowhere || seat_.readable(at, 1) != at ||
             seat_.core().finished(at);
    };
    if (!seat_.core().wait_until(over, deadline)) return BusWait::kTimedOut;
    if (detached()) return BusWait::kDetached;
    return finished() ? BusWait::kFinished : BusWait::kReady;
  }

 private:
  uint64_t next() const noexcept {
    // Relaxed: see receive().
    return Word::position(seat_.slot().word.load(std::memory_order_relaxed));
  }

  void copy(uint64_t at, std::span<T> out) noexcept {
    for (T& copy : out) {
      copy = std::as_const(*seat_.core().slot(at));
      ++at;
    }
  }

  internal::BusSeat<Core> seat_;
  uint64_t expected_;     // where the last receive() ended
  uint64_t received_to_;  // as in its slot
};

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_EVENT_BUS_CONSUMER_H_
