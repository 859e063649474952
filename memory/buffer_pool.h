// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// BufferPool: equal byte buffers, a fixed number of them, allocated and touched
// in advance.
//
// Use it for messages and blocks of text of one rough size; for several sizes,
// buffer_pools; for objects with constructors, object_pool; for memory that all
// ends together, arena.
//
// How: an IndexFreeList over places in one block. Links and states lie beside
// the block, not in the buffers: an overrun cannot break the list, and a
// buffer's lines are not touched on the way in or out. When all are out,
// get_buffer() fails, or takes one from the heap, counted, which
// return_buffer() frees at once: capacity() is what stays.
//
// Progress: lock-free, any thread returns what any thread got; beyond the
// capacity a mutex and the heap. Within it no heap and no page fault after the
// constructor. Cost: one locked instruction to get, one to return; mean, p99
// and max under steady and bursty load: buffer_pool_benchmark.
//
// Fatal, with one line on stderr: returning a buffer twice (seen at the second
// return or, if two threads do it at the same instant, when it is next given
// out), returning what is no buffer of this pool, such as an address within
// one, destroying a pool with buffers out. Not seen: a stray return of a buffer
// that is out again. AddressSanitizer reports any access to a free buffer.
//
//   BufferPool pool({.buffer_bytes = 2048, .capacity = 512});
//   if (void* buffer = pool.get_buffer()) {      // nullptr: all are out.
//     read_into(buffer, pool.buffer_bytes());
//     pool.return_buffer(buffer);                // Any thread.
//   }
//   PooledBuffer text = pool.borrow();           // Home at scope end.
#ifndef WIREBOOK_MEMORY_BUFFER_POOL_H_
#define WIREBOOK_MEMORY_BUFFER_POOL_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <utility>

#include "memory/asan_poison.h"
#include "memory/cache_line.h"
#include "memory/fail_fast.h"
#include "memory/index_free_list.h"

namespace wirebook {

// What to do when every buffer is out.
enum class BufferExhaustion : unsigned char {
  kFail,      // Give nullptr; count it.
  kAllocate,  // Take one from upstream; count it.
};

struct BufferPoolOptions {
  std::size_t buffer_bytes = 4096;  // At most 2^40; all together 2^46.
  std::size_t capacity = 1024;      // Buffers, below 2^32 - 1; may be 0.
  BufferExhaustion when_empty = BufferExhaustion::kFail;
  // Where the block and what goes beyond it come from; outlives the pool.
  std::pmr::memory_resource* upstream = std::pmr::new_delete_resource();
};

// Exact while no other thread is inside the pool.
struct BufferPoolStats {
  std::size_t capacity = 0;               // Buffers that stay.
  std::size_t available_buffers = 0;      // Of those, the free ones.
  std::size_t in_use = 0;                 // Buffers out, with those beyond.
  std::size_t peak_usage = 0;             // high_water_mark().
  std::size_t total_allocated = 0;        // Buffers ever taken from upstream.
  std::size_t excess_in_use = 0;          // Out beyond the capacity.
  std::uint64_t excess_allocations = 0;   // Ever taken beyond the capacity.
  std::uint64_t total_allocations = 0;    // get_buffer() that succeeded,
  std::uint64_t total_deallocations = 0;  // and what was returned of it.
  std::uint64_t allocation_failures = 0;  // get_buffer() that gave nullptr.
  std::size_t capacity_bytes = 0;         // capacity * buffer_bytes.
  std::size_t overhead_bytes = 0;         // Held beyond capacity_bytes.

  BufferPoolStats& operator+=(const BufferPoolStats& other) noexcept;
};

class BufferPool;

// A buffer that goes home by itself: a unique_ptr that knows its size. Empty
// where the pool had none. The pool must outlive it.
class [[nodiscard]] PooledBuffer {
 public:
  PooledBuffer() noexcept = default;
  PooledBuffer(BufferPool& pool, void* buffer) noexcept
      : data_(static_cast<std::byte*>(buffer)), pool_(&pool) {}
  PooledBuffer(PooledBuffer&& other) noexcept
      : data_(other.release()), pool_(other.pool_) {}
  PooledBuffer& operator=(PooledBuffer&& other) noexcept {
    if (this != &other) {
      reset();
      data_ = other.release();
      pool_ = other.pool_;
    }
    return *this;
  }
  ~PooledBuffer() { reset(); }

  inline void reset() noexcept;
  // Gives up ownership: the caller owes pool()->return_buffer().
  [[nodiscard]] std::byte* release() noexcept {
    return std::exchange(data_, nullptr);
  }

