// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// This program runs on ThreadCacheAllocator in malloc's place, GoogleTest and
// all.
#include "memory/testing/malloc_standin.h"

#include <malloc.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

class MallocStandin : public testing::Test {
 protected:
  void SetUp() override {
    if (malloc_standin_allocations() == 0) {
      GTEST_SKIP() << "a sanitizer's malloc cannot be replaced";
    }
  }
};

TEST_F(MallocStandin, TheWholeFamily) {
  const std::uint64_t before = malloc_standin_allocations();
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
  EXPECT_EQ(posix_memalign(&object, 0, 8), EINVAL);
  volatile std::size_t most = ~std::size_t{0};
  EXPECT_EQ(std::malloc(most), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_EQ(std::calloc(most / 2, 4), nullptr);
  EXPECT_EQ(malloc_standin_allocations(), before + 6);
}

TEST_F(MallocStandin, ThreadsWithContainersAndStrings) {
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

TEST_F(MallocStandin, StreamsAndExceptions) {
  std::ostringstream out;
  for (int i = 0; i < 20000; ++i) out << "order " << i << "\n";
  std::istringstream in(out.str());
  std::string word;
  int number = 0, sum = 0;
  while (in >> word >> number) sum += number % 7;
  EXPECT_EQ(sum, 59997);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_THROW((void)std::stoi("x"), std::invalid_argument);
  }
}

}  // namespace
}  // namespace wirebook
