// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// TradingObjectPools: orders, trades, order nodes, price levels and small
// buffers, made in advance and given back without the heap.
//
// Use it behind order-by-order books (l3_book.h; many books share one) and in
// a strategy's own order handling. For one type alone take object_pool; where
// several consumers share an event, pool_handle; for all memory of a program,
// memory_manager.
//
// How: an ObjectPool for each type and a BufferPools of 64 bytes to 4 KiB, all
// in pages from one NumaAllocator, so that where they lie can be measured. A
// handle (Pooled, PooledBuffer) takes its object home when it dies. Pools grow
// beyond what they start with unless told otherwise; that takes a mutex and is
// counted. What growing took stays until the pools die.
//
// Threads: any may call any method but the constructor and the destructor; the
// pools outlive every handle. Progress and checks (double free, foreign free,
// destroying pools with objects out) are object_pool's and buffer_pool's.
// Cost: creating and freeing an order, trade, node or level 11 to 16 ns (new
// and delete 25 to 28, std::pmr's pools 57 to 142), a buffer of 64 bytes 29 (23
// to 29), of 4 KiB 29 (77); 2-core Intel Xeon (Cascade Lake) 2.5 GHz virtual
// machine, `bazel run --config=native //lob:trading_object_pools_benchmark`.
//
//   TradingObjectPools pools;
//   pools.warm_up();                           // also on every other thread
//   Pooled<Order> order = pools.create_order(
//       7, symbol, Side::kBid, OrderType::kLimit, 6183763, 250, now_ns);
//   PooledBuffer text = pools.allocate_buffer(300);
//   puts(pools.usage_report().c_str());
#ifndef WIREBOOK_LOB_TRADING_OBJECT_POOLS_H_
#define WIREBOOK_LOB_TRADING_OBJECT_POOLS_H_

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

#include "lob/price_level.h"
#include "memory/buffer_pools.h"
#include "memory/memory_report.h"
#include "memory/numa_allocator.h"
#include "memory/object_pool.h"

namespace wirebook {

enum class OrderType : uint8_t { kLimit, kMarket, kStop, kStopLimit };

// Prices and quantities are mantissas (price_level.h). `symbol` is the
// caller's number of an instrument: InstrumentTable's index, a stock locate.
struct Order {
  uint64_t id = 0;
  uint32_t symbol = 0;
  Side side = Side::kBid;
  OrderType type = OrderType::kLimit;
  int64_t price = 0;
  int64_t quantity = 0;
  int64_t timestamp_ns = 0;
};

struct Trade {
  uint64_t id = 0;
  uint32_t symbol = 0;
  Side aggressor = Side::kBid;
  int64_t price = 0;
  int64_t quantity = 0;
  int64_t timestamp_ns = 0;
};

// A place in a queue; queues are rings that go through their level's `ends`, so
// that joining and leaving one takes no branch.
struct QueueLink {
  QueueLink* previous = nullptr;  // Ahead.
  QueueLink* next = nullptr;
};

struct LevelQueue;

// An order that rests in a book: one cache line.
struct alignas(64) OrderNode : QueueLink {
  OrderNode(uint64_t order_id, int64_t order_quantity,
            int64_t order_timestamp_ns) noexcept
      : id(order_id),
        quantity(order_quantity),
        timestamp_ns(order_timestamp_ns) {}

  uint64_t id;
  int64_t quantity;  // What is left of it.
  int64_t timestamp_ns;
  LevelQueue* level = nullptr;
};

// A price of an order-by-order book: its total, and its orders in time order.
struct alignas(64) LevelQueue {
  LevelQueue(Side level_side, int64_t price) noexcept
      : total{price, 0}, side(level_side) {}
  LevelQueue(const LevelQueue&) = delete;
  LevelQueue& operator=(const LevelQueue&) = delete;

  // nullptr where there is none.
  const OrderNode* first() const noexcept { return order(ends.next); }
  const OrderNode* last() const noexcept { return order(ends.previous); }
  const OrderNode* after(const OrderNode& one) const noexcept {
    return order(one.next);
  }
  const OrderNode* before(const OrderNode& one) const noexcept {
    return order(one.previous);
  }

  QueueLink ends = {&ends, &ends};
  PriceLevel total;
  uint32_t orders = 0;
  Side side;

