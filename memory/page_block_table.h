// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// PageBlockTable: mappings, found again by their first address. What the page
// allocators of this layer remember their blocks in; no part of its own.
//
// Open addressing with linear probing and no tombstones (Knuth, TAOCP 6.4,
// algorithm R), in pages of its own: the heap may stand on an allocator that
// uses it. Not thread-safe.
#ifndef WIREBOOK_MEMORY_PAGE_BLOCK_TABLE_H_
#define WIREBOOK_MEMORY_PAGE_BLOCK_TABLE_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "memory/page_mapping.h"

namespace wirebook::internal {

// PageMapping::anonymous(), empty where it fails: for the words of its error
// there may be no memory either.
inline PageMapping map_block(std::size_t bytes,
                             const AnonymousOptions& options = {}) noexcept
    try {
  auto block = PageMapping::anonymous(bytes, options);
  return block.ok() ? *std::move(block) : PageMapping();
} catch (const std::bad_alloc&) {
  return {};
}

class PageBlockTable {
 public:
  PageBlockTable() noexcept = default;
  PageBlockTable(const PageBlockTable&) = delete;
  PageBlockTable& operator=(const PageBlockTable&) = delete;
  ~PageBlockTable() {
    for (std::size_t i = 0; i < places_; ++i) std::destroy_at(&table()[i]);
  }

  std::size_t size() const noexcept { return size_; }

  // Takes `block`; false, and nothing taken, if there is no memory to note it.
  bool insert(PageMapping& block) noexcept {
    if (4 * (size_ + 1) > 3 * places_ && !grow()) return false;
    table()[find_place(block.data())] = std::move(block);
    ++size_;
    return true;
  }

  // The block that begins at `address`, or nullptr. Valid until a change.
  PageMapping* find(const void* address) noexcept {
    if (places_ == 0) return nullptr;
    PageMapping& block = table()[find_place(address)];
    return block.empty() ? nullptr : &block;
  }

  // The same, out of the table; empty if there is none.
  PageMapping take(const void* address) noexcept {
    PageMapping* found = find(address);
    if (found == nullptr) return {};
    PageMapping block = std::move(*found);
    close_gap(static_cast<std::size_t>(found - table()));
    --size_;
    return block;
  }

  // f(PageMapping&) for each block, in no order.
  template <typename F>
  void for_each(F f) {
    for (std::size_t i = 0; i < places_; ++i) {
      if (!table()[i].empty()) f(table()[i]);
    }
  }

 private:
  PageMapping* table() noexcept {
    return reinterpret_cast<PageMapping*>(pages_.data());
  }

  std::size_t home_of(const void* address) const noexcept {
    // Fibonacci hashing of the page number.
    const auto page = reinterpret_cast<std::uintptr_t>(address) >> 12;
    return (page * 0x9e3779b97f4a7c15u >> 32) & (places_ - 1);
  }

  // Where `address` is, or the empty place where it belongs.
  std::size_t find_place(const void* address) noexcept {
    std::size_t at = home_of(address);
    while (!table()[at].empty() && table()[at].data() != address) {
      at = (at + 1) & (places_ - 1);
    }
    return at;
  }

  // Moves up what probing would no longer find behind the empty place `gap`.
  void close_gap(std::size_t gap) noexcept {
    for (std::size_t at = gap;;) {
      at = (at + 1) & (places_ - 1);
      if (table()[at].empty()) return;
      const std::size_t distance_of_home =
          (at - home_of(table()[at].data())) & (places_ - 1);
      if (distance_of_home >= ((at - gap) & (places_ - 1))) {
        table()[gap] = std::move(table()[at]);
        gap = at;
      }
    }
  }

  bool grow() noexcept {
    PageBlockTable larger;
    larger.places_ = places_ == 0 ? 64 : 2 * places_;
    larger.pages_ = map_block(larger.places_ * sizeof(PageMapping));
    if (larger.pages_.empty()) {
      larger.places_ = 0;
      return false;
    }
    std::uninitialized_default_construct_n(larger.table(), larger.places_);
    for_each([&](PageMapping& block) { larger.insert(block); });
    std::swap(pages_, larger.pages_);
    std::swap(places_, larger.places_);
    return true;
  }

  PageMapping pages_;
  std::size_t places_ = 0;  // A power of two.
  std::size_t size_ = 0;
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_MEMORY_PAGE_BLOCK_TABLE_H_
