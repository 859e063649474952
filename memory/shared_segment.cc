// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/shared_segment.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace wirebook::internal {
namespace {

constexpr char kFolder[] = "/dev/shm/";

// A request about byte `index` of the file, for fcntl().
struct flock byte_lock(std::uint32_t index, short type) noexcept {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = index;
  lock.l_len = 1;
  return lock;
}

absl::StatusOr<std::string> path_of(const char* kind, const std::string& name) {
  const std::string base = name.substr(name.starts_with('/') ? 1 : 0);
  if (base.empty() || base.size() > 255 || base == "." || base == ".." ||
      base.find('/') != std::string::npos ||
      base.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", name, "\" names no ", kind,
                     ": give 1 to 255 characters, of which only the first may "
                     "be a slash"));
  }
  return absl::StrCat(kFolder, base);
}

}  // namespace

std::string segment_label(const char* kind, const std::string& name) {
  return absl::StrCat(kind, " \"", name.empty() ? "memfd" : name, "\"");
}

absl::Status segment_error(const char* call, const std::string& label) {
  const int code = errno;
  return absl::ErrnoToStatus(code, absl::StrCat(call, " ", label));
}

absl::Status segment_refused(const std::string& label, const std::string& why) {
  return absl::FailedPreconditionError(
      absl::StrCat(label, " cannot be attached: ", why));
}

absl::StatusOr<int> create_segment(const char* kind, const std::string& name,
                                   mode_t mode, std::uint64_t bytes) {
  if (!name.empty()) {
    if (const auto path = path_of(kind, name); !path.ok()) return path.status();
  }
  const std::string label = segment_label(kind, name);
  // A memfd has no other limit: reserving it would end in the OOM killer.
  const auto most = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                    static_cast<std::uint64_t>(sysconf(_SC_PAGE_SIZE));
  if (bytes > most) {
    return absl::ResourceExhaustedError(
        absl::StrCat(label, " of ", bytes, " bytes: this machine has ", most));
  }
  const int fd = name.empty()
                     ? memfd_create(absl::StrCat("wirebook ", kind).c_str(),
                                    MFD_CLOEXEC | MFD_ALLOW_SEALING)
                     : ::open(kFolder, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
  if (fd < 0) return segment_error("making a file for", label);
  if (ftruncate(fd, static_cast<off_t>(bytes)) != 0) {
    const absl::Status status = segment_error("ftruncate", label);
    close(fd);
    return status;
  }
  return fd;
}

absl::Status reserve_segment(int fd, std::uint64_t bytes,
                             const std::string& label) {
  if (fallocate(fd, 0, 0, static_cast<off_t>(bytes)) != 0) {
    return segment_error("reserving memory for", label);
  }
  return absl::OkStatus();
}

absl::Status publish_segment(int fd, const std::string& name,
                             const std::string& label) {
  if (name.empty()) {
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) !=
        0) {
      return segment_error("sealing", label);
    }
    return absl::OkStatus();
  }
  const absl::StatusOr<std::string> path = path_of("segment", name);
  if (!path.ok()) return path.status();
  const std::string self = absl::StrCat("/proc/self/fd/", fd);
  if (linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path->c_str(),
             AT_SYMLINK_FOLLOW) != 0) {
    return segment_error("naming", label);
  }
  return absl::OkStatus();
}

absl::StatusOr<int> open_segment(const char* kind, const std::string& name,
                                 int access) {
  const absl::StatusOr<std::string> path = path_of(kind, name);
  if (!path.ok()) return path.status();
  // O_NONBLOCK: somebody's FIFO of that name would wait for its other end.
  const int fd =
      ::open(path->c_str(), access | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return segment_error("opening", segment_label(kind, name));
  return fd;
}

absl::StatusOr<int> open_segment(const char* kind, int fd, int access) {
  const std::string label = absl::StrCat(kind, " of descriptor ", fd);
  struct stat status;
  if (fstat(fd, &status) != 0) return segment_error("fstat", label);
  if (!S_ISREG(status.st_mode)) {
    return segment_refused(label, "it is not a file");
  }
  const int own = reopen_segment(fd, access);
  if (own < 0) return segment_error("opening /proc/self/fd for", label);
  return own;
}

absl::Status unlink_segment(const char* kind, const std::string& name) {
  const absl::StatusOr<std::string> path = path_of(kind, name);
  if (!path.ok()) return path.status();
  if (::unlink(path->c_str()) != 0) {
    return segment_error("unlink", segment_label(kind, name));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::uint64_t> read_segment_prefix(int fd, void* prefix,
                                                  std::size_t bytes,
                                                  const char (&magic)[8],
                                                  const char* kind,
                                                  const std::string& label) {
  struct stat status;
  if (fstat(fd, &status) != 0) return segment_error("fstat", label);
  if (!S_ISREG(status.st_mode)) {
    return segment_refused(label, "it is not a file");
  }
  const ssize_t got = pread(fd, prefix, bytes, 0);
  if (got < 0) return segment_error("pread", label);
  if (static_cast<std::size_t>(got) != bytes ||
      std::memcmp(prefix, magic, sizeof(magic)) != 0) {
    return segment_refused(label, absl::StrCat("it is not a ", kind));
  }
  return static_cast<std::uint64_t>(status.st_size);
}

std::uint64_t segment_checksum(const void* data, std::size_t bytes) noexcept {
  const auto* byte = static_cast<const unsigned char*>(data);
  std::uint64_t sum = 0xcbf29ce484222325;
  for (std::size_t i = 0; i < bytes; ++i) {
    sum = (sum ^ byte[i]) * 0x100000001b3;
  }
  return sum;
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
  return fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_WRLCK;
}

int reopen_segment(int fd, int access) noexcept {
  char path[32];
  std::snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  return ::open(path, access | O_CLOEXEC);
}

}  // namespace wirebook::internal
