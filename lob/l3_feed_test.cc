// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/l3_feed.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

struct Listener final : L3FeedListener {
  void on_orders_applied(const L3Keeper&, const ParsedMessageHeader&) override {
    ++applied;
  }
  void on_state_changed(const L3Keeper& keeper) override {
    states.push_back(keeper.state());
  }
  void on_other(const ParsedMessage& message) override {
    others.push_back(message.kind);
  }
  int applied = 0;
  std::vector<BookState> states;
  std::vector<ParsedMessageKind> others;
};

struct Subject {
  explicit Subject(VenueId venue, size_t parsed_messages = 64) {
    feed = *L3Feed::create({.venue = venue, .parsed_messages = parsed_messages},
                           pools, &listener);
  }
  uint32_t book(const std::string& symbol, uint16_t connection = 0,
                int depth = 0) {
    return *feed->expect_instrument(symbol, connection, depth);
  }
  void send(const std::string& text, uint16_t connection = 0) {
    Frame frame(text);
    frame.raw().kind = RawMessageKind::kText;
    frame.raw().connection = connection;
    frame.raw().receive_ticks = ++now;
    feed->on_message(frame.raw());
  }
  BookState state(uint32_t index) { return feed->keeper(index).state(); }

  TradingObjectPools pools;
  Listener listener;
  std::unique_ptr<L3Feed> feed;
  uint64_t now = 0;
};

TEST(L3Feed, KnowsWhichVenuesTellOrders) {
  TradingObjectPools pools;
  const auto feed = L3Feed::create({.venue = VenueId::kBybit}, pools, nullptr);
  EXPECT_EQ(feed.status().code(), absl::StatusCode::kUnimplemented);
}

std::string coinbase(const std::string& type, int sequence,
                     const std::string& rest) {
  return R"({"type":")" + type + R"(","product_id":"BTC-USD","sequence":)" +
         std::to_string(sequence) + "," + rest +
         R"("time":"2014-11-07T08:19:27.028459Z"})";
}

// From the first message to a trade, as the documents tell it.
TEST(L3Feed, ABookOfCoinbase) {
  Subject subject(VenueId::kCoinbaseExchange);
  const uint32_t btc = subject.book("BTC-USD");
  subject.feed->on_connection_up(0, 1);
  subject.send(coinbase("open", 10,
                        R"("order_id":"d50ec984-77a8-460a-b958-66f114b0de9b",)"
                        R"("price":"400.23","remaining_size":"6",)"
                        R"("side":"sell",)"));
  const auto request = subject.feed->next_request();
  ASSERT_TRUE(request);
  EXPECT_EQ(request->kind, BookRequestKind::kFetchSnapshot);
  EXPECT_EQ(request->instrument, btc);
  EXPECT_FALSE(subject.feed->next_request());
  Frame body(R"({"sequence":9,"bids":[["295.96","4.39088265",)"
             R"("da863862-25f4-4868-ac41-005d11ab0a5f"]],"asks":[]})");
  body.raw().kind = RawMessageKind::kHttpBody;
  body.raw().tag = btc;
  subject.feed->on_message(body.raw());
  ASSERT_EQ(subject.state(btc), BookState::kLive);
  subject.send(
      coinbase("match", 11,
               R"("trade_id":10,"size":"5","price":"400.23","side":"sell",)"
               R"("maker_order_id":"d50ec984-77a8-460a-b958-66f114b0de9b",)"
               R"("taker_order_id":"132fb6ae-456b-4654-b4e0-d681ac05cea1",)"));
  const BookView view = subject.feed->keeper(btc).view();
  EXPECT_EQ(view.bids[0], (PriceLevel{29596000000, 439088265}));
  EXPECT_EQ(view.asks[0], (PriceLevel{40023000000, 100000000}));
  EXPECT_EQ(view.exchange_time_ns, 1415348367028459000);
  EXPECT_EQ(subject.listener.others,
            std::vector<ParsedMessageKind>{ParsedMessageKind::kTrade});
  EXPECT_EQ(subject.listener.applied, 3);
  EXPECT_EQ(subject.listener.states.back(), BookState::kLive);
}

