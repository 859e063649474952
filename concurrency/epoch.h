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
// Progress: a guard is wait-free, once its thread has used the domain. retire()
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
// 128. Figures: README.md, epoch_benchmark.
//
//   wirebook::EpochDomain domain;
//   {                                               // any thread
//     wirebook::EpochGuard guard(domain);
//     if (const Node* node = head.load(acquire)) use(node->next.load(acquire));
//   }
//   Node* old = head.exchange(node);                // any thread
//   domain.retire(old);                             // delete, later
//   domain.retire(other, [&pool](Node* n) { pool.destroy(n); });
//
// Algorithm: Fraser, "Practical lock-freedom" (UCAM-CL-TR-579, 2004), 5.2.3,
// with epochs that never come again: a batch is stamped with an epoch that
// begins after its objects were unlinked, so that it is safe as soon as no
// reader announces an older one. One look is enough where three counted epochs
// need two advances.
#ifndef WIREBOOK_CONCURRENCY_EPOCH_H_
#define WIREBOOK_CONCURRENCY_EPOCH_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "concurrency/atom_traits.h"
#include "concurrency/epoch_record.h"
#include "concurrency/reclaim_records.h"

namespace wirebook {

// Exact while no other thread is in the domain.
struct EpochStats {
  std::uint64_t epoch = 0;
  std::uint64_t retired = 0;      // Objects, ever.
  std::uint64_t reclaimed = 0;    // Of these.
  std::uint64_t unreclaimed = 0;  // The rest.
  std::uint64_t scans = 0;        // Looks at all readers.
  std::size_t threads = 0;        // The most that were here at once.
};

// A thread that is inside a guard.
struct EpochReader {
  int thread_id = 0;        // Linux's, as in top -H.
  std::uint64_t epoch = 0;  // Of its guard.
  std::uint64_t since = 0;  // The first `now` at which this guard was seen.
  std::size_t waiting = 0;  // Objects that cannot go before it does.
};

template <template <typename> class Atom>
class BasicEpochGuard;
template <template <typename> class Atom>
class basic_rcu_domain;

// Any thread may call any method.
template <template <typename> class Atom>
class BasicEpochDomain {
 public:
  BasicEpochDomain() noexcept
      : BasicEpochDomain(internal::new_domain_key(), "EpochDomain") {}
  // For default domains.
  constexpr BasicEpochDomain(internal::DomainKey key,
                             const char* component) noexcept
      : records_(key, component) {}

  // Reclaims all that is retired here, and what deleters retire. Ends the
  // process if a thread is inside a guard.
  ~BasicEpochDomain() {
    if (oldest_reader() != kNone) {
      records_.die("destroyed while a thread is inside");
    }
    while (stats().unreclaimed != 0) barrier();
  }

  BasicEpochDomain(const BasicEpochDomain&) = delete;
  BasicEpochDomain& operator=(const BasicEpochDomain&) = delete;

