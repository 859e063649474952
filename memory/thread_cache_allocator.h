// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ThreadCacheAllocator: bytes of any size, freed by whichever thread is last,
// at the price of a few instructions.
//
// Use it for what varies in size and lives as long as it likes: messages,
// strings, nodes of containers. For objects of one type take object_pool, for
// what dies together arena, for megabytes mmap_allocator.
//
// How: sizes up to 256 KiB fall into 52 classes, four for each doubling. Each
// thread keeps an array of free addresses for every class; when it is full, or
// empty, a magazine of up to 62 trades places with the class's depot by one
// exchange (Bonwick and Adams, "Magazines and Vmem", USENIX 2001). So a free
// by another thread costs what any free does, and goes back in batches.
// snmalloc and mimalloc link free objects through themselves and send them to
// the thread that owns their slab; here nothing is ever written into a free
// object: what is free stands in arrays, what is out in a byte map beside the
// memory (a sixteenth of it). Taking an object that another core last wrote
// then waits for no line, and a write after free corrupts no list. The price
// is that objects have no home thread: make one allocator for each NUMA node.
//
// Progress: lock-free while the depot has magazines; a mutex is taken to carve
// fresh memory, by a thread's first call, at its end, and for what is larger
// than 256 KiB, which is mapped on its own. Cost: 14 cycles or so a pair; see
// thread_cache_allocator_benchmark and COSTS.md.
//
// Always checked, fatal with one line on stderr: double free, an address at
// which no object begins that is out, and a size or alignment of another class
// than the object's. Not seen: freeing an object that was freed and since given
// out again, two threads that free one at the very same time, and a wrong size
// for what is larger than 256 KiB. After a fork() of a process with threads the
// child must not use it.
//
//   ThreadCacheAllocator allocator;
//   void* bytes = allocator.allocate(300, 64);
//   allocator.deallocate(bytes, 300, 64);      // Or without the sizes.
//
//   ThreadCacheResource resource(allocator);
//   std::pmr::string text("...", &resource);
//   std::vector<int, ThreadCacheStlAllocator<int>> numbers(allocator);
#ifndef WIREBOOK_MEMORY_THREAD_CACHE_ALLOCATOR_H_
#define WIREBOOK_MEMORY_THREAD_CACHE_ALLOCATOR_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <memory_resource>
#include <new>

#include "absl/status/statusor.h"
#include "memory/numa_policy.h"
#include "memory/thread_cache_core.h"

namespace wirebook {

struct ThreadCacheOptions {
  // Address space for objects of up to 256 KiB: how much of them there can be.
  // Costs no memory; a system that refuses is asked for half as much, down to
  // 64 MiB.
  std::size_t reserve_bytes = std::size_t{64} << 30;
  // Where pages are to lie; set before any of them is touched.
  NumaPlacement placement = {};
  // Asks for transparent huge pages.
  bool huge_pages = false;
};

// Exact while no other thread is inside the allocator. An object counts as many
// bytes as its class has, one of more than 256 KiB as many as its pages have.
struct ThreadCacheStats {
  std::size_t capacity_bytes = 0;  // Usable memory, touched or not.
  std::size_t in_use_bytes = 0;    // Out.
  // At least the most that was ever in use, and above that by no more than what
  // threads had cached.
  std::size_t peak_bytes = 0;
  std::uint64_t total_allocations = 0;
  std::uint64_t total_deallocations = 0;
  std::uint64_t allocation_failures = 0;  // Calls that gave nullptr.
  std::size_t cached_bytes = 0;           // Free, kept by threads.
  std::size_t free_bytes = 0;      // In spans that trim() or nobody used.
  std::size_t overhead_bytes = 0;  // Bookkeeping.
};

// Any thread may call any method. The destructor runs alone and takes back
// everything, what is still out included; threads that used the allocator may
// live on or be gone.
class ThreadCacheAllocator : private internal::ThreadCacheCore {
 public:
  static constexpr std::size_t kMaxCachedBytes = internal::kCacheMaxBytes;

  // Ends the process where create() would give an error.
  explicit ThreadCacheAllocator(const ThreadCacheOptions& options = {});
  // InvalidArgument for a placement that the machine cannot follow,
  // ResourceExhausted without address space.
  static absl::StatusOr<std::unique_ptr<ThreadCacheAllocator>> create(
      const ThreadCacheOptions& options);
  ~ThreadCacheAllocator();

  // At least `bytes`, aligned to `alignment`, a power of two (nullptr
  // otherwise, where it is above 16). Zero bytes give an address of their own.
  // nullptr if there is no memory, after milliseconds if some lies free that
  // might do. Contents are what they were.
  [[nodiscard]] void* allocate(
      std::size_t bytes,
      std::size_t alignment = alignof(std::max_align_t)) noexcept {
    if (bytes > internal::kCacheTableBytes || alignment > internal::kCacheGrain)
        [[unlikely]] {
      return allocate_unusual(bytes, alignment);
    }
    return take(internal::cache_class(bytes), bytes);
  }

