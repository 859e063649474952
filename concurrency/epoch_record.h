// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What one thread has in an EpochDomain: its announcement, and its retired
// objects; and what is reported of it. Include epoch.h.
#ifndef WIREBOOK_CONCURRENCY_EPOCH_RECORD_H_
#define WIREBOOK_CONCURRENCY_EPOCH_RECORD_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "concurrency/reclaim_records.h"
#include "memory/cache_line.h"

namespace wirebook {

// Exact while no other thread is in the domain.
struct EpochStats {
  std::uint64_t epoch = 0;
  std::uint64_t retired = 0;      // Objects, ever.
  std::uint64_t reclaimed = 0;    // Of these.
  std::uint64_t unreclaimed = 0;  // The rest.
  std::uint64_t scans = 0;        // Looks at all readers.
  std::size_t threads = 0;        // The most that were here at once.
};

// A thread that is inside a guard.
struct EpochReader {
  int thread_id = 0;        // Linux's, as in top -H.
  std::uint64_t epoch = 0;  // Of its guard.
  std::uint64_t since = 0;  // The first `now` at which this guard was seen.
  std::size_t waiting = 0;  // Objects that cannot go before it does.
};

namespace internal {

// Storage for what retire(pointer, deleter) must remember, kept by the thread
// that reclaimed last: retiring at an even pace allocates nothing.
class RetiredNodes {
 public:
  static constexpr std::size_t kBytes = kCacheLineBytes;

  RetiredNodes() = default;
  RetiredNodes(const RetiredNodes&) = delete;
  RetiredNodes& operator=(const RetiredNodes&) = delete;
  ~RetiredNodes() {
    while (first_ != nullptr) {
      ::operator delete(std::exchange(first_, first_->next));
    }
  }

  void* allocate() {  // Throws std::bad_alloc.
    if (first_ == nullptr) return ::operator new(kBytes);
    --size_;
    return std::exchange(first_, first_->next);
  }
  void deallocate(void* node) noexcept {
    if (size_ == kKept) {
      ::operator delete(node);
      return;
    }
    first_ = ::new (node) Free{first_};
    ++size_;
  }

 private:
  static constexpr std::size_t kKept = 4 * kReclaimBatch;
  struct Free {
    Free* next;
  };
  Free* first_ = nullptr;
  std::size_t size_ = 0;
};

template <template <typename> class Atom>
struct EpochRecord : ReclaimRecord<Atom> {
  void on_join() noexcept {
    // Relaxed: for reports.
    thread_id.store(gettid(), std::memory_order_relaxed);
  }
  void on_leave() noexcept {
    if (nesting != 0) {
      reclaim_die("epoch", this, "a thread ended inside a guard");
    }
  }

  // Hides the base's. Under `lock`.
  void give(RetiredChain& to) noexcept {
    to.take(waiting);
    ReclaimRecord<Atom>::give(to);
  }

  // Objects that an observed reader of `epoch` keeps. Under `lock`.
  std::size_t kept_by(std::uint64_t epoch) const noexcept {
    return this->open.size() + (waiting_epoch > epoch ? waiting.size() : 0);
  }

  // Under `lock`: retired before `waiting_epoch` began, unlike those in `open`.
  RetiredChain waiting;
  std::uint64_t waiting_epoch = 0;

  // The owner's, which alone writes it; on a line that only scans share.
  alignas(kFalseSharingBytes) Atom<std::uint64_t> announced{0};  // 0: outside.
  std::uint32_t nesting = 0;
  RetiredNodes nodes;

  // For reports: written by its thread, and by readers() under its mutex.
  std::atomic<int> thread_id{0};
  std::uint64_t seen_epoch = 0;
  std::uint64_t seen_at = 0;
};

}  // namespace internal
}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_EPOCH_RECORD_H_
