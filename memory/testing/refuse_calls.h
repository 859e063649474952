// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// For tests: system calls that fail from here on, as in a container whose
// seccomp profile refuses them. There is no way back: call it in a child.
#ifndef WIREBOOK_MEMORY_TESTING_REFUSE_CALLS_H_
#define WIREBOOK_MEMORY_TESTING_REFUSE_CALLS_H_

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <initializer_list>
#include <vector>

// Defined in a coverage build only.
extern "C" void __gcov_exit() __attribute__((weak));

namespace wirebook::testing {

// Each of `calls` (SYS_...) fails with `error` in every thread of this process.
// False where the system has no seccomp.
inline bool refuse_calls(std::initializer_list<long> calls, int error) {
  std::vector<sock_filter> program;
  program.push_back(
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (const long call : calls) {
    program.push_back(
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1));
    program.push_back(BPF_STMT(
        BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{static_cast<unsigned short>(program.size()),
                          program.data()};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                 SECCOMP_FILTER_FLAG_TSYNC, &filter) == 0;
}

// _exit, after what coverage counted in this child is written.
[[noreturn]] inline void leave_child(int code) {
  if (__gcov_exit != nullptr) __gcov_exit();
  _exit(code);
}

}  // namespace wirebook::testing

#endif  // WIREBOOK_MEMORY_TESTING_REFUSE_CALLS_H_
