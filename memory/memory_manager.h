// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// MemoryManager: one front for the allocators of this layer. It chooses by
// size, lifetime and need, counts all of them alike, and reports.
//
// Use it where one place has to answer for a program's memory. A part that
// knows what it needs takes that allocator itself: object_pool for objects of
// one type, arena for the parts of one event; their figures join the report by
// add_source().
//
// How it chooses:
//   own pages wanted                        mmap_allocator
//   a NUMA node's memory wanted             numa_allocator
//   kBrief, up to 256 KiB                   thread_cache_allocator
//   kLasting, 64 KiB and more               mmap_allocator
//   up to small_limit (4 KiB)               thread_cache_allocator
//   up to large_limit (1 MiB)               numa_allocator
//   more                                    mmap_allocator
// A block needs no header: deallocate() knows the allocator by the address.
//
// Threads: any may call any method; the destructor runs alone. It takes back
// what is still out of thread_cache_allocator, and ends the process, with one
// line that names a block, where any of the other two is. Cost: what the
// chosen allocator costs, and two comparisons where the sizes are known
// (memory_manager_benchmark). Nothing runs behind the caller's back: alerts are
// looked at by stats(), check_alerts() and optimize() only, and time comes from
// the clock that is passed in. Misuse is caught as the allocators catch it.
//
//   MemoryManager& memory = MemoryManager::instance();
//   void* bytes = memory.allocate(300);
//   memory.deallocate(bytes);
//   std::vector<int, StlAllocator<int>> numbers;
//   MemoryScope scope(memory);                // memory_scope.h
//   Order* order = scope.make<Order>(price);  // Gone at the scope's end.
//   puts(memory.text_report().c_str());
#ifndef WIREBOOK_MEMORY_MEMORY_MANAGER_H_
#define WIREBOOK_MEMORY_MEMORY_MANAGER_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory_resource>
#include <mutex>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "memory/memory_report.h"
#include "memory/mmap_allocator.h"
#include "memory/numa_allocator.h"
#include "memory/perf_counters.h"
#include "memory/thread_cache_allocator.h"

namespace wirebook {

enum class MemoryLifetime : unsigned char {
  kUnknown,
  kBrief,    // Freed within the work at hand.
  kLasting,  // Until the program ends, or nearly.
};

enum class MemoryNeed : unsigned char {
  kAny,
  kNode,      // On the node that the placement names, measurably.
  kOwnPages,  // Pages that nothing else shares.
};

struct MemoryHints {
  MemoryLifetime lifetime = MemoryLifetime::kUnknown;
  MemoryNeed need = MemoryNeed::kAny;
};

enum class MemoryRoute : unsigned char { kThreadCache, kNuma, kMmap };

// Pools and others that are to be counted. Called under the manager's mutex.
struct MemorySource {
  std::function<MemorySourceStats()> stats;
  std::function<std::size_t()> trim;  // Bytes given back; may be empty.
};

enum class MemoryMetric : unsigned char {
  kInUseBytes,            // At least the threshold.
  kCapacityBytes,         // At least the threshold.
  kAllocationFailures,    // At least the threshold.
  kAllocationsPerSecond,  // At least the threshold.
  kLocalityPercent,       // Below the threshold, where it is known.
};

// Called once when the metric passes the threshold, and again only after it
// came back. Called without a lock held.
struct MemoryAlert {
  MemoryMetric metric = MemoryMetric::kInUseBytes;
  double threshold = 0;
  std::function<void(MemoryMetric metric, double value)> callback;
};

struct MemoryManagerOptions {
  std::size_t small_limit = std::size_t{4} << 10;  // Bytes, inclusive.
  std::size_t large_limit = std::size_t{1} << 20;  // Bytes, inclusive.
  ThreadCacheOptions thread_cache = {};
  NumaAllocatorOptions numa = {};
  MmapAllocatorOptions mmap = {};
  std::uint64_t (*now_ns)() = nullptr;  // For rates.
  bool perf_counters = false;           // Open them, where the system lets.
};

class MemoryManager {
 public:
  explicit MemoryManager(const MemoryManagerOptions& options = {});
  MemoryManager(const MemoryManager&) = delete;
  MemoryManager& operator=(const MemoryManager&) = delete;

  // The process's own, with defaults and a steady clock. Never destroyed.
  static MemoryManager& instance();

  // Pure: where a block of these would come from.
  MemoryRoute route(std::size_t bytes,
                    std::size_t alignment = alignof(std::max_align_t),
                    MemoryHints hints = {}) const noexcept {
    if (hints.need == MemoryNeed::kAny &&
        hints.lifetime == MemoryLifetime::kUnknown && bytes <= small_limit_ &&
        alignment <= kMaxSmallAlignment) {
      return MemoryRoute::kThreadCache;
    }
    return route_unusual(bytes, alignment, hints);
  }

  // At least `bytes` at a multiple of `alignment`, a power of two. nullptr if
  // there is no memory.
  [[nodiscard]] void* allocate(
      std::size_t bytes, std::size_t alignment = alignof(std::max_align_t),
      MemoryHints hints = {}) noexcept {
    switch (route(bytes, alignment, hints)) {
      case MemoryRoute::kThreadCache:
        return thread_cache_.allocate(bytes, alignment);
      case MemoryRoute::kNuma:
        return numa_.allocate(bytes, alignment);
      case MemoryRoute::kMmap:
        break;
    }
    return mmap_.allocate(bytes, alignment);
  }

