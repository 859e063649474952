// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Bitfinex's requests (lob/venues/venue_requests.h). Source:
// docs.bitfinex.com, "General", "Public books", "WebSocket checksum".

#ifndef WIREBOOK_LOB_VENUES_BITFINEX_BITFINEX_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_BITFINEX_BITFINEX_REQUESTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "lob/venues/venue_requests.h"

namespace wirebook {

class BitfinexRequests final : public VenueRequests {
 public:
  // One channel of one symbol (tBTCUSD) a message: best_bid_offer is passed
  // over. `depth` is 25, 100 or 250; 0 means 250.
  size_t symbols_a_request() const override { return 1; }
  std::string subscribe(const std::vector<std::string>& symbols,
                        const SubscriptionOptions& options) const override;
  // Empty: it takes the channel's number on the connection.
  std::string unsubscribe(const std::vector<std::string>& symbols,
                          const SubscriptionOptions& options) const override;
  // Empty: a subscription begins with a snapshot.
  std::string snapshot_target(std::string_view symbol,
                              int limit) const override;
  // Asks for the connection's count and the books' checksums.
  std::string greeting() const override;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_BITFINEX_BITFINEX_REQUESTS_H_
