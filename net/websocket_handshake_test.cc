// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/websocket_handshake.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wirebook {
namespace {

using State = WebSocketHandshake::State;
using ::testing::HasSubstr;

class WebSocketHandshakeTest : public ::testing::Test {
 protected:
  // The key in a request.
  static std::string key(const std::string& request) {
    const std::string name = "Sec-WebSocket-Key: ";
    const size_t begin = request.find(name) + name.size();
    return request.substr(begin, request.find("\r\n", begin) - begin);
  }
  // A right response, with `extra` headers.
  std::string response(const std::string& extra = "") const {
    return "HTTP/1.1 101 Switching Protocols\r\n"
           "upgrade: WebSocket\r\n"
           "Connection: keep-alive, Upgrade\r\n"
           "Sec-WebSocket-Accept: " +
           WebSocketHandshake::accept_for(key(handshake.request())) + "\r\n" +
           extra + "\r\n";
  }
  State parse(const std::string& text) {
    return handshake.parse(text.data(), text.size(), &status);
  }
  // What the refusal of `text` says.
  std::string refusal(const std::string& text) {
    WebSocketHandshake fresh = handshake;
    if (fresh.parse(text.data(), text.size(), &status) != State::kFailed) {
      return "not refused";
    }
    return std::string(status.message());
  }

