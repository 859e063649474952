// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/memory_report.h"

#include <clocale>
#include <limits>
#include <string>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

MemoryStats two_sources() {
  MemoryStats stats;
  stats.sources = {{"numa", 4 << 20, 2 << 20, 3 << 20, 10, 7, 1},
                   {"a \"pool\"\\\n", 1 << 20, 0, 1 << 20, 5, 5, 0}};
  stats.total = {"total", 5 << 20, 2 << 20, 4 << 20, 15, 12, 1};
  stats.allocations_per_second = 1234.56;
  return stats;
}

TEST(MemoryReport, JsonHasEveryFigureAndEscapesNames) {
  MemoryStats stats = two_sources();
  stats.locality_percent = 97.5;
  stats.perf.page_faults = 42;
  EXPECT_EQ(memory_json(stats),
            "{\"total\":{\"name\":\"total\",\"in_use_bytes\":2097152,"
            "\"peak_bytes\":4194304,\"capacity_bytes\":5242880,"
            "\"total_allocations\":15,\"total_deallocations\":12,"
            "\"allocation_failures\":1},\"sources\":[{\"name\":\"numa\","
            "\"in_use_bytes\":2097152,\"peak_bytes\":3145728,"
            "\"capacity_bytes\":4194304,\"total_allocations\":10,"
            "\"total_deallocations\":7,\"allocation_failures\":1},"
            "{\"name\":\"a \\\"pool\\\"\\\\\\u000a\",\"in_use_bytes\":0,"
            "\"peak_bytes\":1048576,\"capacity_bytes\":1048576,"
            "\"total_allocations\":5,\"total_deallocations\":5,"
            "\"allocation_failures\":0}],\"allocations_per_second\":1234.6,"
            "\"deallocations_per_second\":0.0,\"numa_locality_percent\":97.50,"
            "\"cache_misses\":null,\"dtlb_misses\":null,"
            "\"remote_node_loads\":null,\"page_faults\":42}");
}

TEST(MemoryReport, JsonSaysNullForWhatIsUnknown) {
  EXPECT_NE(memory_json({}).find("\"numa_locality_percent\":null"),
            std::string::npos);
}

TEST(MemoryReport, JsonHasNumbersOnly) {
  MemoryStats stats;
  stats.allocations_per_second = std::numeric_limits<double>::infinity();
  stats.deallocations_per_second = std::numeric_limits<double>::max();
  const std::string json = memory_json(stats);
  EXPECT_NE(json.find("\"allocations_per_second\":null"), std::string::npos);
  EXPECT_NE(json.find("858368.0,\"numa_locality"), std::string::npos) << json;
}

TEST(MemoryReport, JsonHasPointsInEveryLocale) {
  const char* comma = nullptr;
  for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"}) {
    if (comma == nullptr) comma = std::setlocale(LC_NUMERIC, name);
  }
  if (comma == nullptr) GTEST_SKIP() << "no locale with a decimal comma";
  const std::string json = memory_json(two_sources());
  std::setlocale(LC_NUMERIC, "C");
  EXPECT_NE(json.find("\"allocations_per_second\":1234.6,"), std::string::npos);
}

TEST(MemoryReport, TextIsATable) {
  MemoryStats stats = two_sources();
  const std::string unknown = memory_text(stats);
  EXPECT_NE(unknown.find("numa                 2.00       3.00       4.00"),
            std::string::npos)
      << unknown;
  EXPECT_NE(unknown.find("rates: 1235 allocations/s"), std::string::npos);
  EXPECT_NE(unknown.find("NUMA locality: unknown"), std::string::npos);
  EXPECT_EQ(unknown.find("page_faults"), std::string::npos);
  stats.locality_percent = 97.5;
  stats.perf.page_faults = 42;
  const std::string known = memory_text(stats);
  EXPECT_NE(known.find("NUMA locality: 97.5 %\n"), std::string::npos);
  EXPECT_NE(known.find("page_faults: 42\n"), std::string::npos);
}

}  // namespace
}  // namespace wirebook
