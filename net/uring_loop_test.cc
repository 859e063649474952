// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/uring_loop.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <time.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/testing/scripted_server.h"

namespace wirebook {
namespace {

using testing::Peer;
using testing::refusing_port;
using testing::ScriptedServer;

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

struct Recorder : StreamHandler {
  void on_connected() noexcept override { connected = true; }
  void on_received(uint64_t ticks) noexcept override {
    EXPECT_NE(ticks, 0u);
    const uint64_t write = slab->write_position();
    if (keep) return;
    text.append(slab->at(slab->parse_position()),
                write - slab->parse_position());
    slab->set_parse_position(write);
  }
  void on_ended(int number) noexcept override {
    ended = true;
    error = number;
  }
  void on_reclaimed() noexcept override { ++reclaimed; }
  void on_closed() noexcept override { closed = true; }

  RawMessageSlab* slab = nullptr;
  bool connected = false, ended = false, closed = false;
  bool keep = false;  // leaves what arrives in the slab
  int error = -1;
  int reclaimed = 0;
  std::string text;
};

struct Timer : LoopTimer {
  explicit Timer(std::function<void()> f) : function(std::move(f)) {}
  void on_timer() noexcept override { function(); }
  std::function<void()> function;
};

uint64_t test_time = 0;

class UringLoopTest : public ::testing::TestWithParam<LoopBackendChoice> {
 protected:
  void SetUp() override { build({.wait = WaitMode::kSleep}); }
  void build(UringLoopOptions options) {
    loop.reset();
    pool = *RawMessagePool::create({});
    options.backend = GetParam();
    auto made = UringLoop::create(options, pool.get());
    if (!made.ok()) GTEST_SKIP() << made.status().ToString();
    loop = *std::move(made);
    recorder.slab = *pool->add_slab(2);
  }
  absl::StatusOr<LoopStream*> open(uint16_t port) {
    const sockaddr_in address = loopback(port);
    return loop->open(reinterpret_cast<const sockaddr*>(&address),
                      sizeof(address), recorder.slab, &recorder);
  }
  bool run_until(const std::function<bool()>& done) {
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      loop->run_once(10'000'000);
    }
    return true;
  }

