// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// RawMessagePool: the memory that the kernel receives into, and the
// descriptors (RawMessage) by which messages in it travel to other threads.
//
// One pool serves one network thread, its owner. Memory is handed out in
// slabs, one per connection: a slab is a ring of 64 KiB slots, mapped twice in
// a row, so that any message in it is contiguous. A byte's position counts from
// the slab's beginning and never wraps; slot = position / 64 KiB modulo slots.
// Many messages share a slot. A slot may be written again when the parser has
// passed it and all messages that begin in it, and all slots before it, are
// released: slots return in ring order, so a message that runs on into the next
// slots protects these too. README.md draws the life of a slot.
//
// Guarantee: RawMessageLane::release() is wait-free and cannot fail: a lane
// holds every descriptor there is. All else is the owner thread's, without
// locks. After create, add_slab and add_lane nothing allocates. A descriptor of
// another pool, or one that is home already, ends the process with one line on
// stderr. One that was released and handed out anew is its new holder's: a
// second release by the old one cannot be told from his.
//
// When memory runs out: acquire returns nullptr, and is counted; the caller
// stops reading, so that the sender is slowed down by TCP, and tries again
// after reclaim(). Nothing is dropped. detach() gives a message memory of its
// own, so that what it held returns while it is still out.
//
// Cost: raw_message_pool_benchmark; README.md has the figures.
//
//   auto pool = *wirebook::RawMessagePool::create({});
//   wirebook::RawMessageSlab* slab = *pool->add_slab(32);    // 2 MiB
//   wirebook::RawMessageLane& lane = pool->add_lane();       // for a consumer
//   // owner: received n bytes at slab->write_pointer()
//   slab->commit(n);
//   wirebook::RawMessage* m = pool->acquire(*slab, position, size);
//   slab->set_parse_position(position + size);
//   // consumer's thread, when done with m:
//   lane.release(m);
//   // owner, once per turn of its loop:
//   pool->reclaim();

#ifndef WIREBOOK_NET_RAW_MESSAGE_POOL_H_
#define WIREBOOK_NET_RAW_MESSAGE_POOL_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "concurrency/spsc_ring.h"
#include "memory/page_mapping.h"
#include "net/raw_message.h"

namespace wirebook {

inline constexpr size_t kRawMessageSlotBytes = size_t{64} << 10;

struct RawMessagePoolOptions {
  // Slots that all slabs together may have; address space and memory are only
  // taken by add_slab.
  size_t slots = 16384;
  // Messages that may be out at a time.
  size_t descriptors = size_t{1} << 16;
  // Messages too long for their slab are copied into one of so many buffers of
  // `large_bytes` each; their pages are touched only when used.
  size_t large_messages = 8;
  size_t large_bytes = size_t{16} << 20;
  // What detached messages may take together, slack included.
  size_t detached_bytes = size_t{64} << 20;
};

struct RawMessagePoolStatistics {
  uint64_t acquired = 0;             // descriptors handed out, of any kind
  uint64_t released = 0;             // came back
  uint64_t most_outstanding = 0;     // high-water mark of the difference
  uint64_t descriptors_missing = 0;  // acquire found none free
  uint64_t large = 0;                // large messages
  uint64_t large_missing = 0;        // no large buffer was free
  uint64_t external = 0;             // acquire_external
  uint64_t detached = 0;             // messages, so far
  uint64_t detached_bytes = 0;       // of those that are out
  uint64_t slots = 0;                // in slabs
};

// The receive memory of one connection. Owner thread only.
class RawMessageSlab {
 public:
  RawMessageSlab(const RawMessageSlab&) = delete;
  RawMessageSlab& operator=(const RawMessageSlab&) = delete;

  size_t slots() const noexcept { return slots_; }
  size_t bytes() const noexcept { return slots_ * kRawMessageSlotBytes; }

  // The longest frame or message that surely finds contiguous room.
  size_t max_contiguous_bytes() const noexcept {
    return bytes() - kRawMessageSlotBytes;
  }

  // The byte at `position`; bytes() + kRawMessageSlackBytes, less the part of
  // a slot before it, are contiguous from here.
  char* at(uint64_t position) const noexcept {
    return base_ + (position & mask_);
  }

  // ---- Receiving: who fills the slab ----------------------------------------

  // The next byte to be received.
  uint64_t write_position() const noexcept { return write_; }
  char* write_pointer() const noexcept { return at(write_); }
  // The first position that may not be written yet.
  uint64_t write_limit() const noexcept {
    return (returned_ + slots_) * kRawMessageSlotBytes;
  }
  size_t writable_bytes() const noexcept { return write_limit() - write_; }
  // `n` bytes have been received at the write position. More than were
  // writable ends the process.
  void commit(size_t n) noexcept {
    if (n > writable_bytes()) die("more received than there was room for");
    write_ += n;
  }

