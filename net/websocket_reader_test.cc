// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/websocket_reader.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "concurrency/spsc_ring.h"
#include "concurrency/tsc_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "memory/allocation_counter.h"
#include "net/testing/scripted_server.h"

namespace wirebook {
namespace {

using testing::ClientFrame;
using testing::close_frame;
using ::testing::HasSubstr;
using testing::Peer;
using testing::refusing_port;
using testing::ScriptedServer;
using testing::server_frame;

constexpr uint64_t kMillisecond = 1'000'000;

// What a connection did, and what it shall do.
struct Recorder : WebSocketHandler {
  void on_open() override {
    ++opens;
    if (when_open) when_open();
  }
  void on_message(RawMessage* message) override {
    if (when_message) {
      when_message(message);
      return;
    }
    messages.emplace_back(message->view());
    kinds.push_back(message->kind);
    sequences.push_back(message->sequence);
    pool->release(message);
  }
  void on_close(uint16_t close_code, std::string_view close_reason,
                const absl::Status& close_status) override {
    ++closes;
    code = close_code;
    reason = close_reason;
    status = close_status;
    if (when_close) when_close();
  }

  RawMessagePool* pool = nullptr;
  std::function<void()> when_open, when_close;
  std::function<void(RawMessage*)> when_message;
  int opens = 0;
  int closes = 0;
  uint16_t code = 0;
  std::string reason;
  absl::Status status;
  std::vector<std::string> messages;
  std::vector<RawMessageKind> kinds;
  std::vector<uint64_t> sequences;
};

class WebSocketReaderTest : public ::testing::TestWithParam<LoopBackendChoice> {
 protected:
  void SetUp() override { build({}, {}); }

  void build(const RawMessagePoolOptions& pool_options,
             UringLoopOptions loop_options) {
    reader.reset();
    loop.reset();
    pool = *RawMessagePool::create(pool_options);
    loop_options.backend = GetParam();
    auto made = UringLoop::create(loop_options, pool.get());
    if (!made.ok()) GTEST_SKIP() << made.status().ToString();
    loop = *std::move(made);
    recorder.pool = pool.get();
  }

  void open(const std::string& url, WebSocketReaderOptions options = {}) {
    options.url = url;
    if (options.slab_slots == 32) options.slab_slots = 4;
    auto made =
        WebSocketReader::create(loop.get(), pool.get(), options, &recorder);
    ASSERT_TRUE(made.ok()) << made.status();
    reader = *std::move(made);
    const absl::Status status = reader->connect();
    ASSERT_TRUE(status.ok()) << status;
  }

  // Runs the loop until `done`; false after a minute or a failure.
  bool run_until(const std::function<bool()>& done) {
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!done()) {
      if (HasFailure() || std::chrono::steady_clock::now() > end) return false;
      loop->run_once(10 * kMillisecond);
    }
    return true;
  }
  bool run_until_closed() {
    return run_until([&] { return recorder.closes != 0; });
  }

