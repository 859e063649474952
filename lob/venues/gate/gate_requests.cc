// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/gate/gate_requests.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace wirebook {
namespace {

constexpr int kMostLevels = 100;

}  // namespace

std::string GateRequests::request(const char* event, const std::string& symbol,
                                  const SubscriptionOptions& options) const {
  const bool spot = venue_ == VenueId::kGate;
  return absl::StrCat("{\"time\":", options.unix_seconds, ",\"channel\":\"",
                      spot ? "spot" : "futures",
                      ".order_book_update\",\"event\":\"", event,
                      "\",\"payload\":[\"", symbol, "\",\"100ms\"",
                      spot ? "" : ",\"100\"", "]}");
}

std::string GateRequests::subscribe(const std::vector<std::string>& symbols,
                                    const SubscriptionOptions& options) const {
  return request("subscribe", symbols.front(), options);
}

std::string GateRequests::unsubscribe(
    const std::vector<std::string>& symbols,
    const SubscriptionOptions& options) const {
  return request("unsubscribe", symbols.front(), options);
}

std::string GateRequests::snapshot_target(std::string_view symbol,
                                          int limit) const {
  const absl::string_view name(symbol.data(), symbol.size());
  const std::string path =
      venue_ == VenueId::kGate ? "spot/order_book?currency_pair="
      : symbol.ends_with("_USD")
          // Contracts on the dollar are settled in bitcoin.
          ? "futures/btc/order_book?contract="
          : "futures/usdt/order_book?contract=";
  return absl::StrCat("/api/v4/", path, name,
                      "&limit=", std::min(limit, kMostLevels), "&with_id=true");
}

std::string_view GateRequests::snapshot_symbol(std::string_view target) const {
  return target_part(target, "/order_book?",
                     venue_ == VenueId::kGate ? "currency_pair=" : "contract=");
}

}  // namespace wirebook
