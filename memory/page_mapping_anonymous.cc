// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Mappings of memory: anonymous and mirrored.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <new>

#include "absl/strings/str_cat.h"
#include "memory/page_mapping.h"
#include "memory/page_mapping_internal.h"

namespace wirebook {

using internal::call_failed;
using internal::check_mapping_size;
using internal::map_aligned;
using internal::round_up;

void* internal::map_aligned(std::size_t bytes, std::size_t alignment,
                            int protection, int flags) {
  const std::size_t all = bytes + alignment;
  void* memory = mmap(nullptr, all, protection, flags, -1, 0);
  if (memory == MAP_FAILED) return memory;
  const auto begin = reinterpret_cast<std::uintptr_t>(memory);
  const std::uintptr_t aligned = round_up(begin, alignment);
  if (aligned != begin) munmap(memory, aligned - begin);
  const std::size_t tail = begin + all - (aligned + bytes);
  if (tail != 0) munmap(reinterpret_cast<void*>(aligned + bytes), tail);
  return reinterpret_cast<void*>(aligned);
}

namespace {

bool is_strict(const NumaPlacement& placement) {
  return placement.policy == NumaPolicy::kBind ||
         placement.policy == NumaPolicy::kLocalOnly;
}

int reserved_flags(std::size_t page) {
  return MAP_HUGETLB | (page == kGiantPageBytes ? MAP_HUGE_1GB : MAP_HUGE_2MB);
}

}  // namespace

// In reserved pages of `page` bytes, or in ordinary ones if that is
// kSmallPageBytes.
absl::StatusOr<PageMapping> PageMapping::try_anonymous(
    std::size_t bytes, std::size_t page, const AnonymousOptions& options) {
  const bool reserved = page != kSmallPageBytes;
  const bool huge = !reserved && options.page_bytes != kSmallPageBytes;
  const std::size_t size = round_up(bytes, huge ? kHugePageBytes : page);
  const int protection = PROT_READ | PROT_WRITE;
  const int flags = MAP_ANONYMOUS |
                    (options.shared ? MAP_SHARED : MAP_PRIVATE) |
                    (reserved ? reserved_flags(page) : 0);
  const std::size_t alignment =
      std::max(options.alignment, huge ? kHugePageBytes : page);
  void* memory = alignment > page
                     ? map_aligned(size, alignment, protection, flags)
                     : mmap(nullptr, size, protection, flags, -1, 0);
  if (memory == MAP_FAILED) {
    return call_failed("mmap", absl::StrCat("of ", size, " bytes of memory"));
  }
  PageMapping mapping(options.shared ? Kind::kShared : Kind::kPrivate, memory,
                      size, page);
  mapping.wants_huge_ = huge;
  // A wish; a kernel without transparent huge pages refuses it.
  if (huge) (void)mapping.advise(PageAdvice::kHuge);
  // Huge pages that nobody asked for would be what is interleaved.
  if (!huge && !reserved &&
      options.placement.policy == NumaPolicy::kInterleaved) {
    (void)mapping.advise(PageAdvice::kNoHuge);
  }
  if (options.placement.policy != NumaPolicy::kDefault) {
    if (absl::Status status =
            apply_numa_placement(memory, size, options.placement);
        !status.ok()) {
      return status;
    }
  }
  // Pages are reserved on whatever nodes have them: whether the right one does
  // shows at the first touch, which must not be the user's (SIGBUS).
  if (options.prefault || options.lock ||
      (reserved && is_strict(options.placement))) {
    if (absl::Status status = mapping.prefault(); !status.ok()) return status;
  }
  if (options.lock) {
    if (absl::Status status = mapping.lock(); !status.ok()) return status;
  }
  return mapping;
}

absl::StatusOr<PageMapping> PageMapping::anonymous(std::size_t bytes,
                                                   AnonymousOptions options) {
  if (absl::Status status = check_mapping_size(bytes); !status.ok()) {
    return status;
  }
  if (!std::has_single_bit(options.alignment) ||
      options.alignment > internal::kMaxMappingBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "an alignment of ", options.alignment, ": give a power of two"));
  }
  constexpr std::array kPageSizes = {kGiantPageBytes, kHugePageBytes,
                                     kSmallPageBytes};
  bool known = false;
  for (const std::size_t page : kPageSizes) {
    known = known || page == options.page_bytes;
    if (!known) continue;
    try {
      auto mapping = try_anonymous(bytes, page, options);
      if (mapping.ok() || page == kSmallPageBytes) return mapping;
    } catch (const std::bad_alloc&) {
      // For the text of an error. A status without one takes no heap; it is
      // what allocators that stand on this get to see.
      return absl::Status(absl::StatusCode::kResourceExhausted, "");
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "page_bytes is ", options.page_bytes, ": ", kSmallPageBytes, ", ",
      kHugePageBytes, " and ", kGiantPageBytes, " are known"));
}

