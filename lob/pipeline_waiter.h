// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// PipelineWaiter: what a pipeline's thread does while it has nothing to do.
//
// kSpin pauses and makes no system call; kAdaptive pauses for some 50 us, then
// yields, then sleeps 50 us at a time; kSleep sleeps at once. Nobody has to
// wake a sleeper, so the thread before it pays nothing.
//
// Thread rules: one thread an object.
//
//   PipelineWaiter waiter(WaitMode::kAdaptive);
//   while (!ring.try_pop(item)) waiter.wait();
//   waiter.reset();

#ifndef WIREBOOK_LOB_PIPELINE_WAITER_H_
#define WIREBOOK_LOB_PIPELINE_WAITER_H_

#include <sched.h>
#include <time.h>

#include <cstdint>

#include "net/wait_mode.h"

namespace wirebook {

class PipelineWaiter {
 public:
  explicit PipelineWaiter(WaitMode mode) noexcept : mode_(mode) {}

  // There was work.
  void reset() noexcept { idle_ = 0; }

  void wait() noexcept {
    constexpr uint32_t kSpins = 2000;
    constexpr uint32_t kYields = 100;
    if (mode_ == WaitMode::kSpin) {
      __builtin_ia32_pause();
      return;
    }
    if (mode_ == WaitMode::kAdaptive && idle_ < kSpins + kYields) {
      if (++idle_ < kSpins) {
        __builtin_ia32_pause();
      } else {
        sched_yield();
      }
      return;
    }
    constexpr timespec kNap{.tv_sec = 0, .tv_nsec = 50'000};
    nanosleep(&kNap, nullptr);
  }

 private:
  const WaitMode mode_;
  uint32_t idle_ = 0;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_PIPELINE_WAITER_H_
