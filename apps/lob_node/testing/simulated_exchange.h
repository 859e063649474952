// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// An exchange_sim in a thread of the test's own.
//
//   SimulatedExchange exchange(std::move(server_options));
//   connect("ws://127.0.0.1:" + std::to_string(exchange.port()));
//   exchange.finish();
//   while (!exchange.quiesced()) turn();

#ifndef WIREBOOK_APPS_LOB_NODE_TESTING_SIMULATED_EXCHANGE_H_
#define WIREBOOK_APPS_LOB_NODE_TESTING_SIMULATED_EXCHANGE_H_

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "tools/exchange_sim/server.h"

namespace wirebook {

class SimulatedExchange {
 public:
  explicit SimulatedExchange(sim::ServerOptions options);
  ~SimulatedExchange();
  SimulatedExchange(const SimulatedExchange&) = delete;
  SimulatedExchange& operator=(const SimulatedExchange&) = delete;

  int port() const { return server_->port(); }
  void finish() { server_->finish(); }
  bool quiesced() const { return quiesced_; }
  // The body of its answer; empty unless it says 200.
  std::string get(const std::string& target) const;

 private:
  std::unique_ptr<sim::Server> server_;
  std::thread thread_;
  std::atomic<bool> quiesced_{false};
};

}  // namespace wirebook

#endif  // WIREBOOK_APPS_LOB_NODE_TESTING_SIMULATED_EXCHANGE_H_
