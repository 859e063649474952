// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/buffer_pool.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory_resource>
#include <new>
#include <random>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "memory/allocation_counter.h"
#include "memory/asan_poison.h"

namespace wirebook {
namespace {

TEST(BufferPool, GetsAndReturnsABuffer) {
  BufferPool pool({.buffer_bytes = 2048, .capacity = 4});
  void* buffer = pool.get_buffer();
  ASSERT_NE(buffer, nullptr);
  std::memset(buffer, 'x', pool.buffer_bytes());
  EXPECT_EQ(pool.available_buffers(), 3u);
  pool.return_buffer(buffer);
  EXPECT_EQ(pool.available_buffers(), 4u);
  pool.return_buffer(nullptr);
}

TEST(BufferPool, OwnedBuffersGoHomeByThemselves) {
  BufferPool pool({.buffer_bytes = 100, .capacity = 2});
  {
    PooledBuffer a = pool.borrow();
    EXPECT_EQ(a.size(), 100u);
    EXPECT_EQ(a.span().data(), a.data());
    EXPECT_EQ(a.pool(), &pool);
    PooledBuffer b = std::move(a);
    EXPECT_FALSE(a);
    EXPECT_EQ(a.size(), 0u);
    a = pool.borrow();
    EXPECT_FALSE(pool.borrow());
    a = std::move(b);
    PooledBuffer& same = a;
    a = std::move(same);
    EXPECT_TRUE(a);
    EXPECT_EQ(pool.available_buffers(), 1u);
    pool.return_buffer(a.release());
    EXPECT_EQ(pool.available_buffers(), 2u);
  }
  EXPECT_EQ(pool.available_buffers(), 2u);
}

TEST(BufferPool, FailsWhenEmptyAndCountsIt) {
  BufferPool pool({.buffer_bytes = 64, .capacity = 2});
  void* a = pool.get_buffer();
  void* b = pool.get_buffer();
  EXPECT_EQ(pool.get_buffer(), nullptr);
  EXPECT_EQ(pool.get_buffer(), nullptr);
  EXPECT_EQ(pool.stats().allocation_failures, 2u);
  EXPECT_EQ(pool.total_allocated(), 2u);
  EXPECT_EQ(pool.high_water_mark(), 2u);
  pool.return_buffer(a);
  pool.return_buffer(b);
}

// Counts what it holds, and can refuse.
struct Upstream final : std::pmr::memory_resource {
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (bytes > limit - held) throw std::bad_alloc();
    held += bytes;
    ++blocks;
    return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes,
                     std::size_t alignment) override {
    held -= bytes;
    --blocks;
    std::pmr::new_delete_resource()->deallocate(block, bytes, alignment);
  }
  bool do_is_equal(
      const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }
  std::size_t held = 0;
  std::size_t blocks = 0;
  std::size_t limit = std::numeric_limits<std::size_t>::max();
};

TEST(BufferPool, AllocatesBeyondAndFreesTheExcessOnReturn) {
  Upstream upstream;
  {
    BufferPool pool({.buffer_bytes = 512,
                     .capacity = 2,
                     .when_empty = BufferExhaustion::kAllocate,
                     .upstream = &upstream});
    std::vector<PooledBuffer> out;
    for (int i = 0; i < 5; ++i) {
      out.push_back(pool.borrow());
      ASSERT_TRUE(out.back());
      std::memset(out.back().data(), i, out.back().size());
    }
    EXPECT_EQ(upstream.blocks, 1u + 3u);
    EXPECT_EQ(pool.stats().excess_in_use, 3u);
    EXPECT_EQ(pool.stats().in_use, 5u);
    out.clear();
    EXPECT_EQ(upstream.blocks, 1u);
    EXPECT_EQ(pool.available_buffers(), 2u);
    EXPECT_EQ(pool.total_allocated(), 5u);
    EXPECT_EQ(pool.high_water_mark(), 5u);
    EXPECT_EQ(pool.stats().excess_allocations, 3u);
    EXPECT_EQ(pool.stats().allocation_failures, 0u);
  }
  EXPECT_EQ(upstream.held, 0u);
}

TEST(BufferPool, ARefusalBeyondIsAFailureThatIsCounted) {
  Upstream upstream;
  BufferPool pool({.buffer_bytes = 512,
                   .capacity = 0,
                   .when_empty = BufferExhaustion::kAllocate,
                   .upstream = &upstream});
  upstream.limit = 512;
  PooledBuffer buffer = pool.borrow();
  EXPECT_TRUE(buffer);
  EXPECT_FALSE(pool.borrow());
  EXPECT_EQ(pool.stats().allocation_failures, 1u);
  EXPECT_EQ(pool.high_water_mark(), 1u);
}

TEST(BufferPool, RefusesSizesBeyondItsLimits) {
  EXPECT_THROW(BufferPool({.buffer_bytes = SIZE_MAX}), std::bad_alloc);
  EXPECT_THROW(BufferPool({.capacity = UINT32_MAX}), std::bad_alloc);
  EXPECT_THROW(
      BufferPool({.buffer_bytes = std::size_t{1} << 40, .capacity = 1000}),
      std::bad_alloc);
  Upstream upstream;
  upstream.limit = 100;
  EXPECT_THROW(BufferPool({.upstream = &upstream}), std::bad_alloc);
}

TEST(BufferPool, AlignsBuffersToLinesAndPagesToPages) {
  BufferPool lines({.buffer_bytes = 100, .capacity = 3});
  BufferPool pages({.buffer_bytes = 8192, .capacity = 3});
  for (int i = 0; i < 3; ++i) {
    void* a = lines.get_buffer();
    void* b = pages.get_buffer();
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a) % 64, 0u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b) % 4096, 0u);
    lines.return_buffer(a);
    pages.return_buffer(b);
  }
}

