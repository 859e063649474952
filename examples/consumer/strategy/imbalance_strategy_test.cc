// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "strategy/imbalance_strategy.h"

#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "concurrency/tsc_clock.h"
#include "gtest/gtest.h"
#include "lob/book_pipeline.h"
#include "lob/market_feed.h"
#include "net/raw_message_pool.h"

namespace consumer {
namespace {

constexpr int64_t kUnit = 100000000;  // Binance: eight decimals

// A Binance spot stream by hand; a node takes its messages from a socket.
class ImbalanceStrategyTest : public testing::Test {
 protected:
  ImbalanceStrategyTest()
      : feed_(clock_, {.venue = wirebook::VenueId::kBinanceSpot,
                       .listener = &strategy_}),
        pool_(*wirebook::RawMessagePool::create({.descriptors = 64})),
        pipeline_(*wirebook::BookPipeline::create(
            {.venue = wirebook::VenueId::kBinanceSpot}, pool_.get(), &feed_)) {
    instrument_ = *pipeline_->expect_instrument("BTCUSDT", "", 0, 0);
    pipeline_->on_connection_up(0);
    stream(R"({"e":"depthUpdate","E":1,"s":"BTCUSDT","U":9,"u":9,)"
           R"("b":[],"a":[]})");
    send(R"({"lastUpdateId":9,"bids":[["100","1"]],"asks":[["101","1"]]})",
         wirebook::RawMessageKind::kHttpBody);
    stream(R"({"e":"depthUpdate","E":1,"s":"BTCUSDT","U":10,"u":10,)"
           R"("b":[],"a":[]})");
  }

  void stream(std::string_view text) {
    send(text, wirebook::RawMessageKind::kText);
  }

  void send(std::string_view text, wirebook::RawMessageKind kind) {
    std::vector<char>& bytes =
        payloads_.emplace_back(text.size() + wirebook::kRawMessageSlackBytes);
    std::memcpy(bytes.data(), text.data(), text.size());
    wirebook::RawMessage* const raw = pool_->acquire_external(
        bytes.data(), static_cast<uint32_t>(text.size()), [](void*) {},
        nullptr);
    raw->receive_ticks = wirebook::TscClock::ticks();
    raw->kind = kind;
    raw->tag = kind == wirebook::RawMessageKind::kHttpBody ? instrument_ : 0;
    pipeline_->on_message(raw);
  }

  const wirebook::TscClock clock_;
  ImbalanceStrategy strategy_{kUnit};
  wirebook::MarketFeed feed_;
  std::deque<std::vector<char>> payloads_;
  std::unique_ptr<wirebook::RawMessagePool> pool_;
  std::unique_ptr<wirebook::BookPipeline> pipeline_;
  uint32_t instrument_ = 0;
};

TEST_F(ImbalanceStrategyTest, QuotesALiveBookAndLeansWithIt) {
  EXPECT_EQ(strategy_.quote(), (Quote{100 * kUnit, 101 * kUnit}));
  stream(R"({"e":"depthUpdate","E":1,"s":"BTCUSDT","U":11,"u":11,)"
         R"("b":[["100","9"]],"a":[]})");
  EXPECT_EQ(strategy_.quote(), (Quote{100 * kUnit, 102 * kUnit}));
  EXPECT_GT(strategy_.latency_ns(), 0);
}

TEST_F(ImbalanceStrategyTest, PullsItsQuotesWhenTheBookMayBeWrong) {
  ASSERT_TRUE(strategy_.quote());
  stream(R"({"e":"depthUpdate","E":1,"s":"BTCUSDT","U":12,"u":12,)"
         R"("b":[],"a":[]})");  // 11 is missing
  EXPECT_FALSE(strategy_.quote());
}

TEST_F(ImbalanceStrategyTest, PullsItsQuotesWhenTheConnectionIsLost) {
  ASSERT_TRUE(strategy_.quote());
  pipeline_->on_connection_lost(0);
  EXPECT_FALSE(strategy_.quote());
}

TEST_F(ImbalanceStrategyTest, SumsTheFlow) {
  stream(R"({"e":"trade","E":1,"s":"BTCUSDT","t":1,"p":"100","q":"2","T":1,)"
         R"("m":false,"M":true})");
  stream(R"({"e":"trade","E":1,"s":"BTCUSDT","t":2,"p":"100","q":"5","T":1,)"
         R"("m":true,"M":true})");
  EXPECT_EQ(strategy_.flow(), -3 * kUnit);
}

}  // namespace
}  // namespace consumer
