// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "concurrency/broadcast_ring.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "memory/cache_line.h"
#include "memory/numa_policy.h"
#include "memory/shared_segment.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

namespace wirebook {
namespace internal {
namespace {

constexpr char kKind[] = "broadcast ring";
constexpr char kMagic[8] = {'W', 'B', 'B', 'C', 'R', 'I', 'N', 'G'};
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kWriterByte = 0;  // Locked by the writer.
constexpr std::uint64_t kPageBytes = 4096;
constexpr std::uint64_t kMostSlots = std::uint64_t{1} << 32;
constexpr std::uint64_t kMostMessageBytes = std::uint64_t{1} << 24;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 46;

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

constexpr std::uint64_t slot_bytes(std::uint64_t max_bytes) {
  return round_up(kBroadcastHeaderWords * 8 + max_bytes, kCacheLineBytes);
}

std::uint64_t checksum_of(const BroadcastPrefix& prefix) {
  return segment_checksum(&prefix, offsetof(BroadcastPrefix, checksum));
}

absl::StatusOr<BroadcastPrefix> make_prefix(const BroadcastOptions& options) {
  if (options.slots < 2 || options.slots > kMostSlots ||
      options.max_message_bytes > kMostMessageBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("a broadcast ring of ", options.slots, " messages of ",
                     options.max_message_bytes, " bytes: 2 to ", kMostSlots,
                     " of up to ", kMostMessageBytes, " are possible"));
  }
  const std::uint64_t slots = std::bit_ceil(options.slots);
  if (slot_bytes(options.max_message_bytes) > kMostBytes / slots) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a broadcast ring of ", slots, " messages of ",
        options.max_message_bytes, " bytes is larger than can be addressed"));
  }
  BroadcastPrefix prefix{};
  std::memcpy(prefix.magic, kMagic, sizeof(kMagic));
  prefix.version = kVersion;
  prefix.slots = slots;
  prefix.max_bytes = options.max_message_bytes;
  prefix.heartbeat_timeout_ns = options.heartbeat_timeout_ns;
  prefix.layout = options.layout;
  prefix.total_bytes =
      round_up(sizeof(BroadcastHeader) + slots * slot_bytes(prefix.max_bytes),
               kPageBytes);
  prefix.checksum = checksum_of(prefix);
  return prefix;
}

// Its sizes, made again from what it says that it was made of.
bool is_consistent(const BroadcastPrefix& prefix) {
  const absl::StatusOr<BroadcastPrefix> again = make_prefix(
      {.slots = prefix.slots, .max_message_bytes = prefix.max_bytes});
  return again.ok() && again->slots == prefix.slots &&
         again->total_bytes == prefix.total_bytes;
}

absl::StatusOr<BroadcastPrefix> read_prefix(int fd, const std::string& label,
                                            std::uint64_t layout) {
  BroadcastPrefix prefix{};
  const absl::StatusOr<std::uint64_t> size =
      read_segment_prefix(fd, &prefix, sizeof(prefix), kMagic, kKind, label);
  if (!size.ok()) return size.status();
  if (prefix.version != kVersion) {
    return segment_refused(label,
                           absl::StrCat("its version is ", prefix.version,
                                        ", this program's is ", kVersion));
  }
  if (prefix.checksum != checksum_of(prefix)) {
    return segment_refused(label,
                           "its header's checksum is wrong: it is damaged");
  }
  if (prefix.layout != layout) {
    return segment_refused(
        label, absl::StrCat("its messages have layout ", prefix.layout,
                            ", not ", layout));
  }
  if (*size != prefix.total_bytes) {
    return segment_refused(
        label, absl::StrCat("it has ", *size, " bytes of ", prefix.total_bytes,
                            ": it was truncated or extended"));
  }
  if (!is_consistent(prefix)) {
    return segment_refused(label, "its sizes contradict each other");
  }
  return prefix;
}

// When a process began, in clock ticks since the system did: field 22 of
// /proc/<pid>/stat (proc(5)). 0 where there is none.
std::uint64_t start_of(pid_t pid) noexcept {
  char path[32];
  std::snprintf(path, sizeof(path), "/proc/%d/stat", static_cast<int>(pid));
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[1024];
  const ssize_t n = read(fd, text, sizeof(text) - 1);
  close(fd);
  text[n > 0 ? n : 0] = '\0';
  const char* at = std::strrchr(text, ')');  // The name may hold anything else.
  for (int field = 2; at != nullptr && field < 22; ++field) {
    at = std::strchr(at + 1, ' ');
  }
  return at == nullptr ? 0 : std::strtoull(at, nullptr, 10);
}

}  // namespace

