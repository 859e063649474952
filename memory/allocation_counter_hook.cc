// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// The interposer behind memory/allocation_counter.h; glibc only.

#include <errno.h>

#include <cstddef>
#include <cstdint>

#include "memory/allocation_counter.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WIREBOOK_SANITIZER_OWNS_MALLOC 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WIREBOOK_SANITIZER_OWNS_MALLOC 1
#endif

namespace {

using wirebook::allocation_counter_internal::allocations;
using wirebook::allocation_counter_internal::installed;

}  // namespace

#if defined(WIREBOOK_SANITIZER_OWNS_MALLOC)

// compiler-rt, include/sanitizer/allocator_interface.h; Debian's g++ package
// has the function but not always the header.
extern "C" int __sanitizer_install_malloc_and_free_hooks(
    void (*malloc_hook)(const volatile void*, std::size_t),
    void (*free_hook)(const volatile void*));

namespace {

[[maybe_unused]] const bool kHooked = [] {
  installed = __sanitizer_install_malloc_and_free_hooks(
                  [](const volatile void*, std::size_t) { ++allocations; },
                  [](const volatile void*) {}) != 0;
  return installed;
}();

}  // namespace

#else

// glibc's own allocator under the names that it exports for interposers.
extern "C" {

void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* block, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

void* malloc(std::size_t bytes) {
  ++allocations;
  return __libc_malloc(bytes);
}

void* calloc(std::size_t count, std::size_t bytes) {
  ++allocations;
  return __libc_calloc(count, bytes);
}

void* realloc(void* block, std::size_t bytes) {
  ++allocations;
  return __libc_realloc(block, bytes);
}

void* memalign(std::size_t alignment, std::size_t bytes) {
  ++allocations;
  return __libc_memalign(alignment, bytes);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  ++allocations;
  return __libc_memalign(alignment, bytes);
}

int posix_memalign(void** block, std::size_t alignment, std::size_t bytes) {
  if (alignment < sizeof(void*) || (alignment & (alignment - 1)) != 0) {
    return EINVAL;
  }
  ++allocations;
  void* const result = __libc_memalign(alignment, bytes);
  if (result == nullptr) return ENOMEM;
  *block = result;
  return 0;
}

}  // extern "C"

namespace {

[[maybe_unused]] const bool kHooked = [] { return installed = true; }();

}  // namespace

#endif
