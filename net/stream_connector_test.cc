// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/stream_connector.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
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
#include "net/testing/listener.h"
#include "net/testing/scripted_server.h"

namespace wirebook {
namespace {

using ::testing::HasSubstr;
using testing::Listener;
using ::testing::Not;
using testing::Peer;
using testing::refusing_port;
using testing::ScriptedServer;
using namespace std::string_literals;

constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint64_t kSecond = 1'000'000'000;

uint64_t test_time = 0;

// The connector's caller, and the stream's.
struct Recorder : StreamConnectorHandler, StreamHandler {
  void on_stream(LoopStream* s) noexcept override {
    stream = s;
    ++streams;
  }
  void on_failed(const absl::Status& s) noexcept override {
    ++failures;
    status = s;
    if (when_failed) when_failed();
  }
  void on_connected() noexcept override { ADD_FAILURE() << "not its call"; }
  void on_received(uint64_t) noexcept override {
    const uint64_t write = slab->write_position();
    text.append(slab->at(slab->parse_position()),
                write - slab->parse_position());
    slab->set_parse_position(write);
  }
  void on_ended(int) noexcept override {}
  void on_reclaimed() noexcept override {}
  void on_closed() noexcept override { ++closed; }

  RawMessageSlab* slab = nullptr;
  LoopStream* stream = nullptr;
  int streams = 0, failures = 0, closed = 0;
  absl::Status status;
  std::string text;
  std::function<void()> when_failed;
};

class StreamConnectorTest : public ::testing::TestWithParam<LoopBackendChoice> {
 protected:
  void SetUp() override {
    test_time = kSecond;
    build({});
  }
  void TearDown() override {
    connector.reset();
    loop.reset();
  }
  void build(UringLoopOptions options) {
    loop.reset();
    pool = *RawMessagePool::create({});
    options.backend = GetParam();
    options.wait = WaitMode::kSleep;
    options.now_ns = [] { return test_time; };
    auto made = UringLoop::create(options, pool.get());
    if (!made.ok()) GTEST_SKIP() << made.status().ToString();
    loop = *std::move(made);
    recorder.slab = *pool->add_slab(2);
  }
  void start(const std::string& host, uint16_t port,
             StreamConnectorOptions options = {}, ProxyOptions proxy = {}) {
    connector = std::make_unique<StreamConnector>(
        loop.get(), *parse_proxy(proxy), std::move(options), &recorder);
    connector->start(host, port, recorder.slab, &recorder);
  }
  // A name with these addresses.
  void start_race(const std::vector<SocketAddress>& addresses,
                  StreamConnectorOptions options = {}) {
    options.look_up = [addresses](const std::string&, uint16_t,
                                  int) -> Addresses { return addresses; };
    start("several.test", 80, std::move(options));
  }
  void start_proxied(const std::string& url, const std::string& host,
                     StreamConnectorOptions options = {},
                     const std::string& user = {},
                     const std::string& password = {}) {
    start(host, 443, std::move(options),
          {.url = url, .user = user, .password = Secret(password)});
  }
  bool run_until(const std::function<bool()>& done) {
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      loop->run_once(kMillisecond);
    }
    return true;
  }
  bool run_until_failed() {
    return run_until([&] { return recorder.failures == 1; });
  }
  bool run_until_stream() {
    return run_until([&] { return recorder.stream != nullptr; });
  }
  void close_stream() {
    loop->close(recorder.stream);
    ASSERT_TRUE(run_until([&] { return recorder.closed == 1; }));
  }