TEST(L3Feed, OtherScalesTakeANewSnapshot) {
  Subject subject(VenueId::kCoinbaseExchange);
  Instrument instrument =
      make_instrument(VenueId::kCoinbaseExchange, "BTC-USD", 0);
  instrument.price_scale = 2;
  const uint32_t btc = *subject.feed->expect_instrument(instrument);
  EXPECT_EQ(subject.feed->instruments()[btc].symbol, "BTC-USD");
  const auto snapshot = [&](int sequence) {
    EXPECT_TRUE(subject.feed->next_request());
    Frame body(R"({"sequence":)" + std::to_string(sequence) +
               R"(,"bids":[],"asks":[]})");
    body.raw().kind = RawMessageKind::kHttpBody;
    body.raw().tag = btc;
    subject.feed->on_message(body.raw());
  };
  const auto open = [](int sequence, const std::string& price) {
    const std::string digit = std::to_string(sequence % 10);
    return coinbase("open", sequence,
                    R"("order_id":"d50ec984-77a8-460a-b958-66f114b0de9)" +
                        digit + R"(","price":")" + price +
                        R"(","remaining_size":"6","side":"buy",)");
  };
  subject.feed->on_connection_up(0, 1);
  subject.send(open(10, "400.23"));
  snapshot(9);
  ASSERT_EQ(subject.state(btc), BookState::kLive);
  EXPECT_EQ(subject.feed->keeper(btc).view().bids[0].price, 40'023);
  subject.feed->change_scales(btc, {3, 8});
  subject.send(open(11, "400.235"));
  EXPECT_EQ(subject.state(btc), BookState::kGapped);
  EXPECT_EQ(subject.feed->keeper(btc).reason(), BookReason::kScaleChanged);
  snapshot(10);
  EXPECT_EQ(subject.state(btc), BookState::kLive);
  EXPECT_EQ(subject.feed->keeper(btc).view().bids[0].price, 400'235);
  EXPECT_EQ(subject.feed->statistics().frames, 4u);
}

TEST(L3Feed, AFrameThatCannotBeReadIsEverybodys) {
  Subject subject(VenueId::kKraken);
  const uint32_t a = subject.book("A", 0, 10);
  const uint32_t b = subject.book("B", 0, 10);
  const uint32_t other = subject.book("A", 1, 10);
  for (const uint16_t connection : {uint16_t{0}, uint16_t{1}}) {
    for (const char* symbol : {"A", "B"}) {
      subject.send(
          R"({"channel":"level3","type":"snapshot","data":[{"symbol":")" +
              std::string(symbol) + R"(","checksum":0,"bids":[],"asks":[]}]})",
          connection);
    }
  }
  for (const uint32_t book : {a, b, other}) {
    ASSERT_EQ(subject.state(book), BookState::kLive);
  }
  subject.send(R"({"channel":"level3","type":"update","data":[{"symbol":"B",)"
               R"("checksum":0,"bids":5,"asks":[]}]})");
  EXPECT_EQ(subject.state(a), BookState::kLive);
  EXPECT_EQ(subject.state(b), BookState::kGapped);
  subject.send("{");
  EXPECT_EQ(subject.state(a), BookState::kGapped);
  EXPECT_EQ(subject.state(other), BookState::kLive);
  EXPECT_EQ(subject.feed->statistics().malformed, 2u);
  subject.feed->on_connection_stale(1, ++subject.now);
  EXPECT_EQ(subject.state(other), BookState::kStale);
  subject.send(R"({"channel":"heartbeat"})", 1);
  EXPECT_EQ(subject.state(other), BookState::kLive);
  subject.feed->on_connection_lost(1, ++subject.now);
  EXPECT_EQ(subject.state(other), BookState::kGapped);
}

TEST(L3Feed, WhatTheVenueSaysOfItselfConcernsTheConnectionsBooks) {
  Subject subject(VenueId::kBitfinex);
  const uint32_t btc = subject.book("tBTCUSD");
  const uint32_t other = subject.book("tBTCUSD", 1);
  for (const uint16_t connection : {uint16_t{0}, uint16_t{1}}) {
    subject.feed->on_connection_up(connection, ++subject.now);
  }
  subject.send(R"({"event":"info","code":20060,"msg":"maintenance"})");
  EXPECT_EQ(subject.state(btc), BookState::kHalted);
  EXPECT_EQ(subject.state(other), BookState::kSyncing);
}

