// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/kraken_view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace wirebook::sim {
namespace {

void fill(Book& book, std::size_t levels) {
  for (std::size_t i = 1; i <= levels; ++i) {
    book.set(Side::kBid, std::to_string(1000 - i) + ".0", "1.00000000");
    book.set(Side::kAsk, std::to_string(1000 + i) + ".0", "1.00000000");
  }
}

KrakenView::Update change(Book& book, KrakenView& view, Change change) {
  book.set(change.side, change.price, change.quantity);
  KrakenView::Update update;
  const bool sent = view.update(book, {change}, update);
  EXPECT_EQ(sent, !update.bids.empty() || !update.asks.empty());
  return update;
}

TEST(KrakenView, OffersTheVenuesDepthsOnly) {
  for (const std::size_t depth : {10u, 25u, 100u, 500u, 1000u}) {
    EXPECT_TRUE(is_kraken_depth(depth));
  }
  for (const std::size_t depth : {0u, 1u, 11u, 50u, 10000u}) {
    EXPECT_FALSE(is_kraken_depth(depth));
  }
}

TEST(KrakenView, ALevelPushedOutIsNotMentioned) {
  Book book;
  fill(book, 20);
  KrakenView view(book, 10);
  const auto update = change(book, view, {Side::kBid, "999.5", "2.00000000"});
  EXPECT_EQ(update.bids, (std::vector<Level>{{"999.5", "2.00000000"}}));
  EXPECT_TRUE(update.asks.empty());
  EXPECT_EQ(view.book().levels(Side::kBid).size(), 10u);
}

TEST(KrakenView, ALevelThatComesIntoViewIsSent) {
  Book book;
  fill(book, 20);
  KrakenView view(book, 10);
  const auto update = change(book, view, {Side::kAsk, "1003.0", "0.00000000"});
  EXPECT_EQ(update.asks, (std::vector<Level>{{"1003.0", "0.00000000"},
                                             {"1011.0", "1.00000000"}}));
}

TEST(KrakenView, ChangesBelowTheDepthAreNotSent) {
  Book book;
  fill(book, 20);
  KrakenView view(book, 10);
  const auto update = change(book, view, {Side::kBid, "985.0", "5.00000000"});
  EXPECT_TRUE(update.bids.empty());
}

// A subscriber with books of its own: it applies, truncates, and must have the
// top of the exchange's book.
TEST(KrakenView, ASubscriberThatAppliesAndTruncatesHasTheTop) {
  using Prices = std::map<std::int64_t, Level>;
  const auto key = [](std::string price) {
    price.erase(price.find('.'), 1);
    return std::stoll(price);
  };
  for (const std::size_t depth : {10u, 25u, 100u}) {
    SCOPED_TRACE(depth);
    Generator generator(kraken_instrument("BTC/USD"), depth, 200);
    KrakenView view(generator.book(), depth);
    Prices mine[2];
    for (const Side side : {Side::kBid, Side::kAsk}) {
      for (const auto& [price, level] : view.book().levels(side)) {
        mine[side == Side::kAsk][key(level.price)] = level;
      }
    }
    KrakenView::Update update;
    int sent = 0;
    for (int i = 0; i < 1500; ++i) {
      const Event event = generator.next();
      if (view.update(generator.book(), event.changes, update)) {
        ++sent;
        for (int side = 0; side < 2; ++side) {
          Prices& levels = mine[side];
          for (const Level& level : side == 0 ? update.bids : update.asks) {
            if (level.quantity == "0.00000000") {
              ASSERT_EQ(levels.erase(key(level.price)), 1u);
            } else {
              levels[key(level.price)] = level;
            }
          }
          while (levels.size() > depth) {
            levels.erase(side == 0 ? levels.begin() : std::prev(levels.end()));
          }
        }
      }
      if (i % 5 != 0) continue;
      std::vector<Level> bids;
      for (auto it = mine[0].rbegin(); it != mine[0].rend(); ++it) {
        bids.push_back(it->second);
      }
      std::vector<Level> asks;
      for (const auto& [price, level] : mine[1]) asks.push_back(level);
      Book top;
      for (const Level& level : bids) {
        top.set(Side::kBid, level.price, level.quantity);
      }
      for (const Level& level : asks) {
        top.set(Side::kAsk, level.price, level.quantity);
      }
      ASSERT_EQ(bids.size(), depth);
      ASSERT_EQ(asks.size(), depth);
      ASSERT_TRUE(std::equal(bids.begin(), bids.end(),
                             generator.book().levels(Side::kBid).begin(),
                             [](const Level& level, const auto& entry) {
                               return level == entry.second;
                             }));
      ASSERT_TRUE(std::equal(asks.begin(), asks.end(),
                             generator.book().levels(Side::kAsk).begin(),
                             [](const Level& level, const auto& entry) {
                               return level == entry.second;
                             }));
      ASSERT_EQ(top.kraken_checksum(), view.book().kraken_checksum());
      ASSERT_EQ(top.kraken_checksum(), generator.book().kraken_checksum());
    }
    EXPECT_GT(sent, 150);
  }
}

}  // namespace
}  // namespace wirebook::sim
