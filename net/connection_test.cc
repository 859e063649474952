// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/connection.h"

#include <dirent.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/testing/certificates.h"
#include "net/testing/listener.h"
#include "net/testing/scripted_server.h"
#include "net/testing/tls_server.h"

namespace wirebook {
namespace {

using testing::ClientFrame;
using testing::close_frame;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Listener;
using ::testing::Not;
using testing::Peer;
using testing::refusing_port;
using testing::ScriptedServer;
using testing::server_frame;

constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint64_t kSecond = 1'000'000'000;

uint64_t test_time = 0;

struct Recorder : ConnectionHandler {
  bool on_attempt(size_t leg) override {
    attempts.push_back(leg);
    if (when_attempt) when_attempt();
    return !defers;
  }
  void on_open(size_t leg) override {
    opens.push_back(leg);
    if (when_open) when_open(leg);
  }
  void on_message(size_t leg, RawMessage* message) override {
    messages.push_back(std::to_string(leg) + ":" +
                       std::string(message->view()));
    if (holds) {
      held.push_back(message);
    } else {
      pool->release(message);
    }
  }
  void on_silent(size_t leg) override { silent.push_back(leg); }
  void on_close(size_t leg, const ConnectionEnd& connection_end) override {
    closes.push_back(leg);
    end = connection_end;
    reason = end.reason;
    if (when_close) when_close();
  }

  RawMessagePool* pool = nullptr;
  std::vector<size_t> attempts, opens, closes, silent;
  std::vector<std::string> messages;
  bool defers = false;  // attempts, for the test to proceed with
  bool holds = false;   // messages, for the test to release
  std::vector<RawMessage*> held;
  ConnectionEnd end;
  std::string reason;
  std::function<void(size_t)> when_open;
  std::function<void()> when_attempt, when_close;
};

// A venue that keeps a connection: it says its name, where it has one, answers
// pings while it is told to, and takes a close.
class Venue {
 public:
  explicit Venue(std::string name)
      : server_([this, name](Peer& peer) {
          peer.upgrade(name.empty() ? "" : server_frame(0x1, name));
          for (;;) {
            const ClientFrame frame = peer.read_frame();
            if (frame.first_byte < 0) return;
            if (frame.opcode() == 0x9) {
              ++pings;
              if (answers) peer.send(server_frame(0xa, frame.payload));
            } else if (frame.opcode() == 0x8) {
              if (answers) peer.send(close_frame(1000, "as you wish"));
              return;
            } else if (frame.payload == "die") {
              return;
            } else {
              peer.send(server_frame(0x1, frame.payload));
            }
          }
        }) {}
  uint16_t port() const { return server_.port(); }
  std::string url() const { return server_.url(); }
  int connections() const { return server_.connections(); }

  std::atomic<bool> answers{true};
  std::atomic<int> pings{0};

 private:
  ScriptedServer server_;
};

class ConnectionTest : public ::testing::TestWithParam<LoopBackendChoice> {
 protected:
  void SetUp() override {
    test_time = 1000 * kSecond;
    pool = *RawMessagePool::create({});
    UringLoopOptions options;
    options.wait = WaitMode::kSleep;
    options.backend = GetParam();
    options.now_ns = [] { return test_time; };
    auto made = UringLoop::create(options, pool.get());
    if (!made.ok()) GTEST_SKIP() << made.status().ToString();
    loop = *std::move(made);
    recorder.pool = pool.get();
  }

