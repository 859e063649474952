// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/large_blocks.h"

#include <algorithm>
#include <utility>

#include "memory/asan_poison.h"
#include "memory/page_mapping.h"

#if defined(WIREBOOK_ASAN)
#include <sanitizer/lsan_interface.h>
#endif

namespace wirebook::internal {
namespace {

constexpr std::size_t kMost = std::size_t{1} << 46;  // PageMapping's, too.

// What a live block points to is reachable.
void watch([[maybe_unused]] const PageMapping& block) noexcept {
#if defined(WIREBOOK_ASAN)
  __lsan_register_root_region(block.data(), block.size());
#endif
}
void unwatch([[maybe_unused]] const PageMapping& block) noexcept {
#if defined(WIREBOOK_ASAN)
  __lsan_unregister_root_region(block.data(), block.size());
#endif
}

}  // namespace

LargeBlocks::~LargeBlocks() {
  blocks_.for_each([](PageMapping& block) { unwatch(block); });
}

void* LargeBlocks::map(std::size_t bytes, std::size_t alignment,
                       NumaPlacement placement, bool huge_pages,
                       std::size_t& mapped) noexcept {
  // Without a word for it: it may stand below malloc.
  if (bytes > kMost || alignment > kMost) return nullptr;
  const bool huge = huge_pages && bytes >= kHugePageBytes;
  if (huge) alignment = std::max(alignment, kHugePageBytes);
  PageMapping block =
      map_block(std::max<std::size_t>(bytes, 1),
                {.placement = placement, .alignment = alignment});
  if (block.empty()) return nullptr;
  // A wish: a kernel without transparent huge pages refuses it.
  if (huge) (void)block.advise(PageAdvice::kHuge);
  void* const address = block.data();
  mapped = block.size();
  const std::lock_guard lock(mutex_);
  watch(block);
  if (!blocks_.insert(block)) {
    unwatch(block);
    return nullptr;
  }
  totals_.bytes += mapped;
  ++totals_.allocations;
  return address;
}

std::size_t LargeBlocks::unmap(void* address) noexcept {
  PageMapping block;  // Unmapped after the mutex is free again.
  const std::lock_guard lock(mutex_);
  block = blocks_.take(address);
  if (block.empty()) return 0;
  unwatch(block);
  totals_.bytes -= block.size();
  ++totals_.deallocations;
  return block.size();
}

std::size_t LargeBlocks::bytes_at(const void* address) const noexcept {
  const std::lock_guard lock(mutex_);
  const PageMapping* const block = blocks_.find(address);
  return block == nullptr ? 0 : block->size();
}

LargeBlocks::Totals LargeBlocks::totals() const noexcept {
  const std::lock_guard lock(mutex_);
  return totals_;
}

}  // namespace wirebook::internal
