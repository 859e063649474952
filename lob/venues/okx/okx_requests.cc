// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/okx/okx_requests.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace wirebook {
namespace {

std::string argument(const char* channel, const std::string& symbol) {
  return absl::StrCat("{\"channel\":\"", channel, "\",\"instId\":\"", symbol,
                      "\"}");
}

std::string request(const char* operation,
                    const std::vector<std::string>& symbols,
                    const SubscriptionOptions& options) {
  std::vector<std::string> arguments;
  for (const std::string& symbol : symbols) {
    arguments.push_back(argument("books", symbol));
    if (options.best_bid_offer) {
      arguments.push_back(argument("bbo-tbt", symbol));
    }
  }
  return absl::StrCat("{\"op\":\"", operation, "\",\"args\":[",
                      absl::StrJoin(arguments, ","), "]}");
}

}  // namespace

std::string OkxRequests::subscribe(const std::vector<std::string>& symbols,
                                   const SubscriptionOptions& options) const {
  return request("subscribe", symbols, options);
}

std::string OkxRequests::unsubscribe(const std::vector<std::string>& symbols,
                                     const SubscriptionOptions& options) const {
  return request("unsubscribe", symbols, options);
}

std::string OkxRequests::snapshot_target(std::string_view, int) const {
  return std::string();
}

KeepAlive OkxRequests::keep_alive() const {
  return {.text = "ping", .interval_ns = 20'000'000'000};
}

}  // namespace wirebook
