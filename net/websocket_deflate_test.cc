// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// WebSocketReader with permessage-deflate (RFC 7692).

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/raw_message_pool.h"
#include "net/testing/deflate_peer.h"
#include "net/testing/scripted_server.h"
#include "net/uring_loop.h"
#include "net/websocket_reader.h"

namespace wirebook {
namespace {

using testing::close_frame;
using testing::DeflatePeer;
using ::testing::HasSubstr;
using testing::Peer;
using testing::ScriptedServer;
using testing::server_frame;

constexpr const char* kAgreed =
    "Sec-WebSocket-Extensions: permessage-deflate\r\n";
constexpr int kCompressedText = 0x41;

struct Recorder : WebSocketHandler {
  void on_open() override {
    if (!greeting.empty()) {
      EXPECT_TRUE(reader->send_text(greeting));
    }
  }
  void on_message(RawMessage* message) override {
    messages.emplace_back(message->view());
    keep ? held.push_back(message) : pool->release(message);
  }
  void on_close(uint16_t close_code, std::string_view,
                const absl::Status& close_status) override {
    closed = true;
    code = close_code;
    status = close_status;
  }

  RawMessagePool* pool = nullptr;
  WebSocketReader* reader = nullptr;
  std::string greeting;
  bool keep = false;
  std::vector<RawMessage*> held;
  std::vector<std::string> messages;
  bool closed = false;
  uint16_t code = 0;
  absl::Status status;
};

class WebSocketDeflateTest : public ::testing::Test {
 protected:
  void run(const ScriptedServer& server, WebSocketReaderOptions options = {},
           const RawMessagePoolOptions& pool_options = {}) {
    reader.reset();
    loop.reset();
    pool = *RawMessagePool::create(pool_options);
    loop = *UringLoop::create({}, pool.get());
    options.url = server.url();
    options.slab_slots = 4;
    if (!options.handshake.deflate) {
      options.handshake.deflate = PermessageDeflateOffer{};
    }
    recorder.pool = pool.get();
    reader =
        *WebSocketReader::create(loop.get(), pool.get(), options, &recorder);
    recorder.reader = reader.get();
    recorder.closed = false;
    ASSERT_TRUE(reader->connect().ok());
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!recorder.closed && std::chrono::steady_clock::now() < end) {
      loop->run_once(10'000'000);
      if (pool->outstanding() == pool->options().descriptors ||
          reader->statistics().stalls != 0) {
        for (RawMessage* message : std::exchange(recorder.held, {})) {
          pool->release(message);
        }
      }
    }
    EXPECT_TRUE(recorder.closed);
    for (RawMessage* message : std::exchange(recorder.held, {})) {
      pool->release(message);
    }
  }

