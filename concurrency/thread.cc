// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/thread.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace wirebook {
namespace {

constexpr size_t kLongestName = 15;  // TASK_COMM_LEN - 1
constexpr int kMostCpus = 1 << 20;   // a bound on what is believed
constexpr char kIsolatedFile[] = "/sys/devices/system/cpu/isolated";

// A cpu_set_t for machines of any size.
class CpuSet {
 public:
  explicit CpuSet(int cpus)
      : set_(CPU_ALLOC(cpus)), bytes_(CPU_ALLOC_SIZE(cpus)) {
    if (set_ != nullptr) CPU_ZERO_S(bytes_, set_.get());
  }
  bool ok() const { return set_ != nullptr; }
  cpu_set_t* get() const { return set_.get(); }
  size_t bytes() const { return bytes_; }
  void add(int cpu) { CPU_SET_S(cpu, bytes_, get()); }
  bool has(int cpu) const { return CPU_ISSET_S(cpu, bytes_, get()); }

 private:
  struct Free {
    void operator()(cpu_set_t* set) const { CPU_FREE(set); }
  };
  std::unique_ptr<cpu_set_t, Free> set_;
  size_t bytes_;
};

std::string describe(int error) { return std::strerror(error); }

}  // namespace

absl::Status set_thread_name(absl::string_view name) {
  if (name.empty() || name.size() > kLongestName ||
      name.find('\0') != absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("thread name '", name, "': give 1 to ", kLongestName,
                     " bytes without NUL"));
  }
  const int error =
      pthread_setname_np(pthread_self(), std::string(name).c_str());
  if (error != 0) {
    return absl::InternalError(
        absl::StrCat("thread name '", name, "': ", describe(error)));
  }
  return absl::OkStatus();
}

absl::Status pin_thread_to_cpu(int cpu) {
  if (cpu < 0 || cpu >= kMostCpus) {
    return absl::InvalidArgumentError(
        absl::StrCat("pin to CPU ", cpu, ": no such CPU"));
  }
  CpuSet set(cpu + 1);
  if (!set.ok()) return absl::ResourceExhaustedError("pin to CPU: no memory");
  set.add(cpu);
  const int error =
      pthread_setaffinity_np(pthread_self(), set.bytes(), set.get());
  if (error == 0) return absl::OkStatus();
  const auto allowed = allowed_cpus();
  const std::string may =
      allowed.ok()
          ? absl::StrCat("; this thread may use ", absl::StrJoin(*allowed, ","))
          : std::string();
  const std::string what =
      absl::StrCat("pin to CPU ", cpu, ": ", describe(error), may);
  if (error == EINVAL) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, ". Choose one that is online and in the cpuset"));
  }
  return absl::InternalError(what);
}

absl::Status request_realtime_priority(int priority) {
  const int lowest = sched_get_priority_min(SCHED_FIFO);
  const int highest = sched_get_priority_max(SCHED_FIFO);
  if (priority < lowest || priority > highest) {
    return absl::InvalidArgumentError(absl::StrCat(
        "SCHED_FIFO priority ", priority, ": give ", lowest, " to ", highest));
  }
  sched_param param = {};
  param.sched_priority = priority;
  const int error = pthread_setschedparam(pthread_self(), SCHED_FIFO, &param);
  if (error == 0) return absl::OkStatus();
  const std::string what =
      absl::StrCat("SCHED_FIFO priority ", priority, ": ", describe(error));
  if (error == EPERM) {
    return absl::PermissionDeniedError(absl::StrCat(
        what, ". Grant CAP_SYS_NICE, or RLIMIT_RTPRIO of at least ", priority,
        " (systemd: LimitRTPRIO=)"));
  }
  return absl::InternalError(what);
}

absl::StatusOr<std::vector<int>> allowed_cpus() {
  // The kernel refuses a set smaller than its own, whose size it does not tell.
  for (int cpus = CPU_SETSIZE; cpus <= kMostCpus; cpus *= 2) {
    CpuSet set(cpus);
    if (!set.ok()) break;
    const int error =
        pthread_getaffinity_np(pthread_self(), set.bytes(), set.get());
    if (error == EINVAL) continue;
    if (error != 0) {
      return absl::InternalError(
          absl::StrCat("allowed CPUs: ", describe(error)));
    }
    std::vector<int> allowed;
    for (int cpu = 0; cpu < cpus; ++cpu) {
      if (set.has(cpu)) allowed.push_back(cpu);
    }
    return allowed;
  }
  return absl::ResourceExhaustedError("allowed CPUs: no memory for the set");
}

int allowed_cpu_count() {
  const auto allowed = allowed_cpus();
  return allowed.ok() ? std::max(1, static_cast<int>(allowed->size())) : 1;
}

absl::StatusOr<std::vector<int>> isolated_cpus() {
  std::ifstream file(kIsolatedFile);
  std::string list;
  if (!file.is_open()) {
    return absl::NotFoundError(
        absl::StrCat(kIsolatedFile, ": cannot open; is /sys mounted?"));
  }
  std::getline(file, list);
  return parse_cpu_list(list);
}

absl::StatusOr<std::vector<int>> parse_cpu_list(absl::string_view list) {
  std::vector<int> cpus;
  for (absl::string_view range : absl::StrSplit(
           absl::StripAsciiWhitespace(list), ',', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> ends =
        absl::StrSplit(range, absl::MaxSplits('-', 1));
    const bool one = range.find('-') == absl::string_view::npos;
    int first = 0;
    int last = 0;
    if (!absl::SimpleAtoi(ends.first, &first) ||
        !absl::SimpleAtoi(one ? ends.first : ends.second, &last) || first < 0 ||
        last < first || last >= kMostCpus) {
      return absl::InvalidArgumentError(
          absl::StrCat("CPU list '", list, "': '", range,
                       "' is neither a CPU nor a range like 0-3"));
    }
    for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
  }
  std::sort(cpus.begin(), cpus.end());
  cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
  return cpus;
}

}  // namespace wirebook
