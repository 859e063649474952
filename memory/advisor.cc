// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/advisor.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"

namespace wirebook {

PoolDecision PoolAdvisor::observe(const PoolSample& sample) noexcept {
  if (started_ && sample.at_ns <= last_.at_ns) return {};
  double demand = 0, by_rate = 0;
  if (started_) {
    const auto elapsed = static_cast<double>(sample.at_ns - last_.at_ns);
    by_rate =
        held_ns_ / elapsed *
        static_cast<double>(sample.total_allocations - last_.total_allocations);
    demand = demand_since_last(sample, elapsed);
    // A rise goes on if it is the second in a row; one jump is none.
    const double rise = std::max(0.0, demand - last_demand_);
    growth_ = std::min(rise, rise_);
    rise_ = rise;
  } else {
    demand = static_cast<double>(std::max(sample.in_use, sample.peak_usage));
  }
  started_ = true;
  last_demand_ = demand;
  last_ = sample;
  most_ = std::max(most_, demand);
  remember(sample.at_ns, std::max(demand, by_rate));
  const double next = predict(sample.at_ns);
  predicted_ = static_cast<std::size_t>(std::ceil(next));
  return decide(sample, limited(next * options_.margin));
}

// Updates the held time, which it needs for what failed.
double PoolAdvisor::demand_since_last(const PoolSample& sample,
                                      double elapsed) noexcept {
  const double turnover = 0.5 * static_cast<double>(sample.total_allocations -
                                                    last_.total_allocations +
                                                    sample.total_deallocations -
                                                    last_.total_deallocations);
  const double out = 0.5 * (static_cast<double>(sample.in_use) +
                            static_cast<double>(last_.in_use));
  // Sums on both sides, so that an interval weighs as many objects as it had.
  const double keep = 1 - options_.smoothing;
  object_ns_ = keep * object_ns_ + out * elapsed;
  objects_ = keep * objects_ + turnover;
  // Where nothing came or went the last estimate stands: objects_ tends to 0.
  if (turnover > 0 && sample.total_deallocations != 0) {
    held_ns_ = object_ns_ / objects_;
  }
  double demand = static_cast<double>(
      sample.peak_usage > last_.peak_usage ? sample.peak_usage : sample.in_use);
  demand = std::max(demand, static_cast<double>(sample.in_use));
  const auto failed = static_cast<double>(sample.allocation_failures -
                                          last_.allocation_failures);
  return demand + failed / elapsed * held_ns_;
}

void PoolAdvisor::remember(std::uint64_t at_ns, double demand) noexcept {
  const std::uint64_t step =
      std::max<std::uint64_t>(options_.window_ns / kBuckets, 1);
  const std::uint64_t number = at_ns / step + 1;  // 0 is an unused bucket.
  Bucket& bucket = window_[number % kBuckets];
  if (bucket.number != number) bucket = {.number = number};
  bucket.demand = std::max(bucket.demand, demand);
}

double PoolAdvisor::predict(std::uint64_t at_ns) const noexcept {
  const std::uint64_t step =
      std::max<std::uint64_t>(options_.window_ns / kBuckets, 1);
  const std::uint64_t number = at_ns / step + 1;
  double demand = 0;
  for (const Bucket& bucket : window_) {
    if (bucket.number == 0 || number - bucket.number >= kBuckets) continue;
    demand = std::max(demand, bucket.demand);
  }
  return std::max(demand, last_demand_ + growth_);
}

std::size_t PoolAdvisor::limited(double objects) const noexcept {
  const double least = static_cast<double>(options_.min_capacity);
  const double most = static_cast<double>(options_.max_capacity);
  // In this order: should the limits cross, the upper one holds.
  return static_cast<std::size_t>(
      std::min(std::max(std::ceil(objects), least), most));
}

PoolDecision PoolAdvisor::decide(const PoolSample& sample,
                                 std::size_t wanted) noexcept {
  const bool surplus = static_cast<double>(sample.capacity) >
                       options_.surplus * static_cast<double>(wanted);
  if (!surplus) {
    in_surplus_ = false;
    if (wanted <= sample.capacity) return {};
    return {PoolAction::kGrow,
            sample.capacity +
                std::min(wanted - sample.capacity, options_.max_step)};
  }
  if (!in_surplus_) {
    in_surplus_ = true;
    cooled_ = false;
    surplus_since_ns_ = sample.at_ns;
  }
  const std::uint64_t lasted = sample.at_ns - surplus_since_ns_;
  if (lasted >= options_.trim_after_ns) {
    in_surplus_ = false;
    return {PoolAction::kTrim, wanted};
  }
  if (!cooled_ && lasted >= options_.cool_after_ns) {
    cooled_ = true;
    return {PoolAction::kCool, wanted};
  }
  return {};
}

std::size_t PoolAdvisor::advised_capacity() const noexcept {
  return started_ ? limited(most_ * options_.margin) : 0;
}

absl::Status Advisor::add(const std::string& name, PoolControls controls,
                          AdvisorOptions options) {
  if (name.empty() || name.find_first_of(" \t\r\n") != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", name, "\" names no pool: give characters without white space"));
  }
  if (controls.sample == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("pool ", name, " has no way to be sampled"));
  }
  Tuned pool{.controls = std::move(controls),
             .options = options,
             .advisor = PoolAdvisor(options)};
  if (!pools_.emplace(name, std::move(pool)).second) {
    return absl::InvalidArgumentError(
        absl::StrCat("a pool ", name, " is there already: give another name"));
  }
  return absl::OkStatus();
}

