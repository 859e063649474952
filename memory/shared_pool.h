// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// SharedPool<T>: objects of one type in memory that several processes share,
// each at an address of its own. Any of them may be killed at any instruction:
// the others go on, and what it held comes back, counted.
//
// Use it to hand messages to other processes without a copy, a SharedHandle
// through a pipe or a ring in place of a pointer. Inside one process take
// object_pool: it is several times faster. T has no pointers, or handles in
// their place, and no destructor: a killed process runs none.
//
// How: the truth about a slot is one atomic word, (owner, generation), so each
// transition is one instruction: before it nothing has happened, after it all
// has. Free slots are found by a bitmap that is a hint and may be wrong; the
// word decides. A process is alive as long as it maps the segment: it holds a
// lock on a byte of it (F_OFD_SETLK), which the kernel takes back when the last
// mapping is gone, after which no thread of it runs another instruction. No pid
// can be used twice here and no timeout be too short. shared_pool.cc goes
// through each instruction; the test kills at each one of them (ptrace).
//
// Known ways, and why not: a robust mutex around a free list leaves a list cut
// in two to whoever repairs it; a lock-free list (folly's IndexedMemPool in
// shared memory) loses the node that its popper held between exchange and note.
//
// Progress: lock-free, a stopped or killed process holds nobody up. A process
// killed inside allocate() or deallocate() may hide one free slot a thread from
// the others until it is reclaimed. Cost: four locked instructions an allocate
// and deallocate; near exhaustion capacity / 64 loads. Memory: 8.2 bytes a slot
// beside T. Figures: shared_pool_benchmark, COSTS.md.
//
// Fatal with one line on stderr: freeing what this process does not own (a
// double free, an object that another one adopted or that was transferred), or
// an address that is no object. A foreign, truncated or unfinished segment is a
// Status. A named segment that somebody truncates while it is mapped raises
// SIGBUS; one from create_anonymous() cannot be truncated (sealed).
//
// The word names its owner by place in the table and 12 bits of a count of that
// place's attachments: the 4,096th later one looks the same. Seen only where an
// object was left behind with an owner that had gone, by a transfer() that was
// killed between two instructions, and nobody reclaimed anything while that
// place was attached to as often. The object then counts as the later one's and
// is reclaimed with what that one held: late, but neither lost nor freed early.
//
//   auto pool = SharedPool<Quote>::create("/quotes", {.capacity = 4096});
//   if (!pool.ok()) return pool.status();
//   if (Quote* quote = pool->make(bid, ask)) ring.push(pool->handle_of(quote));
//
//   auto pool = SharedPool<Quote>::attach("/quotes");  // In another process:
//   if (Quote* quote = pool->adopt(ring.pop())) pool->deallocate(quote);
//   pool->reclaim_dead();  // Now and then, and where make() gives nullptr.
#ifndef WIREBOOK_MEMORY_SHARED_POOL_H_
#define WIREBOOK_MEMORY_SHARED_POOL_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "memory/shared_pool_core.h"

namespace wirebook {

// Any thread may call any method. A child of fork() does not have the memory
// (an access is SIGSEGV) and attaches anew, whatever threads its parent had,
// since there is no mutex; it may end the life of the SharedPool that it
// inherited, without effect on its parent's. One that was moved from is only
// destroyed or assigned to.
template <typename T>
class SharedPool {
 public:
  static_assert(std::is_trivially_copyable_v<T> || std::is_standard_layout_v<T>,
                "T's layout must be the same in every process");
  static_assert(std::is_trivially_destructible_v<T>,
                "a killed process runs no destructors");
  static_assert(!std::is_pointer_v<T>, "share a SharedHandle in its place");
  static_assert(alignof(T) <= 4096, "slots are aligned to a page at most");

  // A new segment /dev/shm/<name>; "/" in front is allowed, no other. The name
  // appears when the segment is complete. AlreadyExists where there is one.
  static absl::StatusOr<SharedPool> create(const std::string& name,
                                           SharedPoolOptions options) {
    return wrap(internal::SharedPoolCore::create(name, shape(options)));
  }

  // A new segment without a name: pass fd() to others (SCM_RIGHTS, fork).
  static absl::StatusOr<SharedPool> create_anonymous(
      SharedPoolOptions options) {
    return wrap(internal::SharedPoolCore::create("", shape(options)));
  }

  // FailedPrecondition where it is no segment of this version, T's size or
  // alignment, or `layout`; ResourceExhausted where max_processes are attached.
  // With every place in the table taken, one of a dead process is reclaimed.
  static absl::StatusOr<SharedPool> attach(const std::string& name,
                                           std::uint64_t layout = 0) {
    return wrap(
        internal::SharedPoolCore::attach(name, shape({.layout = layout})));
  }

