// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// PerfCounters: what the hardware counted while this process used memory: cache
// misses, dTLB misses, loads from another NUMA node; and page faults, which the
// kernel counts.
//
// Use it to see whether a placement or huge pages helped; for latencies take a
// histogram. Counts user-space work of the thread that opened it and of threads
// started by it afterwards. Each counter is absent where the system refuses it
// (perf_event_paranoid, containers, virtual machines) or never ran it, and then
// it reads as nothing, never as 0. One that had to share the hardware is scaled
// up to the whole time.
//
// Threads: open and close on one; read() from any. Cost: none while it counts;
// read() is a system call a counter. Source: perf_event_open(2).
//
//   PerfCounters counters = PerfCounters::open();
//   work();
//   if (auto misses = counters.read().dtlb_misses) print(*misses);
#ifndef WIREBOOK_MEMORY_PERF_COUNTERS_H_
#define WIREBOOK_MEMORY_PERF_COUNTERS_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

namespace wirebook {

// Since open(); nothing for a counter that the system refused.
struct PerfReadings {
  std::optional<std::uint64_t> cache_misses;
  std::optional<std::uint64_t> dtlb_misses;
  std::optional<std::uint64_t> remote_node_loads;
  std::optional<std::uint64_t> page_faults;
};

class PerfCounters {
 public:
  // Without any counter, as after a move.
  PerfCounters() noexcept = default;
  static PerfCounters open() noexcept;
  PerfCounters(PerfCounters&& other) noexcept
      : files_(std::exchange(other.files_, kNone)) {}
  PerfCounters& operator=(PerfCounters&& other) noexcept {
    std::swap(files_, other.files_);
    return *this;
  }
  ~PerfCounters();

  PerfReadings read() const noexcept;

 private:
  static constexpr std::array<int, 4> kNone = {-1, -1, -1, -1};

  std::array<int, 4> files_ = kNone;
};

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_PERF_COUNTERS_H_
