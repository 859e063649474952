// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/page_mapping.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "memory/numa_policy.h"

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
      _exit(0);
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
