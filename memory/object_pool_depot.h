// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What the threads of one ObjectPool share: its chunks of memory, and stacks of
// the magazines that they trade. For object_pool.cc only.
//
// A chunk is its slots, then one line of 64 bytes for every magazine that they
// fill. A full magazine is a line on the stack `full`: it lists its first seven
// objects, and each of those lists up to seven more behind its mark. Lines stay
// where they are while the pool lives, since a pop that was overtaken may read
// any that was ever on a stack; slots are read by their owner only, so trim()
// may give their pages back.
//
// A chunk drains while others hold enough: what is free of it is set aside, and
// nobody gets it before the others have nothing left. Its objects come home one
// by one, and then trim() may have the chunk.
//
// Addresses in slots are stored mixed with the pool's, and each that is
// read back must be that of a slot: what was written over ends the process.
#ifndef WIREBOOK_MEMORY_OBJECT_POOL_DEPOT_H_
#define WIREBOOK_MEMORY_OBJECT_POOL_DEPOT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

#include "memory/cache_line.h"
#include "memory/object_pool_core.h"
#include "memory/page_mapping.h"
#include "memory/tagged_ptr.h"

namespace wirebook::internal {

inline constexpr std::size_t kMaxPoolChunks = 40;  // Each doubles the pool.
static_assert(kMaxPoolChunks <= 64, "draining_ has a bit for each");
inline constexpr unsigned kAddressesPerLine = 7;

// Writes "wirebook: ObjectPool <pool>: <what> <address>" and aborts.
[[noreturn]] void pool_die(const void* pool, const char* what,
                           const void* address) noexcept;

struct alignas(kCacheLineBytes) MagazineLine {
  MagazineLine() noexcept : next(nullptr) {}
  union {  // One pool uses one of the two.
    std::atomic<MagazineLine*> next;
    std::atomic<std::uint32_t> next_index;
  };
  void* items[kAddressesPerLine];
};
static_assert(sizeof(MagazineLine) == kCacheLineBytes);

struct PoolChunk {
  std::byte* begin = nullptr;
  std::size_t objects = 0;
  MagazineLine* lines = nullptr;
  std::size_t line_count = 0;
  std::size_t bytes = 0;
  bool touched = false;
  PageMapping pages;  // Empty where the bytes came from a memory_resource.

  // Slots below were given out since the chunk was new, or last trimmed. Nobody
  // gets more while it is sealed. Only trim() moves it down, and only while no
  // object of the chunk is out.
  static constexpr std::size_t kSealed = ~(~std::size_t{0} >> 1);
  std::atomic<std::size_t> fresh{0};
  std::size_t given_out() const noexcept {
    return fresh.load(std::memory_order_relaxed) & ~kSealed;
  }

  // Under the mutex: free slots that are not offered, linked behind the mark.
  void* aside = nullptr;
  std::size_t aside_count = 0;

  // Under the mutex. Objects that take no page fault.
  std::size_t ready() const noexcept { return touched ? objects : given_out(); }
};

class PoolDepot {
 public:
  PoolDepot(const void* pool, std::size_t object_bytes, std::size_t slot_bytes,
            const ObjectPoolOptions& options, PoolTag tag);
  ~PoolDepot();
  PoolDepot(const PoolDepot&) = delete;
  PoolDepot& operator=(const PoolDepot&) = delete;

  unsigned magazine() const noexcept { return magazine_; }
  bool direct() const noexcept { return direct_; }  // Threads keep nothing.
  PoolExhaustion exhaustion() const noexcept { return options_.exhaustion; }
  std::mutex& mutex() noexcept { return mutex_; }

  // Free objects that a thread may keep, as large as the pool is now.
  std::size_t kept_per_thread() const noexcept;

  // Up to a magazine of objects, each with its mark; 0 if there are none.
  unsigned refill(void** items) noexcept;

  // A magazine, if one is at hand.
  bool pop_magazine(void** items) noexcept;

  // Takes a magazine of objects.
  void push_magazine(void* const* items) noexcept;

  // The rest is called under mutex(). Takes less than a magazine.
  void push_loose(void* const* items, std::size_t count) noexcept;

  // As PoolCore's.
  std::size_t warm_up(std::size_t count) noexcept;
  std::size_t trim(std::size_t keep) noexcept;
  std::size_t cool(std::size_t keep, PoolCooling how) noexcept;

  // Whether any chunk is to be emptied.
  bool drains() const noexcept {
    return draining_.load(std::memory_order_relaxed) != 0;
  }

  const std::string& map_error() const noexcept { return map_error_; }

  // Fills in what is known here; and objects in the hands of threads, and how
  // often an object was carved from new memory.
  void report(ObjectPoolStats& stats, std::size_t* outside,
              std::uint64_t* made_new) const noexcept;

  // No mutex. The chunk that `slot` was given out from, or null where there is
  // none; ends the process if it is inside an object.
  const PoolChunk* find(const void* slot) const noexcept;

