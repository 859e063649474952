// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/instrument_books.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

using Kind = ParsedMessageKind;

InstrumentBooksOptions options_for(VenueId venue, size_t lines = 1) {
  InstrumentBooksOptions options{
      .venue = venue, .max_books = 4, .lines = lines};
  options.keeper.book.window_ticks = 1024;
  return options;
}

std::unique_ptr<ParsedMessage> make(Kind kind, uint16_t connection,
                                    uint32_t instrument = kNoInstrument) {
  auto message = std::make_unique<ParsedMessage>();
  message->kind = kind;
  message->connection = connection;
  message->instrument = instrument;
  message->last_part = true;
  return message;
}

struct Heard final : BookPipelineListener {
  void on_other(const ParsedMessage& message) override {
    others.push_back(message.kind);
  }
  std::vector<Kind> others;
};

// Books 0 and 1 are heard on connection 0, book 2 on connection 1.
class ThreeBooks {
 public:
  explicit ThreeBooks(VenueId venue) : books(options_for(venue), &heard) {
    for (uint16_t i = 0; i < 3; ++i) {
      const auto added = books.table().find_or_add(
          make_instrument(venue, "BOOK" + std::to_string(i), i / 2));
      EXPECT_TRUE(added.ok()) << added.status();
    }
    books.on_connection_up(0, 1);
    books.on_connection_up(1, 1);
    for (size_t i = 0; i < 3; ++i) EXPECT_EQ(state(i), BookState::kSyncing);
  }

  BookState state(size_t i) const { return books.keeper(i).state(); }
  BookReason reason(size_t i) const { return books.keeper(i).reason(); }
  // How many requests of the kind there are.
  int requests(BookRequestKind kind) {
    int count = 0;
    while (const auto request = books.next_request()) {
      count += request->kind == kind ? 1 : 0;
    }
    return count;
  }

  Heard heard;
  InstrumentBooks books;
};

TEST(InstrumentBooks, ALossConcernsTheBooksOfItsConnection) {
  ThreeBooks all(VenueId::kBinanceSpot);
  all.books.on_fault(BookReason::kInternalDrop, 0, 2);
  EXPECT_EQ(all.reason(0), BookReason::kInternalDrop);
  EXPECT_EQ(all.reason(1), BookReason::kInternalDrop);
  EXPECT_EQ(all.state(2), BookState::kSyncing);
  all.books.on_connection_lost(1, 3);
  EXPECT_EQ(all.reason(1), BookReason::kInternalDrop);
  EXPECT_EQ(all.reason(2), BookReason::kConnectionLost);
}

TEST(InstrumentBooks, AMalformedFrameConcernsTheBookItNamesOrAllOfThem) {
  ThreeBooks all(VenueId::kBinanceSpot);
  auto malformed = make(Kind::kMalformed, 0, 1);
  malformed->reason = BookReason::kMalformedMessage;
  all.books.on_frame(malformed.get(), 0);
  EXPECT_EQ(all.state(0), BookState::kSyncing) << "it concerns no book";
  malformed->concerns_book = true;
  all.books.on_frame(malformed.get(), 0);
  EXPECT_EQ(all.state(0), BookState::kSyncing);
  EXPECT_EQ(all.reason(1), BookReason::kMalformedMessage);
  malformed->instrument = kNoInstrument;
  all.books.on_frame(malformed.get(), 0);
  EXPECT_EQ(all.reason(0), BookReason::kMalformedMessage);
  EXPECT_EQ(all.state(2), BookState::kSyncing);
  EXPECT_EQ(all.books.statistics().malformed, 3u);
  EXPECT_EQ(all.heard.others, std::vector<Kind>(3, Kind::kMalformed));
}

TEST(InstrumentBooks, AHoleInAConnectionsCountIsALoss) {
  ThreeBooks all(VenueId::kCoinbaseAdvanced);
  const auto frame = make(Kind::kHeartbeat, 0);
  frame->has_connection_sequence = true;
  frame->connection_sequence = 0;
  all.books.on_frame(frame.get(), 0);
  EXPECT_EQ(all.state(0), BookState::kSyncing);
  frame->connection_sequence = 2;
  all.books.on_frame(frame.get(), 0);
  EXPECT_EQ(all.reason(0), BookReason::kSequenceGap);
  EXPECT_EQ(all.reason(1), BookReason::kSequenceGap);
  EXPECT_EQ(all.state(2), BookState::kSyncing);
  // A new connection counts anew.
  all.books.on_connection_up(0, 5);
  frame->connection_sequence = 0;
  all.books.on_frame(frame.get(), 0);
  EXPECT_EQ(all.state(0), BookState::kSyncing);
}

TEST(InstrumentBooks, AReconnectIsAskedForOnceUntilItIsUp) {
  ThreeBooks all(VenueId::kBinanceSpot);
  const auto shutdown = make(Kind::kShutdown, 0);
  all.books.on_frame(shutdown.get(), 0);
  EXPECT_EQ(all.state(0), BookState::kHalted);
  EXPECT_EQ(all.state(1), BookState::kHalted);
  EXPECT_EQ(all.requests(BookRequestKind::kReconnect), 1);
  all.books.on_frame(shutdown.get(), 0);
  EXPECT_EQ(all.requests(BookRequestKind::kReconnect), 0);
  all.books.on_reconnected(0);
  all.books.on_connection_up(0, 9);
  all.books.on_frame(shutdown.get(), 0);
  EXPECT_EQ(all.requests(BookRequestKind::kReconnect), 1);
}

TEST(InstrumentBooks, AnyFrameEndsASilenceButAnAnswerToARequest) {
  ThreeBooks all(VenueId::kBinanceSpot);
  all.books.on_connection_stale(0, 2);
  EXPECT_EQ(all.state(0), BookState::kStale);
  EXPECT_EQ(all.state(1), BookState::kStale);
  EXPECT_EQ(all.state(2), BookState::kSyncing);
  const auto frame = make(Kind::kIgnored, 0);
  frame->http_body = true;
  all.books.on_frame(frame.get(), 0);
  EXPECT_EQ(all.state(0), BookState::kStale);
  frame->http_body = false;
  frame->connection = 1;
  all.books.on_frame(frame.get(), 0);
  EXPECT_EQ(all.state(0), BookState::kStale);
  frame->connection = 0;
  all.books.on_frame(frame.get(), 0);
  EXPECT_EQ(all.state(0), BookState::kSyncing);
  EXPECT_EQ(all.state(1), BookState::kSyncing);
  EXPECT_EQ(all.books.statistics().ignored, 3u);
  EXPECT_TRUE(all.heard.others.empty());
}

TEST(InstrumentBooks, EachLineIsAConnectionAndTheBookHasTheirs) {
  InstrumentBooks books(options_for(VenueId::kBinanceSpot, /*lines=*/2),
                        nullptr);
  ASSERT_TRUE(books.table()
                  .find_or_add(make_instrument(VenueId::kBinanceSpot, "A", 3))
                  .ok());
  books.on_connection_up(6, 1);
  books.on_connection_up(7, 1);
  EXPECT_EQ(books.keeper(0).state(), BookState::kSyncing);
  books.on_connection_lost(6, 2);
  EXPECT_EQ(books.keeper(0).state(), BookState::kSyncing) << "the other lives";
  books.on_connection_lost(7, 3);
  EXPECT_EQ(books.keeper(0).reason(), BookReason::kConnectionLost);
}

}  // namespace
}  // namespace wirebook
