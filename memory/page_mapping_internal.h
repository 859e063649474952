// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What the sources of page_mapping share. Not for inclusion elsewhere.
#ifndef WIREBOOK_MEMORY_PAGE_MAPPING_INTERNAL_H_
#define WIREBOOK_MEMORY_PAGE_MAPPING_INTERNAL_H_

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

// Newer than the C library's headers may be; the kernel answers EINVAL where it
// does not know one.
#ifndef MADV_COLD
#define MADV_COLD 20
#endif
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MAP_HUGE_2MB
#define MAP_HUGE_2MB (21 << 26)
#endif
#ifndef MAP_HUGE_1GB
#define MAP_HUGE_1GB (30 << 26)
#endif

namespace wirebook::internal {

inline constexpr std::size_t kMaxMappingBytes = std::size_t{1} << 46;

// The status of a call that has just failed.
inline absl::Status call_failed(const char* call, const std::string& what) {
  const int error = errno;
  return absl::ErrnoToStatus(error, absl::StrCat(call, " ", what));
}

constexpr std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

// 1 <= bytes <= kMaxMappingBytes, or InvalidArgument.
absl::Status check_mapping_size(std::size_t bytes);

// Memory at a multiple of `alignment`: more is mapped, the ends are returned.
// MAP_FAILED as mmap.
void* map_aligned(std::size_t bytes, std::size_t alignment, int protection,
                  int flags);

}  // namespace wirebook::internal

#endif  // WIREBOOK_MEMORY_PAGE_MAPPING_INTERNAL_H_
