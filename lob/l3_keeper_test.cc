// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/l3_keeper.h"

#include <atomic>
#include <initializer_list>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "lob/order_checksum.h"

namespace wirebook {
namespace {

using Kind = ParsedMessageKind;

constexpr int64_t kPrice = 10'000;

OrderEvent add(uint64_t id, Side side, int64_t price, int64_t quantity) {
  return {.id = {7, id},
          .price = price,
          .quantity = quantity,
          .action = OrderAction::kAdd,
          .side = side};
}
OrderEvent change(uint64_t id, Side side, int64_t price, int64_t quantity) {
  OrderEvent event = add(id, side, price, quantity);
  event.action = OrderAction::kChange;
  return event;
}
OrderEvent reduce(uint64_t id, Side side, int64_t quantity) {
  OrderEvent event = add(id, side, 0, quantity);
  event.action = OrderAction::kReduce;
  return event;
}
OrderEvent remove(uint64_t id) {
  OrderEvent event = add(id, Side::kBid, 0, 0);
  event.action = OrderAction::kRemove;
  return event;
}
OrderEvent unsure(OrderEvent event) {
  event.may_be_unknown = true;
  return event;
}
// For channels whose ids are of 64 bits.
OrderEvent narrow(OrderEvent event) {
  event.id.high = 0;
  return event;
}

struct Observer final : L3KeeperObserver {
  void on_applied(const L3Keeper&, const ParsedMessageHeader&) noexcept final {
    ++applied;
  }
  void on_state_changed(const L3Keeper& keeper) noexcept final {
    states.push_back(keeper.state());
  }
  int applied = 0;
  std::vector<BookState> states;
};

struct Subject {
  explicit Subject(VenueId venue, const L3KeeperOptions& options = {})
      : instrument(make_instrument(venue, "X", 0)),
        keeper(instrument, *find_order_feed(venue), pools, options, &observer) {
    instrument.index = 0;
    keeper.on_connection_up(++now);
  }

  void send(Kind kind, std::initializer_list<OrderEvent> events = {}) {
    message.kind = kind;
    message.receive_ticks = ++now;
    message.order_count = 0;
    for (const OrderEvent& event : events) {
      message.orders[message.order_count++] = event;
    }
    keeper.on_message(message);
    message.header() = ParsedMessageHeader();
  }
  // As Coinbase's.
  void number(uint64_t n, std::initializer_list<OrderEvent> events = {}) {
    message.has_first_update_id = message.has_last_update_id = true;
    message.has_previous_update_id = true;
    message.first_update_id = message.last_update_id = n;
    message.previous_update_id = n - 1;
    send(Kind::kDelta, events);
  }
  void snapshot(uint64_t n, std::initializer_list<OrderEvent> events = {}) {
    message.http_body = true;
    message.has_last_update_id = true;
    message.last_update_id = n;
    send(Kind::kSnapshot, events);
  }
  // As Bitstamp's.
  void chained(uint64_t micros, uint64_t n,
               std::initializer_list<OrderEvent> events) {
    message.has_first_update_id = message.has_last_update_id = true;
    message.has_previous_update_id = true;
    message.first_update_id = micros;
    message.previous_update_id = n - 1;
    message.last_update_id = n;
    send(Kind::kDelta, events);
  }
  void expect(BookState state, BookReason reason = BookReason::kNone) {
    EXPECT_EQ(book_state_name(keeper.state()), book_state_name(state));
    EXPECT_EQ(book_reason_name(keeper.reason()), book_reason_name(reason));
    const BookView view = keeper.view();
    EXPECT_EQ(view.state, keeper.state()) << "published";
    EXPECT_EQ(view.reason, keeper.reason());
  }

