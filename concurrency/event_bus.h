// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// EventBus<T>: each event goes to every consumer; a ring of slots in which
// producers construct and consumers read in place (the LMAX Disruptor).
//
// When: several threads need the same events, in the same order, perhaps one
// after another (journal before apply). To one consumer: SpscRing. Each event
// to one of several: MpmcQueue. To other processes: broadcast_ring.h. Only the
// newest value counts: Seqlock.
//
// Guarantee: events have one order, the same for all consumers. With one
// producer try_emplace and claim are wait-free; with many, lock-free, but
// an event that is claimed and not yet published holds up those after it.
// peek and consume are wait-free for plain events. A gating consumer gets each
// event that is claimed after it attached; one that is slow makes claims fail.
// A lossy one takes copies and never holds up a producer longer than the
// copies take: while it copies, a claim that needs the slots may fail. It loses
// the oldest events, a quarter of the ring at a time, or its place
// (WhenSlow). No slot is overwritten while a consumer reads it.
//
// Lifetimes: an event is destroyed by the thread of the consumer that was last
// to pass it, at once, so a PoolHandle in a slot goes home then; without
// consumers, by the producer that needs its slot. (Plain events are
// overwritten.) An event whose destructor is not trivial costs two locked
// instructions for each consume().
//
// Shutdown: close() lets consumers have what was published; stop() does not;
// shutdown(deadline) closes, waits for them, and stops at the deadline.
//
// Cost: no allocation after construction, no system call but FutexWait's when
// somebody sleeps. Consumers are looked at only when the last look's room has
// run out. Figures: COSTS.md.
//
//   wirebook::EventBus<Trade> bus({.capacity = 4096});
//   auto journal = bus.attach({.name = "journal"}).value();
//   auto book = bus.attach({.name = "book", .after = {journal.id()}}).value();
//   // Producer thread:
//   if (!bus.try_emplace(id, price)) { /* full: the caller's policy */ }
//   bus.shutdown(steady_clock::now() + 1s);  // any thread
//   // Each consumer's thread:
//   while (book.wait() == BusWait::kReady) {
//     book.poll([](Trade& trade) { apply(trade); });  // all that are there
//   }

#ifndef WIREBOOK_CONCURRENCY_EVENT_BUS_H_
#define WIREBOOK_CONCURRENCY_EVENT_BUS_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "absl/status/statusor.h"
#include "concurrency/event_bus_consumer.h"
#include "concurrency/event_bus_core.h"
#include "concurrency/event_bus_types.h"
#include "concurrency/wait_strategy.h"

namespace wirebook {

// `Wait` is what consumers without events and producers without room do.
// `Atom` lets a test put a scheduler underneath; leave it alone otherwise.
template <typename T, BusProducers kProducers = BusProducers::kOne,
          typename Wait = FutexWait,
          template <typename> class Atom = std::atomic>
class EventBus {
  using Core = internal::EventBusCore<T, kProducers, Wait, Atom>;

 public:
  using Claim = EventClaim<T>;
  using Consumer = BasicEventConsumer<T, Core>;
  using LossyConsumer = BasicLossyConsumer<T, Core>;

  // Options out of range end the process.
  explicit EventBus(const EventBusOptions& options = {}) : core_(options) {}

  // Destroys what is left. Producers and consumers must be gone: a consumer
  // still attached ends the process.
  ~EventBus() = default;

  size_t capacity() const noexcept { return core_.capacity(); }

  // ---- Producers: one thread, or any with BusProducers::kMany ---------------

  // Constructs an event; false, and `args` untouched, when full or closed. If
  // T's constructor may throw, the event is constructed when there is room, and
  // then moved there: if another thread takes the room or closes meanwhile, the
  // answer is false and `args` are spent. (For an aggregate clang before 16
  // wants try_publish(T{...}).)
  template <typename... Args>
  requires std::is_constructible_v<T, Args...>
  [[nodiscard]] bool try_emplace(Args&&... args) noexcept(
      std::is_nothrow_constructible_v<T, Args...>) {
    if constexpr (std::is_nothrow_constructible_v<T, Args...>) {
      const internal::BusClaim claim = core_.claim_one();
      if (claim.count == 0) return false;
      std::construct_at(core_.slot(claim.first), std::forward<Args>(args)...);
      core_.publish(claim);
      return true;
    } else {
      static_assert(std::is_nothrow_move_constructible_v<T>);
      return core_.has_room() && try_emplace(T(std::forward<Args>(args)...));
    }
  }

