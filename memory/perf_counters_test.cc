// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/perf_counters.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <thread>
#include <utility>

#include "gtest/gtest.h"
#include "memory/testing/refuse_calls.h"

namespace wirebook {
namespace {

void touch_fresh_pages(std::size_t pages) {
  void* memory = mmap(nullptr, pages * 4096, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  madvise(memory, pages * 4096, MADV_NOHUGEPAGE);
  for (std::size_t i = 0; i < pages; ++i) {
    static_cast<volatile char*>(memory)[i * 4096] = 1;
  }
  munmap(memory, pages * 4096);
}

TEST(PerfCounters, CountsPageFaults) {
  const PerfCounters counters = PerfCounters::open();
  const PerfReadings before = counters.read();
  if (!before.page_faults.has_value()) {
    GTEST_SKIP() << "the system refuses perf_event_open";
  }
  touch_fresh_pages(1000);
  EXPECT_GE(*counters.read().page_faults, *before.page_faults + 1000);
}

TEST(PerfCounters, CountsThreadsThatAreStartedLater) {
  const PerfCounters counters = PerfCounters::open();
  const PerfReadings before = counters.read();
  if (!before.page_faults.has_value()) {
    GTEST_SKIP() << "the system refuses perf_event_open";
  }
  std::thread([] { touch_fresh_pages(1000); }).join();
  EXPECT_GE(*counters.read().page_faults, *before.page_faults + 1000);
}

bool has_any(const PerfReadings& readings) {
  return readings.cache_misses || readings.dtlb_misses ||
         readings.remote_node_loads || readings.page_faults;
}

TEST(PerfCounters, WithoutOpenThereIsNone) {
  EXPECT_FALSE(has_any(PerfCounters().read()));
}

TEST(PerfCounters, WhatTheSystemRefusesIsAbsent) {
  for (const long call : {SYS_perf_event_open, SYS_read}) {
    const pid_t child = fork();
    if (child == 0) {
      if (!testing::refuse_calls({call}, EACCES)) testing::leave_child(2);
      const PerfCounters counters = PerfCounters::open();
      testing::leave_child(has_any(counters.read()) ? 1 : 0);
    }
    int status;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "no seccomp here";
    EXPECT_EQ(status, 0) << call;
  }
}

TEST(PerfCounters, MovesWithItsFiles) {
  PerfCounters counters = PerfCounters::open();
  const bool has = counters.read().page_faults.has_value();
  PerfCounters moved = std::move(counters);
  EXPECT_EQ(moved.read().page_faults.has_value(), has);
  PerfCounters assigned;
  assigned = std::move(moved);
  EXPECT_EQ(assigned.read().page_faults.has_value(), has);
}

}  // namespace
}  // namespace wirebook
