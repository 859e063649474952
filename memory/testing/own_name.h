// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// own_name: a name, of a segment or a file, that no other test process uses.
//
// A process id will not do: it is the same from one sandbox to the next, and a
// test that was killed leaves its names behind. One process and its children
// get the same name for the same stem.
//
//   own_name("/my_ring");  // such as /my_ring_9c41d0f27a15be88

#ifndef WIREBOOK_MEMORY_TESTING_OWN_NAME_H_
#define WIREBOOK_MEMORY_TESTING_OWN_NAME_H_

#include <cstdint>
#include <cstdio>
#include <random>
#include <string>

namespace wirebook {

inline std::string own_name(const std::string& stem) {
  static const std::uint64_t number = [] {
    std::random_device random;
    return std::uint64_t{random()} << 32 | random();
  }();
  char digits[17];
  std::snprintf(digits, sizeof(digits), "%016llx",
                static_cast<unsigned long long>(number));
  return stem + '_' + digits;
}

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_TESTING_OWN_NAME_H_
