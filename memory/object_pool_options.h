// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What an ObjectPool<T> is told and what it reports. Include object_pool.h.
#ifndef WIREBOOK_MEMORY_OBJECT_POOL_OPTIONS_H_
#define WIREBOOK_MEMORY_OBJECT_POOL_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <memory_resource>

#include "memory/numa_policy.h"

namespace wirebook {

// The cells of the stacks that all threads share; see tagged_ptr.h.
enum class PoolTag : unsigned char {
  k128,  // TaggedPtr128: the tag does not wrap.
  k64,   // IndexTag64: cheaper where threads contend; wrong if a thread sleeps
         // through an exact multiple of 2^32 trades of magazines.
};

// What is fixed when a pool is compiled.
struct PoolTraits {
  PoolTag tag = PoolTag::k128;
  // Taking an object fetches the line of the next but two: for objects that
  // other threads free, where it saves up to a third; 0.4 ns a call otherwise.
  bool prefetch = false;
};

// What to do when max_capacity objects are out.
enum class PoolExhaustion : unsigned char {
  kGrow,       // Grow all the same.
  kNull,       // Give nullptr; count an allocation failure.
  kTerminate,  // One line on stderr, then abort.
};

// What ObjectPool::cool() asks of the system.
enum class PoolCooling : unsigned char {
  kCold,     // To take these pages first when it is short (MADV_COLD).
  kPageOut,  // To write them to swap now (MADV_PAGEOUT).
};

struct ObjectPoolOptions {
  // Objects, mapped and touched by the constructor.
  std::size_t initial_capacity = 0;
  // Objects; below it the pool grows, mapping in chunks that double it. At
  // least initial_capacity. Of no meaning under kGrow.
  std::size_t max_capacity = 0;
  PoolExhaustion exhaustion = PoolExhaustion::kGrow;
  // Threads whose first call finds its cache made; others make it. It has room
  // for kept_per_thread addresses.
  unsigned expected_threads = 2;
  // 4096, or 2 MiB for huge pages where the system has any (page_mapping.h). A
  // chunk is then at least that large.
  std::size_t page_bytes = 4096;
  NumaPlacement placement = {};
  // If given, chunks come from it, and page_bytes and placement mean nothing.
  // It must outlive the pool; it is used under the pool's lock. trim() gives
  // nothing back to it.
  std::pmr::memory_resource* resource = nullptr;
  // If given, every 1021st allocation of a thread is timed with it.
  std::uint64_t (*now_ns)() = nullptr;
};

// Exact while no other thread is inside the pool.
struct ObjectPoolStats {
  std::size_t capacity = 0;  // Objects that are mapped.
  // Of those, the ones whose pages were touched since they were mapped or given
  // back: by warm_up(), or as the object was given out, its first page.
  std::size_t ready = 0;
  std::size_t in_use = 0;  // Objects out.
  // At least the highest in_use ever, and above it by what threads had cached:
  // at most kept_per_thread for each.
  std::size_t peak_usage = 0;
  std::uint64_t total_allocations = 0;
  std::uint64_t total_deallocations = 0;
  std::uint64_t allocation_failures = 0;  // Calls that gave nullptr.
  // Mean of those timed, less what the clock itself takes; 0 without a clock.
  double average_allocation_ns = 0;
  // The part of total_allocations that got an object which had been out before:
  // at least this. trim() makes objects new again.
  double reuse_rate = 0;
  std::size_t overhead_bytes = 0;   // Held beyond capacity * sizeof(T).
  std::size_t magazine = 0;         // Objects that are traded as one.
  std::size_t kept_per_thread = 0;  // Free objects that a thread may keep.
};

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_OBJECT_POOL_OPTIONS_H_