  std::unique_ptr<RawMessagePool> pool;
  std::unique_ptr<UringLoop> loop;
  Recorder recorder;
};

INSTANTIATE_TEST_SUITE_P(
    Backends, UringLoopTest,
    ::testing::Values(LoopBackendChoice::kUringIncremental,
                      LoopBackendChoice::kUringOneShot,
                      LoopBackendChoice::kEpoll),
    [](const ::testing::TestParamInfo<LoopBackendChoice>& choice) {
      switch (choice.param) {
        case LoopBackendChoice::kUringIncremental:
          return "uring_inc";
        case LoopBackendChoice::kUringOneShot:
          return "uring_oneshot";
        default:
          return "epoll";
      }
    });

TEST_P(UringLoopTest, ConnectsReceivesSendsAndCloses) {
  std::string got(5, '\0');
  ScriptedServer server([&](Peer& peer) {
    peer.send("hello");
    peer.read_exactly(got.data(), 5);
  });
  LoopStream* stream = *open(server.port());
  EXPECT_FALSE(loop->send(stream, "early")) << "not connected yet";
  ASSERT_TRUE(run_until([&] { return recorder.text == "hello"; }));
  EXPECT_TRUE(recorder.connected);
  EXPECT_TRUE(loop->send(stream, "wo"));
  EXPECT_TRUE(loop->send(stream, "rld"));
  ASSERT_TRUE(run_until([&] { return recorder.ended; }));
  EXPECT_EQ(recorder.error, 0) << "the orderly end";
  server.stop();
  EXPECT_EQ(got, "world");
  loop->close(stream);
  EXPECT_FALSE(recorder.closed) << "told in a later turn";
  ASSERT_TRUE(run_until([&] { return recorder.closed; }));
}

TEST_P(UringLoopTest, ARefusedConnectEndsWithItsError) {
  LoopStream* stream = *open(refusing_port());
  ASSERT_TRUE(run_until([&] { return recorder.ended; }));
  EXPECT_EQ(recorder.error, ECONNREFUSED);
  EXPECT_FALSE(recorder.connected);
  loop->close(stream);
  ASSERT_TRUE(run_until([&] { return recorder.closed; }));
}

TEST_P(UringLoopTest, CloseInEveryStateTellsOnce) {
  ScriptedServer server([](Peer& peer) { peer.read_to_end(); });
  for (const bool connect_first : {false, true}) {
    recorder.connected = recorder.closed = recorder.ended = false;
    LoopStream* stream = *open(server.port());
    if (connect_first) {
      ASSERT_TRUE(run_until([&] { return recorder.connected; }));
    }
    loop->close(stream);
    loop->close(stream);
    ASSERT_TRUE(run_until([&] { return recorder.closed; }));
    EXPECT_FALSE(recorder.ended) << "nothing but on_closed after close";
  }
}

TEST_P(UringLoopTest, WithoutASlabNothingIsReceivedUntilAttach) {
  ScriptedServer server([](Peer& peer) {
    peer.send("hello");
    peer.read_to_end();
  });
  const sockaddr_in address = loopback(server.port());
  Recorder first;
  LoopStream* stream = *loop->open(reinterpret_cast<const sockaddr*>(&address),
                                   sizeof(address), nullptr, &first);
  ASSERT_TRUE(run_until([&] { return first.connected; }));
  for (int i = 0; i < 3; ++i) loop->run_once(0);
  EXPECT_FALSE(first.ended);
  UringLoop::set_handler(stream, &recorder);
  ASSERT_TRUE(loop->attach(stream, recorder.slab).ok());
  ASSERT_TRUE(run_until([&] { return recorder.text == "hello"; }));
  EXPECT_TRUE(loop->send(stream, "x"));
  loop->close(stream);
  ASSERT_TRUE(run_until([&] { return recorder.closed; }));
  EXPECT_FALSE(first.closed) << "the handler of before";
}

TEST_P(UringLoopTest, WithoutASlabItClosesInEveryState) {
  ScriptedServer server([](Peer& peer) { peer.read_to_end(); });
  const sockaddr_in address = loopback(server.port());
  for (const bool connect_first : {false, true}) {
    recorder.connected = recorder.closed = false;
    LoopStream* stream =
        *loop->open(reinterpret_cast<const sockaddr*>(&address),
                    sizeof(address), nullptr, &recorder);
    if (connect_first) {
      ASSERT_TRUE(run_until([&] { return recorder.connected; }));
    }
    loop->close(stream);
    ASSERT_TRUE(run_until([&] { return recorder.closed; }));
  }
  *loop->open(reinterpret_cast<const sockaddr*>(&address), sizeof(address),
              nullptr, &recorder);
  loop.reset();  // closes what is left
}

TEST_P(UringLoopTest, SocketOptionsAreSetBeforeTheConnect) {
  ScriptedServer server([](Peer& peer) { peer.read_to_end(); });
  const sockaddr_in address = loopback(server.port());
  const auto open_with = [&](const SocketOptions& options) {
    return loop->open(reinterpret_cast<const sockaddr*>(&address),
                      sizeof(address), recorder.slab, &recorder, options);
  };
  LoopStream* stream = *open_with({.receive_buffer_bytes = 16 << 10});
  int value = 0;
  socklen_t size = sizeof(value);
  getsockopt(stream->fd, SOL_SOCKET, SO_RCVBUF, &value, &size);
  EXPECT_EQ(value, 32 << 10) << "the kernel doubles it: socket(7)";
  getsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &value, &size);
  EXPECT_NE(value, 0);
}

TEST_P(UringLoopTest, BusyPollingIsSetWhereItIsAllowed) {
  ScriptedServer server([](Peer& peer) { peer.read_to_end(); });
  const sockaddr_in address = loopback(server.port());
  const auto stream =
      loop->open(reinterpret_cast<const sockaddr*>(&address), sizeof(address),
                 recorder.slab, &recorder, {.busy_poll_us = 50});
  if (!stream.ok()) GTEST_SKIP() << stream.status().ToString();
  int value = 0;
  socklen_t size = sizeof(value);
  getsockopt((*stream)->fd, SOL_SOCKET, SO_BUSY_POLL, &value, &size);
  EXPECT_EQ(value, 50);
}

