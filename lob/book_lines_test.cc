// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/book_lines.h"

#include <memory>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

using Kind = ParsedMessageKind;

// A book of `venue` with as many lines, and what comes on them.
class Heard {
 public:
  Heard(VenueId venue, size_t lines, uint64_t patience_ticks = 1000)
      : instrument_(make_instrument(venue, "BTCUSDT", 0)),
        lines_(venue_traits(venue), lines, patience_ticks, 1) {
    instrument_.index = 0;
    BookKeeperOptions options;
    options.book.window_ticks = 1024;
    keeper_ = std::make_unique<BookKeeper>(instrument_, options, nullptr);
    lines_.add_book(0);
  }

  void up(uint16_t connection) { lines_.on_up(*keeper_, connection, ++now_); }
  void lost(uint16_t connection) {
    lines_.on_lost(*keeper_, connection, ++now_);
  }
  void stale(uint16_t connection) {
    lines_.on_stale(*keeper_, connection, ++now_);
  }
  void heard(uint16_t connection) {
    lines_.on_heard(*keeper_, connection, ++now_);
  }
  void fault(uint16_t connection) {
    lines_.on_fault(*keeper_, BookReason::kMalformedMessage, connection,
                    ++now_);
  }
  void notice(Kind kind, uint16_t connection) {
    const auto message = make(kind, connection);
    lines_.on_notice(*keeper_, *message);
  }

  // The whole book up to `id`; `body`: an answer to a request.
  void snapshot(uint16_t connection, uint64_t id, bool body) {
    const auto message = make(Kind::kSnapshot, connection);
    message->http_body = body;
    message->has_last_update_id = true;
    message->last_update_id = id;
    level(*message, 100);
    lines_.on_depth(*keeper_, *message);
  }

  // The ids after `begin` up to `end`, as either kind of venue says it.
  void update(uint16_t connection, uint64_t begin, uint64_t end) {
    const auto message = make(Kind::kDelta, connection);
    message->has_first_update_id = message->has_last_update_id = true;
    message->has_previous_update_id = true;
    message->first_update_id = begin + 1;
    message->last_update_id = end;
    message->previous_update_id = begin;
    level(*message, static_cast<int64_t>(end));
    lines_.on_depth(*keeper_, *message);
  }

  void depth(ParsedMessage& message) { lines_.on_depth(*keeper_, message); }

  BookState state() const { return keeper_->state(); }
  BookReason reason() const { return keeper_->reason(); }
  uint64_t applied() const { return keeper_->statistics().updates_applied; }
  // The quantity at the touch is the id of the update that set it.
  int64_t quantity() const { return keeper_->view().bids[0].quantity; }
  bool passes(Kind kind, uint16_t connection, uint64_t id) {
    const auto message = make(kind, connection);
    message->has_last_update_id = true;
    message->last_update_id = id;
    return lines_.passes(*message);
  }
  // With a frame of another book.
  void time(uint64_t later) {
    now_ += later;
    lines_.on_time({&keeper_, 1}, now_);
  }
  bool any_stale() const { return lines_.any_stale(*keeper_); }
  const BookLines& lines() const { return lines_; }

 private:
  std::unique_ptr<ParsedMessage> make(Kind kind, uint16_t connection) {
    auto message = std::make_unique<ParsedMessage>();
    message->kind = kind;
    message->instrument = 0;
    message->connection = connection;
    message->receive_ticks = ++now_;
    message->price_scale = message->quantity_scale = 8;
    return message;
  }

  static void level(ParsedMessage& message, int64_t quantity) {
    message.bid_count = message.ask_begin = message.ask_count = 1;
    message.levels[0] = {100, quantity};
    message.levels[1] = {101, quantity};
  }

  Instrument instrument_;
  BookLines lines_;
  std::unique_ptr<BookKeeper> keeper_;
  uint64_t now_ = 0;
};

