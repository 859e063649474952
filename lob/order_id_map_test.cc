// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/order_id_map.h"

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

TEST(OrderIdMapTest, SimplestUse) {
  OrderIdMap<int> map(10);
  int one = 1;
  int two = 2;
  EXPECT_TRUE(map.insert(7, &one));
  EXPECT_FALSE(map.insert(7, &two));
  ASSERT_TRUE(map.found(map.find(7)));
  EXPECT_EQ(map.value(map.find(7)), &one);
  EXPECT_FALSE(map.found(map.find(8)));
  map.prefetch(8);
  EXPECT_EQ(map.size(), 1U);
  map.erase(map.find(7));
  EXPECT_FALSE(map.found(map.find(7)));
  EXPECT_EQ(map.size(), 0U);
}

TEST(OrderIdMapTest, HoldsWhatWasAskedForWithoutGrowing) {
  for (const size_t ids : {0U, 1U, 31U, 32U, 33U, 1'000U, 4'096U}) {
    OrderIdMap<int> map(ids);
    ASSERT_GE(map.capacity(), ids);
    int value = 0;
    for (uint64_t id = 0; id < ids; ++id) map.insert(id * 3, &value);
    EXPECT_EQ(map.growths(), 0U) << ids;
    EXPECT_EQ(map.size(), ids);
  }
}

TEST(OrderIdMapTest, ClearKeepsTheCapacity) {
  OrderIdMap<int> map(100);
  int value = 0;
  for (uint64_t id = 0; id < 1'000; ++id) map.insert(id, &value);
  EXPECT_GT(map.growths(), 0U);
  const size_t capacity = map.capacity();
  map.clear();
  EXPECT_EQ(map.size(), 0U);
  EXPECT_EQ(map.capacity(), capacity);
  for (uint64_t id = 0; id < 1'000; ++id) {
    ASSERT_FALSE(map.found(map.find(id)));
  }
}

struct Ids {
  const char* name;
  uint64_t (*make)(std::mt19937_64& random, uint64_t serial);
};

class OrderIdMapModelTest : public testing::TestWithParam<Ids> {};

TEST_P(OrderIdMapModelTest, EqualsUnorderedMap) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  OrderIdMap<int> map(16);
  std::unordered_map<uint64_t, int*> model;
  std::vector<uint64_t> known;
  std::vector<int> values(64);
  for (uint64_t i = 0; i < 200'000; ++i) {
    const bool add = model.size() < 50 || random() % 1'000 < 505;
    const uint64_t id = !known.empty() && random() % 8 == 0
                            ? known[random() % known.size()]
                            : GetParam().make(random, i);
    if (add) {
      int* const value = &values[random() % values.size()];
      ASSERT_EQ(map.insert(id, value), model.emplace(id, value).second);
      known.push_back(id);
    } else {
      const size_t pick = random() % known.size();
      const uint64_t gone = known[pick];
      known[pick] = known.back();
      known.pop_back();
      const auto at = map.find(gone);
      ASSERT_EQ(map.found(at), model.erase(gone) == 1);
      if (map.found(at)) map.erase(at);
      ASSERT_FALSE(map.found(map.find(gone)));
    }
    ASSERT_EQ(map.size(), model.size());
    const auto at = map.find(id);
    const auto expected = model.find(id);
    ASSERT_EQ(map.found(at), expected != model.end());
    if (map.found(at)) {
      ASSERT_EQ(map.value(at), expected->second);
    }
    if (i % 20'000 == 0) {
      for (const auto& [each, value] : model) {
        ASSERT_TRUE(map.found(map.find(each)));
        ASSERT_EQ(map.value(map.find(each)), value);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, OrderIdMapModelTest,
    testing::Values(
        Ids{"sequence",
            [](std::mt19937_64&, uint64_t serial) { return serial; }},
        Ids{"from_the_end",
            [](std::mt19937_64&, uint64_t serial) {
              return std::numeric_limits<uint64_t>::max() - serial;
            }},
        Ids{"random",
            [](std::mt19937_64& random, uint64_t) -> uint64_t {
              return random();
            }},
        Ids{"high_bits_only",
            [](std::mt19937_64&, uint64_t serial) { return serial << 40; }},
        Ids{"few",
            [](std::mt19937_64& random, uint64_t) -> uint64_t {
              return random() % 200;
            }},
        Ids{"stride_4096",
            [](std::mt19937_64&, uint64_t serial) { return serial * 4096; }}),
    [](const testing::TestParamInfo<Ids>& ids) {
      return std::string(ids.param.name);
    });

}  // namespace
}  // namespace wirebook