  TradingObjectPools pools;
  Instrument instrument;
  Observer observer;
  uint64_t now = 0;
  ParsedMessage message;
  L3Keeper keeper;
};

// A Live book of three orders at number 5.
struct Coinbase : testing::Test, Subject {
  Coinbase() : Subject(VenueId::kCoinbaseExchange) {
    snapshot(4,
             {add(1, Side::kBid, kPrice, 100), add(2, Side::kBid, kPrice, 50),
              add(3, Side::kAsk, kPrice + 1, 70)});
    number(5);
  }
};

TEST_F(Coinbase, OrdersInAndTheTopOut) {
  expect(BookState::kLive);
  number(6, {add(4, Side::kBid, kPrice + 0, 30)});
  number(7, {reduce(1, Side::kBid, 100)});
  const BookView view = keeper.view();
  EXPECT_EQ(view.assurance, Assurance::kSequenced);
  ASSERT_EQ(view.bid_count, 1u);
  EXPECT_EQ(view.bids[0], (PriceLevel{kPrice, 80}));
  EXPECT_EQ(view.asks[0], (PriceLevel{kPrice + 1, 70}));
  EXPECT_EQ(view.update_id, 7u);
  EXPECT_EQ(keeper.book().queue_position(*keeper.book_id({7, 4}))->orders_ahead,
            1u);
  EXPECT_FALSE(keeper.book_id({7, 1})) << "it is gone, and so is its number";
  EXPECT_EQ(keeper.venue_id(*keeper.book_id({7, 4})), (OrderId{7, 4}));
  EXPECT_EQ(observer.applied, 4);
}

TEST_F(Coinbase, LessKeepsThePlaceMoreAndAnotherPriceDoNot) {
  const auto ahead = [this](uint64_t id) {
    return keeper.book().queue_position(*keeper.book_id({7, id}))->orders_ahead;
  };
  number(6, {change(1, Side::kBid, kPrice, 10)});
  EXPECT_EQ(ahead(1), 0u);
  number(7, {change(1, Side::kBid, kPrice, 500)});
  EXPECT_EQ(ahead(1), 1u);
  number(8, {change(2, Side::kBid, kPrice - 5, 50)});
  EXPECT_EQ(ahead(1), 0u);
  EXPECT_EQ(keeper.book().levels(Side::kBid), 2u);
  number(9, {change(2, Side::kBid, kPrice - 5, 0)});
  EXPECT_EQ(keeper.book().levels(Side::kBid), 1u);
  expect(BookState::kLive);
}

TEST_F(Coinbase, WhatTheChannelSaysOfOrdersThatNeverRestedIsNothing) {
  number(6, {unsure(remove(99))});
  number(7, {unsure(change(99, Side::kBid, kPrice, 5))});
  expect(BookState::kLive);
}

TEST_F(Coinbase, AContradictionGapsTheBook) {
  const struct {
    const char* what;
    OrderEvent event;
    BookReason reason;
  } kCases[] = {
      {"it rests already", add(1, Side::kBid, kPrice, 5),
       BookReason::kSequenceGap},
      {"a trade of one that is not there", reduce(99, Side::kBid, 5),
       BookReason::kSequenceGap},
      {"it goes and is not there", remove(99), BookReason::kSequenceGap},
      {"it changes and is not there", change(99, Side::kBid, kPrice, 5),
       BookReason::kSequenceGap},
      {"more is traded than it has", reduce(1, Side::kBid, 101),
       BookReason::kMalformedMessage},
      {"nothing is traded", reduce(1, Side::kBid, 0),
       BookReason::kMalformedMessage},
      {"it rests on the other side", reduce(1, Side::kAsk, 5),
       BookReason::kMalformedMessage},
      {"too much for a level", add(9, Side::kBid, kPrice, INT64_MAX),
       BookReason::kNumberOverflow},
  };
  uint64_t n = 6;
  for (const auto& one : kCases) {
    SCOPED_TRACE(one.what);
    number(n++, {one.event});
    expect(BookState::kGapped, one.reason);
    EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
    // The next message is kept, a snapshot and it make the book Live again.
    number(n);
    snapshot(n, {add(1, Side::kBid, kPrice, 100)});
    expect(BookState::kLive);
    ++n;
  }
}

TEST_F(Coinbase, ALostMessageGapsAndASnapshotHeals) {
  number(7, {add(8, Side::kAsk, kPrice + 2, 5)});
  expect(BookState::kGapped, BookReason::kSequenceGap);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
  EXPECT_FALSE(keeper.take_request()) << "once";
  number(8, {remove(8)});
  snapshot(5, {});
  expect(BookState::kGapped, BookReason::kSnapshotTooOld);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
  snapshot(7,
           {add(8, Side::kAsk, kPrice + 2, 5), add(9, Side::kBid, kPrice, 1)});
  expect(BookState::kLive);
  EXPECT_EQ(keeper.book().orders(), 1u) << "what was kept is applied";
  EXPECT_EQ(keeper.statistics().gaps, 1u);
  EXPECT_EQ(keeper.statistics().resyncs, 1u);
}

TEST_F(Coinbase, ASnapshotThatSaysAnOrderTwiceIsNone) {
  keeper.on_fault(BookReason::kInternalDrop, ++now);
  expect(BookState::kGapped, BookReason::kInternalDrop);
  snapshot(9, {add(1, Side::kBid, kPrice, 1), add(1, Side::kBid, kPrice, 1)});
  expect(BookState::kGapped, BookReason::kSequenceGap);
  snapshot(9, {add(1, Side::kBid, kPrice, 1)});
  expect(BookState::kSyncing, BookReason::kAwaitingFirstUpdate);
  number(10);
  expect(BookState::kLive);
}

TEST_F(Coinbase, CrossedIsAFaultAtOnce) {
  number(6, {add(9, Side::kAsk, kPrice, 5)});
  // `open` tells what rests: what it crosses is wrong, and stays so.
  expect(BookState::kCrossed, BookReason::kCrossedAfterUpdate);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
  EXPECT_EQ(keeper.statistics().crossed, 1u);
}

TEST_F(Coinbase, ScalesThatChangeAreAGap) {
  message.price_scale = 3;
  number(6);
  expect(BookState::kGapped, BookReason::kScaleChanged);
}

TEST_F(Coinbase, TheConnection) {
  keeper.on_connection_stale(++now);
  expect(BookState::kStale, BookReason::kStaleHeartbeat);
  snapshot(50);
  expect(BookState::kStale, BookReason::kStaleHeartbeat);
  number(6);
  expect(BookState::kLive);
  keeper.on_connection_lost(++now);
  expect(BookState::kGapped, BookReason::kConnectionLost);
  keeper.on_connection_up(++now);
  expect(BookState::kSyncing, BookReason::kAwaitingSnapshot);
  message.reason = BookReason::kVenueStatus;
  send(Kind::kStatus);
  expect(BookState::kHalted, BookReason::kVenueStatus);
  send(Kind::kStatus);
  expect(BookState::kSyncing, BookReason::kAwaitingSnapshot);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
  send(Kind::kShutdown);
  expect(BookState::kHalted, BookReason::kVenueStatus);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kReconnect);
  number(7);
  keeper.on_fault(BookReason::kMalformedMessage, ++now);
  expect(BookState::kHalted, BookReason::kVenueStatus);
  keeper.on_connection_up(++now);
  expect(BookState::kSyncing, BookReason::kAwaitingSnapshot);
}

TEST_F(Coinbase, AnAnswerThatDoesNotServeIsAskedForAgain) {
  keeper.on_fault(BookReason::kSequenceGap, ++now);
  EXPECT_TRUE(keeper.take_request());
  message.http_body = true;
  message.reason = BookReason::kMalformedMessage;
  send(Kind::kMalformed);
  expect(BookState::kGapped, BookReason::kMalformedMessage);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
}

TEST_F(Coinbase, ARefusedSubscriptionIsAskedForAgain) {
  keeper.on_connection_up(++now);
  keeper.take_request();
  message.reason = BookReason::kVenueRefused;
  send(Kind::kRefused);
  expect(BookState::kHalted, BookReason::kVenueRefused);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kResubscribe);
}

