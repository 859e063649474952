// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Bitstamp's requests (lob/venues/venue_requests.h). Source:
// bitstamp.net/websocket/v2 and bitstamp.net/api.

#ifndef WIREBOOK_LOB_VENUES_BITSTAMP_BITSTAMP_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_BITSTAMP_BITSTAMP_REQUESTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "lob/venues/venue_requests.h"

namespace wirebook {

class BitstampRequests final : public VenueRequests {
 public:
  // One channel a message, and so one symbol.
  size_t symbols_a_request() const override { return 1; }
  std::string subscribe(const std::vector<std::string>& symbols,
                        const SubscriptionOptions& options) const override;
  std::string unsubscribe(const std::vector<std::string>& symbols,
                          const SubscriptionOptions& options) const override;
  // The whole book, whatever the limit.
  std::string snapshot_target(std::string_view symbol,
                              int limit) const override;
  std::string_view snapshot_symbol(std::string_view target) const override;
  KeepAlive keep_alive() const override;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_BITSTAMP_BITSTAMP_REQUESTS_H_
