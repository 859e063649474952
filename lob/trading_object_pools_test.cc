// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/trading_object_pools.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "memory/allocation_counter.h"

namespace wirebook {
namespace {

TEST(TradingObjectPoolsTest, SimplestUse) {
  TradingObjectPools pools;
  pools.warm_up();
  const Pooled<Order> order = pools.create_order(
      7, 3, Side::kAsk, OrderType::kLimit, 6183763, 250, 1'000);
  ASSERT_TRUE(order);
  EXPECT_EQ(order->id, 7U);
  EXPECT_EQ(order->symbol, 3U);
  EXPECT_EQ(order->side, Side::kAsk);
  EXPECT_EQ(order->type, OrderType::kLimit);
  EXPECT_EQ(order->price, 6183763);
  EXPECT_EQ(order->quantity, 250);
  EXPECT_EQ(order->timestamp_ns, 1'000);

  const Pooled<Trade> trade =
      pools.create_trade(8, 3, Side::kBid, 6183763, 50, 1'001);
  EXPECT_EQ(trade->id, 8U);
  EXPECT_EQ(trade->quantity, 50);
  EXPECT_EQ(trade->timestamp_ns, 1'001);

  const Pooled<OrderNode> node = pools.create_order_node(7, 250, 1'000);
  EXPECT_EQ(node->id, 7U);
  EXPECT_EQ(node->quantity, 250);
  EXPECT_EQ(node->level, nullptr);
  EXPECT_EQ(node->next, nullptr);

  const Pooled<LevelQueue> level =
      pools.create_price_level(Side::kAsk, 6183763);
  EXPECT_EQ(level->total, (PriceLevel{6183763, 0}));
  EXPECT_EQ(level->side, Side::kAsk);
  EXPECT_EQ(level->orders, 0U);
  EXPECT_EQ(level->first(), nullptr);

  const PooledBuffer buffer = pools.allocate_buffer(300);
  ASSERT_TRUE(buffer);
  EXPECT_EQ(buffer.size(), 512U);
  std::memset(buffer.data(), 1, buffer.size());
}

TEST(TradingObjectPoolsTest, HasTheStatedNumbersInAdvance) {
  TradingObjectPools pools;
  const TradingPoolsStats stats = pools.comprehensive_stats();
  EXPECT_GE(stats.orders.ready, 10'000U);
  EXPECT_GE(stats.trades.ready, 5'000U);
  EXPECT_GE(stats.order_nodes.ready, 10'000U);
  EXPECT_GE(stats.price_levels.ready, 1'000U);
  for (size_t bytes = 64; bytes <= 4096; bytes *= 2) {
    EXPECT_EQ(pools.buffers().pool(bytes).available_buffers(), 256U);
  }
  EXPECT_GT(stats.capacity_megabytes(), 2);
  EXPECT_EQ(stats.in_use_megabytes(), 0);
}

TEST(TradingObjectPoolsTest, NothingIsAllocatedWithinTheseNumbers) {
  TradingObjectPools pools;
  pools.warm_up();
  std::vector<Pooled<Order>> orders(9'000);
  std::vector<Pooled<OrderNode>> nodes(9'000);
  std::vector<PooledBuffer> buffers(200);
  const uint64_t before = thread_allocations();
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i < orders.size(); ++i) {
      orders[i] =
          pools.create_order(i, 0, Side::kBid, OrderType::kMarket, 1, 1, 1);
      nodes[i] = pools.create_order_node(i, 1, 1);
    }
    for (auto& buffer : buffers) buffer = pools.allocate_buffer(64);
    for (auto& order : orders) order.reset();
    for (auto& node : nodes) node.reset();
    for (auto& buffer : buffers) buffer.reset();
  }
  EXPECT_EQ(thread_allocations(), before);
}

TEST(TradingObjectPoolsTest, GrowsBeyondThemAndSaysSo) {
  TradingObjectPools pools({.orders = 64});
  std::vector<Pooled<Order>> orders;
  for (uint64_t i = 0; i < 1'000; ++i) {
    orders.push_back(
        pools.create_order(i, 0, Side::kBid, OrderType::kLimit, 1, 1, 1));
    ASSERT_TRUE(orders.back());
  }
  for (uint64_t i = 0; i < 1'000; ++i) EXPECT_EQ(orders[i]->id, i);
  const TradingPoolsStats stats = pools.comprehensive_stats();
  EXPECT_GE(stats.orders.capacity, 1'000U);
  EXPECT_EQ(stats.orders.in_use, 1'000U);
  EXPECT_EQ(stats.orders.allocation_failures, 0U);
}

TEST(TradingObjectPoolsTest, OrGivesEmptyHandles) {
  TradingObjectPools pools(
      {.orders = 32,
       .when_empty = PoolExhaustion::kNull,
       .buffers = {.when_empty = BufferExhaustion::kFail}});
  std::vector<Pooled<Order>> orders;
  for (uint64_t i = 0; i < 32; ++i) {
    orders.push_back(
        pools.create_order(i, 0, Side::kBid, OrderType::kLimit, 1, 1, 1));
    ASSERT_TRUE(orders.back());
  }
  EXPECT_FALSE(
      pools.create_order(1, 0, Side::kBid, OrderType::kLimit, 1, 1, 1));
  EXPECT_EQ(pools.comprehensive_stats().orders.allocation_failures, 1U);
  std::vector<PooledBuffer> buffers;
  for (int i = 0; i < 256; ++i) buffers.push_back(pools.allocate_buffer(4096));
  EXPECT_TRUE(buffers.back());
  EXPECT_FALSE(pools.allocate_buffer(4096));
  EXPECT_FALSE(pools.allocate_buffer(4097));
}

TEST(TradingObjectPoolsTest, BuffersOfAnySizeUpToAMegabyte) {
  TradingObjectPools pools;
  EXPECT_EQ(pools.allocate_buffer(0).size(), 64U);
  EXPECT_EQ(pools.allocate_buffer(64).size(), 64U);
  EXPECT_EQ(pools.allocate_buffer(65).size(), 128U);
  EXPECT_EQ(pools.allocate_buffer(4096).size(), 4096U);
  EXPECT_EQ(pools.comprehensive_stats().buffers.excess_allocations, 0U);
  EXPECT_EQ(pools.allocate_buffer(4097).size(), 8192U);
  EXPECT_EQ(pools.allocate_buffer(1 << 20).size(), size_t{1} << 20);
  EXPECT_FALSE(pools.allocate_buffer((1 << 20) + 1));
  const BufferPoolStats stats = pools.comprehensive_stats().buffers;
  EXPECT_EQ(stats.excess_allocations, 2U);
  EXPECT_EQ(stats.allocation_failures, 1U);
}

uint64_t fake_now_ns = 0;

TEST(TradingObjectPoolsTest, StatsHaveRatesBytesAndLocality) {
  TradingObjectPools pools({.now_ns = [] { return fake_now_ns; }});
  fake_now_ns = 1'000'000'000;
  EXPECT_EQ(pools.comprehensive_stats().memory.allocations_per_second, 0);
  Pooled<Trade> kept;
  for (uint64_t i = 0; i < 500; ++i) {
    kept = pools.create_trade(i, 0, Side::kBid, 1, 1, 1);
  }
  const PooledBuffer buffer = pools.allocate_buffer(1000);
  fake_now_ns += 2'000'000'000;
  const TradingPoolsStats stats = pools.comprehensive_stats();
  EXPECT_DOUBLE_EQ(stats.memory.allocations_per_second, 250.5);
  EXPECT_DOUBLE_EQ(stats.memory.deallocations_per_second, 249.5);
  EXPECT_EQ(stats.memory.total.in_use_bytes, sizeof(Trade) + 1024);
  EXPECT_DOUBLE_EQ(stats.in_use_megabytes(),
                   static_cast<double>(sizeof(Trade) + 1024) / (1 << 20));
  EXPECT_EQ(stats.memory.total.total_allocations, 501U);
  EXPECT_EQ(stats.memory.sources.size(), 5U);
  if (stats.memory.locality_percent.has_value()) {
    EXPECT_GE(*stats.memory.locality_percent, 0);
    EXPECT_LE(*stats.memory.locality_percent, 100);
  }
  fake_now_ns += 1'000'000'000;
  EXPECT_EQ(pools.comprehensive_stats().memory.allocations_per_second, 0);
}

TEST(TradingObjectPoolsTest, ReportNamesEveryPool) {
  TradingObjectPools pools;
  const std::string report = pools.usage_report();
  for (const char* name : {"Order ", "Trade ", "OrderNode ", "PriceLevel ",
                           "Buffer ", "total ", "rates: ", "NUMA locality: "}) {
    EXPECT_NE(report.find(name), std::string::npos) << name << "\n" << report;
  }
}

TEST(TradingObjectPoolsTest, ThreadsFreeWhatOthersMade) {
  TradingObjectPools pools({.orders = 256});
  for (int round = 0; round < 20; ++round) {
    std::vector<Pooled<Order>> orders;
    std::thread maker([&] {
      pools.warm_up();
      for (uint64_t i = 0; i < 2'000; ++i) {
        orders.push_back(
            pools.create_order(i, 1, Side::kAsk, OrderType::kLimit, 1, 1, 1));
      }
    });
    maker.join();
    std::thread consumer([orders = std::move(orders)]() mutable {
      for (uint64_t i = 0; i < orders.size(); ++i) {
        ASSERT_EQ(orders[i]->id, i);
        orders[i].reset();
      }
    });
    consumer.join();
  }
  const ObjectPoolStats stats = pools.comprehensive_stats().orders;
  EXPECT_EQ(stats.in_use, 0U);
  EXPECT_EQ(stats.total_allocations, 40'000U + 20U);
}

TEST(TradingObjectPoolsDeathTest, AHandleThatOutlivesItsPoolEndsTheProcess) {
  EXPECT_DEATH(
      {
        Pooled<Order> order;
        TradingObjectPools pools;
        order =
            pools.create_order(1, 0, Side::kBid, OrderType::kLimit, 1, 1, 1);
      },
      "ObjectPool");
}

}  // namespace
}  // namespace wirebook
