// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Resolver: looks a host's name up without holding up a loop.
//
// StreamConnector uses one; take it alone for another protocol over TCP. A host
// that is a number needs none: parse_socket_address().
//
// The system's own look-up (getaddrinfo: hosts file, DNS, whatever nsswitch
// says) blocks for seconds when a name server is down. So it runs on threads
// that all resolvers of the process share, at most kMaxThreads at a time, each
// of which ends when nothing more is waiting. Neither cancel() nor the
// destructor waits for them: a look-up that nobody wants any more is left
// behind, and its answer dropped.
//
// Thread rules: everything on the loop's thread, the handler's call too.
//
//   struct Printer : wirebook::ResolverHandler {
//     void on_resolved(wirebook::Addresses found) noexcept override { ... }
//   } printer;
//   wirebook::Resolver resolver(loop, &printer);
//   resolver.start("example.com", 443);

#ifndef WIREBOOK_NET_RESOLVER_H_
#define WIREBOOK_NET_RESOLVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "net/socket_address.h"
#include "net/uring_loop.h"

namespace wirebook {

// At least one address, or why there is none.
using Addresses = absl::StatusOr<std::vector<SocketAddress>>;

// What looks a name up: blocks, and is called on a thread of its own, after
// the Resolver's end too.
using LookUp = std::function<Addresses(const std::string& host, uint16_t port)>;

// The system's, both families in the order of RFC 6724; at most 16 addresses.
Addresses system_look_up(const std::string& host, uint16_t port);

class ResolverHandler {
 public:
  virtual ~ResolverHandler() = default;
  // Once per start(), in a later turn of the loop; never after cancel(). May
  // start again, or end the Resolver.
  virtual void on_resolved(Addresses found) noexcept = 0;
};

class Resolver final : private LoopTask {
 public:
  static constexpr size_t kMaxThreads = 16;

  Resolver(UringLoop* loop, ResolverHandler* handler,
           LookUp look_up = system_look_up);
  // Before the loop.
  ~Resolver() override;
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Begins to look up `host`; one that is under way is given up.
  void start(std::string host, uint16_t port);
  void cancel() noexcept;

 private:
  struct Request;
  class Workers;

  void run() noexcept override;

  UringLoop* const loop_;
  ResolverHandler* const handler_;
  const LookUp look_up_;
  std::shared_ptr<Request> request_;  // nullptr: none is under way
};

}  // namespace wirebook

#endif  // WIREBOOK_NET_RESOLVER_H_
