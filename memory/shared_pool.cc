// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Why a kill at any instruction does no harm
//
// A slot's state is one 64-bit word: the owner's tag (0: free) above the slot's
// generation. Only compare-exchanges change it, each valid by itself:
//   allocate    free, g     -> mine, g + 1
//   deallocate  mine, g     -> free, g
//   adopt       anyone, g   -> mine, g
//   transfer    mine, g     -> theirs, g
//   reclaim     the dead, g -> free, g
// The hint bits are not part of the truth. Two rules bind them:
//   (1) who makes a slot free sets its bit afterwards;
//   (2) who finds a bit clears it first and looks at the state afterwards.
// A bit may be set for a slot that is not free: (2) drops it. Nothing is lost
// by that: the slot was owned after the clearing, so that (1) is still to come.
//
// allocate, killed
//   before its bit is cleared      nothing has happened
//   before the exchange            the slot is free and its bit is missing
//   after the exchange             the slot is the dead process's
// deallocate, killed
//   before the exchange            the slot is the dead process's
//   before the bit is set          the slot is free and its bit is missing
//   after that                     done
// adopt, killed before or after its exchange: the former owner's or the dead
// one's. transfer: as adopt; after the exchange it looks whether `to` is still
// there, and takes the object back if not. Killed in between, it leaves a slot
// whose owner has left the table: an orphan.
// reclaim walks all slots once: the dead one's and orphans become free, and
// every free slot gets its bit. So whatever is missing is owed by a dead
// process, and comes back with that one's reclaim. It may set a bit that some
// allocate() just cleared and is about to act on: see above, a bit too many.
// reclaim, killed: the entry still says that there is something to reclaim and
// the lock is gone, so the next one begins again; what is freed is not the
// dead one's any more. At worst `reclaimed` misses one.
//
// The table. An entry is (epoch, phase): empty -> attached -> (closing) ->
// empty; each attachment is a new epoch, 12 bits of which are in the tag. Who
// changes an entry holds its lock, byte i of the file, which the kernel frees
// with its holder:
// - enter: killed before the store, empty; after it, a dead one without slots.
// - leave: says closing, looks for own slots, then says empty, or attached
//   where there are some. Killed at any place: not empty, to be reclaimed.
// The lock of an attached process belongs to an open file description that
// only its mapping refers to (its descriptor is closed, MADV_DONTFORK keeps it
// out of children). Linux drops such a lock (fs/locks.c, locks_remove_file)
// when the last reference goes, and the mapping's goes after every thread has
// left the address space (kernel/exit.c, exit_mm): no store can follow.
//
// Creation. The file has no name (O_TMPFILE, memfd) until it is complete; a
// creator that is killed leaves nothing.
#include "memory/shared_pool.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <utility>

#include "absl/strings/str_cat.h"
#include "memory/asan_poison.h"
#include "memory/fail_fast.h"
#include "memory/shared_pool_segment.h"
#include "memory/shared_segment.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace wirebook::internal {
namespace {

// A slot's state: tag above, generation below. A tag: 12 bits of the epoch
// above, entry + 1 below.
constexpr unsigned kGenerationBits = 44;
constexpr std::uint64_t kGenerationMask =
    (std::uint64_t{1} << kGenerationBits) - 1;
constexpr std::uint64_t kEpochTagMask = 0xFFF;

constexpr unsigned kPhaseBits = 2;
constexpr std::uint64_t kEmpty = 0, kAttached = 1, kClosing = 2;

constexpr std::uint64_t entry_state(std::uint64_t epoch, std::uint64_t phase) {
  return epoch << kPhaseBits | phase;
}
constexpr std::uint64_t epoch_of(std::uint64_t entry) {
  return entry >> kPhaseBits;
}
constexpr std::uint64_t phase_of(std::uint64_t entry) {
  return entry & ((1u << kPhaseBits) - 1);
}
constexpr std::uint64_t tag_of(SharedProcess process) {
  return ((process.epoch & kEpochTagMask) << 8 | (process.index + 1))
         << kGenerationBits;
}
constexpr std::uint64_t owner_of(std::uint64_t state) {
  return state & ~kGenerationMask;
}
constexpr std::uint32_t short_generation(std::uint64_t state) {
  return static_cast<std::uint32_t>(state);
}

// Holds an entry while it lives, if it got it.
class EntryLock {
 public:
  EntryLock(int fd, std::uint32_t index) noexcept
      : fd_(reopen_segment(fd, O_RDWR)) {
    held_ = fd_ >= 0 && lock_byte(fd_, index);
  }
  EntryLock(const EntryLock&) = delete;
  EntryLock& operator=(const EntryLock&) = delete;
  ~EntryLock() {
    if (fd_ >= 0) close(fd_);
  }
  bool held() const noexcept { return held_; }

