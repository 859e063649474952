// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// One object made and freed, beside operator new and std::pmr's pools in the
// same run:
//   bazel run --config=native //lob:trading_object_pools_benchmark
//
// steady: the oldest of `range` objects is freed and another one made, so that
// each comes from a pool in use.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <new>
#include <vector>

#include "lob/trading_object_pools.h"

namespace wirebook {
namespace {

template <typename Make>
void steady(benchmark::State& state, Make&& make) {
  const auto kept = static_cast<size_t>(state.range(0));
  std::vector<decltype(make(uint64_t{}))> objects;
  for (uint64_t id = 0; id < kept; ++id) objects.push_back(make(id));
  uint64_t id = 0;
  size_t at = 0;
  for (auto _ : state) {
    objects[at] = make(++id);
    benchmark::DoNotOptimize(objects[at].get());
    at = at + 1 == kept ? 0 : at + 1;
  }
}

void BM_CreateOrder(benchmark::State& state) {
  TradingObjectPools pools;
  pools.warm_up();
  steady(state, [&](uint64_t id) {
    return pools.create_order(id, 1, Side::kBid, OrderType::kLimit, 100, 5, 9);
  });
}
void BM_CreateTrade(benchmark::State& state) {
  TradingObjectPools pools;
  pools.warm_up();
  steady(state, [&](uint64_t id) {
    return pools.create_trade(id, 1, Side::kBid, 100, 5, 9);
  });
}
void BM_CreateOrderNode(benchmark::State& state) {
  TradingObjectPools pools;
  pools.warm_up();
  steady(state, [&](uint64_t id) { return pools.create_order_node(id, 5, 9); });
}
void BM_CreatePriceLevel(benchmark::State& state) {
  TradingObjectPools pools;
  pools.warm_up();
  steady(state, [&](uint64_t id) {
    return pools.create_price_level(Side::kBid, static_cast<int64_t>(id));
  });
}
void BM_NewOrder(benchmark::State& state) {
  steady(state, [&](uint64_t id) {
    return std::make_unique<Order>(
        Order{id, 1, Side::kBid, OrderType::kLimit, 100, 5, 9});
  });
}

struct PmrFree {
  std::pmr::memory_resource* resource = nullptr;
  void operator()(Order* order) const {
    resource->deallocate(order, sizeof(Order), alignof(Order));
  }
};

template <typename Resource>
void pmr_order(benchmark::State& state) {
  Resource resource;
  steady(state, [&](uint64_t id) {
    void* memory = resource.allocate(sizeof(Order), alignof(Order));
    return std::unique_ptr<Order, PmrFree>(
        ::new (memory) Order{id, 1, Side::kBid, OrderType::kLimit, 100, 5, 9},
        PmrFree{&resource});
  });
}
void BM_PmrSynchronizedOrder(benchmark::State& state) {
  pmr_order<std::pmr::synchronized_pool_resource>(state);
}
void BM_PmrUnsynchronizedOrder(benchmark::State& state) {
  pmr_order<std::pmr::unsynchronized_pool_resource>(state);
}

BENCHMARK(BM_CreateOrder)->Arg(1)->Arg(4096);
BENCHMARK(BM_CreateTrade)->Arg(1)->Arg(4096);
BENCHMARK(BM_CreateOrderNode)->Arg(1)->Arg(4096);
BENCHMARK(BM_CreatePriceLevel)->Arg(1)->Arg(512);
BENCHMARK(BM_NewOrder)->Arg(1)->Arg(4096);
BENCHMARK(BM_PmrSynchronizedOrder)->Arg(1)->Arg(4096);
BENCHMARK(BM_PmrUnsynchronizedOrder)->Arg(1)->Arg(4096);

void BM_AllocateBuffer(benchmark::State& state) {
  TradingObjectPools pools;
  pools.warm_up();
  const auto bytes = static_cast<size_t>(state.range(0));
  for (auto _ : state) {
    PooledBuffer buffer = pools.allocate_buffer(bytes);
    benchmark::DoNotOptimize(buffer.data());
  }
}
void BM_NewBuffer(benchmark::State& state) {
  const auto bytes = static_cast<size_t>(state.range(0));
  for (auto _ : state) {
    std::unique_ptr<std::byte[]> buffer(new std::byte[bytes]);
    benchmark::DoNotOptimize(buffer.get());
  }
}
BENCHMARK(BM_AllocateBuffer)->Arg(64)->Arg(4096);
BENCHMARK(BM_NewBuffer)->Arg(64)->Arg(4096);

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
