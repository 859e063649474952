// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The memory layer in one page: each part does the smallest useful thing.
//
//   bazel run //examples:memory_tour

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory_resource>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "memory/advisor.h"
#include "memory/arena.h"
#include "memory/buffer_pools.h"
#include "memory/device_memory.h"
#include "memory/memory_manager.h"
#include "memory/memory_scope.h"
#include "memory/mmap_allocator.h"
#include "memory/numa_allocator.h"
#include "memory/numa_topology.h"
#include "memory/object_pool.h"
#include "memory/page_mapping.h"
#include "memory/pool_handle.h"
#include "memory/shared_pool.h"
#include "memory/tagged_ptr.h"
#include "memory/thread_cache_allocator.h"

namespace {

struct Order {
  std::uint64_t id;
  std::int64_t price;
};

// Objects of one type: no heap once warm, any thread frees.
void object_pool() {
  wirebook::ObjectPool<Order> pool({.initial_capacity = 1024});
  auto order = pool.make(7u, 61'837'63);
  Order* const travelling = order.release();
  std::thread([&] { (void)pool.adopt(travelling); }).join();
  const wirebook::ObjectPoolStats stats = pool.stats();
  std::printf("object_pool    %zu objects, %zu out, %llu allocations\n",
              stats.capacity, stats.in_use,
              static_cast<unsigned long long>(stats.total_allocations));
}

// Events that several consumers share, with vectors that live in the event.
struct Depth : wirebook::Poolable<Depth> {
  void clear() noexcept { arena.recycle(bids); }
  wirebook::InlineArena<4096> arena;
  std::pmr::vector<Order> bids{&arena};
};

void events() {
  static wirebook::EventPool<Depth, 64> pool;
  std::optional<wirebook::PoolHandle<Depth>> depth = pool.acquire();
  for (std::uint64_t i = 0; i < 20; ++i) (*depth)->bids.push_back({i, 1});
  const auto copies = depth->fan_out<3>();
  std::printf("pool_handle    %u handles share one event\n",
              copies[0].use_count());
  std::printf("arena          %llu of its allocations went to the heap\n",
              static_cast<unsigned long long>(
                  (*depth)->arena.stats().upstream_allocations));
}

void buffers() {
  wirebook::BufferPools pools;
  const wirebook::PooledBuffer text = pools.borrow(300);
  std::snprintf(reinterpret_cast<char*>(text.data()), text.size(), "hello");
  std::printf("buffer_pools   300 bytes asked for, %zu given\n", text.size());
}

// What lies under a pool, for lists of your own.
void tagged_stack() {
  struct Node {
    std::atomic<Node*> next;
  };
  Node nodes[2];
  wirebook::TaggedStack<wirebook::TaggedPtr128<Node>> stack;
  stack.push(&nodes[0]);
  stack.push(&nodes[1]);
  std::printf("tagged_ptr     last in, first out: node %td\n",
              stack.pop() - nodes);
}

void pages() {
  auto ring = wirebook::PageMapping::mirrored(64 << 10);
  if (!ring.ok()) return;
  std::memcpy(ring->data() + ring->size() - 2, "wrap", 4);
  std::printf("page_mapping   a range across the end: \"%.2s\" at 0\n",
              reinterpret_cast<const char*>(ring->data()));

  wirebook::MmapAllocator allocator({.page_bytes = wirebook::kHugePageBytes});
  wirebook::MmapResource resource(allocator);
  std::pmr::vector<Order> levels(1 << 17, &resource);
  std::printf("mmap_allocator %zu KiB mapped for %zu orders\n",
              allocator.stats().capacity_bytes >> 10, levels.size());
}

void numa() {
  const auto& machine = wirebook::NumaTopology::system();
  std::printf("numa_topology  %zu node(s), %zu MiB on the first\n",
              machine.node_count(),
              machine.memory_bytes(machine.nodes()[0]) >> 20);

  wirebook::NumaAllocator allocator;  // On the caller's node, then the nearest.
  void* const block = allocator.allocate(64 << 10);
  std::memset(block, 1, 64 << 10);
  const wirebook::NumaLocality found = allocator.measure_locality();
  std::printf("numa_allocator %s%.0f %% of its pages are local\n",
              found.known ? "" : "unknown: ",
              found.known ? found.local_percent() : 0.0);
  allocator.deallocate(block);
}

// Bytes of any size.
void general() {
  wirebook::ThreadCacheAllocator allocator;
  wirebook::ThreadCacheResource resource(allocator);
  std::pmr::string text("what varies in size and lives as long as it likes",
                        &resource);
  std::printf("thread_cache_allocator  %zu bytes for a string of %zu\n",
              allocator.stats().in_use_bytes, text.size());
}

// How large a pool should have been.
void advice() {
  wirebook::PoolAdvisor advisor;
  for (std::uint64_t second = 0; second < 60; ++second) {
    const std::uint64_t events = second * 1000;  // 1,000 a second, 30 held.
    advisor.observe({.at_ns = second * 1'000'000'000,
                     .capacity = 1024,
                     .in_use = 30,
                     .peak_usage = 30,
                     .total_allocations = events + 30,
                     .total_deallocations = events});
  }
  std::printf("advisor        1024 objects are there, %zu are advised\n",
              advisor.advised_capacity());
}

// Objects that processes share; what a killed one held comes back.
void shared_pool() {
  auto pool = wirebook::SharedPool<Order>::create_anonymous({.capacity = 128});
  if (!pool.ok()) return;
  Order* const order = pool->make(9u, 1);
  const wirebook::SharedHandle handle = pool->handle_of(order);
  std::printf("shared_pool    another process finds order %llu by its handle\n",
              static_cast<unsigned long long>(pool->resolve(handle)->id));
  pool->deallocate(order);
}

// One front for all of it, with a report.
void manager() {
  wirebook::MemoryManager& memory = wirebook::MemoryManager::instance();
  std::vector<int, wirebook::StlAllocator<int>> numbers(1000);
  wirebook::MemoryScope scope(memory);
  scope.make<Order>(1u, 61'837'63);  // Gone at the scope's end.
  std::printf("\n%s", memory.text_report().c_str());
}

// Pages that a GPU reads, where there is one.
void device() {
  auto pages = wirebook::PageMapping::anonymous(1 << 20);
  if (!pages.ok()) return;
  auto mapping = wirebook::CudaMapping::register_pages(*std::move(pages));
  std::printf("device_memory  %s\n",
              mapping.ok() ? "1 MiB registered"
                           : std::string(mapping.status().message()).c_str());
}

}  // namespace

int main() {
  object_pool();
  events();
  buffers();
  tagged_stack();
  pages();
  numa();
  general();
  advice();
  shared_pool();
  device();
  manager();
}
