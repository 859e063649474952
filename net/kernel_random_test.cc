// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/kernel_random.h"

#include <cstring>
#include <set>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

TEST(KernelRandomTest, ValuesDoNotRepeatOverManyRefills) {
  KernelRandom random;
  std::set<uint32_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.next32());
  // Two equal ones among 1000 of 2^32: once in 8,600 runs.
  EXPECT_GE(seen.size(), 998u);
}

TEST(KernelRandomTest, FillsWhatDoesNotDivideTheBatch) {
  KernelRandom random;
  unsigned char bytes[256] = {};
  for (int i = 0; i < 100; ++i) random.fill(bytes, 17);
  random.fill(bytes, sizeof(bytes));
  int zeros = 0;
  for (unsigned char byte : bytes) zeros += byte == 0;
  EXPECT_LT(zeros, 20);
}

}  // namespace
}  // namespace wirebook
