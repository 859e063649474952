// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/l2_book.h"

#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "lob/recorded_levels.h"

namespace wirebook {
namespace {

using Levels = std::vector<PriceLevel>;

Levels all(const L2Book& book, Side side) {
  Levels levels;
  book.for_each(side,
                [&](const PriceLevel& level) { levels.push_back(level); });
  return levels;
}

TEST(L2BookTest, SimplestUse) {
  L2Book book(L2BookOptions{});
  book.reset(2, 8, 1);
  EXPECT_TRUE(book.empty(Side::kBid));
  EXPECT_EQ(book.best(Side::kAsk), (PriceLevel{0, 0}));

  book.apply(Side::kBid, 6183763, 378826000);
  book.apply(Side::kBid, 6183700, 5);
  book.apply(Side::kBid, 6183762, 61700000);
  book.apply(Side::kAsk, 6183764, 154698000);
  EXPECT_EQ(book.best(Side::kBid), (PriceLevel{6183763, 378826000}));
  EXPECT_EQ(book.best(Side::kAsk), (PriceLevel{6183764, 154698000}));
  EXPECT_FALSE(book.crossed());
  EXPECT_EQ(book.quantity_at(Side::kBid, 6183700), 5);
  EXPECT_EQ(book.quantity_at(Side::kAsk, 6183700), 0);
  EXPECT_EQ(all(book, Side::kBid),
            (Levels{{6183763, 378826000}, {6183762, 61700000}, {6183700, 5}}));

  PriceLevel top[2];
  EXPECT_EQ(book.top(Side::kBid, top), 2U);
  EXPECT_EQ(top[1], (PriceLevel{6183762, 61700000}));
  EXPECT_EQ(book.top(Side::kAsk, top), 1U);

  book.apply(Side::kBid, 6183763, 0);
  book.apply(Side::kBid, 1234, 0);  // removing what is absent is legal
  EXPECT_EQ(book.best(Side::kBid), (PriceLevel{6183762, 61700000}));
  EXPECT_EQ(book.levels(Side::kBid), 2U);
  EXPECT_EQ(book.price_scale(), 2);
  EXPECT_EQ(book.quantity_scale(), 8);

  book.reset(1, 8, 1);
  EXPECT_TRUE(book.empty(Side::kBid));
  EXPECT_TRUE(book.empty(Side::kAsk));
}

TEST(L2BookTest, CrossedAndLocked) {
  L2Book book(L2BookOptions{});
  book.reset(2, 2, 5);
  book.apply(Side::kBid, 1000, 1);
  EXPECT_FALSE(book.crossed());
  book.apply(Side::kAsk, 1000, 1);
  EXPECT_TRUE(book.crossed());
  book.apply(Side::kAsk, 1000, 0);
  book.apply(Side::kAsk, 1005, 1);
  EXPECT_FALSE(book.crossed());
  book.apply(Side::kBid, 1007, 1);  // no multiple of the tick
  EXPECT_TRUE(book.crossed());
}

TEST(L2BookTest, InferTick) {
  EXPECT_EQ(infer_tick(std::vector<int64_t>{}), 1);
  EXPECT_EQ(infer_tick(std::vector<int64_t>{0}), 1);
  EXPECT_EQ(infer_tick(std::vector<int64_t>{6183763000000, 6183764000000}),
            1000000);
  EXPECT_EQ(infer_tick(Levels{{-30, 1}, {45, 1}}), 15);
  EXPECT_EQ(
      infer_tick(std::vector<int64_t>{std::numeric_limits<int64_t>::min()}), 1);
}

// A side as it would be written without thought for speed.
class Model {
 public:
  void apply(Side side, int64_t price, int64_t quantity) {
    auto& levels = mutable_of(side);
    if (quantity == 0) {
      levels.erase(key(side, price));
    } else {
      levels[key(side, price)] = quantity;
    }
  }
  void truncate(size_t depth) {
    for (auto* levels : {&bids_, &asks_}) {
      while (levels->size() > depth) levels->erase(std::prev(levels->end()));
    }
  }
  void clear() {
    bids_.clear();
    asks_.clear();
  }
  Levels all(Side side) const {
    Levels levels;
    for (const auto& [k, quantity] : of(side)) {
      levels.push_back({key(side, k), quantity});
    }
    return levels;
  }
  const std::map<int64_t, int64_t>& of(Side side) const {
    return side == Side::kBid ? bids_ : asks_;
  }

