// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// PageMapping: pages from the kernel, given back when it dies. Anonymous
// memory, files without a copy, and a ring that appears twice in a row.
//
// Use it for large, long-lived blocks (pools, ring memory, recorded feeds); for
// objects take object_pool. All of it is set-up: each call is a system call and
// costs microseconds, and touching a page first costs about one more; prefault
// where the hot path must not pay that.
//
// Threads: const methods from any thread at once; the others one at a time. A
// mapping may move between threads. Errors: absl::Status with the system's
// reason. A file that is cut short by others while it is mapped raises SIGBUS
// at the first access beyond its end, as the kernel defines it.
//
//   absl::StatusOr<PageMapping> feed = PageMapping::file("feed.bin");
//   if (!feed.ok()) return feed.status();
//   parse(feed->bytes());
//
//   auto ring = PageMapping::mirrored(1 << 20);
//   recv(fd, ring->data() + head % ring->size(), space);  // Never wraps.
#ifndef WIREBOOK_MEMORY_PAGE_MAPPING_H_
#define WIREBOOK_MEMORY_PAGE_MAPPING_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "memory/numa_policy.h"

namespace wirebook {

inline constexpr std::size_t kSmallPageBytes = std::size_t{4} << 10;
inline constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

enum class FileAccess : unsigned char {
  kReadOnly,     // A write faults.
  kReadWrite,    // Writes reach the file, and whoever else maps it, at once.
  kCopyOnWrite,  // Writes stay in this mapping.
};

enum class PageAdvice : unsigned char {
  kNormal,
  kSequential,  // Read ahead, drop behind.
  kRandom,      // No read-ahead.
  kWillNeed,    // Begin to read now.
  kDontNeed,    // Drop: anonymous pages are zero afterwards.
  kCold,        // First to go under memory pressure; contents stay.
  kHuge,        // Transparent huge pages wanted,
  kNoHuge,      // or not.
  kDontDump,    // Leave out of core files.
};

struct AnonymousOptions {
  // kHugePageBytes is a wish: reserved huge pages if there are any, otherwise
  // aligned memory for which transparent ones are asked. actual_page_size()
  // says what came of it.
  std::size_t page_bytes = kSmallPageBytes;
  bool prefault = false;         // Touch every page now.
  bool lock = false;             // mlock: never paged out; implies prefault.
  bool shared = false;           // Children of fork() see the same memory.
  NumaPlacement placement = {};  // numa_policy.h
};

struct FileOptions {
  FileAccess access = FileAccess::kReadOnly;
  // Under kReadWrite: creates the file if it is not there, and makes it at
  // least this many bytes long. Must be 0 otherwise.
  std::size_t grow_to_bytes = 0;
  bool prefault = false;
};

class PageMapping {
 public:
  // Zeroed memory of at least `bytes`; size() is `bytes` rounded up to a page.
  static absl::StatusOr<PageMapping> anonymous(std::size_t bytes,
                                               AnonymousOptions options = {});

  // The whole of a regular file; size() is the file's. An empty file gives an
  // empty mapping.
  static absl::StatusOr<PageMapping> file(const std::string& path,
                                          FileOptions options = {});

  // `bytes`, rounded up to a page, mapped twice in a row: byte i and byte
  // size() + i are one byte for i < size(), so a range of up to size() bytes
  // that starts in the first half is contiguous. Prefaulted.
  static absl::StatusOr<PageMapping> mirrored(std::size_t bytes);

  // Empty, as after a move.
  PageMapping() noexcept = default;
  PageMapping(PageMapping&& other) noexcept { swap(other); }
  PageMapping& operator=(PageMapping&& other) noexcept {
    PageMapping(std::move(other)).swap(*this);
    return *this;
  }
  ~PageMapping();

  std::byte* data() noexcept { return data_; }
  const std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }

  // A write into a kReadOnly file mapping faults.
  std::span<std::byte> mutable_bytes() noexcept { return {data_, size_}; }

  // True for mirrored(): data() + size() is the first byte again.
  bool is_mirrored() const noexcept { return copies_ == 2; }

  // Bytes of the pages that back this mapping now, as the kernel reports them:
  // kHugePageBytes only where all of it lies in such pages. Reads
  // /proc/self/smaps, which takes milliseconds.
  std::size_t actual_page_size() const;

  // Makes every page present, and writable where the mapping is.
  absl::Status prefault();

  // Keeps it in memory (mlock), within RLIMIT_MEMLOCK.
  absl::Status lock();
  absl::Status unlock();

  absl::Status advise(PageAdvice advice);

  // Waits until what was written to a kReadWrite file is on its disk.
  absl::Status sync();

 private:
  enum class Access : unsigned char { kRead, kWrite, kWriteThrough };

  PageMapping(std::byte* data, std::size_t size, std::size_t mapped,
              std::size_t page, Access access, unsigned copies) noexcept
      : data_(data),
        size_(size),
        mapped_(mapped),
        page_(page),
        access_(access),
        copies_(copies) {}
  void swap(PageMapping& other) noexcept;

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t mapped_ = 0;              // All copies, whole pages.
  std::size_t page_ = kSmallPageBytes;  // The least the kernel can have used.
  Access access_ = Access::kRead;
  unsigned copies_ = 1;
};

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_PAGE_MAPPING_H_
