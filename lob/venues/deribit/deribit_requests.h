// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Deribit's requests, JSON-RPC over WebSocket (lob/venues/venue_requests.h).
// Source: docs.deribit.com, "book.{instrument_name}.{interval}".

#ifndef WIREBOOK_LOB_VENUES_DERIBIT_DERIBIT_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_DERIBIT_DERIBIT_REQUESTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "lob/venues/venue_requests.h"

namespace wirebook {

class DeribitRequests final : public VenueRequests {
 public:
  // Always the 100 ms channel, whole books: the raw one needs a login.
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

#endif  // WIREBOOK_LOB_VENUES_DERIBIT_DERIBIT_REQUESTS_H_
