// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Kraken's requests, WebSocket API v2 (lob/venues/venue_requests.h). Source:
// docs.kraken.com, "Book (Level 2)" channel.

#ifndef WIREBOOK_LOB_VENUES_KRAKEN_KRAKEN_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_KRAKEN_KRAKEN_REQUESTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "lob/venues/venue_requests.h"

namespace wirebook {

class KrakenRequests final : public VenueRequests {
 public:
  // `depth` is 10, 25, 100, 500 or 1000; the venue refuses others.
  std::string subscribe(const std::vector<std::string>& symbols,
                        const SubscriptionOptions& options) const override;
  std::string unsubscribe(const std::vector<std::string>& symbols,
                          const SubscriptionOptions& options) const override;
  // Empty: a subscription begins with a snapshot.
  std::string snapshot_target(std::string_view symbol,
                              int limit) const override;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_KRAKEN_KRAKEN_REQUESTS_H_
