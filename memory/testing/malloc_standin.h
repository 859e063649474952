// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// malloc and its family over a ThreadCacheAllocator, for the binary that this
// is linked into: the proof that the allocator bears what programs do. For
// tests, since after a fork() of a process with threads its locks may stay
// held. Under a sanitizer, whose malloc cannot be replaced, it does nothing.
#ifndef WIREBOOK_MEMORY_TESTING_MALLOC_STANDIN_H_
#define WIREBOOK_MEMORY_TESTING_MALLOC_STANDIN_H_

#include <cstdint>

namespace wirebook {

// Allocations of this process so far; 0 where malloc is another.
std::uint64_t malloc_standin_allocations();

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_TESTING_MALLOC_STANDIN_H_