absl::StatusOr<PageMapping> PageMapping::mirrored(std::size_t bytes) {
  if (absl::Status status = check_mapping_size(bytes); !status.ok()) {
    return status;
  }
  const std::size_t size = round_up(bytes, kSmallPageBytes);
  const std::string what =
      absl::StrCat("of a mirrored ring of ", size, " bytes");
  void* memory = mmap(nullptr, 2 * size, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return call_failed("mmap", what);
  // From here on the destructor unmaps and closes.
  PageMapping mapping(Kind::kMirrored, memory, size, kSmallPageBytes);
  mapping.file_ = memfd_create("wirebook-mirror", MFD_CLOEXEC);
  if (mapping.file_ < 0) return call_failed("memfd_create", what);
  if (ftruncate(mapping.file_, static_cast<off_t>(size)) != 0) {
    return call_failed("ftruncate", what);
  }
  for (std::byte* half : {mapping.data_, mapping.data_ + size}) {
    if (mmap(half, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
             mapping.file_, 0) == MAP_FAILED) {
      return call_failed("mmap", what);
    }
  }
  close(std::exchange(mapping.file_, -1));
  if (absl::Status status = mapping.prefault(); !status.ok()) return status;
  return mapping;
}

// ---- resize ----------------------------------------------------------------

absl::Status PageMapping::check_resize(std::size_t bytes) const {
  if (is_mirrored() || kind_ == Kind::kShared) {
    return absl::FailedPreconditionError(absl::StrCat(
        is_mirrored() ? "a mirrored ring" : "shared anonymous memory",
        " keeps its size: map a new one"));
  }
  if (page_ != kSmallPageBytes && bytes > size_) {
    return absl::FailedPreconditionError(
        absl::StrCat("memory in reserved pages of ", page_,
                     " bytes cannot grow: map a new one and copy"));
  }
  if (is_file() && bytes == 0) return absl::OkStatus();
  return check_mapping_size(bytes);
}

absl::Status PageMapping::resize(std::size_t bytes) {
  if (absl::Status status = check_resize(bytes); !status.ok()) return status;
  if (is_file()) return resize_file(bytes);
  return remap(round_up(bytes, wants_huge_ ? kHugePageBytes : page_));
}

namespace {

absl::Status mremap_failed(const std::string& what) {
  if (errno != EFAULT) return call_failed("mremap", what);
  return absl::FailedPreconditionError(absl::StrCat(
      "mremap ", what,
      ": advice or a placement holds for a part of it: map a new one and "
      "copy"));
}

}  // namespace

// Moves the pages' addresses, not the pages: mremap(2).
absl::Status PageMapping::remap(std::size_t bytes) {
  const std::size_t to = round_up(bytes, page_);
  const std::string what =
      absl::StrCat("of ", mapped_bytes(), " to ", to, " bytes");
  void* moved = MAP_FAILED;
  if (to <= mapped_bytes()) {
    if (to < mapped_bytes() && munmap(data_ + to, mapped_bytes() - to) != 0) {
      return call_failed("munmap", what);
    }
    moved = data_;
  } else {
    moved = mremap(data_, mapped_bytes(), to, wants_huge_ ? 0 : MREMAP_MAYMOVE);
    if (moved == MAP_FAILED && wants_huge_) {
      void* place = map_aligned(to, kHugePageBytes, PROT_NONE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
      if (place == MAP_FAILED) return call_failed("mmap", what);
      moved = mremap(data_, mapped_bytes(), to, MREMAP_MAYMOVE | MREMAP_FIXED,
                     place);
      if (moved == MAP_FAILED) {
        const absl::Status status = mremap_failed(what);
        munmap(place, to);
        return status;
      }
    }
    if (moved == MAP_FAILED) return mremap_failed(what);
  }
  data_ = static_cast<std::byte*>(moved);
  size_ = bytes;
  return absl::OkStatus();
}

}  // namespace wirebook
