// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// hazard_pointer_domain: what hazard pointers protect against, and the objects
// that wait for them. Include hazard_pointer.h; this is its inner half.
#ifndef WIREBOOK_CONCURRENCY_HAZARD_POINTER_DOMAIN_H_
#define WIREBOOK_CONCURRENCY_HAZARD_POINTER_DOMAIN_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

#include "concurrency/atom_traits.h"
#include "concurrency/hazard_slots.h"
#include "concurrency/reclaim_records.h"

namespace wirebook {

// Extension. Exact while no other thread is in the domain.
struct hazard_pointer_domain_stats {
  std::uint64_t retired = 0;        // Objects, ever.
  std::uint64_t reclaimed = 0;      // Of these.
  std::uint64_t unreclaimed = 0;    // The rest; never above `bound`.
  std::uint64_t bound = 0;          // threads * (hazard_pointers + a batch).
  std::uint64_t scans = 0;          // Looks at all hazard pointers.
  std::size_t hazard_pointers = 0;  // Made at all; they are used again.
  std::size_t threads = 0;          // The most that were here at once.
};

namespace internal {

template <template <typename> class Atom>
struct HazardRecord : ReclaimRecord<Atom> {
  void on_leave() noexcept;
  // The owner's, unused. One apart: making and destroying one hazard pointer
  // again and again then waits for no count and no link.
  HazardSlot<Atom>* ready = nullptr;
  HazardSlotList<Atom> slots;  // The owner's, unused.
};

// The slots first: they die after the records, as threads that end give them
// back until then.
template <template <typename> class Atom>
struct HazardRecords : HazardStore<Atom>,
                       ReclaimRecords<HazardRecord<Atom>, Atom> {
  using ReclaimRecords<HazardRecord<Atom>, Atom>::ReclaimRecords;
};

template <template <typename> class Atom>
void HazardRecord<Atom>::on_leave() noexcept {
  auto& records = *static_cast<HazardRecords<Atom>*>(
      static_cast<ReclaimRecords<HazardRecord, Atom>*>(this->domain_records));
  if (ready != nullptr) records.unowned.push(std::exchange(ready, nullptr));
  while (!slots.empty()) records.unowned.push(slots.pop());
}

}  // namespace internal

// Concurrency TS 2's custom domains (N4956, [saferecl.hp.domain]), without its
// allocator. Any thread may use it at any time.
template <template <typename> class Atom>
class basic_hazard_pointer_domain {
 public:
  basic_hazard_pointer_domain() noexcept
      : basic_hazard_pointer_domain(internal::new_domain_key()) {}

  // For the default domain.
  constexpr explicit basic_hazard_pointer_domain(
      internal::DomainKey key) noexcept
      : records_(key, "hazard_pointer_domain") {}

  // Reclaims all that is retired here, and what their deleters retire. Ends the
  // process if one of its hazard pointers still has an owner.
  ~basic_hazard_pointer_domain() {
    const hazard_pointer_domain_stats at_end = stats();
    if (free_slots() != at_end.hazard_pointers) {
      records_.die("destroyed while a hazard_pointer of it is alive");
    }
    while (stats().unreclaimed != 0) clean_up();
  }

  basic_hazard_pointer_domain(const basic_hazard_pointer_domain&) = delete;
  basic_hazard_pointer_domain& operator=(const basic_hazard_pointer_domain&) =
      delete;

  // Extension. Walks threads and takes their locks: for reports.
  hazard_pointer_domain_stats stats() const noexcept {
    const internal::ReclaimCounts counts = records_.counts();
    hazard_pointer_domain_stats stats;
    stats.retired = counts.retired;
    stats.reclaimed = counts.reclaimed;
    stats.unreclaimed = counts.retired - counts.reclaimed;
    stats.scans = counts.scans;
    stats.threads = counts.threads;
    // Relaxed: orders nothing.
    stats.hazard_pointers = slot_count_.load(std::memory_order_relaxed);
    stats.bound = counts.threads * (stats.hazard_pointers + batch());
    return stats;
  }

 private:
  using Slot = internal::HazardSlot<Atom>;
  using Block = internal::HazardBlock<Atom>;
  using Record = internal::HazardRecord<Atom>;
  using Object = internal::HazardObject;
  using Chain = internal::RetiredChain;

  template <template <typename> class>
  friend class basic_hazard_pointer;
  template <typename, typename, template <typename> class>
  friend class basic_hazard_pointer_obj_base;
  template <template <typename> class A>
  friend basic_hazard_pointer_domain<A>&
  basic_hazard_pointer_default_domain() noexcept;
  template <template <typename> class A>
  friend void hazard_pointer_clean_up(
      basic_hazard_pointer_domain<A>& domain) noexcept;