 private:
  int fd_;
  bool held_;
};

}  // namespace

absl::Status SharedPoolCore::join() {
  for (const bool even_if_dead : {false, true}) {
    for (std::uint32_t i = 0; i < max_processes_; ++i) {
      if (!enter(i, even_if_dead)) continue;
      close(std::exchange(lock_fd_, -1));
      poison(slots_, capacity_ * slot_bytes_);
      home_ = std::size_t{i} * hint_words_ / max_processes_;
      cursor_.store(home_, std::memory_order_relaxed);  // Not shared yet.
      // A wish: kernels before 5.14 make pages present at the first access.
      (void)madvise(header_, bytes_, MADV_POPULATE_WRITE);
      return absl::OkStatus();
    }
  }
  return absl::ResourceExhaustedError(absl::StrCat(
      what_, ": ", max_processes_,
      " processes are attached and live: create it with more max_processes"));
}

bool SharedPoolCore::enter(std::uint32_t index, bool even_if_dead) noexcept {
  std::atomic<std::uint64_t>& entry = entries_[index].state;
  // Relaxed: looked at again under the lock.
  if (!even_if_dead &&
      phase_of(entry.load(std::memory_order_relaxed)) != kEmpty) {
    return false;
  }
  if (!lock_byte(lock_fd_, index)) return false;
  if (phase_of(entry.load()) != kEmpty) {
    if (!even_if_dead) {  // One came and died between the two looks.
      unlock_byte(lock_fd_, index);
      return false;
    }
    bury(index);
  }
  self_ = {index, epoch_of(entry.load()) + 1};
  tag_ = tag_of(self_);
  // Relaxed: published by the store that follows.
  entries_[index].pid.store(pid_, std::memory_order_relaxed);
  entry.store(entry_state(self_.epoch, kAttached));
  return true;
}

SharedPoolCore::~SharedPoolCore() {
  // In a child of fork() the memory is not there, or is somebody else's.
  if (header_ != nullptr && pid_ == getpid()) {
    if (self_.epoch != 0) {
      leave();
      unpoison(slots_, capacity_ * slot_bytes_);
    }
    munmap(header_, bytes_);
  }
  if (lock_fd_ >= 0) close(lock_fd_);
  if (fd_ >= 0) close(fd_);
}

void SharedPoolCore::leave() noexcept {
  // Sequentially consistent, with transfer(): it sees that we close, or we see
  // what it gave us.
  entries_[self_.index].state.store(entry_state(self_.epoch, kClosing));
  bool holds = false;
  for (std::size_t i = 0; i < capacity_ && !holds; ++i) {
    holds = owner_of(states_[i].load()) == tag_;
  }
  entries_[self_.index].state.store(
      entry_state(self_.epoch, holds ? kAttached : kEmpty));
}

