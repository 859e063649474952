// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// BufferPools: one front for buffers of any size up to 1 MiB, with a BufferPool
// for each power of two from 64 bytes on.
//
// Use it where messages differ in size; where one size fits, BufferPool alone.
// A request gets the smallest power of two that holds it, from that pool only:
// a burst of one size cannot starve the others. Pools above 4 KiB have no
// buffers unless asked for (set_capacity): requests that reach them follow
// when_empty, so kAllocate takes them from the heap, counted.
//
// Progress, checks and cost: those of BufferPool, and a few instructions.
//
//   BufferPoolsOptions options;
//   options.set_capacity(64 << 10, 32);            // 32 buffers of 64 KiB.
//   BufferPools buffers(options);
//   PooledBuffer text = buffers.borrow(300);       // 512 bytes; empty: none.
//   void* raw = buffers.get_buffer(60'000);
//   buffers.return_buffer(raw, 60'000);            // With the size asked for.
#ifndef WIREBOOK_MEMORY_BUFFER_POOLS_H_
#define WIREBOOK_MEMORY_BUFFER_POOLS_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>

#include "memory/buffer_pool.h"
#include "memory/fail_fast.h"

namespace wirebook {

struct BufferPoolsOptions {
  static constexpr std::size_t kMinBytes = 64;
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
  static constexpr std::size_t kClasses = 15;

  // The pool whose buffers are the smallest of `bytes` at least; `bytes` is at
  // most kMaxBytes.
  static constexpr std::size_t class_of(std::size_t bytes) noexcept {
    return bytes <= kMinBytes
               ? 0
               : static_cast<std::size_t>(std::bit_width(bytes - 1)) - 6;
  }
  static constexpr std::size_t class_bytes(std::size_t index) noexcept {
    return kMinBytes << index;
  }

  // How many buffers of `bytes`, rounded up to a power of two, to hold. Ends
  // the process above kMaxBytes.
  constexpr void set_capacity(std::size_t bytes, std::size_t count) noexcept {
    if (bytes > kMaxBytes) {
      fail_fast("BufferPoolsOptions", this, "has no buffers above 1 MiB");
    }
    capacities[class_of(bytes)] = count;
  }

  // Buffers of 64, 128, ... bytes.
  std::array<std::size_t, kClasses> capacities = {256, 256, 256, 256,
                                                  256, 256, 256};
  BufferExhaustion when_empty = BufferExhaustion::kFail;
  std::pmr::memory_resource* upstream = std::pmr::new_delete_resource();
};

// Any thread may call any method; the destructor runs alone.
class BufferPools {
 public:
  static constexpr std::size_t kMaxBytes = BufferPoolsOptions::kMaxBytes;

  explicit BufferPools(const BufferPoolsOptions& options = {}) {
    for (std::size_t i = 0; i < pools_.size(); ++i) {
      pools_[i].emplace(
          BufferPoolOptions{.buffer_bytes = BufferPoolsOptions::class_bytes(i),
                            .capacity = options.capacities[i],
                            .when_empty = options.when_empty,
                            .upstream = options.upstream});
    }
  }

  // At least `bytes` bytes. nullptr if the pool has none, or if `bytes` is
  // above kMaxBytes.
  [[nodiscard]] void* get_buffer(std::size_t bytes) noexcept {
    BufferPool* pool = pool_for(bytes);
    return pool == nullptr ? nullptr : pool->get_buffer();
  }

  // `bytes` is what was asked for, or any size with the same power of two.
  // nullptr does nothing.
  void return_buffer(void* buffer, std::size_t bytes) noexcept {
    if (buffer == nullptr) return;
    if (bytes > kMaxBytes) [[unlikely]] {
      fail_fast("BufferPools", this,
                "is given back more than it gives:", buffer);
    }
    pool(bytes).return_buffer(buffer);
  }

  // As get_buffer(), owned.
  PooledBuffer borrow(std::size_t bytes) noexcept {
    BufferPool* pool = pool_for(bytes);
    return pool == nullptr ? PooledBuffer() : pool->borrow();
  }

  // The pool that serves `bytes`, for its figures; `bytes` is at most
  // kMaxBytes.
  BufferPool& pool(std::size_t bytes) noexcept {
    return *pools_[BufferPoolsOptions::class_of(bytes)];
  }

  // Requests above kMaxBytes, which no pool counts. Wait-free.
  std::uint64_t oversize_requests() const noexcept {
    return oversize_.load(std::memory_order_relaxed);
  }

  // All pools added up; a request above kMaxBytes is a failure. peak_usage is
  // the sum of peaks that need not have been at one moment.
  BufferPoolStats stats() const noexcept {
    BufferPoolStats sum;
    for (const auto& pool : pools_) sum += pool->stats();
    sum.allocation_failures += oversize_requests();
    return sum;
  }

 private:
  BufferPool* pool_for(std::size_t bytes) noexcept {
    if (bytes > kMaxBytes) [[unlikely]] {
      oversize_.fetch_add(1, std::memory_order_relaxed);
      return nullptr;
    }
    return &pool(bytes);
  }

  std::array<std::optional<BufferPool>, BufferPoolsOptions::kClasses> pools_;
  std::atomic<std::uint64_t> oversize_{0};
};

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_BUFFER_POOLS_H_
