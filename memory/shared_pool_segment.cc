// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// SharedPool's set-up: making a segment, and not trusting one.
#include "memory/shared_pool_segment.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "memory/numa_policy.h"
#include "memory/shared_pool_core.h"
#include "memory/shared_segment.h"

namespace wirebook::internal {
namespace {

constexpr char kMagic[8] = {'W', 'B', 'S', 'H', 'P', 'O', 'O', 'L'};
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kPageBytes = 4096;
constexpr unsigned kMostProcesses = 255;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 46;
constexpr char kKind[] = "shared pool";

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

// Over all that stands before the checksum itself.
std::uint64_t checksum_of(const SharedPoolPrefix& prefix) {
  return segment_checksum(&prefix, offsetof(SharedPoolPrefix, checksum));
}

absl::StatusOr<SharedPoolPrefix> make_prefix(const SharedPoolShape& shape) {
  const SharedPoolOptions& options = shape.options;
  if (options.capacity == 0 || options.capacity >= UINT32_MAX ||
      options.max_processes == 0 || options.max_processes > kMostProcesses) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a shared pool of ", options.capacity, " objects for ",
        options.max_processes, " processes: 1 to ", UINT32_MAX - 1,
        " objects and 1 to ", kMostProcesses, " processes are possible"));
  }
  const std::uint64_t slot = round_up(shape.object_bytes, shape.object_align);
  if (slot > kMostBytes / 2 / options.capacity) {
    return absl::InvalidArgumentError(
        absl::StrCat("a shared pool of ", options.capacity, " objects of ",
                     slot, " bytes is larger than can be addressed"));
  }
  SharedPoolPrefix prefix{};
  std::memcpy(prefix.magic, kMagic, sizeof(kMagic));
  prefix.version = kVersion;
  prefix.max_processes = options.max_processes;
  prefix.object_bytes = shape.object_bytes;
  prefix.object_align = shape.object_align;
  prefix.capacity = options.capacity;
  prefix.layout = options.layout;
  prefix.total_bytes = shared_pool_offsets(prefix).total;
  prefix.checksum = checksum_of(prefix);
  return prefix;
}

absl::StatusOr<SharedPoolPrefix> read_prefix(int fd, const std::string& what,
                                             const SharedPoolShape& shape) {
  SharedPoolPrefix prefix{};
  const absl::StatusOr<std::uint64_t> size =
      read_segment_prefix(fd, &prefix, sizeof(prefix), kMagic, kKind, what);
  if (!size.ok()) return size.status();
  if (prefix.version != kVersion) {
    return segment_refused(what,
                           absl::StrCat("its version is ", prefix.version,
                                        ", this program's is ", kVersion));
  }
  if (prefix.checksum != checksum_of(prefix)) {
    return segment_refused(what,
                           "its header's checksum is wrong: it is damaged");
  }
  if (prefix.object_bytes != shape.object_bytes ||
      prefix.object_align != shape.object_align ||
      prefix.layout != shape.options.layout) {
    return segment_refused(
        what,
        absl::StrCat("its objects have ", prefix.object_bytes,
                     " bytes, alignment ", prefix.object_align, " and layout ",
                     prefix.layout, ", not ", shape.object_bytes, ", ",
                     shape.object_align, " and ", shape.options.layout));
  }
  if (*size != prefix.total_bytes) {
    return segment_refused(
        what, absl::StrCat("it has ", *size, " bytes of ", prefix.total_bytes,
                           ": it was truncated or extended"));
  }
  SharedPoolShape made = shape;
  made.options.capacity = prefix.capacity;
  made.options.max_processes = prefix.max_processes;
  absl::StatusOr<SharedPoolPrefix> again = make_prefix(made);
  if (!again.ok() || again->total_bytes != prefix.total_bytes) {
    return segment_refused(what, "its sizes contradict each other");
  }
  return prefix;
}

}  // namespace

SharedPoolOffsets shared_pool_offsets(const SharedPoolPrefix& prefix) {
  SharedPoolOffsets at;
  at.slot_bytes = round_up(prefix.object_bytes, prefix.object_align);
  at.entries = sizeof(SharedPoolHeader);
  at.hints =
      round_up(at.entries + prefix.max_processes * sizeof(SharedPoolEntry),
               kFalseSharingBytes);
  at.states =
      round_up(at.hints + (prefix.capacity + 63) / 64 * 8, kFalseSharingBytes);
  at.slots = round_up(at.states + prefix.capacity * 8, kPageBytes);
  at.total = round_up(at.slots + prefix.capacity * at.slot_bytes, kPageBytes);
  return at;
}

