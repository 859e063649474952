// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/memory_manager.h"

#include <algorithm>
#include <chrono>

namespace wirebook {
namespace {

std::uint64_t steady_ns() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(
          std::chrono::steady_clock::now().time_since_epoch())
          .count());
}

// The fields that all allocators' figures share.
template <typename Stats>
MemorySourceStats common(const char* name, const Stats& stats) {
  return {name,
          stats.capacity_bytes,
          stats.in_use_bytes,
          stats.peak_bytes,
          stats.total_allocations,
          stats.total_deallocations,
          stats.allocation_failures};
}

MemorySourceStats sum(const std::vector<MemorySourceStats>& sources) {
  MemorySourceStats total;
  total.name = "total";
  for (const MemorySourceStats& source : sources) {
    total.capacity_bytes += source.capacity_bytes;
    total.in_use_bytes += source.in_use_bytes;
    total.peak_bytes += source.peak_bytes;
    total.total_allocations += source.total_allocations;
    total.total_deallocations += source.total_deallocations;
    total.allocation_failures += source.allocation_failures;
  }
  return total;
}

std::optional<double> value_of(MemoryMetric metric, const MemoryStats& stats) {
  switch (metric) {
    case MemoryMetric::kInUseBytes:
      return static_cast<double>(stats.total.in_use_bytes);
    case MemoryMetric::kCapacityBytes:
      return static_cast<double>(stats.total.capacity_bytes);
    case MemoryMetric::kAllocationFailures:
      return static_cast<double>(stats.total.allocation_failures);
    case MemoryMetric::kAllocationsPerSecond:
      return stats.allocations_per_second;
    case MemoryMetric::kLocalityPercent:
      break;
  }
  return stats.locality_percent;
}

bool passes(const MemoryAlert& alert, double value) {
  return alert.metric == MemoryMetric::kLocalityPercent
             ? value < alert.threshold
             : value >= alert.threshold;
}

}  // namespace

MemoryManager::MemoryManager(const MemoryManagerOptions& options)
    : small_limit_(
          std::min(options.small_limit, ThreadCacheAllocator::kMaxCachedBytes)),
      large_limit_(options.large_limit),
      now_ns_(options.now_ns),
      perf_(options.perf_counters ? PerfCounters::open() : PerfCounters()),
      thread_cache_(options.thread_cache),
      numa_(options.numa),
      mmap_(options.mmap) {}

MemoryManager& MemoryManager::instance() {
  static MemoryManager* const manager =
      new MemoryManager({.now_ns = &steady_ns});
  return *manager;
}

MemoryRoute MemoryManager::route_unusual(std::size_t bytes,
                                         std::size_t alignment,
                                         MemoryHints hints) const noexcept {
  if (hints.need == MemoryNeed::kOwnPages) return MemoryRoute::kMmap;
  if (hints.need == MemoryNeed::kNode) return MemoryRoute::kNuma;
  const bool cacheable = bytes <= ThreadCacheAllocator::kMaxCachedBytes &&
                         alignment <= kMaxSmallAlignment;
  if (hints.lifetime == MemoryLifetime::kBrief && cacheable) {
    return MemoryRoute::kThreadCache;
  }
  if (hints.lifetime == MemoryLifetime::kLasting && bytes >= kLastingLimit) {
    return MemoryRoute::kMmap;
  }
  if (cacheable && bytes <= small_limit_) return MemoryRoute::kThreadCache;
  return bytes <= large_limit_ ? MemoryRoute::kNuma : MemoryRoute::kMmap;
}

void MemoryManager::deallocate_pages(void* block) noexcept {
  if (block == nullptr) return;
  if (mmap_.usable_bytes(block) != 0) return mmap_.deallocate(block);
  numa_.deallocate(block);
}

int MemoryManager::add_source(MemorySource source) {
  const std::lock_guard lock(mutex_);
  sources_.emplace_back(++last_number_, std::move(source));
  return last_number_;
}

void MemoryManager::remove_source(int number) {
  const std::lock_guard lock(mutex_);
  std::erase_if(sources_, [&](const auto& s) { return s.first == number; });
}

int MemoryManager::add_alert(MemoryAlert alert) {
  const std::lock_guard lock(mutex_);
  alerts_.push_back({++last_number_, std::move(alert), false});
  return last_number_;
}

void MemoryManager::remove_alert(int number) {
  const std::lock_guard lock(mutex_);
  std::erase_if(alerts_, [&](const auto& a) { return a.number == number; });
}

bool MemoryManager::has_locality_alert() {
  const std::lock_guard lock(mutex_);
  return std::any_of(alerts_.begin(), alerts_.end(), [](const auto& armed) {
    return armed.alert.metric == MemoryMetric::kLocalityPercent;
  });
}

// Under the mutex.
std::vector<MemorySourceStats> MemoryManager::gather() {
  std::vector<MemorySourceStats> all = {
      common("thread_cache", thread_cache_.stats()),
      common("numa", numa_.stats()), common("mmap", mmap_.stats())};
  for (const auto& [number, source] : sources_) all.push_back(source.stats());
  return all;
}

// Under the mutex.
void MemoryManager::set_rates(MemoryStats& stats) {
  if (now_ns_ == nullptr) return;
  const std::uint64_t now = now_ns_();
  if (before_ns_ != 0 && now > before_ns_) {
    const double seconds = static_cast<double>(now - before_ns_) * 1e-9;
    // A source that was removed takes its figures along.
    const auto rate = [&](std::uint64_t after, std::uint64_t before) {
      return after < before ? 0 : static_cast<double>(after - before) / seconds;
    };
    stats.allocations_per_second =
        rate(stats.total.total_allocations, before_allocations_);
    stats.deallocations_per_second =
        rate(stats.total.total_deallocations, before_deallocations_);
  }
  before_ns_ = now;
  before_allocations_ = stats.total.total_allocations;
  before_deallocations_ = stats.total.total_deallocations;
}

MemoryStats MemoryManager::stats(bool measure_locality) {
  MemoryStats stats;
  if (measure_locality) {
    if (const NumaLocality locality = numa_.measure_locality();
        locality.known) {
      stats.locality_percent = locality.local_percent();
    }
  }
  stats.perf = perf_.read();
  {
    const std::lock_guard lock(mutex_);
    stats.sources = gather();
    stats.total = sum(stats.sources);
    set_rates(stats);
  }
  fire_alerts(stats);
  return stats;
}

void MemoryManager::fire_alerts(const MemoryStats& stats) {
  std::vector<std::pair<MemoryAlert, double>> due;
  {
    const std::lock_guard lock(mutex_);
    for (ArmedAlert& armed : alerts_) {
      const std::optional<double> value = value_of(armed.alert.metric, stats);
      if (!value.has_value()) continue;
      const bool passed = passes(armed.alert, *value);
      if (passed && !armed.fired) due.emplace_back(armed.alert, *value);
      armed.fired = passed;
    }
  }
  for (const auto& [alert, value] : due) alert.callback(alert.metric, value);
}

MemoryManager::Optimized MemoryManager::optimize() {
  Optimized result;
  result.pages_moved_home = numa_.rebalance();
  result.bytes_given_back = thread_cache_.trim() + numa_.trim() + mmap_.trim();
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [number, source] : sources_) {
      if (source.trim) result.bytes_given_back += source.trim();
    }
  }
  check_alerts();
  return result;
}

}  // namespace wirebook
