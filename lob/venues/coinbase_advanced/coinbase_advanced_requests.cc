// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/coinbase_advanced/coinbase_advanced_requests.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace wirebook {
namespace {

class CoinbaseAdvancedRequests final : public VenueRequests {
 public:
  // The channel without which the venue closes quiet ones.
  std::string greeting() const override {
    return "{\"type\":\"subscribe\",\"channel\":\"heartbeats\"}";
  }

  std::string instrument_target(std::string_view symbol,
                                std::string_view) const override {
    return absl::StrCat("/api/v3/brokerage/market/products/",
                        absl::string_view(symbol.data(), symbol.size()));
  }
  InstrumentFormat instrument_format() const override {
    return {.symbol = "product_id",
            .tick = "price_increment",
            .lot = "base_increment",
            .status = "status",
            .trading = "online"};
  }

 private:
  std::string request(const char* verb, const std::vector<std::string>& symbols,
                      const SubscriptionOptions&) const override {
    return absl::StrCat("{\"type\":\"", verb, "\",\"product_ids\":[\"",
                        absl::StrJoin(symbols, "\",\""),
                        "\"],\"channel\":\"level2\"}");
  }
};

}  // namespace

const VenueRequests& coinbase_advanced_requests() {
  static const CoinbaseAdvancedRequests requests;
  return requests;
}

}  // namespace wirebook
