// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/asymmetric_fence.h"

#include <linux/filter.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "memory/cache_line.h"

namespace wirebook {
namespace {

using internal::decide_fence_kind;
using internal::FenceKind;

constexpr char kRefusedEnvironment[] = "WIREBOOK_TEST_MEMBARRIER_REFUSED";

bool membarrier_is_refused() {
  return std::getenv(kRefusedEnvironment) != nullptr;
}

constexpr size_t kCells = 256;
constexpr uint32_t kRounds = 2000;

// The store buffering litmus test: each thread stores its flag, fences, and
// looks at the other's. On lines of their own, so that stores take long to
// arrive.
struct Cell {
  alignas(kFalseSharingBytes) std::atomic<uint32_t> light{0};
  alignas(kFalseSharingBytes) std::atomic<uint32_t> heavy{0};
  bool light_was_blind = false;
  bool heavy_was_blind = false;
};

// Both threads start at once. Spins a little, then yields, for where there is
// one CPU for both.
class Start {
 public:
  void wait() {
    const uint32_t round = arrivals_.fetch_add(1) / 2;
    for (uint32_t i = 0; arrivals_.load() / 2 == round; ++i) {
      if (i > 1000) std::this_thread::yield();
    }
  }

 private:
  std::atomic<uint32_t> arrivals_{0};
};

// Times that neither thread saw the other: 0 with working fences. In kRounds,
// or as many as a busy machine does in five seconds.
template <typename Light, typename Heavy>
size_t times_that_both_were_blind(Light light_fence, Heavy heavy_fence) {
  std::vector<Cell> cells(kCells);
  Start start;
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(5);
  std::atomic<bool> enough{false};
  size_t both_blind = 0;
  std::thread light([&] {
    for (uint32_t round = 1; round <= kRounds; ++round) {
      start.wait();
      if (enough) break;
      for (size_t i = 0; i < kCells; ++i) {
        Cell& cell = cells[i];
        // In every second round no cell ahead of the other thread, which may be
        // slower, and a little later in each cell.
        for (size_t turn = 0; round % 2 == 0 && i > 0 && turn < 1000 &&
                              cells[i - 1].heavy.load() != round;
             ++turn) {
        }
        for (size_t turn = 0; round % 2 == 0 && turn < i; ++turn) {
          asm volatile("");
        }
        cell.light.store(round, std::memory_order_relaxed);
        light_fence();
        cell.light_was_blind =
            cell.heavy.load(std::memory_order_relaxed) != round;
      }
      start.wait();
    }
  });
  for (uint32_t round = 1; round <= kRounds; ++round) {
    enough = std::chrono::steady_clock::now() >= deadline;
    start.wait();
    if (enough) break;
    for (Cell& cell : cells) {
      cell.heavy.store(round, std::memory_order_relaxed);
      heavy_fence();
      cell.heavy_was_blind =
          cell.light.load(std::memory_order_relaxed) != round;
    }
    start.wait();
    both_blind += std::count_if(cells.begin(), cells.end(), [](const Cell& c) {
      return c.light_was_blind && c.heavy_was_blind;
    });
  }
  light.join();
  return both_blind;
}

void light() { asymmetric_thread_fence_light(std::memory_order_seq_cst); }
void heavy() { asymmetric_thread_fence_heavy(std::memory_order_seq_cst); }

TEST(AsymmetricFence, OneOfTwoThreadsSeesTheOther) {
  EXPECT_EQ(times_that_both_were_blind(&light, &heavy), 0u);
}

TEST(AsymmetricFence, LockedInstructionOnBothSidesDoesTheSame) {
  EXPECT_EQ(times_that_both_were_blind(&internal::locked_fence,
                                       &internal::locked_fence),
            0u);
}

TEST(AsymmetricFence, LightIsFreeExactlyWhereTheKernelGrantsMembarrier) {
  const long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
  const bool granted =
      commands >= 0 && (commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0;
  EXPECT_EQ(asymmetric_thread_fence_is_free(), granted);
}

TEST(AsymmetricFence, RelaxedFencesNothingAndAnyOtherOrderIsAccepted) {
  for (const std::memory_order order :
       {std::memory_order_relaxed, std::memory_order_acquire,
        std::memory_order_release, std::memory_order_acq_rel,
        std::memory_order_seq_cst}) {
    asymmetric_thread_fence_light(order);
    asymmetric_thread_fence_heavy(order);
  }
}

// A child inherits what its parent decided; the kernel must know it too.
TEST(AsymmetricFence, HoldsInAChildOfFork) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    light();
    heavy();
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

// ---- The decision, with a kernel of the test's own --------------------------

TEST(FenceKind, IsMembarrierWhereTheKernelGrantsAllOfIt) {
  EXPECT_EQ(decide_fence_kind([](int command) noexcept -> long {
              return command == MEMBARRIER_CMD_QUERY ? 0xff : 0;
            }),
            FenceKind::kMembarrier);
}

TEST(FenceKind, IsLockedWhereTheKernelHasNoMembarrier) {
  EXPECT_EQ(decide_fence_kind([](int) noexcept -> long { return -1; }),
            FenceKind::kLocked);
}

TEST(FenceKind, IsLockedWhereTheKernelIsOlderThanTheCommand) {
  EXPECT_EQ(decide_fence_kind([](int command) noexcept -> long {
              return command == MEMBARRIER_CMD_QUERY ? MEMBARRIER_CMD_GLOBAL
                                                     : 0;
            }),
            FenceKind::kLocked);
}

TEST(FenceKind, IsLockedWhereRegistrationIsRefused) {
  EXPECT_EQ(decide_fence_kind([](int command) noexcept -> long {
              if (command == MEMBARRIER_CMD_QUERY) return 0xff;
              return command == MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED ? -1
                                                                          : 0;
            }),
            FenceKind::kLocked);
}

TEST(FenceKind, IsLockedWhereTheBarrierItselfIsRefused) {
  EXPECT_EQ(decide_fence_kind([](int command) noexcept -> long {
              if (command == MEMBARRIER_CMD_QUERY) return 0xff;
              return command == MEMBARRIER_CMD_PRIVATE_EXPEDITED ? -1 : 0;
            }),
            FenceKind::kLocked);
}

// ---- A kernel that really refuses: seccomp ----------------------------------

// From here on membarrier(2) fails in this process and what it executes.
bool refuse_membarrier() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog program{sizeof(filter) / sizeof(filter[0]), filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// This program once more, its start and all tests of AsymmetricFence, where the
// kernel refuses from the beginning.
TEST(RefusedMembarrier, FromTheStartMakesBothSidesLockedAndStillOrders) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (!refuse_membarrier()) _exit(70);
    setenv(kRefusedEnvironment, "1", 1);
    execl("/proc/self/exe", "asymmetric_fence_test",
          "--gtest_filter=AsymmetricFence.*:InRefusedChild.*", nullptr);
    _exit(71);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(InRefusedChild, LightIsNotFree) {
  if (!membarrier_is_refused()) GTEST_SKIP() << "runs in RefusedMembarrier";
  EXPECT_FALSE(asymmetric_thread_fence_is_free());
  EXPECT_EQ(internal::g_fence_kind.load(), FenceKind::kLocked);
}

TEST(RefusedMembarrierDeathTest, AfterItWasGrantedEndsTheProcess) {
  if (!asymmetric_thread_fence_is_free()) GTEST_SKIP() << "never granted";
  EXPECT_DEATH(
      {
        if (refuse_membarrier()) heavy();
      },
      "wirebook: asymmetric_fence at 0x[0-9a-f]+: the kernel refused");
}

}  // namespace
}  // namespace wirebook
