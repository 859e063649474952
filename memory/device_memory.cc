// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// PersistentMapping. CudaMapping is in device_memory_cuda.cc.
#include "memory/device_memory.h"

#include <cpuid.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "memory/cache_line.h"

#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE 0x03
#endif
#ifndef MAP_SYNC
#define MAP_SYNC 0x80000
#endif

namespace wirebook {
namespace {

enum class FlushBy { kClflush, kClflushopt, kClwb };

FlushBy best_flush() noexcept {
  unsigned a = 0, b = 0, c = 0, d = 0;
  // Leaf 7: bit 24 of EBX is clwb, bit 23 clflushopt.
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return FlushBy::kClflush;
  if ((b >> 24 & 1) != 0) return FlushBy::kClwb;
  return (b >> 23 & 1) != 0 ? FlushBy::kClflushopt : FlushBy::kClflush;
}

void flush_line(char* line, FlushBy by) noexcept {
  // "memory": what was stored anywhere in the line comes before.
  switch (by) {
    case FlushBy::kClwb:
      asm volatile("clwb %0" : "+m"(*line)::"memory");
      break;
    case FlushBy::kClflushopt:
      asm volatile("clflushopt %0" : "+m"(*line)::"memory");
      break;
    case FlushBy::kClflush:
      asm volatile("clflush %0" : "+m"(*line)::"memory");
      break;
  }
}

absl::Status failed(const char* call, const std::string& path) {
  const int error = errno;
  return absl::ErrnoToStatus(error, absl::StrCat(call, " ", path));
}

// The file's length, and its name in its folder: fsync(2) of a file does not
// see to the latter.
absl::Status make_durable(int fd, const std::string& path) {
  if (fsync(fd) != 0) return failed("fsync", path);
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const std::string folder = parent.empty() ? "." : parent;
  const int folder_fd =
      ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_fd < 0) return failed("open", folder);
  absl::Status result;
  // EINVAL: a file system that takes no fsync of folders.
  if (fsync(folder_fd) != 0 && errno != EINVAL) {
    result = failed("fsync", folder);
  }
  close(folder_fd);
  return result;
}

}  // namespace

void flush_to_memory(const void* begin, std::size_t bytes) noexcept {
  static const FlushBy by = best_flush();
  if (bytes == 0) return;
  const auto address = reinterpret_cast<std::uintptr_t>(begin);
  const std::uintptr_t end = address + bytes;
  for (std::uintptr_t line = address / kCacheLineBytes * kCacheLineBytes;
       line < end; line += kCacheLineBytes) {
    flush_line(reinterpret_cast<char*>(line), by);
  }
  asm volatile("sfence" ::: "memory");
}

absl::StatusOr<PersistentMapping> PersistentMapping::open(
    const std::string& path, std::size_t bytes) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return failed("open", path);
  struct stat status = {};
  absl::Status result;
  if (fstat(fd, &status) != 0) {
    result = failed("fstat", path);
  } else if (static_cast<std::size_t>(status.st_size) < bytes) {
    result = ftruncate(fd, static_cast<off_t>(bytes)) == 0
                 ? make_durable(fd, path)
                 : failed("ftruncate", path);
  }
  const std::size_t size =
      std::max(static_cast<std::size_t>(status.st_size), bytes);
  if (result.ok() && size == 0) {
    result = absl::InvalidArgumentError(
        absl::StrCat(path, " is empty: give a number of bytes"));
  }
  void* memory = MAP_FAILED;
  bool direct = false;
  if (result.ok()) {
    memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                  MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0);
    direct = memory != MAP_FAILED;
    // EOPNOTSUPP: no DAX. EINVAL: a kernel before 4.15.
    if (!direct && (errno == EOPNOTSUPP || errno == EINVAL)) {
      memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (memory == MAP_FAILED) result = failed("mmap", path);
  }
  close(fd);
  if (!result.ok()) return result;
  return PersistentMapping(static_cast<std::byte*>(memory), size, direct);
}

PersistentMapping::PersistentMapping(PersistentMapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      direct_(other.direct_) {}

PersistentMapping& PersistentMapping::operator=(
    PersistentMapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(direct_, other.direct_);
  return *this;
}

PersistentMapping::~PersistentMapping() {
  if (data_ != nullptr) munmap(data_, size_);
}

absl::Status PersistentMapping::persist(std::size_t offset,
                                        std::size_t length) const {
  if (offset > size_ || length > size_ - offset) {
    return absl::OutOfRangeError(absl::StrCat(
        length, " bytes at ", offset, " of a mapping of ", size_, " bytes"));
  }
  if (direct_) {
    flush_to_memory(data_ + offset, length);
    return absl::OkStatus();
  }
  const std::size_t begin = offset / kSmallPageBytes * kSmallPageBytes;
  if (length == 0 ||
      msync(data_ + begin, offset + length - begin, MS_SYNC) == 0) {
    return absl::OkStatus();
  }
  return failed("msync", absl::StrCat("of ", length, " bytes"));
}

}  // namespace wirebook