  static ConnectionOptions options_for(const std::string& url) {
    ConnectionOptions options;
    options.reader.url = url;
    options.reader.slab_slots = 4;
    options.backoff.jitter = 0;
    options.rollover_jitter = 0;
    return options;
  }
  // The name leads to these ports, one attempt after the other; then to the
  // last.
  static ConnectionOptions options_for_ports(std::vector<uint16_t> ports) {
    ConnectionOptions options = options_for("ws://venue.test/");
    auto next = std::make_shared<std::atomic<size_t>>(0);
    options.reader.connector.look_up =
        [ports, next](const std::string&, uint16_t, int family) -> Addresses {
      // Once an attempt, however late it is.
      if (family != AF_UNSPEC) return absl::UnavailableError("not apart");
      const size_t i = std::min(next->fetch_add(1), ports.size() - 1);
      return std::vector<SocketAddress>{
          *parse_socket_address("127.0.0.1", ports[i])};
    };
    return options;
  }
  void start(const ConnectionOptions& options) {
    auto made = Connection::create(loop.get(), pool.get(), options, &recorder);
    ASSERT_TRUE(made.ok()) << made.status();
    connection = *std::move(made);
    connection->start();
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
  bool run_until_opens(size_t count) {
    return run_until([&] { return recorder.opens.size() == count; });
  }
  bool run_until_closes(size_t count) {
    return run_until([&] { return recorder.closes.size() == count; });
  }
  bool run_until_messages(size_t count) {
    return run_until([&] { return recorder.messages.size() == count; });
  }
  void turn(int turns = 5) {
    for (int i = 0; i < turns; ++i) loop->run_once(kMillisecond);
  }
  void advance(uint64_t ns) {
    test_time += ns;
    turn();
  }

  std::unique_ptr<RawMessagePool> pool;
  std::unique_ptr<UringLoop> loop;
  Recorder recorder;
  std::unique_ptr<Connection> connection;
};

INSTANTIATE_TEST_SUITE_P(
    Backends, ConnectionTest,
    ::testing::Values(LoopBackendChoice::kAuto, LoopBackendChoice::kEpoll),
    [](const ::testing::TestParamInfo<LoopBackendChoice>& choice) {
      return choice.param == LoopBackendChoice::kAuto ? "best" : "epoll";
    });

TEST_P(ConnectionTest, ConnectsSendsReceivesAndStops) {
  Venue venue("hello");
  recorder.when_open = [&](size_t leg) {
    EXPECT_TRUE(connection->send_text(leg, "subscribe"));
    EXPECT_TRUE(connection->send_binary(leg, "more"));
  };
  start(options_for(venue.url()));
  EXPECT_FALSE(connection->stopped());
  ASSERT_TRUE(run_until_messages(3));
  EXPECT_THAT(recorder.messages,
              ElementsAre("0:hello", "0:subscribe", "0:more"));
  EXPECT_EQ(connection->leg(), 0u);
  EXPECT_EQ(connection->reader_statistics(0).messages, 3u);
  EXPECT_EQ(connection->reader_statistics(1).messages, 0u);
  EXPECT_FALSE(connection->send_text(1, "no second leg"));
  connection->stop();
  ASSERT_TRUE(run_until_closes(1));
  EXPECT_TRUE(connection->stopped());
  EXPECT_TRUE(recorder.end.status.ok()) << recorder.end.status;
  EXPECT_TRUE(recorder.end.planned);
  EXPECT_EQ(recorder.reason, "as you wish");
  advance(100 * kSecond);
  EXPECT_EQ(venue.connections(), 1) << "no other attempt";
  EXPECT_EQ(connection->statistics().losses, 0u);

  connection->start();
  ASSERT_TRUE(run_until_opens(2));
}

TEST_P(ConnectionTest, ALossIsMadeGoodAfterTheBackoff) {
  Venue venue("hello");
  start(options_for(venue.url()));
  ASSERT_TRUE(run_until_messages(1));
  ASSERT_TRUE(connection->send_text(connection->leg(), "die"));
  ASSERT_TRUE(run_until_closes(1));
  EXPECT_FALSE(recorder.end.planned);
  EXPECT_FALSE(recorder.end.still_up);
  EXPECT_THAT(recorder.end.status.ToString(), HasSubstr("without a close"));
  advance(249 * kMillisecond);
  EXPECT_EQ(connection->statistics().attempts, 1u);
  advance(kMillisecond);
  EXPECT_EQ(connection->statistics().attempts, 2u);
  ASSERT_TRUE(run_until_messages(2));
  EXPECT_EQ(connection->statistics().losses, 1u);
}

TEST_P(ConnectionTest, CloseIsALossToo) {
  Venue venue("hello");
  start(options_for(venue.url()));
  connection->close(0);  // before it is open
  ASSERT_TRUE(run_until_closes(1));
  EXPECT_EQ(recorder.end.status.code(), absl::StatusCode::kCancelled);
  advance(250 * kMillisecond);
  ASSERT_TRUE(run_until_messages(1));
  connection->close(0, "anew");
  ASSERT_TRUE(run_until_closes(2));
  EXPECT_TRUE(recorder.end.status.ok());
  EXPECT_FALSE(recorder.end.planned);
  advance(500 * kMillisecond);
  ASSERT_TRUE(run_until_messages(2));
}

TEST_P(ConnectionTest, FailedAttemptsComeFurtherAndFurtherApart) {
  start(options_for("ws://127.0.0.1:" + std::to_string(refusing_port())));
  uint64_t delay = 250 * kMillisecond;
  for (size_t attempt = 1; attempt <= 6; ++attempt) {
    ASSERT_TRUE(run_until_closes(attempt));
    EXPECT_EQ(connection->statistics().attempts, attempt);
    EXPECT_EQ(connection->statistics().failed_attempts, attempt);
    advance(delay - 1);
    EXPECT_EQ(connection->statistics().attempts, attempt);
    advance(1);
    delay *= 2;
  }
  EXPECT_THAT(recorder.end.status.ToString(), HasSubstr("refused"));
}

TEST_P(ConnectionTest, AHostsBudgetDelaysTheAttempts) {
  ConnectBudget budget({.attempts = 2, .period_ns = 100 * kSecond});
  ConnectionOptions options =
      options_for("ws://127.0.0.1:" + std::to_string(refusing_port()));
  options.budget = &budget;
  start(options);
  ASSERT_TRUE(run_until_closes(1));
  advance(250 * kMillisecond);
  ASSERT_TRUE(run_until_closes(2));
  advance(500 * kMillisecond);
  EXPECT_EQ(connection->statistics().budget_waits, 1u);
  advance(99 * kSecond);
  EXPECT_EQ(connection->statistics().attempts, 2u);
  advance(250 * kMillisecond);  // 100 s after the first
  ASSERT_TRUE(run_until_closes(3));
}

// ---- Silence

TEST_P(ConnectionTest, PingsKeepAQuietConnection) {
  Venue venue("hello");
  ConnectionOptions options = options_for(venue.url());
  options.ping_interval_ns = 10 * kSecond;
  options.silence_deadline_ns = 15 * kSecond;
  options.reader.url += "/?token=secret";
  start(options);
  ASSERT_TRUE(run_until_messages(1));
  advance(250 * kMillisecond);  // the greeting is noticed
  for (int second = 0; second < 60; ++second) {
    const uint64_t pongs = connection->reader_statistics(0).pongs;
    const uint64_t pings = connection->statistics().pings;
    advance(kSecond);
    if (connection->statistics().pings != pings) {
      ASSERT_TRUE(run_until(
          [&] { return connection->reader_statistics(0).pongs != pongs; }));
    }
  }
  EXPECT_GE(venue.pings.load(), 4);
  EXPECT_LE(venue.pings.load(), 6);
  EXPECT_EQ(recorder.closes.size(), 0u);

  // A peer that answers no more is noticed, and left when it does not even
  // answer the close.
  venue.answers = false;
  for (int i = 0; i < 70 && recorder.silent.empty(); ++i) {
    advance(250 * kMillisecond);
  }
  EXPECT_THAT(recorder.silent, ElementsAre(0));
  ASSERT_TRUE(run_until_closes(1));
  EXPECT_EQ(recorder.end.status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(recorder.end.status.ToString(),
              HasSubstr("nothing heard for 15000 ms"));
  EXPECT_THAT(recorder.end.status.ToString(), Not(HasSubstr("secret")));
  EXPECT_EQ(connection->statistics().silences, 1u);
  venue.answers = true;
  advance(kSecond);
  ASSERT_TRUE(run_until_messages(2));
}

TEST_P(ConnectionTest, WhoHoldsAllMessagesIsToBlameForTheSilence) {
  constexpr size_t kMessages = 200;
  ScriptedServer server([](Peer& peer) {
    std::string frames;
    for (size_t i = 0; i < kMessages; ++i) {
      frames += server_frame(0x1, std::string(8'000, 'x'));
    }
    peer.upgrade(frames);
    peer.read_frame();  // the close
    peer.send(close_frame(1000, ""));
  });
  ConnectionOptions options = options_for(server.url());
  options.silence_deadline_ns = 2 * kSecond;
  options.data_deadline_ns = 2 * kSecond;
  recorder.holds = true;
  start(options);
  size_t before = 0;
  ASSERT_TRUE(run_until([&] {
    const bool still = recorder.held.size() == before && before != 0;
    before = recorder.held.size();
    return still && connection->reader_statistics(0).slab_full != 0;
  }));
  ASSERT_LT(recorder.messages.size(), kMessages);
  for (int second = 0; second < 20; ++second) advance(kSecond);
  EXPECT_TRUE(recorder.silent.empty());
  EXPECT_TRUE(recorder.closes.empty());
  recorder.holds = false;
  for (RawMessage* message : recorder.held) pool->release(message);
  ASSERT_TRUE(run_until_messages(kMessages));
  for (int second = 0; second < 4; ++second) advance(kSecond);
  EXPECT_EQ(recorder.silent.size(), 1u) << "now it is the peer";
}

TEST_P(ConnectionTest, APeerThatOnlyAnswersPingsMissesTheDataDeadline) {
  Venue venue("hello");
  ConnectionOptions options = options_for(venue.url());
  options.ping_interval_ns = kSecond;
  options.silence_deadline_ns = 10 * kSecond;
  options.data_deadline_ns = 20 * kSecond;
  start(options);
  ASSERT_TRUE(run_until_messages(1));
  const uint64_t begin = test_time;
  while (recorder.silent.empty() && test_time < begin + 100 * kSecond) {
    const int pings = venue.pings.load();
    const uint64_t sent = connection->statistics().pings;
    advance(250 * kMillisecond);
    if (connection->statistics().pings != sent) {
      ASSERT_TRUE(run_until([&] { return venue.pings.load() != pings; }));
      turn();
    }
  }
  EXPECT_GT(test_time - begin, 20 * kSecond);
  EXPECT_LE(test_time - begin, 21 * kSecond);
  ASSERT_TRUE(run_until_closes(1));
  EXPECT_THAT(recorder.end.status.ToString(),
              HasSubstr("no message heard for 20000 ms"));
}

// ---- Rollover

ConnectionOptions with_rollover(ConnectionOptions options) {
  options.rollover_after_ns = 100 * kSecond;
  options.overlap_ns = 10 * kSecond;
  return options;
}

TEST_P(ConnectionTest, ARolloverOverlapsThenClosesTheOld) {
  Venue first("first"), second("second");
  start(with_rollover(options_for_ports({first.port(), second.port()})));
  ASSERT_TRUE(run_until_messages(1));
  advance(100 * kSecond - 1);
  EXPECT_EQ(connection->statistics().attempts, 1u);
  advance(1);
  ASSERT_TRUE(run_until_messages(2));
  EXPECT_EQ(connection->leg(), 1u);
  // Both deliver.
  EXPECT_TRUE(connection->send_text(0, "old"));
  ASSERT_TRUE(run_until_messages(3));
  EXPECT_TRUE(connection->send_text(1, "new"));
  ASSERT_TRUE(run_until_messages(4));
  EXPECT_THAT(recorder.messages,
              ElementsAre("0:first", "1:second", "0:old", "1:new"));
  EXPECT_THAT(recorder.attempts, ElementsAre(0, 1));
  advance(10 * kSecond - 1);
  EXPECT_TRUE(connection->is_open(0));
  advance(1);
  ASSERT_TRUE(run_until_closes(1));
  EXPECT_EQ(recorder.closes[0], 0u);
  EXPECT_TRUE(recorder.end.planned);
  EXPECT_TRUE(recorder.end.still_up);
  EXPECT_TRUE(recorder.end.status.ok());
  EXPECT_EQ(connection->statistics().rollovers, 1u);
  EXPECT_EQ(connection->statistics().losses, 0u);

  // And back, on demand.
  EXPECT_TRUE(connection->roll_over());
  ASSERT_TRUE(run_until([&] { return !connection->is_open(0); }));
  EXPECT_FALSE(connection->roll_over()) << "one is under way";
}

TEST_P(ConnectionTest, TheOldLegStaysUntilTheNewOneBringsSomething) {
  Venue first("first"), mute("");
  start(with_rollover(options_for_ports({first.port(), mute.port()})));
  ASSERT_TRUE(run_until_messages(1));
  advance(100 * kSecond);
  ASSERT_TRUE(run_until([&] { return connection->is_open(1); }));
  advance(150 * kSecond);  // a whole life of the new one, and its overlap
  EXPECT_TRUE(connection->is_open(0));
  EXPECT_EQ(connection->statistics().attempts, 2u);
  EXPECT_FALSE(connection->roll_over()) << "one is under way";
  EXPECT_TRUE(connection->send_text(1, "at last"));
  ASSERT_TRUE(run_until_messages(2));
  advance(10 * kSecond - 1);
  EXPECT_TRUE(connection->is_open(0));
  EXPECT_EQ(connection->statistics().rollovers, 0u);
  advance(1);
  ASSERT_TRUE(run_until_closes(1));
  EXPECT_EQ(recorder.closes[0], 0u);
  EXPECT_EQ(connection->statistics().rollovers, 1u);
}

TEST_P(ConnectionTest, TheOldLegsFirstMessageDoesNotEndIt) {
  Venue quiet("");
  ScriptedServer hangs([](Peer& peer) { peer.read_to_end(); });
  ConnectionOptions options =
      with_rollover(options_for_ports({quiet.port(), hangs.port()}));
  options.overlap_ns = kSecond;
  start(options);
  ASSERT_TRUE(run_until([&] { return connection->is_open(0); }));
  ASSERT_TRUE(connection->roll_over());
  turn();
  EXPECT_TRUE(connection->send_text(0, "late"));
  ASSERT_TRUE(run_until_messages(1));
  advance(kSecond);
  EXPECT_TRUE(connection->is_open(0)) << "there is no other";
  EXPECT_EQ(connection->statistics().rollovers, 0u);
  connection.reset();
}

TEST_P(ConnectionTest, AnOldLegThatEndsInTheOverlapIsNotCountedAsRolledOver) {
  ScriptedServer deaf([](Peer& peer) {
    peer.upgrade(server_frame(0x1, "first"));
    while (peer.read_frame().first_byte >= 0) {
    }
  });
  Venue second("second");
  ConnectionOptions options =
      with_rollover(options_for_ports({deaf.port(), second.port()}));
  options.overlap_ns = kSecond;
  start(options);
  ASSERT_TRUE(run_until_messages(1));
  EXPECT_TRUE(connection->roll_over());
  ASSERT_TRUE(run_until_messages(2));
  connection->close(0);
  advance(kSecond);
  EXPECT_EQ(recorder.closes.size(), 0u) << "it has time to answer";
  EXPECT_EQ(connection->statistics().rollovers, 0u);
  connection.reset();
}

TEST_P(ConnectionTest, TheOldLegStaysWhileNoNewOneIsToBeHad) {
  Venue first("first"), second("second");
  start(with_rollover(
      options_for_ports({first.port(), refusing_port(), second.port()})));
  ASSERT_TRUE(run_until_messages(1));
  advance(100 * kSecond);
  ASSERT_TRUE(run_until_closes(1));
  EXPECT_EQ(recorder.closes[0], 1u);
  EXPECT_TRUE(recorder.end.still_up);
  EXPECT_EQ(connection->leg(), 0u) << "where requests go";
  EXPECT_TRUE(connection->send_text(connection->leg(), "still"));
  ASSERT_TRUE(run_until_messages(2));
  advance(20 * kSecond);  // the backoff and more
  ASSERT_TRUE(run_until_messages(3));
  EXPECT_EQ(recorder.messages.back(), "1:second");
  EXPECT_EQ(connection->statistics().failed_attempts, 1u);
  EXPECT_EQ(connection->statistics().losses, 0u);
}

TEST_P(ConnectionTest, ALegThatIsLostInTheOverlapLeavesTheOther) {
  for (const size_t lost : {0, 1}) {
    SCOPED_TRACE(lost);
    recorder = Recorder();
    recorder.pool = pool.get();
    Venue first("first"), second("second"), third("third");
    start(with_rollover(
        options_for_ports({first.port(), second.port(), third.port()})));
    ASSERT_TRUE(run_until_messages(1));
    advance(100 * kSecond);
    ASSERT_TRUE(run_until_messages(2));
    EXPECT_TRUE(connection->send_text(lost, "die"));
    ASSERT_TRUE(run_until_closes(1));
    EXPECT_EQ(recorder.closes[0], lost);
    EXPECT_FALSE(recorder.end.planned);
    EXPECT_TRUE(recorder.end.still_up);
    EXPECT_TRUE(connection->is_open(1 - lost));
    advance(15 * kSecond);
    if (lost == 0) {
      EXPECT_EQ(connection->statistics().attempts, 2u) << "nothing is missing";
    } else {
      ASSERT_TRUE(run_until_messages(3)) << "the new leg again";
      EXPECT_EQ(recorder.messages.back(), "1:third");
      advance(10 * kSecond);
      ASSERT_TRUE(run_until_closes(2));
      EXPECT_EQ(recorder.closes[1], 0u);
    }
    connection.reset();
  }
}

TEST_P(ConnectionTest, TheOldLegMayBeLostBeforeTheNewOneStands) {
  Venue first("first"), second("second");
  start(with_rollover(
      options_for_ports({first.port(), refusing_port(), second.port()})));
  ASSERT_TRUE(run_until_messages(1));
  advance(100 * kSecond);
  ASSERT_TRUE(run_until_closes(1));
  EXPECT_TRUE(connection->send_text(0, "die"));
  ASSERT_TRUE(run_until_closes(2));
  EXPECT_FALSE(recorder.end.still_up);
  advance(kSecond);
  ASSERT_TRUE(run_until_messages(2));
  advance(50 * kSecond);
  EXPECT_EQ(connection->statistics().attempts, 3u);
}

TEST_P(ConnectionTest, WithoutATlsContextBothLegsShareOne) {
  const testing::TestAuthority authority;
  const std::string ca_file = ::testing::TempDir() + "/connection_ca.pem";
  authority.write(ca_file);
  // One client at a time; anything it says ends it.
  testing::TlsServer server(authority.issue(), {}, [](testing::TlsPeer& peer) {
    peer.upgrade(server_frame(0x1, "hello"));
    peer.read_frame();
  });
  setenv("SSL_CERT_FILE", ca_file.c_str(), 1);
  start(with_rollover(options_for(server.url())));
  unsetenv("SSL_CERT_FILE");
  ASSERT_TRUE(run_until_messages(1));
  EXPECT_TRUE(connection->roll_over());
  turn();
  EXPECT_TRUE(connection->send_text(0, "go"));
  ASSERT_TRUE(run_until_messages(2));
  EXPECT_THAT(recorder.messages, ElementsAre("0:hello", "1:hello"));
  EXPECT_EQ(server.resumed(), 1) << "by the first leg's ticket";
}

TEST_P(ConnectionTest, StopEndsARollover) {
  Venue first("first"), second("second");
  start(with_rollover(options_for_ports({first.port(), second.port()})));
  ASSERT_TRUE(run_until_messages(1));
  advance(100 * kSecond);
  ASSERT_TRUE(run_until_messages(2));
  recorder.when_close = [&] { connection->stop(); };  // at any time
  connection->stop();
  ASSERT_TRUE(run_until([&] { return connection->stopped(); }));
  EXPECT_EQ(recorder.closes.size(), 2u);
  EXPECT_TRUE(recorder.end.planned);
}

// ---- What an attempt needs first

TEST_P(ConnectionTest, AnAttemptWaitsForItsUrl) {
  Venue first("first"), second("second");
  recorder.defers = true;
  start(options_for("ws://127.0.0.1:" + std::to_string(refusing_port())));
  turn();
  EXPECT_EQ(recorder.attempts.size(), 1u);
  EXPECT_EQ(first.connections(), 0);
  EXPECT_FALSE(connection->stopped());
  connection->proceed(first.url() + "?token=1");
  connection->proceed(second.url());  // nobody waits for it
  ASSERT_TRUE(run_until_messages(1));
  ASSERT_TRUE(connection->send_text(0, "die"));
  ASSERT_TRUE(run_until_closes(1));
  advance(250 * kMillisecond);
  EXPECT_EQ(recorder.attempts.size(), 2u) << "and so does the next one";
  connection->proceed(second.url());
  ASSERT_TRUE(run_until_messages(2));
  EXPECT_THAT(recorder.messages, ElementsAre("0:first", "0:second"));
}

TEST_P(ConnectionTest, WithoutAUrlAnAttemptGoesWhereTheLastOneWent) {
  Venue venue("hello");
  recorder.defers = true;
  start(options_for(venue.url()));
  connection->proceed(std::string());
  ASSERT_TRUE(run_until_messages(1));
}

TEST_P(ConnectionTest, AnErrorInsteadOfAUrlIsAFailedAttempt) {
  Venue venue("hello");
  recorder.defers = true;
  start(options_for(venue.url()));
  uint64_t delay = 250 * kMillisecond;
  const absl::StatusOr<std::string> wrong[] = {
      absl::UnavailableError("no token"), "wss://127.0.0.1/?token=secret",
      "ws://?token=secret"};
  size_t closes = 0;
  for (const auto& url : wrong) {
    connection->proceed(url);
    ASSERT_EQ(recorder.closes.size(), ++closes);
    EXPECT_FALSE(recorder.end.status.ok());
    EXPECT_FALSE(recorder.end.planned);
    EXPECT_THAT(recorder.end.status.ToString(), Not(HasSubstr("secret")));
    EXPECT_EQ(connection->statistics().failed_attempts, closes);
    advance(delay - 1);
    EXPECT_EQ(recorder.attempts.size(), closes);
    advance(1);
    EXPECT_EQ(recorder.attempts.size(), closes + 1);
    delay *= 2;
  }
  connection->proceed(venue.url());
  ASSERT_TRUE(run_until_messages(1));
}

TEST_P(ConnectionTest, AnAttemptMayFailAtOnce) {
  Venue venue("hello");
  recorder.defers = true;
  recorder.when_attempt = [&] {
    connection->proceed(absl::UnavailableError("no room"));
  };
  auto made = Connection::create(loop.get(), pool.get(),
                                 options_for(venue.url()), &recorder);
  ASSERT_TRUE(made.ok()) << made.status();
  connection = *std::move(made);
  connection->start();
  EXPECT_EQ(recorder.closes.size(), 1u);
  recorder.when_attempt = nullptr;
  advance(250 * kMillisecond);
  connection->proceed(venue.url());
  ASSERT_TRUE(run_until_messages(1));
}

TEST_P(ConnectionTest, StopsWhileAnAttemptWaits) {
  Venue venue("hello");
  recorder.defers = true;
  start(options_for(venue.url()));
  connection->stop();
  EXPECT_TRUE(connection->stopped());
  EXPECT_EQ(recorder.closes.size(), 1u);
  EXPECT_TRUE(recorder.end.planned);
  EXPECT_EQ(connection->statistics().failed_attempts, 0u);
  connection->proceed(venue.url());
  advance(100 * kSecond);
  EXPECT_EQ(venue.connections(), 0);
}

TEST_P(ConnectionTest, NoErrorSaysTheToken) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 401 Unauthorized\r\n\r\n");
  });
  start(options_for(server.url() + "?token=secret"));
  ASSERT_TRUE(run_until_closes(1));
  EXPECT_THAT(recorder.end.status.ToString(), HasSubstr("401"));
  EXPECT_THAT(recorder.end.status.ToString(), Not(HasSubstr("secret")));
}

// ---- Ends

TEST_P(ConnectionTest, StopFromOnAttemptMakesNone) {
  Venue venue("hello");
  recorder.when_attempt = [&] { connection->stop(); };
  start(options_for(venue.url()));
  EXPECT_TRUE(connection->stopped());
  turn();
  EXPECT_EQ(venue.connections(), 0);
  recorder.when_attempt = nullptr;
  connection->start();
  connection->start();  // once is enough
  ASSERT_TRUE(run_until_messages(1));
  turn();
  EXPECT_EQ(venue.connections(), 1);
}

TEST_P(ConnectionTest, StopsBeforeItIsOpen) {
  const Listener black_hole("127.0.0.1", Listener::kFull);
  start(options_for("ws://127.0.0.1:" + std::to_string(black_hole.port())));
  turn();
  connection->stop();
  ASSERT_TRUE(run_until_closes(1));
  EXPECT_TRUE(connection->stopped());
  EXPECT_EQ(recorder.end.status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(connection->statistics().failed_attempts, 0u);
}

TEST_P(ConnectionTest, ItsEndInMidRolloverLeaksNothing) {
  Venue first("first"), second("second");
  start(with_rollover(options_for_ports({first.port(), second.port()})));
  ASSERT_TRUE(run_until_messages(1));
  advance(100 * kSecond);
  ASSERT_TRUE(run_until_messages(2));
  connection.reset();
  turn();
  EXPECT_EQ(recorder.closes.size(), 0u);
  EXPECT_EQ(pool->outstanding(), 0u);
}

// Every leg is attempted, open, closed, in this order, whatever happens.
struct Checker : ConnectionHandler {
  enum State { kIdle, kAttempt, kOpen };

  bool on_attempt(size_t leg) override {
    EXPECT_EQ(states[leg], kIdle);
    states[leg] = kAttempt;
    return ++attempts % 3 != 0;
  }
  void on_open(size_t leg) override {
    EXPECT_EQ(states[leg], kAttempt);
    EXPECT_TRUE(connection->is_open(leg));
    states[leg] = kOpen;
    ++opens;
  }
  void on_message(size_t leg, RawMessage* message) override {
    EXPECT_EQ(states[leg], kOpen);
    pool->release(message);
  }
  void on_silent(size_t leg) override { EXPECT_EQ(states[leg], kOpen); }
  void on_close(size_t leg, const ConnectionEnd& end) override {
    EXPECT_NE(states[leg], kIdle);
    EXPECT_FALSE(connection->is_open(leg));
    EXPECT_EQ(end.still_up, connection->is_open(1 - leg));
    states[leg] = kIdle;
  }

  Connection* connection = nullptr;
  RawMessagePool* pool = nullptr;
  State states[Connection::kLegs] = {};
  int attempts = 0;
  int opens = 0;
};

// Servers that do something else each time.
ScriptedServer::Script moody(unsigned seed) {
  return [random = std::make_shared<std::mt19937>(seed)](Peer& peer) {
    const auto mood = (*random)() % 8;
    if (mood == 0) return;
    if (mood == 1) {
      peer.read_request();
      peer.send("HTTP/1.1 503 Busy\r\n\r\n");
      return;
    }
    peer.upgrade(server_frame(0x1, "x"));
    if (mood == 2) return peer.reset();
    if (mood == 3) return static_cast<void>(peer.send(close_frame(1012)));
    if (mood == 4) return peer.read_to_end();  // mute
    for (auto frames = (*random)() % 30; frames != 0; --frames) {
      const ClientFrame frame = peer.read_frame();
      if (frame.first_byte < 0) return;
      peer.send(frame.opcode() == 0x8 ? close_frame(1000)
                                      : server_frame(0xa, frame.payload));
    }
  };
}

TEST_P(ConnectionTest, WhateverHappensEveryLegEndsOnce) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  ScriptedServer first(moody(seed + 1)), second(moody(seed + 2));
  ConnectionOptions options = options_for("ws://venue.test/");
  options.rollover_after_ns = 60 * kSecond;
  options.ping_interval_ns = kSecond;
  options.silence_deadline_ns = 5 * kSecond;
  options.data_deadline_ns = 100 * kSecond;
  options.reader.connector.look_up =
      [one = first.port(), two = second.port(),
       turn = std::make_shared<std::atomic<int>>(0)](
          const std::string&, uint16_t, int) -> Addresses {
    return std::vector<SocketAddress>{
        *parse_socket_address("127.0.0.1", ++*turn % 2 == 0 ? one : two)};
  };
  Checker checker;
  auto made = *Connection::create(loop.get(), pool.get(), options, &checker);
  checker.connection = made.get();
  checker.pool = pool.get();
  made->start();
  // On a busy machine the servers answer late.
  for (int i = 0; i < 2'000 || (checker.opens <= 5 && i < 200'000); ++i) {
    switch (random() % 100) {
      case 0:
        made->roll_over();
        break;
      case 1:
        made->close(random() % 2);
        break;
      case 2:
        if (random() % 5 == 0) made->stop();
        break;
      case 3:
        made->proceed(absl::UnavailableError("refused"));
        break;
      case 4:
      case 5:
      case 6:
      case 7:
      case 8:
        made->proceed(std::string());
        break;
      default:
        made->start();  // which changes nothing while it runs
        made->send_text(random() % 2, "hello");
        break;
    }
    test_time += random() % (200 * kMillisecond);
    loop->run_once(kMillisecond / 10);
  }
  made->stop();
  ASSERT_TRUE(run_until([&] {
    test_time += 10 * kMillisecond;
    return made->stopped();
  }));
  EXPECT_EQ(checker.states[0], Checker::kIdle);
  EXPECT_EQ(checker.states[1], Checker::kIdle);
  EXPECT_GT(checker.opens, 5);
  EXPECT_EQ(pool->outstanding(), 0u);
}

size_t open_files() {
  size_t count = 0;
  DIR* const folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

TEST_P(ConnectionTest, ThousandsOfReconnectsLeakNothing) {
  const size_t connects =
      GetParam() == LoopBackendChoice::kAuto ? 10'000 : 1'000;
  ScriptedServer server([](Peer& peer) {
    peer.upgrade(server_frame(0x1, "x"));
    peer.reset();
  });
  ConnectionOptions options = options_for(server.url());
  options.backoff.initial_ns = options.backoff.max_ns = 1;
  start(options);
  ASSERT_TRUE(run_until_closes(1));
  const size_t files = open_files();
  const size_t slots = pool->statistics().slots;
  while (recorder.closes.size() < connects) {
    ++test_time;
    loop->run_once(10 * kMillisecond);
  }
  EXPECT_EQ(pool->outstanding(), 0u);
  EXPECT_EQ(pool->statistics().slots, slots);
  connection->stop();
  ASSERT_TRUE(run_until([&] { return connection->stopped(); }));
  server.stop();
  EXPECT_LE(open_files(), files);
}

TEST(ConnectionOptionsTest, WrongOptionsAreRefusedWithAReason) {
  auto pool = *RawMessagePool::create({});
  auto loop = *UringLoop::create({}, pool.get());
  Recorder recorder;
  ConnectionOptions good;
  good.reader.url = "ws://x/";
  const auto problem = [&](const ConnectionOptions& options) {
    return Connection::create(loop.get(), pool.get(), options, &recorder)
        .status()
        .ToString();
  };
  ConnectionOptions bad = good;
  bad.reader.url = "x";
  EXPECT_THAT(problem(bad), HasSubstr("URL"));
  bad = good;
  bad.reader.slab_slots = 3;
  EXPECT_THAT(problem(bad), HasSubstr("power of two"));
  bad = good;
  bad.ping_interval_ns = bad.silence_deadline_ns = kSecond;
  EXPECT_THAT(problem(bad), HasSubstr("silence_deadline_ns"));
  bad = good;
  bad.rollover_jitter = 1.5;
  EXPECT_THAT(problem(bad), HasSubstr("rollover_jitter"));
  bad = good;
  bad.backoff.jitter = 2;  // A negative wait.
  EXPECT_THAT(problem(bad), HasSubstr("backoff.jitter"));
  bad = good;
  bad.backoff.multiplier = 0.5;
  EXPECT_THAT(problem(bad), HasSubstr("backoff.multiplier"));
  bad = good;
  bad.backoff.initial_ns = 0;
  EXPECT_THAT(problem(bad), HasSubstr("backoff.initial_ns is 0"));
  bad = good;
  bad.backoff.max_ns = bad.backoff.initial_ns - 1;
  EXPECT_THAT(problem(bad), HasSubstr("backoff.max_ns must be from"));
  bad = good;
  bad.backoff.max_ns = UINT64_MAX;
  EXPECT_THAT(problem(bad), HasSubstr("backoff.max_ns must be from"));
  bad = good;
  bad.rollover_after_ns = kSecond;
  EXPECT_THAT(problem(bad), HasSubstr("longer than overlap_ns"));
  bad.rollover_after_ns = 3600 * kSecond;
  bad.overlap_ns = UINT64_MAX;  // With close_timeout_ns no overflow.
  EXPECT_THAT(problem(bad), HasSubstr("longer than overlap_ns"));
  bad = good;
  ConnectBudget none({.attempts = 0});
  bad.budget = &none;
  EXPECT_THAT(problem(bad), HasSubstr("ConnectBudget: attempts is 0"));
  bad = good;
  bad.reader.connector.tcp_timeout_ns = 0;
  EXPECT_THAT(problem(bad), HasSubstr("tcp_timeout_ns is 0"));
  for (const absl::Status& made :
       {Connection::create(nullptr, pool.get(), good, &recorder).status(),
        Connection::create(loop.get(), nullptr, good, &recorder).status(),
        Connection::create(loop.get(), pool.get(), good, nullptr).status()}) {
    EXPECT_THAT(made.ToString(),
                HasSubstr("Connection ws://x/: loop, pool or handler"));
  }
  bad = good;
  bad.reader.proxy.url = "ftp://x";
  EXPECT_FALSE(Connection::create(loop.get(), pool.get(), bad, &recorder).ok());
}

}  // namespace
}  // namespace wirebook
