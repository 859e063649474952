// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/resolver.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wirebook {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

struct Recorder : ResolverHandler {
  void on_resolved(Addresses addresses) noexcept override {
    ++answers;
    status = addresses.status();
    found.clear();
    if (addresses.ok()) {
      for (const SocketAddress& address : *addresses) {
        found.push_back(address.to_string());
      }
    }
    if (then) then();
  }
  int answers = 0;
  absl::Status status;
  std::vector<std::string> found;
  std::function<void()> then;
};

// Look-ups that end when the test says so.
class Gate {
 public:
  // A copy lives on in look-ups that were left behind.
  static std::shared_ptr<Gate> create() { return std::make_shared<Gate>(); }

  Addresses pass(const std::string& host, uint16_t port) {
    std::unique_lock lock(mutex_);
    most_ = std::max(most_, ++inside_);
    ++entered_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --inside_;
    ++left_;
    changed_.notify_all();
    if (host == "nowhere") return absl::UnavailableError("nowhere");
    return std::vector<SocketAddress>{*parse_socket_address(host, port)};
  }
  void wait_for_entered(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return entered_ >= count; });
  }
  void wait_for_left(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return left_ >= count; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  size_t most() {
    const std::lock_guard lock(mutex_);
    return most_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  size_t inside_ = 0;
  size_t most_ = 0;
  int entered_ = 0;
  int left_ = 0;
};

LookUp through(std::shared_ptr<Gate> gate) {
  return [gate](const std::string& host, uint16_t port) {
    return gate->pass(host, port);
  };
}

class ResolverTest : public ::testing::Test {
 protected:
  bool run_until(const std::function<bool()>& done) {
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      loop->run_once(10'000'000);
    }
    return true;
  }

  std::unique_ptr<UringLoop> loop =
      *UringLoop::create({.wait = WaitMode::kSleep}, nullptr);
  Recorder recorder;
};

TEST_F(ResolverTest, FindsTheAddressesOfAName) {
  Resolver resolver(loop.get(), &recorder);
  resolver.start("localhost", 443);
  EXPECT_EQ(recorder.answers, 0) << "in a later turn";
  ASSERT_TRUE(run_until([&] { return recorder.answers == 1; }));
  EXPECT_TRUE(recorder.status.ok()) << recorder.status;
  EXPECT_THAT(recorder.found, Contains("127.0.0.1:443"));
}