std::size_t SharedPoolCore::index_of(const void* object,
                                     const char* doing) const noexcept {
  const std::uint64_t offset = reinterpret_cast<std::uintptr_t>(object) -
                               reinterpret_cast<std::uintptr_t>(slots_);
  if (offset >= capacity_ * slot_bytes_ || offset % slot_bytes_ != 0)
      [[unlikely]] {
    fail_fast("SharedPool", this, doing, object);
  }
  return offset / slot_bytes_;
}

std::uint64_t SharedPoolCore::own_state(std::size_t index, const void* object,
                                        const char* doing) const noexcept {
  // Relaxed: an owner reads its own word.
  const std::uint64_t state = states_[index].load(std::memory_order_relaxed);
  if (owner_of(state) != tag_) [[unlikely]] {
    fail_fast("SharedPool", this, doing, object);
  }
  return state;
}

void SharedPoolCore::give_hint(std::size_t index) noexcept {
  // Release: with take_from(), which then sees the slot free.
  hints_[index / 64].fetch_or(std::uint64_t{1} << index % 64,
                              std::memory_order_release);
}

void* SharedPoolCore::take_from(std::size_t word) noexcept {
  // Relaxed: a guess, which the fetch_and tests.
  while (const std::uint64_t hints =
             hints_[word].load(std::memory_order_relaxed)) {
    const std::uint64_t bit = hints & -hints;
    // Acquire: with give_hint().
    if (!(hints_[word].fetch_and(~bit, std::memory_order_acquire) & bit)) {
      continue;
    }
    const std::size_t index =
        word * 64 + static_cast<std::size_t>(std::countr_zero(bit));
    std::uint64_t state = states_[index].load(std::memory_order_relaxed);
    if (owner_of(state) != 0) continue;
    // Acquire: with the former owner's deallocate(). Release: with is_gone(),
    // which must find our entry when it finds our tag.
    if (states_[index].compare_exchange_strong(
            state, tag_ | ((state + 1) & kGenerationMask),
            std::memory_order_acq_rel, std::memory_order_relaxed)) {
      unpoison(slot(index), slot_bytes_);
      return slot(index);
    }
  }
  return nullptr;
}

// From this process's home on: what was used before is used again before what
// never was.
void* SharedPoolCore::allocate_slow() noexcept {
  for (std::size_t i = 0; i < hint_words_; ++i) {
    const std::size_t word = (home_ + i) % hint_words_;
    if (void* slot = take_from(word)) {
      cursor_.store(word, std::memory_order_relaxed);  // A hint.
      return slot;
    }
  }
  header_->failures.fetch_add(1, std::memory_order_relaxed);  // For stats().
  return nullptr;
}

void SharedPoolCore::deallocate(void* object) noexcept {
  if (object == nullptr) return;
  const std::size_t index =
      index_of(object, "freed an address that is no object");
  constexpr char kNotOwned[] =
      "double free, or free of an object that another process owns";
  std::uint64_t state = own_state(index, object, kNotOwned);
  poison(object, slot_bytes_);
  // Release: what was done to the object, with the next owner's acquire.
  if (!states_[index].compare_exchange_strong(state, state & kGenerationMask,
                                              std::memory_order_release,
                                              std::memory_order_relaxed)) {
    fail_fast("SharedPool", this, kNotOwned, object);
  }
  give_hint(index);
  // Relaxed: a hint; written only where it changes.
  if (cursor_.load(std::memory_order_relaxed) != index / 64) {
    cursor_.store(index / 64, std::memory_order_relaxed);
  }
}

SharedHandle SharedPoolCore::handle_of(const void* object) const noexcept {
  const std::size_t index =
      index_of(object, "asked for the handle of what is no object");
  // Relaxed: whoever asks knows that the object is out.
  return {static_cast<std::uint32_t>(index + 1),
          short_generation(states_[index].load(std::memory_order_relaxed))};
}

