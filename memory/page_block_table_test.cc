// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/page_block_table.h"

#include <cstddef>
#include <random>
#include <set>
#include <utility>

#include "gtest/gtest.h"

namespace wirebook::internal {
namespace {

TEST(PageBlockTable, FindsABlockByItsFirstAddress) {
  PageBlockTable table;
  auto block = PageMapping::anonymous(8192);
  ASSERT_TRUE(block.ok());
  std::byte* address = block->data();
  EXPECT_EQ(table.find(address), nullptr);
  EXPECT_TRUE(table.insert(*block));
  EXPECT_TRUE(block->empty()) << "the table has it now";
  EXPECT_EQ(table.find(address)->size(), 8192u);
  EXPECT_EQ(table.find(address + 4096), nullptr);
  EXPECT_TRUE(table.take(address + 4096).empty());
  EXPECT_EQ(table.take(address).data(), address);
  EXPECT_TRUE(table.take(address).empty());
  EXPECT_EQ(table.size(), 0u);
}

TEST(PageBlockTable, AgreesWithASet) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  PageBlockTable table;
  std::set<std::byte*> model;
  for (int i = 0; i < 20'000; ++i) {
    if (random() % 1000 < (i < 10'000 ? 520 : 480) || model.empty()) {
      auto block = PageMapping::anonymous(4096);
      ASSERT_TRUE(block.ok());
      model.insert(block->data());
      ASSERT_TRUE(table.insert(*block));
    } else {
      auto at = model.lower_bound(
          *model.begin() +
          random() %
              (static_cast<std::size_t>(*model.rbegin() - *model.begin()) + 1));
      PageMapping block = table.take(*at);
      ASSERT_EQ(block.data(), *at);
      model.erase(at);
    }
    ASSERT_EQ(table.size(), model.size());
  }
  std::size_t seen = 0;
  table.for_each([&](PageMapping& block) {
    EXPECT_EQ(model.count(block.data()), 1u);
    ++seen;
  });
  EXPECT_EQ(seen, model.size());
  for (std::byte* address : model) ASSERT_NE(table.find(address), nullptr);
}

}  // namespace
}  // namespace wirebook::internal
