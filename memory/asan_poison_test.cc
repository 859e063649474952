// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/asan_poison.h"

#include <memory>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

TEST(AsanPoison, HoldsBetweenPoisonAndUnpoison) {
  alignas(8) char block[64] = {};
  poison(block, sizeof(block));
  EXPECT_EQ(is_poisoned(block + 40), kPoisons);
  unpoison(block, sizeof(block));
  EXPECT_FALSE(is_poisoned(block + 40));
}

WIREBOOK_NO_ASAN char read_anyway(const volatile char* from) { return *from; }

TEST(AsanPoison, MarkedFunctionsMayTouchIt) {
  alignas(8) char block[64] = {'x'};
  poison(block, sizeof(block));
  EXPECT_EQ(read_anyway(block), 'x');
  unpoison(block, sizeof(block));
}

TEST(AsanPoisonDeathTest, ReportsAnAccess) {
  if (!kPoisons) GTEST_SKIP() << "built without AddressSanitizer";
  // On the heap: a compiler knows that it may write to an array of its own.
  const auto block = std::make_unique<volatile char[]>(64);
  poison(block.get(), 64);
  EXPECT_DEATH(block[8] = 1, "use-after-poison");
  unpoison(block.get(), 64);
}

}  // namespace
}  // namespace wirebook
