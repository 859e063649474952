// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/binance/binance_requests.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace wirebook {
namespace {

std::string request(const char* method, const std::vector<std::string>& symbols,
                    const SubscriptionOptions& options) {
  std::vector<std::string> streams;
  for (const std::string& symbol : symbols) {
    // Streams are named in lower case, symbols in upper.
    const std::string lower = absl::AsciiStrToLower(symbol);
    streams.push_back(absl::StrCat("\"", lower, "@depth@100ms\""));
    if (options.best_bid_offer) {
      streams.push_back(absl::StrCat("\"", lower, "@bookTicker\""));
    }
  }
  return absl::StrCat("{\"method\":\"", method, "\",\"params\":[",
                      absl::StrJoin(streams, ","), "],\"id\":1}");
}

}  // namespace

std::string BinanceRequests::subscribe(
    const std::vector<std::string>& symbols,
    const SubscriptionOptions& options) const {
  return request("SUBSCRIBE", symbols, options);
}

std::string BinanceRequests::unsubscribe(
    const std::vector<std::string>& symbols,
    const SubscriptionOptions& options) const {
  return request("UNSUBSCRIBE", symbols, options);
}

std::string BinanceRequests::snapshot_target(std::string_view symbol,
                                             int limit) const {
  return absl::StrCat(
      venue_ == VenueId::kBinanceUsdm    ? "/fapi/v1"
      : venue_ == VenueId::kBinanceCoinm ? "/dapi/v1"
                                         : "/api/v3",
      "/depth?symbol=", absl::string_view(symbol.data(), symbol.size()),
      "&limit=", limit);
}

}  // namespace wirebook
