// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What a client says to a venue: the texts that subscribe and unsubscribe, and
// the REST target of a depth snapshot. One implementation a venue, in its
// folder; find_venue_requests.h has the table.
//
// Thread rules: stateless; any thread. Cost: builds a string; not for the hot
// path.
//
//   const VenueRequests& requests = find_venue_requests(VenueId::kKraken);
//   reader->send_text(requests.subscribe({"BTC/USD"}, {.depth = 25}));

#ifndef WIREBOOK_LOB_VENUES_VENUE_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_VENUE_REQUESTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wirebook {

struct SubscriptionOptions {
  int depth = 0;  // levels a side, where the venue lets one choose
  bool best_bid_offer = false;  // its own best bid and offer, where it has one
};

// What is said every so often, so that the venue keeps the connection.
struct KeepAlive {
  std::string text = {};  // empty: the venue asks for nothing
  uint64_t interval_ns = 0;
};

class VenueRequests {
 public:
  virtual ~VenueRequests() = default;

  // One text message each, within the venue's limits for any number of symbols
  // that one connection may carry.
  virtual std::string subscribe(const std::vector<std::string>& symbols,
                                const SubscriptionOptions& options) const = 0;
  virtual std::string unsubscribe(const std::vector<std::string>& symbols,
                                  const SubscriptionOptions& options) const = 0;

  // Path and query of the depth snapshot; empty where the venue's stream brings
  // its own.
  virtual std::string snapshot_target(std::string_view symbol,
                                      int limit) const = 0;

  // What is said first on a connection; empty: nothing.
  virtual std::string greeting() const { return {}; }
  virtual KeepAlive keep_alive() const { return {}; }
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_VENUE_REQUESTS_H_
