// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/okx/okx_requests.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace wirebook {
namespace {

std::string argument(const char* channel, const std::string& symbol) {
  return absl::StrCat("{\"channel\":\"", channel, "\",\"instId\":\"", symbol,
                      "\"}");
}

class OkxRequests final : public VenueRequests {
 public:
  KeepAlive keep_alive() const override {
    return {.text = "ping", .interval_ns = 20'000'000'000};
  }

 private:
  std::string request(const char* verb, const std::vector<std::string>& symbols,
                      const SubscriptionOptions& options) const override {
    std::vector<std::string> arguments;
    for (const std::string& symbol : symbols) {
      arguments.push_back(argument("books", symbol));
      if (options.best_bid_offer) {
        arguments.push_back(argument("bbo-tbt", symbol));
      }
    }
    return absl::StrCat("{\"op\":\"", verb, "\",\"args\":[",
                        absl::StrJoin(arguments, ","), "]}");
  }
};

}  // namespace

const VenueRequests& okx_requests() {
  static const OkxRequests requests;
  return requests;
}

}  // namespace wirebook
