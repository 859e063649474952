// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Coinbase Advanced Trade's requests (lob/venues/venue_requests.h). Source:
// docs.cdp.coinbase.com, "Advanced Trade WebSocket channels".

#ifndef WIREBOOK_LOB_VENUES_COINBASE_ADVANCED_COINBASE_ADVANCED_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_COINBASE_ADVANCED_COINBASE_ADVANCED_REQUESTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "lob/venues/venue_requests.h"

namespace wirebook {

class CoinbaseAdvancedRequests final : public VenueRequests {
 public:
  // The venue takes one channel a message: this is `level2`, always whole
  // books.
  std::string subscribe(const std::vector<std::string>& symbols,
                        const SubscriptionOptions& options) const override;
  std::string unsubscribe(const std::vector<std::string>& symbols,
                          const SubscriptionOptions& options) const override;
  // Empty: a subscription begins with a snapshot.
  std::string snapshot_target(std::string_view symbol,
                              int limit) const override;
  // The channel without which the venue closes quiet ones.
  std::string greeting() const override;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_COINBASE_ADVANCED_COINBASE_ADVANCED_REQUESTS_H_
