// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// PoolDepot's housekeeping: what lies free is sorted by chunk, given back to
// the system or told to be cold, and offered again, the fullest chunk first.
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <mutex>
#include <utility>

#include "memory/object_pool_depot.h"

namespace wirebook::internal {
namespace {

#if !defined(MADV_COLD)  // Linux 5.4.
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif

// Of the pages that `begin`, at one, has `bytes` of, those in memory.
std::size_t resident_bytes(std::byte* begin, std::size_t bytes) noexcept {
  constexpr std::size_t kAtOnce = 1024 * kSmallPageBytes;
  unsigned char in_memory[kAtOnce / kSmallPageBytes];
  std::size_t pages = 0;
  for (std::size_t at = 0; at < bytes; at += kAtOnce) {
    const std::size_t part = std::min(bytes - at, kAtOnce);
    if (mincore(begin + at, part, in_memory) != 0) continue;
    pages += static_cast<std::size_t>(
        std::count_if(in_memory, in_memory + part / kSmallPageBytes,
                      [](unsigned char page) { return (page & 1) != 0; }));
  }
  return pages * kSmallPageBytes;
}

}  // namespace

// ---- Sorting. Under the mutex.

void PoolDepot::file(void* slot) noexcept {
  const std::size_t i = chunk_of_slot(slot);
  if (i == kMaxPoolChunks) {
    pool_die(pool_, "corrupted link, write after free into", slot);
  }
  put_aside(chunks_[i], slot);
}

void PoolDepot::put_aside(PoolChunk& chunk, void* slot) noexcept {
  store_link(slot, 1, chunk.aside);
  chunk.aside = slot;
  ++chunk.aside_count;
}

// Sets everything aside that lies free, and seals all chunks: nobody carves,
// and who needs an object waits for the mutex.
void PoolDepot::collect() noexcept {
  std::size_t lines = 0;
  for (std::size_t i = 0; i < chunk_count_.load(); ++i) {
    chunks_[i].fresh.fetch_or(PoolChunk::kSealed, std::memory_order_relaxed);
    lines += chunks_[i].line_count;
  }
  void* items[kMaxPoolMagazine];
  // No more often than there are lines, as others go on to push.
  for (; lines > 0 && unstack_magazine(items); --lines) {
    for (unsigned i = 0; i < magazine_; ++i) file(items[i]);
  }
  while (loose_ != nullptr) {
    void* next = load_link(loose_, 1);
    file(loose_);
    loose_ = next;
  }
}

// Chunks, the emptiest first, in quarters so that chance does not decide; of
// those alike the newest, which is the largest. Returns how many.
std::size_t PoolDepot::fill_order(std::size_t* order) const noexcept {
  const std::size_t chunks = chunk_count_.load();
  std::size_t quarter[kMaxPoolChunks];
  for (std::size_t i = 0; i < chunks; ++i) {
    order[i] = chunks - 1 - i;
    quarter[i] = (chunks_[i].given_out() - chunks_[i].aside_count) * 4 /
                 chunks_[i].objects;
  }
  std::sort(order, order + chunks, [&](std::size_t a, std::size_t b) {
    return quarter[a] != quarter[b] ? quarter[a] < quarter[b] : a > b;
  });
  return chunks;
}

// Offers what is set aside of a chunk again, but for the `kept` items that are
// too few for a magazine.
void PoolDepot::offer(PoolChunk& chunk, void** items, unsigned* kept) noexcept {
  Window window;
  for (void* slot = std::exchange(chunk.aside, nullptr); slot != nullptr;) {
    void* next = load_link(slot, 1);
    if (next != nullptr) next = checked(next, slot, window);
    items[(*kept)++] = slot;
    if (*kept == magazine_) {
      stack_magazine(items);
      *kept = 0;
    }
    slot = next;
  }
  chunk.aside_count = 0;
  // Release: pairs with the acquire in carve().
  chunk.fresh.store(chunk.given_out(), std::memory_order_release);
}

// After collect(). Chunks drain, the emptiest first, while the others have
// `keep` objects, and a quarter more than are out; those are offered, the
// fullest on top.
void PoolDepot::steer(std::size_t keep) noexcept {
  std::size_t order[kMaxPoolChunks];
  const std::size_t chunks = fill_order(order);
  std::size_t rest = 0, used = 0;
  for (std::size_t i = 0; i < chunks; ++i) {
    used += chunks_[i].given_out() - chunks_[i].aside_count;
    if (chunks_[i].ready() != 0) rest += chunks_[i].objects;
  }
  keep = std::max(keep, used + (used + 3) / 4);
  std::uint64_t draining = 0;
  std::size_t loose = 0;
  unsigned kept = 0;
  void* items[kMaxPoolMagazine];
  for (std::size_t at = 0; at < chunks; ++at) {
    PoolChunk& chunk = chunks_[order[at]];
    if (chunk.ready() != 0 && rest >= keep + chunk.objects && !direct_ &&
        options_.resource == nullptr) {
      rest -= chunk.objects;
      draining |= std::uint64_t{1} << order[at];
      loose += chunk.aside_count;
    } else {
      offer(chunk, items, &kept);
    }
  }
  draining_.store(draining, std::memory_order_relaxed);
  fresh_chunk_.store(0, std::memory_order_relaxed);
  loose_count_.store(loose, std::memory_order_relaxed);
  outside_.fetch_add(kept, std::memory_order_relaxed);
  push_loose(items, kept);
}

// ---- What is done with it

// The pages that hold nothing but slots of a chunk of which all are free and in
// nobody's hands; afterwards they are new.
std::size_t PoolDepot::give_back(PoolChunk& chunk) noexcept {
  const std::size_t page = std::max(options_.page_bytes, kSmallPageBytes);
  const std::size_t range = chunk.objects * slot_bytes_ / page * page;
  std::size_t bytes = resident_bytes(chunk.begin, range);
  if (range != 0 && madvise(chunk.begin, range, MADV_DONTNEED) != 0) {
    bytes = 0;  // Locked into memory, for one; the slots are new all the same.
  }
  trimmed_ += chunk.given_out();
  chunk.touched = false;
  chunk.aside = nullptr;
  chunk.aside_count = 0;
  chunk.fresh.store(PoolChunk::kSealed, std::memory_order_relaxed);
  return bytes;
}

std::size_t PoolDepot::trim(std::size_t keep) noexcept {
  collect();
  std::size_t order[kMaxPoolChunks];
  const std::size_t chunks = fill_order(order);
  std::size_t rest = 0, bytes = 0;
  for (std::size_t i = 0; i < chunks; ++i) {
    if (chunks_[i].ready() != 0) rest += chunks_[i].objects;
  }
  for (std::size_t at = 0; at < chunks; ++at) {
    PoolChunk& chunk = chunks_[order[at]];
    if (chunk.ready() == 0 || chunk.given_out() != chunk.aside_count ||
        rest < keep + chunk.objects || options_.resource != nullptr) {
      continue;
    }
    rest -= chunk.objects;
    bytes += give_back(chunk);
  }
  steer(keep);
  return bytes;
}

std::size_t PoolDepot::cool(std::size_t keep, PoolCooling how) noexcept {
  collect();
  steer(keep);
  const int advice = how == PoolCooling::kCold ? MADV_COLD : MADV_PAGEOUT;
  const std::size_t page = std::max(options_.page_bytes, kSmallPageBytes);
  std::size_t bytes = 0;
  for (std::uint64_t draining = draining_.load(); draining != 0;
       draining &= draining - 1) {
    PoolChunk& chunk = chunks_[std::countr_zero(draining)];
    const std::size_t range = chunk.objects * slot_bytes_ / page * page;
    const std::size_t resident = resident_bytes(chunk.begin, range);
    if (madvise(chunk.begin, range, advice) == 0) bytes += resident;
  }
  return bytes;
}

bool PoolDepot::set_aside(void* slot) noexcept {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) return false;
  PoolChunk& chunk = chunks_[chunk_of_slot(slot)];
  if (!drains(chunk)) return false;
  put_aside(chunk, slot);
  loose_count_.fetch_add(1, std::memory_order_relaxed);
  returned(1);
  return true;
}

// The oldest chunk that drains is in use again, its free objects loose. Called
// when nothing is loose; false if none drains.
bool PoolDepot::stop_draining() noexcept {
  const std::uint64_t draining = draining_.load(std::memory_order_relaxed);
  if (draining == 0) return false;
  PoolChunk& chunk = chunks_[std::countr_zero(draining)];
  draining_.store(draining & (draining - 1), std::memory_order_relaxed);
  loose_ = std::exchange(chunk.aside, nullptr);
  chunk.aside_count = 0;
  // Release: pairs with the acquire in carve().
  chunk.fresh.store(chunk.given_out(), std::memory_order_release);
  fresh_chunk_.store(0, std::memory_order_relaxed);
  return true;
}

}  // namespace wirebook::internal
