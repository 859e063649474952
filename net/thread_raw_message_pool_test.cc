// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/thread_raw_message_pool.h"

#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wirebook {
namespace {

using ::testing::HasSubstr;

// Each on a thread of its own: a thread's pool stays for its life.
template <class Function>
void on_new_thread(Function function) {
  std::thread(function).join();
}

TEST(ThreadRawMessagePoolTest, IsMadeWhenItIsFirstAskedFor) {
  on_new_thread([] {
    RawMessagePool* const pool = *thread_raw_message_pool();
    EXPECT_EQ(pool->options().slots, 16384u);
    EXPECT_EQ(*thread_raw_message_pool(), pool);
    RawMessageSlab* const slab = *pool->add_slab(2);
    slab->commit(10);
    pool->release(pool->acquire(*slab, 0, 10));
    pool->return_slab(slab);
  });
}

TEST(ThreadRawMessagePoolTest, EachThreadHasItsOwn) {
  RawMessagePool* const pool = *thread_raw_message_pool();
  on_new_thread([=] { EXPECT_NE(*thread_raw_message_pool(), pool); });
  EXPECT_EQ(*thread_raw_message_pool(), pool);
}

TEST(ThreadRawMessagePoolTest, TheCapacityIsSetBeforeFirstUse) {
  on_new_thread([] {
    ASSERT_TRUE(set_thread_pool_capacity(100).ok());
    ASSERT_TRUE(set_thread_pool_capacity(8).ok());
    RawMessagePool* const pool = *thread_raw_message_pool();
    EXPECT_EQ(pool->options().slots, 8u);
    EXPECT_TRUE(pool->add_slab(8).ok());
    EXPECT_FALSE(pool->add_slab(2).ok());
  });
  // That was the other thread's.
  on_new_thread(
      [] { EXPECT_EQ((*thread_raw_message_pool())->options().slots, 16384u); });
}

TEST(ThreadRawMessagePoolTest, AfterFirstUseTheCapacityIsAnError) {
  on_new_thread([] {
    RawMessagePool* const pool = *thread_raw_message_pool();
    const absl::Status status = set_thread_pool_capacity(8);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(status.ToString(), HasSubstr("of 16384 slots"));
    EXPECT_EQ(pool->options().slots, 16384u);
  });
}

TEST(ThreadRawMessagePoolTest, NoSlotsAreAnError) {
  on_new_thread([] {
    EXPECT_EQ(set_thread_pool_capacity(0).code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ((*thread_raw_message_pool())->options().slots, 16384u);
  });
}

}  // namespace
}  // namespace wirebook
