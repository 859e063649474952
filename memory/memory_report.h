// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// MemoryStats: the figures of several allocators, alike, and how they are
// written: as a table for people and as JSON for programs.
//
// What MemoryManager::stats() gives. Plain values; any thread.
//
//   MemoryStats stats = manager.stats();
//   puts(memory_text(stats).c_str());
//   admin_page.send(memory_json(stats));
#ifndef WIREBOOK_MEMORY_MEMORY_REPORT_H_
#define WIREBOOK_MEMORY_MEMORY_REPORT_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "memory/perf_counters.h"

namespace wirebook {

// One allocator's figures, in its own unit of rounding. Exact at rest.
struct MemorySourceStats {
  std::string name;  // UTF-8.
  std::size_t capacity_bytes = 0;
  std::size_t in_use_bytes = 0;
  std::size_t peak_bytes = 0;
  std::uint64_t total_allocations = 0;
  std::uint64_t total_deallocations = 0;
  std::uint64_t allocation_failures = 0;
};

struct MemoryStats {
  // All of `sources`; its peak is the sum of theirs, so at least the peak.
  MemorySourceStats total;
  std::vector<MemorySourceStats> sources;
  // Since the stats() before; 0 at the first, and without a clock.
  double allocations_per_second = 0;
  double deallocations_per_second = 0;
  // Of the NUMA allocator's pages; nothing if unknown or not measured.
  std::optional<double> locality_percent;
  PerfReadings perf;  // Nothing unless opened.
};

// A line for each source, in MB (2^20 bytes), and what else is known.
std::string memory_text(const MemoryStats& stats);

// One JSON object (RFC 8259); sizes in bytes, unknown figures null.
std::string memory_json(const MemoryStats& stats);

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_MEMORY_REPORT_H_
