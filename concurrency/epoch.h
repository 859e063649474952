// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// EpochDomain, EpochGuard: a reader stays inside a guard while it walks a
// shared structure; whoever unlinks objects retires them instead of deleting,
// and they are deleted when every guard that could have met them is gone.
//
// When: readers walk many objects at a time (a hash map, a list), and guards
// are short. A reader may be held up for long and memory must stay bounded:
// hazard_pointer. The standard's names, waiting for readers, event loops: rcu,
// which is this underneath.
//
// Progress: a guard is wait-free, once its thread has used the domain (beyond
// 61 domains of a process, those that share a place may take a mutex). retire()
// takes a lock that only barrier(), readers() and stats() share, for some
// instructions; once in 128 it looks at all readers; it runs at most eight
// deleters, two unless a long stall has ended. Only synchronize() and barrier()
// wait for readers.
//
// Memory: unbounded behind a reader that stays inside its guard; readers() says
// who that is, since when, and how much waits on it. Otherwise some two batches
// of 128 for each thread that retires, which wait for that thread's next
// retire() or try_advance(), or, where it ended, for another's.
//
// Ends: threads, domains and static objects may end in any order. The default
// domain is never destroyed: call barrier() before the end of a pool that
// deleters use. In a child of fork() a domain whose guards were held by other
// threads never advances.
//
// Cost: a guard, two stores and no locked instruction (the fence is
// asymmetric_fence.h's); retire() one locked instruction; one heavy fence in
// 128. Figures: COSTS.md, epoch_benchmark.
//
//   wirebook::EpochDomain domain;
//   {                                               // any thread
//     wirebook::EpochGuard guard(domain);
//     if (const Node* node = head.load(acquire)) use(node->next.load(acquire));
//   }
//   Node* old = head.exchange(node);                // any thread
//   domain.retire(old);                             // delete, later
//   domain.retire(other, [&pool](Node* n) { pool.destroy(n); });
#ifndef WIREBOOK_CONCURRENCY_EPOCH_H_
#define WIREBOOK_CONCURRENCY_EPOCH_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "concurrency/epoch_core.h"
#include "concurrency/reclaim_records.h"

namespace wirebook {

template <template <typename> class Atom>
class BasicEpochGuard;

// Any thread may call any method.
template <template <typename> class Atom>
class BasicEpochDomain {
 public:
  // The end reclaims all that is retired here, and what deleters retire; it
  // ends the process if a thread is inside a guard.
  BasicEpochDomain() noexcept : BasicEpochDomain(internal::new_domain_key()) {}
  // For the default domain.
  constexpr explicit BasicEpochDomain(internal::DomainKey key) noexcept
      : core_(key, "EpochDomain") {}
  BasicEpochDomain(const BasicEpochDomain&) = delete;
  BasicEpochDomain& operator=(const BasicEpochDomain&) = delete;

  // deleter(ptr), which must not throw, once no guard is left that was there
  // before: on some thread inside retire(), try_advance() or barrier(), maybe
  // inside that thread's guard. `ptr` is already unreachable for new readers.
  // Throws std::bad_alloc, and what moving D throws, and then has done nothing.
  template <typename T, typename D = std::default_delete<T>>
  void retire(T* ptr, D deleter = D()) {
    core_.retire(ptr, std::move(deleter));
  }

  // Looks at all readers and reclaims what this thread retired and none can
  // have. True if nothing of this thread's is left to wait.
  bool try_advance() noexcept { return core_.try_advance(); }

  // Waits until every guard is gone that was there at the call. Ends the
  // process within one of this domain's, which would wait for itself.
  void synchronize() noexcept { core_.synchronize(); }

  // Reclaims all that any thread retired before the call, waiting for readers
  // and for deleters that are running. Within a deleter it does nothing; ends
  // the process as synchronize() does.
  void barrier() noexcept { core_.barrier(); }

  // Walks threads and takes their locks: for reports.
  EpochStats stats() const noexcept { return core_.stats(); }

  // Who is inside a guard, for a housekeeping thread to call now and then with
  // the time of a clock that it likes: a reader with an old `since` is stalled.
  std::vector<EpochReader> readers(std::uint64_t now) {
    return core_.readers(now);
  }

 private:
  friend class BasicEpochGuard<Atom>;
  internal::EpochCore<Atom> core_;
};

using EpochDomain = BasicEpochDomain<std::atomic>;

namespace internal {
inline constinit Immortal<EpochDomain> g_default_epoch_domain{kEpochDefaultKey};
}  // namespace internal

// Never destroyed; may be used by static objects of any order.
inline EpochDomain& default_epoch_domain() noexcept {
  return internal::g_default_epoch_domain.domain;
}

// While it lives, what this thread reaches stays. One thread's; may be nested,
// and then the outermost counts.
template <template <typename> class Atom>
class [[nodiscard]] BasicEpochGuard {
 public:
  explicit BasicEpochGuard(BasicEpochDomain<Atom>& domain) noexcept
      : BasicEpochGuard(domain.core_) {}
  ~BasicEpochGuard() { internal::EpochCore<Atom>::leave(record_); }
  BasicEpochGuard(const BasicEpochGuard&) = delete;
  BasicEpochGuard& operator=(const BasicEpochGuard&) = delete;

  // As if destroyed and made again, unless it is nested in another: nothing
  // read before may be used. For a reader that would stay inside for long.
  void refresh() noexcept { core_.refresh(record_); }

  bool is_of(const BasicEpochDomain<Atom>& domain) const noexcept {
    return &core_ == &domain.core_;
  }

 protected:
  explicit BasicEpochGuard(internal::EpochCore<Atom>& core) noexcept
      : record_(core.enter()), core_(core) {}

 private:
  internal::EpochRecord<Atom>& record_;
  internal::EpochCore<Atom>& core_;
};

class EpochGuard : public BasicEpochGuard<std::atomic> {
 public:
  explicit EpochGuard(EpochDomain& domain = default_epoch_domain()) noexcept
      : BasicEpochGuard<std::atomic>(domain) {}
};

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_EPOCH_H_
