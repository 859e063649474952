// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/single_writer_counter.h"

#include <cstdint>
#include <thread>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

TEST(SingleWriterCounter, CountsWhatWasAdded) {
  SingleWriterCounter counter;
  EXPECT_EQ(counter.get(), 0u);
  counter.add(1);
  counter.add(41);
  EXPECT_EQ(counter.get(), 42u);
}

TEST(SingleWriterCounter, ReaderNeverSeesItGoBack) {
  constexpr uint64_t kAdditions = 200'000;
  SingleWriterCounter counter;
  std::thread writer([&] {
    for (uint64_t i = 0; i < kAdditions; ++i) counter.add(1);
  });
  uint64_t seen = 0;
  while (seen < kAdditions) {
    const uint64_t now = counter.get();
    ASSERT_GE(now, seen);
    ASSERT_LE(now, kAdditions);
    seen = now;
  }
  writer.join();
}

}  // namespace
}  // namespace wirebook