TEST(L3Keeper, ABufferThatIsFullBeginsAnew) {
  L3KeeperOptions options;
  options.buffered_messages = 4;
  options.buffered_orders = 4;
  Subject one(VenueId::kCoinbaseExchange, options);
  for (uint64_t n = 1; n <= 6; ++n) one.number(n, {add(n, Side::kBid, 5, 1)});
  one.snapshot(3);
  one.expect(BookState::kSyncing, BookReason::kSnapshotTooOld);
  one.snapshot(4, {add(4, Side::kBid, 5, 1)});
  one.expect(BookState::kLive);
  EXPECT_EQ(one.keeper.book().orders(), 3u);
  EXPECT_EQ(one.keeper.statistics().updates_dropped, 4u);
}

// ---- Bitstamp ---------------------------------------------------------------

constexpr uint64_t kNow = 1'788'551'766'357'000;

struct Bitstamp : testing::Test, Subject {
  Bitstamp() : Subject(VenueId::kBitstamp) {}

  // A book of these that waits for the first message after kNow.
  void begin(std::initializer_list<OrderEvent> orders) {
    send(Kind::kSubscribed);
    expect(BookState::kSyncing, BookReason::kAwaitingSnapshot);
    EXPECT_FALSE(keeper.take_request()) << "not before the first message";
    chained(kNow - 5000, 1, {});
    EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
    snapshot(kNow, orders);
    expect(BookState::kSyncing, BookReason::kAwaitingFirstUpdate);
  }
};

