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
// One look-up asks for both families and sorts what comes by RFC 6724, with the
// policy of /etc/gai.conf; it waits for the slower answer. Where one is lost (a
// name server that is silent about AAAA, a NAT that drops one of two queries
// from one port) that takes it 5 s and more. So when there is nothing after
// kLateNs each family is asked for by a look-up of its own, too, and what comes
// of these first counts, IPv6 before IPv4, after at most kResolutionDelayNs for
// the other (RFC 8305, section 3). That section would ask apart from the start;
// then nobody would have sorted the families.
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
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "net/socket_address.h"
#include "net/uring_loop.h"

namespace wirebook {

// At least one address, or why there is none.
using Addresses = absl::StatusOr<std::vector<SocketAddress>>;

// What looks a name up in a family: AF_INET6, AF_INET, or AF_UNSPEC for both.
// Blocks, and is called on threads of its own, after the Resolver's end too.
using LookUp = std::function<Addresses(const std::string& host, uint16_t port,
                                       int family)>;

// The system's, in the order of RFC 6724; at most 16 addresses.
Addresses system_look_up(const std::string& host, uint16_t port, int family);

class ResolverHandler {
 public:
  virtual ~ResolverHandler() = default;
  // Once per start(), in a later turn of the loop; never after cancel(). May
  // start again, or end the Resolver.
  virtual void on_resolved(Addresses found) noexcept = 0;
};

class Resolver final : private LoopTask, private LoopTimer {
 public:
  static constexpr size_t kMaxThreads = 16;
  static constexpr uint64_t kLateNs = 250'000'000;
  static constexpr uint64_t kResolutionDelayNs = 50'000'000;

  // Loop and handler are there.
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

  // A look-up that was begun; at most one of the two is set.
  struct Question {
    std::shared_ptr<Request> request;
    std::optional<Addresses> answer;
  };

  void run() noexcept override;
  void on_timer() noexcept override;
  void ask(Question& question, int family);
  bool found_apart() const noexcept;
  void answer_apart();
  void answer(Addresses found) noexcept;

  UringLoop* const loop_;
  ResolverHandler* const handler_;
  const LookUp look_up_;
  std::string host_;
  uint16_t port_ = 0;
  bool asked_apart_ = false;
  Question both_, six_, four_;
};

}  // namespace wirebook

#endif  // WIREBOOK_NET_RESOLVER_H_
