// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/exchange.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace wirebook::sim {
namespace {

using Frames = std::vector<std::pair<std::string, std::string>>;

ExchangeOptions small(std::uint64_t seed) {
  return {.seed = seed,
          .rate = 400,
          .levels = 200,
          .binance_symbols = {"BTCUSDT"},
          .kraken_symbols = {"BTC/USD"}};
}

Frames run(std::uint64_t seed, int steps) {
  Frames frames;
  Exchange exchange(small(seed),
                    [&](const std::string& topic, const Frame& frame) {
                      frames.emplace_back(topic, *frame);
                    });
  for (const char* topic :
       {"btcusdt@depth@100ms", "btcusdt@depth", "btcusdt@bookTicker",
        "btcusdt@trade", "BTC/USD#10", "BTC/USD#25"}) {
    EXPECT_TRUE(exchange.retain(topic)) << topic;
  }
  for (int i = 0; i < steps; ++i) exchange.step();
  exchange.flush();
  return frames;
}

std::uint64_t number(const std::string& frame, const std::string& key) {
  const std::size_t at = frame.find('"' + key + "\":");
  return std::stoull(frame.substr(at + key.size() + 3));
}

TEST(Exchange, TheSameSeedGivesTheSameFrames) {
  const Frames frames = run(5, 100);
  EXPECT_GT(frames.size(), 100u);
  EXPECT_EQ(frames, run(5, 100));
  EXPECT_NE(frames, run(6, 100));
}

TEST(Exchange, DepthIdsAreContiguousOnBothSpeeds) {
  std::uint64_t last[2] = {};
  std::size_t count[2] = {};
  for (const auto& [topic, frame] : run(9, 250)) {
    if (topic.find("@depth") == std::string::npos) continue;
    const bool slow = topic == "btcusdt@depth";
    ASSERT_LE(number(frame, "U"), number(frame, "u"));
    if (last[slow] != 0) {
      ASSERT_EQ(number(frame, "U"), last[slow] + 1);
    }
    last[slow] = number(frame, "u");
    ++count[slow];
  }
  EXPECT_EQ(last[0], last[1]);  // flush leaves nothing behind
  EXPECT_EQ(count[0], 25u);
  EXPECT_EQ(count[1], 3u);
}

TEST(Exchange, KnowsItsTopics) {
  Exchange exchange(small(1), [](const std::string&, const Frame&) {});
  for (const char* topic :
       {"btcusdt@depth@5ms", "BTCUSDT@depth", "xrpusdt@depth", "btcusdt",
        "BTC/USD#11", "ETH/USD#10", "BTC/USD#", ""}) {
    EXPECT_FALSE(exchange.retain(topic)) << topic;
  }
}

TEST(Exchange, NothingIsPrintedForReleasedTopics) {
  int frames = 0;
  Exchange exchange(small(1),
                    [&](const std::string&, const Frame&) { ++frames; });
  exchange.retain("BTC/USD#10");
  exchange.release("BTC/USD#10");
  for (int i = 0; i < 50; ++i) exchange.step();
  EXPECT_EQ(frames, 0);
}

}  // namespace
}  // namespace wirebook::sim
