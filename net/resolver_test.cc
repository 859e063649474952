// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/resolver.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
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
using ::testing::ElementsAre;
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
  return [gate](const std::string& host, uint16_t port, int) {
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

// ---- Families apart

uint64_t test_time = 0;

// Look-ups of a name, each of which the test answers.
class Script {
 public:
  LookUp look_up() {
    return [state = state_](const std::string&, uint16_t, int family) {
      std::unique_lock lock(state->mutex);
      ++state->asked[family];
      state->changed.notify_all();
      state->changed.wait(
          lock, [&] { return state->end || state->answers.contains(family); });
      return state->end ? Addresses(absl::CancelledError("end"))
                        : state->answers.at(family);
    };
  }
  ~Script() {
    const std::lock_guard lock(state_->mutex);
    state_->end = true;
    state_->changed.notify_all();
  }
  void answer(int family, Addresses addresses) {
    const std::lock_guard lock(state_->mutex);
    state_->answers.emplace(family, std::move(addresses));
    state_->changed.notify_all();
  }
  void wait_for_asked(int family) {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [&] { return state_->asked[family] == 1; });
  }
  int asked(int family) {
    const std::lock_guard lock(state_->mutex);
    return state_->asked[family];
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::map<int, int> asked;
    std::map<int, Addresses> answers;
    bool end = false;
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

Addresses addresses(const std::vector<std::string>& hosts) {
  std::vector<SocketAddress> all;
  for (const std::string& host : hosts) {
    all.push_back(*parse_socket_address(host, 1));
  }
  return all;
}

class LateResolverTest : public ResolverTest {
 protected:
  LateResolverTest() {
    test_time = 1;
    loop = *UringLoop::create(
        {.wait = WaitMode::kSleep, .now_ns = [] { return test_time; }},
        nullptr);
    resolver =
        std::make_unique<Resolver>(loop.get(), &recorder, script.look_up());
    resolver->start("venue.test", 1);
  }
  ~LateResolverTest() override { resolver.reset(); }
  void pass(uint64_t ns) {
    test_time += ns;
    for (int i = 0; i < 5; ++i) loop->run_once(0);
  }
  // The look-up for both families is late, and each has one of its own.
  void be_late() {
    script.wait_for_asked(AF_UNSPEC);
    pass(Resolver::kLateNs);
    script.wait_for_asked(AF_INET6);
    script.wait_for_asked(AF_INET);
  }
  // Until the loop has seen an answer that decides nothing yet.
  bool run_until_seen() {
    const bool woken = run_until([&] { return loop->run_once(0) != 0; });
    pass(0);
    return woken;
  }
  bool run_until_answered() {
    return run_until([&] { return recorder.answers == 1; });
  }

  Script script;
  std::unique_ptr<Resolver> resolver;
};

TEST_F(LateResolverTest, BeforeItIsLateNothingIsAskedApart) {
  script.wait_for_asked(AF_UNSPEC);
  pass(Resolver::kLateNs - 1);
  script.answer(AF_UNSPEC, addresses({"10.0.0.1", "::1"}));
  ASSERT_TRUE(run_until_answered());
  EXPECT_THAT(recorder.found, ElementsAre("10.0.0.1:1", "[::1]:1"))
      << "as the system sorts them";
  pass(Resolver::kLateNs);
  EXPECT_EQ(script.asked(AF_INET6), 0);
  EXPECT_EQ(script.asked(AF_INET), 0);
}

TEST_F(LateResolverTest, BothFamiliesApartAreAnAnswer) {
  be_late();
  script.answer(AF_INET, addresses({"10.0.0.1", "10.0.0.2"}));
  script.answer(AF_INET6, addresses({"::1"}));
  ASSERT_TRUE(run_until_answered());
  EXPECT_THAT(recorder.found,
              ElementsAre("[::1]:1", "10.0.0.1:1", "10.0.0.2:1"));
}

TEST_F(LateResolverTest, OneFamilyWaitsALittleForTheOther) {
  for (const int family : {AF_INET, AF_INET6}) {
    SCOPED_TRACE(family);
    Script mine;
    resolver =
        std::make_unique<Resolver>(loop.get(), &recorder, mine.look_up());
    recorder.answers = 0;
    resolver->start("venue.test", 1);
    mine.wait_for_asked(AF_UNSPEC);
    pass(Resolver::kLateNs);
    mine.wait_for_asked(family);
    const std::string host = family == AF_INET ? "10.0.0.1" : "::1";
    mine.answer(family, addresses({host}));
    // Its delay begins when the loop has seen it.
    ASSERT_TRUE(run_until_seen());
    pass(Resolver::kResolutionDelayNs - 1);
    EXPECT_EQ(recorder.answers, 0);
    pass(1);
    EXPECT_EQ(recorder.answers, 1);
    EXPECT_THAT(recorder.found,
                ElementsAre(parse_socket_address(host, 1)->to_string()));
    pass(Resolver::kLateNs);
    EXPECT_EQ(recorder.answers, 1);
  }
}

TEST_F(LateResolverTest, AFamilyThatIsNotThereIsNotWaitedFor) {
  be_late();
  script.answer(AF_INET6, absl::UnavailableError("none"));
  script.answer(AF_INET, addresses({"10.0.0.1"}));
  ASSERT_TRUE(run_until_answered());
  EXPECT_THAT(recorder.found, ElementsAre("10.0.0.1:1"));
}

TEST_F(LateResolverTest, TheLateAnswerStillCounts) {
  be_late();
  script.answer(AF_UNSPEC, addresses({"10.0.0.1", "::1"}));
  ASSERT_TRUE(run_until_answered());
  EXPECT_THAT(recorder.found, ElementsAre("10.0.0.1:1", "[::1]:1"));
}

TEST_F(LateResolverTest, WhatCameApartIsBetterThanALateFailure) {
  be_late();
  script.answer(AF_INET, addresses({"10.0.0.1"}));
  ASSERT_TRUE(run_until_seen());
  script.answer(AF_UNSPEC, absl::UnavailableError("timed out"));
  ASSERT_TRUE(run_until_answered());
  EXPECT_THAT(recorder.found, ElementsAre("10.0.0.1:1"));
}

TEST_F(LateResolverTest, ALateFailureWaitsForTheFamilies) {
  be_late();
  script.answer(AF_UNSPEC, absl::UnavailableError("timed out"));
  ASSERT_TRUE(run_until_seen());
  script.answer(AF_INET6, absl::UnavailableError("none"));
  ASSERT_TRUE(run_until_seen());
  EXPECT_EQ(recorder.answers, 0);
  script.answer(AF_INET, addresses({"127.0.0.1"}));
  ASSERT_TRUE(run_until_answered());
  EXPECT_TRUE(recorder.status.ok()) << recorder.status;
}

TEST_F(LateResolverTest, FailuresApartDoNotEndIt) {
  be_late();
  script.answer(AF_INET, absl::UnavailableError("none"));
  ASSERT_TRUE(run_until_seen());
  script.answer(AF_INET6, absl::UnavailableError("none"));
  ASSERT_TRUE(run_until_seen());
  pass(Resolver::kResolutionDelayNs);
  EXPECT_EQ(recorder.answers, 0);
  script.answer(AF_UNSPEC, absl::UnavailableError("nothing at all"));
  ASSERT_TRUE(run_until_answered());
  EXPECT_EQ(recorder.status, absl::UnavailableError("nothing at all"));
}

TEST_F(LateResolverTest, CancelledInEveryStepItIsSilent) {
  for (const bool late : {false, true}) {
    Script mine;
    resolver =
        std::make_unique<Resolver>(loop.get(), &recorder, mine.look_up());
    resolver->start("venue.test", 1);
    mine.wait_for_asked(AF_UNSPEC);
    if (late) {
      pass(Resolver::kLateNs);
      mine.wait_for_asked(AF_INET);
      mine.answer(AF_INET, addresses({"10.0.0.1"}));
      ASSERT_TRUE(run_until_seen());
    }
    resolver->cancel();
    pass(Resolver::kLateNs);
    EXPECT_EQ(recorder.answers, 0);
    EXPECT_EQ(mine.asked(AF_INET), late ? 1 : 0);
  }
}

TEST_F(ResolverTest, AnEmptyLookUpIsSaid) {
  Resolver resolver(loop.get(), &recorder, nullptr);
  resolver.start("localhost", 1);
  ASSERT_TRUE(run_until([&] { return recorder.answers == 1; }));
  EXPECT_EQ(recorder.status.code(), absl::StatusCode::kInvalidArgument);
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
