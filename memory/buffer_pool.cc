// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/buffer_pool.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <new>
#include <unordered_set>

namespace wirebook {

namespace {

constexpr std::size_t kPageBytes = 4096;

std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

std::size_t alignment_of(std::size_t stride) {
  return stride % kPageBytes == 0 ? kPageBytes : kCacheLineBytes;
}

std::size_t checked_bytes(const BufferPoolOptions& options) {
  const std::size_t bytes = std::max<std::size_t>(options.buffer_bytes, 1);
  if (bytes > std::size_t{1} << 40 || options.capacity >= UINT32_MAX ||
      options.capacity > (std::size_t{1} << 46) / bytes) {
    throw std::bad_alloc();
  }
  return bytes;
}

// Of an odd number modulo 2^64: each of Newton's steps doubles the right bits,
// of which n has three as its own inverse.
std::uint64_t inverse_of(std::uint64_t odd) {
  std::uint64_t inverse = odd;
  for (int bits = 3; bits < 64; bits *= 2) inverse *= 2 - odd * inverse;
  return inverse;
}

}  // namespace

// What happens beyond the capacity. Cold.
struct BufferPool::Excess {
  BufferExhaustion when_empty;
  std::pmr::memory_resource* upstream;

  std::mutex mutex;
  std::unordered_set<const void*> out;

  // Read without the lock; they order nothing.
  std::atomic<std::size_t> peak{0};
  std::atomic<std::uint64_t> allocations{0};
  std::atomic<std::uint64_t> failures{0};
};

BufferPool::BufferPool(BufferPoolOptions options)
    : buffer_bytes_(checked_bytes(options)),
      stride_(round_up(buffer_bytes_, kCacheLineBytes)),
      shift_(std::countr_zero(stride_)),
      inverse_(inverse_of(stride_ >> shift_)),
      states_(std::make_unique<State[]>(options.capacity)),
      excess_(std::make_unique<Excess>()),
      list_(static_cast<std::uint32_t>(options.capacity),
            NextInState{states_.get()}) {
  excess_->when_empty = options.when_empty;
  excess_->upstream = options.upstream;
  const std::size_t bytes = options.capacity * stride_;
  if (bytes == 0) return;
  block_ = static_cast<std::byte*>(
      options.upstream->allocate(bytes, alignment_of(stride_)));
  std::memset(block_, 0, bytes);  // Touches every page.
  poison(block_, bytes);
}

BufferPool::~BufferPool() {
  if (stats().in_use != 0) {
    fail_fast("BufferPool", this, "destroyed with buffers out");
  }
  if (block_ == nullptr) return;
  const std::size_t bytes = capacity() * stride_;
  unpoison(block_, bytes);
  excess_->upstream->deallocate(block_, bytes, alignment_of(stride_));
}

void* BufferPool::get_beyond() noexcept {
  Excess& excess = *excess_;
  if (excess.when_empty == BufferExhaustion::kAllocate) {
    const std::lock_guard lock(excess.mutex);
    void* buffer = nullptr;
    try {
      buffer = excess.upstream->allocate(stride_, alignment_of(stride_));
      excess.out.insert(buffer);
      excess.allocations.fetch_add(1, std::memory_order_relaxed);
      if (excess.out.size() > excess.peak.load(std::memory_order_relaxed)) {
        excess.peak.store(excess.out.size(), std::memory_order_relaxed);
      }
      return buffer;
    } catch (...) {
      if (buffer != nullptr) {
        excess.upstream->deallocate(buffer, stride_, alignment_of(stride_));
      }
    }
  }
  excess.failures.fetch_add(1, std::memory_order_relaxed);
  return nullptr;
}

void BufferPool::return_beyond(void* buffer) noexcept {
  if (buffer == nullptr) return;
  Excess& excess = *excess_;
  const std::lock_guard lock(excess.mutex);
  if (excess.out.erase(buffer) == 0) {
    fail_fast("BufferPool", this,
              "is returned what is no buffer of it:", buffer);
  }
  excess.upstream->deallocate(buffer, stride_, alignment_of(stride_));
}

std::size_t BufferPool::available_buffers() const noexcept {
  std::size_t free = 0;
  for (std::size_t i = 0; i < capacity(); ++i) {
    free += states_[i].out.load(std::memory_order_relaxed) == 0 ? 1 : 0;
  }
  return free;
}

std::size_t BufferPool::total_allocated() const noexcept {
  return capacity() + excess_->allocations.load(std::memory_order_relaxed);
}

std::size_t BufferPool::high_water_mark() const noexcept {
  return list_.high_water_mark() +
         excess_->peak.load(std::memory_order_relaxed);
}

BufferPoolStats BufferPool::stats() const noexcept {
  BufferPoolStats stats;
  stats.capacity = capacity();
  stats.available_buffers = available_buffers();
  stats.peak_usage = high_water_mark();
  stats.total_allocated = total_allocated();
  {
    const std::lock_guard lock(excess_->mutex);
    stats.excess_in_use = excess_->out.size();
    stats.excess_allocations = excess_->allocations.load();
  }
  stats.in_use = stats.capacity - stats.available_buffers + stats.excess_in_use;
  stats.total_allocations = stats.excess_allocations;
  for (std::size_t i = 0; i < capacity(); ++i) {
    stats.total_allocations += states_[i].uses.load(std::memory_order_relaxed);
  }
  stats.total_deallocations = stats.total_allocations - stats.in_use;
  stats.allocation_failures = excess_->failures.load(std::memory_order_relaxed);
  stats.capacity_bytes = stats.capacity * buffer_bytes_;
  stats.overhead_bytes = sizeof(*this) + sizeof(Excess) +
                         stats.capacity * (sizeof(State) + stride_) -
                         stats.capacity_bytes;
  return stats;
}

BufferPoolStats& BufferPoolStats::operator+=(
    const BufferPoolStats& other) noexcept {
  capacity += other.capacity;
  available_buffers += other.available_buffers;
  in_use += other.in_use;
  peak_usage += other.peak_usage;
  total_allocated += other.total_allocated;
  excess_in_use += other.excess_in_use;
  excess_allocations += other.excess_allocations;
  total_allocations += other.total_allocations;
  total_deallocations += other.total_deallocations;
  allocation_failures += other.allocation_failures;
  capacity_bytes += other.capacity_bytes;
  overhead_bytes += other.overhead_bytes;
  return *this;
}

}  // namespace wirebook
