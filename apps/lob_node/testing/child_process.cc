// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "apps/lob_node/testing/child_process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>

namespace wirebook {
namespace {

std::string temporary_path() {
  const char* const folder = std::getenv("TEST_TMPDIR");
  std::string path = std::string(folder != nullptr ? folder : "/tmp") +
                     "/child_process_XXXXXX";
  close(mkstemp(path.data()));
  return path;
}

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file),
          std::istreambuf_iterator<char>()};
}

void redirect(const std::string& path, int to) {
  const int file = open(path.c_str(), O_WRONLY | O_TRUNC);
  dup2(file, to);
  close(file);
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& argv)
    : out_path_(temporary_path()), err_path_(temporary_path()), pid_(fork()) {
  if (pid_ != 0) return;
  redirect(out_path_, STDOUT_FILENO);
  redirect(err_path_, STDERR_FILENO);
  std::vector<char*> pointers;
  for (const std::string& argument : argv) {
    pointers.push_back(const_cast<char*>(argument.c_str()));
  }
  pointers.push_back(nullptr);
  execv(pointers[0], pointers.data());
  std::fprintf(stderr, "cannot execute %s\n", pointers[0]);
  _exit(127);
}

ChildProcess::~ChildProcess() {
  if (!ended(false)) {
    signal(SIGKILL);
    wait();
  }
  unlink(out_path_.c_str());
  unlink(err_path_.c_str());
}

bool ChildProcess::ended(bool block) {
  if (pid_ < 0) return true;
  pid_t result;
  do {
    result = waitpid(pid_, &status_, block ? 0 : WNOHANG);
  } while (result < 0 && errno == EINTR);
  if (result == pid_) pid_ = -1;
  return pid_ < 0;
}

int ChildProcess::wait() {
  ended(true);
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
}

void ChildProcess::signal(int number) {
  if (pid_ > 0) kill(pid_, number);
}

std::string ChildProcess::out() const { return content(out_path_); }
std::string ChildProcess::err() const { return content(err_path_); }

bool ChildProcess::wait_for_output(const std::string& text, int ms) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point deadline =
      Clock::now() + std::chrono::milliseconds(ms);
  while (true) {
    const bool over = ended(false) || Clock::now() > deadline;
    if (out().find(text) != std::string::npos) return true;
    if (over) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

bool ChildProcess::wait_until_idle(int ms) const {
  // User and system time so far, in ticks of 10 ms: proc_pid_stat(5).
  const auto cpu_ticks = [this] {
    std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
    std::string stat((std::istreambuf_iterator<char>(file)), {});
    const size_t name_end = stat.rfind(')');
    if (name_end == std::string::npos) return 0L;
    std::istringstream fields(stat.substr(name_end + 2));
    std::string skipped;
    for (int i = 3; i < 14; ++i) fields >> skipped;
    long user = 0, system = 0;
    fields >> user >> system;
    return user + system;
  };
  constexpr int kWindowMs = 300;
  long before = cpu_ticks();
  for (int waited_ms = 0; waited_ms < ms; waited_ms += kWindowMs) {
    std::this_thread::sleep_for(std::chrono::milliseconds(kWindowMs));
    const long now = cpu_ticks();
    if (now - before <= 3) return true;
    before = now;
  }
  return false;
}

}  // namespace wirebook
