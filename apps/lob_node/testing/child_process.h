// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// For tests of whole programs: starts one, keeps what it prints, ends it.
//
//   ChildProcess node({"apps/lob_node/lob_node", "replay", "--json", path});
//   EXPECT_EQ(node.wait(), 0);
//   use(node.out());
//
// One thread. The destructor kills what still runs.

#ifndef WIREBOOK_APPS_LOB_NODE_TESTING_CHILD_PROCESS_H_
#define WIREBOOK_APPS_LOB_NODE_TESTING_CHILD_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace wirebook {

class ChildProcess {
 public:
  // argv[0] is a path relative to the working directory, or absolute.
  explicit ChildProcess(const std::vector<std::string>& argv);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Blocks until it has ended; its exit code, or 128 + signal.
  int wait();
  void signal(int number);

  // What it has printed so far.
  std::string out() const;
  std::string err() const;

  // Blocks until `text` stands in out(); false when the child ended, or `ms`
  // went by, without it.
  bool wait_for_output(const std::string& text, int ms);

  // Blocks until it has used less than a tenth of a CPU for 300 ms; false when
  // `ms` went by. What was sent to it is then handled, on a busy machine too.
  bool wait_until_idle(int ms) const;

 private:
  bool ended(bool block);

  std::string out_path_;
  std::string err_path_;
  pid_t pid_;
  int status_ = -1;
};

}  // namespace wirebook

#endif  // WIREBOOK_APPS_LOB_NODE_TESTING_CHILD_PROCESS_H_
