// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ns for a descriptor out and home again: on one thread, through a lane.

#include <benchmark/benchmark.h>

#include <cstring>
#include <memory>

#include "net/raw_message_pool.h"

namespace wirebook {
namespace {

constexpr uint32_t kMessageBytes = 180;

void BM_AcquireReleaseByOwner(benchmark::State& state) {
  auto pool = *RawMessagePool::create({});
  RawMessageSlab* slab = *pool->add_slab(32);
  for (auto _ : state) {
    const uint64_t position = slab->write_position();
    slab->commit(kMessageBytes);
    RawMessage* message = pool->acquire(*slab, position, kMessageBytes);
    slab->set_parse_position(position + kMessageBytes);
    benchmark::DoNotOptimize(message);
    pool->release(message);
  }
}
BENCHMARK(BM_AcquireReleaseByOwner);

// The lane's work and the owner's, on one thread: no cache line moves.
void BM_AcquireReleaseByLane(benchmark::State& state) {
  auto pool = *RawMessagePool::create({});
  RawMessageSlab* slab = *pool->add_slab(32);
  RawMessageLane& lane = pool->add_lane();
  int out = 0;
  for (auto _ : state) {
    const uint64_t position = slab->write_position();
    slab->commit(kMessageBytes);
    RawMessage* message = pool->acquire(*slab, position, kMessageBytes);
    slab->set_parse_position(position + kMessageBytes);
    lane.release(message);
    if (++out == 64) {
      pool->reclaim();
      out = 0;
    }
  }
  pool->reclaim();
}
BENCHMARK(BM_AcquireReleaseByLane);

// The peer: a copy of each message into heap memory.
void BM_MallocCopyFree(benchmark::State& state) {
  const std::unique_ptr<char[]> source(new char[kMessageBytes]());
  for (auto _ : state) {
    char* copy = new char[kMessageBytes];
    std::memcpy(copy, source.get(), kMessageBytes);
    benchmark::DoNotOptimize(copy);
    delete[] copy;
  }
}
BENCHMARK(BM_MallocCopyFree);

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
