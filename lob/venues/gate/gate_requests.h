// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Gate's requests (lob/venues/venue_requests.h). Source:
// gate.com/docs/developers/apiv4/ws, "Changed order book levels", and
// .../futures/ws.

#ifndef WIREBOOK_LOB_VENUES_GATE_GATE_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_GATE_GATE_REQUESTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "lob/venue.h"
#include "lob/venues/venue_requests.h"

namespace wirebook {

class GateRequests final : public VenueRequests {
 public:
  // `venue` is one of Gate's.
  explicit GateRequests(VenueId venue) : venue_(venue) {}

  // One channel of one symbol a message: best_bid_offer is passed over. The
  // venue wants options.unix_seconds within a minute of its own.
  size_t symbols_a_request() const override { return 1; }
  std::string subscribe(const std::vector<std::string>& symbols,
                        const SubscriptionOptions& options) const override;
  std::string unsubscribe(const std::vector<std::string>& symbols,
                          const SubscriptionOptions& options) const override;
  // At most 100 levels a side.
  std::string snapshot_target(std::string_view symbol,
                              int limit) const override;
  std::string_view snapshot_symbol(std::string_view target) const override;

 private:
  std::string request(const char* event, const std::string& symbol,
                      const SubscriptionOptions& options) const;

  const VenueId venue_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_GATE_GATE_REQUESTS_H_
