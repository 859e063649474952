// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/book_snapshots.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

// A Bybit book, fused, fed with text.
class BookSnapshotsTest : public testing::Test {
 protected:
  BookSnapshotsTest()
      : pipeline_(*BookPipeline::create(
            {.venue = VenueId::kBybit, .max_books = 4}, nullptr, &snapshots_)) {
    index_ = *pipeline_->expect_instrument("BTCUSDT", "", 0, 50);
  }

  void book(const std::string& type, int id, const std::string& bids) {
    Frame frame(R"({"topic":"orderbook.50.BTCUSDT","type":")" + type +
                R"(","ts":2,"data":{"s":"BTCUSDT","b":[)" + bids +
                R"(],"a":[["2000","1"]],"u":)" + std::to_string(id) +
                R"(,"seq":7},"cts":1})");
    pipeline_->on_message(&frame.raw());
  }

  BookSnapshots snapshots_{4, nullptr};
  std::unique_ptr<BookPipeline> pipeline_;
  uint32_t index_ = 0;
};

constexpr int64_t kUnit = 100000000;

TEST_F(BookSnapshotsTest, AllLevelsWhenAskedFor) {
  book("snapshot", 10, R"(["100","1"],["99","2"],["98","3"])");
  {
    const RcuReadGuard region;
    EXPECT_EQ(snapshots_.load(index_), nullptr) << "nobody asked";
  }
  snapshots_.request(index_);
  book("delta", 11, R"(["97","4"])");
  book("delta", 12, R"(["96","5"])");
  const RcuReadGuard region;
  const BookSnapshot* const snapshot = snapshots_.load(index_);
  ASSERT_NE(snapshot, nullptr);
  EXPECT_EQ(snapshot->state, BookState::kLive);
  EXPECT_EQ(snapshot->assurance, Assurance::kSequenced);
  EXPECT_EQ(snapshot->update_id, 11u) << "one request, one snapshot";
  ASSERT_EQ(snapshot->bids.size(), 4u);
  EXPECT_EQ(snapshot->bids[0], (PriceLevel{100 * kUnit, 1 * kUnit}));
  EXPECT_EQ(snapshot->bids[3], (PriceLevel{97 * kUnit, 4 * kUnit}));
  EXPECT_EQ(snapshot->asks.size(), 1u);
}

TEST_F(BookSnapshotsTest, OneThatIsHeldStaysAsItIs) {
  book("snapshot", 10, R"(["100","1"])");
  snapshots_.request(index_);
  book("delta", 11, "");
  const RcuReadGuard region;
  const BookSnapshot* const held = snapshots_.load(index_);
  snapshots_.request(index_);
  book("delta", 12, R"(["100","7"])");
  EXPECT_NE(snapshots_.load(index_), held);
  EXPECT_EQ(held->update_id, 11u);
  EXPECT_EQ(held->bids[0].quantity, 1 * kUnit);
}

TEST_F(BookSnapshotsTest, ABookThatIsNoLongerLiveHasNoLevels) {
  book("snapshot", 10, R"(["100","1"])");
  snapshots_.request(index_);
  book("delta", 11, "");
  book("delta", 13, "");  // 12 is missing
  const RcuReadGuard region;
  const BookSnapshot* const snapshot = snapshots_.load(index_);
  EXPECT_EQ(snapshot->state, BookState::kGapped);
  EXPECT_EQ(snapshot->reason, BookReason::kSequenceGap);
  EXPECT_TRUE(snapshot->bids.empty());
  EXPECT_TRUE(snapshot->asks.empty());
}

// Each message sets all bids to its id: a snapshot never mixes two.
TEST_F(BookSnapshotsTest, ReadersSeeOneMoment) {
  std::atomic<bool> done{false};
  uint64_t read = 0;
  uint64_t mixed = 0;
  std::thread reader([&] {
    while (!done.load()) {
      snapshots_.request(index_);
      const RcuReadGuard region;
      const BookSnapshot* const snapshot = snapshots_.load(index_);
      if (snapshot == nullptr) continue;
      ++read;
      for (const PriceLevel& level : snapshot->bids) {
        mixed += level.quantity != snapshot->bids[0].quantity ? 1 : 0;
      }
    }
  });
  for (int id = 1; id <= 2000; ++id) {
    const std::string quantity = R"(",")" + std::to_string(id) + R"("])";
    std::string bids;
    for (int price = 1000; price < 1010; ++price) {
      if (!bids.empty()) bids += ",";
      bids += "[\"" + std::to_string(price) + quantity;
    }
    book(id == 1 ? "snapshot" : "delta", id, bids);
    if (id % 100 == 0) std::this_thread::yield();
  }
  done = true;
  reader.join();
  EXPECT_EQ(mixed, 0u);
  snapshots_.request(index_);
  book("delta", 2001, "");
  const RcuReadGuard region;
  EXPECT_EQ(snapshots_.load(index_)->bids[0].quantity, 2000 * kUnit);
}

}  // namespace
}  // namespace wirebook
