// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/gate/gate_requests.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace wirebook {
namespace {

constexpr int kMostLevels = 100;

class GateRequests final : public VenueRequests {
 public:
  explicit GateRequests(bool spot) : spot_(spot) {}

  size_t symbols_a_request() const override { return 1; }

  std::string snapshot_target(std::string_view symbol,
                              int limit) const override {
    const absl::string_view name(symbol.data(), symbol.size());
    const std::string path =
        spot_ ? "spot/order_book?currency_pair="
        : symbol.ends_with("_USD")
            // Contracts on the dollar are settled in bitcoin.
            ? "futures/btc/order_book?contract="
            : "futures/usdt/order_book?contract=";
    return absl::StrCat("/api/v4/", path, name,
                        "&limit=", std::min(limit, kMostLevels),
                        "&with_id=true");
  }
  std::string_view snapshot_symbol(std::string_view target) const override {
    return target_part(target, "/order_book?",
                       spot_ ? "currency_pair=" : "contract=");
  }

  std::string instrument_target(std::string_view symbol,
                                std::string_view) const override {
    return absl::StrCat("/api/v4/",
                        spot_                      ? "spot/currency_pairs/"
                        : symbol.ends_with("_USD") ? "futures/btc/contracts/"
                                                   : "futures/usdt/contracts/",
                        absl::string_view(symbol.data(), symbol.size()));
  }
  InstrumentFormat instrument_format() const override {
    if (spot_) {
      return {.symbol = "id",
              .tick = "precision",
              .lot = "amount_precision",
              .counts_decimals = true,
              .status = "trade_status",
              .trading = "tradable"};
    }
    // Sizes are numbers of contracts.
    return {.symbol = "name",
            .tick = "order_price_round",
            .status = "in_delisting",
            .trading = "false"};
  }

 private:
  std::string request(const char* verb, const std::vector<std::string>& symbols,
                      const SubscriptionOptions& options) const override {
    return absl::StrCat("{\"time\":", options.unix_seconds, ",\"channel\":\"",
                        spot_ ? "spot" : "futures",
                        ".order_book_update\",\"event\":\"", verb,
                        "\",\"payload\":[\"", symbols.front(), "\",\"100ms\"",
                        spot_ ? "" : ",\"100\"", "]}");
  }

  const bool spot_;
};

}  // namespace

const VenueRequests& gate_requests(VenueId venue) {
  static const GateRequests spot(/*spot=*/true);
  static const GateRequests futures(/*spot=*/false);
  return venue == VenueId::kGate ? spot : futures;
}

}  // namespace wirebook
