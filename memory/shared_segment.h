// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// A file of memory that several processes map, and locks on its bytes that end
// with their holder: what SharedPool and BroadcastRing (concurrency/) stand on.
//
// A segment has a name in /dev/shm, which appears when it is complete, or none
// (a memfd, sealed against truncation, passed on as a descriptor). Nothing that
// is found in one is trusted. Inside one process: page_mapping.h.
//
// Life: a process takes a lock on a byte through a descriptor of its own
// (reopen_segment), maps the segment through it and closes it. The mapping then
// holds the lock (F_OFD_SETLK), and the kernel takes it back when the last
// mapping is gone, after which no thread of the process runs another
// instruction: exit, crash or kill -9. No pid can be used twice here and no
// timeout be too short. Keep fork() out of it with MADV_DONTFORK.
//
// Threads: any. Errors: absl::Status with the segment and the call. Cost:
// system calls, set-up only.
#ifndef WIREBOOK_MEMORY_SHARED_SEGMENT_H_
#define WIREBOOK_MEMORY_SHARED_SEGMENT_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace wirebook::internal {

// `kind` is what a segment holds, in plain words: "shared pool". `name` is 1 to
// 255 characters, of which only the first may be a slash; empty for a memfd.

// How messages call it: shared pool "/quotes".
std::string segment_label(const char* kind, const std::string& name);

// A new file of zeros, not named yet; the caller closes it. ResourceExhausted
// beyond what the machine has as memory.
absl::StatusOr<int> create_segment(const char* kind, const std::string& name,
                                   mode_t mode, std::uint64_t bytes);

// Memory for all of it now, or an error: later there would be a SIGBUS.
absl::Status reserve_segment(int fd, std::uint64_t bytes,
                             const std::string& label);

// The last step of making one: gives it its name, or seals it where it has
// none. AlreadyExists where the name is taken.
absl::Status publish_segment(int fd, const std::string& name,
                             const std::string& label);

// `access` is O_RDWR or O_RDONLY. The caller closes what it gets; `fd` stays
// the caller's.
absl::StatusOr<int> open_segment(const char* kind, const std::string& name,
                                 int access);
absl::StatusOr<int> open_segment(const char* kind, int fd, int access);

absl::Status unlink_segment(const char* kind, const std::string& name);

// Reads the first `bytes` bytes, which begin with `magic`; returns the file's
// size. By pread(): of a file that is too short that is an error, no signal.
absl::StatusOr<std::uint64_t> read_segment_prefix(int fd, void* prefix,
                                                  std::size_t bytes,
                                                  const char (&magic)[8],
                                                  const char* kind,
                                                  const std::string& label);

// FNV-1a, 64 bits (Fowler, Noll, Vo).
std::uint64_t segment_checksum(const void* data, std::size_t bytes) noexcept;

// Errors: of the last system call, and FailedPrecondition.
absl::Status segment_error(const char* call, const std::string& label);
absl::Status segment_refused(const std::string& label, const std::string& why);

// Locks belong to an open file description. False where another one holds it.
bool lock_byte(int fd, std::uint32_t index) noexcept;
void unlock_byte(int fd, std::uint32_t index) noexcept;
// Whether somebody holds what lock_byte() takes; read access is enough. True
// where it cannot be found out. A read lock, which who may only read can take,
// is none, but lock_byte() fails as long as it is there.
bool is_byte_locked(int fd, std::uint32_t index) noexcept;

// The same file with an open file description of its own; -1 and errno.
int reopen_segment(int fd, int access) noexcept;

}  // namespace wirebook::internal

#endif  // WIREBOOK_MEMORY_SHARED_SEGMENT_H_