uint64_t realtime_ns() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<uint64_t>(now.tv_nsec);
}

TEST_P(UringLoopTest, TheKernelsTimestampsComeWithTheBytes) {
  ScriptedServer server([](Peer& peer) {
    char byte;
    while (peer.read_exactly(&byte, 1) && peer.send({&byte, 1})) {
    }
  });
  const sockaddr_in address = loopback(server.port());
  LoopStream* stream =
      *loop->open(reinterpret_cast<const sockaddr*>(&address), sizeof(address),
                  recorder.slab, &recorder, {.kernel_timestamps = true});
  ASSERT_TRUE(run_until([&] { return recorder.connected; }));
  int stamped = 0;
  // The kernel turns stamping on behind the call, from a worker of its own.
  const uint64_t begin = realtime_ns();
  for (size_t i = 1; stamped < 100 && realtime_ns() - begin < 20'000'000'000;
       ++i) {
    const uint64_t before = realtime_ns();
    ASSERT_TRUE(loop->send(stream, "x"));
    ASSERT_TRUE(run_until([&] { return recorder.text.size() == i; }));
    if (stream->kernel_receive_ns == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      continue;
    }
    ++stamped;
    EXPECT_GE(stream->kernel_receive_ns, before);
    EXPECT_LE(stream->kernel_receive_ns, realtime_ns());
  }
  EXPECT_EQ(stamped, 100);
}

