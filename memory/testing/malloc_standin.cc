// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/testing/malloc_standin.h"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>

#include "memory/thread_cache_allocator.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WIREBOOK_STANDIN_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WIREBOOK_STANDIN_SANITIZED 1
#endif
#endif

#if defined(WIREBOOK_STANDIN_SANITIZED)

// The sanitizer's own malloc stays.
std::uint64_t wirebook::malloc_standin_allocations() { return 0; }

#else

namespace {

constexpr std::size_t kPage = 4096;

// Never destroyed: the process frees to its last instruction.
wirebook::ThreadCacheAllocator& allocator() {
  alignas(wirebook::ThreadCacheAllocator) static std::byte
      storage[sizeof(wirebook::ThreadCacheAllocator)];
  static auto* const instance = ::new (storage) wirebook::ThreadCacheAllocator;
  return *instance;
}

void* allocate(std::size_t bytes, std::size_t alignment) {
  void* const object = allocator().allocate(bytes, alignment);
  if (object == nullptr) errno = ENOMEM;
  return object;
}

}  // namespace

std::uint64_t wirebook::malloc_standin_allocations() {
  return allocator().stats().total_allocations;
}

extern "C" {

void* malloc(std::size_t bytes) {
  return allocate(bytes, alignof(std::max_align_t));
}

void free(void* object) { allocator().deallocate(object); }

void* calloc(std::size_t count, std::size_t each) {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, each, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  void* const object = malloc(bytes);
  if (object != nullptr) std::memset(object, 0, bytes);
  return object;
}

void* realloc(void* old, std::size_t bytes) {
  if (old == nullptr) return malloc(bytes);
  if (bytes == 0) {
    free(old);
    return nullptr;
  }
  const std::size_t has = allocator().usable_bytes(old);
  if (bytes <= has && bytes >= has / 2) return old;
  void* const object = malloc(bytes);
  if (object == nullptr) return nullptr;
  std::memcpy(object, old, has < bytes ? has : bytes);
  free(old);
  return object;
}

void* reallocarray(void* old, std::size_t count, std::size_t each) {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, each, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return realloc(old, bytes);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return allocate(bytes, alignment);
}

void* memalign(std::size_t alignment, std::size_t bytes) {
  return allocate(bytes, alignment);
}

void* valloc(std::size_t bytes) { return allocate(bytes, kPage); }

void* pvalloc(std::size_t bytes) {
  if (bytes > std::numeric_limits<std::size_t>::max() - kPage) {
    errno = ENOMEM;
    return nullptr;
  }
  return allocate((bytes + kPage - 1) / kPage * kPage, kPage);
}

int posix_memalign(void** result, std::size_t alignment, std::size_t bytes) {
  if (alignment == 0 || alignment % sizeof(void*) != 0 ||
      (alignment & (alignment - 1)) != 0) {
    return EINVAL;
  }
  void* const object = allocator().allocate(bytes, alignment);
  if (object == nullptr) return ENOMEM;
  *result = object;
  return 0;
}

std::size_t malloc_usable_size(void* object) {
  return object == nullptr ? 0 : allocator().usable_bytes(object);
}

}  // extern "C"

#endif