 private:
  std::map<int64_t, int64_t>& mutable_of(Side side) {
    return side == Side::kBid ? bids_ : asks_;
  }
  static int64_t key(Side side, int64_t price) {
    return side == Side::kBid ? ~price : price;
  }
  std::map<int64_t, int64_t> bids_;
  std::map<int64_t, int64_t> asks_;
};

void expect_equal_briefly(const L2Book& book, const Model& model) {
  for (const Side side : {Side::kBid, Side::kAsk}) {
    const auto& levels = model.of(side);
    ASSERT_EQ(book.levels(side), levels.size());
    ASSERT_EQ(book.empty(side), levels.empty());
    if (levels.empty()) continue;
    const int64_t key = levels.begin()->first;
    const PriceLevel best{side == Side::kBid ? ~key : key,
                          levels.begin()->second};
    ASSERT_EQ(book.best(side), best);
  }
}

void expect_equal(const L2Book& book, const Model& model) {
  expect_equal_briefly(book, model);
  for (const Side side : {Side::kBid, Side::kAsk}) {
    const Levels expected = model.all(side);
    ASSERT_EQ(all(book, side), expected);
    for (const PriceLevel& level : expected) {
      ASSERT_EQ(book.quantity_at(side, level.price), level.quantity);
      const int64_t beside = level.price ^ 1;
      const auto there =
          model.of(side).find(side == Side::kBid ? ~beside : beside);
      ASSERT_EQ(book.quantity_at(side, beside),
                there == model.of(side).end() ? 0 : there->second);
    }
    PriceLevel top[10];
    const size_t count = book.top(side, top);
    ASSERT_EQ(count, std::min<size_t>(10, expected.size()));
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(top[i], expected[i]);
  }
}

struct Flow {
  const char* name;
  L2BookOptions options;
  int64_t tick;
  int64_t start;          // price
  int64_t drift;          // ticks that the touch may move at once
  int64_t spread;         // ticks from the touch, usual
  int wild_percent;       // prices anywhere
  int off_tick_percent;   // prices beside the tick
  int extreme_percent;    // int64 extremes
  size_t truncate_depth;  // 0: never
};

class L2BookModelTest : public testing::TestWithParam<Flow> {};

TEST_P(L2BookModelTest, EqualsAMapUnderRandomOperations) {
  const Flow& flow = GetParam();
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto below = [&](int64_t n) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(n));
  };
  constexpr int64_t kExtremes[] = {std::numeric_limits<int64_t>::min(),
                                   std::numeric_limits<int64_t>::min() + 1,
                                   -1,
                                   0,
                                   1,
                                   std::numeric_limits<int64_t>::max() - 1,
                                   std::numeric_limits<int64_t>::max()};

