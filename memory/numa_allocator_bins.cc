// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/numa_allocator_bins.h"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "memory/asan_poison.h"

namespace wirebook::internal {
namespace {

constexpr std::size_t kChunkShift = 22;
static_assert(kNumaChunkBytes == std::size_t{1} << kChunkShift);

// f(pages) with the addresses of the pages of [begin, begin + bytes), some
// hundreds at a time: without the heap, for callers that must not throw.
template <typename F>
void for_pages(std::byte* begin, std::size_t bytes, F f) {
  std::array<void*, 512> pages;
  for (std::size_t at = 0; at < bytes;) {
    std::size_t count = 0;
    for (; count < pages.size() && at < bytes; at += kSmallPageBytes) {
      pages[count++] = begin + at;
    }
    f(std::span<void*>(pages.data(), count));
  }
}

// Whether every page that is present lies on `node`. True also where the system
// does not say.
bool all_lie_on(PageMapping& mapping, int node) {
  bool all = true;
  for_pages(mapping.data(), mapping.size(), [&](std::span<void*> pages) {
    std::array<int, 512> nodes;
    const std::span<int> found(nodes.data(), pages.size());
    numa_nodes_of(pages, found);
    all = all && std::all_of(found.begin(), found.end(), [node](int one) {
            return one == node || one == kNumaNodeUnknown;
          });
  });
  return all;
}

}  // namespace

std::size_t numa_class_of(std::size_t bytes) noexcept {
  const std::size_t pages = (bytes + kSmallPageBytes - 1) / kSmallPageBytes;
  if (pages <= 8) return pages == 0 ? 0 : pages - 1;
  // Four steps a doubling: the two bits below the highest of pages - 1.
  const auto shift = static_cast<std::size_t>(std::bit_width(pages - 1)) - 3;
  return 8 + (shift - 1) * 4 + ((pages - 1) >> shift) - 4;
}

std::size_t bring_pages_home(std::span<std::byte> bytes, int node) {
  std::size_t moved = 0;
  for_pages(bytes.data(), bytes.size(), [&](std::span<void*> pages) {
    std::array<int, 512> nodes;
    numa_nodes_of(pages, {nodes.data(), pages.size()});
    std::size_t away = 0;
    for (std::size_t i = 0; i < pages.size(); ++i) {
      if (nodes[i] != kNumaNodeUnknown && nodes[i] != node) {
        pages[away++] = pages[i];
      }
    }
    moved += move_numa_pages(pages.first(away), node);
  });
  return moved;
}

// ---- NumaChunkDirectory ----------------------------------------------------

NumaChunkDirectory::~NumaChunkDirectory() {
  for (std::atomic<Leaf*>& leaf : root_) {
    // Relaxed: nobody else is left.
    delete leaf.load(std::memory_order_relaxed);
  }
}

NumaChunk* NumaChunkDirectory::find(const void* address) const noexcept {
  const std::uintptr_t chunk =
      reinterpret_cast<std::uintptr_t>(address) >> kChunkShift;
  if (chunk >> (kRootBits + kLeafBits) != 0) return nullptr;
  // Acquire: pairs with set()'s exchange of the leaf and its store.
  const Leaf* leaf = root_[chunk >> kLeafBits].load(std::memory_order_acquire);
  if (leaf == nullptr) return nullptr;
  return leaf->chunks[chunk & (leaf->chunks.size() - 1)].load(
      std::memory_order_acquire);
}

bool NumaChunkDirectory::set(const void* chunk_begin,
                             NumaChunk* chunk) noexcept {
  const std::uintptr_t number =
      reinterpret_cast<std::uintptr_t>(chunk_begin) >> kChunkShift;
  std::atomic<Leaf*>& place = root_[number >> kLeafBits];
  // Acquire: pairs with the exchange below on another thread.
  Leaf* leaf = place.load(std::memory_order_acquire);
  if (leaf == nullptr) {
    auto* fresh = new (std::nothrow) Leaf;
    if (fresh == nullptr) return false;
    // Acq_rel: publishes the zeros to find(), or takes another's leaf.
    if (place.compare_exchange_strong(leaf, fresh, std::memory_order_acq_rel)) {
      leaf = fresh;
    } else {
      delete fresh;
    }
  }
  // Release: pairs with find().
  leaf->chunks[number & (leaf->chunks.size() - 1)].store(
      chunk, std::memory_order_release);
  return true;
}

// ---- NumaBin ---------------------------------------------------------------

void NumaBin::link(NumaChunk& chunk) noexcept {
  chunk.next = partial_;
  chunk.previous = nullptr;
  if (partial_ != nullptr) partial_->previous = &chunk;
  partial_ = &chunk;
}

void NumaBin::unlink(NumaChunk& chunk) noexcept {
  (chunk.previous == nullptr ? partial_ : chunk.previous->next) = chunk.next;
  if (chunk.next != nullptr) chunk.next->previous = chunk.previous;
}

NumaChunk* NumaBin::add_chunk() noexcept {
  PageMapping pages = arena_.map(kNumaChunkBytes, kNumaChunkBytes);
  if (pages.empty()) return nullptr;
  const auto given_back =
      std::find_if(chunks_.begin(), chunks_.end(),
                   [](const auto& chunk) { return chunk->pages.empty(); });
  NumaChunk* chunk = nullptr;
  if (given_back != chunks_.end()) {
    chunk = given_back->get();
  } else {
    try {
      chunk = chunks_.emplace_back(std::make_unique<NumaChunk>(*this)).get();
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }
  if (!arena_.directory().set(pages.data(), chunk)) return nullptr;
  chunk->pages = std::move(pages);
  chunk->free = blocks_;
  chunk->first_word = 0;
  chunk->moved_bits = {};
  for (std::size_t i = 0; i < chunk->free_bits.size(); ++i) {
    const std::size_t here =
        std::min<std::size_t>(blocks_ - std::min(blocks_, i * 64), 64);
    chunk->free_bits[i] =
        here == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << here) - 1;
  }
  poison(chunk->pages.data(), kNumaChunkBytes);
  counts_.capacity_bytes += chunk->pages.size();
  link(*chunk);
  return chunk;
}

// With the bin's mutex held and every block free.
void NumaBin::release(NumaChunk& chunk) noexcept {
  unlink(chunk);
  (void)arena_.directory().set(chunk.pages.data(), nullptr);
  counts_.capacity_bytes -= chunk.pages.size();
  unpoison(chunk.pages.data(), kNumaChunkBytes);
  chunk.pages = PageMapping();
}

void* NumaBin::take(bool wanted_elsewhere) noexcept {
  const std::lock_guard lock(mutex_);
  NumaChunk* chunk = partial_;
  if (chunk == nullptr) {
    chunk = add_chunk();
    if (chunk == nullptr) return nullptr;
  } else if (chunk->free == blocks_) {
    arena_.retain_no_more(kNumaChunkBytes);
  }
  while (chunk->free_bits[chunk->first_word] == 0) ++chunk->first_word;
  std::uint64_t& word = chunk->free_bits[chunk->first_word];
  const std::size_t index =
      chunk->first_word * 64 + static_cast<std::size_t>(std::countr_zero(word));
  word &= word - 1;
  if (--chunk->free == 0) unlink(*chunk);
  ++counts_.allocations;
  counts_.in_use_bytes += block_bytes_;
  if (wanted_elsewhere) ++counts_.from_elsewhere;
  std::byte* block = chunk->pages.data() + index * block_bytes_;
  unpoison(block, block_bytes_);
  return block;
}

std::size_t NumaBin::index_of(const NumaChunk& chunk,
                              const void* address) const noexcept {
  if (chunk.pages.empty()) return kNone;
  const std::size_t offset =
      reinterpret_cast<std::uintptr_t>(address) & (kNumaChunkBytes - 1);
  const std::size_t index = offset / block_bytes_;
  if (index >= blocks_ || index * block_bytes_ != offset ||
      (chunk.free_bits[index / 64] >> index % 64 & 1) != 0) {
    return kNone;
  }
  return index;
}

bool NumaBin::put(NumaChunk& chunk, void* address,
                  bool from_elsewhere) noexcept {
  const std::lock_guard lock(mutex_);
  const std::size_t index = index_of(chunk, address);
  if (index == kNone) return false;
  const std::uint64_t bit = std::uint64_t{1} << index % 64;
  if ((chunk.moved_bits[index / 64] & bit) != 0) {
    chunk.moved_bits[index / 64] &= ~bit;
    arena_.reclaim(address, block_bytes_);
  }
  chunk.free_bits[index / 64] |= bit;
  chunk.first_word = std::min(chunk.first_word, index / 64);
  poison(address, block_bytes_);
  ++counts_.deallocations;
  counts_.in_use_bytes -= block_bytes_;
  if (from_elsewhere) ++counts_.freed_elsewhere;
  if (chunk.free++ == 0) link(chunk);
  if (chunk.free == blocks_ && !arena_.retain(kNumaChunkBytes)) {
    release(chunk);
  }
  return true;
}

bool NumaBin::mark_moved(NumaChunk& chunk, const void* address) noexcept {
  const std::lock_guard lock(mutex_);
  const std::size_t index = index_of(chunk, address);
  if (index == kNone) return false;
  chunk.moved_bits[index / 64] |= std::uint64_t{1} << index % 64;
  return true;
}

std::size_t NumaBin::trim() noexcept {
  const std::lock_guard lock(mutex_);
  std::size_t bytes = 0;
  for (NumaChunk* chunk = partial_; chunk != nullptr;) {
    NumaChunk* next = chunk->next;
    if (chunk->free == blocks_) {
      bytes += chunk->pages.size();
      arena_.retain_no_more(kNumaChunkBytes);
      release(*chunk);
    }
    chunk = next;
  }
  return bytes;
}

NumaBinCounts NumaBin::counts() const noexcept {
  const std::lock_guard lock(mutex_);
  return counts_;
}

// f(address, whether it was moved) for each block that is out.
template <typename F>
void NumaBin::for_each_block(const NumaChunk& chunk, F f) const {
  if (chunk.pages.empty()) return;
  for (std::size_t i = 0; i < blocks_; ++i) {
    if ((chunk.free_bits[i / 64] >> i % 64 & 1) != 0) continue;
    f(const_cast<std::byte*>(chunk.pages.data()) + i * block_bytes_,
      (chunk.moved_bits[i / 64] >> i % 64 & 1) != 0);
  }
}

void NumaBin::add_pages_in_use(std::vector<NumaPage>& pages) const {
  const std::lock_guard lock(mutex_);
  for (const auto& chunk : chunks_) {
    for_each_block(*chunk, [&](std::byte* block, bool was_moved) {
      const int node = was_moved ? -1 : arena_.node();
      for (std::size_t at = 0; at < block_bytes_; at += kSmallPageBytes) {
        pages.push_back({block + at, node});
      }
    });
  }
}

std::size_t NumaBin::bring_home() {
  const std::lock_guard lock(mutex_);
  std::size_t moved = 0;
  for (const auto& chunk : chunks_) {
    for_each_block(*chunk, [&](std::byte* block, bool was_moved) {
      if (was_moved) return;  // Somebody wants it where it is.
      moved += bring_pages_home({block, block_bytes_}, arena_.node());
    });
  }
  return moved;
}

// ---- NumaArena -------------------------------------------------------------

NumaArena::NumaArena(NumaArenaOptions options, NumaChunkDirectory& directory)
    : options_(options), directory_(directory) {
  for (std::size_t i = 0; i < kNumaClasses; ++i) {
    bins_[i] =
        std::make_unique<NumaBin>(*this, numa_class_pages(i) * kSmallPageBytes);
  }
}

PageMapping NumaArena::map(std::size_t bytes, std::size_t alignment) noexcept {
  // Relaxed: what it saves is a system call that fails.
  if (forbidden_.load(std::memory_order_relaxed)) return {};
  auto mapping = PageMapping::anonymous(
      bytes, {.page_bytes = bytes < kGiantPageBytes
                                ? std::min(options_.page_bytes, kHugePageBytes)
                                : options_.page_bytes,
              .prefault = options_.prefault || options_.strict,
              .placement = options_.placement,
              .alignment = alignment});
  if (!mapping.ok()) {
    // Of a chunk: what callers ask for may be invalid by itself.
    if (absl::IsInvalidArgument(mapping.status()) && node() >= 0 &&
        bytes == kNumaChunkBytes && alignment == kNumaChunkBytes) {
      forbidden_.store(true, std::memory_order_relaxed);
    }
    return {};
  }
  // The kernel's own strict policy would end the process for want of memory;
  // this finds out instead.
  if (options_.strict && !all_lie_on(*mapping, node())) return {};
  return *std::move(mapping);
}

void NumaArena::reclaim(void* block, std::size_t bytes) noexcept {
  (void)apply_numa_placement(block, bytes, options_.placement);
  if (node() < 0) return;
  for_pages(
      static_cast<std::byte*>(block), bytes,
      [this](std::span<void*> pages) { (void)move_numa_pages(pages, node()); });
}

bool NumaArena::retain(std::size_t bytes) noexcept {
  // Relaxed: a count; the chunks themselves are under their bins' mutexes.
  const std::size_t before =
      retained_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  if (before + bytes <= options_.retain_bytes) return true;
  retain_no_more(bytes);
  return false;
}

void NumaArena::retain_no_more(std::size_t bytes) noexcept {
  retained_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
}

}  // namespace wirebook::internal
