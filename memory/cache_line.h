// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Cache-line constants, and a wrapper that gives a value lines of its own.
//
// Use CacheAligned<T> for values that different threads write and that would
// otherwise lie beside each other: per-thread counters, the two ends of a
// queue. It costs kFalseSharingBytes of memory a value; values that one thread
// owns gain nothing from it.
//
//   std::array<CacheAligned<std::atomic<uint64_t>>, 8> counters;
//   counters[thread].value.fetch_add(1, std::memory_order_relaxed);
#ifndef WIREBOOK_MEMORY_CACHE_LINE_H_
#define WIREBOOK_MEMORY_CACHE_LINE_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

#include <cstddef>
#include <utility>

namespace wirebook {

// What coherence moves between cores on x86-64.
inline constexpr std::size_t kCacheLineBytes = 64;

// What keeps two writers apart: Intel's spatial prefetcher fetches lines in
// pairs (Intel 64 Optimization Reference Manual, "Data Prefetching").
inline constexpr std::size_t kFalseSharingBytes = 128;

template <typename T>
struct alignas(kFalseSharingBytes) CacheAligned {
  constexpr CacheAligned() = default;

  template <typename... Args>
  explicit constexpr CacheAligned(std::in_place_t, Args&&... args)
      : value(std::forward<Args>(args)...) {}

  constexpr T& operator*() noexcept { return value; }
  constexpr const T& operator*() const noexcept { return value; }
  constexpr T* operator->() noexcept { return &value; }
  constexpr const T* operator->() const noexcept { return &value; }

  T value{};
};

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_CACHE_LINE_H_
