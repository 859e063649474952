// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "concurrency/asymmetric_fence.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace wirebook {
namespace internal {

constinit std::atomic<FenceKind> g_fence_kind{FenceKind::kUndecided};

namespace {

long membarrier(int command) noexcept {
  return syscall(SYS_membarrier, command, 0, 0);
}

// Registering twice is harmless, so threads may decide at once.
FenceKind decided() noexcept {
  // Relaxed: the kernel's answer is the same for whoever asks.
  FenceKind kind = g_fence_kind.load(std::memory_order_relaxed);
  if (kind == FenceKind::kUndecided) [[unlikely]] {
    kind = decide_fence_kind(&membarrier);
    g_fence_kind.store(kind, std::memory_order_relaxed);
  }
  return kind;
}

// Before main, and before static constructors that fence heavily: each heavy
// fence decides first if nobody has.
const FenceKind decided_at_start = decided();

}  // namespace

FenceKind decide_fence_kind(MembarrierCall call) noexcept {
  const long commands = call(MEMBARRIER_CMD_QUERY);
  constexpr long kNeeded = MEMBARRIER_CMD_PRIVATE_EXPEDITED |
                           MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
  if (commands < 0 || (commands & kNeeded) != kNeeded) {
    return FenceKind::kLocked;
  }
  // Done once here, so that a sandbox which tells commands apart shows now.
  if (call(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) != 0 ||
      call(MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0) {
    return FenceKind::kLocked;
  }
  return FenceKind::kMembarrier;
}

}  // namespace internal

void asymmetric_thread_fence_heavy(std::memory_order order) noexcept {
  if (order == std::memory_order_relaxed) return;
  if (internal::decided() != internal::FenceKind::kMembarrier) {
    internal::locked_fence();
    return;
  }
  // A full barrier for the caller as well.
  if (internal::membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0)
      [[unlikely]] {
    std::fprintf(stderr,
                 "wirebook: asymmetric_fence at %p: the kernel refused a "
                 "membarrier that it had granted; allow membarrier(2) in the "
                 "sandbox\n",
                 static_cast<void*>(&internal::g_fence_kind));
    std::abort();
  }
}

bool asymmetric_thread_fence_is_free() noexcept {
  return internal::decided() == internal::FenceKind::kMembarrier;
}

}  // namespace wirebook
