// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What a thread has in a domain of reclaim_records.h, and how both find each
// other. Not for other use.
#ifndef WIREBOOK_CONCURRENCY_RECLAIM_RECORD_H_
#define WIREBOOK_CONCURRENCY_RECLAIM_RECORD_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "concurrency/retired_chain.h"
#include "memory/cache_line.h"

namespace wirebook::internal {

// What a thread's end has to know of a record. Under the registry's mutex.
struct ThreadHook {
  void (*leave)(ThreadHook*) noexcept = nullptr;
  std::uint64_t domain_id = 0;
  ThreadHook* next = nullptr;       // The next one of this thread.
  ThreadHook** previous = nullptr;  // What points here; null: no owner.
};

// Guards hooks and who owns which record. Never destroyed. Held over no access
// to an Atom<T>.
std::mutex& reclaim_registry() noexcept;
void hook_this_thread(ThreadHook& hook) noexcept;  // Under the mutex.
void unhook(ThreadHook& hook) noexcept;            // Under the mutex.
// The hook that this thread has for the domain, or null.
ThreadHook* find_hook(std::uint64_t domain_id) noexcept;

// What finds a domain's record. An id is never used twice.
struct DomainKey {
  std::uint64_t id;
  std::uint32_t index;  // Into t_reclaim_records.
};
// The default domains have an index each, for themselves. 61 others have, too;
// beyond, domains share one, and a thread that turns from one of them to the
// other takes the registry's mutex.
inline constexpr std::size_t kThreadRecordEntries = 64;
inline constexpr DomainKey kHazardPointerDefaultKey{1, 0};
inline constexpr DomainKey kEpochDefaultKey{2, 1};
inline constexpr DomainKey kRcuDefaultKey{3, 2};
inline constexpr std::uint32_t kFirstFreeIndex = 3;
DomainKey new_domain_key() noexcept;
void free_domain_key(const DomainKey& key) noexcept;

struct ThreadRecordEntry {
  std::uint64_t domain_id;  // Whose record it is; 0: none.
  void* record;
};
extern constinit thread_local ThreadRecordEntry
    t_reclaim_records[kThreadRecordEntries];

struct ReclaimCounts {
  std::uint64_t retired = 0;
  std::uint64_t reclaimed = 0;
  std::uint64_t scans = 0;
  std::size_t threads = 0;  // Records: the most threads there were at once.
};

// Base of a domain's record of a thread.
template <template <typename> class Atom>
struct ReclaimRecord : ThreadHook {
  // Takes objects that are safe, for its thread to reclaim outside the lock;
  // none while that thread is at it further up its stack. Under `lock`.
  void begin_pass(RetiredChain& due, std::size_t most) noexcept {
    if (reclaiming || safe.empty()) return;
    if (most >= safe.size()) {
      due.take(safe);
    } else {
      while (due.size() < most) due.push(safe.pop());
    }
    counts.reclaimed += due.size();
    reclaiming = true;
    // Relaxed: under the lock.
    pass.store(++pass_count, std::memory_order_relaxed);
  }

  // The owner, outside the lock, after begin_pass() gave it something.
  void run_pass(RetiredChain& due) noexcept {
    while (RetiredLink* const object = due.pop())
      object->retired_reclaim_(object);
    reclaiming = false;
    // Pairs with the acquire in wait_for_pass(): the deleters before it.
    pass.store(++pass_count, std::memory_order_release);
  }

  // Any thread: until the pass that is open now, if one is, has ended.
  void wait_for_pass() noexcept {
    ReclaimBackoff<Atom> backoff;
    // Pairs with the release in run_pass(). The lock that the caller held last
    // shows it every pass that took objects before.
    const std::uint64_t seen = pass.load(std::memory_order_acquire);
    if (seen % 2 == 0) return;
    while (pass.load(std::memory_order_acquire) == seen) backoff.turn();
  }

  void on_join() noexcept {}
  void on_leave() noexcept {}

  // Takes what this record has. Under its `lock`.
  void give(RetiredChain& to) noexcept {
    to.take(open);
    to.take(safe);
    // Relaxed: a hint; the lock orders.
    left.store(false, std::memory_order_relaxed);
  }

  void* domain_records = nullptr;
  ReclaimRecord* next_free = nullptr;  // Under the registry's mutex.
  ReclaimRecord* next_record = nullptr;
  std::atomic<bool> left{false};  // Its thread ended: others take what it has.
  bool reclaiming = false;        // The owner's.
  std::uint64_t pass_count = 0;   // The owner's.

  alignas(kFalseSharingBytes) ReclaimLock<Atom> lock;
  // Under `lock`:
  RetiredChain open;                    // Retired, and not known to be safe.
  RetiredChain safe;                    // No reader has them.
  std::size_t scan_at = kReclaimBatch;  // Size of `open` that asks for a scan.
  ReclaimCounts counts;
  Atom<std::uint64_t> pass{0};  // Odd while the owner runs deleters.
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_CONCURRENCY_RECLAIM_RECORD_H_
