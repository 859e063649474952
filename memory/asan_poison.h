// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Poisoning of memory that is mapped but nobody's: AddressSanitizer then
// reports any access to it as use after free. Does nothing, and costs nothing,
// in a build without it.
//
// For pools and arenas that recycle memory. Any thread, for memory of its own.
// Code that must touch poisoned bytes, such as a free list through free blocks,
// is a function marked WIREBOOK_NO_ASAN.
//
//   poison(block, bytes);    // Nobody may touch it,
//   unpoison(block, bytes);  // and now its new owner may.
#ifndef WIREBOOK_MEMORY_ASAN_POISON_H_
#define WIREBOOK_MEMORY_ASAN_POISON_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define WIREBOOK_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WIREBOOK_ASAN 1
#endif
#endif
#if defined(WIREBOOK_ASAN)
#include <sanitizer/asan_interface.h>
#define WIREBOOK_NO_ASAN __attribute__((no_sanitize("address"), noinline))
#else
#define WIREBOOK_NO_ASAN
#endif

namespace wirebook {

inline constexpr bool kPoisons =
#if defined(WIREBOOK_ASAN)
    true;
#else
    false;
#endif

// AddressSanitizer keeps eight bytes by eight: up to seven at an edge that
// is not so aligned stay as they were.
inline void poison([[maybe_unused]] const volatile void* begin,
                   [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(WIREBOOK_ASAN)
  ASAN_POISON_MEMORY_REGION(begin, bytes);
#endif
}

inline void unpoison([[maybe_unused]] const volatile void* begin,
                     [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(WIREBOOK_ASAN)
  ASAN_UNPOISON_MEMORY_REGION(begin, bytes);
#endif
}

// Whether an access to the first byte would be reported.
inline bool is_poisoned([[maybe_unused]] const volatile void* begin) noexcept {
#if defined(WIREBOOK_ASAN)
  return __asan_address_is_poisoned(begin) != 0;
#else
  return false;
#endif
}

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_ASAN_POISON_H_
