// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/itch/itch_books.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

constexpr std::array<char, 8> kStock = {'W', 'I', 'R', 'E', ' ', ' ', ' ', ' '};

class ItchBooksTest : public testing::Test {
 protected:
  void start() {
    apply({.type = 'S', .code = 'O'});
    apply({.type = 'R', .locate = 7, .stock = kStock});
    apply({.type = 'H', .code = 'T', .locate = 7, .stock = kStock});
  }
  void apply(ItchMessage message) {
    message.timestamp_ns = ++now_ns_;
    books_.apply(message);
  }
  void add(uint64_t order, Side side, uint32_t price, uint64_t shares,
           uint16_t locate = 7) {
    apply({.type = 'A',
           .side = side,
           .locate = locate,
           .price = price,
           .order = order,
           .shares = shares,
           .stock = kStock});
  }
  BookState state() const { return books_.view(7).state; }
  BookReason reason() const { return books_.view(7).reason; }

  TradingObjectPools pools_;
  ItchBooks books_{pools_, {.max_books = 2}};
  int64_t now_ns_ = 0;
};

TEST_F(ItchBooksTest, SimplestUse) {
  start();
  add(1, Side::kBid, 1'000'000, 100);
  add(2, Side::kBid, 1'000'000, 50);
  add(3, Side::kAsk, 1'000'100, 70);
  apply({.type = 'E', .locate = 7, .order = 1, .shares = 60});
  apply({.type = 'X', .locate = 7, .order = 2, .shares = 10});
  apply({.type = 'U',
         .locate = 7,
         .price = 1'000'200,
         .order = 3,
         .new_order = 4,
         .shares = 30});
  const ItchBookView view = books_.view(7);
  EXPECT_EQ(view.state, BookState::kLive);
  EXPECT_EQ(view.reason, BookReason::kNone);
  EXPECT_EQ(view.book->best(Side::kBid), (PriceLevel{1'000'000, 80}));
  EXPECT_EQ(view.book->best(Side::kAsk), (PriceLevel{1'000'200, 30}));
  EXPECT_EQ(books_.find("WIRE"), 7);
  EXPECT_EQ(books_.find("NONE"), std::nullopt);
  EXPECT_EQ(books_.stock(7), "WIRE");
  EXPECT_EQ(books_.stock(8), "");
  apply({.type = 'C',
         .code = 'Y',
         .locate = 7,
         .price = 5,
         .order = 1,
         .shares = 40});
  apply({.type = 'D', .locate = 7, .order = 2});
  apply({.type = 'P', .locate = 7, .shares = 10});
  EXPECT_TRUE(view.book->empty(Side::kBid));
  EXPECT_EQ(state(), BookState::kLive);
  EXPECT_EQ(books_.stats().adds, 3U);
  EXPECT_EQ(books_.stats().executions, 2U);
  EXPECT_EQ(books_.stats().cancels, 2U);
  EXPECT_EQ(books_.stats().replaces, 1U);
  EXPECT_EQ(books_.stats().trades, 1U);
  EXPECT_EQ(books_.stats().messages, 12U);
}

TEST_F(ItchBooksTest, WhoComesLateIsNotLive) {
  EXPECT_EQ(state(), BookState::kEmpty);
  apply({.type = 'H', .code = 'T', .locate = 7});
  add(1, Side::kBid, 100, 1);
  EXPECT_EQ(state(), BookState::kSyncing);
  EXPECT_EQ(reason(), BookReason::kAwaitingSnapshot);
  EXPECT_EQ(books_.view(7).since_ns, 1);
  start();  // the next day
  EXPECT_EQ(state(), BookState::kLive);
  EXPECT_EQ(books_.view(7).book, nullptr);
  EXPECT_EQ(books_.view(8).state, BookState::kEmpty);
}

