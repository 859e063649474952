// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// KuCoin's requests (lob/venues/venue_requests.h). Source:
// kucoin.com/docs-new, "Orderbook - Increment" and "Get Part OrderBook".

#ifndef WIREBOOK_LOB_VENUES_KUCOIN_KUCOIN_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_KUCOIN_KUCOIN_REQUESTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "lob/venues/venue_requests.h"

namespace wirebook {

class KucoinRequests final : public VenueRequests {
 public:
  // One topic a message, and as many symbols in it; best_bid_offer is passed
  // over.
  size_t symbols_a_request() const override { return 100; }
  std::string subscribe(const std::vector<std::string>& symbols,
                        const SubscriptionOptions& options) const override;
  std::string unsubscribe(const std::vector<std::string>& symbols,
                          const SubscriptionOptions& options) const override;
  // 100 levels a side, whatever the limit: more take a key.
  std::string snapshot_target(std::string_view symbol,
                              int limit) const override;
  std::string_view snapshot_symbol(std::string_view target) const override;
  KeepAlive keep_alive() const override;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_KUCOIN_KUCOIN_REQUESTS_H_
