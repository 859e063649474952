// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/binance/binance_requests.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace wirebook {
namespace {

class BinanceRequests final : public VenueRequests {
 public:
  explicit BinanceRequests(VenueId venue) : venue_(venue) {}

  std::string snapshot_target(std::string_view symbol,
                              int limit) const override {
    return absl::StrCat(
        venue_ == VenueId::kBinanceUsdm    ? "/fapi/v1"
        : venue_ == VenueId::kBinanceCoinm ? "/dapi/v1"
                                           : "/api/v3",
        "/depth?symbol=", absl::string_view(symbol.data(), symbol.size()),
        "&limit=", limit);
  }

  std::string instrument_target(std::string_view symbol,
                                std::string_view) const override {
    if (venue_ == VenueId::kBinanceUsdm) return "/fapi/v1/exchangeInfo";
    if (venue_ == VenueId::kBinanceCoinm) return "/dapi/v1/exchangeInfo";
    return absl::StrCat("/api/v3/exchangeInfo?symbol=",
                        absl::string_view(symbol.data(), symbol.size()));
  }
  InstrumentFormat instrument_format() const override {
    return {.list = "symbols",
            .tick = "filters.PRICE_FILTER.tickSize",
            .lot = "filters.LOT_SIZE.stepSize",
            .status =
                venue_ == VenueId::kBinanceCoinm ? "contractStatus" : "status",
            .trading = "TRADING"};
  }

 private:
  std::string request(const char* verb, const std::vector<std::string>& symbols,
                      const SubscriptionOptions& options) const override {
    std::vector<std::string> streams;
    for (const std::string& symbol : symbols) {
      // Streams are named in lower case, symbols in upper.
      const std::string lower = absl::AsciiStrToLower(symbol);
      streams.push_back(absl::StrCat("\"", lower, "@depth@100ms\""));
      if (options.best_bid_offer) {
        streams.push_back(absl::StrCat("\"", lower, "@bookTicker\""));
      }
    }
    return absl::StrCat("{\"method\":\"", absl::AsciiStrToUpper(verb),
                        "\",\"params\":[", absl::StrJoin(streams, ","),
                        "],\"id\":1}");
  }

  const VenueId venue_;
};

}  // namespace

const VenueRequests& binance_requests(VenueId venue) {
  static const BinanceRequests spot(VenueId::kBinanceSpot);
  static const BinanceRequests usdm(VenueId::kBinanceUsdm);
  static const BinanceRequests coinm(VenueId::kBinanceCoinm);
  if (venue == VenueId::kBinanceUsdm) return usdm;
  return venue == VenueId::kBinanceCoinm ? coinm : spot;
}

}  // namespace wirebook
