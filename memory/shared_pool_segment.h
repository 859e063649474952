// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What a SharedPool's file looks like. An entry's lock is that of the byte with
// its index (shared_segment.h). Inside SharedPool only.
#ifndef WIREBOOK_MEMORY_SHARED_POOL_SEGMENT_H_
#define WIREBOOK_MEMORY_SHARED_POOL_SEGMENT_H_

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "memory/cache_line.h"

namespace wirebook::internal {

// Fixed at creation, and checked by those who attach.
struct SharedPoolPrefix {
  char magic[8];
  std::uint32_t version;
  std::uint32_t max_processes;
  std::uint64_t object_bytes;
  std::uint64_t object_align;
  std::uint64_t capacity;
  std::uint64_t layout;
  std::uint64_t total_bytes;
  std::uint64_t checksum;  // Of what stands before it.
};

struct alignas(kFalseSharingBytes) SharedPoolHeader {
  SharedPoolPrefix prefix;
  alignas(kFalseSharingBytes) std::atomic<std::uint64_t> failures;
  std::atomic<std::uint64_t> reclaimed;
};

struct alignas(kCacheLineBytes) SharedPoolEntry {
  std::atomic<std::uint64_t> state;  // Epoch above, phase below.
  std::atomic<pid_t> pid;
};

// Where the parts lie, in bytes; follows from the prefix. The header is first.
struct SharedPoolOffsets {
  std::uint64_t entries, hints, states, slots, slot_bytes, total;
};
SharedPoolOffsets shared_pool_offsets(const SharedPoolPrefix& prefix);

}  // namespace wirebook::internal

#endif  // WIREBOOK_MEMORY_SHARED_POOL_SEGMENT_H_
