// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/raw_message_pool.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "memory/allocation_counter.h"

namespace wirebook {
namespace {

std::unique_ptr<RawMessagePool> make_pool(
    const RawMessagePoolOptions& options = {}) {
  auto pool = RawMessagePool::create(options);
  EXPECT_TRUE(pool.ok()) << pool.status();
  return *std::move(pool);
}

// As a receive does: copies `text` in and returns its position.
uint64_t receive(RawMessageSlab* slab, const std::string& text) {
  const uint64_t position = slab->write_position();
  std::memcpy(slab->write_pointer(), text.data(), text.size());
  slab->commit(text.size());
  return position;
}

TEST(RawMessagePoolTest, AMessageIsAViewOfTheSlab) {
  auto pool = make_pool();
  RawMessageSlab* slab = *pool->add_slab(2);
  const uint64_t position = receive(slab, "hello");
  RawMessage* message = pool->acquire(*slab, position, 5);
  slab->set_parse_position(position + 5);
  ASSERT_NE(message, nullptr);
  EXPECT_EQ(message->view(), "hello");
  EXPECT_EQ(message->data, slab->at(position));
  EXPECT_EQ(message->kind, RawMessageKind::kText);
  EXPECT_EQ(pool->outstanding(), 1u);
  pool->release(message);
  EXPECT_EQ(pool->outstanding(), 0u);
}

TEST(RawMessagePoolTest, AMessageOverTheSlabsEndIsContiguous) {
  auto pool = make_pool();
  RawMessageSlab* slab = *pool->add_slab(2);
  slab->commit(slab->bytes() - 3);
  slab->set_parse_position(slab->write_position());
  EXPECT_EQ(slab->returned_slots(), 1u);
  const uint64_t position = receive(slab, "over the end");
  RawMessage* message = pool->acquire(*slab, position, 12);
  EXPECT_EQ(message->view(), "over the end");
  EXPECT_EQ(std::string(slab->at(0), 9), "r the end") << "the other view";
  pool->release(message);
}

TEST(RawMessagePoolTest, SlotsReturnInOrderAndOnlyWhenParsedAndReleased) {
  auto pool = make_pool();
  RawMessageSlab* slab = *pool->add_slab(4);
  slab->commit(3 * kRawMessageSlotBytes);
  EXPECT_EQ(slab->returned_slots(), 0u) << "not parsed";
  RawMessage* first = pool->acquire(*slab, 10, 20);
  RawMessage* second = pool->acquire(*slab, kRawMessageSlotBytes + 10, 20);
  slab->set_parse_position(3 * kRawMessageSlotBytes);
  EXPECT_EQ(slab->returned_slots(), 0u) << "the first is out";
  pool->release(second);
  EXPECT_EQ(slab->returned_slots(), 0u) << "in ring order";
  EXPECT_EQ(slab->writable_bytes(), kRawMessageSlotBytes);
  pool->release(first);
  EXPECT_EQ(slab->returned_slots(), 3u);
  EXPECT_EQ(slab->writable_bytes(), slab->bytes());
}

TEST(RawMessagePoolTest, AMessageProtectsTheSlotsItRunsInto) {
  auto pool = make_pool();
  RawMessageSlab* slab = *pool->add_slab(4);
  slab->commit(3 * kRawMessageSlotBytes);
  RawMessage* message = pool->acquire(*slab, 100, 2 * kRawMessageSlotBytes);
  slab->set_parse_position(3 * kRawMessageSlotBytes);
  EXPECT_EQ(slab->returned_slots(), 0u);
  pool->release(message);
  EXPECT_EQ(slab->returned_slots(), 3u);
}

TEST(RawMessagePoolTest, LanesBringMessagesHomeAtReclaim) {
  auto pool = make_pool();
  RawMessageSlab* slab = *pool->add_slab(2);
  RawMessageLane& lane = pool->add_lane();
  RawMessage* message = pool->acquire(*slab, receive(slab, "x"), 1);
  lane.release(message);
  EXPECT_EQ(pool->outstanding(), 1u);
  EXPECT_EQ(pool->reclaim(), 1u);
  EXPECT_EQ(pool->outstanding(), 0u);
  EXPECT_EQ(pool->reclaim(), 0u);
}

TEST(RawMessagePoolTest, EmptyPoolGivesNothingAndCounts) {
  auto pool = make_pool({.descriptors = 2});
  RawMessageSlab* slab = *pool->add_slab(2);
  receive(slab, "abc");
  RawMessage* a = pool->acquire(*slab, 0, 1);
  RawMessage* b = pool->acquire(*slab, 1, 1);
  EXPECT_EQ(pool->acquire(*slab, 2, 1), nullptr);
  EXPECT_FALSE(pool->descriptor_free());
  EXPECT_EQ(pool->statistics().descriptors_missing, 1u);
  pool->release(a);
  pool->release(b);
  EXPECT_EQ(pool->statistics().most_outstanding, 2u);
  EXPECT_EQ(pool->statistics().released, 2u);
}

TEST(RawMessagePoolTest, ExternalMemoryIsGivenBackWhenTheMessageIsHome) {
  auto pool = make_pool();
  RawMessageLane& lane = pool->add_lane();
  std::string body = "body" + std::string(kRawMessageSlackBytes, '\0');
  int done = 0;
  RawMessage* message = pool->acquire_external(
      body.data(), 4, [](void* count) { ++*static_cast<int*>(count); }, &done);
  EXPECT_EQ(message->view(), "body");
  lane.release(message);
  EXPECT_EQ(done, 0);
  pool->reclaim();
  EXPECT_EQ(done, 1);
  pool->release(pool->acquire_external(body.data(), 4, nullptr, nullptr));
  EXPECT_EQ(pool->statistics().external, 2u);
}

TEST(RawMessagePoolTest, LargeBuffersAreBoundedAndReused) {
  auto pool = make_pool({.large_messages = 2, .large_bytes = 1 << 20});
  char* first = pool->take_large();
  char* second = pool->take_large();
  EXPECT_EQ(pool->take_large(), nullptr);
  EXPECT_EQ(pool->statistics().large_missing, 1u);
  std::memset(first, 'x', (1 << 20) + kRawMessageSlackBytes);
  RawMessage* message = pool->acquire_large(first, 1 << 20);
  EXPECT_EQ(message->view()[(1 << 20) - 1], 'x');
  pool->release(message);
  pool->abandon_large(second);
  EXPECT_NE(pool->take_large(), nullptr);
  EXPECT_NE(pool->take_large(), nullptr);
}

TEST(RawMessagePoolTest, ADetachedMessageLetsItsSlotReturn) {
  auto pool = make_pool();
  RawMessageSlab* slab = *pool->add_slab(2);
  const uint64_t position = receive(slab, "hello");
  RawMessage* message =
      pool->acquire(*slab, position, 5, {.sequence = 7, .connection = 3});
  slab->commit(kRawMessageSlotBytes);
  slab->set_parse_position(slab->write_position());
  EXPECT_EQ(slab->returned_slots(), 0u);
  ASSERT_TRUE(pool->detach(message));
  EXPECT_EQ(slab->returned_slots(), 1u) << "though the message is out";
  std::memset(slab->at(position), 'x', 5);
  EXPECT_EQ(message->view(), "hello");
  EXPECT_EQ(message->sequence, 7u);
  EXPECT_EQ(message->connection, 3u);
  for (size_t i = 0; i < kRawMessageSlackBytes; ++i) {
    EXPECT_EQ(message->data[message->size + i], 0);
  }
  EXPECT_EQ(pool->statistics().detached, 1u);
  EXPECT_EQ(pool->statistics().detached_bytes, 5 + kRawMessageSlackBytes);
  EXPECT_TRUE(pool->detach(message)) << "it is already";
  EXPECT_EQ(pool->statistics().detached, 1u);

  pool->add_lane().release(message);
  EXPECT_EQ(pool->reclaim(), 1u);
  EXPECT_EQ(pool->outstanding(), 0u);
  EXPECT_EQ(pool->statistics().detached_bytes, 0u);
}

TEST(RawMessagePoolTest, ADetachedLargeMessageGivesItsBufferBack) {
  auto pool = make_pool({.large_messages = 1, .large_bytes = 1000});
  char* buffer = pool->take_large();
  std::memcpy(buffer, "large", 5);
  RawMessage* message = pool->acquire_large(buffer, 5);
  EXPECT_EQ(pool->take_large(), nullptr);
  ASSERT_TRUE(pool->detach(message));
  buffer = pool->take_large();
  ASSERT_NE(buffer, nullptr);
  std::memset(buffer, 'x', 5);
  EXPECT_EQ(message->view(), "large");
  pool->release(message);
  pool->abandon_large(buffer);
}

TEST(RawMessagePoolTest, DetachedBytesAreBounded) {
  auto pool =
      make_pool({.detached_bytes = 2 * (100 + kRawMessageSlackBytes) - 1});
  RawMessageSlab* slab = *pool->add_slab(2);
  slab->commit(1000);
  RawMessage* first = pool->acquire(*slab, 0, 100);
  RawMessage* second = pool->acquire(*slab, 100, 100);
  EXPECT_TRUE(pool->detach(first));
  EXPECT_FALSE(pool->detach(second));
  EXPECT_EQ(second->data, slab->at(100)) << "as it was";
  pool->release(first);
  EXPECT_TRUE(pool->detach(second));
  pool->release(second);
  EXPECT_EQ(pool->statistics().detached_bytes, 0u);
}

TEST(RawMessagePoolTest, WhatHoldsNoneOfThePoolsMemoryStaysWhereItIs) {
  auto pool = make_pool();
  static const char kBody[100] = "body";
  RawMessage* message = pool->acquire_external(kBody, 4, nullptr, nullptr);
  EXPECT_TRUE(pool->detach(message));
  EXPECT_EQ(message->data, kBody);
  pool->release(message);
}

TEST(RawMessagePoolTest, AReturnedSlabIsUsedAgain) {
  auto pool = make_pool({.slots = 4});
  RawMessageSlab* slab = *pool->add_slab(4);
  EXPECT_EQ(pool->add_slab(4).status().code(),
            absl::StatusCode::kResourceExhausted);
  RawMessage* message = pool->acquire(*slab, receive(slab, "still"), 5);
  pool->return_slab(slab);
  EXPECT_EQ(*pool->add_slab(4), slab);
  EXPECT_EQ(slab->write_position(), 5u) << "positions go on";
  EXPECT_EQ(message->view(), "still");
  pool->release(message);
}

TEST(RawMessagePoolTest, WrongOptionsAreRefused) {
  const struct {
    RawMessagePoolOptions options;
    const char* says;
  } all[] = {
      {{.slots = 0}, "slots is 0; give"},
      {{.descriptors = 0}, "descriptors is 0; give 1 to 2^32"},
      {{.large_messages = 4097}, "large_messages is 4097; give 0 to 4096"},
      {{.large_bytes = 0}, "large_bytes is 0; give"},
      {{.large_bytes = 1ull << 32}, "less than 4 GiB"},
  };
  for (const auto& one : all) {
    const absl::Status made = RawMessagePool::create(one.options).status();
    EXPECT_EQ(made.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(made.ToString(), ::testing::HasSubstr(one.says));
  }
  EXPECT_TRUE(
      RawMessagePool::create({.large_messages = 0, .large_bytes = 0}).ok());
  auto pool = make_pool();
  EXPECT_FALSE(pool->add_slab(0).ok());
  EXPECT_FALSE(pool->add_slab(1).ok());
  EXPECT_FALSE(pool->add_slab(3).ok());
}

TEST(RawMessagePoolDeathTest, BrokenInvariantsEndTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto pool = make_pool();
  RawMessageSlab* slab = *pool->add_slab(2);
  RawMessageLane& lane = pool->add_lane();
  receive(slab, "abc");
  RawMessage* message = pool->acquire(*slab, 0, 1);
  RawMessage copy = *message;
  EXPECT_DEATH(pool->release(&copy), "not of this pool");
  EXPECT_DEATH(lane.release(&copy), "not of this pool");
  EXPECT_DEATH(
      {
        pool->release(message);
        pool->release(message);
      },
      "released twice");
  EXPECT_DEATH(
      {
        lane.release(message);
        lane.release(message);
      },
      "released twice");
  EXPECT_DEATH(slab->commit(slab->bytes()), "than there was room for");
  EXPECT_DEATH(pool.reset(), "while 1 messages are out");
  pool->release(message);
}

// Random receives, messages and releases against a plain list of what is out.
TEST(RawMessagePoolTest, RandomUseKeepsEveryByteUntilRelease) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  auto pool = make_pool();
  RawMessageSlab* slab = *pool->add_slab(4);
  struct Out {
    RawMessage* message;
    char fill;
  };
  std::vector<Out> out;
  char fill = 0;
  const uint64_t allocations = thread_allocations();
  out.reserve(10'000);
  for (int i = 0; i < 50'000; ++i) {
    const size_t size = random() % 10 == 0 ? random() % 60'000 : random() % 500;
    if (out.size() < 9'000 && slab->writable_bytes() >= size) {
      const uint64_t position = slab->write_position();
      std::memset(slab->write_pointer(), ++fill, size);
      slab->commit(size);
      out.push_back(
          {pool->acquire(*slab, position, static_cast<uint32_t>(size)), fill});
      slab->set_parse_position(position + size);
    } else if (!out.empty()) {
      // The oldest sometimes, or nothing would ever return.
      const size_t pick = random() % 2 == 0 ? 0 : random() % out.size();
      const Out one = out[pick];
      out.erase(out.begin() + static_cast<ptrdiff_t>(pick));
      const std::string_view text = one.message->view();
      ASSERT_EQ(std::count(text.begin(), text.end(), one.fill),
                static_cast<ptrdiff_t>(text.size()));
      pool->release(one.message);
    }
  }
  EXPECT_LE(thread_allocations(), allocations + 1) << "only the test's reserve";
  for (const Out& one : out) pool->release(one.message);
  EXPECT_EQ(pool->outstanding(), 0u);
  EXPECT_EQ(slab->returned_slots(),
            slab->parse_position() / kRawMessageSlotBytes);
}

TEST(RawMessagePoolTest, SeveralConsumersReleaseOnLanesOfTheirOwn) {
  constexpr uint64_t kMessages = 30'000;
  auto pool = make_pool({.descriptors = 1000});
  RawMessageSlab* slab = *pool->add_slab(2);
  RawMessageLane* lanes[] = {&pool->add_lane(), &pool->add_lane()};
  SpscRing<RawMessage*> rings[] = {SpscRing<RawMessage*>(1000),
                                   SpscRing<RawMessage*>(1000)};
  std::vector<std::thread> consumers;
  for (size_t c = 0; c < 2; ++c) {
    consumers.emplace_back([&, c] {
      for (uint64_t seen = 0; seen < kMessages / 2;) {
        RawMessage* message = nullptr;
        if (!rings[c].try_pop(message)) {
          std::this_thread::yield();
          continue;
        }
        uint64_t value;
        std::memcpy(&value, message->data, sizeof(value));
        EXPECT_EQ(value, message->sequence);
        EXPECT_EQ(value % 2, c);
        lanes[c]->release(message);
        ++seen;
      }
    });
  }
  for (uint64_t i = 0; i < kMessages;) {
    if (slab->writable_bytes() < 100 || !pool->descriptor_free()) {
      if (pool->reclaim() == 0) std::this_thread::yield();
      continue;
    }
    const uint64_t position = slab->write_position();
    std::memcpy(slab->write_pointer(), &i, sizeof(i));
    slab->commit(100);
    RawMessage* message = pool->acquire(*slab, position, 100);
    slab->set_parse_position(position + 100);
    message->sequence = i;
    ASSERT_TRUE(rings[i % 2].try_push(message));
    ++i;
  }
  for (std::thread& consumer : consumers) consumer.join();
  pool->reclaim();
  EXPECT_EQ(pool->outstanding(), 0u);
}

}  // namespace
}  // namespace wirebook
