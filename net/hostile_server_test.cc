// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// WebSocketReader against servers that mean harm, where bytes are cut and how
// many there are: what it gets must be what was sent, or a stated error, in
// bounded memory, without a hang. websocket_reader_test has the rest.

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/raw_message_pool.h"
#include "net/testing/scripted_server.h"
#include "net/uring_loop.h"
#include "net/websocket_reader.h"

namespace wirebook {
namespace {

using testing::close_frame;
using ::testing::HasSubstr;
using testing::Peer;
using testing::ScriptedServer;
using testing::server_frame;

constexpr uint64_t kMillisecond = 1'000'000;

struct Recorder : WebSocketHandler {
  void on_open() override { opened = true; }
  void on_message(RawMessage* message) override {
    messages.emplace_back(message->view());
    pool->release(message);
  }
  void on_close(uint16_t, std::string_view,
                const absl::Status& close_status) override {
    closed = true;
    status = close_status;
  }

  RawMessagePool* pool = nullptr;
  std::vector<std::string> messages;
  bool opened = false, closed = false;
  absl::Status status;
};

class HostileServerTest : public ::testing::TestWithParam<LoopBackendChoice> {
 protected:
  void SetUp() override {
    auto made = UringLoop::create({.backend = GetParam()}, pool.get());
    if (!made.ok()) GTEST_SKIP() << made.status().ToString();
    loop = *std::move(made);
  }

  // One connection to `script`; nothing is left of it afterwards.
  Recorder visit(const ScriptedServer::Script& script,
                 WebSocketReaderOptions options = {}) {
    Recorder recorder;
    recorder.pool = pool.get();
    ScriptedServer server(script);
    options.url = server.url();
    options.slab_slots = 4;
    auto reader =
        *WebSocketReader::create(loop.get(), pool.get(), options, &recorder);
    EXPECT_TRUE(reader->connect().ok());
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!recorder.closed && std::chrono::steady_clock::now() < end) {
      loop->run_once(10 * kMillisecond);
    }
    EXPECT_TRUE(recorder.closed) << "it hangs";
    EXPECT_EQ(pool->outstanding(), 0u);
    EXPECT_LE(pool->statistics().slots, 4u) << "the slab is used again";
    return recorder;
  }