  // ---- Parsing

  uint64_t parse_position() const noexcept { return parse_; }
  // All before `position` has been parsed; what messages there are of it has
  // been acquired. Slots may return.
  void set_parse_position(uint64_t position) noexcept {
    parse_ = position;
    return_slots();
  }
  // Slots that returned since the slab was made; a message's slot is the one
  // it begins in.
  uint64_t returned_slots() const noexcept { return returned_; }

 private:
  friend class RawMessagePool;

  explicit RawMessageSlab(PageMapping pages)
      : pages_(std::move(pages)),
        base_(reinterpret_cast<char*>(pages_.data())),
        mask_(pages_.size() - 1),
        slot_mask_(pages_.size() / kRawMessageSlotBytes - 1),
        slots_(pages_.size() / kRawMessageSlotBytes),
        outstanding_(slots_) {}

  void return_slots() noexcept {
    // A slot below the parse position is full, so the kernel is done with it.
    const uint64_t parsed = parse_ / kRawMessageSlotBytes;
    while (returned_ < parsed && outstanding_[returned_ & slot_mask_] == 0) {
      ++returned_;
    }
  }

  [[noreturn, gnu::cold, gnu::noinline]] void die(const char* what) const;

  PageMapping pages_;  // mirrored
  char* const base_;
  const uint64_t mask_;
  const uint64_t slot_mask_;
  const size_t slots_;
  uint64_t write_ = 0;
  uint64_t parse_ = 0;
  uint64_t returned_ = 0;  // slots, counted without wrapping
  std::vector<uint32_t> outstanding_;
  uint16_t index_ = 0;
  bool lent_ = false;
};

// The way home for one consumer thread.
class RawMessageLane {
 public:
  // Wait-free; one thread at a time.
  void release(RawMessage* message) noexcept;

 private:
  friend class RawMessagePool;
  using Ring = SpscRing<RawMessage*>;

  // The storage is zeroed, and so touched: no page fault on the first lap.
  RawMessageLane(const class RawMessagePool& pool, size_t capacity)
      : pool_(pool),
        storage_(Ring::storage_bytes(capacity)),
        ring_(capacity, storage_) {}

  const RawMessagePool& pool_;
  std::vector<std::byte> storage_;
  Ring ring_;
};

class RawMessagePool {
 public:
  static absl::StatusOr<std::unique_ptr<RawMessagePool>> create(
      const RawMessagePoolOptions& options);
  // Messages must be home; one that is still out ends the process.
  ~RawMessagePool();
  RawMessagePool(const RawMessagePool&) = delete;
  RawMessagePool& operator=(const RawMessagePool&) = delete;

  // ---- Set-up

  // A slab of `slots` slots, a power of two from 2 to 32768. One that was
  // returned by return_slab is used again.
  absl::StatusOr<RawMessageSlab*> add_slab(size_t slots);
  // The connection is done with it; messages in it may still be out.
  void return_slab(RawMessageSlab* slab) noexcept;
  // One per consumer thread; before that thread releases anything.
  RawMessageLane& add_lane();

  // ---- Owner thread

  // A descriptor of `size` bytes at `position`, tag 0. nullptr when all
  // descriptors are out.
  RawMessage* acquire(RawMessageSlab& slab, uint64_t position, uint32_t size,
                      const RawMessageStamp& stamp = {}) noexcept {
    RawMessage* const message = take();
    if (message == nullptr) return nullptr;
    const auto slot = static_cast<uint32_t>((position / kRawMessageSlotBytes) &
                                            slab.slot_mask_);
    message->stamp(stamp);
    message->data = slab.at(position);
    message->size = size;
    message->origin_ = RawMessage::Origin::kSlab;
    message->slab_ = slab.index_;
    message->place_ = slot;
    ++slab.outstanding_[slot];
    return message;
  }

  // A buffer of options().large_bytes plus slack; nullptr when all are taken.
  // It goes on as a message by acquire_large or back by abandon_large.
  char* take_large() noexcept;
  RawMessage* acquire_large(char* buffer, uint32_t size) noexcept;
  void abandon_large(char* buffer) noexcept;

  // Bytes that are not the pool's (kRawMessageSlackBytes readable behind them)
  // in a descriptor of it; `done(argument)` runs on the owner's thread when
  // the message has come home.
  RawMessage* acquire_external(const char* data, uint32_t size,
                               void (*done)(void*), void* argument) noexcept;

  // Moves the bytes of `message`, whose holder calls this, to memory of their
  // own (one malloc, freed when it comes home): its slot or large buffer may
  // return at once. False, and nothing changed, beyond options().detached_bytes
  // or when the system has none. External bytes stay where they are: true.
  bool detach(RawMessage* message) noexcept;

  // From the owner's thread itself.
  void release(RawMessage* message) noexcept {
    check_held(message);
    free(message);
  }

