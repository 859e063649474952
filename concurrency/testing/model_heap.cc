// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// operator new and delete of every program that explores: memory in which
// modelled objects have lived is kept until the execution ends. So a late use
// finds the dead object and no new one, and no address depends on malloc.

#include <cstddef>
#include <cstdlib>
#include <new>

#include "concurrency/testing/model_scheduler.h"

namespace {

void* or_throw(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void release(void* memory) {
  wirebook::model::Scheduler* const scheduler =
      wirebook::model::Scheduler::here();
  if (memory == nullptr ||
      (scheduler != nullptr && scheduler->quarantine(memory))) {
    return;
  }
  std::free(memory);
}

}  // namespace

void* operator new(size_t bytes) {
  return or_throw(std::malloc(bytes == 0 ? 1 : bytes));
}
void* operator new(size_t bytes, std::align_val_t align) {
  const auto unit = static_cast<size_t>(align);
  // aligned_alloc wants a multiple of the alignment.
  return or_throw(std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit));
}
// AddressSanitizer's own would be told apart from free().
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return std::malloc(bytes == 0 ? 1 : bytes);
}
void* operator new(size_t bytes, std::align_val_t align,
                   const std::nothrow_t&) noexcept {
  const auto unit = static_cast<size_t>(align);
  return std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit);
}
void operator delete(void* memory) noexcept { release(memory); }
void operator delete(void* memory, size_t) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept {
  release(memory);
}
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  release(memory);
}
