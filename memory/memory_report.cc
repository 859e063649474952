// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/memory_report.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace wirebook {
namespace {

template <typename... Args>
void append(std::string& text, const char* format, Args... args) {
  char line[256];
  const int length = std::snprintf(line, sizeof(line), format, args...);
  text.append(line,
              std::min(static_cast<std::size_t>(length), sizeof(line) - 1));
}

double megabytes(std::size_t bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

void append_row(std::string& text, const MemorySourceStats& row) {
  append(text, "%-14.40s %10.2f %10.2f %10.2f %14llu %14llu %9llu\n",
         row.name.c_str(), megabytes(row.in_use_bytes),
         megabytes(row.peak_bytes), megabytes(row.capacity_bytes),
         static_cast<unsigned long long>(row.total_allocations),
         static_cast<unsigned long long>(row.total_deallocations),
         static_cast<unsigned long long>(row.allocation_failures));
}

// Not by printf, whose decimal point is the locale's.
void append_number(std::string& json, double value, int digits) {
  char number[352];  // The longest double has 309 digits before the point.
  if (!std::isfinite(value)) {
    json += "null";
    return;
  }
  json.append(number, std::to_chars(number, number + sizeof(number), value,
                                    std::chars_format::fixed, digits)
                          .ptr);
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      append(result, "\\u%04x", static_cast<unsigned>(c));
    } else {
      result += c;
    }
  }
  return result + '"';
}

void append_object(std::string& json, const MemorySourceStats& source) {
  json += "{\"name\":" + quoted(source.name);
  append(json,
         ",\"in_use_bytes\":%zu,\"peak_bytes\":%zu,\"capacity_bytes\":%zu",
         source.in_use_bytes, source.peak_bytes, source.capacity_bytes);
  append(json,
         ",\"total_allocations\":%llu,\"total_deallocations\":%llu,"
         "\"allocation_failures\":%llu}",
         static_cast<unsigned long long>(source.total_allocations),
         static_cast<unsigned long long>(source.total_deallocations),
         static_cast<unsigned long long>(source.allocation_failures));
}

struct NamedReading {
  const char* name;
  std::optional<std::uint64_t> value;
};

std::vector<NamedReading> named(const PerfReadings& perf) {
  return {{"cache_misses", perf.cache_misses},
          {"dtlb_misses", perf.dtlb_misses},
          {"remote_node_loads", perf.remote_node_loads},
          {"page_faults", perf.page_faults}};
}

}  // namespace

std::string memory_text(const MemoryStats& stats) {
  std::string text;
  append(text, "%-14s %10s %10s %10s %14s %14s %9s\n", "memory", "in use MB",
         "peak MB", "mapped MB", "allocations", "deallocations", "failures");
  for (const MemorySourceStats& source : stats.sources)
    append_row(text, source);
  append_row(text, stats.total);
  append(text, "rates: %.0f allocations/s, %.0f deallocations/s\n",
         stats.allocations_per_second, stats.deallocations_per_second);
  if (stats.locality_percent.has_value()) {
    append(text, "NUMA locality: %.1f %%\n", *stats.locality_percent);
  } else {
    text += "NUMA locality: unknown\n";
  }
  for (const NamedReading& reading : named(stats.perf)) {
    if (!reading.value.has_value()) continue;
    append(text, "%s: %llu\n", reading.name,
           static_cast<unsigned long long>(*reading.value));
  }
  return text;
}

std::string memory_json(const MemoryStats& stats) {
  std::string json = "{\"total\":";
  append_object(json, stats.total);
  json += ",\"sources\":[";
  for (std::size_t i = 0; i < stats.sources.size(); ++i) {
    if (i != 0) json += ',';
    append_object(json, stats.sources[i]);
  }
  json += "],\"allocations_per_second\":";
  append_number(json, stats.allocations_per_second, 1);
  json += ",\"deallocations_per_second\":";
  append_number(json, stats.deallocations_per_second, 1);
  json += ",\"numa_locality_percent\":";
  append_number(json, stats.locality_percent.value_or(NAN), 2);
  for (const NamedReading& reading : named(stats.perf)) {
    append(json, ",\"%s\":", reading.name);
    if (reading.value.has_value()) {
      append(json, "%llu", static_cast<unsigned long long>(*reading.value));
    } else {
      json += "null";
    }
  }
  return json + "}";
}

}  // namespace wirebook
