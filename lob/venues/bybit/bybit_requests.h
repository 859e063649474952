// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Bybit's requests, WebSocket API v5 (lob/venues/venue_requests.h). Source:
// bybit-exchange.github.io/docs/v5/websocket/public/orderbook.

#ifndef WIREBOOK_LOB_VENUES_BYBIT_BYBIT_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_BYBIT_BYBIT_REQUESTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "lob/venues/venue_requests.h"

namespace wirebook {

class BybitRequests final : public VenueRequests {
 public:
  // `depth` is 50, 200 or 1000, options 25 or 100; 0 means 200. On spot the
  // venue takes ten symbols a request.
  std::string subscribe(const std::vector<std::string>& symbols,
                        const SubscriptionOptions& options) const override;
  std::string unsubscribe(const std::vector<std::string>& symbols,
                          const SubscriptionOptions& options) const override;
  // Empty: a subscription begins with a snapshot.
  std::string snapshot_target(std::string_view symbol,
                              int limit) const override;
  KeepAlive keep_alive() const override;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_BYBIT_BYBIT_REQUESTS_H_
