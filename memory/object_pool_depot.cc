// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/object_pool_depot.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>

namespace wirebook::internal {
namespace {

constexpr std::size_t kMaxMagazineBytes = std::size_t{64} << 10;
// Of a pool that grows, what one thread keeps at most.
constexpr std::size_t kMaxKeptBytes = std::size_t{72} << 10;
constexpr std::size_t kMaxKeptMagazines = 20;
constexpr std::size_t kKeptPart = 12;

}  // namespace

void pool_die(const void* pool, const char* what,
              const void* address) noexcept {
  char line[256];
  char where[32] = "";
  if (address != nullptr) std::snprintf(where, sizeof(where), " %p", address);
  std::snprintf(line, sizeof(line), "wirebook: ObjectPool %p: %s%s\n", pool,
                what, where);
  std::fputs(line, stderr);
  std::abort();
}

PoolDepot::PoolDepot(const void* pool, std::size_t object_bytes,
                     std::size_t slot_bytes, const ObjectPoolOptions& options,
                     PoolTag tag)
    : full_(this),
      empty_(this),
      pool_(pool),
      object_bytes_(object_bytes),
      slot_bytes_(slot_bytes),
      indexer_(slot_bytes),
      tag_(tag),
      options_(options) {
  options_.max_capacity =
      std::max(options.max_capacity, options.initial_capacity);
  per_item_ = static_cast<unsigned>(
      std::min<std::size_t>(slot_bytes / sizeof(void*) - 1, kAddressesPerLine));
  std::size_t magazine = std::min<std::size_t>(
      kAddressesPerLine * (1 + per_item_),
      std::max<std::size_t>(kMaxMagazineBytes / slot_bytes, 1));
  if (options.exhaustion != PoolExhaustion::kGrow) {
    direct_ = options_.max_capacity < 64;
    magazine = std::clamp<std::size_t>(options_.max_capacity / 64, 1, magazine);
  }
  magazine_ = static_cast<unsigned>(magazine);
}

// A pool that stops can ill spare them: a 32nd. Of others a thread may keep
// what loops that take a thousand and free a thousand need, if that is no
// twelfth.
std::size_t PoolDepot::kept_per_thread() const noexcept {
  if (direct_) return 0;
  std::size_t magazines = 2;
  if (options_.exhaustion == PoolExhaustion::kGrow) {
    const std::size_t fair =
        capacity_.load(std::memory_order_relaxed) / kKeptPart / magazine_;
    const std::size_t fits = kMaxKeptBytes / (slot_bytes_ * magazine_);
    magazines = std::max(magazines, std::min({fair, fits, kMaxKeptMagazines}));
  }
  return magazines * magazine_;
}

// ---- Stacks of lines

void PoolDepot::push(LineStack& stack, MagazineLine* line) noexcept {
  if (tag_ == PoolTag::k128) {
    stack.by_pointer.push(line);
  } else {
    stack.by_index.push(check_line(line));
  }
}

MagazineLine* PoolDepot::pop(LineStack& stack) noexcept {
  if (tag_ == PoolTag::k128) return stack.by_pointer.pop();
  const std::uint32_t index = stack.by_index.pop();
  return index == IndexTag64::kNull ? nullptr : line_at(index);
}

// The index of a line, which a link that was written over does not lead to.
std::uint32_t PoolDepot::check_line(const MagazineLine* line) const noexcept {
  // Acquire: pairs with the release in map_chunk().
  for (std::size_t i = chunk_count_.load(std::memory_order_acquire); i-- > 0;) {
    const auto offset = reinterpret_cast<std::uintptr_t>(line) -
                        reinterpret_cast<std::uintptr_t>(chunks_[i].lines);
    const std::uint64_t at = std::rotr(std::uint64_t{offset},
                                       std::countr_zero(sizeof(MagazineLine)));
    if (at < chunks_[i].line_count) {
      return static_cast<std::uint32_t>(i << kLineBits | at);
    }
  }
  pool_die(pool_, "corrupted link between magazines:", line);
}

MagazineLine* PoolDepot::line_at(std::uint32_t index) const noexcept {
  const std::size_t chunk = index >> kLineBits;
  const std::size_t line = index & ((std::uint32_t{1} << kLineBits) - 1);
  // Acquire: pairs with the release in map_chunk().
  if (chunk >= chunk_count_.load(std::memory_order_acquire) ||
      line >= chunks_[chunk].line_count) {
    pool_die(pool_, "corrupted link between magazines: index",
             reinterpret_cast<const void*>(std::uintptr_t{index}));
  }
  return chunks_[chunk].lines + line;
}

// ---- Magazines

void PoolDepot::left(std::size_t objects) noexcept {
  const std::size_t now =
      outside_.fetch_add(objects, std::memory_order_relaxed) + objects;
  std::size_t peak = peak_.load(std::memory_order_relaxed);
  while (peak < now &&
         !peak_.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
}

void PoolDepot::returned(std::size_t objects) noexcept {
  outside_.fetch_sub(objects, std::memory_order_relaxed);
}

WIREBOOK_POOL_NO_ASAN void PoolDepot::store_link(void* slot, unsigned word,
                                                 void* target) const noexcept {
  static_cast<std::uint64_t*>(slot)[word] = mark_of(target);
}

WIREBOOK_POOL_NO_ASAN void* PoolDepot::load_link(void* slot,
                                                 unsigned word) const noexcept {
  return reinterpret_cast<void*>(static_cast<std::uint64_t*>(slot)[word] ^
                                 mark_of(nullptr));
}

std::size_t PoolDepot::chunk_of_slot(const void* slot) const noexcept {
  // Acquire: pairs with the release in map_chunk().
  for (std::size_t i = chunk_count_.load(std::memory_order_acquire); i-- > 0;) {
    if (indexer_(reinterpret_cast<std::uintptr_t>(slot) -
                 reinterpret_cast<std::uintptr_t>(chunks_[i].begin)) <
        chunks_[i].given_out()) {
      return i;
    }
  }
  return kMaxPoolChunks;
}

// `slot`, which was found in `holder`; the end if it is none.
void* PoolDepot::checked(void* slot, const void* holder,
                         Window& window) const noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(slot);
  if (indexer_(address - window.begin) >= window.slots) [[unlikely]] {
    const std::size_t chunk = chunk_of_slot(slot);
    if (chunk == kMaxPoolChunks) {
      pool_die(pool_, "corrupted link, write after free into", holder);
    }
    window.begin = reinterpret_cast<std::uintptr_t>(chunks_[chunk].begin);
    window.slots = chunks_[chunk].given_out();
  }
  return slot;
}

void PoolDepot::stack_magazine(void* const* items) noexcept {
  // There is always one: each holds a magazine of distinct objects, and every
  // chunk brought as many as its objects can fill.
  MagazineLine* line = pop(empty_);
  if (line == nullptr) pool_die(pool_, "more objects free than it has", *items);
  const unsigned listed = std::min(magazine_, kAddressesPerLine);
  std::copy_n(items, listed, line->items);
  for (unsigned i = listed, at = 0; i < magazine_; ++at) {
    for (unsigned j = 1; j <= per_item_ && i < magazine_; ++j, ++i) {
      store_link(items[at], j, items[i]);
    }
  }
  push(full_, line);
}

WIREBOOK_POOL_NO_ASAN bool PoolDepot::unstack_magazine(void** items) noexcept {
  MagazineLine* line = pop(full_);
  if (line == nullptr) return false;
  Window window;
  const unsigned magazine = magazine_;
  const unsigned listed = std::min(magazine, kAddressesPerLine);
  for (unsigned i = 0; i < listed; ++i) {
    items[i] = checked(line->items[i], line, window);
    __builtin_prefetch(items[i], 1);
  }
  const unsigned per_item = per_item_;
  for (unsigned i = listed, at = 0; i < magazine; ++at) {
    const unsigned end = std::min(i + per_item, magazine);
    for (unsigned word = 1; i < end; ++i, ++word) {
      items[i] = checked(load_link(items[at], word), items[at], window);
    }
  }
  push(empty_, line);
  return true;
}

void PoolDepot::push_magazine(void* const* items) noexcept {
  stack_magazine(items);
  returned(magazine_);
}

bool PoolDepot::pop_magazine(void** items) noexcept {
  if (!unstack_magazine(items)) return false;
  left(magazine_);
  return true;
}

void PoolDepot::push_loose(void* const* items, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    store_link(items[i], 1, loose_);
    loose_ = items[i];
  }
  loose_count_.fetch_add(count, std::memory_order_relaxed);
  returned(count);
}

