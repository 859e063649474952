// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/okx/okx_requests.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

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

  std::string instrument_target(std::string_view symbol,
                                std::string_view) const override {
    // BTC-USDT, BTC-USDT-SWAP, BTC-USD-240927, BTC-USD-240927-60000-C.
    const auto parts = std::count(symbol.begin(), symbol.end(), '-') + 1;
    const char* const type = parts == 2                  ? "SPOT"
                             : symbol.ends_with("-SWAP") ? "SWAP"
                             : parts == 3                ? "FUTURES"
                                                         : "OPTION";
    return absl::StrCat(
        "/api/v5/public/instruments?instType=", type,
        "&instId=", absl::string_view(symbol.data(), symbol.size()));
  }
  InstrumentFormat instrument_format() const override {
    return {.list = "data",
            .symbol = "instId",
            .tick = "tickSz",
            .lot = "lotSz",
            .status = "state",
            .trading = "live"};
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