void Advisor::tick(std::uint64_t now_ns) {
  for (auto& [name, pool] : pools_) {
    pool.last = pool.controls.sample();
    pool.last.at_ns = now_ns;
    apply(pool, pool.advisor.observe(pool.last));
  }
}

void Advisor::apply(Tuned& pool, const PoolDecision& decision) {
  const PoolControls& controls = pool.controls;
  switch (decision.action) {
    case PoolAction::kNone:
      break;
    case PoolAction::kGrow:
      if (controls.grow == nullptr) break;
      controls.grow(decision.capacity);
      ++pool.grown;
      break;
    case PoolAction::kCool:
      if (controls.cool != nullptr) controls.cool(decision.capacity);
      break;
    case PoolAction::kTrim:
      if (controls.trim == nullptr) break;
      controls.trim(decision.capacity);
      if (controls.grow != nullptr) controls.grow(decision.capacity);
      ++pool.trimmed;
      break;
  }
}

void Advisor::warm_up() {
  for (auto& [name, pool] : pools_) {
    const auto found = loaded_.find(name);
    if (found == loaded_.end() || pool.controls.grow == nullptr) continue;
    pool.controls.grow(std::min(found->second, pool.options.max_capacity));
  }
}

std::size_t Advisor::advised_capacity(const std::string& name) const {
  std::size_t advised = 0;
  if (const auto pool = pools_.find(name); pool != pools_.end()) {
    advised = pool->second.advisor.advised_capacity();
  }
  if (advised != 0) return advised;
  const auto found = loaded_.find(name);
  return found == loaded_.end() ? 0 : found->second;
}

absl::Status Advisor::save(const std::string& path) const {
  std::map<std::string, std::size_t> all = loaded_;
  for (const auto& [name, pool] : pools_) {
    if (const std::size_t advised = advised_capacity(name); advised != 0) {
      all[name] = advised;
    }
  }
  // Whole or not at all: a reader never sees half of it.
  const std::string draft = path + ".new";
  {
    std::ofstream file(draft, std::ios::trunc);
    for (const auto& [name, capacity] : all) {
      file << name << ' ' << capacity << '\n';
    }
    if (!file.flush()) {
      return absl::UnavailableError(
          absl::StrCat(draft,
                       " cannot be written: is there such a folder, "
                       "and room in it?"));
    }
  }
  if (std::rename(draft.c_str(), path.c_str()) != 0) {
    return absl::UnavailableError(
        absl::StrCat(draft, " cannot be renamed to ", path));
  }
  return absl::OkStatus();
}

absl::Status Advisor::load(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(path + " cannot be opened");
  std::map<std::string, std::size_t> all;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    std::istringstream words(line);
    std::string name, rest;
    std::size_t capacity = 0;
    if (!(words >> name >> capacity) || words >> rest) {
      return absl::DataLossError(absl::StrCat(
          path, ":", number, ": expected a pool's name and its capacity"));
    }
    all[name] = capacity;
  }
  loaded_ = std::move(all);
  return absl::OkStatus();
}

std::string Advisor::report() const {
  std::string text = absl::StrCat(
      "pool                      capacity     in_use   peak     failures   "
      "advised    held_us    grown trimmed\n");
  for (const auto& [name, pool] : pools_) {
    char line[256];
    std::snprintf(
        line, sizeof(line),
        "%-25s %-12zu %-8zu %-8zu %-10llu %-10zu %-10.1f %-5llu %llu\n",
        name.c_str(), pool.last.capacity, pool.last.in_use,
        pool.last.peak_usage,
        static_cast<unsigned long long>(pool.last.allocation_failures),
        advised_capacity(name), pool.advisor.held_ns() / 1e3,
        static_cast<unsigned long long>(pool.grown),
        static_cast<unsigned long long>(pool.trimmed));
    text += line;
  }
  return text;
}

}  // namespace wirebook
