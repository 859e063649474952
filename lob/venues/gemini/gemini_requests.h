// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Gemini's requests (lob/venues/venue_requests.h). Source: docs.gemini.com,
// "Market Data Version 2".

#ifndef WIREBOOK_LOB_VENUES_GEMINI_GEMINI_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_GEMINI_GEMINI_REQUESTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "lob/venues/venue_requests.h"

namespace wirebook {

class GeminiRequests final : public VenueRequests {
 public:
  std::string subscribe(const std::vector<std::string>& symbols,
                        const SubscriptionOptions& options) const override;
  std::string unsubscribe(const std::vector<std::string>& symbols,
                          const SubscriptionOptions& options) const override;
  // Empty: a subscription begins with a snapshot.
  std::string snapshot_target(std::string_view symbol,
                              int limit) const override;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_GEMINI_GEMINI_REQUESTS_H_