  KernelRandom random;
  WebSocketHandshake handshake{
      *parse_url("ws://example.com:81/feed?x"),
      {.headers = {{"User-Agent", "wirebook"}}, .subprotocols = {"a", "b"}},
      random};
  absl::Status status;
};

TEST_F(WebSocketHandshakeTest, RequestHasWhatTheRfcDemands) {
  const std::string& request = handshake.request();
  EXPECT_EQ(request.rfind("GET /feed?x HTTP/1.1\r\n", 0), 0u);
  for (const char* line :
       {"Host: example.com:81\r\n", "Upgrade: websocket\r\n",
        "Connection: Upgrade\r\n", "Sec-WebSocket-Version: 13\r\n",
        "Sec-WebSocket-Protocol: a, b\r\n", "User-Agent: wirebook\r\n"}) {
    EXPECT_THAT(request, HasSubstr(line));
  }
  EXPECT_EQ(key(request).size(), 24u) << "16 bytes in base64";
  const WebSocketHandshake other(*parse_url("ws://h"), {}, random);
  EXPECT_NE(key(request), key(other.request()));
}

// RFC 6455, section 1.3.
TEST_F(WebSocketHandshakeTest, AcceptIsTheRfcsExample) {
  EXPECT_EQ(WebSocketHandshake::accept_for("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_F(WebSocketHandshakeTest, ARightResponseIsTakenInAnyPieces) {
  const std::string text = response("Sec-WebSocket-Protocol: b\r\n");
  const std::string all = text + "\x81\x01x";
  for (size_t size = 0; size < text.size(); ++size) {
    ASSERT_EQ(parse(all.substr(0, size)), State::kNeedMore) << size;
  }
  EXPECT_EQ(parse(all), State::kDone) << status;
  EXPECT_EQ(handshake.response_bytes(), text.size());
  EXPECT_EQ(handshake.subprotocol(), "b");
}

TEST_F(WebSocketHandshakeTest, WrongResponsesAreRefusedWithAReason) {
  const auto without = [&](const std::string& part) {
    std::string text = response();
    return text.erase(text.find(part), part.size());
  };
  EXPECT_THAT(refusal(without("upgrade: WebSocket\r\n")),
              HasSubstr("lacks \"Upgrade"));
  EXPECT_THAT(refusal(without(", Upgrade")), HasSubstr("lacks \"Connection"));
  EXPECT_THAT(refusal(response("A: b\rc\r\n")), HasSubstr("CR without LF"));
  EXPECT_THAT(refusal(response("Sec-WebSocket-Accept: x\r\n")),
              HasSubstr("has 2 Sec-WebSocket-Accept"));
  std::string wrong = response();
  wrong[wrong.find("Accept: ") + 10] ^= 1;
  EXPECT_THAT(refusal(wrong), HasSubstr("does not belong to our key"));
  EXPECT_THAT(refusal(response("Sec-WebSocket-Extensions: x\r\n")),
              HasSubstr("extension"));
  EXPECT_THAT(refusal(response("Sec-WebSocket-Protocol: c\r\n")),
              HasSubstr("subprotocol"));
  EXPECT_THAT(refusal(response("Sec-WebSocket-Protocol: a\r\n"
                               "Sec-WebSocket-Protocol: b\r\n")),
              HasSubstr("subprotocol"));
  EXPECT_THAT(refusal(response("A: b\n")), HasSubstr("LF without CR"));
  EXPECT_THAT(refusal(response(std::string("A: \0b\r\n", 7))),
              HasSubstr("NUL"));
  EXPECT_THAT(refusal(response("A: b\r\n folded\r\n")),
              HasSubstr("malformed header"));
  EXPECT_THAT(refusal(response("no colon\r\n")), HasSubstr("malformed header"));
  EXPECT_THAT(refusal("HTTP/1.1 1xx No\r\n\r\n"),
              HasSubstr("malformed status line"));
  EXPECT_THAT(refusal("HTTP/1.0 101 Old\r\n\r\n"), HasSubstr("not HTTP/1.1"));
  EXPECT_THAT(refusal("\n"), HasSubstr("not HTTP/1.1"));
  EXPECT_THAT(refusal("HTTP/1.1 101 x\r\nA: " + std::string(17'000, 'a')),
              HasSubstr("longer than 16384"));
}

TEST_F(WebSocketHandshakeTest, ARefusalIsQuoted) {
  handshake = WebSocketHandshake(*parse_url("ws://h/feed"), {}, random);
  EXPECT_THAT(refusal("HTTP/1.1 502 Bad Gateway\r\nA: b\r\n\r\nwhy"),
              HasSubstr("502 Bad Gateway, \"why\""));
  EXPECT_THAT(refusal("HTTP/1.1 302 Found\r\nLocation: /other?a\r\n\r\n"),
              ::testing::EndsWith("302 Found, it points to /other"));
}

// It may be a token.
TEST_F(WebSocketHandshakeTest, AQueryThatTheServerRepeatsIsNotQuoted) {
  const std::string target = "/feed?token=hu%2fs%2bh";
  handshake = WebSocketHandshake(*parse_url("ws://h" + target), {}, random);
  for (const std::string& text :
       {"HTTP/1.1 302 Found\r\nLocation: " + target + "\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\n\r\nnothing at " + target,
        "HTTP/1.1 404 Not " + target + "\r\n\r\n", "nothing at " + target,
        "HTTP/1.1 x " + target + "\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\n" + target + "\r\n\r\n",
        response("Sec-WebSocket-Protocol: " + target + "\r\n"),
        response("Sec-WebSocket-Extensions: " + target + "\r\n")}) {
    const std::string says = refusal(text);
    EXPECT_THAT(says, HasSubstr("WebSocket ws://h/feed: "));
    EXPECT_THAT(says, ::testing::Not(HasSubstr("hu%2f"))) << text;
  }
}

TEST_F(WebSocketHandshakeTest, DeflateIsOfferedAndItsAnswerJudged) {
  EXPECT_THAT(handshake.request(),
              ::testing::Not(HasSubstr("Sec-WebSocket-Extensions")));
  handshake = WebSocketHandshake(
      *parse_url("ws://h"),
      {.deflate = PermessageDeflateOffer{.server_max_window_bits = 10}},
      random);
  EXPECT_THAT(handshake.request(),
              HasSubstr("Sec-WebSocket-Extensions: permessage-deflate; "
                        "server_max_window_bits=10; client_max_window_bits"
                        "\r\n"));
  const std::string agreed =
      "Sec-WebSocket-Extensions: permessage-deflate; "
      "server_max_window_bits=9\r\n";
  EXPECT_THAT(refusal(response("Sec-WebSocket-Extensions: x\r\n")),
              HasSubstr("WebSocket ws://h/: the server's extension \"x\""));
  EXPECT_THAT(refusal(response(agreed + agreed)), HasSubstr("second"));
  WebSocketHandshake declined = handshake;
  const std::string without = response();
  EXPECT_EQ(declined.parse(without.data(), without.size(), &status),
            State::kDone);
  EXPECT_FALSE(declined.deflate().has_value());
  EXPECT_EQ(parse(response(agreed)), State::kDone) << status;
  ASSERT_TRUE(handshake.deflate().has_value());
  EXPECT_EQ(handshake.deflate()->server_max_window_bits, 9);
}

TEST_F(WebSocketHandshakeTest, HeadersThatWouldBreakTheRequestAreRefused) {
  EXPECT_TRUE(
      WebSocketHandshake::check_options({.headers = {{"A", "b c"}}}).ok());
  EXPECT_FALSE(
      WebSocketHandshake::check_options({.headers = {{"A", "b\r\nC: d"}}})
          .ok());
  EXPECT_FALSE(
      WebSocketHandshake::check_options({.headers = {{"A b", "c"}}}).ok());
  EXPECT_FALSE(
      WebSocketHandshake::check_options({.subprotocols = {"a,b"}}).ok());
  for (const char* ours :
       {"host", "Upgrade", "CONNECTION", "Sec-WebSocket-Extensions"}) {
    EXPECT_FALSE(
        WebSocketHandshake::check_options({.headers = {{ours, "x"}}}).ok());
  }
  EXPECT_FALSE(WebSocketHandshake::check_options(
                   {.deflate = PermessageDeflateOffer{.level = 10}})
                   .ok());
  EXPECT_TRUE(
      WebSocketHandshake::check_options({.max_response_bytes = 107}).ok());
  EXPECT_FALSE(
      WebSocketHandshake::check_options({.max_response_bytes = 106}).ok());
}

}  // namespace
}  // namespace wirebook
