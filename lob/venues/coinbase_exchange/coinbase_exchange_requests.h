// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Coinbase Exchange's requests (lob/venues/venue_requests.h). Source:
// docs.cdp.coinbase.com/exchange/websocket-feed/channels.

#ifndef WIREBOOK_LOB_VENUES_COINBASE_EXCHANGE_COINBASE_EXCHANGE_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_COINBASE_EXCHANGE_COINBASE_EXCHANGE_REQUESTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "lob/venues/venue_requests.h"

namespace wirebook {

class CoinbaseExchangeRequests final : public VenueRequests {
 public:
  // level2_batch, which needs no key, and heartbeat; best_bid_offer adds
  // ticker.
  std::string subscribe(const std::vector<std::string>& symbols,
                        const SubscriptionOptions& options) const override;
  std::string unsubscribe(const std::vector<std::string>& symbols,
                          const SubscriptionOptions& options) const override;
  // Empty: a subscription begins with a snapshot.
  std::string snapshot_target(std::string_view symbol,
                              int limit) const override;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_COINBASE_EXCHANGE_COINBASE_EXCHANGE_REQUESTS_H_
