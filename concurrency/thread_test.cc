// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/thread.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace wirebook {
namespace {

// Each test changes a thread of its own.
void on_a_thread(const std::function<void()>& body) {
  std::thread(body).join();
}

std::string own_name() {
  char name[16];
  pthread_getname_np(pthread_self(), name, sizeof(name));
  return name;
}

TEST(ThreadTest, SetsTheName) {
  on_a_thread([] {
    EXPECT_TRUE(set_thread_name("wire-binance").ok());
    EXPECT_EQ(own_name(), "wire-binance");
    EXPECT_TRUE(set_thread_name("123456789012345").ok());
    EXPECT_EQ(own_name(), "123456789012345");
  });
}

TEST(ThreadTest, RefusesNamesTheKernelWouldCut) {
  on_a_thread([] {
    ASSERT_TRUE(set_thread_name("before").ok());
    const absl::Status status = set_thread_name("1234567890123456");
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find("1 to 15 bytes"), absl::string_view::npos);
    EXPECT_FALSE(set_thread_name("").ok());
    EXPECT_FALSE(set_thread_name(absl::string_view("a\0b", 3)).ok());
    EXPECT_EQ(own_name(), "before");
  });
}

TEST(ThreadTest, PinsToEveryAllowedCpu) {
  on_a_thread([] {
    const auto allowed = allowed_cpus();
    ASSERT_TRUE(allowed.ok()) << allowed.status();
    for (int cpu : *allowed) {
      const absl::Status status = pin_thread_to_cpu(cpu);
      ASSERT_TRUE(status.ok()) << status;
      EXPECT_EQ(sched_getcpu(), cpu);
      EXPECT_EQ(*allowed_cpus(), std::vector<int>{cpu});
      EXPECT_EQ(allowed_cpu_count(), 1);
    }
  });
}

TEST(ThreadTest, PinningElsewhereFailsAndChangesNothing) {
  on_a_thread([] {
    const std::vector<int> before = *allowed_cpus();
    for (int cpu : {-1, 1'000'000, 1 << 30}) {
      const absl::Status status = pin_thread_to_cpu(cpu);
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
      EXPECT_NE(status.message().find(std::to_string(cpu)),
                absl::string_view::npos);
    }
    EXPECT_EQ(*allowed_cpus(), before);
  });
}

TEST(ThreadTest, CountsAllowedCpus) {
  EXPECT_GE(allowed_cpu_count(), 1);
  EXPECT_EQ(static_cast<size_t>(allowed_cpu_count()), allowed_cpus()->size());
}

TEST(ThreadTest, RealtimePriorityIsGrantedOrExplained) {
  on_a_thread([] {
    const absl::Status status = request_realtime_priority(1);
    int policy = 0;
    sched_param param = {};
    ASSERT_EQ(pthread_getschedparam(pthread_self(), &policy, &param), 0);
    if (status.ok()) {
      EXPECT_EQ(policy, SCHED_FIFO);
      EXPECT_EQ(param.sched_priority, 1);
    } else {
      EXPECT_EQ(policy, SCHED_OTHER);
      EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
      EXPECT_NE(status.message().find("CAP_SYS_NICE"), absl::string_view::npos);
    }
  });
}

TEST(ThreadTest, RefusesPrioritiesOutsideTheRange) {
  on_a_thread([] {
    for (int priority : {-1, 0, 100}) {
      EXPECT_EQ(request_realtime_priority(priority).code(),
                absl::StatusCode::kInvalidArgument);
    }
  });
}

// Calls `check` in a thread in which a system call fails, as in a container
// that forbids it; false where the kernel has no filters.
bool where_refused(long call, int error, const std::function<void()>& check) {
  bool refused = false;
  std::thread([&] {
    sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(call), 0, 1),
        BPF_STMT(BPF_RET | BPF_K,
                 SECCOMP_RET_ERRNO | static_cast<uint32_t>(error)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    sock_fprog program = {static_cast<unsigned short>(std::size(code)), code};
    refused = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
              prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
    if (refused) check();
  }).join();
  return refused;
}

TEST(ThreadTest, WhatTheKernelRefusesIsExplained) {
  const bool refused = where_refused(SYS_sched_setscheduler, EPERM, [] {
    const absl::Status status = request_realtime_priority(1);
    EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), "CAP_SYS_NICE")) << status;
  });
  if (!refused) GTEST_SKIP() << "no filters of system calls here";
  where_refused(SYS_sched_setscheduler, EIO, [] {
    EXPECT_TRUE(absl::IsInternal(request_realtime_priority(1)));
  });
  where_refused(SYS_sched_setaffinity, EPERM,
                [] { EXPECT_TRUE(absl::IsInternal(pin_thread_to_cpu(0))); });
  where_refused(SYS_prctl, EPERM, [] {
    EXPECT_TRUE(absl::IsInternal(set_thread_name("refused")));
  });
  where_refused(SYS_sched_getaffinity, EPERM, [] {
    EXPECT_TRUE(absl::IsInternal(allowed_cpus().status()));
    EXPECT_EQ(allowed_cpu_count(), 1);
  });
  where_refused(SYS_sched_getaffinity, EINVAL, [] {
    EXPECT_TRUE(absl::IsResourceExhausted(allowed_cpus().status()));
  });
}

TEST(ThreadTest, ReadsTheKernelsCpuLists) {
  EXPECT_EQ(*parse_cpu_list(""), std::vector<int>{});
  EXPECT_EQ(*parse_cpu_list("\n"), std::vector<int>{});
  EXPECT_EQ(*parse_cpu_list("3\n"), std::vector<int>{3});
  EXPECT_EQ(*parse_cpu_list("0-2,8,10-11"),
            (std::vector<int>{0, 1, 2, 8, 10, 11}));
  EXPECT_EQ(*parse_cpu_list("4,2-4"), (std::vector<int>{2, 3, 4}));
  for (const char* bad : {"x", "1-", "-1", "3-1", "1-2-3", "0-99999999"}) {
    EXPECT_EQ(parse_cpu_list(bad).status().code(),
              absl::StatusCode::kInvalidArgument)
        << bad;
  }
}

TEST(ThreadTest, IsolatedCpusComeFromTheKernelOrNotAtAll) {
  const auto isolated = isolated_cpus();
  if (!isolated.ok()) {
    EXPECT_EQ(isolated.status().code(), absl::StatusCode::kNotFound);
  }
}

}  // namespace
}  // namespace wirebook