TEST_F(Bitstamp, MessagesThatTheSnapshotMayHaveAreAppliedLoosely) {
  chained(kNow, 1, {narrow(add(1, Side::kBid, kPrice, 9))});
  expect(BookState::kSyncing, BookReason::kAwaitingSnapshot);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
  chained(kNow + 1000, 2, {narrow(change(1, Side::kBid, kPrice, 5))});
  chained(kNow + 1000, 3, {narrow(add(2, Side::kBid, kPrice, 8))});
  chained(kNow + 2000, 4, {narrow(remove(3))});
  // It has 1 as it was changed, and 2; and no longer 3.
  snapshot(kNow + 900, {});
  expect(BookState::kSyncing, BookReason::kSnapshotTooOld);
  snapshot(kNow + 1500, {narrow(add(1, Side::kBid, kPrice, 5)),
                         narrow(add(2, Side::kBid, kPrice, 8)),
                         narrow(add(3, Side::kAsk, kPrice + 1, 1))});
  expect(BookState::kLive);
  EXPECT_EQ(keeper.book().orders(), 2u);
  EXPECT_EQ(keeper.book().find(1)->quantity, 5);
  EXPECT_EQ(keeper.view().assurance, Assurance::kSequenced);
}

TEST_F(Bitstamp, ATakerIsToldBeforeWhatItMeets) {
  begin({narrow(add(1, Side::kAsk, kPrice, 5))});
  chained(kNow + 1000, 2, {narrow(add(2, Side::kBid, kPrice + 1, 5))});
  expect(BookState::kCrossed, BookReason::kCrossedAfterUpdate);
  EXPECT_FALSE(keeper.take_request()) << "nothing is missing";
  chained(kNow + 1000, 3, {narrow(remove(1))});
  expect(BookState::kLive);
  EXPECT_EQ(keeper.statistics().crossed, 1u);
}

