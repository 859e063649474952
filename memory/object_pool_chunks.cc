// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// PoolDepot's chunks: how they are had and touched.
#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "memory/object_pool_depot.h"

#if defined(WIREBOOK_POOL_ASAN)
#include <sanitizer/lsan_interface.h>
#endif

namespace wirebook::internal {
namespace {

constexpr std::size_t kMaxPoolBytes = std::size_t{1} << 46;

constexpr std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

}  // namespace

PoolDepot::~PoolDepot() {
  for (std::size_t i = 0; i < chunk_count_.load(); ++i) {
    PoolChunk& chunk = chunks_[i];
#if defined(WIREBOOK_POOL_ASAN)
    __lsan_unregister_root_region(chunk.begin, chunk.objects * slot_bytes_);
    ASAN_UNPOISON_MEMORY_REGION(chunk.begin, chunk.bytes);
#endif
    if (options_.resource != nullptr) {
      options_.resource->deallocate(chunk.begin, chunk.bytes, kSmallPageBytes);
    }
  }
}

std::size_t PoolDepot::bytes_for(std::size_t objects) const noexcept {
  return round_up(objects * slot_bytes_, kCacheLineBytes) +
         (objects + magazine_ - 1) / magazine_ * sizeof(MagazineLine);
}

std::size_t PoolDepot::objects_in(std::size_t bytes) const noexcept {
  std::size_t objects =
      bytes / (slot_bytes_ * magazine_ + sizeof(MagazineLine)) * magazine_;
  while (bytes_for(objects + 1) <= bytes) ++objects;
  return objects;
}

bool PoolDepot::map_bytes(PoolChunk& chunk, std::size_t bytes) noexcept try {
  if (options_.resource != nullptr) {
    chunk.begin = static_cast<std::byte*>(
        options_.resource->allocate(bytes, kSmallPageBytes));
    chunk.bytes = bytes;
    return true;
  }
  auto pages = PageMapping::anonymous(bytes, {.page_bytes = options_.page_bytes,
                                              .placement = options_.placement});
  if (!pages.ok()) {
    map_error_ = std::string(pages.status().message());
    return false;
  }
  chunk.pages = *std::move(pages);
  chunk.begin = chunk.pages.data();
  chunk.bytes = chunk.pages.size();
  return true;
} catch (const std::bad_alloc&) {  // These two fit without the heap.
  map_error_ = "std::bad_alloc";
  return false;
} catch (...) {
  map_error_ = "resource threw";
  return false;
}

// Maps `wanted` objects or, where the pool need not stop, as many as the whole
// pages hold. Under the mutex. False if the system refuses.
bool PoolDepot::map_chunk(std::size_t wanted) noexcept {
  const std::size_t index = chunk_count_.load(std::memory_order_relaxed);
  if (index == kMaxPoolChunks || wanted > kMaxPoolBytes / slot_bytes_ ||
      wanted / magazine_ >= (std::size_t{1} << kLineBits) - 2) {
    map_error_ = "larger than a chunk can be";
    return false;
  }
  PoolChunk& chunk = chunks_[index];
  const std::size_t page =
      options_.resource == nullptr ? options_.page_bytes : kSmallPageBytes;
  const std::size_t bytes = round_up(bytes_for(wanted), page);
  if (!map_bytes(chunk, bytes)) return false;
  chunk.objects =
      exhaustion() == PoolExhaustion::kGrow ? objects_in(bytes) : wanted;
  const std::size_t slots_end = chunk.objects * slot_bytes_;
#if defined(WIREBOOK_POOL_ASAN)
  // What live objects point to is reachable.
  __lsan_register_root_region(chunk.begin, slots_end);
  ASAN_POISON_MEMORY_REGION(chunk.begin, slots_end);
#endif
  chunk.line_count = (chunk.objects + magazine_ - 1) / magazine_;
  chunk.lines = reinterpret_cast<MagazineLine*>(
      chunk.begin + round_up(slots_end, kCacheLineBytes));
  for (std::size_t i = 0; i < chunk.line_count; ++i) {
    ::new (chunk.lines + i) MagazineLine;
  }
  capacity_ += chunk.objects;
  // Nobody carves from it before its lines are there for full magazines.
  chunk.fresh.store(PoolChunk::kSealed, std::memory_order_relaxed);
  // Release: pairs with the acquire in carve(), find() and the checks.
  chunk_count_.store(index + 1, std::memory_order_release);
  for (std::size_t i = 0; i < chunk.line_count; ++i) {
    push(empty_, chunk.lines + i);
  }
  // Release: pairs with the acquire in carve().
  chunk.fresh.store(0, std::memory_order_release);
  return true;
}

// Makes room for `least` objects. Under the mutex.
bool PoolDepot::grow(std::size_t least) noexcept {
  std::size_t wanted =
      std::max({least, capacity_.load(), kSmallPageBytes / slot_bytes_});
  if (exhaustion() != PoolExhaustion::kGrow) {
    wanted = std::min(wanted, options_.max_capacity - capacity_);
  }
  return wanted != 0 && map_chunk(wanted);
}

void PoolDepot::touch(PoolChunk& chunk) noexcept {
  if (std::exchange(chunk.touched, true)) return;
#if defined(MADV_POPULATE_WRITE)
  if (madvise(chunk.begin, chunk.bytes, MADV_POPULATE_WRITE) == 0) return;
#endif
  // Other threads may be at work here: add nothing, but write.
  for (std::size_t at = 0; at < chunk.bytes; at += kSmallPageBytes) {
    __atomic_fetch_or(reinterpret_cast<unsigned char*>(chunk.begin + at), 0,
                      __ATOMIC_RELAXED);
  }
}

// Chunks are used in this order: what was out before, what drains, what is new.
unsigned PoolDepot::warm_up_rank(std::size_t chunk) const noexcept {
  if (chunks_[chunk].ready() == 0) return 2;
  return drains(chunks_[chunk]) ? 1 : 0;
}

std::size_t PoolDepot::warm_up(std::size_t count) noexcept {
  if (count > capacity_) grow(count - capacity_);
  std::size_t ready = 0;
  for (unsigned rank = 0; rank < 3; ++rank) {
    for (std::size_t i = 0; i < chunk_count_.load() && ready < count; ++i) {
      if (warm_up_rank(i) != rank) continue;
      touch(chunks_[i]);
      ready += chunks_[i].objects;
    }
  }
  return capacity_;
}

void PoolDepot::report(ObjectPoolStats& stats, std::size_t* outside,
                       std::uint64_t* made_new) const noexcept {
  stats.capacity = capacity_;
  stats.magazine = magazine_;
  stats.kept_per_thread = kept_per_thread();
  stats.peak_usage = peak_.load(std::memory_order_relaxed);
  stats.allocation_failures = failures_.load(std::memory_order_relaxed);
  *outside = outside_.load(std::memory_order_relaxed);
  std::size_t new_once = trimmed_;
  std::size_t held = sizeof(*this);
  for (std::size_t i = 0; i < chunk_count_.load(); ++i) {
    held += chunks_[i].bytes;
    new_once += chunks_[i].given_out();
    stats.ready += chunks_[i].ready();
  }
  stats.overhead_bytes = held - capacity_ * object_bytes_;
  *made_new = new_once;
}

}  // namespace wirebook::internal
