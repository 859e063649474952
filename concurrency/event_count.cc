// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/event_count.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <ctime>

namespace wirebook::internal {

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t) &&
                  std::atomic<uint32_t>::is_always_lock_free,
              "the kernel compares the word itself");

bool futex_wait(const std::atomic<uint32_t>& word, uint32_t old,
                const WaitDeadline* deadline) noexcept {
  timespec until = {};
  if (deadline != nullptr) {
    using std::chrono::nanoseconds, std::chrono::seconds;
    const auto since_boot = deadline->time_since_epoch();
    // Before the boot is as much past as the boot.
    if (since_boot <= since_boot.zero()) return false;
    const auto whole = std::chrono::floor<seconds>(since_boot);
    until.tv_sec = whole.count();
    until.tv_nsec = nanoseconds(since_boot - whole).count();
  }
  // The bitset form takes an absolute CLOCK_MONOTONIC time: futex(2).
  const long result = syscall(
      SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, old,
      deadline == nullptr ? nullptr : &until, nullptr, FUTEX_BITSET_MATCH_ANY);
  return result == 0 || errno != ETIMEDOUT;
}

void futex_wake(std::atomic<uint32_t>& word, int threads) noexcept {
  syscall(SYS_futex, &word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, threads, nullptr,
          nullptr, 0);
}

}  // namespace wirebook::internal
