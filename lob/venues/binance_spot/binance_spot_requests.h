// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Binance spot's requests (lob/venues/venue_requests.h). Source:
// binance/binance-spot-api-docs, web-socket-streams.md and rest-api.md.

#ifndef WIREBOOK_LOB_VENUES_BINANCE_SPOT_BINANCE_SPOT_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_BINANCE_SPOT_BINANCE_SPOT_REQUESTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "lob/venues/venue_requests.h"

namespace wirebook {

class BinanceSpotRequests final : public VenueRequests {
 public:
  std::string subscribe(const std::vector<std::string>& symbols,
                        const SubscriptionOptions& options) const override;
  std::string unsubscribe(const std::vector<std::string>& symbols,
                          const SubscriptionOptions& options) const override;
  // 5000 levels a side at most.
  std::string snapshot_target(std::string_view symbol,
                              int limit) const override;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_BINANCE_SPOT_BINANCE_SPOT_REQUESTS_H_
