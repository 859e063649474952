// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// AtomTraits<Atom>: what a concurrent structure does to other threads beside
// its accesses to Atom<T>.
//
// Every structure here takes `template <typename> class Atom = std::atomic`, so
// that a test can put a scheduler underneath (testing/model.h). Spinning,
// locking and fences must pass through the same seam, or the scheduler would
// not see them.
//
//   template <template <typename> class Atom = std::atomic>
//   class Gate {
//    public:
//     void open() { open_.store(true, std::memory_order_release); }
//     void wait() {
//       // Pairs with the release in open().
//       while (!open_.load(std::memory_order_acquire)) {
//         AtomTraits<Atom>::pause();
//       }
//     }
//
//    private:
//     Atom<bool> open_{false};
//   };

#ifndef WIREBOOK_CONCURRENCY_ATOM_TRAITS_H_
#define WIREBOOK_CONCURRENCY_ATOM_TRAITS_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <mutex>

#include "concurrency/asymmetric_fence.h"

namespace wirebook {

template <template <typename> class Atom>
struct AtomTraits {
  // For set-up paths such as a registry of threads. Meets Lockable.
  using Mutex = std::mutex;

  // A turn of a loop that waits for another thread: about 140 cycles on Intel
  // since Skylake, fewer elsewhere (Intel's optimization manual, 2.5.4).
  static void pause() noexcept { __builtin_ia32_pause(); }

  // asymmetric_fence.h's pair.
  static void light_fence() noexcept {
    asymmetric_thread_fence_light(std::memory_order_seq_cst);
  }
  static void heavy_fence() noexcept {
    asymmetric_thread_fence_heavy(std::memory_order_seq_cst);
  }
};

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_ATOM_TRAITS_H_