  std::unique_ptr<RawMessagePool> pool = *RawMessagePool::create({});
  std::unique_ptr<UringLoop> loop;
};

INSTANTIATE_TEST_SUITE_P(
    Backends, HostileServerTest,
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

// Every frame begins or ends some bytes before or behind a slot's border, with
// each length form, and segments are cut there too.
TEST_P(HostileServerTest, FramesAroundEverySlotBorder) {
  constexpr size_t kSlot = kRawMessageSlotBytes;
  for (const size_t length : {5, 200, 70'000}) {
    std::string stream;
    std::vector<std::string> sent;
    const auto add = [&](size_t size, char c) {
      sent.emplace_back(size, c);
      stream += server_frame(0x2, sent.back());
    };
    size_t response = 0;
    const Recorder recorder = visit([&](Peer& peer) {
      const std::string upgrade = Peer::upgrade_response(peer.read_request());
      response = upgrade.size();
      // The response is the slab's first bytes.
      for (int shift = -15; shift <= 15; ++shift) {
        const size_t position = response + stream.size();
        const size_t border = (position + 1100) / kSlot * kSlot + kSlot;
        // A frame of four bytes of header up to `shift` from the border.
        const size_t gap = border - position;
        add(gap - 4 + static_cast<size_t>(shift + 15) - 15, 'f');
        add(length, static_cast<char>('a' + shift + 15));
      }
      peer.send(upgrade);
      for (std::string_view rest = stream; !rest.empty();) {
        const size_t at = response + stream.size() - rest.size();
        const size_t step = std::min(rest.size(), kSlot - at % kSlot);
        peer.send_in_pieces(rest.substr(0, step), step);
        rest.remove_prefix(step);
      }
      peer.send(close_frame(1000));
      peer.read_frame();
    });
    EXPECT_TRUE(recorder.status.ok()) << recorder.status;
    EXPECT_TRUE(recorder.messages == sent) << length;
  }
}

TEST_P(HostileServerTest, AHandshakeByteByByteIsTaken) {
  const Recorder recorder = visit([](Peer& peer) {
    peer.send_in_pieces(
        Peer::upgrade_response(peer.read_request(),
                               "X-Long: " + std::string(300, 'x') + "\r\n") +
            server_frame(0x1, "early"),
        1);
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  EXPECT_TRUE(recorder.status.ok()) << recorder.status;
  EXPECT_EQ(recorder.messages, std::vector<std::string>{"early"});
}

struct BadHandshake {
  std::function<std::string(std::string)> change;  // of a right response
  std::string says;
};

TEST_P(HostileServerTest, HandshakesThatAreWrongInTheMiddle) {
  const auto insert = [](const std::string& line) {
    return [line](std::string response) {
      return response.insert(response.find("Upgrade:"), line);
    };
  };
  const std::vector<BadHandshake> all = {
      {insert("A: b\n"), "LF without CR"},
      {insert("A: b\rc\r\n"), "CR without LF"},
      {insert(std::string("A: \0b\r\n", 7)), "NUL"},
      {insert("A: b\r\n folded\r\n"), "malformed header"},
      {insert("Sec-WebSocket-Extensions: permessage-deflate\r\n"),
       "nobody asked for"},
      {insert("Sec-WebSocket-Protocol: v1\r\n"), "nobody asked for"},
      {insert("A: " + std::string(20'000, 'a') + "\r\n"), "longer than 16384"},
      {[](const std::string& response) {
         return "HTTP/1.1 200 OK" + response.substr(response.find('\r'));
       },
       "200 OK"},
  };
  for (const BadHandshake& bad : all) {
    SCOPED_TRACE(bad.says);
    const Recorder recorder = visit([&](Peer& peer) {
      peer.send_in_pieces(
          bad.change(Peer::upgrade_response(peer.read_request())), 1000);
      peer.read_to_end();
    });
    EXPECT_FALSE(recorder.opened);
    EXPECT_THAT(recorder.status.ToString(), HasSubstr(bad.says));
  }
}

// It never ends, but each byte comes in time.
TEST_P(HostileServerTest, AnEndlessHeaderEndsAtTheLimit) {
  const Recorder recorder = visit([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 101 Switching Protocols\r\n");
    while (peer.send_in_pieces("X-A: 1\r\n", 3)) {
    }
  });
  EXPECT_THAT(recorder.status.ToString(), HasSubstr("longer than 16384"));
}

// A frame's length is believed only as far as bytes come.
TEST_P(HostileServerTest, SilenceInMidFrameHoldsNoMoreThanTheSlab) {
  const Recorder recorder = visit([](Peer& peer) {
    peer.upgrade(std::string("\x82\x7f\0\0\0\0\0\xf0\0\0", 10) + "begin");
    peer.shut_down_sends();
    peer.read_to_end();
  });
  EXPECT_EQ(recorder.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(recorder.status.ToString(),
              HasSubstr("in the middle of a message"));
  EXPECT_LE(pool->statistics().large, 1u);
}

// Our close is not answered, and the bytes go on.
TEST_P(HostileServerTest, AFloodAfterAnErrorEndsAtTheTimeout) {
  const Recorder recorder = visit(
      [](Peer& peer) {
        peer.upgrade(server_frame(0x1, "\xff"));
        const std::string flood = server_frame(0x1, std::string(10'000, 'x'));
        while (peer.send(flood)) {
        }
      },
      {.close_timeout_ns = 50 * kMillisecond});
  EXPECT_THAT(recorder.status.ToString(), HasSubstr("not UTF-8"));
  EXPECT_TRUE(recorder.messages.empty());
}

// More pings than there is room for pongs, from a server that reads nothing.
TEST_P(HostileServerTest, AFloodOfPingsTakesNoMoreThanTheSendQueue) {
  const Recorder recorder = visit([](Peer& peer) {
    peer.upgrade();
    std::string pings;
    for (int i = 0; i < 1000; ++i) {
      pings += server_frame(0x9, std::string(125, 'p'));
    }
    for (int i = 0; i < 200; ++i) peer.send(pings);
    peer.send(close_frame(1000));
    // What waits is read; the pongs that found no room were left out.
    while (peer.read_frame().opcode() == 0xa) {
    }
  });
  EXPECT_TRUE(recorder.closed);
}

}  // namespace
}  // namespace wirebook
