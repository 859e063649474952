// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/book_dump.h"

#include <string>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

TEST(BookDumpTest, BestFirstBidsThenAsksAllDecimals) {
  L2Book book(L2BookOptions{});
  book.reset(1, 8, 1);
  book.apply(Side::kAsk, 633890, 5100);
  book.apply(Side::kBid, 633881, 78879110);
  book.apply(Side::kBid, 633887, 25761908);
  book.apply(Side::kAsk, 633888, 34887114);
  std::string lines;
  append_book_dump(book, "BTC/USD", "spot", "0", &lines);
  EXPECT_EQ(lines,
            "BTC/USD,bid,63388.7,0.25761908,spot,0\n"
            "BTC/USD,bid,63388.1,0.78879110,spot,0\n"
            "BTC/USD,ask,63388.8,0.34887114,spot,0\n"
            "BTC/USD,ask,63389.0,0.00005100,spot,0\n");
}

// FIPS 180-4's examples.
TEST(BookDumpTest, HashIsSha256InLowerCase) {
  EXPECT_EQ(book_hash("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(book_hash(""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(BookDumpTest, HashTellsBooksApart) {
  L2Book book(L2BookOptions{});
  book.reset(1, 8, 1);
  std::string before;
  append_book_dump(book, "BTC/USD", "spot", "0", &before);
  book.apply(Side::kBid, 633887, 1);
  std::string after;
  append_book_dump(book, "BTC/USD", "spot", "0", &after);
  EXPECT_EQ(before, "");
  EXPECT_NE(book_hash(before), book_hash(after));
}

}  // namespace
}  // namespace wirebook
