// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// asymmetric_thread_fence_light / _heavy: a sequentially consistent fence that
// costs one side (almost) nothing, and the other side all of it.
//
// When: one side runs on a hot path (a reader announces what it reads), the
// other seldom (a reclaimer looks at the announcements). Both sides hot: let
// both use seq_cst exchanges. What is built on this: hazard_pointer, epoch,
// rcu.
//
// Guarantee: of two threads where one stores, passes a light fence and loads,
// and the other stores, passes a heavy fence and loads, one at least sees the
// other's store. Light against light orders nothing. Names and meaning:
// Concurrency TS 2 (N4956, [asymmetric.fence], proposed in P1202).
//
// How: the light side keeps the compiler from reordering. The heavy side makes
// the kernel run a full barrier on each CPU that runs a thread of this process
// (membarrier(2), private expedited, registered once before main). Where the
// kernel refuses that (older than 4.14, a sandbox, an emulator) the light side
// is a locked instruction, and so is the heavy one; which it is, is decided
// once per process. Never mfence, which costs several times a locked
// instruction. Processes that share memory are not fenced against each other.
//
// Progress: light wait-free; heavy waits for the other CPUs' kernels, never
// for a thread. Any thread, at any time, also before main and in signal
// handlers; in a child of fork() too. Cost: light a load and a branch, under
// 1 ns; heavy 0.3 us and an interrupt on each CPU that runs a thread of the
// process.
// Figures: COSTS.md, asymmetric_fence_benchmark.
//
//   std::atomic<int> reading{0}, closing{0};
//   // reader                                  // closer
//   reading.store(1, relaxed);                 closing.store(1, relaxed);
//   asymmetric_thread_fence_light(seq_cst);    asymmetric_thread_fence_heavy(
//   if (!closing.load(relaxed)) read();            seq_cst);
//                                              if (!reading.load(relaxed))
//                                                close();
//
// ThreadSanitizer models no fence, this neither: it needs no annotation, and
// gives none. So data that crosses threads must do so by a release and an
// acquire; the fences only decide which of two stores is seen. (In the example:
// the reader leaves by a release of `reading`, the closer acquires it.)
#ifndef WIREBOOK_CONCURRENCY_ASYMMETRIC_FENCE_H_
#define WIREBOOK_CONCURRENCY_ASYMMETRIC_FENCE_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <cstdint>

namespace wirebook {

namespace internal {

enum class FenceKind : uint8_t {
  kUndecided,   // Before the first heavy fence and before main: as kLocked.
  kLocked,      // The kernel refused: both sides are locked instructions.
  kMembarrier,  // Light is free.
};

// membarrier(2) with its errors as -1; tests put another in its place.
using MembarrierCall = long (*)(int command) noexcept;

// Registers the process, if `call` can, and says what its answer means.
FenceKind decide_fence_kind(MembarrierCall call) noexcept;

// Where several shared objects contain this library and each has its own, each
// decides for itself, and the kernel gives all the same answer; an undecided
// light side is safe against any heavy one. Not hidden: a caller's shared
// object may contain the light side alone.
extern constinit std::atomic<FenceKind> g_fence_kind;

// A full barrier, of the processor and the compiler. As the kernel's smp_mb():
// it writes nothing, and the line is the thread's own.
inline void locked_fence() noexcept {
  asm volatile("lock; addl $0, -4(%%rsp)" ::: "memory", "cc");
}

}  // namespace internal

// The cheap side. `order` is for the reader; each but relaxed is seq_cst.
inline void asymmetric_thread_fence_light(std::memory_order order) noexcept {
  if (order == std::memory_order_relaxed) return;
  // Relaxed: whoever reads kMembarrier, reads it after the process registered,
  // and from then on each heavy fence is a membarrier.
  if (internal::g_fence_kind.load(std::memory_order_relaxed) !=
      internal::FenceKind::kMembarrier) [[unlikely]] {
    internal::locked_fence();
    return;
  }
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

// The dear side. Ends the process if the kernel refuses membarrier now though
// it granted it before (a sandbox that was closed after the start: allow
// membarrier(2) in it), since light fences that were passed cannot be undone.
void asymmetric_thread_fence_heavy(std::memory_order order) noexcept;

// True where the light side is a compiler barrier alone; for reports.
[[nodiscard]] bool asymmetric_thread_fence_is_free() noexcept;

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_ASYMMETRIC_FENCE_H_
