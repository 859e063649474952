// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// What `lob_node run` is told: one TOML file, read whole and checked before
// anything connects. An unknown key, a wrong type or a value out of range is an
// error that names file, line and key. lob_node.example.toml explains each key.
//
//   absl::StatusOr<NodeConfig> config = read_config("lob_node.toml");
//   if (!config.ok()) std::cerr << config.status().message();

#ifndef WIREBOOK_APPS_LOB_NODE_CONFIG_H_
#define WIREBOOK_APPS_LOB_NODE_CONFIG_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "lob/book_pipeline.h"
#include "lob/venue.h"
#include "lob/venues/venue_requests.h"

namespace wirebook {

// One [[venue]] table: its WebSocket connections and their books.
struct VenueConfig {
  VenueId id = VenueId::kBinanceSpot;
  // The venue's id unless given; names the connection in logs and dumps.
  std::string name;
  // ws[s]://host[:port][/path]; empty at KuCoin, which is asked for it before
  // each connection.
  std::string url;
  // http[s]://host[:port]: where snapshots, tokens, and instruments if they are
  // asked for, come by REST.
  std::string rest_url;
  std::vector<std::string> symbols;
  // What the symbols are, in reports and dumps; "": VenueTraits::market.
  std::string market;
  // Steps, scales and status of the symbols come from the venue, before its
  // feeds begin; else they are the venue's usual ones.
  bool ask_for_instruments = false;
  // Books of single orders (lob/order_feed.h), not of levels.
  bool orders = false;
  // The file that read_credentials reads for a channel that wants to know its
  // clients; "": none. Read before each connection: what is in it may end.
  std::string credentials;
  int depth = 0;  // subscribed levels a side: Kraken, Bybit, Bitfinex
  int snapshot_limit = 5000;  // Binance: levels a side of a snapshot
  // Silence of the connection, pings included, that makes its books Stale and
  // the connection anew; 0: never. Kraken: 10 s.
  std::int64_t stale_after_ms = 60'000;
  bool best_bid_offer = true;  // Binance: subscribe bookTicker too
  // Each carries all books: 1, 2 or 4. Merged by the venue's ids where
  // VenueTraits::shared_ids; elsewhere each has books of its own, and a Live
  // one takes over from the one that is not (hot standby).
  std::size_t connections = 1;
  // Each connection is replaced, without a gap, after so long; 0: never. Where
  // VenueTraits::shared_ids; Binance, which ends one after 24 hours: 23 hours.
  std::int64_t rollover_after_ms = 0;
  // Where those ids are: how long a hole on one connection waits for what the
  // others bring, before the book is Gapped.
  std::int64_t line_patience_ms = 200;
};

struct NodeConfig {
  PipelineMode pipeline = PipelineMode::kFused;
  // Of the network thread and, staged, of the others.
  WaitMode wait = WaitMode::kAdaptive;
  // "" lets the kernel's features decide.
  std::string backend;
  int network_cpu = -1;
  int parser_cpu = -1;
  int book_cpu = -1;
  // Messages that may wait between threads, for the parser (staged) or, parsed,
  // 8.3 KiB each, for the books (two-threads); 0: 4096 and 1024. What comes
  // while so many do is dropped, and its books are Gapped.
  std::size_t ring_capacity = 0;
  std::vector<VenueConfig> venues;
};

// What `pipeline` and --pipeline take, in PipelineMode's order.
const std::vector<std::string>& pipeline_names();
const std::string& pipeline_name(PipelineMode mode);

// Ids of the venues that this build can parse.
std::vector<std::string> parsed_venue_names();

// A TOML file of `token`, or `key` and `secret` (Kraken), or `key`,
// `passphrase` and `secret` (Coinbase). No value of it stands in an error.
absl::StatusOr<ChannelCredentials> read_credentials(const std::string& path);

absl::StatusOr<NodeConfig> read_config(const std::string& path);

// For tests; `name` stands for the file in messages.
absl::StatusOr<NodeConfig> parse_config(std::string_view text,
                                        const std::string& name);

}  // namespace wirebook

#endif  // WIREBOOK_APPS_LOB_NODE_CONFIG_H_