TEST(L3Feed, AFrameThatFindsNoRoomIsAGap) {
  Subject subject(VenueId::kKraken, 1);
  const uint32_t a = subject.book("A", 0, 10);
  subject.send(R"({"channel":"level3","type":"snapshot","data":[{"symbol":"A",)"
               R"("checksum":0,"bids":[],"asks":[]}]})");
  ASSERT_EQ(subject.state(a), BookState::kLive);
  subject.send(R"({"channel":"level3","type":"update","data":[{"symbol":"A",)"
               R"("checksum":0,"bids":[],"asks":[]},{"symbol":"A",)"
               R"("checksum":0,"bids":[],"asks":[]}]})");
  EXPECT_EQ(subject.state(a), BookState::kGapped);
  EXPECT_EQ(subject.feed->keeper(a).reason(), BookReason::kInternalDrop);
  EXPECT_EQ(subject.feed->statistics().drops, 1u);
}

TEST(L3Feed, ALossOnAConnectionThatCountsIsEveryBooksAndOneReconnect) {
  Subject subject(VenueId::kBitfinex);
  const uint32_t a = subject.book("tA");
  const uint32_t b = subject.book("tB");
  const auto begin = [&subject] {
    subject.send(R"({"event":"info","version":2,"platform":{"status":1}})");
    for (const auto& [symbol, id] :
         {std::pair("tA", "5"), std::pair("tB", "6")}) {
      subject.send(R"({"event":"subscribed","channel":"book","chanId":)" +
                   std::string(id) + R"(,"symbol":")" + symbol +
                   R"(","prec":"R0","freq":"F0","len":"25"})");
    }
    subject.send("[5,[[1,100,1],[2,101,-1]],1]");
    subject.send("[6,[[1,100,1],[2,101,-1]],2]");
  };
  begin();
  EXPECT_EQ(subject.state(a), BookState::kLive);
  EXPECT_EQ(subject.state(b), BookState::kLive);
  subject.send(R"([5,"hb",4])");
  EXPECT_EQ(subject.state(a), BookState::kGapped);
  EXPECT_EQ(subject.state(b), BookState::kGapped);
  const auto request = subject.feed->next_request();
  ASSERT_TRUE(request);
  EXPECT_EQ(request->kind, BookRequestKind::kReconnect);
  EXPECT_FALSE(subject.feed->next_request()) << "one connection, one request";
  subject.feed->on_connection_lost(0, ++subject.now);
  subject.feed->on_connection_up(0, ++subject.now);
  begin();
  EXPECT_EQ(subject.state(a), BookState::kLive);
  EXPECT_EQ(subject.state(b), BookState::kLive);
}

TEST(L3Feed, ASnapshotThatNeverComesIsAskedForAgain) {
  constexpr uint64_t kPatience = L3KeeperOptions().patience_ticks;
  Subject subject(VenueId::kKraken);
  const uint32_t a = subject.book("A", 0, 10);
  subject.feed->on_connection_up(0, ++subject.now);
  const auto heartbeat = [&subject] {
    subject.send(R"({"channel":"heartbeat"})");
  };
  heartbeat();
  EXPECT_FALSE(subject.feed->next_request());
  subject.now += kPatience;
  heartbeat();
  const auto request = subject.feed->next_request();
  ASSERT_TRUE(request) << "messages tell the time";
  EXPECT_EQ(request->kind, BookRequestKind::kResubscribe);
  EXPECT_EQ(request->instrument, a);
  subject.feed->on_time(subject.now + kPatience + 1);
  EXPECT_TRUE(subject.feed->next_request()) << "and whoever has a clock";
  EXPECT_FALSE(subject.feed->next_request());
  subject.now += 3 * kPatience;
  subject.send(R"({"channel":"level3","type":"snapshot","data":[{"symbol":"A",)"
               R"("checksum":0,"bids":[],"asks":[]}]})");
  EXPECT_EQ(subject.state(a), BookState::kLive);
  EXPECT_FALSE(subject.feed->next_request()) << "late, and good";
}

}  // namespace
}  // namespace wirebook
