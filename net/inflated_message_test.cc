// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/inflated_message.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "net/testing/deflate_peer.h"

namespace wirebook {
namespace {

using testing::DeflatePeer;
using Result = InflatedMessage::Result;

constexpr uint64_t kLimit = 500'000;

class InflatedMessageTest : public ::testing::Test {
 protected:
  void make(const RawMessagePoolOptions& options) {
    inflated.reset();
    pool = *RawMessagePool::create(options);
    slab = *pool->add_slab(4);
    inflated =
        std::make_unique<InflatedMessage>(pool.get(), slab, kLimit, true);
    ASSERT_TRUE(inflated->start({}).ok());
  }
  void SetUp() override { make({}); }

  Result take(std::string_view payload, bool last = true,
              WebSocketOpcode opcode = WebSocketOpcode::kText) {
    WebSocketFrame frame;
    frame.payload = payload.data();
    frame.size = payload.size();
    frame.opcode = opcode;
    frame.last = last;
    return inflated->take(frame, &message);
  }

  DeflatePeer peer;
  std::unique_ptr<RawMessagePool> pool;
  RawMessageSlab* slab = nullptr;
  std::unique_ptr<InflatedMessage> inflated;
  RawMessage* message = nullptr;
};

TEST_F(InflatedMessageTest, MessagesLieInTheSlab) {
  for (int lap = 0; lap < 100; ++lap) {
    const std::string text = std::to_string(lap) + std::string(20'000, 'x');
    ASSERT_EQ(take(peer.deflate(text)), Result::kMessage);
    EXPECT_EQ(message->view(), text);
    EXPECT_FALSE(inflated->last_was_large());
    pool->release(message);
  }
  ASSERT_EQ(take(peer.deflate("")), Result::kMessage);
  EXPECT_EQ(message->view(), "");
  pool->release(message);
}

TEST_F(InflatedMessageTest, FragmentsOfAnySizeAreOneMessage) {
  const std::string text = "some text, some text, some text";
  for (size_t piece = 1; piece < 12; ++piece) {
    const std::string payload = peer.deflate(text);
    for (size_t at = 0; at + piece < payload.size(); at += piece) {
      ASSERT_EQ(take(std::string_view(payload).substr(at, piece), false),
                Result::kTaken);
    }
    const size_t rest = (payload.size() - 1) / piece * piece;
    ASSERT_EQ(take(std::string_view(payload).substr(rest)), Result::kMessage);
    EXPECT_EQ(message->view(), text);
    pool->release(message);
  }
}

TEST_F(InflatedMessageTest, WhatTheSlabCannotHoldIsInALargeBuffer) {
  const std::string text(300'000, 'l');
  ASSERT_EQ(take(peer.deflate(text)), Result::kMessage);
  EXPECT_TRUE(message->view() == text);
  EXPECT_TRUE(inflated->last_was_large());
  pool->release(message);
  // The limit itself, and one more.
  ASSERT_EQ(take(peer.deflate(std::string(kLimit, 'l'))), Result::kMessage);
  pool->release(message);
  ASSERT_EQ(take(peer.deflate(std::string(kLimit + 1, 'l'))), Result::kError);
  EXPECT_EQ(inflated->error(), WebSocketError::kMessageTooLong);
  inflated->drop();
  EXPECT_EQ(pool->statistics().large, 2u);
}

TEST_F(InflatedMessageTest, ABombIsRefusedAtTheLimit) {
  EXPECT_EQ(take(peer.deflate(std::string(50'000'000, '\0'))), Result::kError);
  EXPECT_EQ(inflated->error(), WebSocketError::kMessageTooLong);
}

TEST_F(InflatedMessageTest, WhatIsWrongIsSaid) {
  EXPECT_EQ(take("\xff\xff\xff"), Result::kError);
  EXPECT_EQ(inflated->error(), WebSocketError::kInvalidDeflate);
  ASSERT_TRUE(inflated->start({}).ok());
  EXPECT_EQ(take(DeflatePeer().deflate("\xff")), Result::kError);
  EXPECT_EQ(inflated->error(), WebSocketError::kInvalidUtf8);
  ASSERT_TRUE(inflated->start({}).ok());
  EXPECT_EQ(take(DeflatePeer().deflate("\xff"), true, WebSocketOpcode::kBinary),
            Result::kMessage);
  pool->release(message);
}

TEST_F(InflatedMessageTest, WaitsForDescriptors) {
  make({.descriptors = 1});
  const std::string one = peer.deflate("one"), two = peer.deflate("two");
  ASSERT_EQ(take(one), Result::kMessage);
  RawMessage* const held = message;
  EXPECT_EQ(take(two), Result::kNoRoom);
  EXPECT_EQ(take(two), Result::kNoRoom);
  pool->release(held);
  ASSERT_EQ(take(two), Result::kMessage);
  EXPECT_EQ(message->view(), "two");
  pool->release(message);
}

// Where it stopped in the middle it goes on: nothing is inflated twice.
TEST_F(InflatedMessageTest, WaitsForLargeBuffersInTheMiddleOfAMessage) {
  make({.large_messages = 1});
  char* const buffer = pool->take_large();
  std::string text(400'000, 'x');
  for (size_t i = 0; i < text.size(); ++i) {
    text[i] = static_cast<char>('a' + i * i % 23);
  }
  const std::string payload = peer.deflate(text);
  EXPECT_EQ(take(payload), Result::kNoRoom);
  EXPECT_EQ(take(payload), Result::kNoRoom);
  pool->abandon_large(buffer);
  ASSERT_EQ(take(payload), Result::kMessage);
  EXPECT_TRUE(message->view() == text);
  // And when only the tail was left to be looked at.
  pool->release(message);
  ASSERT_EQ(take(peer.deflate("more")), Result::kMessage);
  EXPECT_EQ(message->view(), "more");
  pool->release(message);
}

// Messages that are out keep their bytes; the slab's room behind them is used.
TEST_F(InflatedMessageTest, HeldMessagesStay) {
  std::vector<RawMessage*> held;
  for (size_t i = 0; i < 12; ++i) {
    const std::string text(30'000, static_cast<char>('a' + i));
    ASSERT_EQ(take(peer.deflate(text)), Result::kMessage);
    held.push_back(message);
  }
  EXPECT_TRUE(inflated->last_was_large()) << "the slab is full";
  for (size_t i = 0; i < 12; ++i) {
    EXPECT_TRUE(held[i]->view() ==
                std::string(30'000, static_cast<char>('a' + i)));
    pool->release(held[i]);
  }
}

TEST_F(InflatedMessageTest, AnEndInMidMessageLeavesNothing) {
  const std::string payload = peer.deflate(std::string(400'000, 'x'));
  ASSERT_EQ(take(payload, false), Result::kTaken);
  inflated->drop();
  ASSERT_TRUE(inflated->start({}).ok());
  ASSERT_EQ(take(DeflatePeer().deflate("next")), Result::kMessage);
  EXPECT_EQ(message->view(), "next");
  pool->release(message);
  EXPECT_EQ(pool->outstanding(), 0u);
}

}  // namespace
}  // namespace wirebook