TEST_F(Bitstamp, ABookThatStaysCrossedIsFetchedAgain) {
  begin({narrow(add(1, Side::kAsk, kPrice, 5))});
  for (uint64_t n = 2; n <= 257; ++n) {
    chained(kNow + 1000, n, {narrow(add(n + 1, Side::kBid, kPrice + 1, 5))});
    ASSERT_EQ(keeper.state(), BookState::kCrossed);
    ASSERT_FALSE(keeper.take_request()) << n;
  }
  chained(kNow + 1000, 258, {narrow(add(900, Side::kBid, kPrice + 1, 5))});
  expect(BookState::kCrossed, BookReason::kCrossedAfterUpdate);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
}

TEST_F(Bitstamp, AnAnswerFromBeforeTheConnectionIsNotTaken) {
  snapshot(kNow, {});
  expect(BookState::kSyncing, BookReason::kAwaitingSnapshot);
  chained(kNow + 5000, 9, {});
  expect(BookState::kSyncing, BookReason::kAwaitingSnapshot);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
}

TEST_F(Bitstamp, AHoleInTheChainGaps) {
  begin({});
  chained(kNow + 1000, 2, {});
  expect(BookState::kLive);
  chained(kNow + 1000, 4, {});
  expect(BookState::kGapped, BookReason::kSequenceGap);
}

// ---- Kraken -----------------------------------------------------------------

struct Kraken : testing::Test, Subject {
  Kraken() : Subject(VenueId::kKraken, {.depth = 2}) {}

  // What the sum will be, of a book kept beside.
  void with_sum(Kind kind, std::initializer_list<OrderEvent> events,
                std::initializer_list<OrderEvent> book) {
    L3Book beside(pools);
    for (const OrderEvent& order : book) {
      beside.add(order.id.low, order.side, order.price, order.quantity);
    }
    message.has_checksum = true;
    message.checksum = kraken_order_checksum(beside);
    send(kind, events);
  }
};

TEST_F(Kraken, OnlyASumMakesItLive) {
  send(Kind::kDelta, {add(1, Side::kBid, 5, 1)});
  expect(BookState::kSyncing, BookReason::kAwaitingSnapshot);
  const OrderEvent one = add(1, Side::kBid, 5, 1);
  const OrderEvent two = add(2, Side::kBid, 5, 2);
  with_sum(Kind::kSnapshot, {one}, {one});
  expect(BookState::kLive);
  with_sum(Kind::kDelta, {two}, {one, two});
  expect(BookState::kLive);
  EXPECT_EQ(keeper.view().assurance, Assurance::kChecksummed);
  // The queue the other way round has another sum.
  with_sum(Kind::kDelta, {}, {two, one});
  expect(BookState::kChecksumFailed, BookReason::kChecksumMismatch);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kResubscribe);
  with_sum(Kind::kDelta, {}, {one, two});
  expect(BookState::kChecksumFailed, BookReason::kChecksumMismatch);
  with_sum(Kind::kSnapshot, {two, one}, {two, one});
  expect(BookState::kLive);
  send(Kind::kDelta);
  expect(BookState::kChecksumFailed, BookReason::kMissingChecksum);
  EXPECT_EQ(keeper.statistics().checksums_ok, 3u);
  EXPECT_EQ(keeper.statistics().checksums_bad, 2u);
}

TEST_F(Kraken, WhatFallsOutOfTheDepthIsForgotten) {
  const OrderEvent a = add(1, Side::kAsk, 5, 1);
  const OrderEvent b = add(2, Side::kAsk, 6, 1);
  const OrderEvent c = add(3, Side::kAsk, 6, 2);
  const OrderEvent best = add(4, Side::kAsk, 4, 3);
  with_sum(Kind::kSnapshot, {a, b, c}, {a, b, c});
  with_sum(Kind::kDelta, {best}, {best, a});
  expect(BookState::kLive);
  EXPECT_EQ(keeper.book().orders(), 2u);
  // It comes back whole when there is room for it.
  with_sum(Kind::kDelta, {remove(4), b, c}, {a, b, c});
  expect(BookState::kLive);
  EXPECT_EQ(keeper.book().orders(), 3u);
}