// Each address finds its place, whatever the distance between two is made of.
TEST(BufferPool, FindsTheBufferOfAnyStride) {
  for (std::size_t bytes = 1; bytes <= 70'000; bytes = bytes * 5 / 4 + 1) {
    SCOPED_TRACE(bytes);
    BufferPool pool({.buffer_bytes = bytes, .capacity = 17});
    std::set<void*> distinct;
    for (int i = 0; i < 17; ++i) distinct.insert(pool.get_buffer());
    ASSERT_EQ(distinct.size(), 17u);
    ASSERT_EQ(pool.available_buffers(), 0u);
    for (void* buffer : distinct) pool.return_buffer(buffer);
    ASSERT_EQ(pool.available_buffers(), 17u);
  }
}

TEST(BufferPool, NeverTouchesTheHeapWithinItsCapacity) {
  if (!allocation_counting()) GTEST_SKIP() << "no allocation hook";
  BufferPool pool({.buffer_bytes = 256, .capacity = 8});
  const std::uint64_t before = thread_allocations();
  for (int i = 0; i < 1'000; ++i) {
    PooledBuffer a = pool.borrow();
    PooledBuffer b = pool.borrow();
    std::memset(a.data(), i, a.size());
  }
  EXPECT_EQ(thread_allocations(), before);
}

TEST(BufferPool, OneMillionCyclesUseOneBuffer) {
  BufferPool pool({.buffer_bytes = 64, .capacity = 8});
  for (int i = 0; i < 1'000'000; ++i) pool.return_buffer(pool.get_buffer());
  EXPECT_EQ(pool.high_water_mark(), 1u);
  EXPECT_EQ(pool.stats().total_deallocations, 1'000'000u);
}

TEST(BufferPool, AgreesWithAModelUnderRandomOperations) {
  constexpr std::size_t kCapacity = 12;
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (auto policy : {BufferExhaustion::kFail, BufferExhaustion::kAllocate}) {
    BufferPool pool(
        {.buffer_bytes = 96, .capacity = kCapacity, .when_empty = policy});
    std::vector<std::pair<void*, int>> out;
    std::size_t peak = 0;
    std::uint64_t got = 0;
    std::uint64_t refused = 0;
    for (int step = 0; step < 40'000; ++step) {
      if (random() % 100 < (step / 500 % 2 == 0 ? 53u : 46u)) {
        void* buffer = pool.get_buffer();
        const bool expected =
            policy == BufferExhaustion::kAllocate || out.size() < kCapacity;
        ASSERT_EQ(buffer != nullptr, expected);
        ++(buffer != nullptr ? got : refused);
        if (buffer == nullptr) continue;
        const int mark = static_cast<int>(random() & 0x7f);
        std::memset(buffer, mark, 96);
        out.emplace_back(buffer, mark);
        peak = std::max(peak, out.size());
      } else if (!out.empty()) {
        std::swap(out[random() % out.size()], out.back());
        const auto [buffer, mark] = out.back();
        for (int i = 0; i < 96; ++i) {
          ASSERT_EQ(static_cast<char*>(buffer)[i], mark);
        }
        pool.return_buffer(buffer);
        out.pop_back();
      }
    }
    const BufferPoolStats stats = pool.stats();
    EXPECT_EQ(stats.in_use, out.size());
    EXPECT_EQ(stats.total_allocations, got);
    EXPECT_EQ(stats.total_deallocations, got - out.size());
    EXPECT_EQ(stats.allocation_failures, refused);
    EXPECT_EQ(stats.capacity_bytes, kCapacity * 96);
    EXPECT_GE(stats.overhead_bytes, kCapacity * (128 - 96));
    if (policy == BufferExhaustion::kFail) {
      EXPECT_EQ(stats.peak_usage, peak);
    }
    for (const auto& [buffer, mark] : out) pool.return_buffer(buffer);
  }
}

