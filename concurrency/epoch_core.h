// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// EpochCore: the algorithm under EpochDomain and rcu_domain. Include epoch.h or
// rcu.h, which say what it promises.
//
// Fraser, "Practical lock-freedom" (UCAM-CL-TR-579, 2004), 5.2.3, with epochs
// that never come again: a batch is stamped with an epoch that begins after its
// objects were unlinked, so that it is safe as soon as no reader announces an
// older one. One look is enough where three counted epochs need two advances.
#ifndef WIREBOOK_CONCURRENCY_EPOCH_CORE_H_
#define WIREBOOK_CONCURRENCY_EPOCH_CORE_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "concurrency/atom_traits.h"
#include "concurrency/epoch_record.h"
#include "concurrency/reclaim_records.h"
#include "memory/cache_line.h"

namespace wirebook {

namespace internal {

template <template <typename> class Atom>
class EpochCore {
 public:
  using Record = EpochRecord<Atom>;

  constexpr EpochCore(DomainKey key, const char* component) noexcept
      : records_(key, component) {}
  ~EpochCore() {
    if (oldest_reader() != kNone) {
      records_.die("destroyed while a thread is inside");
    }
    while (stats().unreclaimed != 0) barrier();
  }
  EpochCore(const EpochCore&) = delete;
  EpochCore& operator=(const EpochCore&) = delete;

  // ---- Readers ----

  Record& this_thread() noexcept { return records_.this_thread(); }

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

  void refresh(Record& record) noexcept {
    // Relaxed: its own. Acquire: as in announce(), which an old epoch spares.
    if (record.nesting == 1 &&
        record.announced.load(std::memory_order_relaxed) !=
            epoch_.load(std::memory_order_acquire)) {
      announce(record);
    }
  }

  static void leave(Record& record) noexcept {
    if (record.nesting == 1) [[likely]] {
      record.nesting = 0;
      // Pairs with the acquire in is_before(): the reads before its end.
      record.announced.store(0, std::memory_order_release);
    } else if (record.nesting-- == 0) {
      reclaim_die("epoch", &record, "left and never entered");
    }
  }

  // ---- Writers ----

  template <typename T, typename D>
  void retire(T* ptr, D deleter) {
    using Node = RetiredPointer<T, D>;
    static_assert(alignof(Node) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    void* const storage = sizeof(Node) <= RetiredNodes::kBytes
                              ? records_.this_thread().nodes.allocate()
                              : ::operator new(sizeof(Node));
    try {
      ::new (storage) Node(*this, ptr, std::move(deleter));
    } catch (...) {
      free_node<Node>(storage);
      throw;
    }
    retire_object(static_cast<Node*>(storage));
  }

  void retire_object(RetiredLink* object) noexcept {
    Record& record = records_.this_thread();
    Chain due;
    {
      const std::lock_guard guard(record.lock);
      ++record.counts.retired;
      record.open.push(object);
      if (record.open.size() >= record.scan_at) [[unlikely]] {
        scan(record);
      }
      record.begin_pass(
          due, (record.safe.size() > kLongStall ? 4 : 1) * kReclaimPerRetire);
    }
    if (!due.empty()) record.run_pass(due);
  }

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

  void synchronize() noexcept {
    expect_outside(records_.this_thread());
    const std::uint64_t epoch = begin_epoch();
    for (Record* r = records_.first(); r != nullptr; r = records_.next(r)) {
      ReclaimBackoff<Atom> backoff;
      while (is_before(*r, epoch)) backoff.turn();
    }
  }

  void barrier() noexcept {
    const Record& record = records_.this_thread();
    if (!record.reclaiming) expect_outside(record);
    records_.sweep([this](Chain& all, Record& own) {
      if (!all.empty()) synchronize();
      const std::lock_guard guard(own.lock);
      own.safe.take(all);
    });
  }

  // ---- Reports ----

  EpochStats stats() const noexcept {
    const ReclaimCounts counts = records_.counts();
    // Relaxed: orders nothing.
    return {epoch_.load(std::memory_order_relaxed),
            counts.retired,
            counts.reclaimed,
            counts.retired - counts.reclaimed,
            counts.scans,
            counts.threads};
  }

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
  using Chain = RetiredChain;

  static constexpr std::uint64_t kNone = ~std::uint64_t{0};
  static constexpr std::size_t kLongStall = 8 * kReclaimBatch;

  template <typename T, typename D>
  struct RetiredPointer : RetiredLink {
    RetiredPointer(EpochCore& d, T* p, D&& f)
        : domain(&d), ptr(p), deleter(std::move(f)) {
      this->retired_reclaim_ = &reclaim_pointer;
    }
    static void reclaim_pointer(RetiredLink* object) noexcept {
      auto* const node = static_cast<RetiredPointer*>(object);
      T* const ptr = node->ptr;
      D deleter = std::move(node->deleter);
      EpochCore* const domain = node->domain;
      node->~RetiredPointer();
      domain->template free_node<RetiredPointer>(node);
      deleter(ptr);
    }
    EpochCore* domain;
    T* ptr;
    [[no_unique_address]] D deleter;
  };

  void expect_outside(const Record& record) const noexcept {
    if (record.nesting == 0) return;
    records_.die("waiting for readers inside a guard: for itself, for ever");
  }

  template <typename Node>
  void free_node(void* storage) noexcept {
    if constexpr (sizeof(Node) <= RetiredNodes::kBytes) {
      records_.this_thread().nodes.deallocate(storage);
    } else {
      ::operator delete(storage);
    }
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
    record.scan_at = record.open.size() + kReclaimBatch;
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

  ReclaimRecords<Record, Atom> records_;
  alignas(kFalseSharingBytes) Atom<std::uint64_t> epoch_{1};
  typename AtomTraits<Atom>::Mutex readers_mutex_;
};

}  // namespace internal
}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_EPOCH_CORE_H_
