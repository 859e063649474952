// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/order_id_table.h"

#include <map>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

TEST(OrderIdTable, AnIdHasANumberFromAddToRemove) {
  OrderIdTable table(10);
  const OrderId uuid{0xd50ec98477a8460a, 0xb95866f114b0de9b};
  EXPECT_EQ(table.find(uuid), OrderIdTable::kNone);
  const uint64_t number = table.add(uuid);
  EXPECT_EQ(table.find(uuid), number);
  EXPECT_EQ(table.id(number), uuid);
  EXPECT_EQ(table.find({uuid.high, 0}), OrderIdTable::kNone);
  EXPECT_EQ(table.find({0, uuid.low}), OrderIdTable::kNone);
  table.remove(number);
  EXPECT_EQ(table.find(uuid), OrderIdTable::kNone);
  EXPECT_EQ(table.size(), 0u);
}

TEST(OrderIdTable, NumbersAreUsedAgainAndGrowingIsCounted) {
  OrderIdTable table(0);
  for (uint64_t i = 0; i < 32; ++i) EXPECT_EQ(table.add({i, i}), i);
  EXPECT_EQ(table.growths(), 0u);
  table.remove(7);
  EXPECT_EQ(table.add({99, 0}), 7u);
  EXPECT_EQ(table.growths(), 0u);
  table.add({100, 0});
  EXPECT_EQ(table.growths(), 1u);
  EXPECT_EQ(table.find({31, 31}), 31u);
  table.clear();
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(table.find({31, 31}), OrderIdTable::kNone);
}

TEST(OrderIdTable, AgreesWithAMapUnderRandomOperations) {
  constexpr uint64_t kSeed = 20260801;
  std::mt19937_64 random(kSeed);
  OrderIdTable table(16);
  std::map<std::pair<uint64_t, uint64_t>, uint64_t> model;
  std::set<uint64_t> numbers;
  for (int i = 0; i < 200'000; ++i) {
    // Few halves, so that ids share them.
    const OrderId id{random() % 40, random() % 40 << 40};
    const std::pair key(id.high, id.low);
    const auto known = model.find(key);
    ASSERT_EQ(table.find(id),
              known == model.end() ? OrderIdTable::kNone : known->second)
        << "seed " << kSeed << " step " << i;
    if (known == model.end()) {
      const uint64_t number = table.add(id);
      ASSERT_TRUE(numbers.insert(number).second) << "one number, two orders";
      model.emplace(key, number);
    } else if (random() % 3 != 0) {
      ASSERT_EQ(table.id(known->second), id);
      table.remove(known->second);
      numbers.erase(known->second);
      model.erase(known);
    }
    ASSERT_EQ(table.size(), model.size());
  }
}

}  // namespace
}  // namespace wirebook
