// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/capture/compressed_file.h"

#include <zlib.h>
#include <zstd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

// Hard to compress, and more than one output step when decompressed.
std::string sample_text() {
  std::string text;
  std::uint32_t state = 1;
  while (text.size() < 3'000'000) {
    state = state * 1664525u + 1013904223u;
    text += std::to_string(state);
    text += '\n';
  }
  return text;
}

std::string gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(text.size() + 1000, '\0');
  std::string input = text;
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(
      ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

std::string write(const std::string& name, const std::string& bytes) {
  const std::string path = ::testing::TempDir() + "/" + name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

TEST(CompressedFile, ReadsPlainGzipAndZstdAlike) {
  const std::string text = sample_text();
  for (const std::string& bytes : {text, gzip(text), zstd(text)}) {
    auto file = read_file(write("whole", bytes));
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_TRUE(file->damage.ok()) << file->damage;
    EXPECT_TRUE(file->text == text);
  }
}

TEST(CompressedFile, ReadsConcatenatedMembers) {
  const std::string text = sample_text();
  for (const std::string& bytes :
       {gzip(text) + gzip("tail"), zstd(text) + zstd("tail")}) {
    auto file = read_file(write("members", bytes));
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_TRUE(file->damage.ok()) << file->damage;
    EXPECT_TRUE(file->text == text + "tail");
  }
}

TEST(CompressedFile, TruncatedStreamGivesItsBeginningAndSaysSo) {
  const std::string text = sample_text();
  for (std::string bytes : {gzip(text), zstd(text)}) {
    for (const std::size_t kept : {bytes.size() / 2, bytes.size() - 1}) {
      auto file = read_file(write("truncated", bytes.substr(0, kept)));
      ASSERT_TRUE(file.ok()) << file.status();
      EXPECT_EQ(file->damage.code(), absl::StatusCode::kDataLoss);
      EXPECT_GT(file->text.size(), 0u);
      EXPECT_TRUE(text.compare(0, file->text.size(), file->text) == 0);
    }
  }
}

TEST(CompressedFile, DamagedStreamSaysSo) {
  const std::string text = sample_text();
  for (std::string bytes : {gzip(text), zstd(text)}) {
    for (std::size_t i = 0; i < 64; ++i) bytes[bytes.size() / 2 + i] ^= 0x5a;
    auto file = read_file(write("damaged", bytes));
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_EQ(file->damage.code(), absl::StatusCode::kDataLoss);
  }
}

TEST(CompressedFile, MissingFileIsAnError) {
  EXPECT_EQ(read_file("/no/such/file").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(read_file(testing::TempDir()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// Nothing is mapped where that one begins.
TEST(CompressedFile, AFileThatCannotBeReadIsAnError) {
  EXPECT_EQ(read_file("/proc/self/mem").status().code(),
            absl::StatusCode::kDataLoss);
}

TEST(CompressedFile, EmptyFileIsEmptyText) {
  auto file = read_file(write("empty", ""));
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(file->text.empty());
}

TEST(CompressedFile, BoundIsKept) {
  const std::string text(2'000'000, 'a');
  for (const std::string& bytes : {text, gzip(text), zstd(text)}) {
    EXPECT_EQ(read_file(write("large", bytes), 1'000'000).status().code(),
              absl::StatusCode::kResourceExhausted);
  }
}

}  // namespace
}  // namespace wirebook
