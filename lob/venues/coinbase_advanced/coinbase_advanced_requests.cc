// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/coinbase_advanced/coinbase_advanced_requests.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace wirebook {
namespace {

std::string request(const char* type, const std::vector<std::string>& symbols) {
  return absl::StrCat("{\"type\":\"", type, "\",\"product_ids\":[\"",
                      absl::StrJoin(symbols, "\",\""),
                      "\"],\"channel\":\"level2\"}");
}

}  // namespace

std::string CoinbaseAdvancedRequests::subscribe(
    const std::vector<std::string>& symbols, const SubscriptionOptions&) const {
  return request("subscribe", symbols);
}

std::string CoinbaseAdvancedRequests::unsubscribe(
    const std::vector<std::string>& symbols, const SubscriptionOptions&) const {
  return request("unsubscribe", symbols);
}

std::string CoinbaseAdvancedRequests::snapshot_target(std::string_view,
                                                      int) const {
  return std::string();
}

std::string CoinbaseAdvancedRequests::greeting() const {
  return "{\"type\":\"subscribe\",\"channel\":\"heartbeats\"}";
}

}  // namespace wirebook
