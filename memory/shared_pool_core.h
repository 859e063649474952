// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The part of SharedPool<T> that does not depend on T. Include shared_pool.h.
#ifndef WIREBOOK_MEMORY_SHARED_POOL_CORE_H_
#define WIREBOOK_MEMORY_SHARED_POOL_CORE_H_

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "memory/cache_line.h"
#include "memory/numa_policy.h"

namespace wirebook {

struct SharedPoolOptions {
  std::size_t capacity = 0;     // Objects; fixed for the segment's life.
  unsigned max_processes = 64;  // At once; 1 to 255.
  // The caller's mark of T's meaning; attach() must name the same one.
  std::uint64_t layout = 0;
  mode_t mode = 0600;         // Of a named segment, less the umask.
  NumaPlacement placement{};  // Of the pages that it is created with.
};

// An object, in any process. 64 bits, trivially copyable, lives in shared
// memory, too. One of zeros is no object. Notices that its object was freed,
// unless that slot was given out 2^32 times since.
struct SharedHandle {
  std::uint32_t slot = 0;  // From 1.
  std::uint32_t generation = 0;

  explicit operator bool() const noexcept { return slot != 0; }
  friend bool operator==(const SharedHandle&, const SharedHandle&) = default;
};

// A process's attachment; never means another one. One process that attaches
// twice is two.
struct SharedProcess {
  std::uint32_t index = 0;
  std::uint64_t epoch = 0;

  friend bool operator==(const SharedProcess&, const SharedProcess&) = default;
};

struct SharedProcessInfo {
  SharedProcess process;
  pid_t pid = 0;  // In the process's own namespace: for people.
  bool alive = false;
  std::size_t held = 0;  // Objects that it owns.
};

// Exact while no process is inside the pool, and whoever was killed. Until one
// slot was given out 2^44 times.
struct SharedPoolStats {
  std::size_t capacity = 0;
  std::size_t in_use = 0;  // Owned, by whomever, dead ones included.
  // Slots ever given out, at least the highest in_use ever. Above it by less
  // than 64 where one process, one thread at a time, allocates; otherwise by
  // what their peaks at different times add up to.
  std::size_t peak_usage = 0;
  std::uint64_t total_allocations = 0;
  std::uint64_t total_deallocations = 0;  // Those by reclaim() among them.
  std::uint64_t allocation_failures = 0;
  std::uint64_t reclaimed = 0;  // May miss one for a reclaimer that was killed.
  std::size_t capacity_bytes = 0;  // Mapped.
  std::size_t overhead_bytes = 0;  // Of it, not objects.
};

namespace internal {

struct SharedPoolShape {
  std::size_t object_bytes;
  std::size_t object_align;
  SharedPoolOptions options;
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free,
              "an atomic with a lock of its own would be one per process");

struct SharedPoolPrefix;
struct SharedPoolHeader;
struct SharedPoolEntry;

class SharedPoolCore {
 public:
  using Pointer = std::unique_ptr<SharedPoolCore>;

  // Without a name: a memfd.
  static absl::StatusOr<Pointer> create(const std::string& name,
                                        const SharedPoolShape& shape);
  static absl::StatusOr<Pointer> attach(const std::string& name,
                                        const SharedPoolShape& shape);
  static absl::StatusOr<Pointer> attach(int fd, const SharedPoolShape& shape);
  static absl::Status unlink(const std::string& name);

  ~SharedPoolCore();
  SharedPoolCore(const SharedPoolCore&) = delete;
  SharedPoolCore& operator=(const SharedPoolCore&) = delete;

  void* allocate() noexcept {
    const std::size_t word = cursor_.load(std::memory_order_relaxed);
    if (void* slot = take_from(word)) return slot;
    return allocate_slow();
  }
  void deallocate(void* object) noexcept;
  SharedHandle handle_of(const void* object) const noexcept;
  void* resolve(SharedHandle handle) const noexcept;
  void* adopt(SharedHandle handle) noexcept;
  bool transfer(void* object, SharedProcess to) noexcept;
  std::uint64_t offset_of(const void* object) const noexcept;
  void* at_offset(std::uint64_t offset) const noexcept;

  absl::StatusOr<std::size_t> reclaim(SharedProcess dead);
  std::size_t reclaim_dead();
  SharedProcess self() const noexcept { return self_; }
  std::vector<SharedProcessInfo> processes() const;
  SharedPoolStats stats() const noexcept;
  std::size_t capacity() const noexcept { return capacity_; }
  int fd() const noexcept { return fd_; }

 private:
  using Word = std::atomic<std::uint64_t>;

  SharedPoolCore() = default;
  static absl::StatusOr<Pointer> open(int fd, const std::string& what,
                                      const SharedPoolShape& shape);
  absl::Status map(const SharedPoolPrefix& prefix);
  void initialise(const SharedPoolPrefix& prefix) noexcept;
  absl::Status join();
  bool enter(std::uint32_t index, bool even_if_dead) noexcept;
  void leave() noexcept;

  void* take_from(std::size_t word) noexcept;
  void* allocate_slow() noexcept;
  void give_hint(std::size_t index) noexcept;
  std::size_t index_of(const void* object, const char* doing) const noexcept;
  std::uint64_t own_state(std::size_t index, const void* object,
                          const char* doing) const noexcept;
  void* slot(std::size_t index) const noexcept {
    return slots_ + index * slot_bytes_;
  }

  bool is_gone(std::uint64_t tag) const noexcept;
  std::size_t bury(std::uint32_t index) noexcept;

  // Written once, before the pool is handed out.
  std::byte* slots_ = nullptr;
  std::size_t slot_bytes_ = 0;
  Word* states_ = nullptr;
  Word* hints_ = nullptr;  // Bit i % 64 of word i / 64: slot i may be free.
  std::uint64_t tag_ = 0;  // This process's, where states have it.
  std::size_t capacity_ = 0;
  std::size_t hint_words_ = 0;
  std::size_t home_ = 0;  // The hint word where this process's search begins.
  SharedPoolHeader* header_ = nullptr;
  SharedPoolEntry* entries_ = nullptr;
  unsigned max_processes_ = 0;
  std::size_t bytes_ = 0;
  SharedProcess self_;
  pid_t pid_ = 0;
  int fd_ = -1;       // For passing on and for asking; holds no lock.
  int lock_fd_ = -1;  // Closed once it is mapped: the mapping keeps its lock.
  std::string what_;  // For messages.

  // The hint word that last gave or took. A hint itself.
  alignas(kFalseSharingBytes) std::atomic<std::size_t> cursor_{0};
};

}  // namespace internal
}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_SHARED_POOL_CORE_H_
