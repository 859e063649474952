// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Programs that run on ThreadCacheAllocator in malloc's place: this one, again,
// and Python.
#include <dlfcn.h>
#include <malloc.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "gtest/gtest.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WIREBOOK_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WIREBOOK_TEST_SANITIZED 1
#endif
#endif

namespace {

constexpr char kLibrary[] = "memory/testing/libmalloc_standin.so";

struct Result {
  int status = -1;
  std::string output;
};

Result run_preloaded(const std::string& command) {
  Result result;
  const std::string line =
      std::string("LD_PRELOAD=$PWD/") + kLibrary + " " + command + " 2>&1";
  FILE* const pipe = popen(line.c_str(), "r");
  std::array<char, 4096> buffer;
  while (std::size_t got = fread(buffer.data(), 1, buffer.size(), pipe)) {
    result.output.append(buffer.data(), got);
  }
  result.status = pclose(pipe);
  return result;
}

std::string self() {
  std::array<char, 4096> path{};
  if (readlink("/proc/self/exe", path.data(), path.size() - 1) < 0) return {};
  return path.data();
}

class MallocStandin : public testing::Test {
 protected:
  void SetUp() override {
#if defined(WIREBOOK_TEST_SANITIZED)
    GTEST_SKIP() << "a sanitizer's malloc cannot be replaced";
#endif
    if (std::getenv("LD_PRELOAD") != nullptr) GTEST_SKIP() << "the inner run";
  }
};

// ---- What runs inside
using Allocations = std::uint64_t (*)();

class InStandin : public testing::Test {
 protected:
  void SetUp() override {
    allocations_ = reinterpret_cast<Allocations>(
        dlsym(RTLD_DEFAULT, "wirebook_standin_allocations"));
    if (allocations_ == nullptr) GTEST_SKIP() << "runs within MallocStandin";
  }
  Allocations allocations_ = nullptr;
};

TEST_F(InStandin, TheWholeFamily) {
  const std::uint64_t before = allocations_();
  void* object = std::malloc(100);
  EXPECT_EQ(malloc_usable_size(object), 112u);
  std::memset(object, 7, 100);
  object = std::realloc(object, 100000);
  EXPECT_EQ(static_cast<char*>(object)[99], 7);
  object = std::realloc(object, 50);
  EXPECT_EQ(static_cast<char*>(object)[49], 7);
  std::free(object);
  object = std::calloc(100, 10);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(static_cast<char*>(object)[i], 0);
  std::free(object);
  object = std::aligned_alloc(4096, 10);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(object) % 4096, 0u);
  std::free(object);
  ASSERT_EQ(posix_memalign(&object, 256, 1000), 0);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(object) % 256, 0u);
  std::free(object);
  EXPECT_EQ(posix_memalign(&object, 24, 1000), EINVAL);
  volatile std::size_t most = ~std::size_t{0};
  EXPECT_EQ(std::malloc(most), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_EQ(std::calloc(most / 2, 4), nullptr);
  EXPECT_EQ(allocations_(), before + 6);
}

TEST_F(InStandin, ThreadsWithContainersAndStrings) {
  std::atomic<std::uint64_t> sum{0};
  std::array<std::atomic<std::string*>, 64> shared{};
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 16; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      std::map<std::uint32_t, std::string> map;
      std::unordered_map<std::string, std::vector<int>> lists;
      for (int i = 0; i < 5000; ++i) {
        map[random() % 512] = std::string(random() % 300, 'a');
        map.erase(random() % 512);
        lists[std::to_string(random() % 64)].push_back(i);
        auto text = std::make_unique<std::string>(random() % 2000, 'b');
        text.reset(shared[random() % 64].exchange(text.release()));
        if (text != nullptr) sum += text->size();
      }
      std::thread([&] { map.clear(); }).join();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (auto& text : shared) delete text.exchange(nullptr);
  EXPECT_GT(sum.load(), 0u);
}

TEST_F(InStandin, RegexStreamsAndExceptions) {
  std::ostringstream out;
  for (int i = 0; i < 2000; ++i) out << "order " << i << ";";
  const std::string text = out.str();
  const std::regex number("order ([0-9]+);");
  std::size_t found = 0;
  for (std::sregex_iterator at(text.begin(), text.end(), number), end;
       at != end; ++at) {
    found += (*at)[1].length() > 0;
  }
  EXPECT_EQ(found, 2000u);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_THROW((void)std::stoi("x"), std::invalid_argument);
  }
}

// ---- What starts it
TEST_F(MallocStandin, RunsThisProgram) {
  const Result result = run_preloaded(self() + " --gtest_filter='InStandin.*'");
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_NE(result.output.find("[  PASSED  ] 3 tests."), std::string::npos)
      << result.output;
}

TEST_F(MallocStandin, RunsPython) {
  if (std::system("python3 -c 1 2>/dev/null") != 0) {
    GTEST_SKIP() << "no python3";
  }
  const Result result = run_preloaded(
      "PYTHONMALLOC=malloc python3 -c '\n"
      "import json, threading, subprocess, re\n"
      "def work(n):\n"
      "    d = {str(i): [i] * (i % 50) for i in range(20000)}\n"
      "    assert json.loads(json.dumps(d)) == d\n"
      "ts = [threading.Thread(target=work, args=(i,)) for i in range(4)]\n"
      "[t.start() for t in ts]\n"
      "[t.join() for t in ts]\n"
      "out = subprocess.run([\"sh\", \"-c\", \"echo child\"],"
      " capture_output=True).stdout\n"
      "print(len(re.findall(\"a\", \"ab\" * 100000)), out.decode().strip())'");
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_EQ(result.output, "100000 child\n");
}

}  // namespace