TEST_F(Kraken, Acks) {
  with_sum(Kind::kSnapshot, {}, {});
  message.depth = 2;
  send(Kind::kSubscribed);
  expect(BookState::kLive);
  message.depth = 10;
  send(Kind::kSubscribed);
  expect(BookState::kSyncing, BookReason::kAwaitingSnapshot);
  send(Kind::kRefused);
  expect(BookState::kHalted, BookReason::kVenueRefused);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kResubscribe);
  with_sum(Kind::kSnapshot, {}, {});
  send(Kind::kUnsubscribed);
  expect(BookState::kSyncing, BookReason::kAwaitingSnapshot);
}

TEST_F(Kraken, NoBookIsLiveWhileTheVenueStandsStill) {
  message.reason = BookReason::kVenueStatus;
  send(Kind::kStatus);
  with_sum(Kind::kSnapshot, {}, {});
  expect(BookState::kHalted, BookReason::kVenueStatus);
  send(Kind::kStatus);
  expect(BookState::kSyncing, BookReason::kAwaitingSnapshot);
  with_sum(Kind::kSnapshot, {}, {});
  expect(BookState::kLive);
}

// ---- What else may go wrong ------------------------------------------------

TEST_F(Coinbase, ASnapshotThatIsAheadIsLiveOnceTheStreamHasIt) {
  keeper.on_fault(BookReason::kInternalDrop, ++now);
  snapshot(7, {add(1, Side::kBid, kPrice, 100)});
  number(6, {add(9, Side::kBid, kPrice, 1)});
  expect(BookState::kSyncing, BookReason::kAwaitingFirstUpdate);
  number(7);
  expect(BookState::kLive);
  EXPECT_EQ(keeper.book().orders(), 1u) << "the snapshot had it";
}

TEST_F(Coinbase, AHoleAmongTheKeptIsAGapAndTheyBeginAnew) {
  keeper.on_fault(BookReason::kInternalDrop, ++now);
  const uint64_t gaps = keeper.statistics().gaps;
  number(6);
  number(8);
  EXPECT_EQ(keeper.statistics().gaps, gaps + 1);
  snapshot(6);
  expect(BookState::kGapped, BookReason::kSnapshotTooOld);
  snapshot(7);
  expect(BookState::kLive);
}

TEST_F(Coinbase, AKeptMessageThatContradictsTheSnapshotIsAFault) {
  keeper.on_fault(BookReason::kInternalDrop, ++now);
  number(6, {reduce(9, Side::kBid, 10)});
  snapshot(5, {add(1, Side::kBid, kPrice, 100)});
  expect(BookState::kGapped, BookReason::kSequenceGap);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
}

TEST_F(Coinbase, TheEndOfItsSubscriptionTakesItOutOfLive) {
  send(Kind::kUnsubscribed);
  expect(BookState::kSyncing, BookReason::kAwaitingSnapshot);
}

TEST(L3Keeper, AMessageOfMoreOrdersThanAreKeptIsDropped) {
  Subject coinbase(VenueId::kCoinbaseExchange, {.buffered_orders = 1});
  coinbase.number(5, {add(1, Side::kBid, kPrice, 1)});
  coinbase.number(
      6, {add(2, Side::kBid, kPrice, 1), add(3, Side::kBid, kPrice, 1)});
  EXPECT_EQ(coinbase.keeper.statistics().updates_dropped, 2u);
  // Without it nothing is proven.
  coinbase.snapshot(5);
  coinbase.number(7);
  coinbase.expect(BookState::kGapped, BookReason::kSequenceGap);
}

TEST(L3Keeper, ABookWithoutRoomIsNotLive) {
  Subject coinbase(VenueId::kCoinbaseExchange, {.book = {.max_orders = 2}});
  coinbase.snapshot(4, {add(1, Side::kBid, kPrice, 1)});
  coinbase.number(5, {add(2, Side::kBid, kPrice, 1)});
  coinbase.expect(BookState::kLive);
  coinbase.number(6, {add(3, Side::kBid, kPrice, 1)});
  coinbase.expect(BookState::kGapped, BookReason::kInternalDrop);
}

