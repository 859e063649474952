// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What every kind of mapping has in common.
#include "memory/page_mapping.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "memory/page_mapping_internal.h"

namespace wirebook {

using internal::call_failed;
using internal::round_up;

absl::Status internal::check_mapping_size(std::size_t bytes) {
  if (bytes == 0) {
    return absl::InvalidArgumentError(
        "a mapping of 0 bytes was asked for: give at least 1");
  }
  if (bytes > kMaxMappingBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a mapping of ", bytes, " bytes was asked for: no more than ",
        kMaxMappingBytes, " can be addressed"));
  }
  return absl::OkStatus();
}

PageMapping::~PageMapping() {
  if (data_ != nullptr) munmap(data_, mapped_bytes());
  if (file_ >= 0) close(file_);
}

void PageMapping::swap(PageMapping& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(page_, other.page_);
  std::swap(file_, other.file_);
  std::swap(kind_, other.kind_);
  std::swap(wants_huge_, other.wants_huge_);
}

std::size_t PageMapping::mapped_bytes() const noexcept {
  return is_mirrored() ? 2 * size_ : round_up(size_, page_);
}

absl::Status PageMapping::check_range(std::size_t offset,
                                      std::size_t length) const {
  if (offset <= size_ && length <= size_ - offset) return absl::OkStatus();
  return absl::OutOfRangeError(absl::StrCat(
      length, " bytes at ", offset, " of a mapping of ", size_, " bytes"));
}

std::size_t PageMapping::actual_page_size() const {
  if (page_ != kSmallPageBytes || size_ < kHugePageBytes) return page_;
  // smaps gives one paragraph a kernel area; ours may be a part of one or
  // several, so every area that it touches must be huge throughout.
  const auto begin = reinterpret_cast<std::uintptr_t>(data_);
  const std::uintptr_t end = begin + mapped_bytes();
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
  const std::size_t mapped = mapped_bytes();
  if (madvise(data_, mapped,
              is_writable() ? MADV_POPULATE_WRITE : MADV_POPULATE_READ) == 0) {
    return absl::OkStatus();
  }
  if (errno == EFAULT && is_file()) return cut_short();
  if (errno != EINVAL) {
    return call_failed("madvise",
                       absl::StrCat("to prefault ", mapped, " bytes"));
  }
  // Before Linux 5.14. Others may write here already: add nothing.
  if (absl::Status status = check_length(size_); !status.ok()) return status;
  for (std::size_t at = 0; at < mapped; at += kSmallPageBytes) {
    auto* byte = reinterpret_cast<unsigned char*>(data_ + at);
    if (is_writable()) {
      __atomic_fetch_or(byte, 0, __ATOMIC_RELAXED);
    } else {
      (void)__atomic_load_n(byte, __ATOMIC_RELAXED);
    }
  }
  return absl::OkStatus();
}

absl::Status PageMapping::lock() {
  if (empty() || mlock(data_, mapped_bytes()) == 0) return absl::OkStatus();
  return call_failed("mlock", absl::StrCat("of ", mapped_bytes(),
                                           " bytes (raise RLIMIT_MEMLOCK, "
                                           "ulimit -l, or run with "
                                           "CAP_IPC_LOCK)"));
}

absl::Status PageMapping::unlock() {
  if (empty() || munlock(data_, mapped_bytes()) == 0) return absl::OkStatus();
  return call_failed("munlock", absl::StrCat("of ", mapped_bytes(), " bytes"));
}

namespace {

int advice_value(PageAdvice advice) {
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
    case PageAdvice::kFree:
      return MADV_FREE;
    case PageAdvice::kHuge:
      return MADV_HUGEPAGE;
    case PageAdvice::kNoHuge:
      return MADV_NOHUGEPAGE;
    case PageAdvice::kCollapse:
      return MADV_COLLAPSE;
    case PageAdvice::kPageOut:
      return MADV_PAGEOUT;
    case PageAdvice::kDontDump:
      return MADV_DONTDUMP;
    case PageAdvice::kNormal:
      break;
  }
  return MADV_NORMAL;
}

absl::Status advise_pages(std::byte* data, std::size_t bytes,
                          PageAdvice advice) {
  const int value = advice_value(advice);
  if (bytes == 0 || madvise(data, bytes, value) == 0) return absl::OkStatus();
  return call_failed(
      "madvise", absl::StrCat("with advice ", value, " on ", bytes, " bytes"));
}

}  // namespace

absl::Status PageMapping::advise(PageAdvice advice) {
  return advise_pages(data_, mapped_bytes(), advice);
}

absl::Status PageMapping::advise(PageAdvice advice, std::size_t offset,
                                 std::size_t length) {
  if (absl::Status status = check_range(offset, length); !status.ok()) {
    return status;
  }
  const std::size_t begin = round_up(offset, page_);
  // The last page of a file is whole where its last byte is meant.
  const std::size_t end = offset + length == size_
                              ? round_up(size_, page_)
                              : (offset + length) / page_ * page_;
  return advise_pages(data_ + begin, begin < end ? end - begin : 0, advice);
}

absl::Status PageMapping::sync() {
  if (kind_ != Kind::kReadWriteFile) {
    return absl::FailedPreconditionError(
        "sync() is for files that are mapped with FileAccess::kReadWrite");
  }
  if (empty() || msync(data_, mapped_bytes(), MS_SYNC) == 0) {
    return absl::OkStatus();
  }
  return call_failed("msync", absl::StrCat("of ", mapped_bytes(), " bytes"));
}

}  // namespace wirebook
