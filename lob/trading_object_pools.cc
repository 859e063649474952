// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/trading_object_pools.h"

#include <utility>

namespace wirebook {
namespace {

template <typename T>
MemorySourceStats source(const char* name, const ObjectPoolStats& stats) {
  return {name,
          stats.capacity * sizeof(T) + stats.overhead_bytes,
          stats.in_use * sizeof(T),
          stats.peak_usage * sizeof(T),
          stats.total_allocations,
          stats.total_deallocations,
          stats.allocation_failures};
}

// Bytes by size of buffer: BufferPoolStats counts buffers.
MemorySourceStats source(BufferPools& pools, const BufferPoolStats& sum) {
  MemorySourceStats source = {"Buffer",
                              sum.capacity_bytes + sum.overhead_bytes,
                              0,
                              0,
                              sum.total_allocations,
                              sum.total_deallocations,
                              sum.allocation_failures};
  for (size_t i = 0; i < BufferPoolsOptions::kClasses; ++i) {
    const size_t bytes = BufferPoolsOptions::class_bytes(i);
    const BufferPoolStats stats = pools.pool(bytes).stats();
    source.in_use_bytes += stats.in_use * bytes;
    source.peak_bytes += stats.peak_usage * bytes;
  }
  return source;
}

void add(MemorySourceStats& sum, const MemorySourceStats& part) {
  sum.capacity_bytes += part.capacity_bytes;
  sum.in_use_bytes += part.in_use_bytes;
  sum.peak_bytes += part.peak_bytes;
  sum.total_allocations += part.total_allocations;
  sum.total_deallocations += part.total_deallocations;
  sum.allocation_failures += part.allocation_failures;
}

}  // namespace

TradingObjectPools::TradingObjectPools(const TradingObjectPoolsOptions& options)
    : options_(options),
      pages_(
          {.placement = options.placement, .page_bytes = options.page_bytes}),
      resource_(pages_),
      orders_(pool_options(options.orders)),
      trades_(pool_options(options.trades)),
      order_nodes_(pool_options(options.order_nodes)),
      price_levels_(pool_options(options.price_levels)),
      buffers_(buffer_options()) {}

ObjectPoolOptions TradingObjectPools::pool_options(size_t objects) noexcept {
  return {.initial_capacity = objects,
          .max_capacity = objects,
          .exhaustion = options_.when_empty,
          .expected_threads = options_.expected_threads,
          .resource = &resource_};
}

BufferPoolsOptions TradingObjectPools::buffer_options() noexcept {
  BufferPoolsOptions options = options_.buffers;
  options.upstream = &resource_;
  return options;
}

void TradingObjectPools::warm_up() noexcept {
  orders_.deallocate(orders_.allocate());
  trades_.deallocate(trades_.allocate());
  order_nodes_.deallocate(order_nodes_.allocate());
  price_levels_.deallocate(price_levels_.allocate());
  for (size_t bytes = BufferPoolsOptions::kMinBytes; bytes <= 4096;
       bytes *= 2) {
    if (buffers_.pool(bytes).capacity() == 0) continue;
    buffers_.return_buffer(buffers_.get_buffer(bytes), bytes);
  }
}

TradingPoolsStats TradingObjectPools::comprehensive_stats() {
  TradingPoolsStats stats;
  stats.orders = orders_.stats();
  stats.trades = trades_.stats();
  stats.order_nodes = order_nodes_.stats();
  stats.price_levels = price_levels_.stats();
  stats.buffers = buffers_.stats();
  MemoryStats& memory = stats.memory;
  memory.sources = {source<Order>("Order", stats.orders),
                    source<Trade>("Trade", stats.trades),
                    source<OrderNode>("OrderNode", stats.order_nodes),
                    source<LevelQueue>("PriceLevel", stats.price_levels),
                    source(buffers_, stats.buffers)};
  memory.total.name = "total";
  for (const MemorySourceStats& part : memory.sources) {
    add(memory.total, part);
  }
  if (const NumaLocality locality = pages_.measure_locality(); locality.known) {
    memory.locality_percent = locality.local_percent();
  }
  set_rates(memory);
  return stats;
}

void TradingObjectPools::set_rates(MemoryStats& stats) {
  if (options_.now_ns == nullptr) return;
  const std::lock_guard lock(mutex_);
  const uint64_t now = options_.now_ns();
  if (before_ns_ != 0 && now > before_ns_) {
    const double seconds = static_cast<double>(now - before_ns_) * 1e-9;
    // Another thread's call may have counted more and come here first.
    const auto rate = [&](uint64_t after, uint64_t before) {
      return after < before ? 0 : static_cast<double>(after - before) / seconds;
    };
    stats.allocations_per_second =
        rate(stats.total.total_allocations, before_allocations_);
    stats.deallocations_per_second =
        rate(stats.total.total_deallocations, before_deallocations_);
  }
  before_ns_ = now;
  before_allocations_ = stats.total.total_allocations;
  before_deallocations_ = stats.total.total_deallocations;
}

}  // namespace wirebook
