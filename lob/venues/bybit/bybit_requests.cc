// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/bybit/bybit_requests.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace wirebook {
namespace {

constexpr int kUsualDepth = 200;

std::string request(const char* operation,
                    const std::vector<std::string>& symbols,
                    const SubscriptionOptions& options) {
  const int depth = options.depth > 0 ? options.depth : kUsualDepth;
  std::vector<std::string> topics;
  for (const std::string& symbol : symbols) {
    topics.push_back(absl::StrCat("\"orderbook.", depth, ".", symbol, "\""));
    if (options.best_bid_offer) {
      topics.push_back(absl::StrCat("\"orderbook.1.", symbol, "\""));
    }
  }
  return absl::StrCat("{\"op\":\"", operation, "\",\"args\":[",
                      absl::StrJoin(topics, ","), "]}");
}

}  // namespace

std::string BybitRequests::subscribe(const std::vector<std::string>& symbols,
                                     const SubscriptionOptions& options) const {
  return request("subscribe", symbols, options);
}

std::string BybitRequests::unsubscribe(
    const std::vector<std::string>& symbols,
    const SubscriptionOptions& options) const {
  return request("unsubscribe", symbols, options);
}

std::string BybitRequests::snapshot_target(std::string_view, int) const {
  return std::string();
}

KeepAlive BybitRequests::keep_alive() const {
  return {.text = "{\"op\":\"ping\"}", .interval_ns = 20'000'000'000};
}

}  // namespace wirebook
