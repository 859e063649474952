// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/large_blocks.h"

#include <sys/mman.h>

#include "memory/asan_poison.h"

#if defined(WIREBOOK_ASAN)
#include <sanitizer/lsan_interface.h>
#endif

namespace wirebook::internal {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kMost = std::size_t{1} << 47;  // The address space.

std::byte* map_pages(std::size_t bytes) noexcept {
  void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return pages == MAP_FAILED ? nullptr : static_cast<std::byte*>(pages);
}

std::byte* map_aligned(std::size_t bytes, std::size_t alignment) noexcept {
  if (alignment <= kPage) return map_pages(bytes);
  std::byte* const from = map_pages(bytes + alignment);
  if (from == nullptr) return nullptr;
  const auto address = reinterpret_cast<std::uintptr_t>(from);
  const std::size_t before = (alignment - address % alignment) % alignment;
  if (before != 0) munmap(from, before);
  munmap(from + before + bytes, alignment - before);
  return from + before;
}

}  // namespace

LargeBlocks::~LargeBlocks() {
  for (std::size_t i = 0; i < slots_; ++i) {
    if (entries_[i].address == nullptr) continue;
#if defined(WIREBOOK_ASAN)
    __lsan_unregister_root_region(entries_[i].address, entries_[i].bytes);
#endif
    munmap(entries_[i].address, entries_[i].bytes);
  }
  if (entries_ != nullptr) munmap(entries_, slots_ * sizeof(Entry));
}

void* LargeBlocks::map(std::size_t bytes, std::size_t alignment,
                       NumaPlacement placement, bool huge_pages,
                       std::size_t& mapped) noexcept {
  if (bytes > kMost || alignment > kMost) return nullptr;
  mapped = bytes == 0 ? kPage : (bytes + kPage - 1) / kPage * kPage;
  if (huge_pages && mapped >= kHugePage && alignment < kHugePage) {
    alignment = kHugePage;
  }
  std::byte* const block = map_aligned(mapped, alignment);
  if (block == nullptr) return nullptr;
  if (huge_pages) madvise(block, mapped, MADV_HUGEPAGE);
  if (placement.policy != NumaPolicy::kDefault &&
      !apply_numa_placement(block, mapped, placement).ok()) {
    munmap(block, mapped);
    return nullptr;
  }
  const std::lock_guard lock(mutex_);
  if (2 * (used_ + 1) > slots_ && !grow()) {
    munmap(block, mapped);
    return nullptr;
  }
#if defined(WIREBOOK_ASAN)
  __lsan_register_root_region(block, mapped);
#endif
  entries_[find(block)] = {block, mapped};
  ++used_;
  totals_.bytes += mapped;
  ++totals_.allocations;
  return block;
}

std::size_t LargeBlocks::unmap(void* address) noexcept {
  std::size_t bytes = 0;
  {
    const std::lock_guard lock(mutex_);
    if (used_ == 0) return 0;
    const std::size_t at = find(address);
    if (entries_[at].address == nullptr) return 0;
    bytes = entries_[at].bytes;
    erase(at);
    totals_.bytes -= bytes;
    ++totals_.deallocations;
  }
#if defined(WIREBOOK_ASAN)
  __lsan_unregister_root_region(address, bytes);
#endif
  munmap(address, bytes);
  return bytes;
}

std::size_t LargeBlocks::bytes_at(const void* address) const noexcept {
  const std::lock_guard lock(mutex_);
  return used_ == 0 ? 0 : entries_[find(address)].bytes;
}

LargeBlocks::Totals LargeBlocks::totals() const noexcept {
  const std::lock_guard lock(mutex_);
  return totals_;
}

std::size_t LargeBlocks::home_of(const void* address) const noexcept {
  // Fibonacci hashing of the page number (Knuth, TAOCP 3, 6.4).
  const std::uint64_t page = reinterpret_cast<std::uintptr_t>(address) / kPage;
  return (page * 0x9E3779B97F4A7C15u >> 32) & (slots_ - 1);
}

std::size_t LargeBlocks::find(const void* address) const noexcept {
  std::size_t at = home_of(address);
  while (entries_[at].address != nullptr && entries_[at].address != address) {
    at = (at + 1) & (slots_ - 1);
  }
  return at;
}

bool LargeBlocks::grow() noexcept {
  const std::size_t old_slots = slots_;
  Entry* const old = entries_;
  const std::size_t slots =
      old_slots == 0 ? kPage / sizeof(Entry) : 2 * old_slots;
  std::byte* const pages = map_pages(slots * sizeof(Entry));
  if (pages == nullptr) return false;
  entries_ = reinterpret_cast<Entry*>(pages);
  slots_ = slots;
  for (std::size_t i = 0; i < old_slots; ++i) {
    if (old[i].address != nullptr) entries_[find(old[i].address)] = old[i];
  }
  if (old != nullptr) munmap(old, old_slots * sizeof(Entry));
  return true;
}

// Closes the gap, so that no search ends early (Knuth, algorithm 6.4R).
void LargeBlocks::erase(std::size_t at) noexcept {
  const std::size_t mask = slots_ - 1;
  for (std::size_t next = (at + 1) & mask; entries_[next].address != nullptr;
       next = (next + 1) & mask) {
    const std::size_t home = home_of(entries_[next].address);
    if (((next - home) & mask) < ((next - at) & mask)) continue;
    entries_[at] = entries_[next];
    at = next;
  }
  entries_[at] = {};
  --used_;
}

}  // namespace wirebook::internal