TEST_F(ItchBooksTest, HaltsAreTold) {
  apply({.type = 'S', .code = 'O'});
  apply({.type = 'R', .locate = 7, .stock = kStock});
  EXPECT_EQ(state(), BookState::kHalted);  // not in the spin
  apply({.type = 'H', .code = 'T', .locate = 7});
  EXPECT_EQ(state(), BookState::kLive);
  for (const char trading : {'H', 'P', 'Q'}) {
    apply({.type = 'H', .code = trading, .locate = 7});
    EXPECT_EQ(state(), BookState::kHalted);
    EXPECT_EQ(reason(), BookReason::kVenueStatus);
    EXPECT_EQ(books_.view(7).since_ns, now_ns_);
  }
  apply({.type = 'H', .code = 'T', .locate = 7});
  apply({.type = 'h', .code = 'B', .action = 'H', .locate = 7});  // BX's
  EXPECT_EQ(state(), BookState::kLive);
  apply({.type = 'h', .code = 'Q', .action = 'H', .locate = 7});
  EXPECT_EQ(state(), BookState::kHalted);
  apply({.type = 'h', .code = 'Q', .action = 'T', .locate = 7});
  EXPECT_EQ(state(), BookState::kLive);
  apply({.type = 'S', .code = 'M'});
  EXPECT_EQ(state(), BookState::kLive);
  apply({.type = 'S', .code = 'C'});
  EXPECT_EQ(state(), BookState::kHalted);
}

TEST_F(ItchBooksTest, CrossedWhileItIs) {
  start();
  add(1, Side::kBid, 1'000'000, 1);
  add(2, Side::kAsk, 1'000'000, 1);
  EXPECT_EQ(state(), BookState::kCrossed);
  EXPECT_EQ(reason(), BookReason::kCrossedAfterUpdate);
  apply({.type = 'D', .locate = 7, .order = 1});
  EXPECT_EQ(state(), BookState::kLive);
}

TEST_F(ItchBooksTest, GapsAndMalformedMessagesAreForAllBooksAndStay) {
  start();
  books_.set_assurance(Assurance::kSequenced);
  EXPECT_EQ(books_.view(7).assurance, Assurance::kSequenced);
  books_.on_gap();
  EXPECT_EQ(state(), BookState::kGapped);
  EXPECT_EQ(reason(), BookReason::kSequenceGap);
  books_.on_malformed();
  EXPECT_EQ(reason(), BookReason::kSequenceGap);
  apply({.type = 'S', .code = 'C'});
  EXPECT_EQ(state(), BookState::kGapped);
  EXPECT_EQ(books_.view(9).state, BookState::kGapped);
  EXPECT_EQ(books_.stats().gaps, 1U);
  EXPECT_EQ(books_.stats().malformed, 1U);
  start();
  EXPECT_EQ(state(), BookState::kLive);
}

TEST_F(ItchBooksTest, WhatContradictsABookIsForThatBookAlone) {
  const auto begin = [&] {
    start();
    apply({.type = 'H', .code = 'T', .locate = 8});
    add(1, Side::kBid, 5'000, 10);
    add(2, Side::kAsk, 5'001, 10, 8);
  };
  begin();
  apply({.type = 'D', .locate = 7, .order = 2});  // the other stock's
  EXPECT_EQ(state(), BookState::kGapped);
  EXPECT_EQ(reason(), BookReason::kSequenceGap);
  EXPECT_EQ(books_.view(8).state, BookState::kLive);
  begin();
  add(1, Side::kBid, 5'000, 10);  // known
  EXPECT_EQ(reason(), BookReason::kMalformedMessage);
  begin();
  apply({.type = 'E', .locate = 7, .order = 1, .shares = 11});
  EXPECT_EQ(reason(), BookReason::kMalformedMessage);
  const int64_t since = now_ns_;
  apply({.type = 'E', .locate = 7, .order = 3, .shares = 1});
  EXPECT_EQ(reason(), BookReason::kMalformedMessage);  // the first stays
  EXPECT_EQ(books_.view(7).since_ns, since);
  begin();
  apply({.type = 'E', .locate = 9, .order = 3, .shares = 1});
  EXPECT_EQ(books_.view(9).reason, BookReason::kSequenceGap);
  EXPECT_EQ(books_.view(9).book, nullptr);
  add(3, Side::kBid, 1, 1, 9);  // a third book
  EXPECT_EQ(books_.view(9).book, nullptr);
  add(4, Side::kBid, 1, 1, 10);
  EXPECT_EQ(books_.view(10).reason, BookReason::kInternalDrop);
  add(4, Side::kBid, 1, 1, 0);  // of no stock
  EXPECT_EQ(state(), BookState::kGapped);
  EXPECT_EQ(books_.stats().malformed, 1U);
  EXPECT_EQ(books_.stats().refused, 8U);
  size_t heard = 0;
  books_.for_each([&](uint16_t) { ++heard; });
  EXPECT_EQ(heard, 4U);
}

}  // namespace
}  // namespace wirebook