  static constexpr std::size_t kKeptSlots = 16;  // Unused, by a thread.

  // ---- Hazard pointers ----

  // An unassociated one. Throws std::bad_alloc.
  Slot* own_slot() {
    Record& record = records_.this_thread();
    if (record.ready != nullptr) [[likely]] {
      return std::exchange(record.ready, nullptr);
    }
    if (record.slots.empty()) refill(record);
    return record.slots.pop();
  }

  void disown_slot(Slot* slot) noexcept {
    // Pairs with the acquire in split(): uses of the object before its end.
    slot->hazard.store(nullptr, std::memory_order_release);
    Record& record = records_.this_thread();
    if (record.ready == nullptr) [[likely]] {
      record.ready = slot;
      return;
    }
    record.slots.push(slot);
    if (record.slots.size() > kKeptSlots) give_back(record);
  }

  void give_back(Record& record) noexcept {
    const std::lock_guard guard(internal::reclaim_registry());
    while (record.slots.size() > kKeptSlots / 2) {
      records_.unowned.push(record.slots.pop());
    }
  }

  [[gnu::noinline]] void refill(Record& record) {
    {
      const std::lock_guard guard(internal::reclaim_registry());
      for (int i = 0; i < 4 && !records_.unowned.empty(); ++i) {
        record.slots.push(records_.unowned.pop());
      }
    }
    if (!record.slots.empty()) return;
    Block* const block = records_.add_block();
    for (Slot& slot : block->slots) record.slots.push(&slot);
    // Relaxed: a figure for batch().
    slot_count_.fetch_add(block->slots.size(), std::memory_order_relaxed);
  }

  // ---- Reclamation ----

  void retire(Object* object) noexcept {
    Record& record = records_.this_thread();
    Chain due;
    {
      const std::lock_guard guard(record.lock);
      ++record.counts.retired;
      record.open.push(object);
      std::size_t most = internal::kReclaimPerRetire;
      if (record.open.size() >= record.scan_at) [[unlikely]] {
        most += scan(record);
      }
      record.begin_pass(due, most);
    }
    if (!due.empty()) record.run_pass(due);
  }

  // A thread scans when it retired as many objects again as there are hazard
  // pointers, and one batch at least: at most one object per hazard pointer
  // stays with it, so a scan costs O(1) per object that it frees (Michael,
  // "Hazard Pointers", IEEE TPDS 2004, section 3.2).
  std::size_t batch() const noexcept {
    // Relaxed: late news makes one batch a little short.
    return std::max(internal::kReclaimBatch,
                    slot_count_.load(std::memory_order_relaxed));
  }

  // Under record.lock. Returns how many objects it took over from ended
  // threads; were they to wait with its own, the bound would not hold.
  std::size_t scan(Record& record) noexcept {
    ++record.counts.scans;
    Chain suspects;
    suspects.take(record.open);
    const std::size_t own = suspects.size();
    records_.take_leftovers(record, suspects);
    const std::size_t taken = suspects.size() - own;
    split(suspects, record.open);
    record.safe.take(suspects);
    record.scan_at = record.open.size() + batch();
    return taken;
  }

  void clean_up() noexcept {
    records_.sweep([this](Chain& all, Record& own) {
      Chain held;
      split(all, held);
      const std::lock_guard guard(own.lock);
      ++own.counts.scans;
      own.safe.take(all);
      own.open.take(held);
      own.scan_at = own.open.size() + batch();
    });
  }

  // Moves to `held` those of `suspects` that a hazard pointer holds.
  void split(Chain& suspects, Chain& held) noexcept {
    // Pairs with the light fence of protect(): either its hazard is seen here,
    // or its second look at the source sees that the object was unlinked.
    AtomTraits<Atom>::heavy_fence();
    internal::HazardSet hazards;
    for (const Block* block = records_.first_block(); block != nullptr;
         block = block->next) {
      for (const Slot& slot : block->slots) {
        // Pairs with the release of what ends a protection.
        const Object* const hazard =
            slot.hazard.load(std::memory_order_acquire);
        if (hazard == nullptr) continue;
        if (hazards.full()) hazards.move_held(suspects, held);
        hazards.add(hazard);
      }
    }
    hazards.move_held(suspects, held);
  }

  std::size_t free_slots() const noexcept {
    const std::lock_guard guard(internal::reclaim_registry());
    std::size_t count = records_.unowned.size();
    for (Record* r = records_.first(); r != nullptr; r = records_.next(r)) {
      count += r->slots.size() + (r->ready != nullptr ? 1 : 0);
    }
    return count;
  }

  internal::HazardRecords<Atom> records_;
  Atom<std::size_t> slot_count_{0};
};

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_HAZARD_POINTER_DOMAIN_H_