void* SharedPoolCore::resolve(SharedHandle handle) const noexcept {
  const std::size_t index = std::size_t{handle.slot} - 1;
  if (index >= capacity_) return nullptr;
  // Acquire: with the transition that made the owner.
  const std::uint64_t state = states_[index].load(std::memory_order_acquire);
  if (owner_of(state) == 0 || short_generation(state) != handle.generation) {
    return nullptr;
  }
  unpoison(slot(index), slot_bytes_);
  return slot(index);
}

void* SharedPoolCore::adopt(SharedHandle handle) noexcept {
  const std::size_t index = std::size_t{handle.slot} - 1;
  if (index >= capacity_) return nullptr;
  std::uint64_t state = states_[index].load(std::memory_order_relaxed);
  do {
    if (owner_of(state) == 0 || short_generation(state) != handle.generation) {
      return nullptr;
    }
    // Acquire: with transfer()'s release. Release: with is_gone(), as above.
  } while (!states_[index].compare_exchange_weak(
      state, tag_ | (state & kGenerationMask), std::memory_order_acq_rel,
      std::memory_order_relaxed));
  unpoison(slot(index), slot_bytes_);
  return slot(index);
}

bool SharedPoolCore::transfer(void* object, SharedProcess to) noexcept {
  const std::size_t index =
      index_of(object, "transferred an address that is no object");
  constexpr char kNotOwned[] =
      "transferred an object that this process does not own";
  std::uint64_t mine = own_state(index, object, kNotOwned);
  const auto attached = [&] {
    return to.index < max_processes_ &&
           entries_[to.index].state.load() == entry_state(to.epoch, kAttached);
  };
  if (!attached()) return false;
  const std::uint64_t theirs = tag_of(to) | (mine & kGenerationMask);
  if (to != self_) poison(object, slot_bytes_);
  // Sequentially consistent, with leave() and bury(): their walk sees this, or
  // we see below that they began.
  if (!states_[index].compare_exchange_strong(mine, theirs)) {
    fail_fast("SharedPool", this, kNotOwned, object);
  }
  if (attached()) return true;
  std::uint64_t now = theirs;
  if (!states_[index].compare_exchange_strong(now, mine)) {
    return true;  // They, or who reclaimed them, had it.
  }
  unpoison(object, slot_bytes_);
  return false;
}

std::uint64_t SharedPoolCore::offset_of(const void* object) const noexcept {
  return index_of(object, "asked for the offset of what is no object") *
         slot_bytes_;
}

void* SharedPoolCore::at_offset(std::uint64_t offset) const noexcept {
  if (offset >= capacity_ * slot_bytes_ || offset % slot_bytes_ != 0) {
    return nullptr;
  }
  // Acquire: with the transition that made the owner.
  const std::uint64_t state =
      states_[offset / slot_bytes_].load(std::memory_order_acquire);
  if (owner_of(state) == 0) return nullptr;
  unpoison(slots_ + offset, slot_bytes_);
  return slots_ + offset;
}

// True where `tag`'s process has left the table: nobody else frees its slots.
bool SharedPoolCore::is_gone(std::uint64_t tag) const noexcept {
  const std::uint64_t index = ((tag >> kGenerationBits) & 0xFF) - 1;
  if (index >= max_processes_) return true;
  const std::uint64_t entry = entries_[index].state.load();
  return phase_of(entry) == kEmpty ||
         tag_of({static_cast<std::uint32_t>(index), epoch_of(entry)}) != tag;
}

