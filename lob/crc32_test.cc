// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/crc32.h"

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

uint32_t by_zlib(std::span<const char> data, uint32_t previous = 0) {
  return static_cast<uint32_t>(
      ::crc32(previous, reinterpret_cast<const Bytef*>(data.data()),
              static_cast<uInt>(data.size())));
}

TEST(Crc32Test, SimplestUse) {
  const std::string check = "123456789";
  EXPECT_EQ(wirebook::crc32(check), 0xCBF43926U);
  EXPECT_EQ(crc32_by_table(check), 0xCBF43926U);
  EXPECT_EQ(wirebook::crc32({}), 0U);
}

TEST(Crc32Test, EqualsZlibAtEverySizeAndAlignment) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::string data(1100, '\0');
  for (char& c : data) c = static_cast<char>(random());
  for (size_t offset = 0; offset < 16; ++offset) {
    for (size_t size = 0; size <= 1024; ++size) {
      const std::span<const char> part(data.data() + offset, size);
      const uint32_t expected = by_zlib(part);
      ASSERT_EQ(wirebook::crc32(part), expected) << offset << " " << size;
      ASSERT_EQ(crc32_by_table(part), expected) << offset << " " << size;
    }
  }
}

TEST(Crc32Test, ContinuesAsIfConcatenated) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::string data(700, '\0');
  for (char& c : data) c = static_cast<char>(random());
  const uint32_t expected = by_zlib(data);
  for (size_t cut = 0; cut <= data.size(); ++cut) {
    const std::span<const char> all(data);
    ASSERT_EQ(
        wirebook::crc32(all.subspan(cut), wirebook::crc32(all.first(cut))),
        expected);
    ASSERT_EQ(crc32_by_table(all.subspan(cut), crc32_by_table(all.first(cut))),
              expected);
  }
}

TEST(Crc32Test, CombinesTheSumsOfTwoParts) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  std::string data(2000, '\0');
  for (char& c : data) c = static_cast<char>(random());
  const uint32_t expected = by_zlib(data);
  for (size_t cut = 0; cut <= data.size(); ++cut) {
    const std::span<const char> all(data);
    const uint32_t first = by_zlib(all.first(cut));
    const uint32_t second = by_zlib(all.subspan(cut));
    const size_t size = data.size() - cut;
    ASSERT_EQ(wirebook::crc32_combine(first, second, size), expected) << cut;
    ASSERT_EQ(crc32_combine_by_table(first, second, size), expected) << cut;
  }
}

TEST(Crc32Test, SaysWhichWayItTakes) {
  EXPECT_EQ(crc32_is_accelerated(), __builtin_cpu_supports("pclmul") &&
                                        __builtin_cpu_supports("sse4.1"));
}

}  // namespace
}  // namespace wirebook
