// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/itch/binary_file.h"

#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

struct Read {
  std::vector<std::string> messages;
  bool complete;
  size_t offset;
};

Read read(std::string_view text) {
  BinaryFile file(std::as_bytes(std::span(text)));
  Read read;
  std::span<const std::byte> message;
  while (file.next(&message)) {
    read.messages.emplace_back(reinterpret_cast<const char*>(message.data()),
                               message.size());
  }
  read.complete = file.complete();
  read.offset = file.offset();
  return read;
}

TEST(BinaryFileTest, SimplestUse) {
  const Read whole = read(std::string_view("\0\3abc\0\1d", 8));
  EXPECT_EQ(whole.messages, (std::vector<std::string>{"abc", "d"}));
  EXPECT_TRUE(whole.complete);
}

TEST(BinaryFileTest, LengthZeroEndsTheSession) {
  const Read ended = read(std::string_view("\0\1a\0\0\0\1b", 8));
  EXPECT_EQ(ended.messages, (std::vector<std::string>{"a"}));
  EXPECT_TRUE(ended.complete);
}

TEST(BinaryFileTest, AFileCutShortIsNotComplete) {
  EXPECT_TRUE(read("").complete);
  for (const size_t size : {1U, 2U, 3U, 4U}) {
    const Read cut = read(std::string_view("\0\3abc", 5).substr(0, size));
    EXPECT_TRUE(cut.messages.empty());
    EXPECT_FALSE(cut.complete) << size;
    EXPECT_EQ(cut.offset, 0U);
  }
  const Read later =
      read(std::string_view("\0\1a\xFF\xFF"
                            "b",
                            6));
  EXPECT_EQ(later.messages.size(), 1U);
  EXPECT_FALSE(later.complete);
  EXPECT_EQ(later.offset, 3U);
}

}  // namespace
}  // namespace wirebook
