// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Name, CPU and priority of the calling thread.
//
// When: at the start of a thread whose latency matters. Which CPU is on which
// NUMA node: memory/numa_topology.h.
//
// All functions concern the calling thread, make system calls, and may be
// called on any thread at any time. A failure leaves the thread as it was, and
// the status says what to do about it.
//
//   std::thread reader([] {
//     if (auto s = wirebook::set_thread_name("network"); !s.ok()) warn(s);
//     if (auto s = wirebook::pin_thread_to_cpu(3); !s.ok()) warn(s);
//     if (auto s = wirebook::request_realtime_priority(10); !s.ok()) warn(s);
//     run();
//   });

#ifndef WIREBOOK_CONCURRENCY_THREAD_H_
#define WIREBOOK_CONCURRENCY_THREAD_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace wirebook {

// What `top -H`, perf and gdb show. InvalidArgument if empty, longer than the
// kernel's 15 bytes, or with a NUL inside.
absl::Status set_thread_name(absl::string_view name);

// Lets the thread run on `cpu` only. InvalidArgument if there is no such CPU,
// or the process's cpuset (a container's) leaves it out.
absl::Status pin_thread_to_cpu(int cpu);

// SCHED_FIFO at `priority`, 1 (low) to 99: the thread then runs until it
// blocks, so one that spins must have a CPU of its own. PermissionDenied
// without CAP_SYS_NICE or a sufficient RLIMIT_RTPRIO.
absl::Status request_realtime_priority(int priority);

// The CPUs on which the thread may run, rising.
absl::StatusOr<std::vector<int>> allowed_cpus();

// How many those are; at least 1. How many threads can spin at once.
int allowed_cpu_count();

// The CPUs that the kernel leaves to whoever pins himself there (isolcpus=),
// rising; none if none are isolated. They are not among allowed_cpus() unless
// the process was put there, and pin_thread_to_cpu takes them all the same.
absl::StatusOr<std::vector<int>> isolated_cpus();

// Reads the kernel's list form, "0-3,8,10-11".
absl::StatusOr<std::vector<int>> parse_cpu_list(absl::string_view list);

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_THREAD_H_
