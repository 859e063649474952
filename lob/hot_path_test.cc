// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Once warm, the parser and book threads of a staged pipeline make no heap
// allocation, take no page fault and, spinning, make no system call: counted on
// the real threads over thousands of messages.

#include <linux/prctl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "lob/book_pipeline.h"
#include "lob/testing/parser_harness.h"
#include "memory/allocation_counter.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF 0
#define PR_SYS_DISPATCH_ON 1
#define SYSCALL_DISPATCH_FILTER_ALLOW 0
#define SYSCALL_DISPATCH_FILTER_BLOCK 1
#endif

namespace wirebook {
namespace {

std::atomic<int> system_calls{0};
std::atomic<long> last_call{-1};
std::atomic<int> done{0};  // threads that did what the last signal asked

long page_faults() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

// What one thread does between two signals. While `selector` says BLOCK, the
// kernel sends SIGSYS for each of its system calls instead of making it.
struct Watch {
  volatile char selector = SYSCALL_DISPATCH_FILTER_ALLOW;
  std::atomic<bool> refused{false};
  std::atomic<uint64_t> allocations{0};
  std::atomic<long> faults{0};
};

Watch watches[2];
std::atomic<int> watched{0};
thread_local Watch* own = nullptr;

void on_call(int, siginfo_t* info, void*) {
  // From here on calls are let through: sigreturn, and all that follow.
  own->selector = SYSCALL_DISPATCH_FILTER_ALLOW;
  system_calls.fetch_add(1);
  last_call.store(info->si_syscall);
}

void on_arm(int) {
  own = &watches[watched.fetch_add(1)];
  own->refused = prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0,
                       &own->selector) != 0;
  own->allocations = thread_allocations();
  own->faults = page_faults();
  done.fetch_add(1);
}

void on_disarm(int) {
  own->faults = page_faults() - own->faults;
  own->allocations = thread_allocations() - own->allocations;
  if (!own->refused) {
    prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0);
  }
  done.fetch_add(1);
}

// The pipeline's threads, by the names that it gives them.
std::vector<pid_t> pipeline_threads() {
  std::vector<pid_t> threads;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(entry.path() / "comm"), name);
    if (name.starts_with("wirebook-")) {
      threads.push_back(std::stoi(entry.path().filename().string()));
    }
  }
  return threads;
}

void signal_all(const std::vector<pid_t>& threads, int signal) {
  done = 0;
  for (const pid_t thread : threads) tgkill(getpid(), thread, signal);
  while (done != static_cast<int>(threads.size())) std::this_thread::yield();
}

std::string update(uint64_t id) {
  std::string text =
      R"({"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":)" +
      std::to_string(id) + R"(,"u":)" + std::to_string(id) + R"(,"b":[)";
  for (uint64_t i = 0; i < 20; ++i) {
    text += (i == 0 ? "" : ",") + std::string("[\"") +
            std::to_string(60000 + (id * 7 + i * 13) % 500) + ".10000000\",\"" +
            std::to_string((id + i) % 3) + ".50000000\"]";
  }
  return text + R"(],"a":[["61000.00000000","1.00000000"]]}})";
}

TEST(HotPath, SpinningThreadsAllocateNothingFaultNowhereAndCallNoOne) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "TSan keeps signals from threads that make no system call";
#endif
  struct sigaction action {};
  action.sa_sigaction = on_call;
  action.sa_flags = SA_SIGINFO;
  ASSERT_EQ(sigaction(SIGSYS, &action, nullptr), 0);
  signal(SIGUSR1, on_arm);
  signal(SIGUSR2, on_disarm);

  constexpr size_t kWarm = 2000;
  constexpr size_t kEnd = 8000;
  auto pool = *RawMessagePool::create({.descriptors = 256});
  BookPipelineOptions options;
  options.mode = PipelineMode::kStaged;
  options.wait = WaitMode::kSpin;
  options.full = FullPolicy::kWait;
  options.parsed_messages = 64;
  options.ring_capacity = 128;
  auto pipeline = *BookPipeline::create(options, pool.get(), nullptr);
  std::vector<Frame> frames;
  frames.emplace_back(update(10));
  frames.emplace_back(
      R"({"lastUpdateId":10,"bids":[["60000.10000000","1.0"]],"asks":[["61000.0","1.0"]]})");
  for (uint64_t id = 11; frames.size() < kEnd; ++id) {
    frames.emplace_back(update(id));
  }
  const auto feed = [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      RawMessage* raw = nullptr;
      while ((raw = pool->acquire_external(
                  frames[i].raw().data, frames[i].raw().size, [](void*) {},
                  nullptr)) == nullptr) {
        pool->reclaim();
      }
      raw->kind = i == 1 ? RawMessageKind::kHttpBody : RawMessageKind::kText;
      raw->tag = 0;
      pipeline->on_message(raw);
    }
    ASSERT_TRUE(pipeline->drain().ok());
  };
  feed(0, kWarm);
  ASSERT_EQ(pipeline->book(0).view().state, BookState::kLive);
  const std::vector<pid_t> threads = pipeline_threads();
  ASSERT_EQ(threads.size(), 2u);
  signal_all(threads, SIGUSR1);
  const bool counted = !watches[0].refused && !watches[1].refused;
  if (counted) {
    for (Watch& watch : watches) watch.selector = SYSCALL_DISPATCH_FILTER_BLOCK;
  }
  feed(kWarm, kEnd);
  for (Watch& watch : watches) watch.selector = SYSCALL_DISPATCH_FILTER_ALLOW;
  signal_all(threads, SIGUSR2);

  EXPECT_EQ(pipeline->book(0).view().state, BookState::kLive);
  EXPECT_EQ(pipeline->book(0).statistics().updates_applied, kEnd - 2);
  EXPECT_EQ(pipeline->statistics().hot_path_heap_allocations, 0u);
  EXPECT_TRUE(allocation_counting());
  for (const Watch& watch : watches) {
    EXPECT_EQ(watch.allocations.load(), 0u);
    EXPECT_EQ(watch.faults.load(), 0);
  }
  if (!counted) {
    GTEST_SKIP() << "the kernel refuses PR_SET_SYSCALL_USER_DISPATCH: system "
                    "calls are not counted";
  }
  EXPECT_EQ(system_calls.load(), 0) << "the last was number " << last_call;
}

}  // namespace
}  // namespace wirebook
