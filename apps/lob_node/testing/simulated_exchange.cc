// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "apps/lob_node/testing/simulated_exchange.h"

#include <httplib.h>

#include <cstdlib>
#include <string>
#include <utility>

namespace wirebook {

SimulatedExchange::SimulatedExchange(sim::ServerOptions options) {
  options.on_quiesced = [this] { quiesced_ = true; };
  auto server = sim::Server::create(std::move(options));
  if (!server.ok()) std::abort();
  server_ = *std::move(server);
  thread_ = std::thread([this] { server_->run(); });
}

SimulatedExchange::~SimulatedExchange() {
  server_->stop();
  thread_.join();
}

std::string SimulatedExchange::get(const std::string& target) const {
  httplib::Client client("127.0.0.1", port());
  const auto reply = client.Get(target.c_str());
  return reply && reply->status == 200 ? reply->body : "";
}

}  // namespace wirebook
