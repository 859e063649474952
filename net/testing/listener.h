// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Listener: a listening socket without a server: the kernel completes the
// connects and nobody speaks; or, full, a black hole for all who connect.
//
// For tests of net that need addresses which connect, or which stay silent.
// Use ScriptedServer where something is to be said.
//
//   const Listener black_hole("127.0.0.1", Listener::kFull);
//   connect(black_hole.address());  // neither succeeds nor fails

#ifndef WIREBOOK_NET_TESTING_LISTENER_H_
#define WIREBOOK_NET_TESTING_LISTENER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "net/socket_address.h"

namespace wirebook::testing {

class Listener {
 public:
  enum Kind : uint8_t { kOpen, kFull };

  // On a port of its own of `host`, a number.
  explicit Listener(const std::string& host, Kind kind = kOpen);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  const SocketAddress& address() const { return address_; }
  uint16_t port() const;
  // Connections that have been completed so far; those of its own that fill a
  // full one are none.
  int accepted() const;
  // A full one takes connections from here on.
  void make_room();

 private:
  int fd_;
  SocketAddress address_;
  std::vector<int> own_;
  mutable std::vector<int> taken_;
};

}  // namespace wirebook::testing

#endif  // WIREBOOK_NET_TESTING_LISTENER_H_