// The caller holds the entry's lock, and its phase is not empty.
std::size_t SharedPoolCore::bury(std::uint32_t index) noexcept {
  std::atomic<std::uint64_t>& entry = entries_[index].state;
  const std::uint64_t epoch = epoch_of(entry.load());
  const std::uint64_t dead = tag_of({index, epoch});
  entry.store(entry_state(epoch, kClosing));  // With transfer().
  std::size_t freed = 0;
  for (std::size_t i = 0; i < capacity_; ++i) {
    std::uint64_t state = states_[i].load();  // With transfer().
    const std::uint64_t owner = owner_of(state);
    if (owner != 0) {
      if (owner != dead && !is_gone(owner)) continue;
      // Fails where another process adopts it: then it is not the dead one's.
      if (!states_[i].compare_exchange_strong(state, state & kGenerationMask)) {
        continue;
      }
      header_->reclaimed.fetch_add(1, std::memory_order_relaxed);  // stats().
      ++freed;
    }
    // Relaxed: one that is set now is acted on by who clears it.
    if (!(hints_[i / 64].load(std::memory_order_relaxed) >> i % 64 & 1)) {
      give_hint(i);
    }
  }
  entry.store(entry_state(epoch, kEmpty));
  return freed;
}

absl::StatusOr<std::size_t> SharedPoolCore::reclaim(SharedProcess dead) {
  const auto gone = [&] {
    return absl::NotFoundError(absl::StrCat(
        what_, ": process ", dead.index, " of epoch ", dead.epoch,
        " is not attached: it left with nothing, or was reclaimed"));
  };
  if (dead.index >= max_processes_) return gone();
  const auto present = [&] {
    const std::uint64_t entry = entries_[dead.index].state.load();
    return epoch_of(entry) == dead.epoch && phase_of(entry) != kEmpty;
  };
  if (!present()) return gone();
  const EntryLock lock(fd_, dead.index);
  if (!lock.held()) {
    return absl::FailedPreconditionError(
        absl::StrCat(what_, ": process ", dead.index, " of epoch ", dead.epoch,
                     " lives, or is being reclaimed"));
  }
  if (!present()) return gone();
  return bury(dead.index);
}

std::size_t SharedPoolCore::reclaim_dead() {
  std::size_t freed = 0;
  for (std::uint32_t i = 0; i < max_processes_; ++i) {
    const std::uint64_t entry = entries_[i].state.load();
    if (phase_of(entry) == kEmpty || is_byte_locked(fd_, i)) continue;
    freed += reclaim({i, epoch_of(entry)}).value_or(0);
  }
  return freed;
}

std::vector<SharedProcessInfo> SharedPoolCore::processes() const {
  std::vector<SharedProcessInfo> all;
  for (std::uint32_t i = 0; i < max_processes_; ++i) {
    const std::uint64_t entry = entries_[i].state.load();
    if (phase_of(entry) == kEmpty) continue;
    SharedProcessInfo info;
    info.process = {i, epoch_of(entry)};
    // Relaxed: stored before the entry.
    info.pid = entries_[i].pid.load(std::memory_order_relaxed);
    info.alive = is_byte_locked(fd_, i);
    for (std::size_t k = 0; k < capacity_; ++k) {
      // Relaxed: a count, exact at rest.
      const std::uint64_t state = states_[k].load(std::memory_order_relaxed);
      info.held += owner_of(state) == tag_of(info.process);
    }
    all.push_back(info);
  }
  return all;
}

SharedPoolStats SharedPoolCore::stats() const noexcept {
  SharedPoolStats stats;
  stats.capacity = capacity_;
  for (std::size_t i = 0; i < capacity_; ++i) {
    // Relaxed, all of them: counts, exact at rest.
    const std::uint64_t state = states_[i].load(std::memory_order_relaxed);
    stats.in_use += owner_of(state) != 0;
    stats.peak_usage += (state & kGenerationMask) != 0;
    stats.total_allocations += state & kGenerationMask;
  }
  stats.total_deallocations = stats.total_allocations - stats.in_use;
  stats.allocation_failures = header_->failures.load(std::memory_order_relaxed);
  stats.reclaimed = header_->reclaimed.load(std::memory_order_relaxed);
  stats.capacity_bytes = bytes_;
  stats.overhead_bytes = bytes_ - capacity_ * header_->prefix.object_bytes;
  return stats;
}

}  // namespace wirebook::internal
