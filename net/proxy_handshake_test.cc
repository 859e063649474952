// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/proxy_handshake.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wirebook {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using State = ProxyHandshake::State;
using namespace std::string_literals;

Proxy proxy_of(const std::string& url, const std::string& user = {},
               const std::string& password = {}) {
  return *parse_proxy({.url = url, .user = user, .password = Secret(password)});
}

// Parses all of `text` when it is whole, and wants more for each part of it.
State parse(ProxyHandshake& handshake, const std::string& text,
            absl::Status* status) {
  size_t used = 1;
  for (size_t part = 0; part < text.size(); ++part) {
    EXPECT_EQ(handshake.parse(text.data(), part, &used, status),
              State::kNeedMore)
        << part;
    EXPECT_EQ(used, 0u);
  }
  const State state = handshake.parse(text.data(), text.size(), &used, status);
  if (state != State::kFailed) {
    EXPECT_EQ(used, text.size());
  }
  return state;
}

std::string error_of(const Proxy& proxy, const std::string& text) {
  ProxyHandshake handshake(proxy, "example.com", 443);
  absl::Status status;
  size_t used = 0;
  EXPECT_EQ(handshake.parse(text.data(), text.size(), &used, &status),
            State::kFailed);
  EXPECT_FALSE(status.ok());
  return status.ToString();
}

TEST(ProxyHandshakeTest, HttpConnect) {
  const Proxy proxy = proxy_of("http://10.0.0.1:3128");
  ProxyHandshake handshake(proxy, "example.com", 443);
  EXPECT_EQ(handshake.request(),
            "CONNECT example.com:443 HTTP/1.1\r\n"
            "Host: example.com:443\r\n\r\n");
  absl::Status status;
  EXPECT_EQ(
      parse(handshake, "HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n",
            &status),
      State::kDone);
}