  // nullptr does nothing.
  void deallocate(void* block) noexcept {
    if (thread_cache_.is_cached(block)) return thread_cache_.deallocate(block);
    deallocate_pages(block);
  }
  // Faster. What allocate() was given; hints are not needed.
  void deallocate(void* block, std::size_t bytes,
                  std::size_t alignment = alignof(std::max_align_t)) noexcept {
    if (thread_cache_.is_cached(block)) {
      return thread_cache_.deallocate(block, bytes, alignment);
    }
    deallocate_pages(block);
  }

  ThreadCacheAllocator& thread_cache() noexcept { return thread_cache_; }
  NumaAllocator& numa() noexcept { return numa_; }
  MmapAllocator& mmap() noexcept { return mmap_; }

  // What comes from elsewhere and is to be counted, by a number to remove it.
  int add_source(MemorySource source);
  void remove_source(int number);

  int add_alert(MemoryAlert alert);
  void remove_alert(int number);

  // Walks threads and chunks; with `measure_locality` also all pages of the
  // NUMA allocator's blocks, 0.2 us each. Looks at the alerts.
  MemoryStats stats(bool measure_locality = false);
  void check_alerts() { (void)stats(has_locality_alert()); }

  std::string text_report(bool measure_locality = false) {
    return memory_text(stats(measure_locality));
  }
  std::string json_report(bool measure_locality = false) {
    return memory_json(stats(measure_locality));
  }

  struct Optimized {
    std::size_t bytes_given_back = 0;
    std::size_t pages_moved_home = 0;
  };
  // Trims every allocator and source and brings NUMA pages home. Milliseconds.
  Optimized optimize();

 private:
  static constexpr std::size_t kMaxSmallAlignment = std::size_t{64} << 10;
  static constexpr std::size_t kLastingLimit = std::size_t{64} << 10;

  struct ArmedAlert {
    int number;
    MemoryAlert alert;
    bool fired;
  };

  MemoryRoute route_unusual(std::size_t bytes, std::size_t alignment,
                            MemoryHints hints) const noexcept;
  void deallocate_pages(void* block) noexcept;
  std::vector<MemorySourceStats> gather();
  void set_rates(MemoryStats& stats);
  void fire_alerts(const MemoryStats& stats);
  bool has_locality_alert();

  const std::size_t small_limit_;
  const std::size_t large_limit_;
  std::uint64_t (*const now_ns_)();
  PerfCounters perf_;
  ThreadCacheAllocator thread_cache_;
  NumaAllocator numa_;
  MmapAllocator mmap_;

  std::mutex mutex_;  // For all below.
  int last_number_ = 0;
  std::vector<std::pair<int, MemorySource>> sources_;
  std::vector<ArmedAlert> alerts_;
  std::uint64_t before_ns_ = 0;
  std::uint64_t before_allocations_ = 0;
  std::uint64_t before_deallocations_ = 0;
};

// The manager as a std::pmr resource, with the same hints for every block.
class MemoryManagerResource final : public std::pmr::memory_resource {
 public:
  explicit MemoryManagerResource(MemoryManager& manager,
                                 MemoryHints hints = {}) noexcept
      : manager_(&manager), hints_(hints) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* block = manager_->allocate(bytes, alignment, hints_);
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }
  void do_deallocate(void* block, std::size_t bytes,
                     std::size_t alignment) override {
    manager_->deallocate(block, bytes, alignment);
  }
  bool do_is_equal(
      const std::pmr::memory_resource& other) const noexcept override {
    const auto* same = dynamic_cast<const MemoryManagerResource*>(&other);
    return same != nullptr && same->manager_ == manager_;
  }

  MemoryManager* manager_;
  MemoryHints hints_;
};

// The manager for standard containers; MemoryManager::instance() by default.
template <typename T>
class StlAllocator {
 public:
  using value_type = T;

  StlAllocator() noexcept : manager_(&MemoryManager::instance()) {}
  explicit StlAllocator(MemoryManager& manager) noexcept : manager_(&manager) {}
  template <typename U>
  // NOLINTNEXTLINE(google-explicit-constructor): rebinding is implicit.
  StlAllocator(const StlAllocator<U>& other) noexcept
      : manager_(other.manager_) {}

  T* allocate(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / sizeof(T)) {
      throw std::bad_array_new_length();
    }
    void* objects = manager_->allocate(count * sizeof(T), alignof(T));
    if (objects == nullptr) throw std::bad_alloc();
    return static_cast<T*>(objects);
  }
  void deallocate(T* objects, std::size_t count) noexcept {
    manager_->deallocate(objects, count * sizeof(T), alignof(T));
  }

  template <typename U>
  bool operator==(const StlAllocator<U>& other) const noexcept {
    return manager_ == other.manager_;
  }

 private:
  template <typename>
  friend class StlAllocator;

  MemoryManager* manager_;
};

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_MEMORY_MANAGER_H_
