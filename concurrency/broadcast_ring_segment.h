// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// A broadcast ring's file, mapped. Include broadcast_ring.h.
#ifndef WIREBOOK_CONCURRENCY_BROADCAST_RING_SEGMENT_H_
#define WIREBOOK_CONCURRENCY_BROADCAST_RING_SEGMENT_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "concurrency/broadcast_ring_words.h"
#include "memory/cache_line.h"
#include "memory/numa_policy.h"

namespace wirebook {

struct BroadcastOptions {
  // Messages that are kept, rounded up to a power of two; 2 to 2^32.
  std::size_t slots = 0;
  std::size_t max_message_bytes = 0;  // Up to 16 MiB.
  // Readers take a writer for dead that gave no sign of life for so long.
  std::uint64_t heartbeat_timeout_ns = 1'000'000'000;
  // The caller's mark of the messages' meaning; who attaches names the same.
  std::uint64_t layout = 0;
  mode_t mode = 0600;         // Of a named ring, less the umask.
  NumaPlacement placement{};  // Of the pages that it is created with.
};

// What is known of the writer without hearing from it.
struct BroadcastWriterInfo {
  std::uint32_t epoch = 0;
  bool is_closed = false;
  // It, and nothing else, counts: the kernel's lock on the ring is held, as
  // long as the writer's process has it mapped, stopped or not.
  bool is_alive = false;
  // For people, in the writer's own pid namespace; a pid is used again, hence
  // the time at which that process began, in clock ticks since the system did.
  pid_t pid = 0;
  std::uint64_t pid_started = 0;
  // A process of that pid and that time is in /proc of this one's namespace.
  bool has_process = false;
};

namespace internal {

// Fixed at creation, and checked by those who attach.
struct BroadcastPrefix {
  char magic[8];
  std::uint32_t version;
  std::uint32_t reserved;  // 0
  std::uint64_t slots;
  std::uint64_t max_bytes;
  std::uint64_t heartbeat_timeout_ns;
  std::uint64_t layout;
  std::uint64_t total_bytes;
  std::uint64_t checksum;  // Of what stands before it.
};

// The file: this, then the slots.
struct BroadcastHeader {
  BroadcastPrefix prefix;
  BroadcastControl<std::atomic> control;
  alignas(kFalseSharingBytes) std::atomic<std::uint64_t> pid;
  std::atomic<std::uint64_t> pid_started;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free &&
                  sizeof(BroadcastHeader) == 4 * kFalseSharingBytes,
              "the same bytes in every process");

class BroadcastSegment {
 public:
  using Pointer = std::unique_ptr<BroadcastSegment>;
  using Word = std::atomic<std::uint64_t>;

  // The caller becomes the writer. Without a name: a memfd.
  static absl::StatusOr<Pointer> create(const std::string& name,
                                        const BroadcastOptions& options);
  // Takes ownership of `fd`. A writer, or a reader that cannot write.
  static absl::StatusOr<Pointer> open(absl::StatusOr<int> fd,
                                      const std::string& label,
                                      std::uint64_t layout, bool writes);
  static absl::StatusOr<int> find(const std::string& name, bool writes);
  static absl::StatusOr<int> find(int fd, bool writes);
  static absl::Status unlink(const std::string& name);

  ~BroadcastSegment();
  BroadcastSegment(const BroadcastSegment&) = delete;
  BroadcastSegment& operator=(const BroadcastSegment&) = delete;

  // Says who writes from now on.
  void sign() noexcept;
  BroadcastWriterInfo writer() const noexcept;
  absl::Status damaged() const;

  BroadcastControl<std::atomic>* control() noexcept {
    return &header_->control;
  }
  Word* slots() noexcept { return reinterpret_cast<Word*>(header_ + 1); }
  const BroadcastShape& shape() const noexcept { return shape_; }
  std::uint64_t heartbeat_timeout_ns() const noexcept { return timeout_ns_; }
  int fd() const noexcept { return fd_; }

 private:
  BroadcastSegment(int fd, const std::string& label) noexcept
      : fd_(fd), label_(label) {}
  absl::Status map(const BroadcastPrefix& prefix, bool writes);
  void populate(bool writes) noexcept;
  absl::Status finish(const std::string& name, const BroadcastPrefix& prefix,
                      const BroadcastOptions& options);

  int fd_;  // For passing on and for asking; holds no lock.
  std::string label_;
  BroadcastHeader* header_ = nullptr;
  std::uint64_t bytes_ = 0;
  BroadcastShape shape_;
  std::uint64_t timeout_ns_ = 0;
  pid_t pid_ = 0;
};

}  // namespace internal
}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_BROADCAST_RING_SEGMENT_H_