  std::unique_ptr<RawMessagePool> pool;
  std::unique_ptr<UringLoop> loop;
  Recorder recorder;
  std::unique_ptr<StreamConnector> connector;
};

INSTANTIATE_TEST_SUITE_P(
    Backends, StreamConnectorTest,
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

TEST_P(StreamConnectorTest, ConnectsToANumber) {
  ScriptedServer server([](Peer& peer) {
    char said[2];
    if (peer.read_exactly(said, 2)) peer.send("hello");
    peer.read_to_end();
  });
  start("127.0.0.1", server.port());
  EXPECT_FALSE(connector->idle());
  EXPECT_EQ(recorder.streams, 0) << "in a later turn";
  ASSERT_TRUE(run_until_stream());
  EXPECT_TRUE(connector->idle());
  EXPECT_TRUE(loop->send(recorder.stream, "hi"));
  ASSERT_TRUE(run_until([&] { return recorder.text == "hello"; }));
  close_stream();
}

TEST_P(StreamConnectorTest, SetsTheSocketsOptions) {
  const Listener server("127.0.0.1");
  StreamConnectorOptions options;
  options.socket.receive_buffer_bytes = 16 << 10;
  start("127.0.0.1", server.port(), options);
  ASSERT_TRUE(run_until_stream());
  int value = 0;
  socklen_t size = sizeof(value);
  getsockopt(recorder.stream->fd, SOL_SOCKET, SO_RCVBUF, &value, &size);
  EXPECT_EQ(value, 32 << 10);
  close_stream();
}

TEST_P(StreamConnectorTest, LooksUpTheSystemsNames) {
  const Listener server("127.0.0.1");
  start("localhost", server.port());  // on ::1 nobody listens
  ASSERT_TRUE(run_until_stream());
  close_stream();
}

// ---- The race

TEST_P(StreamConnectorTest, TheFirstAddressWinsWhenItAnswers) {
  const Listener six("::1");
  const Listener four("127.0.0.1");
  start_race({six.address(), four.address()});
  ASSERT_TRUE(run_until_stream());
  EXPECT_EQ(recorder.stream->address.ss_family, AF_INET6);
  EXPECT_EQ(four.accepted(), 0) << "was never tried";
  close_stream();
}

TEST_P(StreamConnectorTest, AFailureStartsTheNextAttemptAtOnce) {
  const Listener four("127.0.0.1");
  start_race({*parse_socket_address("::1", refusing_port()), four.address()});
  ASSERT_TRUE(run_until_stream()) << "no time has passed";
  EXPECT_EQ(recorder.stream->address.ss_family, AF_INET);
  close_stream();
}

TEST_P(StreamConnectorTest, ASilentAddressDelaysTheNextByTheAttemptDelay) {
  const Listener black_hole("::1", Listener::kFull);
  const Listener four("127.0.0.1");
  start_race({black_hole.address(), four.address()});
  for (int i = 0; i < 20; ++i) loop->run_once(kMillisecond);
  test_time += 249 * kMillisecond;
  for (int i = 0; i < 5; ++i) loop->run_once(kMillisecond);
  EXPECT_EQ(recorder.streams, 0);
  test_time += kMillisecond;
  ASSERT_TRUE(run_until_stream());
  EXPECT_EQ(recorder.stream->address.ss_family, AF_INET);
  close_stream();
  EXPECT_EQ(recorder.failures, 0);
}

TEST_P(StreamConnectorTest, AnEarlierAttemptMayStillWin) {
  Listener slow("::1", Listener::kFull);
  const Listener black_hole("127.0.0.1", Listener::kFull);
  start_race({slow.address(), black_hole.address()});
  for (int i = 0; i < 20; ++i) loop->run_once(kMillisecond);
  test_time += 250 * kMillisecond;
  for (int i = 0; i < 5; ++i) loop->run_once(kMillisecond);
  EXPECT_EQ(recorder.streams, 0);
  slow.make_room();  // the kernel's SYN comes again after a second
  ASSERT_TRUE(run_until_stream());
  EXPECT_EQ(recorder.stream->address.ss_family, AF_INET6);
  close_stream();
}

TEST_P(StreamConnectorTest, WhenAllFailEachIsNamed) {
  const auto six = *parse_socket_address("::1", refusing_port());
  const auto four = *parse_socket_address("127.0.0.1", refusing_port());
  start_race({six, four});
  ASSERT_TRUE(run_until_failed());
  EXPECT_EQ(recorder.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(
      recorder.status.ToString(),
      HasSubstr("connect to " + six.to_string() + ": Connection refused; " +
                four.to_string() + ": Connection refused"));
  EXPECT_EQ(recorder.streams, 0);
}

TEST_P(StreamConnectorTest, NoMoreAddressesAreTriedThanItHasAttempts) {
  std::vector<SocketAddress> addresses(
      StreamConnector::kMaxAttempts + 5,
      *parse_socket_address("127.0.0.1", refusing_port()));
  start_race(addresses);
  ASSERT_TRUE(run_until_failed());
}

TEST_P(StreamConnectorTest, AFullLoopIsSaid) {
  build({.max_streams = 1});
  const Listener black_hole("127.0.0.1", Listener::kFull);
  const Listener four("127.0.0.1");
  start_race({black_hole.address(), four.address()});
  for (int i = 0; i < 20; ++i) loop->run_once(kMillisecond);
  test_time += 250 * kMillisecond;
  for (int i = 0; i < 5; ++i) loop->run_once(kMillisecond);
  EXPECT_EQ(recorder.failures, 0) << "the first is still under way";
  test_time += 10 * kSecond;
  ASSERT_TRUE(run_until_failed());
  EXPECT_THAT(recorder.status.ToString(), HasSubstr("raise max_streams"));
}

TEST(RaceOrderTest, FamiliesTakeTurns) {
  const auto order = [](const std::vector<std::string>& hosts) {
    std::vector<SocketAddress> addresses;
    for (const std::string& host : hosts) {
      addresses.push_back(*parse_socket_address(host, 1));
    }
    std::string text;
    for (const SocketAddress& address : race_order(addresses)) {
      text += address.to_string() + " ";
    }
    return text;
  };
  EXPECT_EQ(order({"::1", "::2", "::3", "10.0.0.1"}),
            "[::1]:1 10.0.0.1:1 [::2]:1 [::3]:1 ");
  EXPECT_EQ(order({"10.0.0.1", "10.0.0.2", "::1", "::2"}),
            "10.0.0.1:1 [::1]:1 10.0.0.2:1 [::2]:1 ");
  EXPECT_EQ(order({"10.0.0.1"}), "10.0.0.1:1 ");
}

// ---- Time limits

// A look-up that ends with the test.
class Blocked {
 public:
  ~Blocked() {
    const std::lock_guard lock(state_->mutex);
    state_->open = true;
    state_->changed.notify_all();
  }
  LookUp look_up() const {
    return [state = state_](const std::string&, uint16_t, int) -> Addresses {
      std::unique_lock lock(state->mutex);
      state->changed.wait(lock, [&] { return state->open; });
      return absl::UnavailableError("too late");
    };
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool open = false;
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

TEST_P(StreamConnectorTest, EveryStepHasItsTimeLimit) {
  const Blocked blocked;
  const Listener black_hole("127.0.0.1", Listener::kFull);
  const Listener mute("127.0.0.1");
  struct Case {
    std::function<void(const StreamConnectorOptions&)> start;
    std::string says;
  };
  StreamConnectorOptions options;
  options.resolve_timeout_ns = kSecond;
  options.tcp_timeout_ns = 2 * kSecond;
  options.proxy_timeout_ns = 3 * kSecond;
  const std::vector<Case> all = {
      {[&](StreamConnectorOptions o) {
         o.look_up = blocked.look_up();
         start("slow.test", 80, o);
       },
       "no address within resolve_timeout_ns"},
      {[&](const StreamConnectorOptions& o) {
         start("127.0.0.1", black_hole.port(), o);
       },
       "no TCP connection within tcp_timeout_ns"},
      {[&](const StreamConnectorOptions& o) {
         start_proxied("http://127.0.0.1:" + std::to_string(mute.port()),
                       "x.test", o);
       },
       "no answer of the proxy within proxy_timeout_ns"},
  };
  uint64_t limit = 0;
  for (const Case& one : all) {
    SCOPED_TRACE(one.says);
    limit += kSecond;
    recorder.failures = 0;
    one.start(options);
    for (int i = 0; i < 20; ++i) loop->run_once(kMillisecond);
    test_time += limit - 1;
    for (int i = 0; i < 5; ++i) loop->run_once(kMillisecond);
    EXPECT_EQ(recorder.failures, 0);
    test_time += 1;
    ASSERT_TRUE(run_until_failed());
    EXPECT_EQ(recorder.status.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_THAT(recorder.status.ToString(), HasSubstr(one.says));
  }
}

TEST_P(StreamConnectorTest, StopAndEndWorkInEveryStep) {
  const Blocked blocked;
  const Listener black_hole("127.0.0.1", Listener::kFull);
  const Listener mute("127.0.0.1");
  StreamConnectorOptions slow;
  slow.look_up = blocked.look_up();
  const std::array<std::function<void()>, 3> steps = {
      [&] { start("slow.test", 80, slow); },
      [&] { start("127.0.0.1", black_hole.port()); },
      [&] {
        const int before = mute.accepted();
        start_proxied("socks5://127.0.0.1:" + std::to_string(mute.port()),
                      "x.test");
        ASSERT_TRUE(run_until([&] { return mute.accepted() != before; }));
      },
  };
  for (const auto& step : steps) {
    recorder.failures = 0;
    step();
    for (int i = 0; i < 5; ++i) loop->run_once(kMillisecond);
    connector->stop(absl::CancelledError("enough"));
    connector->stop(absl::InternalError("the first counts"));
    EXPECT_EQ(recorder.failures, 0) << "in a later turn";
    ASSERT_TRUE(run_until_failed());
    EXPECT_EQ(recorder.status, absl::CancelledError("enough"));
    connector->stop(absl::InternalError("idle"));
    for (int i = 0; i < 5; ++i) loop->run_once(kMillisecond);
    EXPECT_EQ(recorder.failures, 1);

    step();
    for (int i = 0; i < 5; ++i) loop->run_once(kMillisecond);
    const bool returned = connector->abandon();
    EXPECT_EQ(returned, &step == &steps[2]) << "only a proxy used the slab";
    for (int i = 0; i < 5; ++i) loop->run_once(kMillisecond);
    EXPECT_EQ(recorder.failures, 1);
  }
}

TEST_P(StreamConnectorTest, StartsAgainFromOnFailed) {
  const Listener server("127.0.0.1");
  recorder.when_failed = [&] {
    connector->start("127.0.0.1", server.port(), recorder.slab, &recorder);
  };
  start("127.0.0.1", refusing_port());
  ASSERT_TRUE(run_until_stream());
  EXPECT_EQ(recorder.failures, 1);
  close_stream();
}

// ---- Proxies

TEST_P(StreamConnectorTest, ThroughAnHttpProxy) {
  std::string request;
  ScriptedServer proxy([&](Peer& peer) {
    request = peer.read_request();
    peer.send_in_pieces("HTTP/1.1 200 Connection established\r\n\r\n", 7);
    char said[2];
    if (peer.read_exactly(said, 2)) peer.send("tunnelled");
    peer.read_to_end();
  });
  start_proxied("http://127.0.0.1:" + std::to_string(proxy.port()),
                "venue.test", {}, "me", "hunter2");
  ASSERT_TRUE(run_until_stream());
  const std::string queued(recorder.stream->queued.get(), 1000);
  const std::string sending(recorder.stream->sending.get(), 1000);
  EXPECT_THAT(queued + sending, Not(HasSubstr("Basic")))
      << "user and password are wiped";
  EXPECT_TRUE(loop->send(recorder.stream, "hi"));
  ASSERT_TRUE(run_until([&] { return recorder.text == "tunnelled"; }));
  close_stream();
  proxy.stop();
  EXPECT_THAT(request, HasSubstr("CONNECT venue.test:443 HTTP/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr("Basic bWU6aHVudGVyMg==\r\n"));
}

TEST_P(StreamConnectorTest, ThroughASocks5ProxyWithUserAndPassword) {
  std::string credentials(11, '\0'), request(17, '\0');
  ScriptedServer proxy([&](Peer& peer) {
    char greeting[4];
    peer.read_exactly(greeting, 4);
    peer.send("\x05\x02"s);
    peer.read_exactly(credentials.data(), credentials.size());
    peer.send_in_pieces("\x01\x00"s, 1);
    peer.read_exactly(request.data(), request.size());
    peer.send_in_pieces("\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x34"s, 3);
    char said[2];
    if (peer.read_exactly(said, 2)) peer.send("tunnelled");
    peer.read_to_end();
  });
  start_proxied("socks5://127.0.0.1:" + std::to_string(proxy.port()),
                "venue.test", {}, "me", "hunter");
  ASSERT_TRUE(run_until_stream());
  EXPECT_TRUE(loop->send(recorder.stream, "hi"));
  ASSERT_TRUE(run_until([&] { return recorder.text == "tunnelled"; }));
  close_stream();
  proxy.stop();
  EXPECT_EQ(credentials, "\x01\x02me\x06hunter");
  EXPECT_EQ(request, "\x05\x01\x00\x03\x0avenue.test\x01\xbb"s);
}

TEST_P(StreamConnectorTest, AProxysFailuresAreSaid) {
  struct Case {
    std::string answer;
    std::string says;
  };
  const std::vector<Case> all = {
      {"HTTP/1.1 403 Forbidden\r\n\r\n", "403 Forbidden"},
      {"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 101 forged", "more than its answer"},
      {"HTTP/1.1 200", "the proxy ended the connection: without an answer"},
  };
  for (const Case& one : all) {
    SCOPED_TRACE(one.says);
    recorder.failures = 0;
    ScriptedServer proxy([&](Peer& peer) {
      peer.read_request();
      peer.send(one.answer);
    });
    start_proxied("http://127.0.0.1:" + std::to_string(proxy.port()),
                  "venue.test");
    ASSERT_TRUE(run_until_failed());
    EXPECT_THAT(recorder.status.ToString(), HasSubstr(one.says));
    EXPECT_EQ(recorder.streams, 0);
  }
  recorder.failures = 0;
  start_proxied("http://127.0.0.1:1", std::string(256, 'x'));
  ASSERT_TRUE(run_until_failed());
  EXPECT_THAT(recorder.status.ToString(), HasSubstr("too long for a proxy"));
}

TEST_P(StreamConnectorTest, WrongOptionsAreSaid) {
  const struct {
    StreamConnectorOptions options;
    const char* says;
  } all[] = {
      {{.socket = {.receive_buffer_bytes = -1}}, "receive_buffer_bytes is -1"},
      {{.resolve_timeout_ns = 0}, "resolve_timeout_ns is 0; give at least 1"},
      {{.tcp_timeout_ns = 0}, "tcp_timeout_ns is 0; give at least 1"},
      {{.proxy_timeout_ns = 0}, "proxy_timeout_ns is 0; give at least 1"},
      {{.attempt_delay_ns = 10 * kMillisecond - 1}, "give at least 10000000"},
      {{.look_up = nullptr}, "look_up is empty; give system_look_up"},
  };
  EXPECT_TRUE(StreamConnector::check_options({}).ok());
  for (const auto& one : all) {
    EXPECT_THAT(StreamConnector::check_options(one.options).ToString(),
                HasSubstr(one.says));
    recorder.failures = 0;
    start("127.0.0.1", 1, one.options);
    ASSERT_TRUE(run_until_failed());
    EXPECT_EQ(recorder.status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(recorder.status.ToString(), HasSubstr(one.says));
  }
  RawMessageSlab* const slab = recorder.slab;
  for (const bool with_slab : {false, true}) {
    recorder.failures = 0;
    connector = std::make_unique<StreamConnector>(
        loop.get(), *parse_proxy({}), StreamConnectorOptions{}, &recorder);
    connector->start("127.0.0.1", 1, with_slab ? slab : nullptr,
                     with_slab ? nullptr : &recorder);
    ASSERT_TRUE(run_until_failed());
    EXPECT_THAT(recorder.status.ToString(),
                HasSubstr("needs a slab and a stream_handler"));
  }
}

TEST_P(StreamConnectorTest, ARequestThatTheQueueCannotHoldIsSaid) {
  build({.send_queue_bytes = 8});
  const Listener server("127.0.0.1");
  start_proxied("http://127.0.0.1:" + std::to_string(server.port()), "x.test");
  ASSERT_TRUE(run_until_failed());
  EXPECT_THAT(recorder.status.ToString(), HasSubstr("send_queue_bytes"));
  recorder.failures = 0;
  // The greeting fits, the request does not.
  ScriptedServer proxy([](Peer& peer) {
    peer.send("\x05\x00"s);
    peer.read_to_end();
  });
  start_proxied("socks5://127.0.0.1:" + std::to_string(proxy.port()), "x.test");
  ASSERT_TRUE(run_until_failed());
  EXPECT_THAT(recorder.status.ToString(), HasSubstr("send_queue_bytes"));
}

}  // namespace
}  // namespace wirebook
