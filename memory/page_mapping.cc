// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/page_mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"

#ifndef MADV_COLD
#define MADV_COLD 20
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MAP_HUGE_2MB
#define MAP_HUGE_2MB (21 << 26)
#endif

namespace wirebook {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 46;

absl::Status failed(const char* call, const std::string& what) {
  const int code = errno;
  return absl::ErrnoToStatus(code, absl::StrCat(call, " ", what));
}

constexpr std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

absl::Status check_size(std::size_t bytes) {
  if (bytes == 0) {
    return absl::InvalidArgumentError(
        "a mapping of 0 bytes was asked for: give at least 1");
  }
  if (bytes > kMaxBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a mapping of ", bytes, " bytes was asked for: no more than ",
        kMaxBytes, " can be addressed"));
  }
  return absl::OkStatus();
}

std::byte* as_bytes(void* memory) { return static_cast<std::byte*>(memory); }

// Memory at a multiple of `alignment`: more is mapped, the ends are returned.
void* map_aligned(std::size_t bytes, std::size_t alignment, int flags) {
  const std::size_t all = bytes + alignment;
  void* memory = mmap(nullptr, all, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (memory == MAP_FAILED) return memory;
  const auto begin = reinterpret_cast<std::uintptr_t>(memory);
  const std::uintptr_t aligned = round_up(begin, alignment);
  if (aligned != begin) munmap(memory, aligned - begin);
  const std::size_t tail = begin + all - (aligned + bytes);
  if (tail != 0) munmap(reinterpret_cast<void*>(aligned + bytes), tail);
  return reinterpret_cast<void*>(aligned);
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) noexcept : fd_(fd) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

}  // namespace

absl::StatusOr<PageMapping> PageMapping::anonymous(std::size_t bytes,
                                                   AnonymousOptions options) {
  if (absl::Status status = check_size(bytes); !status.ok()) return status;
  if (options.page_bytes != kSmallPageBytes &&
      options.page_bytes != kHugePageBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("page_bytes is ", options.page_bytes, ": ",
                     kSmallPageBytes, " and ", kHugePageBytes, " are known"));
  }
  const std::size_t mapped = round_up(bytes, options.page_bytes);
  const int flags = MAP_ANONYMOUS | (options.shared ? MAP_SHARED : MAP_PRIVATE);
  void* memory = MAP_FAILED;
  std::size_t page = kSmallPageBytes;
  if (options.page_bytes == kHugePageBytes) {
    memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                  flags | MAP_HUGETLB | MAP_HUGE_2MB, -1, 0);
    if (memory != MAP_FAILED) {
      page = kHugePageBytes;
    } else {
      memory = map_aligned(mapped, kHugePageBytes, flags);
    }
  } else {
    memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, flags, -1, 0);
  }
  if (memory == MAP_FAILED) {
    return failed("mmap", absl::StrCat("of ", mapped, " bytes of memory"));
  }
  PageMapping mapping(as_bytes(memory), mapped, mapped, page, Access::kWrite,
                      1);
  if (options.page_bytes == kHugePageBytes && page != kHugePageBytes) {
    // A wish; a kernel without transparent huge pages refuses it.
    (void)mapping.advise(PageAdvice::kHuge);
  }
  if (absl::Status status = apply_numa_placement(mapping.data_, mapping.mapped_,
                                                 options.placement);
      !status.ok()) {
    return status;
  }
  if (options.prefault || options.lock) {
    if (absl::Status status = mapping.prefault(); !status.ok()) return status;
  }
  if (options.lock) {
    if (absl::Status status = mapping.lock(); !status.ok()) return status;
  }
  return mapping;
}

absl::StatusOr<PageMapping> PageMapping::file(const std::string& path,
                                              FileOptions options) {
  const bool through = options.access == FileAccess::kReadWrite;
  if (options.grow_to_bytes != 0 && !through) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": grow_to_bytes needs FileAccess::kReadWrite"));
  }
  if (options.grow_to_bytes > kMaxBytes) {
    return check_size(options.grow_to_bytes);
  }
  int flags = O_CLOEXEC | (through ? O_RDWR : O_RDONLY);
  if (options.grow_to_bytes != 0) flags |= O_CREAT;
  const FileDescriptor fd(open(path.c_str(), flags, 0644));
  if (fd.get() < 0) return failed("open", path);
  struct stat status;
  if (fstat(fd.get(), &status) != 0) return failed("fstat", path);
  if (!S_ISREG(status.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, " is not a regular file: it cannot be mapped whole"));
  }
  auto size = static_cast<std::size_t>(status.st_size);
  if (size < options.grow_to_bytes) {
    size = options.grow_to_bytes;
    if (ftruncate(fd.get(), static_cast<off_t>(size)) != 0) {
      return failed("ftruncate", path);
    }
  }
  const Access access = through ? Access::kWriteThrough
                        : options.access == FileAccess::kCopyOnWrite
                            ? Access::kWrite
                            : Access::kRead;
  if (size == 0) {
    return PageMapping(nullptr, 0, 0, kSmallPageBytes, access, 1);
  }
  const int protection =
      access == Access::kRead ? PROT_READ : PROT_READ | PROT_WRITE;
  void* memory =
      mmap(nullptr, size, protection,
           access == Access::kWrite ? MAP_PRIVATE : MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) return failed("mmap", path);
  PageMapping mapping(as_bytes(memory), size, round_up(size, kSmallPageBytes),
                      kSmallPageBytes, access, 1);
  if (options.prefault) {
    if (absl::Status ready = mapping.prefault(); !ready.ok()) return ready;
  }
  return mapping;
}

