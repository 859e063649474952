// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The main() of a wirebook_cc_fuzz_test in an ordinary `bazel test`: its seeds,
// and a bounded number of mutations of them that a printed seed repeats. Under
// --config=fuzz libFuzzer's own main takes its place.
//
//   name [--runs=N] [--seed=N]     so many mutations
//   name --write_seeds=DIR         the seeds as files, libFuzzer's first corpus
//   name FILE...                   these inputs, as libFuzzer found them

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tools/build_defs/fuzz.h"

namespace {

void run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()),
                         input.size());
}

// One to four small changes.
std::string mutated(std::string input, const std::vector<std::string>& seeds,
                    std::mt19937_64& random) {
  for (uint64_t n = 1 + random() % 4; n > 0; --n) {
    const size_t at = input.empty() ? 0 : random() % input.size();
    switch (random() % 6) {
      case 0:
        if (!input.empty()) input[at] = static_cast<char>(random());
        break;
      case 1:
        if (!input.empty()) input[at] ^= static_cast<char>(1 << random() % 8);
        break;
      case 2:
        input.insert(at, 1 + random() % 8, static_cast<char>(random()));
        break;
      case 3:
        input.erase(at, 1 + random() % 8);
        break;
      case 4:
        input.resize(at);
        break;
      case 5: {
        const std::string& other = seeds[random() % seeds.size()];
        input += other.substr(other.empty() ? 0 : random() % other.size());
        break;
      }
    }
  }
  return input;
}

std::string file(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t runs = 5'000, seed = 1;
  const std::vector<std::string> seeds = fuzz_seeds();
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const size_t value = argument.find('=') + 1;
    if (argument.starts_with("--runs=")) {
      runs = std::strtoull(argv[i] + value, nullptr, 10);
    } else if (argument.starts_with("--seed=")) {
      seed = std::strtoull(argv[i] + value, nullptr, 10);
    } else if (argument.starts_with("--write_seeds=")) {
      for (size_t s = 0; s < seeds.size(); ++s) {
        std::ofstream(
            std::string(argument.substr(value)) + "/seed" + std::to_string(s),
            std::ios::binary)
            << seeds[s];
      }
      return 0;
    } else {
      run(file(argv[i]));
      runs = 0;
    }
  }
  std::printf("%zu seeds, %llu mutations by --seed=%llu\n", seeds.size(),
              static_cast<unsigned long long>(runs),
              static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  for (const std::string& one : seeds) run(one);
  std::mt19937_64 random(seed);
  for (uint64_t i = 0; i < runs; ++i) {
    run(mutated(seeds[random() % seeds.size()], seeds, random));
  }
  return 0;
}