  // `fd` stays the caller's.
  static absl::StatusOr<SharedPool> attach(int fd, std::uint64_t layout = 0) {
    return wrap(
        internal::SharedPoolCore::attach(fd, shape({.layout = layout})));
  }

  // Takes the name away; those who are attached go on.
  static absl::Status unlink(const std::string& name) {
    return internal::SharedPoolCore::unlink(name);
  }

  // Detaches. Objects that this process still owns stay as they are: another
  // one adopts or reclaims them.
  ~SharedPool() = default;
  SharedPool(SharedPool&&) noexcept = default;
  SharedPool& operator=(SharedPool&&) noexcept = default;

  // An object made from `args`, owned by this process; nullptr where no slot
  // was found free (counted).
  template <typename... Args>
  [[nodiscard]] T* make(Args&&... args) noexcept {
    static_assert(std::is_nothrow_constructible_v<T, Args&&...> ||
                  std::is_aggregate_v<T>);
    void* slot = core_->allocate();
    if (slot == nullptr) [[unlikely]] {
      return nullptr;
    }
    if constexpr (std::is_constructible_v<T, Args&&...>) {
      return ::new (slot) T(std::forward<Args>(args)...);
    } else {
      return ::new (slot) T{std::forward<Args>(args)...};
    }
  }

  // As make(), but the object has the bytes that were there: zero, or what the
  // slot's last owner left.
  [[nodiscard]] T* allocate() noexcept {
    return std::launder(static_cast<T*>(core_->allocate()));
  }

  // Gives back an object that this process owns. nullptr does nothing.
  void deallocate(T* object) noexcept { core_->deallocate(object); }

  // What another process finds this object by, as long as it is not freed.
  // `object` is one of the pool's, and out.
  SharedHandle handle_of(const T* object) const noexcept {
    return core_->handle_of(object);
  }

  // The object, for as long as its owner keeps it; nullptr where the handle's
  // object was freed or reclaimed. Owns nothing.
  T* resolve(SharedHandle handle) const noexcept {
    return std::launder(static_cast<T*>(core_->resolve(handle)));
  }

  // Makes this process the object's owner, whoever was; nullptr as above. The
  // former owner must not touch it again: freeing it there is fatal.
  [[nodiscard]] T* adopt(SharedHandle handle) noexcept {
    return std::launder(static_cast<T*>(core_->adopt(handle)));
  }

  // Makes `to` the owner of an object of this process before it knows: if it
  // dies, the object is reclaimed with the rest of what it held, and a handle
  // that is lost on the way loses nothing of ours. False, and nothing changed,
  // where `to` has detached or was reclaimed.
  [[nodiscard]] bool transfer(T* object, SharedProcess to) noexcept {
    return core_->transfer(object, to);
  }

  // Bytes from the first slot to the object, the same in every process. Unlike
  // a handle it does not notice that its object was freed and given out again.
  std::uint64_t offset_of(const T* object) const noexcept {
    return core_->offset_of(object);
  }

  // nullptr where there is no slot at `offset`, or a free one.
  T* at_offset(std::uint64_t offset) const noexcept {
    return std::launder(static_cast<T*>(core_->at_offset(offset)));
  }

  // Frees what a dead process held, and repairs the hints that it owed. Returns
  // how many objects that were. FailedPrecondition while it lives, or while
  // another process reclaims it; NotFound where it detached with nothing, or
  // was reclaimed before. Walks all slots.
  absl::StatusOr<std::size_t> reclaim(SharedProcess dead) {
    return core_->reclaim(dead);
  }

  // All dead ones. The sum of what they held.
  std::size_t reclaim_dead() { return core_->reclaim_dead(); }

  SharedProcess self() const noexcept { return core_->self(); }

  // Those that are attached, and those that died so and are to be reclaimed.
  std::vector<SharedProcessInfo> processes() const {
    return core_->processes();
  }

  // Of the whole segment, all processes together. Walks all slots.
  SharedPoolStats stats() const noexcept { return core_->stats(); }

  std::size_t capacity() const noexcept { return core_->capacity(); }

  // The segment, for passing on.
  int fd() const noexcept { return core_->fd(); }

 private:
  using CorePointer = std::unique_ptr<internal::SharedPoolCore>;

  explicit SharedPool(CorePointer core) noexcept : core_(std::move(core)) {}

  static internal::SharedPoolShape shape(SharedPoolOptions options) noexcept {
    return {sizeof(T), alignof(T), options};
  }

  static absl::StatusOr<SharedPool> wrap(absl::StatusOr<CorePointer> core) {
    if (!core.ok()) return core.status();
    return SharedPool(*std::move(core));
  }

  CorePointer core_;
};

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_SHARED_POOL_H_
