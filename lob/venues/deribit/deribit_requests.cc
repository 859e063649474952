// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/deribit/deribit_requests.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace wirebook {
namespace {

std::string request(const char* method, const std::vector<std::string>& symbols,
                    const SubscriptionOptions& options) {
  std::vector<std::string> channels;
  for (const std::string& symbol : symbols) {
    channels.push_back(absl::StrCat("\"book.", symbol, ".100ms\""));
    if (options.best_bid_offer) {
      channels.push_back(absl::StrCat("\"quote.", symbol, "\""));
    }
  }
  return absl::StrCat("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"public/",
                      method, "\",\"params\":{\"channels\":[",
                      absl::StrJoin(channels, ","), "]}}");
}

}  // namespace

std::string DeribitRequests::subscribe(
    const std::vector<std::string>& symbols,
    const SubscriptionOptions& options) const {
  return request("subscribe", symbols, options);
}

std::string DeribitRequests::unsubscribe(
    const std::vector<std::string>& symbols,
    const SubscriptionOptions& options) const {
  return request("unsubscribe", symbols, options);
}

std::string DeribitRequests::snapshot_target(std::string_view, int) const {
  return std::string();
}

KeepAlive DeribitRequests::keep_alive() const {
  return {.text = "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"public/test\"}",
          .interval_ns = 30'000'000'000};
}

}  // namespace wirebook
