// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What hazard_pointer, epoch and rcu have in common: retired objects in chains,
// and one record per thread and domain that holds them. Not for other use.
//
// A record belongs to one thread at a time, is found through thread_local
// storage, and passes with all that is in it to a later thread when its own
// ends. Records are never freed before their domain, so that a scan needs no
// protection of its own. Thread and domain may end in any order.
//
// Retired objects lie in their retirer's record behind a lock of one locked
// instruction, which others take only to sweep a domain (cleanup, rcu_barrier)
// or to read statistics. Deleters run outside of it, and a deleter may retire:
// such an object is stored and left to a later call.
#ifndef WIREBOOK_CONCURRENCY_RECLAIM_RECORDS_H_
#define WIREBOOK_CONCURRENCY_RECLAIM_RECORDS_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <mutex>
#include <new>
#include <type_traits>
#include <utility>

#include "concurrency/atom_traits.h"
#include "concurrency/reclaim_record.h"
#include "concurrency/retired_chain.h"

namespace wirebook::internal {

// A domain's records. Record derives from ReclaimRecord<Atom>, and may hide its
// give(), on_join() (called by its thread) and on_leave() (at its thread's end,
// under the registry's mutex).
template <typename Record, template <typename> class Atom>
class ReclaimRecords {
 public:
  constexpr ReclaimRecords(DomainKey key, const char* component) noexcept
      : key_(key), component_(component) {}

  // Alone. Threads that have records here may live on, or end meanwhile.
  ~ReclaimRecords() {
    Record* record = first();
    {
      const std::lock_guard guard(reclaim_registry());
      for (Record* r = record; r != nullptr; r = next(r)) unhook(*r);
    }
    while (record != nullptr) delete std::exchange(record, next(record));
    free_domain_key(key_);
  }

  ReclaimRecords(const ReclaimRecords&) = delete;
  ReclaimRecords& operator=(const ReclaimRecords&) = delete;

  Record& this_thread() noexcept {
    const ThreadRecordEntry& entry = t_reclaim_records[key_.index];
    if (entry.domain_id == key_.id) [[likely]] {
      return *static_cast<Record*>(entry.record);
    }
    return attach();
  }

  // Every record there ever was. Pairs with the release in adopt().
  Record* first() const noexcept {
    return static_cast<Record*>(first_.load(std::memory_order_acquire));
  }
  static Record* next(Record* record) noexcept {
    return static_cast<Record*>(record->next_record);
  }

  // Takes what ended threads left, unless a sweep or another thread is at it.
  // Under own.lock: other locks are only tried, or two that do this could wait
  // for each other.
  void take_leftovers(const Record& own, RetiredChain& to) noexcept {
    bool may_move = false;
    for (Record* r = first(); r != nullptr; r = next(r)) {
      // Relaxed: a hint; the lock orders.
      if (!r->left.load(std::memory_order_relaxed) || r == &own) continue;
      if (!may_move && !(may_move = move_lock_.try_lock())) return;
      if (!r->lock.try_lock()) continue;
      r->give(to);
      r->lock.unlock();
    }
    if (may_move) move_lock_.unlock();
  }

  // Gathers what all threads have retired; `look(all, own)` moves what is safe
  // from `all` to own.safe and keeps the rest in own.open, under own.lock.
  // Returns when all of own.safe and what others were at is reclaimed. Within a
  // deleter of this domain it does nothing.
  template <typename Look>
  void sweep(Look look) noexcept {
    Record& own = this_thread();
    if (own.reclaiming) return;
    const std::lock_guard one_at_a_time(sweep_mutex_);
    RetiredChain all;
    gather(all);
    look(all, own);
    RetiredChain due;
    {
      const std::lock_guard guard(own.lock);
      own.begin_pass(due, due.max_size());
    }
    if (!due.empty()) own.run_pass(due);
    for (Record* r = first(); r != nullptr; r = next(r)) r->wait_for_pass();
  }

  // Sums over all records. Exact while no other thread is in the domain.
  ReclaimCounts counts() const noexcept {
    ReclaimCounts sum;
    for (Record* r = first(); r != nullptr; r = next(r)) {
      const std::lock_guard guard(r->lock);
      sum.retired += r->counts.retired;
      sum.reclaimed += r->counts.reclaimed;
      sum.scans += r->counts.scans;
      ++sum.threads;
    }
    return sum;
  }

  [[noreturn]] void die(const char* what) const noexcept {
    reclaim_die(component_, this, what);
  }

 private:
  static void leave(ThreadHook* hook) noexcept {
    Record* const record = static_cast<Record*>(hook);
    record->on_leave();
    record->left.store(true, std::memory_order_relaxed);
    auto* const records = static_cast<ReclaimRecords*>(record->domain_records);
    record->next_free = std::exchange(records->free_, record);
  }

  void gather(RetiredChain& all) noexcept {
    // Nothing moves meanwhile to a record that is visited already, or new.
    const std::lock_guard nothing_moves(move_lock_);
    for (Record* r = first(); r != nullptr; r = next(r)) {
      const std::lock_guard guard(r->lock);
      r->give(all);
    }
  }

  [[gnu::noinline]] Record& attach() noexcept {
    Record* record = static_cast<Record*>(find_hook(key_.id));
    // A scheduler under Atom sees no thread's end, so nothing that orders it
    // before its successor: there each thread has a record of its own.
    constexpr bool kAdopt = std::is_same_v<Atom<int>, std::atomic<int>>;
    if (kAdopt && record == nullptr) record = adopt();
    if (record == nullptr) record = make();
    record->on_join();
    t_reclaim_records[key_.index] = {key_.id, record};
    return *record;
  }

  // A record whose thread ended, with what is in it; or null.
  Record* adopt() noexcept {
    const std::lock_guard guard(reclaim_registry());
    if (free_ == nullptr) return nullptr;
    Record* const record = static_cast<Record*>(free_);
    free_ = record->next_free;
    record->left.store(false, std::memory_order_relaxed);
    hook_this_thread(*record);
    return record;
  }

  Record* make() noexcept {
    Record* const record = new (std::nothrow) Record;
    if (record == nullptr) die("no memory for a thread's record");
    record->leave = &leave;
    record->domain_id = key_.id;
    record->domain_records = this;
    ReclaimRecord<Atom>* head = first_.load(std::memory_order_relaxed);
    do {
      record->next_record = head;
      // Pairs with the acquire in first(): the record before its address.
    } while (!first_.compare_exchange_weak(
        head, record, std::memory_order_release, std::memory_order_relaxed));
    const std::lock_guard guard(reclaim_registry());
    hook_this_thread(*record);
    return record;
  }

  const DomainKey key_;
  const char* const component_;
  Atom<ReclaimRecord<Atom>*> first_{nullptr};
  ReclaimRecord<Atom>* free_ = nullptr;  // Under the registry's mutex.
  typename AtomTraits<Atom>::Mutex sweep_mutex_;
  // Held by who moves retired objects from record to record.
  ReclaimLock<Atom> move_lock_;
};

// A domain that lives as long as the process, and needs no construction at run
// time, so that static objects of any order may use it.
template <typename Domain>
union Immortal {
  template <typename... Args>
  constexpr explicit Immortal(Args... args) noexcept : domain(args...) {}
  ~Immortal() {}
  Domain domain;
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_CONCURRENCY_RECLAIM_RECORDS_H_
