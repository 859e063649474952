// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/frame_builder.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

TEST(FrameBuilder, HandsOverAllMessagesOfAFrameAtOnce) {
  CollectingSink sink;
  RawMessage raw{};
  raw.connection = 3;
  FrameBuilder frame(raw, 77, sink);
  ASSERT_NE(frame.start(ParsedMessageKind::kDelta), nullptr);
  frame.begin_side(Side::kAsk);
  EXPECT_TRUE(frame.add({1, 2}));
  frame.begin_side(Side::kBid);
  EXPECT_TRUE(frame.add({3, 4}));
  ASSERT_NE(frame.start(ParsedMessageKind::kSnapshot), nullptr);
  EXPECT_EQ(sink.emitted, 0);
  EXPECT_TRUE(frame.emit());
  ASSERT_EQ(sink.messages.size(), 2u);
  EXPECT_EQ(sink.messages[0]->asks()[0], (PriceLevel{1, 2}));
  EXPECT_EQ(sink.messages[0]->bids()[0], (PriceLevel{3, 4}));
  EXPECT_EQ(sink.messages[0]->connection, 3);
  EXPECT_EQ(sink.messages[0]->parse_start_ticks, 77u);
  EXPECT_EQ(sink.messages[1]->level_count(), 0u);
  EXPECT_TRUE(sink.tail_was_last);
  EXPECT_EQ(sink.out(), 0u);
}

TEST(FrameBuilder, MixedSidesKeepTheirOrders) {
  for (const int64_t levels : {0, 1, 2, 511, 512, 513, 3000}) {
    for (const int64_t bid_every : {1, 2, 3, 4000}) {
      CollectingSink sink;
      RawMessage raw{};
      FrameBuilder frame(raw, 0, sink);
      ASSERT_NE(frame.start(ParsedMessageKind::kDelta), nullptr);
      frame.begin_side(Side::kBid);
      std::vector<PriceLevel> expected[2];
      for (int64_t i = 0; i < levels; ++i) {
        const Side side = i % bid_every == 0 ? Side::kBid : Side::kAsk;
        expected[static_cast<size_t>(side)].push_back({i, -i});
        ASSERT_TRUE(frame.add_mixed(side, {i, -i}));
      }
      // Those of the next one of the frame are its own.
      ASSERT_NE(frame.start(ParsedMessageKind::kDelta), nullptr);
      ASSERT_TRUE(frame.add(Side::kAsk, {7, 7}));
      ASSERT_TRUE(frame.emit());
      const auto parts =
          static_cast<size_t>(std::max<int64_t>(1, (levels + 511) / 512));
      ASSERT_EQ(sink.messages.size(), parts + 1) << levels;
      std::vector<PriceLevel> read[2];
      for (size_t i = 0; i < parts; ++i) {
        const ParsedMessage& part = *sink.messages[i];
        EXPECT_EQ(part.first_part, i == 0);
        EXPECT_EQ(part.last_part, i + 1 == parts);
        for (PriceLevel level : part.bids()) read[0].push_back(level);
        for (PriceLevel level : part.asks()) read[1].push_back(level);
      }
      EXPECT_EQ(read[0], expected[0]) << levels << ' ' << bid_every;
      EXPECT_EQ(read[1], expected[1]) << levels << ' ' << bid_every;
      EXPECT_EQ(sink.messages.back()->bids().size(), 0u);
      ASSERT_EQ(sink.messages.back()->asks().size(), 1u);
    }
  }
}

TEST(FrameBuilder, AnErrorLeavesOneMessageAndNoLevels) {
  CollectingSink sink;
  RawMessage raw{};
  FrameBuilder frame(raw, 0, sink);
  frame.start(ParsedMessageKind::kDelta);
  frame.begin_side(Side::kBid);
  for (int64_t i = 0; i < 2000; ++i) ASSERT_TRUE(frame.add({i, i}));
  EXPECT_TRUE(frame.emit_malformed(BookReason::kMalformedMessage, 5));
  ASSERT_EQ(sink.messages.size(), 1u);
  EXPECT_EQ(sink.messages[0]->kind, ParsedMessageKind::kMalformed);
  EXPECT_EQ(sink.messages[0]->instrument, 5u);
  EXPECT_EQ(sink.messages[0]->level_count(), 0u);
  EXPECT_EQ(sink.out(), 0u);
}

TEST(FrameBuilder, GivesEverythingBackWhenTheSinkRunsOut) {
  CollectingSink sink(2);
  RawMessage raw{};
  {
    FrameBuilder frame(raw, 0, sink);
    frame.start(ParsedMessageKind::kDelta);
    frame.begin_side(Side::kBid);
    int64_t added = 0;
    while (frame.add({added, added})) ++added;
    EXPECT_EQ(added, 2 * static_cast<int64_t>(ParsedMessage::kMaxLevels));
    EXPECT_TRUE(frame.out_of_messages());
  }
  EXPECT_EQ(sink.out(), 0u);
  EXPECT_EQ(sink.emitted, 0);
}

TEST(FrameBuilder, ManyOrdersComeInParts) {
  constexpr uint64_t kOrders = 2 * ParsedMessage::kMaxOrders + 1;
  for (const size_t room : {2, 3}) {
    CollectingSink sink(room);
    RawMessage raw{};
    {
      FrameBuilder frame(raw, 0, sink);
      ASSERT_NE(frame.start(ParsedMessageKind::kSnapshot), nullptr);
      uint64_t added = 0;
      for (OrderEvent order{}; added < kOrders; ++added) {
        order.quantity = static_cast<int64_t>(added);
        if (!frame.add_order(order)) break;
      }
      EXPECT_EQ(added, room == 3 ? kOrders : kOrders - 1);
      EXPECT_EQ(frame.out_of_messages(), room != 3);
      if (room == 3) frame.emit();
    }
    EXPECT_EQ(sink.out(), 0u);
    ASSERT_EQ(sink.messages.size(), room == 3 ? 3u : 0u);
    int64_t next = 0;
    for (const auto& part : sink.messages) {
      EXPECT_EQ(part->kind, ParsedMessageKind::kSnapshot);
      for (size_t i = 0; i < part->order_count; ++i) {
        ASSERT_EQ(part->orders[i].quantity, next++);
      }
    }
  }
}

TEST(FrameBuilder, AnEmptyFrameIsIgnored) {
  CollectingSink sink;
  RawMessage raw{};
  FrameBuilder frame(raw, 0, sink);
  EXPECT_TRUE(frame.emit());
  EXPECT_EQ(sink.messages[0]->kind, ParsedMessageKind::kIgnored);
  CollectingSink full(0);
  FrameBuilder lost(raw, 0, full);
  EXPECT_FALSE(lost.emit());
  EXPECT_TRUE(lost.out_of_messages());
}

}  // namespace
}  // namespace wirebook
