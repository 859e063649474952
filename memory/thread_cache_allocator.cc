// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/thread_cache_allocator.h"

#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <mutex>
#include <new>
#include <string>

#include "absl/status/status.h"
#include "memory/asan_poison.h"
#include "memory/thread_cache_impl.h"

#if defined(WIREBOOK_ASAN)
#include <sanitizer/lsan_interface.h>
#endif

namespace wirebook {

using internal::cache_class_bytes;
using internal::kCacheClasses;
using internal::ThreadCache;

namespace {

constexpr std::size_t kLeastReserve = std::size_t{64} << 20;

// A sum of differences that is below zero has wrapped.
constexpr std::size_t at_least_zero(std::size_t sum) noexcept {
  return static_cast<std::ptrdiff_t>(sum) < 0 ? 0 : sum;
}

}  // namespace

absl::Status ThreadCacheAllocator::init(const ThreadCacheOptions& options) {
  constexpr auto round_up = Impl::round_up;
  // One mapping: the region, its byte map, three tables, Impl; and room to
  // begin at a huge page.
  constexpr std::size_t kAlign = internal::kCacheGrowth;
  std::size_t region_bytes = round_up(
      std::clamp(options.reserve_bytes, kLeastReserve, std::size_t{1} << 45),
      kAlign);
  std::size_t map_bytes = 0, pages = 0, total = 0;
  std::byte* reserved = nullptr;
  for (;;) {
    map_bytes = region_bytes / internal::kCacheGrain;
    pages = region_bytes / internal::kSpanPageBytes;
    total = kAlign + region_bytes + map_bytes + round_up(4 * pages, 4096) +
            round_up(sizeof(Impl), 4096);
    reserved = Impl::map_pages(total, PROT_NONE);
    if (reserved != nullptr) break;
    if (region_bytes <= kLeastReserve) {
      return absl::ResourceExhaustedError(
          "the system refuses 64 MiB of address space; "
          "see ulimit -v");
    }
    region_bytes = round_up(region_bytes / 2, kAlign);
  }
  std::byte* const region = reinterpret_cast<std::byte*>(
      round_up(reinterpret_cast<std::uintptr_t>(reserved), kAlign));
  std::byte* const map = region + region_bytes;
  std::byte* const tables = map + map_bytes;
  std::byte* const impl_at = tables + round_up(4 * pages, 4096);
  if (!Impl::make_usable(
          tables, round_up(4 * pages, 4096) + round_up(sizeof(Impl), 4096))) {
    munmap(reserved, total);
    return absl::ResourceExhaustedError(
        "the system refuses memory for its tables");
  }
  impl_ = ::new (impl_at) Impl;
  Impl& impl = *impl_;
  impl.placement = options.placement;
  impl.huge_pages = options.huge_pages;
  impl.reserved = reserved;
  impl.reserved_bytes = total;
  impl.region = region;
  impl.region_bytes = region_bytes;
  impl.owned = &usable_units_;
  impl.out = out_ = reinterpret_cast<std::uint8_t*>(map);
  impl.page_free = reinterpret_cast<std::uint16_t*>(tables);
  impl.page_index = reinterpret_cast<std::uint8_t*>(tables) + 2 * pages;
  impl.page_class = page_class_ = impl.page_index + pages;
  region_ = reinterpret_cast<std::uintptr_t>(region);
#if defined(WIREBOOK_ASAN)
  // What objects point to is reachable.
  __lsan_register_root_region(region, region_bytes);
#endif
  {
    internal::ThreadCacheRegistry& all = internal::g_thread_cache_registry;
    const std::lock_guard lock(all.mutex);
    if (!all.has_key) {
      all.has_key =
          pthread_key_create(
              &all.key, &internal::ThreadCacheRegistry::retire_thread) == 0;
      if (!all.has_key) {
        return absl::ResourceExhaustedError("no pthread key is left");
      }
    }
    id_ = ++all.last_id;
    std::size_t index = id_ % internal::kThreadCacheEntries;
    if (~all.indices != 0) {
      index = static_cast<std::size_t>(std::countr_one(all.indices));
    }
    all.indices |= std::uint32_t{1} << index;
    entry_offset_ = index * sizeof(internal::ThreadCacheEntry);
  }
  const std::lock_guard lock(impl.mutex);
  if (options.placement.policy != NumaPolicy::kDefault) {
    // The tables' pages serve as well as any to see whether it can be followed.
    if (absl::Status status =
            apply_numa_placement(tables, 4096, options.placement);
        !status.ok()) {
      return status;
    }
  }
  if (!impl.need_magazines(kCacheClasses)) {
    return absl::ResourceExhaustedError(
        "the system refuses memory for its magazines");
  }
  return absl::OkStatus();
}

ThreadCacheAllocator::ThreadCacheAllocator(const ThreadCacheOptions& options) {
  if (const absl::Status status = init(options); !status.ok()) {
    die(std::string(status.message()).c_str());
  }
}

absl::StatusOr<std::unique_ptr<ThreadCacheAllocator>>
ThreadCacheAllocator::create(const ThreadCacheOptions& options) {
  std::unique_ptr<ThreadCacheAllocator> made(
      new ThreadCacheAllocator(Unmade{}));
  if (absl::Status status = made->init(options); !status.ok()) return status;
  return made;
}

ThreadCacheAllocator::~ThreadCacheAllocator() {
  if (impl_ == nullptr) return;
  Impl& impl = *impl_;
  {
    internal::ThreadCacheRegistry& all = internal::g_thread_cache_registry;
    const std::lock_guard lock(all.mutex);
    const std::size_t index =
        entry_offset_ / sizeof(internal::ThreadCacheEntry);
    if (id_ != 0) all.indices &= ~(std::uint32_t{1} << index);
    for (ThreadCache* cache = impl.caches; cache != nullptr;
         cache = cache->next_of_core) {
      internal::ThreadCacheRegistry::unlink(*cache);
    }
  }
#if defined(WIREBOOK_ASAN)
  __lsan_unregister_root_region(impl.region, impl.region_bytes);
#endif
  unpoison(impl.region, impl.usable);
  for (std::byte* block = impl.meta_blocks; block != nullptr;) {
    std::byte* before = nullptr;
    std::memcpy(&before, block, sizeof(before));
    munmap(block, Impl::kMetaBlock);
    block = before;
  }
  std::byte* const reserved = impl.reserved;
  const std::size_t bytes = impl.reserved_bytes;
  impl.~Impl();
  munmap(reserved, bytes);
}

void* ThreadCacheAllocator::allocate_unusual(std::size_t bytes,
                                             std::size_t alignment) noexcept {
  Impl& impl = *impl_;
  if (std::has_single_bit(alignment)) {
    const std::size_t c = internal::aligned_cache_class(bytes, alignment);
    if (c < kCacheClasses) return take(c, bytes);
    std::size_t mapped = 0;
    void* const block = impl.large.map(bytes, alignment, impl.placement,
                                       impl.huge_pages, mapped);
    if (block != nullptr) {
      impl.large_bytes.fetch_add(mapped, std::memory_order_relaxed);
      impl.count_peak();
      return block;
    }
  }
  impl.failures.fetch_add(1, std::memory_order_relaxed);
  return nullptr;
}

void ThreadCacheAllocator::deallocate_large(void* object) noexcept {
  if (object == nullptr) return;
  const std::size_t bytes = impl_->large.unmap(object);
  if (bytes == 0) die("foreign or double free of", object);
  impl_->large_bytes.fetch_sub(bytes, std::memory_order_relaxed);
}

void ThreadCacheAllocator::die_of_size(const void* object) const noexcept {
  if (!is_out(unit_of(object))) die_on_free(object);
  die("freed with another size or alignment than it was allocated with:",
      object);
}

std::size_t ThreadCacheAllocator::usable_bytes(
    const void* object) const noexcept {
  const std::size_t unit = unit_of(object);
  if (has_unit(unit)) {
    if (is_out(unit)) return cache_class_bytes(class_at(unit));
  } else if (const std::size_t bytes = impl_->large.bytes_at(object)) {
    return bytes;
  }
  die("asked for the size of a foreign or free address", object);
}

std::size_t ThreadCacheAllocator::trim() noexcept {
  flush_thread_cache();
  std::size_t bytes = 0;
  for (std::size_t c = 0; c < kCacheClasses; ++c) {
    const std::lock_guard lock(impl_->depots[c].mutex);
    bytes += impl_->scavenge(c);
  }
  return bytes;
}

void ThreadCacheAllocator::flush_thread_cache() noexcept {
  if (ThreadCache* const cache = attach()) retire(*cache);
}

ThreadCacheStats ThreadCacheAllocator::stats() const noexcept {
  const Impl& impl = *impl_;
  const internal::LargeBlocks::Totals large = impl.large.totals();
  ThreadCacheStats stats;
  const std::lock_guard lock(impl.mutex);
  std::size_t in_use = 0;
  std::uint64_t all_out = 0;
  for (ThreadCache* cache = impl.caches; cache != nullptr;
       cache = cache->next_of_core) {
    for (std::size_t c = 0; c < kCacheClasses; ++c) {
      const std::size_t bytes = cache_class_bytes(c);
      const std::size_t free = internal::cache_kept(*cache, c);
      // May be negative: others free what this thread allocated.
      const std::uint64_t held =
          static_cast<std::uint64_t>(
              cache->taken[c].load(std::memory_order_relaxed)) -
          free;
      all_out += held;
      in_use += held * bytes;
      stats.cached_bytes += free * bytes;
    }
    stats.total_deallocations += cache->frees.load(std::memory_order_relaxed);
  }
  // While others are at work the sums may miss what went from one to another.
  in_use = at_least_zero(in_use);
  stats.total_allocations = stats.total_deallocations + at_least_zero(all_out);
  stats.in_use_bytes = in_use + large.bytes;
  stats.total_allocations += large.allocations;
  stats.total_deallocations += large.deallocations;
  stats.allocation_failures = impl.failures.load(std::memory_order_relaxed);
  stats.peak_bytes = impl.trade.peak.load(std::memory_order_relaxed);
  stats.capacity_bytes = impl.usable + large.bytes;
  stats.free_bytes = at_least_zero(impl.usable - in_use - stats.cached_bytes);
  stats.overhead_bytes = sizeof(Impl) + impl.meta_mapped +
                         impl.usable / internal::kCacheGrain +
                         4 * (impl.region_bytes / internal::kSpanPageBytes);
  return stats;
}

NumaPlacement ThreadCacheAllocator::placement() const noexcept {
  return impl_->placement;
}

}  // namespace wirebook
