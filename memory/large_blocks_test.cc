// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/large_blocks.h"

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "memory/page_mapping.h"

namespace wirebook::internal {
namespace {

constexpr std::size_t kPage = 4096;

bool is_mapped(void* address) {
  unsigned char in_memory = 0;
  return mincore(address, kPage, &in_memory) == 0;
}

TEST(LargeBlocks, ABlockIsPagesOfItsOwn) {
  LargeBlocks blocks;
  std::size_t mapped = 0;
  void* block = blocks.map(300000, 16, {}, false, mapped);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(mapped, 74 * kPage);
  EXPECT_EQ(blocks.bytes_at(block), mapped);
  EXPECT_EQ(*static_cast<char*>(block), 0);
  std::memset(block, 1, mapped);
  EXPECT_EQ(blocks.bytes_at(static_cast<char*>(block) + kPage), 0u);
  EXPECT_EQ(blocks.unmap(static_cast<char*>(block) + kPage), 0u);
  EXPECT_EQ(blocks.unmap(block), mapped);
  EXPECT_EQ(blocks.unmap(block), 0u);
  EXPECT_EQ(blocks.bytes_at(block), 0u);
  EXPECT_FALSE(is_mapped(block));
}

TEST(LargeBlocks, ZeroBytesAreAPage) {
  LargeBlocks blocks;
  std::size_t mapped = 0;
  void* block = blocks.map(0, 1, {}, true, mapped);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(mapped, kPage);
}

TEST(LargeBlocks, AlignmentIsKept) {
  LargeBlocks blocks;
  for (std::size_t alignment = 1; alignment <= std::size_t{1} << 30;
       alignment *= 8) {
    std::size_t mapped = 0;
    void* block = blocks.map(5000, alignment, {}, false, mapped);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % alignment, 0u);
    EXPECT_EQ(mapped, 2 * kPage);
  }
}

TEST(LargeBlocks, HugePagesMoveWhatHasRoomForOne) {
  LargeBlocks blocks;
  std::size_t mapped = 0;
  void* block = blocks.map(kHugePageBytes + 1, 16, {}, true, mapped);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % kHugePageBytes, 0u);
  EXPECT_EQ(mapped, kHugePageBytes + kPage);
}

TEST(LargeBlocks, WhatCannotBeHadIsNull) {
  LargeBlocks blocks;
  std::size_t mapped = 0;
  EXPECT_EQ(blocks.map(SIZE_MAX, 16, {}, false, mapped), nullptr);
  EXPECT_EQ(blocks.map(std::size_t{1} << 47, 16, {}, false, mapped), nullptr);
  EXPECT_EQ(blocks.map(1, std::size_t{1} << 62, {}, false, mapped), nullptr);
  EXPECT_EQ(blocks.totals().allocations, 0u);
  EXPECT_EQ(blocks.totals().bytes, 0u);
}

TEST(LargeBlocks, ItsEndUnmapsWhatIsOut) {
  std::vector<void*> out;
  {
    LargeBlocks blocks;
    std::size_t mapped = 0;
    for (int i = 0; i < 200; ++i) {
      out.push_back(blocks.map(kPage, 16, {}, false, mapped));
    }
  }
  for (void* block : out) EXPECT_FALSE(is_mapped(block));
}

TEST(LargeBlocks, AgreesWithAMap) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  LargeBlocks blocks;
  std::map<void*, std::size_t> model;
  LargeBlocks::Totals totals;
  for (int i = 0; i < 5000; ++i) {
    if (random() % 2 == 0 || model.empty()) {
      const std::size_t pages = 1 + random() % 8;
      std::size_t mapped = 0;
      void* block = blocks.map(pages * kPage, 16, {}, false, mapped);
      ASSERT_EQ(mapped, pages * kPage);
      ASSERT_TRUE(model.emplace(block, mapped).second);
      ++totals.allocations;
      totals.bytes += mapped;
    } else {
      auto at = model.begin();
      std::advance(at, random() % model.size());
      ASSERT_EQ(blocks.bytes_at(at->first), at->second);
      ASSERT_EQ(blocks.unmap(at->first), at->second);
      ++totals.deallocations;
      totals.bytes -= at->second;
      model.erase(at);
    }
    ASSERT_EQ(blocks.totals().bytes, totals.bytes);
    ASSERT_EQ(blocks.totals().allocations, totals.allocations);
    ASSERT_EQ(blocks.totals().deallocations, totals.deallocations);
  }
}

TEST(LargeBlocks, ThreadsDoNotMeetInABlock) {
  LargeBlocks blocks;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&blocks, t] {
      for (int i = 0; i < 300; ++i) {
        std::size_t mapped = 0;
        auto* block =
            static_cast<int*>(blocks.map(2 * kPage, 16, {}, false, mapped));
        ASSERT_NE(block, nullptr);
        *block = t;
        std::this_thread::yield();
        ASSERT_EQ(*block, t);
        ASSERT_EQ(blocks.unmap(block), mapped);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(blocks.totals().bytes, 0u);
  EXPECT_EQ(blocks.totals().allocations, 8 * 300u);
}

}  // namespace
}  // namespace wirebook::internal
