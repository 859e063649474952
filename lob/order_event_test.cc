// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/order_event.h"

#include <random>
#include <set>
#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

TEST(OrderEvent, AUuidIsItsSixteenBytes) {
  OrderId id;
  ASSERT_TRUE(parse_uuid("d50ec984-77a8-460a-b958-66f114b0de9b", &id));
  EXPECT_EQ(id, (OrderId{0xd50ec98477a8460a, 0xb95866f114b0de9b}));
  OrderId upper;
  ASSERT_TRUE(parse_uuid("D50EC984-77A8-460A-B958-66F114B0DE9B", &upper));
  EXPECT_EQ(upper, id);
}

TEST(OrderEvent, WhatIsNoUuid) {
  OrderId id{1, 2};
  for (const char* text : {
           "",
           "d50ec984-77a8-460a-b958-66f114b0de9",
           "d50ec984-77a8-460a-b958-66f114b0de9b0",
           "d50ec984x77a8-460a-b958-66f114b0de9b",
           "g50ec984-77a8-460a-b958-66f114b0de9b",
           "d50ec98477a8-460a-b958-66f114b0de9b--",
       }) {
    EXPECT_FALSE(parse_uuid(text, &id)) << text;
  }
  EXPECT_EQ(id, (OrderId{1, 2})) << "untouched";
}

TEST(OrderEvent, ANameComesBackAsItWas) {
  OrderId id;
  ASSERT_TRUE(parse_order_name("OQCLML-BW3P3-BUCMWZ", &id));
  EXPECT_EQ(order_name(id), "OQCLML-BW3P3-BUCMWZ");
  for (const char* text : {"", "a", "O_", "OQCLML BW3P3",
                           "ABCDEFGHIJKLMNOPQRSTUVWXY", "\xc3\x84"}) {
    EXPECT_FALSE(parse_order_name(text, &id)) << text;
  }
}

// No two names share a number, whatever their lengths.
TEST(OrderEvent, NamesAreOneToOne) {
  constexpr char kDigits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-";
  constexpr uint64_t kSeed = 7;
  std::mt19937_64 random(kSeed);
  std::set<std::string> names = {"0",
                                 "00",
                                 "000",
                                 "-",
                                 "--",
                                 "A",
                                 "0A",
                                 "A0",
                                 std::string(kMaxOrderName, '-'),
                                 std::string(kMaxOrderName, '0')};
  for (int i = 0; i < 20'000; ++i) {
    std::string name(1 + random() % kMaxOrderName, '0');
    for (char& c : name) c = kDigits[random() % 37];
    names.insert(name);
  }
  std::set<std::pair<uint64_t, uint64_t>> ids;
  for (const std::string& name : names) {
    OrderId id;
    ASSERT_TRUE(parse_order_name(name, &id)) << name;
    EXPECT_EQ(order_name(id), name) << "seed " << kSeed;
    ids.emplace(id.high, id.low);
  }
  EXPECT_EQ(ids.size(), names.size());
}

}  // namespace
}  // namespace wirebook