unsigned PoolDepot::pop_loose(void** items) noexcept {
  Window window;
  unsigned taken = 0;
  while (loose_ != nullptr && taken < magazine_) {
    items[taken++] = loose_;
    void* next = load_link(loose_, 1);
    loose_ = next == nullptr ? nullptr : checked(next, loose_, window);
  }
  loose_count_.fetch_sub(taken, std::memory_order_relaxed);
  left(taken);
  return taken;
}

// Objects that were never out, or not since trim(), from the front of the
// oldest chunk that has any.
WIREBOOK_POOL_NO_ASAN unsigned PoolDepot::carve(
    void** items, std::size_t first_chunk) noexcept {
  // Acquire: pairs with the release in map_chunk().
  const std::size_t chunks = chunk_count_.load(std::memory_order_acquire);
  for (std::size_t i = first_chunk; i < chunks; ++i) {
    PoolChunk& chunk = chunks_[i];
    // Acquire: pairs with the release in offer() and stop_draining(), as the
    // chunk's pages may have been given back. A sealed chunk has no end.
    std::size_t from = chunk.fresh.load(std::memory_order_acquire);
    while (from < chunk.objects) {
      const std::size_t to =
          std::min<std::size_t>(from + magazine_, chunk.objects);
      // Whoever moves the mark owns the slots that it passed.
      if (!chunk.fresh.compare_exchange_weak(from, to,
                                             std::memory_order_acquire)) {
        continue;
      }
      const auto taken = static_cast<unsigned>(to - from);
      for (unsigned k = 0; k < taken; ++k) {
        std::byte* slot = chunk.begin + (to - 1 - k) * slot_bytes_;
        *reinterpret_cast<std::uint64_t*>(slot) = mark_of(slot);
        items[k] = slot;
      }
      // Under the mutex all chunks are looked at, and a stale hint is mended.
      if (first_chunk == 0) fresh_chunk_.store(i, std::memory_order_relaxed);
      left(taken);
      return taken;
    }
    std::size_t exhausted = i;
    fresh_chunk_.compare_exchange_strong(exhausted, i + 1,
                                         std::memory_order_relaxed);
  }
  return 0;
}

