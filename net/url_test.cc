// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/url.h"

#include <string>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

TEST(UrlTest, SplitsAnAddress) {
  const auto url = parse_url("ws://example.com:9001/stream?x=1/2");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->scheme, "ws");
  EXPECT_EQ(url->host, "example.com");
  EXPECT_EQ(url->port, 9001);
  EXPECT_EQ(url->target, "/stream?x=1/2");
  EXPECT_EQ(url->authority(), "example.com:9001");
  EXPECT_FALSE(url->tls());
}

TEST(UrlTest, DefaultsFollowTheScheme) {
  EXPECT_EQ(parse_url("ws://h")->port, 80);
  EXPECT_EQ(parse_url("http://h")->port, 80);
  EXPECT_EQ(parse_url("WSS://h")->port, 443);
  EXPECT_EQ(parse_url("https://h")->port, 443);
  EXPECT_EQ(parse_url("socks5://h")->port, 1080);
  EXPECT_EQ(parse_url("ws://h")->target, "/");
  EXPECT_EQ(parse_url("ws://h?q")->target, "/?q");
  EXPECT_EQ(parse_url("ws://h:80")->authority(), "h");
  EXPECT_EQ(parse_url("wss://h:80")->authority(), "h:80");
  EXPECT_EQ(parse_url("socks5://h:1080")->authority(), "h");
}

TEST(UrlTest, Ipv6InBrackets) {
  const auto url = parse_url("ws://[::1]:81/x");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->port, 81);
  EXPECT_EQ(url->authority(), "[::1]:81");
}

TEST(UrlTest, WhatIsWrongIsRefused) {
  for (const char* text :
       {"", "h:80", "ftp://h", "ws://", "ws:///x", "ws://h:", "ws://h:0",
        "ws://h:65536", "ws://h:8o", "ws://h:-1", "ws://u@h/", "ws://[::1",
        "ws://[::1]x", "ws://h/#f", "ws://h/a b", "ws://h/\r\nX: y"}) {
    EXPECT_FALSE(parse_url(text).ok()) << text;
  }
  const std::string host(253, 'h');
  EXPECT_TRUE(parse_url("ws://" + host).ok());
  EXPECT_FALSE(parse_url("ws://" + host + "h").ok());
}

TEST(UrlTest, WhatStandsBehindTheQuestionMarkIsNotTold) {
  EXPECT_EQ(without_query("wss://h/a?token=1"), "wss://h/a");
  EXPECT_EQ(without_query("wss://h/a"), "wss://h/a");
  const auto url = parse_url("ws://h:0/?token=secret");
  EXPECT_EQ(url.status().ToString().find("secret"), std::string::npos);
}

TEST(UrlTest, AnErrorQuotesABoundedLine) {
  const std::string much(60'000, 'x');
  for (const std::string& text :
       {"ws://h/\r\n" + much, "ws://" + much + "/\n"}) {
    const std::string says = parse_url(text).status().ToString();
    EXPECT_LT(says.size(), 1000u);
    EXPECT_EQ(says.find('\n'), std::string::npos);
  }
}

}  // namespace
}  // namespace wirebook
