// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/bybit/bybit_requests.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace wirebook {
namespace {

constexpr int kUsualDepth = 200;

class BybitRequests final : public VenueRequests {
 public:
  // Two topics each; on spot a request has ten at most
  // (bybit-exchange.github.io, "Connect", public channels, args limits).
  size_t symbols_a_request() const override { return 5; }
  KeepAlive keep_alive() const override {
    return {.text = "{\"op\":\"ping\"}", .interval_ns = 20'000'000'000};
  }

  std::string instrument_target(std::string_view symbol,
                                std::string_view url) const override {
    // wss://stream.bybit.com/v5/public/linear: the category is its last part.
    const std::string_view category = url.substr(url.rfind('/') + 1);
    return absl::StrCat(
        "/v5/market/instruments-info?category=",
        absl::string_view(category.data(), category.size()),
        "&symbol=", absl::string_view(symbol.data(), symbol.size()));
  }
  InstrumentFormat instrument_format() const override {
    return {.list = "result.list",
            .tick = "priceFilter.tickSize",
            .lot = "lotSizeFilter.qtyStep",
            .other_lot = "lotSizeFilter.basePrecision",  // spot
            .status = "status",
            .trading = "Trading"};
  }

 private:
  std::string request(const char* verb, const std::vector<std::string>& symbols,
                      const SubscriptionOptions& options) const override {
    const int depth = options.depth > 0 ? options.depth : kUsualDepth;
    std::vector<std::string> topics;
    for (const std::string& symbol : symbols) {
      topics.push_back(absl::StrCat("\"orderbook.", depth, ".", symbol, "\""));
      if (options.best_bid_offer) {
        topics.push_back(absl::StrCat("\"orderbook.1.", symbol, "\""));
      }
    }
    return absl::StrCat("{\"op\":\"", verb, "\",\"args\":[",
                        absl::StrJoin(topics, ","), "]}");
  }
};

}  // namespace

const VenueRequests& bybit_requests() {
  static const BybitRequests requests;
  return requests;
}

}  // namespace wirebook
