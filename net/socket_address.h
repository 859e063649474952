// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// SocketAddress: an IPv4 or IPv6 address with its port, as the socket calls
// take it.
//
// For hosts that are given as numbers; Resolver looks names up. A value, no
// allocation but in to_string().
//
//   auto address = wirebook::parse_socket_address("::1", 443);
//   loop->open(address->get(), address->size, slab, &handler);

#ifndef WIREBOOK_NET_SOCKET_ADDRESS_H_
#define WIREBOOK_NET_SOCKET_ADDRESS_H_

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

namespace wirebook {

struct SocketAddress {
  sockaddr_storage bytes = {};
  socklen_t size = 0;

  const sockaddr* get() const {
    return reinterpret_cast<const sockaddr*>(&bytes);
  }
  int family() const { return bytes.ss_family; }
  // "127.0.0.1:80", "[::1]:80".
  std::string to_string() const;
};

// Nothing when `host` is not a number: a name, say. IPv6 without brackets; a
// scope (fe80::1%eth0) is understood. Does not block.
std::optional<SocketAddress> parse_socket_address(const std::string& host,
                                                  uint16_t port);

}  // namespace wirebook

#endif  // WIREBOOK_NET_SOCKET_ADDRESS_H_