  // No mutex. Whether `chunk` is to be emptied: for a while after this changed
  // a thread may yet see it as it was.
  bool drains(const PoolChunk& chunk) const noexcept {
    return draining_.load(std::memory_order_relaxed) >> (&chunk - chunks_) & 1;
  }

  // Takes a free object of a chunk that drains out of use. False where it does
  // not, or where the mutex is taken.
  bool set_aside(void* slot) noexcept;

  void count_failure() noexcept {
    failures_.fetch_add(1, std::memory_order_relaxed);
  }

 private:
  struct LineLink {
    std::atomic<MagazineLine*>& operator()(MagazineLine* line) const noexcept {
      depot->check_line(line);
      return line->next;
    }
    const PoolDepot* depot;
  };
  struct IndexLink {
    std::atomic<std::uint32_t>& operator()(std::uint32_t index) const noexcept {
      return depot->line_at(index)->next_index;
    }
    const PoolDepot* depot;
  };
  // Lines, on the one that has the cell that the pool's tag asks for.
  struct LineStack {
    explicit LineStack(PoolDepot* depot) noexcept
        : by_pointer(LineLink{depot}), by_index(IndexLink{depot}) {}
    TaggedStack<TaggedPtr128<MagazineLine>, LineLink> by_pointer;
    TaggedStack<IndexTag64, IndexLink> by_index;
  };
  void push(LineStack& stack, MagazineLine* line) noexcept;
  MagazineLine* pop(LineStack& stack) noexcept;

  // An index is a chunk's in its upper six bits, and a line's below.
  static constexpr int kLineBits = 26;
  std::uint32_t check_line(const MagazineLine* line) const noexcept;
  MagazineLine* line_at(std::uint32_t index) const noexcept;

  std::uint64_t mark_of(const void* slot) const noexcept {
    return pool_mark(pool_, slot);
  }
  void store_link(void* slot, unsigned word, void* target) const noexcept;
  void* load_link(void* slot, unsigned word) const noexcept;
  // Of the chunk that the last address fell into, what was ever given out.
  struct Window {
    std::uintptr_t begin = 0;
    std::size_t slots = 0;
  };
  void* checked(void* slot, const void* holder, Window& window) const noexcept;
  std::size_t chunk_of_slot(const void* slot) const noexcept;

  void stack_magazine(void* const* items) noexcept;
  bool unstack_magazine(void** items) noexcept;
  unsigned pop_loose(void** items) noexcept;
  unsigned carve(void** items, std::size_t first_chunk) noexcept;
  bool grow(std::size_t least) noexcept;
  std::size_t bytes_for(std::size_t objects) const noexcept;
  std::size_t objects_in(std::size_t bytes) const noexcept;
  bool map_chunk(std::size_t wanted) noexcept;
  bool map_bytes(PoolChunk& chunk, std::size_t bytes) noexcept;
  void touch(PoolChunk& chunk) noexcept;
  unsigned warm_up_rank(std::size_t chunk) const noexcept;

  // Under the mutex.
  void file(void* slot) noexcept;
  void put_aside(PoolChunk& chunk, void* slot) noexcept;
  void collect() noexcept;
  std::size_t give_back(PoolChunk& chunk) noexcept;
  void steer(std::size_t keep) noexcept;
  std::size_t fill_order(std::size_t* order) const noexcept;
  void offer(PoolChunk& chunk, void** items, unsigned* kept) noexcept;
  bool stop_draining() noexcept;
  void left(std::size_t objects) noexcept;
  void returned(std::size_t objects) noexcept;

  // On one line: a trade of magazines touches all of them.
  alignas(kFalseSharingBytes) LineStack full_;
  LineStack empty_;
  // Objects in the hands of threads, and the most there ever were. Relaxed:
  // they order nothing.
  std::atomic<std::size_t> outside_{0};
  std::atomic<std::size_t> peak_{0};

  alignas(kFalseSharingBytes) const void* const pool_;
  const std::size_t object_bytes_;
  const std::size_t slot_bytes_;
  const SlotIndexer indexer_;
  const PoolTag tag_;
  ObjectPoolOptions options_;
  unsigned magazine_ = 0;  // Objects in each.
  unsigned per_item_ = 0;  // Addresses that a listed object lists.
  bool direct_ = false;
  std::atomic<std::size_t> chunk_count_{0};
  std::atomic<std::size_t> fresh_chunk_{0};  // A hint: none fresh before it.
  // Objects that are had under the mutex only, those set aside included.
  std::atomic<std::size_t> loose_count_{0};
  std::atomic<std::uint64_t> draining_{0};  // Chunks, as bits.
  std::atomic<std::uint64_t> failures_{0};
  PoolChunk chunks_[kMaxPoolChunks];

  std::mutex mutex_;  // Guards growth and what follows.
  std::atomic<std::size_t> capacity_ = 0;
  std::size_t trimmed_ = 0;  // Objects that were out and became new.
  void* loose_ = nullptr;    // Too few for a magazine, linked behind the mark.
  std::string map_error_;    // Why the last chunk could not be had.
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_MEMORY_OBJECT_POOL_DEPOT_H_