TEST(L3Keeper, WhatIsHeardBeforeTheConnectionBeginsABook) {
  for (const VenueId venue : {VenueId::kCoinbaseExchange, VenueId::kKraken}) {
    TradingObjectPools pools;
    Instrument instrument = make_instrument(venue, "X", 0);
    L3Keeper keeper(instrument, *find_order_feed(venue), pools, {}, nullptr);
    keeper.on_connection_stale(1);
    EXPECT_EQ(keeper.state(), BookState::kEmpty) << "nothing was heard";
    ParsedMessage message;
    message.kind = Kind::kDelta;
    keeper.on_message(message);
    EXPECT_EQ(keeper.state(), BookState::kSyncing);
    EXPECT_EQ(keeper.reason(), BookReason::kAwaitingSnapshot);
  }
}

TEST(L3Keeper, BitfinexsSumIsBelieved) {
  Subject bitfinex(VenueId::kBitfinex);
  L3Keeper& keeper = bitfinex.keeper;
  bitfinex.send(Kind::kSnapshot, {narrow(add(1, Side::kBid, kPrice, 100))});
  bitfinex.expect(BookState::kLive);
  const uint32_t sum = bitfinex_order_checksum(keeper.book(), 0);
  bitfinex.message.has_checksum = true;
  bitfinex.message.checksum = sum;
  bitfinex.send(Kind::kDelta);
  bitfinex.expect(BookState::kLive);
  EXPECT_EQ(keeper.statistics().checksums_ok, 1u);
  bitfinex.message.has_checksum = true;
  bitfinex.message.checksum = sum + 1;
  bitfinex.send(Kind::kDelta);
  bitfinex.expect(BookState::kChecksumFailed, BookReason::kChecksumMismatch);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kReconnect);
}

// ---- A snapshot that never comes --------------------------------------------

constexpr uint64_t kPatience = L3KeeperOptions().patience_ticks;

TEST(L3Keeper, ASnapshotThatNeverComesIsAskedForAgain) {
  Subject kraken(VenueId::kKraken);  // its first words are the snapshot
  L3Keeper& keeper = kraken.keeper;
  keeper.on_time(kraken.now + kPatience);
  EXPECT_FALSE(keeper.take_request()) << "subscribed with the connection";
  keeper.on_time(kraken.now + kPatience + 1);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kResubscribe);
  keeper.on_time(kraken.now + 2 * kPatience + 1);
  EXPECT_FALSE(keeper.take_request()) << "once in that time";
  keeper.on_time(kraken.now + 2 * kPatience + 2);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kResubscribe);
  kraken.expect(BookState::kSyncing, BookReason::kAwaitingSnapshot);
}

TEST_F(Kraken, ASubscriptionsAnswerIsWaitedFromAnew) {
  keeper.on_fault(BookReason::kInternalDrop, ++now);
  EXPECT_TRUE(keeper.take_request());
  now += kPatience;
  send(Kind::kSubscribed);
  keeper.on_time(now + kPatience);
  EXPECT_FALSE(keeper.take_request());
  keeper.on_time(now + kPatience + 1);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kResubscribe);
}

TEST_F(Kraken, NothingIsOverdueWhereNothingIsToCome) {
  with_sum(Kind::kSnapshot, {}, {});
  keeper.on_time(now + 2 * kPatience);
  EXPECT_FALSE(keeper.take_request()) << "it is Live";
  keeper.on_connection_stale(++now);
  keeper.on_time(now + 2 * kPatience);
  EXPECT_FALSE(keeper.take_request()) << "the connection is mute";
  keeper.on_connection_lost(++now);
  keeper.on_time(now + 2 * kPatience);
  EXPECT_FALSE(keeper.take_request()) << "there is no connection";
  keeper.on_connection_up(++now);
  send(Kind::kShutdown);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kReconnect);
  keeper.on_time(now + 2 * kPatience);
  EXPECT_FALSE(keeper.take_request()) << "it is about to end";
}