  [[nodiscard]] bool try_publish(const T& event) noexcept(
      std::is_nothrow_copy_constructible_v<T>) {
    return try_emplace(event);
  }
  [[nodiscard]] bool try_publish(T&& event) noexcept {
    return try_emplace(std::move(event));
  }

  // Up to `n` free slots to construct events in: fewer when the ring is nearly
  // full or at its physical end, none when full or closed. Every claim must be
  // published, whole, before the next; until then nothing after it is seen, so
  // what is constructed there must not throw: no claim can be given back.
  Claim try_claim(size_t n) noexcept { return in_place(core_.claim(n)); }

  // The same, but waits for a first slot; none at the deadline or when closed.
  Claim claim(size_t n, WaitDeadline deadline = WaitDeadline::max()) noexcept {
    if (n == 0) return {};
    internal::BusClaim claim;
    const auto over = [&] {
      claim = core_.claim(n);
      return claim.count != 0 || core_.sequence().closed();
    };
    (void)core_.wait_until(over, deadline);
    return in_place(claim);
  }

  // Hands over a claim whose slots are all constructed. What is no claim, or is
  // published already, ends the process.
  void publish(const Claim& claim) noexcept {
    const internal::BusClaim done{claim.first, claim.size()};
    if (done.count == 0) return;
    if (!core_.sequence().is_claimed(done)) core_.die("publish of no claim");
    core_.publish(done);
  }

  // ---- Any thread -----------------------------------------------------------

  // Attaches a gating consumer. Static: attached before the first claim, it
  // gets all events. Dynamic: at any time, it gets those that are claimed from
  // then on; claims may fail meanwhile, and claims that are under way are
  // waited for (so not by a producer with a claim open). Fails when
  // max_consumers are attached, or `after` names one that is not attached or is
  // lossy.
  absl::StatusOr<Consumer> attach(const ConsumerOptions& options = {}) {
    return seat<Consumer>(WhenSlow::kGate, options);
  }

  // Attaches a lossy consumer, for kDrop or kDetach; kGate ends the process.
  // T must be copied without exceptions.
  absl::StatusOr<LossyConsumer> attach_lossy(
      WhenSlow when_slow, const ConsumerOptions& options = {}) {
    if (when_slow == WhenSlow::kGate) core_.die("a lossy consumer cannot gate");
    return seat<LossyConsumer>(when_slow, options);
  }

  // Lag and drops of each consumer; exact when nobody is active. Takes the lock
  // that attaching takes, and allocates.
  BusHealth health() const { return core_.health(); }

  // Claims fail from here on. Consumers get what was claimed before, and then
  // are finished(). Idempotent.
  void close() noexcept { core_.close(); }

  // close(), and consumers are finished() at once, whatever is left.
  void stop() noexcept { core_.stop(); }

  // close(), waits until all consumers have had all events, and stops at the
  // deadline. A claim that is never published, or a consumer that hangs, makes
  // it wait for the deadline, no longer.
  BusShutdown shutdown(WaitDeadline deadline) noexcept {
    core_.close();
    const bool drained =
        core_.wait_until([this] { return core_.drained(); }, deadline);
    if (!drained) core_.stop();
    return drained ? BusShutdown::kDrained : BusShutdown::kStopped;
  }

 private:
  Claim in_place(internal::BusClaim claim) noexcept {
    return {{core_.slot(claim.first), static_cast<size_t>(claim.count)},
            claim.first};
  }

  template <typename C>
  absl::StatusOr<C> seat(WhenSlow when_slow, const ConsumerOptions& options) {
    absl::StatusOr<internal::BusAttachment> made =
        core_.attach(when_slow, options);
    if (!made.ok()) return made.status();
    return C(&core_, *made);
  }

  mutable Core core_;
};

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_EVENT_BUS_H_