TEST(ProxyHandshakeTest, HttpWithUserAndPassword) {
  const Proxy proxy = proxy_of("http://h:1", "Aladdin", "open sesame");
  ProxyHandshake handshake(proxy, "2001:db8::1", 80);
  // The example of RFC 7617, section 2.
  EXPECT_EQ(handshake.request(),
            "CONNECT [2001:db8::1]:80 HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n"
            "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
}

TEST(ProxyHandshakeTest, HttpInterimAnswersArePassedOver) {
  const Proxy proxy = proxy_of("http://h:1");
  ProxyHandshake handshake(proxy, "x", 1);
  const std::string text =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 204 Fine\r\n\r\nbehind";
  size_t used = 0;
  absl::Status status;
  EXPECT_EQ(handshake.parse(text.data(), text.size(), &used, &status),
            State::kDone);
  EXPECT_EQ(text.substr(used), "behind");
}

TEST(ProxyHandshakeTest, HttpRefusalsAreSaid) {
  const Proxy proxy = proxy_of("http://h:1", "me", "secret");
  const std::string refused =
      error_of(proxy, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
  EXPECT_THAT(refused, HasSubstr("UNAUTHENTICATED"));
  EXPECT_THAT(refused, HasSubstr("HTTP proxy h:1: it answers CONNECT with "
                                 "407 Proxy Authentication Required"));
  EXPECT_THAT(refused, Not(HasSubstr("secret")));
  EXPECT_THAT(error_of(proxy, "HTTP/1.1 502 \x1b[31mBad\r\n\r\n"),
              HasSubstr("502 \\x1b[31mBad"));
  EXPECT_THAT(error_of(proxy, "SSH-2.0-OpenSSH\r\n\r\n"),
              HasSubstr("not HTTP/1.1: SSH-2.0"));
  EXPECT_THAT(error_of(proxy, "HTTP/1.1 2x0 OK\r\n\r\n"),
              HasSubstr("not HTTP/1.1"));
  EXPECT_THAT(error_of(proxy, "HTTP/1.1 200\r\nA: " + std::string(17'000, 'a')),
              HasSubstr("longer than 16384"));
}

TEST(ProxyHandshakeTest, Socks5ByName) {
  const Proxy proxy = proxy_of("socks5://10.0.0.1");
  EXPECT_EQ(proxy.port, 1080);
  ProxyHandshake handshake(proxy, "example.com", 443);
  EXPECT_EQ(handshake.request(), "\x05\x01\x00"s);
  absl::Status status;
  ASSERT_EQ(parse(handshake, "\x05\x00"s, &status), State::kSend);
  EXPECT_EQ(handshake.request(),
            "\x05\x01\x00\x03\x0b"s
            "example.com\x01\xbb"s);
  EXPECT_EQ(
      parse(handshake, "\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x34"s, &status),
      State::kDone);
}

TEST(ProxyHandshakeTest, Socks5ByNumber) {
  const Proxy proxy = proxy_of("socks5://10.0.0.1");
  absl::Status status;
  ProxyHandshake four(proxy, "192.0.2.7", 80);
  ASSERT_EQ(parse(four, "\x05\x00"s, &status), State::kSend);
  EXPECT_EQ(four.request(), "\x05\x01\x00\x01\xc0\x00\x02\x07\x00\x50"s);
  EXPECT_EQ(parse(four, "\x05\x00\x00\x03\x02hi\x00\x50"s, &status),
            State::kDone);
  ProxyHandshake six(proxy, "2001:db8::1", 80);
  ASSERT_EQ(parse(six, "\x05\x00"s, &status), State::kSend);
  EXPECT_EQ(six.request(), "\x05\x01\x00\x04\x20\x01\x0d\xb8"s +
                               std::string(11, '\0') + "\x01\x00\x50"s);
  EXPECT_EQ(parse(six, "\x05\x00\x00\x04"s + std::string(18, '\0'), &status),
            State::kDone);
}

TEST(ProxyHandshakeTest, Socks5WithUserAndPassword) {
  const Proxy proxy = proxy_of("socks5://h", "me", "secret");
  ProxyHandshake handshake(proxy, "example.com", 443);
  EXPECT_EQ(handshake.request(), "\x05\x02\x00\x02"s);
  absl::Status status;
  ASSERT_EQ(parse(handshake, "\x05\x02"s, &status), State::kSend);
  EXPECT_EQ(handshake.request(), "\x01\x02me\x06secret"s);
  ASSERT_EQ(parse(handshake, "\x01\x00"s, &status), State::kSend);
  EXPECT_THAT(std::string(handshake.request()), HasSubstr("example.com"));
}

TEST(ProxyHandshakeTest, Socks5RefusalsAreSaid) {
  const Proxy open = proxy_of("socks5://h");
  const Proxy closed = proxy_of("socks5://h", "me", "secret");
  EXPECT_THAT(error_of(open, "\x05\x02"s),
              HasSubstr("SOCKS5 proxy h:1080: it wants user and password"));
  EXPECT_THAT(error_of(closed, "\x05\xff"s),
              HasSubstr("takes no user and password"));
  EXPECT_THAT(error_of(open, "HT"), HasSubstr("not SOCKS5"));

  absl::Status status;
  ProxyHandshake refused(closed, "x", 1);
  ASSERT_EQ(parse(refused, "\x05\x02"s, &status), State::kSend);
  EXPECT_EQ(parse(refused, "\x01\x01"s, &status), State::kFailed);
  EXPECT_THAT(status.ToString(), HasSubstr("refuses user and password"));

  const auto reply = [&](const std::string& text) {
    ProxyHandshake handshake(open, "x", 1);
    EXPECT_EQ(parse(handshake, "\x05\x00"s, &status), State::kSend);
    size_t used = 0;
    EXPECT_EQ(handshake.parse(text.data(), text.size(), &used, &status),
              State::kFailed);
    return status.ToString();
  };
  EXPECT_THAT(reply("\x05\x05\x00\x01\x00"s),
              HasSubstr("connection refused (5)"));
  EXPECT_THAT(reply("\x05\x63\x00\x01\x00"s), HasSubstr("unknown reply (99)"));
  EXPECT_THAT(reply("\x04\x00\x00\x01\x00"s), HasSubstr("not SOCKS5"));
  EXPECT_THAT(reply("\x05\x00\x00\x09\x00"s), HasSubstr("unknown kind 9"));
}

TEST(ParseProxyTest, NoneIsAnAnswer) {
  EXPECT_EQ(parse_proxy({})->kind, ProxyKind::kNone);
}

TEST(ParseProxyTest, WhatIsWrongIsSaidWithoutThePassword) {
  const auto problem = [](const std::string& url, const std::string& user,
                          const std::string& password) {
    const std::string text =
        parse_proxy({.url = url, .user = user, .password = Secret(password)})
            .status()
            .ToString();
    EXPECT_THAT(text, Not(HasSubstr("hunter2")));
    return text;
  };
  EXPECT_THAT(problem("", "me", "hunter2"), HasSubstr("no url"));
  EXPECT_THAT(problem("h:1", "", ""), HasSubstr("no \"://\""));
  EXPECT_THAT(problem("https://h", "", ""), HasSubstr("http or socks5"));
  EXPECT_THAT(problem("http://h/x", "", ""), HasSubstr("no path"));
  EXPECT_THAT(problem("http://h", "me", ""), HasSubstr("both user and"));
  EXPECT_THAT(problem("http://h", "a:b", "hunter2"), HasSubstr("RFC 7617"));
  EXPECT_THAT(problem("http://h", "me", "hunter2\r\n"), HasSubstr("control"));
  EXPECT_THAT(problem("socks5://h", std::string(256, 'u'), "hunter2"),
              HasSubstr("255"));
}

}  // namespace
}  // namespace wirebook