TEST(L3Keeper, ABodyThatNeverComesIsAskedForAgain) {
  Subject bitstamp(VenueId::kBitstamp);
  L3Keeper& keeper = bitstamp.keeper;
  keeper.on_time(bitstamp.now + 2 * kPatience);
  EXPECT_FALSE(keeper.take_request()) << "it serves behind the first message";
  bitstamp.chained(1'000'000, 1, {});
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
  keeper.on_time(bitstamp.now + kPatience + 1);
  EXPECT_EQ(keeper.take_request(), BookRequestKind::kFetchSnapshot);
}

// ---- Readers ----------------------------------------------------------------

TEST_F(Coinbase, AWatchedOrderSaysWhereItStands) {
  EXPECT_FALSE(keeper.watched(0));
  keeper.watch(0, {7, 2});
  EXPECT_FALSE(keeper.watched(0)) << "not before the next message";
  number(6);
  std::optional<WatchedOrder> order = keeper.watched(0);
  ASSERT_TRUE(order);
  EXPECT_TRUE(order->rests);
  EXPECT_EQ(order->state, BookState::kLive);
  EXPECT_EQ(order->orders_ahead, 1u);
  EXPECT_EQ(order->quantity_ahead, 100);
  EXPECT_EQ(order->quantity, 50);
  EXPECT_EQ(order->price, kPrice);
  number(7, {reduce(1, Side::kBid, 60)});
  EXPECT_EQ(keeper.watched(0)->quantity_ahead, 40);
  number(8, {remove(2)});
  EXPECT_FALSE(keeper.watched(0)->rests);
  keeper.unwatch(0);
  keeper.watch(0, {7, 3});
  EXPECT_FALSE(keeper.watched(0)) << "that was another order";
  number(10);
  EXPECT_EQ(keeper.watched(0)->state, BookState::kGapped);
}

// Readers see whole moments: both sides of a view, and a watched order that has
// as much ahead of it as the message left there.
TEST_F(Bitstamp, ReadersOnOtherThreads) {
  begin({narrow(add(1, Side::kBid, kPrice, 100)),
         narrow(add(2, Side::kBid, kPrice, 50)),
         narrow(add(3, Side::kAsk, kPrice + 1, 70))});
  uint64_t n = 2;
  chained(kNow + 1000, n, {});
  std::atomic<bool> done{false};
  std::atomic<uint64_t> views{0};
  std::atomic<uint64_t> answers{0};
  std::thread viewer([&] {
    for (; !done.load(); ++views) {
      const BookView view = keeper.view();
      ASSERT_EQ(view.state, BookState::kLive);
      ASSERT_EQ(view.bids[0].quantity, view.asks[0].quantity + 80);
    }
  });
  std::thread watcher([&] {
    keeper.watch(1, {0, 2});
    while (!done.load()) {
      const std::optional<WatchedOrder> order = keeper.watched(1);
      if (!order) continue;
      ASSERT_TRUE(order->rests);
      ASSERT_EQ(order->quantity, 50);
      ASSERT_EQ(order->quantity_ahead % 100, 0);
      ASSERT_EQ(order->orders_ahead, 1u);
      ++answers;
    }
  });
  while (n < 20'000 || views.load() == 0 || answers.load() == 0) {
    const auto quantity = static_cast<int64_t>(1 + n % 7) * 100;
    ++n;
    chained(kNow + 1000, n,
            {narrow(change(1, Side::kBid, kPrice, quantity)),
             narrow(change(3, Side::kAsk, kPrice + 1, quantity - 30))});
  }
  done.store(true);
  viewer.join();
  watcher.join();
}

}  // namespace
}  // namespace wirebook
