// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/perf_counters.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace wirebook {
namespace {

constexpr std::uint64_t read_misses(std::uint64_t cache) {
  return cache | PERF_COUNT_HW_CACHE_OP_READ << 8 |
         PERF_COUNT_HW_CACHE_RESULT_MISS << 16;
}

int open_one(std::uint32_t type, std::uint64_t config) noexcept {
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.type = type;
  attributes.config = config;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  attributes.inherit = 1;
  attributes.read_format =
      PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  return static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1,
                                  PERF_FLAG_FD_CLOEXEC));
}

// Where there are more events than hardware counters, each counts for a part of
// the time, and some never do.
std::optional<std::uint64_t> read_one(int file) noexcept {
  struct {
    std::uint64_t value;
    std::uint64_t enabled_ns;
    std::uint64_t running_ns;
  } now{};
  if (file < 0 || read(file, &now, sizeof(now)) != sizeof(now) ||
      now.running_ns == 0) {
    return std::nullopt;
  }
  if (now.running_ns >= now.enabled_ns) return now.value;
  return static_cast<std::uint64_t>(static_cast<double>(now.value) *
                                    static_cast<double>(now.enabled_ns) /
                                    static_cast<double>(now.running_ns));
}

}  // namespace

PerfCounters PerfCounters::open() noexcept {
  PerfCounters counters;
  counters.files_ = {
      open_one(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES),
      open_one(PERF_TYPE_HW_CACHE, read_misses(PERF_COUNT_HW_CACHE_DTLB)),
      open_one(PERF_TYPE_HW_CACHE, read_misses(PERF_COUNT_HW_CACHE_NODE)),
      open_one(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS)};
  return counters;
}

PerfCounters::~PerfCounters() {
  for (const int file : files_) {
    if (file >= 0) close(file);
  }
}

PerfReadings PerfCounters::read() const noexcept {
  return {read_one(files_[0]), read_one(files_[1]), read_one(files_[2]),
          read_one(files_[3])};
}

}  // namespace wirebook