 private:
  const OrderNode* order(const QueueLink* link) const noexcept {
    return link == &ends ? nullptr : static_cast<const OrderNode*>(link);
  }
};

struct TradingObjectPoolsOptions {
  // Objects made in advance.
  size_t orders = 10'000;
  size_t trades = 5'000;
  size_t order_nodes = 10'000;
  size_t price_levels = 1'000;
  // What an empty pool of objects does. Under kNull and kTerminate the figures
  // above are the most there will be; see object_pool on what threads keep.
  PoolExhaustion when_empty = PoolExhaustion::kGrow;
  // Buffers of 64, 128, ... 4096 bytes, 256 of each; larger requests, and those
  // that find a pool empty, go to the system, counted. `upstream` is not read.
  BufferPoolsOptions buffers = {.when_empty = BufferExhaustion::kAllocate};
  unsigned expected_threads = 2;
  // Where the pages lie, and their size (numa_allocator.h).
  NumaPlacement placement = {NumaPolicy::kLocalPreferred};
  size_t page_bytes = kSmallPageBytes;
  // A clock for rates; without one they are 0.
  uint64_t (*now_ns)() = nullptr;
};

struct TradingPoolsStats {
  // A line for each pool and their sum; rates since the call before; the share
  // of pages on the node where they are wanted, nothing where the system does
  // not say.
  MemoryStats memory;
  ObjectPoolStats orders;
  ObjectPoolStats trades;
  ObjectPoolStats order_nodes;
  ObjectPoolStats price_levels;
  BufferPoolStats buffers;

  double capacity_megabytes() const noexcept {
    return static_cast<double>(memory.total.capacity_bytes) / (1 << 20);
  }
  double in_use_megabytes() const noexcept {
    return static_cast<double>(memory.total.in_use_bytes) / (1 << 20);
  }
};

class TradingObjectPools {
 public:
  // Maps and touches all of it; ends the process where there is no memory.
  explicit TradingObjectPools(const TradingObjectPoolsOptions& options = {});
  TradingObjectPools(const TradingObjectPools&) = delete;
  TradingObjectPools& operator=(const TradingObjectPools&) = delete;

  // Handles are empty where a pool is exhausted (PoolExhaustion::kNull).
  Pooled<Order> create_order(uint64_t id, uint32_t symbol, Side side,
                             OrderType type, int64_t price, int64_t quantity,
                             int64_t timestamp_ns) noexcept {
    return orders_.make(
        Order{id, symbol, side, type, price, quantity, timestamp_ns});
  }
  Pooled<Trade> create_trade(uint64_t id, uint32_t symbol, Side aggressor,
                             int64_t price, int64_t quantity,
                             int64_t timestamp_ns) noexcept {
    return trades_.make(
        Trade{id, symbol, aggressor, price, quantity, timestamp_ns});
  }
  // In no queue yet.
  Pooled<OrderNode> create_order_node(uint64_t id, int64_t quantity,
                                      int64_t timestamp_ns) noexcept {
    return order_nodes_.make(id, quantity, timestamp_ns);
  }
  // Without orders.
  Pooled<LevelQueue> create_price_level(Side side, int64_t price) noexcept {
    return price_levels_.make(side, price);
  }
  // At least `bytes` bytes of whatever was in them; empty above 1 MiB, or where
  // the pool is empty and may not allocate.
  PooledBuffer allocate_buffer(size_t bytes) noexcept {
    return buffers_.borrow(bytes);
  }

  // The pools themselves, for bare pointers (create, destroy, adopt).
  ObjectPool<Order>& orders() noexcept { return orders_; }
  ObjectPool<Trade>& trades() noexcept { return trades_; }
  ObjectPool<OrderNode>& order_nodes() noexcept { return order_nodes_; }
  ObjectPool<LevelQueue>& price_levels() noexcept { return price_levels_; }
  BufferPools& buffers() noexcept { return buffers_; }

  // Takes one object from every pool and gives it back, so that the calling
  // thread's next calls find its caches made.
  void warm_up() noexcept;

  // Takes locks, walks threads and all pages (0.2 us each): for reports.
  TradingPoolsStats comprehensive_stats();
  // The same as a table.
  std::string usage_report() {
    return memory_text(comprehensive_stats().memory);
  }

 private:
  ObjectPoolOptions pool_options(size_t objects) noexcept;
  BufferPoolsOptions buffer_options() noexcept;
  void set_rates(MemoryStats& stats);

  const TradingObjectPoolsOptions options_;
  NumaAllocator pages_;
  NumaResource resource_;
  ObjectPool<Order> orders_;
  ObjectPool<Trade> trades_;
  ObjectPool<OrderNode> order_nodes_;
  ObjectPool<LevelQueue> price_levels_;
  BufferPools buffers_;

  std::mutex mutex_;  // For all below.
  uint64_t before_ns_ = 0;
  uint64_t before_allocations_ = 0;
  uint64_t before_deallocations_ = 0;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_TRADING_OBJECT_POOLS_H_
