// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Mappings of files.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "memory/page_mapping.h"
#include "memory/page_mapping_internal.h"

namespace wirebook {

using internal::call_failed;
using internal::check_mapping_size;

absl::StatusOr<PageMapping> PageMapping::file(const std::string& path,
                                              FileOptions options) {
  const bool through = options.access == FileAccess::kReadWrite;
  if (options.grow_to_bytes != 0 && !through) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": grow_to_bytes needs FileAccess::kReadWrite"));
  }
  if (options.grow_to_bytes > internal::kMaxMappingBytes) {
    return check_mapping_size(options.grow_to_bytes);
  }
  const Kind kind = through ? Kind::kReadWriteFile
                    : options.access == FileAccess::kCopyOnWrite
                        ? Kind::kCopyOnWriteFile
                        : Kind::kReadOnlyFile;
  // O_NONBLOCK: a FIFO must be refused, not waited for.
  int flags = O_CLOEXEC | O_NONBLOCK | (through ? O_RDWR : O_RDONLY);
  if (options.grow_to_bytes != 0) flags |= O_CREAT;
  PageMapping mapping(kind, nullptr, 0, kSmallPageBytes);
  mapping.file_ = open(path.c_str(), flags, 0644);
  if (mapping.file_ < 0) return call_failed("open", path);
  struct stat status;
  if (fstat(mapping.file_, &status) != 0) return call_failed("fstat", path);
  if (!S_ISREG(status.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, " is not a regular file: it cannot be mapped whole"));
  }
  auto size = static_cast<std::size_t>(status.st_size);
  absl::Status mapped;
  if (size < options.grow_to_bytes) {
    size = options.grow_to_bytes;
    mapped = mapping.set_file_size(size);
  }
  if (mapped.ok()) mapped = mapping.map_file(size);
  if (mapped.ok() && options.prefault) mapped = mapping.prefault();
  if (!mapped.ok()) {
    return absl::Status(mapped.code(),
                        absl::StrCat(path, ": ", mapped.message()));
  }
  return mapping;
}

absl::StatusOr<std::size_t> PageMapping::file_size() const {
  if (!is_file()) {
    return absl::FailedPreconditionError("file_size() is for mapped files");
  }
  struct stat status;
  if (fstat(file_, &status) != 0) return call_failed("fstat", "of the file");
  return static_cast<std::size_t>(status.st_size);
}

absl::Status PageMapping::set_file_size(std::size_t bytes) {
  if (ftruncate(file_, static_cast<off_t>(bytes)) == 0) return absl::OkStatus();
  return call_failed("ftruncate", absl::StrCat("to ", bytes, " bytes"));
}

absl::Status PageMapping::resize_file(std::size_t bytes) {
  const absl::StatusOr<std::size_t> now = file_size();
  if (!now.ok()) return now.status();
  const bool through = kind_ == Kind::kReadWriteFile;
  if (bytes > *now) {
    if (!through) {
      return absl::OutOfRangeError(absl::StrCat(
          bytes, " bytes of a file that has ", *now, " were asked for"));
    }
    if (absl::Status status = set_file_size(bytes); !status.ok()) return status;
  }
  if (absl::Status status = map_file(bytes); !status.ok()) return status;
  return through && bytes < *now ? set_file_size(bytes) : absl::OkStatus();
}

// Makes the first `bytes` of the file what is mapped.
absl::Status PageMapping::map_file(std::size_t bytes) {
  if (bytes == 0) {
    if (data_ != nullptr) munmap(data_, mapped_bytes());
    data_ = nullptr;
    size_ = 0;
    return absl::OkStatus();
  }
  if (data_ != nullptr) return remap(bytes);
  void* memory = mmap(
      nullptr, bytes, is_writable() ? PROT_READ | PROT_WRITE : PROT_READ,
      kind_ == Kind::kCopyOnWriteFile ? MAP_PRIVATE : MAP_SHARED, file_, 0);
  if (memory == MAP_FAILED) {
    return call_failed("mmap", absl::StrCat("of ", bytes, " bytes"));
  }
  data_ = static_cast<std::byte*>(memory);
  size_ = bytes;
  return absl::OkStatus();
}

absl::Status PageMapping::cut_short() const {
  const std::size_t now = file_size().value_or(0);
  if (now >= size_) {
    return absl::DataLossError(
        absl::StrCat("a page of the file, which has ", now,
                     " bytes, cannot be had: its disk has no room or an error, "
                     "or it was cut short meanwhile"));
  }
  return absl::DataLossError(
      absl::StrCat("the file was cut short under a mapping of ", size_,
                   " bytes: it has ", now, " now"));
}

// DataLoss if the file no longer reaches to `end`. Within its last page a cut
// file reads as zeros and raises nothing.
absl::Status PageMapping::check_length(std::size_t end) const {
  if (!is_file()) return absl::OkStatus();
  const absl::StatusOr<std::size_t> now = file_size();
  if (!now.ok()) return now.status();
  return *now >= end ? absl::OkStatus() : cut_short();
}

absl::Status PageMapping::read_at(std::size_t offset,
                                  std::span<std::byte> out) const {
  if (absl::Status status = check_range(offset, out.size()); !status.ok()) {
    return status;
  }
  if (!is_file()) {  // Nobody cuts memory.
    std::copy_n(data_ + offset, out.size(), out.data());
    return absl::OkStatus();
  }
  const bool is_the_files =
      kind_ == Kind::kReadOnlyFile || kind_ == Kind::kReadWriteFile;
  for (std::size_t done = 0; done < out.size();) {
    // The kernel copies, and meets the missing page in our place.
    const iovec to{out.data() + done, out.size() - done};
    const iovec from{data_ + offset + done, out.size() - done};
    ssize_t copied = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
    if (copied < 0 && (errno == EPERM || errno == ENOSYS) && is_the_files) {
      copied = pread(file_, to.iov_base, to.iov_len,
                     static_cast<off_t>(offset + done));
    }
    if (copied == 0 || (copied < 0 && errno == EFAULT)) return cut_short();
    if (copied < 0) {
      return call_failed("process_vm_readv",
                         absl::StrCat("at byte ", offset + done));
    }
    done += static_cast<std::size_t>(copied);
  }
  return check_length(offset + out.size());
}

absl::StatusOr<std::span<const std::byte>> PageMapping::checked_bytes(
    std::size_t offset, std::size_t length) const {
  if (absl::Status status = check_range(offset, length); !status.ok()) {
    return status;
  }
  const std::span<const std::byte> range = bytes().subspan(offset, length);
  if (length == 0) return range;
  const std::size_t begin = offset / kSmallPageBytes * kSmallPageBytes;
  if (madvise(data_ + begin, offset + length - begin, MADV_POPULATE_READ) !=
          0 &&
      errno != EINVAL) {  // Before Linux 5.14: the file's length must do.
    if (errno == EFAULT) return cut_short();
    return call_failed("madvise", absl::StrCat("to read ", length, " bytes"));
  }
  if (absl::Status status = check_length(offset + length); !status.ok()) {
    return status;
  }
  return range;
}

}  // namespace wirebook
