// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/cache_line.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

TEST(CacheAligned, HoldsAValue) {
  CacheAligned<std::string> name(std::in_place, 3, 'x');
  EXPECT_EQ(*name, "xxx");
  EXPECT_EQ(name->size(), 3u);
}

TEST(CacheAligned, IsZeroByDefault) {
  const CacheAligned<int> zero;
  EXPECT_EQ(zero.value, 0);
}

TEST(CacheAligned, NeighboursShareNoPairOfLines) {
  std::array<CacheAligned<std::atomic<uint64_t>>, 3> counters;
  for (const auto& counter : counters) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(&counter.value) % kFalseSharingBytes,
              0u);
  }
  static_assert(sizeof(counters) == 3 * kFalseSharingBytes);
}

TEST(CacheAligned, SpansAsManyLinesAsItsValueNeeds) {
  static_assert(sizeof(CacheAligned<char[129]>) == 2 * kFalseSharingBytes);
  static_assert(kFalseSharingBytes % kCacheLineBytes == 0);
}

}  // namespace
}  // namespace wirebook
