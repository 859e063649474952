// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/memory_scope.h"

#include <memory_resource>
#include <stdexcept>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

TEST(MemoryScope, GivesEverythingBackAtItsEnd) {
  MemoryManager manager;
  {
    MemoryScope scope(manager);
    auto* names =
        scope.make<std::pmr::vector<std::pmr::string>>(scope.resource());
    for (int i = 0; i < 10000; ++i) names->emplace_back(50, 'x');
    *scope.make<int>(3) += 1;
    void* large = scope.allocate(std::size_t{3} << 20, 64);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(large) % 64, 0u);
    EXPECT_GT(manager.stats().total.in_use_bytes, std::size_t{3} << 20);
    EXPECT_EQ((*names)[9999].size(), 50u);
  }
  const MemorySourceStats total = manager.stats().total;
  EXPECT_EQ(total.in_use_bytes, 0u);
  EXPECT_EQ(total.total_allocations, total.total_deallocations);
}

struct Note {
  Note(std::vector<int>& ends, int name) : ends_(ends), name_(name) {
    if (name < 0) throw std::runtime_error("no");
  }
  ~Note() { ends_.push_back(name_); }
  std::vector<int>& ends_;
  int name_;
};

TEST(MemoryScope, DestroysWhatItMadeTheLastOneFirst) {
  MemoryManager manager;
  std::vector<int> ends;
  {
    MemoryScope scope(manager);
    for (int i = 0; i < 3; ++i) scope.make<Note>(ends, i);
    EXPECT_THROW(scope.make<Note>(ends, -1), std::runtime_error);
    EXPECT_TRUE(ends.empty());
  }
  EXPECT_EQ(ends, (std::vector<int>{2, 1, 0})) << "and not what was never made";
}

// Leaves a last word in the scope that it lives in.
struct Parting {
  ~Parting() { scope.make<Note>(ends, 7); }
  MemoryScope& scope;
  std::vector<int>& ends;
};

TEST(MemoryScope, WhatADestructorMakesIsDestroyedOnceToo) {
  MemoryManager manager;
  std::vector<int> ends;
  {
    MemoryScope scope(manager);
    scope.make<Note>(ends, 0);
    scope.make<Parting>(scope, ends);
    scope.make<Note>(ends, 1);
  }
  EXPECT_EQ(ends, (std::vector<int>{1, 7, 0}));
}

TEST(MemoryScope, StandsOnTheInstanceByDefault) {
  MemoryManager& manager = MemoryManager::instance();
  const std::uint64_t before = manager.stats().total.total_allocations;
  {
    MemoryScope scope;
    EXPECT_NE(scope.allocate(10), nullptr);
  }
  EXPECT_GT(manager.stats().total.total_allocations, before);
}

}  // namespace
}  // namespace wirebook
