// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/bitstamp/bitstamp_requests.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace wirebook {
namespace {

constexpr char kPath[] = "/api/v2/order_book/";

class BitstampRequests final : public VenueRequests {
 public:
  size_t symbols_a_request() const override { return 1; }

  std::string snapshot_target(std::string_view symbol, int) const override {
    return absl::StrCat(kPath, absl::string_view(symbol.data(), symbol.size()));
  }
  std::string orders_target(std::string_view symbol) const override {
    return absl::StrCat(snapshot_target(symbol, 0), "/?group=2");
  }
  std::string_view snapshot_symbol(std::string_view target) const override {
    const std::string_view rest = target_part(target, kPath, kPath);
    return rest.substr(0, rest.find_first_of("/?"));
  }

  KeepAlive keep_alive() const override {
    return {.text = "{\"event\":\"bts:heartbeat\"}",
            .interval_ns = 20'000'000'000};
  }

  std::string instrument_target(std::string_view,
                                std::string_view) const override {
    return "/api/v2/trading-pairs-info/";
  }
  InstrumentFormat instrument_format() const override {
    return {.symbol = "url_symbol",
            .tick = "counter_decimals",
            .lot = "base_decimals",
            .counts_decimals = true,
            .status = "trading",
            .trading = "Enabled"};
  }

 private:
  std::string request(const char* verb, const std::vector<std::string>& symbols,
                      const SubscriptionOptions& options) const override {
    return absl::StrCat("{\"event\":\"bts:", verb,
                        "\",\"data\":{\"channel\":\"",
                        options.orders ? "live_orders_" : "diff_order_book_",
                        symbols.front(), "\"}}");
  }
};

}  // namespace

const VenueRequests& bitstamp_requests() {
  static const BitstampRequests requests;
  return requests;
}

}  // namespace wirebook
