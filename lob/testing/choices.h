// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Where a test's decisions come from: a seed, or a fuzzer's bytes.
//
//   Choices choices(seed);
//   if (choices.below(25) == 0) lose(message);

#ifndef WIREBOOK_LOB_TESTING_CHOICES_H_
#define WIREBOOK_LOB_TESTING_CHOICES_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>

namespace wirebook {

class Choices {
 public:
  explicit Choices(uint64_t seed) : random_(seed) {}
  // Of these bytes; behind their end nothing goes wrong any more.
  explicit Choices(std::span<const uint8_t> bytes)
      : random_(bytes.size()), by_bytes_(true), bytes_(bytes) {}

  uint64_t below(uint64_t n) {
    if (!by_bytes_) return random_() % n;
    const size_t wanted = n <= 256 ? 1 : 2;
    if (bytes_.size() < wanted) return n - 1;
    uint64_t value = bytes_[0];
    if (wanted == 2) value = value << 8 | bytes_[1];
    bytes_ = bytes_.subspan(wanted);
    return value % n;
  }
  std::mt19937_64& random() { return random_; }

 private:
  std::mt19937_64 random_;
  bool by_bytes_ = false;
  std::span<const uint8_t> bytes_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_TESTING_CHOICES_H_