TEST(BookLines, WithOneLineEverythingGoesStraightToTheBook) {
  Heard book(VenueId::kBinanceSpot, 1);
  EXPECT_EQ(book.lines().book_connection(5), 5);
  book.up(0);
  book.update(0, 9, 10);
  book.snapshot(0, 9, /*body=*/true);
  EXPECT_EQ(book.state(), BookState::kLive);
  EXPECT_EQ(book.quantity(), 10);
  book.stale(0);
  EXPECT_EQ(book.state(), BookState::kStale);
  EXPECT_TRUE(book.any_stale());
  book.heard(0);
  EXPECT_EQ(book.state(), BookState::kLive);
  book.fault(0);
  EXPECT_EQ(book.reason(), BookReason::kMalformedMessage);
  book.lost(0);
  EXPECT_EQ(book.reason(), BookReason::kConnectionLost);
  EXPECT_EQ(book.lines().statistics(0, 0).won, 0u);
}

TEST(BookLines, TheLowBitsOfAConnectionAreItsLine) {
  Heard book(VenueId::kBinanceSpot, 4);
  EXPECT_EQ(book.lines().line_bits(), 2);
  EXPECT_EQ(book.lines().book_connection(0), 0);
  EXPECT_EQ(book.lines().book_connection(3), 0);
  EXPECT_EQ(book.lines().book_connection(7), 1);
}

class TwoLines : public testing::TestWithParam<VenueId> {
 protected:
  // Live after the id 10, which line 0 brought.
  TwoLines() : book_(GetParam(), 2) {
    book_.up(0);
    book_.up(1);
    const bool body = venue_traits(GetParam()).sync == SyncClass::kRestSnapshot;
    if (body) book_.update(0, 9, 10);
    book_.snapshot(0, 9, body);
    if (!body) book_.update(0, 9, 10);
    join(1);
  }
  // The line is up, and the venue says that it sends the book on it.
  void join(uint16_t line) {
    if (venue_traits(GetParam()).sync == SyncClass::kRestSnapshot) {
      book_.notice(Kind::kSubscribed, line);
    } else {
      book_.snapshot(line, 10, /*body=*/false);
    }
  }
  void SetUp() override { ASSERT_EQ(book_.state(), BookState::kLive); }

  Heard book_;
};

TEST_P(TwoLines, TheFasterLineWinsAndTheOtherOnesAreDuplicates) {
  const uint64_t before = book_.applied();
  book_.update(1, 10, 11);
  book_.update(0, 10, 11);
  EXPECT_EQ(book_.applied(), before + 1);
  EXPECT_EQ(book_.lines().statistics(0, 1).won, 1u);
  EXPECT_EQ(book_.lines().statistics(0, 0).duplicates, 1u);
}

TEST_P(TwoLines, WhatAnUpdateRepeatsIsTakenOffItsIds) {
  book_.update(0, 10, 12);
  book_.update(1, 11, 14);  // 12 again: to the book it begins at 13
  EXPECT_EQ(book_.state(), BookState::kLive);
  EXPECT_EQ(book_.quantity(), 14);
}

TEST_P(TwoLines, AFaultOfOneLineDoesNotTouchTheBook) {
  book_.fault(0);
  book_.update(0, 12, 13);  // after a hole: dropped
  EXPECT_EQ(book_.state(), BookState::kLive);
  EXPECT_EQ(book_.quantity(), 10);
  book_.update(1, 10, 12);
  book_.update(1, 12, 13);
  EXPECT_EQ(book_.quantity(), 13);
  book_.update(0, 12, 13);  // in order again
  book_.fault(1);
  EXPECT_EQ(book_.state(), BookState::kLive);
  book_.fault(0);
  EXPECT_NE(book_.state(), BookState::kLive);
}

TEST_P(TwoLines, AHoleThatStaysIsSaidInAQuietMarket) {
  book_.update(0, 12, 13);
  EXPECT_TRUE(book_.lines().awaits());
  book_.time(1000);
  EXPECT_EQ(book_.state(), BookState::kLive);
  book_.time(1000);
  EXPECT_EQ(book_.state(), BookState::kGapped);
  EXPECT_FALSE(book_.lines().awaits());
}

