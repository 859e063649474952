// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// Counts the heap allocations of each thread, to prove that a path has none.
//
// Use it in a test or a report: sample before and after the code in question.
// Counting needs `//memory:allocation_counter_hook` in the binary, which puts
// itself in front of malloc (under ASan and TSan: behind their own hook);
// without it every count is zero and allocation_counting() is false, so that a
// library may sample at no cost in a binary that does not count.
//
//   const uint64_t before = wirebook::thread_allocations();
//   hot_path();
//   EXPECT_EQ(wirebook::thread_allocations(), before);
//
// Wait-free; any thread; one thread-local load. The hook adds about one
// nanosecond to an allocation. Frees are not counted; under TSan, aligned forms
// are not either.

#ifndef WIREBOOK_MEMORY_ALLOCATION_COUNTER_H_
#define WIREBOOK_MEMORY_ALLOCATION_COUNTER_H_

#include <cstdint>

namespace wirebook {

namespace allocation_counter_internal {
// constinit: no dynamic initialisation, so that malloc may touch it at any
// time in a thread's life.
extern constinit thread_local std::uint64_t allocations;
extern constinit bool installed;
}  // namespace allocation_counter_internal

// Calls of malloc, calloc, realloc, operator new and their aligned forms that
// this thread has made so far.
inline std::uint64_t thread_allocations() noexcept {
  return allocation_counter_internal::allocations;
}

// Whether the hook is linked into this binary.
inline bool allocation_counting() noexcept {
  return allocation_counter_internal::installed;
}

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_ALLOCATION_COUNTER_H_
