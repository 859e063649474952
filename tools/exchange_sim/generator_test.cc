// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/generator.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace wirebook::sim {
namespace {

TEST(Generator, TheSameSeedGivesTheSameEvents) {
  Generator a(binance_instrument("BTCUSDT"), 7, 500);
  Generator b(binance_instrument("BTCUSDT"), 7, 500);
  Generator c(binance_instrument("BTCUSDT"), 8, 500);
  bool differs = false;
  for (int i = 0; i < 2000; ++i) {
    const Event event = a.next();
    ASSERT_EQ(event, b.next());
    differs = differs || !(event == c.next());
  }
  EXPECT_TRUE(differs);
}

// The events alone, kept by price text, must give the generator's book.
TEST(Generator, EventsAndBookAgree) {
  for (const std::uint64_t seed : {1u, 2u}) {
    SCOPED_TRACE(seed);
    Generator generator(kraken_instrument("BTC/USD"), seed, 300);
    std::map<std::string, std::string> sides[2];
    for (const Side side : {Side::kBid, Side::kAsk}) {
      for (const auto& [key, level] : generator.book().levels(side)) {
        sides[side == Side::kAsk][level.price] = level.quantity;
      }
    }
    std::uint64_t last_id = generator.last_id();
    for (int i = 0; i < 4000; ++i) {
      const Event event = generator.next();
      ASSERT_EQ(event.first_id, last_id + 1);
      ASSERT_GE(event.last_id, event.first_id);
      last_id = event.last_id;
      for (const Change& change : event.changes) {
        auto& levels = sides[change.side == Side::kAsk];
        if (change.quantity == "0.00000000") {
          levels.erase(change.price);
        } else {
          levels[change.price] = change.quantity;
        }
      }
    }
    for (const Side side : {Side::kBid, Side::kAsk}) {
      const auto& levels = sides[side == Side::kAsk];
      ASSERT_EQ(levels.size(), generator.book().levels(side).size());
      for (const auto& [key, level] : generator.book().levels(side)) {
        ASSERT_EQ(levels.at(level.price), level.quantity);
      }
    }
  }
}

TEST(Generator, TheFlowHasWhatRealFeedsHave) {
  Generator generator(binance_instrument("ETHUSDT"), 3, 1000);
  int absent = 0;
  int far = 0;
  int touch_moves = 0;
  int trades = 0;
  for (int i = 0; i < 4000; ++i) {
    const Book before = i % 20 == 0 ? generator.book() : Book();
    const Decimal best = generator.book().levels(Side::kBid).begin()->first;
    const Event event = generator.next();
    const Book& book = generator.book();
    ASSERT_FALSE(book.crossed()) << i;
    for (const Side side : {Side::kBid, Side::kAsk}) {
      ASSERT_GE(book.levels(side).size(), 800u) << i;
      ASSERT_LE(book.levels(side).size(), 1200u) << i;
    }
    touch_moves += book.levels(Side::kBid).begin()->first != best;
    trades += event.trade.has_value();
    for (const Change& change : event.changes) {
      const Decimal price = *parse_decimal(change.price);
      far += price < best / 2 || price > best * 2;
      if (i % 20 == 0 && *parse_decimal(change.quantity) == 0) {
        absent += !before.levels(change.side).contains(price);
      }
    }
  }
  EXPECT_GT(absent, 3);
  EXPECT_GT(far, 40);
  EXPECT_GT(touch_moves, 100);
  EXPECT_GT(trades, 200);
}

}  // namespace
}  // namespace wirebook::sim