  std::unique_ptr<RawMessagePool> pool;
  std::unique_ptr<UringLoop> loop;
  Recorder recorder;
  std::unique_ptr<WebSocketReader> reader;
};

INSTANTIATE_TEST_SUITE_P(
    Backends, WebSocketReaderTest,
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

TEST_P(WebSocketReaderTest, ReceivesMessagesAndClosesInOrder) {
  std::string said;
  ClientFrame answer;
  ScriptedServer server([&](Peer& peer) {
    peer.upgrade();
    said = peer.read_frame().payload;
    peer.send(server_frame(0x1, "one") + server_frame(0x2, "two"));
    peer.send(close_frame(1000, "bye"));
    answer = peer.read_frame();
  });
  recorder.when_open = [&] { EXPECT_TRUE(reader->send_text("subscribe")); };
  open(server.url("/feed?x=1"), {.connection = 7, .venue = 3});
  ASSERT_TRUE(run_until_closed());
  server.stop();
  EXPECT_TRUE(recorder.status.ok()) << recorder.status;
  EXPECT_EQ(recorder.code, 1000);
  EXPECT_EQ(recorder.reason, "bye");
  EXPECT_EQ(recorder.messages, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(recorder.kinds[1], RawMessageKind::kBinary);
  EXPECT_EQ(said, "subscribe");
  EXPECT_EQ(answer.opcode(), 0x8);
  EXPECT_EQ(answer.payload, std::string("\x03\xe8", 2)) << "the same code";
  EXPECT_TRUE(answer.masked);
  EXPECT_EQ(reader->statistics().copied_messages, 0u);
}

TEST_P(WebSocketReaderTest, AWholeMessageIsAViewIntoTheSlab) {
  ScriptedServer server([](Peer& peer) {
    // In the same segment as the handshake's end.
    peer.upgrade(server_frame(0x1, "early"));
    peer.send(server_frame(0x1, std::string(70'000, 'x')));
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  open(server.url());
  ASSERT_TRUE(run_until_closed());
  ASSERT_EQ(recorder.messages.size(), 2u);
  EXPECT_EQ(recorder.messages[0], "early");
  EXPECT_EQ(recorder.messages[1], std::string(70'000, 'x'));
  EXPECT_EQ(reader->statistics().copied_bytes, 0u);
  EXPECT_EQ(reader->statistics().messages, 2u);
}

TEST_P(WebSocketReaderTest, StampsEveryMessage) {
  ScriptedServer server([](Peer& peer) {
    peer.upgrade(server_frame(0x1, "a") + server_frame(0x1, "b"));
    peer.send(close_frame(1001));
    peer.read_frame();
  });
  std::vector<RawMessage> seen;
  recorder.when_message = [&](RawMessage* message) {
    seen.push_back(*message);
    pool->release(message);
  };
  open(server.url(), {.connection = 7, .venue = 3});
  ASSERT_TRUE(run_until_closed());
  EXPECT_EQ(recorder.code, 1001);
  ASSERT_EQ(seen.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(seen[i].sequence, i);
    EXPECT_EQ(seen[i].connection, 7);
    EXPECT_EQ(seen[i].venue, 3);
    EXPECT_NE(seen[i].receive_ticks, 0u);
  }
}

TEST_P(WebSocketReaderTest, TheKernelsStampsTravelWithTheMessages) {
  ScriptedServer server([](Peer& peer) {
    peer.upgrade();
    while (peer.read_frame().opcode() == 0x1) {
      peer.send(server_frame(0x1, "whole") + server_frame(0x1, "be", false) +
                server_frame(0x0, "gin"));
    }
    peer.send(close_frame(1000));
  });
  std::vector<uint64_t> stamps;
  // The kernel turns stamping on a little after it was asked to.
  const auto stamped = [&] {
    return stamps.size() % 2 == 0 && !stamps.empty() && stamps.back() != 0;
  };
  recorder.when_open = [&] { reader->send_text("go"); };
  recorder.when_message = [&](RawMessage* message) {
    stamps.push_back(message->kernel_receive_ns());
    pool->release(message);
    if (stamps.size() % 2 == 0 && !stamped()) reader->send_text("go");
  };
  WebSocketReaderOptions options;
  options.connector.socket.kernel_timestamps = true;
  open(server.url(), options);
  ASSERT_TRUE(run_until(stamped));
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto age =
      now - std::chrono::nanoseconds(static_cast<int64_t>(stamps.back()));
  EXPECT_GE(age, std::chrono::seconds(0));
  EXPECT_LT(age, std::chrono::seconds(20));
  reader->close();
  ASSERT_TRUE(run_until_closed());
}

TEST_P(WebSocketReaderTest, ThroughAProxyItIsTheSame) {
  std::string connect;
  ScriptedServer proxy([&](Peer& peer) {
    connect = peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\n\r\n");
    peer.upgrade(server_frame(0x1, "hello"));
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  WebSocketReaderOptions options;
  options.proxy.url = "http://127.0.0.1:" + std::to_string(proxy.port());
  open("ws://venue.test:81/feed", options);
  ASSERT_TRUE(run_until_closed());
  proxy.stop();
  EXPECT_TRUE(recorder.status.ok()) << recorder.status;
  EXPECT_EQ(recorder.messages, std::vector<std::string>{"hello"});
  EXPECT_THAT(connect, HasSubstr("CONNECT venue.test:81 HTTP/1.1"));
}

TEST_P(WebSocketReaderTest, ClosedOrEndedWhileItConnectsItSaysSo) {
  // Takes the connect and says nothing, as a proxy that hangs.
  ScriptedServer mute([](Peer& peer) { peer.read_to_end(); });
  WebSocketReaderOptions options;
  options.proxy.url = "http://127.0.0.1:" + std::to_string(mute.port());
  open("ws://venue.test/", options);
  for (int i = 0; i < 20; ++i) loop->run_once(kMillisecond);
  reader->close();
  EXPECT_EQ(recorder.closes, 0) << "in a later turn";
  ASSERT_TRUE(run_until_closed());
  EXPECT_EQ(recorder.status.code(), absl::StatusCode::kCancelled);
  open("ws://venue.test/", options);
  for (int i = 0; i < 20; ++i) loop->run_once(kMillisecond);
  reader.reset();  // its slab goes back when the kernel is done with it
  recorder.closes = 0;
  options.connect_timeout_ns = 20 * kMillisecond;
  open("ws://venue.test/", options);
  ASSERT_TRUE(run_until_closed());
  EXPECT_THAT(recorder.status.ToString(),
              HasSubstr("no answer of the proxy within connect_timeout_ns"));
}

TEST_P(WebSocketReaderTest, AnswersPingsAtOnceAndMasked) {
  ClientFrame pong;
  ScriptedServer server([&](Peer& peer) {
    peer.upgrade();
    peer.send(server_frame(0x9, "are you there"));
    pong = peer.read_frame();
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  open(server.url());
  ASSERT_TRUE(run_until_closed());
  server.stop();
  EXPECT_EQ(pong.opcode(), 0xa);
  EXPECT_TRUE(pong.masked);
  EXPECT_EQ(pong.payload, "are you there");
  EXPECT_EQ(reader->statistics().pings, 1u);
}

TEST_P(WebSocketReaderTest, FragmentsArePutTogetherByOneCopy) {
  ScriptedServer server([](Peer& peer) {
    peer.upgrade();
    peer.send(server_frame(0x1, "first ", false) + server_frame(0x9, "ping") +
              server_frame(0x0, "second ", false) + server_frame(0x0, "third") +
              server_frame(0x1, "whole"));
    peer.read_frame();  // the pong
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  open(server.url());
  ASSERT_TRUE(run_until_closed());
  EXPECT_EQ(recorder.messages,
            (std::vector<std::string>{"first second third", "whole"}));
  const WebSocketStatistics statistics = reader->statistics();
  EXPECT_EQ(statistics.fragments, 3u);
  EXPECT_EQ(statistics.copied_messages, 1u);
  EXPECT_EQ(statistics.copied_bytes, 12u) << "the first fragment stays";
  EXPECT_EQ(statistics.large_messages, 0u);
}

TEST_P(WebSocketReaderTest, MessagesLongerThanTheSlabTakeTheLargePath) {
  std::string text(1'000'000, 'x');
  for (size_t i = 0; i < text.size(); ++i) {
    text[i] = static_cast<char>('a' + i % 23);
  }
  ScriptedServer server([&](Peer& peer) {
    peer.upgrade();
    peer.send(server_frame(0x1, text));
    // The same in fragments, of which each fits.
    peer.send(server_frame(0x1, text.substr(0, 100'000), false));
    for (size_t at = 100'000; at < text.size(); at += 100'000) {
      peer.send(server_frame(0x0, text.substr(at, 100'000),
                             at + 100'000 == text.size()));
    }
    peer.send(server_frame(0x1, "small"));
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  open(server.url());
  ASSERT_TRUE(run_until_closed());
  EXPECT_TRUE(recorder.status.ok()) << recorder.status;
  ASSERT_EQ(recorder.messages.size(), 3u);
  EXPECT_EQ(recorder.messages[0], text);
  EXPECT_EQ(recorder.messages[1], text);
  EXPECT_EQ(reader->statistics().large_messages, 2u);
  EXPECT_EQ(pool->outstanding(), 0u);
}

TEST_P(WebSocketReaderTest, FramesInPiecesOfEverySizeAreTheSame) {
  std::string stream;
  for (int i = 0; i < 40; ++i) {
    stream += server_frame(0x1, std::string(static_cast<size_t>(i * 7), 'q'));
  }
  stream += server_frame(0x1, "a", false) + server_frame(0x0, "b");
  for (const size_t piece : {1, 2, 3, 1000}) {
    SCOPED_TRACE(piece);
    recorder.messages.clear();
    recorder.closes = 0;
    ScriptedServer server([&](Peer& peer) {
      const std::string request = peer.read_request();
      peer.send_in_pieces(Peer::upgrade_response(request) + stream, piece);
      peer.send(close_frame(1000));
      peer.read_frame();
    });
    open(server.url());
    ASSERT_TRUE(run_until_closed());
    ASSERT_EQ(recorder.messages.size(), 41u);
    EXPECT_EQ(recorder.messages[39].size(), 39u * 7);
    EXPECT_EQ(recorder.messages[40], "ab");
  }
}

TEST_P(WebSocketReaderTest, SendsLargeMessagesInOrder) {
  std::vector<std::string> got;
  ScriptedServer server([&](Peer& peer) {
    peer.upgrade();
    for (int i = 0; i < 3; ++i) got.push_back(peer.read_frame().payload);
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  recorder.when_open = [&] {
    EXPECT_TRUE(reader->send_text(std::string(200, 'a')));
    EXPECT_TRUE(reader->send_binary(std::string(30'000, 'b')));
    EXPECT_TRUE(reader->send_text("c"));
    EXPECT_FALSE(reader->send_text(std::string(70'000, 'd')))
        << "does not fit in the send queue";
  };
  open(server.url());
  ASSERT_TRUE(run_until_closed());
  server.stop();
  EXPECT_EQ(got, (std::vector<std::string>{std::string(200, 'a'),
                                           std::string(30'000, 'b'), "c"}));
}

TEST_P(WebSocketReaderTest, ClosesOnItsOwn) {
  ClientFrame close;
  ScriptedServer server([&](Peer& peer) {
    peer.upgrade();
    close = peer.read_frame();
    // What was on its way still arrives.
    peer.send(server_frame(0x1, "late") + close_frame(1000));
  });
  recorder.when_open = [&] { reader->close(1000, "enough"); };
  open(server.url());
  ASSERT_TRUE(run_until_closed());
  server.stop();
  EXPECT_TRUE(recorder.status.ok()) << recorder.status;
  EXPECT_EQ(close.opcode(), 0x8);
  EXPECT_EQ(close.payload, std::string("\x03\xe8", 2) + "enough");
  EXPECT_EQ(recorder.messages, std::vector<std::string>{"late"});
  EXPECT_FALSE(reader->send_text("too late"));
}

TEST_P(WebSocketReaderTest, ConnectsAgainFromOnClose) {
  ScriptedServer server([](Peer& peer) {
    peer.upgrade(server_frame(0x1, "hello"));
    peer.send(close_frame(1012));
    peer.read_frame();
  });
  recorder.when_close = [&] {
    if (recorder.closes < 50) {
      EXPECT_TRUE(reader->connect().ok());
    }
  };
  open(server.url());
  ASSERT_TRUE(run_until([&] { return recorder.closes == 50; }));
  EXPECT_EQ(recorder.messages.size(), 50u);
  EXPECT_EQ(recorder.sequences.back(), 49u) << "goes on over connections";
  EXPECT_EQ(reader->statistics().connects, 50u);
  EXPECT_EQ(pool->outstanding(), 0u);
}

// ---- Servers that fail

TEST_P(WebSocketReaderTest, ARefusedPortIsClear) {
  open("ws://127.0.0.1:" + std::to_string(refusing_port()) + "/x");
  ASSERT_TRUE(run_until_closed());
  EXPECT_EQ(recorder.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(recorder.status.ToString(), HasSubstr("Connection refused"));
  EXPECT_EQ(recorder.code, kCloseAbnormal);
  EXPECT_EQ(recorder.opens, 0);
}

TEST_P(WebSocketReaderTest, ANameWithSeveralAddressesIsTriedInOrder) {
  ScriptedServer server([](Peer& peer) {
    peer.upgrade(close_frame(1000));
    peer.read_frame();
  });
  // On IPv6 first, where there is such a loopback; the server is on IPv4.
  open("ws://localhost:" + std::to_string(server.port()));
  ASSERT_TRUE(run_until_closed());
  EXPECT_TRUE(recorder.status.ok()) << recorder.status;
}

// Each hostile stream after a good handshake: what the status must say and the
// close code the client must answer.
struct Hostile {
  std::string bytes;
  std::string says;
  uint16_t answer;
};

TEST_P(WebSocketReaderTest, ProtocolErrorsCloseTheConnection) {
  const std::string huge = std::string("\x82\x7f\x00\x00\x01\x00", 6) +
                           std::string(4, '\0');  // 1 TiB
  const std::vector<Hostile> all = {
      {server_frame(0x41, "x"), "reserved bit", 1002},
      {server_frame(0x3, "x"), "unknown opcode", 1002},
      {huge, "longer than the limit", 1009},
      {server_frame(0x0, "x"), "without a message", 1002},
      {server_frame(0x1, "\xff"), "not UTF-8", 1007},
      {std::string("\x81\x81zzzz!", 7), "masked", 1002},
      {server_frame(0x9, std::string(126, 'p')), "longer than 125", 1002},
      {close_frame(1005), "close code", 1002},
  };
  for (const Hostile& hostile : all) {
    SCOPED_TRACE(hostile.says);
    recorder.closes = 0;
    ClientFrame answer;
    ScriptedServer server([&](Peer& peer) {
      peer.upgrade();
      // What follows an error is dropped.
      peer.send(hostile.bytes + server_frame(0x1, "after"));
      answer = peer.read_frame();
    });
    open(server.url());
    ASSERT_TRUE(run_until_closed());
    server.stop();
    EXPECT_EQ(recorder.status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(recorder.status.ToString(), HasSubstr(hostile.says));
    ASSERT_EQ(answer.opcode(), 0x8);
    ASSERT_GE(answer.payload.size(), 2u);
    EXPECT_EQ(static_cast<uint8_t>(answer.payload[0]) << 8 |
                  static_cast<uint8_t>(answer.payload[1]),
              hostile.answer);
    EXPECT_TRUE(recorder.messages.empty());
  }
}

TEST_P(WebSocketReaderTest, EndlessFragmentsEndAtTheLimit) {
  ScriptedServer server([](Peer& peer) {
    peer.upgrade();
    peer.send(server_frame(0x1, "begin", false));
    const std::string more = server_frame(0x0, std::string(10'000, 'm'), false);
    while (peer.send(more)) {
    }
  });
  open(server.url(),
       {.max_message_bytes = 2'000'000, .close_timeout_ns = 20 * kMillisecond});
  ASSERT_TRUE(run_until_closed());
  EXPECT_THAT(recorder.status.ToString(), HasSubstr("longer than the limit"));
  EXPECT_EQ(pool->outstanding(), 0u);
}

TEST_P(WebSocketReaderTest, EmptyFragmentsAndPingsDoNotFillTheSlab) {
  // A small message between whose fragments more control bytes lie than the
  // slab has room for.
  ScriptedServer server([](Peer& peer) {
    peer.upgrade();
    std::string burst;
    for (int i = 0; i < 4000; ++i) {
      burst += server_frame(0x0, "", false);
      burst += server_frame(0xa, std::string(100, 'p'));
    }
    peer.send(server_frame(0x1, "be", false) + burst +
              server_frame(0x0, "gin") + close_frame(1000));
    peer.read_frame();
  });
  open(server.url());
  ASSERT_TRUE(run_until_closed());
  EXPECT_TRUE(recorder.status.ok()) << recorder.status;
  EXPECT_EQ(recorder.messages, std::vector<std::string>{"begin"});
}

TEST_P(WebSocketReaderTest, AnEndInMidFrameIsClear) {
  for (const bool reset : {false, true}) {
    SCOPED_TRACE(reset ? "RST" : "FIN");
    recorder.closes = 0;
    recorder.messages.clear();
    std::atomic<bool> whole_seen = false;
    ScriptedServer server([&](Peer& peer) {
      peer.upgrade(server_frame(0x1, "whole"));
      peer.send(server_frame(0x1, "half of it").substr(0, 5));
      if (!reset) return;
      // A reset drops what was not read.
      while (!whole_seen.load()) std::this_thread::yield();
      peer.reset();
    });
    open(server.url());
    ASSERT_TRUE(run_until([&] { return !recorder.messages.empty(); }));
    whole_seen.store(true);
    ASSERT_TRUE(run_until_closed());
    EXPECT_EQ(recorder.code, kCloseAbnormal);
    EXPECT_EQ(recorder.status.code(), absl::StatusCode::kUnavailable);
    if (!reset) {
      EXPECT_THAT(recorder.status.ToString(),
                  HasSubstr("in the middle of a message"));
    } else {
      EXPECT_THAT(recorder.status.ToString(), HasSubstr("reset by peer"));
    }
    EXPECT_EQ(recorder.messages, std::vector<std::string>{"whole"});
  }
}

TEST_P(WebSocketReaderTest, BadHandshakesAreRefused) {
  struct Case {
    std::string response;
    std::string says;
  };
  const std::vector<Case> all = {
      {"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
       "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
       "does not belong to our key"},
      {"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nbye!", "403"},
      {"HTTP/1.1 301 Moved\r\nLocation: ws://other/\r\n\r\n", "ws://other/"},
      {"SSH-2.0-OpenSSH\r\n", "not HTTP/1.1"},
      {"HTTP/1.1 101 X\r\nA: " + std::string(20'000, 'a'), "longer than 16384"},
  };
  for (const Case& one : all) {
    SCOPED_TRACE(one.says);
    recorder.closes = 0;
    ScriptedServer server([&](Peer& peer) {
      peer.read_request();
      peer.send(one.response);
      peer.read_to_end();
    });
    open(server.url());
    ASSERT_TRUE(run_until_closed());
    EXPECT_FALSE(recorder.status.ok());
    EXPECT_THAT(recorder.status.ToString(), HasSubstr(one.says));
    EXPECT_EQ(recorder.opens, 0);
  }
}

TEST_P(WebSocketReaderTest, SilenceInTheHandshakeEndsAtTheTimeout) {
  ScriptedServer server([](Peer& peer) { peer.read_to_end(); });
  open(server.url(), {.connect_timeout_ns = 20 * kMillisecond});
  ASSERT_TRUE(run_until_closed());
  EXPECT_EQ(recorder.status.code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_P(WebSocketReaderTest, SilenceAfterOurCloseEndsAtTheTimeout) {
  ScriptedServer server([](Peer& peer) {
    peer.upgrade();
    peer.read_to_end();
  });
  recorder.when_open = [&] { reader->close(); };
  open(server.url(), {.close_timeout_ns = 20 * kMillisecond});
  ASSERT_TRUE(run_until_closed());
  EXPECT_EQ(recorder.status.code(), absl::StatusCode::kDeadlineExceeded);
}

// ---- Memory

TEST_P(WebSocketReaderTest, ReceivingAllocatesNothing) {
  constexpr int kMessages = 20'000;
  ScriptedServer server([](Peer& peer) {
    peer.upgrade();
    std::string burst;
    for (int i = 0; i < 100; ++i) {
      burst += server_frame(0x1, std::string(150, 'x'));
    }
    burst += server_frame(0x9, "ping");
    peer.read_frame();  // "go"
    for (int i = 0; i < kMessages / 100; ++i) peer.send(burst);
    peer.read_to_end();
  });
  int count = 0;
  recorder.when_message = [&](RawMessage* message) {
    ++count;
    pool->release(message);
  };
  open(server.url());
  ASSERT_TRUE(run_until([&] { return recorder.opens == 1; }));
  ASSERT_TRUE(reader->send_text("go"));
  ASSERT_TRUE(allocation_counting());
  const uint64_t before = thread_allocations();
  while (count < kMessages) loop->run_once(100 * kMillisecond);
  EXPECT_EQ(thread_allocations(), before);
  EXPECT_EQ(reader->statistics().copied_messages, 0u);
}

TEST_P(WebSocketReaderTest, ABacklogCostsFewSystemCalls) {
  // All of it waits in the socket's buffers, however small the kernel's own
  // limit for these is (net.core.rmem_max).
  constexpr uint64_t kMessages = 1'000;
  std::atomic<bool> sent{false};
  ScriptedServer server([&](Peer& peer) {
    peer.set_send_buffer(4 << 20);
    peer.upgrade();
    peer.read_frame();  // "go"
    std::string all;
    for (uint64_t i = 0; i < kMessages; ++i) {
      all += server_frame(0x1, std::string(150, 'x'));
    }
    peer.send(all);
    sent.store(true);
    peer.read_to_end();
  });
  uint64_t count = 0;
  recorder.when_message = [&](RawMessage* message) {
    ++count;
    pool->release(message);
  };
  WebSocketReaderOptions options;
  options.connector.socket.receive_buffer_bytes = 4 << 20;
  open(server.url(), options);
  ASSERT_TRUE(run_until([&] { return recorder.opens == 1; }));
  ASSERT_TRUE(reader->send_text("go"));
  loop->run_once(kMillisecond);
  // The loop does not run meanwhile: what comes waits in the socket.
  while (!sent.load()) std::this_thread::yield();
  const uint64_t before = loop->system_calls();
  ASSERT_TRUE(run_until([&] { return count == kMessages; }));
  EXPECT_LT(loop->system_calls() - before, kMessages / 20);
}

TEST_P(WebSocketReaderTest, FullSlabStopsReadingAndGoesOn) {
  constexpr size_t kMessages = 4000;  // of 250 bytes: four times the slab
  ScriptedServer server([](Peer& peer) {
    peer.upgrade();
    std::string all;
    for (size_t i = 0; i < kMessages; ++i) {
      all +=
          server_frame(0x1, std::string(250, static_cast<char>('a' + i % 26)));
    }
    peer.send(all + close_frame(1000));
    peer.read_frame();
  });
  std::vector<RawMessage*> held;
  recorder.when_message = [&](RawMessage* m) { held.push_back(m); };
  open(server.url());
  ASSERT_TRUE(run_until([&] { return reader->statistics().slab_full != 0; }));
  EXPECT_LT(held.size(), kMessages);
  size_t seen = 0;
  ASSERT_TRUE(run_until([&] {
    for (RawMessage* message : held) {
      EXPECT_EQ(message->view(),
                std::string(250, static_cast<char>('a' + seen % 26)));
      EXPECT_EQ(message->sequence, seen);
      ++seen;
      pool->release(message);
    }
    held.clear();
    return recorder.closes != 0;
  }));
  EXPECT_EQ(seen, kMessages);
  EXPECT_TRUE(recorder.status.ok()) << recorder.status;
}

TEST_P(WebSocketReaderTest, MissingDescriptorsStopReadingAndNothingIsLost) {
  build({.descriptors = 8, .large_messages = 1}, {});
  constexpr size_t kMessages = 500;
  ScriptedServer server([](Peer& peer) {
    peer.upgrade();
    for (size_t i = 0; i < kMessages; ++i) {
      const std::string text = std::to_string(i);
      peer.send(i % 3 == 0 ? server_frame(0x1, text.substr(0, 1), false) +
                                 server_frame(0x0, text.substr(1))
                           : server_frame(0x1, text));
    }
    // No close frame: the end of TCP must wait for what came before it.
  });
  std::vector<RawMessage*> held;
  recorder.when_message = [&](RawMessage* m) { held.push_back(m); };
  open(server.url());
  ASSERT_TRUE(run_until([&] { return held.size() == 8; }));
  ASSERT_TRUE(run_until([&] { return reader->statistics().stalls != 0; }));
  size_t seen = 0;
  ASSERT_TRUE(run_until([&] {
    const std::vector<RawMessage*> now = std::exchange(held, {});
    for (RawMessage* message : now) {
      EXPECT_EQ(message->view(), std::to_string(seen));
      ++seen;
      pool->release(message);
    }
    return recorder.closes != 0;
  }));
  EXPECT_EQ(seen, kMessages);
}

// A consumer that keeps all it gets, while 1000 messages of 1 KiB come: four
// times what the slab holds. With "go" there is one more.
class SlowConsumerTest : public WebSocketReaderTest {
 protected:
  void SetUp() override {
    WebSocketReaderTest::SetUp();
    recorder.when_message = [this](RawMessage* message) {
      held.push_back(message);
    };
  }
  void TearDown() override {
    release_all();
    reader.reset();
  }
  void start(BackPressure policy, size_t most_held) {
    open(server.url(), {.back_pressure = policy, .most_held = most_held});
  }
  void release_all() {
    for (RawMessage* message : held) pool->release(message);
    held.clear();
  }
  uint64_t stops() const {
    return reader->statistics().stalls + reader->statistics().slab_full;
  }

  static constexpr size_t kMessages = 1000;
  std::vector<RawMessage*> held;
  ScriptedServer server{[](Peer& peer) {
    peer.upgrade();
    std::string all;
    for (size_t i = 0; i < kMessages; ++i) {
      all += server_frame(0x1, std::string(1024, char('a' + i % 26)));
    }
    peer.send(all);
    peer.read_frame();
    peer.send(server_frame(0x1, "the last"));
    peer.read_to_end();
  }};
};

INSTANTIATE_TEST_SUITE_P(Backends, SlowConsumerTest,
                         ::testing::Values(LoopBackendChoice::kAuto,
                                           LoopBackendChoice::kEpoll));

TEST_P(SlowConsumerTest, StopReadingLosesNothing) {
  start(BackPressure::kStopReading, 0);
  ASSERT_TRUE(run_until([&] { return stops() != 0; }));
  EXPECT_LT(held.size(), kMessages);
  size_t got = 0;
  ASSERT_TRUE(run_until([&] {
    got += held.size();
    release_all();
    return got == kMessages;
  }));
  EXPECT_EQ(reader->statistics().dropped, 0u);
}

TEST_P(SlowConsumerTest, DropCountsAndLeavesAGapInTheSequence) {
  // As large as what comes: what is held keeps its slots.
  open(server.url(), {.slab_slots = 16,
                      .back_pressure = BackPressure::kDrop,
                      .most_held = 10});
  const auto dropped = [&] { return reader->statistics().dropped; };
  ASSERT_TRUE(run_until([&] { return held.size() + dropped() == kMessages; }));
  EXPECT_EQ(held.size(), 10u);
  EXPECT_EQ(dropped(), kMessages - 10);
  EXPECT_EQ(reader->statistics().messages, 10u);
  EXPECT_EQ(held.back()->sequence, 9u);
  release_all();
  ASSERT_TRUE(reader->send_text("go"));
  ASSERT_TRUE(run_until([&] { return held.size() == 1; }));
  EXPECT_EQ(held[0]->view(), "the last");
  EXPECT_EQ(held[0]->sequence, kMessages);
  EXPECT_EQ(stops(), 0u);
}

TEST_P(SlowConsumerTest, GrowKeepsReadingAndLosesNothing) {
  start(BackPressure::kGrow, 0);
  ASSERT_TRUE(run_until([&] { return held.size() == kMessages; }));
  for (size_t i = 0; i < held.size(); ++i) {
    ASSERT_EQ(held[i]->view(), std::string(1024, char('a' + i % 26)));
    ASSERT_EQ(held[i]->sequence, i);
  }
  EXPECT_EQ(stops(), 0u);
  EXPECT_EQ(reader->statistics().grown_messages, kMessages);
  EXPECT_EQ(pool->statistics().detached_bytes,
            kMessages * (1024 + kRawMessageSlackBytes));
}

TEST_P(SlowConsumerTest, GrowBeginsWhenSoManyAreHeld) {
  start(BackPressure::kGrow, 10);
  // The first ten keep their slots, so that the slab is full at last.
  ASSERT_TRUE(run_until([&] { return stops() != 0; }));
  EXPECT_EQ(reader->statistics().grown_messages, held.size() - 10);
  ASSERT_TRUE(run_until([&] {
    release_all();
    return reader->statistics().messages == kMessages;
  }));
}

TEST_P(SlowConsumerTest, WhereGrowingEndsReadingStops) {
  build({.detached_bytes = size_t{100} << 10}, {});
  start(BackPressure::kGrow, 0);
  ASSERT_TRUE(run_until([&] { return stops() != 0; }));
  EXPECT_LE(pool->statistics().detached_bytes, size_t{100} << 10);
  size_t got = 0;
  ASSERT_TRUE(run_until([&] {
    got += held.size();
    release_all();
    return got == kMessages;
  }));
}

TEST_P(WebSocketReaderTest, OneStopIsOneStall) {
  build({.descriptors = 2, .large_messages = 1}, {});
  ScriptedServer server([](Peer& peer) {
    peer.upgrade();
    std::string all;
    for (int i = 0; i < 4; ++i) all += server_frame(0x1, "x");
    peer.send(all);
    peer.read_frame();  // arrives in the stop
    peer.send(server_frame(0x1, "x") + close_frame(1000));
    peer.read_frame();
  });
  std::vector<RawMessage*> held;
  recorder.when_message = [&](RawMessage* m) { held.push_back(m); };
  open(server.url());
  ASSERT_TRUE(run_until([&] { return reader->statistics().stalls != 0; }));
  const uint64_t bytes = reader->statistics().bytes;
  ASSERT_TRUE(reader->send_text("go"));
  ASSERT_TRUE(run_until([&] { return reader->statistics().bytes != bytes; }));
  for (int i = 0; i < 10; ++i) loop->run_once(0);
  EXPECT_EQ(reader->statistics().stalls, 1u);
  // One comes home, one is delivered, and it stops again.
  pool->release(held.back());
  held.pop_back();
  for (int i = 0; i < 10; ++i) loop->run_once(0);
  EXPECT_EQ(reader->statistics().messages, 3u);
  EXPECT_EQ(reader->statistics().stalls, 2u);
  ASSERT_TRUE(run_until([&] {
    for (RawMessage* message : std::exchange(held, {})) pool->release(message);
    return recorder.closes != 0;
  }));
  EXPECT_EQ(reader->statistics().messages, 5u);
  EXPECT_TRUE(recorder.status.ok()) << recorder.status;
}

// The end of a message that waits for a large buffer, not for a descriptor.
TEST_P(WebSocketReaderTest, ALargeBufferThatComesHomeEndsAStall) {
  build({.large_messages = 1}, {});
  char* const large = pool->take_large();
  ScriptedServer server([](Peer& peer) {
    peer.upgrade();
    for (int i = 0; i < 5; ++i) {
      peer.send(
          server_frame(i == 0 ? 0x1 : 0x0, std::string(100'000, 'x'), i == 4));
    }
    // No close frame: the end waits for the message.
  });
  open(server.url());
  ASSERT_TRUE(run_until([&] { return reader->statistics().stalls != 0; }));
  for (int i = 0; i < 10; ++i) loop->run_once(0);
  EXPECT_EQ(reader->statistics().stalls, 1u);
  pool->abandon_large(large);
  ASSERT_TRUE(run_until_closed());
  ASSERT_EQ(recorder.messages.size(), 1u);
  EXPECT_EQ(recorder.messages[0], std::string(500'000, 'x'));
}

// Each message of a backlog has the stamp of the completion that brought its
// last byte, not of those that came while it waited.
TEST_P(WebSocketReaderTest, ABacklogIsStampedWithItsOwnArrival) {
  constexpr size_t kBacklog = 100;  // more than arrivals that are kept apart
  build({.descriptors = 2, .large_messages = 1}, {});
  ScriptedServer server([](Peer& peer) {
    peer.upgrade();
    while (peer.read_frame().opcode() == 0x1) peer.send(server_frame(0x1, "x"));
  });
  std::vector<RawMessage*> held;
  std::vector<uint64_t> stamps;
  recorder.when_message = [&](RawMessage* m) {
    stamps.push_back(m->receive_ticks);
    held.push_back(m);
  };
  open(server.url());
  ASSERT_TRUE(run_until([&] { return recorder.opens == 1; }));
  std::vector<uint64_t> asked, arrived;
  while (arrived.size() < kBacklog) {
    const uint64_t bytes = reader->statistics().bytes;
    asked.push_back(TscClock::ticks());
    ASSERT_TRUE(reader->send_text("go"));
    ASSERT_TRUE(run_until([&] { return reader->statistics().bytes != bytes; }));
    arrived.push_back(TscClock::ticks());
  }
  ASSERT_EQ(stamps.size(), 2u);
  ASSERT_TRUE(run_until([&] {
    for (RawMessage* message : std::exchange(held, {})) pool->release(message);
    return stamps.size() == kBacklog;
  }));
  for (size_t i = 0; i < kBacklog; ++i) {
    EXPECT_LE(stamps[i], arrived[i]) << "message " << i << " looks too new";
    if (i < 60) {
      EXPECT_GE(stamps[i], asked[i]) << "message " << i;
    }
  }
}

// A slow consumer on another thread that keeps messages and lets them go in
// random order: their bytes must not change until then.
TEST_P(WebSocketReaderTest, BytesStayUntilReleaseByAnotherThread) {
  constexpr uint64_t kMessages = 20'000;
  const auto text = [](uint64_t i) {
    std::string result(20 + i * 7919 % 400, static_cast<char>('a' + i % 26));
    return std::to_string(i) + ":" + result;
  };
  ScriptedServer server([&](Peer& peer) {
    peer.upgrade();
    std::string burst;
    for (uint64_t i = 0; i < kMessages; ++i) {
      burst += server_frame(0x1, text(i));
      if (i % 50 == 49) {
        if (!peer.send(burst)) return;
        burst.clear();
      }
    }
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  RawMessageLane& lane = pool->add_lane();
  SpscRing<RawMessage*> ring(pool->options().descriptors);
  recorder.when_message = [&](RawMessage* message) {
    ASSERT_TRUE(ring.try_push(message));
  };
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::thread consumer([&] {
    std::mt19937 random(seed);
    std::vector<RawMessage*> held;
    uint64_t expected = 0;
    uint64_t wrong = 0;
    const auto let_go = [&](size_t i) {
      // Still the same as when it came.
      if (held[i]->view() != text(held[i]->sequence)) ++wrong;
      lane.release(held[i]);
      held[i] = held.back();
      held.pop_back();
    };
    while (expected != kMessages || !held.empty()) {
      RawMessage* message = nullptr;
      if (ring.try_pop(message)) {
        if (message->sequence != expected++) ++wrong;
        held.push_back(message);
        if (held.size() > random() % 300) let_go(random() % held.size());
      } else if (!held.empty()) {
        let_go(random() % held.size());
      } else {
        std::this_thread::yield();
      }
    }
    EXPECT_EQ(wrong, 0u);
  });
  open(server.url());
  EXPECT_TRUE(run_until_closed());
  consumer.join();
  pool->reclaim();
  EXPECT_EQ(recorder.status, absl::OkStatus());
  EXPECT_EQ(pool->outstanding(), 0u);
}

TEST_P(WebSocketReaderTest, DestructionInMidConnectionLeaksNothing) {
  ScriptedServer server([](Peer& peer) {
    peer.upgrade(server_frame(0x1, "x") + server_frame(0x1, "y", false));
    peer.read_to_end();
  });
  open(server.url());
  ASSERT_TRUE(run_until([&] { return !recorder.messages.empty(); }));
  reader.reset();
  loop->run_once(kMillisecond);
  open(server.url());  // with the slab of the one before
  reader.reset();
  EXPECT_EQ(recorder.closes, 0);
  EXPECT_EQ(pool->outstanding(), 0u);
}

TEST_P(WebSocketReaderTest, EveryWaitModeReceives) {
  for (const WaitMode mode :
       {WaitMode::kSpin, WaitMode::kAdaptive, WaitMode::kSleep}) {
    SCOPED_TRACE(wait_mode_name(mode));
    build({}, {.wait = mode});
    recorder.closes = 0;
    ScriptedServer server([](Peer& peer) {
      peer.upgrade();
      peer.send(server_frame(0x1, "x"));
      peer.send(close_frame(1000));
      peer.read_frame();
    });
    open(server.url());
    ASSERT_TRUE(run_until_closed());
    EXPECT_TRUE(recorder.status.ok()) << recorder.status;
  }
}

TEST(WebSocketReaderOptionsTest, WrongOptionsAreRefusedWithAReason) {
  auto pool = *RawMessagePool::create({});
  auto loop = *UringLoop::create({}, pool.get());
  Recorder recorder;
  const auto problem = [&](const WebSocketReaderOptions& options) {
    return WebSocketReader::create(loop.get(), pool.get(), options, &recorder)
        .status()
        .ToString();
  };
  const struct {
    WebSocketReaderOptions options;
    const char* says;
  } all[] = {
      {{.url = "x"}, "URL"},
      {{.url = "http://x/"}, "must be ws"},
      {{.url = "wss://x/", .slab_slots = 2}, "TLS needs at least 4"},
      {{.url = "ws://x/", .slab_slots = 0}, "power of two"},
      {{.url = "ws://x/", .slab_slots = 3}, "power of two"},
      {{.url = "ws://x/", .max_message_bytes = 0}, "max_message_bytes is 0"},
      {{.url = "ws://x/", .max_message_bytes = 1ull << 30}, "large_bytes"},
      {{.url = "ws://x/",
        .back_pressure = BackPressure::kDrop,
        .most_held = size_t{1} << 16},
       "most_held is 65536"},
      {{.url = "ws://x/", .connect_timeout_ns = 0},
       "connect_timeout_ns is 0; give"},
      {{.url = "ws://x/", .close_timeout_ns = 0},
       "close_timeout_ns is 0; give"},
      {{.url = "ws://x/", .handshake = {.max_response_bytes = 0}},
       "max_response_bytes is 0"},
      {{.url = "ws://x/",
        .slab_slots = 2,
        .handshake = {.max_response_bytes = kRawMessageSlotBytes + 1}},
       "max_response_bytes is 65537, but a slab of 2 slots"},
      {{.url = "ws://x/" + std::string(size_t{64} << 10, 'x')}, "raise it"},
      {{.url = "ws://x/", .proxy = {.url = "ws://x"}}, "http or socks5"},
      {{.url = "ws://x/", .connector = {.attempt_delay_ns = 1}},
       "attempt_delay_ns is 1"},
      {{.url = "ws://x/", .connector = {.socket = {.busy_poll_us = -1}}},
       "busy_poll_us is -1"},
  };
  for (const auto& one : all) {
    EXPECT_THAT(problem(one.options), HasSubstr(one.says));
  }
  const uint64_t slots = pool->statistics().slots;
  EXPECT_EQ(
      problem({.url = "ws://x/",
               .slab_slots = 2,
               .handshake = {.max_response_bytes = kRawMessageSlotBytes}}),
      "OK");
  EXPECT_EQ(slots, 0u) << "what is refused takes no memory";
  for (const absl::Status& made :
       {WebSocketReader::create(nullptr, pool.get(), {.url = "ws://x/"},
                                &recorder)
            .status(),
        WebSocketReader::create(loop.get(), nullptr, {.url = "ws://x/"},
                                &recorder)
            .status(),
        WebSocketReader::create(loop.get(), pool.get(), {.url = "ws://x/"},
                                nullptr)
            .status()}) {
    EXPECT_THAT(made.ToString(), HasSubstr("is nullptr; it needs all three"));
  }
  const auto small = *RawMessagePool::create({.detached_bytes = 0});
  const auto small_loop = *UringLoop::create({}, small.get());
  EXPECT_THAT(
      WebSocketReader::create(
          small_loop.get(), small.get(),
          {.url = "ws://x/", .back_pressure = BackPressure::kGrow}, &recorder)
          .status()
          .ToString(),
      HasSubstr("detached_bytes"));
  WebSocketReaderOptions options{.url = "ws://x/"};
  options.handshake.headers.push_back({"A", "b\r\nC: d"});
  EXPECT_THAT(problem(options), HasSubstr("no HTTP header"));
  const auto other = *RawMessagePool::create({});
  EXPECT_THAT(WebSocketReader::create(loop.get(), other.get(),
                                      {.url = "ws://x/"}, &recorder)
                  .status()
                  .ToString(),
              HasSubstr("the loop has another pool"));
}

}  // namespace
}  // namespace wirebook