absl::StatusOr<BroadcastSegment::Pointer> BroadcastSegment::create(
    const std::string& name, const BroadcastOptions& options) {
  const absl::StatusOr<BroadcastPrefix> prefix = make_prefix(options);
  if (!prefix.ok()) return prefix.status();
  const absl::StatusOr<int> fd =
      create_segment(kKind, name, options.mode, prefix->total_bytes);
  if (!fd.ok()) return fd.status();
  Pointer segment(new BroadcastSegment(*fd, segment_label(kKind, name)));
  if (absl::Status status = segment->finish(name, *prefix, options);
      !status.ok()) {
    return status;
  }
  return segment;
}

// The name comes last: who is killed before leaves nothing.
absl::Status BroadcastSegment::finish(const std::string& name,
                                      const BroadcastPrefix& prefix,
                                      const BroadcastOptions& options) {
  const auto bytes = static_cast<ssize_t>(sizeof(prefix));
  if (pwrite(fd_, &prefix, sizeof(prefix), 0) != bytes) {
    return segment_error("writing the header of", label_);
  }
  if (absl::Status status = map(prefix, true); !status.ok()) return status;
  if (absl::Status status =
          apply_numa_placement(header_, bytes_, options.placement);
      !status.ok()) {
    return status;
  }
  if (absl::Status status = reserve_segment(fd_, bytes_, label_);
      !status.ok()) {
    return status;
  }
  populate(true);
  return publish_segment(fd_, name, label_);
}

absl::StatusOr<int> BroadcastSegment::find(const std::string& name,
                                           bool writes) {
  return open_segment(kKind, name, writes ? O_RDWR : O_RDONLY);
}

absl::StatusOr<int> BroadcastSegment::find(int fd, bool writes) {
  return open_segment(kKind, fd, writes ? O_RDWR : O_RDONLY);
}

absl::StatusOr<BroadcastSegment::Pointer> BroadcastSegment::open(
    absl::StatusOr<int> fd, const std::string& label, std::uint64_t layout,
    bool writes) {
  if (!fd.ok()) return fd.status();
  Pointer segment(new BroadcastSegment(*fd, label));
  const absl::StatusOr<BroadcastPrefix> prefix =
      read_prefix(*fd, label, layout);
  if (!prefix.ok()) return prefix.status();
  if (absl::Status status = segment->map(*prefix, writes); !status.ok()) {
    return status;
  }
  segment->populate(writes);
  return segment;
}

absl::Status BroadcastSegment::unlink(const std::string& name) {
  return unlink_segment(kKind, name);
}

// A writer's lock belongs to a descriptor that only its mapping keeps.
absl::Status BroadcastSegment::map(const BroadcastPrefix& prefix, bool writes) {
  const int own = reopen_segment(fd_, writes ? O_RDWR : O_RDONLY);
  if (own < 0) return segment_error("opening /proc/self/fd for", label_);
  if (writes && !lock_byte(own, kWriterByte)) {
    const bool lives = is_byte_locked(own, kWriterByte);
    close(own);
    return lives ? absl::FailedPreconditionError(absl::StrCat(
                       label_, " has a writer that lives: one at a time"))
                 : absl::UnavailableError(absl::StrCat(
                       label_,
                       " has no writer, but a reader's lock on its "
                       "file keeps writers out: end who holds it "
                       "(lslocks) and try again"));
  }
  void* memory =
      mmap(nullptr, prefix.total_bytes,
           writes ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, own, 0);
  const absl::Status status =
      memory == MAP_FAILED ? segment_error("mmap", label_) : absl::OkStatus();
  close(own);
  if (!status.ok()) return status;
  header_ = static_cast<BroadcastHeader*>(memory);
  bytes_ = prefix.total_bytes;
  pid_ = getpid();
  shape_ = {prefix.slots, slot_bytes(prefix.max_bytes) / 8, prefix.max_bytes};
  timeout_ns_ = prefix.heartbeat_timeout_ns;
  // A child's mapping would hold the lock, too.
  if (madvise(memory, bytes_, MADV_DONTFORK) != 0) {
    return segment_error("madvise", label_);
  }
  return absl::OkStatus();
}