  std::byte* data() const noexcept { return data_; }
  inline std::size_t size() const noexcept;  // Bytes; 0 when empty.
  std::span<std::byte> span() const noexcept { return {data_, size()}; }
  BufferPool* pool() const noexcept { return pool_; }
  explicit operator bool() const noexcept { return data_ != nullptr; }

 private:
  std::byte* data_ = nullptr;
  BufferPool* pool_ = nullptr;
};

// Any thread may call any method; the destructor runs alone.
class BufferPool {
 public:
  // Throws what upstream throws, and std::bad_alloc where a size is beyond what
  // is said above. Buffers are aligned to 64 bytes, and to 4096
  // where buffer_bytes is a multiple of that.
  explicit BufferPool(BufferPoolOptions options = {});
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool();

  // buffer_bytes() bytes with whatever they held last, or nullptr.
  [[nodiscard]] void* get_buffer() noexcept {
    const std::uint32_t index = list_.acquire();
    if (index == list_.kNone) [[unlikely]] {
      return get_beyond();
    }
    State& state = states_[index];
    std::byte* buffer = block_ + index * stride_;
    if (state.out.load(std::memory_order_relaxed) != 0) [[unlikely]] {
      fail_fast("BufferPool", this, "was returned twice:", buffer);
    }
    // Relaxed here and below: the list orders holders, stats() pairs with none.
    state.out.store(1, std::memory_order_relaxed);
    state.uses.store(state.uses.load(std::memory_order_relaxed) + 1,
                     std::memory_order_relaxed);
    unpoison(buffer, buffer_bytes_);
    return buffer;
  }

  // Takes back what get_buffer() gave. nullptr does nothing.
  void return_buffer(void* buffer) noexcept {
    const std::uint64_t index = index_of(buffer);
    if (index >= list_.capacity()) [[unlikely]] {
      return return_beyond(buffer);
    }
    State& state = states_[index];
    if (state.out.load(std::memory_order_relaxed) == 0) [[unlikely]] {
      fail_fast("BufferPool", this, "double return of", buffer);
    }
    state.out.store(0, std::memory_order_relaxed);
    poison(buffer, buffer_bytes_);
    list_.release(static_cast<std::uint32_t>(index));
  }

  // As get_buffer(), owned.
  PooledBuffer borrow() noexcept { return {*this, get_buffer()}; }

  std::size_t buffer_bytes() const noexcept { return buffer_bytes_; }
  std::size_t capacity() const noexcept { return list_.capacity(); }

  // Free buffers, not counting what could be allocated beyond. Walks 16 bytes
  // a buffer: for reports.
  std::size_t available_buffers() const noexcept;
  // Buffers ever taken from upstream: the capacity and each one beyond it.
  std::size_t total_allocated() const noexcept;
  // The most buffers that were out, or being asked for, at one moment. Below
  // the capacity it is above the most out by no more than the threads that get.
  std::size_t high_water_mark() const noexcept;
  // Takes a lock, walks as above.
  BufferPoolStats stats() const noexcept;

 private:
  struct Excess;
  struct State {
    std::atomic<std::uint32_t> next;
    std::atomic<std::uint32_t> out;
    std::atomic<std::uint64_t> uses;
  };
  struct NextInState {
    std::atomic<std::uint32_t>& operator()(std::uint32_t index) const noexcept {
      return states[index].next;
    }
    State* states;
  };

  // The buffer's number; capacity or more for what is not the first byte of a
  // buffer. A multiple of stride = odd * 2^shift times odd's inverse, rotated
  // by shift, is its quotient, and anything else becomes larger than any
  // quotient (Granlund and Montgomery, "Division by invariant integers", PLDI
  // 1994, 9).
  std::uint64_t index_of(const void* buffer) const noexcept {
    const std::uint64_t offset = reinterpret_cast<std::uintptr_t>(buffer) -
                                 reinterpret_cast<std::uintptr_t>(block_);
    return std::rotr(offset * inverse_, shift_);
  }

  void* get_beyond() noexcept;
  void return_beyond(void* buffer) noexcept;

  const std::size_t buffer_bytes_;
  const std::size_t stride_;
  const int shift_;
  const std::uint64_t inverse_;
  const std::unique_ptr<State[]> states_;
  const std::unique_ptr<Excess> excess_;
  std::byte* block_ = nullptr;
  IndexFreeList<NextInState> list_;
};

inline void PooledBuffer::reset() noexcept {
  if (data_ != nullptr) pool_->return_buffer(release());
}
inline std::size_t PooledBuffer::size() const noexcept {
  return data_ == nullptr ? 0 : pool_->buffer_bytes();
}

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_BUFFER_POOL_H_
