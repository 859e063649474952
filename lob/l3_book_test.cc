// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/l3_book.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <list>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "memory/allocation_counter.h"

namespace wirebook {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

std::vector<uint64_t> ids_of(const L3Book& book, Side side) {
  std::vector<uint64_t> ids;
  book.for_each_order(side,
                      [&](const OrderNode& order) { ids.push_back(order.id); });
  return ids;
}

TEST(L3BookTest, SimplestUse) {
  TradingObjectPools pools;
  L3Book book(pools);
  EXPECT_TRUE(book.empty(Side::kBid));
  EXPECT_EQ(book.best(Side::kBid), PriceLevel{});

  EXPECT_EQ(book.add(1, Side::kBid, 6183763, 250, 11), L3Result::kOk);
  EXPECT_EQ(book.add(2, Side::kBid, 6183763, 100, 12), L3Result::kOk);
  EXPECT_EQ(book.add(3, Side::kBid, 6183760, 70, 13), L3Result::kOk);
  EXPECT_EQ(book.add(4, Side::kAsk, 6183764, 30, 14), L3Result::kOk);
  EXPECT_EQ(book.best(Side::kBid), (PriceLevel{6183763, 350}));
  EXPECT_EQ(book.best(Side::kAsk), (PriceLevel{6183764, 30}));
  EXPECT_FALSE(book.crossed());
  EXPECT_EQ(book.orders(), 4U);

  const auto position = book.queue_position(2);
  ASSERT_TRUE(position.has_value());
  EXPECT_EQ(position->orders_ahead, 1U);
  EXPECT_EQ(position->quantity_ahead, 250);

  EXPECT_EQ(book.execute(1, 50), L3Result::kOk);
  EXPECT_EQ(book.find(1)->quantity, 200);
  EXPECT_EQ(book.execute(1, 200), L3Result::kOk);
  EXPECT_EQ(book.find(1), nullptr);
  EXPECT_EQ(book.queue_position(2)->orders_ahead, 0U);
  EXPECT_EQ(book.best(Side::kBid), (PriceLevel{6183763, 100}));

  EXPECT_EQ(book.replace(2, 5, 6183761, 90, 15), L3Result::kOk);
  EXPECT_EQ(book.find(5)->level->total, (PriceLevel{6183761, 90}));
  EXPECT_EQ(book.find(5)->level->side, Side::kBid);
  EXPECT_EQ(book.find(5)->timestamp_ns, 15);
  EXPECT_EQ(ids_of(book, Side::kBid), (std::vector<uint64_t>{5, 3}));

  PriceLevel top[3];
  EXPECT_EQ(book.top(Side::kBid, top), 2U);
  EXPECT_EQ(top[0], (PriceLevel{6183761, 90}));
  EXPECT_EQ(top[1], (PriceLevel{6183760, 70}));
  EXPECT_EQ(book.level(Side::kBid, 6183760)->orders, 1U);
  EXPECT_EQ(book.level(Side::kAsk, 6183760), nullptr);

  EXPECT_EQ(book.cancel(5), L3Result::kOk);
  EXPECT_EQ(book.levels(Side::kBid), 1U);
  book.reset(1);
  EXPECT_EQ(book.orders(), 0U);
  EXPECT_TRUE(book.empty(Side::kAsk));
  EXPECT_EQ(pools.order_nodes().stats().in_use, 0U);
  EXPECT_EQ(pools.price_levels().stats().in_use, 0U);
}

TEST(L3BookTest, EveryRefusalIsStatedAndChangesNothing) {
  TradingObjectPools pools;
  L3Book book(pools);
  ASSERT_EQ(book.add(1, Side::kBid, 100, 10), L3Result::kOk);
  ASSERT_EQ(book.add(2, Side::kBid, 100, 20), L3Result::kOk);

  EXPECT_EQ(book.add(1, Side::kAsk, 105, 1), L3Result::kDuplicateId);
  EXPECT_EQ(book.add(3, Side::kAsk, 105, 0), L3Result::kBadQuantity);
  EXPECT_EQ(book.add(3, Side::kAsk, 105, -1), L3Result::kBadQuantity);
  EXPECT_EQ(book.add(3, Side::kBid, 100, kMax), L3Result::kOverflow);
  EXPECT_EQ(book.cancel(9), L3Result::kUnknownId);
  EXPECT_EQ(book.reduce(9, 1), L3Result::kUnknownId);
  EXPECT_EQ(book.execute(9, 1), L3Result::kUnknownId);
  EXPECT_EQ(book.resize(9, 1), L3Result::kUnknownId);
  EXPECT_EQ(book.replace(9, 10, 100, 1), L3Result::kUnknownId);
  EXPECT_EQ(book.reduce(1, 11), L3Result::kBadQuantity);
  EXPECT_EQ(book.execute(1, 0), L3Result::kBadQuantity);
  EXPECT_EQ(book.execute(1, kMin), L3Result::kBadQuantity);
  EXPECT_EQ(book.resize(1, 0), L3Result::kBadQuantity);
  EXPECT_EQ(book.resize(1, kMax), L3Result::kOverflow);
  EXPECT_EQ(book.replace(1, 2, 101, 1), L3Result::kDuplicateId);
  EXPECT_EQ(book.replace(1, 3, 101, 0), L3Result::kBadQuantity);
  EXPECT_EQ(book.replace(1, 3, 100, kMax), L3Result::kOverflow);
  EXPECT_EQ(book.queue_position(9), std::nullopt);

  EXPECT_EQ(ids_of(book, Side::kBid), (std::vector<uint64_t>{1, 2}));
  EXPECT_EQ(book.best(Side::kBid), (PriceLevel{100, 30}));
  EXPECT_TRUE(book.empty(Side::kAsk));
  EXPECT_EQ(book.levels(Side::kBid), 1U);
  EXPECT_EQ(l3_result_name(L3Result::kUnknownId), "unknown_id");
  EXPECT_EQ(l3_result_name(L3Result::kFull), "full");
}

TEST(L3BookTest, ReduceAndResizeKeepThePlaceReplaceLosesIt) {
  TradingObjectPools pools;
  L3Book book(pools);
  for (uint64_t id = 1; id <= 3; ++id) book.add(id, Side::kAsk, 50, 10);
  book.reduce(1, 4);
  book.resize(2, 25);
  EXPECT_EQ(ids_of(book, Side::kAsk), (std::vector<uint64_t>{1, 2, 3}));
  EXPECT_EQ(book.best(Side::kAsk), (PriceLevel{50, 41}));
  EXPECT_EQ(book.replace(1, 1, 50, 6), L3Result::kOk);
  EXPECT_EQ(ids_of(book, Side::kAsk), (std::vector<uint64_t>{2, 3, 1}));
  EXPECT_EQ(book.queue_position(1)->quantity_ahead, 35);
  EXPECT_EQ(book.best(Side::kAsk), (PriceLevel{50, 41}));
  // A total near the end of int64 may be exchanged for as much.
  book.reset(1);
  EXPECT_EQ(book.add(1, Side::kAsk, 50, kMax), L3Result::kOk);
  EXPECT_EQ(book.replace(1, 2, 50, kMax), L3Result::kOk);
  EXPECT_EQ(book.resize(2, kMax), L3Result::kOk);
}

TEST(L3BookTest, FullBooksAndEmptyPoolsSaySo) {
  TradingObjectPools pools;
  L3Book book(pools, {.orders = 2, .max_orders = 2});
  EXPECT_EQ(book.add(1, Side::kBid, 1, 1), L3Result::kOk);
  EXPECT_EQ(book.add(2, Side::kBid, 2, 1), L3Result::kOk);
  EXPECT_EQ(book.add(3, Side::kBid, 3, 1), L3Result::kFull);
  EXPECT_EQ(book.replace(1, 3, 3, 1), L3Result::kOk);
  EXPECT_EQ(book.cancel(2), L3Result::kOk);
  EXPECT_EQ(book.add(4, Side::kBid, 3, 1), L3Result::kOk);

  TradingObjectPools few({.order_nodes = 16,
                          .price_levels = 4,
                          .when_empty = PoolExhaustion::kNull});
  L3Book bounded(few);
  for (int64_t price = 1; price <= 4; ++price) {
    ASSERT_EQ(bounded.add(static_cast<uint64_t>(price), Side::kBid, price, 1),
              L3Result::kOk);
  }
  EXPECT_EQ(bounded.add(5, Side::kBid, 5, 1), L3Result::kFull);  // no level
  EXPECT_EQ(bounded.replace(1, 5, 5, 1), L3Result::kFull);
  for (uint64_t id = 5; id <= 16; ++id) {
    ASSERT_EQ(bounded.add(id, Side::kBid, 1, 1), L3Result::kOk);
  }
  EXPECT_EQ(bounded.cancel(4), L3Result::kOk);
  EXPECT_EQ(bounded.add(17, Side::kBid, 1, 1), L3Result::kOk);
  EXPECT_EQ(bounded.add(18, Side::kBid, 9, 1), L3Result::kFull);  // no order
  EXPECT_EQ(bounded.levels(Side::kBid), 3U);
  EXPECT_EQ(few.price_levels().stats().in_use, 3U);
}

TEST(L3BookTest, BooksShareTheirPools) {
  TradingObjectPools pools;
  {
    L3Book one(pools);
    L3Book other(pools);
    for (uint64_t id = 0; id < 100; ++id) {
      one.add(id, Side::kBid, 10, 1);
      other.add(id, Side::kAsk, 20, 2);
    }
    EXPECT_EQ(pools.order_nodes().stats().in_use, 200U);
    one.reset(1);
    EXPECT_EQ(pools.order_nodes().stats().in_use, 100U);
    EXPECT_EQ(other.best(Side::kAsk), (PriceLevel{20, 200}));
  }
  EXPECT_EQ(pools.order_nodes().stats().in_use, 0U);
  EXPECT_EQ(pools.price_levels().stats().in_use, 0U);
}

TEST(L3BookTest, NoAllocationOnceWarmAndGrowthIsCounted) {
  TradingObjectPools pools;
  L3Book book(pools, {.orders = 4'000});
  std::mt19937_64 random(5);
  const auto churn = [&] {
    for (uint64_t id = 0; id < 3'000; ++id) {
      const auto price = static_cast<int64_t>(1'000 + random() % 500);
      book.add(id, id % 2 == 0 ? Side::kBid : Side::kAsk, price, 5);
    }
    for (uint64_t id = 0; id < 3'000; id += 3) {
      book.replace(id, id + 5'000, 1'200, 7);
    }
    for (uint64_t id = 0; id < 8'000; ++id) book.cancel(id);
  };
  churn();
  ASSERT_EQ(book.orders(), 0U);
  const uint64_t before = thread_allocations();
  churn();
  EXPECT_EQ(thread_allocations(), before);
  EXPECT_EQ(book.memory().growths, 0U);
  for (uint64_t id = 0; id < 9'000; ++id) book.add(id, Side::kBid, 1, 1);
  EXPECT_GT(book.memory().growths, 0U);
  EXPECT_EQ(book.memory().orders, 9'000U);
  EXPECT_EQ(book.memory().levels, 1U);
  EXPECT_GT(book.memory().bytes, size_t{2} * 8 * 4096);
}

// A book as it would be written without thought for speed.
class Model {
 public:
  struct Order {
    uint64_t id;
    int64_t quantity;
  };
  using Queue = std::list<Order>;
  using Levels = std::map<int64_t, Queue>;  // by price, complemented for bids
  struct Place {
    Side side;
    int64_t key;
    Queue::iterator order;
  };

  static int64_t key(Side side, int64_t price) {
    return side == Side::kBid ? ~price : price;
  }
  static __int128 total(const Queue& queue) {
    __int128 sum = 0;
    for (const Order& order : queue) sum += order.quantity;
    return sum;
  }

  L3Result add(uint64_t id, Side side, int64_t price, int64_t quantity) {
    if (quantity <= 0) return L3Result::kBadQuantity;
    if (ids_.count(id) != 0) return L3Result::kDuplicateId;
    if (total_at(side, price) + quantity > kMax) return L3Result::kOverflow;
    Queue& queue = mutable_of(side)[key(side, price)];
    queue.push_back({id, quantity});
    ids_[id] = {side, key(side, price), std::prev(queue.end())};
    return L3Result::kOk;
  }
  L3Result cancel(uint64_t id) {
    const auto at = ids_.find(id);
    if (at == ids_.end()) return L3Result::kUnknownId;
    Levels& levels = mutable_of(at->second.side);
    const auto queue = levels.find(at->second.key);
    queue->second.erase(at->second.order);
    if (queue->second.empty()) levels.erase(queue);
    ids_.erase(at);
    return L3Result::kOk;
  }
  L3Result reduce(uint64_t id, int64_t quantity) {
    const auto at = ids_.find(id);
    if (at == ids_.end()) return L3Result::kUnknownId;
    int64_t& left = at->second.order->quantity;
    if (quantity <= 0 || quantity > left) return L3Result::kBadQuantity;
    if (quantity == left) return cancel(id);
    left -= quantity;
    return L3Result::kOk;
  }
  L3Result resize(uint64_t id, int64_t quantity) {
    const auto at = ids_.find(id);
    if (at == ids_.end()) return L3Result::kUnknownId;
    if (quantity <= 0) return L3Result::kBadQuantity;
    const Place& place = at->second;
    const __int128 rest =
        total(mutable_of(place.side)[place.key]) - place.order->quantity;
    if (rest + quantity > kMax) return L3Result::kOverflow;
    place.order->quantity = quantity;
    return L3Result::kOk;
  }
  L3Result replace(uint64_t id, uint64_t new_id, int64_t price,
                   int64_t quantity) {
    const auto at = ids_.find(id);
    if (at == ids_.end()) return L3Result::kUnknownId;
    if (quantity <= 0) return L3Result::kBadQuantity;
    if (new_id != id && ids_.count(new_id) != 0) return L3Result::kDuplicateId;
    const Place place = at->second;
    __int128 rest = total_at(place.side, price);
    if (key(place.side, price) == place.key) rest -= place.order->quantity;
    if (rest + quantity > kMax) return L3Result::kOverflow;
    cancel(id);
    return add(new_id, place.side, price, quantity);
  }
  void clear() {
    bids_.clear();
    asks_.clear();
    ids_.clear();
  }

  const Levels& of(Side side) const {
    return side == Side::kBid ? bids_ : asks_;
  }
  const std::unordered_map<uint64_t, Place>& ids() const { return ids_; }

 private:
  Levels& mutable_of(Side side) { return side == Side::kBid ? bids_ : asks_; }
  __int128 total_at(Side side, int64_t price) const {
    const auto queue = of(side).find(key(side, price));
    return queue == of(side).end() ? 0 : total(queue->second);
  }

  Levels bids_;
  Levels asks_;
  std::unordered_map<uint64_t, Place> ids_;
};

void expect_equal_briefly(const L3Book& book, const Model& model) {
  ASSERT_EQ(book.orders(), model.ids().size());
  for (const Side side : {Side::kBid, Side::kAsk}) {
    const Model::Levels& levels = model.of(side);
    ASSERT_EQ(book.levels(side), levels.size());
    if (levels.empty()) continue;
    const auto& [key, queue] = *levels.begin();
    ASSERT_EQ(book.best(side),
              (PriceLevel{Model::key(side, key),
                          static_cast<int64_t>(Model::total(queue))}));
  }
}

void expect_equal(const L3Book& book, const Model& model) {
  expect_equal_briefly(book, model);
  for (const Side side : {Side::kBid, Side::kAsk}) {
    auto expected = model.of(side).begin();
    std::vector<PriceLevel> levels;
    book.for_each_level(side, [&](const LevelQueue& level) {
      ASSERT_NE(expected, model.of(side).end());
      ASSERT_EQ(level.side, side);
      ASSERT_EQ(level.total.price, Model::key(side, expected->first));
      ASSERT_EQ(level.total.quantity, Model::total(expected->second));
      ASSERT_EQ(level.orders, expected->second.size());
      ASSERT_EQ(book.level(side, level.total.price), &level);
      const OrderNode* order = level.first();
      const OrderNode* previous = nullptr;
      QueuePosition ahead;
      for (const Model::Order& each : expected->second) {
        ASSERT_NE(order, nullptr);
        ASSERT_EQ(order->id, each.id);
        ASSERT_EQ(order->quantity, each.quantity);
        ASSERT_EQ(level.before(*order), previous);
        ASSERT_EQ(order->level, &level);
        ASSERT_EQ(book.find(each.id), order);
        const auto position = book.queue_position(each.id);
        ASSERT_EQ(position->orders_ahead, ahead.orders_ahead++);
        ASSERT_EQ(position->quantity_ahead, ahead.quantity_ahead);
        ahead.quantity_ahead += each.quantity;
        previous = order;
        order = level.after(*order);
      }
      ASSERT_EQ(order, nullptr);
      ASSERT_EQ(level.last(), previous);
      levels.push_back(level.total);
      ++expected;
    });
    ASSERT_EQ(expected, model.of(side).end());
    PriceLevel top[10];
    const size_t count = book.top(side, top);
    ASSERT_EQ(count, std::min<size_t>(10, levels.size()));
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(top[i], levels[i]);
  }
  const bool crossed = !model.of(Side::kBid).empty() &&
                       !model.of(Side::kAsk).empty() &&
                       ~model.of(Side::kBid).begin()->first >=
                           model.of(Side::kAsk).begin()->first;
  ASSERT_EQ(book.crossed(), crossed);
}

struct Flow {
  const char* name;
  L3BookOptions options;
  int64_t tick;
  int64_t start;        // price
  int64_t drift;        // ticks that the touch may move at once
  int64_t spread;       // ticks from the touch, usual
  int wild_percent;     // prices anywhere
  int extreme_percent;  // int64 extremes, as price and as quantity
};

class L3BookModelTest : public testing::TestWithParam<Flow> {};

TEST_P(L3BookModelTest, EqualsAMapUnderRandomOperations) {
  const Flow& flow = GetParam();
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto below = [&](int64_t n) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(n));
  };
  constexpr int64_t kExtremes[] = {kMin, kMin + 1, -1, 0, 1, kMax - 1, kMax};

  TradingObjectPools pools({.order_nodes = 1'000, .price_levels = 100});
  L3Book book(pools, flow.options);
  book.reset(flow.tick);
  Model model;
  int64_t touch = flow.start / flow.tick;
  std::vector<uint64_t> known;
  uint64_t next_id = 0;
  constexpr int kOperations = 60'000;
  for (int i = 0; i < kOperations; ++i) {
    if (below(50) == 0) {
      touch =
          std::max<int64_t>(touch + below(2 * flow.drift + 1) - flow.drift, 1);
    }
    const Side side = below(2) == 0 ? Side::kBid : Side::kAsk;
    const int64_t away = below(below(flow.spread) + 1) - flow.spread / 50;
    int64_t price =
        (side == Side::kBid ? touch - away : touch + away) * flow.tick;
    int64_t quantity = 1 + below(1'000);
    const int64_t kind = below(100);
    if (kind < flow.wild_percent) {
      price = below(4 * flow.start) - flow.start;
    } else if (kind < flow.wild_percent + flow.extreme_percent) {
      price = kExtremes[below(7)];
      if (below(2) == 0) quantity = kExtremes[below(7)];
    }
    // Mostly an order that rests; at times one that did, or never will have.
    uint64_t id = random();
    size_t pick = 0;
    if (!known.empty() && below(50) != 0) {
      pick =
          below(3) == 0
              ? static_cast<size_t>(below(static_cast<int64_t>(known.size())))
              : known.size() - 1 -
                    static_cast<size_t>(below(std::min<int64_t>(
                        20, static_cast<int64_t>(known.size()))));
      id = known[pick];
    }
    const bool grows = model.ids().size() < 300 || i % 10'000 < 3'000;
    const int64_t operation = below(100);
    if (operation < (grows ? 50 : 40)) {
      const bool again = below(50) == 0;
      const uint64_t added = again ? id : next_id++;
      const L3Result expected = model.add(added, side, price, quantity);
      ASSERT_EQ(book.add(added, side, price, quantity), expected);
      if (expected == L3Result::kOk) known.push_back(added);
    } else if (operation < 80) {
      const L3Result expected = model.cancel(id);
      ASSERT_EQ(book.cancel(id), expected);
      if (expected == L3Result::kOk && below(10) != 0 && known[pick] == id) {
        known.erase(known.begin() + static_cast<int64_t>(pick));
      }
    } else if (operation < 88) {
      const auto place = model.ids().find(id);
      if (place != model.ids().end() && below(3) == 0) {
        quantity = place->second.order->quantity;
      } else if (below(4) != 0) {
        quantity %= 100;
      }
      ASSERT_EQ(book.execute(id, quantity), model.reduce(id, quantity));
    } else if (operation < 92) {
      ASSERT_EQ(book.resize(id, quantity), model.resize(id, quantity));
    } else {
      const int64_t how = below(10);
      const uint64_t new_id = how == 0   ? id
                              : how == 1 ? known.empty() ? 7 : known.back()
                                         : next_id++;
      if (below(4) == 0 && model.ids().count(id) != 0) {
        price = book.find(id)->level->total.price;
      }
      const L3Result expected = model.replace(id, new_id, price, quantity);
      ASSERT_EQ(book.replace(id, new_id, price, quantity), expected);
      if (expected == L3Result::kOk && new_id != id) known[pick] = new_id;
    }
    if (below(20'000) == 0) {
      book.reset(flow.tick);
      model.clear();
      known.clear();
    }
    ASSERT_NO_FATAL_FAILURE(expect_equal_briefly(book, model)) << "at " << i;
    if (i % 2'048 == 0) {
      ASSERT_NO_FATAL_FAILURE(expect_equal(book, model)) << "at " << i;
    }
  }
  expect_equal(book, model);
  EXPECT_EQ(pools.order_nodes().stats().in_use, model.ids().size());
  EXPECT_EQ(pools.price_levels().stats().in_use,
            model.of(Side::kBid).size() + model.of(Side::kAsk).size());
}

constexpr L3BookOptions with_window(size_t ticks) {
  L3BookOptions options;
  options.orders = 64;
  options.window_ticks = ticks;
  options.overflow_levels = 16;
  return options;
}

INSTANTIATE_TEST_SUITE_P(
    Flows, L3BookModelTest,
    testing::Values(
        Flow{"usual", with_window(1 << 12), 100, 1'500'000, 5, 300, 2, 0},
        Flow{"few_prices", with_window(1 << 12), 1, 633'887, 1, 10, 0, 1},
        Flow{"jumping_touch", with_window(512), 25, 1'000'000, 300, 100, 5, 1},
        Flow{"penny_prices", with_window(512), 10, 2'000, 30, 2'500, 0, 2},
        Flow{"extremes", with_window(1024), 12'345, 123'450'000, 50, 900, 2,
             20},
        Flow{"no_window", with_window(0), 1, 100'000, 50, 2'000, 2, 1}),
    [](const testing::TestParamInfo<Flow>& flow) {
      return std::string(flow.param.name);
    });

}  // namespace
}  // namespace wirebook
