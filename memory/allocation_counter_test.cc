// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "memory/allocation_counter.h"

#include <cstdlib>
#include <memory>
#include <new>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

// Keeps the compiler from removing a pair of new and delete.
void* volatile sink;

TEST(AllocationCounter, CountsNewAndMallocOfThisThread) {
  ASSERT_TRUE(allocation_counting());
  const std::uint64_t before = thread_allocations();
  auto value = std::make_unique<int>(1);
  sink = value.get();
  EXPECT_EQ(thread_allocations(), before + 1);
  void* block = std::malloc(10);
  sink = block;
  EXPECT_EQ(thread_allocations(), before + 2);
  std::free(block);
  EXPECT_EQ(thread_allocations(), before + 2);
}

TEST(AllocationCounter, CountsAlignedForms) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "TSan's hook does not see aligned allocations";
#endif
  const std::uint64_t before = thread_allocations();
  void* block = std::aligned_alloc(64, 128);
  sink = block;
  std::free(block);
  ASSERT_EQ(posix_memalign(&block, 64, 100), 0);
  sink = block;
  std::free(block);
  EXPECT_EQ(thread_allocations(), before + 2);
}

TEST(AllocationCounter, DoesNotCountOtherThreads) {
  std::uint64_t in_thread = 0;
  std::thread other([&] {
    const std::uint64_t before = thread_allocations();
    std::vector<int> numbers(1000);
    sink = numbers.data();
    in_thread = thread_allocations() - before;
  });
  const std::uint64_t before = thread_allocations();
  other.join();
  EXPECT_EQ(in_thread, 1u);
  EXPECT_EQ(thread_allocations(), before);
}

TEST(AllocationCounter, CodeWithoutAllocationCountsNothing) {
  std::vector<int> numbers;
  numbers.reserve(100);
  const std::uint64_t before = thread_allocations();
  for (int i = 0; i < 100; ++i) numbers.push_back(i);
  EXPECT_EQ(thread_allocations(), before);
}

}  // namespace
}  // namespace wirebook
