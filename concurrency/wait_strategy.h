// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Wait strategies: what a thread does until another thread has made a condition
// true.
//
//   BusySpinWait   Spins. Reacts within one line transfer; the thread's CPU
//                  must be its own. The notifier does nothing.
//   SpinYieldWait  Spins, then gives its CPU away between looks. Reacts as
//                  fast while nobody else wants the CPU, within a time slice
//                  otherwise. The notifier does nothing.
//   FutexWait      Spins, then sleeps (event_count.h). Reacts within tens of
//                  microseconds once asleep; uses no CPU. The notifier does
//                  one load while nobody waits, a futex call per sleeper.
//
// Which: a pinned thread on an isolated CPU, BusySpinWait; where threads may
// outnumber CPUs, SpinYieldWait if idle times are short, FutexWait otherwise.
// Not sure: FutexWait.
//
// Guarantee: wait() returns if the condition becomes true and stays so, and
// each change that may make it true is followed by notify_one() or
// notify_all(); no wake-up is lost. The condition is called by the waiting
// thread alone, once at least. Any thread may call anything. Figures:
// COSTS.md, measured by wait_strategy_benchmark.
//
//   template <WaitStrategy Wait = FutexWait>
//   class Inbox {
//    public:
//     void put(Item item) {
//       ring_.push(item);
//       wait_.notify_one();
//     }
//     Item take() {
//       Item item;
//       wait_.wait([&] { return ring_.try_pop(item); });
//       return item;
//     }
//
//    private:
//     MyRing ring_;
//     Wait wait_;
//   };

#ifndef WIREBOOK_CONCURRENCY_WAIT_STRATEGY_H_
#define WIREBOOK_CONCURRENCY_WAIT_STRATEGY_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <thread>

#include "concurrency/atom_traits.h"
#include "concurrency/event_count.h"

namespace wirebook {

template <typename S>
concept WaitStrategy = requires(S s, bool (*ready)(), WaitDeadline deadline) {
  s.wait(ready);  // returns once ready() was true
  // False if the deadline passed, and ready() was false after that.
  { s.wait_until(ready, deadline) } -> std::same_as<bool>;
  { s.notify_one() }
  noexcept;  // after a change that serves one waiter
  { s.notify_all() }
  noexcept;
};

namespace internal {

// Turns of a loop that waits: each a pause, from the `spins`-th on a yield too.
template <template <typename> class Atom>
class WaitTurns {
 public:
  explicit WaitTurns(uint32_t spins) noexcept : spins_left_(spins) {}

  void turn() noexcept {
    AtomTraits<Atom>::pause();
    if (spins_left_ == 0) {
      std::this_thread::yield();
    } else {
      --spins_left_;
    }
  }

  // turn(), and whether `deadline` is to come. The clock costs as much as a
  // turn or two, so it is read on every eighth and while yielding.
  bool turn_until(WaitDeadline deadline) noexcept {
    turn();
    if (spins_left_ % 8 != 0) return true;
    return std::chrono::steady_clock::now() < deadline;
  }

 private:
  uint32_t spins_left_;
};

}  // namespace internal

template <template <typename> class Atom = std::atomic>
class BasicBusySpinWait {
 public:
  template <typename Ready>
  void wait(Ready ready) {
    while (!ready()) AtomTraits<Atom>::pause();
  }
  template <typename Ready>
  [[nodiscard]] bool wait_until(Ready ready, WaitDeadline deadline) {
    while (!ready()) {
      AtomTraits<Atom>::pause();
      if (std::chrono::steady_clock::now() >= deadline) return ready();
    }
    return true;
  }
  void notify_one() noexcept {}
  void notify_all() noexcept {}
};

template <template <typename> class Atom = std::atomic>
class BasicSpinYieldWait {
 public:
  // Looks before the first yield; 1000 are about 60 us on Intel since Skylake.
  static constexpr uint32_t kDefaultSpins = 1000;

  explicit BasicSpinYieldWait(uint32_t spins = kDefaultSpins) noexcept
      : spins_(spins) {}

  template <typename Ready>
  void wait(Ready ready) {
    internal::WaitTurns<Atom> turns(spins_);
    while (!ready()) turns.turn();
  }
  template <typename Ready>
  [[nodiscard]] bool wait_until(Ready ready, WaitDeadline deadline) {
    internal::WaitTurns<Atom> turns(spins_);
    while (!ready()) {
      if (!turns.turn_until(deadline)) return ready();
    }
    return true;
  }
  void notify_one() noexcept {}
  void notify_all() noexcept {}

 private:
  const uint32_t spins_;
};

template <template <typename> class Atom = std::atomic>
class BasicFutexWait {
 public:
  // Looks before the first sleep; 200 are about 12 us on Intel since Skylake,
  // what a sleep and its end cost.
  static constexpr uint32_t kDefaultSpins = 200;

  explicit BasicFutexWait(uint32_t spins = kDefaultSpins) noexcept
      : spins_(spins) {}

  template <typename Ready>
  void wait(Ready ready) {
    if (!spin(ready)) events_.await(ready);
  }
  template <typename Ready>
  [[nodiscard]] bool wait_until(Ready ready, WaitDeadline deadline) {
    return spin(ready) || events_.await_until(ready, deadline);
  }
  void notify_one() noexcept { events_.notify_one(); }
  void notify_all() noexcept { events_.notify_all(); }

  // Threads that are about to sleep or do; a moment's view.
  uint32_t waiters() const noexcept { return events_.waiters(); }

 private:
  template <typename Ready>
  bool spin(Ready& ready) {
    for (uint32_t i = 0; i < spins_; ++i) {
      if (ready()) return true;
      AtomTraits<Atom>::pause();
    }
    return false;
  }

  BasicEventCount<Atom> events_;
  const uint32_t spins_;
};

using BusySpinWait = BasicBusySpinWait<>;
using SpinYieldWait = BasicSpinYieldWait<>;
using FutexWait = BasicFutexWait<>;

static_assert(WaitStrategy<BusySpinWait> && WaitStrategy<SpinYieldWait> &&
              WaitStrategy<FutexWait>);

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_WAIT_STRATEGY_H_