TEST_P(TwoLines, ALineThatNeverBroughtTheBookDoesNotCarryIt) {
  book_.lost(1);
  book_.up(1);
  book_.lost(0);
  EXPECT_NE(book_.state(), BookState::kLive);
}

TEST_P(TwoLines, BothEndsAnnouncedTheBookIsLiveOnTheNextConnection) {
  book_.notice(Kind::kShutdown, 0);
  book_.notice(Kind::kShutdown, 1);
  book_.update(1, 10, 11);  // it may go on for minutes
  EXPECT_EQ(book_.state(), BookState::kHalted);
  book_.lost(0);
  book_.up(0);
  join(0);
  const bool body = venue_traits(GetParam()).sync == SyncClass::kRestSnapshot;
  if (body) {
    book_.update(0, 19, 20);
    book_.snapshot(0, 19, body);
  }
  EXPECT_EQ(book_.state(), BookState::kLive);
}

TEST_P(TwoLines, TheBookIsLostWithItsLastLine) {
  book_.lost(0);
  EXPECT_EQ(book_.state(), BookState::kLive);
  book_.lost(1);
  EXPECT_EQ(book_.reason(), BookReason::kConnectionLost);
}

TEST_P(TwoLines, TheBookIsStaleWithItsLastLine) {
  book_.stale(1);
  EXPECT_EQ(book_.state(), BookState::kLive);
  EXPECT_TRUE(book_.any_stale());
  book_.stale(0);
  EXPECT_EQ(book_.state(), BookState::kStale);
  book_.heard(1);
  EXPECT_EQ(book_.state(), BookState::kLive);
  EXPECT_TRUE(book_.any_stale());
  book_.heard(0);
  EXPECT_FALSE(book_.any_stale());
}

TEST_P(TwoLines, TradesAndQuotesComeOnce) {
  for (const Kind kind : {Kind::kTrade, Kind::kBestBidOffer}) {
    EXPECT_TRUE(book_.passes(kind, 0, 7));
    EXPECT_FALSE(book_.passes(kind, 1, 7));
    EXPECT_TRUE(book_.passes(kind, 1, 9));
    EXPECT_EQ(book_.passes(kind, 0, 8), kind == Kind::kTrade)
        << "an older quote is no news";
  }
}

TEST_P(TwoLines, OneLinesEndIsNotTheBooks) {
  book_.notice(Kind::kShutdown, 1);
  EXPECT_EQ(book_.state(), BookState::kLive);
  book_.update(0, 10, 11);
  EXPECT_EQ(book_.quantity(), 11);
  book_.notice(Kind::kShutdown, 0);
  EXPECT_NE(book_.state(), BookState::kLive);
}

TEST_P(TwoLines, ALineThatTheVenueUnsubscribesCarriesTheBookNoLonger) {
  book_.notice(Kind::kUnsubscribed, 1);
  EXPECT_EQ(book_.state(), BookState::kLive);
  book_.update(0, 10, 11);
  EXPECT_EQ(book_.quantity(), 11);
  book_.lost(0);
  EXPECT_EQ(book_.reason(), BookReason::kConnectionLost);
}

TEST_P(TwoLines, DepthWithoutIdsIsAFaultOfItsLine) {
  Heard book(GetParam(), 2);
  book.up(0);
  EXPECT_EQ(book.lines().statistics(0, 0).faults, 0u);
  ParsedMessage message;
  message.header() = ParsedMessageHeader();
  message.kind = Kind::kDelta;
  message.instrument = 0;
  book.depth(message);
  EXPECT_EQ(book.lines().statistics(0, 0).faults, 1u);
}

INSTANTIATE_TEST_SUITE_P(Venues, TwoLines,
                         testing::Values(VenueId::kBinanceSpot, VenueId::kOkx));

}  // namespace
}  // namespace wirebook
