// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/kucoin/kucoin_requests.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace wirebook {
namespace {

constexpr char kPath[] = "/api/v1/market/orderbook/level2_100?";

class KucoinRequests final : public VenueRequests {
 public:
  size_t symbols_a_request() const override { return 100; }

  std::string snapshot_target(std::string_view symbol, int) const override {
    return absl::StrCat(
        kPath, "symbol=", absl::string_view(symbol.data(), symbol.size()));
  }
  std::string_view snapshot_symbol(std::string_view target) const override {
    return target_part(target, "/orderbook/level2", "symbol=");
  }

  KeepAlive keep_alive() const override {
    return {.text = "{\"id\":2,\"type\":\"ping\"}",
            .interval_ns = 18'000'000'000};
  }

  std::string instrument_target(std::string_view symbol,
                                std::string_view) const override {
    return absl::StrCat("/api/v2/symbols/",
                        absl::string_view(symbol.data(), symbol.size()));
  }
  InstrumentFormat instrument_format() const override {
    return {.list = "data",
            .tick = "priceIncrement",
            .lot = "baseIncrement",
            .status = "enableTrading",
            .trading = "true"};
  }

 private:
  std::string request(const char* verb, const std::vector<std::string>& symbols,
                      const SubscriptionOptions&) const override {
    return absl::StrCat("{\"id\":1,\"type\":\"", verb,
                        "\",\"topic\":\"/market/level2:",
                        absl::StrJoin(symbols, ","), "\",\"response\":true}");
  }
};

}  // namespace

const VenueRequests& kucoin_requests() {
  static const KucoinRequests requests;
  return requests;
}

}  // namespace wirebook
