// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/kraken/kraken_requests.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace wirebook {
namespace {

class KrakenRequests final : public VenueRequests {
 public:
  std::string instrument_request() const override {
    return "{\"method\":\"subscribe\",\"params\":{\"channel\":\"instrument\","
           "\"snapshot\":true}}";
  }
  InstrumentFormat instrument_format() const override {
    return {.list = "data.pairs",
            .tick = "price_increment",
            .lot = "qty_increment",
            .status = "status",
            .trading = "online"};
  }

 private:
  std::string request(const char* verb, const std::vector<std::string>& symbols,
                      const SubscriptionOptions& options) const override {
    const bool subscribes = std::string_view(verb) == "subscribe";
    const bool known = options.orders && options.credentials != nullptr;
    return absl::StrCat(
        "{\"method\":\"", verb, "\",\"params\":{\"channel\":\"",
        options.orders ? "level3" : "book", "\",\"symbol\":[\"",
        absl::StrJoin(symbols, "\",\""), "\"],\"depth\":", options.depth,
        subscribes ? ",\"snapshot\":true" : "", known ? ",\"token\":\"" : "",
        known ? options.credentials->token : "", known ? "\"}}" : "}}");
  }
};

}  // namespace

const VenueRequests& kraken_requests() {
  static const KrakenRequests requests;
  return requests;
}

}  // namespace wirebook
