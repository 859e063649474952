// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// OKX's requests, WebSocket API v5 (lob/venues/venue_requests.h). Source: OKX
// API guide, "Order book channel".

#ifndef WIREBOOK_LOB_VENUES_OKX_OKX_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_OKX_OKX_REQUESTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "lob/venues/venue_requests.h"

namespace wirebook {

class OkxRequests final : public VenueRequests {
 public:
  // Always `books`, 400 levels: the deeper and faster channels need a login.
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

#endif  // WIREBOOK_LOB_VENUES_OKX_OKX_REQUESTS_H_