void BroadcastSegment::populate(bool writes) noexcept {
  // A wish: kernels before 5.14 make pages present at the first access.
  (void)madvise(header_, bytes_,
                writes ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
}

BroadcastSegment::~BroadcastSegment() {
  // In a child of fork() the memory is not there, or is somebody else's.
  if (header_ != nullptr && pid_ == getpid()) munmap(header_, bytes_);
  close(fd_);
}

void BroadcastSegment::sign() noexcept {
  // Relaxed: for people.
  header_->pid.store(static_cast<std::uint64_t>(pid_),
                     std::memory_order_relaxed);
  header_->pid_started.store(start_of(pid_), std::memory_order_relaxed);
}

BroadcastWriterInfo BroadcastSegment::writer() const noexcept {
  BroadcastWriterInfo info;
  info.is_alive = is_byte_locked(fd_, kWriterByte);
  // Relaxed, all of them: a look that orders nothing.
  const std::uint64_t life =
      header_->control.life.load(std::memory_order_relaxed);
  info.epoch = static_cast<std::uint32_t>(life >> 1);
  info.is_closed = (life & 1) != 0;
  info.pid = static_cast<pid_t>(header_->pid.load(std::memory_order_relaxed));
  info.pid_started = header_->pid_started.load(std::memory_order_relaxed);
  info.has_process =
      info.pid_started != 0 && start_of(info.pid) == info.pid_started;
  return info;
}

absl::Status BroadcastSegment::damaged() const {
  return absl::DataLossError(
      absl::StrCat(label_,
                   " is damaged: its head and its slots contradict each other; "
                   "unlink it and create it anew"));
}

}  // namespace internal

using internal::BroadcastSegment;

// ---- BroadcastWriter

absl::StatusOr<BroadcastWriter> BroadcastWriter::create(
    const std::string& name, const BroadcastOptions& options) {
  if (name.empty()) {
    return absl::InvalidArgumentError(
        "a broadcast ring without a name: create_anonymous() makes one");
  }
  return begin(BroadcastSegment::create(name, options));
}

absl::StatusOr<BroadcastWriter> BroadcastWriter::create_anonymous(
    const BroadcastOptions& options) {
  return begin(BroadcastSegment::create("", options));
}

absl::StatusOr<BroadcastWriter> BroadcastWriter::take_over(
    const std::string& name, std::uint64_t layout) {
  return begin(BroadcastSegment::open(
      BroadcastSegment::find(name, true),
      internal::segment_label(internal::kKind, name), layout, true));
}

absl::StatusOr<BroadcastWriter> BroadcastWriter::take_over(
    int fd, std::uint64_t layout) {
  return begin(BroadcastSegment::open(
      BroadcastSegment::find(fd, true),
      absl::StrCat(internal::kKind, " of descriptor ", fd), layout, true));
}

absl::Status BroadcastWriter::unlink(const std::string& name) {
  return BroadcastSegment::unlink(name);
}

BroadcastWriter::BroadcastWriter(Segment segment) noexcept
    : segment_(std::move(segment)),
      core_(segment_->control(), segment_->slots(), segment_->shape()) {}

absl::StatusOr<BroadcastWriter> BroadcastWriter::begin(
    absl::StatusOr<Segment> segment) {
  if (!segment.ok()) return segment.status();
  BroadcastWriter writer(*std::move(segment));
  if (!writer.core_.take_over()) return writer.segment_->damaged();
  writer.segment_->sign();
  return writer;
}

// ---- BroadcastReader

absl::StatusOr<BroadcastReader> BroadcastReader::attach(
    const std::string& name, std::uint64_t layout, BroadcastFrom from,
    BroadcastFrom after_lap) {
  return begin(
      BroadcastSegment::open(BroadcastSegment::find(name, false),
                             internal::segment_label(internal::kKind, name),
                             layout, false),
      from, after_lap);
}

absl::StatusOr<BroadcastReader> BroadcastReader::attach(
    int fd, std::uint64_t layout, BroadcastFrom from, BroadcastFrom after_lap) {
  return begin(
      BroadcastSegment::open(
          BroadcastSegment::find(fd, false),
          absl::StrCat(internal::kKind, " of descriptor ", fd), layout, false),
      from, after_lap);
}

BroadcastReader::BroadcastReader(Segment segment, BroadcastFrom after_lap)
    : segment_(std::move(segment)),
      core_(segment_->control(), segment_->slots(), segment_->shape(),
            after_lap),
      timeout_ns_(segment_->heartbeat_timeout_ns()),
      buffer_(segment_->shape().max_bytes) {}

absl::StatusOr<BroadcastReader> BroadcastReader::begin(
    absl::StatusOr<Segment> segment, BroadcastFrom from,
    BroadcastFrom after_lap) {
  if (!segment.ok()) return segment.status();
  BroadcastReader reader(*std::move(segment), after_lap);
  if (absl::Status status = reader.rejoin(from); !status.ok()) return status;
  return reader;
}

absl::Status BroadcastReader::rejoin(BroadcastFrom from) {
  return core_.join(from) ? absl::OkStatus() : segment_->damaged();
}

}  // namespace wirebook
