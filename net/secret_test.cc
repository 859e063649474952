// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/secret.h"

#include <cstdlib>
#include <new>
#include <utility>

#include "gtest/gtest.h"

namespace {

// The first byte of what is deleted while it is watched.
const void* watched = nullptr;
int byte_at_delete = -1;

}  // namespace

void operator delete[](void* memory) noexcept {
  if (memory != nullptr && memory == watched) {
    byte_at_delete = *static_cast<volatile unsigned char*>(memory);
    watched = nullptr;
  }
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  operator delete[](memory);
}
void* operator new[](std::size_t size) {
  void* const memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

namespace wirebook {
namespace {

TEST(SecretTest, HoldsWhatItWasGiven) {
  const Secret secret("open sesame");
  EXPECT_EQ(secret.view(), "open sesame");
  EXPECT_FALSE(secret.empty());
  EXPECT_TRUE(Secret().empty());
  EXPECT_TRUE(Secret("").empty());
}

TEST(SecretTest, CopiesAndMoves) {
  Secret secret("a");
  Secret copy = secret;
  EXPECT_EQ(copy.view(), "a");
  EXPECT_NE(copy.view().data(), secret.view().data());
  const Secret moved = std::move(copy);
  EXPECT_EQ(moved.view(), "a");
  secret = Secret("b");
  EXPECT_EQ(secret.view(), "b");
}

TEST(SecretTest, IsWipedBeforeItsMemoryGoes) {
  {
    const Secret secret("x");
    watched = secret.view().data();
  }
  EXPECT_EQ(byte_at_delete, 0);
  byte_at_delete = -1;
  Secret secret("y");
  watched = secret.view().data();
  secret = Secret("z");
  EXPECT_EQ(byte_at_delete, 0) << "assigned over";
}

}  // namespace
}  // namespace wirebook