  // deleter(ptr), which must not throw, once no guard is left that was there
  // before: on some thread inside retire(), try_advance() or barrier(), maybe
  // inside that thread's guard. `ptr` is already unreachable for new readers.
  // Throws std::bad_alloc, and then has done nothing.
  template <typename T, typename D = std::default_delete<T>>
  void retire(T* ptr, D deleter = D()) {
    using Node = RetiredPointer<T, D>;
    static_assert(alignof(Node) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    void* const storage = sizeof(Node) <= internal::RetiredNodes::kBytes
                              ? records_.this_thread().nodes.allocate()
                              : ::operator new(sizeof(Node));
    retire_object(::new (storage) Node(*this, ptr, std::move(deleter)));
  }

  // Looks at all readers and reclaims what this thread retired and none can
  // have. True if nothing of this thread's is left to wait.
  bool try_advance() noexcept {
    Record& record = records_.this_thread();
    Chain due;
    bool all;
    {
      const std::lock_guard guard(record.lock);
      scan(record);
      all = record.open.empty() && record.waiting.empty();
      record.begin_pass(due, due.max_size());
    }
    if (!due.empty()) record.run_pass(due);
    return all;
  }

  // Waits until every guard is gone that was there at the call. Ends the
  // process within one of this domain's, which would wait for itself.
  void synchronize() noexcept {
    if (records_.this_thread().nesting != 0) {
      records_.die("waiting for readers inside a guard: for itself, for ever");
    }
    const std::uint64_t epoch = begin_epoch();
    for (Record* r = records_.first(); r != nullptr; r = records_.next(r)) {
      internal::ReclaimBackoff<Atom> backoff;
      while (is_before(*r, epoch)) backoff.turn();
    }
  }

  // Reclaims all that any thread retired before the call, waiting for readers
  // and for deleters that are running. Within a deleter it does nothing; ends
  // the process as synchronize() does.
  void barrier() noexcept {
    records_.sweep([this](Chain& all, Record& own) {
      if (!all.empty()) synchronize();
      const std::lock_guard guard(own.lock);
      own.safe.take(all);
    });
  }

  // Walks threads and takes their locks: for reports.
  EpochStats stats() const noexcept {
    const internal::ReclaimCounts counts = records_.counts();
    // Relaxed: orders nothing.
    return {epoch_.load(std::memory_order_relaxed),
            counts.retired,
            counts.reclaimed,
            counts.retired - counts.reclaimed,
            counts.scans,
            counts.threads};
  }

  // Who is inside a guard, for a housekeeping thread to call now and then with
  // the time of a clock that it likes: a reader with an old `since` is stalled.
  std::vector<EpochReader> readers(std::uint64_t now) {
    const std::lock_guard one_at_a_time(readers_mutex_);
    // A guard of the next call that announces the same epoch is the same one.
    epoch_.fetch_add(1, std::memory_order_acq_rel);
    std::vector<EpochReader> readers;
    for (Record* r = records_.first(); r != nullptr; r = records_.next(r)) {
      // Relaxed: a report.
      const std::uint64_t epoch = r->announced.load(std::memory_order_relaxed);
      if (epoch == 0) continue;
      if (r->seen_epoch != epoch) {
        r->seen_epoch = epoch;
        r->seen_at = now;
      }
      readers.push_back({r->thread_id.load(std::memory_order_relaxed), epoch,
                         r->seen_at, kept_by(epoch)});
    }
    return readers;
  }

 private:
  using Record = internal::EpochRecord<Atom>;
  using Chain = internal::RetiredChain;
  template <template <typename> class>
  friend class BasicEpochGuard;
  template <template <typename> class>
  friend class basic_rcu_domain;

  static constexpr std::uint64_t kNone = ~std::uint64_t{0};
  static constexpr std::size_t kLongStall = 8 * internal::kReclaimBatch;

  template <typename T, typename D>
  struct RetiredPointer : internal::Retired {
    RetiredPointer(BasicEpochDomain& d, T* p, D&& f)
        : domain(&d), ptr(p), deleter(std::move(f)) {
      this->reclaim = &reclaim_pointer;
    }
    static void reclaim_pointer(internal::Retired* object) noexcept {
      auto* const node = static_cast<RetiredPointer*>(object);
      T* const ptr = node->ptr;
      D deleter = std::move(node->deleter);
      BasicEpochDomain* const domain = node->domain;
      node->~RetiredPointer();
      if constexpr (sizeof(RetiredPointer) <= internal::RetiredNodes::kBytes) {
        domain->records_.this_thread().nodes.deallocate(node);
      } else {
        ::operator delete(node);
      }
      deleter(ptr);
    }
    BasicEpochDomain* domain;
    T* ptr;
    [[no_unique_address]] D deleter;
  };

  // ---- Readers
  // ---------------------------------------------------------------

  Record& enter() noexcept {
    Record& record = records_.this_thread();
    // Constants, where a count would make each guard wait for the one before.
    if (record.nesting == 0) [[likely]] {
      record.nesting = 1;
      announce(record);
    } else {
      ++record.nesting;
    }
    return record;
  }

  void announce(Record& record) noexcept {
    // Acquire: pairs with the release in begin_epoch(). A reader of an epoch
    // sees all unlinked that was retired before it. Release: pairs with the
    // acquire in is_before(), for an earlier guard of this thread.
    record.announced.store(epoch_.load(std::memory_order_acquire),
                           std::memory_order_release);
    // Pairs with the heavy fence of begin_epoch(): who looks at the readers
    // sees this one, or it sees what was unlinked before that.
    AtomTraits<Atom>::light_fence();
  }

  static void leave(Record& record) noexcept {
    if (record.nesting == 1) [[likely]] {
      record.nesting = 0;
      // Pairs with the acquire in is_before(): the reads before its end.
      record.announced.store(0, std::memory_order_release);
    } else {
      --record.nesting;
    }
  }

  // ---- Reclamation
  // -----------------------------------------------------------

  void retire_object(internal::Retired* object) noexcept {
    Record& record = records_.this_thread();
    Chain due;
    {
      const std::lock_guard guard(record.lock);
      ++record.counts.retired;
      record.open.push(object);
      if (record.open.size() >= record.scan_at) [[unlikely]] {
        scan(record);
      }
      record.begin_pass(due, (record.safe.size() > kLongStall ? 4 : 1) *
                                 internal::kReclaimPerRetire);
    }
    if (!due.empty()) record.run_pass(due);
  }

  // Under record.lock.
  void scan(Record& record) noexcept {
    ++record.counts.scans;
    records_.take_leftovers(record, record.open);
    const std::uint64_t epoch = begin_epoch();
    const std::uint64_t oldest = oldest_reader();
    if (record.waiting_epoch <= oldest) record.safe.take(record.waiting);
    if (epoch <= oldest) {
      record.safe.take(record.open);
    } else if (record.waiting.empty()) {
      record.waiting.take(record.open);
      record.waiting_epoch = epoch;
    }
    record.scan_at = record.open.size() + internal::kReclaimBatch;
  }

  // The epoch that follows everything unlinked before the call.
  std::uint64_t begin_epoch() noexcept {
    // Pairs with the acquire in announce().
    const std::uint64_t epoch =
        epoch_.fetch_add(1, std::memory_order_acq_rel) + 1;
    AtomTraits<Atom>::heavy_fence();  // Pairs with announce()'s light one.
    return epoch;
  }

  std::uint64_t oldest_reader() const noexcept {
    std::uint64_t oldest = kNone;
    for (Record* r = records_.first(); r != nullptr; r = records_.next(r)) {
      // As in is_before(). An epoch of 0 is none, and wraps to the largest.
      const std::uint64_t epoch = r->announced.load(std::memory_order_acquire);
      oldest = std::min(oldest, epoch - 1);
    }
    return oldest == kNone ? kNone : oldest + 1;
  }

  static bool is_before(const Record& record, std::uint64_t epoch) noexcept {
    // Pairs with the release in announce() and leave(): its reads are over.
    const std::uint64_t announced =
        record.announced.load(std::memory_order_acquire);
    return announced != 0 && announced < epoch;
  }

  std::size_t kept_by(std::uint64_t epoch) noexcept {
    std::size_t kept = 0;
    for (Record* r = records_.first(); r != nullptr; r = records_.next(r)) {
      const std::lock_guard guard(r->lock);
      kept += r->kept_by(epoch);
    }
    return kept;
  }

  internal::ReclaimRecords<Record, Atom> records_;
  alignas(kFalseSharingBytes) Atom<std::uint64_t> epoch_{1};
  typename AtomTraits<Atom>::Mutex readers_mutex_;
};

using EpochDomain = BasicEpochDomain<std::atomic>;

namespace internal {
inline constinit Immortal<EpochDomain> g_default_epoch_domain{kEpochDefaultKey,
                                                              "EpochDomain"};
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
      : record_(domain.enter()), domain_(domain) {}
  ~BasicEpochGuard() { BasicEpochDomain<Atom>::leave(record_); }
  BasicEpochGuard(const BasicEpochGuard&) = delete;
  BasicEpochGuard& operator=(const BasicEpochGuard&) = delete;

  // As if destroyed and made again, unless it is nested in another: nothing
  // read before may be used. For a reader that would stay inside for long.
  void refresh() noexcept {
    if (record_.nesting == 1) domain_.announce(record_);
  }

 private:
  internal::EpochRecord<Atom>& record_;
  BasicEpochDomain<Atom>& domain_;
};

class EpochGuard : public BasicEpochGuard<std::atomic> {
 public:
  explicit EpochGuard(EpochDomain& domain = default_epoch_domain()) noexcept
      : BasicEpochGuard<std::atomic>(domain) {}
};

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_EPOCH_H_
