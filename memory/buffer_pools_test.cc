// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/buffer_pools.h"

#include <cstddef>
#include <cstring>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

TEST(BufferPools, GivesTheSmallestSizeThatHoldsTheRequest) {
  BufferPools buffers;
  PooledBuffer text = buffers.borrow(300);
  EXPECT_EQ(text.size(), 512u);
  void* raw = buffers.get_buffer(64);
  EXPECT_EQ(buffers.pool(64).stats().in_use, 1u);
  buffers.return_buffer(raw, 64);
  EXPECT_EQ(buffers.stats().in_use, 1u);
}

TEST(BufferPools, EverySizeHasItsClass) {
  for (std::size_t bytes = 0; bytes <= BufferPools::kMaxBytes; ++bytes) {
    const std::size_t index = BufferPoolsOptions::class_of(bytes);
    ASSERT_LT(index, BufferPoolsOptions::kClasses);
    ASSERT_GE(BufferPoolsOptions::class_bytes(index), bytes);
    if (index > 0) {
      ASSERT_LT(BufferPoolsOptions::class_bytes(index - 1), bytes);
    }
  }
}

TEST(BufferPools, HoldsLargerOnesOnRequest) {
  BufferPoolsOptions options;
  options.set_capacity(60'000, 2);
  options.set_capacity(BufferPools::kMaxBytes, 1);
  BufferPools buffers(options);
  PooledBuffer a = buffers.borrow(65'536);
  PooledBuffer b = buffers.borrow(32'769);
  EXPECT_EQ(b.size(), 65'536u);
  EXPECT_FALSE(buffers.borrow(65'536));
  PooledBuffer large = buffers.borrow(BufferPools::kMaxBytes);
  ASSERT_TRUE(large);
  std::memset(large.data(), 1, large.size());
  EXPECT_FALSE(buffers.borrow(BufferPools::kMaxBytes));
}

TEST(BufferPools, WithoutCapacityThePolicyDecides) {
  BufferPools failing;
  EXPECT_FALSE(failing.borrow(100'000));
  EXPECT_EQ(failing.stats().allocation_failures, 1u);
  BufferPoolsOptions options;
  options.when_empty = BufferExhaustion::kAllocate;
  BufferPools growing(options);
  {
    PooledBuffer buffer = growing.borrow(100'000);
    EXPECT_EQ(buffer.size(), 131'072u);
    EXPECT_EQ(growing.stats().excess_in_use, 1u);
  }
  EXPECT_EQ(growing.stats().excess_in_use, 0u);
  EXPECT_EQ(growing.stats().excess_allocations, 1u);
}

TEST(BufferPools, CountsRequestsBeyondTheLargest) {
  BufferPoolsOptions options;
  options.when_empty = BufferExhaustion::kAllocate;
  BufferPools buffers(options);
  EXPECT_EQ(buffers.get_buffer(BufferPools::kMaxBytes + 1), nullptr);
  EXPECT_FALSE(buffers.borrow(SIZE_MAX));
  buffers.return_buffer(nullptr, SIZE_MAX);
  EXPECT_EQ(buffers.oversize_requests(), 2u);
  EXPECT_EQ(buffers.stats().allocation_failures, 2u);
}

TEST(BufferPools, AddsItsPoolsUp) {
  BufferPools buffers;
  const BufferPoolStats empty = buffers.stats();
  EXPECT_EQ(empty.capacity, 7 * 256u);
  EXPECT_EQ(empty.available_buffers, 7 * 256u);
  EXPECT_EQ(empty.total_allocated, 7 * 256u);
  EXPECT_EQ(empty.capacity_bytes,
            256u * (64 + 128 + 256 + 512 + 1024 + 2048 + 4096));
  PooledBuffer a = buffers.borrow(1);
  PooledBuffer b = buffers.borrow(4096);
  b.reset();
  const BufferPoolStats used = buffers.stats();
  EXPECT_EQ(used.total_allocations, 2u);
  EXPECT_EQ(used.total_deallocations, 1u);
  EXPECT_EQ(used.peak_usage, 2u);
  EXPECT_GT(used.overhead_bytes, 0u);
}

TEST(BufferPools, ThreadsOfAllSizesKeepTheirBytes) {
  BufferPoolsOptions options;
  options.when_empty = BufferExhaustion::kAllocate;
  for (std::size_t bytes = 64; bytes <= 4096; bytes *= 2) {
    options.set_capacity(bytes, 8);
  }
  BufferPools buffers(options);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 8; ++t) {
    threads.emplace_back([&buffers, t] {
      std::mt19937 random(t);
      std::vector<std::pair<void*, std::size_t>> out;
      for (int i = 0; i < 2'000; ++i) {
        const std::size_t bytes = 1 + random() % 9'000;
        void* buffer = buffers.get_buffer(bytes);
        ASSERT_NE(buffer, nullptr);
        std::memset(buffer, static_cast<int>(t), bytes);
        out.emplace_back(buffer, bytes);
        if (out.size() < 6) continue;
        std::swap(out[random() % out.size()], out.back());
        const auto [old, size] = out.back();
        out.pop_back();
        for (std::size_t at = 0; at < size; at += 61) {
          ASSERT_EQ(static_cast<unsigned char*>(old)[at], t);
        }
        buffers.return_buffer(old, size);
      }
      for (const auto& [buffer, size] : out) {
        buffers.return_buffer(buffer, size);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(buffers.stats().in_use, 0u);
}

TEST(BufferPoolsDeathTest, CapacityBeyondTheLargest) {
  BufferPoolsOptions options;
  EXPECT_DEATH(options.set_capacity(BufferPools::kMaxBytes + 1, 1),
               "BufferPoolsOptions 0x.*: has no buffers above 1 MiB");
}

TEST(BufferPoolsDeathTest, ReturnUnderAnotherSize) {
  BufferPools buffers;
  PooledBuffer buffer = buffers.borrow(100);
  EXPECT_DEATH(buffers.return_buffer(buffer.data(), 1000),
               "is returned what is no buffer of it");
  EXPECT_DEATH(buffers.return_buffer(buffer.data(), SIZE_MAX),
               "BufferPools .*: is given back more than it gives: 0x");
}

}  // namespace
}  // namespace wirebook