  std::unique_ptr<RawMessagePool> pool;
  std::unique_ptr<UringLoop> loop;
  Recorder recorder;
  std::unique_ptr<WebSocketReader> reader;
};

TEST_F(WebSocketDeflateTest, MessagesComeInflatedAndGoDeflated) {
  std::string said;
  ScriptedServer server([&](Peer& peer) {
    DeflatePeer deflate;
    peer.send(Peer::upgrade_response(peer.read_request(), kAgreed));
    const testing::ClientFrame frame = peer.read_frame();
    EXPECT_EQ(frame.first_byte, 0x80 | kCompressedText);
    said = deflate.inflate(frame.payload);
    const std::string two = deflate.deflate("two two two");
    peer.send(server_frame(kCompressedText, deflate.deflate("one")) +
              server_frame(0x1, "plain") +
              server_frame(0x42, two.substr(0, 2), false) +
              server_frame(0x9, "between") + server_frame(0x0, two.substr(2)));
    peer.read_frame();  // the pong
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  recorder.greeting = "hello hello hello hello hello";
  run(server);
  server.stop();
  EXPECT_TRUE(recorder.status.ok()) << recorder.status;
  EXPECT_EQ(said, recorder.greeting);
  EXPECT_EQ(recorder.messages,
            (std::vector<std::string>{"one", "plain", "two two two"}));
  const WebSocketStatistics statistics = reader->statistics();
  EXPECT_EQ(statistics.inflated_messages, 2u);
  EXPECT_EQ(statistics.copied_messages, 2u);
  EXPECT_EQ(statistics.copied_bytes, 14u);
  EXPECT_TRUE(reader->deflating());
}

TEST_F(WebSocketDeflateTest, AServerThatDeclinesIsSpokenToPlainly) {
  ScriptedServer server([&](Peer& peer) {
    peer.upgrade(server_frame(0x1, "plain"));
    EXPECT_EQ(peer.read_frame().payload, "hello");
    peer.send(server_frame(kCompressedText, "x"));
    EXPECT_EQ(peer.read_frame().payload, "\x03\xea");
  });
  recorder.greeting = "hello";
  run(server);
  server.stop();
  EXPECT_FALSE(reader->deflating());
  EXPECT_EQ(recorder.messages, std::vector<std::string>{"plain"});
  EXPECT_THAT(recorder.status.ToString(), HasSubstr("reserved bit"));
}

TEST_F(WebSocketDeflateTest, SubprotocolsAreChosenAndTold) {
  ScriptedServer server([&](Peer& peer) {
    peer.send(Peer::upgrade_response(peer.read_request(),
                                     "Sec-WebSocket-Protocol: v2.feed\r\n") +
              close_frame(1000));
    peer.read_frame();
  });
  run(server, {.handshake = {.subprotocols = {"v1.feed", "v2.feed"}}});
  EXPECT_TRUE(recorder.status.ok()) << recorder.status;
  EXPECT_EQ(reader->subprotocol(), "v2.feed");
}

struct Hostile {
  int first_byte;
  std::string payload;
  std::string says;
  std::string answer;
};

TEST_F(WebSocketDeflateTest, HostileMessagesAreRefusedWithBoundedMemory) {
  const std::vector<Hostile> all = {
      {kCompressedText,
       DeflatePeer({.level = 9}).deflate(std::string(64 << 20, '\0')),
       "longer than the limit", "\x03\xf1"},
      {kCompressedText, "\xff\xff\xff", "cannot be inflated", "\x03\xef"},
      {kCompressedText, DeflatePeer().deflate("\xff"), "not UTF-8", "\x03\xef"},
      {kCompressedText, DeflatePeer().deflate("cut here, please").substr(0, 9),
       "cannot be inflated", "\x03\xef"},
      {0x49, "ping", "reserved bit", "\x03\xea"},
  };
  for (const Hostile& hostile : all) {
    SCOPED_TRACE(hostile.says);
    std::string answer;
    ScriptedServer server([&](Peer& peer) {
      peer.send(Peer::upgrade_response(peer.read_request(), kAgreed) +
                server_frame(hostile.first_byte, hostile.payload) +
                server_frame(0x1, "after"));
      answer = peer.read_frame().payload;
    });
    run(server, {.max_message_bytes = 1'000'000});
    server.stop();
    EXPECT_EQ(recorder.status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(recorder.status.ToString(), HasSubstr(hostile.says));
    EXPECT_EQ(answer, hostile.answer);
    EXPECT_TRUE(recorder.messages.empty());
    EXPECT_EQ(pool->outstanding(), 0u);
    EXPECT_LE(pool->statistics().large, 1u);
  }
}

TEST_F(WebSocketDeflateTest, AnswersThatDoNotAgreeAreRefused) {
  ScriptedServer server([&](Peer& peer) {
    peer.send(Peer::upgrade_response(
        peer.read_request(),
        "Sec-WebSocket-Extensions: permessage-deflate; x=1\r\n"));
    peer.read_to_end();
  });
  run(server);
  EXPECT_THAT(recorder.status.ToString(), HasSubstr("\"x\" is unknown"));
}

// Descriptors and slab run out again and again; nothing is lost or inflated
// twice.
TEST_F(WebSocketDeflateTest, BackPressureLosesNothing) {
  constexpr int kMessages = 400;
  const auto text = [](int i) {
    return std::to_string(i) +
           std::string(static_cast<size_t>(i * 7919 % 30'000), 'z');
  };
  ScriptedServer server([&](Peer& peer) {
    DeflatePeer deflate;
    peer.send(Peer::upgrade_response(peer.read_request(), kAgreed));
    for (int i = 0; i < kMessages; ++i) {
      const std::string payload = deflate.deflate(text(i));
      peer.send(server_frame(kCompressedText, payload.substr(0, 3), false) +
                server_frame(0x0, payload.substr(3)));
    }
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  recorder.keep = true;
  run(server, {.max_message_bytes = 100'000},
      {.descriptors = 7, .large_messages = 1, .large_bytes = 100'000});
  EXPECT_TRUE(recorder.status.ok()) << recorder.status;
  ASSERT_EQ(recorder.messages.size(), static_cast<size_t>(kMessages));
  for (int i = 0; i < kMessages; ++i) {
    ASSERT_TRUE(recorder.messages[static_cast<size_t>(i)] == text(i)) << i;
  }
  EXPECT_NE(reader->statistics().stalls, 0u);
}

TEST_F(WebSocketDeflateTest, EachConnectionBeginsAnew) {
  int connection = 0;
  ScriptedServer server([&](Peer& peer) {
    DeflatePeer deflate;
    peer.send(Peer::upgrade_response(peer.read_request(), kAgreed) +
              server_frame(kCompressedText, deflate.deflate("hello hello")));
    // In the middle of a message the second time.
    if (++connection == 2) {
      peer.send(server_frame(kCompressedText, deflate.deflate("half"), false));
      return;
    }
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  for (int i = 0; i < 3; ++i) run(server);
  EXPECT_EQ(recorder.messages, (std::vector<std::string>(3, "hello hello")));
  EXPECT_EQ(pool->outstanding(), 0u);
}

}  // namespace
}  // namespace wirebook