TEST_P(UringLoopTest, WithTimestampsAFullSlabStopsReceivingToo) {
  const std::string all(300'000, 'x');
  ScriptedServer server([&](Peer& peer) {
    peer.send(all);
    peer.read_to_end();
  });
  recorder.keep = true;
  const sockaddr_in address = loopback(server.port());
  LoopStream* stream =
      *loop->open(reinterpret_cast<const sockaddr*>(&address), sizeof(address),
                  recorder.slab, &recorder, {.kernel_timestamps = true});
  ASSERT_TRUE(run_until([&] { return stream->starvations != 0; }));
  EXPECT_EQ(recorder.slab->writable_bytes(), 0u);
  recorder.keep = false;
  recorder.slab->set_parse_position(recorder.slab->write_position());
  ASSERT_TRUE(
      run_until([&] { return recorder.slab->write_position() == all.size(); }));
}

TEST_P(UringLoopTest, AFullSlabStopsReceivingUntilSlotsReturn) {
  const std::string all(300'000, 'x');
  ScriptedServer server([&](Peer& peer) {
    peer.send(all);
    peer.read_to_end();
  });
  recorder.keep = true;
  LoopStream* stream = *open(server.port());
  ASSERT_TRUE(run_until([&] { return stream->starvations != 0; }));
  EXPECT_EQ(recorder.slab->writable_bytes(), 0u);
  recorder.keep = false;
  recorder.slab->set_parse_position(recorder.slab->write_position());
  ASSERT_TRUE(
      run_until([&] { return recorder.slab->write_position() == all.size(); }));
}

TEST_P(UringLoopTest, AStalledStreamIsAskedAgainWhenSomethingCameHome) {
  ScriptedServer server([](Peer& peer) { peer.read_to_end(); });
  LoopStream* stream = *open(server.port());
  ASSERT_TRUE(run_until([&] { return recorder.connected; }));
  RawMessageLane& lane = pool->add_lane();
  RawMessage* const message = pool->acquire(*recorder.slab, 0, 0);
  loop->set_stalled(stream);
  for (int i = 0; i < 10; ++i) loop->run_once(0);
  EXPECT_EQ(recorder.reclaimed, 0) << "nothing came home";
  lane.release(message);
  loop->run_once(0);
  EXPECT_EQ(recorder.reclaimed, 1);
  for (int i = 0; i < 3; ++i) loop->run_once(0);
  EXPECT_EQ(recorder.reclaimed, 1) << "once for each set_stalled";

  // A large buffer that never became a message comes home as well.
  char* const large = pool->take_large();
  loop->set_stalled(stream);
  loop->run_once(0);
  EXPECT_EQ(recorder.reclaimed, 1);
  pool->abandon_large(large);
  loop->run_once(0);
  EXPECT_EQ(recorder.reclaimed, 2);
}

TEST_P(UringLoopTest, StreamsAreBounded) {
  build({.wait = WaitMode::kSleep, .max_streams = 1});
  ScriptedServer server([](Peer& peer) { peer.read_to_end(); });
  ASSERT_TRUE(open(server.port()).ok());
  EXPECT_EQ(open(server.port()).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST_P(UringLoopTest, TimersFireInOrderOfTheirDeadlines) {
  test_time = 1000;
  build({.wait = WaitMode::kSleep, .now_ns = [] { return test_time; }});
  std::string fired;
  Timer a([&] { fired += 'a'; });
  Timer b([&] { fired += 'b'; });
  Timer c([&] {
    fired += 'c';
    loop->stop_timer(&b);
    loop->start_timer(&a, 0);  // due at once
  });
  loop->start_timer(&a, 300);
  loop->start_timer(&b, 200);
  loop->start_timer(&c, 100);
  loop->start_timer(&a, 400);  // instead of the first start
  test_time = 1099;
  loop->run_once(1);
  EXPECT_EQ(fired, "");
  test_time = 1100;
  loop->run_once(1);
  EXPECT_EQ(fired, "c") << "started by a timer: in the next turn";
  loop->run_once(1);
  EXPECT_EQ(fired, "ca");
  EXPECT_FALSE(b.started());
  test_time = 5000;
  loop->run_once(1);
  EXPECT_EQ(fired, "ca");
}

TEST_P(UringLoopTest, ATimerThatRestartsItselfLetsTheTurnEnd) {
  test_time = 1000;  // and stays
  build({.wait = WaitMode::kSleep, .now_ns = [] { return test_time; }});
  int fired = 0;
  Timer timer([&] {
    ASSERT_LT(++fired, 100);
    loop->start_timer(&timer, 0);
  });
  loop->start_timer(&timer, 0);
  for (int turn = 1; turn <= 3; ++turn) {
    loop->run_once(1);
    EXPECT_EQ(fired, turn);
  }
  loop->stop_timer(&timer);
}

TEST_P(UringLoopTest, ATimerWithoutALimitNeverFires) {
  test_time = 1000;
  build({.wait = WaitMode::kSleep, .now_ns = [] { return test_time; }});
  bool fired = false;
  Timer timer([&] { fired = true; });
  for (const uint64_t delay : {UringLoop::kNoLimit, UringLoop::kNoLimit - 1}) {
    loop->start_timer(&timer, delay);
    test_time += 1000;
    loop->run_once(1);
    EXPECT_FALSE(fired);
    EXPECT_TRUE(timer.started());
  }
  loop->stop_timer(&timer);
}

TEST_P(UringLoopTest, ATimerEndsASleep) {
  bool fired = false;
  Timer timer([&] { fired = true; });
  loop->start_timer(&timer, 2'000'000);
  for (int i = 0; i < 10 && !fired; ++i) loop->run_once();
  EXPECT_TRUE(fired);
}

TEST_P(UringLoopTest, WakeFromAnotherThreadEndsASleepAndRunsTheTasks) {
  struct Task : LoopTask {
    void run() noexcept override { seen = given.load(); }
    std::atomic<int> given{0};
    int seen = 0;
  } task;
  loop->add_task(&task);
  std::thread waker([&] {
    for (int i = 1; i <= 2000; ++i) {
      task.given.store(i);
      loop->wake();
    }
  });
  // A lost wake-up would sleep for ever here.
  while (task.seen != 2000) loop->run_once();
  waker.join();
  loop->remove_task(&task);
}

TEST_P(UringLoopTest, ATaskThatRemovesItselfHidesNoOther) {
  struct Task : LoopTask {
    void run() noexcept override {
      ++ran;
      if (leaves != nullptr) leaves->remove_task(this);
    }
    UringLoop* leaves = nullptr;
    int ran = 0;
  } stays, leaves, last;
  leaves.leaves = loop.get();
  for (Task* task : {&stays, &leaves, &last}) loop->add_task(task);
  for (int i = 0; i < 2; ++i) {
    loop->wake();
    loop->run_once(0);
  }
  EXPECT_EQ(leaves.ran, 1);
  EXPECT_EQ(stays.ran, 2);
  EXPECT_EQ(last.ran, 2);
}

TEST_P(UringLoopTest, MaySetUpOnOneThreadAndRunOnAnother) {
  ScriptedServer server([](Peer& peer) { peer.send("x"); });
  ASSERT_TRUE(open(server.port()).ok());
  std::thread runner([this] {
    EXPECT_TRUE(run_until([&] { return recorder.text == "x"; }));
    loop.reset();
  });
  runner.join();
}

// Such a ring answers each call from a second thread with the same error, for
// ever.
TEST(UringLoopDeathTest, ALastingErrorOfTheKernelEndsTheProcess) {
  ::testing::GTEST_FLAG(death_test_style) = "threadsafe";
  auto made =
      UringLoop::create({.backend = LoopBackendChoice::kUringOneShot}, nullptr);
  if (!made.ok()) GTEST_SKIP() << made.status().ToString();
  EXPECT_DEATH(
      {
        std::thread first([&] { (*made)->run_once(0); });
        first.join();
        for (int i = 0; i < 100; ++i) (*made)->run_once(1'000'000);
      },
      "wirebook::UringBackend 0x.*: .*one thread");
}

TEST(UringLoopBackendTest, TheBackendSaysWhichItIs) {
  EXPECT_STREQ(
      (*UringLoop::create({.backend = LoopBackendChoice::kEpoll}, nullptr))
          ->backend_name(),
      "epoll");
  EXPECT_THAT(std::string((*UringLoop::create({}, nullptr))->backend_name()),
              ::testing::AnyOf("uring-inc", "uring-oneshot", "epoll"));
}

TEST(UringLoopOptionsTest, WrongOptionsAreRefusedWithAReason) {
  const struct {
    UringLoopOptions options;
    const char* says;
  } all[] = {
      {{.max_streams = 0}, "max_streams is 0; give 1 to 32768"},
      {{.max_streams = 32769}, "max_streams is 32769"},
      {{.send_queue_bytes = 0}, "send_queue_bytes is 0; give room"},
      {{.send_queue_bytes = size_t{1} << 32}, "less than 4 GiB"},
  };
  for (const auto& one : all) {
    const absl::Status made = UringLoop::create(one.options, nullptr).status();
    EXPECT_EQ(made.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(made.ToString(), ::testing::HasSubstr(one.says));
    // Over the caller's own backend as well.
    EXPECT_THAT(
        UringLoop::create(one.options, nullptr, nullptr).status().ToString(),
        ::testing::HasSubstr(one.says));
  }
  EXPECT_THAT(UringLoop::create({}, nullptr, nullptr).status().ToString(),
              ::testing::HasSubstr("backend is nullptr"));
}

TEST(UringLoopOptionsTest, AStreamsOptionsAreCheckedBeforeTheKernelSeesThem) {
  const auto loop = *UringLoop::create({}, nullptr);
  const sockaddr_in address = loopback(1);
  const auto* const any = reinterpret_cast<const sockaddr*>(&address);
  Recorder handler;
  const struct {
    absl::Status status;
    const char* says;
  } all[] = {
      {loop->open(nullptr, 0, nullptr, &handler).status(), "needs an address"},
      {loop->open(any, sizeof(sockaddr_storage) + 1, nullptr, &handler)
           .status(),
       "needs an address of at most"},
      {loop->open(any, sizeof(address), nullptr, nullptr).status(),
       "and a handler"},
      {loop->open(any, sizeof(address), nullptr, &handler,
                  {.receive_buffer_bytes = -1})
           .status(),
       "receive_buffer_bytes is -1; give 0"},
      {loop->open(any, sizeof(address), nullptr, &handler, {.busy_poll_us = -1})
           .status(),
       "busy_poll_us is -1; give 0"},
  };
  for (const auto& one : all) {
    EXPECT_EQ(one.status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(one.status.ToString(), ::testing::HasSubstr(one.says));
  }
}

}  // namespace
}  // namespace wirebook
