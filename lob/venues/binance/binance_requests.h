// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Binance's requests (lob/venues/venue_requests.h). Source:
// binance/binance-spot-api-docs, web-socket-streams.md and rest-api.md, and
// developers.binance.com/docs/derivatives for futures.

#ifndef WIREBOOK_LOB_VENUES_BINANCE_BINANCE_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_BINANCE_BINANCE_REQUESTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "lob/venue.h"
#include "lob/venues/venue_requests.h"

namespace wirebook {

class BinanceRequests final : public VenueRequests {
 public:
  // `venue` is one of Binance's.
  explicit BinanceRequests(VenueId venue) : venue_(venue) {}

  std::string subscribe(const std::vector<std::string>& symbols,
                        const SubscriptionOptions& options) const override;
  std::string unsubscribe(const std::vector<std::string>& symbols,
                          const SubscriptionOptions& options) const override;
  // At most 5,000 levels a side on spot, 1,000 on futures.
  std::string snapshot_target(std::string_view symbol,
                              int limit) const override;

 private:
  const VenueId venue_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_BINANCE_BINANCE_REQUESTS_H_
