// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// EventCount: lets threads sleep until a lock-free structure has changed, as a
// condition variable does for a mutex.
//
// When: a thread has nothing to do until another one stores something, and its
// CPU is wanted meanwhile. Which strategy of waiting: wait_strategy.h, which
// contains this one. A single flag: std::atomic::wait.
//
// Guarantee: no wake-up is lost. If a change is stored before notify, a waiter
// sees it in its condition or is woken; a condition may be asked once more than
// needed. Notifying is lock-free, waiting blocks. Any thread may call anything.
//
// Cost: to notify while nobody waits, one load of a line that only waiters
// write: no locked instruction, no fence, no system call (asymmetric_fence.h).
// The waiter pays for that before it sleeps: one membarrier, 0.5 us, which also
// interrupts the process's other running threads for as long. A notification
// that finds a waiter: one futex call. Figures: COSTS.md, measured by
// wait_strategy_benchmark.
//
//   EventCount changed;
//   // Waiter:
//   changed.await([&] { return queue.try_pop(item); });
//   // Notifier, after each push:
//   changed.notify_one();
//
// Algorithm: D. Vyukov's eventcount (in Eigen, and in folly's EventCount.h),
// with the fence of the notifier's side made asymmetric.

#ifndef WIREBOOK_CONCURRENCY_EVENT_COUNT_H_
#define WIREBOOK_CONCURRENCY_EVENT_COUNT_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <chrono>
#include <climits>
#include <cstdint>

#include "concurrency/atom_traits.h"
#include "memory/cache_line.h"

namespace wirebook {

// A moment until which to wait. steady_clock is CLOCK_MONOTONIC.
using WaitDeadline = std::chrono::steady_clock::time_point;

namespace internal {

// futex(2), private to the process. Returns at once if `word` is not `old`,
// otherwise when woken, or for no reason; false once `deadline`, unless it is
// nullptr, has passed.
bool futex_wait(const std::atomic<uint32_t>& word, uint32_t old,
                const WaitDeadline* deadline) noexcept;
void futex_wake(std::atomic<uint32_t>& word, int threads) noexcept;

// The same for a scheduler's atom, whose time passes by turns.
template <template <typename> class Atom>
bool futex_wait(const Atom<uint32_t>& word, uint32_t old,
                const WaitDeadline* deadline) noexcept {
  // Relaxed: as in BasicEventCount.
  if (deadline == nullptr) {
    word.wait(old, std::memory_order_relaxed);
    return true;
  }
  AtomTraits<Atom>::pause();
  return word.load(std::memory_order_relaxed) != old;
}
template <template <typename> class Atom>
void futex_wake(Atom<uint32_t>& word, int threads) noexcept {
  threads == 1 ? word.notify_one() : word.notify_all();
}

}  // namespace internal

// `Atom` lets a test put a scheduler underneath; the plain name is EventCount.
template <template <typename> class Atom = std::atomic>
class BasicEventCount {
 public:
  BasicEventCount() = default;
  BasicEventCount(const BasicEventCount&) = delete;
  BasicEventCount& operator=(const BasicEventCount&) = delete;

  // ---- Notifier: after the change is stored --------------------------------

  void notify_one() noexcept { notify(1); }
  void notify_all() noexcept { notify(INT_MAX); }

  // ---- Waiter --------------------------------------------------------------

  // Returns once ready() was true, which is called by this thread, once at
  // least. If it throws, the wait is over.
  template <typename Ready>
  void await(Ready ready) {
    while (!attempt(ready, nullptr)) {
    }
  }

  // False if `deadline` passed, and ready() was false after that.
  template <typename Ready>
  [[nodiscard]] bool await_until(Ready ready, WaitDeadline deadline) {
    while (!attempt(ready, &deadline)) {
      if (std::chrono::steady_clock::now() >= deadline) return ready();
    }
    return true;
  }

  // Threads that are about to sleep or do. Any thread; a moment's view.
  uint32_t waiters() const noexcept {
    return waiters_.load(std::memory_order_relaxed);
  }

 private:
  // A thread that will look at its condition and then sleep. Until the object's
  // end, every notify leaves a mark.
  class Announced {
   public:
    explicit Announced(BasicEventCount& events) noexcept : events_(events) {
      // Relaxed: the heavy fence below orders it before the condition.
      events_.waiters_.fetch_add(1, std::memory_order_relaxed);
      // Relaxed: the fence orders it too; after a mark seen here, its change
      // is seen by the condition.
      mark_ = events_.mark_.load(std::memory_order_relaxed);
      // Pairs with the light fence in notify(): either that sees this waiter,
      // or the condition, asked from here on, sees the change.
      AtomTraits<Atom>::heavy_fence();
    }
    ~Announced() {
      // Relaxed: a notifier that still sees it only makes a call for nothing.
      events_.waiters_.fetch_sub(1, std::memory_order_relaxed);
    }
    Announced(const Announced&) = delete;
    Announced& operator=(const Announced&) = delete;

    // Until the next mark since the announcement, or the deadline.
    void sleep(const WaitDeadline* deadline) noexcept {
      // Relaxed: the condition is asked again, after a fence if need be.
      while (events_.mark_.load(std::memory_order_relaxed) == mark_) {
        if (!internal::futex_wait(events_.mark_, mark_, deadline)) return;
      }
    }

   private:
    BasicEventCount& events_;
    uint32_t mark_;
  };

  // Asks, and sleeps once if the answer was no; false if it has to be asked
  // again.
  template <typename Ready>
  bool attempt(Ready& ready, const WaitDeadline* deadline) {
    if (ready()) return true;
    Announced announced(*this);
    if (ready()) return true;
    announced.sleep(deadline);
    return false;
  }

  void notify(int threads) noexcept {
    // Pairs with the heavy fence in Announced.
    AtomTraits<Atom>::light_fence();
    // Relaxed: the fences order it.
    if (waiters_.load(std::memory_order_relaxed) == 0) [[likely]] {
      return;
    }
    // Relaxed: as in Announced.
    mark_.fetch_add(1, std::memory_order_relaxed);
    internal::futex_wake(mark_, threads);
  }

  // Written only while somebody waits. A waiter that stands still between the
  // announcement and its sleep for an exact multiple of 2^32 notifications
  // would miss them.
  alignas(kFalseSharingBytes) Atom<uint32_t> waiters_{0};
  Atom<uint32_t> mark_{0};
};

using EventCount = BasicEventCount<>;

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_EVENT_COUNT_H_
