// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What the source of a wirebook_cc_fuzz_test defines, and FUZZ_CHECK.
//
//   std::vector<std::string> fuzz_seeds() { return {"a good input"}; }
//   extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
//     FUZZ_CHECK(parse(data, size) <= size);
//     return 0;
//   }
//
// Several targets of one source differ by their variant, a text of the macro's.

#ifndef WIREBOOK_TOOLS_BUILD_DEFS_FUZZ_H_
#define WIREBOOK_TOOLS_BUILD_DEFS_FUZZ_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

// What `--variant=` said; empty where the target has none. Not before main.
std::string_view fuzz_variant();

// Good inputs, from which mutations begin.
std::vector<std::string> fuzz_seeds();

// Any bytes; ends the process where something is wrong, else returns 0.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

// In every build, as a fuzzer wants it.
#define FUZZ_CHECK(condition)                                               \
  do {                                                                      \
    if (!(condition)) {                                                     \
      std::fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, \
                   #condition);                                             \
      std::abort();                                                         \
    }                                                                       \
  } while (false)

#endif  // WIREBOOK_TOOLS_BUILD_DEFS_FUZZ_H_
