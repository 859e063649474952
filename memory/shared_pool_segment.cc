// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// SharedPool's set-up: making a segment, and not trusting one.
#include "memory/shared_pool_segment.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "memory/numa_policy.h"
#include "memory/shared_pool_core.h"

namespace wirebook::internal {
namespace {

constexpr char kMagic[8] = {'W', 'B', 'S', 'H', 'P', 'O', 'O', 'L'};
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kPageBytes = 4096;
constexpr unsigned kMostProcesses = 255;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 46;
constexpr char kFolder[] = "/dev/shm/";

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

// A request about byte `index` of the file, for fcntl().
struct flock byte_lock(std::uint32_t index, short type) noexcept {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = index;
  lock.l_len = 1;
  return lock;
}

absl::Status failed(const char* call, const std::string& what) {
  const int code = errno;
  return absl::ErrnoToStatus(code, absl::StrCat(call, " ", what));
}

// FNV-1a, 64 bits (Fowler, Noll, Vo).
std::uint64_t checksum_of(const SharedPoolPrefix& prefix) {
  unsigned char bytes[sizeof(prefix)];
  std::memcpy(bytes, &prefix, sizeof(prefix));
  std::uint64_t sum = 0xcbf29ce484222325;
  for (std::size_t i = 0; i < offsetof(SharedPoolPrefix, checksum); ++i) {
    sum = (sum ^ bytes[i]) * 0x100000001b3;
  }
  return sum;
}

absl::Status refused(const std::string& what, const std::string& why) {
  return absl::FailedPreconditionError(
      absl::StrCat(what, " cannot be attached: ", why));
}

absl::StatusOr<std::string> path_of(const std::string& name) {
  const std::string base = name.substr(name.starts_with('/') ? 1 : 0);
  if (base.empty() || base.size() > 255 || base == "." || base == ".." ||
      base.find('/') != std::string::npos ||
      base.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", name,
                     "\" names no shared pool: give 1 to 255 characters, of "
                     "which only the first may be a slash"));
  }
  return absl::StrCat(kFolder, base);
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

// Reads with pread: a file that is too short is an error there, not a signal.
absl::StatusOr<SharedPoolPrefix> read_prefix(int fd, const std::string& what,
                                             const SharedPoolShape& shape) {
  struct stat status;
  if (fstat(fd, &status) != 0) return failed("fstat", what);
  if (!S_ISREG(status.st_mode)) return refused(what, "it is not a file");
  SharedPoolPrefix prefix{};
  const ssize_t got = pread(fd, &prefix, sizeof(prefix), 0);
  if (got < 0) return failed("pread", what);
  if (got != sizeof(prefix) ||
      std::memcmp(prefix.magic, kMagic, sizeof(kMagic)) != 0) {
    return refused(what, "it is not a shared pool");
  }
  if (prefix.version != kVersion) {
    return refused(what, absl::StrCat("its version is ", prefix.version,
                                      ", this program's is ", kVersion));
  }
  if (prefix.checksum != checksum_of(prefix)) {
    return refused(what, "its header's checksum is wrong: it is damaged");
  }
  if (prefix.object_bytes != shape.object_bytes ||
      prefix.object_align != shape.object_align ||
      prefix.layout != shape.options.layout) {
    return refused(
        what,
        absl::StrCat("its objects have ", prefix.object_bytes,
                     " bytes, alignment ", prefix.object_align, " and layout ",
                     prefix.layout, ", not ", shape.object_bytes, ", ",
                     shape.object_align, " and ", shape.options.layout));
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size != prefix.total_bytes) {
    return refused(
        what, absl::StrCat("it has ", size, " bytes of ", prefix.total_bytes,
                           ": it was truncated or extended"));
  }
  SharedPoolShape made = shape;
  made.options.capacity = prefix.capacity;
  made.options.max_processes = prefix.max_processes;
  absl::StatusOr<SharedPoolPrefix> again = make_prefix(made);
  if (!again.ok() || again->total_bytes != prefix.total_bytes) {
    return refused(what, "its sizes contradict each other");
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

bool lock_byte(int fd, std::uint32_t index) noexcept {
  struct flock lock = byte_lock(index, F_WRLCK);
  return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

void unlock_byte(int fd, std::uint32_t index) noexcept {
  struct flock lock = byte_lock(index, F_UNLCK);
  (void)fcntl(fd, F_OFD_SETLK, &lock);  // Cannot fail on a lock that is held.
}

bool is_byte_locked(int fd, std::uint32_t index) noexcept {
  struct flock lock = byte_lock(index, F_WRLCK);
  return fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

int reopen(int fd) noexcept {
  char path[32];
  std::snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  return ::open(path, O_RDWR | O_CLOEXEC);
}

absl::StatusOr<SharedPoolCore::Pointer> SharedPoolCore::create(
    const std::string& name, const SharedPoolShape& shape) {
  std::string path;
  if (!name.empty()) {
    absl::StatusOr<std::string> valid = path_of(name);
    if (!valid.ok()) return valid.status();
    path = *std::move(valid);
  }
  absl::StatusOr<SharedPoolPrefix> prefix = make_prefix(shape);
  if (!prefix.ok()) return prefix.status();

  Pointer pool(new SharedPoolCore());
  pool->what_ =
      absl::StrCat("shared pool \"", path.empty() ? "memfd" : name, "\"");
  pool->fd_ = path.empty() ? memfd_create("wirebook-shared-pool",
                                          MFD_CLOEXEC | MFD_ALLOW_SEALING)
                           : ::open(kFolder, O_TMPFILE | O_RDWR | O_CLOEXEC,
                                    shape.options.mode);
  if (pool->fd_ < 0) return failed("making a file for", pool->what_);
  const auto bytes = static_cast<off_t>(prefix->total_bytes);
  if (ftruncate(pool->fd_, bytes) != 0) {
    return failed("ftruncate", pool->what_);
  }
  if (absl::Status status = pool->map(*prefix); !status.ok()) return status;
  if (absl::Status status = apply_numa_placement(pool->header_, pool->bytes_,
                                                 shape.options.placement);
      !status.ok()) {
    return status;
  }
  // Memory now, or an error: later there would be a SIGBUS.
  if (fallocate(pool->fd_, 0, 0, bytes) != 0) {
    return failed("reserving memory for", pool->what_);
  }
  pool->initialise(*prefix);
  if (absl::Status status = pool->join(); !status.ok()) return status;
  if (path.empty()) {
    if (fcntl(pool->fd_, F_ADD_SEALS,
              F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
      return failed("sealing", pool->what_);
    }
    return pool;
  }
  const std::string self = absl::StrCat("/proc/self/fd/", pool->fd_);
  if (linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path.c_str(),
             AT_SYMLINK_FOLLOW) != 0) {
    return failed("naming", pool->what_);
  }
  return pool;
}

absl::StatusOr<SharedPoolCore::Pointer> SharedPoolCore::attach(
    const std::string& name, const SharedPoolShape& shape) {
  const absl::StatusOr<std::string> path = path_of(name);
  if (!path.ok()) return path.status();
  const std::string what = absl::StrCat("shared pool \"", name, "\"");
  // O_NONBLOCK: somebody's FIFO of that name would wait for its other end.
  const int fd =
      ::open(path->c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return failed("opening", what);
  return open(fd, what, shape);
}

absl::StatusOr<SharedPoolCore::Pointer> SharedPoolCore::attach(
    int fd, const SharedPoolShape& shape) {
  const std::string what = absl::StrCat("shared pool of descriptor ", fd);
  struct stat status;
  if (fstat(fd, &status) != 0) return failed("fstat", what);
  if (!S_ISREG(status.st_mode)) return refused(what, "it is not a file");
  const int own = reopen(fd);
  if (own < 0) return failed("opening /proc/self/fd for", what);
  return open(own, what, shape);
}

absl::Status SharedPoolCore::unlink(const std::string& name) {
  const absl::StatusOr<std::string> path = path_of(name);
  if (!path.ok()) return path.status();
  if (::unlink(path->c_str()) != 0) {
    return failed("unlink", absl::StrCat("shared pool \"", name, "\""));
  }
  return absl::OkStatus();
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
  lock_fd_ = reopen(fd_);
  if (lock_fd_ < 0) return failed("opening /proc/self/fd for", what_);
  void* memory =
      mmap(nullptr, at.total, PROT_READ | PROT_WRITE, MAP_SHARED, lock_fd_, 0);
  if (memory == MAP_FAILED) return failed("mmap", what_);
  pid_ = getpid();
  bytes_ = at.total;
  auto* base = static_cast<std::byte*>(memory);
  header_ = reinterpret_cast<SharedPoolHeader*>(base);
  if (madvise(memory, bytes_, MADV_DONTFORK) != 0) {
    return failed("madvise", what_);
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
