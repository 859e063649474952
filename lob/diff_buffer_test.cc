// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/diff_buffer.h"

#include <memory>
#include <vector>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

std::unique_ptr<ParsedMessage> diff(uint64_t id, uint16_t bids, uint16_t asks) {
  auto message = std::make_unique<ParsedMessage>();
  message->last_update_id = id;
  message->bid_count = bids;
  message->ask_begin = bids;
  message->ask_count = asks;
  for (uint16_t i = 0; i < bids + asks; ++i) {
    message->levels[i] = {static_cast<int64_t>(id), i};
  }
  return message;
}

TEST(DiffBuffer, GivesBackWhatItKeptOldestFirst) {
  DiffBuffer kept(4, 16);
  EXPECT_TRUE(kept.empty());
  EXPECT_EQ(kept.push(*diff(1, 2, 1)), 0u);
  EXPECT_EQ(kept.push(*diff(2, 0, 0)), 0u);
  EXPECT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept.front().last_update_id, 1u);
  std::vector<std::pair<Side, int64_t>> seen;
  EXPECT_EQ(kept.visit_front([&](Side side, const PriceLevel& level) {
    seen.emplace_back(side, level.quantity);
  }),
            3u);
  const std::vector<std::pair<Side, int64_t>> expected = {
      {Side::kBid, 0}, {Side::kBid, 1}, {Side::kAsk, 2}};
  EXPECT_EQ(seen, expected);
  kept.pop_front();
  EXPECT_EQ(kept.front().last_update_id, 2u);
  kept.pop_front();
  EXPECT_TRUE(kept.empty());
}

TEST(DiffBuffer, TheOldestGoWhereDiffsOrLevelsRunOut) {
  DiffBuffer kept(2, 16);
  EXPECT_EQ(kept.push(*diff(1, 4, 4)), 0u);
  EXPECT_EQ(kept.push(*diff(2, 4, 4)), 0u);
  EXPECT_EQ(kept.push(*diff(3, 1, 0)), 1u);
  EXPECT_EQ(kept.front().last_update_id, 2u);
  EXPECT_EQ(kept.push(*diff(4, 8, 8)), 2u);
  EXPECT_EQ(kept.front().last_update_id, 4u);
  EXPECT_EQ(kept.push(*diff(5, 9, 8)), 2u) << "it alone is too long";
  EXPECT_TRUE(kept.empty());
}

TEST(DiffBuffer, KeepsAllPartsOfAMessageSidesTogether) {
  DiffBuffer kept(2, 16);
  auto first = diff(1, 1, 1);
  auto second = diff(1, 1, 1);
  first->next = second.get();
  first->last_part = second->first_part = false;
  kept.push(*first);
  std::vector<Side> sides;
  kept.visit_front(
      [&](Side side, const PriceLevel&) { sides.push_back(side); });
  EXPECT_EQ(sides, (std::vector<Side>{Side::kBid, Side::kBid, Side::kAsk,
                                      Side::kAsk}));
}

TEST(DiffBuffer, OneWithoutRoomKeepsNothing) {
  DiffBuffer none(0, 16);
  EXPECT_EQ(none.push(*diff(1, 1, 1)), 1u);
  EXPECT_TRUE(none.empty());
}

}  // namespace
}  // namespace wirebook
