// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/coinbase_exchange/coinbase_exchange_requests.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace wirebook {
namespace {

std::string request(const char* type, const std::vector<std::string>& symbols,
                    const SubscriptionOptions& options) {
  return absl::StrCat("{\"type\":\"", type, "\",\"product_ids\":[\"",
                      absl::StrJoin(symbols, "\",\""),
                      "\"],\"channels\":[\"level2_batch\",\"heartbeat\"",
                      options.best_bid_offer ? ",\"ticker\"" : "", "]}");
}

}  // namespace

std::string CoinbaseExchangeRequests::subscribe(
    const std::vector<std::string>& symbols,
    const SubscriptionOptions& options) const {
  return request("subscribe", symbols, options);
}

std::string CoinbaseExchangeRequests::unsubscribe(
    const std::vector<std::string>& symbols,
    const SubscriptionOptions& options) const {
  return request("unsubscribe", symbols, options);
}

std::string CoinbaseExchangeRequests::snapshot_target(std::string_view,
                                                      int) const {
  return std::string();
}

}  // namespace wirebook
