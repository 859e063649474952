// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/perf_counters.h"

#include <sys/mman.h>

#include <utility>

#include "gtest/gtest.h"

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

TEST(PerfCounters, WhatTheSystemRefusesIsAbsent) {
  const PerfCounters none;
  const PerfReadings readings = none.read();
  EXPECT_FALSE(readings.cache_misses.has_value());
  EXPECT_FALSE(readings.dtlb_misses.has_value());
  EXPECT_FALSE(readings.remote_node_loads.has_value());
  EXPECT_FALSE(readings.page_faults.has_value());
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
