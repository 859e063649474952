// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/atom_traits.h"

#include <atomic>
#include <mutex>
#include <thread>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

// A structure's way with the seam: one text for std::atomic and for a model.
template <template <typename> class Atom = std::atomic>
class Gate {
 public:
  void open() { open_.store(true, std::memory_order_release); }
  void wait() {
    while (!open_.load(std::memory_order_acquire)) AtomTraits<Atom>::pause();
  }

 private:
  Atom<bool> open_{false};
};

TEST(AtomTraits, APausingThreadSeesTheOtherOne) {
  Gate<> gate;
  int plain = 0;
  std::thread opener([&] {
    plain = 1;
    gate.open();
  });
  gate.wait();
  EXPECT_EQ(plain, 1);
  opener.join();
}

// What a test puts in the place of std::atomic and does not specialise.
template <typename T>
class OtherAtomic : public std::atomic<T> {
 public:
  using std::atomic<T>::atomic;
};

TEST(AtomTraits, AnotherAtomicGetsTheSame) {
  Gate<OtherAtomic> gate;
  gate.open();
  gate.wait();
}

// Store, fence, load on both sides: one at least sees the other. That the pair
// orders them under contention is asymmetric_fence_test's matter.
TEST(AtomTraits, TheFencesArePaired) {
  for (int i = 0; i < 100; ++i) {
    std::atomic<int> x{0}, y{0};
    int seen = -1;
    std::thread light([&] {
      // Relaxed, here and below: the pair of fences orders them.
      x.store(1, std::memory_order_relaxed);
      AtomTraits<std::atomic>::light_fence();
      seen = y.load(std::memory_order_relaxed);
    });
    y.store(1, std::memory_order_relaxed);
    AtomTraits<std::atomic>::heavy_fence();
    const int seen_here = x.load(std::memory_order_relaxed);
    light.join();
    ASSERT_TRUE(seen == 1 || seen_here == 1) << i;
  }
}

TEST(AtomTraits, TheMutexLocks) {
  AtomTraits<std::atomic>::Mutex mutex;
  std::lock_guard lock(mutex);
  std::thread other([&mutex] { EXPECT_FALSE(mutex.try_lock()); });
  other.join();
}

}  // namespace
}  // namespace wirebook
