// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/device_memory.h"

#include <dlfcn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "memory/testing/own_name.h"
#include "memory/testing/refuse_calls.h"

namespace wirebook {
namespace {

const char kFakeDriver[] = "memory/testing/libfake_cuda.so";

PageMapping some_pages() {
  return *PageMapping::anonymous(8192, {.prefault = true});
}

TEST(CudaMapping, SharesPagesWithARealGpu) {
  auto shared = CudaMapping::register_pages(some_pages());
  if (!shared.ok()) GTEST_SKIP() << shared.status();
  EXPECT_NE(shared->device_address(), 0u);
  shared->data()[0] = std::byte{1};
}

TEST(CudaMapping, WithoutADriverSaysSo) {
  const absl::Status status =
      CudaMapping::register_pages(some_pages(), {.library = "libnot-there.so"})
          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(status.ToString().find("no CUDA driver"), std::string::npos);
  EXPECT_NE(status.ToString().find("libnot-there.so"), std::string::npos);
}

TEST(CudaMapping, ALibraryWithoutTheCallsIsTooOld) {
  const absl::Status status =
      CudaMapping::register_pages(some_pages(), {.library = "libc.so.6"})
          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(status.ToString().find("too old"), std::string::npos);
  EXPECT_NE(status.ToString().find("cuInit"), std::string::npos);
}

TEST(CudaMapping, NoPagesAreAnError) {
  EXPECT_EQ(CudaMapping::register_pages(PageMapping()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// The code above the driver, against one that has no GPU.
class WithFakeDriver : public ::testing::Test {
 protected:
  struct State {
    int contexts, pushed, registered;
    unsigned flags;
  };

  void SetUp() override {
    library_ = dlopen(kFakeDriver, RTLD_NOW | RTLD_LOCAL);
    if (library_ == nullptr) GTEST_SKIP() << dlerror();
    state_ =
        reinterpret_cast<State* (*)()>(dlsym(library_, "fake_cuda_state"))();
  }
  void TearDown() override {
    unsetenv("FAKE_CUDA_FAIL");
    if (library_ == nullptr) return;
    EXPECT_EQ(state_->contexts, 0);
    EXPECT_EQ(state_->pushed, 0) << "the caller's context must be as it was";
    EXPECT_EQ(state_->registered, 0);
    dlclose(library_);
  }
  static absl::StatusOr<CudaMapping> shared(bool read_only = false) {
    return CudaMapping::register_pages(
        some_pages(), {.library = kFakeDriver, .read_only = read_only});
  }

  void* library_ = nullptr;
  State* state_ = nullptr;
};

TEST_F(WithFakeDriver, RegistersAndUnregistersInOrder) {
  auto mapping = shared();
  ASSERT_TRUE(mapping.ok()) << mapping.status();
  EXPECT_EQ(mapping->size(), 8192u);
  EXPECT_EQ(mapping->device_address(),
            reinterpret_cast<std::uint64_t>(mapping->data()) + (1ull << 47));
  EXPECT_EQ(state_->registered, 1);
  EXPECT_EQ(state_->contexts, 1);
  EXPECT_EQ(state_->flags, 3u) << "portable, device map";
  mapping->data()[0] = std::byte{1};
}

TEST_F(WithFakeDriver, ReadOnlyIsPassedOn) {
  auto mapping = shared(true);
  ASSERT_TRUE(mapping.ok());
  EXPECT_EQ(state_->flags, 11u);
}

TEST_F(WithFakeDriver, MovesWithoutRegisteringAnew) {
  auto one = shared();
  auto two = shared();
  ASSERT_TRUE(one.ok() && two.ok());
  const std::uint64_t address = two->device_address();
  EXPECT_EQ(state_->registered, 2);
  CudaMapping moved = *std::move(one);
  EXPECT_EQ(state_->registered, 2);
  moved = *std::move(two);
  EXPECT_EQ(state_->registered, 1);
  EXPECT_EQ(moved.device_address(), address);
}

TEST_F(WithFakeDriver, EachCallThatFailsIsNamedAndUndone) {
  for (const char* call :
       {"cuInit", "cuDeviceGet", "cuDevicePrimaryCtxRetain", "cuCtxPushCurrent",
        "cuMemHostRegister", "cuMemHostGetDevicePointer"}) {
    setenv("FAKE_CUDA_FAIL", call, 1);
    const absl::Status status = shared().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_NE(status.ToString().find(call), std::string::npos) << status;
    EXPECT_NE(status.ToString().find("no CUDA-capable device"),
              std::string::npos);
    EXPECT_EQ(state_->contexts, 0) << call;
    EXPECT_EQ(state_->pushed, 0) << call;
    EXPECT_EQ(state_->registered, 0) << call;
  }
  unsetenv("FAKE_CUDA_FAIL");
  const absl::Status status =
      CudaMapping::register_pages(some_pages(),
                                  {.library = kFakeDriver, .device = 3})
          .status();
  EXPECT_NE(status.ToString().find("device 3: CUDA error 101"),
            std::string::npos)
      << status;
}

std::string temporary(const std::string& name) {
  return ::testing::TempDir() + "/device_memory_" + std::to_string(getpid()) +
         "_" + name;
}

TEST(PersistentMapping, WhatIsPersistedIsInTheFile) {
  const std::string path = temporary("journal");
  {
    auto journal = PersistentMapping::open(path, 10'000);
    ASSERT_TRUE(journal.ok()) << journal.status();
    EXPECT_EQ(journal->size(), 10'000u);
    std::memcpy(journal->data() + 5'000, "record", 6);
    EXPECT_EQ(journal->persist(5'000, 6), absl::OkStatus());
    EXPECT_EQ(journal->persist(0, 0), absl::OkStatus());
    EXPECT_EQ(journal->persist(9'999, 2).code(), absl::StatusCode::kOutOfRange);
    EXPECT_EQ(journal->persist(1, SIZE_MAX).code(),
              absl::StatusCode::kOutOfRange);
  }
  std::ifstream file(path, std::ios::binary);
  const std::string contents{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(contents.substr(5'000, 6), "record");
  auto again = PersistentMapping::open(path, 10);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->size(), 10'000u) << "it never shortens a file";
  PersistentMapping moved = *std::move(again);
  EXPECT_EQ(std::memcmp(moved.data() + 5'000, "record", 6), 0);
  moved = *PersistentMapping::open(temporary("other"), 1);
  EXPECT_EQ(moved.size(), 1u);
}

TEST(PersistentMapping, MapsPersistentMemoryItself) {
  const char* folder = std::getenv("WIREBOOK_PMEM");
  if (folder == nullptr) {
    GTEST_SKIP() << "WIREBOOK_PMEM names no folder on a DAX file system";
  }
  auto journal = PersistentMapping::open(std::string(folder) + "/journal", 1);
  ASSERT_TRUE(journal.ok()) << journal.status();
  EXPECT_TRUE(journal->is_direct());
  journal->data()[0] = std::byte{1};
  EXPECT_EQ(journal->persist(0, 1), absl::OkStatus());
}

TEST(PersistentMapping, FallsBackToMsyncWithoutDax) {
  const std::string path = own_name("/dev/shm/device_memory_test");
  auto journal = PersistentMapping::open(path, 4096);
  if (!journal.ok()) GTEST_SKIP() << journal.status();
  unlink(path.c_str());
  EXPECT_FALSE(journal->is_direct()) << "this is memory, not persistent memory";
  EXPECT_EQ(journal->persist(0, 4096), absl::OkStatus());
}

// Runs `check` in a child in which `calls` fail with EIO; 0 is success.
void in_a_child_without(std::initializer_list<long> calls, int (*check)()) {
  const pid_t child = fork();
  if (child == 0) {
    testing::leave_child(testing::refuse_calls(calls, EIO) ? check() : 2);
  }
  int status;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(status, 0);
}

TEST(PersistentMapping, WhatCannotBeMadeDurableIsReported) {
  in_a_child_without({SYS_msync}, [] {
    auto journal = PersistentMapping::open(temporary("msync"), 4096);
    if (!journal.ok()) return 3;
    return journal->is_direct() || !journal->persist(0, 1).ok() ? 0 : 1;
  });
}

// A record in a file whose name or length is lost with the power is lost, too.
TEST(PersistentMapping, AFileThatItMadeIsItselfDurable) {
  in_a_child_without({SYS_fsync}, [] {
    const std::string path = temporary("made");
    const absl::Status made = PersistentMapping::open(path, 4096).status();
    if (made.ok() || made.ToString().find("fsync") == std::string::npos) {
      return 1;
    }
    return PersistentMapping::open(path, 4096).ok() ? 0 : 3;
  });
}

TEST(PersistentMapping, AFileWhoseLengthIsNotToldIsAnError) {
  // Which of the two fstat() makes depends on the C library.
  in_a_child_without({SYS_fstat, SYS_newfstatat}, [] {
    return PersistentMapping::open(temporary("fstat"), 1).ok() ? 1 : 0;
  });
}

TEST(PersistentMapping, SaysWhatIsWrong) {
  const auto missing = PersistentMapping::open("/nowhere/at/all", 1).status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(missing.ToString().find("/nowhere/at/all"), std::string::npos);
  EXPECT_EQ(PersistentMapping::open(temporary("empty"), 0).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(PersistentMapping::open(temporary("far"), SIZE_MAX).ok());
  EXPECT_FALSE(PersistentMapping::open("/dev/null", 4096).ok());
}

TEST(FlushToMemory, ChangesNothingAndTakesAnyRange) {
  std::vector<char> bytes(1000, 'x');
  for (std::size_t at = 0; at < 200; at += 7) {
    flush_to_memory(bytes.data() + at, at * 3);
  }
  flush_to_memory(bytes.data(), 0);
  EXPECT_EQ(std::count(bytes.begin(), bytes.end(), 'x'), 1000);
}

}  // namespace
}  // namespace wirebook
