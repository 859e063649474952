// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/mmap_allocator.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>

#include "memory/asan_poison.h"
#include "memory/fail_fast.h"

namespace wirebook {

MmapAllocator::~MmapAllocator() {
  if (blocks_.size() != 0) {
    const void* one = nullptr;
    blocks_.for_each([&](PageMapping& block) { one = block.data(); });
    fail_fast("MmapAllocator", this, "destroyed with blocks out; one is", one);
  }
  trim();
}

// As PageMapping will round it; 0 where it cannot be had.
std::size_t MmapAllocator::rounded(std::size_t bytes) const noexcept {
  const std::size_t unit =
      std::clamp(options_.page_bytes, kSmallPageBytes, kHugePageBytes);
  const std::size_t wanted = std::max<std::size_t>(bytes, 1);
  return wanted > SIZE_MAX / 2 ? 0 : (wanted + unit - 1) / unit * unit;
}

PageMapping MmapAllocator::evict(std::size_t index) noexcept {
  PageMapping block = std::move(retained_[index]);
  std::move(retained_.begin() + index + 1, retained_.begin() + retained_count_,
            retained_.begin() + index);
  --retained_count_;
  stats_.retained_bytes -= block.size();
  unpoison(block.data(), block.size());
  return block;
}

// Whether a kept block lies where the caller's placement wants it.
bool MmapAllocator::suits_caller(const PageMapping& block) const noexcept {
  const NumaPolicy policy = options_.placement.policy;
  if (policy != NumaPolicy::kLocalPreferred &&
      policy != NumaPolicy::kLocalOnly) {
    return true;
  }
  if (const auto node = numa_node_of(block.data())) {
    return *node == current_numa_node();
  }
  // Never touched: LocalOnly has bound it to the node of who asked for it
  // first. Or the system does not say, not even of this thread's stack.
  return policy == NumaPolicy::kLocalPreferred ||
         !numa_node_of(&policy).has_value();
}

PageMapping MmapAllocator::take_retained(std::size_t bytes,
                                         std::size_t alignment) noexcept {
  // The newest first: its pages are likely still in a cache.
  for (std::size_t i = retained_count_; i-- > 0;) {
    const std::size_t size = retained_[i].size();
    if (size >= bytes && size - bytes <= bytes / 8 &&
        reinterpret_cast<std::uintptr_t>(retained_[i].data()) % alignment ==
            0 &&
        suits_caller(retained_[i])) {
      return evict(i);
    }
  }
  return {};
}

void* MmapAllocator::give_out(PageMapping block) noexcept {
  std::byte* address = block.data();
  const std::size_t bytes = block.size();
  if (!blocks_.insert(block)) {
    stats_.capacity_bytes -= bytes;
    ++stats_.allocation_failures;
    return nullptr;
  }
  ++stats_.total_allocations;
  stats_.in_use_bytes += bytes;
  stats_.peak_bytes = std::max(stats_.peak_bytes, stats_.in_use_bytes);
  return address;
}

void* MmapAllocator::failed() noexcept {
  const std::lock_guard lock(mutex_);
  ++stats_.allocation_failures;
  return nullptr;
}

void* MmapAllocator::allocate(std::size_t bytes,
                              std::size_t alignment) noexcept {
  const std::size_t size = rounded(bytes);
  if (size == 0 || !std::has_single_bit(alignment)) return failed();
  {
    const std::lock_guard lock(mutex_);
    PageMapping block = take_retained(size, alignment);
    if (!block.empty()) {
      void* reused = give_out(std::move(block));
      if (reused != nullptr) ++stats_.reused;
      return reused;
    }
  }
  PageMapping fresh =
      internal::map_block(size, {.page_bytes = options_.page_bytes,
                                 .prefault = options_.prefault,
                                 .lock = options_.lock,
                                 .placement = options_.placement,
                                 .alignment = alignment});
  if (fresh.empty()) return failed();
  const std::lock_guard lock(mutex_);
  stats_.capacity_bytes += fresh.size();
  return give_out(std::move(fresh));
}

void MmapAllocator::release(void* address, const std::size_t* bytes) noexcept {
  if (address == nullptr) return;
  // Unmapped after the mutex is free again.
  std::array<PageMapping, kMaxRetained + 1> dropped;
  std::size_t dropped_count = 0;
  const std::lock_guard lock(mutex_);
  PageMapping block = blocks_.take(address);
  if (block.empty()) {
    fail_fast("MmapAllocator", this, "no block that is out begins at", address);
  }
  if (bytes != nullptr && *bytes > block.size()) {
    fail_fast("MmapAllocator", this,
              "freed with more bytes than it has:", address);
  }
  ++stats_.total_deallocations;
  stats_.in_use_bytes -= block.size();
  const auto drop = [&](PageMapping gone) {
    stats_.capacity_bytes -= gone.size();
    dropped[dropped_count++] = std::move(gone);
  };
  if (block.size() > options_.retain_bytes) return drop(std::move(block));
  while (retained_count_ == kMaxRetained ||
         stats_.retained_bytes + block.size() > options_.retain_bytes) {
    drop(evict(0));
  }
  poison(block.data(), block.size());
  stats_.retained_bytes += block.size();
  retained_[retained_count_++] = std::move(block);
}

std::size_t MmapAllocator::usable_bytes(const void* block) const noexcept {
  const std::lock_guard lock(mutex_);
  const PageMapping* found = blocks_.find(block);
  return found == nullptr ? 0 : found->size();
}

std::size_t MmapAllocator::trim() noexcept {
  // Unmapped after the mutex is free again.
  std::array<PageMapping, kMaxRetained> dropped;
  const std::lock_guard lock(mutex_);
  const std::size_t bytes = stats_.retained_bytes;
  while (retained_count_ != 0) {
    const std::size_t last = retained_count_ - 1;
    dropped[last] = evict(last);
  }
  stats_.capacity_bytes -= bytes;
  return bytes;
}

MmapAllocatorStats MmapAllocator::stats() const noexcept {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace wirebook
