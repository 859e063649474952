// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/socket_address.h"

#include "gtest/gtest.h"

namespace wirebook {
namespace {

TEST(SocketAddressTest, NumbersAreUnderstood) {
  const auto four = parse_socket_address("192.0.2.7", 443);
  ASSERT_TRUE(four.has_value());
  EXPECT_EQ(four->family(), AF_INET);
  EXPECT_EQ(four->to_string(), "192.0.2.7:443");
  const auto six = parse_socket_address("2001:db8::1", 65535);
  ASSERT_TRUE(six.has_value());
  EXPECT_EQ(six->family(), AF_INET6);
  EXPECT_EQ(six->to_string(), "[2001:db8::1]:65535");
}

TEST(SocketAddressTest, NamesAreNotLookedUp) {
  EXPECT_FALSE(parse_socket_address("localhost", 80).has_value());
  EXPECT_FALSE(parse_socket_address("1.2.3.4.example", 80).has_value());
  EXPECT_FALSE(parse_socket_address("[::1]", 80).has_value());
}

TEST(SocketAddressTest, WhatIsNoIpAddressSaysSo) {
  EXPECT_EQ(SocketAddress{}.to_string(), "no IP address");
}

}  // namespace
}  // namespace wirebook
