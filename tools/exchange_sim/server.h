// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The simulator on a socket: HTTP and WebSocket of both venues on one port of
// 127.0.0.1, written with Boost.Beast.
//
// A client that does not read is dropped with close code 1008 once its queue
// is over the bound, and counted; so is one that answers no ping. One thread:
// the one that calls run().
//
//   auto server = Server::create(std::move(options));
//   std::printf("listening on 127.0.0.1:%d\n", (*server)->port());
//   (*server)->run();
#ifndef WIREBOOK_TOOLS_EXCHANGE_SIM_SERVER_H_
#define WIREBOOK_TOOLS_EXCHANGE_SIM_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "tools/exchange_sim/gateway.h"

namespace wirebook::sim {

struct ServerOptions {
  GatewayOptions gateway;
  std::uint16_t port = 0;  // 0 = any that is free
  double ping_seconds = 20;
  // Splits every third frame, with a ping between the fragments.
  bool fragment = false;
  std::size_t max_queue_bytes = std::size_t{16} << 20;
  // Generation starts with the first WebSocket client, not with run().
  bool wait_for_client = false;
  // SIGINT and SIGTERM end run().
  bool handle_signals = false;
  // Called once, when nothing is left to generate, replay or send.
  std::function<void()> on_quiesced;
};

class Server {
 public:
  // Binds and listens.
  static absl::StatusOr<std::unique_ptr<Server>> create(ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;
  // Serves until stop() or a signal.
  void run();
  // Ends generation, as its seconds do. From any thread.
  void finish();
  // Says goodbye (close code 1001) and ends run() within half a second. From
  // any thread.
  void stop();

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wirebook::sim

#endif  // WIREBOOK_TOOLS_EXCHANGE_SIM_SERVER_H_