absl::StatusOr<PageMapping> PageMapping::mirrored(std::size_t bytes) {
  if (absl::Status status = check_size(bytes); !status.ok()) return status;
  const std::size_t size = round_up(bytes, kSmallPageBytes);
  const std::string what =
      absl::StrCat("of a mirrored ring of ", size, " bytes");
  const FileDescriptor fd(memfd_create("wirebook-mirror", MFD_CLOEXEC));
  if (fd.get() < 0) return failed("memfd_create", what);
  if (ftruncate(fd.get(), static_cast<off_t>(size)) != 0) {
    return failed("ftruncate", what);
  }
  void* memory = mmap(nullptr, 2 * size, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return failed("mmap", what);
  // From here on the destructor unmaps.
  PageMapping mapping(as_bytes(memory), size, 2 * size, kSmallPageBytes,
                      Access::kWrite, 2);
  for (std::byte* half : {mapping.data_, mapping.data_ + size}) {
    if (mmap(half, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
             fd.get(), 0) == MAP_FAILED) {
      return failed("mmap", what);
    }
  }
  if (absl::Status status = mapping.prefault(); !status.ok()) return status;
  return mapping;
}

PageMapping::~PageMapping() {
  if (mapped_ != 0) munmap(data_, mapped_);
}

void PageMapping::swap(PageMapping& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(mapped_, other.mapped_);
  std::swap(page_, other.page_);
  std::swap(access_, other.access_);
  std::swap(copies_, other.copies_);
}

std::size_t PageMapping::actual_page_size() const {
  if (page_ == kHugePageBytes || mapped_ < kHugePageBytes) return page_;
  // smaps gives one paragraph a kernel area; ours may be a part of one or
  // several, so every area that it touches must be huge throughout.
  const auto begin = reinterpret_cast<std::uintptr_t>(data_);
  const std::uintptr_t end = begin + mapped_;
  std::ifstream smaps("/proc/self/smaps");
  bool ours = false;
  std::size_t area_bytes = 0, huge_bytes = 0;
  for (std::string line; std::getline(smaps, line);) {
    std::uintptr_t from = 0, to = 0;
    std::size_t kib = 0;
    if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) ==
        2) {
      ours = from < end && begin < to;
      if (ours) area_bytes += to - from;
    } else if (ours &&
               (std::sscanf(line.c_str(), "AnonHugePages: %zu", &kib) == 1 ||
                std::sscanf(line.c_str(), "ShmemPmdMapped: %zu", &kib) == 1 ||
                std::sscanf(line.c_str(), "FilePmdMapped: %zu", &kib) == 1)) {
      huge_bytes += kib << 10;
    }
  }
  return area_bytes != 0 && huge_bytes >= area_bytes ? kHugePageBytes
                                                     : kSmallPageBytes;
}

absl::Status PageMapping::prefault() {
  if (empty()) return absl::OkStatus();
  const bool write = access_ != Access::kRead;
  if (madvise(data_, mapped_,
              write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ) == 0) {
    return absl::OkStatus();
  }
  if (errno != EINVAL) {
    return failed("madvise", absl::StrCat("to prefault ", mapped_, " bytes"));
  }
  // Before Linux 5.14. Others may write here already: add nothing.
  for (std::size_t at = 0; at < mapped_; at += kSmallPageBytes) {
    auto* byte = reinterpret_cast<unsigned char*>(data_ + at);
    if (write) {
      __atomic_fetch_or(byte, 0, __ATOMIC_RELAXED);
    } else {
      (void)__atomic_load_n(byte, __ATOMIC_RELAXED);
    }
  }
  return absl::OkStatus();
}

absl::Status PageMapping::lock() {
  if (empty() || mlock(data_, mapped_) == 0) return absl::OkStatus();
  return failed("mlock", absl::StrCat("of ", mapped_,
                                      " bytes (raise RLIMIT_MEMLOCK, ulimit -l"
                                      ", or run with CAP_IPC_LOCK)"));
}

absl::Status PageMapping::unlock() {
  if (empty() || munlock(data_, mapped_) == 0) return absl::OkStatus();
  return failed("munlock", absl::StrCat("of ", mapped_, " bytes"));
}

absl::Status PageMapping::advise(PageAdvice advice) {
  const int value = [advice] {
    switch (advice) {
      case PageAdvice::kSequential:
        return MADV_SEQUENTIAL;
      case PageAdvice::kRandom:
        return MADV_RANDOM;
      case PageAdvice::kWillNeed:
        return MADV_WILLNEED;
      case PageAdvice::kDontNeed:
        return MADV_DONTNEED;
      case PageAdvice::kCold:
        return MADV_COLD;
      case PageAdvice::kHuge:
        return MADV_HUGEPAGE;
      case PageAdvice::kNoHuge:
        return MADV_NOHUGEPAGE;
      case PageAdvice::kDontDump:
        return MADV_DONTDUMP;
      case PageAdvice::kNormal:
        break;
    }
    return MADV_NORMAL;
  }();
  if (empty() || madvise(data_, mapped_, value) == 0) return absl::OkStatus();
  return failed("madvise",
                absl::StrCat("with advice ", value, " on ", mapped_, " bytes"));
}

absl::Status PageMapping::sync() {
  if (access_ != Access::kWriteThrough) {
    return absl::FailedPreconditionError(
        "sync() is for files that are mapped with FileAccess::kReadWrite");
  }
  if (empty() || msync(data_, mapped_, MS_SYNC) == 0) return absl::OkStatus();
  return failed("msync", absl::StrCat("of ", mapped_, " bytes"));
}

}  // namespace wirebook
