// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ws_echo_client and ws_drain, run as programs against a server of the test's.

#include <sys/wait.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/testing/scripted_server.h"

namespace wirebook {
namespace {

using testing::ClientFrame;
using testing::close_frame;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using testing::Peer;
using testing::refusing_port;
using testing::ScriptedServer;
using testing::server_frame;

struct Outcome {
  int code = -1;
  std::string output;  // stdout and stderr
};

Outcome run(const std::string& command) {
  Outcome outcome;
  FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
  char buffer[4096];
  size_t n;
  while ((n = fread(buffer, 1, sizeof(buffer), pipe)) != 0) {
    outcome.output.append(buffer, n);
  }
  const int status = pclose(pipe);
  if (WIFEXITED(status)) outcome.code = WEXITSTATUS(status);
  return outcome;
}

std::string monotonic_digits() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  char text[20];
  snprintf(text, sizeof(text), "%010ld%09ld", now.tv_sec, now.tv_nsec);
  return text;
}

TEST(WsEchoClientTest, EchoesPingsAndCloses) {
  for (const char* const flags :
       {"", "--backend=epoll --wait=sleep", "--wait=spin"}) {
    SCOPED_TRACE(flags);
    std::vector<ClientFrame> got;
    const std::string big(3'000'000, 'b');
    ScriptedServer server([&](Peer& peer) {
      peer.upgrade();
      peer.send(server_frame(0x1, "text") + server_frame(0x9, "ping") +
                server_frame(0x2, big) + server_frame(0x2, ""));
      for (int i = 0; i < 4; ++i) got.push_back(peer.read_frame());
      peer.send(close_frame(1000, "bye"));
      got.push_back(peer.read_frame());
    });
    const Outcome outcome =
        run("tools/ws_echo_client " + server.url("/x") + " " + flags);
    server.stop();
    EXPECT_EQ(outcome.code, 0);
    EXPECT_EQ(outcome.output, "");
    ASSERT_EQ(got.size(), 5u);
    EXPECT_EQ(got[0].payload, "text");
    EXPECT_EQ(got[0].opcode(), 0x1);
    EXPECT_EQ(got[1].opcode(), 0xa);
    EXPECT_EQ(got[1].payload, "ping");
    EXPECT_EQ(got[2].opcode(), 0x2);
    EXPECT_TRUE(got[2].payload == big);
    EXPECT_EQ(got[3].payload, "");
    EXPECT_EQ(got[4].payload, std::string("\x03\xe8", 2));
    for (const ClientFrame& frame : got) EXPECT_TRUE(frame.masked);
  }
}

TEST(WsEchoClientTest, OffersDeflateWhenAsked) {
  std::string request;
  testing::ClientFrame got;
  ScriptedServer server([&](Peer& peer) {
    request = peer.read_request();
    peer.send(Peer::upgrade_response(
        request, "Sec-WebSocket-Extensions: permessage-deflate\r\n"));
    // RFC 7692, section 7.2.3.1: "Hello".
    peer.send(server_frame(0x41, std::string("\xf2\x48\xcd\xc9\xc9\x07\0", 7)));
    got = peer.read_frame();
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  EXPECT_EQ(run("tools/ws_echo_client --deflate " + server.url()).code, 0);
  server.stop();
  EXPECT_THAT(request,
              HasSubstr("Sec-WebSocket-Extensions: permessage-deflate; "
                        "client_max_window_bits\r\n"));
  EXPECT_EQ(got.first_byte, 0xc1);
  EXPECT_EQ(got.payload, std::string("\xf2\x48\xcd\xc9\xc9\x07\0", 7));
}

TEST(WsEchoClientTest, AnErrorOfTheServersIsSaidAndTheCloseCompleted) {
  std::string answer;
  ScriptedServer server([&](Peer& peer) {
    peer.upgrade(server_frame(0x1, "\xff"));
    answer = peer.read_frame().payload;
  });
  const Outcome outcome = run("tools/ws_echo_client " + server.url());
  server.stop();
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.output, HasSubstr("not UTF-8"));
  EXPECT_EQ(answer, "\x03\xef");
}

TEST(WsEchoClientTest, ABrokenConnectionIsExitCode1) {
  ScriptedServer server([&](Peer& peer) { peer.upgrade(); });
  const Outcome outcome = run("tools/ws_echo_client " + server.url());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.output, HasSubstr("without a close frame"));
  EXPECT_EQ(run("tools/ws_echo_client ws://127.0.0.1:" +
                std::to_string(refusing_port()))
                .code,
            1);
  EXPECT_EQ(run("tools/ws_echo_client gopher://x").code, 1);
  EXPECT_NE(run("tools/ws_echo_client").code, 0);
}

TEST(WsDrainTest, PrintsWhatCameAndWhatItCost) {
  ScriptedServer server([](Peer& peer) {
    peer.upgrade();
    // acc: ("a" + "b") * 100 + 2 * "z".
    for (int i = 0; i < 100; ++i) peer.send(server_frame(0x1, "a--b"));
    peer.send(server_frame(0x2, "z") + server_frame(0x1, ""));
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  for (const char* const flags :
       {"", "--backend=epoll --wait=spin", "--wait=adaptive"}) {
    const Outcome outcome = run("DRAIN=20 tools/ws_drain " +
                                std::to_string(server.port()) + " " + flags);
    EXPECT_EQ(outcome.code, 0);
    EXPECT_THAT(outcome.output,
                MatchesRegex("msgs=102 bytes=401 acc=19744 "
                             "cpu_ns/msg=[0-9.]+ Mmsg/s=[0-9.]+\n"));
  }
}

TEST(WsDrainTest, PrintsLatenciesWhenAsked) {
  ScriptedServer server([](Peer& peer) {
    peer.upgrade();
    peer.send(server_frame(0x1, "short"));
    for (int i = 0; i < 100; ++i) {
      peer.send(server_frame(0x1, "{\"t\":" + monotonic_digits() + "}"));
    }
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  const Outcome outcome =
      run("LAT=1 tools/ws_drain " + std::to_string(server.port()));
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.output,
              MatchesRegex("msgs=101 .* p50=[1-9][0-9]* p90=[1-9][0-9]* "
                           "p99=[1-9][0-9]* p99.9=[1-9][0-9]*\n"));
}

TEST(WsDrainTest, ABrokenConnectionIsExitCode1) {
  ScriptedServer server([](Peer& peer) { peer.upgrade(); });
  const Outcome outcome =
      run("tools/ws_drain " + std::to_string(server.port()));
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.output, HasSubstr("msgs=0 bytes=0 acc=0"));
  EXPECT_THAT(outcome.output, HasSubstr("without a close frame"));
}

TEST(WsDrainTest, PrintsNoFiguresOfAConnectionThatWasNeverOpen) {
  const Outcome outcome =
      run("tools/ws_drain " + std::to_string(refusing_port()));
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.output, HasSubstr("Connection refused"));
  EXPECT_THAT(outcome.output, Not(HasSubstr("msgs=")));
}

}  // namespace
}  // namespace wirebook
