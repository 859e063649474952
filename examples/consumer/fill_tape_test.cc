// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "fill_tape.h"

#include <cstdint>
#include <thread>

#include "gtest/gtest.h"

namespace consumer {
namespace {

TEST(FillTape, HandsFillsOverInOrder) {
  FillTape tape(16);
  EXPECT_TRUE(tape.add("61837.63", 2));
  EXPECT_TRUE(tape.add("0.01", 1));

  int64_t notional = 0;
  EXPECT_EQ(tape.take_all([&](const Fill& fill) {
    notional = notional * 10 + fill.price_cents * fill.quantity;
  }),
            2u);
  EXPECT_EQ(notional, 2 * 6183763 * 10 + 1);
}

TEST(FillTape, RefusesAPriceThatIsNoNumberOfCents) {
  FillTape tape(16);
  EXPECT_FALSE(tape.add("one", 1));
  EXPECT_FALSE(tape.add("1.005", 1));
  EXPECT_EQ(tape.take_all([](const Fill&) {}), 0u);
}

TEST(FillTape, RefusesWhatTheRiskThreadIsTooFarBehindFor) {
  FillTape tape(2);
  EXPECT_TRUE(tape.add("1", 1));
  EXPECT_TRUE(tape.add("2", 1));
  EXPECT_FALSE(tape.add("3", 1));
}

TEST(FillTape, LosesNothingBetweenTwoThreads) {
  constexpr int64_t kFills = 100'000;
  FillTape tape(64);
  std::thread gateway([&] {
    for (int64_t i = 1; i <= kFills; ++i) {
      while (!tape.add("1.00", i)) std::this_thread::yield();
    }
  });
  int64_t taken = 0;
  int64_t sum = 0;
  while (taken < kFills) {
    const auto count =
        tape.take_all([&](const Fill& fill) { sum += fill.quantity; });
    if (count == 0) std::this_thread::yield();
    taken += static_cast<int64_t>(count);
  }
  gateway.join();
  EXPECT_EQ(sum, kFills * (kFills + 1) / 2);
}

}  // namespace
}  // namespace consumer
