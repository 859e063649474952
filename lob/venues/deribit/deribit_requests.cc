// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/deribit/deribit_requests.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace wirebook {
namespace {

class DeribitRequests final : public VenueRequests {
 public:
  KeepAlive keep_alive() const override {
    return {.text = "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"public/test\"}",
            .interval_ns = 30'000'000'000};
  }

  std::string instrument_target(std::string_view symbol,
                                std::string_view) const override {
    return absl::StrCat("/api/v2/public/get_instrument?instrument_name=",
                        absl::string_view(symbol.data(), symbol.size()));
  }
  InstrumentFormat instrument_format() const override {
    // Dearer options have larger ticks, each a multiple of this one.
    return {.list = "result",
            .symbol = "instrument_name",
            .tick = "tick_size",
            .lot = "min_trade_amount",
            .status = "is_active",
            .trading = "true"};
  }

 private:
  std::string request(const char* verb, const std::vector<std::string>& symbols,
                      const SubscriptionOptions& options) const override {
    std::vector<std::string> channels;
    for (const std::string& symbol : symbols) {
      channels.push_back(absl::StrCat("\"book.", symbol, ".100ms\""));
      if (options.best_bid_offer) {
        channels.push_back(absl::StrCat("\"quote.", symbol, "\""));
      }
    }
    return absl::StrCat("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"public/",
                        verb, "\",\"params\":{\"channels\":[",
                        absl::StrJoin(channels, ","), "]}}");
  }
};

}  // namespace

const VenueRequests& deribit_requests() {
  static const DeribitRequests requests;
  return requests;
}

}  // namespace wirebook
