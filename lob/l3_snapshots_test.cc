// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/l3_snapshots.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

// Bitfinex's mantissas.
constexpr int64_t kPriceUnit = 10'000'000'000;
constexpr int64_t kUnit = 100'000'000;

struct Next final : L3FeedListener {
  void on_orders_applied(const L3Keeper&, const ParsedMessageHeader&) override {
    ++applied;
  }
  void on_state_changed(const L3Keeper&) override { ++changes; }
  void on_other(const ParsedMessage&) override { ++others; }
  int applied = 0;
  int changes = 0;
  int others = 0;
};

// A book of Bitfinex's raw orders, fed with text: [id, price, amount].
class L3SnapshotsTest : public testing::Test {
 protected:
  L3SnapshotsTest()
      : feed_(*L3Feed::create({.venue = VenueId::kBitfinex, .max_books = 4},
                              pools_, &snapshots_)),
        index_(*feed_->expect_instrument("tA", 0, 0)) {
    feed_->on_connection_up(0, 1);
    send(R"({"event":"info","version":2,"platform":{"status":1}})");
    send(R"({"event":"subscribed","channel":"book","chanId":5,)"
         R"("symbol":"tA","prec":"R0","freq":"F0","len":"25"})");
  }

  void send(const std::string& text) {
    Frame frame(text);
    frame.raw().receive_ticks = ++now_;
    feed_->on_message(frame.raw());
  }
  void orders(const std::string& orders) {
    send("[5," + orders + "," + std::to_string(++sequence_) + "]");
  }

  TradingObjectPools pools_;
  Next next_;
  L3Snapshots snapshots_{4, &next_};
  std::unique_ptr<L3Feed> feed_;
  uint32_t index_ = 0;
  uint64_t now_ = 1;
  uint64_t sequence_ = 0;
};

L3SnapshotOrder order(uint64_t id, int64_t price, int64_t quantity) {
  return {
      .id = {0, id}, .price = price * kPriceUnit, .quantity = quantity * kUnit};
}

TEST_F(L3SnapshotsTest, AllOrdersByPriceAndTimeWhenAskedFor) {
  orders("[[1,100,1],[2,100,2],[3,99,3],[4,101,-1]]");
  {
    const RcuReadGuard region;
    EXPECT_EQ(snapshots_.load(index_), nullptr) << "nobody asked";
  }
  snapshots_.request(index_);
  orders("[5,100,4]");
  orders("[6,98,1]");
  const RcuReadGuard region;
  const L3Snapshot* const snapshot = snapshots_.load(index_);
  ASSERT_NE(snapshot, nullptr);
  EXPECT_EQ(snapshot->state, BookState::kLive);
  EXPECT_EQ(snapshot->instrument, index_);
  EXPECT_EQ(snapshot->bids, (std::vector{order(1, 100, 1), order(2, 100, 2),
                                         order(5, 100, 4), order(3, 99, 3)}))
      << "one request, one snapshot";
  EXPECT_EQ(snapshot->asks, std::vector{order(4, 101, 1)});
}

TEST_F(L3SnapshotsTest, OneThatIsHeldStaysAsItIs) {
  orders("[[1,100,1]]");
  snapshots_.request(index_);
  orders("[2,101,-1]");
  const RcuReadGuard region;
  const L3Snapshot* const held = snapshots_.load(index_);
  snapshots_.request(index_);
  orders("[1,0,1]");
  EXPECT_NE(snapshots_.load(index_), held);
  EXPECT_EQ(held->bids, std::vector{order(1, 100, 1)});
  EXPECT_TRUE(snapshots_.load(index_)->bids.empty());
}

TEST_F(L3SnapshotsTest, ABookThatIsNoLongerLiveHasNoOrders) {
  orders("[[1,100,1]]");
  snapshots_.request(index_);
  orders("[2,101,-1]");
  ++sequence_;
  orders("[3,99,1]");
  const RcuReadGuard region;
  const L3Snapshot* const snapshot = snapshots_.load(index_);
  EXPECT_EQ(snapshot->state, BookState::kGapped);
  EXPECT_EQ(snapshot->reason, BookReason::kSequenceGap);
  EXPECT_TRUE(snapshot->bids.empty());
  EXPECT_TRUE(snapshot->asks.empty());
}

TEST_F(L3SnapshotsTest, TheNextListenerHearsEverything) {
  const int others = next_.others;
  orders("[[1,100,1]]");
  orders("[2,101,-1]");
  orders(R"("hb")");
  EXPECT_EQ(next_.applied, 2);
  EXPECT_GT(next_.changes, 0);
  EXPECT_GT(next_.others, others);
}

// Each message gives one of two orders its number as quantity, in turn: they
// differ by one in every moment.
TEST_F(L3SnapshotsTest, ReadersSeeOneMoment) {
  std::atomic<bool> done{false};
  uint64_t mixed = 0;
  std::thread reader([&] {
    while (!done.load()) {
      snapshots_.request(index_);
      const RcuReadGuard region;
      const L3Snapshot* const snapshot = snapshots_.load(index_);
      if (snapshot == nullptr || snapshot->bids.size() != 2) continue;
      const int64_t apart =
          (snapshot->bids[0].quantity - snapshot->bids[1].quantity) / kUnit;
      mixed += apart != 1 && apart != -1 ? 1 : 0;
    }
  });
  orders("[[1,100,1],[2,99,2]]");
  for (int number = 3; number <= 2000; ++number) {
    orders((number % 2 == 1 ? "[1,100," : "[2,99,") + std::to_string(number) +
           "]");
    if (number % 100 == 0) std::this_thread::yield();
  }
  done = true;
  reader.join();
  EXPECT_EQ(mixed, 0u);
  snapshots_.request(index_);
  orders("[1,100,2001]");
  const RcuReadGuard region;
  EXPECT_EQ(snapshots_.load(index_)->bids[0].quantity, 2001 * kUnit);
}

}  // namespace
}  // namespace wirebook
