// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Soak: how long a stress test goes on: one round in an ordinary `bazel test`,
// round after round until a time is up under `--config=soak`.
//
// The time, in seconds for each loop, is in the environment as
// WIREBOOK_SOAK_SECONDS, which --config=soak sets (.bazelrc); not set or 0: one
// round. A loop whose test has failed ends with that round.
//
//   TEST(Queue, LosesNothing) {
//     for (Soak soak; soak.goes_on();) {
//       Queue queue;  // a moment's stress of its own
//     }
//   }
//
// Tests whose size is a bound instead (a model's preemptions) ask soaking().
#ifndef WIREBOOK_MEMORY_TESTING_SOAK_H_
#define WIREBOOK_MEMORY_TESTING_SOAK_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "gtest/gtest.h"

namespace wirebook {

// What WIREBOOK_SOAK_SECONDS says; what is no number ends the process.
inline std::chrono::duration<double> soak_time() {
  const char* const text = std::getenv("WIREBOOK_SOAK_SECONDS");
  if (text == nullptr || *text == '\0') return {};
  char* end = nullptr;
  const double seconds = std::strtod(text, &end);
  if (*end != '\0' || !(seconds >= 0)) {
    std::fprintf(stderr, "WIREBOOK_SOAK_SECONDS=%s is no number of seconds\n",
                 text);
    std::abort();
  }
  return std::chrono::duration<double>(seconds);
}

inline bool soaking() { return soak_time().count() > 0; }

// One thread's.
class Soak {
 public:
  // `shares` loops share the time: the tests of one parameterized suite.
  explicit Soak(unsigned shares = 1) : time_(soak_time() / shares) {}
  Soak(const Soak&) = delete;
  Soak& operator=(const Soak&) = delete;
  ~Soak() {
    if (time_.count() <= 0) return;
    std::printf("[     soak ] %llu rounds in %.0f s\n",
                static_cast<unsigned long long>(rounds_), spent().count());
  }

  // Before each round: whether there is to be one.
  bool goes_on() {
    if (rounds_ != 0 && (spent() >= time_ || testing::Test::HasFailure())) {
      return false;
    }
    ++rounds_;
    return true;
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::chrono::duration<double> spent() const { return Clock::now() - start_; }

  const std::chrono::duration<double> time_;
  const Clock::time_point start_ = Clock::now();
  uint64_t rounds_ = 0;
};

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_TESTING_SOAK_H_
