// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/capture/compressed_file.h"

#include <errno.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace wirebook {
namespace {

constexpr std::size_t kOutputStep = std::size_t{1} << 20;
constexpr std::size_t kInputStep = std::size_t{1} << 16;

absl::Status too_large(const std::string& path, std::size_t max_bytes) {
  return absl::ResourceExhaustedError(
      absl::StrCat(path, ": larger than ", max_bytes,
                   " bytes when decompressed; split the file"));
}

absl::Status truncated(const std::string& path, const char* format,
                       std::size_t bytes) {
  return absl::DataLossError(
      absl::StrCat(path, ": ", format, " stream is truncated; it ends after ",
                   bytes, " decompressed bytes without its trailer"));
}

// RFC 1952; members may follow one another.
absl::StatusOr<FileContent> inflate_gzip(const std::string& path,
                                         std::string& input,
                                         std::size_t max_bytes) {
  FileContent content;
  z_stream stream{};
  constexpr int kGzipWindow = 15 + 16;
  if (inflateInit2(&stream, kGzipWindow) != Z_OK) {
    return absl::ResourceExhaustedError("zlib: inflateInit2 failed");
  }
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  std::size_t input_used = 0;
  std::size_t output_used = 0;
  while (true) {
    if (stream.avail_in == 0 && input_used < input.size()) {
      const std::size_t step = std::min(input.size() - input_used, kOutputStep);
      stream.next_in = reinterpret_cast<Bytef*>(input.data() + input_used);
      stream.avail_in = static_cast<uInt>(step);
      input_used += step;
    }
    content.text.resize(output_used + kOutputStep);
    stream.next_out =
        reinterpret_cast<Bytef*>(content.text.data() + output_used);
    stream.avail_out = static_cast<uInt>(kOutputStep);
    const int result = inflate(&stream, Z_NO_FLUSH);
    output_used += kOutputStep - stream.avail_out;
    if (output_used > max_bytes) return too_large(path, max_bytes);
    const bool input_left = stream.avail_in > 0 || input_used < input.size();
    if (result == Z_STREAM_END) {
      if (!input_left) break;
      inflateReset(&stream);
    } else if (result == Z_BUF_ERROR && !input_left) {
      content.damage = truncated(path, "gzip", output_used);
      break;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      content.damage = absl::DataLossError(absl::StrCat(
          path, ": gzip stream is damaged after ", output_used,
          " decompressed bytes: ", stream.msg ? stream.msg : "unknown"));
      break;
    } else if (!input_left && stream.avail_out > 0) {
      content.damage = truncated(path, "gzip", output_used);
      break;
    }
  }
  content.text.resize(output_used);
  return content;
}

// RFC 8878; frames may follow one another.
absl::StatusOr<FileContent> decompress_zstd(const std::string& path,
                                            const std::string& input,
                                            std::size_t max_bytes) {
  FileContent content;
  const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(
      ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (context == nullptr) {
    return absl::ResourceExhaustedError("zstd: ZSTD_createDCtx failed");
  }
  ZSTD_inBuffer in{input.data(), input.size(), 0};
  std::size_t output_used = 0;
  std::size_t hint = 0;
  while (true) {
    content.text.resize(output_used + kOutputStep);
    ZSTD_outBuffer out{content.text.data() + output_used, kOutputStep, 0};
    hint = ZSTD_decompressStream(context.get(), &out, &in);
    output_used += out.pos;
    if (output_used > max_bytes) return too_large(path, max_bytes);
    if (ZSTD_isError(hint)) {
      content.damage = absl::DataLossError(
          absl::StrCat(path, ": zstd stream is damaged after ", output_used,
                       " decompressed bytes: ", ZSTD_getErrorName(hint)));
      break;
    }
    if (in.pos == in.size && out.pos < out.size) {
      if (hint != 0) content.damage = truncated(path, "zstd", output_used);
      break;
    }
  }
  content.text.resize(output_used);
  return content;
}

bool starts_with(const std::string& text, std::string_view prefix) {
  return std::string_view(text).substr(0, prefix.size()) == prefix;
}

}  // namespace

absl::StatusOr<FileContent> read_file(const std::string& path,
                                      std::size_t max_bytes) {
  if (std::error_code error; std::filesystem::is_directory(path, error)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is a folder"));
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const int error = errno;
    return absl::NotFoundError(
        absl::StrCat(path, ": cannot be opened: ", std::strerror(error)));
  }
  std::string input;
  while (file) {
    const std::size_t size = input.size();
    input.resize(size + kInputStep);
    file.read(input.data() + size, kInputStep);
    input.resize(size + static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad()) {
    return absl::DataLossError(absl::StrCat(path, ": cannot be read"));
  }
  if (starts_with(input, "\x1f\x8b")) {
    return inflate_gzip(path, input, max_bytes);
  }
  if (starts_with(input, "\x28\xb5\x2f\xfd")) {
    return decompress_zstd(path, input, max_bytes);
  }
  if (input.size() > max_bytes) return too_large(path, max_bytes);
  return FileContent{std::move(input), absl::OkStatus()};
}

}  // namespace wirebook