  L2Book book(flow.options);
  book.reset(2, 8, flow.tick);
  Model model;
  int64_t touch = flow.start / flow.tick;
  constexpr int kOperations = 150'000;
  for (int i = 0; i < kOperations; ++i) {
    if (below(50) == 0) {
      touch += below(2 * flow.drift + 1) - flow.drift;
      touch = std::max<int64_t>(touch, 1);
    }
    const Side side = below(2) == 0 ? Side::kBid : Side::kAsk;
    const int64_t away = below(below(flow.spread) + 1) - flow.spread / 50;
    int64_t price =
        (side == Side::kBid ? touch - away : touch + away) * flow.tick;
    const int64_t kind = below(100);
    if (kind < flow.wild_percent) {
      price = below(4 * flow.start) - flow.start;
    } else if (kind < flow.wild_percent + flow.off_tick_percent) {
      price += below(flow.tick);
    } else if (kind < flow.wild_percent + flow.off_tick_percent +
                          flow.extreme_percent) {
      price = kExtremes[below(7)];
    }
    int64_t quantity = below(100) < 45 ? 0 : 1 + below(1'000'000);
    if (below(500) == 0) quantity = kExtremes[below(7)];
    if (below(40) == 0 && !model.of(side).empty()) {  // what is best goes
      const int64_t key = model.of(side).begin()->first;
      price = side == Side::kBid ? ~key : key;
      quantity = 0;
    }
    book.apply(side, price, quantity);
    model.apply(side, price, quantity);

    if (flow.truncate_depth != 0 && below(4) == 0) {
      book.truncate(flow.truncate_depth);
      model.truncate(flow.truncate_depth);
    }
    if (below(20'000) == 0) {  // one side empties, level by level
      for (const PriceLevel& level : model.all(side)) {
        book.apply(side, level.price, 0);
        model.apply(side, level.price, 0);
      }
    }
    if (below(30'000) == 0) {
      book.reset(2, 8, flow.tick);
      model.clear();
    }
    ASSERT_NO_FATAL_FAILURE(expect_equal_briefly(book, model)) << "at " << i;
    if (i % 4096 == 0) {
      ASSERT_NO_FATAL_FAILURE(expect_equal(book, model)) << "at " << i;
    }
  }
  expect_equal(book, model);
  const L2BookMemory memory = book.memory();
  EXPECT_EQ(memory.window_levels + memory.overflow_levels,
            model.of(Side::kBid).size() + model.of(Side::kAsk).size());
  EXPECT_EQ(memory.dropped_levels, 0U);
}

constexpr L2BookOptions with_window(size_t ticks, size_t max_depth = 0) {
  L2BookOptions options;
  options.window_ticks = ticks;
  options.overflow_levels = 64;
  options.max_depth = max_depth;
  return options;
}

INSTANTIATE_TEST_SUITE_P(
    Flows, L2BookModelTest,
    testing::Values(
        Flow{"usual", with_window(1 << 16), 1000000, 6183763000000, 40, 3000, 2,
             1, 0, 0},
        Flow{"tick_one", with_window(1 << 16), 1, 633887, 5, 300, 1, 0, 0, 0},
        Flow{"small_window_jumping_touch", with_window(512), 25, 1000000, 300,
             100, 5, 5, 1, 0},
        Flow{"window_of_4096", with_window(4096), 50, 5000000, 4000, 2000, 5, 5,
             0, 0},
        Flow{"penny_prices", with_window(4096), 10, 20000, 30, 2500, 0, 2, 1,
             0},
        Flow{"mostly_off_tick", with_window(4096), 7, 700000, 5, 800, 2, 90, 1,
             0},
        Flow{"odd_tick_extremes", with_window(1024), 12345, 123450000, 50, 900,
             2, 2, 20, 0},
        Flow{"huge_tick", with_window(1024), int64_t{1} << 50, int64_t{9} << 50,
             1, 5, 0, 0, 50, 0},
        Flow{"largest_window", with_window(1 << 18), 4, 80000000, 90000, 50000,
             1, 1, 0, 0},
        Flow{"no_window", with_window(0), 1, 100000, 50, 2000, 2, 0, 1, 0},
        Flow{"sorted_depth_25", with_window(1 << 16, 25), 1, 633887, 5, 300, 1,
             0, 1, 25},
        Flow{"sorted_depth_10", with_window(1 << 16, 10), 1, 633887, 5, 60, 1,
             0, 0, 10},
        Flow{"window_depth_1000", with_window(1 << 16, 1000), 1, 6338870, 50,
             3000, 4, 0, 1, 1000},
        Flow{"window_depth_3_off_tick", with_window(512), 10, 20000, 20, 200, 4,
             30, 1, 3}),
    [](const testing::TestParamInfo<Flow>& flow) {
      return std::string(flow.param.name);
    });

// Sizes and prices of the best levels equal those that the venue tells on
// another stream, at every update.
TEST(L2BookTest, RecordedBinanceSpotEqualsBookTicker) {
  const std::string path =
      recorded_data_path("binance_spot_btcusdt_20240808.lines.gz");
  if (path.empty()) GTEST_SKIP() << kNoRecordedData;
  for (const size_t window : {size_t{0}, size_t{1} << 12, size_t{1} << 18}) {
    L2BookOptions options;
    options.window_ticks = window;
    L2Book book(options);
    std::vector<PriceLevel> levels;
    RecordedUpdate ticker{};
    uint64_t id = 0;
    size_t compared = 0;
    std::vector<RecordedUpdate> updates = read_synchronised_updates(path);
    std::map<uint64_t, RecordedUpdate> tickers;
    for (const RecordedUpdate& update : updates) {
      if (update.kind == RecordedUpdate::Kind::kBestBidOffer) {
        tickers[update.last_id] = update;
      }
    }
    for (const RecordedUpdate& update : updates) {
      if (update.kind == RecordedUpdate::Kind::kBestBidOffer) continue;
      if (update.kind == RecordedUpdate::Kind::kSnapshot) {
        for (const RecordedLevel& level : update.levels) {
          levels.push_back(level.level);
        }
        EXPECT_EQ(infer_tick(levels), 1'000'000);
        book.reset(8, 8, infer_tick(levels));
      } else {
        ASSERT_LE(update.first_id, id + 1) << "a gap in the recording";
      }
      id = update.last_id;
      for (const RecordedLevel& level : update.levels) {
        book.apply(level.side, level.level.price, level.level.quantity);
      }
      ASSERT_FALSE(book.crossed());
      if (update.kind == RecordedUpdate::Kind::kSnapshot) continue;
      auto next = tickers.upper_bound(id);
      ASSERT_NE(next, tickers.begin());
      ticker = std::prev(next)->second;
      ASSERT_EQ(book.best(Side::kBid), ticker.levels[0].level) << id;
      ASSERT_EQ(book.best(Side::kAsk), ticker.levels[1].level) << id;
      ++compared;
    }
    EXPECT_EQ(compared, 3449U);
  }
}

}  // namespace
}  // namespace wirebook