// Threads hand buffers to whoever empties a mailbox. Bytes are plain: a holder
// that overlaps with another is a race for ThreadSanitizer.
void hand_around(BufferExhaustion policy) {
  BufferPool pool({.buffer_bytes = 128, .capacity = 24, .when_empty = policy});
  std::array<std::atomic<void*>, 16> mailboxes{};
  std::atomic<int> torn{0};
  std::atomic<std::uint64_t> got{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 16; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int i = 0; i < 5'000; ++i) {
        void* buffer = pool.get_buffer();
        if (buffer == nullptr) continue;
        got.fetch_add(1, std::memory_order_relaxed);
        std::memset(buffer, static_cast<int>(t + 1), 128);
        // Release: with the acquire of who empties the box.
        buffer = mailboxes[random() % 16].exchange(buffer,
                                                   std::memory_order_acq_rel);
        if (buffer == nullptr) continue;
        const auto* bytes = static_cast<const unsigned char*>(buffer);
        if (std::count(bytes, bytes + 128, bytes[0]) != 128) torn.fetch_add(1);
        pool.return_buffer(buffer);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (auto& box : mailboxes) pool.return_buffer(box.load());
  EXPECT_EQ(torn.load(), 0);
  const BufferPoolStats stats = pool.stats();
  EXPECT_EQ(stats.in_use, 0u);
  EXPECT_EQ(stats.available_buffers, 24u);
  EXPECT_EQ(stats.total_allocations, got.load());
}

TEST(BufferPool, SixteenThreadsShareABoundedPool) {
  hand_around(BufferExhaustion::kFail);
}

TEST(BufferPool, SixteenThreadsGoBeyond) {
  hand_around(BufferExhaustion::kAllocate);
}

TEST(BufferPool, WhateverUpstreamThrowsIsAFailure) {
  struct Refusing : std::pmr::memory_resource {
    void* do_allocate(std::size_t, std::size_t) override {
      throw std::runtime_error("no");
    }
    void do_deallocate(void*, std::size_t, std::size_t) override {}
    bool do_is_equal(
        const std::pmr::memory_resource& other) const noexcept override {
      return this == &other;
    }
  } refusing;
  BufferPool pool({.buffer_bytes = 64,
                   .capacity = 0,
                   .when_empty = BufferExhaustion::kAllocate,
                   .upstream = &refusing});
  EXPECT_EQ(pool.get_buffer(), nullptr);
  EXPECT_EQ(pool.stats().allocation_failures, 1u);
}

TEST(BufferPoolDeathTest, DoubleReturn) {
  BufferPool pool({.buffer_bytes = 64, .capacity = 2});
  void* buffer = pool.get_buffer();
  pool.return_buffer(buffer);
  EXPECT_DEATH(pool.return_buffer(buffer),
               "^wirebook: BufferPool 0x[0-9a-f]+: double return of "
               "0x[0-9a-f]+\n");
}

TEST(BufferPoolDeathTest, DoubleReturnOfTheExcess) {
  BufferPool pool({.buffer_bytes = 64,
                   .capacity = 0,
                   .when_empty = BufferExhaustion::kAllocate});
  void* buffer = pool.get_buffer();
  pool.return_buffer(buffer);
  EXPECT_DEATH(pool.return_buffer(buffer), "is returned what is no buffer");
}

TEST(BufferPoolDeathTest, ForeignBuffer) {
  BufferPool pool({.buffer_bytes = 64, .capacity = 2});
  BufferPool other({.buffer_bytes = 64, .capacity = 2});
  PooledBuffer theirs = other.borrow();
  EXPECT_DEATH(pool.return_buffer(theirs.data()),
               "is returned what is no buffer of it: 0x[0-9a-f]+\n");
}

TEST(BufferPoolDeathTest, AddressWithinABuffer) {
  BufferPool pool({.buffer_bytes = 192, .capacity = 2});
  PooledBuffer mine = pool.borrow();
  for (std::size_t offset : {1u, 64u, 128u}) {
    EXPECT_DEATH(pool.return_buffer(mine.data() + offset),
                 "is returned what is no buffer of it");
  }
}

TEST(BufferPoolDeathTest, DestroyedWithBuffersOut) {
  EXPECT_DEATH(
      {
        BufferPool pool({.buffer_bytes = 64, .capacity = 2});
        static_cast<void>(pool.get_buffer());
      },
      "^wirebook: BufferPool 0x[0-9a-f]+: destroyed with buffers out\n");
}

// Whether the second return comes after the first or beside it.
TEST(BufferPoolDeathTest, OverlappingDoubleReturnsEndLate) {
  BufferPool pool({.buffer_bytes = 64, .capacity = 2});
  EXPECT_DEATH(
      {
        for (int round = 0; round < 1'000'000; ++round) {
          void* buffer = pool.get_buffer();
          std::thread second([&] { pool.return_buffer(buffer); });
          pool.return_buffer(buffer);
          second.join();
        }
      },
      "double return of|was returned twice");
}

TEST(BufferPoolDeathTest, AccessToAFreeBuffer) {
  if (!kPoisons) GTEST_SKIP() << "built without AddressSanitizer";
  BufferPool pool({.buffer_bytes = 64, .capacity = 2});
  auto* buffer = static_cast<volatile char*>(pool.get_buffer());
  pool.return_buffer(const_cast<char*>(buffer));
  EXPECT_DEATH(buffer[63] = 1, "use-after-poison");
}

}  // namespace
}  // namespace wirebook