  // Takes in what the lanes brought; returns how many messages that were.
  size_t reclaim() noexcept;

  const RawMessagePoolOptions& options() const noexcept { return options_; }
  // Messages that are out.
  size_t outstanding() const noexcept {
    return options_.descriptors - free_count_;
  }
  // Messages that have come home so far.
  uint64_t settled() const noexcept { return acquired_ - outstanding(); }
  // Those and the large buffers that were abandoned: while it stays the same,
  // what could not be had is still not to be had.
  uint64_t came_home() const noexcept { return settled() + abandoned_; }
  bool descriptor_free() const noexcept { return free_count_ != 0; }
  RawMessagePoolStatistics statistics() const noexcept;

 private:
  friend class RawMessageLane;

  explicit RawMessagePool(const RawMessagePoolOptions& options);

  RawMessage* take() noexcept {
    if (free_count_ == 0) [[unlikely]] {
      ++descriptors_missing_;
      return nullptr;
    }
    RawMessage* const message = free_[--free_count_];
    if (free_count_ < least_free_) least_free_ = free_count_;
    ++acquired_;
    // Relaxed: whoever gets the pointer gets it by a synchronising hand-over.
    std::atomic_ref(message->state_)
        .store(RawMessage::kHeld, std::memory_order_relaxed);
    message->tag = 0;
    return message;
  }

  // Any thread.
  void check_held(const RawMessage* message) const noexcept {
    const auto offset = reinterpret_cast<uintptr_t>(message) -
                        reinterpret_cast<uintptr_t>(messages_.get());
    if (offset >= options_.descriptors * sizeof(RawMessage) ||
        offset % sizeof(RawMessage) != 0) [[unlikely]] {
      die("released a message that is not of this pool", message);
    }
    // Relaxed: the lane's ring orders it with settle().
    if (std::atomic_ref(message->state_).load(std::memory_order_relaxed) !=
        RawMessage::kHeld) [[unlikely]] {
      die("message released twice", message);
    }
  }

  // Any thread. Two threads that release the same message at the same moment
  // may both pass here; the second to arrive in settle() does not.
  void mark_released(RawMessage* message) const noexcept {
    check_held(message);
    // Relaxed: as in check_held.
    std::atomic_ref(message->state_)
        .store(RawMessage::kOnLane, std::memory_order_relaxed);
  }

  void settle(RawMessage* message) noexcept {
    // Relaxed: see check_held.
    if (std::atomic_ref(message->state_).load(std::memory_order_relaxed) !=
        RawMessage::kOnLane) [[unlikely]] {
      die("message released twice", message);
    }
    free(message);
  }

  void free(RawMessage* message) noexcept {
    // Relaxed: whoever released it does not look at it again.
    std::atomic_ref(message->state_)
        .store(RawMessage::kFree, std::memory_order_relaxed);
    free_place(message);
    free_[free_count_++] = message;
  }

  // What its bytes lie in.
  void free_place(RawMessage* message) noexcept {
    if (message->origin_ == RawMessage::Origin::kSlab) [[likely]] {
      RawMessageSlab& slab = *slabs_[message->slab_];
      if (--slab.outstanding_[message->place_] == 0) slab.return_slots();
    } else {
      free_other_place(message);
    }
  }

  void free_other_place(RawMessage* message) noexcept;
  void free_large(uint32_t buffer) noexcept;

  [[noreturn, gnu::cold, gnu::noinline]] void die(
      const char* what, const RawMessage* message) const;

  const RawMessagePoolOptions options_;
  std::unique_ptr<RawMessage[]> messages_;
  std::unique_ptr<RawMessage*[]> free_;  // a stack
  size_t free_count_ = 0;
  size_t least_free_ = 0;
  uint64_t acquired_ = 0;
  uint64_t descriptors_missing_ = 0;
  std::vector<std::unique_ptr<RawMessageSlab>> slabs_;
  std::vector<std::unique_ptr<RawMessageLane>> lanes_;
  size_t slots_ = 0;

  char* large_ = nullptr;  // large_messages times large_stride_
  size_t large_stride_ = 0;
  std::vector<uint32_t> free_large_;
  uint64_t large_acquired_ = 0;
  uint64_t large_missing_ = 0;
  uint64_t abandoned_ = 0;  // large buffers
  uint64_t external_ = 0;
  uint64_t detached_ = 0;
  size_t detached_bytes_ = 0;  // out
};

inline void RawMessageLane::release(RawMessage* message) noexcept {
  pool_.mark_released(message);
  if (!ring_.try_push(message)) [[unlikely]] {
    pool_.die("lane is full, so a message is on it twice", message);
  }
}

}  // namespace wirebook

#endif  // WIREBOOK_NET_RAW_MESSAGE_POOL_H_
