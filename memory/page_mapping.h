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
// reason.
//
// A file that others cut short while it is mapped raises SIGBUS at an access
// beyond its last page: the kernel's rule, which no library lifts without
// taking the process's signal handler. read_at() never raises it and reports
// DataLoss instead; checked_bytes() and prefault() report what was cut until
// then. A first write where the disk has no room for a file's page raises it,
// too; prefault() reports that.
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
inline constexpr std::size_t kGiantPageBytes = std::size_t{1} << 30;

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
  kFree,        // Anonymous: may be zeroed later, until written to.
  kHuge,        // Transparent huge pages wanted,
  kNoHuge,      // or not.
  kCollapse,    // Into huge pages, now (Linux 6.1); contents stay.
  kPageOut,     // To swap or file, now (Linux 5.4); contents stay.
  kDontDump,    // Leave out of core files.
};

struct AnonymousOptions {
  // kHugePageBytes and kGiantPageBytes are wishes: reserved pages of that size
  // if there are any, otherwise the next smaller ones, at last aligned memory
  // for which transparent huge pages are asked. actual_page_size() says what
  // came of it.
  std::size_t page_bytes = kSmallPageBytes;
  bool prefault = false;         // Touch every page now.
  bool lock = false;             // mlock: never paged out; implies prefault.
  bool shared = false;           // Children of fork() see the same memory.
  NumaPlacement placement = {};  // numa_policy.h
  // Of data(): a power of two. Less than a page's own is given in any case.
  std::size_t alignment = 1;
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
  // Zeroed memory of at least `bytes`; size() is `bytes` rounded up to a page
  // of the size that was had (to 2 MiB where huge ones were wished and none
  // are reserved), and data() is aligned to as much.
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
  bool is_mirrored() const noexcept { return kind_ == Kind::kMirrored; }

  // Bytes of the pages that back this mapping now, as the kernel reports them:
  // kHugePageBytes or more only where all of it lies in such pages. Reads
  // /proc/self/smaps, which takes milliseconds, unless they are reserved ones.
  std::size_t actual_page_size() const;

  // Makes it `bytes` long, rounded as anonymous() does. It may move: data() and
  // every span of it are new. New bytes are zero. A kReadWrite file becomes as
  // long; of others no more can be mapped than the file has (OutOfRange).
  // FailedPrecondition where the kernel cannot: mirrored and shared anonymous
  // memory, growth in reserved huge pages, and growth where advice was given
  // for a part.
  absl::Status resize(std::size_t bytes);

  // How long the mapped file is now, whoever made it so.
  absl::StatusOr<std::size_t> file_size() const;

  // Copies bytes [offset, offset + out.size()). OutOfRange beyond size();
  // DataLoss where the file was cut short, also while this runs: no SIGBUS.
  absl::Status read_at(std::size_t offset, std::span<std::byte> out) const;

  // The bytes themselves, read into memory now. DataLoss where the file was cut
  // short. A cut that comes later shows in no span: SIGBUS.
  absl::StatusOr<std::span<const std::byte>> checked_bytes(
      std::size_t offset, std::size_t length) const;

  // Makes every page present, and writable where the mapping is. DataLoss where
  // a file's pages cannot be had.
  absl::Status prefault();

  // Keeps it in memory (mlock), within RLIMIT_MEMLOCK.
  absl::Status lock();
  absl::Status unlock();

  // InvalidArgument where this kernel does not know an advice. The second form
  // takes the whole pages that lie within [offset, offset + length).
  absl::Status advise(PageAdvice advice);
  absl::Status advise(PageAdvice advice, std::size_t offset,
                      std::size_t length);

  // Waits until what was written to a kReadWrite file is on its disk.
  absl::Status sync();

 private:
  enum class Kind : unsigned char {
    kPrivate,
    kShared,
    kMirrored,
    kReadOnlyFile,
    kReadWriteFile,
    kCopyOnWriteFile,
  };

  PageMapping(Kind kind, void* data, std::size_t size,
              std::size_t page) noexcept
      : data_(static_cast<std::byte*>(data)),
        size_(size),
        page_(page),
        kind_(kind) {}
  static absl::StatusOr<PageMapping> try_anonymous(
      std::size_t bytes, std::size_t page, const AnonymousOptions& options);

  void swap(PageMapping& other) noexcept;
  bool is_file() const noexcept { return kind_ >= Kind::kReadOnlyFile; }
  bool is_writable() const noexcept { return kind_ != Kind::kReadOnlyFile; }
  std::size_t mapped_bytes() const noexcept;
  absl::Status check_range(std::size_t offset, std::size_t length) const;
  absl::Status cut_short() const;
  absl::Status check_length(std::size_t end) const;
  absl::Status check_resize(std::size_t bytes) const;
  absl::Status set_file_size(std::size_t bytes);
  absl::Status resize_file(std::size_t bytes);
  absl::Status map_file(std::size_t bytes);
  absl::Status remap(std::size_t bytes);

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t page_ = kSmallPageBytes;  // Of reserved pages their size.
  int file_ = -1;                       // Open while the mapping lives.
  Kind kind_ = Kind::kPrivate;
  bool wants_huge_ = false;  // Transparent huge pages: keep it aligned.
};

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_PAGE_MAPPING_H_
