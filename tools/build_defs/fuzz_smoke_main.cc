// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The main() of a wirebook_cc_fuzz_test in an ordinary `bazel test`: its seeds,
// and a bounded number of mutations of them that a printed seed repeats. Under
// --config=fuzz libFuzzer's own main takes its place.
//
//   name [--runs=N] [--seed=N]     so many mutations; under --config=soak, for
//                                  WIREBOOK_SOAK_SECONDS at least
//   name --write_seeds=DIR         the seeds as files, libFuzzer's first corpus
//   name FILE...                   these inputs, as libFuzzer found them
//
// Each with --variant=TEXT where the target has variants.

#include <chrono>
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
#include "tools/build_defs/fuzz_variant.h"

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

std::chrono::duration<double> soak_time() {
  const char* const seconds = std::getenv("WIREBOOK_SOAK_SECONDS");
  return std::chrono::duration<double>(
      seconds == nullptr ? 0 : std::strtod(seconds, nullptr));
}

std::string file(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t runs = 5'000, seed = 1;
  std::string write_to;
  std::vector<const char*> files;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const char* const value = argv[i] + argument.find('=') + 1;
    if (read_fuzz_variant(argument)) continue;
    if (argument.starts_with("--runs=")) {
      runs = std::strtoull(value, nullptr, 10);
    } else if (argument.starts_with("--seed=")) {
      seed = std::strtoull(value, nullptr, 10);
    } else if (argument.starts_with("--write_seeds=")) {
      write_to = value;
    } else {
      files.push_back(argv[i]);
    }
  }
  const std::vector<std::string> seeds = fuzz_seeds();
  if (!write_to.empty()) {
    for (size_t s = 0; s < seeds.size(); ++s) {
      std::ofstream(write_to + "/seed" + std::to_string(s), std::ios::binary)
          << seeds[s];
    }
    return 0;
  }
  for (const char* const path : files) run(file(path));
  if (!files.empty()) return 0;
  std::printf("%zu seeds, mutations by --seed=%llu\n", seeds.size(),
              static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  const auto end = std::chrono::steady_clock::now() + soak_time();
  for (const std::string& one : seeds) run(one);
  std::mt19937_64 random(seed);
  uint64_t done = 0;
  for (; done < runs || std::chrono::steady_clock::now() < end; ++done) {
    run(mutated(seeds[random() % seeds.size()], seeds, random));
  }
  std::printf("%llu mutations\n", static_cast<unsigned long long>(done));
  return 0;
}
