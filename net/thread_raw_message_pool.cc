// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/thread_raw_message_pool.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

namespace wirebook {
namespace {

struct ThreadPool {
  RawMessagePoolOptions options;
  std::unique_ptr<RawMessagePool> pool;
};

ThreadPool& thread_pool() {
  thread_local ThreadPool pool;
  return pool;
}

}  // namespace

absl::Status set_thread_pool_capacity(size_t slots) {
  ThreadPool& mine = thread_pool();
  if (slots == 0) {
    return absl::InvalidArgumentError(
        "set_thread_pool_capacity: 0 slots; give as many as the slabs of this "
        "thread's connections have together");
  }
  if (mine.pool != nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(
        "set_thread_pool_capacity: this thread has its pool already, of ",
        mine.options.slots,
        " slots; set the capacity before thread_raw_message_pool()"));
  }
  mine.options.slots = slots;
  return absl::OkStatus();
}

absl::StatusOr<RawMessagePool*> thread_raw_message_pool() {
  ThreadPool& mine = thread_pool();
  if (mine.pool == nullptr) [[unlikely]] {
    absl::StatusOr<std::unique_ptr<RawMessagePool>> made =
        RawMessagePool::create(mine.options);
    if (!made.ok()) return made.status();
    mine.pool = *std::move(made);
  }
  return mine.pool.get();
}

}  // namespace wirebook
