// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "apps/lob_node/terminal_view.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wirebook {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

LiveView one_book(BookState state, BookReason reason) {
  BookView view;
  view.state = state;
  view.reason = reason;
  view.price_scale = 1;
  view.quantity_scale = 8;
  view.bid_count = view.ask_count = 1;
  view.bids[0] = {633887, 25761908};
  view.asks[0] = {633952, 5500000};
  LiveView live;
  live.headline = "lob_node";
  live.books.push_back({"kraken", "BTC/USD", view, 1.5});
  live.connections.push_back({"kraken", "up", 7, 3, 250, 300, 400, 500, 600});
  return live;
}

TEST(TerminalView, LiveBookShowsItsTouch) {
  const std::string text =
      format_live_view(one_book(BookState::kLive, BookReason::kNone));
  EXPECT_THAT(text, HasSubstr("63388.7"));
  EXPECT_THAT(text, HasSubstr("0.25761908"));
  EXPECT_THAT(text, HasSubstr("63395.2"));
  EXPECT_THAT(text, HasSubstr("Live\n"));
  EXPECT_THAT(text, HasSubstr("p99.9"));
}

TEST(TerminalView, BookThatIsNotLiveShowsItsReasonAndNoPrice) {
  const std::string text = format_live_view(
      one_book(BookState::kChecksumFailed, BookReason::kChecksumMismatch));
  EXPECT_THAT(text, Not(HasSubstr("63388.7")));
  EXPECT_THAT(text, HasSubstr("ChecksumFailed (checksum_mismatch)"));
}

TEST(TerminalView, RedrawErasesTheRestOfEachLine) {
  EXPECT_EQ(with_line_erasure("a\nb\n"), "a\x1b[K\nb\x1b[K\n");
}

}  // namespace
}  // namespace wirebook
