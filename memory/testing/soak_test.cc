// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "memory/testing/soak.h"

#include <chrono>
#include <cstdlib>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

// The environment as --config=soak or a shell leaves it, for one test.
class WithSeconds {
 public:
  explicit WithSeconds(const char* seconds) {
    setenv("WIREBOOK_SOAK_SECONDS", seconds, 1);
  }
  ~WithSeconds() { unsetenv("WIREBOOK_SOAK_SECONDS"); }
};

int rounds(unsigned shares = 1) {
  int count = 0;
  for (Soak soak(shares); soak.goes_on();) ++count;
  return count;
}

TEST(Soak, IsOneRoundUnlessTold) {
  unsetenv("WIREBOOK_SOAK_SECONDS");
  EXPECT_FALSE(soaking());
  EXPECT_EQ(rounds(), 1);
  for (const char* none : {"", "0"}) {
    const WithSeconds seconds(none);
    EXPECT_FALSE(soaking());
    EXPECT_EQ(rounds(), 1);
  }
}

TEST(Soak, GoesOnUntilTheTimeIsUp) {
  const WithSeconds seconds("0.05");
  EXPECT_TRUE(soaking());
  const auto start = std::chrono::steady_clock::now();
  EXPECT_GT(rounds(), 1);
  EXPECT_GE(std::chrono::steady_clock::now() - start,
            std::chrono::milliseconds(50));
}

TEST(Soak, IsSharedByTheLoopsThatSaySo) {
  const WithSeconds seconds("100");
  const auto start = std::chrono::steady_clock::now();
  EXPECT_GE(rounds(10'000), 1);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(50));
}

TEST(SoakDeathTest, EndsWithTheRoundThatFailed) {
  const WithSeconds seconds("100000");
  EXPECT_EXIT(
      {
        ADD_FAILURE() << "on purpose, in a process of its own";
        std::exit(rounds());
      },
      testing::ExitedWithCode(1), "");
}

TEST(SoakDeathTest, WhatIsNoNumberEndsTheProcess) {
  const WithSeconds seconds("for ever");
  EXPECT_DEATH(soaking(), "WIREBOOK_SOAK_SECONDS=for ever is no number");
}

}  // namespace
}  // namespace wirebook
