// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/hot_standby.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

struct Heard : BookPipelineListener {
  void on_depth_applied(const BookKeeper& keeper,
                        const ParsedMessage&) override {
    depth.push_back(keeper.instrument().index);
  }
  void on_state_changed(const BookKeeper& keeper) override {
    states.push_back({keeper.instrument().index, keeper.state()});
  }
  void on_other(const ParsedMessage& message) override {
    if (message.kind == ParsedMessageKind::kTrade) {
      trades.push_back(message.instrument);
    }
  }
  std::vector<uint32_t> depth;
  std::vector<uint32_t> trades;
  std::vector<std::pair<uint32_t, BookState>> states;
};

// One Bybit book on two connections, and another that has no standby.
class HotStandbyTest : public testing::Test {
 protected:
  HotStandbyTest()
      : pipeline_(*BookPipeline::create({.venue = VenueId::kBybit}, nullptr,
                                        &standby_)) {
    a_ = *pipeline_->expect_instrument("BTCUSDT", "", 0, 50);
    b_ = *pipeline_->expect_instrument("BTCUSDT", "", 1, 50);
    alone_ = *pipeline_->expect_instrument("ETHUSDT", "", 1, 50);
    group_ = standby_.add_group({&pipeline_->book(a_), &pipeline_->book(b_)});
    pipeline_->on_connection_up(0);
    pipeline_->on_connection_up(1);
    heard_.states.clear();
  }

  void book(uint16_t connection, const std::string& type, int id,
            const std::string& symbol = "BTCUSDT") {
    send(connection, R"({"topic":"orderbook.50.)" + symbol + R"(","type":")" +
                         type + R"(","ts":2,"data":{"s":")" + symbol +
                         R"(","b":[["100","1"]],"a":[["101","1"]],"u":)" +
                         std::to_string(id) + R"(,"seq":7},"cts":1})");
  }
  void trade(uint16_t connection) {
    send(connection,
         R"({"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1,"data":)"
         R"([{"T":1,"s":"BTCUSDT","S":"Buy","v":"1","p":"100"}]})");
  }

  Heard heard_;
  HotStandby standby_{&heard_};
  std::unique_ptr<BookPipeline> pipeline_;
  uint32_t a_ = 0, b_ = 0, alone_ = 0;
  size_t group_ = 0;

 private:
  void send(uint16_t connection, const std::string& text) {
    Frame frame(text);
    frame.raw().connection = connection;
    pipeline_->on_message(&frame.raw());
  }
};

using States = std::vector<std::pair<uint32_t, BookState>>;

TEST_F(HotStandbyTest, OnlyTheActiveLegIsToldOn) {
  book(0, "snapshot", 10);
  book(1, "snapshot", 10);
  book(0, "delta", 11);
  book(1, "delta", 11);
  trade(0);
  trade(1);
  EXPECT_EQ(heard_.depth, (std::vector<uint32_t>{a_, a_}));
  EXPECT_EQ(heard_.trades, (std::vector<uint32_t>{a_}));
  EXPECT_EQ(heard_.states, (States{{a_, BookState::kLive}}));
  EXPECT_EQ(&standby_.book(group_), &pipeline_->book(a_));
  EXPECT_EQ(standby_.takeovers(group_), 0u);
}

TEST_F(HotStandbyTest, AVerifiedLegTakesOver) {
  book(0, "snapshot", 10);
  book(1, "snapshot", 10);
  heard_.states.clear();
  heard_.depth.clear();
  book(0, "delta", 12);  // A lost 11
  EXPECT_EQ(heard_.states, (States{{b_, BookState::kLive}}))
      << "the reader never sees a book that is not Live";
  EXPECT_EQ(standby_.book(group_).view().state, BookState::kLive);
  EXPECT_EQ(standby_.takeovers(group_), 1u);
  book(0, "snapshot", 20);
  book(1, "delta", 11);
  EXPECT_EQ(heard_.depth, (std::vector<uint32_t>{b_})) << "who took over stays";
}

TEST_F(HotStandbyTest, WithoutALiveLegTheActiveOneSaysWhy) {
  book(0, "snapshot", 10);
  heard_.states.clear();
  pipeline_->on_connection_lost(0);
  EXPECT_EQ(heard_.states, (States{{a_, BookState::kGapped}}));
  book(1, "snapshot", 10);
  EXPECT_EQ(heard_.states.back(), (std::pair(b_, BookState::kLive)));
  EXPECT_EQ(standby_.takeovers(group_), 1u);
}

TEST_F(HotStandbyTest, ABookWithoutStandbyIsToldAsItIs) {
  book(1, "snapshot", 5, "ETHUSDT");
  EXPECT_EQ(heard_.depth, (std::vector<uint32_t>{alone_}));
  EXPECT_EQ(heard_.states, (States{{alone_, BookState::kLive}}));
}

}  // namespace
}  // namespace wirebook
