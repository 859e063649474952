// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// MemoryScope: memory of a MemoryManager that is all given back when the scope
// ends, in one go; objects made in it are destroyed first, the last one first.
//
// Use it for the work of one request or one report. For events that are
// recycled take arena. Freeing a single object does nothing until the end.
//
// Threads: one at a time. Cost: a bump of a pointer; blocks come from the
// manager in sizes that double.
//
//   MemoryScope scope(manager);
//   auto* rows = scope.make<std::pmr::vector<Row>>(scope.resource());
#ifndef WIREBOOK_MEMORY_MEMORY_SCOPE_H_
#define WIREBOOK_MEMORY_MEMORY_SCOPE_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

#include <cstddef>
#include <memory_resource>
#include <new>
#include <type_traits>
#include <utility>

#include "memory/memory_manager.h"

namespace wirebook {

class MemoryScope {
 public:
  explicit MemoryScope(MemoryManager& manager = MemoryManager::instance(),
                       std::size_t first_block_bytes = 1024)
      : upstream_(manager), blocks_(first_block_bytes, &upstream_) {}
  MemoryScope(const MemoryScope&) = delete;
  MemoryScope& operator=(const MemoryScope&) = delete;
  ~MemoryScope() {
    while (last_ != nullptr) {  // Also what a destructor makes.
      const Ending* const ending = std::exchange(last_, last_->before);
      ending->destroy(ending->object);
    }
  }

  // Throws std::bad_alloc where the manager has no memory.
  [[nodiscard]] void* allocate(
      std::size_t bytes, std::size_t alignment = alignof(std::max_align_t)) {
    return blocks_.allocate(bytes, alignment);
  }

  template <typename T, typename... Args>
  T* make(Args&&... args) {
    if constexpr (std::is_trivially_destructible_v<T>) {
      return ::new (allocate(sizeof(T), alignof(T)))
          T(std::forward<Args>(args)...);
    } else {
      void* const place = allocate(sizeof(Ending), alignof(Ending));
      T* const object = ::new (allocate(sizeof(T), alignof(T)))
          T(std::forward<Args>(args)...);
      last_ = ::new (place) Ending{
          [](void* made) { static_cast<T*>(made)->~T(); }, object, last_};
      return object;
    }
  }

  std::pmr::memory_resource* resource() noexcept { return &blocks_; }

 private:
  struct Ending {
    void (*destroy)(void*);
    void* object;
    Ending* before;
  };

  MemoryManagerResource upstream_;
  std::pmr::monotonic_buffer_resource blocks_;
  Ending* last_ = nullptr;
};

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_MEMORY_SCOPE_H_
