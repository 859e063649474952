// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// BufferPool's buffers through MpmcQueue as a queue of transactions: producers
// fill buffers and queue them, consumers check them and send them home. Bursts
// exhaust the pool and fill the queue; both are counted, nothing is lost.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "concurrency/blocking_mpmc_queue.h"
#include "concurrency/mpmc_queue.h"
#include "gtest/gtest.h"
#include "memory/buffer_pool.h"

namespace wirebook {
namespace {

constexpr size_t kBytes = 256;

struct Transaction {
  uint64_t producer;
  uint64_t number;
  uint64_t filler;  // each further word of the buffer
};

void write(std::byte* buffer, const Transaction& transaction) {
  std::memcpy(buffer, &transaction, sizeof(transaction));
  for (size_t at = sizeof(transaction); at < kBytes; at += sizeof(uint64_t)) {
    std::memcpy(buffer + at, &transaction.filler, sizeof(uint64_t));
  }
}

// False if another thread wrote to it.
bool read(const std::byte* buffer, Transaction& transaction) {
  std::memcpy(&transaction, buffer, sizeof(transaction));
  for (size_t at = sizeof(transaction); at < kBytes; at += sizeof(uint64_t)) {
    if (std::memcmp(buffer + at, &transaction.filler, sizeof(uint64_t)) != 0) {
      return false;
    }
  }
  return true;
}

struct Counts {
  std::atomic<uint64_t> made{0};
  std::atomic<uint64_t> no_buffer{0};
  std::atomic<uint64_t> no_place{0};
  std::atomic<uint64_t> handled{0};
  std::atomic<uint64_t> sum{0};
};

// Bursts of up to twice what the pool holds, then a pause until it is drained.
void produce(uint64_t producer, BufferPool& pool, MpmcQueue<std::byte*>& queue,
             Counts& counts, uint64_t seed) {
  std::mt19937_64 random(seed);
  uint64_t number = 0;
  for (int burst = 0; burst < 300; ++burst) {
    for (uint64_t n = random() % (2 * pool.capacity()); n > 0; --n) {
      PooledBuffer buffer = pool.borrow();
      if (!buffer) {
        ++counts.no_buffer;
        continue;
      }
      write(buffer.data(), {producer, number, random()});
      if (!queue.try_push(buffer.data())) {
        ++counts.no_place;  // goes home at the scope's end
        continue;
      }
      (void)buffer.release();  // the consumer's now
      ++number;
    }
    while (!queue.empty()) std::this_thread::yield();
  }
  counts.made += number;
}

void consume(BufferPool& pool, MpmcQueue<std::byte*>& queue, Counts& counts) {
  std::vector<uint64_t> expected_after(8, 0);
  while (!queue.closed()) {
    const std::optional<std::byte*> buffer = queue.try_pop();
    if (!buffer.has_value()) {
      std::this_thread::yield();
      continue;
    }
    Transaction transaction;
    EXPECT_TRUE(read(*buffer, transaction)) << "a buffer with two owners";
    uint64_t& after = expected_after[transaction.producer];
    EXPECT_GE(transaction.number, after) << "overtaken";
    after = transaction.number + 1;
    pool.return_buffer(*buffer);
    ++counts.handled;
  }
}

void run(size_t buffers, size_t places, Counts& counts) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  BufferPool pool({.buffer_bytes = kBytes, .capacity = buffers});
  MpmcQueue<std::byte*> queue(places);
  std::vector<std::thread> producers;
  std::vector<std::thread> consumers;
  for (uint64_t t = 0; t < 2; ++t) {
    producers.emplace_back(
        [&, t] { produce(t, pool, queue, counts, seed + t); });
    consumers.emplace_back([&] { consume(pool, queue, counts); });
  }
  for (std::thread& producer : producers) producer.join();
  queue.close();
  for (std::thread& consumer : consumers) consumer.join();

  EXPECT_EQ(counts.handled.load(), counts.made.load());
  const BufferPoolStats stats = pool.stats();
  EXPECT_EQ(stats.in_use, 0u);
  EXPECT_EQ(stats.available_buffers, buffers);
  EXPECT_EQ(stats.allocation_failures, counts.no_buffer.load());
  EXPECT_EQ(stats.total_allocations, stats.total_deallocations);
  EXPECT_EQ(stats.total_allocations,
            counts.made.load() + counts.no_place.load());
  EXPECT_LE(stats.peak_usage, buffers);
}

TEST(TransactionQueueTest, BurstsExhaustThePool) {
  Counts counts;
  run(16, 64, counts);
  EXPECT_GT(counts.no_buffer.load(), 0u);
  EXPECT_EQ(counts.no_place.load(), 0u);  // every buffer has a place
}

TEST(TransactionQueueTest, BurstsFillTheQueue) {
  Counts counts;
  run(64, 8, counts);
  EXPECT_GT(counts.no_place.load(), 0u);
}

// Exhaustion without a thread beside it: exactly the capacity, then all back.
TEST(TransactionQueueTest, ExhaustionIsExact) {
  BufferPool pool({.buffer_bytes = kBytes, .capacity = 4});
  BlockingMpmcQueue<std::byte*> queue(4);
  for (int lap = 0; lap < 3; ++lap) {
    for (int i = 0; i < 4; ++i) {
      auto* buffer = static_cast<std::byte*>(pool.get_buffer());
      ASSERT_NE(buffer, nullptr);
      ASSERT_TRUE(queue.push(buffer));
    }
    EXPECT_EQ(pool.get_buffer(), nullptr);
    for (int i = 0; i < 4; ++i) pool.return_buffer(*queue.pop());
    EXPECT_EQ(pool.stats().in_use, 0u);
  }
  EXPECT_EQ(pool.stats().allocation_failures, 3u);
}

}  // namespace
}  // namespace wirebook