unsigned PoolDepot::refill(void** items) noexcept {
  if (pop_magazine(items)) return magazine_;
  if (loose_count_.load(std::memory_order_relaxed) == 0) {
    const std::size_t hint = fresh_chunk_.load(std::memory_order_relaxed);
    if (const unsigned taken = carve(items, hint)) return taken;
  }
  const std::lock_guard lock(mutex_);
  if (const unsigned taken = pop_loose(items)) return taken;
  if (pop_magazine(items)) return magazine_;
  while (stop_draining()) {
    if (const unsigned taken = pop_loose(items)) return taken;
  }
  if (const unsigned taken = carve(items, 0)) return taken;
  if (pop_magazine(items)) return magazine_;
  return grow(1) ? carve(items, 0) : 0;
}

const PoolChunk* PoolDepot::find(const void* slot) const noexcept {
  // Acquire: pairs with the release in map_chunk().
  for (std::size_t i = chunk_count_.load(std::memory_order_acquire); i-- > 0;) {
    const PoolChunk& chunk = chunks_[i];
    const auto offset = reinterpret_cast<std::uintptr_t>(slot) -
                        reinterpret_cast<std::uintptr_t>(chunk.begin);
    if (offset >= chunk.objects * slot_bytes_) continue;
    if (offset % slot_bytes_ != 0) {
      pool_die(pool_, "foreign free, inside an object:", slot);
    }
    if (offset / slot_bytes_ >= chunk.given_out()) {
      pool_die(pool_,
               "double or foreign free, never out since it is new:", slot);
    }
    return &chunk;
  }
  return nullptr;
}

}  // namespace wirebook::internal
