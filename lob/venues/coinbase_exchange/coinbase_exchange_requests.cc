// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/coinbase_exchange/coinbase_exchange_requests.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace wirebook {
namespace {

class CoinbaseExchangeRequests final : public VenueRequests {
  std::string request(const char* verb, const std::vector<std::string>& symbols,
                      const SubscriptionOptions& options) const override {
    return absl::StrCat("{\"type\":\"", verb, "\",\"product_ids\":[\"",
                        absl::StrJoin(symbols, "\",\""),
                        "\"],\"channels\":[\"level2_batch\",\"heartbeat\"",
                        options.best_bid_offer ? ",\"ticker\"" : "", "]}");
  }
};

}  // namespace

const VenueRequests& coinbase_exchange_requests() {
  static const CoinbaseExchangeRequests requests;
  return requests;
}

}  // namespace wirebook