TEST_F(ResolverTest, ANameThatDoesNotExistIsSaid) {
  Resolver resolver(loop.get(), &recorder);
  // Longer than a name may be: no name server is asked.
  resolver.start(std::string(300, 'x'), 80);
  ASSERT_TRUE(run_until([&] { return recorder.answers == 1; }));
  EXPECT_EQ(recorder.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(recorder.status.ToString(), HasSubstr("no address for xxx"));
}

TEST_F(ResolverTest, TheLoopTurnsWhileALookUpBlocks) {
  const auto gate = Gate::create();
  Resolver resolver(loop.get(), &recorder, through(gate));
  resolver.start("127.0.0.9", 1);
  gate->wait_for_entered(1);
  for (int i = 0; i < 10; ++i) loop->run_once(0);
  EXPECT_EQ(recorder.answers, 0);
  gate->open();
  ASSERT_TRUE(run_until([&] { return recorder.answers == 1; }));
  EXPECT_EQ(recorder.found, std::vector<std::string>{"127.0.0.9:1"});
}

TEST_F(ResolverTest, ACancelledLookUpIsNeverAnswered) {
  const auto gate = Gate::create();
  Resolver resolver(loop.get(), &recorder, through(gate));
  resolver.start("127.0.0.1", 1);
  gate->wait_for_entered(1);
  resolver.cancel();
  resolver.start("127.0.0.2", 2);
  gate->wait_for_entered(2);
  resolver.start("127.0.0.3", 3);  // gives up the second
  gate->open();
  gate->wait_for_left(3);
  ASSERT_TRUE(run_until([&] { return recorder.answers == 1; }));
  EXPECT_EQ(recorder.found, std::vector<std::string>{"127.0.0.3:3"});
  for (int i = 0; i < 10; ++i) loop->run_once(0);
  EXPECT_EQ(recorder.answers, 1);
}

TEST_F(ResolverTest, AnAnswerThatWaitsIsCancelledToo) {
  const auto gate = Gate::create();
  gate->open();
  Resolver resolver(loop.get(), &recorder, through(gate));
  resolver.start("127.0.0.1", 1);
  gate->wait_for_left(1);
  resolver.cancel();
  for (int i = 0; i < 10; ++i) loop->run_once(0);
  EXPECT_EQ(recorder.answers, 0);
}

TEST_F(ResolverTest, ItsEndDoesNotWaitForALookUp) {
  const auto gate = Gate::create();
  {
    Resolver resolver(loop.get(), &recorder, through(gate));
    resolver.start("127.0.0.1", 1);
    gate->wait_for_entered(1);
  }
  loop.reset();
  gate->open();
  gate->wait_for_left(1);  // which finds nobody
  EXPECT_EQ(recorder.answers, 0);
}

TEST_F(ResolverTest, OneThatBlocksDoesNotHoldUpTheNext) {
  const auto gate = Gate::create();
  Resolver blocked(loop.get(), &recorder, through(gate));
  blocked.start("127.0.0.1", 1);
  gate->wait_for_entered(1);
  Recorder other;
  Resolver free(loop.get(), &other);
  free.start("localhost", 1);
  ASSERT_TRUE(run_until([&] { return other.answers == 1; }));
  EXPECT_EQ(recorder.answers, 0);
  gate->open();
  ASSERT_TRUE(run_until([&] { return recorder.answers == 1; }));
}

TEST_F(ResolverTest, ThreadsAreBoundedAndEveryLookUpIsAnswered) {
  const auto gate = Gate::create();
  constexpr size_t kAll = 3 * Resolver::kMaxThreads;
  std::vector<Recorder> recorders(kAll);
  std::vector<std::unique_ptr<Resolver>> resolvers;
  for (Recorder& each : recorders) {
    resolvers.push_back(
        std::make_unique<Resolver>(loop.get(), &each, through(gate)));
    resolvers.back()->start(&each == &recorders[5] ? "nowhere" : "127.0.0.1",
                            7);
  }
  gate->wait_for_entered(Resolver::kMaxThreads);
  for (int i = 0; i < 10; ++i) loop->run_once(0);
  resolvers.back()->cancel();  // it still waits for a thread
  gate->open();
  ASSERT_TRUE(run_until([&] {
    int answers = 0;
    for (const Recorder& each : recorders) answers += each.answers;
    return answers == kAll - 1;
  }));
  EXPECT_LE(gate->most(), Resolver::kMaxThreads);
  EXPECT_FALSE(recorders[5].status.ok());
  EXPECT_EQ(recorders.back().answers, 0);
}

TEST_F(ResolverTest, TheHandlerMayStartAgainAndEndIt) {
  auto resolver = std::make_unique<Resolver>(loop.get(), &recorder);
  recorder.then = [&] {
    if (recorder.answers < 3) {
      resolver->start("localhost", 1);
    } else {
      resolver.reset();
    }
  };
  resolver->start("localhost", 1);
  ASSERT_TRUE(run_until([&] { return resolver == nullptr; }));
  EXPECT_EQ(recorder.answers, 3);
}

TEST_F(ResolverTest, ManyStartsAndCancelsLoseNothing) {
  const auto gate = Gate::create();
  gate->open();
  Resolver resolver(loop.get(), &recorder, through(gate));
  for (int i = 0; i < 500; ++i) {
    resolver.start("127.0.0.1", 1);
    if (i % 3 == 0) loop->run_once(0);
    if (i % 2 == 0) resolver.cancel();
  }
  const int before = recorder.answers;
  resolver.start("127.0.0.8", 8);
  ASSERT_TRUE(run_until([&] { return recorder.answers == before + 1; }));
  EXPECT_EQ(recorder.found, std::vector<std::string>{"127.0.0.8:8"});
}

}  // namespace
}  // namespace wirebook
