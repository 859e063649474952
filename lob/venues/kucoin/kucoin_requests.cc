// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/kucoin/kucoin_requests.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace wirebook {
namespace {

constexpr char kPath[] = "/api/v1/market/orderbook/level2_100?";

std::string request(const char* type, const std::vector<std::string>& symbols) {
  return absl::StrCat("{\"id\":1,\"type\":\"", type,
                      "\",\"topic\":\"/market/level2:",
                      absl::StrJoin(symbols, ","), "\",\"response\":true}");
}

}  // namespace

std::string KucoinRequests::subscribe(const std::vector<std::string>& symbols,
                                      const SubscriptionOptions&) const {
  return request("subscribe", symbols);
}

std::string KucoinRequests::unsubscribe(const std::vector<std::string>& symbols,
                                        const SubscriptionOptions&) const {
  return request("unsubscribe", symbols);
}

std::string KucoinRequests::snapshot_target(std::string_view symbol,
                                            int) const {
  return absl::StrCat(
      kPath, "symbol=", absl::string_view(symbol.data(), symbol.size()));
}

std::string_view KucoinRequests::snapshot_symbol(
    std::string_view target) const {
  return target_part(target, "/orderbook/level2", "symbol=");
}

KeepAlive KucoinRequests::keep_alive() const {
  return {.text = "{\"id\":2,\"type\":\"ping\"}",
          .interval_ns = 18'000'000'000};
}

}  // namespace wirebook
