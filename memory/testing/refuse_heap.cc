// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/testing/refuse_heap.h"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace wirebook::testing {
namespace {

thread_local bool refusing = false;

}  // namespace

RefuseHeap::RefuseHeap() noexcept { refusing = true; }
RefuseHeap::~RefuseHeap() { refusing = false; }

static void* from_malloc(std::size_t bytes) {
  void* block = refusing ? nullptr : std::malloc(bytes == 0 ? 1 : bytes);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

}  // namespace wirebook::testing

// All forms but the aligned ones: a sanitizer's runtime has forms of its own,
// which do not end in these.
void* operator new(std::size_t bytes) {
  return wirebook::testing::from_malloc(bytes);
}
void* operator new[](std::size_t bytes) {
  return wirebook::testing::from_malloc(bytes);
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return wirebook::testing::refusing ? nullptr : std::malloc(bytes);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return wirebook::testing::refusing ? nullptr : std::malloc(bytes);
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t) noexcept { std::free(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept {
  std::free(block);
}
void operator delete[](void* block, const std::nothrow_t&) noexcept {
  std::free(block);
}