absl::StatusOr<SharedPoolCore::Pointer> SharedPoolCore::create(
    const std::string& name, const SharedPoolShape& shape) {
  absl::StatusOr<SharedPoolPrefix> prefix = make_prefix(shape);
  if (!prefix.ok()) return prefix.status();

  Pointer pool(new SharedPoolCore());
  pool->what_ = segment_label(kKind, name);
  const absl::StatusOr<int> file =
      create_segment(kKind, name, shape.options.mode, prefix->total_bytes);
  if (!file.ok()) return file.status();
  pool->fd_ = *file;
  if (absl::Status status = pool->map(*prefix); !status.ok()) return status;
  if (absl::Status status = apply_numa_placement(pool->header_, pool->bytes_,
                                                 shape.options.placement);
      !status.ok()) {
    return status;
  }
  if (absl::Status status =
          reserve_segment(pool->fd_, prefix->total_bytes, pool->what_);
      !status.ok()) {
    return status;
  }
  pool->initialise(*prefix);
  if (absl::Status status = pool->join(); !status.ok()) return status;
  if (absl::Status status = publish_segment(pool->fd_, name, pool->what_);
      !status.ok()) {
    return status;
  }
  return pool;
}

absl::StatusOr<SharedPoolCore::Pointer> SharedPoolCore::attach(
    const std::string& name, const SharedPoolShape& shape) {
  const absl::StatusOr<int> fd = open_segment(kKind, name, O_RDWR);
  if (!fd.ok()) return fd.status();
  return open(*fd, segment_label(kKind, name), shape);
}

absl::StatusOr<SharedPoolCore::Pointer> SharedPoolCore::attach(
    int fd, const SharedPoolShape& shape) {
  const absl::StatusOr<int> own = open_segment(kKind, fd, O_RDWR);
  if (!own.ok()) return own.status();
  return open(*own, absl::StrCat("shared pool of descriptor ", fd), shape);
}

absl::Status SharedPoolCore::unlink(const std::string& name) {
  return unlink_segment(kKind, name);
}

absl::StatusOr<SharedPoolCore::Pointer> SharedPoolCore::open(
    int fd, const std::string& what, const SharedPoolShape& shape) {
  Pointer pool(new SharedPoolCore());
  pool->fd_ = fd;
  pool->what_ = what;
  const absl::StatusOr<SharedPoolPrefix> prefix = read_prefix(fd, what, shape);
  if (!prefix.ok()) return prefix.status();
  if (absl::Status status = pool->map(*prefix); !status.ok()) return status;
  if (absl::Status status = pool->join(); !status.ok()) return status;
  return pool;
}

absl::Status SharedPoolCore::map(const SharedPoolPrefix& prefix) {
  const SharedPoolOffsets at = shared_pool_offsets(prefix);
  lock_fd_ = reopen_segment(fd_, O_RDWR);
  if (lock_fd_ < 0) return segment_error("opening /proc/self/fd for", what_);
  void* memory =
      mmap(nullptr, at.total, PROT_READ | PROT_WRITE, MAP_SHARED, lock_fd_, 0);
  if (memory == MAP_FAILED) return segment_error("mmap", what_);
  pid_ = getpid();
  bytes_ = at.total;
  auto* base = static_cast<std::byte*>(memory);
  header_ = reinterpret_cast<SharedPoolHeader*>(base);
  if (madvise(memory, bytes_, MADV_DONTFORK) != 0) {
    return segment_error("madvise", what_);
  }
  entries_ = reinterpret_cast<SharedPoolEntry*>(base + at.entries);
  hints_ = reinterpret_cast<Word*>(base + at.hints);
  states_ = reinterpret_cast<Word*>(base + at.states);
  slots_ = base + at.slots;
  slot_bytes_ = at.slot_bytes;
  capacity_ = prefix.capacity;
  hint_words_ = (prefix.capacity + 63) / 64;
  max_processes_ = prefix.max_processes;
  return absl::OkStatus();
}

// Of zeroed memory. linkat() or the sender of the descriptor publishes it.
void SharedPoolCore::initialise(const SharedPoolPrefix& prefix) noexcept {
  std::memcpy(&header_->prefix, &prefix, sizeof(prefix));
  for (std::size_t i = 0; i < hint_words_; ++i) {
    const std::size_t left = capacity_ - i * 64;
    hints_[i].store(left < 64 ? (std::uint64_t{1} << left) - 1 : ~0ull,
                    std::memory_order_relaxed);
  }
}

}  // namespace wirebook::internal