  // nullptr does nothing.
  void deallocate(void* object) noexcept {
    const std::size_t unit = unit_of(object);
    if (!has_unit(unit)) [[unlikely]] {
      return deallocate_large(object);
    }
    put(object, unit);
  }

  // Faster: takes what allocate() was given instead of looking it up; the look
  // comes after, beside the way of the data, as a check.
  void deallocate(void* object, std::size_t bytes,
                  std::size_t alignment = alignof(std::max_align_t)) noexcept {
    const std::size_t unit = unit_of(object);
    if (!has_unit(unit)) [[unlikely]] {
      return deallocate_large(object);
    }
    const std::size_t c = alignment <= internal::kCacheGrain
                              ? internal::cache_class(bytes)
                              : internal::aligned_cache_class(bytes, alignment);
    if (class_at(unit) != c) [[unlikely]] {
      die_of_size(object);
    }
    put(object, unit, c);
  }

  // Whether `object` lies where objects of up to 256 KiB and an alignment of up
  // to 64 KiB do: if it is out, it is this allocator's. Two loads.
  bool is_cached(const void* object) const noexcept {
    return has_unit(unit_of(object));
  }

  // How many bytes may be used at `object`, which is out. Ends the process for
  // any other address. Under AddressSanitizer only those asked for may.
  std::size_t usable_bytes(const void* object) const noexcept;

  // Gives memory of spans without an object back to the system, those that the
  // calling thread or the depot keeps included, and makes it available to all
  // classes. Happens by itself before the allocator doubles, if half of it is
  // free, and before allocate() gives up. Returns bytes. Milliseconds.
  std::size_t trim() noexcept;

  // Gives what this thread keeps to others. Happens by itself at its end.
  void flush_thread_cache() noexcept;

  // Takes locks, walks the threads: for reports, not for hot paths.
  ThreadCacheStats stats() const noexcept;

  NumaPlacement placement() const noexcept;

 private:
  struct Unmade {};
  explicit ThreadCacheAllocator(Unmade) noexcept {}
  absl::Status init(const ThreadCacheOptions& options);

  void* allocate_unusual(std::size_t bytes, std::size_t alignment) noexcept;
  void deallocate_large(void* object) noexcept;
  [[noreturn]] void die_of_size(const void* object) const noexcept;
};

// The allocator as a std::pmr resource; it must outlive the resource.
class ThreadCacheResource : public std::pmr::memory_resource {
 public:
  explicit ThreadCacheResource(ThreadCacheAllocator& allocator) noexcept
      : allocator_(&allocator) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    void* object = allocator_->allocate(bytes, alignment);
    if (object == nullptr) throw std::bad_alloc();
    return object;
  }
  void do_deallocate(void* object, std::size_t bytes,
                     std::size_t alignment) override {
    allocator_->deallocate(object, bytes, alignment);
  }
  bool do_is_equal(
      const std::pmr::memory_resource& other) const noexcept override {
    const auto* same = dynamic_cast<const ThreadCacheResource*>(&other);
    return same != nullptr && same->allocator_ == allocator_;
  }

  ThreadCacheAllocator* allocator_;
};

// The allocator for standard containers; it must outlive them.
template <typename T>
class ThreadCacheStlAllocator {
 public:
  using value_type = T;

  // NOLINTNEXTLINE(google-explicit-constructor): containers take allocators.
  ThreadCacheStlAllocator(ThreadCacheAllocator& allocator) noexcept
      : allocator_(&allocator) {}
  template <typename U>
  // NOLINTNEXTLINE(google-explicit-constructor): rebinding is implicit.
  ThreadCacheStlAllocator(const ThreadCacheStlAllocator<U>& other) noexcept
      : allocator_(other.allocator_) {}

  T* allocate(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / sizeof(T)) {
      throw std::bad_array_new_length();
    }
    void* objects = allocator_->allocate(count * sizeof(T), alignof(T));
    if (objects == nullptr) throw std::bad_alloc();
    return static_cast<T*>(objects);
  }
  void deallocate(T* objects, std::size_t count) noexcept {
    allocator_->deallocate(objects, count * sizeof(T), alignof(T));
  }

  template <typename U>
  bool operator==(const ThreadCacheStlAllocator<U>& other) const noexcept {
    return allocator_ == other.allocator_;
  }

 private:
  template <typename>
  friend class ThreadCacheStlAllocator;

  ThreadCacheAllocator* allocator_;
};

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_THREAD_CACHE_ALLOCATOR_H_
