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

// The other forms of new end in these two, and of delete in the last.
void* operator new(std::size_t bytes) {
  return wirebook::testing::from_malloc(bytes);
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
