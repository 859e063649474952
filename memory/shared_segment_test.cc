// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/shared_segment.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "memory/testing/own_name.h"

namespace wirebook::internal {
namespace {

constexpr char kKind[] = "thing";
constexpr char kMagic[8] = {'W', 'B', 'T', 'H', 'I', 'N', 'G', '1'};

std::string test_name() { return own_name("/wirebook_segment_test"); }

// A complete segment that begins with the magic.
int make(const std::string& name) {
  const std::string label = segment_label(kKind, name);
  const absl::StatusOr<int> fd = create_segment(kKind, name, 0600, 8192);
  EXPECT_TRUE(fd.ok()) << fd.status();
  EXPECT_TRUE(reserve_segment(*fd, 8192, label).ok());
  EXPECT_EQ(pwrite(*fd, kMagic, sizeof(kMagic), 0), 8);
  EXPECT_TRUE(publish_segment(*fd, name, label).ok());
  return *fd;
}

TEST(SharedSegment, IsFoundByItsNameUntilItIsUnlinked) {
  const int made = make(test_name());
  const absl::StatusOr<int> found = open_segment(kKind, test_name(), O_RDONLY);
  ASSERT_TRUE(found.ok()) << found.status();
  char prefix[16];
  const auto size =
      read_segment_prefix(*found, prefix, sizeof(prefix), kMagic, kKind, "it");
  ASSERT_TRUE(size.ok()) << size.status();
  EXPECT_EQ(*size, 8192u);
  EXPECT_EQ(std::memcmp(prefix, kMagic, 8), 0);
  EXPECT_TRUE(unlink_segment(kKind, test_name()).ok());
  EXPECT_TRUE(
      absl::IsNotFound(open_segment(kKind, test_name(), O_RDONLY).status()));
  EXPECT_TRUE(absl::IsNotFound(unlink_segment(kKind, test_name())));
  close(*found);
  close(made);
}

TEST(SharedSegment, ANameIsTakenOnce) {
  const int made = make(test_name());
  const absl::StatusOr<int> second =
      create_segment(kKind, test_name(), 0600, 64);
  ASSERT_TRUE(second.ok());
  EXPECT_TRUE(
      absl::IsAlreadyExists(publish_segment(*second, test_name(), "it")));
  close(*second);
  close(made);
  EXPECT_TRUE(unlink_segment(kKind, test_name()).ok());
}

TEST(SharedSegment, ANameIsOnePathComponent) {
  for (const char* name : {"/", ".", "..", "/a/b", "//"}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(create_segment(kKind, name, 0600, 64).status()))
        << name;
    EXPECT_TRUE(
        absl::IsInvalidArgument(open_segment(kKind, name, O_RDWR).status()));
    EXPECT_TRUE(absl::IsInvalidArgument(unlink_segment(kKind, name)));
    EXPECT_TRUE(absl::IsInvalidArgument(publish_segment(-1, name, "it")));
  }
  EXPECT_TRUE(absl::IsInvalidArgument(
      open_segment(kKind, std::string(257, 'a'), O_RDWR).status()));
}

TEST(SharedSegment, WithoutANameItCannotBeTruncated) {
  const int fd = make("");
  EXPECT_NE(ftruncate(fd, 0), 0);
  const absl::StatusOr<int> other = open_segment(kKind, fd, O_RDONLY);
  ASSERT_TRUE(other.ok()) << other.status();
  close(*other);
  close(fd);
}

TEST(SharedSegment, WhatIsNoneIsRefused) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(
      open_segment(kKind, pipe_ends[0], O_RDONLY).status()));
  char prefix[16];
  const auto read_from = [&](int fd) {
    return read_segment_prefix(fd, prefix, sizeof(prefix), kMagic, kKind, "it")
        .status();
  };
  EXPECT_TRUE(absl::IsFailedPrecondition(read_from(pipe_ends[0])));
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  EXPECT_FALSE(open_segment(kKind, -1, O_RDONLY).ok());
  EXPECT_FALSE(read_from(-1).ok());
  EXPECT_FALSE(reserve_segment(-1, 64, "it").ok());
  EXPECT_FALSE(publish_segment(-1, "", "it").ok());
  EXPECT_TRUE(absl::IsResourceExhausted(
      create_segment(kKind, "", 0600, std::uint64_t{1} << 50).status()));

  const absl::StatusOr<int> zeros = create_segment(kKind, "", 0600, 64);
  ASSERT_TRUE(zeros.ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(read_from(*zeros)));
  ASSERT_EQ(ftruncate(*zeros, 4), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(read_from(*zeros)));
  close(*zeros);
}

// Whoever may read can take one, so that it must not count as a sign of life.
TEST(SharedSegment, AReadLockIsNoSignOfLife) {
  const int fd = make("");
  const int own = reopen_segment(fd, O_RDWR);
  const int reads = reopen_segment(fd, O_RDONLY);
  struct flock lock {};
  lock.l_type = F_RDLCK;
  lock.l_whence = SEEK_SET;
  ASSERT_EQ(fcntl(reads, F_OFD_SETLK, &lock), 0) << "of the whole file";
  EXPECT_FALSE(is_byte_locked(own, 0));
  EXPECT_FALSE(lock_byte(own, 0)) << "but it keeps others out";
  close(reads);
  EXPECT_TRUE(lock_byte(own, 0));
  close(own);
  close(fd);
}

TEST(SharedSegment, ALockLivesAsLongAsTheMappingOfItsHolder) {
  const int fd = make("");
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const int own = reopen_segment(fd, O_RDWR);
    if (!lock_byte(own, 3)) _exit(1);
    if (mmap(nullptr, 8192, PROT_READ, MAP_SHARED, own, 0) == MAP_FAILED) {
      _exit(2);
    }
    close(own);
    if (write(ready[1], "x", 1) != 1) _exit(3);
    for (;;) pause();
  }
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  const int own = reopen_segment(fd, O_RDWR);
  const int asks = reopen_segment(fd, O_RDONLY);
  EXPECT_TRUE(is_byte_locked(asks, 3));
  EXPECT_FALSE(is_byte_locked(asks, 2));
  EXPECT_FALSE(lock_byte(own, 3));
  ASSERT_EQ(kill(child, SIGKILL), 0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_FALSE(is_byte_locked(asks, 3));
  EXPECT_TRUE(lock_byte(own, 3));
  EXPECT_TRUE(is_byte_locked(asks, 3));
  unlock_byte(own, 3);
  EXPECT_FALSE(is_byte_locked(asks, 3));
  EXPECT_TRUE(is_byte_locked(-1, 3)) << "not known: not free";
  for (const int end : {own, asks, fd, ready[0], ready[1]}) close(end);
}

}  // namespace
}  // namespace wirebook::internal
