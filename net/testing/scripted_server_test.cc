// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/testing/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace wirebook::testing {
namespace {

std::string bytes(std::initializer_list<int> values) {
  std::string result;
  for (const int value : values) result.push_back(static_cast<char>(value));
  return result;
}

// RFC 6455, section 5.2: 7, 16 or 64 bits of length.
TEST(ServerFrameTest, TakesTheShortestFormOfTheLength) {
  EXPECT_EQ(server_frame(0x1, "Hello"), bytes({0x81, 0x05}) + "Hello");
  EXPECT_EQ(server_frame(0x2, "", false), bytes({0x02, 0x00}));
  const auto head = [](size_t size) {
    const std::string frame = server_frame(0x1, std::string(size, 'x'));
    return frame.substr(0, frame.size() - size);
  };
  EXPECT_EQ(head(125), bytes({0x81, 125}));
  EXPECT_EQ(head(126), bytes({0x81, 126, 0, 126}));
  EXPECT_EQ(head(65535), bytes({0x81, 126, 0xff, 0xff}));
  EXPECT_EQ(head(65536), bytes({0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0}));
}

TEST(ServerFrameTest, ACloseFrameBeginsWithItsCode) {
  EXPECT_EQ(close_frame(1000, "bye"), bytes({0x88, 5, 0x03, 0xe8}) + "bye");
}

class PeerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  }
  void TearDown() override {
    close(ends[0]);
    close(ends[1]);
  }
  void client_sends(const std::string& text) {
    ASSERT_EQ(send(ends[1], text.data(), text.size(), 0),
              static_cast<ssize_t>(text.size()));
  }
  int ends[2];
};

// The example of RFC 6455, section 5.7.
TEST_F(PeerTest, TakesTheMaskOff) {
  Peer peer(ends[0]);
  client_sends(bytes(
      {0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}));
  const ClientFrame frame = peer.read_frame();
  EXPECT_EQ(frame.opcode(), 0x1);
  EXPECT_TRUE(frame.masked);
  EXPECT_EQ(frame.payload, "Hello");
}

TEST_F(PeerTest, ReadsEveryFormOfTheLengthAndSaysWhatIsNotMasked) {
  Peer peer(ends[0]);
  for (const size_t size : {0, 125, 126, 65535, 65536}) {
    client_sends(server_frame(0x2, std::string(size, 'y')));
    const ClientFrame frame = peer.read_frame();
    EXPECT_FALSE(frame.masked);
    EXPECT_EQ(frame.payload, std::string(size, 'y'));
  }
}

TEST_F(PeerTest, AConnectionThatEndsInAFrameIsNone) {
  Peer peer(ends[0]);
  client_sends(server_frame(0x1, "hello").substr(0, 4));
  shutdown(ends[1], SHUT_WR);
  EXPECT_EQ(peer.read_frame().first_byte, -1);
}

// The example of RFC 6455, section 1.3.
TEST_F(PeerTest, AnswersTheHandshake) {
  Peer peer(ends[0]);
  client_sends(
      "GET / HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  peer.upgrade("after");
  char buffer[1000];
  const ssize_t n = recv(ends[1], buffer, sizeof(buffer), 0);
  const std::string answer(buffer, static_cast<size_t>(n));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 101 "));
  EXPECT_NE(
      answer.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
      std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\nafter"));
}

TEST(ScriptedServerTest, RunsTheScriptOncePerConnection) {
  std::vector<std::string> said;
  ScriptedServer server([&](Peer& peer) {
    char word[3];
    if (peer.read_exactly(word, 3)) said.emplace_back(word, 3);
  });
  for (const char* word : {"one", "two"}) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(server.port());
    ASSERT_EQ(
        connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    send(fd, word, 3, 0);
    char c;
    EXPECT_EQ(recv(fd, &c, 1, 0), 0) << "the script's end ends it";
    close(fd);
  }
  server.stop();
  EXPECT_EQ(said, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(server.connections(), 2);
}

}  // namespace
}  // namespace wirebook::testing
