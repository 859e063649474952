// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What libFuzzer is told under --config=fuzz before its own main reads its
// arguments: the target's seeds are its corpus where no other is named, in a
// folder that keeps what is found; it goes on for WIREBOOK_SOAK_SECONDS
// (--config=soak), else ten seconds. A `-flag=` of the caller's comes behind,
// and counts.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "tools/build_defs/fuzz.h"
#include "tools/build_defs/fuzz_variant.h"

namespace {

// Empty where it is not set.
std::string environment(const char* name) {
  const char* const text = std::getenv(name);
  return text == nullptr ? "" : text;
}

std::string corpus_of(const char* program) {
  namespace fs = std::filesystem;
  const std::string test = environment("TEST_TMPDIR");
  fs::path folder = test.empty() ? fs::temp_directory_path() : fs::path(test);
  folder /= "wirebook_fuzz";
  folder /= fs::path(program).filename().string() + std::string(fuzz_variant());
  fs::create_directories(folder);
  size_t number = 0;
  for (const std::string& seed : fuzz_seeds()) {
    std::ofstream out(folder / ("seed" + std::to_string(number++)),
                      std::ios::binary);
    out << seed;
  }
  return folder.string();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  // libFuzzer keeps pointers to them.
  static std::vector<std::string> words;
  static std::vector<char*> pointers;
  const std::string seconds = environment("WIREBOOK_SOAK_SECONDS");
  const std::string outputs = environment("TEST_UNDECLARED_OUTPUTS_DIR");
  // Entropic scheduling takes half of the time for its own statistics.
  words = {(*argv)[0], "-entropic=0",
           "-max_total_time=" + (seconds.empty() ? "10" : seconds)};
  if (!outputs.empty()) words.push_back("-artifact_prefix=" + outputs + "/");
  bool has_corpus = false;
  for (int i = 1; i < *argc; ++i) {
    const std::string_view argument = (*argv)[i];
    if (read_fuzz_variant(argument)) continue;
    // The other main's.
    if (argument.starts_with("--")) continue;
    has_corpus |= !argument.starts_with("-");
    words.emplace_back(argument);
  }
  // Once more for the processes that libFuzzer starts itself.
  if (!fuzz_variant().empty()) {
    words.push_back("--variant=" + std::string(fuzz_variant()));
  }
  if (!has_corpus) words.push_back(corpus_of((*argv)[0]));
  for (std::string& word : words) pointers.push_back(word.data());
  *argc = static_cast<int>(pointers.size());
  pointers.push_back(nullptr);
  *argv = pointers.data();
  return 0;
}
