// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "apps/lob_node/nonce_source.h"

#include <cstdint>
#include <set>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

TEST(NonceSource, GrowsWhateverTheClockDoes) {
  NonceSource nonces;
  EXPECT_EQ(nonces.next(100), 100u);
  EXPECT_EQ(nonces.next(100), 101u);
  EXPECT_EQ(nonces.next(7), 102u);
  EXPECT_EQ(nonces.next(102), 103u);
  EXPECT_EQ(nonces.next(200), 200u);
}

TEST(NonceSource, NoTwoThreadsGetTheSame) {
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kEach = 10'000;
  NonceSource nonces;
  std::vector<std::vector<std::uint64_t>> taken(kThreads);
  std::vector<std::thread> threads;
  for (auto& mine : taken) {
    threads.emplace_back([&nonces, &mine] {
      for (std::size_t i = 0; i < kEach; ++i) mine.push_back(nonces.next(5));
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::uint64_t> all;
  for (const auto& mine : taken) {
    for (std::size_t i = 1; i < kEach; ++i) EXPECT_LT(mine[i - 1], mine[i]);
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(all.size(), kThreads * kEach);
}

}  // namespace
}  // namespace wirebook
