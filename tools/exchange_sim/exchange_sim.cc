// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// A deterministic exchange on 127.0.0.1; README.md has the flags.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tools/exchange_sim/capture.h"
#include "tools/exchange_sim/fault.h"
#include "tools/exchange_sim/server.h"
#include "tools/exchange_sim/tls_relay.h"
#include "tools/exchange_sim/venue_adapter.h"

namespace wirebook::sim {
namespace {

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

int fail(const std::string& message) {
  std::fprintf(stderr, "exchange_sim: %s\n", message.c_str());
  return 2;
}

int main(int argc, char** argv) {
  ServerOptions options;
  GatewayOptions& gateway = options.gateway;
  ExchangeOptions& exchange = gateway.exchange;
  std::vector<std::string> replays;
  std::string venue;
  std::string tls_ca;
  std::uint16_t tls_port = 0;
  std::string fault = "none";

  CLI::App app("A deterministic exchange on 127.0.0.1");
  app.add_option("--port", options.port, "Port; 0 = any that is free");
  app.add_option("--seed", exchange.seed, "What the content depends on");
  app.add_option("--rate", exchange.rate, "Book events per second and symbol")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--levels", exchange.levels, "Levels a side, about")
      ->check(CLI::Range(20, 4500));
  app.add_option("--symbols-binance", exchange.binance_symbols,
                 "Binance spot symbols, upper case")
      ->delimiter(',');
  app.add_option("--symbols-kraken", exchange.kraken_symbols,
                 "Kraken symbols, BTC/USD")
      ->delimiter(',');
  for (const VenueAdapter* adapter : all_adapters()) {
    const std::string name(adapter->venue());
    if (name == "binance-spot" || name == "kraken") continue;
    app.add_option("--symbols-" + name, exchange.symbols[name],
                   name + " symbols, as the venue writes them")
        ->delimiter(',');
  }
  app.add_option("--batch-ms", exchange.batch_ms,
                 "Milliseconds of a depth batch; 0 = as the rate suggests")
      ->check(CLI::Range(0, 1000));
  app.add_option("--fault", fault, "What goes wrong with depth messages")
      ->check(CLI::IsMember(fault_names()));
  app.add_option("--fault-count", gateway.fault.count,
                 "How often, for each subscription's topic");
  app.add_option("--fault-every", gateway.fault.every,
                 "Messages from one to the next, about")
      ->check(CLI::PositiveNumber);
  app.add_option("--start-time", exchange.start_time_ms,
                 "Time of the first event, ms since 1970");
  app.add_option("--seconds", gateway.seconds,
                 "Seconds of generation; 0 = for ever")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--wait-for-client", options.wait_for_client,
               "Generate from the first WebSocket connection on");
  app.add_option("--replay", replays,
                 "Stream this capture instead; once for each venue");
  app.add_option("--speed", gateway.speed,
                 "Replay: 0 = as fast as taken, 1 = as recorded")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--venue", venue, "Venue of captures without a header")
      ->check(CLI::IsMember({"binance-spot", "binance-usdm", "kraken"}));
  app.add_option("--ping-seconds", options.ping_seconds,
                 "Between server pings; 0 = none")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--fragment", options.fragment,
               "Split every third frame, with a ping in between");
  app.add_option("--max-queue-bytes", options.max_queue_bytes,
                 "A client further behind is dropped");
  app.add_option("--tls-ca", tls_ca,
                 "Serve TLS too; the authority that clients must trust is "
                 "written to this file");
  app.add_option("--tls-port", tls_port, "Port for TLS; 0 = any that is free");
  CLI11_PARSE(app, argc, argv);

  std::erase_if(exchange.symbols,
                [](const auto& entry) { return entry.second.empty(); });
  gateway.fault.kind = *find_fault(fault);
  gateway.fault.seed = exchange.seed;
  for (const std::string& path : replays) {
    absl::StatusOr<Capture> capture = read_capture(path, venue);
    if (!capture.ok()) return fail(std::string(capture.status().message()));
    for (const Capture& other : gateway.captures) {
      if ((other.venue == "kraken") == (capture->venue == "kraken")) {
        return fail(path + ": a second capture of one venue");
      }
    }
    const bool kraken = capture->venue == "kraken";
    if (!(kraken ? exchange.kraken_symbols : exchange.binance_symbols)
             .empty()) {
      return fail(path + ": the venue cannot generate and replay at once");
    }
    gateway.captures.push_back(std::move(*capture));
  }
  if (replays.empty() && exchange.binance_symbols.empty() &&
      exchange.kraken_symbols.empty() && exchange.symbols.empty()) {
    exchange.binance_symbols = {"BTCUSDT", "ETHUSDT"};
    exchange.kraken_symbols = {"BTC/USD", "ETH/USD"};
  }
  options.handle_signals = true;
  options.on_quiesced = [] { say("quiesced"); };

  absl::StatusOr<std::unique_ptr<Server>> server =
      Server::create(std::move(options));
  if (!server.ok()) return fail(std::string(server.status().message()));
  std::unique_ptr<TlsRelay> relay;
  if (!tls_ca.empty()) {
    auto made = TlsRelay::create(tls_port, (*server)->port(), tls_ca);
    if (!made.ok()) return fail(std::string(made.status().message()));
    relay = *std::move(made);
  }
  say("listening on 127.0.0.1:" + std::to_string((*server)->port()));
  if (relay != nullptr) {
    say("listening with TLS on 127.0.0.1:" + std::to_string(relay->port()));
  }
  (*server)->run();
  return 0;
}

}  // namespace
}  // namespace wirebook::sim

int main(int argc, char** argv) { return wirebook::sim::main(argc, argv); }
