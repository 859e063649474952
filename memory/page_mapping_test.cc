// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/page_mapping.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cinttypes>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "memory/numa_policy.h"
#include "memory/testing/refuse_calls.h"
#include "memory/testing/refuse_heap.h"

namespace wirebook {
namespace {

std::string temporary(const std::string& name) {
  return ::testing::TempDir() + "/page_mapping_" + std::to_string(getpid()) +
         "_" + name;
}

std::string write_file(const std::string& name, const std::string& contents) {
  const std::string path = temporary(name);
  std::ofstream(path, std::ios::binary) << contents;
  return path;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string_view text(const PageMapping& mapping) {
  return {reinterpret_cast<const char*>(mapping.data()), mapping.size()};
}

bool is_mapped(const void* page) {
  unsigned char present;
  return mincore(const_cast<void*>(page), 1, &present) == 0;
}

long minor_faults() {
  rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_minflt;
}

// Faults while writing to each small page; a sanitizer's shadow would add more.
__attribute__((no_sanitize("thread"), no_sanitize("address"))) long
faults_of_touching(std::byte* data, size_t bytes) {
  const long before = minor_faults();
  for (size_t at = 0; at < bytes; at += 4096) {
    *static_cast<volatile std::byte*>(data + at) = std::byte{1};
  }
  return minor_faults() - before;
}

TEST(AnonymousMapping, IsZeroedMemoryInWholePages) {
  absl::StatusOr<PageMapping> memory = PageMapping::anonymous(5000);
  ASSERT_TRUE(memory.ok()) << memory.status();
  EXPECT_EQ(memory->size(), 8192u);
  EXPECT_TRUE(std::all_of(memory->bytes().begin(), memory->bytes().end(),
                          [](std::byte b) { return b == std::byte{0}; }));
  memory->mutable_bytes()[8191] = std::byte{7};
  EXPECT_EQ(memory->data()[8191], std::byte{7});
  EXPECT_EQ(memory->actual_page_size(), kSmallPageBytes);
}

TEST(AnonymousMapping, IsGivenBackOnce) {
  const void* address;
  {
    auto memory = PageMapping::anonymous(4096, {.prefault = true});
    ASSERT_TRUE(memory.ok());
    address = memory->data();
    PageMapping moved = *std::move(memory);
    EXPECT_EQ(moved.data(), address);
    EXPECT_TRUE(memory->empty());
    moved = PageMapping();
    EXPECT_FALSE(is_mapped(address));
  }
  EXPECT_FALSE(is_mapped(address));
}

TEST(AnonymousMapping, PrefaultedPagesDoNotFault) {
  auto memory = PageMapping::anonymous(1 << 20, {.prefault = true});
  ASSERT_TRUE(memory.ok());
  EXPECT_EQ(faults_of_touching(memory->data(), memory->size()), 0);
}

TEST(AnonymousMapping, HugePagesAreAWishAndTheAnswerIsHonest) {
  auto memory = PageMapping::anonymous(7 << 20, {.page_bytes = kHugePageBytes});
  ASSERT_TRUE(memory.ok()) << memory.status();
  EXPECT_EQ(memory->size(), 4 * kHugePageBytes);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory->data()) % kHugePageBytes, 0u);
  // What the kernel really uses shows in how often it is called for a page.
  const long faults = faults_of_touching(memory->data(), memory->size());
  EXPECT_EQ(memory->actual_page_size(),
            faults <= 4 ? kHugePageBytes : kSmallPageBytes)
      << faults << " faults";
}

TEST(AnonymousMapping, WithoutHugePagesReportsSmallOnes) {
  auto memory = PageMapping::anonymous(8 << 20);
  ASSERT_TRUE(memory.ok());
  if (!memory->advise(PageAdvice::kNoHuge).ok()) GTEST_SKIP() << "no THP";
  ASSERT_TRUE(memory->prefault().ok());
  EXPECT_EQ(memory->actual_page_size(), kSmallPageBytes);
}

TEST(AnonymousMapping, SharedMemoryIsSeenByAChild) {
  for (const bool shared : {true, false}) {
    auto memory = PageMapping::anonymous(4096, {.shared = shared});
    ASSERT_TRUE(memory.ok());
    const pid_t child = fork();
    if (child == 0) {
      memory->data()[0] = std::byte{9};
      testing::leave_child(0);
    }
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
    EXPECT_EQ(memory->data()[0] == std::byte{9}, shared);
  }
}

TEST(AnonymousMapping, RefusesSizesThatMakeNoSense) {
  EXPECT_EQ(PageMapping::anonymous(0).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(PageMapping::anonymous(SIZE_MAX).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(PageMapping::anonymous(1, {.page_bytes = 12345}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(PageMapping::anonymous(size_t{1} << 46).ok());
}

TEST(AnonymousMapping, LiesOnTheNodeThatWasAskedFor) {
  auto memory = PageMapping::anonymous(
      1 << 16,
      {.prefault = true, .placement = {NumaPolicy::kBind, /*node=*/0}});
  ASSERT_TRUE(memory.ok()) << memory.status();
  const std::optional<int> node = numa_node_of(memory->data() + 8192);
  if (!node.has_value()) GTEST_SKIP() << "NUMA system calls are refused here";
  EXPECT_EQ(*node, 0);
  EXPECT_EQ(
      PageMapping::anonymous(4096, {.placement = {NumaPolicy::kBind, 900}})
          .status()
          .code(),
      absl::StatusCode::kInvalidArgument);
}

TEST(AnonymousMapping, LocksWithinTheLimit) {
  auto memory = PageMapping::anonymous(4096, {.lock = true});
  if (!memory.ok()) GTEST_SKIP() << memory.status();
  EXPECT_TRUE(memory->unlock().ok());
}

TEST(AnonymousMapping, ALockBeyondTheLimitSaysWhatToDo) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit none{0, 0};
    if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 || setuid(65534) != 0) _exit(2);
    // Sanitizers turn mlock into nothing.
    auto memory = PageMapping::anonymous(1 << 20);
    if (mlock(memory->data(), memory->size()) == 0) _exit(2);
    memory = PageMapping::anonymous(1 << 20, {.lock = true});
    _exit(!memory.ok() && memory.status().ToString().find("RLIMIT_MEMLOCK") !=
                              std::string::npos
              ? 0
              : 1);
  }
  int status;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "mlock has no limit here";
  EXPECT_EQ(status, 0);
}

TEST(AnonymousMapping, TakesAdvice) {
  auto memory = PageMapping::anonymous(1 << 16);
  ASSERT_TRUE(memory.ok());
  memory->data()[0] = std::byte{5};
  for (const PageAdvice advice :
       {PageAdvice::kNormal, PageAdvice::kSequential, PageAdvice::kRandom,
        PageAdvice::kWillNeed, PageAdvice::kDontDump, PageAdvice::kCold}) {
    EXPECT_TRUE(memory->advise(advice).ok()) << static_cast<int>(advice);
  }
  EXPECT_EQ(memory->data()[0], std::byte{5});
  EXPECT_TRUE(memory->advise(PageAdvice::kDontNeed).ok());
  EXPECT_EQ(memory->data()[0], std::byte{0});
}

TEST(AnonymousMapping, AGiantPageIsAWishToo) {
  auto memory =
      PageMapping::anonymous(3 << 20, {.page_bytes = kGiantPageBytes});
  ASSERT_TRUE(memory.ok()) << memory.status();
  if (memory->actual_page_size() == kGiantPageBytes) {
    EXPECT_EQ(memory->size(), kGiantPageBytes);
  } else {
    EXPECT_EQ(memory->size(), 2 * kHugePageBytes);
  }
  memory->data()[memory->size() - 1] = std::byte{1};
}

// Reserved pages of `page` bytes that are free now.
size_t free_reserved(size_t page) {
  size_t pages = 0;
  std::ifstream("/sys/kernel/mm/hugepages/hugepages-" +
                std::to_string(page >> 10) + "kB/free_hugepages") >>
      pages;
  return pages;
}

TEST(AnonymousMapping, TakesReservedPagesWhereThereAreAny) {
  bool none = true;
  for (const size_t page : {kHugePageBytes, kGiantPageBytes}) {
    if (free_reserved(page) < 1) continue;
    none = false;
    auto memory =
        PageMapping::anonymous(5, {.page_bytes = page, .prefault = true});
    ASSERT_TRUE(memory.ok()) << memory.status();
    EXPECT_EQ(memory->size(), page);
    EXPECT_EQ(memory->actual_page_size(), page);
    EXPECT_EQ(memory->resize(2 * page).code(),
              absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(faults_of_touching(memory->data(), memory->size()), 0);
  }
  if (none) GTEST_SKIP() << "no huge pages are reserved on this system";
}

TEST(AnonymousMapping, ReservedPagesOfAnotherNodeFallBackInsteadOfSigbus) {
  const size_t pages = free_reserved(kHugePageBytes);
  if (pages < 2) GTEST_SKIP() << "no huge pages are reserved on this system";
  // All of them on one node: with two nodes, half of them lie elsewhere.
  for (const int node : {0, 1}) {
    auto memory = PageMapping::anonymous(
        pages * kHugePageBytes,
        {.page_bytes = kHugePageBytes, .placement = {NumaPolicy::kBind, node}});
    if (!memory.ok()) continue;  // No such node.
    std::byte* last = memory->data() + memory->size() - 1;
    *last = std::byte{1};
    EXPECT_EQ(numa_node_of(last).value_or(node), node);
  }
}

TEST(AnonymousMapping, ResizesInBothDirectionsAndKeepsWhatItHolds) {
  for (const size_t page : {kSmallPageBytes, kHugePageBytes}) {
    auto memory = PageMapping::anonymous(page, {.page_bytes = page});
    ASSERT_TRUE(memory.ok());
    if (memory->actual_page_size() == page && page != kSmallPageBytes) continue;
    memory->data()[17] = std::byte{3};
    ASSERT_EQ(memory->resize(9 * page - 1), absl::OkStatus());
    EXPECT_EQ(memory->size(), 9 * page);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory->data()) % page, 0u);
    EXPECT_EQ(memory->data()[17], std::byte{3});
    EXPECT_EQ(memory->data()[9 * page - 1], std::byte{0});
    const std::byte* end = memory->data() + 2 * page;
    ASSERT_EQ(memory->resize(2 * page), absl::OkStatus());
    EXPECT_FALSE(is_mapped(end));
    EXPECT_EQ(memory->data()[17], std::byte{3});
    ASSERT_EQ(memory->resize(2 * page), absl::OkStatus());
  }
}

TEST(AnonymousMapping, IsAlignedAsAskedFor) {
  for (const size_t alignment :
       {size_t{64}, size_t{1} << 16, size_t{8} << 20}) {
    for (const size_t page : {kSmallPageBytes, kHugePageBytes}) {
      auto memory = PageMapping::anonymous(
          5000, {.page_bytes = page, .alignment = alignment});
      ASSERT_TRUE(memory.ok()) << memory.status();
      EXPECT_EQ(reinterpret_cast<uintptr_t>(memory->data()) % alignment, 0u);
      memory->data()[memory->size() - 1] = std::byte{1};
    }
  }
  EXPECT_EQ(PageMapping::anonymous(1, {.alignment = 24}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(AnonymousMapping, AHugeOneThatMustMoveStaysAligned) {
  auto memory =
      PageMapping::anonymous(kHugePageBytes, {.page_bytes = kHugePageBytes});
  ASSERT_TRUE(memory.ok());
  memory->data()[5] = std::byte{1};
  std::byte* before = memory->data();
  // Something that is in the way of growing in place.
  void* wall = mmap(before + kHugePageBytes, 4096, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  const absl::Status grown = memory->resize(4 * kHugePageBytes);
  if (grown.code() == absl::StatusCode::kFailedPrecondition) {
    GTEST_SKIP() << "reserved huge pages are here: " << grown;
  }
  ASSERT_EQ(grown, absl::OkStatus());
  EXPECT_NE(memory->data(), before);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory->data()) % kHugePageBytes, 0u);
  EXPECT_EQ(memory->data()[5], std::byte{1});
  EXPECT_FALSE(is_mapped(before));
  if (wall != MAP_FAILED) munmap(wall, 4096);
}

TEST(AnonymousMapping, KeepsItsNodeWhenItGrows) {
  auto memory = PageMapping::anonymous(
      4096, {.placement = {NumaPolicy::kBind, /*node=*/0}});
  ASSERT_TRUE(memory.ok());
  ASSERT_EQ(memory->resize(1 << 20), absl::OkStatus());
  memory->data()[(1 << 20) - 1] = std::byte{1};
  const auto node = numa_node_of(memory->data() + (1 << 20) - 1);
  EXPECT_EQ(node.value_or(0), 0);
}

TEST(AnonymousMapping, WhatCannotBeResizedSaysSo) {
  auto memory = PageMapping::anonymous(4096);
  ASSERT_TRUE(memory.ok());
  EXPECT_EQ(memory->resize(0).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(memory->resize(SIZE_MAX).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(memory->resize(size_t{1} << 46).ok());
  EXPECT_EQ(memory->size(), 4096u) << "as it was";
  auto huge = PageMapping::anonymous(4096, {.page_bytes = kHugePageBytes});
  ASSERT_TRUE(huge.ok());
  EXPECT_FALSE(huge->resize(size_t{1} << 46).ok());
  auto shared = PageMapping::anonymous(4096, {.shared = true});
  auto ring = PageMapping::mirrored(4096);
  ASSERT_TRUE(shared.ok() && ring.ok());
  EXPECT_EQ(shared->resize(8192).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ring->resize(8192).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(AnonymousMapping, AdviceForARangeTakesItsWholePages) {
  auto memory = PageMapping::anonymous(4 * 4096);
  ASSERT_TRUE(memory.ok());
  memset(memory->data(), 1, memory->size());
  ASSERT_EQ(memory->advise(PageAdvice::kDontNeed, 100, 3 * 4096),
            absl::OkStatus());
  EXPECT_EQ(memory->data()[4095], std::byte{1}) << "half of it was meant";
  EXPECT_EQ(memory->data()[4096], std::byte{0});
  EXPECT_EQ(memory->data()[3 * 4096 - 1], std::byte{0});
  EXPECT_EQ(memory->data()[3 * 4096], std::byte{1});
  EXPECT_EQ(memory->advise(PageAdvice::kDontNeed, 10, 20), absl::OkStatus())
      << "no whole page";
  EXPECT_EQ(memory->advise(PageAdvice::kCold, 4096, 4 * 4096).code(),
            absl::StatusCode::kOutOfRange);
}

TEST(AnonymousMapping, ContentsOutlastCollapseAndPageOut) {
  auto memory =
      PageMapping::anonymous(kHugePageBytes, {.page_bytes = kHugePageBytes});
  ASSERT_TRUE(memory.ok());
  memset(memory->data(), 7, memory->size());
  const absl::Status paged_out = memory->advise(PageAdvice::kPageOut);
  const absl::Status collapsed = memory->advise(PageAdvice::kCollapse);
  if (collapsed.ok()) {
    EXPECT_EQ(memory->actual_page_size(), kHugePageBytes);
  }
  EXPECT_TRUE(std::all_of(memory->bytes().begin(), memory->bytes().end(),
                          [](std::byte b) { return b == std::byte{7}; }));
  memory->data()[0] = std::byte{9};
  EXPECT_EQ(memory->data()[0], std::byte{9});
  if (!paged_out.ok() || !collapsed.ok()) {
    GTEST_SKIP() << "this kernel: " << paged_out << ", " << collapsed;
  }
}

TEST(AnonymousMapping, FreedPagesCanBeWrittenAgain) {
  auto memory = PageMapping::anonymous(4096);
  ASSERT_TRUE(memory.ok());
  memory->data()[0] = std::byte{8};
  ASSERT_EQ(memory->advise(PageAdvice::kFree), absl::OkStatus());
  memory->data()[0] = std::byte{9};
  EXPECT_EQ(memory->data()[0], std::byte{9});
}

// Runs `check` in a child in which `calls` fail; 0 is success.
void in_a_child_without(std::initializer_list<long> calls, int error,
                        int (*check)()) {
  const pid_t child = fork();
  if (child == 0)
    testing::leave_child(testing::refuse_calls(calls, error) ? check() : 2);
  int status;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(status, 0);
}

TEST(AnonymousMapping, PrefaultsByTouchingOnKernelsThatCannotPopulate) {
  in_a_child_without({SYS_madvise}, EINVAL, [] {
    auto memory = PageMapping::anonymous(1 << 20, {.prefault = true});
    auto file =
        PageMapping::file(write_file("touch", "abc"), {.prefault = true});
    return memory.ok() && file.ok() && file->checked_bytes(0, 3).ok() &&
                   faults_of_touching(memory->data(), memory->size()) == 0
               ? 0
               : 1;
  });
}

TEST(AnonymousMapping, APrefaultThatFailsIsReported) {
  in_a_child_without({SYS_madvise}, ENOMEM, [] {
    auto memory = PageMapping::anonymous(1 << 20, {.prefault = true});
    auto file = PageMapping::file(write_file("enomem", "abc"));
    return memory.status().code() == absl::StatusCode::kResourceExhausted &&
                   file.ok() && !file->checked_bytes(0, 3).ok()
               ? 0
               : 1;
  });
}

TEST(AnonymousMapping, WithoutHeapItIsAStatusToo) {
  const testing::RefuseHeap refusing;
  const auto none = PageMapping::anonymous(size_t{1} << 46);
  EXPECT_EQ(none.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(PageMapping::anonymous(4096).ok());
}

TEST(AnonymousMapping, ReadAtNeedsNoCallOfTheKernel) {
  in_a_child_without({SYS_process_vm_readv}, EPERM, [] {
    auto memory = PageMapping::anonymous(8192);
    auto ring = PageMapping::mirrored(4096);
    memory->data()[5000] = ring->data()[7] = std::byte{3};
    std::byte out[2] = {};
    return memory->read_at(4999, out).ok() && out[1] == std::byte{3} &&
                   ring->read_at(6, out).ok() && out[1] == std::byte{3}
               ? 0
               : 1;
  });
}

TEST(AnonymousMapping, WhatWasAdvisedInPartsCannotGrowAndSaysSo) {
  auto memory = PageMapping::anonymous(8192);
  ASSERT_TRUE(memory.ok());
  memory->data()[5000] = std::byte{1};
  ASSERT_EQ(memory->advise(PageAdvice::kDontDump, 0, 4096), absl::OkStatus());
  EXPECT_EQ(memory->resize(1 << 20).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(memory->size(), 8192u);
  EXPECT_EQ(memory->data()[5000], std::byte{1});
  EXPECT_EQ(memory->resize(4096), absl::OkStatus());
}

TEST(FileMapping, ReadsWithoutACopy) {
  const std::string path = write_file("read", "hello, book");
  auto file = PageMapping::file(path, {.prefault = true});
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->size(), 11u);
  EXPECT_EQ(text(*file), "hello, book");
  EXPECT_EQ(file->sync().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(FileMapping, AnEmptyFileIsAnEmptySpan) {
  const std::string path = write_file("empty", "");
  for (const FileAccess access : {FileAccess::kReadOnly, FileAccess::kReadWrite,
                                  FileAccess::kCopyOnWrite}) {
    auto file = PageMapping::file(path, {.access = access, .prefault = true});
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_TRUE(file->bytes().empty());
    EXPECT_TRUE(file->advise(PageAdvice::kSequential).ok());
    EXPECT_TRUE(file->lock().ok());
  }
}

TEST(FileMapping, ReadWriteReachesTheFileAndOtherMappings) {
  const std::string path = write_file("write", "aaaa");
  auto file = PageMapping::file(path, {.access = FileAccess::kReadWrite});
  auto other = PageMapping::file(path);
  ASSERT_TRUE(file.ok() && other.ok());
  file->data()[1] = std::byte{'b'};
  EXPECT_EQ(text(*other), "abaa");
  EXPECT_TRUE(file->sync().ok());
  EXPECT_EQ(read_file(path), "abaa");
}

TEST(FileMapping, CopyOnWriteStaysHere) {
  const std::string path = write_file("cow", "aaaa");
  auto file = PageMapping::file(
      path, {.access = FileAccess::kCopyOnWrite, .prefault = true});
  ASSERT_TRUE(file.ok());
  file->data()[1] = std::byte{'b'};
  EXPECT_EQ(text(*file), "abaa");
  EXPECT_EQ(read_file(path), "aaaa");
}

TEST(FileMapping, CreatesAndGrowsAFile) {
  const std::string path = temporary("grown");
  {
    auto file = PageMapping::file(
        path, {.access = FileAccess::kReadWrite, .grow_to_bytes = 10000});
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_EQ(file->size(), 10000u);
    file->data()[9999] = std::byte{'z'};
  }
  auto again = PageMapping::file(
      path, {.access = FileAccess::kReadWrite, .grow_to_bytes = 5});
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->size(), 10000u) << "it never shrinks a file";
  EXPECT_EQ(text(*again).back(), 'z');
}

TEST(FileMapping, SaysWhichFileAndWhy) {
  const auto missing = PageMapping::file("/nowhere/at/all");
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(missing.status().ToString().find("/nowhere/at/all"),
            std::string::npos);
  EXPECT_EQ(PageMapping::file(::testing::TempDir()).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(PageMapping::file("x", {.grow_to_bytes = 1}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(FileMapping, AFifoIsRefusedAndNotWaitedFor) {
  const std::string path = temporary("fifo");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(PageMapping::file(path).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(FileMapping, ResizingAReadWriteMappingResizesTheFile) {
  const std::string path = write_file("resize", "abc");
  auto file = PageMapping::file(path, {.access = FileAccess::kReadWrite});
  ASSERT_TRUE(file.ok());
  ASSERT_EQ(file->resize(10000), absl::OkStatus());
  EXPECT_EQ(*file->file_size(), 10000u);
  file->data()[9999] = std::byte{'z'};
  EXPECT_EQ(read_file(path).back(), 'z');
  EXPECT_EQ(text(*file).substr(0, 3), "abc");
  ASSERT_EQ(file->resize(2), absl::OkStatus());
  EXPECT_EQ(read_file(path), "ab");
  ASSERT_EQ(file->resize(0), absl::OkStatus());
  EXPECT_TRUE(file->empty());
  EXPECT_EQ(read_file(path), "");
  ASSERT_EQ(file->resize(3), absl::OkStatus());
  EXPECT_EQ(text(*file), std::string_view("\0\0\0", 3));
}

TEST(FileMapping, AReadOnlyMappingFollowsAFileThatGrows) {
  const std::string path = write_file("follow", "");
  auto file = PageMapping::file(path);
  ASSERT_TRUE(file.ok());
  std::string expected;
  for (int i = 0; i < 40; ++i) {
    const std::string more(1000, static_cast<char>('a' + i % 26));
    std::ofstream(path, std::ios::app) << more;
    expected += more;
    ASSERT_EQ(file->resize(*file->file_size()), absl::OkStatus());
    ASSERT_EQ(text(*file), expected);
  }
  EXPECT_EQ(file->resize(40001).code(), absl::StatusCode::kOutOfRange);
  ASSERT_EQ(file->resize(5), absl::OkStatus());
  EXPECT_EQ(text(*file), "aaaaa");
  EXPECT_EQ(read_file(path), expected) << "the file stays as it is";
}

TEST(FileMapping, OnlyFilesHaveAFileSize) {
  EXPECT_EQ(PageMapping::anonymous(1)->file_size().status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(FileMapping, AFileThatCannotGrowThatFarSaysSo) {
  const std::string path = write_file("far", "abc");
  auto file = PageMapping::file(path, {.access = FileAccess::kReadWrite});
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->resize(SIZE_MAX).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(PageMapping::file(path, {.access = FileAccess::kReadWrite,
                                     .grow_to_bytes = SIZE_MAX})
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
  const pid_t child = fork();
  if (child == 0) {
    const rlimit limit{1 << 16, 1 << 16};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(2);
    if (file->resize(1 << 20).ok() || text(*file) != "abc") _exit(3);
    const absl::Status far =
        PageMapping::file(
            path, {.access = FileAccess::kReadWrite, .grow_to_bytes = 1 << 20})
            .status();
    _exit(!far.ok() && far.ToString().find(path) != std::string::npos ? 0 : 4);
  }
  int status;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(FileMapping, AFileThatWasCutShortIsAnErrorAndNoCrash) {
  for (const FileAccess access : {FileAccess::kReadOnly, FileAccess::kReadWrite,
                                  FileAccess::kCopyOnWrite}) {
    const std::string path = write_file("cut", std::string(3 * 4096, 'x'));
    auto file = PageMapping::file(path, {.access = access});
    ASSERT_TRUE(file.ok());
    std::vector<std::byte> out(3 * 4096);
    ASSERT_EQ(file->read_at(0, out), absl::OkStatus());
    EXPECT_EQ(out.back(), std::byte{'x'});
    ASSERT_TRUE(file->checked_bytes(4096, 2 * 4096).ok());

    ASSERT_EQ(truncate(path.c_str(), 4096 + 10), 0);
    EXPECT_EQ(file->read_at(0, out).code(), absl::StatusCode::kDataLoss);
    EXPECT_EQ(file->checked_bytes(0, out.size()).status().code(),
              absl::StatusCode::kDataLoss);
    const std::span<std::byte> half(out.data(), 4096);
    EXPECT_EQ(file->read_at(10, half), absl::OkStatus());
    EXPECT_EQ(file->checked_bytes(10, 4096)->back(), std::byte{'x'});
    // In the file's last page a cut shows as zeros, not as a signal.
    EXPECT_EQ(file->read_at(11, half).code(), absl::StatusCode::kDataLoss);
    const absl::Status cut = file->checked_bytes(11, 4096).status();
    EXPECT_EQ(cut.code(), absl::StatusCode::kDataLoss);
    EXPECT_NE(cut.ToString().find("it has 4106 now"), std::string::npos) << cut;
  }
}

TEST(FileMapping, PrefaultOfAFileThatWasCutShortIsAnError) {
  const auto cut_and_prefault = [] {
    for (const FileAccess access :
         {FileAccess::kReadOnly, FileAccess::kReadWrite}) {
      const std::string path = write_file("cut2", std::string(3 * 4096, 'x'));
      auto file = PageMapping::file(path, {.access = access});
      if (truncate(path.c_str(), 4096) != 0) return 3;
      if (!absl::IsDataLoss(file->prefault())) return 4;
    }
    return 0;
  };
  EXPECT_EQ(cut_and_prefault(), 0);
  // Before Linux 5.14.
  in_a_child_without({SYS_madvise}, EINVAL, cut_and_prefault);
}

TEST(FileMapping, PrefaultSaysWhereADiskHasNoRoom) {
  const std::string folder = temporary("small");
  ASSERT_EQ(mkdir(folder.c_str(), 0700), 0);
  const pid_t child = fork();
  if (child == 0) {
    if ((geteuid() != 0 && unshare(CLONE_NEWUSER) != 0) ||
        unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("none", folder.c_str(), "tmpfs", 0, "size=64k") != 0) {
      testing::leave_child(2);
    }
    const absl::Status full =
        PageMapping::file(folder + "/file", {.access = FileAccess::kReadWrite,
                                             .grow_to_bytes = 1 << 20,
                                             .prefault = true})
            .status();
    const bool told = full.ToString().find("no room") != std::string::npos &&
                      full.ToString().find("/file") != std::string::npos;
    testing::leave_child(told ? 0 : 1);
  }
  int status;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "nothing can be mounted here";
  EXPECT_EQ(status, 0);
}

TEST(FileMapping, ASyncThatFailsIsReported) {
  in_a_child_without({SYS_msync}, EIO, [] {
    auto file = PageMapping::file(write_file("sync", "abc"),
                                  {.access = FileAccess::kReadWrite});
    return file.ok() && !file->sync().ok() ? 0 : 1;
  });
}

TEST(FileMapping, ARangeBeyondTheMappingIsAnError) {
  auto file = PageMapping::file(write_file("range", "abcdef"));
  ASSERT_TRUE(file.ok());
  std::byte out[4];
  EXPECT_EQ(file->read_at(3, out).code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(file->checked_bytes(7, 0).status().code(),
            absl::StatusCode::kOutOfRange);
  EXPECT_EQ(file->checked_bytes(6, 0)->size(), 0u);
  EXPECT_EQ(file->checked_bytes(2, SIZE_MAX).status().code(),
            absl::StatusCode::kOutOfRange);
}

TEST(FileMapping, AReaderLivesThroughCutsThatComeWhileItReads) {
  constexpr size_t kBytes = 1 << 18;
  const std::string path = write_file("storm", std::string(kBytes, 'x'));
  auto file = PageMapping::file(path);
  ASSERT_TRUE(file.ok());
  std::atomic<bool> stop{false};
  std::thread cutter([&] {
    while (!stop) {
      EXPECT_EQ(truncate(path.c_str(), 4096), 0);
      EXPECT_EQ(truncate(path.c_str(), kBytes), 0);
    }
  });
  std::vector<std::byte> out(kBytes);
  int cut = 0;
  for (int i = 0; i < 500; ++i) {
    const absl::Status status = file->read_at(0, out);
    ASSERT_TRUE(status.ok() || absl::IsDataLoss(status)) << status;
    if (!status.ok()) ++cut;
  }
  stop = true;
  cutter.join();
  EXPECT_GT(cut, 0) << "no cut was met: this proved nothing";
}

TEST(FileMapping, ReadAtTakesTheFileWhereTheKernelsCopyIsRefused) {
  in_a_child_without({SYS_process_vm_readv}, EPERM, [] {
    const std::string path = write_file("refused", std::string(8192, 'x'));
    auto file = PageMapping::file(path);
    auto own = PageMapping::file(path, {.access = FileAccess::kCopyOnWrite});
    std::byte out[8192];
    if (!file->read_at(0, out).ok() || out[8191] != std::byte{'x'}) return 1;
    // What a copy-on-write mapping holds is not what the file has.
    if (own->read_at(0, out).ok()) return 3;
    if (truncate(path.c_str(), 100) != 0) return 4;
    return absl::IsDataLoss(file->read_at(0, out)) ? 0 : 5;
  });
}

TEST(FileMapping, ReadAtSeesACopyOnWriteMappingsOwnBytes) {
  auto file = PageMapping::file(write_file("own", "aaaa"),
                                {.access = FileAccess::kCopyOnWrite});
  ASSERT_TRUE(file.ok());
  file->data()[1] = std::byte{'b'};
  std::byte out[2];
  ASSERT_EQ(file->read_at(1, out), absl::OkStatus());
  EXPECT_EQ(out[0], std::byte{'b'});
}

TEST(FileMappingDeathTest, AReadOnlyMappingCannotBeWritten) {
  const std::string path = write_file("readonly", "aaaa");
  auto file = PageMapping::file(path);
  ASSERT_TRUE(file.ok());
  EXPECT_DEATH(*static_cast<volatile std::byte*>(file->data()) = std::byte{1},
               "");
}

TEST(MirroredMapping, IsTheSameMemoryTwiceInARow) {
  auto ring = PageMapping::mirrored(8192);
  ASSERT_TRUE(ring.ok()) << ring.status();
  EXPECT_TRUE(ring->is_mirrored());
  EXPECT_EQ(ring->size(), 8192u);
  // Two addresses for one byte: the compiler must not think them apart.
  auto* byte = reinterpret_cast<volatile char*>(ring->data());
  byte[8192 + 17] = 3;
  EXPECT_EQ(char{byte[17]}, 3);
  byte[8191] = 4;
  EXPECT_EQ(char{byte[2 * 8192 - 1]}, 4);
}

TEST(MirroredMapping, RoundsUpToAPage) {
  auto ring = PageMapping::mirrored(1);
  ASSERT_TRUE(ring.ok());
  EXPECT_EQ(ring->size(), 4096u);
  EXPECT_FALSE(PageMapping::mirrored(0).ok());
}

TEST(MirroredMapping, IsPrefaultedInBothPlaces) {
  auto ring = PageMapping::mirrored(1 << 18);
  ASSERT_TRUE(ring.ok());
  EXPECT_EQ(faults_of_touching(ring->data(), 2 * ring->size()), 0);
}

TEST(MirroredMapping, BothHalvesAreGivenBack) {
  auto ring = PageMapping::mirrored(4096);
  ASSERT_TRUE(ring.ok());
  const std::byte* address = ring->data();
  *ring = PageMapping();
  EXPECT_FALSE(is_mapped(address));
  EXPECT_FALSE(is_mapped(address + 4096));
}

// Whether the page is left out of core files.
bool is_not_dumped(const void* page) {
  const auto address = reinterpret_cast<uintptr_t>(page);
  std::ifstream smaps("/proc/self/smaps");
  bool here = false;
  for (std::string line; std::getline(smaps, line);) {
    uintptr_t from = 0, to = 0;
    if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) ==
        2) {
      here = from <= address && address < to;
    } else if (here && line.find("VmFlags:") == 0) {
      return line.find(" dd") != std::string::npos;
    }
  }
  return false;
}

TEST(MirroredMapping, AdviceForARangeStaysInIt) {
  auto ring = PageMapping::mirrored(2 * 4096);
  ASSERT_TRUE(ring.ok());
  ASSERT_EQ(ring->advise(PageAdvice::kDontDump, 4096, 4096), absl::OkStatus());
  EXPECT_FALSE(is_not_dumped(ring->data()));
  EXPECT_TRUE(is_not_dumped(ring->data() + 4096));
  EXPECT_FALSE(is_not_dumped(ring->data() + 2 * 4096));
  ASSERT_EQ(ring->advise(PageAdvice::kDontDump), absl::OkStatus());
  EXPECT_TRUE(is_not_dumped(ring->data() + 3 * 4096));
}

TEST(MirroredMapping, AgreesWithARingThatWraps) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  auto ring = PageMapping::mirrored(4096);
  ASSERT_TRUE(ring.ok());
  std::vector<std::byte> model(4096);
  for (int i = 0; i < 2000; ++i) {
    const size_t offset = random() % 4096;
    const size_t length = random() % 4097;
    const auto value = static_cast<std::byte>(random());
    memset(ring->data() + offset, static_cast<int>(value), length);
    asm volatile("" ::: "memory");
    for (size_t k = 0; k < length; ++k) model[(offset + k) % 4096] = value;
    ASSERT_EQ(memcmp(ring->data(), model.data(), 4096), 0);
    ASSERT_EQ(memcmp(ring->data() + 4096, model.data(), 4096), 0);
  }
}

}  // namespace
}  // namespace wirebook
