// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Choices: where a deterministic program turns, in one of many executions.
//
// Exhaustive: depth first through all sequences of choices. Each execution
// repeats the last one up to its last choice that has a further option, and
// takes that. Sampling: choices from a seed. One thread.
//
//   Choices choices;             // exhaustive
//   do {
//     run([&](size_t n) { return choices.pick(n); });
//   } while (choices.next());

#ifndef WIREBOOK_CONCURRENCY_TESTING_MODEL_CHOICES_H_
#define WIREBOOK_CONCURRENCY_TESTING_MODEL_CHOICES_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

namespace wirebook::model {

class Choices {
 public:
  Choices() = default;
  explicit Choices(uint64_t seed) : random_(std::in_place, seed) {}

  // One of 0 to n-1; n >= 1. The first option has even odds when sampling.
  size_t pick(size_t n) {
    if (n == 1) return 0;
    if (random_.has_value()) {
      return (*random_)() % 2 == 0 ? 0 : (*random_)() % n;
    }
    if (depth_ == path_.size()) path_.push_back({n, 0});
    Turn& turn = path_[depth_++];
    if (turn.options != n) diverged_ = true;
    return turn.taken < n ? turn.taken : 0;
  }

  // The program did not repeat itself: it depends on more than choices.
  bool diverged() const { return diverged_; }

  // Prepares the next execution; false when every one was taken.
  bool next() {
    if (depth_ != path_.size()) diverged_ = true;
    depth_ = 0;
    while (!path_.empty() && path_.back().taken + 1 == path_.back().options) {
      path_.pop_back();
    }
    if (path_.empty()) return false;
    ++path_.back().taken;
    return true;
  }

 private:
  struct Turn {
    size_t options;
    size_t taken;
  };

  std::optional<std::mt19937_64> random_;
  std::vector<Turn> path_;
  size_t depth_ = 0;
  bool diverged_ = false;
};

}  // namespace wirebook::model

#endif  // WIREBOOK_CONCURRENCY_TESTING_MODEL_CHOICES_H_
