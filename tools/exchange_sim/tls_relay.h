// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// A door of TLS in front of the simulator: what comes in over TLS goes on to a
// plain port of 127.0.0.1, and back. The certificate, for localhost and
// 127.0.0.1, is made at the start; its authority is written to a file for the
// clients (ca_file, SSL_CERT_FILE).
//
// A thread for each connection; for tests and demonstrations.
//
//   auto relay = TlsRelay::create(0, server->port(), "/tmp/sim_ca.pem");
//   std::printf("TLS on 127.0.0.1:%d\n", (*relay)->port());
#ifndef WIREBOOK_TOOLS_EXCHANGE_SIM_TLS_RELAY_H_
#define WIREBOOK_TOOLS_EXCHANGE_SIM_TLS_RELAY_H_

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "net/testing/certificates.h"

namespace wirebook::sim {

class TlsRelay {
 public:
  // Listens on `port` (0: any that is free) and begins.
  static absl::StatusOr<std::unique_ptr<TlsRelay>> create(
      std::uint16_t port, std::uint16_t plain_port, const std::string& ca_file);
  // Ends all connections.
  ~TlsRelay();
  TlsRelay(const TlsRelay&) = delete;
  TlsRelay& operator=(const TlsRelay&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  struct Connection {
    int client = -1;
    std::thread thread;
    std::atomic<bool> done{false};
  };

  TlsRelay() = default;
  void accept_all();
  void serve(Connection& connection);
  void relay(SSL* ssl, int client, int plain);
  void join_finished(bool all);

  testing::OpensslPtr<SSL_CTX> context_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::uint16_t plain_port_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
  std::mutex mutex_;  // guards connections_
  std::list<Connection> connections_;
};

}  // namespace wirebook::sim

#endif  // WIREBOOK_TOOLS_EXCHANGE_SIM_TLS_RELAY_H_
