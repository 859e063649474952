// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// Reads a whole file into memory, plain, gzip or zstd; which one is told from
// its first bytes, never from its name.
//
//   absl::StatusOr<FileContent> file = read_file("capture.jsonl.zst");
//   if (!file.ok()) return file.status();
//   use(file->text);
//
// A file that ends too early or is damaged in the middle gives what could be
// read and says so in `damage`; one that cannot be opened is an error. Any
// thread; cost is the decompressor's own.

#ifndef WIREBOOK_LOB_CAPTURE_COMPRESSED_FILE_H_
#define WIREBOOK_LOB_CAPTURE_COMPRESSED_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace wirebook {

struct FileContent {
  std::string text;
  // OK, or why `text` is not all of it.
  absl::Status damage;
};

// `max_bytes` bounds the size after decompression; a larger file is an error.
absl::StatusOr<FileContent> read_file(const std::string& path,
                                      std::size_t max_bytes = std::size_t{16}
                                                              << 30);

}  // namespace wirebook

#endif  // WIREBOOK_LOB_CAPTURE_COMPRESSED_FILE_H_
